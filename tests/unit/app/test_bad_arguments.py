"""Every mistake at the command line ends with exit code 2, nothing on stdout, and words that help."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.command_line import CountingEngine, Quintet


class Mistake(NamedTuple):
    """What was typed, the configuration file if there is one, and words the answer must hold."""

    name: str
    typed: str
    says: tuple[str, ...]
    config: str = ""


BACKTEST = "backtest structure_mm"
WITH_FILE = f"{BACKTEST} --config run.toml"

MISTAKES = [
    # ---- words ----
    Mistake("no system", "backtest --json", ("SYSTEM",)),
    Mistake("an unknown command", "backtets structure_mm", ("backtets", "backtest")),
    Mistake("an unknown flag", f"{BACKTEST} --symbl ETHUSDT", ("--symbl", "--symbol")),
    Mistake("an unknown system", "backtest structur_mm", ("structur_mm", "did you mean structure_mm?")),
    Mistake("a flag without its value", f"{BACKTEST} --symbol", ("--symbol",)),
    Mistake("a count of nothing", f"{BACKTEST} --bars 0", ("count", "0", "1 or more")),
    Mistake("a count in words", f"{BACKTEST} --bars many", ("count", "many", "1 or more")),
    Mistake("files without their flag", f"{BACKTEST} a.csv", ("a.csv", "--data")),
    # ---- times and timeframes ----
    Mistake("a timeframe that does not exist", f"{BACKTEST} --interval 7", ("interval", "7", "5m")),
    Mistake("a timeframe misspelt", f"{BACKTEST} --htf-interval 5min", ("htf_interval", "5min", "5m")),
    Mistake("one timeframe and two", f"{BACKTEST} --interval 5 --htf-interval 15", ("interval", "htf_interval")),
    Mistake("a month of 13", f"{BACKTEST} --start 2026-13-01", ("start", "2026-13-01", "2026-01-31")),
    Mistake("a time of another age", f"{BACKTEST} --end 1066-10-14", ("end", "1066-10-14", "1970")),
    Mistake("an end before its start", f"{BACKTEST} --start 2026-02-01 --end 2026-01-01", ("start before end",)),
    Mistake("a range without a bar", f"{BACKTEST} --start 2036-01-01", ("no 5m bar", "expected")),
    # ---- sources ----
    Mistake("two sources", f"{BACKTEST} --tape a.tape --cache b.csv", ("--tape", "--cache", "one of")),
    Mistake("a missing candle file", f"{BACKTEST} --data nowhere.csv", ("nowhere.csv",)),
    Mistake("a missing tape", f"{BACKTEST} --tape nowhere.tape", ("nowhere.tape",)),
    Mistake("a tape that is none", f"{BACKTEST} --tape run.toml", ("run.toml",), "[instrument]\n"),
    Mistake("a tape and a range", f"{BACKTEST} --tape a.tape --start 2026-01-01", ("tape", "start")),
    Mistake("a download without a range", f"{BACKTEST} --cache eth.csv", ("--start and --end",)),
    Mistake(
        "a cache of no venue",
        f"{BACKTEST} --config run.toml --cache x.csv",
        ("kraken", "bybit"),
        '[instrument]\nvenue = "kraken"',
    ),
    # ---- overrides ----
    Mistake("an override without a value", f"{BACKTEST} --set execution.latency_ms", ("--set", "section.key=value")),
    Mistake("an override of nothing", f"{BACKTEST} --set =5", ("--set", "section.key=value")),
    Mistake("an unknown section", f"{BACKTEST} --set excution.latency_ms=5", ("excution", "did you mean execution?")),
    Mistake("an unknown key", f"{BACKTEST} --set execution.latencyms=5", ("latencyms", "did you mean latency_ms?")),
    Mistake("a section as a value", f"{BACKTEST} --set execution=5", ("execution", "section")),
    Mistake("words for a number", f"{BACKTEST} --set execution.latency_ms=soon", ("soon", "whole number", "in ms")),
    Mistake(
        "a fraction of a bar", f"{BACKTEST} --set system.structure_mm.atr_n=2.5", ("2.5", "whole number", "in bars")
    ),
    Mistake("not a number", f"{BACKTEST} --set system.structure_mm.edge_bp=nan", ("edge_bp", "number")),
    Mistake("an unknown policy", f"{BACKTEST} --fill-policy pesimistic", ("pesimistic", "did you mean pessimistic?")),
    Mistake("a policy without its bars", f"{BACKTEST} --interval 5 --fill-policy lower", ("lower", "5m")),
    Mistake("a policy twice", f"{BACKTEST} --fill-policy ohlc --fill-policy ohlc", ("each policy once",)),
    # ---- instrument ----
    Mistake(
        "a linear instrument",
        f"{BACKTEST} --set instrument.kind=linear",
        ("instrument.kind", "linear", "expected  spot"),
    ),
    Mistake("an unknown symbol", f"{BACKTEST} --symbol ETHUSD", ("ETHUSD", "tick_size", "did you mean ETHUSDT?")),
    Mistake(
        "a tick of nothing",
        f"{BACKTEST} --set instrument.tick_size=0",
        ("[instrument] tick_size", "found     0", "positive"),
    ),
    Mistake(
        "a tick between increments", f"{BACKTEST} --set instrument.tick_size=0.015", ("tick_size", "0.015", "0.01")
    ),
    Mistake(
        "a fee beyond reason", f"{BACKTEST} --set instrument.taker_fee_bps=5000", ("taker_fee_bps", "5000", "1000")
    ),
    Mistake(
        "a fee finer than the books",
        f"{BACKTEST} --set instrument.maker_fee_bps=0.000001",
        ("maker_fee_bps", "multiple"),
    ),
    Mistake(
        "more capital than can be counted", f"{BACKTEST} --set execution.initial_quote=1e12", ("initial_quote", "1")
    ),
    Mistake(
        "capital finer than the books", f"{BACKTEST} --set execution.initial_quote=0.000000000001", ("initial_quote",)
    ),
    # ---- files ----
    Mistake("a configuration that is not there", f"{BACKTEST} --config nowhere.toml", ("nowhere.toml", "TOML")),
    Mistake("a configuration that is no TOML", WITH_FILE, ("run.toml", "line 1"), "latency: 5"),
    Mistake("a stranger in a section", WITH_FILE, ("run.toml", "[risk]", "leverage"), "[risk]\nleverage = 5"),
    Mistake("a stranger among sections", WITH_FILE, ("run.toml", "structure"), "[structure]\natr_n = 5"),
    Mistake("a section inside a value", WITH_FILE, ("run.toml", "symbol"), "[instrument.symbol]\nname = 5"),
    Mistake("a value out of bounds", WITH_FILE, ("run.toml", "atr_n", "1", ">= 2"), "[system.structure_mm]\natr_n = 1"),
    Mistake("a switch that is a number", WITH_FILE, ("run.toml", "html", "true or false"), "[report]\nhtml = 1"),
    Mistake(
        "bands in the wrong order", WITH_FILE, ("w_soft", "0.45", "w_hard"), "[system.structure_mm]\nw_soft = 0.45"
    ),
    Mistake("a negative balance", WITH_FILE, ("initial_quote", "-1"), "[execution]\ninitial_quote = -1"),
    Mistake(
        "validating a stranger", "config validate run.toml", ("run.toml", "did you mean"), "[executoin]\nlatency_ms = 5"
    ),
    Mistake(
        "validating a linear instrument", "config validate run.toml", ("kind", "spot"), '[instrument]\nkind = "linear"'
    ),
    Mistake("showing a stranger", "config show --set a.b=c", ("--set a.b=c", "instrument")),
    # ---- runs ----
    Mistake("a run that is not there", "runs show 2026", ("2026", "runs list")),
    Mistake("a report of a run that is not there", "report 2026", ("2026", "runs list")),
    Mistake("a comparison with nothing", "runs compare 2026", ("B",)),
    Mistake("a comparison with a run that is not there", "runs compare 2026 2027", ("2026", "runs list")),
    Mistake("a word for how much to break", f"{BACKTEST} --set report.robustness=much", ("much", "off", "some", "all")),
    Mistake("a list of no runs", "runs list -n 0", ("0", "1 or more")),
    Mistake(
        "a market that was never tried", "ledger show --data 123456abcdef", ("--data", "fits 0 of the 0", "6 digits")
    ),
    Mistake("a hash that is too short", "ledger show --data a", ("--data", "6 digits")),
    Mistake("a ledger of no rows", "ledger show -n 0", ("0", "1 or more")),
    Mistake("a ledger command that does not exist", "ledger delete", ("delete",)),
    Mistake("verifying an unknown system", "verify determinism structur_mm", ("did you mean structure_mm?",)),
    Mistake("verifying with an unknown key", "verify determinism --set a=1", ("--set a=1", "instrument")),
    Mistake("verifying what does not exist", "verify profits", ("profits",)),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_a_mistake_is_answered_with_help(mistake: Mistake, quintet: Quintet, place: Path) -> None:
    # given a folder with the configuration that is spoken of
    if mistake.config:
        (place / "run.toml").write_text(mistake.config)
    # when the mistake is typed
    said = quintet(*mistake.typed.split())
    # then it is refused as bad input, on stderr only, in words that name the trouble
    assert said.code == 2, f"{said.out}{said.err}"
    assert said.out == ""
    for word in mistake.says:
        assert word in said.err
    assert "error: " in said.err
    # and no run was made
    assert not list((place / "workspace").rglob("manifest.json"))


@pytest.mark.req("S-04")
@pytest.mark.parametrize("kind", ["linear", "inverse"])
def test_only_a_spot_instrument_is_run(quintet: Quintet, engine: CountingEngine, place: Path, kind: str) -> None:
    # given a configuration with another kind of instrument
    (place / "run.toml").write_text(f'[instrument]\nsymbol = "ETHUSDT"\nkind = "{kind}"\n')
    # when it is to be run
    said = quintet("backtest", "structure_mm", "--config", "run.toml")
    # then it is refused, naming the field, and the engine was never asked
    assert said.code == 2
    assert "instrument.kind" in said.err
    assert kind in said.err
    assert engine.jobs == []


def test_a_configuration_that_is_no_text_is_named(quintet: Quintet, place: Path) -> None:
    (place / "run.toml").write_bytes(b"\xff\xfe\x00")
    said = quintet("config", "validate", "run.toml")
    assert said.code == 2
    assert "run.toml" in said.err
    assert "UTF-8" in said.err


def test_a_run_that_fits_several_is_told_apart(quintet: Quintet, candles: Path) -> None:
    for _ in range(2):
        quintet("backtest", "structure_mm", "--data", candles)
    said = quintet("runs", "show", "T")
    assert said.code == 2
    assert "fits 2 runs" in said.err
