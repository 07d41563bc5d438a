"""Channels: where their lines stand, and the squeeze."""

import math

import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.bands import (
    BOLLINGER,
    KELTNER,
    start_bollinger,
    start_keltner,
)
from quintet.features.streaming import stream_of


@pytest.mark.jit_off
def test_bollinger_bands_stand_population_deviations_from_the_mean():
    # Given closes whose deviation is the textbook's: 2, 4, 4, 4, 5, 5, 7, 9 with mean 5 and deviation 2
    bands = stream_of("bollinger", period=8, multiple=2.0)
    seen = [bands.update(close) for close in (2, 4, 4, 4, 5, 5, 7, 9)]
    assert all(math.isnan(value) for value in seen[:7])
    assert seen[7] == 5.0
    assert (bands.states[0].upper, bands.states[0].lower) == (9.0, 1.0)


@pytest.mark.jit_off
def test_a_keltner_channel_is_an_average_and_a_multiple_of_the_true_range():
    # Given bars of a range of 4 that close where they did
    channel = stream_of("keltner", period=2, atr_period=3, multiple=1.5)
    seen = [channel.update(102, 98, 100) for _ in range(4)]
    # then the channel waits for the slower of its two parts.
    assert all(math.isnan(value) for value in seen[:3])
    assert seen[3] == 100.0
    assert (channel.states[0].upper, channel.states[0].lower) == (106.0, 94.0)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_donchian_channel_forgets_an_extreme_when_its_bar_leaves_the_window():
    channel = stream_of("donchian", period=3)
    lines = []
    for high, low in ((110, 90), (105, 95), (104, 96), (103, 97), (102, 98), (120, 99)):
        middle = channel.update(high, low)
        lines.append((middle, channel.states[0].upper, channel.states[0].lower))
    assert math.isnan(lines[1][0])
    assert lines[2:] == [(100.0, 110.0, 90.0), (100.0, 105.0, 95.0), (100.0, 104.0, 96.0), (108.5, 120.0, 97.0)]


@pytest.mark.jit_off
def test_a_squeeze_counts_its_bars_and_is_released_on_the_side_of_the_close():
    # Given bars with long shadows and closes that do not move: a wide true range round a narrow deviation
    squeeze = stream_of("squeeze", period=4, atr_period=4)
    seen = [squeeze.update(1_010, 990, 1_000) for _ in range(7)]
    assert all(math.isnan(value) for value in seen[:4])
    assert seen[4:] == [1.0, 1.0, 1.0]
    assert (squeeze.states[0].bars_on, squeeze.states[0].release) == (3, 0)
    # when one closes far above
    assert squeeze.update(1_101, 1_000, 1_100) == 0.0
    # then the squeeze ends upwards, and the bar after it says nothing of it any more.
    assert (squeeze.states[0].bars_on, squeeze.states[0].release) == (0, 1)
    squeeze.update(1_202, 1_100, 1_200)
    assert squeeze.states[0].release == 0


@pytest.mark.parametrize("multiple", [0.0, -1.0, 101.0, math.nan])
@pytest.mark.parametrize(("dtype", "start"), [(BOLLINGER, start_bollinger), (KELTNER, start_keltner)])
def test_a_multiple_that_is_not_above_zero_or_beyond_a_hundred_is_refused(dtype, start, multiple):
    with pytest.raises(ConfigError, match="multiple is .*, expected above 0 and at most 100"):
        start(table(dtype, 1)[0], multiple=multiple)
