"""Price and volume together: the neutral answers, and what is compared with what."""

import math

import pytest

from quintet.features.streaming import stream_of


@pytest.mark.jit_off
def test_a_volume_weighted_mean_without_volume_is_the_plain_one():
    average = stream_of("vwma", period=2)
    assert math.isnan(average.update(100, 0))
    assert average.update(104, 0) == 102.0
    assert average.update(108, 3) == 108.0
    assert average.update(112, 1) == 109.0


@pytest.mark.jit_off
def test_money_flows_in_when_the_typical_price_rises_and_nowhere_when_it_stays():
    flow = stream_of("mfi", period=2)
    # The first bar has nothing to rise from.
    assert math.isnan(flow.update(100, 100, 100, 50))
    assert math.isnan(flow.update(110, 110, 110, 10))
    # 1,100 in, nothing out; the bar that stayed counts on neither side.
    assert flow.update(110, 110, 110, 99) == 100.0
    assert flow.update(110, 110, 110, 99) == 50.0
    assert flow.update(100, 100, 100, 10) == 0.0


@pytest.mark.jit_off
def test_chaikins_flow_is_one_when_every_bar_closes_at_its_high_and_ignores_bars_without_a_range():
    flow = stream_of("cmf", period=2)
    assert math.isnan(flow.update(110, 100, 110, 7))
    assert flow.update(112, 104, 112, 3) == 1.0
    assert flow.update(112, 112, 112, 3) == 0.5
    assert flow.update(112, 102, 102, 9) == -0.75


@pytest.mark.jit_off
def test_chaikins_flow_without_volume_is_zero():
    flow = stream_of("cmf", period=2)
    assert [flow.update(110, 100, 110, 0) for _ in range(2)][1] == 0.0


@pytest.mark.jit_off
def test_a_burst_of_volume_is_compared_with_the_bars_before_it_only():
    relative = stream_of("relative_volume", period=2)
    seen = [relative.update(volume) for volume in (10, 30, 60, 0, 0, 5)]
    assert all(math.isnan(value) for value in seen[:2])
    assert seen[2:5] == [3.0, 0.0, 0.0]
    # After a window without any trade there is nothing to be compared with.
    assert math.isnan(seen[5])


@pytest.mark.bounds
def test_a_window_of_volume_keeps_no_trace_of_a_huge_bar():
    relative = stream_of("relative_volume", period=3)
    seen = [relative.update(volume) for volume in (2**61, 1, 1, 1, 1, 1)]
    assert seen[-1] == 1.0
