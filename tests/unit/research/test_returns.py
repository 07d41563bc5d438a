"""An equity curve as returns of days and months: every mark counted once, and nothing after ruin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import InputError
from quintet.research.returns import DAY_NS, daily_returns, monthly_returns

HOUR_NS = DAY_NS // 24


def test_a_mark_at_midnight_closes_the_day_before_it():
    # given 100 at the start, 110 at the end of the first day and 99 at the end of the second
    found = daily_returns([DAY_NS, 2 * DAY_NS], [110.0, 99.0], start=100.0)
    assert found.frac.tolist() == pytest.approx([0.1, -0.1])
    assert found.start.astype(str).tolist() == ["1970-01-01", "1970-01-02"]


def test_without_a_start_the_first_mark_is_where_everything_begins():
    found = daily_returns([DAY_NS, 2 * DAY_NS], [110.0, 99.0])
    assert found.frac.tolist() == pytest.approx([-0.1])
    assert found.start.astype(str).tolist() == ["1970-01-02"]


def test_only_the_last_mark_of_a_day_counts():
    found = daily_returns([HOUR_NS, 5 * HOUR_NS, 23 * HOUR_NS], [50.0, 200.0, 101.0], start=100.0)
    assert found.frac.tolist() == pytest.approx([0.01])


def test_a_day_without_a_mark_returned_nothing():
    found = daily_returns([HOUR_NS, 3 * DAY_NS + HOUR_NS], [101.0, 101.0], start=100.0)
    assert found.frac.tolist() == pytest.approx([0.01, 0.0, 0.0, 0.0])


def test_an_account_that_is_gone_lost_everything_that_day_and_has_no_days_after():
    found = daily_returns([DAY_NS, 2 * DAY_NS, 3 * DAY_NS, 4 * DAY_NS], [90.0, -5.0, -5.0, 40.0], start=100.0)
    assert found.frac.tolist() == pytest.approx([-0.1, -1.0])


def test_months_are_those_of_the_calendar():
    # given marks at the end of January, in mid-February and at the end of March 1970
    days = np.array([31, 45, 90]) * DAY_NS
    found = monthly_returns(days, [110.0, 105.0, 121.0], start=100.0)
    assert found.start.astype(str).tolist() == ["1970-01", "1970-02", "1970-03"]
    assert found.frac.tolist() == pytest.approx([0.1, 105 / 110 - 1, 121 / 105 - 1])


@pytest.mark.parametrize("marks", [[], [100.0]])
def test_nothing_elapsed_is_no_return(marks):
    assert len(daily_returns([DAY_NS] * len(marks), marks).frac) == 0


@given(
    st.lists(st.tuples(st.integers(1, 40 * 24), st.floats(0.5, 2.0)), min_size=1, max_size=30),
    st.sampled_from([daily_returns, monthly_returns]),
)
def test_the_returns_multiplied_are_the_whole(moves, returns):
    stamps = np.cumsum([hours for hours, _ in moves]) * HOUR_NS
    marks = 100.0 * np.cumprod([factor for _, factor in moves])
    found = returns(stamps, marks, 100.0)
    assert np.prod(1.0 + found.frac) == pytest.approx(marks[-1] / 100.0)
    assert (np.diff(found.start.astype(int)) == 1).all()


@pytest.mark.parametrize(
    ("ts_ns", "equity", "message"),
    [
        ([1, 2], [1.0, math.nan], "equity: number 1 is nan, expected a finite number"),
        ([1, 2], [1.0], "equity: 1 marks at 2 times, expected equally many"),
        ([2, 1], [1.0, 1.0], "equity: mark 1 is earlier than the one before it"),
        ([1, 2], [0.0, 1.0], "equity: begins at 0.0, expected more than 0"),
    ],
)
def test_marks_that_are_no_curve_are_refused(ts_ns, equity, message):
    with pytest.raises(InputError, match=message):
        daily_returns(ts_ns, equity)
