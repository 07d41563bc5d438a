"""Times and timeframes as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.app.flags import time_range, timeframe, utc_ns
from quintet.app.messages import Complaint
from quintet.core.events import TIMEFRAMES

DAY_NS = 86_400_000_000_000


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("5", "5m"), ("5m", "5m"), ("60", "1h"), ("1h", "1h"), ("240", "4h"), ("D", "1d"), (" 1 ", "1m")],
)
def test_minutes_and_names_mean_the_same(typed: str, meant: str) -> None:
    assert timeframe(typed, "--interval") == meant


def test_nothing_typed_is_nothing_meant() -> None:
    assert timeframe("", "--interval") is None
    assert utc_ns("", "--start") is None
    assert time_range("", "") == (None, None)


@pytest.mark.req("S-28")
@pytest.mark.parametrize(
    ("typed", "meant_ns"),
    [
        ("1970-01-01", 0),
        ("1970-01-02", DAY_NS),
        ("1970-01-01T00:00:01", 1_000_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.000001Z", 1_000),
        ("2026-01-01", 1_767_225_600_000_000_000),
    ],
)
def test_a_date_is_its_midnight_in_utc(typed: str, meant_ns: int) -> None:
    assert utc_ns(typed, "--start") == meant_ns


def test_a_range_must_hold_something() -> None:
    assert time_range("1970-01-01", "1970-01-02") == (0, DAY_NS)
    with pytest.raises(Complaint, match="empty range"):
        time_range("1970-01-02", "1970-01-02")


@given(st.text(max_size=12))
def test_any_text_is_a_timeframe_or_a_complaint(typed: str) -> None:
    try:
        found = timeframe(typed, "--interval")
    except Complaint:
        return
    assert found is None or found in TIMEFRAMES


@given(st.text(alphabet="0123456789-T:Z.+ ", max_size=25))
def test_any_text_is_a_time_or_a_complaint(typed: str) -> None:
    try:
        found = utc_ns(typed, "--start")
    except Complaint:
        return
    assert found is None or found >= 0
