"""Where a trailing stop goes: proposals, and the ratchet that lets it move one way only.

All prices are increments; `side` is that of the position, +1 long: its stop is below the market. A proposal is rounded
to the tick on the side of the market, so that what is kept is never less than what was asked for.
"""

from quintet.core.execution.prices import on_tick
from quintet.core.units import E9


def share_kept(side: int, entry: int, best: int, keep_frac: float, tick: int) -> int:
    """The stop that keeps a share of the greatest profit so far; 0 while there was none.

    Source: intraday-sol, 6.2: 70 % of the maximal profit. A long from 100 that has seen 110 is not sold below 107.
    """
    if side * (best - entry) <= 0:
        return 0
    return on_tick(entry * E9 + round(keep_frac * E9) * (best - entry), E9, tick, -side)


def distance_behind(side: int, best: int, distance: float, tick: int) -> int:
    """The stop a fixed distance (in increments, such as 3 ATR) behind the best price; never below 0.

    Source: eternal-engine, E-35: a long that has seen 21,000 with an ATR of 500 is stopped at 19,500.
    """
    return on_tick(best - side * round(distance), 1, tick, -side)


def tightened(side: int, stop: int, proposals: tuple[int, ...], step: int) -> int:
    """The tightest of the proposals if it is at least `step` increments beyond `stop`, else `stop`; 0 is no stop.

    It is never loosened: for a long the result is not below `stop`, for a short not above.
    """
    best = stop
    for proposal in proposals:
        if proposal > 0 and (best == 0 or side * (proposal - best) > 0):
            best = proposal
    return best if stop == 0 or side * (best - stop) >= step else stop
