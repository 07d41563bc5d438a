"""Trap 3: what is fitted has seen the days it is tried on. Whatever becomes of those days, the fit must stay."""

from collections.abc import Callable
from typing import Any

import pytest

from quintet.core.events import BAR_CLOSE
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import Tape, memory_tape
from quintet.research.backtest_options import BacktestOptions
from quintet.research.lookahead import with_noise_after
from quintet.research.synthetic import synthesize
from quintet.research.systems import find
from quintet.research.walk_forward import Plan, grid, segments, walk_forward
from quintet.sim.config import ExecutionConfig
from quintet.storage.candle_cuts import draw_noise
from quintet.systems.structure_mm import StructureMmConfig

BARS = synthesize(11, days=16, timeframe="5m")
TAPE = memory_tape(bar_rows(BARS), [DEFAULT_SPOT])
OPTIONS = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(fill_policies=("pessimistic",)), RiskConfig(), "5m", "5m")
SETS = grid(StructureMmConfig(atr_slow_n=96), {"step_atr": [0.6, 0.8, 1.0, 1.2], "atr_slow_n": [48, 96]})
PLAN = Plan(train_days=10, test_days=5)

Fit = Callable[[Tape], Any]
"""A market to what is fitted on its train days."""


def check(fit: Fit) -> list[str]:
    """What changes in the fit when every day it will be tried on is replaced by noise."""
    test_from_ns = walk_forward(TAPE, "structure_mm", SETS[:1], OPTIONS, PLAN).folds[0].window.test_from_ns
    whole = fit(TAPE)
    found = []
    for seed in range(3):
        other = fit(with_noise_after(TAPE, test_from_ns, draw_noise(seed), DEFAULT_SPOT))
        if other != whole:
            found.append(f"seed {seed}: {other}, expected {whole}")
    return found


def chosen_by_walking_forward(tape: Tape) -> Any:
    fold = walk_forward(tape, "structure_mm", SETS, OPTIONS, PLAN, "return").folds[0]
    return fold.chosen, fold.train_scores


def test_a_walk_forward_chooses_without_the_days_it_is_tried_on():
    assert check(chosen_by_walking_forward) == []


# ---- planted -----------------------------------------------------------------------------------------------------


def chosen_on_everything(tape: Tape) -> Any:
    """The best set of the whole tape."""
    census = tape.census
    found = segments(tape, find("structure_mm"), SETS, OPTIONS, census.first_ns, census.last_ns)
    return tuple(segment.net_frac for segment in found)


def threshold_of_everything(tape: Tape) -> Any:
    """A number scaled by the mean close of the whole tape."""
    rows = tape.event_rows()
    return float(rows["price"][rows["kind"] == BAR_CLOSE].mean())


@pytest.mark.parametrize("fit", [chosen_on_everything, threshold_of_everything])
def test_a_planted_fit_on_the_future_is_found(fit: Fit):
    assert len(check(fit)) == 3
