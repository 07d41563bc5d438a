"""Averages: the seed, the window, the one rounding."""

import math

import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.window import (
    EMA,
    SMA,
    SMA_PERIOD_MAX,
    WILDER,
    ema_update,
    sma_update,
    start_ema,
    start_sma,
    start_wilder,
    start_wilder_ema,
    wilder_update,
)


@pytest.mark.jit_off
def test_a_simple_mean_exists_when_its_window_is_full_and_then_slides():
    state = table(SMA, 1)[0]
    start_sma(state, 3)
    seen = [sma_update(state, value) for value in (1, 2, 6, 4, 5)]
    assert math.isnan(seen[0])
    assert math.isnan(seen[1])
    assert seen[2:] == [3.0, 4.0, 5.0]


@pytest.mark.bounds
def test_a_simple_mean_does_not_drift_however_long_the_stream():
    state = table(SMA, 1)[0]
    start_sma(state, SMA_PERIOD_MAX)
    for i in range(5 * SMA_PERIOD_MAX):
        sma_update(state, 2**40 + i)
    for _ in range(SMA_PERIOD_MAX - 1):
        sma_update(state, 7)
    assert sma_update(state, 7) == 7.0


def test_starting_again_forgets_what_was_seen():
    state = table(SMA, 1)[0]
    start_sma(state, 2)
    sma_update(state, 100)
    start_sma(state, 2)
    assert math.isnan(sma_update(state, 1))
    assert sma_update(state, 3) == 2.0


@pytest.mark.jit_off
def test_an_exponential_average_begins_at_the_first_value_with_weight_two_over_n_plus_one():
    state = table(EMA, 1)[0]
    start_ema(state, 3)
    assert [ema_update(state, value) for value in (10.0, 20.0, 10.0)] == [10.0, 15.0, 12.5]


@pytest.mark.jit_off
def test_wilders_weight_with_the_first_value_as_seed_is_one_over_n():
    state = table(EMA, 1)[0]
    start_wilder_ema(state, 4)
    assert [ema_update(state, value) for value in (8.0, 16.0)] == [8.0, 10.0]


@pytest.mark.jit_off
def test_wilders_smoothing_begins_with_the_mean_of_the_first_n():
    state = table(WILDER, 1)[0]
    start_wilder(state, 2)
    seen = [wilder_update(state, value) for value in (4.0, 8.0, 12.0)]
    assert math.isnan(seen[0])
    assert seen[1:] == [6.0, 9.0]


@pytest.mark.parametrize("start", [start_sma, start_ema, start_wilder, start_wilder_ema])
@pytest.mark.parametrize("period", [0, -1])
def test_a_period_below_one_is_refused(start, period):
    dtype = {start_sma: SMA, start_wilder: WILDER}.get(start, EMA)
    with pytest.raises(ConfigError, match=rf"period is {period}, expected 1 to"):
        start(table(dtype, 1)[0], period)


def test_a_window_longer_than_its_record_is_refused():
    with pytest.raises(ConfigError, match="SMA: period is 513, expected 1 to 512"):
        start_sma(table(SMA, 1)[0], 513)
