"""How far the queue before our resting order has moved. One sentence of assumption a model.

A book of levels shows how much is at a price, not who stands where. When a level shrinks by more than has traded there,
somebody has cancelled: before us or behind us. The models differ in the share of those cancellations that they place
behind us. Quantities are lots; `ahead` is the estimated quantity before us at our price, `traded` what has traded at
our price since the level was last reported. An order is at the front when `ahead` is at most half a lot below zero.

With f(x) = x^n or f(x) = ln(1 + x), behind B and ahead A:

    RISK_AVERSE   nobody before us cancels
    POWER         1 - (A / (A + B))^n
    POWER_RATIO   B^n / (B^n + A^n)
    POWER_SHARE   B^n / (A + B)^n
    LOG_RATIO     ln(1 + B) / (ln(1 + B) + ln(1 + A))
    LOG_SHARE     ln(1 + B) / ln(1 + A + B)

    FIFO          the feed tells who cancels (`sim.order_queue`)

Source of the family: the answers to question 3782 of the Quantitative Finance forum ("How do we estimate position of
our order in order book?"), in the forms that hftbacktest made customary.
"""

import math
from typing import Any, Final

from quintet.core.kernel import kernel, kernel_inlined, log
from quintet.core.state import FIFO_QUEUE

RISK_AVERSE: Final = 0
"""Only trades at our price bring us forward; a shrinking level never leaves more ahead of us than it holds."""

POWER: Final = 1
"""Cancellations happen behind us with probability 1 - (ahead / level)^n: mostly behind, unless we are last."""

POWER_RATIO: Final = 2
"""Cancellations are shared in the ratio of the n-th powers of what is behind us and what is ahead."""

POWER_SHARE: Final = 3
"""Cancellations happen behind us with probability (behind / level)^n: mostly before us, unless we are first."""

LOG_RATIO: Final = 4
"""Cancellations are shared in the ratio of the logarithms of what is behind us and what is ahead."""

LOG_SHARE: Final = 5
"""Cancellations happen behind us with probability ln(1 + behind) / ln(1 + level)."""

FIFO: Final = FIFO_QUEUE
"""The feed tells each order: those that entered before ours stand before it, and no other."""

QUEUE_MODEL_NAMES: Final = (
    "risk_averse", "power", "power_ratio", "power_share", "log_ratio", "log_share", "fifo",
)  # fmt: skip

NAN: Final = math.nan


@kernel_inlined
def on_level(order: Any, model: int, exponent: int, unit: float, old_lots: int, new_lots: int) -> None:
    """The level of our price now holds `new_lots`. What trades took is subtracted once, not twice.

    `exponent` is the n of the power models; `unit` is what one lot counts for inside a logarithm, in the instrument's
    own quantity.
    """
    if model == RISK_AVERSE:
        order.ahead = min(order.ahead, float(new_lots))
        return
    if model == FIFO:
        return
    gone = old_lots - new_lots - order.traded
    order.traded = 0.0
    ahead = order.ahead
    if gone < 0.0 and model != POWER:  # in the usual model reckoning for nothing costs less than a branch mistaken
        order.ahead = min(ahead, float(new_lots))
        return
    behind = old_lots - ahead
    behind_goes = share_behind(model, exponent, unit, ahead, behind)
    estimate = ahead - (1.0 - behind_goes) * gone + min(behind - behind_goes * gone, 0.0)
    moved = ahead if gone < 0.0 else estimate
    # An estimate that is no number says nothing; then all that the level holds now is before us.
    order.ahead = min(moved, float(new_lots)) if moved == moved else float(new_lots)


@kernel_inlined
def share_behind(model: int, exponent: int, unit: float, ahead: float, behind: float) -> float:
    """The share of cancellations that happen behind us; 1 where the formula has no bound, NaN where nobody was there.

    An estimate may run below zero until a trade fills us; the formulas are followed there too, as the reference does.
    """
    above, below = behind, ahead + behind
    if model == POWER:
        if below == 0.0:
            return 1.0 if ahead != 0.0 else NAN
        return 1.0 - power(ahead / below, exponent)
    if model == POWER_SHARE:
        above, below = power(behind, exponent), power(below, exponent)
    elif model == POWER_RATIO:
        above = power(behind, exponent)
        below = above + power(ahead, exponent)
    elif model == LOG_SHARE:
        above, below = log(1.0 + behind * unit), log(1.0 + below * unit)
    else:
        above = log(1.0 + behind * unit)
        below = above + log(1.0 + ahead * unit)
    if below == 0.0:
        return 1.0 if above != 0.0 else NAN
    return above / below


@kernel_inlined
def power(x: float, n: int) -> float:
    """The n-th power of `x`, multiplied from the left; n is 1 or more."""
    product = x
    for _ in range(n - 1):
        product = product * x
    return product


@kernel
def on_trade(order: Any, model: int, lots: int) -> int:
    """`lots` traded at our price; returns how many of them the queue before us has left for us, 0 = it held them off.

    More than `lots` where the estimate was below zero before the trade: the queue had been gone for longer.
    """
    if model == FIFO:
        before = max(0.0, order.ahead - order.traded)
        order.traded += lots
        return max(0, lots - int(before))
    order.ahead -= lots
    if model != RISK_AVERSE:
        order.traded += lots
    return math.floor(0.5 - order.ahead) if order.ahead <= -0.5 else 0
