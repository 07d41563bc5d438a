"""`quintet sweep` and `quintet optimize`: how many were tried, what the best is worth, and no set lost or run twice."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars
import pytest

from quintet.app import sweeps
from quintet.research.sweep import Job, Run, SetResult
from quintet.research.sweep_runners import in_process
from quintet.research.walk_forward import ParameterSet
from quintet.storage.trial_ledger import read_entries
from tests.fakes.command_line import Quintet

SMALL = ("--interval", "5m", "--bars", 6 * 288, "--fill-policy", "pessimistic")
SHORT = ("--set", "system.structure_mm.atr_slow_n=48")
GRID = ("--grid", "step_atr=0.6:1.0:0.2", "--grid", "atr_slow_n=48,96")
SPACE = ("--space", "step_atr=0.5:1.2", "--trials", 6)
SWEEP = ("sweep", "structure_mm", *SMALL, *SHORT, *GRID, "--jobs", 1)
SEARCH = ("optimize", "structure_mm", *SMALL, *SHORT, *SPACE)


@pytest.fixture
def ledger(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = place / "trials.sqlite"
    monkeypatch.setenv("QUINTET_LEDGER", str(path))
    return path


def counted(ledger: Path) -> int:
    return sum(entry.counts for entry in read_entries(ledger) if entry.trial)


def test_a_sweep_says_how_many_were_tried_and_what_the_best_is_worth(quintet: Quintet, ledger: Path) -> None:
    said = quintet(*SWEEP, "--json")
    assert said.code == 0, said.err
    found = said.json
    assert (found["synthetic"], found["tried"], found["refused"]) == (True, 6, 0)
    results = [row["low_frac"] for row in found["sets"]]
    assert results == sorted(results, reverse=True)
    assert found["best"]["low_frac"] == results[0]
    assert found["best"]["median_frac"] == pytest.approx((results[2] + results[3]) / 2)
    assert found["evidence"]["sentence"] == "no evidence of edge"
    assert found["luck"]["trials"] == found["trials"]["total"]
    assert found["conservation"] == 0
    # then every set is a trial, counted under its own parameters
    assert counted(ledger) == found["trials"]["new"] == 6
    trials = {entry.trial.id: entry.trial for entry in read_entries(ledger) if entry.trial}
    for row in found["sets"]:
        assert trials[row["trial"]].parameters["step_atr"] == row["values"]["step_atr"]
        assert trials[row["trial"]].door == "sweep"
    # then the folder holds the same, once as JSON, once as a table, once as a page
    folder = Path(found.pop("out"))
    assert json.loads((folder / "sweep.json").read_text()) == found
    table = polars.read_parquet(folder / "sets.parquet")
    assert table["low_frac"].to_list() == results
    assert table["param_step_atr"].to_list() == [row["values"]["step_atr"] for row in found["sets"]]
    assert "No evidence of edge." in (folder / "sweep.html").read_text()


def test_what_is_printed_makes_fooling_oneself_hard(quintet: Quintet, ledger: Path) -> None:
    said = quintet(*SWEEP)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("SYNTHETIC MARKET")
    assert lines[1].startswith("6 sets tried, ")
    assert "The best of 6: no evidence of edge." in lines
    named = {line.split("  ")[0].strip() for line in lines}
    assert {"best", "median", "neighbours", "Sharpe", "deflated", "trials"} <= named


def test_a_finished_sweep_is_shown_again_only_when_asked_and_counts_nothing(quintet: Quintet, ledger: Path) -> None:
    first = quintet(*SWEEP, "--json").json
    refused = quintet(*SWEEP)
    assert refused.code == 2
    assert "begun before" in refused.err and "6 finished sets" in refused.err and "--resume" in refused.err
    again = quintet(*SWEEP, "--resume", "--json").json
    assert again["sets"] == first["sets"]
    assert again["trials"]["new"] == 0
    assert counted(ledger) == 6


class Interrupted:
    """A runner as it is, but Ctrl-C is pressed after so many sets."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.run: list[ParameterSet] = []

    def __call__(self, job: Job) -> Run:
        inside = in_process(job)

        def run(sets: Sequence[ParameterSet], stop: Any) -> Iterator[tuple[int, SetResult]]:
            for number, result in inside(sets, stop):
                self.run.append(sets[number])
                if len(self.run) == self.after:
                    os.kill(os.getpid(), signal.SIGINT)
                yield number, result

        return run


