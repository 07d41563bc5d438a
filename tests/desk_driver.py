"""A desk without a market: events are handed to the step one by one, commands are read from its outbox."""

from typing import Any, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.engine.step import ROWS_OF_CHANGE, ROWS_OF_FILL, begin, finish, on_change, on_fill, on_status
from quintet.core.engine.world import Limits
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import FREE, LIMIT, MARKET, POST_ONLY
from quintet.core.records import table
from quintet.core.state import RESPONSE
from tests.desk_worlds import SECOND, SPOT_COIN, START, a_world


class Sent(NamedTuple):
    """A command as the dispatcher sees it."""

    kind: str
    side: int
    price: int
    lots: int
    number: int


class Desk:
    """One desk; `now` moves a millisecond with every event. The last price is 100.00 unless said otherwise."""

    def __init__(
        self,
        instrument: Instrument = SPOT_COIN,
        *,
        last: int = 10_000,
        lots: int = 0,
        limits: tuple[Limits, ...] = (Limits(),),
        capital: dict[str, int] | None = None,
        amends: bool = False,
    ) -> None:
        self.world = a_world(instrument, limits=limits, capital=capital)
        self.world.desk[0].shown.instruments[0].amends = int(amends)
        self.record: Any = self.world.desk[0]
        self.view = self.record.shown
        self.account = self.view.account[0]
        self.now = START
        self.execution = 0
        self.event(1)  # so that no order of ours bears number 0
        self.market(last)
        if lots:
            self.fill(0, lots=lots, price=last)  # of an order nobody remembers

    @property
    def orders(self) -> list[Any]:
        return [order for order in self.record.orders if order.status != FREE]

    def market(self, last: int, bid: int = 0, ask: int = 2**31) -> None:
        market = self.view.market[0]
        market.last, market.bid, market.ask, market.ts = last, bid, ask, self.now
        market.happened = self.now + 1

    def want(self, *wants: tuple[int, ...]) -> list[Sent]:
        """Side, price, lots, style (post-only), tag (0), reduce-only (0) of what is wanted; returns what is sent."""
        for n, one in enumerate(wants):
            side, price, lots, style, tag, reduce_only = (*one, *(POST_ONLY, 0, 0)[len(one) - 3 :])
            row = self.view.wants[n]
            row.reduce_only = reduce_only
            row.instrument, row.side, row.style, row.price, row.lots, row.tag = 0, side, style, price, lots, tag
        self.view.n = len(wants)
        self.event(1)
        return self.plan()

    def plan(self) -> list[Sent]:
        """Plan what is wanted already, as a system does that has nothing new to say."""
        self.view.dirty = 1
        with np.errstate(over="ignore"):
            finish(self.record)
        return self.sent()

    def sent(self) -> list[Sent]:
        """Empty the outbox."""
        names = {ev.PLACE: "place", ev.CANCEL: "cancel", ev.AMEND: "amend"}
        outbox = [
            Sent(names[int(c.kind)], int(c.side), int(c.price), int(c.lots), int(c.number))
            for c in self.record.outbox[: int(self.record.n_outbox)]
        ]
        self.record.n_outbox = self.record.n_filled = 0
        return outbox

    def event(self, rows: int) -> None:
        self.now += 1_000_000
        begin(self.record, rows, self.now)

    def later(self, seconds: int) -> None:
        self.now += seconds * SECOND

    def hear(self, kind: int, number: int) -> int:
        """A status message about an order; returns the wake."""
        self.event(1)
        with np.errstate(over="ignore"):
            return int(on_status(self.record, kind, number, -1, self.now))

    def accept(self, number: int) -> int:
        return self.hear(ev.ORDER_ACCEPTED, number)

    def canceled(self, number: int) -> int:
        return self.hear(ev.ORDER_CANCELED, number)

    def changed(self, number: int, price: int, lots: int, kind: int = ev.ORDER_AMENDED) -> int:
        """An order is another now; returns the wake."""
        self.event(ROWS_OF_CHANGE)
        with np.errstate(over="ignore"):
            return int(on_change(self.record, kind, number, -1, price, lots, self.now))

    def fill(
        self, number: int, lots: int, *, price: int = 0, side: int = 1, fee: int = 0, fee_asset: int = 0,
        maker: int = 1, execution: int = 0,
    ) -> int:  # fmt: skip
        """A fill, by default of the order's own side and price and of an execution never seen; returns the wake."""
        known = [order for order in self.record.orders if order.number == number and number]
        self.execution += 1
        answer = table(RESPONSE, 1)[0]
        answer.kind, answer.slot, answer.number, answer.instrument = ev.FILL, -1, number, 0
        answer.side = known[0].side if known else side
        answer.price = price or (known[0].price if known else 10_000)
        answer.lots, answer.maker, answer.fee, answer.fee_asset = lots, maker, fee, fee_asset
        answer.execution = execution or self.execution
        self.event(ROWS_OF_FILL)
        with np.errstate(over="ignore"):
            return int(on_fill(self.record, answer))

    def working(self, *wants: Any) -> list[int]:
        """Want these and have them all accepted; returns their numbers."""
        numbers = [command.number for command in self.want(*wants)]
        for number in numbers:
            self.accept(number)
        return numbers

    @property
    def reasons(self) -> list[int]:
        """Why what is refused was refused."""
        return [int(row.reason) for row in self.record.refusals[: int(self.record.remembered)]]


__all__ = ["LIMIT", "MARKET", "POST_ONLY", "Desk", "Sent"]
