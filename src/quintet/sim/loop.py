"""The one way forward: events in order past the exchange, the step and the system.

`advance_body` moves until somebody must be asked and says why. It is compiled once for every system with that
system's `decide` inside (see `bind`), and once with `leave` in its place: then a wake leaves the loop and a
Python caller decides. Both come from this one text. Everything remembered is in the world, so a run can be
stopped after any event and resumed.

Order of things at one moment: feed, answers to our orders, the exchange's feed, funding, our orders' arrival there; a
timer comes before any feed of its own time. What the feed tells is what the tape says: what our own orders took is
shown when the feed reports it. A desk that listens (to trades, to the book, to bars that it builds) hears each message
at its own moment, see `core.engine.feed`; for any other, feed only changes what is known when something else happens.
Control rows (an operator, a reconciliation) and facts that a system reads enter like feed at their `ts_recv`; they are
no part of the exchange's side. The `ts_event` of a fact is the time it speaks of, and moves nothing.
"""

from typing import Any

from quintet.core.accounting.equity import DAY_NS
from quintet.core.engine.facts import on_fact
from quintet.core.engine.feed import (
    TOLD,
    hear_message,
    is_lost_book,
    is_of_market,
    is_of_perpetual,
    know_book,
    know_message,
    know_perpetual,
    message_begin,
    tell,
)
from quintet.core.engine.replay import message_end
from quintet.core.engine.step import (
    ROWS_OF_CHANGE,
    ROWS_OF_FILL,
    ROWS_OF_FUNDING,
    begin,
    finish,
    mark_bar,
    on_bar,
    on_change,
    on_control,
    on_fill,
    on_funding,
    on_status,
    on_timer,
)
from quintet.core.events import (
    ASK_LEVEL,
    BAR_OPEN,
    BOOK_ORDER,
    FACT,
    FACT_KEY,
    FILL,
    FUNDING,
    INSTRUMENT,
    LAST,
    MARK_PRICE,
    OPERATOR,
    ORDER_AMENDED,
    ORDER_REDUCED,
    RECONCILED,
    TEXT,
    TIMEFRAME_NS,
    TRADE_BUY,
    TRADE_SELL,
    VENUE_STATUS,
)
from quintet.core.kernel import bind, fetch_ahead, kernel, kernel_inlined, uncounted
from quintet.core.market.bars import read_bar, read_prices
from quintet.core.market.perpetuals import hear_of_perpetual
from quintet.core.orders.queue_place import answer_moves_place
from quintet.core.state import (
    ASK,
    BID,
    DEFINITION,
    END,
    EVERY_MARK,
    FULL,
    LAST_OF_DAY,
    NEVER,
    OVERFLOW,
    PAUSE,
    WAKE_BAR,
)
from quintet.sim.arrival import arrive_in_book, refuse
from quintet.sim.bars import DONE, OPENING, arrive_in_bars, phase_ts, play_phase
from quintet.sim.desk_rows import put_command, put_feed, put_message, put_response, put_timer
from quintet.sim.exchange import forget_book, set_status, traded
from quintet.sim.funding import next_funding, pay_funding
from quintet.sim.latency import arrival_at_venue, feed_arrival, gateway_of, place_on_wire, send_answers
from quintet.sim.level_reports import ROWS_AHEAD, report_levels
from quintet.sim.margin import watch_margin
from quintet.sim.order_queue import forget_orders, order_moves
from quintet.sim.queue import FIFO
from quintet.sim.triggers import pull_triggers


@kernel
def leave(state: Any, params: Any, view: Any) -> None:
    """Stands where a system's kernel stands when the system is ordinary Python."""


BUFFER_MARGIN = 512
"""Records that stay free in a buffer when the loop stops for it: more than one moment can add."""

REWIND = 32
"""An empty wire begins at its first place again after so many: what is used of it stays in the nearest cache."""

ROOM_OF_AN_EVENT = 1024
"""Rows that may enter and leave with one event, its message not counted."""

LEAVES = True
decide = leave


@kernel
def has_room(venue: Any, rows_out: Any, touch: Any) -> bool:
    """Can the rows of a message be recorded? If not, the buffer has to be emptied first."""
    if venue.recording == 0 or venue.n_rows + touch.end - touch.begin <= rows_out.shape[0] - ROOM_OF_AN_EVENT:
        return True
    if venue.n_rows == 0:
        venue.overflow = 1
    return False


