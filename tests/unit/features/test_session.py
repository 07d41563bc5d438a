"""What begins anew with the UTC day: to which day a bar belongs, and which day is whole."""

import math

import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.session import (
    CAMARILLA,
    CLASSIC,
    DAY_NS,
    FIBONACCI,
    PIVOT_POINTS,
    SESSION,
    VWAP,
    pivot_points_update,
    session_update,
    start_pivot_points,
    start_session,
    start_vwap,
    vwap_update,
)

HOUR_NS = 3_600_000_000_000
MIDNIGHT = 19_700 * DAY_NS


def vwap_state(**parameters):
    state = table(VWAP, 1)[0]
    start_vwap(state, HOUR_NS, **parameters)
    return state


def levels(method):
    state = table(PIVOT_POINTS, 1)[0]
    start_pivot_points(state, HOUR_NS, method=method)
    return state


@pytest.mark.jit_off
def test_the_bar_that_ends_at_midnight_belongs_to_the_day_before():
    session = table(SESSION, 1)[0]
    start_session(session, HOUR_NS)
    assert session_update(session, MIDNIGHT - HOUR_NS)
    assert not session_update(session, MIDNIGHT)
    assert session_update(session, MIDNIGHT + HOUR_NS)


@pytest.mark.jit_off
def test_vwap_begins_anew_after_midnight_and_waits_for_the_first_trade():
    state = vwap_state()
    assert vwap_update(state, MIDNIGHT + HOUR_NS, 100, 100, 100, 2) == 100.0
    assert vwap_update(state, MIDNIGHT + 2 * HOUR_NS, 130, 130, 130, 1) == 110.0
    assert vwap_update(state, MIDNIGHT + DAY_NS, 110, 110, 110, 1) == 110.0
    assert math.isnan(vwap_update(state, MIDNIGHT + DAY_NS + HOUR_NS, 500, 500, 500, 0))
    assert vwap_update(state, MIDNIGHT + DAY_NS + 2 * HOUR_NS, 200, 200, 200, 1) == 200.0


@pytest.mark.jit_off
def test_the_bands_of_vwap_are_volume_weighted_deviations():
    # Given half of the volume at 90 and half at 110: a mean of 100, a deviation of 10
    state = vwap_state(multiple=2.0)
    vwap_update(state, MIDNIGHT + HOUR_NS, 90, 90, 90, 5)
    assert state.deviation == 0.0
    vwap_update(state, MIDNIGHT + 2 * HOUR_NS, 110, 110, 110, 5)
    assert (state.vwap, state.deviation, state.upper, state.lower) == (100.0, 10.0, 120.0, 80.0)


@pytest.mark.jit_off
def test_a_day_joined_in_the_middle_has_no_vwap_and_makes_no_levels():
    vwap, points = vwap_state(), levels(CLASSIC)
    for hour in range(14, 25):
        assert math.isnan(vwap_update(vwap, MIDNIGHT + hour * HOUR_NS, 100, 90, 95, 1))
        assert math.isnan(pivot_points_update(points, MIDNIGHT + hour * HOUR_NS, 100, 90, 95))
    for hour in range(25, 49):
        assert vwap_update(vwap, MIDNIGHT + hour * HOUR_NS, 100, 100, 100, 1) == 100.0
        assert math.isnan(pivot_points_update(points, MIDNIGHT + hour * HOUR_NS, 100, 100, 100))
    assert pivot_points_update(points, MIDNIGHT + 49 * HOUR_NS, 300, 300, 300) == 100.0


def the_next_day(method):
    """Given a day with high 160, low 150 and close 157, the levels after the first bar of the next."""
    state = levels(method)
    for hour, bar in ((1, (155, 151, 152)), (2, (160, 152, 159)), (24, (158, 150, 157))):
        pivot_points_update(state, MIDNIGHT + hour * HOUR_NS, *bar)
        assert math.isnan(state.pivot)
    pivot_points_update(state, MIDNIGHT + 25 * HOUR_NS, 999, 1, 500)
    return state


@pytest.mark.jit_off
def test_classic_pivot_points():
    found = the_next_day(CLASSIC)
    assert found.pivot == pytest.approx(155.667, abs=1e-3)
    assert (found.r1, found.s1) == pytest.approx((161.333, 151.333), abs=1e-3)
    assert (found.r2, found.s2) == pytest.approx((165.667, 145.667), abs=1e-3)
    assert (found.r3, found.s3) == pytest.approx((171.333, 141.333), abs=1e-3)
    assert math.isnan(found.r4)


@pytest.mark.jit_off
def test_fibonacci_pivot_points():
    found = the_next_day(FIBONACCI)
    assert found.r1 == pytest.approx(159.487, abs=1e-3)
    assert (found.r2, found.r3) == pytest.approx((161.847, 165.667), abs=1e-3)
    assert (found.s1, found.s2, found.s3) == pytest.approx((151.847, 149.487, 145.667), abs=1e-3)


@pytest.mark.jit_off
def test_camarilla_pivot_points():
    found = the_next_day(CAMARILLA)
    assert found.r3 == pytest.approx(159.75)
    assert (found.r1, found.r2, found.r4) == pytest.approx((157.9167, 158.8333, 162.5), abs=1e-3)
    assert (found.s1, found.s2, found.s3, found.s4) == pytest.approx((156.0833, 155.1667, 154.25, 151.5), abs=1e-3)


@pytest.mark.parametrize(
    ("bar_ns", "session_ns", "complaint"),
    [
        (7 * HOUR_NS, DAY_NS, f"bar_ns is {7 * HOUR_NS}, expected a divisor"),
        (0, DAY_NS, "bar_ns is 0, expected a divisor"),
        (HOUR_NS, 367 * DAY_NS, "expected 1 to"),
        (HOUR_NS, 0, "session_ns is 0, expected 1 to"),
    ],
)
def test_bars_that_do_not_fill_a_session_are_refused(bar_ns, session_ns, complaint):
    with pytest.raises(ConfigError, match=complaint):
        start_session(table(SESSION, 1)[0], bar_ns, session_ns)


def test_a_method_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match=r"method is 3, expected 0 \(classic\), 1 \(fibonacci\) or 2 \(camarilla\)"):
        levels(3)
