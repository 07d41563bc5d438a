"""The one way forward: events in order past the exchange, the step and the system.

`advance_body` moves until somebody must be asked and says why. It is compiled once for every system with that
system's decision kernel inside (`research`), and once with `leave` in its place: then each wake leaves the loop and a
Python caller decides. Both come from this one text. Everything remembered is in the world, so a run can be
stopped after any event and resumed.

Order of things at one moment: feed, answers to our orders, the exchange's feed, our orders' arrival there; a timer
comes before any feed of its own time.
"""

from typing import Any

import numpy as np

from quintet.core.engine.state import (
    END,
    FULL,
    NEVER,
    NO_ASK,
    NO_BID,
    STOP,
    WAKE_BAR,
    WAKE_TIMER,
)
from quintet.core.engine.step import ROWS_OF_FILL, on_fill, on_status
from quintet.core.events import (
    ASK_LEVEL,
    BAR_OPEN,
    BID_LEVEL,
    FILL,
    LAST,
    TEXT,
    TRADE_BUY,
    TRADE_SELL,
)
from quintet.core.kernel import kernel, kernel_body
from quintet.core.orders.planner import plan
from quintet.sim.exchange import arrive_in_book, touched_by_ask, touched_by_bid, traded
from quintet.sim.queue import on_level

ZERO = np.uint64(0)
ONE = np.uint64(1)


@kernel
def levels_changed(w: Any, own: Any, old_lots: int, new_lots: int) -> None:
    """Tell every own order at a level that the level has changed; `own` is the mask of their slots."""
    model = w.sim[0].queue_model
    slot = 0
    while own != ZERO:
        if own & ONE != ZERO:
            on_level(w.resting[slot], model, old_lots, new_lots)
        own = own >> ONE
        slot += 1


@kernel
def deliver_feed(w: Any, rows: Any, until: int) -> None:
    """Let messages that reached us up to `until` (inclusive) change what we know of the market."""
    queues, clock, touches = w.queues[0], w.clock[0], w.touches
    mask = touches.shape[0] - 1
    head = queues.touch_head
    tail = queues.touch_tail
    while head < tail:
        touch = touches[head & mask]
        if touch.ts_recv > until:
            break
        market = w.market[touch.instrument]
        market.bid = touch.bid
        market.ask = touch.ask
        market.ts = touch.ts_recv
        clock.rows_known = touch.rows
        head += 1
    queues.touch_head = head


@kernel
def hear(w: Any) -> int:
    """The next answer to one of our orders enters the step; returns the wake it deserves."""
    queues, clock = w.queues[0], w.clock[0]
    response = w.responses[queues.response_head & (w.responses.shape[0] - 1)]
    queues.response_head += 1
    clock.now = response.ts
    if response.kind == FILL:
        clock.position += ROWS_OF_FILL
        return on_fill(
            w,
            response.number,
            response.slot,
            response.instrument,
            response.side,
            response.price,
            response.lots,
            response.maker,
            response.fee,
            response.fee_asset,
            response.execution,
            response.ts_event,
        )
    clock.position += 1
    return on_status(w, response.kind, response.number, response.slot)


