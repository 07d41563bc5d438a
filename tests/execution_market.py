"""A market by hand for execution algorithms, and a venue that treats their orders as the desk's planner would."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from quintet.core.execution.seen import Order
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import FOK, IOC, MARKET

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND


class Level(NamedTuple):
    price: int
    lots: int


class Moment(NamedTuple):
    """What an algorithm is shown; the touch is a tick on both sides of 10,000 unless said otherwise."""

    now_ns: int = START
    bid: int = 9_999
    ask: int = 10_001
    last: int = 10_000
    lots: int = 0
    tick: int = 1
    amends: bool = True
    is_spot: bool = False
    instrument: int = 0
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    orders: Sequence[Order] = ()

    def of(self, instrument: int) -> "Moment":
        return self._replace(instrument=instrument)


def a_book(lots: int, levels: int = 5) -> dict[str, tuple[Level, ...]]:
    """So many lots on each of the next prices of both sides of 10,000."""
    below = tuple(Level(9_999 - n, lots) for n in range(levels))
    return {"bids": below, "asks": tuple(Level(10_001 + n, lots) for n in range(levels))}


@dataclass
class Live:
    """An order of ours at the venue, as our side knows it; status is in flight, open, amending or ending."""

    want: Want
    left: int
    status: str = "in flight"
    becomes: Want | None = None

    def shown(self) -> Order:
        now = self.becomes or self.want
        lots = max(self.left, self.becomes.lots) if self.becomes else self.left
        wanted = self.becomes.lots if self.becomes else self.left
        ending = self.status == "ending"
        is_open = self.status == "open"
        return Order(
            now.side, lots, now.price, now.style, now.tag, now.reduce_only, now.instrument, wanted, is_open, ending
        )


@dataclass
class Venue:
    """Wants in, orders out. What is filled is told to `hear`; nothing is answered until the test says so."""

    hear: Callable[[int, int, int], None]
    moment: Moment = field(default_factory=Moment)
    orders: list[Live] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def seen(self) -> Moment:
        return self.moment._replace(orders=tuple(order.shown() for order in self.orders))

    def want(self, wants: list[Want]) -> None:
        """The planner: what stands for a want stays, what does not becomes one or is cancelled, the rest is placed."""
        unmet, spare = list(wants), []
        for order in self.orders:
            now = order.becomes or order.want
            found = next((want for want in unmet if _same_place(want, now)), None)
            if found is not None:
                unmet.remove(found)
            if order.status == "open" and (found is None or found.lots != order.left):
                spare.append((order, found))
        for order, found in spare:
            self._change(order, found, unmet)
        for want in unmet:
            self.orders.append(Live(want, want.lots))
            self.sent.append("place")

    def _change(self, order: Live, found: Want | None, unmet: list[Want]) -> None:
        of_kind = [want for want in unmet if _same_kind(want, order.want)]
        target = found or (of_kind[0] if of_kind else None)
        if not self.moment.amends or target is None:
            order.status = "ending"
            self.sent.append("cancel")
            return
        if target in unmet:
            unmet.remove(target)
        order.status, order.becomes = "amending", target
        self.sent.append("amend")

    def answer(self, order: Live) -> None:
        """What is under way with an order has happened."""
        if order.status == "in flight":
            order.status = "open"
            if order.want.style in (IOC, MARKET, FOK):
                self.orders.remove(order)
        elif order.status == "amending":
            assert order.becomes is not None
            order.want, order.left, order.status, order.becomes = order.becomes, order.becomes.lots, "open", None
        elif order.status == "ending":
            self.orders.remove(order)

    def answer_all(self) -> None:
        for order in list(self.orders):
            self.answer(order)

    def fill(self, order: Live, lots: int) -> None:
        """The market has met it, in whatever state it is."""
        lots = min(lots, order.shown().lots)
        order.left -= lots
        if order.becomes is not None:
            order.becomes = order.becomes._replace(lots=order.becomes.lots - lots)
        side, tag = order.want.side, order.want.tag
        self.moment = self.moment._replace(lots=self.moment.lots + side * lots)
        if order.left <= 0 or (order.becomes is not None and order.becomes.lots <= 0):
            self.orders.remove(order)
        self.hear(side, lots, tag)

    def later(self, seconds: float, **changes: Any) -> None:
        now_ns = self.moment.now_ns + round(seconds * SECOND)
        self.moment = self.moment._replace(now_ns=now_ns, **changes)

    def at_risk(self, tag: int) -> int:
        """Lots of a tag that may still fill."""
        return sum(order.shown().lots for order in self.orders if order.want.tag == tag)


def _same_kind(one: Want, other: Want) -> bool:
    return one._replace(lots=0, price=0) == other._replace(lots=0, price=0)


def _same_place(one: Want, other: Want) -> bool:
    return one._replace(lots=0) == other._replace(lots=0)


class Runner:
    """One algorithm at one venue: `wake` is what a system does at every wake."""

    def __init__(self, rules: Any, **moment: Any) -> None:
        self.rules, self.wants = rules, list[Want]()
        self.venue = Venue(self.hear, Moment(**moment))
        self.state: Any = None

    def begin(self, side: int, lots: int, **told: Any) -> "Runner":
        self.state = self.rules.begin(self.venue.seen(), side, lots, **({"tag": 1} | told))
        self.wake()
        return self

    def hear(self, side: int, lots: int, tag: int) -> None:
        self.state = self.state.heard(side, lots, tag, 0)

    def wake(self, **told: Any) -> list[Want]:
        self.state, self.wants = self.rules.work(self.state, self.venue.seen(), **told)
        self.venue.want(self.wants)
        return self.wants

    def later(self, seconds: float, **changes: Any) -> list[Want]:
        """Time passes, the market changes, every answer comes, and it is woken."""
        self.venue.answer_all()
        self.venue.later(seconds, **changes)
        return self.wake()

    def filled(self, lots: int, n: int = 0) -> list[Want]:
        """The n-th order of ours is met, and the system woken."""
        self.venue.fill(self.venue.orders[n], lots)
        return self.wake()
