"""How far the queue before our resting order has moved. One sentence of assumption a model.

Quantities are lots; `ahead` is the estimated quantity before us at our price, `traded` what has traded at our price
since the level was last reported. An order is at the front when `ahead` is at most half a lot below zero.
"""

from typing import Any, Final

from quintet.core.kernel import kernel

RISK_AVERSE: Final = 0
"""Only trades at our price bring us forward; a shrinking level never leaves more ahead of us than it holds."""

POWER: Final = 1
"""Cancellations happen behind us with probability 1 - (ahead / level)^3, so they bring us forward by the rest."""


@kernel
def on_level(order: Any, model: int, old_lots: int, new_lots: int) -> None:
    """The level of our price now holds `new_lots`. What trades took is subtracted once, not twice."""
    if model == RISK_AVERSE:
        order.ahead = min(order.ahead, float(new_lots))
        return
    gone = old_lots - new_lots - order.traded
    order.traded = 0.0
    if gone < 0.0:
        order.ahead = min(order.ahead, float(new_lots))
        return
    ahead = order.ahead
    behind = old_lots - ahead
    level = ahead + behind
    if level == 0.0:
        order.ahead = float(new_lots)
        return
    share = ahead / level
    behind_goes = 1.0 - share * share * share
    estimate = ahead - (1.0 - behind_goes) * gone + min(behind - behind_goes * gone, 0.0)
    order.ahead = min(estimate, float(new_lots))


@kernel
def on_trade(order: Any, model: int, lots: int) -> bool:
    """`lots` traded at our price; True when the queue before us is exhausted and the trade reached us."""
    order.ahead -= lots
    if model != RISK_AVERSE:
        order.traded += lots
    return order.ahead <= -0.5
