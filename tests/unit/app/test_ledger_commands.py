"""`quintet ledger`, and the door that counts: every backtest is a trial before anybody sees its result."""

import json
import os
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from quintet.app import verified_runs, wiring
from quintet.research.earlier_trials import EARLIER_TRIALS
from quintet.storage.trial_ledger import read_entries
from tests.fakes.command_line import CountingEngine, Quintet

EARLIER = sum(each.count for each in EARLIER_TRIALS)


@pytest.fixture
def ledger(place: Path) -> Path:
    return place / "workspace" / "trials.sqlite"


def backtest(quintet: Quintet, candles: Path, *words: str) -> Any:
    said = quintet("backtest", "structure_mm", "--data", candles, "--json", *words)
    assert said.code == 0, said.err
    return said.json


def manifest_of(run: Any) -> Any:
    return json.loads((Path(run["out"]) / "manifest.json").read_text())


# ---- the door ------------------------------------------------------------------------------------------------


def test_a_run_says_which_trial_it_was_and_how_many_there_have_been(
    quintet: Quintet, candles: Path, ledger: Path
) -> None:
    # when the first backtest of a workspace is run
    run = backtest(quintet, candles)
    # then it is not trial number one: what was tried before the ledger counts
    trials = run["trials"]
    assert (trials["on_data"], trials["total"], trials["repeated"]) == (EARLIER + 1, EARLIER + 1, False)
    assert manifest_of(run)["trials"] == trials
    newest = read_entries(ledger)[-1]
    assert (newest.id, newest.number, newest.seal) == (trials["id"], trials["number"], trials["seal"])
    assert newest.trial is not None
    assert (newest.trial.door, newest.trial.run) == ("backtest", run["run"])


def test_the_count_is_outside_every_hash(quintet: Quintet, candles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "clock", lambda: datetime(2026, 1, 2, tzinfo=UTC))
    first = backtest(quintet, candles)
    other = backtest(quintet, candles, "--set", "system.structure_mm.atr_n=15")
    again = backtest(quintet, candles)
    assert [each["trials"]["total"] for each in (first, other, again)] == [EARLIER + 1, EARLIER + 2, EARLIER + 2]
    assert again["trials"]["repeated"] is True
    assert again["trials"]["id"] == first["trials"]["id"]
    assert again["trials"]["seal"] != first["trials"]["seal"]
    # then a repeat has the same hashes and figures, and in the same second even the same id
    for part in ("hashes", "interval", "metrics", "conservation", "run"):
        assert again[part] == first[part]


def test_the_count_is_told_to_a_person(quintet: Quintet, candles: Path) -> None:
    words = ("backtest", "structure_mm", "--data", candles)
    assert "trials         213: 1 on this data, 212 with this system before there was a ledger\n" in quintet(*words).out
    assert "before there was a ledger; this one again\n" in quintet(*words).out


