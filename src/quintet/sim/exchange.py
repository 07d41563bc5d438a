"""The simulated venue's side of our orders: arrival, rest, fill, answer.

Assumptions, in the order of the code:
- an order or cancel reaches the venue `entry_ns` after the decision, the answer us `response_ns` after that;
- a post-only order that would trade on arrival expires;
- a resting order has no effect on what the market did;
- tick mode fills a resting order whole (no partial fills), at its price, as maker, when a trade goes through its
  price, when the opposite touch reaches it, or when the queue model says the trade at its price reached it;
- a taking order fills whole at the opposite touch.
"""

from typing import Any

import numpy as np

from quintet.core.accounting.fees import fee_quanta, fill_value
from quintet.core.engine.state import NO_ASK, NO_BID
from quintet.core.events import CANCEL_REJECTED, FILL, ORDER_ACCEPTED, ORDER_CANCELED, ORDER_EXPIRED, PLACE
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import IOC, MARKET, POST_ONLY
from quintet.sim.queue import on_level, on_trade

ZERO = np.uint64(0)
ONE = np.uint64(1)


@kernel
def respond(venue: Any, kind: int, slot: int, number: int, ts: int) -> Any:
    """Put an answer about a slot's order on its way to us; returns its record."""
    responses = venue.responses
    response = responses[venue.response_tail & (responses.shape[0] - 1)]
    venue.response_tail += 1
    response.ts = ts + venue.response_ns
    response.ts_event = ts
    response.kind = kind
    response.slot = slot
    response.number = number
    return response


@kernel
def respond_fill(venue: Any, slot: int, price: int, lots: int, maker: int, ts: int) -> None:
    """A fill on its way to us, with its fee; spot buyers may pay it in base."""
    resting = venue.resting[slot]
    inst = venue.instruments[resting.instrument]
    response = respond(venue, FILL, slot, resting.number, ts)
    response.instrument = resting.instrument
    response.side = resting.side
    response.price = price
    response.lots = lots
    response.maker = maker
    rate = inst.maker_fee_e9 if maker != 0 else inst.taker_fee_e9
    if inst.fee_in_base != 0 and resting.side > 0:
        response.fee = fee_quanta(lots * inst.base_quanta, rate)
        response.fee_asset = inst.base_asset
    else:
        response.fee = fee_quanta(fill_value(inst, price, lots), rate)
        response.fee_asset = inst.base_asset if inst.kind == 2 else inst.quote_asset
    venue.next_execution += 1
    response.execution = venue.next_execution


@kernel
def take_order(venue: Any, request: Any) -> Any:
    """The venue's own record of an arrived order; returns it."""
    resting = venue.resting[request.slot]
    resting.instrument = request.instrument
    resting.side = request.side
    resting.style = request.style
    resting.price = request.price
    resting.open_lots = request.lots
    resting.number = request.number
    if request.slot >= venue.slots_used:
        venue.slots_used = request.slot + 1
    return resting


@kernel
def rest(venue: Any, level: Any, slot: int, ts: int) -> None:
    """Our order joins the queue of its price, behind everything that is there."""
    resting = venue.resting[slot]
    n = resting.instrument
    book = venue.book[n]
    resting.alive = 1
    resting.since = ts
    resting.traded = 0.0
    resting.ahead = 0.0
    venue.live += 1
    if resting.side > 0:
        book.own_bid = max(book.own_bid, resting.price)
    else:
        book.own_ask = min(book.own_ask, resting.price)
    p = resting.price - book.origin
    if 0 <= p < book.width:
        side = 0 if resting.side > 0 else 1
        resting.ahead = float(level[n, side, p].lots)
        level[n, side, p].own |= ONE << np.uint64(slot)


@kernel
def leave(venue: Any, level: Any, slot: int) -> None:
    """Our order is gone from the book: filled, cancelled or expired."""
    resting = venue.resting[slot]
    n = resting.instrument
    book = venue.book[n]
    resting.alive = 0
    venue.live -= 1
    p = resting.price - book.origin
    if 0 <= p < book.width:
        side = 0 if resting.side > 0 else 1
        level[n, side, p].own &= ~(ONE << np.uint64(slot))
    if resting.side > 0:
        if resting.price == book.own_bid:
            book.own_bid = best_own_bid(venue, n)
    elif resting.price == book.own_ask:
        book.own_ask = best_own_ask(venue, n)


@kernel
def best_own_bid(venue: Any, n: int) -> int:
    """Highest own resting bid, NO_BID when there is none."""
    best = NO_BID
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != 0 and resting.side > 0 and resting.instrument == n:
            best = max(best, resting.price)
    return best


@kernel
def best_own_ask(venue: Any, n: int) -> int:
    """Lowest own resting ask, NO_ASK when there is none."""
    best = NO_ASK
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != 0 and resting.side < 0 and resting.instrument == n:
            best = min(best, resting.price)
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
def arrive_in_book(venue: Any, level: Any, request: Any) -> None:
    """A request reaches a venue whose order book we see (tick mode)."""
    slot, ts = request.slot, request.ts
    if request.kind != PLACE:
        cancel_arrives(venue, level, request)
        return
    take_order(venue, request)
    book = venue.book[request.instrument]
    touch = book.ask if request.side > 0 else book.bid
    empty = touch == NO_ASK or touch == NO_BID
    crosses = not empty and (request.style == MARKET or request.side * (request.price - touch) >= 0)
    if crosses and request.style != POST_ONLY:
        respond_fill(venue, slot, touch, request.lots, 0, ts)
    elif crosses or request.style == IOC or request.style == MARKET:
        respond(venue, ORDER_EXPIRED, slot, request.number, ts)
    else:
        rest(venue, level, slot, ts)
        respond(venue, ORDER_ACCEPTED, slot, request.number, ts)


@kernel
def fill_whole(venue: Any, level: Any, slot: int, ts: int) -> None:
    """A resting order is filled completely at its own price."""
    resting = venue.resting[slot]
    leave(venue, level, slot)
    respond_fill(venue, slot, resting.price, resting.open_lots, 1, ts)


@kernel
def touched_by_bid(venue: Any, level: Any, n: int, bid: int, ts: int) -> None:
    """The best bid has risen to or above own asks: they are filled."""
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != 0 and resting.side < 0 and resting.instrument == n and resting.price <= bid:
            fill_whole(venue, level, s, ts)


@kernel
def touched_by_ask(venue: Any, level: Any, n: int, ask: int, ts: int) -> None:
    """The best ask has fallen to or below own bids: they are filled."""
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != 0 and resting.side > 0 and resting.instrument == n and resting.price >= ask:
            fill_whole(venue, level, s, ts)


@kernel
def traded(venue: Any, level: Any, n: int, aggressor: int, price: int, lots: int, ts: int) -> None:
    """A market trade: own orders it went through are filled, those at its price wait their turn in the queue.

    `aggressor` +1: a buyer took, so asks are hit; -1: a seller.
    """
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive == 0 or resting.side == aggressor or resting.instrument != n:
            continue
        through = (price - resting.price) * aggressor
        if through > 0 or (through == 0 and on_trade(resting, venue.queue_model, lots)):
            fill_whole(venue, level, s, ts)


@kernel
def level_changed(venue: Any, own: Any, old_lots: int, new_lots: int) -> None:
    """Tell every own order at a level that the level has changed; `own` is the mask of their slots."""
    slot = 0
    while own != ZERO:
        if own & ONE != ZERO:
            on_level(venue.resting[slot], venue.queue_model, old_lots, new_lots)
        own = own >> ONE
        slot += 1
