"""How large a lot is, and how many levels: the risk of the whole episode, the bands, the market's size.

Money is compared as floats here and then rounded down to quanta and lots: a lot one unit smaller does no harm, and
every limit that must hold exactly (bands, minimum order, free money) is checked in integers where orders are made.
"""

from typing import Any

from quintet.core.kernel import kernel
from quintet.systems.structure_mm.records import DEFENSIVE

BY_RISK = 0
BY_HARD_BAND = 1
BY_TARGET = 2
BY_TURNOVER = 3


@kernel
def levels(configured: int, policy: int, defensive_levels: float) -> int:
    """How many bids or start lots: in Defensive a part of them, rounded down, at least one."""
    if policy != DEFENSIVE:
        return configured
    return max(int(configured * defensive_levels), 1)


@kernel
def loss_of_one(price: float, stop: int, fees: float) -> float:
    """Loss of one unit of money bought at `price` and stopped, both fees included."""
    return (1.0 - stop / price) + fees


@kernel
def loss_of_all(params: Any, close: int, guard: int, stop: int, step_e9: int, fees: float) -> float:
    """D: loss when one unit of money is bought at every price of the episode and the hard stop is hit.

    `close`, `guard`, `stop` in price increments; `fees` is maker plus taker as a fraction.
    """
    total = params.n_start * loss_of_one(float(close), stop, fees)
    for k in range(1, params.n_bids + 1):
        price = close * (1.0 - k * (step_e9 / 1e9))
        if price >= guard:
            total += loss_of_one(price, stop, fees)
    return total


@kernel
def lot_quanta(params: Any, equity: int, loss: float, median_turnover: int) -> tuple[int, int]:
    """Value of one lot in quote quanta, rounded down, and which cap binds. Unknown turnover (0) caps nothing."""
    found = params.risk_episode * equity / loss if loss > 0.0 else float(equity)
    cap = BY_RISK
    by_band = (params.w_hard_e9 / 1e9) * equity / (params.n_start + params.n_bids)
    if by_band < found:
        found = by_band
        cap = BY_HARD_BAND
    by_target = params.w_target * equity / params.n_start
    if by_target < found:
        found = by_target
        cap = BY_TARGET
    by_turnover = params.turnover_frac * median_turnover
    if median_turnover > 0 and by_turnover < found:
        found = by_turnover
        cap = BY_TURNOVER
    return max(int(found), 0), cap


@kernel
def lots_at(quanta: int, policy: int, defensive_lot: float, price: int, inst: Any) -> int:
    """Lots that so much money buys at a price, halved in Defensive; 0 when below the venue's minimum order."""
    if policy == DEFENSIVE:
        quanta = int(quanta * defensive_lot)
    if price <= 0:
        return 0
    lots = quanta // (price * inst.quanta)
    return lots if is_sellable(inst, lots, price) else 0


@kernel
def is_sellable(inst: Any, lots: int, price: int) -> bool:
    """Does the venue take an order of so many lots at that price?"""
    return lots >= inst.min_lots and lots > 0 and lots * price * inst.quanta >= inst.min_notional
