"""`quintet verify parity`, `why` and `calibrate` on desks that have traded on paper."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from quintet.app.cli import app
from quintet.app.paper_again import MARKET_TAPE
from quintet.core.events import COMMAND_ORDER, FILL, FILL_ORDER, PLACE
from quintet.research.backtest import run_backtest
from quintet.research.desk_replay import read_desk_run
from quintet.research.tick_setup import tick_book
from quintet.sim.config import TickExecutionConfig
from quintet.storage.tape_files import TapeWriter, open_tape
from tests.paper_desk import BUSY, FREE, LIVELY, market_rows, request_for, trade_on_paper

BUSY_HOURS, STRUCTURE_HOURS = 0.02, 0.5


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two desks: one in plain Python that was stopped half way, and structure_mm on second bars."""
    workspace = tmp_path_factory.mktemp("workspace")
    rows = market_rows(BUSY_HOURS)
    half = int(np.flatnonzero(rows["bits"] & 1)[len(rows[rows["bits"] & 1 > 0]) // 2]) + 1
    busy = request_for(workspace / "desks" / "paper-busy", BUSY, "risk.open_orders_max=2")
    trade_on_paper(busy, rows[:half])
    trade_on_paper(busy, rows[half:])
    structure = request_for(workspace / "desks" / "paper-smm", "structure_mm")
    trade_on_paper(structure, market_rows(STRUCTURE_HOURS, LIVELY, FREE), FREE)
    return workspace


@pytest.fixture
def ask(desks: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(desks))

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    return run


@pytest.mark.req("S-66")
@pytest.mark.parametrize("name", ["busy", "smm"])
def test_a_paper_desk_is_a_backtest_of_what_it_has_heard(name: str, ask: Any, desks: Path):
    lived = ask("verify", "parity", f"paper-{name}", "--json")
    told = json.loads(lived.stdout)
    assert (lived.exit_code, told["ok"]) == (0, True), told
    assert told["commands"] > 0
    assert [check["name"] for check in told["checks"]] == [
        "every command from the first event on",
        "a backtest of the market tape",
    ]
    # And so says the very function that `quintet backtest --tape` calls.
    folder = desks / "desks" / f"paper-{name}"
    run = read_desk_run(open_tape(folder / "desk.tape"), name)
    market = open_tape(folder / MARKET_TAPE)
    options = run.options._replace(book=tick_book(market, run.system, TickExecutionConfig()))
    result = run_backtest(market, run.system, run.params, options)
    assert len(result.headline.commands) >= told["commands"]
    if len(result.headline.commands) == told["commands"]:
        assert result.headline.command_hash == told["hashes"]["commands"]


def test_simulated_fills_of_a_paper_desk_are_its_fills(ask: Any):
    told = json.loads(ask("verify", "parity", "paper-busy", "--fills", "--json").stdout)["fills"]
    assert told["turnover_quanta"] > 0
    assert told["real_quanta"] == told["simulated_quanta"]
    assert told["orders"] == []


def test_the_first_difference_is_explained(ask: Any, desks: Path, tmp_path: Path):
    folder = desks / "desks" / "paper-busy"
    tape = open_tape(folder / "desk.tape")
    rows = np.array(tape.event_rows())
    rows = rows[rows["kind"] != 255]
    places = np.flatnonzero(rows["kind"] == PLACE)
    other = int(places[5])
    rows["price"][other] += 20
    with TapeWriter(tmp_path / "desk.tape", tape.meta) as writer:
        writer.append(rows)
    lived = ask("verify", "parity", str(tmp_path))
    assert lived.exit_code == 1
    number = int(rows["quantity"][other + 1])
    assert f"position {number // 256:,}" in lived.stdout
    assert "the first difference" in lived.stdout
    then, now = (
        next(line for line in lived.stdout.splitlines() if line.strip().startswith(word)) for word in ("then", "now")
    )
    assert f"order {number}" in then
    assert f"order {number}" in now
    assert then.replace("then", "now ") != now
    assert json.loads(ask("verify", "parity", str(tmp_path), "--json").stdout)["difference"]["now"]


def test_what_was_decided_and_never_written_has_never_left(ask: Any, desks: Path, tmp_path: Path):
    tape = open_tape(desks / "desks" / "paper-busy" / "desk.tape")
    rows = np.array(tape.event_rows())
    rows = rows[rows["kind"] != 255]
    first = int(np.flatnonzero(rows["kind"] == PLACE)[7])
    while PLACE <= rows["kind"][first - 1] <= COMMAND_ORDER:
        first -= 1
    with TapeWriter(tmp_path / "desk.tape", tape.meta) as writer:
        writer.append(rows[:first])
    lived = ask("verify", "parity", str(tmp_path))
    assert lived.exit_code == 0, lived.output
    assert "were never written, and so have never left" in lived.stdout


def test_a_desk_that_is_not_there_is_named(ask: Any):
    refused = ask("verify", "parity", "paper-bussy")
    assert refused.exit_code == 2
    assert "paper-busy" in refused.output


# ---- why ---------------------------------------------------------------------------------------------------------


def filled_order(desks: Path) -> int:
    rows = open_tape(desks / "desks" / "paper-busy" / "desk.tape").event_rows()
    fills = np.flatnonzero(rows["kind"] == FILL)
    assert rows["kind"][fills[0] + 1] == FILL_ORDER
    return int(rows["quantity"][fills[0] + 1])


def test_why_tells_from_tick_to_fill(ask: Any, desks: Path):
    number = filled_order(desks)
    found = ask("why", str(number), "--run", "paper-busy")
    assert found.exit_code == 0, found.output
    for part in ("event     timer", "market    bid ", "memory    timers", "wanted    ", "gate      normal",
                 f"order {number}", "at the venue", "filled as "):  # fmt: skip
        assert part in found.stdout, (part, found.stdout)
    told = json.loads(ask("why", str(number), "--run", "paper-busy", "--json").stdout)
    assert told["position"] == number // 256
    assert told["order"]["fills"]
    assert told["order"]["number"] == number


def test_why_tells_of_what_the_gate_refused(ask: Any):
    refused = json.loads(ask("why", "--refused", "--run", "paper-busy", "--json").stdout)["refused"]
    assert {one["reason"] for one in refused} <= {"open orders", "free base"}
    first = next(one for one in refused if one["reason"] == "open orders")
    found = ask("why", "--at", str(first["position"]), "--run", "paper-busy")
    assert f"refused: {first['want']}: open orders" in found.stdout


def test_why_of_a_moment_is_the_last_event_before_it(ask: Any):
    at = json.loads(ask("why", "--at", "100", "--run", "paper-busy", "--json").stdout)
    from quintet.research.desk_words import utc_words

    later = json.loads(ask("why", "--at", utc_words(at["ts_ns"] + 10**6), "--run", "paper-busy", "--json").stdout)
    assert later["position"] >= at["position"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--run", "paper-busy"], "one of ORDER, --at WHEN, --refused"),
        (["7", "--run", "paper-busy"], "an order of this tape"),
        (["nobody-1-2-3"], "the client id of an order of a desk here"),
        (["--at", "99999999", "--run", "paper-busy"], "the tape ends there"),
        (["--at", "1999-01-01", "--run", "paper-busy"], "the tape begins later"),
    ],
)
def test_a_question_that_cannot_be_answered_is_named(words: list[str], expected: str, ask: Any):
    refused = ask("why", *words)
    assert refused.exit_code != 0
    assert expected in refused.output + str(refused.exception)


# ---- calibrate ---------------------------------------------------------------------------------------------------


def test_calibrate_writes_a_configuration_that_loads(ask: Any, desks: Path, tmp_path: Path):
    path = tmp_path / "calibrated.toml"
    found = ask("calibrate", "paper-busy", "--out", str(path), "--draws", "200")
    assert found.exit_code == 0, found.output
    assert "95 % band" in found.stdout
    from quintet.app.config import load

    told = load(path).tick_execution
    assert (told.entry_ms, told.response_ms) == (5.0, 3.0)  # what the paper desk was simulated with
    assert ask("verify", "parity", "paper-busy", "--fills", "--config", str(path)).exit_code == 0


def test_calibrate_refuses_a_desk_with_too_few_orders(ask: Any, desks: Path, tmp_path: Path):
    few = tmp_path / "few"
    shutil.copytree(desks / "desks" / "paper-busy", few)
    tape = open_tape(few / "desk.tape")
    rows = np.array(tape.event_rows())
    rows = rows[rows["kind"] != 255]
    (few / "desk.tape").unlink()
    for left in few.glob("desk.tape*"):
        left.unlink()
    with TapeWriter(few / "desk.tape", tape.meta) as writer:
        writer.append(rows[: int(np.flatnonzero(rows["kind"] == PLACE)[3]) + 2])
    refused = ask("calibrate", str(few))
    assert "let it trade longer" in refused.output + str(refused.exception)
