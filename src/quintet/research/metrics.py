"""The field's figures of a backtest under the field's names: what a reader of any other report looks for first.

Figures of returns are of UTC days (`returns`), annualised with 365 days; drawdowns are of every mark; a trade is what
`round_trips` says. There is no risk-free rate: cash in the quote asset earns nothing here. Losses, drawdowns and values
at risk are positive numbers. A figure that has no meaning (a ratio over nothing, a year from a week) is absent.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.research.observations import Series, deviation, series, standardised_moment
from quintet.research.returns import DAY_NS, DAYS_PER_YEAR, daily_returns, monthly_returns
from quintet.research.round_trips import Trade

Figures = dict[str, float]

YEARLY_FROM_DAYS: Final = 30
"""A growth rate per year is not read off a shorter record: a good week would promise a fortune."""

TAIL: Final = 0.05
"""The worst (and best) share of days that values at risk and the tail ratio look at."""

_YEAR: Final = math.sqrt(DAYS_PER_YEAR)
_HOUR_NS: Final = 3_600_000_000_000


UNITS: Final[Mapping[str, str]] = {
    "frac": "fraction",
    "ratio": "plain number",
    "days": "days",
    "hours": "hours",
    "quote": "quote asset",
    "count": "count",
    "lots": "lots",
    "bp": "bp",
    "s": "seconds",
}
"""Unit of a figure to the words a reader sees."""


class Named(NamedTuple):
    """How a figure is called and shown. `unit`: one of UNITS."""

    name: str
    unit: str
    meaning: str


NAMES: Final[Mapping[str, Named]] = {
    "net_return_frac": Named("Return", "frac", "net of all costs, on the capital at the start"),
    "cagr_frac": Named("CAGR", "frac", "growth per year of 365 days; absent under 30 days"),
    "volatility_annualised_frac": Named("Volatility", "frac", "deviation of daily returns, times sqrt(365)"),
    "sharpe_daily_annualised": Named("Sharpe", "ratio", "mean over deviation of daily returns, times sqrt(365)"),
    "sortino_annualised": Named("Sortino", "ratio", "the same over the root mean square of losing days"),
    "calmar": Named("Calmar", "ratio", "CAGR over Max Drawdown"),
    "omega": Named("Omega", "ratio", "sum of winning days over sum of losing days"),
    "max_drawdown_frac": Named("Max Drawdown", "frac", "deepest fall from an earlier high of equity"),
    "average_drawdown_frac": Named("Avg. Drawdown", "frac", "mean of the deepest points of all falls from a high"),
    "ulcer_index_frac": Named("Ulcer Index", "frac", "root mean square of the drawdown over all marks"),
    "under_water_frac": Named("Time Under Water", "frac", "share of marks below an earlier high"),
    "longest_under_water_days": Named("Max Drawdown Duration", "days", "longest time from a high to its recovery"),
    "recovery_factor": Named("Recovery Factor", "ratio", "Return over Max Drawdown"),
    "best_day_frac": Named("Best Day", "frac", "largest return of a UTC day"),
    "worst_day_frac": Named("Worst Day", "frac", "smallest return of a UTC day"),
    "best_month_frac": Named("Best Month", "frac", "largest return of a UTC month"),
    "worst_month_frac": Named("Worst Month", "frac", "smallest return of a UTC month"),
    "positive_days_frac": Named("Winning Days", "frac", "share of days with a gain"),
    "skew": Named("Skew", "ratio", "of daily returns; negative: the long tail is losses"),
    "excess_kurtosis": Named("Kurtosis, excess", "ratio", "of daily returns; 0 for a normal law"),
    "value_at_risk_95_frac": Named("VaR 95 %", "frac", "loss that one day in twenty exceeded"),
    "expected_shortfall_95_frac": Named("CVaR 95 %", "frac", "mean loss of the worst day in twenty"),
    "tail_ratio": Named("Tail Ratio", "ratio", "the best day in twenty over the worst in twenty"),
    "trades": Named("Trades", "count", "entry orders whose every lot has been closed, first in first out"),
    "open_trades": Named("Open Trades", "count", "entry orders with a lot still open at the end"),
    "win_rate_frac": Named("Win Rate", "frac", "share of trades with a profit after fees"),
    "profit_factor": Named("Profit Factor", "ratio", "sum of winning trades over sum of losing ones"),
    "expectancy_quote": Named("Expectancy", "quote", "mean profit of a trade after fees"),
    "expectancy_frac": Named("Expectancy, of entry", "frac", "mean of profit over what was entered"),
    "average_win_quote": Named("Avg. Win", "quote", "mean profit of winning trades"),
    "average_loss_quote": Named("Avg. Loss", "quote", "mean loss of losing trades, positive"),
    "payoff_ratio": Named("Payoff Ratio", "ratio", "Avg. Win over Avg. Loss"),
    "best_trade_quote": Named("Best Trade", "quote", "largest profit of a trade"),
    "worst_trade_quote": Named("Worst Trade", "quote", "smallest profit of a trade"),
    "sqn": Named("SQN", "ratio", "mean over deviation of trades' profits, times the root of their number"),
    "kelly_frac": Named("Kelly", "frac", "share of capital that grew these trades fastest; a warning, not advice"),
    "median_trade_hours": Named("Trade Duration", "hours", "median time from entry to close"),
    "exposure_frac": Named("Exposure", "frac", "share of marks with a position"),
    "turnover_capitals": Named("Turnover", "ratio", "value of all fills over the capital at the start"),
}
"""Every figure of this module by its key in metrics.json."""


def curve_figures(ts_ns: ArrayLike, equity: ArrayLike, start: float, max_drawdown_frac: float | None = None) -> Figures:
    """Everything read off a curve of equity marks.

    `start`: equity before the first mark; `max_drawdown_frac`: the deepest fall, when somebody looked more often than
    at these marks. Raises InputError for marks that are not finite, not in order, or begin at nothing.
    """
    stamps, marks = np.asarray(ts_ns, np.int64), series(equity, "equity")
    daily, monthly = daily_returns(stamps, marks, start), monthly_returns(stamps, marks, start)
    if len(marks) == 0:
        return {}
    depth = drawdowns(marks, start)
    deepest = float(depth.max()) if max_drawdown_frac is None else max_drawdown_frac
    total = float(marks[-1]) / start - 1.0
    days = (int(stamps[-1]) - int(stamps[0])) / DAY_NS
    growth = yearly_growth(total, days)
    return daily_figures(daily.frac) | _known(
        max_drawdown_frac=deepest,
        average_drawdown_frac=_average_depth(depth),
        ulcer_index_frac=math.sqrt(float((depth * depth).mean())),
        under_water_frac=float((depth > 0.0).mean()),
        longest_under_water_days=_longest_under_water_ns(stamps, depth) / DAY_NS,
        cagr_frac=growth,
        calmar=_over(growth, deepest),
        recovery_factor=_over(total, deepest),
        best_month_frac=float(monthly.frac.max()),
        worst_month_frac=float(monthly.frac.min()),
    )


def daily_figures(returns: ArrayLike) -> Figures:
    """Everything read off daily returns (plain fractions, one a day, days without a trade included)."""
    daily = series(returns, "returns")
    if len(daily) == 0:
        return {}
    mean, spread = float(daily.mean()), deviation(daily)
    losses = np.minimum(daily, 0.0)
    worst, best = (float(each) for each in np.quantile(daily, (TAIL, 1.0 - TAIL)))
    kurtosis = standardised_moment(daily, 4)
    return _known(
        volatility_annualised_frac=None if spread is None else spread * _YEAR,
        sharpe_daily_annualised=_over(mean * _YEAR, spread),
        sortino_annualised=_over(mean * _YEAR, math.sqrt(float((losses * losses).mean()))),
        omega=_over(float(np.maximum(daily, 0.0).sum()), -float(losses.sum())),
        best_day_frac=float(daily.max()),
        worst_day_frac=float(daily.min()),
        positive_days_frac=float((daily > 0.0).mean()),
        skew=standardised_moment(daily, 3),
        excess_kurtosis=None if kurtosis is None else kurtosis - 3.0,
        value_at_risk_95_frac=-worst,
        expected_shortfall_95_frac=_shortfall(daily),
        tail_ratio=_over(abs(best), abs(worst)),
    )


def trade_figures(trades: Sequence[Trade], quote_quantum: float) -> Figures:
    """Everything read off closed trades; `quote_quantum`: worth of one quantum in the quote asset."""
    closed = [trade for trade in trades if trade.closed_ns is not None]
    counts: Figures = {"trades": len(closed), "open_trades": len(trades) - len(closed)}
    if not closed:
        return counts
    profits = np.array([trade.profit_quanta for trade in closed], np.float64) * quote_quantum
    hours = [(trade.closed_ns - trade.opened_ns) / _HOUR_NS for trade in closed if trade.closed_ns is not None]
    return (
        counts
        | profit_figures(profits)
        | {
            "expectancy_frac": float(np.mean([trade.return_frac for trade in closed])),
            "median_trade_hours": float(np.median(hours)),
        }
    )


def profit_figures(profits: ArrayLike) -> Figures:
    """Everything read off the profits of trades, one number each; a profit of 0 is neither won nor lost."""
    column = series(profits, "profits")
    if len(column) == 0:
        return {}
    wins, losses = column[column > 0.0], -column[column < 0.0]
    rate, mean = len(wins) / len(column), float(column.mean())
    win = float(wins.mean()) if len(wins) else None
    loss = float(losses.mean()) if len(losses) else None
    payoff = _over(win, loss)
    return _known(
        win_rate_frac=rate,
        profit_factor=_over(float(wins.sum()), float(losses.sum())),
        expectancy_quote=mean,
        average_win_quote=win,
        average_loss_quote=loss,
        payoff_ratio=payoff,
        best_trade_quote=float(column.max()),
        worst_trade_quote=float(column.min()),
        sqn=_over(mean * math.sqrt(len(column)), deviation(column)),
        kelly_frac=None if payoff is None else rate - len(losses) / len(column) / payoff,
    )


def drawdowns(equity: ArrayLike, start: float) -> Series:
    """At each mark, how far equity lies under its highest so far, a fraction from 0; `start` counts as a high."""
    marks = series(equity, "equity")
    high = np.maximum.accumulate(np.maximum(marks, start))
    depth: Series = 1.0 - marks / high
    return depth


def yearly_growth(total_frac: float, days: float) -> float | None:
    """A return over so many days as growth per year; -1 when everything is lost, None under YEARLY_FROM_DAYS."""
    if days < YEARLY_FROM_DAYS:
        return None
    return float(max(1.0 + total_frac, 0.0) ** (DAYS_PER_YEAR / days) - 1.0)


def _known(**figures: float | None) -> Figures:
    """Those that have a meaning."""
    return {name: value for name, value in figures.items() if value is not None}


def _over(above: float | None, below: float | None) -> float | None:
    """A ratio; None when either side is unknown or nothing stands below."""
    return None if above is None or below is None or below <= 0.0 else above / below


def _shortfall(daily: Series) -> float:
    """Mean loss of the worst days: the TAIL of them, at least one."""
    count = int((len(daily) - 1) * TAIL) + 1
    return -float(np.sort(daily)[:count].mean())


def _falls(depth: Series) -> list[tuple[int, int]]:
    """First mark and end (exclusive) of each time under water."""
    edges = np.diff((depth > 0.0).astype(np.int8), prepend=0, append=0)
    return list(zip(np.flatnonzero(edges > 0).tolist(), np.flatnonzero(edges < 0).tolist(), strict=True))


def _average_depth(depth: Series) -> float:
    """Mean over all falls of their deepest point; 0 without one."""
    falls = _falls(depth)
    return float(np.mean([depth[first:end].max() for first, end in falls])) if falls else 0.0


def _longest_under_water_ns(stamps: NDArray[np.int64], depth: Series) -> int:
    """From the mark of a high to the one that reaches it again, or to the last."""
    last = len(depth) - 1
    return max(
        (int(stamps[min(end, last)]) - int(stamps[max(first - 1, 0)]) for first, end in _falls(depth)), default=0
    )
