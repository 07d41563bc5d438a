"""`quintet walk-forward`: windows, choices, and every look counted."""

from pathlib import Path

import pytest

from quintet.storage.trial_ledger import read_entries
from tests.fakes.command_line import Quintet

SMALL = ("--interval", "5m", "--bars", 12 * 288, "--train-days", 5, "--test-days", 3, "--fill-policy", "pessimistic")
GRID = ("--grid", "step_atr=0.6,0.8", "--set", "system.structure_mm.atr_slow_n=96", "--objective", "return")


@pytest.fixture
def ledger(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = place / "trials.sqlite"
    monkeypatch.setenv("QUINTET_LEDGER", str(path))
    return path


def test_a_walk_says_what_was_chosen_and_what_came_of_it(quintet: Quintet, ledger: Path) -> None:
    said = quintet("walk-forward", "structure_mm", *SMALL, *GRID, "--json")
    assert said.code == 0, said.err
    walk = said.json
    assert walk["synthetic"] is True
    assert walk["sets"] == [{"step_atr": 0.6}, {"step_atr": 0.8}]
    assert [(w["train_from"], w["test_from"], w["test_to"]) for w in walk["windows"]] == [
        ("2026-01-01", "2026-01-06", "2026-01-09"),
        ("2026-01-04", "2026-01-09", "2026-01-12"),
    ]
    assert all(window["chosen"]["step_atr"] in (0.6, 0.8) for window in walk["windows"])
    assert walk["days"] == 6
    assert walk["stability"][0]["name"] == "step_atr"
    # then six days of two sets are no evidence of anything, and what was not measured is said to be unknown
    assert walk["evidence"]["sentence"] == "no evidence of edge"
    met = {condition["text"]: condition["met"] for condition in walk["evidence"]["conditions"]}
    assert met["probability of overfitting"] is None
    assert met["net of every cost"] is True
    assert walk["luck"]["trials"] == walk["trials"]["total"]
    # then two sets in two windows of two stretches each were looked at, and each look is a trial
    newest = [entry.trial for entry in read_entries(ledger)][-8:]
    assert walk["trials"]["counted"] == 8
    assert {trial.door for trial in newest if trial is not None} == {"walk-forward"}
    assert len({trial.id for trial in newest if trial is not None}) == 8


def test_the_same_walk_again_counts_once_and_says_the_same(quintet: Quintet, ledger: Path) -> None:
    words = ("walk-forward", "structure_mm", *SMALL, *GRID)
    first, again = quintet(*words, "--json").json, quintet(*words, "--json").json
    assert again["trials"]["repeated"] == 8
    assert again["trials"]["total"] == first["trials"]["total"]
    assert again["windows"] == first["windows"]
    printed = quintet(*words)
    assert printed.code == 0, printed.err
    lines = printed.out.splitlines()
    assert lines[0].startswith("SYNTHETIC MARKET")
    assert lines[2].startswith("2026-01-06 to 2026-01-09")
    assert any(line.split()[:2] == ["step_atr", "wandered"] for line in lines)
    assert any(line.split()[:3] == ["trials", "0", "more,"] for line in lines)
    assert "The test days: no evidence of edge." in lines


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--grid", "step_atr"), ("not a grid", "step_atr", "KEY=V1,V2")),
        (("--grid", "step_atr=1", "--grid", "step_atr=2"), ("a parameter named twice", "step_atr=2")),
        (("--grid", "stepp=1"), ("grid: found 'stepp'", "step_atr")),
        (("--objective", "luck"), ("objective: found 'luck'", "sharpe, sortino, return, calmar")),
        (("--train-days", "0"), ("not a count", "0")),
        (("--train-days", "500"), ("train_days and test_days: found 500 and 3",)),
        (("--step-days", "1"), ("step_days: found 1, expected at least the 3 test days",)),
    ],
)
def test_a_mistake_is_named_and_nothing_is_counted(
    quintet: Quintet, ledger: Path, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    said = quintet("walk-forward", "structure_mm", *SMALL, *words)
    assert said.code == 2
    for part in parts:
        assert part in said.err
    assert not ledger.exists() or not read_entries(ledger)
