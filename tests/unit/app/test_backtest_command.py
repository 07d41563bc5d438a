"""`quintet backtest`: from flags to a run folder, with an engine that only counts."""

import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from quintet.app.backtests import testing_form as label_of
from quintet.app.config import load
from quintet.app.instruments import InstrumentConfig, define
from quintet.core.tape import Tape
from tests.fakes.command_line import CountingEngine, Quintet


def bars_on(tape: Tape) -> int:
    return tape.census.kinds["BAR_CLOSE"]


def test_a_backtest_prints_one_object_and_leaves_a_whole_folder(quintet: Quintet, candles: Path) -> None:
    # when a candle file is tested with --json
    said = quintet("backtest", "structure_mm", "--data", candles, "--json")
    # then stdout is one object with what is promised
    assert said.code == 0, said.err
    for name in ("run", "hashes", "metrics", "interval", "conservation", "synthetic", "assumptions", "out"):
        assert name in said.json
    assert set(said.json["hashes"]) == {"tape", "commands", "state"}
    assert said.json["synthetic"] is False
    # and the folder holds every part of a run
    out = Path(said.json["out"])
    expected = {"manifest.json", "metrics.json", "desk.tape", "report.html"}
    expected |= {f"{name}.parquet" for name in ("orders", "fills", "equity", "events", "curves")}
    assert {path.name for path in out.iterdir()} == expected
    assert pl.read_parquet(out / "fills.parquet")["position"].to_list() == [10, 20]
    assert json.loads((out / "metrics.json").read_text())["metrics"] == said.json["metrics"]


def test_a_manifest_says_how_to_run_it_again(quintet: Quintet, candles: Path) -> None:
    said = quintet("backtest", "structure_mm", "--data", candles, "--set", "execution.latency_ms=70", "--json")
    manifest = json.loads((Path(said.json["out"]) / "manifest.json").read_text())
    assert manifest["config"]["execution"]["latency_ms"] == 70
    assert manifest["market"]["sources"][0]["name"] == "eth_5m.csv"
    assert len(manifest["market"]["sources"][0]["sha256"]) == 64
    assert manifest["versions"]["quintet"]
    assert manifest["run"] == said.json["run"]


@pytest.mark.req("S-28")
def test_start_is_inclusive_and_end_exclusive(quintet: Quintet, engine: CountingEngine, candles: Path) -> None:
    # given candles of 5 minutes from 00:00
    # when the range is 00:10 to 00:30
    words = ("--start", "2026-01-01T00:10", "--end", "2026-01-01T00:30", "--symbol", "ETHUSDT", "--interval", "5")
    assert quintet("backtest", "structure_mm", "--data", candles, *words).code == 0
    # then the bars of 00:10, 00:15, 00:20 and 00:25 are there, and no other
    assert bars_on(engine.jobs[0].tape) == 4


@pytest.mark.req("S-47")
def test_two_timeframes_are_taken_from_one_minute_candles(quintet: Quintet, engine: CountingEngine) -> None:
    words = ("--htf-interval", "5", "--ltf-interval", "1", "--end", "2026-01-02")
    assert quintet("backtest", "structure_mm", *words).code == 0
    assert (engine.jobs[0].structure, engine.jobs[0].fills) == ("5m", "1m")
    assert bars_on(engine.jobs[0].tape) == 1440 + 288


def test_without_a_market_the_embedded_one_is_used_and_labelled(quintet: Quintet, engine: CountingEngine) -> None:
    first = quintet("backtest", "structure_mm", "--json")
    assert first.code == 0, first.err
    assert first.json["synthetic"] is True
    assert any("synthetic" in sentence for sentence in first.json["assumptions"])
    assert engine.jobs[0].tape.meta.synthetic
    # and the tape is kept for the next run
    tape = Path(engine.jobs[0].tape.name)
    assert tape.parent.name == "tapes"
    before = tape.stat().st_mtime_ns
    assert quintet("backtest", "structure_mm", "--json").json["hashes"] == first.json["hashes"]
    assert tape.stat().st_mtime_ns == before


def test_a_tape_is_taken_as_it_is(quintet: Quintet, engine: CountingEngine) -> None:
    quintet("backtest", "structure_mm")
    tape = engine.jobs[0].tape
    said = quintet("backtest", "structure_mm", "--tape", tape.name, "--json")
    assert said.code == 0, said.err
    assert said.json["hashes"]["tape"] == tape.hash
    assert said.json["synthetic"] is True
    assert (engine.jobs[1].structure, engine.jobs[1].fills) == ("5m", "1m")