def test_a_throw_away_ledger_leaves_the_workspaces_own_alone(
    quintet: Quintet, candles: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUINTET_LEDGER", str(ledger.parent / "away" / "trials.sqlite"))
    assert backtest(quintet, candles)["trials"]["total"] == EARLIER + 1
    assert not ledger.exists()


def test_a_proof_of_determinism_is_no_trial(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    def run(words: list[str], env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(env)
        return subprocess.CompletedProcess(words, 0, "{}", "")

    monkeypatch.setattr(subprocess, "run", run)
    verified_runs.child(["backtest", "structure_mm"], place / "runs" / "first", {"PYTHONHASHSEED": "1"})
    assert asked[0]["QUINTET_LEDGER"] == str(place / "runs" / "trials.sqlite")
    assert "QUINTET_LEDGER" not in os.environ


def test_what_cannot_be_counted_is_not_run(
    quintet: Quintet, candles: Path, ledger: Path, engine: CountingEngine
) -> None:
    ledger.parent.mkdir()
    ledger.write_text("something else, of some length, that is no ledger of trials" * 9)
    said = quintet("backtest", "structure_mm", "--data", candles)
    assert said.code == 2
    assert "trials.sqlite" in said.err
    assert "quintet ledger verify" in said.err
    assert engine.jobs == []


def test_a_run_that_fails_after_it_was_seen_is_counted_all_the_same(
    quintet: Quintet, candles: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "runs")

    monkeypatch.setattr("quintet.storage.run_folders.write_run", full)
    assert quintet("backtest", "structure_mm", "--data", candles).code == 2
    assert read_entries(ledger)[-1].trial is not None


# ---- show ----------------------------------------------------------------------------------------------------


def test_an_empty_ledger_is_a_hint_and_no_error(quintet: Quintet, ledger: Path) -> None:
    assert "quintet backtest structure_mm" in quintet("ledger", "show").out
    said = quintet("ledger", "show", "--json")
    assert (said.code, said.json["rows"], said.json["entries"]) == (0, 0, [])
    assert quintet("ledger", "verify", "--json").json["ok"] is True
    assert not ledger.exists()


def test_trials_are_shown_with_their_counts(quintet: Quintet, candles: Path) -> None:
    run = backtest(quintet, candles)
    backtest(quintet, candles)
    backtest(quintet, candles, "--bars", "7")
    shown = quintet("ledger", "show", "--json").json
    assert (shown["trials"], shown["repeats"], shown["earlier"]) == (2, 1, EARLIER)
    assert shown["systems"] == {"structure_mm": EARLIER + 2}
    assert shown["head"] == shown["entries"][-1]["seal"]
    text = quintet("ledger", "show").out
    assert "+122" in text
    assert "again" in text
    assert "2 distinct, 1 repeats, 212 before the ledger" in text
    # and of one market alone
    market = run["hashes"]["tape"]
    only = quintet("ledger", "show", "--data", market[:8], "--json").json
    assert (only["trials"], only["repeats"], only["earlier"]) == (1, 1, 0)
    assert {entry["trial"]["data"] for entry in only["entries"]} == {market}
    assert len(quintet("ledger", "show", "-n", 1, "--json").json["entries"]) == 1


# ---- verify --------------------------------------------------------------------------------------------------


def test_a_ledger_and_the_runs_it_counted_agree(quintet: Quintet, candles: Path) -> None:
    backtest(quintet, candles)
    said = quintet("ledger", "verify", "--json")
    assert said.code == 0
    assert (said.json["ok"], said.json["rows"], said.json["problems"]) == (True, len(EARLIER_TRIALS) + 1, [])
    assert said.json["counted_elsewhere"] == []
    assert "whole" in quintet("ledger", "verify").out


def test_a_changed_ledger_is_no_success(quintet: Quintet, candles: Path, ledger: Path) -> None:
    backtest(quintet, candles)
    changed = sqlite3.connect(ledger)
    changed.execute("DROP TRIGGER entries_never_change")
    changed.execute("UPDATE entries SET record = replace(record, ':122,', ':2,') WHERE number = 1")
    changed.commit()
    changed.close()
    said = quintet("ledger", "verify", "--json")
    assert said.code == 1
    assert said.json["ok"] is False
    assert any(problem.startswith("row 1: ") for problem in said.json["problems"])
    assert "NOT what was written" in quintet("ledger", "verify").out


def test_a_file_that_is_no_ledger_is_no_success(quintet: Quintet, ledger: Path) -> None:
    ledger.parent.mkdir()
    ledger.write_text("something else, of some length, that is no ledger of trials" * 9)
    said = quintet("ledger", "verify", "--json")
    assert (said.code, said.json["ok"], said.json["rows"]) == (1, False, 0)
    assert "file is not a database" in said.json["problems"][0]
    assert quintet("ledger", "show").code == 2


def test_a_ledger_that_was_put_back_contradicts_the_runs_made_since(
    quintet: Quintet, candles: Path, ledger: Path
) -> None:
    backtest(quintet, candles)
    kept = shutil.copy(ledger, ledger.with_name("kept"))
    late = backtest(quintet, candles, "--bars", "7")
    shutil.copy(kept, ledger)
    said = quintet("ledger", "verify", "--json")
    assert said.code == 1
    assert said.json["problems"] == [
        f"row 6: found no such row, expected the seal {late['trials']['seal']}, under which {late['run']} was counted"
    ]


def test_a_ledger_that_was_deleted_is_missed_by_the_runs(quintet: Quintet, candles: Path, ledger: Path) -> None:
    run = backtest(quintet, candles)
    ledger.unlink()
    said = quintet("ledger", "verify", "--json")
    assert said.code == 1
    assert said.json["problems"] == [f"{run['run']}: counted in a ledger that is gone"]
    # and a new one in its place does not know them
    backtest(quintet, candles)
    said = quintet("ledger", "verify")
    assert said.code == 0
    assert f"counted in another ledger, so it says nothing on this one: {run['run']}" in said.err
