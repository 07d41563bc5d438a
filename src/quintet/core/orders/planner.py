"""What is wanted against what is working: the fewest commands.

An order whose instrument, side, style, price, size and tag are still wanted stays: its place in the queue is worth
money. What is no longer wanted is cancelled once the venue has acknowledged it. A want whose price is still occupied
by a dying order waits for it. A want that would meet our own resting order is never sent: the one in the way, if
unwanted or if the want reduces risk, is cancelled first and the want goes out after the acknowledgement. Where the
venue amends, an order that is not wanted becomes one that is (`amending`), if they differ in price and size only.
"""

from typing import Any

from quintet.core.kernel import kernel, kernel_inlined
from quintet.core.orders.amending import amend, may_be_amended, want_for
from quintet.core.orders.crossing import meets_an_exit, own_order_in_the_way, reduces
from quintet.core.orders.lifecycle import BUY, CANCEL_IN_FLIGHT, FREE, MARKET, OPEN, nearest_price, waits_for_price
from quintet.core.orders.sending import bound_of, send_cancel, send_place
from quintet.core.risk.gate import OFF_TICK, ORDER_RATE, SELF_TRADE, STALE_DATA, allowed_lots, allowed_stop_lots
from quintet.core.state import NO_ASK, NO_BID


@kernel
def plan(desk: Any) -> None:
    """Turn wants into commands: cancels first, then amendments, then places in the order they were wanted."""
    view, orders, wants = desk.shown, desk.orders, desk.shown.wants
    view.dirty = 0
    any_at_market = False
    for k in range(view.n):
        wants[k].met = 0
        any_at_market = any_at_market or wants[k].style == MARKET
    met = spare = 0
    highest_buy, lowest_sell = NO_BID, NO_ASK
    for s in range(desk.slots_used):
        order = orders[s]
        if order.status != FREE:
            met += match(order, wants, view.n, s, any_at_market)
            price = nearest_price(order)
            highest_buy, lowest_sell = reach(order.side, order.style, price, highest_buy, lowest_sell)
            if order.matched == 0 and order.status == OPEN:
                if may_be_amended(view, order):
                    spare += 1
                else:
                    send_cancel(desk, s)
    if spare > 0:
        met += amend_or_cancel(desk)
        for k in range(view.n):
            want = wants[k]
            highest_buy, lowest_sell = reach(want.side, want.style, want.price, highest_buy, lowest_sell)
    if met < view.n:
        for k in range(view.n):
            want = wants[k]
            if want.met == 0 and want.lots > 0:
                place(desk, want, highest_buy, lowest_sell)
                highest_buy, lowest_sell = reach(want.side, want.style, want.price, highest_buy, lowest_sell)


@kernel_inlined
def reach(side: int, style: int, price: int, highest_buy: int, lowest_sell: int) -> tuple[int, int]:
    """How far our orders of each side reach once this one is among them, whatever its instrument."""
    if side == BUY:
        return max(highest_buy, NO_ASK if style == MARKET else price), lowest_sell
    return highest_buy, min(lowest_sell, NO_BID if style == MARKET else price)


@kernel
def amend_or_cancel(desk: Any) -> int:
    """Change open orders that nobody wants as they are into what is wanted, or cancel them; how many wants that met."""
    view, met = desk.shown, 0
    for s in range(desk.slots_used):
        order = desk.orders[s]
        if order.status != OPEN or order.matched != 0 or not may_be_amended(view, order):
            continue
        k = want_for(view, order, s)
        if k >= 0 and view.wants[k].lots > 0 and amend(desk, s, view.wants[k]):
            met += 1 if view.wants[k].met == 0 else 0
            view.wants[k].met = s + 1
        else:
            send_cancel(desk, s)
    return met


@kernel_inlined
def match(order: Any, wants: Any, n: int, slot: int, any_at_market: bool) -> int:
    """Mark the want that this order stands for, if any; 1 when its place is taken by this order.

    A dying order takes the place of its want without fulfilling it: the want waits for the outcome. One that is being
    amended stands for what it shall be.
    """
    order.matched = 0
    price, wanted = order.price, order.wanted
    if order.to_lots != 0:
        price, wanted = order.to_price, order.to_wanted
    for k in range(n):
        want = wants[k]
        if (
            (want.price == price or (any_at_market and want.style == MARKET))
            and want.side == order.side
            and want.met == 0
            and want.tag == order.tag
            and want.style == order.style
            and want.instrument == order.instrument
            and want.reduce_only == order.reduce_only
        ):
            want.met = slot + 1
            if want.lots == wanted - order.filled and order.status != CANCEL_IN_FLIGHT:
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
            and refusal.reduce_only == want.reduce_only
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
    refusal.reduce_only = want.reduce_only
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
