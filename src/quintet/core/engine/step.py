"""One event in, commands out. The same functions in every world and in a replay of a desk tape.

    event -> market state -> order lifecycle -> accounting -> the system -> planner -> gate -> outbox

An event is taken in by `begin` and one of `on_bar`, `on_status`, `on_change`, `on_fill`, `on_funding`, `on_timer`,
`on_control`; each says whether the system deserves to be woken. Whoever runs the step then calls the system's
`decide(state, params, view)` and `finish`, and takes out what has been put into the outbox: the breaker may call orders
back without the system.
"""

from typing import Any

from quintet.core.accounting.equity import equity_quanta, mark_equity, value_opening
from quintet.core.accounting.funding import book_funding
from quintet.core.accounting.position import book_fill, position_value
from quintet.core.events import (
    AMEND_REJECTED,
    BAR_OPEN,
    CANCEL_REJECTED,
    COMMAND_LOST,
    COMMAND_SUPPRESSED,
    COMMAND_UNANSWERED,
    FILL,
    FUNDING,
    OPERATOR,
    ORDER_ACCEPTED,
    ORDER_AMENDED,
    ORDER_CANCELED,
    ORDER_EXPIRED,
    ORDER_REDUCED,
    ORDER_REJECTED,
    RECONCILED,
)
from quintet.core.kernel import kernel
from quintet.core.orders import lifecycle
from quintet.core.orders.lifecycle import FREE, IGNORE, ILLEGAL, NEXT, OPEN, held_lots, waits_for_price
from quintet.core.orders.planner import plan
from quintet.core.orders.sending import hold, let_go, send_cancel
from quintet.core.risk.breaker import (
    BY_STAND_DOWN,
    LIQUIDATED,
    SUSPENDED,
    leave_note,
    operate,
    show_halt,
    watch_alarms,
    watch_equity,
)
from quintet.core.risk.restraint import watch_round_trip
from quintet.core.risk.watching import has_changed, restrain, restrain_money
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
    WAKE_FUNDING,
    WAKE_ORDER,
    WAKE_TIMER,
)

COMMANDS_OF_EVENT = 256
COMMANDS_OF_PLAN = 128
"""At most: a cancel and a new order for each slot."""

ROWS_OF_FILL = 4
"""FILL, FILL_ORDER, FILL_FEE, FILL_EXECUTION."""

ROWS_OF_CHANGE = 2
"""ORDER_AMENDED or ORDER_REDUCED, ORDER_LOTS."""

ROWS_OF_FUNDING = 2
"""FUNDING, FUNDING_EXECUTION."""

