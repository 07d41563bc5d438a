"""`quintet report` and `quintet runs compare`: earlier runs, read from their files alone."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.core.instrument import decode
from quintet.research.attribution import attribute
from quintet.research.report_parts.languages import is_known
from quintet.research.returns import daily_returns
from quintet.research.run_record import record_from
from quintet.research.significance import luck
from quintet.storage.run_folders import read_json, read_table
from tests.fakes.command_line import Quintet
from tests.page_words import words_of

DAY_NS = 86_400_000_000_000


@pytest.fixture
def run(run_folder: Path, place: Path) -> Path:
    """A copy of the run in the workspace of this test."""
    return Path(shutil.copytree(run_folder, place / "workspace" / "runs" / "20260101T000000Z-aaaaaaaa"))


def figures_of(folder: Path) -> dict[str, Any]:
    return dict(read_json(folder / "metrics.json")["metrics"])


# ---- the page again ------------------------------------------------------------------------------------------


def test_the_page_made_again_is_the_page_that_was_made(quintet: Quintet, run: Path) -> None:
    before = (run / "report.html").read_text()
    (run / "report.html").unlink()
    said = quintet("report", "aaaaaaaa")
    assert said.code == 0, said.err
    assert (run / "report.html").read_text() == before


def test_a_page_may_go_elsewhere(quintet: Quintet, run: Path, place: Path) -> None:
    said = quintet("report", "latest", "--out", place / "page.html", "--json")
    assert said.code == 0, said.err
    assert said.json["from_tape"] is True
    assert said.json["bytes"] == (place / "page.html").stat().st_size
    assert (place / "page.html").read_text() == (run / "report.html").read_text()


def test_without_its_tape_a_page_says_what_is_missing(quintet: Quintet, run: Path) -> None:
    (run / "desk.tape").unlink()
    said = quintet("report", "aaaaaaaa")
    assert said.code == 0
    assert "desk.tape is not in" in said.err
    words = words_of((run / "report.html").read_text())
    assert "The tape of this run is not at hand" in words
    assert "the distance is not known" in words
    assert words.count("not available: the tape is not at hand") == 4


def test_without_what_breaks_it_a_page_says_that_it_was_not_run(quintet: Quintet, run: Path) -> None:
    (run / "robustness.json").unlink()
    assert quintet("report", "aaaaaaaa").code == 0
    assert "Not run for this report" in words_of((run / "report.html").read_text())


def test_a_folder_is_no_place_for_a_page(quintet: Quintet, run: Path, place: Path) -> None:
    said = quintet("report", "aaaaaaaa", "--out", place)
    assert said.code == 2
    assert "--out" in said.err
    assert "report.html" in said.err


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda run: (run / "fills.parquet").unlink(), "fills.parquet: not found"),
        (lambda run: (run / "curves.parquet").write_bytes(b"PAR1"), "curves.parquet"),
        (lambda run: (run / "manifest.json").unlink(), "manifest.json"),
        (lambda run: (run / "metrics.json").write_text('{"metrics": {}}'), "start_quanta"),
    ],
)
def test_a_folder_that_lost_something_is_refused_by_name(quintet: Quintet, run: Path, spoil: Any, says: str) -> None:
    spoil(run)
    said = quintet("report", "aaaaaaaa")
    assert said.code == 2
    assert says in said.err


# ---- what a quant would do -----------------------------------------------------------------------------------


def test_the_headline_can_be_computed_again_from_the_tables(run_folder: Path) -> None:
    # given nothing but the Parquet files and the instrument
    instrument = decode(read_json(run_folder / "manifest.json")["instrument"].encode())
    fills, equity = pl.read_parquet(run_folder / "fills.parquet"), pl.read_parquet(run_folder / "equity.parquet")
    curves, told = pl.read_parquet(run_folder / "curves.parquet"), figures_of(run_folder)
    quantum = float(instrument.quote_quantum)
    values = equity["equity_quanta"].to_numpy()
    # then net, and the interval with its lower end as headline
    assert told["net_quote"] == pytest.approx((values[-1] - values[0]) * quantum)
    interval = read_json(run_folder / "metrics.json")["interval"]
    nets = {policy: (curves[policy][-1] - curves[policy][0]) * quantum for policy in interval["policies"]}
    assert nets == pytest.approx(interval["policies"])
    assert told["net_quote"] == pytest.approx(min(nets.values())) == pytest.approx(interval["low_quote"])
    # and drawdown
    assert told["max_drawdown_frac"] == pytest.approx((1 - values / np.maximum.accumulate(values)).max())
    # and the Sharpe ratio of UTC days; a mark at midnight ends the day before
    days = equity.with_columns(day=(pl.col("ts_ns") - 1) // DAY_NS).group_by("day", maintain_order=True).last()
    closes = np.concatenate((values[:1], days["equity_quanta"].to_numpy()))
    returns = closes[1:] / closes[:-1] - 1.0
    assert told["sharpe_daily_annualised"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365))
    # and fees: those in base at their fill's price, rounded down to the quantum
    in_base = fills["fee_asset"] == instrument.base_asset
    worth = (
        fills["fee_quanta"] * fills["price_ticks"] * instrument.quanta_per_tick_lot // instrument.base_quanta_per_lot
    )
    fees = int(pl.select(pl.when(in_base).then(worth).otherwise(fills["fee_quanta"])).to_series().sum())
    assert told["fees_quote"] == pytest.approx(fees * quantum)
    # and the attribution, to the last quantum
    parts = attribute(read_table(run_folder / "fills.parquet"), read_table(run_folder / "equity.parquet"), instrument)
    assert parts is not None
    assert parts.total == int(values[-1] - values[0]) == told["net_quanta"]
    assert -(parts.maker_fees + parts.taker_fees) == fees


def test_the_page_shows_the_figures_of_the_files(run_folder: Path) -> None:
    words, told = words_of((run_folder / "report.html").read_text()), figures_of(run_folder)
    minus = f"{abs(told['net_quanta']):,}".replace(",", " ")
    assert f"The parts sum to \N{MINUS SIGN}{minus} quanta, the net result to the last quantum." in words
    assert f"{told['fills']} {told['maker_fills']} as maker" in words
    assert f"{told['trades']} trades" in words


def test_everything_a_run_says_of_itself_has_its_russian(run_folder: Path) -> None:
    manifest, robustness = read_json(run_folder / "manifest.json"), read_json(run_folder / "robustness.json")
    said = [manifest["verdict"]["sentence"], *manifest["assumptions"]]
    said += [row["name"] for row in robustness["rows"] if row["kind"] != "parameters"]
    said += [part for reason in manifest["verdict"]["reasons"] for part in reason.split(": ", 1) if "%" not in part]
    assert [sentence for sentence in said if not is_known(sentence)] == []


def test_what_is_left_after_all_trials_can_be_computed_again(run_folder: Path) -> None:
    trials = read_json(run_folder / "manifest.json")["trials"]
    equity = pl.read_parquet(run_folder / "equity.parquet")
    returns = daily_returns(equity["ts_ns"], equity["equity_quanta"], float(equity["equity_quanta"][0])).frac
    found = luck(returns, trials["total"], trials["sharpe_deviation"])
    assert found.deflated_sharpe == pytest.approx(trials["deflated_sharpe"])
    here, earlier = trials["on_data"] - trials["earlier"], trials["earlier"]
    said = f"{trials['total']}, {here} of them on this data and {earlier} with this system before there was a ledger"
    assert earlier == 212 and said in words_of((run_folder / "report.html").read_text())


def test_what_breaks_it_is_beside_the_run_and_in_none_of_its_hashes(run_folder: Path) -> None:
    robustness = read_json(run_folder / "robustness.json")
    kinds = [row["kind"] for row in robustness["rows"]]
    assert set(kinds) == {"", "costs", "latency", "capacity", "parameters", "bootstrap"}
    # the first row is the run itself
    interval = read_json(run_folder / "metrics.json")["interval"]
    assert robustness["rows"][0]["low_frac"] == interval["low_frac"]
    # some of the neighbours only, and it is said how many there are
    assert 0 < kinds.count("parameters") < robustness["neighbours"]
    assert "robustness" not in json.dumps(read_json(run_folder / "manifest.json")["hashes"])


def test_a_run_of_an_older_version_is_refused_by_the_field_it_lacks() -> None:
    manifest = {"market": {"structure_timeframe": "5m", "fill_timeframe": "5m"}}
    with pytest.raises(Exception, match="start_quanta not found"):
        record_from(manifest, {"metrics": {}}, {}, None)


@pytest.mark.timeout(600)
def test_ten_months_of_recorded_candles_make_a_page_under_six_megabytes(
    shared_data: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given the real engine over ten months of 5m candles
    candles = shared_data / "ohlcv" / "bybit_linear_ETHUSDT_5m_20250924_20260721.parquet"
    monkeypatch.setenv("QUINTET_LEDGER", str(place / "away.sqlite"))
    words = ("backtest", "structure_mm", "--data", str(candles), "--set", "report.robustness=off", "--out", "ten")
    monkeypatch.setattr("sys.argv", ["quintet", *words])
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    # then the page is small, names the stand-in first, and its parts sum to the last quantum
    page = (place / "ten" / "report.html").read_text()
    assert len(page.encode()) < 6_000_000
    seen = words_of(page)
    assert seen.index("Candles of a derivative stand in for spot") < seen.index("Do not trade it")
    assert "the net result to the last quantum" in seen
    assert "1 min not available: the candles are longer" in seen


# ---- two runs ------------------------------------------------------------------------------------------------


@pytest.fixture
def two_runs(quintet: Quintet, candles: Path) -> tuple[str, str]:
    first = quintet("backtest", "structure_mm", "--data", candles, "--json").json["run"]
    more = ("--set", "execution.latency_ms=70", "--set", "report.title=mine")
    return first, quintet("backtest", "structure_mm", "--data", candles, *more, "--json").json["run"]


def test_two_runs_are_compared_by_what_differs(quintet: Quintet, two_runs: tuple[str, str]) -> None:
    said = quintet("runs", "compare", *two_runs, "--json")
    assert said.code == 0, said.err
    assert said.json["runs"] == list(two_runs)
    assert said.json["same_market"] is True
    assert said.json["config"] == [
        {"name": "execution.latency_ms", "first": 250, "second": 70},
        {"name": "report.title", "first": "", "second": "mine"},
    ]
    assert [pair["name"] for pair in said.json["hashes"]] == ["tape", "commands", "state"]


def test_the_table_marks_what_differs(quintet: Quintet, two_runs: tuple[str, str]) -> None:
    lines = quintet("runs", "compare", *two_runs).out.splitlines()
    assert any(line.startswith("* execution.latency_ms") and "250" in line and "70" in line for line in lines)
    assert any(line.startswith("  fills") for line in lines)


def test_runs_over_different_markets_are_told_apart(quintet: Quintet, candles: Path, two_runs: tuple[str, str]) -> None:
    other = quintet("backtest", "structure_mm", "--data", candles, "--bars", 7, "--json").json["run"]
    said = quintet("runs", "compare", two_runs[0], other)
    assert said.code == 0
    assert "different markets" in said.err


def test_a_run_compared_with_itself_differs_in_nothing(quintet: Quintet, two_runs: tuple[str, str]) -> None:
    lines = quintet("runs", "compare", two_runs[0], two_runs[0]).out.splitlines()
    assert not [line for line in lines if line.startswith("*")]
    assert "  nothing" in lines