@pytest.mark.parametrize("command", [SWEEP, SEARCH])
def test_ctrl_c_keeps_what_is_finished_and_resume_goes_on(
    quintet: Quintet, ledger: Path, monkeypatch: pytest.MonkeyPatch, place: Path, command: tuple[object, ...]
) -> None:
    runner = Interrupted(after=2)
    monkeypatch.setattr(sweeps, "in_process", runner)
    before = signal.getsignal(signal.SIGINT)
    said = quintet(*command)
    assert said.code == 130
    assert "stopped: 2 of 6 sets are finished, kept and counted" in said.err
    assert said.out == ""
    assert signal.getsignal(signal.SIGINT) is before
    assert counted(ledger) == 2
    found = quintet(*command, "--resume", "--json").json
    assert found["tried"] == len(runner.run) == 6
    assert len({each.params for each in runner.run}) == 6
    assert counted(ledger) == 6
    # then it is what it would have been without the stop
    whole = quintet(*command, "--out", place / "elsewhere", "--json").json
    assert whole["sets"] == found["sets"]
    assert whole["best"] == found["best"]


def test_several_processes_share_one_tape_and_give_the_same(quintet: Quintet, ledger: Path, place: Path) -> None:
    alone = quintet(*SWEEP, "--json").json
    many = quintet(*SWEEP[:-1], 2, "--out", place / "many", "--json")
    assert many.code == 0, many.err
    assert many.json["sets"] == alone["sets"]
    assert (place / "many" / "market.tape").exists()


def test_a_search_tries_what_it_was_told_to_and_counts_it(quintet: Quintet, ledger: Path) -> None:
    said = quintet(*SEARCH, "--json")
    assert said.code == 0, said.err
    found = said.json
    assert found["tried"] == 6
    assert found["space"] == ["step_atr=0.5:1.2"]
    assert all(0.5 <= row["values"]["step_atr"] <= 1.2 for row in found["sets"])
    assert {entry.trial.door for entry in read_entries(ledger) if entry.trial} == {"optimize"}
    # then more trials go on from these
    more = quintet(*SEARCH[:-1], 8, "--resume", "--json").json
    assert more["trials"]["new"] == 2
    assert {row["trial"] for row in found["sets"]} <= {row["trial"] for row in more["sets"]}


def test_sets_that_contradict_themselves_are_named_and_not_run(quintet: Quintet, ledger: Path) -> None:
    found = quintet("sweep", "structure_mm", *SMALL, *SHORT, "--grid", "pullback_min_frac=0.3,0.99", "--jobs", 1)
    assert found.code == 0, found.err
    assert "1 sets tried" in found.out
    assert "1 sets contradict themselves" in found.out


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("sweep", "structure_mm"), ("nothing to sweep", "--grid")),
        (("sweep", "structure_mm", "--grid", "step_atr"), ("not a grid", "KEY=V1,V2,... or KEY=LO:HI:STEP")),
        (("sweep", "structure_mm", "--grid", "step_atr=1:2:0"), ("grid: found '1:2:0'", "STEP above 0")),
        (("sweep", "structure_mm", "--grid", "a=1", "--grid", "a=2"), ("a parameter named twice", "a=2")),
        (("sweep", "structure_mm", "--grid", "stepp=1"), ("grid: found 'stepp'", "step_atr")),
        (("sweep", "structure_mm", "--grid", "step_atr=1", "--jobs", "0"), ("not a count",)),
        (("sweep", "nobody", "--grid", "a=1"), ("unknown system", "nobody")),
        (("sweep", "structure_mm", "--grid", "step_atr=1", "--ray"), ("ray: found no such package",)),
        (("optimize", "structure_mm"), ("nothing to search in", "--space")),
        (("optimize", "structure_mm", "--space", "step_atr"), ("not a space", "KEY=LO:HI")),
        (("optimize", "structure_mm", "--space", "a=1:2", "--space", "a=1:2"), ("a parameter named twice",)),
        (("optimize", "structure_mm", "--space", "step_atr=2:1"), ("space: found step_atr=2:1", "LO below HI")),
        (("optimize", "structure_mm", "--space", "step_atr=1:2", "--trials", "0"), ("not a count",)),
        (
            ("optimize", "structure_mm", "--space", "pullback_min_frac=0.95:0.99", "--trials", "2"),
            ("found no set that structure_mm accepts in 2",),
        ),
    ],
)
def test_a_mistake_is_named_and_nothing_is_counted(
    quintet: Quintet, ledger: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = quintet(words[0], words[1], *SMALL, *words[2:])
    assert said.code == 2, said.out
    for part in parts:
        assert part in said.err
    assert not ledger.exists() or counted(ledger) == 0
