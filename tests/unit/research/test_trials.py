"""What the ledger is told of a backtest, and what a run says of its place among all trials."""

import dataclasses
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import Source, TapeMeta, memory_tape
from quintet.research.backtest import BacktestResult, run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.earlier_trials import EARLIER_TRIALS
from quintet.research.significance import deflated_sharpe, sharpe
from quintet.research.synthetic import synthesize
from quintet.research.trials import count_backtest, data_hash, standing, trial_of
from quintet.sim.config import ExecutionConfig
from quintet.storage.trial_records import Counted
from quintet.systems.structure_mm import StructureMmConfig
from tests.noise import normals

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    bars = synthesize(11, days=8, timeframe="5m")
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(), RiskConfig(), "5m", "5m")
    tape = memory_tape(bar_rows(bars), [DEFAULT_SPOT])
    return run_backtest(tape, "structure_mm", StructureMmConfig(atr_slow_n=48), options)


def changed(result: BacktestResult, **changes: Any) -> BacktestResult:
    return dataclasses.replace(result, **changes)


def test_a_backtest_is_told_with_its_headlines_daily_ratio(result: BacktestResult) -> None:
    trial = trial_of(result, "library", "a run")
    assert (trial.system, trial.door, trial.run, trial.data) == ("structure_mm", "library", "a run", result.tape.hash)
    assert (trial.first_ns, trial.last_ns) == (result.tape.census.first_ns, result.tape.census.last_ns)
    assert trial.parameters["atr_slow_n"] == 48
    assert set(trial.conditions) == {"instrument", "execution", "risk", "structure", "fills"}
    returns = result.daily_returns
    assert (trial.sharpe, trial.periods) == (sharpe(returns), len(returns))
    # and the returns multiplied are the net result of the headline
    assert math.prod(1.0 + returns) - 1.0 == pytest.approx(result.interval["low_frac"])


def test_what_was_run_again_is_the_same_trial_and_whatever_was_changed_another(result: BacktestResult) -> None:
    usual, options = trial_of(result, "one").id, result.options
    assert trial_of(changed(result), "other", "run").id == usual
    dearer = msgspec.structs.replace(DEFAULT_SPOT, taker_fee_e9=2 * DEFAULT_SPOT.taker_fee_e9)
    policies = ("olhc", "ohlc", "optimistic", "pessimistic")
    same = msgspec.structs.replace(options.execution, fill_policies=policies)
    assert trial_of(changed(result, options=options._replace(execution=same)), "one").id == usual
    for other in (
        changed(result, params=StructureMmConfig(atr_slow_n=49)),
        changed(result, options=options._replace(instrument=dearer)),
        changed(result, options=options._replace(execution=ExecutionConfig(latency_ms=251))),
        changed(result, options=options._replace(execution=ExecutionConfig(fill_policies=("ohlc",)))),
        changed(result, options=options._replace(risk=RiskConfig(open_orders_max=7))),
        changed(result, options=options._replace(structure="15m")),
        changed(result, system=result.system._replace(decide=another_decision)),
    ):
        assert trial_of(other, "one").id != usual


def another_decision(view: Any, state: Any, params: Any) -> None:
    """Stands in another file than the system's own."""


def test_a_market_is_the_files_it_came_from_whatever_window_was_taken() -> None:
    bars = synthesize(11, days=2, timeframe="5m")

    def tape(first: int, *digests: str) -> Any:
        sources = tuple(Source(f"{n}.csv", digest) for n, digest in enumerate(digests))
        meta = TapeMeta(synthetic=False, created_ns=0, tool_version="test", sources=sources)
        return memory_tape(bar_rows(bars)[first:], [DEFAULT_SPOT], meta)

    one, two = "1" * 64, "2" * 64
    assert data_hash(tape(0, one)) == data_hash(tape(30, one)) == one
    assert data_hash(tape(0, one, two)) == data_hash(tape(0, two, one)) not in (one, two)
    assert data_hash(tape(0)) == tape(0).hash != tape(30).hash


class Odd(NamedTuple):
    """Parameters as somebody else may keep them."""

    levels: Any
    fee: Any


def test_parameters_of_any_kind_are_told_apart(result: BacktestResult) -> None:
    def id_of(params: Any) -> str:
        return trial_of(changed(result, params=params), "one").id

    levels = np.arange(3_000.0)
    other = levels.copy()
    other[1_500] += 1.0
    assert id_of(Odd(levels, Decimal("0.1"))) == id_of(Odd(levels.copy(), Decimal("0.1")))
    assert id_of(Odd(levels, Decimal("0.1"))) != id_of(Odd(other, Decimal("0.1")))
    assert id_of({"fee": 1}) != id_of({"fee": 2})
    assert id_of(None) != id_of(1)


def test_the_ledger_begins_with_what_the_reading_of_the_specification_states() -> None:
    assert [each.count for each in EARLIER_TRIALS] == [122, 1, 80, 9]
    assert {each.system for each in EARLIER_TRIALS} == {"structure_mm"}


def test_a_counted_backtest_says_where_it_stands(result: BacktestResult, tmp_path: Path) -> None:
    place = count_backtest(tmp_path / "trials.sqlite", result, "library", NOW)
    assert (place["on_data"], place["total"], place["number"], place["repeated"]) == (213, 213, 5, False)
    assert (place["earlier"], place["independent"]) == (212, None)
    assert place["deflated_sharpe"] == deflated_sharpe(result.daily_returns, 213, place["sharpe_deviation"])
    again = count_backtest(tmp_path / "trials.sqlite", result, "library", NOW)
    assert (again["total"], again["number"], again["repeated"]) == (213, 6, True)


def counted(total: int, deviation: float | None) -> Counted:
    return Counted("a" * 64, 1, "b" * 64, "c" * 64, False, total, total, deviation)


def test_more_trials_and_a_wider_spread_of_them_leave_less_of_a_ratio() -> None:
    returns = 0.1 + normals("a good year", 365)
    deflated = [
        standing(counted(total, deviation), returns)["deflated_sharpe"]
        for total, deviation in ((1, None), (10, None), (1000, None), (1000, 0.08))
    ]
    assert deflated == sorted(deflated, reverse=True)
    assert len(set(deflated)) == 4


def test_trials_that_are_nearly_alike_do_not_lower_the_bar_for_one_another() -> None:
    returns = 0.1 + normals("a good year", 365)
    alike, alone = standing(counted(100, 1e-6), returns), standing(counted(100, None), returns)
    assert alike["deflated_sharpe"] == alone["deflated_sharpe"]
    assert alike["sharpe_deviation"] == 1.0 / math.sqrt(364.0)


@pytest.mark.parametrize("returns", [[], [0.1], [0.0, 0.0, 0.0]])
def test_where_there_is_no_ratio_nothing_is_deflated(returns: list[float]) -> None:
    assert standing(counted(3, None), np.array(returns))["deflated_sharpe"] is None
