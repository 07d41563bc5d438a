"""Drawings: nothing that matters is lost when a long series becomes a thousand columns."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.research.charts import WIDTH, Axis, Plot, padded, reduce, ticks

series = st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=400)


@given(series, st.integers(1, 50))
def test_the_worst_and_the_best_point_survive_in_every_column(values: list[int], spacing: int):
    # given points so dense that many share a column
    x = np.arange(len(values)) * spacing
    axis = Axis(0.0, float(x[-1]) or 1.0)
    reduced = reduce(x, values, axis)
    # then the columns together hold the extremes, and ends are where they were
    assert (reduced.low.min(), reduced.high.max()) == (min(values), max(values))
    assert (reduced.first[0], reduced.last[-1]) == (values[0], values[-1])
    assert (reduced.low <= reduced.first).all() and (reduced.last <= reduced.high).all()


def test_a_long_series_has_at_most_one_column_a_unit():
    x = np.arange(86_400)
    assert len(reduce(x, x, Axis(0.0, 86_399.0)).place) == WIDTH


def test_a_line_is_not_drawn_across_a_gap():
    # given two stretches of bars with a hole between them
    x = np.concatenate((np.arange(3000), np.arange(9000, 12_000)))
    plot = Plot(Axis(0.0, 12_000.0), Axis(0.0, 2.0), 100)
    plot.line(x, np.ones(6000), "main")
    # then the pen is lifted once
    assert plot.marks[0].count("M") == 2


def test_the_bottom_of_an_axis_is_drawn_at_the_bottom():
    plot = Plot(Axis(0.0, 10.0), Axis(-1.0, 1.0), 200)
    assert float(plot.down(-1.0)) == 200.0
    assert float(plot.across(5.0)) == WIDTH / 2


def test_fills_on_the_same_pixel_are_one_dot():
    plot = Plot(Axis(0.0, 1000.0), Axis(0.0, 1.0), 100)
    plot.dots(np.array([5.0, 5.1, 700.0]), np.array([0.5, 0.5, 0.5]), "dot")
    assert plot.marks[0].count("M") == 2


def test_a_state_of_a_moment_can_still_be_seen():
    plot = Plot(Axis(0.0, 1e9), Axis(0.0, 1.0), 10)
    plot.box(5e8, 5e8 + 1, 0, 10, "lane")
    width = re.search(r'width="([0-9.]+)"', plot.marks[0])
    assert width and float(width[1]) >= 0.5


def test_words_on_a_plot_are_escaped():
    plot = Plot(Axis(0.0, 1.0), Axis(0.0, 1.0), 10)
    plot.label(0.5, 0.5, "<b>")
    assert "<b>" not in plot.render('a "quoted" label')


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]), (-17.0, 0.0, [-15.0, -10.0, -5.0, 0.0]), (3.0, 3.0, [])],
)
def test_ticks_are_round_and_inside(low: float, high: float, expected: list[float]):
    assert ticks(low, high) == pytest.approx(expected)


def test_an_axis_over_one_value_is_not_empty():
    axis = padded([7.0, 7.0])
    assert axis.low < 7.0 < axis.high