@kernel
def show_messages(desk: Any, venue: Any, shown: Any, touches: Any, rows: Any, rows_out: Any, until: int) -> bool:
    """Let messages that reached us up to `until` (inclusive) change what we know of the market.

    False: there was no room to record them all.
    """
    mask = touches.shape[0] - 1
    head = venue.touch_head
    keeps_book, recording = desk.ladders.room > 0, venue.recording != 0
    while head < venue.touch_tail:
        touch = touches[head & mask]
        if touch.ts_recv > until:
            break
        if recording and not has_room(venue, rows_out, touch):
            venue.touch_head = head
            return False
        market = desk.shown.market[touch.instrument]
        if keeps_book:
            know_message(desk, shown, rows, message_begin(rows, touch.end), touch.end, touch.ts_recv)
        else:
            market.bid = touch.bid
            market.ask = touch.ask
            market.ts = touch.ts_recv
            market.happened = touch.happened
            know_book(market)
            desk.shown.instruments[touch.instrument].trading = touch.trading
            if touch.facts != 0:
                know_perpetual(market, rows, message_begin(rows, touch.end), touch.end)
        if touch.last != 0:
            market.last = touch.last
        desk.position += touch.rows
        if recording:
            put_message(rows_out, venue, rows, touch.begin, touch.end, touch.ts_recv)
        head += 1
    if head == venue.touch_tail and head >= REWIND:
        head = venue.touch_tail = 0
    venue.touch_head = head
    return True


@kernel
def hear_feed(desk: Any, venue: Any, shown: Any, touches: Any, rows: Any, rows_out: Any) -> None:
    """The next message of the feed enters the step of a desk that listens."""
    touch = touches[venue.touch_head & (touches.shape[0] - 1)]
    venue.touch_head += 1
    first = message_begin(rows, touch.end)
    hear_message(desk, shown, rows, first, touch.end, touch.rows, touch.ts_recv)
    if desk.ladders.room == 0:
        market = desk.shown.market[touch.instrument]
        market.bid = touch.bid
        market.ask = touch.ask
        know_book(market)
    desk.shown.instruments[touch.instrument].trading = touch.trading
    if venue.recording != 0:
        put_message(rows_out, venue, rows, touch.begin, touch.end, touch.ts_recv)
    if venue.touch_head == venue.touch_tail and venue.touch_head >= REWIND:
        venue.touch_head = venue.touch_tail = 0


@kernel
def tell_next(desk: Any, venue: Any, rows: Any, samples: Any) -> int:
    """Tell the next thing of the message that was heard last; the wake it deserves, or TOLD."""
    wake = tell(desk, rows)
    if desk.telling.marked != 0 and venue.sampling != 0:
        take_sample(desk, venue, samples, desk.telling.marked - 1)
    return wake


@kernel_inlined
def deliver_feed(desk: Any, venue: Any, shown: Any, touches: Any, rows: Any, rows_out: Any, until: int) -> bool:
    """The same where there are such messages; asked before every moment, and most have none."""
    if venue.touch_head < venue.touch_tail and touches[venue.touch_head & (touches.shape[0] - 1)].ts_recv <= until:
        return bool(show_messages(desk, venue, shown, touches, rows, rows_out, until))
    return True


@kernel
def feed_is_due(venue: Any, touches: Any, until: int) -> bool:
    """Is feed on its way that reaches us at `until` or later? Then what is due at `until` comes first."""
    if venue.touch_head == venue.touch_tail:
        return False
    return touches[(venue.touch_tail - 1) & (touches.shape[0] - 1)].ts_recv >= until


@kernel_inlined
def place_in_feed(venue: Any, touches: Any, ts_recv: int) -> Any:
    """The place of a message that reaches us at `ts_recv`: behind all that reach us no later, of whatever venue."""
    mask = touches.shape[0] - 1
    at = venue.touch_tail
    while at > venue.touch_head and touches[(at - 1) & mask].ts_recv > ts_recv:
        touches[at & mask] = touches[(at - 1) & mask]
        at -= 1
    return touches[at & mask]


