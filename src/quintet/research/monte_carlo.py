"""What else could have happened: thousands of paths drawn from one record, and how they end.

A Monte Carlo knows no more than the record it draws from: it shows how much of a result was the order and the luck of
the days that happened, never what another market would do. For that, run the system on another market (`stress`).
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import InputError
from quintet.core.random import seeded
from quintet.core.records import fill, table
from quintet.research.observations import Series, series, varies, whole
from quintet.research.resampling import FRICTION, PATH, TRADE, hinder, reorder, resample
from quintet.research.round_trips import Trade

PATHS: Final = 10_000
SEED: Final = 1
FAN_POINTS: Final = 60
"""At so many moments, or at each step of a shorter path, the fan of paths is kept."""

RUIN_FRAC: Final = 0.5
"""A path is ruined when half of the capital at the start is gone."""

LEVELS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)

BOOTSTRAP: Final = "days drawn in blocks of random length, as they followed one another"
REORDERED: Final = "the same trades in random order; real losses come in clusters, so this understates the drawdown"
HINDERED: Final = "the same trades with random slippage, delay and partial fills of the winning ones"

_TWO_32: Final = 2**32


class Quantiles(NamedTuple):
    """Five quantiles over all paths, as plain fractions."""

    q05: float
    q25: float
    q50: float
    q75: float
    q95: float


class Fan(NamedTuple):
    """Equity over time, 1 at the start. `levels[n, k]`: quantile LEVELS[k] over all paths after step `steps[n]`."""

    steps: NDArray[np.int64]
    levels: NDArray[np.float64]


class Simulation(NamedTuple):
    """How the paths of one experiment end; `says` is what was done, for people.

    `return_frac` on the capital at the start; `drawdown_frac` the deepest of each path; `loss_chance` of ending below
    the start; `ruin_chance` of ever having lost `ruin_frac` of it.
    """

    says: str
    paths: int
    seed: int
    steps: int
    block_length: float | None
    return_frac: Quantiles
    drawdown_frac: Quantiles
    loss_chance: float
    ruin_chance: float
    ruin_frac: float
    fan: Fan | None = None


class Frictions(NamedTuple):
    """What hinders each trade, in bp (1/10 000) of what it trades.

    `slippage_bp`: mean extra cost of one side, exponential; `delay_bp`: deviation of the price over the delay, see
    `delay_deviation_bp`; `partial_chance`: of a winning trade to be filled in part, evenly from `partial_floor` to all.
    """

    slippage_bp: float = 2.0
    delay_bp: float = 1.0
    partial_chance: float = 0.3
    partial_floor: float = 0.2


FRICTIONS: Final = Frictions()


def bootstrap(
    returns: ArrayLike,
    *,
    steps: int | None = None,
    block_length: float | None = None,
    paths: int = PATHS,
    seed: int = SEED,
    ruin_frac: float = RUIN_FRAC,
) -> Simulation:
    """Paths of compounded returns by the stationary block bootstrap.

    `returns`: simple returns of equal periods, at least 2, from -1; `steps`: length of a path, the record's own by
    default; `block_length`: mean periods in a block, by default `stationary_block_length`. Raises InputError.
    """
    column = _returns(returns)
    length = whole(len(column) if steps is None else steps, "steps", 1)
    mean = stationary_block_length(column) if block_length is None else float(block_length)
    if not 1.0 <= mean < math.inf:
        raise InputError(f"block_length: found {block_length}, expected 1 or more periods")
    points = np.unique(np.linspace(1, length, min(length, FAN_POINTS)).astype(np.int64))
    walked, seen = _room(paths), np.empty((paths, len(points)))
    resample(column, int(_TWO_32 / mean), points, seeded(seed, "stationary bootstrap"), walked, seen)
    fan = Fan(points, np.quantile(seen, LEVELS, axis=0).T)
    return _summed_up(BOOTSTRAP, walked, seed, length, mean, ruin_frac, fan)


def shuffled(
    trades: Sequence[Trade],
    start_quanta: int,
    *,
    paths: int = PATHS,
    seed: int = SEED,
    ruin_frac: float = RUIN_FRAC,
) -> Simulation:
    """Closed trades in random order; the return is always the same, only the way there differs.

    `start_quanta`: capital at the start, quote quanta. Raises InputError without a closed trade.
    """
    rows = _trade_rows(trades, start_quanta)
    walked = _room(paths)
    reorder(rows, np.arange(len(rows)), seeded(seed, "order of trades"), walked)
    return _summed_up(REORDERED, walked, seed, len(rows), None, ruin_frac, None)


def hindered(
    trades: Sequence[Trade],
    start_quanta: int,
    frictions: Frictions = FRICTIONS,
    *,
    paths: int = PATHS,
    seed: int = SEED,
    ruin_frac: float = RUIN_FRAC,
) -> Simulation:
    """Closed trades in their order, each a little worse filled than it was.

    `start_quanta`: capital at the start, quote quanta. A delay moves the price either way, as it cannot know the
    decision it delays; that late orders also choose worse is shown by a run with more latency. Raises InputError.
    """
    _check(frictions)
    rows, friction = _trade_rows(trades, start_quanta), table(FRICTION, 1)
    fill(
        friction[0],
        {
            "slippage": frictions.slippage_bp / 1e4,
            "delay": frictions.delay_bp / 1e4,
            "partial_chance": frictions.partial_chance,
            "partial_floor": frictions.partial_floor,
        },
    )
    walked = _room(paths)
    hinder(rows, friction, seeded(seed, "frictions of trades"), walked)
    return _summed_up(HINDERED, walked, seed, len(rows), None, ruin_frac, None)


def delay_deviation_bp(closes: ArrayLike, bar_ms: int, delay_ms: int) -> float:
    """Deviation of the price over a delay, in bp: that of a bar's log return, times sqrt(delay over bar)."""
    column = series(closes, "closes")
    if len(column) < 3 or (column <= 0.0).any():
        raise InputError("closes: expected three or more prices above 0")
    return float(np.diff(np.log(column)).std(ddof=1)) * math.sqrt(delay_ms / bar_ms) * 1e4


