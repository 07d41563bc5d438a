"""Directional movement and ADX."""

import math

import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.streaming import stream_of
from quintet.features.trend import (
    ADX,
    ADX_EMA,
    DIRECTION,
    HULL,
    MACD,
    adx_ema_update,
    adx_update,
    directional_index,
    movement_up,
    start_adx,
    start_adx_ema,
    start_direction,
    start_hull,
    start_macd,
)


@pytest.mark.jit_off
def test_only_the_larger_of_two_outward_movements_counts():
    assert movement_up(5, 3) == 5
    assert movement_up(3, 5) == 0
    assert movement_up(4, 4) == 0
    assert movement_up(-1, -2) == 0


@pytest.mark.jit_off
def test_the_directional_index_of_no_movement_is_zero():
    assert directional_index(0.0, 0.0) == 0.0
    assert directional_index(3.0, 1.0) == 50.0
    assert directional_index(0.0, 2.0) == 100.0


@pytest.mark.jit_off
def test_a_straight_line_has_the_full_strength_from_bar_two_n_minus_one():
    state = table(ADX, 1)[0]
    start_adx(state, 5)
    seen = [adx_update(state, 1000 + 3 * i, 990 + 3 * i) for i in range(12)]
    assert all(math.isnan(value) for value in seen[:9])
    assert seen[9:] == [100.0, 100.0, 100.0]


@pytest.mark.jit_off
def test_the_other_seed_begins_at_zero_and_grows_at_once():
    state = table(ADX_EMA, 1)[0]
    start_adx_ema(state, 4)
    assert [adx_ema_update(state, 1000 - 3 * i, 990 - 3 * i) for i in range(3)] == [0.0, 25.0, 43.75]


def test_both_seeds_meet_when_they_are_long_forgotten():
    slow, fast = table(ADX, 1)[0], table(ADX_EMA, 1)[0]
    start_adx(slow, 14)
    start_adx_ema(fast, 14)
    for i in range(3000):
        # A saw whose teeth are not all alike.
        top = 10_000 + (i * 7919) % 37 + (i * 104_729) % 11
        values = adx_update(slow, top, top - 20), adx_ema_update(fast, top, top - 20)
    assert values[0] == pytest.approx(values[1], rel=1e-12)


@pytest.mark.parametrize(("dtype", "start"), [(ADX, start_adx), (ADX_EMA, start_adx_ema)])
def test_a_period_below_one_is_refused(dtype, start):
    with pytest.raises(ConfigError, match="period is 0, expected 1 to"):
        start(table(dtype, 1)[0], 0)


@pytest.mark.jit_off
def test_the_directional_lines_share_the_range_between_those_who_moved_it():
    # Given bars of a true range of 10 whose highs rise by 3
    lines = stream_of("direction", period=2)
    seen = [lines.update(1000 + 3 * i, 990 + 3 * i, 995 + 3 * i) for i in range(4)]
    assert all(math.isnan(value) for value in seen[:2])
    assert seen[2:] == pytest.approx([30.0, 30.0])
    assert lines.states[0].minus == 0.0


@pytest.mark.jit_off
def test_a_hull_average_of_a_straight_line_has_no_lag():
    # Twice the lag of the half less the lag of the whole is a third of a bar ahead; the last smoothing takes it back.
    hull = stream_of("hull", period=4)
    seen = [hull.update(100 + 6 * i) for i in range(9)]
    assert all(math.isnan(value) for value in seen[:4])
    assert seen[4:] == [124.0 + 6 * i for i in range(5)]


@pytest.mark.jit_off
def test_the_macd_of_a_straight_line_is_the_distance_of_its_averages_and_its_histogram_nothing():
    macd = stream_of("macd", fast=2, slow=4, signal=3)
    seen = [macd.update(100 + 4 * i) for i in range(10)]
    assert all(math.isnan(value) for value in seen[:5])
    assert seen[5:] == pytest.approx([4.0] * 5)
    assert macd.states[0].histogram == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("start", "complaint"),
    [
        (lambda: start_hull(table(HULL, 1)[0], 1), "Hull: period is 1, expected 2 to 512"),
        (lambda: start_macd(table(MACD, 1)[0], 26, 12), r"MACD: fast is 26, expected less than slow \(12\)"),
        (lambda: start_direction(table(DIRECTION, 1)[0], 0), "period is 0, expected 1 to"),
    ],
)
def test_periods_that_make_no_average_are_refused(start, complaint):
    with pytest.raises(ConfigError, match=complaint):
        start()
