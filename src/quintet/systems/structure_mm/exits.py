"""When an episode is over, and at which prices it is left."""

from typing import Any

from quintet.core.accounting.position import position_value
from quintet.core.kernel import kernel
from quintet.core.units import DOWN, E9, UP, mul_div
from quintet.systems.structure_mm.grid import atr_up, floor_tick


@kernel
def hard_stop(origin: int, hard_stop_e4: int, units: int, tick: int) -> int:
    """S: a multiple of ATR below O, rounded down to the tick; at least one tick."""
    return max(floor_tick(origin - atr_up(hard_stop_e4, units), tick), tick)


@kernel
def net_quanta(inst: Any, account: Any, price: int) -> int:
    """Everything gained since the beginning, fees taken off, the base valued at `price`: quote quanta."""
    return account.realized - account.fees + position_value(inst, account, price) - account.cost


@kernel
def liquidation_cost(inst: Any, account: Any, price: int, half_spread_e9: int) -> int:
    """What selling everything by a taker order at `price` would cost: fee and half the spread, quote quanta."""
    return mul_div(position_value(inst, account, price), max(inst.taker_fee_e9, 0) + half_spread_e9, E9, UP)


@kernel
def is_lost(gained: int, cost: int, equity: int, loss_e9: int) -> bool:
    """Has the episode, after liquidation, lost a fraction of the equity it began with?"""
    return gained - cost <= -mul_div(equity, loss_e9, E9, UP)


@kernel
def capped_price(price: int, cap_e9: int, tick: int) -> int:
    """The worst price at which an urgent exit still sells: so much below the last price, rounded down."""
    return max(floor_tick(mul_div(price, E9 - cap_e9, E9, DOWN), tick), tick)


@kernel
def excess_lots(inst: Any, account: Any, price: int, equity: int, hard_e9: int) -> int:
    """Whole lots by which the base held is worth more than the hard band allows, rounded up; 0 when it is not."""
    over = position_value(inst, account, price) - mul_div(equity, hard_e9, E9, DOWN)
    if over < 0 or account.lots <= 0:
        return 0
    return min(-(-over // (price * inst.quanta)), account.lots)
