"""The one way forward: events in order past the exchange, the step and the system.

`advance_body` moves until somebody must be asked and says why. It is compiled once for every system with that
system's `decide` inside (see `bind`), and once with `leave` in its place: then a wake leaves the loop and a
Python caller decides. Both come from this one text. Everything remembered is in the world, so a run can be
stopped after any event and resumed.

Order of things at one moment: feed, answers to our orders, the exchange's feed, our orders' arrival there; a timer
comes before any feed of its own time.
"""

from typing import Any

from quintet.core.engine.state import ASK, BID, END, FULL, NEVER, PAUSE, WAKE_TIMER
from quintet.core.engine.step import ROWS_OF_FILL, begin, finish, on_fill, on_status, on_timer
from quintet.core.events import ASK_LEVEL, BAR_OPEN, FILL, LAST, TEXT, TRADE_BUY, TRADE_SELL
from quintet.core.kernel import kernel
from quintet.sim.exchange import arrive_in_book, improved, level_changed, next_level, traded


@kernel
def leave(state: Any, params: Any, view: Any) -> None:
    """Stands where a system's kernel stands when the system is ordinary Python."""


LEAVES = True
decide = leave


@kernel
def deliver_feed(desk: Any, venue: Any, touches: Any, until: int) -> None:
    """Let messages that reached us up to `until` (inclusive) change what we know of the market."""
    mask = touches.shape[0] - 1
    head = venue.touch_head
    while head < venue.touch_tail:
        touch = touches[head & mask]
        if touch.ts_recv > until:
            break
        market = desk.shown.market[touch.instrument]
        market.bid = touch.bid
        market.ask = touch.ask
        market.ts = touch.ts_recv
        desk.position += touch.rows - venue.rows_known
        venue.rows_known = touch.rows
        head += 1
    venue.touch_head = head


@kernel
def keep_touch(venue: Any, touches: Any, n: int, ts_recv: int, rows: int) -> None:
    """Remember the touch after a message for the moment it reaches us."""
    touch = touches[venue.touch_tail & (touches.shape[0] - 1)]
    touch.ts_recv = ts_recv
    touch.bid = venue.book[n].best[BID]
    touch.ask = venue.book[n].best[ASK]
    touch.rows = rows
    touch.instrument = n
    venue.touch_tail += 1


@kernel
def hear(desk: Any, venue: Any) -> int:
    """The next answer to one of our orders enters the step; returns the wake it deserves."""
    response = venue.responses[venue.response_head & (venue.responses.shape[0] - 1)]
    venue.response_head += 1
    if response.kind == FILL:
        begin(desk, ROWS_OF_FILL, response.ts)
        return on_fill(desk, response)
    begin(desk, 1, response.ts)
    return on_status(desk, response.kind, response.number, response.slot)


@kernel
def dispatch(desk: Any, venue: Any, commands: Any, fills: Any) -> None:
    """Empty the desk's outbox: commands go on their way to the exchange, copies into the buffers."""
    requests = venue.requests
    for k in range(desk.n_outbox):
        command = desk.outbox[k]
        request = requests[venue.request_tail & (requests.shape[0] - 1)]
        venue.request_tail += 1
        request.ts = command.ts + venue.entry_ns
        request.kind = command.kind
        request.slot = command.slot
        request.number = command.number
        request.instrument = command.instrument
        request.side = command.side
        request.style = command.style
        request.price = command.price
        request.lots = command.lots
        commands[venue.n_commands] = command
        venue.n_commands += 1
    desk.n_outbox = 0
    for k in range(desk.n_filled):
        fills[venue.n_fills] = desk.filled[k]
        venue.n_fills += 1
    desk.n_filled = 0


def advance_body(tape: Any, world: Any, stop: int) -> int:
    """Move along the tape until row `stop`, a full buffer, the end, or (where `LEAVES`) a wake; returns why."""
    rows = tape.rows
    desk, venue, level, touches = world.desk[0], world.venue[0], world.level, world.touches
    commands, fills = world.commands, world.fills
    view, book = desk.shown, venue.book
    state, params = world.state[0], world.params[0]
    end = min(stop, rows.shape[0])
    room = min(commands.shape[0], fills.shape[0]) - 512
    i = venue.cursor
    while True:
        if venue.n_commands > room or venue.n_fills > room:
            return FULL
        response_ts = NEVER
        if venue.response_head < venue.response_tail:
            response_ts = venue.responses[venue.response_head & (venue.responses.shape[0] - 1)].ts
        request_ts = NEVER
        if venue.request_head < venue.request_tail:
            request_ts = venue.requests[venue.request_head & (venue.requests.shape[0] - 1)].ts
        timer = desk.timer_next
        moment = min(min(timer, response_ts), request_ts)
        # ---- the exchange's feed up to and including that moment ----
        heard = venue.response_tail
        while i < end:
            kind = int(rows[i].kind)
            if kind >= TEXT:
                if kind > TEXT:
                    venue.headers += 1
                i += 1
                continue
            ts = rows[i].ts_event
            if ts > moment:
                break
            n = int(rows[i].instrument)
            price = int(rows[i].price)
            lots = rows[i].quantity
            if kind <= ASK_LEVEL:
                at = price + book[n].offset[kind]
                old = level[at].lots
                level[at].lots = lots
                if level[at].own != 0:
                    level_changed(venue, level[at].own, old, lots)
                if lots > 0:
                    if (1 - 2 * kind) * (price - book[n].best[kind]) > 0:
                        improved(venue, level, n, kind, price, ts)
                elif price == book[n].best[kind]:
                    book[n].best[kind] = next_level(book[n], level, kind, price)
            elif kind == TRADE_BUY:
                if price >= book[n].own[ASK]:
                    traded(venue, level, n, 1, price, lots, ts)
            elif kind == TRADE_SELL:
                if price <= book[n].own[BID]:
                    traded(venue, level, n, -1, price, lots, ts)
            i += 1
            if int(rows[i - 1].bits) & LAST != 0:
                keep_touch(venue, touches, n, rows[i - 1].ts_recv, i - venue.headers)
            if venue.response_tail != heard:
                break
        venue.cursor = i
        if venue.response_tail != heard:
            continue  # an answer of the exchange may now be the next thing to happen
        if i >= end and moment == timer:
            return END if i >= rows.shape[0] else PAUSE
        # ---- the moment itself ----
        if request_ts == moment and request_ts < response_ts and request_ts < timer:
            request = venue.requests[venue.request_head & (venue.requests.shape[0] - 1)]
            venue.request_head += 1
            arrive_in_book(venue, level, request)
            continue
        if response_ts < timer:
            deliver_feed(desk, venue, touches, response_ts)
            wake = hear(desk, venue)
        else:
            deliver_feed(desk, venue, touches, timer - 1)
            begin(desk, 1, timer)
            wake = on_timer(desk)
        if wake & desk.wakes != 0:
            if LEAVES:
                return wake
            decide(state, params, view)
            finish(desk)
        dispatch(desk, venue, commands, fills)


__all__ = ["BAR_OPEN", "WAKE_TIMER", "advance_body", "deliver_feed", "hear"]
