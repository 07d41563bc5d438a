"""`quintet verify lookahead`: what is asked for is what is tried, and a finding is no success."""

import time
from pathlib import Path
from typing import Any

import pytest

from quintet.app import lookahead_command, messages, wiring
from quintet.app.config import Given, load
from quintet.app.markets import MarketRequest, as_candle_files, open_market
from quintet.core.instrument import DEFAULT_SPOT
from quintet.research import lookahead
from quintet.research.lookahead import Pipeline
from quintet.research.synthetic import synthesize
from quintet.storage.candle_files import write_candles
from quintet.storage.tape_files import TapeWriter
from quintet.storage.workspace import workspace
from tests.fakes.command_line import Quintet
from tests.leaks import META, CarriedOver, fitted_to_the_whole, importing
from tests.python_traders import trader


@pytest.fixture
def with_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small Python system in the place of the compiled one."""
    real = wiring.pipeline

    def with_trader(*given: object) -> Pipeline:
        return Pipeline(real(*given).imported, lambda tape: trader())

    monkeypatch.setattr(wiring, "pipeline", with_trader)


@pytest.fixture
def market_file(place: Path) -> Path:
    path = place / "eth_5m.csv"
    write_candles(path, synthesize(7, days=1, timeframe="5m"), DEFAULT_SPOT)
    return path


def test_the_command_cuts_as_the_library_does():
    assert (lookahead_command.CUTS, lookahead_command.SEED) == (lookahead.CUTS, lookahead.SEED)


WORDS = ("verify", "lookahead", "structure_mm", "--htf-interval", "15m", "--ltf-interval", "5m", "--cuts", 4)


@pytest.mark.usefixtures("with_python")
def test_an_honest_way_is_said_to_be_one_with_what_was_tried(quintet: Quintet, market_file: Path):
    said = quintet(*WORDS, "--data", market_file)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("4 cuts between 2026-01-01")
    assert [line.split()[0] for line in lines[1:-1]] == ["same"] * 6
    assert "the source files cut, the future removed: 4 cuts" in said.out
    assert lines[-1] == "nothing before a cut knows what comes after it"


@pytest.mark.usefixtures("with_python")
def test_json_says_ok_and_what_was_tried(quintet: Quintet, market_file: Path):
    said = quintet(*WORDS, "--data", market_file, "--seed", 5, "--json")
    assert (said.json["ok"], said.json["repeatable"]) == (True, True)
    assert (said.json["seed"], len(said.json["cuts"]), said.json["synthetic"]) == (5, 4, False)
    assert len(said.json["checks"]) == 6
    assert all(check["ok"] and check["findings"] == [] for check in said.json["checks"])


def test_a_leak_is_named_and_is_no_success(quintet: Quintet, market_file: Path, monkeypatch: pytest.MonkeyPatch):
    real = wiring.pipeline
    monkeypatch.setattr(wiring, "pipeline", lambda *given: Pipeline(real(*given).imported, fitted_to_the_whole))
    said = quintet(*WORDS, "--data", market_file)
    assert said.code == 1
    assert "CHANGED" in said.out
    assert "parameters: threshold is" in said.out
    assert said.out.splitlines()[-1] == "LOOK-AHEAD: the past knows the future"


def test_a_memory_that_outlives_a_run_is_told_as_what_it_is(
    quintet: Quintet, market_file: Path, monkeypatch: pytest.MonkeyPatch
):
    real, carried = wiring.pipeline, CarriedOver()
    monkeypatch.setattr(
        wiring, "pipeline", lambda *given: Pipeline(real(*given).imported, lambda tape: trader(carried))
    )
    said = quintet(*WORDS, "--data", market_file)
    assert said.code == 1
    assert said.out.splitlines()[-1].startswith("NOT REPEATABLE: the same market gave another run")


@pytest.mark.usefixtures("with_python")
def test_a_tape_is_cut_as_a_tape_alone(quintet: Quintet, market_file: Path, place: Path):

    tape = importing()([market_file])
    with TapeWriter(place / "eth.tape", META) as writer:
        writer.append(tape.event_rows())
    said = quintet("verify", "lookahead", "structure_mm", "--tape", place / "eth.tape", "--cuts", 4)
    assert said.code == 0, said.err
    assert "source files" not in said.out
    assert "the tape cut, the future removed" in said.out


def test_a_market_too_short_to_cut_is_refused(quintet: Quintet, candles: Path, with_python: None):
    said = quintet(*WORDS[:-1], 2, "--data", candles, "--bars", 3)
    assert said.code == 2
    assert "too short to cut" in said.err


@pytest.mark.parametrize(
    "words",
    [(), ("--interval", "15m"), ("--start", "2026-01-03", "--end", "2026-01-20"), ("--bars", 500)],
    ids=["whole", "one timeframe", "a stretch", "the first bars"],
)
def test_the_embedded_market_written_to_a_file_is_the_embedded_market(place: Path, words: tuple[Any, ...]):
    # given the market as a backtest opens it
    flags = dict(zip(words[::2], words[1::2], strict=True))
    given = [Given(f"data.{name[2:]}", value, name) for name, value in flags.items() if name != "--bars"]
    request = MarketRequest(load(flags=given), "test", bars=flags.get("--bars"))
    market = open_market(request, workspace(), 0)
    # when its candles are imported from a file
    imported = open_market(as_candle_files(request, place, workspace()), workspace(), 0)
    # then nothing is different
    assert imported.tape.hash == market.tape.hash
    assert imported[1:5] == market[1:5]


def test_work_inside_work_shows_no_display_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(messages, "PATIENCE_S", 0.0)
    shown: list[str] = []
    monkeypatch.setattr(messages, "note", shown.append)
    with messages.progress("the whole") as whole, messages.progress("a part") as part:
        part(1, 2)
        whole(1, 2)
        time.sleep(0.05)
    assert shown == ["quintet: the whole ..."]
