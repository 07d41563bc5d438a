"""Changing a working order instead of ending it: one command where a cancel and a new order would be two.

Only where the venue does it (`instruments[n].amends`), and only what the gate lets through, asked as if the order were
not there. While the change is under way the order holds the room of the larger of what it is and what it shall be, at
the dearer of the two prices.
"""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.orders.crossing import meets_an_exit, own_order_in_the_way, reduces
from quintet.core.orders.lifecycle import LIMIT, OPEN, held_lots, waits_for_price
from quintet.core.orders.sending import hold, let_go, send_amend, spends_money
from quintet.core.risk.gate import allowed_lots, allowed_stop_lots, buying_price
from quintet.core.risk.margin import free_quote


@kernel
def may_be_amended(view: Any, order: Any) -> bool:
    """Is it an order that works, at a venue that changes orders?"""
    rests = order.style <= LIMIT or waits_for_price(order.style)
    return rests and order.to_lots == 0 and view.instruments[order.instrument].amends != 0


@kernel
def want_for(view: Any, order: Any, slot: int) -> int:
    """The want that an order nobody wants as it is could become: one at its own price, else the first; -1 = none."""
    found = -1
    for k in range(view.n):
        want = view.wants[k]
        if want.met == slot + 1:
            return k
        if (
            found < 0
            and want.met == 0
            and want.lots > 0
            and want.side == order.side
            and want.tag == order.tag
            and want.style == order.style
            and want.instrument == order.instrument
            and want.reduce_only == order.reduce_only
        ):
            found = k
    return found


@kernel
def amend(desk: Any, slot: int, want: Any) -> bool:
    """Change an open order into what is wanted; False where that may not be, and then nothing has changed."""
    order = desk.orders[slot]
    if order.status != OPEN or want.price % desk.shown.instruments[want.instrument].tick != 0:
        return False
    before = order.price
    let_go(desk, order, held_lots(order))
    desk.live -= 1
    lots = amendable_lots(desk, order, want)
    desk.live += 1
    is_so_already = want.price == order.price and order.filled + lots == order.lots
    if lots > 0 and not is_so_already:
        order.to_price = want.price
        order.to_lots = order.filled + lots
        order.to_wanted = order.filled + want.lots
    hold(desk, order, max(before, order.to_price))
    if lots == 0:
        return False
    order.matched = 1
    if is_so_already:  # the gate gives no more
        order.wanted = order.filled + want.lots
        return True
    if lots < want.lots:
        desk.n_shrunk += 1
    send_amend(desk, slot)
    return True


@kernel
def amendable_lots(desk: Any, order: Any, want: Any) -> int:
    """How many lots the gate gives a want in the place of an order that holds nothing now; 0: the order is not it."""
    view = desk.shown
    if waits_for_price(want.style):
        return allowed_stop_lots(desk, want)
    if own_order_in_the_way(desk, want, 0) >= 0 or (not reduces(view, want) and meets_an_exit(view, want)):
        return 0
    lots = allowed_lots(desk, want, want.price)
    if spends_money(view, want):
        inst = view.instruments[want.instrument]
        dearest = max(lots, order.lots - order.filled) * buying_price(inst, max(order.price, want.price))
        if dearest > free_quote(desk, inst.quote_asset):
            return 0
    return lots
