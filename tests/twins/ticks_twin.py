"""The exchange of tick mode once more, from the sentences of `quintet.sim`: dictionaries, lists, one thing a time.

It is told the market and all requests beforehand and says what reaches us, in order: messages of the feed, timers,
answers. One class a concept: the `Book` that is shown, the `Order` with its place in the queue, the `Exchange` where
both meet, and `what_we_hear` for the second clock. Times ns, prices in increments, quantities in lots.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from quintet.core.kernel import exp, log
from quintet.core.random import next_word, normal, seeded, uniform
from tests.twins.account_twin import Account, FeeTable, MarginTable

Style = Literal["post-only", "limit", "ioc", "market", "stop", "fok", "take-profit"]

Row = tuple[str, int, int] | tuple[str, int, int, int, str]
"""bid or ask (a level's new lots), buy or sell (a trade by such an aggressor), clear or gap (the feed lost the book),
status (1 lot: trading, none: halted), mark (a price), rate (of funding, in 1e-9 where lots stand); price; lots. On an
order-level feed a level says, too, which order moved it, and whether that has entered, changed or gone."""


class Message(NamedTuple):
    happened: int
    heard: int
    rows: tuple[Row, ...]


class Request(NamedTuple):
    """An order, or with `cancel` the wish to end it, with `amend` to change its price and all of its lots.

    `side` +1 buys, -1 sells; a market order has price 0.
    """

    sent: int
    number: int
    side: int = 1
    style: Style = "post-only"
    price: int = 0
    lots: int = 0
    cancel: bool = False
    amend: bool = False
    reduce_only: bool = False


class Answer(NamedTuple):
    happened: int
    heard: int
    kind: str
    number: int
    price: int = 0
    lots: int = 0
    maker: bool = False
    reason: str = "none"
    fee: int = 0


@dataclass
class Rules:
    """What the venue is told."""

    queue: str = "risk_averse"
    exponent: int = 3
    quantity_of_lot: float = 1.0
    partial: bool = False
    impact: bool = False
    market_bound: Fraction = Fraction(1, 20)
    self_trade: str = "cancel taker"
    orders_per_second: int = 0
    amends: bool = False
    keeps_place: bool = True
    funding_every: int = 0
    worth: int = 1
    balance: int = 0
    fee_tiers: list[tuple[int, Fraction, Fraction]] = field(default_factory=lambda: [(0, Fraction(0), Fraction(0))])
    turnover_before: int = 0
    margin: MarginTable = field(default_factory=MarginTable)
    travel: "Travel" = field(default_factory=lambda: Travel())


# ---- on the way ----------------------------------------------------------------------------------------------------
@dataclass
class Travel:
    """How long things travel. Recorded orders are (sent, arrived, heard)."""

    model: str = "constant"
    entry: int = 0
    response: int = 0
    seed: int = 0
    p99: int = 0
    least: int = 0
    recorded: list[tuple[int, int, int]] = field(default_factory=list)
    spike_every: int = 0
    spike_length: int = 0
    spike_factor: int = 1

    def wire(self, name: Literal["entry", "response"]) -> "Wire":
        return Wire(self, name, seeded(self.seed, f"latency of {name}")[0])

    def in_spike(self, ts: int) -> bool:
        if not self.spike_every:
            return False
        span, into = divmod(ts, self.spike_every)
        dice = seeded(self.seed, "latency spikes")[0]
        dice.word_0 ^= span & 0xFFFFFFFF
        dice.word_1 ^= span >> 32
        dice.word_3 |= 1
        for _ in range(16):
            next_word(dice)
        begins = int(uniform(dice) * (self.spike_every - self.spike_length))
        return begins <= into < begins + self.spike_length


@dataclass
class Wire:
    travel: Travel
    name: Literal["entry", "response"]
    dice: Any
    last: int = 0

    def arrival(self, ts: int) -> int:
        """Nothing overtakes."""
        longer = self.travel.spike_factor if self.travel.in_spike(ts) else 1
        self.last = max(self.last, ts + longer * self.duration(ts))
        return self.last

    def duration(self, ts: int) -> int:
        travel = self.travel
        median = travel.entry if self.name == "entry" else travel.response
        if travel.model == "constant":
            return median
        if travel.model == "drawn":
            scale = float(median - travel.least)
            sigma = log((travel.p99 - travel.least) / scale) / 2.3263478740408408
            return travel.least + int(scale * exp(sigma * normal(self.dice)))
        begins, ends = (0, 1) if self.name == "entry" else (1, 2)
        known = [(row[begins], row[ends] - row[begins]) for row in travel.recorded]
        before = [pair for pair in known if pair[0] <= ts][-1:]
        after = [pair for pair in known if pair[0] > ts][:1]
        if not before or not after:
            return (before or after)[0][1]
        (x_1, y_1), (x_2, y_2) = before[0], after[0]
        return int((y_2 - y_1) / (x_2 - x_1) * (ts - x_1)) + y_1


# ---- the queue ----------------------------------------------------------------------------------------------------
def ratio(above: float, below: float) -> float:
    """A share; where nothing is divided by nothing it says nothing."""
    if below == 0:
        return 1.0 if above != 0 else math.nan
    return above / below


def power(x: float, n: int) -> float:
    return math.prod([x] * n)


def share_behind(rules: Rules, ahead: float, behind: float) -> float:
    """The share of cancellations behind us, by model."""
    n = rules.exponent

    def ln(x: float) -> float:
        return log(1.0 + x * rules.quantity_of_lot)

    shares: dict[str, Callable[[], float]] = {
        "power": lambda: 1.0 - power(ahead / (ahead + behind), n),
        "power_ratio": lambda: ratio(power(behind, n), power(behind, n) + power(ahead, n)),
        "power_share": lambda: ratio(power(behind, n), power(ahead + behind, n)),
        "log_ratio": lambda: ratio(ln(behind), ln(behind) + ln(ahead)),
        "log_share": lambda: ratio(ln(behind), ln(ahead + behind)),
    }
    if rules.queue == "power" and ahead + behind == 0:
        return 1.0 if ahead != 0 else math.nan
    return shares[rules.queue]()


@dataclass
class Order:
    number: int
    side: int
    style: Style
    price: int
    lots: int
    slot: int = 0
    reduce_only: bool = False
    filled: int = 0
    ahead: float = 0.0
    traded: float = 0.0
    before: set[int] = field(default_factory=set)
    """Order-level feeds: orders that stood in the book when this one joined it."""

    def is_reached_by(self, price: int) -> bool:
        """Does a trade at `price` trigger it? A stop waits for the price to come against us, a take-profit for us."""
        rises = self.side if self.style == "stop" else -self.side
        return rises * (price - self.price) >= 0

    def level_changes(self, rules: Rules, old: int, new: int) -> None:
        """The level of our price is reported anew."""
        if rules.queue == "fifo":
            return
        gone = old - new - self.traded
        self.traded = 0.0
        if rules.queue != "risk_averse" and gone >= 0:
            behind = old - self.ahead
            share = share_behind(rules, self.ahead, behind)
            estimate = self.ahead - (1.0 - share) * gone + min(behind - share * gone, 0.0)
            self.ahead = new if math.isnan(estimate) else estimate
        self.ahead = min(self.ahead, float(new))

    def trade_reaches(self, rules: Rules, lots: int) -> int:
        """How many lots of a trade at our price come to us after those before us."""
        if rules.queue == "fifo":
            held_off = min(lots, max(0.0, self.ahead - self.traded))
            self.traded += lots
            return lots - int(held_off)
        self.ahead -= lots
        self.traded += lots if rules.queue != "risk_averse" else 0
        return max(0, math.floor(0.5 - self.ahead))


# ---- what is shown -------------------------------------------------------------------------------------------------
@dataclass
class Book:
    """Lots by price as last reported, +1: bids, -1: asks; and the best of each side, None when there is none.

    What a better opposite price has reached is no longer the best of its side; its level is not reported gone, and
    counts again when the best of its side comes past it.
    """

    levels: dict[int, dict[int, int]] = field(default_factory=lambda: {1: {}, -1: {}})
    best: dict[int, int | None] = field(default_factory=lambda: {1: None, -1: None})

    def at(self, side: int, price: int) -> int:
        return self.levels[side].get(price, 0)

    def improves(self, side: int, price: int) -> bool:
        best = self.best[side]
        return best is None or side * (price - best) > 0

    def report(self, side: int, price: int, lots: int) -> None:
        """A level holds `lots` from now on."""
        self.levels[side].pop(price, None)
        if lots:
            self.levels[side][price] = lots
        if lots and self.improves(side, price):
            self.best[side] = price
            other = self.best[-side]
            if other is not None and side * (price - other) >= 0:
                self.best[-side] = self.next(-side, price + side)
        elif not lots and price == self.best[side]:
            self.best[side] = self.next(side, price)

    def next(self, side: int, price: int) -> int | None:
        """The best level of a side that is not better than `price`."""
        return max((p for p in self.levels[side] if side * (price - p) >= 0), key=lambda p: side * p, default=None)

    def reachable(self, side: int, limit: Fraction | int) -> list[int]:
        """Prices a taker of `side` finds from the touch to its limit, the nearest first."""
        touch = self.best[-side]
        there = [p for p in self.levels[-side] if touch is not None and side * (p - touch) >= 0]
        return sorted((p for p in there if side * (limit - p) >= 0), key=lambda p: side * p)


# ---- the exchange --------------------------------------------------------------------------------------------------
@dataclass
class Exchange:
    """`orders` rest, in the order in which they joined the queue of their price; `waiting` wait for one."""

    rules: Rules
    book: Book = field(default_factory=Book)
    orders: list[Order] = field(default_factory=list)
    waiting: list[Order] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    last_trade: int | None = None
    mark: int | None = None
    funding_rate: Fraction = Fraction(0)
    halted: bool = False
    now: int = 0
    there: set[int] = field(default_factory=set)
    """Order-level feeds: the market's orders that were seen to enter and are still there."""
    reported: dict[tuple[int, int], int] = field(default_factory=dict)
    in_snapshot: bool = False

    def __post_init__(self) -> None:
        rules = self.rules
        fees = FeeTable(rules.fee_tiers, rules.turnover_before)
        self.account = Account(rules.worth, rules.balance, fees, rules.margin)
        self.way_in, self.way_back = self.rules.travel.wire("entry"), self.rules.travel.wire("response")
        self.arrivals: list[int] = []

    def run(self, messages: list[Message], requests: list[Request]) -> list[Answer]:
        """Everything in the order of the exchange's clock; at one moment the market goes first."""
        rows = [(m.happened, 0, n, row) for n, m in enumerate(messages) for row in m.rows]
        wishes = [(self.way_in.arrival(r.sent), 2, n, r) for n, r in enumerate(requests)]
        funding = [(ts, 1, 0, None) for ts in self.funding_times(messages)]
        self.slots = {r.number: slot for slot, r in enumerate(r for r in requests if not r.cancel and not r.amend)}
        for ts, _, n, what in sorted([*rows, *wishes, *funding], key=lambda item: item[:3]):  # type: ignore[list-item]
            self.now = ts
            if what is None:
                self.pay_funding()
            elif isinstance(what, Request):
                self.arrive(what)
            else:
                self.in_snapshot = "clear" in [row[0] for row in messages[n].rows]
                self.market(*what)
        return self.answers

    def funding_times(self, messages: list[Message]) -> range:
        """Whole multiples of the interval, after the tape's first row and before its last."""
        every = self.rules.funding_every
        first, last = messages[0].happened, messages[-1].happened
        return range((first // every + 1) * every, last, every) if every else range(0)

    def answer(self, kind: str, number: int, reason: str = "none", price: int = 0, lots: int = 0, fee: int = 0) -> None:
        heard = self.way_back.arrival(self.now)
        self.answers.append(Answer(self.now, heard, kind, number, price, lots, reason=reason, fee=fee))

    def answer_change(self, kind: str, order: Order) -> None:
        self.answer(kind, order.number, price=order.price, lots=order.filled + order.lots)

    @property
    def held(self) -> int:
        return self.account.lots

    def closable(self, order: Order) -> int:
        return max(0, -order.side * self.held)

    def by_slot(self) -> list[Order]:
        return sorted(self.orders, key=lambda o: o.slot)

    # ---- money ----
    def pay_funding(self) -> None:
        mark = self.mark or self.last_trade
        if self.held and mark and self.funding_rate:
            self.answer("funding", 0, price=mark, fee=self.account.pay_funding(mark, self.funding_rate))
        self.watch_margin()

    def watch_margin(self) -> None:
        if not self.account.is_lost(self.mark or self.last_trade or 0):
            return
        for order in sorted(self.orders + self.waiting, key=lambda o: o.slot):
            self.answer("canceled", order.number, "position liquidated")
        self.orders, self.waiting = [], []
        _, price, lots, fee = self.account.take_over()
        self.answer("liquidation", 0, price=price, lots=lots, fee=fee)

    def is_short(self, order: Order, price: int, lots: int) -> bool:
        """Does the margin not suffice for an order of `lots` at `price` in the place of this one?"""
        account = self.account
        if account.margin.mode == "none":
            return False
        mark = self.mark or self.last_trade or 0
        if not price:
            price = self.book.best[-order.side] or self.last_trade or 0
        needed = account.bound_by_order(order.side, price, lots)
        others = sum(account.bound_by_order(o.side, o.price, o.lots) for o in self.orders if o is not order)
        return needed > 0 and needed > account.balance - account.bound_by_position(mark) - others

    # ---- the market moves ----
    def market(self, kind: str, price: int, lots: int, who: int = 0, what: str = "") -> None:
        if kind in ("bid", "ask"):
            if what:
                self.order(1 if kind == "bid" else -1, price, lots, who, what)
            self.level(1 if kind == "bid" else -1, price, lots)
            return
        if kind == "status":
            self.halted = lots == 0
            for side in (1, -1):
                self.fill_reached(side)
            return
        if kind in ("clear", "gap"):
            self.book = Book()
            self.there, self.reported = set(), {}
            for ours in self.orders if self.rules.queue == "fifo" else []:
                ours.ahead = ours.traded = 0.0
            return
        if kind == "rate":
            self.funding_rate = Fraction(lots, 10**9)
            return
        if kind == "mark":
            self.mark = price
            self.watch_margin()
            return
        self.trade(1 if kind == "buy" else -1, price, lots)
        self.last_trade = price
        for order in sorted(self.waiting, key=lambda o: o.number):
            if order.is_reached_by(price) and not self.halted:
                self.trigger(order)
        if self.mark is None:
            self.watch_margin()

    def order(self, side: int, price: int, total: int, who: int, what: str) -> None:
        """An order of the market moves its level to a new total: what that does to the queues of ours there."""
        moved = total - self.reported.get((side, price), 0)
        self.reported[side, price] = total
        known = who in self.there
        if what == "entered":
            self.there.add(who)
            for ours in self.orders:
                ours.before.discard(who)
        elif what == "gone":
            self.there.discard(who)
        for ours in [o for o in self.orders if o.side == side and o.price == price]:
            if what == "entered" and self.in_snapshot:
                ours.before |= self.there
                ours.ahead += moved
            stands_before = what != "entered" and (who in ours.before or not known)
            ours.traded = max(0.0, ours.traded + moved) if stands_before and moved < 0 else 0.0
            if stands_before:
                ours.ahead = max(0.0, ours.ahead + moved)

    def level(self, side: int, price: int, lots: int) -> None:
        for order in [o for o in self.orders if o.side == side and o.price == price]:
            order.level_changes(self.rules, self.book.at(side, price), lots)
        reaches = lots > 0 and self.book.improves(side, price)
        self.book.report(side, price, lots)
        if reaches:
            self.fill_reached(side)

    def fill_reached(self, side: int) -> None:
        """Our orders that the best price of a side has reached."""
        best = self.book.best[side]
        if best is None or self.halted:
            return
        for order in [o for o in self.by_slot() if o.side == -side and side * (best - o.price) >= 0]:
            self.fill_whole(order)

    def trade(self, aggressor: int, price: int, lots: int) -> None:
        hit = [o for o in self.by_slot() if o.side == -aggressor and not self.halted]
        if not self.rules.partial:
            hit = [o for o in hit if aggressor * (price - o.price) >= 0]
            for order in hit:
                if order.price != price or (order in self.orders and order.trade_reaches(self.rules, lots)):
                    self.fill_whole(order)
            return
        for order in [o for o in hit if aggressor * (price - o.price) > 0]:
            self.fill_whole(order)
        taken = 0  # by orders of ours that stand before it in the queue
        for order in [o for o in self.orders if o in hit and o.price == price]:
            if order not in self.orders:  # reduce-only, and an older one has closed the position
                continue
            reached = order.trade_reaches(self.rules, lots)
            if reached:
                order.ahead = 0.0
                filled = min(max(min(reached, lots) - taken, 0), order.lots)
                taken += filled
                self.fill(order, price, filled, maker=True)

    def trigger(self, order: Order) -> None:
        self.waiting.remove(order)
        for other in [o for o in self.by_slot() if o.side == order.side]:
            self.orders.remove(other)
            self.answer("canceled", other.number, "makes room for what closes")
        closable = self.closable(order)
        wanted, order.lots = order.lots, min(order.lots, closable)
        order.style, order.price = "market", 0
        reason = "nothing to close"
        if closable:
            reason = self.take(order)
            if closable < wanted and not order.lots:
                reason = "nothing to close"
        left = order.lots + max(0, wanted - closable)
        if left:
            self.answer("expired", order.number, reason)

    # ---- orders trade ----
    def fill_whole(self, order: Order) -> None:
        if order in self.orders:
            self.fill(order, order.price, order.lots, maker=True)

    def fill(self, order: Order, price: int, lots: int, maker: bool) -> None:
        if not lots:
            return
        order.lots -= lots
        order.filled += lots
        if not order.lots and order in self.orders:
            self.orders.remove(order)
        fee = self.account.trade(self.now, order.side, price, lots, maker)
        heard = self.way_back.arrival(self.now)
        self.answers.append(Answer(self.now, heard, "fill", order.number, price, lots, maker, fee=fee))
        self.cut_reducing()

    def cut_reducing(self) -> None:
        """What may only reduce is never for more than the position."""
        for order in [o for o in self.by_slot() if o.reduce_only]:
            if not self.closable(order):
                self.orders.remove(order)
                self.answer("canceled", order.number, "nothing to close")
            elif order.lots > self.closable(order):
                order.lots = self.closable(order)
                self.answer_change("reduced", order)

    # ---- requests ----
    def arrive(self, request: Request) -> None:
        if request.cancel:
            found = [o for o in self.orders + self.waiting if o.number == request.number]
            self.answer("canceled" if found else "cancel rejected", request.number)
            self.orders = [o for o in self.orders if o not in found]
            self.waiting = [o for o in self.waiting if o not in found]
            return
        if request.amend:
            self.amend(request)
            return
        order = Order(request.number, request.side, request.style, request.price, request.lots)
        order.slot, order.reduce_only = self.slots[request.number], request.reduce_only
        waits = order.style in ("stop", "take-profit")
        if self.halted:
            self.answer("rejected", order.number, "not trading")
        elif self.is_one_too_many():
            self.answer("rejected", order.number, "too many orders in a second")
        elif not waits and order.reduce_only and not self.closable(order):
            self.answer("rejected", order.number, "nothing to close")
        elif not waits and not order.reduce_only and self.is_short(order, order.price, order.lots):
            self.answer("rejected", order.number, "margin is short")
        elif order.style in ("stop", "take-profit"):
            self.answer("accepted", order.number)
            self.waiting.append(order)
            if self.last_trade is not None and order.is_reached_by(self.last_trade):
                self.trigger(order)
        else:
            if order.reduce_only and order.lots > self.closable(order):
                order.lots = self.closable(order)
                self.answer_change("reduced", order)
            self.trade_or_rest(order)

    def is_one_too_many(self) -> bool:
        self.arrivals.append(self.now)
        this_second = sum(ts // 10**9 == self.now // 10**9 for ts in self.arrivals)
        return 0 < self.rules.orders_per_second < this_second

    def amend(self, request: Request) -> None:
        """Change what is found of an order, or say why not."""
        found = [o for o in self.orders + self.waiting if o.number == request.number]
        reason = ""
        if not self.rules.amends:
            reason = "venue does not amend"
        elif self.halted:
            reason = "not trading"
        elif self.is_one_too_many():
            reason = "too many orders in a second"
        elif not found:
            reason = "the order is over"
        elif request.lots <= found[0].filled:
            reason = "more is filled than it shall have"
        elif found[0] in self.orders and not found[0].reduce_only:
            if self.is_short(found[0], request.price, request.lots - found[0].filled):
                reason = "margin is short"
        if reason:
            self.answer("amend rejected", request.number, reason)
            return
        order, lots = found[0], request.lots - found[0].filled
        if order.reduce_only:
            lots = min(lots, self.closable(order))
        if order in self.waiting:
            order.price, order.lots = request.price, lots
            self.answer_change("amended", order)
            if self.last_trade is not None and order.is_reached_by(self.last_trade):
                self.trigger(order)
        elif self.rules.keeps_place and order.price == request.price and lots <= order.lots:
            order.lots = lots
            self.answer_change("amended", order)
        else:
            self.orders.remove(order)
            order.price, order.lots = request.price, lots
            order.traded = 0.0
            self.trade_or_rest(order, amended=True)

    def trade_or_rest(self, order: Order, amended: bool = False) -> None:
        wanted = order.lots
        touch = self.book.best[-order.side]
        crosses = touch is not None and (order.style == "market" or order.side * (order.price - touch) >= 0)
        ours = self.our_own_within(order, order.price) if order.style != "market" else []
        meets_us = bool(ours) and (touch is None or order.side * (touch - ours[0].price) >= 0)
        reason = "nothing left within its limit"
        if order.style == "post-only" and (crosses or meets_us):
            self.answer("expired", order.number, "meets our own order" if meets_us else "post-only would take")
            return
        if amended:
            self.answer_change("amended", order)
        if crosses or meets_us:
            reason = self.take(order)
        if order.lots and (order.style not in ("post-only", "limit") or reason == "meets our own order"):
            self.answer("expired", order.number, reason)
        elif order.lots:
            order.ahead = float(self.book.at(order.side, order.price))
            order.before = set(self.there)
            self.orders.append(order)
            if order.lots == wanted and not amended:
                self.answer("accepted", order.number)

    def our_own_within(self, order: Order, limit: Fraction | int) -> list[Order]:
        """Orders of ours that a taker could meet, the nearest price first, at one price the older first."""
        met = [o for o in self.orders if o.side == -order.side and order.side * (limit - o.price) >= 0]
        return sorted(met, key=lambda o: order.side * o.price)

    def take(self, order: Order) -> str:
        """Why something is left of it, if anything is."""
        touch = self.book.best[-order.side]
        nothing = "not all of it was there" if order.style == "fok" else "nothing left within its limit"
        limit: Fraction | int = order.price
        if order.style == "market":
            if touch is None:
                return nothing
            limit = touch * (1 + order.side * self.rules.market_bound)
        own = self.our_own_within(order, limit)
        prices = self.book.reachable(order.side, limit)
        if order.style == "fok" and self.rules.partial:
            free = [p for p in prices if not own or order.side * (own[0].price - p) > 0]
            counted = prices if self.rules.self_trade == "cancel maker" else free
            if sum(self.book.at(-order.side, p) for p in counted) < order.lots:
                return nothing
        # own orders and levels in the order in which they are met, at one price our own first
        way = sorted([(order.side * o.price, 0, o.price) for o in own] + [(order.side * p, 1, p) for p in prices])
        for _, is_market, price in way:
            if not order.lots:
                break
            if is_market:
                self.take_level(order, price)
                continue
            ours = [o for o in own if o.price == price and o in self.orders]
            if ours and self.rules.self_trade != "cancel taker":
                for other in ours:
                    self.orders.remove(other)
                    self.answer("canceled", other.number, "meets our own order")
            if ours and self.rules.self_trade != "cancel maker":
                return "meets our own order"
        return nothing

    def take_level(self, order: Order, price: int) -> None:
        there = self.book.at(-order.side, price)
        taken = min(order.lots, there) if self.rules.partial else order.lots
        self.fill(order, price, taken, maker=False)
        if self.rules.impact and self.rules.partial:
            self.book.report(-order.side, price, there - taken)


# ---- our clock -----------------------------------------------------------------------------------------------------
def what_we_hear(messages: list[Message], answers: list[Answer], first_timer: int, every: int) -> list[object]:
    """What enters the step, in order: at one moment a timer, then feed, then answers.

    Timers go on as long as feed is still to come. Feed that nothing follows is not waited for.
    """
    last = messages[-1].heard
    happens: list[tuple[int, int, int, object]] = []
    happens += [(ts, 0, 0, ("timer", ts)) for ts in range(first_timer, last + 1, every)]
    happens += [(m.heard, 1, n, ("feed", n)) for n, m in enumerate(messages)]
    happens += [(a.heard, 2, n, a) for n, a in enumerate(answers)]
    heard = [what for *_, what in sorted(happens, key=lambda item: item[:3])]
    while isinstance(heard[-1], tuple) and heard[-1][0] == "feed":
        heard.pop()
    return heard
