"""The simulated venue when all we have is bars. What a bar does to our orders, in sentences:

1. A bar is an opening print at its start, a range, and a close. The opening print is the first trade after the start:
   an order that reached the venue at or before the start takes part in it, one with any latency after it does not.
   Limits that the open has jumped over fill (bids before asks), then waiting takers trade, then stops that it has
   reached trigger.
2. An order decided at or before a bar's start takes part in what is left of the bar when it arrives; one decided inside
   the bar only in the parts of a walk (sentence 8) that begin at or after its arrival, so in nothing of a range that
   comes at once: nobody knows whether the range came before it.
3. A resting limit order is filled when the price trades through it, by at least one price increment, at its own price,
   as maker; at a touch it is filled by `touch_e9` of what is available (none by default, all in the optimistic policy).
4. We take part in at most `participation_e9` of a bar's volume, all our orders together, the order nearest to where
   the price comes from first (at one price stops, then the older). What trades through a price is the bar's volume
   times the part of its range beyond the price, in every part of a walk anew; the whole volume in the optimistic
   policy; at the opening print as much as there is. The rest of an order stays.
5. A taking order pays half the spread and the slippage on top of the price: at the opening print, or, arriving inside a
   bar, on the straight line from the open to the extreme that hurts, which it would reach after a third of the bar.
   Beyond its limit it is not filled; what is left of it expires. Prices are rounded against us, lots down.
6. The price of an order's arrival is the last one known: the close before, the open, the turning point of a walk. With
   half the spread on both sides of it, a post-only order that would take expires; a limit order that would take does
   so as in sentence 5, but its rest stays.
7. A stop is held at the desk. A trade at or through it cancels our orders that bind the same asset and sells what is
   held, up to the stop's own quantity, at the worse of the stop and the price before, less half the spread and the
   slippage, these two together never more than `stop_cap_e9`. It is known to the system by its fill, and what is left
   of it by its expiry.
8. Policies. PESSIMISTIC: the whole range at once, first what adds to the position, then stops, then what takes profit,
   but only if no stop was reached. OHLC and OLHC: the price walks open, high, low, close or open, low, high, close, a
   third of the bar each; what was bought on the way may be sold on the way when latency allows. OPTIMISTIC: walks to
   the kinder extreme first (with a stop, away from it; otherwise the dip before the rise), and touches fill. These are
   readings of a bar, not bounds: for a stop and a take in one liquid bar they are ordered, but more fills can be worse,
   so the headline is the least of the results and not the result of a name.
9. Our orders change nothing in the market.
10. On spot nothing is sold that is not held: a sell that comes after a stop has sold is filled for what is left.
11. What happens inside a bar is known to us before its close: it came earlier, nobody knows when, so its answer is
    never on its way when the close is decided upon (unless an answer takes as long as the bar).
12. Neither fill or kill nor a take-profit is known here: both are refused.
"""

from typing import Any, Final

from quintet.core.events import ORDER_ACCEPTED, ORDER_CANCELED, ORDER_EXPIRED, ORDER_REJECTED, PLACE
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import IOC, LIMIT, MARKET, POST_ONLY, STOP, UNKNOWN_STYLE
from quintet.core.units import DOWN, E9, UP, mul_div
from quintet.sim.exchange import cancel_arrives, end, leave, respond, rest, settle, take_order, worse_price

PESSIMISTIC: Final = 0
OPTIMISTIC: Final = 1
OHLC: Final = 2
OLHC: Final = 3
POLICY_NAMES: Final = ("pessimistic", "optimistic", "ohlc", "olhc")

OPENING: Final = 0
DONE: Final = 4

LIMITS: Final = 1
STOPS: Final = 2
"""What may be met on a way (bits)."""


