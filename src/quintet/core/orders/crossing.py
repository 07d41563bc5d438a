"""Which wants would trade with an order of our own, and which of the two goes first."""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import (
    AMEND_IN_FLIGHT,
    AMEND_UNKNOWN,
    BUY,
    FREE,
    IN_FLIGHT,
    MARKET,
    UNKNOWN,
    nearest_price,
    waits_for_price,
)
from quintet.core.risk.gate import is_reducing
from quintet.core.state import NO_ASK, NO_BID


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
def own_order_in_the_way(desk: Any, want: Any, first: int) -> int:
    """Slot, from `first` on, of a live own order that the want could trade with, or -1.

    An own order that the market has traded through since it came to rest, both by the exchange's clock, cannot be
    resting any more (its fill is on the way to us), so it does not count; one that is still travelling, or being
    amended, or has come to rest after what we know of the market, does. A stop held at the desk is not in the market.
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
        price = nearest_price(order)
        travels = order.status == IN_FLIGHT or order.status == UNKNOWN
        travels = travels or order.status == AMEND_IN_FLIGHT or order.status == AMEND_UNKNOWN
        travels = travels or order.rests_since >= market.happened
        if want.side == BUY:
            if price <= want.price and (travels or market.bid == NO_BID or price > market.bid):
                return s
        elif price >= want.price and (travels or market.ask == NO_ASK or price < market.ask):
            return s
    return -1
