"""Stops that follow a price: how they move, and when they change sides."""

import math

import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.streaming import stream_of
from quintet.features.trailing import PARABOLIC, SUPERTREND, start_parabolic, start_supertrend


@pytest.mark.jit_off
def test_a_parabolic_stop_begins_at_the_other_end_of_the_first_bar_and_gains_pace():
    stop = stream_of("parabolic", step=0.5, pace_max=1.0)
    assert math.isnan(stop.update(110, 100))
    # Given a second bar that rises, then the side is long and the stop the first low.
    assert stop.update(120, 108) == 100.0
    assert stop.states[0].side == 1
    # Half of the way to 120 would be 110, but a stop never stands inside the bar it was made of.
    assert stop.update(130, 115) == 108.0
    # A new extreme of 130 makes the pace 1.0: all of the way, held back by the lows of the last two bars.
    assert stop.update(131, 120) == 108.0
    assert stop.states[0].following == 115.0


@pytest.mark.jit_off
def test_a_parabolic_stop_that_is_touched_begins_on_the_other_side_at_the_extreme():
    stop = stream_of("parabolic")
    for bar in ((110, 100), (120, 108), (130, 115)):
        stop.update(*bar)
    assert stop.update(125, 90) == 130.0
    assert (stop.states[0].side, stop.states[0].extreme, stop.states[0].pace) == (-1, 90.0, 0.02)


@pytest.mark.jit_off
def test_a_parabolic_stop_begins_short_when_the_second_bar_falls():
    stop = stream_of("parabolic")
    stop.update(110, 100)
    assert stop.update(108, 95) == 110.0
    assert stop.states[0].side == -1


@pytest.mark.jit_off
def test_a_supertrend_turns_when_a_close_passes_its_line_and_then_only_rises():
    trend = stream_of("supertrend", period=2, multiple=1.0)
    bars = [(102, 98, 100)] * 3 + [(110, 104, 109), (112, 108, 110), (111, 107, 108)]
    seen = [trend.update(*bar) for bar in bars]
    assert all(math.isnan(value) for value in seen[:2])
    # The range is 4: the line begins 4 above the middle of the bar, short.
    assert seen[2] == 104.0
    # The close of 109 is above it. The line is now the other band, which may rise and not fall.
    assert trend.states[0].side == 1
    assert seen[3] < seen[4] <= seen[5]


@pytest.mark.parametrize(("step", "pace_max"), [(0.0, 0.2), (0.3, 0.2), (0.02, 1.5), (math.nan, 0.2)])
def test_a_pace_that_cannot_grow_to_its_largest_is_refused(step, pace_max):
    with pytest.raises(ConfigError, match="Parabolic SAR: step is .*, expected 0 < step <= pace_max <= 1"):
        start_parabolic(table(PARABOLIC, 1)[0], step, pace_max)


def test_a_supertrend_without_distance_is_refused():
    with pytest.raises(ConfigError, match=r"Supertrend: multiple is 0.0, expected above 0"):
        start_supertrend(table(SUPERTREND, 1)[0], multiple=0.0)
