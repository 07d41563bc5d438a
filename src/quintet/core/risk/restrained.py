"""How much of an order that adds risk the restraint lets through: the gate asks when some rule of it is on."""

from typing import Any, Final

from quintet.core.accounting.position import position_value
from quintet.core.kernel import kernel
from quintet.core.risk.margin import shown_mark
from quintet.core.risk.restraint import (
    entry_lots,
    is_within_collar,
    lots_of_value,
    moves_with,
    room_at_risk,
    room_of_leverage,
)
from quintet.core.units import E9, UP, mul_div

HELD_BACK: Final = 16
COLLAR: Final = 17
ORDER_VALUE: Final = 18
AT_RISK: Final = 19
LEVERAGE: Final = 20
CORRELATED: Final = 21
RESTRAINT_REASONS: Final = (
    "held back",
    "price collar",
    "order value",
    "money at risk",
    "leverage",
    "correlated positions",
)
"""Reasons of the gate, behind its own."""


@kernel
def restrained_lots(desk: Any, want: Any, bound: int, lots: int) -> int:
    """Lots of a want that may leave, `lots` at most; `limits.reason` says why it is less.

    `bound`: the price that bounds the order's value. Values are in the quanta in which the instrument is quoted, so
    the rules of value mean desks whose instruments are quoted in one asset.
    """
    held, view, limits = desk.restraint, desk.shown, desk.limits
    n, side = want.instrument, want.side
    inst, market, rules = view.instruments[n], view.market[n], held.rules
    allowed = entry_lots(held, want.tag, lots)
    if allowed < lots:
        limits.reason = HELD_BACK
    if allowed > 0 and not is_within_collar(rules, side, bound, market.last):
        limits.reason = COLLAR
        return 0
    if allowed > 0 and rules.correlated_max > 0 and is_crowded(desk, n, side):
        limits.reason = CORRELATED
        return 0
    lot_value = max(bound * inst.quanta, 1)
    within = lots_of_value(rules.order_value_max, lot_value, allowed)
    if within < allowed:
        allowed, limits.reason = within, ORDER_VALUE
    if rules.at_risk_e9 == 0 and rules.leverage_e9 == 0:
        return allowed
    value = value_at_work(desk)
    if rules.leverage_e9 > 0:
        within = min(allowed, room_of_leverage(rules, view.equity.quanta, value) // lot_value)
        if within < allowed:
            allowed, limits.reason = within, LEVERAGE
    if rules.at_risk_e9 > 0:
        risked = mul_div(value, rules.loss_e9, E9, UP)
        lot_risk = max(mul_div(lot_value, rules.loss_e9, E9, UP), 1)
        within = min(allowed, room_at_risk(rules, view.equity.quanta, risked) // lot_risk)
        if within < allowed:
            allowed, limits.reason = within, AT_RISK
    return allowed


@kernel
def value_at_work(desk: Any) -> int:
    """Value of all positions and of the orders that could add to them, quanta; never below 0.

    At last prices, as long as nobody has traded at the mark or in the middle of the book.
    Orders against a position first close it and then open as much on the other side: the larger of the two counts.
    """
    view = desk.shown
    total = 0
    for n in range(desk.n_instruments):
        inst, account, price = view.instruments[n], view.account[n], view.market[n].last
        if price == 0:
            price = shown_mark(view.market[n])
        if price > 0:
            total += abs(position_value(inst, account, price))
            with_it, against = account.open_buy_lots, account.open_sell_lots
            if account.lots < 0:
                with_it, against = against, with_it
            total += max(with_it, against - 2 * abs(account.lots)) * price * inst.quanta
    return total


@kernel
def is_crowded(desk: Any, n: int, side: int) -> bool:
    """Are there as many positions as allowed that would gain and lose with this one? Its own does not count."""
    view, rules = desk.shown, desk.restraint.rules
    together = 0
    for other in range(desk.n_instruments):
        if other != n and moves_with(rules, n, side, other, view.account[other].lots):
            together += 1
    return together >= rules.correlated_max
