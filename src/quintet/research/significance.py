"""How much of a Sharpe ratio may be luck: of one track record, and of the best among many trials.

Everything here is **per period** (per day, for daily returns) unless its name says `annualised` or `years`. A benchmark
Sharpe ratio, and the deviation of the trials' ratios, have the period of the returns. Where there is no number (one
return, or returns that never differ) the answer is None, never 0.

Sources: Bailey and Lopez de Prado, "The Sharpe ratio efficient frontier", Journal of Risk 2012 (probabilistic ratio,
minimum track record); the same, "The deflated Sharpe ratio", Journal of Portfolio Management 2014; Bailey, Borwein,
Lopez de Prado and Zhu, "Pseudo-mathematics and financial charlatanism", Notices of the AMS 2014 (minimum length of a
backtest). All assume returns that do not depend on one another: a record whose days are alike says less than it seems.
"""

import math
from typing import Final, NamedTuple

from numpy.typing import ArrayLike

from quintet.core.errors import InputError
from quintet.core.random import normal_quantile
from quintet.research.observations import Series, deviation, fraction, series, standardised_moment, whole
from quintet.research.returns import DAYS_PER_YEAR

CONFIDENCE: Final = 0.95

_EULER_GAMMA: Final = 0.57721566490153286


def normal_cdf(x: float) -> float:
    """The chance that a standard normal number lies below `x`."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def sharpe(returns: ArrayLike) -> float | None:
    """Mean over sample standard deviation (n - 1) of excess returns, per period."""
    return _ratio(series(returns, "returns"))


def annualised(ratio: float, periods_per_year: float = DAYS_PER_YEAR) -> float:
    """A Sharpe ratio per period as one per year: times sqrt(periods per year), for returns that are not correlated."""
    return ratio * math.sqrt(periods_per_year)


def probabilistic_sharpe(returns: ArrayLike, benchmark_sharpe: float = 0.0) -> float | None:
    """The confidence that the true ratio exceeds `benchmark_sharpe` (both per period), given length and tails."""
    column = series(returns, "returns")
    ratio, error = _ratio(column), _standard_error(column)
    return None if ratio is None or error is None else normal_cdf((ratio - benchmark_sharpe) / error)


def sharpe_interval(returns: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The two-sided interval around the Sharpe ratio, per period: `confidence` of such intervals hold the true one."""
    column = series(returns, "returns")
    ratio, error = _ratio(column), _standard_error(column)
    if ratio is None or error is None:
        return None
    width = normal_quantile(0.5 + 0.5 * fraction(confidence, "confidence")) * error
    return ratio - width, ratio + width


def expected_maximum_sharpe(trials: int, sharpe_variance: float = 1.0) -> float:
    """The Sharpe ratio expected of the best of `trials` strategies without skill, in the unit of the variance's root.

    `sharpe_variance`: variance of the ratios over the trials. The mean of the largest of N normal numbers, as
    approximated in the 2014 papers; within 0.05 deviations of it for every N from 2. One trial has no choice: 0.
    """
    count = whole(trials, "trials", 1)
    if not 0.0 <= sharpe_variance < math.inf:
        raise InputError(f"sharpe_variance: found {sharpe_variance}, expected a finite number from 0")
    if count == 1:
        return 0.0
    below_one = normal_quantile(1.0 - 1.0 / count)
    further = normal_quantile(1.0 - 1.0 / (count * math.e))
    return math.sqrt(sharpe_variance) * ((1.0 - _EULER_GAMMA) * below_one + _EULER_GAMMA * further)


def deflated_sharpe(returns: ArrayLike, trials: int, sharpe_deviation: float | None = None) -> float | None:
    """The confidence that the best of `trials` has any skill: its ratio against what the best of mere luck would show.

    `sharpe_deviation`: standard deviation of the trials' own ratios, per period. Without it, that of ratios estimated
    from this many returns when no trial has skill, 1 / sqrt(n - 1): right for independent trials of equal length.
    """
    column = series(returns, "returns")
    by_luck = _best_by_luck(column, trials, sharpe_deviation)
    return None if by_luck is None else probabilistic_sharpe(column, by_luck)