@kernel_inlined
def keep_touch(venue: Any, touches: Any, n: int, ts_recv: int, end: int, facts: int, happened: int) -> None:
    """Remember the touch after the message that ends before tape row `end`, for the moment it reaches us.

    `facts`: 1 = its rows say something about a perpetual.
    """
    touch = place_in_feed(venue, touches, ts_recv)
    touch.ts_recv = ts_recv
    touch.bid = venue.book[n].best[BID]
    touch.ask = venue.book[n].best[ASK]
    touch.last = venue.book[n].traded
    known = end - venue.headers
    touch.rows = known - venue.rows_known
    venue.rows_known = known
    touch.begin = venue.feed_cursor
    touch.end = end
    venue.feed_cursor = end
    touch.instrument = n
    touch.trading = venue.instruments[n].trading
    touch.facts = facts
    touch.happened = happened
    venue.touch_tail += 1


@kernel_inlined
def hear(desk: Any, venue: Any, shown: Any, rows_out: Any) -> int:
    """The next answer to one of our orders enters the step; returns the wake it deserves."""
    response = venue.responses[venue.response_head & (venue.responses.shape[0] - 1)]
    venue.response_head += 1
    if venue.recording != 0:
        put_response(rows_out, venue, response)
    if response.kind == FILL:
        begin(desk, ROWS_OF_FILL, response.ts)
        wake = on_fill(desk, response)
    elif response.kind == ORDER_AMENDED or response.kind == ORDER_REDUCED:
        begin(desk, ROWS_OF_CHANGE, response.ts)
        number, slot = response.number, response.slot
        wake = on_change(desk, response.kind, number, slot, response.price, response.lots, response.ts_event)
    elif response.kind == FUNDING:
        begin(desk, ROWS_OF_FUNDING, response.ts)
        return on_funding(desk, response)
    else:
        begin(desk, 1, response.ts)
        wake = on_status(desk, response.kind, response.number, response.slot, response.ts_event)
    if desk.keeps_places != 0:
        maker = response.maker if response.kind == FILL else 0
        answer_moves_place(desk, shown, response.kind, response.number, response.ts_event, maker)
    return wake


@kernel
def empty_outbox(desk: Any, venue: Any, latencies: Any, commands: Any, fills: Any, notes: Any, rows_out: Any) -> None:
    """Commands go on their way to the exchange, copies into the buffers."""
    requests = venue.requests
    for k in range(desk.n_outbox):
        command = desk.outbox[k]
        if venue.request_tail - venue.request_head == requests.shape[0]:
            venue.overflow = 1
            return
        arrives = arrival_at_venue(gateway_of(venue, command.instrument), latencies, command.ts)
        request = place_on_wire(venue, arrives if arrives >= 0 else NEVER)
        request.ts = arrives
        request.decided = command.ts
        request.kind = command.kind
        request.slot = command.slot
        request.number = command.number
        request.instrument = command.instrument
        request.side = command.side
        request.style = command.style
        request.price = command.price
        request.lots = command.lots
        request.reduce_only = command.reduce_only
        if arrives >= 0:
            venue.request_tail += 1
        else:
            refuse(venue, request, command.ts, -arrives)
        commands[venue.n_commands] = command
        venue.n_commands += 1
        if venue.recording != 0:
            put_command(rows_out, venue, command)
    desk.n_outbox = 0
    for k in range(desk.n_filled):
        fills[venue.n_fills] = desk.filled[k]
        venue.n_fills += 1
    desk.n_filled = 0
    view = desk.shown
    for k in range(view.n_notes):
        notes[venue.n_notes] = view.notes[k]
        notes[venue.n_notes].ts = view.now
        notes[venue.n_notes].position = desk.event
        venue.n_notes += 1
    view.n_notes = 0


@kernel_inlined
def dispatch(desk: Any, venue: Any, latencies: Any, commands: Any, fills: Any, notes: Any, rows_out: Any) -> None:
    """Empty what the step has put out, if it has put out anything."""
    if desk.n_outbox + desk.n_filled + desk.shown.n_notes != 0:
        empty_outbox(desk, venue, latencies, commands, fills, notes, rows_out)


