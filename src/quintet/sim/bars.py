"""The simulated venue when all we have is bars. What a bar does to our orders, in sentences:

1. A bar is an opening print at its start, a range, and a close. The opening print is the first trade after the start:
   an order that reached the venue at or before the start takes part in it, one with any latency after it does not.
2. Orders decided inside a bar do not take part in that bar's range: nobody knows whether the range came before them.
   Orders decided at the close before do, from their arrival on.
3. A resting limit order is filled when the price trades through it, by at least one price increment, at its own price,
   as maker; at a touch it is filled by `touch_e9` of what is available (none by default, all in the optimistic policy).
4. We take part in at most `participation_e9` of a bar's volume, all our orders together. What trades through a price is
   the bar's volume times the part of its range beyond the price (the whole volume in the optimistic policy). The rest
   of an order stays.
5. A taking order pays half the spread and the slippage on top of the price: at the opening print, or, arriving inside a
   bar, on the straight line from the open to the extreme that hurts, which it would reach after a third of the bar.
   Beyond its limit it is not filled; what is left of it expires.
6. A post-only order that would take at the price of its arrival expires.
7. A stop is held at the desk. A trade at or through it cancels our orders that bind the same asset and sells what is
   held, up to the stop's own quantity, at the worse of stop and open, less slippage, never more than `stop_cap_e9`
   below the trade that triggered it. It is known to the system by its fill, and what is left of it by its expiry.
8. Policies. PESSIMISTIC: bids first, then stops, then takes only if no stop was hit, the whole range at once.
   OPTIMISTIC: the kinder extreme first (a take before a stop; otherwise the dip before the rise), touches fill.
   OHLC and OLHC: the price walks open, high, low, close or open, low, high, close; what was bought on the way may be
   sold on the way when latency allows.
9. Our orders change nothing in the market.
10. On spot nothing is sold that is not held: a sell that comes after a stop has sold is filled for what is left.
"""

from typing import Any, Final

from quintet.core.events import ORDER_ACCEPTED, ORDER_CANCELED, ORDER_EXPIRED, PLACE
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import IOC, MARKET, POST_ONLY, STOP
from quintet.core.units import DOWN, E9, UP, mul_div
from quintet.sim.exchange import cancel_arrives, leave, respond, respond_fill, rest, take_order

PESSIMISTIC: Final = 0
OPTIMISTIC: Final = 1
OHLC: Final = 2
OLHC: Final = 3
POLICY_NAMES: Final = ("pessimistic", "optimistic", "ohlc", "olhc")

OPENING: Final = 0
DONE: Final = 4


@kernel
def phase_ts(venue: Any) -> int:
    """When the next phase of the bar happens: the print at its start, the walk inside, the close before its end."""
    start, end = venue.bar.start, venue.bar.end
    if venue.phase == OPENING:
        return start
    if venue.policy == PESSIMISTIC or venue.phase == 3:
        return end - 1
    return start + (end - start) // 3 * venue.phase


@kernel
def play_phase(venue: Any, level: Any, n: int) -> None:
    """Let the next part of the bar under the cursor happen to our orders, and move on to the part after it."""
    book, bar, phase = venue.book[n], venue.bar, venue.phase
    start, volume = bar.start, bar.volume
    ts = phase_ts(venue)
    if phase == OPENING:
        book.room_lots = mul_div(volume, venue.participation_e9, E9, DOWN)
        opening_print(venue, level, bar, n, start)
        book.last = bar.open
        venue.phase = 1
    elif venue.policy == PESSIMISTIC:
        whole_range(venue, level, bar, n, start, ts, volume)
        book.last = bar.close
        venue.phase = DONE
    else:
        target = bar.close
        if phase < 3:
            rising = (phase == 1) == high_comes_first(venue, n)
            target = bar.high if rising else bar.low
        walk(venue, level, bar, n, book.last, target, start, ts, volume)
        book.last = target
        venue.phase = phase + 1


@kernel
def high_comes_first(venue: Any, n: int) -> bool:
    """Which extreme the path visits first; the optimistic one takes profit before a stop."""
    if venue.policy == OPTIMISTIC:
        return venue.stops > 0
    return venue.policy == OHLC


@kernel
def takes_part(resting: Any, n: int, start: int) -> bool:
    """A live order that was decided at or before the bar's start (sentence 2)."""
    return resting.alive != 0 and resting.instrument == n and resting.decided <= start