@kernel_body
def advance_body(tape: Any, w: Any, stop: int, decide: Any) -> int:
    """Move along the tape until row `stop`, a full buffer, the end, or (with `leave`) a wake.

    `stop`: tape row before which to halt. Returns why.
    """
    rows = tape.rows
    clock, sim, queues, quotes = w.clock[0], w.sim[0], w.queues[0], w.quotes[0]
    book, level, touches = w.book, w.level, w.touches
    requests, responses = w.requests, w.responses
    touch_mask = touches.shape[0] - 1
    request_mask = requests.shape[0] - 1
    response_mask = responses.shape[0] - 1
    end = min(stop, rows.shape[0])
    i = clock.cursor
    while True:
        if clock.commands + 128 > w.commands.shape[0] or clock.fills + 128 > w.fills.shape[0]:
            clock.cursor = i
            return FULL
        timer = clock.timer_next
        response_ts = NEVER
        if queues.response_head < queues.response_tail:
            response_ts = responses[queues.response_head & response_mask].ts
        request_ts = NEVER
        if queues.request_head < queues.request_tail:
            request_ts = requests[queues.request_head & request_mask].ts
        moment = min(min(timer, response_ts), request_ts)
        # ---- the exchange's feed up to and including that moment ----
        heard = queues.response_tail
        while i < end:
            kind = int(rows[i].kind)
            if kind >= TEXT:
                if kind > TEXT:
                    clock.headers += 1
                i += 1
                continue
            ts = rows[i].ts_event
            if ts > moment:
                break
            n = int(rows[i].instrument)
            price = int(rows[i].price)
            lots = rows[i].quantity
            if kind == BID_LEVEL:
                p = price - book[n].origin
                old = level[n, 0, p].lots
                own = level[n, 0, p].own
                level[n, 0, p].lots = lots
                if own != ZERO:
                    levels_changed(w, own, old, lots)
                if lots > 0:
                    if price > book[n].bid:
                        book[n].bid = price
                        if price >= book[n].ask:
                            a = price + 1 - book[n].origin
                            while a < book[n].width and level[n, 1, a].lots == 0:
                                a += 1
                            book[n].ask = a + book[n].origin if a < book[n].width else NO_ASK
                        if price >= book[n].own_ask:
                            touched_by_bid(w, n, price, ts)
                elif price == book[n].bid:
                    while p >= 0 and level[n, 0, p].lots == 0:
                        p -= 1
                    book[n].bid = p + book[n].origin if p >= 0 else NO_BID
            elif kind == ASK_LEVEL:
                p = price - book[n].origin
                old = level[n, 1, p].lots
                own = level[n, 1, p].own
                level[n, 1, p].lots = lots
                if own != ZERO:
                    levels_changed(w, own, old, lots)
                if lots > 0:
                    if price < book[n].ask:
                        book[n].ask = price
                        if price <= book[n].bid:
                            b = price - 1 - book[n].origin
                            while b >= 0 and level[n, 0, b].lots == 0:
                                b -= 1
                            book[n].bid = b + book[n].origin if b >= 0 else NO_BID
                        if price <= book[n].own_bid:
                            touched_by_ask(w, n, price, ts)
                elif price == book[n].ask:
                    width = book[n].width
                    while p < width and level[n, 1, p].lots == 0:
                        p += 1
                    book[n].ask = p + book[n].origin if p < width else NO_ASK
            elif kind == TRADE_BUY:
                if price >= book[n].own_ask:
                    traded(w, n, 1, price, lots, ts)
            elif kind == TRADE_SELL:
                if price <= book[n].own_bid:
                    traded(w, n, 0, price, lots, ts)
            if int(rows[i].bits) & LAST != 0:
                at = queues.touch_tail & touch_mask
                touches[at].ts_recv = rows[i].ts_recv
                touches[at].bid = book[n].bid
                touches[at].ask = book[n].ask
                touches[at].rows = i + 1 - clock.headers
                touches[at].instrument = n
                queues.touch_tail += 1
                if queues.touch_tail - queues.touch_head > touch_mask:
                    deliver_feed(w, rows, touches[queues.touch_head & touch_mask].ts_recv)
            i += 1
            if queues.response_tail != heard:
                break
        clock.cursor = i
        if queues.response_tail != heard:
            continue  # an answer of the exchange may now be the next thing to happen
        if i >= end and (moment == NEVER or moment == timer):
            if i < rows.shape[0]:
                return STOP
            return END
        # ---- the moment itself ----
        if response_ts <= moment and response_ts < timer:
            deliver_feed(w, rows, response_ts)
            wake = hear(w)
            if wake & clock.wakes != 0:
                clock.command_index = 0
                quotes.why = wake
                decide(w.state[0], w.params[0], w.market, w.account, quotes, w.wants, clock.now)
                if quotes.dirty != 0:
                    plan(w)
        elif timer <= moment:
            deliver_feed(w, rows, timer - 1)
            clock.now = timer
            clock.timer_next = timer + clock.timer_every
            clock.position += 1
            clock.n_timers += 1
            clock.command_index = 0
            quotes.why = WAKE_TIMER
            decide(w.state[0], w.params[0], w.market, w.account, quotes, w.wants, clock.now)
            if quotes.dirty != 0:
                plan(w)
        else:
            at = queues.request_head & request_mask
            queues.request_head += 1
            arrive_in_book(w, at)


__all__ = ["BAR_OPEN", "WAKE_BAR", "advance_body"]