def stationary_block_length(values: ArrayLike) -> float:
    """The mean block length that serves the stationary bootstrap of a mean best; 1 for values that ignore each other.

    Politis and White, "Automatic block-length selection for the dependent bootstrap", Econometric Reviews 2004, with
    the correction of Patton, Politis and White (2009): the correlogram is taken up to twice the lag after which the
    next few correlations stay within 2 sqrt(log10(n) / n), under a flat-top window. At most min(3 sqrt(n), n / 3).
    """
    column = series(values, "values")
    count = len(column)
    if count < 9 or not varies(column):
        return 1.0
    following = max(5, math.ceil(math.sqrt(math.log10(count))))
    lags = min(math.ceil(math.sqrt(count)) + following, count - 1)
    centred = column - column.mean()
    covariance = np.array([centred[lag:] @ centred[: count - lag] for lag in range(lags + 1)]) / count
    last = _last_correlated(covariance / covariance[0], following, 2.0 * math.sqrt(math.log10(count) / count))
    cut = min(2 * max(last, 1), lags)
    lag = np.arange(1, cut + 1)
    weight = np.minimum(1.0, 2.0 * (1.0 - lag / cut))
    spectrum = covariance[0] + 2.0 * float((weight * covariance[1 : cut + 1]).sum())
    slope = 2.0 * float((weight * lag * covariance[1 : cut + 1]).sum())
    longest = math.ceil(min(3.0 * math.sqrt(count), count / 3.0))
    if spectrum == 0.0:
        return float(longest)
    return float(min(max((slope / spectrum) ** 2 * count, 1.0) ** (1.0 / 3.0), longest))


def _last_correlated(correlation: Series, following: int, band: float) -> int:
    """The smallest lag that `following` correlations inside the band come after; the last one when there is none."""
    outside = np.abs(correlation) >= band
    for lag in range(len(correlation) - following):
        if not outside[lag + 1 : lag + 1 + following].any():
            return lag
    return len(correlation) - 1


def _returns(returns: ArrayLike) -> Series:
    column = series(returns, "returns")
    if len(column) < 2:
        raise InputError(f"returns: found {len(column)}, expected at least 2")
    if column.min() < -1.0:
        raise InputError(f"returns: number {int(column.argmin())} is {column.min()}, expected -1 (all lost) or more")
    return column


def _trade_rows(trades: Sequence[Trade], start_quanta: int) -> Any:
    """Closed trades as TRADE records."""
    if start_quanta <= 0:
        raise InputError(f"start_quanta: found {start_quanta}, expected a capital above 0")
    closed = [trade for trade in trades if trade.closed_ns is not None]
    if not closed:
        raise InputError(f"trades: found {len(trades)}, none of them closed, expected at least one closed")
    rows = table(TRADE, len(closed))
    rows["profit"] = [trade.profit_quanta / start_quanta for trade in closed]
    rows["traded"] = [trade.entry_quanta / start_quanta for trade in closed]
    return rows


def _room(paths: int) -> Any:
    return table(PATH, whole(paths, "paths", 1))


def _check(frictions: Frictions) -> None:
    bounds = {"slippage_bp": 1e4, "delay_bp": 1e4, "partial_chance": 1.0, "partial_floor": 1.0}
    for name, most in bounds.items():
        found = getattr(frictions, name)
        if not 0.0 <= found <= most:
            raise InputError(f"{name}: found {found}, expected a number from 0 to {most:g}")


def _summed_up(
    says: str, walked: Any, seed: int, steps: int, block_length: float | None, ruin_frac: float, fan: Fan | None
) -> Simulation:
    if not 0.0 < ruin_frac <= 1.0:
        raise InputError(f"ruin_frac: found {ruin_frac}, expected a number above 0, at most 1")
    ends = np.asarray(walked["equity"])
    return Simulation(
        says=says,
        paths=len(walked),
        seed=seed,
        steps=steps,
        block_length=block_length,
        return_frac=_quantiles(ends - 1.0),
        drawdown_frac=_quantiles(np.asarray(walked["drawdown"])),
        loss_chance=float((ends < 1.0).mean()),
        ruin_chance=float((np.asarray(walked["low"]) <= 1.0 - ruin_frac).mean()),
        ruin_frac=ruin_frac,
        fan=fan,
    )


def _quantiles(values: Series) -> Quantiles:
    return Quantiles(*(float(each) for each in np.quantile(values, LEVELS)))
