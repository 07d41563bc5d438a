"""The rule that every client of the latency benchmark trades by, and what each of them notes while it does.

One bid, post-only, a fixed way below the best bid; it is amended whenever the best bid is another price. It imports
nothing that a peer's environment may lack.
"""

import json
import time
from pathlib import Path
from typing import Final, NamedTuple

SYMBOL: Final = "BTCUSDT"
TICK: Final = "0.1"
AWAY_TICKS: Final = 10
QUANTITY: Final = "0.010"
DEPTH: Final = 200


class Order(NamedTuple):
    """An order as it was encoded; ns from the frame that caused it: until it was text, until its write returned."""

    text: str
    encoded_ns: int
    written_ns: int


class Stamps:
    """The newest frame of the book, and each order with its moments, on a clock that nobody sets."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.syncs_ns: list[int] = []
        self._heard_ns = self._encoded_ns = 0

    def heard(self) -> None:
        """The bytes of a frame of the book were handed to the client."""
        self._heard_ns = time.perf_counter_ns()

    def encoded(self) -> None:
        """An order is text."""
        self._encoded_ns = time.perf_counter_ns()

    def written(self, text: str) -> None:
        """The write of its text has returned."""
        now_ns = time.perf_counter_ns()
        self.orders.append(Order(text, self._encoded_ns - self._heard_ns, now_ns - self._heard_ns))

    def save(self, path: str) -> None:
        """For the process that has started this one."""
        Path(path).write_text(json.dumps({"orders": self.orders, "syncs_ns": self.syncs_ns}))
