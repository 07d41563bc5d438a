"""RSI, rate of change, Williams %R: what they say of plain markets."""

import math

import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.momentum import ROC, RSI, WILLIAMS_R, start_roc, start_rsi, start_williams_r
from quintet.features.streaming import stream_of


@pytest.mark.jit_off
def test_a_market_that_only_rises_has_an_rsi_of_one_hundred_and_a_dead_one_of_fifty():
    rising, falling, dead = (stream_of("rsi", period=3) for _ in range(3))
    assert [rising.update(100 + i) for i in range(5)][-1] == 100.0
    assert [falling.update(100 - i) for i in range(5)][-1] == 0.0
    assert [dead.update(100) for _ in range(5)][3:] == [50.0, 50.0]


@pytest.mark.jit_off
def test_an_rsi_weighs_gains_against_losses_from_the_first_full_period_on():
    # Given gains of 2 and 4 and a loss of 2 over three changes
    rsi = stream_of("rsi", period=3)
    seen = [rsi.update(close) for close in (100, 102, 106, 104)]
    # then nothing is said before the third, and then 6 / (6 + 2).
    assert all(math.isnan(value) for value in seen[:3])
    assert seen[3] == pytest.approx(75.0)


@pytest.mark.jit_off
def test_a_rate_of_change_is_a_fraction_of_the_close_n_bars_ago():
    roc = stream_of("roc", period=2)
    seen = [roc.update(close) for close in (200, 100, 210, 75)]
    assert all(math.isnan(value) for value in seen[:2])
    assert seen[2:] == [0.05, -0.25]


@pytest.mark.jit_off
def test_williams_r_is_zero_at_the_top_of_the_range_and_minus_one_hundred_at_the_bottom():
    place = stream_of("williams_r", period=2)
    assert math.isnan(place.update(110, 100, 105))
    assert place.update(112, 104, 112) == 0.0
    assert place.update(112, 96, 96) == -100.0
    assert place.update(100, 96, 108) == -25.0


@pytest.mark.jit_off
def test_williams_r_of_a_window_without_a_range_is_in_the_middle():
    place = stream_of("williams_r", period=2)
    assert [place.update(100, 100, 100) for _ in range(2)][1] == -50.0


@pytest.mark.parametrize(
    ("dtype", "start", "period", "longest"),
    [
        (RSI, start_rsi, 0, 2**31),
        (ROC, start_roc, 513, 512),
        (WILLIAMS_R, start_williams_r, 513, 512),
    ],
)
def test_a_period_outside_its_bounds_is_refused(dtype, start, period, longest):
    with pytest.raises(ConfigError, match=f"period is {period}, expected 1 to {longest}"):
        start(table(dtype, 1)[0], period)
