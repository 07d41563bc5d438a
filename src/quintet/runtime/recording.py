"""A live feed on its way to a recorder: what was lost is said, and books that are not known are asked for again."""

from contextlib import aclosing
from typing import Final

from quintet.core.market.tick_feed import Frame
from quintet.ports.live_feed import Interruption, LiveFeed
from quintet.ports.recorder import Recorder

ASK_AGAIN_NS: Final = 5_000_000_000
"""A book that was asked for has so much time to come; then it is asked for once more."""


class Recording:
    """Takes everything that is heard, in order. `interruptions`: how often the line was lost; `latest`: why."""

    def __init__(self, feed: LiveFeed, recorder: Recorder) -> None:
        self.interruptions = 0
        self.latest = ""
        self._feed = feed
        self._recorder = recorder
        self._connected = False
        self._asked_ns: dict[str, int] = {}

    async def run(self) -> None:
        """For ever, until it is cancelled or the feed raises."""
        async with aclosing(self._feed.heard()) as heard:
            async for item in heard:
                if isinstance(item, Interruption):
                    self._lose(item)
                    continue
                self._recorder.take(item)
                await self._ask_for_books(item)

    def _lose(self, lost: Interruption) -> None:
        self._recorder.interrupt(lost.recv_ns, lost.why)
        self.interruptions += 1
        self.latest = lost.why
        self._connected = False
        self._asked_ns.clear()

    async def _ask_for_books(self, frame: Frame) -> None:
        """Ask for the books that are not known; those of a new connection may be on their way already."""
        wanted = self._recorder.wants_snapshot()
        if not self._connected and self._feed.begins_with_books:
            self._asked_ns = dict.fromkeys(wanted, frame.recv_ns)
        self._connected = True
        due = [symbol for symbol in wanted if self._is_due(symbol, frame.recv_ns)]
        self._asked_ns = {symbol: ns for symbol, ns in self._asked_ns.items() if symbol in wanted}
        if due:
            self._asked_ns |= dict.fromkeys(due, frame.recv_ns)
            await self._feed.ask_for_books(due)

    def _is_due(self, symbol: str, now_ns: int) -> bool:
        asked = self._asked_ns.get(symbol)
        return asked is None or now_ns - asked >= ASK_AGAIN_NS
