"""The venue's time is as well known as the quickest answer proves; steps and drifts are noticed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.venues.venue_clock import Bounds, ClockUnsure, Sample, VenueClock

MS = 1_000_000
SECOND = 1_000 * MS
HOUR_OFFSET = 3_600 * SECOND


def asked(at: int, offset: int, there: int = 10 * MS, back: int = 10 * MS) -> Sample:
    return Sample(at, at + there + back, at + there + offset)


@given(
    st.integers(-(10**15), 10**15),
    st.lists(st.tuples(st.integers(0, 300 * MS), st.integers(0, 300 * MS)), min_size=3, max_size=40),
)
def test_the_true_time_is_within_the_uncertainty(offset: int, ways: list[tuple[int, int]]) -> None:
    clock = VenueClock()
    now = 0
    for there, back in ways:
        now += SECOND
        clock.hear(asked(now, offset, there, back))
    now += SECOND
    assert clock.take_alarms() == []
    if not clock.why_unsure(now):
        assert abs(clock.venue_ns(now) - (now + offset)) <= clock.uncertainty_ns(now)


def test_nothing_is_signed_before_three_answers_agree() -> None:
    clock = VenueClock()
    for n in range(3):
        with pytest.raises(ClockUnsure, match=f"{n} answers of the last 300 s agree, expected 3"):
            clock.venue_ns(n * SECOND)
        clock.hear(asked(n * SECOND, HOUR_OFFSET))
    assert clock.venue_ns(3 * SECOND) == 3 * SECOND + HOUR_OFFSET


def test_answers_that_are_old_or_slow_prove_nothing() -> None:
    clock = VenueClock()
    for n in range(3):
        clock.hear(asked(n * SECOND, 0, 600 * MS, 600 * MS))
    assert clock.why_unsure(4 * SECOND) == "it is known to 600 ms, expected 400 ms or better"
    for n in range(3, 6):
        clock.hear(asked(n * SECOND, 0))
    assert clock.why_unsure(6 * SECOND) == ""
    assert "0 answers of the last 300 s agree" in clock.why_unsure(400 * SECOND)


def test_one_contrary_answer_makes_unsure_and_three_are_a_step() -> None:
    clock = VenueClock()
    for n in range(5):
        clock.hear(asked(n * SECOND, 0))
    clock.hear(asked(5 * SECOND, 2 * SECOND))
    assert clock.why_unsure(6 * SECOND) == "the last answer contradicts the ones before it"
    clock.hear(asked(6 * SECOND, 0))
    assert clock.why_unsure(7 * SECOND) == ""
    assert clock.take_alarms() == []
    for n in range(7, 10):
        clock.hear(asked(n * SECOND, 2 * SECOND))
    assert clock.take_alarms() == ["the venue's clock stepped by 2000 ms against ours"]
    assert clock.venue_ns(10 * SECOND) == 12 * SECOND


def test_a_drift_is_noticed_and_followed() -> None:
    clock = VenueClock(Bounds(drift_ppm=200))
    rng = random.Random(3)
    for n in range(120):
        at = n * 10 * SECOND
        clock.hear(asked(at, at * 150 // 10**6, rng.randrange(5 * MS, 30 * MS), rng.randrange(5 * MS, 30 * MS)))
    assert any("the clocks drift apart by 1" in alarm for alarm in clock.take_alarms())
    now = 1_200 * SECOND
    assert abs(clock.venue_ns(now) - now - now * 150 // 10**6) <= clock.uncertainty_ns(now)


def test_clocks_that_do_not_drift_do_not_alarm() -> None:
    clock = VenueClock()
    rng = random.Random(4)
    for n in range(500):
        there, back = rng.randrange(5 * MS, 200 * MS), rng.randrange(5 * MS, 200 * MS)
        clock.hear(asked(n * 10 * SECOND, HOUR_OFFSET + n * 10_000 * 20, there, back))
    assert clock.take_alarms() == []


def test_an_answer_before_its_question_is_our_own_clocks_fault() -> None:
    clock = VenueClock()
    for n in range(5):
        clock.hear(asked(n * SECOND, 0))
    clock.hear(Sample(5 * SECOND, 4 * SECOND, 5 * SECOND))
    assert "our own clock went back" in clock.take_alarms()[0]
    assert clock.why_unsure(5 * SECOND)


def test_after_a_sleep_a_quick_answer_of_long_ago_proves_less_than_the_ones_of_now() -> None:
    clock = VenueClock()
    for n in range(3):
        clock.hear(asked(n * SECOND, HOUR_OFFSET, MS, MS))
    woken = 2 * 3_600 * SECOND
    assert "0 answers of the last 300 s agree" in clock.why_unsure(woken)
    for n in range(3):
        clock.hear(asked(woken + n * SECOND, HOUR_OFFSET, 20 * MS, 20 * MS))
    now = woken + 3 * SECOND
    assert clock.why_unsure(now) == ""
    assert clock.uncertainty_ns(now) < 25 * MS
    assert abs(clock.venue_ns(now) - (now + HOUR_OFFSET)) <= clock.uncertainty_ns(now)
