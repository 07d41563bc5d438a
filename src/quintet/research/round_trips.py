"""From fills to trades as people count them: what was bought, until it was sold.

A **trade** here is one entry order: it opens with its first fill, and closes when the last whole lot of it has gone
out again, first in, first out. Its profit is what came in less what went out, both fees included, to the quantum. A
fee taken in base is base that never arrived. What is less than a lot cannot be sold alone: it stays with its trade and
adds to its profit when it leaves with a later lot. An order larger than the open position closes it and is itself the
next entry; on spot it is not, there it sells what was owned before.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quintet.core.errors import InputError
from quintet.core.instrument import Instrument


@dataclass
class Trade:
    """One entry order and what became of it; money in quanta of the quote asset, times in ns UTC.

    `side`: +1 long, -1 short; `entry_quanta`: what its fills were worth, a fee in quote included; `closed_ns`: None
    while a whole lot is open. What is left: `open_quantity` in base quanta on spot, else in lots, and what was paid for
    it, `open_cost_quanta`, negative for a short.
    """

    order: int
    tag: int
    side: int
    opened_ns: int
    entry_quanta: int = 0
    profit_quanta: int = 0
    closed_ns: int | None = None
    open_quantity: int = 0
    open_cost_quanta: int = 0

    @property
    def return_frac(self) -> float:
        """Profit over what was entered."""
        return self.profit_quanta / self.entry_quanta if self.entry_quanta else 0.0


class _Book:
    """Open trades, oldest first, all of one side."""

    def __init__(self, instrument: Instrument) -> None:
        if instrument.kind == "inverse":
            raise InputError(f"instrument {instrument.symbol}: trades are counted for spot and linear, found inverse")
        self.is_spot = instrument.kind == "spot"
        self.lot = instrument.base_quanta_per_lot if self.is_spot else 1
        self.worth = instrument.quanta_per_tick_lot
        self.trades: list[Trade] = []
        self.queue: deque[Trade] = deque()

    def take(self, fill: Any) -> None:
        """One FILL_RECORD, or anything with its fields."""
        side, lots = int(fill["side"]), int(fill["lots"])
        in_base = int(fill["fee"]) if fill["fee_asset"] else 0
        in_quote = 0 if fill["fee_asset"] else int(fill["fee"])
        worth = int(fill["price"]) * lots * self.worth
        quantity = lots * self.lot - (in_base if side > 0 else 0)
        cash = -side * worth - in_quote
        if self.queue and self.queue[0].side != side:
            quantity, cash = self._close(quantity, cash, int(fill["ts_event"]))
        if quantity and (side > 0 or not self.is_spot):
            self._open(fill, quantity, cash)

    def _open(self, fill: Any, quantity: int, cash: int) -> None:
        last = self.queue[-1] if self.queue else None
        if last is None or last.order != int(fill["number"]):
            last = Trade(int(fill["number"]), int(fill["tag"]), int(fill["side"]), int(fill["ts_event"]))
            self.trades.append(last)
            self.queue.append(last)
        last.closed_ns = None
        last.entry_quanta += abs(cash)
        last.open_quantity += quantity
        last.open_cost_quanta -= cash

    def _close(self, quantity: int, cash: int, ts_ns: int) -> tuple[int, int]:
        """Close the oldest trades; returns what is left of quantity and cash when none is open."""
        while quantity and self.queue:
            trade = self.queue[0]
            part = min(quantity, trade.open_quantity)
            # What division leaves over stays with what is left, so that nothing is lost at the end.
            paid = trade.open_cost_quanta * part // trade.open_quantity
            received = cash * part // quantity
            trade.profit_quanta += received - paid
            trade.open_cost_quanta -= paid
            trade.open_quantity -= part
            quantity, cash = quantity - part, cash - received
            if trade.open_quantity < self.lot and trade.closed_ns is None:
                trade.closed_ns = ts_ns
            if trade.open_quantity == 0:
                self.queue.popleft()
        return quantity, cash


def round_trips(fills: Sequence[Any], instrument: Instrument) -> list[Trade]:
    """The trades of FILL_RECORD rows of one instrument, in the order of their opening; raises InputError for inverse.

    Profits of all trades, less the cost of what is still open, are the money that all fills moved, to the quantum
    (on spot, without sales of what was owned before).
    """
    book = _Book(instrument)
    for fill in fills:
        book.take(fill)
    return book.trades
