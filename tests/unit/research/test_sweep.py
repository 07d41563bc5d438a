"""Many sets over one market: each equal to its own backtest, wherever it is run; nothing is run twice, none is lost."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from quintet.core.errors import ConfigError, InputError, InvariantError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import TapeMeta, memory_tape
from quintet.research import sweep_runners
from quintet.research.backtest import run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.sweep import (
    Job,
    SetResult,
    Stop,
    axis_values,
    base_trial,
    finished,
    performance,
    ranked,
    run_set,
    varying,
)
from quintet.research.sweep_runners import in_process, in_processes, on_ray, parcel_of, run_parcel
from quintet.research.sweep_work import SweepWork, distinct, worth
from quintet.research.synthetic import synthesize
from quintet.research.systems import find
from quintet.research.walk_forward import ParameterSet, grid
from quintet.sim.config import ExecutionConfig
from quintet.storage.sweep_journal import open_journal
from quintet.storage.tape_files import TapeWriter
from quintet.storage.trial_ledger import read_entries
from quintet.systems.structure_mm import StructureMmConfig

POLICIES = ("pessimistic", "ohlc")
TAPE = memory_tape(bar_rows(synthesize(11, days=12, timeframe="5m")), [DEFAULT_SPOT])
OPTIONS = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(fill_policies=POLICIES), RiskConfig(), "5m", "5m")
JOB = Job(TAPE, find("structure_mm"), OPTIONS)
SETS = grid(StructureMmConfig(atr_slow_n=48), {"step_atr": [0.6, 0.8, 1.2], "atr_slow_n": [48, 96]})
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def results() -> list[SetResult]:
    return [run_set(JOB, each.params) for each in SETS]


@pytest.fixture(scope="module")
def tape_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep") / "market.tape"
    with TapeWriter(path, TapeMeta(synthetic=True, created_ns=1, tool_version="test")) as writer:
        writer.append(TAPE.event_rows())
    return path


# ---- equal to single runs ----------------------------------------------------------------------------------------


def test_every_set_equals_its_own_backtest(results):
    assert len({result.hashes["commands"] for result in results}) > 1
    for each, result in zip(SETS, results, strict=True):
        alone = run_backtest(TAPE, "structure_mm", each.params, OPTIONS)
        assert result.hashes == alone.hashes
        # then marks that were not kept change no daily return
        assert result.daily == tuple(map(float, alone.daily_returns))
        assert (result.low_frac, result.high_frac) == (alone.interval["low_frac"], alone.interval["high_frac"])
        assert result.policy == alone.headline.policy
        assert result.max_drawdown_frac == alone.metrics["max_drawdown_frac"]
        assert (result.fills, result.off_quanta) == (alone.metrics["fills"], alone.conservation)


def test_other_processes_give_the_same_from_one_mapped_file(results, tape_file):
    found = dict(in_processes(JOB, tape_file, 2)(SETS))
    assert [found[n] for n in range(len(SETS))] == results


def test_a_tape_that_was_swapped_is_refused(tape_file):
    parcel = parcel_of(JOB, tape_file)._replace(tape_hash="0" * 64)
    with pytest.raises(InvariantError, match="the sweep began with 0000"):
        run_parcel(parcel, msgspec.json.encode(SETS[0].params))


def test_a_system_that_no_file_holds_stays_in_its_process(tape_file):
    own = JOB._replace(system=JOB.system._replace(name="mine"))
    with pytest.raises(InputError, match="mine exists in this process only, expected one that stands in a file"):
        in_processes(own, tape_file, 2)


BUYER = """
import quintet


class Buyer(quintet.System):
    class Parameters(quintet.Parameters):
        share_frac: float = 0.5

    def on_bar(self, view):
        return [quintet.buy(view.lots_worth(self.parameters.share_frac))] if view.lots == 0 else None