def minimum_track_record_periods(
    returns: ArrayLike, benchmark_sharpe: float = 0.0, confidence: float = CONFIDENCE
) -> float | None:
    """Periods a record like this one must last to show, with `confidence`, a true ratio above `benchmark_sharpe`.

    None when the ratio is not above the benchmark: no length would do.
    """
    column = series(returns, "returns")
    ratio = _ratio(column)
    if ratio is None or ratio <= benchmark_sharpe:
        return None
    distance = normal_quantile(fraction(confidence, "confidence")) / (ratio - benchmark_sharpe)
    return 1.0 + _variance_factor(column, ratio) * distance * distance


def minimum_backtest_years(trials: int, expected_max_sharpe: float = 1.0) -> float:
    """Years below which the best of `trials` strategies without skill is expected above `expected_max_sharpe` (a year).

    The annualised ratio of y years has a deviation of 1 / sqrt(y) without skill; 45 trials need 5 years.
    """
    if not 0.0 < expected_max_sharpe < math.inf:
        raise InputError(f"expected_max_sharpe: found {expected_max_sharpe}, expected a number above 0")
    return (expected_maximum_sharpe(trials) / expected_max_sharpe) ** 2


class Luck(NamedTuple):
    """What of a record of daily returns may be luck; ratios annualised (365 days), None where there is no number."""

    trials: int
    days: int
    sharpe_annualised: float | None
    sharpe_low_annualised: float | None
    sharpe_high_annualised: float | None
    best_by_luck_annualised: float | None
    probabilistic_sharpe: float | None
    deflated_sharpe: float | None
    minimum_track_record_days: float | None
    minimum_backtest_years: float

    @property
    def is_evidence(self) -> bool:
        """More than luck would give: deflated ratio of 0.95 or more, on a record no shorter than the trials demand.

        All that one record can show alone; the whole list of conditions is in `evidence`.
        """
        is_long_enough = self.days >= self.minimum_backtest_years * DAYS_PER_YEAR
        return is_long_enough and self.deflated_sharpe is not None and self.deflated_sharpe >= CONFIDENCE


def luck(daily_returns: ArrayLike, trials: int, sharpe_deviation: float | None = None) -> Luck:
    """All figures of this page for one record of daily returns, chosen among `trials`; the interval is of 95 %.

    `sharpe_deviation`: as in `deflated_sharpe`, per day.
    """
    column = series(daily_returns, "daily_returns")
    ratio, interval = _ratio(column), sharpe_interval(column)
    low, high = interval or (None, None)
    return Luck(
        trials=trials,
        days=len(column),
        sharpe_annualised=_yearly(ratio),
        sharpe_low_annualised=_yearly(low),
        sharpe_high_annualised=_yearly(high),
        best_by_luck_annualised=_yearly(_best_by_luck(column, trials, sharpe_deviation)),
        probabilistic_sharpe=probabilistic_sharpe(column),
        deflated_sharpe=deflated_sharpe(column, trials, sharpe_deviation),
        minimum_track_record_days=minimum_track_record_periods(column),
        minimum_backtest_years=minimum_backtest_years(trials),
    )


def _yearly(ratio: float | None) -> float | None:
    return None if ratio is None else annualised(ratio)


def _best_by_luck(column: Series, trials: int, sharpe_deviation: float | None) -> float | None:
    """The ratio per period expected of the best of `trials` without skill; None when neither record nor caller say."""
    if sharpe_deviation is None:
        return expected_maximum_sharpe(trials, 1.0 / (len(column) - 1.0)) if len(column) > 1 else None
    if not 0.0 <= sharpe_deviation < math.inf:
        raise InputError(f"sharpe_deviation: found {sharpe_deviation}, expected a finite number from 0")
    return expected_maximum_sharpe(trials, sharpe_deviation * sharpe_deviation)


def _ratio(column: Series) -> float | None:
    spread = deviation(column)
    return None if spread is None else float(column.mean()) / spread


def _standard_error(column: Series) -> float | None:
    """Of the Sharpe ratio, per period; None where the ratio has none, or where tails make it vanish."""
    ratio = _ratio(column)
    if ratio is None:
        return None
    variance = _variance_factor(column, ratio) / (len(column) - 1.0)
    return math.sqrt(variance) if variance > 0.0 else None


def _variance_factor(column: Series, ratio: float) -> float:
    """1 - skew * SR + (kurtosis - 1) / 4 * SR**2: how far the variance of the ratio is from that of a mean.

    It cannot be negative, because kurtosis is at least 1 + skew**2.
    """
    skew = standardised_moment(column, 3) or 0.0
    kurtosis = standardised_moment(column, 4) or 0.0
    return 1.0 - skew * ratio + 0.25 * (kurtosis - 1.0) * ratio * ratio
