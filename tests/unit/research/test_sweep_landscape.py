"""A hill is told from a needle, on a grid and off it."""

import pytest

from quintet.research.sweep_landscape import landscape

LINE = [{"x": x} for x in (1, 2, 3, 4, 5, 6, 7)]
SQUARE = [{"x": x, "y": y} for x in (1, 2, 3) for y in (10, 20, 30)]


def test_a_needle_is_an_isolated_peak():
    found = landscape(LINE, [0.0, 0.01, 0.0, 0.5, 0.0, 0.01, 0.0])
    assert found.best == 3
    assert found.neighbours == (2, 4)
    assert found.neighbours_frac == 0.0
    assert found.shared == 0.0
    assert found.is_isolated is True
    assert found.edges == ()


def test_a_hill_is_shared_by_its_neighbours():
    found = landscape(LINE, [0.0, 0.1, 0.4, 0.5, 0.4, 0.1, 0.0])
    assert found.shared == pytest.approx((0.4 - 0.1) / (0.5 - 0.1))
    assert found.is_isolated is False
    assert (found.median_frac, found.worst_frac) == (0.1, 0.0)
    assert found.positive == pytest.approx(5 / 7)


def test_neighbours_differ_by_one_step_in_one_parameter():
    results = [0.0] * 9
    results[4] = 1.0
    assert landscape(SQUARE, results).neighbours == (1, 3, 5, 7)


def test_the_edge_is_named_where_something_may_lie_beyond():
    results = [0.0] * 9
    results[5] = 1.0  # x in the middle, y the largest
    assert landscape(SQUARE, results).edges == ("y",)
    assert landscape([{"x": 1}, {"x": 2}], [0.0, 1.0]).edges == ()


def test_off_a_grid_the_nearest_are_neighbours():
    sets = [{"x": x} for x in (0.1, 0.11, 0.5, 0.9, 0.12)]
    assert landscape(sets, [1.0, 0.9, 0.0, 0.0, 0.8], on_grid=False).neighbours == (1, 4)


def test_words_are_no_order_and_have_no_edge():
    sets = [{"mode": mode} for mode in ("c", "a", "b")]
    assert landscape(sets, [1.0, 0.0, 0.0]).edges == ()


@pytest.mark.parametrize("sets", [[{}], [{"x": 1}]])
def test_of_a_single_set_nothing_is_said_of_neighbours(sets):
    found = landscape(sets, [0.1])
    assert (found.neighbours, found.neighbours_frac, found.shared, found.is_isolated) == ((), None, None, None)


def test_where_all_are_equal_there_is_no_peak():
    assert landscape(LINE, [0.2] * 7).is_isolated is None
