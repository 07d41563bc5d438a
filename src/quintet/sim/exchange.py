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
from quintet.sim.queue import on_trade

ONE = np.uint64(1)


@kernel
def respond(w: Any, kind: int, slot: int, number: int, ts: int) -> Any:
    """Put an answer about a slot's order on its way to us; returns its record."""
    queues = w.queues[0]
    response = w.responses[queues.response_tail & (w.responses.shape[0] - 1)]
    queues.response_tail += 1
    response.ts = ts + w.sim[0].response_ns
    response.ts_event = ts
    response.kind = kind
    response.slot = slot
    response.number = number
    return response


@kernel
def respond_fill(w: Any, slot: int, number: int, price: int, lots: int, maker: int, ts: int) -> None:
    """A fill on its way to us, with its fee; spot buyers may pay it in base."""
    resting, clock = w.resting[slot], w.clock[0]
    inst = w.instruments[resting.instrument]
    response = respond(w, FILL, slot, number, ts)
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
    clock.next_execution += 1
    response.execution = clock.next_execution


@kernel
def rest(w: Any, slot: int, ts: int) -> None:
    """Our order joins the queue of its price, behind everything that is there."""
    resting = w.resting[slot]
    book = w.book[resting.instrument]
    resting.alive = 1
    resting.since = ts
    resting.traded = 0.0
    resting.ahead = 0.0
    w.sim[0].live += 1
    if resting.side > 0:
        book.own_bid = max(book.own_bid, resting.price)
    else:
        book.own_ask = min(book.own_ask, resting.price)
    p = resting.price - book.origin
    if 0 <= p < book.width:
        side = 0 if resting.side > 0 else 1
        level = w.level
        resting.ahead = float(level[resting.instrument, side, p].lots)
        level[resting.instrument, side, p].own |= ONE << np.uint64(slot)


@kernel
def leave(w: Any, slot: int) -> None:
    """Our order is gone from the book: filled, cancelled or expired."""
    resting = w.resting[slot]
    n = resting.instrument
    book = w.book[n]
    resting.alive = 0
    w.sim[0].live -= 1
    p = resting.price - book.origin
    if 0 <= p < book.width:
        side = 0 if resting.side > 0 else 1
        w.level[n, side, p].own &= ~(ONE << np.uint64(slot))
    if resting.side > 0:
        if resting.price == book.own_bid:
            best = NO_BID
            for s in range(w.limits[0].slots_used):
                if w.resting[s].alive != 0 and w.resting[s].side > 0 and w.resting[s].instrument == n:
                    best = max(best, w.resting[s].price)
            book.own_bid = best
    elif resting.price == book.own_ask:
        best = NO_ASK
        for s in range(w.limits[0].slots_used):
            if w.resting[s].alive != 0 and w.resting[s].side < 0 and w.resting[s].instrument == n:
                best = min(best, w.resting[s].price)
        book.own_ask = best


@kernel
def arrive_in_book(w: Any, at: int) -> None:
    """A request reaches a venue whose order book we see (tick mode)."""
    request = w.requests[at]
    slot = request.slot
    resting = w.resting[slot]
    ts = request.ts
    if request.kind != PLACE:
        if resting.alive != 0:
            leave(w, slot)
            respond(w, ORDER_CANCELED, slot, request.number, ts)
        else:
            respond(w, CANCEL_REJECTED, slot, request.number, ts)
        return
    book = w.book[request.instrument]
    resting.instrument = request.instrument
    resting.side = request.side
    resting.style = request.style
    resting.price = request.price
    resting.open_lots = request.lots
    touch = book.ask if request.side > 0 else book.bid
    empty = touch == NO_ASK or touch == NO_BID
    crosses = not empty and (request.style == MARKET or request.side * (request.price - touch) >= 0)
    if not crosses:
        if request.style == IOC or request.style == MARKET:
            respond(w, ORDER_EXPIRED, slot, request.number, ts)
            return
        rest(w, slot, ts)
        respond(w, ORDER_ACCEPTED, slot, request.number, ts)
        return
    if request.style == POST_ONLY:
        respond(w, ORDER_EXPIRED, slot, request.number, ts)
        return
    respond_fill(w, slot, request.number, touch, request.lots, 0, ts)


@kernel
def fill_whole(w: Any, slot: int, ts: int) -> None:
    """A resting order is filled completely at its own price."""
    resting = w.resting[slot]
    number = w.orders[slot].number
    leave(w, slot)
    respond_fill(w, slot, number, resting.price, resting.open_lots, 1, ts)


@kernel
def touched_by_bid(w: Any, n: int, bid: int, ts: int) -> None:
    """The best bid has risen to or above own asks: they are filled."""
    for s in range(w.limits[0].slots_used):
        resting = w.resting[s]
        if resting.alive != 0 and resting.side < 0 and resting.instrument == n and resting.price <= bid:
            fill_whole(w, s, ts)


@kernel
def touched_by_ask(w: Any, n: int, ask: int, ts: int) -> None:
    """The best ask has fallen to or below own bids: they are filled."""
    for s in range(w.limits[0].slots_used):
        resting = w.resting[s]
        if resting.alive != 0 and resting.side > 0 and resting.instrument == n and resting.price >= ask:
            fill_whole(w, s, ts)


@kernel
def traded(w: Any, n: int, buyer: int, price: int, lots: int, ts: int) -> int:
    """A market trade at `price`; own orders it went through are filled, one at its price waits its turn.

    `buyer` 1: a buyer took, so asks are hit. Returns the number of our fills.
    """
    from_side = -1 if buyer != 0 else 1
    model = w.sim[0].queue_model
    fills = 0
    for s in range(w.limits[0].slots_used):
        resting = w.resting[s]
        if resting.alive == 0 or resting.side != from_side or resting.instrument != n:
            continue
        through = (price - resting.price) * -from_side
        if through > 0 or (through == 0 and on_trade(resting, model, lots)):
            fill_whole(w, s, ts)
            fills += 1
    return fills

