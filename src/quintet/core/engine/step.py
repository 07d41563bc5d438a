"""One event in, commands out. The same functions in every world and in a replay of a desk tape.

    event -> market state -> order lifecycle -> accounting -> the system -> planner -> gate -> outbox

An event is taken in by `begin` and one of `on_bar`, `on_status`, `on_fill`, `on_timer`, `on_control`; each says
whether the system deserves to be woken. Whoever runs the step then calls the system's `decide(state, params, view)`
and `finish`, and takes out what has been put into the outbox: the breaker may call orders back without the system.
"""

from typing import Any

from quintet.core.accounting.equity import equity_quanta, mark_equity, value_opening
from quintet.core.accounting.position import book_fill, position_value
from quintet.core.events import (
    BAR_OPEN,
    CANCEL_REJECTED,
    COMMAND_LOST,
    COMMAND_SUPPRESSED,
    FILL,
    OPERATOR,
    ORDER_ACCEPTED,
    ORDER_CANCELED,
    ORDER_EXPIRED,
    ORDER_REJECTED,
    RECONCILED,
)
from quintet.core.kernel import kernel
from quintet.core.orders import lifecycle
from quintet.core.orders.lifecycle import FREE, IGNORE, NEXT, OPEN, waits_for_price
from quintet.core.orders.planner import plan, send_cancel
from quintet.core.risk.breaker import (
    SUSPENDED,
    leave_note,
    operate,
    show_halt,
    watch_alarms,
    watch_equity,
)
from quintet.core.state import (
    ASSETS,
    DESK_BOOK,
    INSTRUMENTS,
    NO_ASK,
    NO_BID,
    SUSPENSE_BOOK,
    WAKE_BAR,
    WAKE_CONTROL,
    WAKE_FILL,
    WAKE_ORDER,
    WAKE_TIMER,
)

COMMANDS_OF_EVENT = 256
COMMANDS_OF_PLAN = 128
"""At most: a cancel and a new order for each slot."""

ROWS_OF_FILL = 4
"""FILL, FILL_ORDER, FILL_FEE, FILL_EXECUTION."""


@kernel
def begin(desk: Any, rows: int, now: int) -> None:
    """An event of `rows` rows has entered: it takes its positions; its last row's position numbers its commands."""
    desk.position += rows
    desk.event = desk.position - 1
    desk.command_index = 0
    desk.shown.now = now


@kernel
def finish(desk: Any) -> None:
    """After the system has spoken: find the fewest commands and pass them through the gate.

    An event has numbers for 256 commands; once half of them are used, what is wanted waits for the next event.
    """
    if desk.shown.dirty != 0 and desk.command_index <= COMMANDS_OF_EVENT - COMMANDS_OF_PLAN:
        plan(desk)


@kernel
def on_timer(desk: Any) -> int:
    """A timer is due; the next one is set from it, not from the clock, so that none drifts."""
    desk.timer_next += desk.timer_every
    desk.n_timers += 1
    desk.shown.why = WAKE_TIMER
    return WAKE_TIMER


@kernel
def on_bar(desk: Any, n: int, timeframe: int, ts_event: int) -> int:
    """A closed bar of instrument `n` whose prices are already in the view; marks equity where asked."""
    view = desk.shown
    market = view.market[n]
    market.last = market.close
    market.timeframe = timeframe
    market.bar_end = ts_event
    market.ts = view.now
    desk.n_bars += 1
    tripped = timeframe == desk.mark_timeframe and mark_bar(desk, n, ts_event)
    if (desk.timeframes >> timeframe) & 1 == 0:
        return wake_for_control(desk, BAR_OPEN) if tripped else 0
    view.why = WAKE_BAR
    view.instrument = n
    return WAKE_BAR


@kernel
def mark_bar(desk: Any, n: int, ts_event: int) -> bool:
    """Mark equity at the close of a bar; True when a rule of the breaker has tripped by it: orders are called back."""
    view = desk.shown
    inst, account, close = view.instruments[n], view.account[n], view.market[n].close
    if account.held > 0 and account.cost == 0 and account.n_fills == 0:
        value_opening(inst, account, view.equity, close)
    quanta = equity_quanta(inst, account, desk.ledger, close)
    for other in range(desk.n_instruments):
        if other != n:
            quanta += position_gain(view, n, other)
    mark_equity(view.equity, quanta, ts_event)
    if not watch_equity(desk, ts_event):
        return False
    call_back(desk)
    return True


@kernel
def position_gain(view: Any, n: int, other: int) -> int:
    """What another instrument adds to the equity in which `n` settles: its position at its last price."""
    inst, account, price = view.instruments[other], view.account[other], view.market[other].last
    if price == 0 or settles_in(inst) != settles_in(view.instruments[n]):
        return 0
    value = position_value(inst, account, price)
    return value if inst.kind == 0 else value - account.cost


