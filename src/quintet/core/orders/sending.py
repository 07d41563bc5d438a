"""Approved commands: what they bind, and their way into the outbox."""

from typing import Any

from quintet.core.digest import mix_in
from quintet.core.events import AMEND, CANCEL, PLACE
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import (
    AMEND_IN_FLIGHT,
    CANCEL_IN_FLIGHT,
    IN_FLIGHT,
    MARKET,
    held_lots,
    waits_for_price,
)
from quintet.core.risk.gate import buying_price, count_order, is_reducing
from quintet.core.risk.margin import asks_for_margin, lot_margin
from quintet.core.state import NO_ASK, NO_BID
from quintet.core.units import DOWN, E9, mul_div

MARKET_BOUND_E9 = 50_000_000
"""5 %: about as far as venues let a market order run. A purchase at market on spot is sent with this bound."""

_REDUCE_ONLY_HASHED = 4096


@kernel
def bound_of(view: Any, want: Any) -> int:
    """The price that bounds what an order may cost, 0 = unknown: its limit, or what the market shows a market order."""
    if want.price > 0:
        return want.price
    market = view.market[want.instrument]
    touch = market.ask if want.side > 0 else market.bid
    shown = market.last if touch == NO_ASK or touch == NO_BID else touch
    return mul_div(shown, E9 + MARKET_BOUND_E9, E9, DOWN) if spends_money(view, want) else shown


@kernel
def spends_money(view: Any, want: Any) -> bool:
    """A purchase on spot: it is paid in full, so its worst price must be known."""
    return want.side > 0 and view.instruments[want.instrument].kind == 0


# ---- what an order binds -------------------------------------------------------------------------------------------
@kernel
def hold(desk: Any, order: Any, bound: int) -> None:
    """Hold back what a live order may take at `bound`. A stop held at the desk binds nothing until it triggers."""
    order.reserved = 0
    if waits_for_price(order.style):
        return
    view, lots = desk.shown, held_lots(order)
    account, inst = view.account[order.instrument], view.instruments[order.instrument]
    if order.side > 0 and inst.kind == 0:
        order.reserved = lots * buying_price(inst, bound)
    elif asks_for_margin(desk.margin, inst) and not is_reducing(inst, account, order.side, lots):
        order.reserved = lots * lot_margin(desk.margin, inst, account, order.side, bound, lots)
    account.reserved_quote += order.reserved
    if order.side < 0:
        account.open_sell_lots += lots
    else:
        account.open_buy_lots += lots


@kernel
def let_go(desk: Any, order: Any, lots: int) -> None:
    """Give back what `lots` of a live order held."""
    if waits_for_price(order.style):
        return
    account = desk.shown.account[order.instrument]
    if order.side < 0:
        account.open_sell_lots -= lots
    else:
        account.open_buy_lots -= lots
    if order.reserved == 0:
        return
    left = held_lots(order) - lots
    kept = 0
    if left > 0:
        # What was held back is a whole sum for every lot, so the division is exact.
        kept = order.reserved // (left + lots) * left
    account.reserved_quote -= order.reserved - kept
    order.reserved = kept


# ---- commands ------------------------------------------------------------------------------------------------------
@kernel
def send_place(desk: Any, want: Any, slot: int, lots: int) -> None:
    """An approved order: reserve its room, give it a number, put it into the outbox."""
    view, order = desk.shown, desk.orders[slot]
    bound = bound_of(view, want)
    order.status = IN_FLIGHT
    order.instrument = want.instrument
    order.side = want.side
    order.style = want.style
    order.price = want.price
    if want.style == MARKET and spends_money(view, want):
        order.price = bound
    order.lots = lots
    order.wanted = want.lots
    order.filled = 0
    order.number = desk.event * 256 + desk.command_index
    order.tag = want.tag
    order.matched = 1
    order.recalled = 0
    order.placed_ts = view.now
    order.rests_since = 0
    order.reduce_only = want.reduce_only
    order.to_price = order.to_lots = order.to_wanted = 0
    hold(desk, order, bound)
    desk.live += 1
    desk.n_places += 1
    count_order(desk.limits, view.now)
    emit(desk, PLACE, slot, order.price, order.lots)


@kernel
def send_amend(desk: Any, slot: int) -> None:
    """An approved change of a working order; what it shall be stands in the order already."""
    order = desk.orders[slot]
    order.status = AMEND_IN_FLIGHT
    desk.n_amends += 1
    count_order(desk.limits, desk.shown.now)
    emit(desk, AMEND, slot, order.to_price, order.to_lots)


@kernel
def send_cancel(desk: Any, slot: int) -> None:
    """Cancels always pass."""
    order = desk.orders[slot]
    order.status = CANCEL_IN_FLIGHT
    desk.n_cancels += 1
    emit(desk, CANCEL, slot, order.price, order.lots)


@kernel
def emit(desk: Any, kind: int, slot: int, price: int, lots: int) -> None:
    """Hash a command and put its row into the outbox."""
    order = desk.orders[slot]
    index = desk.command_index
    desk.command_index = index + 1
    desk.n_commands += 1
    mix_in(desk, desk.event * 256 + index)
    mix_in(desk, order.number)
    mix_in(desk, kind * 16 + order.style * 2 + (1 if order.side > 0 else 0) + order.reduce_only * _REDUCE_ONLY_HASHED)
    mix_in(desk, price)
    mix_in(desk, lots)
    command = desk.outbox[desk.n_outbox]
    desk.n_outbox += 1
    command.position = desk.event
    command.index = index
    command.number = order.number
    command.kind = kind
    command.slot = slot
    command.instrument = order.instrument
    command.side = order.side
    command.style = order.style
    command.price = price
    command.lots = lots
    command.tag = order.tag
    command.ts = desk.shown.now
    command.reduce_only = order.reduce_only
