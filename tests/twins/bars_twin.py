"""The exchange of candle mode once more, from the sentences of `quintet.sim.bars`: lists, fractions, one thing a time.

It is told all requests beforehand, walks through the bars, and says what the venue answers. Numbers in brackets are
the sentences. Times ns, prices in increments, quantities in lots.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NamedTuple

Style = Literal["post-only", "limit", "ioc", "market", "stop", "fok", "take-profit"]
Policy = Literal["pessimistic", "optimistic", "ohlc", "olhc"]


class Bar(NamedTuple):
    start: int
    end: int
    open: int
    high: int
    low: int
    close: int
    volume: int


class Request(NamedTuple):
    """An order, or with `cancel` the wish to end it. `side` +1 buys, -1 sells; a market order has price 0."""

    ts: int
    decided: int
    number: int
    side: int = 1
    style: Style = "post-only"
    price: int = 0
    lots: int = 0
    cancel: bool = False


class Answer(NamedTuple):
    ts: int
    kind: str
    number: int
    price: int = 0
    lots: int = 0
    maker: bool = False
    fee: int = 0
    fee_in_base: bool = False


@dataclass
class Rules:
    """What the venue is told. Rates are fractions; `lot_value`: quote quanta of one increment of one lot."""

    policy: Policy = "pessimistic"
    spot: bool = True
    participation: Fraction = Fraction(1)
    touch: Fraction = Fraction(0)
    half_spread: Fraction = Fraction(0)
    slippage: Fraction = Fraction(0)
    stop_cap: Fraction = Fraction(1)
    maker_fee: Fraction = Fraction(0)
    taker_fee: Fraction = Fraction(0)
    fee_in_base: bool = False
    lot_value: int = 1
    base_of_lot: int = 1
    response: int = 0  # ns from the venue to us


@dataclass
class Order:
    number: int
    side: int
    style: Style
    price: int
    lots: int
    decided: int
    arrived: int
    waits_to_take: bool = False

    @property
    def is_resting_limit(self) -> bool:
        return self.style in ("post-only", "limit")


@dataclass
class BarExchange:
    rules: Rules
    held: int  # base quanta on spot, lots on contracts
    orders: list[Order] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    here: int = 0  # the last price known, 0 = none
    room: int = 0
    bar: Bar | None = None  # the bar that has begun and not ended

    def run(self, bars: list[Bar], requests: list[Request]) -> list[Answer]:
        waiting = sorted(requests, key=lambda request: request.ts)
        for bar in bars:
            waiting = self.let_arrive(waiting, bar.start)
            self.bar = bar
            self.opening_print(bar)
            for begun, ends, target in self.parts(bar):
                waiting = self.let_arrive(waiting, ends - 1)
                self.part(bar, begun, ends, self.target(bar, target))
            waiting = self.let_arrive(waiting, bar.end - 1)
            self.bar = None
        self.let_arrive(waiting, 2**62)
        return self.answers

    def let_arrive(self, waiting: list[Request], until: int) -> list[Request]:
        """All that reaches the venue up to and including `until`; the rest is returned."""
        for request in [r for r in waiting if r.ts <= until]:
            self.arrive(request)
        return [r for r in waiting if r.ts > until]

    # ---- the parts of a bar -------------------------------------------------------------------------------------
    def parts(self, bar: Bar) -> list[tuple[int, int, str]]:
        """[8] When each part begins, when it ends, and where it leads."""
        third = (bar.end - bar.start) // 3
        first, second = bar.start + third, bar.start + 2 * third
        latest = max(bar.start, bar.end - 1 - self.rules.response)  # [11]
        if self.rules.policy == "pessimistic":
            return [(bar.start, latest, "range")]
        return [
            (bar.start, min(first, latest), "first"),
            (first, min(second, latest), "second"),
            (second, latest, "close"),
        ]

    def target(self, bar: Bar, name: str) -> int | None:
        if name == "range":
            return None
        if name == "close":
            return bar.close
        if name == "first":
            self.high_first = self.rules.policy == "ohlc" or (
                self.rules.policy == "optimistic" and any(o.style == "stop" for o in self.orders) and self.held >= 0
            )
        return bar.high if (name == "first") == self.high_first else bar.low

    def opening_print(self, bar: Bar) -> None:
        """[1]"""
        self.room = math.floor(bar.volume * self.rules.participation)
        for side in (1, -1):
            jumped = [
                o for o in self.orders
                if o.is_resting_limit and not o.waits_to_take and o.side == side and side * (o.price - bar.open) > 0
            ]  # fmt: skip
            for order in sorted(jumped, key=lambda o: (-side * o.price, o.number)):
                self.fill_maker(order, order.lots, bar.start)
        for order in sorted((o for o in self.orders if o.waits_to_take), key=lambda o: o.number):
            self.take(order, bar.open, bar.start)
        for side in (-1, 1):
            reached = [
                o for o in self.orders if o.style == "stop" and o.side == side and side * (bar.open - o.price) >= 0
            ]
            for order in sorted(reached, key=lambda o: (side * o.price, o.number)):
                self.trigger(order, bar.open, bar.start)
        self.here = bar.open

    def part(self, bar: Bar, begun: int, ends: int, target: int | None) -> None:
        if target is None:
            self.whole_range(bar, begun, ends)
            self.here = bar.close
            return
        direction = 1 if target >= self.here else -1
        for order in self.on_the_way(bar, begun, direction, target, limits=True, stops=True):
            self.meet(order, bar, direction, target, ends)
        self.here = target

    def whole_range(self, bar: Bar, begun: int, ends: int) -> None:
        """[8] First what adds, then stops, then what takes profit if no stop was reached."""
        ends_at = {1: bar.high, -1: bar.low}
        adding = -1 if self.held >= 0 else 1  # a falling price meets bids, a rising one asks
        stopped = False
        for direction, limits in ((adding, True), (-1, False), (1, False), (-adding, True)):
            if limits and direction == -adding and stopped:
                return
            target = ends_at[direction]
            for order in self.on_the_way(bar, begun, direction, target, limits=limits, stops=not limits):
                stopped |= order.style == "stop"
                self.meet(order, bar, direction, target, ends)

    def on_the_way(self, bar: Bar, begun: int, direction: int, target: int, limits: bool, stops: bool) -> list[Order]:
        """[2] and [4] Who is met by a price moving to `target`, in turn."""
        met = []
        for order in self.orders:
            is_stop = order.style == "stop"
            wanted = (is_stop and stops and order.side == direction) or (
                order.is_resting_limit and limits and order.side == -direction
            )
            reached = order.price <= target if direction > 0 else order.price >= target
            knew_nothing = order.decided <= bar.start or order.arrived <= begun
            if wanted and reached and knew_nothing:
                met.append(order)
        return sorted(met, key=lambda o: (direction * o.price, o.style != "stop", o.number))

    def meet(self, order: Order, bar: Bar, direction: int, target: int, ts: int) -> None:
        if order not in self.orders:
            return  # a stop before it has cancelled it
        if order.style == "stop":
            worse = max(order.price, self.here) if direction > 0 else min(order.price, self.here)
            self.trigger(order, worse, ts)
            return
        beyond = abs(order.price - target)
        size = bar.high - bar.low
        if self.rules.policy == "optimistic" or (beyond > 0 and size == 0):
            available = bar.volume
        elif beyond > 0:
            available = math.floor(bar.volume * Fraction(min(beyond, size), size))  # [4]
        else:
            available = math.floor(bar.volume * self.rules.touch)  # [3]
        self.fill_maker(order, math.floor(available * self.rules.participation), ts)

    # ---- trades -------------------------------------------------------------------------------------------------
    def fill_maker(self, order: Order, available: int, ts: int) -> None:
        """[3] At its own price, as maker; [4] within the room; [10] no more than is held."""
        lots = min(order.lots, available, self.room, self.deliverable(order))
        if lots > 0:
            self.trade(order, order.price, lots, maker=True, ts=ts)

    def take(self, order: Order, price: int, ts: int) -> None:
        """[5]"""
        order.waits_to_take = False
        paid = worse(price, order.side, self.rules.half_spread + self.rules.slippage)
        lots = min(order.lots, self.room, self.deliverable(order))
        within = order.price == 0 or (paid <= order.price if order.side > 0 else paid >= order.price)
        if lots > 0 and within:
            self.trade(order, paid, lots, maker=False, ts=ts)
        if order in self.orders and order.style != "limit":
            self.end(order, "expired", ts)

    def trigger(self, order: Order, price: int, ts: int) -> None:
        """[7]"""
        for other in [o for o in self.orders if o.is_resting_limit and o.side == order.side]:
            self.end(other, "canceled", ts)
        held = -order.side * self.held
        if self.rules.spot:
            held //= self.rules.base_of_lot
        lots = min(order.lots, held, self.room)
        if lots > 0:
            slip = min(self.rules.half_spread + self.rules.slippage, self.rules.stop_cap)
            self.trade(order, worse(price, order.side, slip), lots, maker=False, ts=ts)
        if order in self.orders:
            self.end(order, "expired", ts)

    def deliverable(self, order: Order) -> int:
        if not self.rules.spot or order.side > 0:
            return order.lots
        return self.held // self.rules.base_of_lot

    def trade(self, order: Order, price: int, lots: int, maker: bool, ts: int) -> None:
        self.room -= lots
        rate = self.rules.maker_fee if maker else self.rules.taker_fee
        in_base = self.rules.fee_in_base and order.side > 0
        fee = math.ceil(lots * (self.rules.base_of_lot if in_base else price * self.rules.lot_value) * rate)
        self.held += order.side * lots * (self.rules.base_of_lot if self.rules.spot else 1)
        if self.rules.spot and in_base:
            self.held -= fee
        self.answers.append(Answer(ts, "fill", order.number, price, lots, maker, fee, in_base))
        order.lots -= lots
        if order.lots == 0:
            self.orders.remove(order)

    def end(self, order: Order, kind: str, ts: int) -> None:
        self.orders.remove(order)
        self.answers.append(Answer(ts, kind, order.number))

    # ---- requests -----------------------------------------------------------------------------------------------
    def arrive(self, request: Request) -> None:
        if request.cancel:
            found = [o for o in self.orders if o.number == request.number]
            if found:
                self.end(found[0], "canceled", request.ts)
            else:
                self.answers.append(Answer(request.ts, "cancel rejected", request.number))
            return
        if request.style in ("fok", "take-profit"):  # [12]
            self.answers.append(Answer(request.ts, "rejected", request.number))
            return
        order = Order(
            request.number, request.side, request.style, request.price, request.lots, request.decided, request.ts
        )
        would_take = order.is_resting_limit and self.here > 0 and self.crosses(order)
        if would_take and order.style == "post-only":  # [6]
            self.answers.append(Answer(request.ts, "expired", order.number))
            return
        self.orders.append(order)
        order.waits_to_take = would_take or order.style in ("ioc", "market")
        if order.style not in ("ioc", "market"):
            self.answers.append(Answer(request.ts, "accepted", order.number))
        if order.waits_to_take and self.bar is not None:
            self.take(order, self.price_inside(self.bar, order.side, request.ts), request.ts)

    def crosses(self, order: Order) -> bool:
        touch = worse(self.here, order.side, self.rules.half_spread)
        return order.price >= touch if order.side > 0 else order.price <= touch

    def price_inside(self, bar: Bar, side: int, ts: int) -> int:
        """[5] Where the price has gone since the open, for somebody it should hurt."""
        extreme = bar.high if side > 0 else bar.low
        third = (bar.end - bar.start) // 3
        price = bar.open + (extreme - bar.open) * Fraction(min(ts - bar.start, third), third)
        return math.ceil(price) if side > 0 else math.floor(price)


def worse(price: int, side: int, rate: Fraction) -> int:
    """`price` made worse for a taker, rounded against them."""
    return math.ceil(price * (1 + rate)) if side > 0 else math.floor(price * (1 - rate))
