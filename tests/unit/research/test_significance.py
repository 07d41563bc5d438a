"""How much of a Sharpe ratio may be luck: the papers' own figures, scipy's formulas, and noise that must be refused."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from quintet.core.errors import InputError
from quintet.research.significance import (
    annualised,
    deflated_sharpe,
    expected_maximum_sharpe,
    luck,
    minimum_backtest_years,
    minimum_track_record_periods,
    normal_cdf,
    probabilistic_sharpe,
    sharpe,
    sharpe_interval,
)
from tests.noise import normals


def scipy_error(returns):
    ratio = returns.mean() / returns.std(ddof=1)
    skew, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    return ratio, math.sqrt((1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2) / (len(returns) - 1))


@pytest.fixture(scope="module")
def returns():
    """Two years of daily returns with a fat left tail."""
    drawn = normals("fat left tail", 730)
    return 0.001 + 0.02 * drawn - 0.004 * (drawn**2 - 1.0)


def test_the_normal_law_is_scipys():
    for x in (-9.0, -3.3, -0.1, 0.0, 0.7, 2.0, 6.0):
        assert normal_cdf(x) == pytest.approx(stats.norm.cdf(x), rel=1e-13)


def test_the_sharpe_ratio_is_mean_over_sample_deviation_per_period():
    # given returns of 1, 2 and 3 percent: mean 2, sample deviation 1
    assert sharpe([0.01, 0.02, 0.03]) == pytest.approx(2.0)
    assert annualised(2.0) == pytest.approx(2.0 * math.sqrt(365))


def test_the_probabilistic_ratio_is_the_formula_of_the_paper(returns):
    ratio, error = scipy_error(returns)
    for benchmark in (0.0, 0.05, -0.1):
        assert probabilistic_sharpe(returns, benchmark) == pytest.approx(
            stats.norm.cdf((ratio - benchmark) / error), rel=1e-12
        )


def test_the_probabilistic_ratio_reproduces_the_worked_example_of_the_paper():
    # given the monthly record of "The Sharpe ratio efficient frontier": two years of months, ratio 0.458
    # (1.59 a year), skew -2.448, kurtosis 10.164: its confidence above zero falls from 0.982 to 0.913
    error = math.sqrt((1 + 2.448 * 0.458 + (10.164 - 1) / 4 * 0.458**2) / 23)
    normal_error = math.sqrt((1 + 0.5 * 0.458**2) / 23)
    assert normal_cdf(0.458 / error) == pytest.approx(0.913, abs=2e-3)
    assert normal_cdf(0.458 / normal_error) == pytest.approx(0.982, abs=2e-3)


def test_a_left_tail_lowers_the_confidence_in_the_same_ratio(returns):
    mirrored = 2.0 * returns.mean() - returns
    assert sharpe(mirrored) == pytest.approx(sharpe(returns))
    assert probabilistic_sharpe(returns) < probabilistic_sharpe(mirrored)


@pytest.mark.parametrize(("trials", "expected"), [(1, 0.0), (10, 1.57), (45, 2.236)])
def test_the_best_of_many_is_the_figure_of_the_papers(trials, expected):
    assert expected_maximum_sharpe(trials) == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("trials", [2, 5, 10, 100, 10_000])
def test_the_best_of_many_is_close_to_the_exact_mean_of_a_maximum(trials):
    def density(x):
        return x * trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (trials - 1)

    exact = integrate.quad(density, -10, 10, limit=200)[0]
    assert expected_maximum_sharpe(trials) == pytest.approx(exact, abs=0.05)
    assert expected_maximum_sharpe(trials, 0.25) == pytest.approx(0.5 * expected_maximum_sharpe(trials))


@pytest.mark.parametrize(("trials", "years"), [(10, 2.5), (45, 5.0), (100, 6.4), (1_000, 10.6), (10_000, 14.9)])
def test_trials_demand_years_as_the_paper_works_out(trials, years):
    assert minimum_backtest_years(trials) == pytest.approx(years, abs=0.05)
    assert minimum_backtest_years(trials, 2.0) == pytest.approx(minimum_backtest_years(trials) / 4.0)


def test_the_deflated_ratio_is_the_probabilistic_one_against_the_best_of_luck(returns):
    benchmark = math.sqrt(0.0009) * expected_maximum_sharpe(40)
    assert deflated_sharpe(returns, 40, 0.03) == pytest.approx(probabilistic_sharpe(returns, benchmark))
    assert deflated_sharpe(returns, 1) == pytest.approx(probabilistic_sharpe(returns))
    by_length = deflated_sharpe(returns, 40, 1.0 / math.sqrt(729))
    assert deflated_sharpe(returns, 40) == pytest.approx(by_length)


def test_more_trials_never_raise_the_confidence(returns):
    confidences = [deflated_sharpe(returns, trials) for trials in (1, 2, 5, 20, 100, 1_000)]
    assert confidences == sorted(confidences, reverse=True)


def test_a_record_of_the_minimum_length_has_just_the_confidence_asked_for(returns):
    ratio, error = scipy_error(returns)
    periods = minimum_track_record_periods(returns, 0.01, 0.9)
    error_then = error * math.sqrt((len(returns) - 1) / (periods - 1))
    assert stats.norm.cdf((ratio - 0.01) / error_then) == pytest.approx(0.9)


def test_no_length_proves_a_ratio_below_its_benchmark(returns):
    assert minimum_track_record_periods(returns, benchmark_sharpe=1.0) is None


def test_the_interval_holds_the_true_ratio_as_often_as_it_says():
    # given 1,000 records of 250 days with a planted daily ratio of 0.1
    records = 0.1 + normals("planted", 250_000).reshape(1_000, 250)
    intervals = [sharpe_interval(record) for record in records]
    held = np.mean([low <= 0.1 <= high for low, high in intervals])
    assert held == pytest.approx(0.95, abs=0.02)


def test_the_best_of_a_hundred_strategies_without_skill_is_refused():
    # given 200 searches, each among 100 strategies of two years of pure noise
    noise = normals("noise", 200 * 100 * 60).reshape(200, 100, 60)
    ratios = noise.mean(axis=2) / noise.std(axis=2, ddof=1)
    best = noise[np.arange(200), ratios.argmax(axis=1)]
    naive = np.mean([probabilistic_sharpe(record) >= 0.95 for record in best])
    deflated = np.mean([deflated_sharpe(record, 100) >= 0.95 for record in best])
    # then nearly all look significant alone, and nearly none once the trials are counted
    assert naive > 0.9
    assert deflated <= 0.05


def test_a_planted_edge_is_found_and_lies_inside_its_interval():
    # given a hundred records of four years with a true annualised ratio of 3, each chosen among 20 trials
    records = 3.0 / math.sqrt(365) + normals("edge", 100 * 4 * 365).reshape(100, -1)
    found = [luck(record, trials=20) for record in records]
    assert np.mean([each.is_evidence for each in found]) > 0.9
    held = np.mean([each.sharpe_low_annualised < 3.0 < each.sharpe_high_annualised for each in found])
    assert held == pytest.approx(0.95, abs=0.05)
    assert all(each.minimum_track_record_days < each.days for each in found if each.is_evidence)


def test_a_record_shorter_than_its_trials_demand_is_no_evidence_however_steep():
    record = 0.5 + normals("steep", 200)
    found = luck(record, trials=45)
    assert found.deflated_sharpe > 0.99
    assert not found.is_evidence


@pytest.mark.parametrize("record", [[], [0.01], [0.01] * 50])
def test_where_nothing_varies_there_is_no_ratio_and_no_confidence(record):
    assert sharpe(record) is None
    assert probabilistic_sharpe(record) is None
    assert deflated_sharpe(record, 5) is None
    assert sharpe_interval(record) is None
    assert minimum_track_record_periods(record) is None
    assert not luck(record, 5).is_evidence


def test_rounding_is_no_variation():
    # given an account that grows by exactly 1 % a day: its returns differ in the last bit only
    account = 1_000.0 * np.cumprod(np.full(60, 1.01))
    returns = account[1:] / account[:-1] - 1.0
    assert returns.std(ddof=1) > 0.0
    assert sharpe(returns) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sharpe([0.1, math.nan]), "returns: number 1 is nan, expected a finite number"),
        (lambda: sharpe([[0.1, 0.2]]), r"returns: expected one column, found an array of shape \(1, 2\)"),
        (lambda: expected_maximum_sharpe(0), "trials: found 0, expected a whole number from 1"),
        (lambda: expected_maximum_sharpe(2.5), "trials: found 2.5, expected a whole number from 1"),
        (lambda: expected_maximum_sharpe(5, -1.0), "sharpe_variance: found -1.0, expected a finite number from 0"),
        (lambda: deflated_sharpe([0.1, 0.2], 5, -1.0), "sharpe_deviation: found -1.0"),
        (lambda: sharpe_interval([0.1, 0.2], 1.0), "confidence: found 1.0, expected a number between 0 and 1"),
        (lambda: minimum_backtest_years(10, 0.0), "expected_max_sharpe: found 0.0, expected a number above 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