@kernel
def phase_ts(venue: Any) -> int:
    """When the next phase of the bar happens: the print at its start, the walk inside, the close before its end.

    Nothing inside happens so late that its answer would reach us after the bar's end (sentence 11).
    """
    start, end = venue.bar.start, venue.bar.end
    if venue.phase == OPENING:
        return start
    latest = max(start, end - 1 - venue.gateways[0].response_ns)
    if venue.policy == PESSIMISTIC or venue.phase == 3:
        return latest
    return min(start + (end - start) // 3 * venue.phase, latest)


@kernel
def play_phase(venue: Any, level: Any, n: int) -> None:
    """Let the next part of the bar under the cursor happen to our orders, and move on to the part after it."""
    book, bar, phase = venue.book[n], venue.bar, venue.phase
    ts = phase_ts(venue)
    if phase == OPENING:
        book.room_lots = mul_div(bar.volume, venue.participation_e9, E9, DOWN)
        opening_print(venue, level, n)
        book.last = bar.open
        venue.phase = 1
    elif venue.policy == PESSIMISTIC:
        whole_range(venue, level, n, ts)
        book.last = bar.close
        venue.phase = DONE
    else:
        if phase == 1:
            bar.high_first = high_comes_first(venue, n)
        target = bar.close
        if phase < 3:
            target = bar.high if (phase == 1) == (bar.high_first != 0) else bar.low
        begun = bar.start + (bar.end - bar.start) // 3 * (phase - 1)
        direction = 1 if target >= book.last else -1
        meet(venue, level, n, direction, LIMITS | STOPS, book.last, target, begun, ts)
        book.last = target
        venue.phase = phase + 1


@kernel
def high_comes_first(venue: Any, n: int) -> int:
    """Which extreme the path visits first, 1 = the high; the optimistic one takes profit before a stop."""
    if venue.policy == OPTIMISTIC:
        return 1 if venue.stops > 0 and venue.book[n].held >= 0 else 0
    return 1 if venue.policy == OHLC else 0


@kernel
def opening_print(venue: Any, level: Any, n: int) -> None:
    """Sentence 1: limits the open has jumped over fill, waiting takers trade, stops it has reached trigger."""
    start, price = venue.bar.start, venue.bar.open
    for direction in (-1, 1):
        s = next_met(venue, n, direction, LIMITS, price, start, -1)
        while s >= 0:
            resting = venue.resting[s]
            if resting.taking == 0 and resting.since <= start and resting.price != price:
                fill_resting(venue, level, s, resting.open_lots, start)
            s = next_met(venue, n, direction, LIMITS, price, start, s)
    s = next_taker(venue, n, start, -1)
    while s >= 0:
        take(venue, level, s, price, start)
        s = next_taker(venue, n, start, venue.resting[s].number)
    if venue.stops > 0:
        for direction in (-1, 1):
            s = next_met(venue, n, direction, STOPS, price, start, -1)
            while s >= 0:
                if venue.resting[s].since <= start:
                    trigger(venue, level, s, price, start)
                s = next_met(venue, n, direction, STOPS, price, start, s)


@kernel
def whole_range(venue: Any, level: Any, n: int, ts: int) -> None:
    """The pessimistic policy: what hurts comes first."""
    bar = venue.bar
    adding = -1 if venue.book[n].held >= 0 else 1
    meet(venue, level, n, adding, LIMITS, bar.open, far_end(bar, adding), bar.start, ts)
    if venue.stops > 0:
        hits = meet(venue, level, n, -1, STOPS, bar.open, bar.low, bar.start, ts)
        hits += meet(venue, level, n, 1, STOPS, bar.open, bar.high, bar.start, ts)
        if hits > 0:
            return
    meet(venue, level, n, -adding, LIMITS, bar.open, far_end(bar, -adding), bar.start, ts)


@kernel
def far_end(bar: Any, direction: int) -> int:
    """How far the price went in a direction: +1 to the high, -1 to the low."""
    return bar.high if direction > 0 else bar.low


@kernel
def meet(venue: Any, level: Any, n: int, direction: int, what: int, here: int, target: int, begun: int, ts: int) -> int:
    """The price moves from `here` to `target`, and orders on the way are met in turn; returns how many stops were."""
    hits = 0
    s = next_met(venue, n, direction, what, target, begun, -1)
    while s >= 0:
        resting = venue.resting[s]
        if resting.style == STOP:
            worse = resting.price if direction * (resting.price - here) >= 0 else here
            trigger(venue, level, s, worse, ts)
            hits += 1
        else:
            fill_reached(venue, level, s, target, ts)
        s = next_met(venue, n, direction, what, target, begun, s)
    return hits


@kernel
def next_met(venue: Any, n: int, direction: int, what: int, target: int, begun: int, after: int) -> int:
    """The slot that a price moving in `direction` up to `target` meets next after slot `after` (-1: first), or -1.

    Rising prices meet asks and buy stops, falling ones bids and sell stops. `begun`: when the move began (sentence 2).
    """
    found = -1
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive == 0 or resting.instrument != n or direction * (target - resting.price) < 0:
            continue
        if resting.style == STOP:
            if what & STOPS == 0 or resting.side != direction:
                continue
        elif what & LIMITS == 0 or resting.side == direction or resting.style > LIMIT:
            continue
        if resting.decided > venue.bar.start and resting.since > begun:
            continue
        if after >= 0 and not comes_before(venue.resting[after], resting, direction):
            continue
        if found < 0 or comes_before(resting, venue.resting[found], direction):
            found = s
    return found


@kernel
def comes_before(one: Any, other: Any, direction: int) -> bool:
    """Is `one` met before `other`? The nearer price first, at one price stops, then the older order."""
    if one.price != other.price:
        return direction * (one.price - other.price) < 0
    if (one.style == STOP) != (other.style == STOP):
        return one.style == STOP
    return one.number < other.number


@kernel
def next_taker(venue: Any, n: int, start: int, after: int) -> int:
    """The slot of the oldest taker that waits for the opening print, above order number `after`; -1 when none."""
    found = -1
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive == 0 or resting.instrument != n or resting.since > start or resting.number <= after:
            continue
        if resting.taking != 0 and (found < 0 or resting.number < venue.resting[found].number):
            found = s
    return found


@kernel
def crosses(venue: Any, side: int, price: int, market_price: int) -> bool:
    """Would a limit at `price` take, the market being at `market_price` with half the spread on each side?"""
    return side * (price - worse_price(market_price, side, venue.half_spread_e9)) >= 0


@kernel
def fill_reached(venue: Any, level: Any, slot: int, extreme: int, ts: int) -> None:
    """Sentences 3 and 4 for one resting limit order; `extreme` is how far the price went its way."""
    resting, bar = venue.resting[slot], venue.bar
    volume = bar.volume
    beyond = (resting.price - extreme) * resting.side
    available = volume
    if venue.policy != OPTIMISTIC:
        if beyond > 0:
            spread = bar.high - bar.low
            available = mul_div(volume, min(beyond, spread), spread, DOWN) if spread > 0 else volume
        else:
            available = mul_div(volume, venue.touch_e9, E9, DOWN)
    fill_resting(venue, level, slot, mul_div(available, venue.participation_e9, E9, DOWN), ts)


@kernel
def deliverable(venue: Any, resting: Any) -> int:
    """Sentence 10: how many lots of an order the venue could settle, given what it knows we hold."""
    inst = venue.instruments[resting.instrument]
    if inst.kind != 0 or resting.side > 0:
        return resting.open_lots
    return venue.book[resting.instrument].held // inst.base_quanta


@kernel
def fill_resting(venue: Any, level: Any, slot: int, available: int, ts: int) -> None:
    """Fill a resting order at its price with what is available and what the bar's room leaves."""
    resting = venue.resting[slot]
    book = venue.book[resting.instrument]
    lots = min(min(resting.open_lots, available), min(book.room_lots, deliverable(venue, resting)))
    if lots <= 0:
        return
    book.room_lots -= lots
    trade(venue, level, slot, resting.price, lots, 1, ts)


@kernel
def trade(venue: Any, level: Any, slot: int, price: int, lots: int, maker: int, ts: int) -> None:
    """Lots of an order have traded; the order is dropped when it is done."""
    settle(venue, level, slot, price, lots, maker, ts)
    if venue.resting[slot].open_lots <= 0:
        drop(venue, level, slot)


@kernel
def drop(venue: Any, level: Any, slot: int) -> None:
    """The order is over at the venue."""
    if venue.resting[slot].style == STOP:
        venue.stops -= 1
    leave(venue, level, slot)


@kernel
def take(venue: Any, level: Any, slot: int, price: int, ts: int) -> None:
    """Sentence 5: a taker trades at `price` made worse, up to its limit and the bar's room.

    What is left of it expires; of a limit order it stays.
    """
    resting = venue.resting[slot]
    book = venue.book[resting.instrument]
    resting.taking = 0
    paid = worse_price(price, resting.side, venue.half_spread_e9 + venue.slippage_e9)
    lots = min(min(resting.open_lots, book.room_lots), deliverable(venue, resting))
    if lots > 0 and (resting.price == 0 or resting.side * (resting.price - paid) >= 0):
        book.room_lots -= lots
        trade(venue, level, slot, paid, lots, 0, ts)
    if resting.alive != 0 and resting.style != LIMIT:
        expire(venue, level, slot, ts)


@kernel
def expire(venue: Any, level: Any, slot: int, ts: int) -> None:
    """What is left of an order is over."""
    drop(venue, level, slot)
    respond(venue, ORDER_EXPIRED, slot, venue.resting[slot].number, ts)


@kernel
def trigger(venue: Any, level: Any, slot: int, price: int, ts: int) -> None:
    """Sentence 7: a stop is hit at `price`."""
    resting = venue.resting[slot]
    n = resting.instrument
    for s in range(venue.slots_used):
        other = venue.resting[s]
        if other.alive != 0 and other.instrument == n and other.side == resting.side and other.style <= LIMIT:
            leave(venue, level, s)
            respond(venue, ORDER_CANCELED, s, other.number, ts)
    inst, book = venue.instruments[n], venue.book[n]
    held = -resting.side * book.held
    if inst.kind == 0:
        held = held // inst.base_quanta
    slip = min(venue.slippage_e9 + venue.half_spread_e9, venue.stop_cap_e9)
    lots = min(min(held, resting.open_lots), book.room_lots)
    if lots > 0:
        book.room_lots -= lots
        trade(venue, level, slot, worse_price(price, resting.side, slip), lots, 0, ts)
    if resting.alive != 0:
        expire(venue, level, slot, ts)


@kernel
def arrive_in_bars(venue: Any, level: Any, request: Any) -> None:
    """A request reaches the venue at `request.ts`, before or inside the bar under the cursor."""
    slot, ts, bar = request.slot, request.ts, venue.bar
    resting = venue.resting[slot]
    if request.kind != PLACE:
        if resting.alive != 0 and resting.number == request.number and resting.style == STOP:
            venue.stops -= 1
        cancel_arrives(venue, level, request)
        return
    take_order(venue, request)
    if request.style > STOP or request.reduce_only != 0:
        end(venue, ORDER_REJECTED, slot, UNKNOWN_STYLE, ts)
        return
    here = venue.book[request.instrument].last
    would_take = here > 0 and request.style <= LIMIT and crosses(venue, request.side, request.price, here)
    if would_take and request.style == POST_ONLY:
        respond(venue, ORDER_EXPIRED, slot, request.number, ts)
        return
    rest(venue, level, slot)
    resting.taking = 1 if would_take or request.style == IOC or request.style == MARKET else 0
    if request.style == STOP:
        venue.stops += 1
    if request.style != IOC and request.style != MARKET:
        respond(venue, ORDER_ACCEPTED, slot, request.number, ts)
    if resting.taking != 0 and venue.phase > OPENING and bar.start <= ts < bar.end:
        take(venue, level, slot, price_inside(bar, resting.side, bar.start, bar.end, ts), ts)


@kernel
def price_inside(bar: Any, side: int, start: int, end: int, ts: int) -> int:
    """Sentence 5: where the price has gone since the open, for somebody it should hurt."""
    extreme = bar.high if side > 0 else bar.low
    third = max((end - start) // 3, 1)
    return bar.open + mul_div(extreme - bar.open, min(ts - start, third), third, UP if side > 0 else DOWN)
