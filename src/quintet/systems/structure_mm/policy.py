"""May we quote at all, and how boldly: the policy table as data, its conditions as small kernels.

The first row whose condition holds decides; evaluated once on every closed structure bar.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.kernel import kernel
from quintet.core.units import DOWN, E9, UP, mul_div
from quintet.features.structure import BIAS_UP, E4, pullback_exceeds
from quintet.systems.structure_mm.records import BOS, DEFENSIVE, DISABLED, IDLE, NORMAL

WARM_UP: Final = 1 << 0
GAP: Final = 1 << 1
NOT_TRADING: Final = 1 << 2
KILL_SWITCH: Final = 1 << 3
DAY_LOST: Final = 1 << 4
SHOCK: Final = 1 << 5
NOT_UP: Final = 1 << 6
RESTLESS: Final = 1 << 7
DEEP: Final = 1 << 8
HEAVY: Final = 1 << 9
DAY_WORN: Final = 1 << 10
OTHERWISE: Final = 0


class PolicyRow(NamedTuple):
    """`number` is the row of the specification's table; rows are tried from the top."""

    number: int
    condition: int
    policy: int
    text: str


POLICY_ROWS: Final = (
    PolicyRow(1, WARM_UP, DISABLED, "warm-up: the slow ATR does not exist yet"),
    PolicyRow(1, GAP, DISABLED, "bars were missing, not enough have come in a row since"),
    PolicyRow(1, NOT_TRADING, DISABLED, "the venue is not trading"),
    PolicyRow(1, KILL_SWITCH, DISABLED, "the kill switch: an operator, or too far below the high-water mark"),
    PolicyRow(2, DAY_LOST, DISABLED, "the daily loss was reached; until 00:00 UTC"),
    PolicyRow(3, SHOCK, DISABLED, "volatility shock"),
    PolicyRow(4, NOT_UP, DISABLED, "bias is not up"),
    PolicyRow(5, RESTLESS, DEFENSIVE, "volatility is high, or was and is not calm yet"),
    PolicyRow(6, DEEP, DEFENSIVE, "the pullback is in the last part of its zone"),
    PolicyRow(7, HEAVY, DEFENSIVE, "inventory is above the soft band"),
    PolicyRow(8, DAY_WORN, DEFENSIVE, "half of the daily loss is reached"),
    PolicyRow(9, OTHERWISE, NORMAL, "nothing speaks against it"),
)

_CONDITION: Final = np.array([row.condition for row in POLICY_ROWS], np.int64)
POLICY_OF_ROW: Final = np.array([row.policy for row in POLICY_ROWS], np.int64)


@kernel
def policy_row(conditions: int) -> int:
    """Index of the first row whose condition is among the bits given; the last row holds always."""
    for row in range(_CONDITION.shape[0]):
        if _CONDITION[row] == 0 or conditions & _CONDITION[row] != 0:
            return row
    return _CONDITION.shape[0] - 1


@kernel
def ratio_exceeds(fast_units: int, slow_units: int, ratio_e4: int) -> bool:
    """Is fast ATR over slow ATR more than a ratio in ten-thousandths? Exact."""
    return fast_units * E4 > ratio_e4 * slow_units


@kernel
def is_restless(was: int, fast_units: int, slow_units: int, on_e4: int, off_e4: int) -> int:
    """1 above `on`, and until it is no longer above `off`: the ratio may hover between them without flicker."""
    if ratio_exceeds(fast_units, slow_units, on_e4):
        return 1
    if was != 0 and ratio_exceeds(fast_units, slow_units, off_e4):
        return 1
    return 0


@kernel
def has_fallen_to(equity: int, reference: int, fraction_e9: int) -> bool:
    """Is equity at or below the reference less a fraction of it? Quanta; the last quantum counts."""
    return equity <= mul_div(reference, E9 - fraction_e9, E9, DOWN)


@kernel
def has_fallen_below(equity: int, reference: int, fraction_e9: int) -> bool:
    """Is equity below the reference less a fraction of it? Quanta; the last quantum counts."""
    return equity < mul_div(reference, E9 - fraction_e9, E9, UP)


@kernel
def is_deep(machine: int, origin: int, top: int, close: int, defensive_e4: int) -> bool:
    """Is the close of an armed or running episode in the last part of the leg?"""
    return machine >= BOS and pullback_exceeds(origin, top, close, defensive_e4)


@kernel
def conditions(state: Any, params: Any, inst: Any, day_open: int, day: int) -> int:
    """Bits of all conditions that hold at this close. Remembers the day that was lost and high volatility."""
    if state.ready == 0:
        return WARM_UP
    held = 0
    if state.unbroken_bars < params.gap_bars:
        held |= GAP
    if inst.trading == 0:
        held |= NOT_TRADING
    if state.killed != 0:
        held |= KILL_SWITCH
    if has_fallen_to(state.equity, day_open, params.day_loss_e9):
        state.lost_day = day
    if state.lost_day == day:
        held |= DAY_LOST
    if ratio_exceeds(state.fast_units, state.slow_units, params.v_shock_e4):
        held |= SHOCK
    if state.structure.bias != BIAS_UP:
        held |= NOT_UP
    state.restless = is_restless(
        state.restless, state.fast_units, state.slow_units, params.v_defensive_e4, params.v_calm_e4
    )
    if state.restless != 0:
        held |= RESTLESS
    if state.machine != IDLE and is_deep(state.machine, state.origin, state.top, state.close, params.defensive_e4):
        held |= DEEP
    if state.share_e9 > params.w_soft_e9:
        held |= HEAVY
    if has_fallen_below(state.equity, day_open, params.day_defensive_e9):
        held |= DAY_WORN
    return held
