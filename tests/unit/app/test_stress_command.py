"""`quintet stress`: one thing worse at a time, the days drawn anew, and one trial for all of it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.storage.trial_ledger import read_entries
from tests.fakes.command_line import Quintet
from tests.tick_makers import maker_file, tick_tape_file

SMALL = ("--interval", "5m", "--bars", 10 * 288, "--set", "system.structure_mm.atr_slow_n=96")


@pytest.fixture
def ledger(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = place / "trials.sqlite"
    monkeypatch.setenv("QUINTET_LEDGER", str(path))
    return path


def test_every_load_is_a_row_and_the_backtest_alone_is_a_trial(quintet: Quintet, ledger: Path) -> None:
    said = quintet("stress", "structure_mm", *SMALL, "--json")
    assert said.code == 0, said.err
    rows = said.json["rows"]
    assert (rows[0]["name"], rows[0]["kind"]) == ("as reported", "")
    assert {row["kind"] for row in rows[1:]} == {"costs", "latency", "capacity", "bootstrap", "stress"}
    assert len({row["name"] for row in rows}) == len(rows)
    assert all(row["low_frac"] <= row["high_frac"] for row in rows)
    assert [found["paths"] for found in said.json["monte_carlo"]] == [10_000] * 3
    assert said.json["trials"]["number"] == len(read_entries(ledger))
    newest = read_entries(ledger)[-1].trial
    assert newest is not None
    assert newest.door == "stress"


def test_a_person_reads_one_line_a_load(quintet: Quintet, ledger: Path) -> None:
    said = quintet("stress", "structure_mm", *SMALL)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("SYNTHETIC MARKET")
    assert lines[2].startswith("as reported")
    for name in ("costs x2", "crash by 30 % within an hour", "no candles for 6 hours"):
        assert sum(line.startswith(name) for line in lines) == 1
    assert sum("10,000 paths: " in line for line in lines) == 3
    assert lines[-1].startswith("trial ")


def test_a_run_that_never_traded_is_put_under_load_too(quintet: Quintet, ledger: Path) -> None:
    said = quintet("stress", "structure_mm", "--interval", "5m", "--bars", 200, "--json")
    assert said.code == 0, said.err
    assert said.json["rows"][0]["fills"] == 0
    assert said.json["rows"][0]["last_fill_days"] is None
    assert said.json["monte_carlo"] == []


def test_a_maker_on_an_order_book_has_bad_days_too(place: Path, monkeypatch: pytest.MonkeyPatch, ledger: Path) -> None:
    monkeypatch.chdir(maker_file(place).parent)
    tape = tick_tape_file(place / "market.tape", hours=0.005)
    result = CliRunner().invoke(app, ["stress", "maker.py:Maker", "--tape", str(tape), "--json"])
    assert result.exit_code == 0, result.stderr
    rows = {row["key"]: row for row in json.loads(result.stdout)["rows"] if row["kind"] == "stress"}
    assert set(rows) == {"gap", "halt", "spread", "sweep", "feed", "spikes"}
    # a gap against what is held costs, and who is halted trades less
    reported = json.loads(result.stdout)["rows"][0]
    assert rows["gap"]["low_frac"] < reported["low_frac"]
    assert rows["halt"]["fills"] < reported["fills"]
