"""The command line with a workspace of its own and an engine that only counts."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from quintet.app import wiring
from quintet.app.backtests import Parts
from quintet.app.cli import app
from tests.fakes.command_line import CountingEngine, Quintet, Said
from tests.fakes.stage_runs import MakeRun, run_maker

VERDICT = {"sentence": "Not proven. Do not trade it yet.", "reasons": ["the lower end is a loss: -2.0 %"]}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> CountingEngine:
    counting = CountingEngine()
    parts = Parts(counting, lambda *_: "<html></html>", lambda *_: VERDICT, lambda *_: None)
    monkeypatch.setattr(wiring, "parts", lambda: parts)
    return counting


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, with the workspace and its ledger inside."""
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("QUINTET_LEDGER", raising=False)
    monkeypatch.delenv("QUINTET_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def quintet(place: Path, engine: CountingEngine) -> Quintet:
    """`quintet("config", "show")` as if typed."""

    def typed(*words: object) -> Said:
        result = CliRunner().invoke(app, [str(word) for word in words])
        return Said(result.exit_code, result.stdout, result.stderr)

    return typed


@pytest.fixture
def candles(place: Path) -> Path:
    """Forty calm 5m candles from 2026-01-01."""
    path = place / "eth_5m.csv"
    rows = ["time,open,high,low,close,volume"]
    start_ms = 1_767_225_600_000
    for n in range(40):
        price = 3000 + (n % 7)
        rows.append(f"{start_ms + n * 300_000},{price}.00,{price + 2}.00,{price - 2}.00,{price + 1}.00,12.5")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def runs(place: Path) -> Path:
    return place / "workspace" / "runs"


@pytest.fixture
def make_run(runs: Path) -> MakeRun:
    """A run's folder with a real desk tape, as if a backtest had written it."""
    return run_maker(runs)
