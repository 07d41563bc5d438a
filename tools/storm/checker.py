"""Did the desk keep its word? The laws of a desk, each read from the exchange's own history and the desk tape's bytes.

Nothing of the desk is believed: not what it told its owner, not what it thinks it holds. `LAWS` is the list; each law
gives the sentences that say where it was broken.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

from tools.storm.bare_times import FUNDING, bare_times, less
from tools.storm.evidence import Evidence
from tools.storm.walk import ASSET, Walk, capital, in_turn, openings
from tools.storm.witness import (
    BOOK_CLEAR,
    FEED_GAP,
    LEVELS,
    ONE,
    OPERATOR,
    PLACE,
    SUSPENSE,
    TEXT,
    Life,
    Tape,
    key_of,
)

OPEN_AT_VENUE: Final = ("New", "PartiallyFilled", "Untriggered", "Triggered")
PAUSE, RESUME, KILL, RESET, STAND_DOWN, STAND_UP = 1, 2, 4, 5, 6, 7
UNKNOWN_MAX_MS: Final = 30_000
CALLED_BACK_MS: Final = 1_000
UNDER_WAY_MS: Final = 2_000
"""What began so shortly before a look may not have come to its end."""

MINUTE_MS: Final = 60_000
"""A desk marks its equity at the bars of its structure, here minutes."""

AS_GOOD_AS: Final = 1.01
"""It reckons what is held at the last price, the law at that of the order."""

SOON_MS: Final = 10_000
"""After so long a desk has asked for all that it has to know, and goes on."""

RESTS_MAX_MS: Final = 8_000
"""A system that never rests wants something new at least so often."""

BARE_MAX_MS: Final = 2_000
"""A position that has just become another may be without a whole stop for so long."""


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

    @cached_property
    def openings(self) -> set[int]:
        """Positions of the placements that could add to what was held."""
        return openings(self.tape)

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
        is_cut = life.only_reduces and any(price == asked and there["lots"] < lots for asked, lots in sizes)
        if not sides or (price, there["lots"]) not in sizes and not is_cut and not there["is_market"]:
            yield f"order {link} is {there['lots']} lots at {price} at the venue, the tape asked for {sorted(sizes)}"
        if tape.is_contract and life.only_reduces and not there["reduce_only"]:
            yield f"order {link} may only reduce, and the venue does not know it"


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
    booked = Counter([fill.key for fill in case.tape.fills] + [one.key for one in case.tape.fundings])
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
    """I3: the position of the tape is the sum of the venue's executions, and of a contract the venue's position."""
    ours = sum(fill.row.sign * fill.row.quantity for fill in case.tape.fills)
    theirs = sum(one["sign"] * one["lots"] for one in case.account["executions"] if one["kind"] != FUNDING)
    if ours != theirs:
        yield f"position: {ours} lots on the tape, {theirs} at the venue"
    if case.tape.is_contract and ours != _held(case.account):
        yield f"position: {ours} lots on the tape, the venue holds {_held(case.account)}"


def _held(account: dict[str, Any]) -> int:
    return sum(one["lots"] for one in account["positions"])


def cash_to_the_quantum(case: Case) -> Iterator[str]:
    """I4: what the tape paid and was paid, fees, profit and funding, is what moved in the venue's wallet and in its
    transaction log; none is in suspense.
    """
    tape = case.tape
    walk = Walk(tape)
    walk.to(len(tape.rows))
    quote = tape.instrument[ASSET[0]]
    for coin, quanta in walk.moved.items():
        before = int(Decimal(case.evidence.coins_before.get(coin, "0")) * ONE)
        found = case.account["coins"].get(coin, 0) - before
        tied = sum(one["cost"] for one in case.account["positions"]) if coin == quote else 0
        if found - tied != quanta:
            yield f"{coin}: {quanta} quanta moved on the tape, {found - tied} at the venue"
    yield from _money_of_a_kind(case)
    for row in tape.rows:
        if row.kind == SUSPENSE and not any(row.ms <= end and begin <= row.ms for begin, end in case.evidence.robbed):
            yield f"position {row.at}: {row.quantity} quanta in suspense, and nothing was missing"


def _money_of_a_kind(case: Case) -> Iterator[str]:
    """Fees by coin, and funding: an error of one must not hide in the other."""
    tape, log = case.tape, case.account["log"]
    for number, name in enumerate(ASSET):
        coin = tape.instrument[name]
        booked = sum(fill.fee for fill in tape.fills if fill.asset == number)
        found = sum(one["fee"] for one in log if one["coin"] == coin)
        if booked != found:
            yield f"{coin}: fees of {booked} quanta on the tape, {found} in the venue's log"
    paid, found = sum(one.row.quantity for one in tape.fundings), -sum(one["funding"] for one in log)
    if paid != found:
        yield f"funding: {paid} quanta on the tape, {found} in the venue's log"


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
    """I8: what is open or unknown never asks for more money, more coins or more margin than are there."""
    tape = case.tape
    walk = Walk(tape)
    for life in in_turn(tape):
        live = walk.to(life.placed.at)
        if life.waits:
            continue
        if tape.is_contract:
            yield from _margin_is_there(tape, walk, life)
        else:
            yield from _money_is_there(tape, walk, life, live)


def _money_is_there(tape: Tape, walk: Walk, life: Life, live: list[Life]) -> Iterator[str]:
    quote, base = (tape.instrument[name] for name in ASSET)
    at = life.placed.at
    mine = [one for one in live if not one.waits and one.placed.sign == life.placed.sign]
    if life.placed.sign > 0:
        asked = sum(tape.value(_dearest(one, at), walk.left(one, at)) for one in mine)
        if asked > capital(tape) + walk.moved[quote]:
            yield f"position {at}: buys for {asked} quanta, there are {capital(tape) + walk.moved[quote]}"
    else:
        lots = sum(int(tape.lot * walk.left(one, at) * ONE) for one in mine)
        if lots > walk.moved[base]:
            yield f"position {at}: sells of {lots} quanta, there are {walk.moved[base]}"


def _margin_is_there(tape: Tape, walk: Walk, life: Life) -> Iterator[str]:
    """Of a position what it has cost, of orders what they would; profit that is not realised pays for nothing."""
    rules = json.loads(tape.meta["notes"]["tick_execution"])
    if rules["margin"] == "none" or not walk.opens(life):
        return
    at = life.placed.at
    opening = walk.on_its_side(life, at) - max(0, -life.placed.sign * walk.held)
    value = abs(walk.cost) * (life.placed.sign * walk.held > 0) + tape.value(life.placed.price, opening)
    asked, there = int(value / rules["leverage"]), capital(tape) + walk.money
    if asked > there:
        yield f"position {at}: a margin of {asked} quanta, there are {there}"


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
        if row.at in case.openings:
            if not known:
                yield f"position {row.at}: an order that opens while the book was unknown"
            elif stale_ms and row.ms - heard_ms > stale_ms:
                yield f"position {row.at}: an order that opens on a book of {row.ms - heard_ms} ms before"


def stopped_is_stopped(case: Case) -> Iterator[str]:
    """I10: a desk that stands down calls back what is open within a second, and opens nothing until it is let go."""
    down = paused = False
    for row in case.tape.rows:
        if row.kind == OPERATOR:
            down = (down or row.quantity in (STAND_DOWN, KILL)) and row.quantity not in (STAND_UP, RESET)
            paused = (paused or row.quantity == PAUSE) and row.quantity not in (RESUME, RESET)
            if row.quantity in (STAND_DOWN, KILL):
                yield from _called_back(case, row.ms)
        elif row.kind == PLACE and (down or (paused and row.at in case.openings)):
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
    walk, marked = Walk(tape), Walk(tape)
    minutes = _minutes(tape)
    for life in in_turn(tape):
        at = life.placed.at
        live = walk.to(at)
        if not walk.opens(life):
            continue
        if largest and life.placed.quantity > largest:
            yield f"position {at}: {life.placed.quantity} lots in one order, {largest} allowed"
        room = life.placed.sign * walk.held + walk.on_its_side(life, at)
        if position_max and room > position_max:
            yield f"position {at}: {room} lots held and asked for, {position_max} allowed"
        if len(live) > int(risk.get("open_orders_max", 64)):
            yield f"position {at}: {len(live)} orders open, {risk['open_orders_max']} allowed"
        marked.to(minutes[tape.rows[at].ms // MINUTE_MS])
        value, equity = tape.value(life.placed.price, room), marked.equity(life.placed.price)
        if value > AS_GOOD_AS * float(risk.get("leverage_max", 0) or "inf") * equity:
            yield f"position {at}: {value} quanta held and asked for on {equity}"


def _minutes(tape: Tape) -> dict[int, int]:
    """Where each minute begins on the tape."""
    found: dict[int, int] = {}
    for row in tape.rows:
        if row.kind != TEXT:
            found.setdefault(row.ms // MINUTE_MS, row.at)
    return found


def known_in_time(case: Case) -> Iterator[str]:
    """I12: what has no answer is known half a minute after all is well again."""
    end_ms = case.tape.rows[-1].ms
    for life in case.tape.orders.values():
        for row in life.unanswered:
            answered = next((one.ms for one in life.answers if one.at > row.at), end_ms)
            since_ms = max(row.ms, case.evidence.calm_ms)
            if answered - since_ms > UNKNOWN_MAX_MS:
                yield f"order {life.number} was unknown for {answered - since_ms} ms after all was well"


def stops_present(case: Case) -> Iterator[str]:
    """I14: a position whose system promises a stop has one at the venue for all of it, whenever all is quiet.

    Not while something is wrong with the world, or has just been, and not while the desk stands down.
    """
    evidence = case.evidence
    if not evidence.promises_stops:
        return
    account, end_ms = _account(evidence.settled), evidence.settled["now_ms"]
    excuses = [(begin, end + UNKNOWN_MAX_MS) for begin, end in evidence.shaken]
    if evidence.braked_ms:
        excuses.append((evidence.braked_ms, (evidence.released_ms or end_ms) + UNKNOWN_MAX_MS))
    for span in bare_times(case.settled_tape, evidence.settled, account):
        for first, last in less(span, excuses):
            if last - first > BARE_MAX_MS:
                yield f"for {last - first} ms from {first} on a position had no stop for all of it"
    held = _held(account)
    waiting = [one for one in evidence.settled["orders"] if one["status"] == "Untriggered"]
    covered = sum(one["lots"] for one in waiting if one["sign"] * held < 0)
    moved_ms = max((one["ms"] for one in account["executions"] if one["kind"] != FUNDING), default=end_ms)
    if covered < abs(held) and end_ms - moved_ms > BARE_MAX_MS and less((end_ms - 1, end_ms), excuses):
        yield f"{held} lots are held when all is quiet, and stops for {covered} wait at the venue"


def it_goes_on(case: Case) -> Iterator[str]:
    """I15: when all is well again, and nobody has said stop, the desk does what its system wants."""
    evidence = case.evidence
    begin_ms, end_ms = evidence.calm_ms + SOON_MS, evidence.settled["now_ms"]
    if not evidence.never_rests or evidence.broken or end_ms - begin_ms < RESTS_MAX_MS:
        return
    if not any(begin_ms <= left.ms <= end_ms and left.action in ("create", "amend") for left in evidence.left):
        yield f"nothing left in the {end_ms - begin_ms} ms before the end, and the system wanted something"


def it_lives_on(case: Case) -> Iterator[str]:
    """The desk ends when it is told to, and not because the world was bad."""
    if case.evidence.broken:
        yield f"the desk ended: {case.evidence.broken}"


LAWS: Final[dict[str, Law]] = {
    law.__name__: law
    for law in (
        one_order_for_one_decision, none_is_lost, no_orphan, nothing_is_left, only_forward, never_more_than_ordered,
        every_fill_once, position_is_the_venues, cash_to_the_quantum, on_the_disk_first, paid_for,
        only_on_a_fresh_book, stopped_is_stopped, within_the_limits, known_in_time, stops_present, it_goes_on,
        it_lives_on,
    )
}  # fmt: skip


def broken_laws(evidence: Evidence) -> list[str]:
    """Every breach of every law, `law: sentence`."""
    case = Case(evidence)
    return [f"{name}: {found}" for name, law in LAWS.items() for found in law(case)]
