"""What is wanted against what is working: the fewest commands.

An order whose instrument, side, style, price, size and tag are still wanted stays: its place in the queue is worth
money. What is no longer wanted is cancelled once the venue has acknowledged it. A want whose price is still occupied
by a dying order waits for it. A want that would meet our own resting order is never sent: the one in the way, if
unwanted or if the want reduces risk, is cancelled first and the want goes out after the acknowledgement.
"""

from typing import Any

from quintet.core.digest import mix_in
from quintet.core.events import CANCEL, PLACE
from quintet.core.kernel import kernel, kernel_inlined
from quintet.core.orders.lifecycle import BUY, CANCEL_IN_FLIGHT, FREE, IN_FLIGHT, MARKET, OPEN, UNKNOWN, waits_for_price
from quintet.core.risk.gate import (
    OFF_TICK,
    ORDER_RATE,
    SELF_TRADE,
    STALE_DATA,
    allowed_lots,
    allowed_stop_lots,
    buying_price,
    count_order,
    is_reducing,
)
from quintet.core.state import NO_ASK, NO_BID
from quintet.core.units import DOWN, E9, mul_div

MARKET_BOUND_E9 = 50_000_000
"""5 %: about as far as venues let a market order run. A purchase at market on spot is sent with this bound."""


@kernel
def plan(desk: Any) -> None:
    """Turn wants into commands: cancels first, then places in the order they were wanted."""
    view, orders, wants = desk.shown, desk.orders, desk.shown.wants
    view.dirty = 0
    any_at_market = False
    for k in range(view.n):
        wants[k].met = 0
        any_at_market = any_at_market or wants[k].style == MARKET
    met = 0
    highest_buy, lowest_sell = NO_BID, NO_ASK
    for s in range(desk.slots_used):
        order = orders[s]
        if order.status != FREE:
            met += match(order, wants, view.n, any_at_market)
            highest_buy, lowest_sell = reach(order, highest_buy, lowest_sell)
            if order.matched == 0 and order.status == OPEN:
                send_cancel(desk, s)
    if met < view.n:
        for k in range(view.n):
            want = wants[k]
            if want.met == 0 and want.lots > 0:
                place(desk, want, highest_buy, lowest_sell)
                highest_buy, lowest_sell = reach(want, highest_buy, lowest_sell)


@kernel_inlined
def reach(order: Any, highest_buy: int, lowest_sell: int) -> tuple[int, int]:
    """How far our orders of each side reach once this one is among them, whatever its instrument."""
    if order.side == BUY:
        price = NO_ASK if order.style == MARKET else order.price
        return max(highest_buy, price), lowest_sell
    price = NO_BID if order.style == MARKET else order.price
    return highest_buy, min(lowest_sell, price)


@kernel
def match(order: Any, wants: Any, n: int, any_at_market: bool) -> int:
    """Mark the want that this order stands for, if any; 1 when its place is taken by this order.

    A dying order takes the place of its want without fulfilling it: the want waits for the outcome.
    """
    order.matched = 0
    for k in range(n):
        want = wants[k]
        if (
            (want.price == order.price or (any_at_market and want.style == MARKET))
            and want.side == order.side
            and want.met == 0
            and want.tag == order.tag
            and want.style == order.style
            and want.instrument == order.instrument
        ):
            want.met = 1
            if want.lots == order.wanted - order.filled and order.status != CANCEL_IN_FLIGHT:
                order.matched = 1
            return 1
    return 0


@kernel
def place(desk: Any, want: Any, highest_buy: int, lowest_sell: int) -> None:
    """Send a want if the gate lets it through; remember a refusal until the intent or the room changes.

    `highest_buy`, `lowest_sell`: how far our live orders reach, at least; no other can be in the way.
    """
    view = desk.shown
    n = want.instrument
    inst = view.instruments[n]
    if desk.remembered > 0 and is_remembered(desk, want):
        return
    if not reduces(view, want) and meets_an_exit(view, want):
        remember(desk, want, SELF_TRADE)
        return
    if want.style == MARKET or (want.price >= lowest_sell if want.side == BUY else want.price <= highest_buy):
        blocker = own_order_in_the_way(desk, want, 0)
        if blocker >= 0:
            clear_the_way(desk, want, blocker)
            return
    if want.price % inst.tick != 0:
        remember(desk, want, OFF_TICK)
        return
    if waits_for_price(want.style):  # held at the desk it binds nothing; hit, it trades no more than what is held then
        lots = allowed_stop_lots(desk, want)
    else:
        lots = allowed_lots(desk, want, bound_of(view, want))
    if lots == 0:
        remember(desk, want, desk.limits.reason)
        return
    if lots < want.lots:
        desk.n_shrunk += 1
    slot = free_slot(desk)
    if slot >= 0:
        send_place(desk, want, slot, lots)


@kernel
def clear_the_way(desk: Any, want: Any, blocker: int) -> None:
    """Cancel our own orders that a want would meet, from slot `blocker` on: those unwanted, and for an exit all."""
    exits = reduces(desk.shown, want)
    while blocker >= 0:
        order = desk.orders[blocker]
        if order.matched != 0 and not exits:
            remember(desk, want, SELF_TRADE)
            return
        if order.status == OPEN:
            send_cancel(desk, blocker)
        blocker = own_order_in_the_way(desk, want, blocker + 1)