"""


def test_a_system_in_a_file_runs_in_other_processes_until_the_file_changes(tape_file, tmp_path):
    path = tmp_path / "holder.py"
    path.write_text(BUYER)
    own = JOB._replace(system=find(f"{path}:Buyer"))
    sets = list(grid(own.system.config(), {"share_frac": [0.25, 0.5]}))
    found = dict(in_processes(own, tape_file, 2)(sets))
    assert [found[n] for n in range(2)] == [run_set(own, each.params) for each in sets]
    assert found[0].fills > 0
    changed = parcel_of(own, tape_file)._replace(system_sha256="0" * 64)
    with pytest.raises(InvariantError, match="has changed since the sweep began"):
        run_parcel(changed, msgspec.json.encode(sets[0].params))


# ---- Ray, of which four functions are used ------------------------------------------------------------------------


class Submitted:
    """A function and what it will be called with."""

    def __init__(self, function: Any, arguments: tuple[Any, ...]) -> None:
        self.function, self.arguments = function, arguments


class FakeRay:
    """Runs what was submitted when it is asked for, the last one first."""

    def __init__(self) -> None:
        self.started = 0

    def is_initialized(self) -> bool:
        return self.started > 0

    def init(self) -> None:
        self.started += 1

    def remote(self, function: Any) -> Any:
        return SimpleNamespace(remote=lambda *arguments: Submitted(function, arguments))

    def wait(self, references: list[Any], num_returns: int) -> tuple[list[Any], list[Any]]:
        return references[-num_returns:], references[:-num_returns]

    def get(self, reference: Submitted) -> Any:
        return reference.function(*reference.arguments)


def test_what_is_submitted_to_ray_gives_the_same(results, tape_file, monkeypatch):
    ray = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", ray)
    found = dict(on_ray(JOB, tape_file)(SETS[:3]))
    assert [found[n] for n in range(3)] == results[:3]
    assert ray.started == 1


def test_without_ray_it_is_said_what_to_install(tape_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match="ray: found no such package, expected it for --ray: pip install ray"):
        on_ray(JOB, tape_file)


# ---- the journal: nothing twice, nothing lost --------------------------------------------------------------------


class Counting:
    """A run that gives known results and counts what it was asked for."""

    def __init__(self, results: Sequence[SetResult]) -> None:
        self.results = {each.params: result for each, result in zip(SETS, results, strict=True)}
        self.asked: list[Any] = []

    def __call__(self, sets: Sequence[ParameterSet], stop: Stop) -> Iterator[tuple[int, SetResult]]:
        for number, each in enumerate(sets):
            if stop():
                return
            self.asked.append(each.params)
            yield number, self.results[each.params]


def test_a_stopped_sweep_goes_on_where_it_was_and_counts_every_set_once(results, tmp_path):
    base, ledger = base_trial(JOB, SETS[0].params, "sweep"), tmp_path / "trials.sqlite"
    first = Counting(results)
    with open_journal(tmp_path / "sweep.sqlite", "key") as journal:
        work = SweepWork(base, journal, first, stop=lambda: len(first.asked) == 2)
        half = [each for each in work.evaluate(SETS) if each is not None]
        assert [each.set for each in half] == list(SETS[:2])
        assert [each.repeated for each in work.count(ledger, half, NOW)] == [False, False]
    second = Counting(results)
    with open_journal(tmp_path / "sweep.sqlite", "key") as journal:
        work = SweepWork(base, journal, second)
        whole = work.evaluate(SETS)
        assert second.asked == [each.params for each in SETS[2:]]
        assert [each.result for each in whole] == results
        counted = work.count(ledger, whole, NOW)
        assert len(counted) == 4 and not any(each.repeated for each in counted)
        # then looking again is a repeat of the best, and no trial
        again = work.count(ledger, whole, NOW)
        assert [(each.repeated, each.trial_id) for each in again] == [(True, ranked(whole)[0].trial.id)]
    trials = [entry for entry in read_entries(ledger) if entry.trial]
    assert sum(entry.counts for entry in trials) == len(SETS)
    assert {entry.trial.door for entry in trials} == {"sweep"}


def test_a_set_is_known_to_the_ledger_as_its_own_backtest_is(results):
    base = base_trial(JOB, SETS[0].params, "sweep")
    for each, result in zip(SETS[:3], results, strict=False):
        alone = run_backtest(TAPE, "structure_mm", each.params, OPTIONS).trial("backtest")
        ours = finished(base, each, result).trial
        assert ours.id == alone.id
        assert (ours.sharpe, ours.periods) == (alone.sharpe, alone.periods)


def test_the_same_set_asked_for_twice_is_run_once_and_stands_once(results, tmp_path):
    run = Counting(results)
    with open_journal(tmp_path / "sweep.sqlite", "key") as journal:
        work = SweepWork(base_trial(JOB, SETS[0].params, "optimize"), journal, run)
        found = work.evaluate([SETS[0], SETS[1], SETS[0]])
        assert len(run.asked) == 2
        assert len(distinct(found)) == 2
        counted = work.count(tmp_path / "trials.sqlite", distinct(found), NOW)
    value = worth(distinct(found), counted[-1], on_grid=False)
    assert value.landscape.best_frac == max(each.result.low_frac for each in found)
    assert value.luck.trials == counted[-1].total


# ---- values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("0.6,0.8", ["0.6", "0.8"]),
        ("0.1:0.3:0.1", ["0.1", "0.2", "0.3"]),
        ("1:10:4", ["1", "5", "9"]),
        ("3:3:1", ["3"]),
        ("1,4:6:1", ["1", "4", "5", "6"]),
    ],
)
def test_values_are_listed_or_stepped_in_decimals(written, values):
    assert axis_values(written) == values


@pytest.mark.parametrize("written", ["1:2", "1:2:0", "2:1:1", "a:b:c", "1:2:-1", "0:1:0.00001", "1:inf:1", "nan:1:1"])
def test_steps_that_lead_nowhere_are_refused(written):
    with pytest.raises(ConfigError, match="grid: found"):
        axis_values(written)


def test_an_account_that_lost_everything_returns_nothing_from_then_on(results):
    base = base_trial(JOB, SETS[0].params, "sweep")
    short = [finished(base, SETS[0], results[0]), finished(base, SETS[1], _ruined(results[1]))]
    table = performance(short)
    assert table.shape == (len(results[0].daily), 2)
    assert list(table[:, 1]) == [-1.0] + [0.0] * (len(table) - 1)


def _ruined(result: SetResult) -> SetResult:
    return msgspec.structs.replace(result, daily=(-1.0,))


def test_only_what_differs_varies():
    assert varying([{"a": 1, "b": 2}, {"a": 1, "b": 3}]) == ["b"]
    assert varying([]) == []


def test_results_of_equal_rank_keep_their_order(results):
    base = base_trial(JOB, SETS[0].params, "sweep")
    equal = [finished(base, each, results[0]) for each in SETS]
    assert [each.set for each in ranked(equal)] == list(SETS)
    assert not np.isnan(performance(equal)).any()


def test_in_process_stops_between_two_sets(monkeypatch, results):
    monkeypatch.setattr(sweep_runners, "run_set", lambda job, params: results[0])
    done: list[int] = []
    for number, _ in in_process(JOB)(SETS, lambda: len(done) == 2):
        done.append(number)
    assert done == [0, 1]
