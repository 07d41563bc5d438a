"""`quintet data`: what each command prints, keeps and answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from quintet.app.config import load
from quintet.app.data_commands import data_app
from quintet.app.markets import MarketRequest, open_market
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.tape import memory_tape
from quintet.storage.candle_files import read_candles
from quintet.storage.candle_sources import load_market
from quintet.storage.candle_tapes import build_tape
from quintet.storage.tape_files import open_tape
from quintet.storage.workspace import Workspace
from tests.fakes.kline_server import MINUTE_MS, NOON_MS, KlineServer, serving

NOON = NOON_MS // 1000
FIVE_MS = 5 * MINUTE_MS


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace" / "data"


@pytest.fixture
def venue() -> Iterator[KlineServer]:
    with serving(KlineServer(range(NOON_MS, NOON_MS + 2500 * FIVE_MS, FIVE_MS))) as served:
        yield served


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(data_app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def as_json(*arguments: object, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*arguments, "--json", code=code).stdout)
    return answer


def candles(folder: Path, name: str = "eth.csv", rows: int = 10, close: str = "3000.50") -> Path:
    path = folder / name
    lines = [f"{NOON + n * 300},3000.10,3001,2999.5,{close},1.25" for n in range(rows)]
    path.write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n")
    return path


def test_import_keeps_exact_decimals_and_says_what_it_guessed(tmp_path: Path, store: Path) -> None:
    result = run("import", candles(tmp_path))
    assert "10 5m bars of ETHUSDT, 2026-01-01 12:00 to 2026-01-01 12:45 UTC" in result.stdout
    assert "timeframe: 5m" in result.stderr
    kept = read_candles(store / "eth.parquet", DEFAULT_SPOT)
    assert kept.bars.close.tolist() == [300_050] * 10
    assert (kept.origin, kept.synthetic) == ("eth.csv", False)


def test_import_takes_the_instrument_from_the_file_name_when_nobody_says(tmp_path: Path) -> None:
    answer = as_json("import", candles(tmp_path, "bybit_SOLUSDT.csv"))
    assert (answer["symbol"], answer["bars"], answer["source"]) == ("SOLUSDT", 10, "bybit_SOLUSDT.csv")
    assert "instrument SOLUSDT taken from the file name" in answer["notes"][0]
    assert as_json("import", candles(tmp_path, "x_SOLUSDT.csv"), "--symbol", "BTCUSDT")["symbol"] == "BTCUSDT"


def test_a_finer_price_grid_is_given_by_configuration(tmp_path: Path) -> None:
    path = candles(tmp_path, close="3000.505")
    run("import", path, code=2)
    run("import", path, "--set", "instrument.price_increment=0.001")


def test_replace_is_asked_for(tmp_path: Path) -> None:
    path = candles(tmp_path)
    run("import", path, "--name", "mine")
    run("import", path, "--name", "mine", code=2)
    run("import", path, "--name", "mine", "--replace")


def test_check_answers_with_its_exit_code(tmp_path: Path) -> None:
    good, bad = candles(tmp_path, "good.csv"), candles(tmp_path, "bad.csv", close="3002")
    assert "nothing found" in run("check", good).stdout
    result = run("check", good, bad, code=1)
    assert "REFUSED  outside the bar" in result.stdout
    answer = as_json("check", good, bad, code=1)
    assert (answer["ok"], [file["ok"] for file in answer["files"]]) == (False, [True, False])
    finding = answer["files"][1]["findings"][0]
    assert (finding["kind"], finding["count"], finding["refused"]) == ("outside the bar", 10, True)


def download(venue: KlineServer, *more: object) -> list[object]:
    what = ["--symbol", "ETHUSDT", "--interval", "5", "--start", "2026-01-01T12:00", "--end", "2026-01-05"]
    return ["download", *what, "--venue-url", venue.url, *more]


def tape_hash(cache: Path) -> str:
    """Of the tape that a run on this cache would get: equal input is what makes equal runs."""
    rows = build_tape(load_market([cache], DEFAULT_SPOT), DEFAULT_SPOT, synthetic=False, created_ns=0, tool_version="")
    return memory_tape(rows[1], (), rows[0]).hash


@pytest.mark.req("S-16")
def test_a_second_download_with_the_network_gone_gives_an_equal_tape(venue: KlineServer, tmp_path: Path) -> None:
    cache = tmp_path / "data" / "eth_5m.csv"
    first = as_json(*download(venue, "--cache", cache))
    assert (first["fetched"], first["pages"], first["missing"]) == (1008, 2, 0)
    before = tape_hash(cache)
    venue.faults = ["403"] * 10
    again = as_json(*download(venue, "--cache", cache))
    assert (again["fetched"], len(venue.queries)) == (0, 2)
    assert tape_hash(cache) == before


@pytest.mark.req("S-28")
def test_the_range_is_taken_with_its_start_and_without_its_end(venue: KlineServer, store: Path) -> None:
    run(*download(venue))
    bars = read_candles(store / "bybit_ETHUSDT_5m.csv", DEFAULT_SPOT).bars
    assert bars.ts_open[0] == NOON_MS * 1_000_000
    assert bars.ts_open[-1] == (NOON_MS + 1007 * FIVE_MS) * 1_000_000


def test_a_download_that_fails_keeps_what_came_and_goes_on_next_time(venue: KlineServer, store: Path) -> None:
    venue.faults = ["", "403"]
    result = run(*download(venue), code=2)
    assert "HTTP 403" in result.stderr
    assert len(read_candles(store / "bybit_ETHUSDT_5m.csv", DEFAULT_SPOT).bars) == 1000
    assert as_json(*download(venue))["fetched"] == 8


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--start", "soon"], "not a time"),
        (["--end", "2025-01-01"], "an empty range"),
        (["--interval", "7"], "unknown timeframe"),
        (["--interval", "8h"], "bybit has no 8h candles"),
        (["--interval", ""], "a download needs a timeframe and a range"),
        (["--category", "options"], "unknown category"),
    ],
)
def test_a_download_that_cannot_be_is_refused(venue: KlineServer, flags: list[str], expected: str) -> None:
    assert expected in run(*download(venue, *flags), code=2).stderr


def test_a_synthetic_market_is_marked_through_every_copy(tmp_path: Path, store: Path) -> None:
    path = tmp_path / "made.csv"
    answer = as_json("synth", "--days", 2, "--timeframe", "5m", "--seed", 7, "--out", path)
    assert (answer["bars"], answer["synthetic"]) == (576, True)
    assert "synthetic" in answer["label"]
    assert as_json("import", path)["synthetic"] is True
    assert read_candles(store / "made.parquet", DEFAULT_SPOT).synthetic
    assert "a file of that name exists" in run("synth", "--out", path, code=2).stderr


def test_list_shows_sets_their_state_and_other_files(tmp_path: Path, store: Path) -> None:
    assert "begin with `quintet data import FILE`" in run("list").stderr
    for name in ("a", "b", "c"):
        run("import", candles(tmp_path), "--name", name)
    (store / "b.parquet").write_bytes(b"harm")
    (store / "c.parquet").unlink()
    (store / "loose.csv").write_text("x")
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["a", "b", "c", "loose.csv"]
    assert "changed since import" in lines[1]
    assert "file is missing" in lines[2]
    assert [entry["state"] for entry in as_json("list")["sets"]] == ["", "changed since import", "file is missing"]


def test_a_run_on_an_imported_set_says_what_its_candles_really_are(tmp_path: Path, store: Path) -> None:
    run("synth", "--days", 2, "--timeframe", "5m", "--out", tmp_path / "made.csv")
    run("import", tmp_path / "made.csv", "--name", "plain")
    run("import", candles(tmp_path, "bybit_linear_ETHUSDT_5m.csv"), "--name", "innocent")
    made, linear = (
        open_market(MarketRequest(load(sets=[f"data.files={store / name}"]), "here"), Workspace(tmp_path), 0)
        for name in ("plain.parquet", "innocent.parquet")
    )
    assert made.synthetic
    assert "synthetic market" in made.assumptions[0]
    assert not linear.synthetic
    assert any("derivative stand in for spot" in sentence for sentence in linear.assumptions)


# ---- a synthetic tick market ----------------------------------------------------------------------------------


def test_a_synthetic_tick_market_is_a_labelled_tape_with_its_seed_and_dial(tmp_path: Path, store: Path) -> None:
    path = tmp_path / "made.tape"
    flags = ["--kind", "ticks", "--hours", "0.01", "--seed", 7, "--toxicity", "0.3", "--flow", "trades_per_s=50"]
    answer = as_json("synth", *flags, "--out", path)
    assert (answer["synthetic"], answer["seed"], answer["toxicity"]) == (True, 7, 0.3)
    assert answer["trades"] > 500
    tape = open_tape(path)
    assert (tape.hash, tape.census.positions) == (answer["hash"], answer["rows"])
    assert tape.meta.synthetic
    assert tape.meta.notes["label"].startswith("synthetic")
    assert (tape.meta.notes["toxicity"], tape.meta.notes["trades_per_s"]) == ("0.3", "50")
    # the same flags make the same tape, in the workspace too
    result = run("synth", *flags)
    assert "synthetic market" in result.stderr
    assert "seed 7, toxicity 0.3; kept as" in result.stdout
    assert open_tape(store / "synthetic_ETHUSDT_ticks_seed7.tape").hash == tape.hash
    assert "a file of that name exists" in run("synth", *flags, code=2).stderr


def test_a_synthetic_tick_market_trades_what_the_configuration_says(tmp_path: Path) -> None:
    path = tmp_path / "made.tape"
    run("synth", "--kind", "ticks", "--hours", "0.001", "--symbol", "BTCUSDT", "--start-price", "60000", "--out", path)
    assert open_tape(path).instruments[0].symbol == "BTCUSDT"
    assert open_tape(path).census.instruments[0].price_min > 5_000_000


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--kind", "tick"], "did you mean ticks?"),
        (["--kind", "ticks", "--days", "3"], "no --days with --kind ticks"),
        (["--kind", "ticks", "--timeframe", "5m"], "no --timeframe with --kind ticks"),
        (["--toxicity", "0.5"], "no --toxicity with --kind candles"),
        (["--hours", "5"], "no --hours with --kind candles"),
        (["--flow", "levels=50"], "no --flow with --kind candles"),
        (["--kind", "ticks", "--toxicity", "1.5"], "a number >= 0 and <= 1, in share of taking orders"),
        (["--kind", "ticks", "--flow", "levels=2"], "a whole number >= 20 and <= 256, in levels"),
        (["--kind", "ticks", "--flow", "levels=many"], "found     many"),
        (["--kind", "ticks", "--flow", "trade_per_s=9"], "did you mean trades_per_s?"),
        (["--kind", "ticks", "--flow", "levels"], "NAME=VALUE"),
        (["--kind", "ticks", "--flow", "self_excitation=0.9"], "never end"),
        (["--kind", "ticks", "--hours", "0"], "expected more than 0"),
        (["--kind", "ticks", "--start", "soon"], "not a time"),
        (["--kind", "ticks", "--start-price", "3000.001"], "expected a whole multiple of 0.01"),
        (["--kind", "ticks", "--set", "instrument.kind=inverse"], "expected spot or linear, found inverse"),
    ],
)
def test_a_synthetic_market_that_cannot_be_is_refused(tmp_path: Path, flags: list[str], expected: str) -> None:
    assert expected in run("synth", *flags, "--out", tmp_path / "made.tape", code=2).stderr
    assert not list(tmp_path.glob("made*"))
