"""True range and ATR."""

import math

import pytest

from quintet.core.records import table
from quintet.features.volatility import (
    ATR,
    ATR_EMA,
    atr_bps,
    atr_ema_update,
    atr_units,
    atr_update,
    start_atr,
    start_atr_ema,
    true_range,
    volatility_ratio,
)


@pytest.mark.jit_off
def test_true_range_reaches_to_the_close_before_across_a_jump():
    assert true_range(110, 104, 107) == 6
    assert true_range(110, 104, 100) == 10
    assert true_range(110, 104, 115) == 11


@pytest.mark.req("S-17")
@pytest.mark.jit_off
def test_wilders_atr_is_the_mean_of_the_first_true_ranges_and_then_smoothed():
    # Given n = 3 and, after a first bar, true ranges 2, 4, 6 and 8
    state = table(ATR, 1)[0]
    start_atr(state, 3)
    bars = [(100, 100, 100), (101, 99, 100), (102, 98, 100), (103, 97, 100), (104, 96, 100)]
    # when each bar closes
    seen = [atr_update(state, *bar) for bar in bars]
    # then nothing is said before three true ranges exist, then 4.0, then (4 * 2 + 8) / 3.
    assert all(math.isnan(value) for value in seen[:3])
    assert seen[3] == 4.0
    assert seen[4] == pytest.approx(5.3333, abs=1e-4)


@pytest.mark.req("S-10", "S-17")
def test_a_constant_true_range_gives_itself_without_an_engine():
    state = table(ATR, 1)[0]
    start_atr(state, 14)
    for _ in range(20):
        value = atr_update(state, 1005, 1000, 1002)
    assert value == 5.0


def test_the_slow_atr_first_exists_at_its_two_hundred_and_eighty_ninth_bar():
    state = table(ATR, 1)[0]
    start_atr(state, 288)
    seen = [atr_update(state, 1005, 1000, 1002) for _ in range(289)]
    assert all(math.isnan(value) for value in seen[:288])
    assert seen[288] == 5.0


@pytest.mark.jit_off
def test_the_other_seed_is_the_first_bars_own_range():
    state = table(ATR_EMA, 1)[0]
    start_atr_ema(state, 4)
    assert atr_ema_update(state, 108, 100, 104) == 8.0
    assert atr_ema_update(state, 110, 100, 104) == 8.5
    assert atr_ema_update(state, 104, 103, 104) == pytest.approx(0.75 * 8.5 + 0.25 * 1)


@pytest.mark.jit_off
def test_an_atr_is_compared_in_whole_units_so_that_the_last_bit_does_not_decide():
    assert atr_units(5.0) == 5 * 1024
    assert atr_units(math.nextafter(5.0, 0.0)) == atr_units(math.nextafter(5.0, 6.0)) == 5 * 1024
    assert atr_units(0.0) == 0


@pytest.mark.jit_off
def test_the_volatility_ratio_of_a_dead_market_is_one_and_of_an_unknown_one_unknown():
    assert volatility_ratio(6.0, 4.0) == 1.5
    assert volatility_ratio(0.0, 0.0) == 1.0
    assert math.isnan(volatility_ratio(6.0, math.nan))


def test_an_atr_in_basis_points_of_the_close():
    assert atr_bps(660.0, 300_000) == pytest.approx(22.0)
