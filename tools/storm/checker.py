"""Did the desk keep its word? The laws of a desk, each read from the exchange's own history and the desk tape's bytes.

Nothing of the desk is believed: not what it told its owner, not what it thinks it holds. `LAWS` is the list; each law
gives the sentences that say where it was broken.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from tools.storm.evidence import Evidence
from tools.storm.witness import (
    BOOK_CLEAR,
    FEED_GAP,
    LEVELS,
    ONE,
    OPERATOR,
    PLACE,
    SUSPENSE,
    Life,
    Said,
    Tape,
    key_of,
)

OPEN_AT_VENUE: Final = ("New", "PartiallyFilled", "Untriggered", "Triggered")
ASSET: Final = ("quote_asset", "base_asset")
PAUSE, RESUME, KILL, RESET, STAND_DOWN, STAND_UP = 1, 2, 4, 5, 6, 7
UNKNOWN_MAX_MS: Final = 30_000
CALLED_BACK_MS: Final = 1_000
UNDER_WAY_MS: Final = 2_000
"""What began so shortly before a look may not have come to its end."""


Law = Callable[["Case"], Iterator[str]]


class Case:
    """The evidence of one story, read."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.tape = Tape(evidence.tape)
        self.settled_tape = Tape(evidence.settled_tape)
        self.account = _account(evidence.history)
        self.at_venue = _by_link(evidence.history)
        self.settled_at_venue = _by_link(evidence.settled)

    def shaken_between(self, first_ms: int, last_ms: int) -> bool:
        """Was something wrong with the world in that time?"""
        return any(begin <= last_ms and first_ms <= end for begin, end in self.evidence.shaken)


def _account(history: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in history["accounts"] if one["name"] == "main")
    return found