@kernel
def opening_print(venue: Any, level: Any, bar: Any, n: int, start: int) -> None:
    """Sentence 1: waiting takers trade, limits the open has jumped over fill, stops it has jumped over trigger."""
    price = bar.open
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive == 0 or resting.instrument != n or resting.since > start:
            continue
        if resting.style == MARKET or resting.style == IOC:
            take(venue, level, s, price, start)
        elif resting.style != STOP and resting.side * (resting.price - price) > 0:
            fill_resting(venue, level, s, resting.open_lots, start)
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != 0 and resting.instrument == n and resting.style == STOP and resting.since <= start:
            if resting.side * (price - resting.price) >= 0:
                trigger(venue, level, s, price, start)


@kernel
def whole_range(venue: Any, level: Any, bar: Any, n: int, start: int, ts: int, volume: int) -> None:
    """The pessimistic policy: what hurts comes first."""
    expire_crossing(venue, level, bar, n, start)
    position = 1 if venue.book[n].held >= 0 else -1
    for s in range(venue.slots_used):  # what adds to the position
        if takes_part(venue.resting[s], n, start) and venue.resting[s].side == position:
            fill_if_reached(venue, level, bar, s, far_end(bar, venue.resting[s].side), ts, volume)
    hit = False
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.style == STOP and takes_part(resting, n, start):
            if resting.side * (far_end(bar, -resting.side) - resting.price) >= 0:
                worse = max(resting.price, bar.open) if resting.side > 0 else min(resting.price, bar.open)
                if resting.since > start:
                    worse = resting.price
                trigger(venue, level, s, worse, ts)
                hit = True
    if hit:
        return
    for s in range(venue.slots_used):
        if takes_part(venue.resting[s], n, start) and venue.resting[s].side == -position:
            fill_if_reached(venue, level, bar, s, far_end(bar, venue.resting[s].side), ts, volume)


@kernel
def far_end(bar: Any, side: int) -> int:
    """The extreme of the bar that reaches resting orders of a side: the low for bids, the high for asks."""
    return bar.low if side > 0 else bar.high


@kernel
def walk(venue: Any, level: Any, bar: Any, n: int, here: int, target: int, start: int, ts: int, volume: int) -> None:
    """The price moves in a straight line from `here` to `target`; orders in between are met on the way."""
    if venue.phase == 1:
        expire_crossing(venue, level, bar, n, start)
    rising = 1 if target >= here else -1
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if not (takes_part(resting, n, start) or (resting.alive != 0 and resting.since < ts and venue.phase > 1)):
            continue
        if resting.instrument != n:
            continue
        if resting.style == STOP:
            if resting.side == rising and rising * (target - resting.price) >= 0:
                trigger(venue, level, s, resting.price if rising * (resting.price - here) >= 0 else here, ts)
        elif resting.style <= 1 and resting.side == -rising:
            fill_if_reached(venue, level, bar, s, target, ts, volume)


@kernel
def expire_crossing(venue: Any, level: Any, bar: Any, n: int, start: int) -> None:
    """Sentence 6 for orders that arrived just after the open: the price they met is the open."""
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if takes_part(resting, n, start) and resting.style == POST_ONLY and resting.since > start:
            if crosses(venue, resting.side, resting.price, bar.open):
                number = resting.number
                since = resting.since
                leave(venue, level, s)
                respond(venue, ORDER_EXPIRED, s, number, since)


@kernel
def crosses(venue: Any, side: int, price: int, market_price: int) -> bool:
    """Would a limit at `price` take, the market being at `market_price` with half the spread on each side?"""
    return side * (price - worse_price(market_price, side, venue.half_spread_e9)) >= 0


@kernel
def worse_price(price: int, side: int, rate_e9: int) -> int:
    """`price` moved against a taker by `rate_e9`, rounded against them."""
    if side > 0:
        return mul_div(price, E9 + rate_e9, E9, UP)
    return mul_div(price, E9 - rate_e9, E9, DOWN)


@kernel
def fill_if_reached(venue: Any, level: Any, bar: Any, slot: int, extreme: int, ts: int, volume: int) -> None:
    """Sentences 3 and 4 for one resting limit order; `extreme` is how far the price went its way."""
    resting = venue.resting[slot]
    if resting.style > 1:
        return
    beyond = (resting.price - extreme) * resting.side
    if beyond < 0:
        return
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
    settle(venue, level, slot, resting.price, lots, 1, ts)