@kernel
def settles_in(inst: Any) -> int:
    """The asset in which profit is paid."""
    return int(inst.base_asset if inst.kind == 2 else inst.quote_asset)


@kernel
def heard_of(kind: int) -> int:
    """Row kind to lifecycle input, -1 when it is none."""
    if kind == ORDER_ACCEPTED:
        return lifecycle.ACCEPTED
    if kind == ORDER_CANCELED:
        return lifecycle.CANCELED
    if kind == ORDER_REJECTED:
        return lifecycle.REJECTED
    if kind == ORDER_EXPIRED:
        return lifecycle.EXPIRED
    if kind == CANCEL_REJECTED:
        return lifecycle.CANCEL_REJECTED
    if kind == COMMAND_LOST or kind == COMMAND_SUPPRESSED:
        return lifecycle.LOST  # a dispatcher drops orders that were not sent yet, never cancels
    return -1


@kernel
def slot_of(desk: Any, number: int, hint: int) -> int:
    """The live slot of an order number, `hint` looked at first; -1 when it is no longer live."""
    orders = desk.orders
    if 0 <= hint < orders.shape[0] and orders[hint].number == number and orders[hint].status != FREE:
        return hint
    for s in range(desk.slots_used):
        if orders[s].number == number and orders[s].status != FREE:
            return s
    return -1


@kernel
def on_status(desk: Any, kind: int, number: int, hint: int) -> int:
    """A status message about one of our orders; the system is woken when the order is over."""
    slot = slot_of(desk, number, hint)
    if slot < 0:
        desk.n_ignored += 1
        return 0
    order, view = desk.orders[slot], desk.shown
    heard = heard_of(kind)
    to = NEXT[order.status, heard] if heard >= 0 else IGNORE
    if to == IGNORE:
        desk.n_ignored += 1
        return 0
    order.status = to
    if to != FREE:
        call_back_one(desk, slot)
        return 0
    release(desk, order, order.lots - order.filled)
    desk.live -= 1
    view.why = WAKE_ORDER
    view.instrument = order.instrument
    view.kind = kind
    view.tag = order.tag
    view.side = order.side
    view.price = order.price
    view.lots = order.lots - order.filled
    return WAKE_ORDER


@kernel
def release(desk: Any, order: Any, lots: int) -> None:
    """Give back the room that `lots` of a live order held."""
    if waits_for_price(order.style):
        return
    account = desk.shown.account[order.instrument]
    desk.room_version += 1
    if order.side < 0:
        account.open_sell_lots -= lots
        return
    account.open_buy_lots -= lots
    left = order.lots - order.filled - lots
    kept = 0
    if left > 0:
        # What was held back is a whole sum for every lot, so the division is exact.
        kept = order.reserved // (left + lots) * left
    account.reserved_quote -= order.reserved - kept
    order.reserved = kept


@kernel
def is_new_execution(desk: Any, execution: int) -> bool:
    """Book an execution once: the same id among the last thousands is a repetition."""
    executions = desk.executions
    at = execution & (executions.shape[0] - 1)
    if executions[at] == execution:
        desk.n_ignored += 1
        return False
    executions[at] = execution
    return True


@kernel
def on_fill(desk: Any, fill: Any) -> int:
    """A fill is a fact: booked once, in whatever state its order is, and wakes the system."""
    if not is_new_execution(desk, fill.execution):
        return 0
    view = desk.shown
    n = fill.instrument
    book_fill(view.instruments[n], view.account[n], desk.ledger, fill)
    desk.n_fills += 1
    desk.room_version += 1
    view.tag = take_fill(desk, fill)
    call_back_overhang(desk, n)
    view.why = WAKE_FILL
    view.instrument = n
    view.kind = FILL
    view.side = fill.side
    view.price = fill.price
    view.lots = fill.lots
    view.maker = fill.maker
    view.fee = fill.fee
    view.fee_asset = fill.fee_asset
    list_fill(desk, fill)
    return WAKE_FILL


@kernel
def take_fill(desk: Any, fill: Any) -> int:
    """Move the filled order on and return its tag. Above quantity, or a number never issued: alarm and pause."""
    slot = slot_of(desk, fill.number, fill.slot)
    if slot < 0:
        if fill.number < 0 or fill.number > desk.event * 256 + 255:
            alarm(desk)
        return late_tag(desk, fill.number)
    order = desk.orders[slot]
    left = order.lots - order.filled
    if fill.lots > left:
        alarm(desk)
    release(desk, order, min(fill.lots, left))
    order.filled += fill.lots
    if order.filled >= order.lots:
        order.status = FREE
        desk.live -= 1
    else:
        order.status = NEXT[order.status, lifecycle.PARTLY_FILLED]
        call_back_one(desk, slot)
    return order.tag