def _by_link(history: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for order in history["orders"]:
        found.setdefault(order["link_id"], []).append(order)
    return found


# ---- orders -----------------------------------------------------------------------------------------------------


def one_order_for_one_decision(case: Case) -> Iterator[str]:
    """I1: each order on the tape is at the venue at most once, and what is there is what was decided."""
    tape = case.tape
    yield from (f"order number {number} was given twice" for number in tape.twice)
    for link, orders in case.at_venue.items():
        if len(orders) > 1:
            yield f"order {link} is at the venue {len(orders)} times"
        number = tape.number_of(link)
        if number is None or number not in tape.orders:
            yield f"order {link or orders[0]['order_id']} at the venue was never decided"
            continue
        life, there = tape.orders[number], orders[0]
        sizes = {(int(tape.tick * price * ONE), lots) for price, lots in life.sizes}
        price = there["trigger_price"] if life.waits else there["price"]
        sides = life.placed.sign == there["sign"]
        if not sides or (price, there["lots"]) not in sizes and not there["is_market"]:
            yield f"order {link} is {there['lots']} lots at {price} at the venue, the tape asked for {sorted(sizes)}"


def none_is_lost(case: Case) -> Iterator[str]:
    """I1: an order that was decided is at the venue, or the tape says that it never got there."""
    for life in case.tape.orders.values():
        link = case.tape.link_of(life.number)
        if link not in case.at_venue and (life.over is None or life.is_known):
            yield f"order {link} is not at the venue, and the tape does not know it"


def no_orphan(case: Case) -> Iterator[str]:
    """I1: when all is quiet the venue's open orders are those that the tape holds open, stops among them."""
    tape, now_ms = case.settled_tape, case.evidence.settled["now_ms"]
    for life in tape.orders.values():
        link = tape.link_of(life.number)
        there = case.settled_at_venue.get(link, [{"status": "absent", "updated_ms": 0}])[0]
        moved_ms = max([life.placed.ms, there["updated_ms"], *(row.ms for row in life.answers)])
        moved_ms = max([moved_ms, *(told.row.ms for told in tape.commands if told.number == life.number)])
        if now_ms - moved_ms < UNDER_WAY_MS:
            continue
        is_open = there["status"] in OPEN_AT_VENUE
        if is_open and life.over is not None:
            yield f"order {link} works at the venue and is over on the tape: an orphan"
        elif not is_open and life.over is None:
            what = "stop" if life.waits else "order"
            yield f"{what} {link} is {there['status']} at the venue and open on the tape: a phantom"


def nothing_is_left(case: Case) -> Iterator[str]:
    """I1: a desk that has stood down leaves no order behind."""
    for link, orders in case.at_venue.items():
        for order in orders:
            if order["status"] in OPEN_AT_VENUE:
                yield f"order {link} is {order['status']} at the venue after the desk stood down"


def only_forward(case: Case) -> Iterator[str]:
    """I5: an order that is over stays over: nothing is asked of it any more."""
    for told in case.tape.commands:
        life = case.tape.orders.get(told.number)
        if life is None:
            yield f"position {told.row.at}: a {told.action} of order number {told.number}, which was never placed"
        elif life.over is not None and life.over.at < told.row.at:
            yield f"position {told.row.at}: a {told.action} of order {told.number}, over since {life.over.at}"


def never_more_than_ordered(case: Case) -> Iterator[str]:
    """I6: what is filled of an order is at most what was asked for, and what the venue filled."""
    for life in case.tape.orders.values():
        if life.filled > life.lots_max:
            yield f"order {life.number}: {life.filled} lots filled of {life.lots_max}"
        link = case.tape.link_of(life.number)
        there = case.at_venue.get(link)
        if there and there[0]["filled"] != life.filled:
            yield f"order {link}: {life.filled} lots filled on the tape, {there[0]['filled']} at the venue"


# ---- fills and money --------------------------------------------------------------------------------------------


def every_fill_once(case: Case) -> Iterator[str]:
    """I2: each execution of the venue is booked, and booked once."""
    booked = Counter(fill.key for fill in case.tape.fills)
    there = {key_of(one["exec_id"]): one for one in case.account["executions"]}
    for key, times in booked.items():
        if times > 1:
            yield f"execution {key} is booked {times} times"
        if key not in there:
            yield f"execution {key} is booked, and the venue does not know it"
    for key, one in there.items():
        if key not in booked:
            yield f"execution {one['exec_id']} of {one['link_id']} ({one['lots']} lots) is not booked"
    for fill in case.tape.fills:
        one = there.get(fill.key)
        if one is not None and (one["lots"], one["sign"]) != (fill.row.quantity, fill.row.sign):
            yield f"execution {one['exec_id']}: {fill.row.quantity} lots booked, {one['lots']} at the venue"


def position_is_the_venues(case: Case) -> Iterator[str]:
    """I3: the position of the tape is the sum of the venue's executions."""
    ours = sum(fill.row.sign * fill.row.quantity for fill in case.tape.fills)
    theirs = sum(one["sign"] * one["lots"] for one in case.account["executions"])
    if ours != theirs:
        yield f"position: {ours} lots on the tape, {theirs} at the venue"


def cash_to_the_quantum(case: Case) -> Iterator[str]:
    """I4: what the tape paid and was paid, with fees, is what the venue's wallet moved by; none is in suspense."""
    tape = case.tape
    walk = Walk(tape)
    walk.to(len(tape.rows))
    for coin, quanta in walk.moved.items():
        before = int(Decimal(case.evidence.coins_before.get(coin, "0")) * ONE)
        found = case.account["coins"].get(coin, 0) - before
        if found != quanta:
            yield f"{coin}: {quanta} quanta moved on the tape, {found} at the venue"
    for row in tape.rows:
        if row.kind == SUSPENSE and not any(row.ms <= end and begin <= row.ms for begin, end in case.evidence.robbed):
            yield f"position {row.at}: {row.quantity} quanta in suspense, and nothing was missing"


class Walk:
    """Goes along a tape, forward only. `moved`: quanta by asset, `filled`: lots by order, by all before a position."""

    def __init__(self, tape: Tape) -> None:
        quote, base = (tape.instrument[name] for name in ASSET)
        self._tape, self._assets = tape, (quote, base)
        self._unborn = deque(in_turn(tape))
        self._unfilled = deque(tape.fills)
        self._alive: list[Life] = []
        self.moved: Counter[str] = Counter({quote: 0, base: 0})
        self.filled: Counter[int] = Counter()

    def to(self, at: int) -> list[Life]:
        """The orders that the desk has to count with after position `at`."""
        while self._unborn and self._unborn[0].placed.at <= at:
            self._alive.append(self._unborn.popleft())
        self._alive = [one for one in self._alive if one.lives_at(at)]
        while self._unfilled and self._unfilled[0].row.at < at:
            self._book(self._unfilled.popleft())
        return self._alive

    def left(self, life: Life, at: int) -> int:
        """Lots of an order that are asked for at `at`, where the walk is, and not filled."""
        return life.lots_at(at) - self.filled[life.number]

    def _book(self, fill: Said) -> None:
        tape, (quote, base) = self._tape, self._assets
        self.moved[base] += fill.row.sign * int(tape.lot * fill.row.quantity * ONE)
        self.moved[quote] -= fill.row.sign * tape.value(fill.row.price, fill.row.quantity)
        self.moved[self._assets[fill.asset]] -= fill.fee
        self.filled[fill.number] += fill.row.quantity


def in_turn(tape: Tape) -> list[Life]:
    """Orders as they were placed."""
    return sorted(tape.orders.values(), key=lambda life: life.placed.at)


# ---- what may leave ---------------------------------------------------------------------------------------------


def on_the_disk_first(case: Case) -> Iterator[str]:
    """I7: nothing has left before its record was durable, and nothing that is not on the tape."""
    tape = case.tape
    latest: dict[tuple[str, int], list[int]] = {}
    for told in tape.commands:
        latest.setdefault((told.action, told.number), []).append(told.row.at)
    for left in case.evidence.left:
        if left.action not in ("create", "amend", "cancel"):
            continue
        for link in left.links:
            number = tape.number_of(link)
            records = latest.get((left.action, number if number is not None else -1), [])
            if not records:
                yield f"{left.action} of {link} left, and is not on the tape"
            elif left.durable_rows < records[0] + 2:
                yield f"{left.action} of {link} left when {left.durable_rows} rows were durable, its is {records[0]}"


def paid_for(case: Case) -> Iterator[str]:
    """I8: what is open or unknown never asks for more money, or more coins, than are there."""
    tape = case.tape
    quote, base = (tape.instrument[name] for name in ASSET)
    capital = int(Decimal(str(tape.execution["initial_quote"])) * ONE)
    walk = Walk(tape)
    for life in in_turn(tape):
        if life.waits:
            continue
        at = life.placed.at
        mine = [one for one in walk.to(at) if not one.waits and one.placed.sign == life.placed.sign]
        if life.placed.sign > 0:
            asked = sum(tape.value(_dearest(one, at), walk.left(one, at)) for one in mine)
            if asked > capital + walk.moved[quote]:
                yield f"position {at}: buys for {asked} quanta, there are {capital + walk.moved[quote]}"
        else:
            lots = sum(int(tape.lot * walk.left(one, at) * ONE) for one in mine)
            if lots > walk.moved[base]:
                yield f"position {at}: sells of {lots} quanta, there are {walk.moved[base]}"


def _dearest(life: Life, at: int) -> int:
    return life.price_max if life.placed.at < at else life.placed.price


def only_on_a_fresh_book(case: Case) -> Iterator[str]:
    """I9: no order that opens leaves while the book is unknown or older than the configuration allows."""
    known, heard_ms = False, 0
    stale_ms = int(case.tape.risk.get("stale_after_ms", 0))
    for row in case.tape.rows:
        if row.kind in (FEED_GAP, BOOK_CLEAR):
            known = False
        elif row.kind in LEVELS:
            known = True
            heard_ms = row.ms
        if row.kind == PLACE and row.sign > 0:
            if not known:
                yield f"position {row.at}: a buy while the book was unknown"
            elif stale_ms and row.ms - heard_ms > stale_ms:
                yield f"position {row.at}: a buy on a book of {row.ms - heard_ms} ms before"


def stopped_is_stopped(case: Case) -> Iterator[str]:
    """I10: a desk that stands down calls back what is open within a second, and opens nothing until it is let go."""
    down = paused = False
    for row in case.tape.rows:
        if row.kind == OPERATOR:
            down = (down or row.quantity in (STAND_DOWN, KILL)) and row.quantity not in (STAND_UP, RESET)
            paused = (paused or row.quantity == PAUSE) and row.quantity not in (RESUME, RESET)
            if row.quantity in (STAND_DOWN, KILL):
                yield from _called_back(case, row.ms)
        elif row.kind == PLACE and (down or (paused and row.sign > 0)):
            yield f"position {row.at}: an order while the desk was {'stood down' if down else 'paused'}"
    braked_ms, released_ms = case.evidence.braked_ms, case.evidence.released_ms or 1 << 60
    for left in case.evidence.left:
        if braked_ms and braked_ms < left.ms < released_ms and left.action == "create":
            yield f"an order left {left.ms - braked_ms} ms after the brake was pulled"


def _called_back(case: Case, ms: int) -> Iterator[str]:
    if case.shaken_between(ms - CALLED_BACK_MS, ms + CALLED_BACK_MS):
        return
    for link, orders in case.at_venue.items():
        for order in orders:
            if order["created_ms"] <= ms < order["updated_ms"] - CALLED_BACK_MS:
                yield f"order {link} worked {order['updated_ms'] - ms} ms after the desk stood down"


def within_the_limits(case: Case) -> Iterator[str]:
    """I11: no order beyond a limit of the configuration, whatever else was under way."""
    tape, risk = case.tape, case.tape.risk
    rate = Counter(told.row.ts_recv // 10**9 for told in tape.commands if told.action == "create")
    allowed = int(risk.get("order_rate_max", 50))
    yield from (
        f"second {second}: {found} orders, {allowed} allowed" for second, found in rate.items() if found > allowed
    )
    largest = Decimal(str(risk.get("order_quantity_max", "0"))) / tape.lot
    position_max = Decimal(str(risk.get("position_quantity_max", "0"))) / tape.lot
    walk = Walk(tape)
    for life in in_turn(tape):
        at = life.placed.at
        if life.waits or life.placed.sign < 0:
            continue
        if largest and life.placed.quantity > largest:
            yield f"position {at}: {life.placed.quantity} lots in one order, {largest} allowed"
        live = walk.to(at)
        held = walk.moved[tape.instrument["base_asset"]] // int(tape.lot * ONE)
        mine = [one for one in live if one.placed.sign > 0 and not one.waits]
        room = held + sum(walk.left(one, at) for one in mine)
        if position_max and room > position_max:
            yield f"position {at}: {room} lots held and asked for, {position_max} allowed"
        if len(live) > int(risk.get("open_orders_max", 64)):
            yield f"position {at}: {len(live)} orders open, {risk['open_orders_max']} allowed"


def known_in_time(case: Case) -> Iterator[str]:
    """I12: what has no answer is known half a minute after all is well again."""
    end_ms = case.tape.rows[-1].ms
    for life in case.tape.orders.values():
        for row in life.unanswered:
            answered = next((one.ms for one in life.answers if one.at > row.at), end_ms)
            since_ms = max(row.ms, case.evidence.calm_ms)
            if answered - since_ms > UNKNOWN_MAX_MS:
                yield f"order {life.number} was unknown for {answered - since_ms} ms after all was well"


def it_lives_on(case: Case) -> Iterator[str]:
    """The desk ends when it is told to, and not because the world was bad."""
    if case.evidence.broken:
        yield f"the desk ended: {case.evidence.broken}"


LAWS: Final[dict[str, Law]] = {
    law.__name__: law
    for law in (
        one_order_for_one_decision, none_is_lost, no_orphan, nothing_is_left, only_forward, never_more_than_ordered,
        every_fill_once, position_is_the_venues, cash_to_the_quantum, on_the_disk_first, paid_for,
        only_on_a_fresh_book, stopped_is_stopped, within_the_limits, known_in_time, it_lives_on,
    )
}  # fmt: skip


def broken_laws(evidence: Evidence) -> list[str]:
    """Every breach of every law, `law: sentence`."""
    case = Case(evidence)
    return [f"{name}: {found}" for name, law in LAWS.items() for found in law(case)]