@kernel
def settle(venue: Any, level: Any, slot: int, price: int, lots: int, maker: int, ts: int) -> None:
    """Answer a fill, keep the venue's own count of what we hold, and drop the order when it is done."""
    resting = venue.resting[slot]
    respond_fill(venue, slot, price, lots, maker, ts)
    n = resting.instrument
    book, inst = venue.book[n], venue.instruments[n]
    if inst.kind == 0:
        book.held += resting.side * lots * inst.base_quanta
        last = venue.responses[(venue.response_tail - 1) & (venue.responses.shape[0] - 1)]
        if last.fee_asset == inst.base_asset:
            book.held -= last.fee
    else:
        book.held += resting.side * lots
    resting.open_lots -= lots
    if resting.open_lots <= 0:
        drop(venue, level, slot)


@kernel
def drop(venue: Any, level: Any, slot: int) -> None:
    """The order is over at the venue."""
    if venue.resting[slot].style == STOP:
        venue.stops -= 1
    leave(venue, level, slot)


@kernel
def take(venue: Any, level: Any, slot: int, price: int, ts: int) -> None:
    """Sentence 5: a taker trades at `price` made worse, up to its limit and the bar's room; the rest expires."""
    resting = venue.resting[slot]
    book = venue.book[resting.instrument]
    paid = worse_price(price, resting.side, venue.half_spread_e9 + venue.slippage_e9)
    lots = min(min(resting.open_lots, book.room_lots), deliverable(venue, resting))
    if lots > 0 and (resting.style == MARKET or resting.side * (resting.price - paid) >= 0):
        book.room_lots -= lots
        settle(venue, level, slot, paid, lots, 0, ts)
    if venue.resting[slot].alive != 0:
        number = resting.number
        drop(venue, level, slot)
        respond(venue, ORDER_EXPIRED, slot, number, ts)


@kernel
def trigger(venue: Any, level: Any, slot: int, price: int, ts: int) -> None:
    """Sentence 7: a stop is hit at `price`."""
    resting = venue.resting[slot]
    n = resting.instrument
    for s in range(venue.slots_used):
        other = venue.resting[s]
        if other.alive != 0 and other.instrument == n and other.side == resting.side and other.style <= 1:
            number = other.number
            leave(venue, level, s)
            respond(venue, ORDER_CANCELED, s, number, ts)
    inst, book = venue.instruments[n], venue.book[n]
    held = -resting.side * book.held
    if inst.kind == 0:
        held = held // inst.base_quanta
    slip = min(venue.slippage_e9 + venue.half_spread_e9, venue.stop_cap_e9)
    lots = min(min(held, resting.open_lots), book.room_lots)
    if lots > 0:
        book.room_lots -= lots
        settle(venue, level, slot, worse_price(price, resting.side, slip), lots, 0, ts)
    if venue.resting[slot].alive != 0:
        number = resting.number
        drop(venue, level, slot)
        respond(venue, ORDER_EXPIRED, slot, number, ts)


@kernel
def arrive_in_bars(venue: Any, level: Any, request: Any) -> None:
    """A request reaches the venue at `request.ts`, before or inside the bar under the cursor."""
    slot, ts, bar = request.slot, request.ts, venue.bar
    start, end = bar.start, bar.end
    if request.kind != PLACE:
        if request.style == STOP and venue.resting[slot].alive != 0:
            venue.stops -= 1
        cancel_arrives(venue, level, request)
        return
    resting = take_order(venue, request)
    book = venue.book[request.instrument]
    taker = request.style == IOC or request.style == MARKET
    begun = venue.phase > OPENING and start <= ts < end
    here = book.last
    if (
        request.style == POST_ONLY
        and here > 0
        and not (begun and request.decided <= start)  # those meet the open, see expire_crossing
        and crosses(venue, request.side, request.price, here)
    ):
        respond(venue, ORDER_EXPIRED, slot, request.number, ts)
        return
    rest(venue, level, slot)
    if request.style == STOP:
        venue.stops += 1
    if not taker:
        respond(venue, ORDER_ACCEPTED, slot, request.number, ts)
    elif begun:
        take(venue, level, slot, price_inside(bar, resting.side, start, end, ts), ts)


@kernel
def price_inside(bar: Any, side: int, start: int, end: int, ts: int) -> int:
    """Sentence 5: where the price has gone since the open, for somebody it should hurt."""
    extreme = bar.high if side > 0 else bar.low
    third = max((end - start) // 3, 1)
    return bar.open + mul_div(extreme - bar.open, min(ts - start, third), third, UP if side > 0 else DOWN)
