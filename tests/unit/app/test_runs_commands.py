"""`quintet runs`: earlier runs are listed and shown."""

from pathlib import Path

from tests.fakes.command_line import Quintet


def test_no_runs_is_a_hint_and_no_error(quintet: Quintet) -> None:
    assert quintet("runs", "list").code == 0
    assert "quintet backtest structure_mm" in quintet("runs", "list").out
    assert quintet("runs", "list", "--json").json["runs"] == []


def test_runs_are_listed_and_shown(quintet: Quintet, candles: Path) -> None:
    # given two runs
    first = quintet("backtest", "structure_mm", "--data", candles, "--json").json
    quintet("backtest", "structure_mm", "--data", candles, "--set", "execution.latency_ms=1", "--json")
    # then both are listed
    listed = quintet("runs", "list", "--json").json
    assert listed["count"] == 2
    assert {run["system"] for run in listed["runs"]} == {"structure_mm"}
    assert len(quintet("runs", "list", "-n", 1).out.splitlines()) == 1
    # and one is shown, with its figures and files
    shown = quintet("runs", "show", first["run"], "--json").json
    assert shown["hashes"] == first["hashes"]
    assert shown["metrics"] == first["metrics"]
    text = quintet("runs", "show", first["run"]).out
    assert "net return frac" in text
    assert "report.html" in text
    assert quintet("runs", "show", "latest").code == 0


def test_a_run_that_cannot_be_read_is_listed_and_refused(quintet: Quintet, place: Path) -> None:
    (place / "workspace" / "runs" / "20260101T000000Z-half").mkdir(parents=True)
    assert "not found" in quintet("runs", "list").out
    assert quintet("runs", "show", "half").code == 2