@kernel
def alarm(desk: Any) -> None:
    """The impossible happened: count it and let no new risk out until a person has looked."""
    desk.alarms += 1
    desk.paused = 1
    if watch_alarms(desk):
        call_back(desk)
    show_halt(desk)


@kernel
def on_control(desk: Any, kind: int, quantity: int, price: int) -> int:
    """An OPERATOR or RECONCILED row; other control events change nothing here. Returns the wake it deserves."""
    if kind == OPERATOR:
        return on_operator(desk, quantity)
    if kind == RECONCILED:
        return on_reconciled(desk, price, quantity)
    return 0


@kernel
def on_operator(desk: Any, action: int) -> int:
    """A person has spoken: the mode changes, orders are called back, the system is woken."""
    if not operate(desk, action):
        return 0
    if desk.breaker.causes != 0:
        call_back(desk)
    return wake_for_control(desk, OPERATOR)


@kernel
def on_reconciled(desk: Any, asset: int, quanta: int) -> int:
    """The venue holds `quanta` more of an asset than we can explain (- = less): the venue is right, and it alarms.

    The difference stands in suspense, out of profit and loss, and no new risk leaves until an operator resets. What a
    spot position can sell follows what is held; its cost stays.
    """
    if asset < 0 or asset >= ASSETS:
        desk.n_ignored += 1
        return 0
    desk.ledger[DESK_BOOK, asset] += quanta
    desk.ledger[SUSPENSE_BOOK, asset] -= quanta
    view = desk.shown
    for n in range(INSTRUMENTS):
        inst, account = view.instruments[n], view.account[n]
        if inst.kind == 0 and inst.base_asset == asset and inst.base_quanta > 0:
            account.held += quanta
            account.lots = account.held // inst.base_quanta
            call_back_overhang(desk, n)
            break
    desk.room_version += 1
    leave_note(view, SUSPENDED, asset, quanta, 0, 0)
    alarm(desk)
    return wake_for_control(desk, RECONCILED)


@kernel
def wake_for_control(desk: Any, kind: int) -> int:
    """The system is to look at `view.halted`."""
    desk.shown.why = WAKE_CONTROL
    desk.shown.kind = kind
    return WAKE_CONTROL


@kernel
def call_back(desk: Any) -> None:
    """Cancel every recalled order that the venue has acknowledged; the others follow when it does."""
    for s in range(desk.slots_used):
        call_back_one(desk, s)


@kernel
def call_back_overhang(desk: Any, n: int) -> None:
    """Spot sells for more than is held are called back: a stop has sold what they were meant for (S-03).

    The venue takes back those that it knows when a stop is hit; those on their way to it follow when it answers.
    """
    account = desk.shown.account[n]
    if desk.shown.instruments[n].kind != 0 or account.open_sell_lots <= account.lots:
        return
    for s in range(desk.slots_used):
        order = desk.orders[s]
        if order.status != FREE and order.instrument == n and order.side < 0 and not waits_for_price(order.style):
            order.recalled = 1
            call_back_one(desk, s)


@kernel
def call_back_one(desk: Any, slot: int) -> None:
    """Cancel a recalled order if it is open; whether it is still wanted does not matter."""
    order = desk.orders[slot]
    if order.recalled != 0 and order.status == OPEN:
        send_cancel(desk, slot)


@kernel
def late_tag(desk: Any, number: int) -> int:
    """The tag of a finished order that is heard of once more; slots keep their last order's numbers."""
    orders = desk.orders
    for s in range(desk.slots_used):
        if orders[s].number == number:
            return orders[s].tag
    return 0


@kernel
def list_fill(desk: Any, fill: Any) -> None:
    """Put the fill's row where whoever runs the step will take it from."""
    row = desk.filled[desk.n_filled]
    desk.n_filled += 1
    account, market = desk.shown.account[fill.instrument], desk.shown.market[fill.instrument]
    row.position = desk.event
    row.ts_event = fill.ts_event
    row.ts_recv = desk.shown.now
    row.number = fill.number
    row.tag = desk.shown.tag
    row.instrument = fill.instrument
    row.side = fill.side
    row.price = fill.price
    row.lots = fill.lots
    row.maker = fill.maker
    row.fee = fill.fee
    row.fee_asset = fill.fee_asset
    row.lots_after = account.lots
    row.ahead_joined = fill.ahead_joined
    row.ahead_reached = fill.ahead_reached
    touch_known = market.bid != NO_BID and market.ask != NO_ASK
    row.twice_mid = market.bid + market.ask if touch_known else 2 * market.last