@kernel
def load_bar(venue: Any, rows: Any, i: int, start: int) -> None:
    """The bar whose first row is tape row `i` becomes the bar under the cursor."""
    bar = venue.bar
    bar.start = start
    bar.end = rows[i].ts_event
    read_prices(bar, rows, i)


@kernel
def enter_rows(desk: Any, venue: Any, until: int, recv: int) -> None:
    """Market rows before tape row `until` have reached us and enter the step as one event."""
    known = until - venue.headers
    begin(desk, known - venue.rows_known, recv)
    venue.rows_known = known


@kernel
def enter_control(desk: Any, venue: Any, rows: Any, rows_out: Any, first: int, until: int) -> int:
    """The message of control, or of a fact, that ends before tape row `until` enters the step.

    All feed before it has been delivered.
    """
    row = rows[first]
    enter_rows(desk, venue, until, row.ts_recv)
    if venue.recording != 0:
        put_feed(rows_out, venue, rows, until, row.ts_recv)
    if int(row.kind) == FACT:
        return on_fact(desk, rows, first)
    return on_control(desk, int(row.kind), row.quantity, int(row.price))


@kernel
def is_same_day(earlier: int, later: int) -> bool:
    """Do two marks belong to one UTC day? The mark at 00:00 closes the day before it."""
    return (earlier - 1) // DAY_NS == (later - 1) // DAY_NS


@kernel
def take_sample(desk: Any, venue: Any, samples: Any, n: int) -> None:
    """Keep the equity mark that this bar made; where only the last of a day is asked for, in place of the one before.

    The first mark of all is kept in any case: daily returns begin with it.
    """
    view = desk.shown
    account = view.account[n]
    ts = view.market[n].bar_end
    at = venue.n_samples
    if venue.sampling == LAST_OF_DAY and at > 1 and is_same_day(samples[at - 1].ts, ts):
        at -= 1
    venue.n_samples = at + 1
    sample = samples[at]
    sample.ts = ts
    sample.equity = view.equity.quanta
    sample.price = view.market[n].close
    sample.drawdown = view.equity.drawdown
    sample.lots = account.lots
    sample.held = account.held
    sample.realized = account.realized
    sample.fees = account.fees
    sample.cost = account.cost


@kernel
def after_wake(world: Any) -> None:
    """What follows a wake that left the loop: plan, pass the gate, empty the outbox."""
    desk = world.desk[0]
    finish(desk)
    dispatch(desk, world.venue[0], world.latencies, world.commands, world.fills, world.notes, world.rows_out)


