"""One event in, commands out. The same functions in every world and in a replay of a desk tape.

    event -> market state -> order lifecycle -> accounting -> (features in) the system -> planner -> gate -> commands
"""

from typing import Any

from quintet.core.accounting.position import book_fill
from quintet.core.engine.state import WAKE_FILL, WAKE_ORDER
from quintet.core.events import (
    CANCEL_REJECTED,
    COMMAND_LOST,
    FILL,
    ORDER_ACCEPTED,
    ORDER_CANCELED,
    ORDER_EXPIRED,
    ORDER_REJECTED,
)
from quintet.core.kernel import kernel
from quintet.core.orders import lifecycle
from quintet.core.orders.lifecycle import FREE, IGNORE, NEXT, STOP

ROWS_OF_FILL = 4
"""FILL, FILL_ORDER, FILL_FEE, FILL_EXECUTION."""


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
    if kind == COMMAND_LOST:
        return lifecycle.LOST
    return -1


@kernel
def slot_of(w: Any, number: int, hint: int) -> int:
    """The live slot of an order number; -1 when it is no longer live."""
    orders = w.orders
    if 0 <= hint < orders.shape[0] and orders[hint].number == number and orders[hint].status != FREE:
        return hint
    for s in range(w.limits[0].slots_used):
        if orders[s].number == number and orders[s].status != FREE:
            return s
    return -1


@kernel
def on_status(w: Any, kind: int, number: int, hint: int) -> int:
    """A status message about one of our orders; returns the wake it deserves (WAKE_ORDER or 0)."""
    clock = w.clock[0]
    slot = slot_of(w, number, hint)
    if slot < 0:
        clock.n_ignored += 1
        return 0
    order = w.orders[slot]
    to = NEXT[order.status, heard_of(kind)]
    if to == IGNORE:
        clock.n_ignored += 1
        return 0
    order.status = to
    quotes = w.quotes[0]
    quotes.kind = kind
    quotes.tag = order.tag
    quotes.side = order.side
    quotes.price = order.price
    quotes.lots = order.lots - order.filled
    quotes.instrument = order.instrument
    if to == FREE:
        release(w, slot, order.lots - order.filled)
        w.limits[0].live -= 1
        return WAKE_ORDER
    return 0


@kernel
def release(w: Any, slot: int, lots: int) -> None:
    """Give back the room that `lots` of a live order held."""
    order = w.orders[slot]
    account = w.account[order.instrument]
    if order.style == STOP:
        return
    if order.side > 0:
        account.open_buy_lots -= lots
        left = order.lots - order.filled - lots
        kept = 0
        if left > 0:
            kept = order.reserved * left // (left + lots)
        account.reserved_quote -= order.reserved - kept
        order.reserved = kept
    else:
        account.open_sell_lots -= lots
    w.clock[0].room_version += 1


@kernel
def is_new_execution(w: Any, execution: int) -> bool:
    """Book an execution once: the same id within the last thousands is a repetition."""
    executions = w.executions
    at = execution & (executions.shape[0] - 1)
    if executions[at] == execution:
        w.clock[0].n_ignored += 1
        return False
    executions[at] = execution
    return True


@kernel
def on_fill(
    w: Any,
    number: int,
    hint: int,
    instrument: int,
    side: int,
    price: int,
    lots: int,
    maker: int,
    fee: int,
    fee_asset: int,
    execution: int,
    ts_event: int,
) -> int:
    """A fill is a fact: booked once, in whatever state its order is; returns the wake it deserves."""
    clock = w.clock[0]
    if not is_new_execution(w, execution):
        return 0
    account = w.account[instrument]
    book_fill(w.instruments[instrument], account, w.ledger, side, price, lots, fee, fee_asset, maker)
    clock.n_fills += 1
    clock.room_version += 1
    slot = slot_of(w, number, hint)
    tag = 0
    if slot >= 0:
        order = w.orders[slot]
        tag = order.tag
        left = order.lots - order.filled
        if lots > left:
            clock.alarms += 1
            clock.paused = 1
        release(w, slot, min(lots, left))
        order.filled += lots
        done = order.filled >= order.lots
        to = NEXT[order.status, lifecycle.FILLED if done else lifecycle.PARTLY_FILLED]
        if to != IGNORE:
            order.status = to
        if done:
            order.status = FREE
            w.limits[0].live -= 1
    elif number <= 0 or number >= clock.position * 256 + 256:
        clock.alarms += 1
        clock.paused = 1
    else:
        tag = late_tag(w, number)
    quotes = w.quotes[0]
    quotes.kind = FILL
    quotes.tag = tag
    quotes.side = side
    quotes.price = price
    quotes.lots = lots
    quotes.maker = maker
    quotes.fee = fee
    quotes.fee_asset = fee_asset
    quotes.instrument = instrument
    _record_fill(w, number, tag, instrument, side, price, lots, maker, fee, fee_asset, ts_event)
    return WAKE_FILL


@kernel
def late_tag(w: Any, number: int) -> int:
    """The tag of a finished order that is heard of once more; slots keep their last order's numbers."""
    for s in range(w.limits[0].slots_used):
        if w.orders[s].number == number:
            return w.orders[s].tag
    return 0


@kernel
def _record_fill(
    w: Any,
    number: int,
    tag: int,
    instrument: int,
    side: int,
    price: int,
    lots: int,
    maker: int,
    fee: int,
    fee_asset: int,
    ts_event: int,
) -> None:
    clock = w.clock[0]
    if clock.fills >= w.fills.shape[0]:
        return
    row = w.fills[clock.fills]
    clock.fills += 1
    row.position = clock.position
    row.ts_event = ts_event
    row.ts_recv = clock.now
    row.number = number
    row.tag = tag
    row.instrument = instrument
    row.side = side
    row.price = price
    row.lots = lots
    row.maker = maker
    row.fee = fee
    row.fee_asset = fee_asset
    row.lots_after = w.account[instrument].lots
    row.bar = clock.n_bars
