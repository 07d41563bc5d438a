"""Deviation of floats without drift, and rank."""

import math

import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.distribution import (
    MOMENTS,
    RANK,
    RANK_MAX,
    moments_update,
    rank_update,
    start_moments,
    start_rank,
)


def moments(period):
    state = table(MOMENTS, 1)[0]
    start_moments(state, period)
    return state


def test_a_deviation_far_from_zero_and_after_a_shock_keeps_its_digits():
    # Given a shock of a million in a series that then swings by one around 1,000
    state = moments(8)
    moments_update(state, 1e6)
    for i in range(40):
        found = moments_update(state, 1_000.0 + (-1) ** i)
    # then nothing of the shock is left: eight values, four on each side, divisor seven.
    assert found == pytest.approx(math.sqrt(8 / 7), rel=1e-15)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_constant_series_has_no_deviation():
    state = moments(3)
    assert [moments_update(state, 0.1) for _ in range(7)][2:] == [0.0] * 5


@pytest.mark.jit_off
def test_a_rank_counts_the_values_before_and_half_of_the_equal_ones():
    state = table(RANK, 1)[0]
    start_rank(state, 4)
    seen = [rank_update(state, value) for value in (1.0, 2.0, 2.0, 3.0, 2.0, 9.0, 0.0)]
    assert all(math.isnan(value) for value in seen[:4])
    assert seen[4:] == [50.0, 100.0, 0.0]


def test_windows_beyond_their_records_are_refused():
    with pytest.raises(ConfigError, match="moments: period is 1, expected 2 to 512"):
        moments(1)
    with pytest.raises(ConfigError, match=f"rank: period is {RANK_MAX + 1}, expected 1 to {RANK_MAX}"):
        start_rank(table(RANK, 1)[0], RANK_MAX + 1)
