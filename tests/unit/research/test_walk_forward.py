"""Choose on the past, trade what follows: windows that do not touch, and choices that know nothing of the test days."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import ConfigError, InputError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import memory_tape
from quintet.research import walk_forward as walk
from quintet.research.backtest_options import BacktestOptions
from quintet.research.overfitting import probability_of_overfitting
from quintet.research.returns import DAY_NS
from quintet.research.shocks import gapped
from quintet.research.synthetic import synthesize
from quintet.research.systems import find
from quintet.research.walk_forward import Plan, grid, segments, walk_forward, windows
from quintet.sim.config import ExecutionConfig
from quintet.systems.structure_mm import StructureMmConfig

BARS = synthesize(11, days=30, timeframe="5m")
TAPE = memory_tape(bar_rows(BARS), [DEFAULT_SPOT])
OPTIONS = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(fill_policies=("pessimistic",)), RiskConfig(), "5m", "5m")
SETS = grid(StructureMmConfig(atr_slow_n=96), {"step_atr": [0.6, 0.8, 1.2], "atr_slow_n": [48, 96]})
PLAN = Plan(train_days=8, test_days=5)


@pytest.fixture(scope="module")
def walked():
    return walk_forward(TAPE, "structure_mm", SETS, OPTIONS, PLAN, "return")


# ---- windows -----------------------------------------------------------------------------------------------------


def test_windows_move_along_and_their_test_days_follow_one_another():
    found = windows(1, 30 * DAY_NS, Plan(10, 5))
    days = [tuple(moment // DAY_NS for moment in window) for window in found]
    assert days == [(0, 10, 15), (5, 15, 20), (10, 20, 25), (15, 25, 30)]


def test_an_anchored_train_window_grows():
    found = windows(1, 30 * DAY_NS, Plan(10, 5, anchored=True))
    assert [window.train_from_ns for window in found] == [0] * 4
    assert [window.test_from_ns // DAY_NS for window in found] == [10, 15, 20, 25]


@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 20), st.booleans(), st.integers(60, 200))
def test_no_day_is_tested_twice_nor_before_it_was_over(train, test, more, anchored, days):
    found = windows(DAY_NS + 5, days * DAY_NS, Plan(train, test, test + more, anchored))
    for window in found:
        assert window.train_from_ns < window.test_from_ns < window.test_to_ns <= days * DAY_NS
        assert all(moment % DAY_NS == 0 for moment in window)
    for one, following in zip(found, found[1:], strict=False):
        assert one.test_to_ns <= following.test_from_ns


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan(30, 5), "train_days and test_days: found 30 and 5, expected both to fit 30.0 days"),
        (Plan(0, 5), "train_days: found 0, expected a whole number from 1"),
        (Plan(5, 5, 4), "step_days: found 4, expected at least the 5 test days: no day is tested twice"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan, message):
    with pytest.raises(InputError, match=message):
        windows(1, 30 * DAY_NS, plan)


# ---- sets --------------------------------------------------------------------------------------------------------


def test_a_grid_is_every_combination_that_the_system_accepts():
    found = grid(StructureMmConfig(), {"w_target": [0.1, 0.3], "w_soft": ["0.2", 0.35]})
    assert [tuple(each.values.values()) for each in found] == [(0.1, 0.2), (0.1, 0.35), (0.3, 0.35)]
    assert found[0].params.w_soft == 0.2
    assert [each.params for each in grid(StructureMmConfig(), {})] == [StructureMmConfig()]
    assert [each.params for each in grid(None, {})] == [None]


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"stepp": [1]}, "grid: found 'stepp', expected one of atr_n"),
        ({"step_atr": [-1.0]}, "grid: found no combination that the system accepts"),
        ({"step_atr": list(range(40)), "atr_n": list(range(40))}, "grid: found 1600 combinations, expected at most"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(axes, message):
    with pytest.raises(ConfigError, match=message):
        grid(StructureMmConfig(), axes)
    with pytest.raises(ConfigError, match="expected nothing, as this system has no parameters"):
        grid(None, axes)


# ---- the walk ----------------------------------------------------------------------------------------------------


def test_the_test_days_of_all_windows_are_one_record(walked):
    assert len(walked.folds) == 4
    assert len(walked.daily.frac) == 20
    assert (np.diff(walked.daily.start.astype(int)) == 1).all()
    ends = [1.0 + fold.test.net_frac for fold in walked.folds]
    assert walked.net_frac == pytest.approx(np.prod(ends) - 1.0)


def test_the_set_with_the_best_train_score_is_chosen_and_every_set_is_tested(walked):
    for fold in walked.folds:
        assert fold.train_scores[fold.chosen] == max(fold.train_scores)
        assert fold.test is fold.tests[fold.chosen]
    assert walked.performance.shape == (20, len(SETS))
    assert 0.0 <= probability_of_overfitting(walked.performance, 4).probability <= 1.0


def test_a_choice_knows_nothing_of_the_days_it_is_tested_on(walked):
    # given another market from the second window's test days on
    cut_ns = walked.folds[1].window.test_from_ns
    other = memory_tape(bar_rows(gapped(BARS, cut_ns, 0.5)), [DEFAULT_SPOT])
    changed = walk_forward(other, "structure_mm", SETS, OPTIONS, PLAN, "return")
    for n in (0, 1):
        assert changed.folds[n].train_scores == walked.folds[n].train_scores
        assert changed.folds[n].chosen == walked.folds[n].chosen
    assert changed.folds[0].test.net_frac == walked.folds[0].test.net_frac
    assert changed.folds[1].test.net_frac != walked.folds[1].test.net_frac


def test_a_window_run_alone_gives_what_it_gave_on_the_walk(walked):
    fold = walked.folds[2]
    alone = segments(TAPE, find("structure_mm"), SETS, OPTIONS, fold.window.test_from_ns, fold.window.test_to_ns)
    assert [each.net_frac for each in alone] == [each.net_frac for each in fold.tests]
    assert [each.daily.frac.tolist() for each in alone] == [each.daily.frac.tolist() for each in fold.tests]


def test_nothing_is_traded_while_a_system_warms_up(walked, monkeypatch):
    # given a system that claims to need more bars than it does
    (segment,) = segments(TAPE, find("structure_mm"), SETS[:1], OPTIONS, 10 * DAY_NS + BARS.ts_open[0], 2**62)
    assert segment.fills > 0
    monkeypatch.setattr(StructureMmConfig, "warm_up_bars", property(lambda params: 2_000))
    with pytest.raises(walk.InvariantError, match="before its warm-up ended"):
        segments(TAPE, find("structure_mm"), SETS[:1], OPTIONS, 10 * DAY_NS + BARS.ts_open[0], 2**62)


def test_scores_say_what_was_left_of_what_was_found(walked):
    train = np.mean([fold.train_scores[fold.chosen] for fold in walked.folds])
    assert walked.train_score == pytest.approx(train)
    assert walked.test_score == pytest.approx(np.mean([fold.test.daily.frac.mean() * 365 for fold in walked.folds]))
    assert (walked.efficiency is None) == (train <= 0.0)


def test_stability_tells_how_far_the_choices_wandered(walked):
    by_name = {row.name: row for row in walked.stability}
    assert list(by_name) == ["step_atr", "atr_slow_n"]
    assert by_name["step_atr"].chosen == tuple(SETS[fold.chosen].values["step_atr"] for fold in walked.folds)
    # given choices made by hand: 0.6, 1.2, 1.2, 0.8 on the grid 0.6, 0.8, 1.2
    numbers = [0, 4, 4, 2]
    folds = tuple(fold._replace(chosen=n) for fold, n in zip(walked.folds, numbers, strict=True))
    row = walk.WalkForward(PLAN, "return", walked.sets, folds).stability[0]
    assert row.chosen == (0.6, 1.2, 1.2, 0.8)
    assert row.share == 0.5
    assert row.wander == pytest.approx((2 + 0 + 1) / 3 / 2)
    assert row.wander_by_dice == pytest.approx(np.mean([abs(i - j) for i in range(3) for j in range(3)]) / 2)


def test_a_score_without_a_meaning_loses_and_of_equals_the_first_is_chosen(monkeypatch):
    # given sets of which only the third trades at all
    monkeypatch.setitem(walk.OBJECTIVES, "third", lambda segment: None)
    found = walk_forward(TAPE, "structure_mm", SETS[:2], OPTIONS, PLAN, "third")
    assert {fold.chosen for fold in found.folds} == {0}
    assert found.train_score is None
    assert found.efficiency is None


def test_bad_input_is_named():
    with pytest.raises(ConfigError, match="objective: found 'luck', expected one of sharpe, sortino, return, calmar"):
        walk_forward(TAPE, "structure_mm", SETS, OPTIONS, PLAN, "luck")
    with pytest.raises(InputError, match="sets: found none"):
        walk_forward(TAPE, "structure_mm", [], OPTIONS, PLAN)
