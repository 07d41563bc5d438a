"""`quintet trade` as processes: killed again and again, and what the exchange says of it afterwards."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.research.desk_replay import replay_desk_tape
from tests.desk_history import ONE, check_desk

QUINTET = str(Path(sys.executable).with_name("quintet"))
BUSY = f"{Path(__file__).parents[2] / 'busy_maker.py'}:BusyMaker"
KILLS = 10
COMES_BACK_S, TRADES_S = (0.1, 1.5), (2.0, 4.0)
"""When it is killed, after its first line: while it asks what it missed, or later."""


class Place(NamedTuple):
    """A running sandbox, and where its desks live."""

    rest: str
    said: Path
    folder: Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path))
    command = [QUINTET, "sandbox", "--port", "0", "--json", "--seed", "5", "--coins", "USDT=20000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    said = tmp_path / "sandbox.json"
    said.write_text(line)
    try:
        yield Place(json.loads(line)["rest"], said, tmp_path)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def trading(place: Place, *words: str) -> subprocess.Popen[str]:
    """A desk that has come to life: its first line is read."""
    command = [QUINTET, "trade", BUSY, "--world", "sandbox", "--sandbox", str(place.said), "--json",
               "--recv-window-ms", "1000", *words]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    assert json.loads(line)["kind"] == "opened"
    return process


def lines_of(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    output, errors = process.communicate(timeout=120)
    assert process.returncode in (0, -signal.SIGKILL), output + errors
    return [json.loads(line) for line in output.splitlines() if line.endswith("}")]


def test_killed_ten_times_it_loses_nothing_doubles_nothing_and_its_books_are_the_venues(place: Place) -> None:
    dice = random.Random(20261129)
    for number in range(KILLS):
        process = trading(place)
        time.sleep(dice.uniform(*(COMES_BACK_S if number % 2 else TRADES_S)))
        process.send_signal(signal.SIGKILL)
        lines_of(process)
    lines = lines_of(trading(place, "--for", "3s"))
    end = lines[-1]
    assert (end["kind"], end["alarms"], end["still_open"]) == ("end", 0, 0)
    assert end["books_compared"] >= 1
    tape = place.folder / "desks" / "sandbox-main" / "desk.tape"
    checked = check_desk(place.rest, tape, {"USDT": 20_000 * ONE, "BTC": 0})
    assert checked["at_venue"] > 10
    assert checked["fills"] > 0
    assert replay_desk_tape(tape) == end["command_hash"]
    lived = CliRunner().invoke(app, ["verify", "parity", "main", "--fills", "--json"])
    told = json.loads(lived.stdout)
    assert (lived.exit_code, told["ok"], told["hashes"]["commands"]) == (0, True, end["command_hash"])
    assert any("checkpoint" in check["name"] for check in told["checks"])
    fills = told["fills"]
    whole = sum(cause["quanta"] for cause in fills["causes"].values())
    assert whole == fills["real_quanta"] - fills["simulated_quanta"]


def test_a_secret_is_in_nothing_that_a_desk_writes(place: Place) -> None:
    secret = json.loads(place.said.read_text())["secret"]
    output, errors = trading(place, "--for", "2s").communicate(timeout=120)
    assert secret not in output + errors
    written = [path for path in (place.folder / "desks").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if secret.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--world", "moon"], "one of paper, sandbox, live"),
        (["--world", "sandbox"], "--key NAME, or in the world sandbox --sandbox FILE"),
        (["--world", "sandbox", "--category", "linear"], "structure_mm is never short"),
        (["--world", "sandbox", "--desk", "Main"], "1 to 8 small letters and digits"),
        (["--world", "sandbox", "--api", "8080"], "expected  eternal; else quintet desk show"),
        (["--world", "sandbox", "--sandbox", "nowhere.json"], "the first line of quintet sandbox --json"),
        (["--world", "live", "--key", "mine"], "every stage before it proven"),
        (["--world", "sandbox", "--interval", "7m"], "unknown timeframe"),
        (["--world", "sandbox", "--account", "both", "--set", "account.correlated_max=3"], "cannot hold together"),
    ],
)
def test_a_mistake_is_named_before_anything_is_connected(
    words: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path))
    result = CliRunner().invoke(app, ["trade", "structure_mm", *words])
    assert result.exit_code != 0
    told = result.output + str(result.exception) + str(getattr(result.exception, "expected", ""))
    assert expected in told + str(getattr(result.exception, "what", ""))
