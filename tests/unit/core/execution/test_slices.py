"""Amounts in parts: over time, and behind a small order."""

import pytest

from quintet.core.execution.iceberg import Iceberg
from quintet.core.execution.parent import DONE, SHORT, TAKING, WAITING, WORKING
from quintet.core.execution.twap import Twap
from quintet.core.execution.want import Want
from quintet.core.orders.lifecycle import IOC, POST_ONLY
from tests.execution_market import SECOND, Moment, Runner, a_book

MINUTE = Twap(over_s=60.0, slices=6, at="touch")


# ---- TWAP --------------------------------------------------------------------------------------------------------


def test_equal_slices_at_equal_times_sum_to_the_amount():
    runner = Runner(Twap(over_s=70.0, slices=7, style="take", bound_bp=10.0)).begin(1, 100)
    sizes = []
    for _ in range(7):
        [want] = runner.wants
        assert (want.price, want.style) == (10_011, IOC)
        sizes.append(want.lots)
        runner.filled(want.lots)
        assert runner.wake() == [] and runner.state.phase in (WAITING, DONE)
        runner.later(10.0)
    assert sizes == [14, 14, 14, 15, 14, 14, 15]
    assert (sum(sizes), runner.state.phase) == (100, DONE)


def test_what_a_slice_leaves_is_worked_with_the_next():
    runner = Runner(MINUTE).begin(1, 60)
    assert runner.wants == [Want(1, 10, 9_999, POST_ONLY, tag=1)]
    runner.venue.answer_all()
    runner.filled(4)
    assert runner.later(10.0, bid=10_003, ask=10_005) == [Want(1, 16, 10_003, POST_ONLY, tag=1)]
    assert runner.venue.sent == ["place", "amend"]


def test_by_default_the_rest_is_taken_at_the_end_and_nothing_stays():
    runner = Runner(MINUTE).begin(-1, 60)
    runner.later(59.9)
    assert runner.wants == [Want(-1, 60, 10_001, POST_ONLY, tag=1)]
    assert runner.later(0.1) == []
    assert runner.later(0.0) == [Want(-1, 60, 9_990, IOC, tag=1)]
    assert runner.state.phase == TAKING
    runner.filled(60)
    assert (runner.state.phase, runner.venue.orders) == (DONE, [])


def test_a_slice_that_takes_has_one_attempt():
    runner = Runner(Twap(over_s=60.0, slices=6, style="take", then="cancel")).begin(1, 60)
    runner.venue.answer_all()
    assert runner.wake() == []
    assert runner.later(10.0)[0].lots == 20
    runner.later(50.0)
    runner.later(0.0)
    assert (runner.state.phase, runner.state.filled) == (SHORT, 0)


def test_slices_below_the_least_order_are_made_fewer():
    assert Runner(MINUTE).begin(1, 10, least_lots=4).state.parts == 2
    assert Runner(MINUTE).begin(1, 3, least_lots=4).state.parts == 1
    assert Runner(MINUTE).begin(1, 1_000, least_lots=4).state.parts == 6


# ---- iceberg -----------------------------------------------------------------------------------------------------


def sizes_of(rules: Iceberg, lots: int, seed: int, **moment: object) -> list[int]:
    parent = rules.begin(Moment(**moment), 1, lots, tag=1, seed=seed)
    ends = [0, *(rules.end_of(parent, part) for part in range(1, parent.parts + 1))]
    return [after - before for before, after in zip(ends, ends[1:], strict=False)]


@pytest.mark.req("I-234")
def test_parts_are_three_to_ten_by_depth_and_by_worth():
    rules = Iceberg()
    assert len(sizes_of(rules, 1_000, 1)) == 3  # no levels are shown, and no bound is given
    assert len(sizes_of(rules, 1_000, 1, **a_book(200))) == 6  # the largest is a fifth of 1,000 within 10 bp
    assert len(sizes_of(rules, 1_000, 1, **a_book(20))) == 10
    parent = rules.begin(Moment(), 1, 1_000, tag=1, lots_max=150)
    assert parent.parts == 8


@pytest.mark.req("I-234")
@pytest.mark.parametrize("seed", range(20))
def test_parts_differ_from_an_even_one_by_a_fifth_at_most_and_sum_to_the_amount(seed):
    sizes = sizes_of(Iceberg(), 1_000, seed, **a_book(200))
    assert sum(sizes) == 1_000
    assert len(sizes) == 6 and all(133 <= size <= 200 for size in sizes)


@pytest.mark.req("I-234")
def test_the_same_seed_gives_the_same_parts_and_another_seed_others():
    assert sizes_of(Iceberg(), 1_000, 5) == sizes_of(Iceberg(), 1_000, 5) != sizes_of(Iceberg(), 1_000, 6)


@pytest.mark.req("I-234")
def test_one_part_is_shown_and_the_next_comes_after_a_drawn_gap():
    runner = Runner(Iceberg(at="touch"), **a_book(200)).begin(1, 1_000, seed=5)
    gaps = []
    for _ in range(5):
        [want] = runner.wants
        assert 133 <= want.lots <= 200 and want.style == POST_ONLY
        runner.venue.answer_all()
        runner.filled(want.lots)
        assert runner.wants == [] and runner.state.phase == WAITING
        gap_ns = runner.state.due_ns - runner.venue.moment.now_ns
        gaps.append(gap_ns)
        assert runner.later((gap_ns - 1) / SECOND - 1e-6) == []
        runner.later(2e-6)
        assert runner.state.phase == WORKING
    assert all(0.5 * SECOND <= gap <= 5 * SECOND for gap in gaps) and len(set(gaps)) == 5
    runner.venue.answer_all()
    runner.filled(runner.wants[0].lots)
    assert (runner.state.phase, runner.state.filled) == (DONE, 1_000)


@pytest.mark.req("I-234")
def test_a_part_shrinks_when_the_depth_does():
    runner = Runner(Iceberg(at="touch"), **a_book(200)).begin(1, 1_000, seed=5)
    runner.venue.answer_all()
    runner.filled(runner.wants[0].lots)
    [want] = runner.later(5.0, **a_book(50))
    assert want.lots == 50  # a fifth of 250
    runner.venue.answer_all()
    runner.filled(50)
    [want] = runner.later(5.0, **a_book(200))
    assert want.lots > 100 and runner.state.part == 2  # the rest of the second part


def test_parts_that_take_are_taken_once_and_the_time_ends_them():
    runner = Runner(Iceberg(style="take", too_little="keep"), **a_book(200)).begin(-1, 1_000, seed=2)
    assert runner.wants[0].style == IOC
    runner.venue.fill(runner.venue.orders[0], 100)
    runner.later(0.0)
    assert runner.state.phase == WAITING
    runner.later(600.0)
    runner.later(0.0)
    assert (runner.state.phase, runner.state.filled, runner.venue.orders) == (SHORT, 100, [])


def test_a_small_amount_is_not_cut_below_the_least_order():
    assert Iceberg().begin(Moment(), 1, 10, tag=1, least_lots=5).parts == 1
    assert Iceberg().begin(Moment(), 1, 14, tag=1, least_lots=5).parts == 2