def quiet_bars_body(rows: Any, i: int, end: int, desk: Any, venue: Any, samples: Any, state: Any, params: Any) -> int:
    """Take in bars of one instrument and timeframe, one after the other, while the system is silent.

    The same as the general way below for a bar that cannot touch us, with what does not change between bars kept out
    of the loop; a test holds the two equal. Returns the next tape row.
    """
    if i >= end or int(rows[i].kind) != BAR_OPEN:
        return i
    n = int(rows[i].instrument)
    first = int(rows[i].bits)
    number = first >> 1
    if (desk.timeframes >> number) & 1 == 0:
        return i
    view, timer = desk.shown, desk.timer_next
    market = view.market[n]
    view.why = WAKE_BAR
    view.instrument = n
    market.timeframe = number
    marks = number == desk.mark_timeframe
    samples_marks = marks and venue.sampling != 0
    room = samples.shape[0] - BUFFER_MARGIN
    bars, day_end = 0, 0
    while i < end:
        fetch_ahead(rows, i + ROWS_AHEAD)
        recv = rows[i].ts_recv
        if int(rows[i].kind) != BAR_OPEN or int(rows[i].bits) != first or int(rows[i].instrument) != n:
            break
        if recv >= timer or venue.n_samples > room:
            break
        ts = rows[i].ts_event
        if samples_marks:
            # the mark of the bar before this one, unless another of its day takes its place
            if bars > 0 and (venue.sampling == EVERY_MARK or ts > day_end or venue.n_samples == 0):
                take_sample(desk, venue, samples, n)
            if ts > day_end:
                day_end = ((ts - 1) // DAY_NS + 1) * DAY_NS
        market.bar_end = ts
        i += read_bar(market, rows, i)
        market.last = market.close
        market.ts = recv
        view.now = recv
        bars += 1
        if marks:
            enter_rows(desk, venue, i, recv)
            mark_bar(desk, n, ts)
        decide(state, params, view)
        if view.dirty != 0 or view.n_notes != 0 or desk.n_outbox != 0:
            break
    if bars > 0:
        if samples_marks:
            take_sample(desk, venue, samples, n)
        if not marks:
            enter_rows(desk, venue, i, view.now)
        desk.n_bars += bars
        if number == venue.fill_timeframe:
            venue.book[n].last = market.close
            venue.phase = OPENING
    return i


quiet_bars = kernel(quiet_bars_body)


def advance_body(tape: Any, world: Any, stop: int) -> int:
    """Move along the tape until row `stop`, a full buffer, the end, or (where `LEAVES`) a wake; returns why."""
    rows, level, touches = uncounted(tape.rows), uncounted(world.level), uncounted(world.touches)
    latencies, book_orders = uncounted(world.latencies), uncounted(world.book_orders)
    commands, fills, notes = uncounted(world.commands), uncounted(world.fills), uncounted(world.notes)
    samples, rows_out = uncounted(world.samples), uncounted(world.rows_out)
    shown = uncounted(world.shown)
    desk, venue = world.desk[0], world.venue[0]
    view, book = desk.shown, venue.book
    state, params = world.state[0], world.params[0]
    end = min(stop, rows.shape[0])
    listens = desk.listens != 0
    reads_facts = view.facts.n != 0
    unwatched = not LEAVES and desk.wakes & WAKE_BAR != 0 and venue.recording == 0
    room = commands.shape[0] - BUFFER_MARGIN
    row_room = rows_out.shape[0] - 4096
    i = venue.cursor
    while True:
        if venue.n_commands > room or venue.n_fills > room or venue.n_notes > room or venue.n_samples > room:
            return FULL
        if venue.recording != 0 and venue.n_rows > row_room:
            return FULL
        if venue.overflow != 0:
            return OVERFLOW
        if desk.telling.until != 0:
            wake = tell_next(desk, venue, rows, samples)
            if wake != TOLD:
                if wake & desk.wakes != 0:
                    if LEAVES:
                        return wake
                    decide(state, params, view)
                    finish(desk)
                dispatch(desk, venue, latencies, commands, fills, notes, rows_out)
                continue
        if venue.responses_sent < venue.response_tail:
            send_answers(venue, latencies)
        response_ts = NEVER
        if venue.response_head < venue.response_tail:
            response_ts = venue.responses[venue.response_head & (venue.responses.shape[0] - 1)].ts
        elif venue.response_tail >= REWIND:
            venue.response_head = venue.response_tail = venue.responses_sent = 0
        request_ts = NEVER
        if venue.request_head < venue.request_tail:
            request_ts = venue.requests[venue.request_head & (venue.requests.shape[0] - 1)].ts
        elif venue.request_tail >= REWIND:
            venue.request_head = venue.request_tail = 0
        timer = desk.timer_next
        moment = min(min(timer, response_ts), request_ts)
        funding_ts = NEVER
        if venue.funding_every_ns != 0:
            funding_ts = next_funding(venue, rows, i, end)
            moment = min(moment, funding_ts)
        feed_ts = NEVER
        if listens:
            if venue.touch_head < venue.touch_tail:
                feed_ts = touches[venue.touch_head & (touches.shape[0] - 1)].ts_recv
            moment = min(moment, feed_ts)
        again = False
        # ---- bars that cannot touch us: nothing rests, nothing is under way, nobody asks for every row ----
        if unwatched and moment == timer and venue.live == 0:
            if venue.touch_head == venue.touch_tail:
                i = quiet_bars(rows, i, end, desk, venue, samples, state, params)
                if view.dirty != 0 or view.n_notes != 0 or desk.n_outbox != 0:
                    venue.cursor = i
                    finish(desk)
                    dispatch(desk, venue, latencies, commands, fills, notes, rows_out)
                    continue
        # ---- the exchange's feed up to and including that moment ----
        heard = venue.response_tail
        while i < end:
            fetch_ahead(rows, i + ROWS_AHEAD)
            kind = int(rows[i].kind)
            ts = rows[i].ts_event
            if kind >= TEXT:
                if kind > TEXT:
                    venue.headers += 1
                i += 1
                continue
            if ts > moment and kind != BAR_OPEN and kind != FACT and kind != FACT_KEY:
                break
            n = int(rows[i].instrument)
            price = int(rows[i].price)
            lots = rows[i].quantity
            if kind <= ASK_LEVEL:
                i = report_levels(venue, level, rows, i, end)
            elif kind <= TRADE_SELL:
                if kind == TRADE_BUY:
                    if price >= book[n].own[ASK]:
                        traded(venue, level, n, 1, price, lots, ts)
                elif price <= book[n].own[BID]:
                    traded(venue, level, n, -1, price, lots, ts)
                book[n].traded = price
                if venue.fill_timeframe == 0:
                    book[n].last = price
                if price >= book[n].rise_to or price <= book[n].fall_to:
                    pull_triggers(venue, level, n, price, ts)
                    if venue.margin.mode != 0 and venue.perpetual[n].mark == 0:
                        watch_margin(venue, level, ts)
            elif kind == BAR_OPEN:
                number = int(rows[i].bits) >> 1
                recv = rows[i].ts_recv
                if number == venue.fill_timeframe:
                    if venue.phase != DONE and (venue.live > 0 or moment < recv):
                        if venue.phase == OPENING:
                            load_bar(venue, rows, i, ts - TIMEFRAME_NS[number])
                        begins = phase_ts(venue)
                        if begins > moment or (begins == moment and venue.phase == OPENING):
                            break
                        play_phase(venue, level, n)
                        if venue.response_tail != heard:
                            break
                        continue
                    book[n].last = int(rows[i + 1].price)
                if recv > moment or recv == timer or recv == feed_ts:
                    break
                # ---- the bar reaches us ----
                if not deliver_feed(desk, venue, shown, touches, rows, rows_out, recv):
                    venue.cursor = i
                    return FULL
                i += read_bar(view.market[n], rows, i)
                enter_rows(desk, venue, i, recv)
                if venue.recording != 0:
                    put_feed(rows_out, venue, rows, i, recv)
                if number == venue.fill_timeframe:
                    venue.phase = OPENING
                wake = on_bar(desk, n, number, ts)
                if venue.sampling != 0 and number == desk.mark_timeframe:
                    take_sample(desk, venue, samples, n)
                    again = venue.n_samples > room
                if venue.recording != 0 and venue.n_rows > row_room:
                    again = True
                if wake & desk.wakes != 0:
                    if LEAVES:
                        venue.cursor = i
                        return wake
                    decide(state, params, view)
                if view.dirty != 0 or view.n_notes != 0 or desk.n_outbox != 0:
                    finish(desk)
                    dispatch(desk, venue, latencies, commands, fills, notes, rows_out)
                    again = True
                if again or (unwatched and venue.live == 0):
                    again = True  # back to the top: the bars to come may be quiet
                    break
                continue
            elif kind == BOOK_ORDER:
                if venue.queue_model == FIFO:
                    order_moves(venue, level, book_orders, rows, i)
            elif is_lost_book(kind, int(rows[i].bits)):
                forget_book(book[n], level)
                if venue.queue_model == FIFO:
                    forget_orders(venue, book_orders, rows, i)
            elif kind == VENUE_STATUS:
                set_status(venue, level, n, lots, ts)
            elif is_of_perpetual(kind):
                hear_of_perpetual(venue.perpetual[n], rows[i])
                if venue.margin.mode != 0 and kind == MARK_PRICE:
                    watch_margin(venue, level, ts)
            elif kind == INSTRUMENT and i >= venue.defined:
                venue.cursor = i
                return DEFINITION
            elif kind == OPERATOR or kind == RECONCILED or (kind == FACT and reads_facts):
                recv = rows[i].ts_recv
                if recv > moment or recv == timer or recv == feed_ts:
                    break
                # ---- a person, the reconciliation or a source speaks: it enters where it stands on the tape ----
                if not deliver_feed(desk, venue, shown, touches, rows, rows_out, recv):
                    venue.cursor = i
                    return FULL
                first = i
                i = message_end(rows, first)
                wake = enter_control(desk, venue, rows, rows_out, first, i)
                if wake & desk.wakes != 0:
                    if LEAVES:
                        venue.cursor = i
                        return wake
                    decide(state, params, view)
                if kind != FACT or wake & desk.wakes != 0:
                    finish(desk)
                dispatch(desk, venue, latencies, commands, fills, notes, rows_out)
                again = True
                break
            i += 1
            bits = int(rows[i - 1].bits)
            facts = bits & LAST != 0 and is_of_perpetual(kind) and desk.perpetuals != 0
            if facts or (bits & LAST != 0 and is_of_market(kind, bits)):
                if venue.touch_tail - venue.touch_head == touches.shape[0]:
                    # what reached us before now is known whatever happens next
                    deliver_feed(desk, venue, shown, touches, rows, rows_out, ts - 1)
                    if venue.touch_tail - venue.touch_head == touches.shape[0]:
                        venue.overflow = 1
                        again = True
                        break
                arrives = feed_arrival(gateway_of(venue, n), ts, rows[i - 1].ts_recv)
                keep_touch(venue, touches, n, arrives, i, 1 if facts else 0, ts)
                if listens and arrives < feed_ts:
                    feed_ts = arrives
                    moment = min(moment, feed_ts)
            if venue.response_tail != heard:
                break
        venue.cursor = i
        if again or venue.response_tail != heard:
            continue  # an answer of the exchange may now be the next thing to happen
        if i >= end and i < rows.shape[0]:
            return PAUSE  # the next row may come before the moment; only who resumes can tell
        if i >= end and moment == timer and not feed_is_due(venue, touches, timer):
            return END
        # ---- the moment itself ----
        if funding_ts == moment:
            if i < end:
                pay_funding(venue, level)
            continue
        if feed_ts == moment and feed_ts < timer:
            if not has_room(venue, rows_out, touches[venue.touch_head & (touches.shape[0] - 1)]):
                return FULL
            hear_feed(desk, venue, shown, touches, rows, rows_out)
            continue
        if request_ts == moment and request_ts < response_ts and request_ts < timer:
            request = venue.requests[venue.request_head & (venue.requests.shape[0] - 1)]
            venue.request_head += 1
            if venue.fill_timeframe != 0:
                arrive_in_bars(venue, level, request)
            else:
                arrive_in_book(venue, level, request)
            continue
        if response_ts < timer:
            if not deliver_feed(desk, venue, shown, touches, rows, rows_out, response_ts):
                return FULL
            wake = hear(desk, venue, shown, rows_out)
        else:
            if not deliver_feed(desk, venue, shown, touches, rows, rows_out, timer - 1):
                return FULL
            begin(desk, 1, timer)
            if venue.recording != 0:
                put_timer(rows_out, venue, timer)
            wake = on_timer(desk)
        if wake & desk.wakes != 0:
            if LEAVES:
                return wake
            decide(state, params, view)
            finish(desk)
        dispatch(desk, venue, latencies, commands, fills, notes, rows_out)


def for_system(name: str, decide: Any) -> Any:
    """The loop with a system's kernel inside: `run(tape, world, stop) -> why`."""
    silent = bind(quiet_bars_body, f"quiet_bars_{name}", is_called_by_kernels=True, decide=decide)
    return bind(advance_body, f"advance_{name}", decide=decide, quiet_bars=silent, LEAVES=False)


def for_python() -> Any:
    """The loop that leaves at every wake; after each, the caller decides and calls `after_wake`."""
    return bind(advance_body, "advance")


def hear_the_rest(run: Any, tape: Any, world: Any) -> int:
    """After the tape's end: what is under way between us and the exchange arrives, and nobody is asked any more.

    Fills that happened before the end are facts, also those whose answer travels longer than the tape. No timer fires
    and no system is woken, so this ends. Returns why the loop stopped: END, or FULL to be called again.
    """
    desk = world.desk[0]
    wakes, timer = desk.wakes, desk.timer_next
    desk.wakes, desk.timer_next = 0, NEVER
    why = int(run(tape, world, len(tape.rows)))
    desk.wakes, desk.timer_next = wakes, timer
    return why
