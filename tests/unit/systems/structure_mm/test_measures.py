"""The exact median of a day's turnover, and markouts of maker fills."""

import statistics

import numpy as np
import pytest

from quintet.core.records import table
from quintet.systems.structure_mm import measures as s
from quintet.systems.structure_mm.records import DAY_BARS, MARKOUTS, TURNOVER


def test_the_median_is_that_of_the_last_day_at_every_bar():
    # given turnovers of two days and more, with repetitions
    dice = np.random.default_rng(7)
    amounts = [int(x) for x in dice.integers(0, 500, 3 * DAY_BARS)]
    turnover = table(TURNOVER, 1)[0]
    for i, amount in enumerate(amounts):
        # when one more bar comes
        s.turnover_update(turnover, amount)
        # then the median is that of the last 288
        window = amounts[max(0, i + 1 - DAY_BARS) : i + 1]
        assert s.median_turnover(turnover) == int(statistics.median(window))


def test_without_bars_there_is_no_median():
    assert s.median_turnover(table(TURNOVER, 1)[0]) == 0


def markouts():
    return table(MARKOUTS, 1)[0]


def test_a_markout_is_measured_a_minute_later_with_the_sign_of_our_side():
    # given a purchase at 3000.00 and a sale at 3003.00
    known = markouts()
    s.await_markout(known, 1_000, 1, 300_000)
    s.await_markout(known, 1_000, -1, 300_300)
    # when a bar closes too early, then nothing is measured
    s.measure_markouts(known, 200, s.HORIZON_NS, 300_150)
    assert (known.n_waiting, known.count) == (2, 0)
    # when one closes a minute later at 3001.50, then both have earned 5 bp
    s.measure_markouts(known, 200, s.HORIZON_NS + 1_000, 300_150)
    assert (known.n_waiting, known.count) == (0, 2)
    assert list(known.ring_e3[:2]) == [5_000, 4_995]


@pytest.mark.req("S-24")
def test_adverse_selection_is_measured_once_there_are_enough_fills():
    known = markouts()
    for _ in range(49):
        s.keep_markout(known, 200, -3_000)
    assert s.measured_adverse_bp(known, 50) == 0.0
    s.keep_markout(known, 200, -3_000)
    assert s.measured_adverse_bp(known, 50) == 3.0


def test_only_the_last_fills_count():
    known = markouts()
    for _ in range(200):
        s.keep_markout(known, 200, -3_000)
    for _ in range(200):
        s.keep_markout(known, 200, 1_000)
    assert s.measured_adverse_bp(known, 50) == -1.0
    assert known.count == 200
