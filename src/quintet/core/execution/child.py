"""The orders of a parent that are in the market, and the one that should be there instead.

One order of a tag at a time. A different one is wanted only in two ways: as an amendment of the one that works, where
the venue does that and the money for it is there already, or after the one that worked is over. So the amount is never
in the market twice.
"""

from typing import Final

from quintet.core.execution.seen import Order, Seen
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import FOK, IOC, MARKET

AT_ONCE: Final = (IOC, MARKET, FOK)
"""Styles that take or end at once: nothing about such an order can be changed."""


def orders_of(seen: Seen, tag: int, instrument: int) -> list[Order]:
    """Our orders of a tag that are not over."""
    return [order for order in seen.orders if order.tag == tag and order.instrument == instrument]


def steer(mine: list[Order], want: Want, seen: Seen) -> list[Want]:
    """What to want so that this order comes to work in the place of `mine`; 0 lots or no price: none should."""
    if any(not order.is_open or order.style in AT_ONCE for order in mine):
        return left_alone(mine)
    if want.lots <= 0 or (want.price <= 0 and want.style != MARKET) or len(mine) > 1:
        return []
    if not mine or mine[0].kept() == want or may_become(mine[0], want, seen):
        return [want]
    return []


def left_alone(mine: list[Order]) -> list[Want]:
    """The wants that change nothing about these orders."""
    return [order.kept() for order in mine if not order.is_ending]


def may_become(order: Order, want: Want, seen: Seen) -> bool:
    """Can a working order be changed into this, in one command that cannot end as two orders?

    A purchase on spot that needs more money than the order has bound might not get it: the planner would cancel the one
    and send the other beside it.
    """
    if not seen.amends or (order.style, order.side) != (want.style, want.side):
        return False
    return not (seen.is_spot and want.side > 0 and (want.price > order.price or want.lots > order.wanted))
