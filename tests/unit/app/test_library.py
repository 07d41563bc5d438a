"""`quintet.backtest`: the library's door leads the same way as the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import quintet
from quintet.app.messages import Complaint
from quintet.core.instrument import DEFAULT_SPOT
from quintet.research.synthetic import synthesize
from quintet.storage.candle_files import write_candles
from quintet.systems.own import RefusedSystem
from tests.fakes.command_line import CountingEngine, Quintet
from tests.own_market import CROSSING_KERNEL, crossing_file


def test_both_doors_make_the_same_task(quintet: Quintet, engine: CountingEngine, candles: Path) -> None:
    import quintet as library

    # given the same wishes, typed and called
    said = quintet(
        "backtest", "structure_mm", "--data", candles, "--bars", 20,
        "--set", "execution.latency_ms=100", "--set", "system.structure_mm.n_bids=3", "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    called = library.backtest("structure_mm", candles, bars=20, latency_ms=100, n_bids=3)
    # then engine and folder have heard the same
    one, other = engine.jobs
    assert one._replace(tape=other.tape) == other
    assert one.tape.hash == other.tape.hash
    assert called.hashes == said.json["hashes"]
    typed = json.loads((Path(said.json["out"]) / "manifest.json").read_text())
    for part in ("system", "config", "instrument", "market", "versions", "assumptions", "verdict", "hashes"):
        assert called.manifest[part] == typed[part], part


def test_the_library_counts_its_trials_and_a_repeat_once(
    quintet: Quintet, engine: CountingEngine, candles: Path
) -> None:
    import quintet as library

    typed = quintet("backtest", "structure_mm", "--data", candles, "--json").json["trials"]
    again = library.backtest(data=candles).trials
    other = library.backtest(data=candles, n_bids=2).trials
    assert (again["total"], again["repeated"]) == (typed["total"], True)
    assert (other["total"], other["repeated"]) == (typed["total"] + 1, False)
    assert "library" in quintet("ledger", "show").out


def test_what_was_called_can_be_typed_again(quintet: Quintet, engine: CountingEngine, candles: Path) -> None:
    import shlex

    import quintet as library

    called = library.backtest(data=candles, start="2026-01-01T00:10", maker_fee_bps=1, fill_policies=("ohlc",))
    again = quintet(*shlex.split(called.manifest["command"])[1:], "--json")
    assert again.code == 0, again.err
    assert engine.jobs[0]._replace(tape=None) == engine.jobs[1]._replace(tape=None)
    assert again.json["hashes"] == called.hashes


def test_a_file_of_settings_is_taken_and_a_mapping_says_the_same(
    engine: CountingEngine, candles: Path, place: Path
) -> None:
    settings = place / "run.toml"
    settings.write_text("[execution]\nlatency_ms = 70\n[system.structure_mm]\nstep_atr = 1.1\n")
    quintet.backtest(data=candles, config=settings)
    quintet.backtest(data=candles, config={"execution": {"latency_ms": 70}, "system.structure_mm.step_atr": 1.1})
    assert engine.jobs[0].config == engine.jobs[1].config
    assert engine.jobs[0].config.execution.latency_ms == 70
    # and a name given beside it wins
    quintet.backtest(data=candles, config=settings, latency_ms=5)
    assert engine.jobs[2].config.execution.latency_ms == 5


def test_frames_and_bars_are_kept_so_that_the_run_can_be_made_again(
    engine: CountingEngine, candles: Path, place: Path
) -> None:
    frame = pl.read_csv(candles)
    from_file = quintet.backtest(data=candles)
    from_frame = quintet.backtest(data=frame)
    assert from_frame.hashes == from_file.hashes
    kept = Path(engine.jobs[1].tape.meta.sources[0].name)
    assert (place / "workspace" / "data" / kept).is_file()
    # bars are in whole units of the instrument
    bars = synthesize(3, days=1, timeframe="5m")
    assert quintet.backtest(data=bars).hashes["tape"] == quintet.backtest(data=bars).hashes["tape"]
    assert engine.jobs[2].tape.census.kinds["BAR_CLOSE"] == 288


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"latency": 5}, "unknown key.*did you mean|unknown key"),
        ({"latency_ms": "soon"}, "a value that does not fit"),
        ({"config": {"execution": {"latencyms": 5}}}, "unknown key"),
        ({"data": 5}, "not a market"),
        ({"data": []}, "not a market"),
        ({"system": "structure"}, "unknown system"),
        ({"config": "nowhere.toml"}, "no such configuration"),
        ({"data": "nowhere.csv"}, "no such file"),
    ],
)
def test_a_mistake_is_told_as_the_command_line_tells_it(
    engine: CountingEngine, place: Path, asked: dict[str, object], what: str
) -> None:
    with pytest.raises(quintet_errors(), match=what):
        quintet.backtest(**asked)
    assert engine.jobs == []


def quintet_errors() -> type[Exception]:
    from quintet.core.errors import InputError

    return InputError


def test_a_mistake_names_the_argument(engine: CountingEngine, place: Path) -> None:
    with pytest.raises(Complaint) as told:
        quintet.backtest(latency_ms=-1)
    assert told.value.where == "quintet.backtest(latency_ms=-1), [execution] latency_ms"


def test_a_class_an_instance_and_a_file_are_the_same_system(engine: CountingEngine, candles: Path, place: Path) -> None:
    from quintet.research.systems import find

    path = crossing_file(place)
    kind = find(f"{path}:Crossing").decide
    quintet.backtest("crossing.py:Crossing", candles, fast_bars=7)
    quintet.backtest(kind, candles, fast_bars=7)
    quintet.backtest(kind(fast_bars=7), candles)
    told = [job.config.system.crossing for job in engine.jobs]
    assert [each.fast_bars for each in told] == [7, 7, 7]
    assert len({job.system.sha256 for job in engine.jobs}) == 1
    assert len({job.system.origin for job in engine.jobs}) == 1


def test_what_is_no_system_is_refused(engine: CountingEngine, place: Path) -> None:
    with pytest.raises(RefusedSystem, match="a class made from quintet.System"):
        quintet.backtest(dict)


def test_the_result_shows_its_tables_its_page_and_itself(engine: CountingEngine, candles: Path, place: Path) -> None:
    run = quintet.backtest(data=candles)
    assert run.fills["position"].to_list() == [10, 20]
    assert {frame.height for frame in (run.orders, run.fills, run.equity, run.events)} == {2}
    assert run.report().name == "report.html"
    assert run.report(place / "mine.html") == place / "mine.html"
    assert (place / "mine.html").read_text() == "<html></html>"
    assert repr(run).startswith("<Backtest of structure_mm, eth_5m.csv: Not proven.")
    with pytest.raises(Complaint, match="no report"):
        quintet.backtest(data=candles, html=False).report()


INTERPRETED = """
import quintet, json
names = ("plain.py:Crossing", "kernels.py:crossing")
runs = [quintet.backtest(name, "market.csv", fill_policies=("olhc",)) for name in names]
print(json.dumps([[run.hashes["commands"], run.metrics["fills"]] for run in runs]))
"""


def test_plain_python_and_a_kernel_of_the_same_rules_give_the_same_commands(place: Path) -> None:
    # given the same rules twice: as a class, and as a kernel; run without compilation, which takes longer than running
    write_candles(place / "market.csv", synthesize(11, days=1, timeframe="5m"), DEFAULT_SPOT)
    crossing_file(place, "plain.py")
    (place / "kernels.py").write_text(CROSSING_KERNEL)
    ran = subprocess.run(
        [sys.executable, "-c", INTERPRETED], env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, cwd=place,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    [plain, kernel] = json.loads(ran.stdout)
    assert plain == kernel
    assert plain[1] > 0


def test_the_library_and_a_typed_command_agree_on_a_real_run(place: Path) -> None:
    from typer.testing import CliRunner

    from quintet.app.cli import app

    crossing_file(place)
    words = ["backtest", "crossing.py:Crossing", "--bars", "900", "--set", "system.crossing.fast_bars=5", "--json"]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.stderr
    typed = json.loads(said.stdout)
    called = quintet.backtest("crossing.py:Crossing", bars=900, fast_bars=5)
    for part in ("hashes", "interval", "metrics", "assumptions", "verdict", "conservation"):
        assert called.outcome[part] == typed[part], part
    assert called.fills.height == called.metrics["fills"] > 0
    # and its trades are those of its figures
    trades = called.trades
    assert trades["opened_ns"].is_sorted()
    closed = trades.filter(trades["closed_ns"].is_not_null())
    assert closed.height == called.metrics["trades"] > 0
    assert (closed["profit_quanta"] > 0).mean() == called.metrics["win_rate_frac"]
    # and the card says the verdict before any number
    card = called._repr_html_()
    assert card.index(called.verdict["sentence"]) < card.index("net result")
    assert "Synthetic market" in card
    assert card.count("<path") == 1
    for stranger in ("http://", "https://", "<script"):
        assert stranger not in card