OF_NO_ORDER = -1
"""The tag of a fill that belongs to no order of ours: a liquidation."""


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

    An event has numbers for 256 commands; once half of them are used, what is wanted waits for the next event. While
    the desk stands down it waits until the desk stands up.
    """
    if desk.restraint.active != 0 and restrain(desk):
        call_back(desk)
    if desk.shown.dirty != 0 and desk.command_index <= COMMANDS_OF_EVENT - COMMANDS_OF_PLAN:
        if desk.breaker.causes & BY_STAND_DOWN == 0:
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
    tripped = watch_equity(desk, ts_event)
    if desk.restraint.active != 0 and restrain_money(desk, n, ts_event):
        tripped = True
    if not tripped:
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
    if kind == AMEND_REJECTED:
        return lifecycle.AMEND_REJECTED
    if kind == COMMAND_LOST or kind == COMMAND_SUPPRESSED:
        return lifecycle.LOST  # a dispatcher drops orders that were not sent yet, never cancels
    if kind == COMMAND_UNANSWERED:
        return lifecycle.TIMED_OUT
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
def on_status(desk: Any, kind: int, number: int, hint: int, happened: int) -> int:
    """A status message about one of our orders; the system is woken when the order is over, or was not changed.

    `happened`: the exchange's clock.
    """
    slot = slot_of(desk, number, hint)
    if slot < 0:
        refuse_of_nobody(desk, number)
        return 0
    order, view = desk.orders[slot], desk.shown
    heard = heard_of(kind)
    to = NEXT[order.status, heard] if heard >= 0 else IGNORE
    if to < 0:
        refuse_move(desk, to == ILLEGAL)
        return 0
    order.status = to
    if kind == AMEND_REJECTED:
        settle_change(desk, order, order.price, order.lots, order.wanted)
    elif to != FREE:
        if kind == ORDER_ACCEPTED:
            order.rests_since = happened
            if desk.restraint.active != 0:
                before = desk.restraint.causes
                watch_round_trip(desk.restraint, view.now - order.placed_ts, view.now)
                if has_changed(desk, before):
                    call_back(desk)
        call_back_one(desk, slot)
        return 0
    else:
        if not waits_for_price(order.style):
            desk.room_version += 1
        let_go(desk, order, held_lots(order))
        desk.live -= 1
    call_back_one(desk, slot)
    view.why = WAKE_ORDER
    view.instrument = order.instrument
    view.kind = kind
    view.tag = order.tag
    view.side = order.side
    view.price = order.price
    view.lots = order.lots - order.filled
    return WAKE_ORDER


@kernel
def refuse_move(desk: Any, cannot_be: bool) -> None:
    """A message that moves no order: repeated or late, or impossible, which alarms."""
    desk.n_ignored += 1
    if cannot_be:
        alarm(desk)


@kernel
def refuse_of_nobody(desk: Any, number: int) -> None:
    """A message about an order that is not live: over, or never sent, which is impossible."""
    refuse_move(desk, is_never_issued(desk, number))


@kernel
def is_never_issued(desk: Any, number: int) -> bool:
    """Is it a number that no command of this desk can have yet?"""
    return bool(number < 0 or number > desk.event * 256 + 255)


@kernel
def on_change(desk: Any, kind: int, number: int, hint: int, price: int, lots: int, happened: int) -> int:
    """An order is another now: as we amended it, or cut by the venue. Wakes nobody; `lots`: what is filled included."""
    slot = slot_of(desk, number, hint)
    heard = lifecycle.AMENDED if kind == ORDER_AMENDED else lifecycle.REDUCED
    if slot < 0:
        refuse_of_nobody(desk, number)
        return 0
    order = desk.orders[slot]
    to = NEXT[order.status, heard]
    is_as_it_was = price == order.price and lots == order.lots
    if to < 0:
        # An open order that was told to be another, and that we did not change, was changed by somebody else.
        refuse_move(desk, to == ILLEGAL or (order.status == OPEN and not is_as_it_was))
        return 0
    order.status = to
    if kind == ORDER_REDUCED:
        cut(desk, order, lots)
    else:
        order.rests_since = happened
        is_as_wanted = price == order.to_price and lots == order.to_lots
        stays = is_as_it_was and not is_as_wanted
        settle_change(desk, order, price, lots, order.wanted if stays else order.to_wanted)
    call_back_one(desk, slot)
    return 0


@kernel
def settle_change(desk: Any, order: Any, price: int, lots: int, wanted: int) -> None:
    """No change is under way any more: the order is this one, over if that much of it is filled already."""
    let_go(desk, order, held_lots(order))
    order.price, order.lots, order.wanted = price, lots, wanted
    order.to_price = order.to_lots = order.to_wanted = 0
    desk.room_version += 1
    if order.filled < lots:
        hold(desk, order, price)
    else:
        order.status = FREE
        desk.live -= 1


@kernel
def cut(desk: Any, order: Any, lots: int) -> None:
    """The venue has cut a reduce-only order to so many lots. It stands for its want as before."""
    left = max(min(order.lots, lots), order.filled)
    desk.room_version += 1
    let_go(desk, order, held_lots(order) - (max(left, order.to_lots) - order.filled))
    order.lots = left


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
    view.tag = take_fill(desk, fill) if fill.liquidation == 0 else take_liquidation(desk, fill)
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
        if is_never_issued(desk, fill.number):
            alarm(desk)
        return late_tag(desk, fill.number)
    order = desk.orders[slot]
    left = held_lots(order)
    if fill.lots > left:
        alarm(desk)
    let_go(desk, order, min(fill.lots, left))
    order.filled += fill.lots
    if fill.lots >= left:
        order.status = FREE
        desk.live -= 1
    else:
        order.status = NEXT[order.status, lifecycle.PARTLY_FILLED]
        call_back_one(desk, slot)
    return order.tag


@kernel
def take_liquidation(desk: Any, fill: Any) -> int:
    """The venue has taken a position over: noted, and told apart by its tag."""
    desk.n_liquidations += 1
    leave_note(desk.shown, LIQUIDATED, fill.instrument, fill.side * fill.lots, fill.price, fill.fee)
    return OF_NO_ORDER


@kernel
def on_funding(desk: Any, funding: Any) -> int:
    """Funding was paid or received: booked once, and wakes the system. `funding.fee`: quanta paid, - = received."""
    if not is_new_execution(desk, funding.execution):
        return 0
    view = desk.shown
    n = funding.instrument
    book_funding(view.account[n], desk.ledger, funding.fee, funding.fee_asset)
    desk.n_fundings += 1
    desk.room_version += 1
    view.why = WAKE_FUNDING
    view.instrument = n
    view.kind = FUNDING
    view.price = funding.price
    view.fee = funding.fee
    view.fee_asset = funding.fee_asset
    return WAKE_FUNDING


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
