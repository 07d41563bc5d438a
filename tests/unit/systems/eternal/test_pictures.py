"""From bars to pictures: known values, and bars that cannot be."""

import pytest

from quintet.core.errors import DataError
from quintet.systems.eternal.config import TrendConfig
from quintet.systems.eternal.pictures import DayBar, Painter, correlation_of, volatility_of


def bar(day, close, **fields):
    """A bar two increments high around its close."""
    return DayBar(**{"day": day, "open": close, "high": close + 1, "low": max(close - 1, 1), "close": close, **fields})


def painted(closes):
    """The last picture."""
    painter = Painter("BTC", TrendConfig())
    return [painter.take(bar(day, close)) for day, close in enumerate(closes)][-1]


@pytest.mark.req("E-30")
def test_averages_of_the_first_two_hundred_closes():
    picture = painted(range(2, 202))
    assert (picture.slow_average, picture.fast_average) == (101.5, 176.5)
    assert picture.adx == pytest.approx(100.0) and picture.plus > picture.minus
    assert picture.atr == pytest.approx(2.0)


@pytest.mark.req("E-30")
def test_before_there_is_enough_history_there_is_no_number():
    picture = painted(range(2, 15))
    assert (picture.slow_average, picture.fast_average, picture.adx, picture.volatility) == (None,) * 4


def test_drawdown_is_of_the_highest_high():
    painter = Painter("BTC", TrendConfig(), high=200)
    assert painter.take(bar(0, 100)).drawdown == -0.5
    assert painter.take(bar(1, 100, high=400)).drawdown == -0.75


@pytest.mark.req("E-105")
@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (bar(5, 100, high=90), "found open 100, high 90, low 99, close 100; expected low and high around"),
        (bar(5, 100, low=0), "low is 0, expected 1 increment or more"),
        (bar(4, 100), "at or before day 4, expected a later one"),
    ],
)
def test_a_bar_that_cannot_be_is_refused_by_name_and_changes_nothing(wrong, what):
    painter, twin = Painter("BTC", TrendConfig()), Painter("BTC", TrendConfig())
    for each in (painter, twin):
        each.take(bar(4, 100))
    with pytest.raises(DataError, match=f"BTC, day {wrong.day}: .*{what}"):
        painter.take(wrong)
    assert painter.take(bar(5, 101)) == twin.take(bar(5, 101))


def test_volatility_and_correlation_of_known_returns():
    returns = (0.01, -0.01) * 30
    assert volatility_of(returns[:30]) == pytest.approx(0.01 * (30 / 29 * 365) ** 0.5)
    assert volatility_of(returns[:29]) is None
    assert correlation_of(returns, returns) == pytest.approx(1.0)
    assert correlation_of(returns, [-value for value in returns]) == pytest.approx(-1.0)
    assert correlation_of(returns, (0.0,) * 60) is None
    assert correlation_of(returns[:59], returns[:59]) is None


def test_a_hole_in_the_days_makes_no_return():
    painter = Painter("BTC", TrendConfig())
    for day in (0, 1, 2, 4, 5):
        painter.take(bar(day, 100 + day))
    assert len(painter.returns) == 1
