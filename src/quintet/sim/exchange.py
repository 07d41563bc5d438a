"""The simulated venue's side of our orders: rest, fill, answer.

Assumptions, in the order of the code (what arrives: `sim.arrival`; what takes: `sim.taking`; what waits for a price:
`sim.triggers`; how long things travel: `sim.latency`):
- while the venue says that an instrument is not trading, nothing of ours is filled or triggered and no order is taken;
- a resting order has no effect on what the market did;
- where the feed has lost the book nothing is shown until levels arrive again: takers find nothing, and our orders are
  then behind no more than is shown at their price;
- tick mode fills a resting order at its price, as maker: whole when a trade goes through its price or the opposite
  touch reaches it; when a trade at its price reaches it in the queue, whole too, or, with partial fills, with as many
  lots as the queue before it leaves of that trade, our older order first; what is left of it is then at the front;
- a reduce-only order is never for more than the position: whenever that changes, it is cut to it, and cancelled when
  there is none to reduce any more; each order by itself, whatever the others are for.
"""

from typing import Any

from quintet.core.accounting.fees import fee_quanta, fill_value
from quintet.core.accounting.position import book_fill
from quintet.core.events import (
    CANCEL_REJECTED,
    FILL,
    ORDER_CANCELED,
    ORDER_REDUCED,
)
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import NO_REASON, NOTHING_TO_CLOSE
from quintet.core.state import ASK, BID, NEVER, NO_ASK, NO_BID
from quintet.core.units import DOWN, E9, UP, mul_div
from quintet.sim.fees import count_turnover, fee_rate_e9
from quintet.sim.queue import on_trade

RESTS = 1
WAITS = 2
"""What an order that is alive does: it rests in the book, or waits for its price (tick mode)."""


@kernel
def respond(venue: Any, kind: int, slot: int, number: int, ts: int) -> Any:
    """Put an answer about a slot's order on its way to us; returns its record."""
    responses = venue.responses
    if venue.response_tail - venue.response_head == responses.shape[0]:
        venue.overflow = 1  # the loop stops before the overwritten answer is read
    response = responses[venue.response_tail & (responses.shape[0] - 1)]
    venue.response_tail += 1
    response.ts = NEVER  # until it is sent: sim.latency
    response.ts_event = ts
    response.kind = kind
    response.reason = NO_REASON
    response.liquidation = 0
    response.slot = slot
    response.number = number
    response.instrument = venue.resting[slot].instrument
    return response


@kernel
def respond_change(venue: Any, kind: int, slot: int, ts: int) -> None:
    """Tell us what an order is from now on: amended, or cut because it may only reduce."""
    resting = venue.resting[slot]
    response = respond(venue, kind, slot, resting.number, ts)
    response.price = resting.price
    response.lots = resting.lots


@kernel
def respond_fill(venue: Any, slot: int, price: int, lots: int, maker: int, ts: int) -> None:
    """A fill on its way to us, with its fee; spot buyers may pay it in base."""
    resting = venue.resting[slot]
    inst = venue.instruments[resting.instrument]
    response = respond(venue, FILL, slot, resting.number, ts)
    response.side = resting.side
    response.price = price
    response.lots = lots
    response.maker = maker
    rate = fee_rate_e9(venue, inst, maker, ts)
    if inst.fee_in_base != 0 and resting.side > 0:
        response.fee = fee_quanta(lots * inst.base_quanta, rate)
        response.fee_asset = inst.base_asset
    else:
        response.fee = fee_quanta(fill_value(inst, price, lots), rate)
        response.fee_asset = inst.base_asset if inst.kind == 2 else inst.quote_asset
    venue.next_execution += 1
    response.execution = venue.next_execution
    response.ahead_joined = resting.ahead_joined if maker != 0 else 0.0
    response.ahead_reached = resting.ahead_reached if maker != 0 else 0.0
    if venue.n_fee_tiers != 0:
        count_turnover(venue, fill_value(inst, price, lots))


@kernel
def settle(venue: Any, level: Any, slot: int, price: int, lots: int, maker: int, ts: int) -> None:
    """Lots of an order have traded: answer the fill, and keep the venue's own count of what we hold."""
    resting = venue.resting[slot]
    respond_fill(venue, slot, price, lots, maker, ts)
    resting.open_lots -= lots
    book, inst = venue.book[resting.instrument], venue.instruments[resting.instrument]
    last = venue.responses[(venue.response_tail - 1) & (venue.responses.shape[0] - 1)]
    if inst.kind != 0:
        book.held += resting.side * lots
    else:
        book.held += resting.side * lots * inst.base_quanta
        if last.fee_asset == inst.base_asset:
            book.held -= last.fee
    if venue.margin.mode != 0:
        book_fill(inst, venue.account[resting.instrument], venue.ledger, last)
    if venue.reduces != 0:
        cut_reducing(venue, level, resting.instrument, ts)


