"""Where a live feed is written down."""

from collections.abc import Sequence
from typing import Protocol

from quintet.core.market.tick_feed import Frame


class Recorder(Protocol):
    """Takes a feed as it comes; `storage.tick_recorder.TickRecorder` is one."""

    def take(self, frame: Frame) -> int:
        """One frame; returns how many rows it became."""

    def interrupt(self, recv_ns: int, why: str) -> None:
        """Nothing is known of the market from here on until the next snapshot."""

    def wants_snapshot(self) -> Sequence[str]:
        """Symbols whose book is not known."""
