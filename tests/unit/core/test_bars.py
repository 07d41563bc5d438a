"""Bars as rows of a tape."""

import dataclasses

import numpy as np
import pytest

from quintet.core.errors import DataError
from quintet.core.events import BAR_CLOSE, BAR_OPEN, BAR_TURNOVER, LAST, MINUTE_NS, TIMEFRAME_NUMBER
from quintet.core.market.bars import Bars, bar_rows


def column(*values):
    return np.array(values, np.int64)


TWO = Bars(
    timeframe="5m",
    ts_open=column(0, 5 * MINUTE_NS),
    open=column(100, 103),
    high=column(105, 104),
    low=column(99, 98),
    close=column(103, 101),
    volume=column(7, 0),
    turnover=column(720, 0),
)


def test_a_bar_with_a_known_turnover_is_one_message_of_three_rows():
    rows = bar_rows(TWO, instrument=3)
    assert rows["kind"].tolist() == [BAR_OPEN, BAR_CLOSE, BAR_TURNOVER, BAR_OPEN, BAR_CLOSE]
    assert rows["price"].tolist() == [100, 103, 0, 103, 101]
    assert rows["quantity"].tolist() == [7, (105 << 31) + 99, 720, 0, (104 << 31) + 98]
    assert set(rows["instrument"].tolist()) == {3}
    assert [bits & LAST for bits in rows["bits"].tolist()] == [0, 0, 1, 0, 1]
    assert {bits >> 1 for bits in rows["bits"].tolist()} == {TIMEFRAME_NUMBER["5m"]}


def test_without_any_turnover_a_bar_is_two_rows():
    rows = bar_rows(dataclasses.replace(TWO, turnover=column(0, 0)))
    assert rows["kind"].tolist() == [BAR_OPEN, BAR_CLOSE] * 2
    assert [bits & LAST for bits in rows["bits"].tolist()] == [0, 1] * 2


def test_rows_of_a_bar_do_not_depend_on_bars_after_it():
    # given turnover that is known of the second bar alone, as in a file whose source began to tell it one day
    late = bar_rows(dataclasses.replace(TWO, turnover=column(0, 720)))
    never = bar_rows(dataclasses.replace(TWO, turnover=column(0, 0)))
    assert late[:2].tobytes() == never[:2].tobytes()
    assert len(late) == 5


def test_a_bar_is_known_when_it_has_closed_and_not_before():
    rows = bar_rows(TWO)
    assert rows["ts_event"].tolist() == [5 * MINUTE_NS] * 3 + [10 * MINUTE_NS] * 2
    assert rows["ts_recv"].tolist() == rows["ts_event"].tolist()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("open", 0, "bar 1: open in ticks is 0, expected 1 to 2147483647"),
        ("high", 2**31, "bar 1: high in ticks is 2147483648"),
        ("low", -5, "bar 1: low in ticks is -5"),
        ("close", 2**40, "bar 1: close in ticks is"),
        ("volume", -1, "bar 1: volume in lots is -1, expected 0 to"),
        ("turnover", 2**62, "bar 1: turnover in quanta is"),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_refused_naming_the_bar(name, value, message):
    bars = dataclasses.replace(TWO, **{name: column(getattr(TWO, name)[0], value)})
    with pytest.raises(DataError) as refusal:
        bar_rows(bars)
    assert message in str(refusal.value)


@pytest.mark.parametrize("instrument", [-1, 2**16])
def test_an_instrument_number_that_does_not_fit_is_refused(instrument):
    with pytest.raises(DataError, match="instrument number"):
        bar_rows(TWO, instrument)


def test_no_bars_make_no_rows():
    empty = Bars("1m", *(column() for _ in range(7)))
    assert len(empty) == 0
    assert len(bar_rows(empty)) == 0