@kernel
def closable_lots(venue: Any, resting: Any) -> int:
    """How many lots of an order would only close what the venue knows we hold."""
    inst = venue.instruments[resting.instrument]
    held = -resting.side * venue.book[resting.instrument].held
    return max(held // inst.base_quanta if inst.kind == 0 else held, 0)


@kernel
def sells_what_is_not_held(venue: Any, slot: int, lots: int) -> bool:
    """On spot: would an order of so many lots sell more than is held, beside what rests to be sold already?"""
    resting = venue.resting[slot]
    inst = venue.instruments[resting.instrument]
    if inst.kind != 0 or resting.side > 0:
        return False
    free = venue.book[resting.instrument].held // inst.base_quanta
    for s in range(venue.slots_used):
        other = venue.resting[s]
        if s != slot and other.alive == RESTS and other.instrument == resting.instrument and other.side < 0:
            free -= other.open_lots
    return bool(lots > free)


@kernel
def cut_reducing(venue: Any, level: Any, n: int, ts: int) -> None:
    """The position of an instrument has changed: what may only reduce it is cut to it."""
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != RESTS or resting.reduce_only == 0 or resting.instrument != n:
            continue
        closable = closable_lots(venue, resting)
        if closable == 0:
            leave(venue, level, s)
            end(venue, ORDER_CANCELED, s, NOTHING_TO_CLOSE, ts)
        elif resting.open_lots > closable:
            cut(venue, s, closable, ts)


@kernel
def cut(venue: Any, slot: int, lots: int, ts: int) -> None:
    """An order is open for so many lots only; it keeps its place."""
    resting = venue.resting[slot]
    resting.lots -= resting.open_lots - lots
    resting.open_lots = lots
    respond_change(venue, ORDER_REDUCED, slot, ts)


@kernel
def worse_price(price: int, side: int, rate_e9: int) -> int:
    """`price` moved against a taker by `rate_e9`, rounded against them."""
    if side > 0:
        return mul_div(price, E9 + rate_e9, E9, UP)
    return mul_div(price, E9 - rate_e9, E9, DOWN)


@kernel
def take_order(venue: Any, request: Any) -> Any:
    """The venue's own record of an arrived order; returns it."""
    resting = venue.resting[request.slot]
    resting.instrument = request.instrument
    resting.side = request.side
    resting.style = request.style
    resting.price = request.price
    resting.open_lots = resting.lots = request.lots
    resting.reduce_only = request.reduce_only
    resting.number = request.number
    resting.since = request.ts
    resting.decided = request.decided
    if request.slot >= venue.slots_used:
        venue.slots_used = request.slot + 1
    return resting


@kernel
def rest(venue: Any, level: Any, slot: int) -> None:
    """Our order joins the queue of its price, behind everything that is there."""
    resting = venue.resting[slot]
    book = venue.book[resting.instrument]
    side = BID if resting.side > 0 else ASK
    resting.alive = RESTS
    venue.turns += 1
    resting.turn = venue.turns
    resting.traded = 0.0
    resting.ahead = 0.0
    resting.joined = venue.orders_entered
    venue.live += 1
    if resting.side * (resting.price - book.own[side]) > 0:
        book.own[side] = resting.price
    if book.low <= resting.price <= book.high:
        place = level[resting.price + book.offset[side]]
        resting.ahead = float(place.lots)
        resting.next = place.own
        place.own = slot + 1
    resting.ahead_joined = resting.ahead
    resting.ahead_reached = resting.ahead


@kernel
def leave(venue: Any, level: Any, slot: int) -> None:
    """Our order is gone from the book: filled, cancelled or expired."""
    resting = venue.resting[slot]
    book = venue.book[resting.instrument]
    side = BID if resting.side > 0 else ASK
    resting.alive = 0
    venue.live -= 1
    if book.low <= resting.price <= book.high:
        unlink(venue, level[resting.price + book.offset[side]], slot)
    if resting.price == book.own[side]:
        book.own[side] = best_own(venue, resting.instrument, resting.side)


@kernel
def unlink(venue: Any, place: Any, slot: int) -> None:
    """Take an order out of the chain of own orders at its price."""
    resting = venue.resting
    if place.own == slot + 1:
        place.own = resting[slot].next
        return
    at = place.own - 1
    while resting[at].next != slot + 1:
        at = resting[at].next - 1
    resting[at].next = resting[slot].next


@kernel
def best_own(venue: Any, n: int, side: int) -> int:
    """Best own resting price of a side (+1 bids, -1 asks), NO_BID or NO_ASK when there is none."""
    best = NO_BID if side > 0 else NO_ASK
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive == RESTS and resting.side == side and resting.instrument == n:
            best = max(best, resting.price) if side > 0 else min(best, resting.price)
    return best


@kernel
def cancel_arrives(venue: Any, level: Any, request: Any) -> None:
    """A cancel finds its order resting, or comes too late."""
    resting = venue.resting[request.slot]
    if resting.alive != 0 and resting.number == request.number:
        leave(venue, level, request.slot)
        respond(venue, ORDER_CANCELED, request.slot, request.number, request.ts)
    else:
        respond(venue, CANCEL_REJECTED, request.slot, request.number, request.ts)


@kernel
def end(venue: Any, kind: int, slot: int, reason: int, ts: int) -> None:
    """Tell us that the venue has ended an order that we did not cancel, and why."""
    respond(venue, kind, slot, venue.resting[slot].number, ts).reason = reason
    venue.ended[reason] += 1


@kernel
def fill_whole(venue: Any, level: Any, slot: int, ts: int) -> None:
    """A resting order is filled completely at its own price."""
    resting = venue.resting[slot]
    leave(venue, level, slot)
    settle(venue, level, slot, resting.price, resting.open_lots, 1, ts)


@kernel
def improved(venue: Any, level: Any, n: int, side: int, price: int, ts: int) -> None:
    """The best price of a side has become better: opposite levels it reaches are gone, own orders it reaches fill."""
    book = venue.book[n]
    sign = 1 - 2 * side
    book.best[side] = price
    other = 1 - side
    if sign * (price - book.best[other]) >= 0:
        book.best[other] = next_level(book, level, other, price + sign)
    if sign * (price - book.own[other]) >= 0:
        fill_reached(venue, level, n, side, price, ts)


@kernel
def fill_reached(venue: Any, level: Any, n: int, side: int, price: int, ts: int) -> None:
    """Own orders that the best price of the other side, `side`, has reached are filled, unless trading is halted."""
    sign = 1 - 2 * side
    if venue.instruments[n].trading == 0:
        return
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive == RESTS and resting.side == -sign and resting.instrument == n:
            if sign * (price - resting.price) >= 0:
                resting.ahead_reached = max(resting.ahead, 0.0)
                fill_whole(venue, level, s, ts)


@kernel
def set_status(venue: Any, level: Any, n: int, trading: int, ts: int) -> None:
    """The venue halts an instrument, or lets it trade again: then what the book has reached meanwhile is filled."""
    venue.instruments[n].trading = trading
    best = venue.book[n].best
    if best[BID] != NO_BID:
        fill_reached(venue, level, n, BID, best[BID], ts)
    if best[ASK] != NO_ASK:
        fill_reached(venue, level, n, ASK, best[ASK], ts)


@kernel
def next_level(book: Any, level: Any, side: int, price: int) -> int:
    """The first price of a side, from `price` away from the touch, that holds something."""
    offset = book.offset[side]
    if side == BID:
        while price >= book.low and level[price + offset].lots == 0:
            price -= 1
        return price if price >= book.low else NO_BID
    while price <= book.high and level[price + offset].lots == 0:
        price += 1
    return price if price <= book.high else NO_ASK


@kernel
def forget_book(book: Any, level: Any) -> None:
    """Both sides are unknown from here until levels arrive; our orders stay where they are."""
    for side in (BID, ASK):
        for price in range(book.low, book.high + 1):
            if level[price + book.offset[side]].lots != 0:  # what was never written takes no memory
                level[price + book.offset[side]].lots = 0
    book.best[BID], book.best[ASK] = NO_BID, NO_ASK


@kernel
def traded(venue: Any, level: Any, n: int, aggressor: int, price: int, lots: int, ts: int) -> None:
    """A market trade: own orders it went through are filled, those at its price wait their turn in the queue.

    `aggressor` +1: a buyer took, so asks are hit; -1: a seller.
    """
    if venue.instruments[n].trading == 0:
        return
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != RESTS or resting.side == aggressor or resting.instrument != n:
            continue
        resting.ahead_reached = max(resting.ahead, 0.0)
        through = (price - resting.price) * aggressor
        if through == 0 and venue.partial_fills != 0:
            continue
        if through > 0 or (through == 0 and on_trade(resting, venue.queue_model, lots) > 0):
            fill_whole(venue, level, s, ts)
    if venue.partial_fills != 0:
        share_trade(venue, level, n, -aggressor, price, lots, ts)


@kernel
def share_trade(venue: Any, level: Any, n: int, side: int, price: int, lots: int, ts: int) -> None:
    """A trade at `price`: own orders there get what the queue leaves of it, the older one first."""
    taken = 0
    s = next_in_queue(venue, n, side, price, -1)
    while s >= 0:
        resting = venue.resting[s]
        reached = on_trade(resting, venue.queue_model, lots)
        if reached > 0:
            resting.ahead = 0.0
            filled = min(max(min(reached, lots) - taken, 0), resting.open_lots)
            taken += filled
            if filled == resting.open_lots:
                fill_whole(venue, level, s, ts)
            elif filled > 0:
                settle(venue, level, s, price, filled, 1, ts)
        s = next_in_queue(venue, n, side, price, resting.turn)


@kernel
def next_in_queue(venue: Any, n: int, side: int, price: int, after: int) -> int:
    """The slot of our order at a price that joined its queue next after turn `after`; -1 when there is none."""
    found = -1
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != RESTS or resting.instrument != n or resting.side != side or resting.price != price:
            continue
        if resting.turn > after and (found < 0 or resting.turn < venue.resting[found].turn):
            found = s
    return found
