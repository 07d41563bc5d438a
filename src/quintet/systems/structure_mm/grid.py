"""Where the grid stands: step, gap, bids under the anchor, takes above each bid.

A step in basis points is a signal, computed in floats; it becomes a whole number of 1e-9 once, and every price from
there on is an exact integer: bids are rounded down to the tick, takes up.
"""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.units import DOWN, E9, UP, mul_div
from quintet.features.structure import E4
from quintet.features.volatility import UNITS_PER_TICK
from quintet.systems.structure_mm.records import DEFENSIVE

ATR_SCALE = E4 * UNITS_PER_TICK

STANDS_WITHIN = 10
"""A bid stays while it is within a tenth of a gap (about 2 bp) of where it would be placed now: ATR and inventory move
the wanted price by a cent at every close, and a place in the queue is worth more than a cent."""


@kernel
def rate_e9(bp: float) -> int:
    """Basis points as a whole number of 1e-9, to nearest; `bp` is 0 or more."""
    return int(bp * 100_000.0 + 0.5)


@kernel
def in_bp(e9: int) -> float:
    """A rate of 1e-9 in basis points."""
    return e9 / 100_000.0


@kernel
def floor_tick(price: int, tick: int) -> int:
    """The highest price on the tick at or below `price`."""
    return price // tick * tick


@kernel
def ceil_tick(price: int, tick: int) -> int:
    """The lowest price on the tick at or above `price`."""
    return -(-price // tick) * tick


@kernel
def atr_up(multiple_e4: int, units: int) -> int:
    """A multiple of ATR in whole price increments, rounded up; `units` is ATR as `atr_units`."""
    return -(-multiple_e4 * units // ATR_SCALE)


@kernel
def is_beyond(distance: int, multiple_e4: int, units: int) -> bool:
    """Is a distance in price increments more than a multiple of ATR? Exact."""
    return distance * ATR_SCALE > multiple_e4 * units


@kernel
def adverse_selection_bp(params: Any, atr_bp: float, measured_bp: float) -> float:
    """The largest of a prior, a part of ATR, and what was measured."""
    return max(max(params.as_prior_bp, params.as_atr * atr_bp), measured_bp)


@kernel
def cost_floor_bp(params: Any, maker_bp: float, adverse_bp: float) -> float:
    """What a round trip of two maker fills must earn at least: fees, adverse selection, edge."""
    return 2.0 * maker_bp + adverse_bp + params.edge_bp


@kernel
def step_bp(params: Any, floor_bp: float, atr_bp: float, policy: int) -> float:
    """Distance from a bid to its take: the cost floor, volatility or the spread, whichever is widest."""
    step = max(max(floor_bp, params.step_atr * atr_bp), params.spread_steps * params.spread_bp)
    return step * params.defensive_step if policy == DEFENSIVE else step


@kernel
def gap_e9(params: Any, step_e9: int, share_e9: int) -> int:
    """Distance between bids: the step, stretched by the inventory carried; doubled at the hard band by default."""
    x = min(max(share_e9 / params.w_hard_e9, 0.0), 1.0)
    return int(step_e9 * (1.0 + params.spacing_inventory * x) + 0.5)


@kernel
def followed(anchor: int, close: int, step_e9: int) -> int:
    """The anchor after a close: bids follow the price up by more than a step, and never down without a fill."""
    return close if close > mul_div(anchor, E9 + step_e9, E9, DOWN) else anchor


@kernel
def bid_price(anchor: int, k: int, gap: int, ceiling: int, tick: int) -> int:
    """Price of bid k = 1, 2, ... below the anchor, never above `ceiling`; 0 when nothing is left below."""
    below = E9 - k * gap
    if below <= 0:
        return 0
    return floor_tick(min(mul_div(anchor, below, E9, DOWN), ceiling), tick)


@kernel
def tolerance(price: int, gap: int) -> int:
    """How far from its wanted price a bid may stand and stay, in price increments."""
    return mul_div(price, gap, E9 * STANDS_WITHIN, DOWN)


@kernel
def next_ceiling(price: int, gap: int) -> int:
    """No bid stands closer than one gap below the bid before it, also where the ceiling has pressed that one down."""
    return mul_div(price, max(E9 - gap, 0), E9, DOWN)


@kernel
def take_price(price: int, steps: int, step_e9: int, tick: int) -> int:
    """Where a lot bought at `price` is sold: so many steps above, rounded up."""
    return ceil_tick(mul_div(price, E9 + steps * step_e9, E9, UP), tick)