def test_several_files_may_follow_one_flag(quintet: Quintet, engine: CountingEngine, candles: Path) -> None:
    again = candles.with_name("again_5m.csv")
    again.write_text(candles.read_text())
    said = quintet("backtest", "structure_mm", "--data", candles, again)
    assert said.code == 0, said.err
    assert bars_on(engine.jobs[0].tape) == 40


def test_only_the_first_bars_are_run_when_asked(quintet: Quintet, engine: CountingEngine, candles: Path) -> None:
    said = quintet("backtest", "structure_mm", "--data", candles, "--bars", 7, "--json")
    assert bars_on(engine.jobs[0].tape) == 7
    assert "only the first 7 structure bars" in said.json["assumptions"]


def test_a_file_name_that_speaks_of_another_symbol_gives_the_instrument(
    quintet: Quintet, engine: CountingEngine, candles: Path
) -> None:
    renamed = candles.rename(candles.with_name("bybit_linear_SOLUSDT_5m.csv"))
    # when no symbol is given, the guess is taken and said
    said = quintet("backtest", "structure_mm", "--data", renamed, "--json")
    assert engine.jobs[0].instrument.symbol == "SOLUSDT"
    assert any("guessed" in sentence for sentence in said.json["assumptions"])
    # and candles of a derivative are said to stand in for spot
    assert any("stand in for spot" in sentence for sentence in said.json["assumptions"])
    # when a symbol is given, it counts
    quintet("backtest", "structure_mm", "--data", renamed, "--symbol", "ETHUSDT")
    assert engine.jobs[1].instrument.symbol == "ETHUSDT"


def test_an_own_folder_is_written_and_never_mixed(quintet: Quintet, candles: Path, place: Path) -> None:
    out = place / "mine"
    assert quintet("backtest", "structure_mm", "--data", candles, "--out", out).code == 0
    assert (out / "manifest.json").is_file()
    second = quintet("backtest", "structure_mm", "--data", candles, "--out", out)
    assert second.code == 2
    assert "runs are never mixed" in second.err


def test_a_flag_replaces_the_source_of_a_file(quintet: Quintet, candles: Path, place: Path) -> None:
    # given a configuration that names a tape
    config = place / "run.toml"
    config.write_text('[data]\ntape = "elsewhere.tape"\n')
    # when the command names candles, the candles count
    assert quintet("backtest", "structure_mm", "--config", config, "--data", candles).code == 0


def test_runs_of_one_second_do_not_collide(quintet: Quintet, candles: Path) -> None:
    outs = {quintet("backtest", "structure_mm", "--data", candles, "--json").json["out"] for _ in range(3)}
    assert len(outs) == 3


@pytest.mark.req("S-48")
def test_a_run_without_costs_is_labelled_as_a_test_of_the_machine() -> None:
    free = define(InstrumentConfig(maker_fee_bps=Decimal(0), taker_fee_bps=Decimal(0)), "test")
    paid = define(InstrumentConfig(), "test")
    assert label_of(load(), [paid]) == []
    assert label_of(load(), [free]) == ["testing form, not money: run without fees"]
    nothing = load(None, ["execution.spread_bps=0", "execution.slippage_bps=0", "execution.latency_ms=0"])
    assert label_of(nothing, [free]) == ["testing form, not money: run without fees, spread, slippage, latency"]


def test_a_failing_engine_leaves_no_run_behind(
    quintet: Quintet, engine: CountingEngine, candles: Path, place: Path
) -> None:
    engine.error = RuntimeError("the engine stopped")
    said = quintet("backtest", "structure_mm", "--data", candles)
    assert said.code == 3
    assert "fault of quintet" in said.err
    assert not list((place / "workspace").rglob("manifest.json"))


def test_books_that_do_not_balance_are_no_success(quintet: Quintet, engine: CountingEngine, candles: Path) -> None:
    engine.conservation = 3
    said = quintet("backtest", "structure_mm", "--data", candles, "--json")
    # then the run is there for who looks into it, and the exit code says that a check failed
    assert said.code == 1
    assert said.json["conservation"] == 3
    assert "do not balance" in said.err
