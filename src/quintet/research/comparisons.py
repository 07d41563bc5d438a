"""What else could have been done with the same money in the same market: nothing, holding, entering at random.

Random entries keep the run's stays (from the first mark at which something worth an order is held to the last), their
sizes bar by bar, and the fees of the whole run; only the times are drawn, uniformly among all ways in which the stays
fit into the run without touching. They pay no spread and no slippage. Seeded with quintet's own dice: equal runs give
equal draws.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.kernel import kernel
from quintet.core.random import below, seeded
from quintet.research.measures import DAY_NS, DAYS_PER_YEAR
from quintet.research.observations import deviation

SEED: Final = 7
DRAWS: Final = 1_000


class CurveFigures(NamedTuple):
    """Figures of one curve of equity, plain fractions; None where a figure has no meaning."""

    return_frac: float
    cagr_frac: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown_frac: float
    under_water_days: float


def curve_figures(ts_ns: Any, worth: Any) -> CurveFigures:
    """Of the worth of something at every mark, above 0; ratios of UTC-day returns, annualised over 365 days."""
    values = np.asarray(worth, np.float64)
    moments = np.asarray(ts_ns, np.int64)
    high = np.maximum.accumulate(values)
    drawdown = float(((high - values) / high).max())
    years = (int(moments[-1]) - int(moments[0])) / (DAY_NS * DAYS_PER_YEAR)
    growth = float(values[-1] / values[0])
    cagr = growth ** (1.0 / years) - 1.0 if years > 0 and growth > 0 else None
    returns = daily_returns(moments, values)
    return CurveFigures(
        return_frac=growth - 1.0,
        cagr_frac=cagr,
        sharpe=_yearly(returns, deviation(returns)),
        sortino=_yearly(returns, _downside(returns)),
        calmar=cagr / drawdown if cagr is not None and drawdown > 0 else None,
        drawdown_frac=drawdown,
        under_water_days=_longest_under_water(moments, values, high) / DAY_NS,
    )


def daily_returns(ts_ns: Any, worth: Any) -> Any:
    """Returns from one UTC day's last mark to the next's; the first from the first mark. A mark at midnight ends a day."""
    moments, values = np.asarray(ts_ns, np.int64), np.asarray(worth, np.float64)
    day = (moments - 1) // DAY_NS
    closes = values[np.flatnonzero(np.diff(day, append=day[-1] + 1))]
    marks = np.concatenate((values[:1], closes))
    return marks[1:] / marks[:-1] - 1.0


def _downside(returns: Any) -> float | None:
    """Root of the mean square of the losses, over all days; None without a loss."""
    square = float((np.minimum(returns, 0.0) ** 2).mean()) if len(returns) else 0.0
    return math.sqrt(square) or None


def _yearly(returns: Any, spread: float | None) -> float | None:
    return None if spread is None else float(returns.mean()) / spread * math.sqrt(DAYS_PER_YEAR)


def _longest_under_water(moments: Any, values: Any, high: Any) -> int:
    """The longest time from a highest mark to the next, or to the end; ns."""
    at_high = np.flatnonzero(values >= high)
    marks = np.append(moments[at_high], moments[-1])
    return int(np.diff(marks).max()) if len(marks) > 1 else 0


# ---- holding -------------------------------------------------------------------------------------------------


def held_worth(prices: Any, share: float) -> Any:
    """Worth over time of a share of 1 put into the asset at the first price and left there, the rest in cash."""
    values = np.asarray(prices, np.float64)
    return 1.0 + share * (values / values[0] - 1.0)


# ---- random entries ------------------------------------------------------------------------------------------


class RandomEntries(NamedTuple):
    """Net results of `draws` runs with random times, plain fractions: the middle 90 % and the median.

    `beaten_frac`: the share of draws that ended below the run itself.
    """

    draws: int
    stays: int
    bars: int
    low_frac: float
    median_frac: float
    high_frac: float
    beaten_frac: float


def stays(worth: Any, smallest: float) -> list[tuple[int, int]]:
    """Stretches of marks at which at least `smallest` is held: first mark, and the mark after the last."""
    inside = np.abs(np.asarray(worth, np.float64)) >= max(smallest, 1e-12)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def random_entries(
    share: Any, prices: Any, spans: list[tuple[int, int]], net_frac: float, fees_frac: float, draws: int = DRAWS
) -> RandomEntries | None:
    """Draw the times of the stays anew, `draws` times; None when there is no stay, or no room to move one.

    `share`: what is held as a fraction of equity at every mark; `net_frac` and `fees_frac`: of the run itself.
    """
    moves = np.diff(np.asarray(prices, np.float64)) / np.asarray(prices, np.float64)[:-1]
    # What is held at a mark earns the move to the next one; the last mark has none.
    spans = [(first, min(last, len(moves))) for first, last in spans if first < len(moves)]
    lengths = np.array([last - first for first, last in spans], np.int64)
    room = len(moves) - int(lengths.sum()) - max(len(spans) - 1, 0)
    if not spans or room < 1:
        return None
    profiles = [np.asarray(share, np.float64)[first:last] for first, last in spans]
    dice = seeded(SEED, "random entries")
    order, offsets = np.empty(len(spans), np.int64), np.empty(len(spans), np.int64)
    results = np.empty(draws)
    for n in range(draws):
        draw_stays(dice[0], order, offsets, room)
        earned = _earned(moves, profiles, lengths, order, np.sort(offsets))
        results[n] = np.prod(1.0 + earned) - 1.0 - fees_frac
    low, middle, high = (float(each) for each in np.quantile(results, (0.05, 0.5, 0.95)))
    beaten = float((results < net_frac).mean())
    return RandomEntries(draws, len(spans), int(lengths.sum()), low, middle, high, beaten)


def _earned(moves: Any, profiles: list[Any], lengths: Any, order: Any, offsets: Any) -> Any:
    """What each bar in the market earned, a fraction of equity, with the stays in this order at these free places."""
    own = lengths[order]
    # Each stay is followed by one free bar at least, else two would be one.
    firsts = offsets + np.concatenate(([0], np.cumsum(own + 1)[:-1]))
    held = np.concatenate([profiles[n] for n in order])
    within = np.arange(len(held)) - np.repeat(np.cumsum(own) - own, own)
    return held * moves[np.repeat(firsts, own) + within]


@kernel
def draw_stays(random: object, order: object, offsets: object, room: int) -> None:
    """A random order of the stays, and for each a number of free bars before it, from 0 to `room`."""
    for n in range(len(order)):
        order[n] = n
        offsets[n] = below(random, room + 1)
    for n in range(len(order) - 1, 0, -1):
        other = below(random, n + 1)
        order[n], order[other] = order[other], order[n]