@kernel
def reduces(view: Any, want: Any) -> bool:
    """Can the want only bring the position closer to zero? On spot that is a sale of what no other sale binds."""
    inst, account = view.instruments[want.instrument], view.account[want.instrument]
    if inst.kind == 0:
        return want.side < 0 and account.lots > account.open_sell_lots
    return is_reducing(inst, account, want.side, want.lots)


@kernel
def meets_an_exit(view: Any, want: Any) -> bool:
    """Would this want trade with an exit that is wanted besides? Then the exit goes first, whatever its place."""
    if waits_for_price(want.style):
        return False
    for k in range(view.n):
        other = view.wants[k]
        if (
            other.side == want.side
            or other.instrument != want.instrument
            or waits_for_price(other.style)
            or other.lots <= 0
        ):
            continue
        crossing = want.style == MARKET or other.style == MARKET or want.side * (want.price - other.price) >= 0
        if crossing and reduces(view, other):
            return True
    return False


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


@kernel
def own_order_in_the_way(desk: Any, want: Any, first: int) -> int:
    """Slot, from `first` on, of a live own order that the want could trade with, or -1.

    An own order that the venue has acknowledged and the market has traded through since cannot be resting any more
    (its fill is on the way to us), so it does not count; one that is still travelling does, wherever the market is. A
    stop held at the desk is not in the market either.
    """
    orders = desk.orders
    market = desk.shown.market[want.instrument]
    if waits_for_price(want.style):
        return -1
    for s in range(first, desk.slots_used):
        order = orders[s]
        if (
            order.status == FREE
            or order.side == want.side
            or waits_for_price(order.style)
            or order.instrument != want.instrument
        ):
            continue
        if want.style == MARKET or order.style == MARKET:
            return s
        travels = order.status == IN_FLIGHT or order.status == UNKNOWN
        if want.side == BUY:
            if order.price <= want.price and (travels or market.bid == NO_BID or order.price > market.bid):
                return s
        elif order.price >= want.price and (travels or market.ask == NO_ASK or order.price < market.ask):
            return s
    return -1


@kernel
def is_remembered(desk: Any, want: Any) -> bool:
    """True when this very intent was refused and nothing that could change the answer has changed."""
    refusals = desk.refusals
    for i in range(desk.remembered):
        refusal = refusals[i]
        if (
            refusal.version == desk.room_version
            and refusal.price == want.price
            and refusal.side == want.side
            and refusal.lots == want.lots
            and refusal.tag == want.tag
            and refusal.style == want.style
            and refusal.instrument == want.instrument
        ):
            return True
    return False


@kernel
def remember(desk: Any, want: Any, reason: int) -> None:
    """Keep a refused intent in the first place whose refusal is out of date.

    What only time cures is not kept: it is proposed again at the next plan.
    """
    refusals = desk.refusals
    desk.n_refused += 1
    if reason == ORDER_RATE or reason == STALE_DATA:
        return
    at = 0
    while at < desk.remembered and refusals[at].version == desk.room_version:
        at += 1
    if at == refusals.shape[0]:
        at = 0
    if at == desk.remembered:
        desk.remembered += 1
    refusal = refusals[at]
    refusal.price = want.price
    refusal.side = want.side
    refusal.lots = want.lots
    refusal.tag = want.tag
    refusal.style = want.style
    refusal.instrument = want.instrument
    refusal.reason = reason
    refusal.version = desk.room_version
    refusal.count += 1


@kernel
def free_slot(desk: Any) -> int:
    """The lowest free slot, or -1 when all are taken."""
    orders = desk.orders
    for s in range(desk.slots_used):
        if orders[s].status == FREE:
            return s
    if desk.slots_used < orders.shape[0]:
        desk.slots_used += 1
        return desk.slots_used - 1
    return -1


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
    reserve(view, order, bound)
    desk.live += 1
    desk.n_places += 1
    count_order(desk.limits, view.now)
    emit(desk, PLACE, slot)


@kernel
def reserve(view: Any, order: Any, bound: int) -> None:
    """Hold back what the order may take. A stop held at the desk binds nothing until it triggers."""
    order.reserved = 0
    if waits_for_price(order.style):
        return
    account, inst = view.account[order.instrument], view.instruments[order.instrument]
    if order.side < 0:
        account.open_sell_lots += order.lots
        return
    account.open_buy_lots += order.lots
    if inst.kind == 0:
        order.reserved = order.lots * buying_price(inst, bound)
        account.reserved_quote += order.reserved


@kernel
def send_cancel(desk: Any, slot: int) -> None:
    """Cancels always pass."""
    desk.orders[slot].status = CANCEL_IN_FLIGHT
    desk.n_cancels += 1
    emit(desk, CANCEL, slot)


@kernel
def emit(desk: Any, kind: int, slot: int) -> None:
    """Hash a command and put its row into the outbox."""
    order = desk.orders[slot]
    index = desk.command_index
    desk.command_index = index + 1
    desk.n_commands += 1
    mix_in(desk, desk.event * 256 + index)
    mix_in(desk, order.number)
    mix_in(desk, kind * 16 + order.style * 2 + (1 if order.side > 0 else 0))
    mix_in(desk, order.price)
    mix_in(desk, order.lots)
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
    command.price = order.price
    command.lots = order.lots
    command.tag = order.tag
    command.ts = desk.shown.now
