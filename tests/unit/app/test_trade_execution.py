"""Execution algorithms on a desk that trades: killed while a stop stands at our own exchange, and back again."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quintet.research.desk_replay import replay_desk_tape
from tests.desk_history import ONE, check_desk, history

QUINTET = str(Path(sys.executable).with_name("quintet"))
SYSTEM = f"{Path(__file__).parents[2] / 'executing_systems.py'}:InTurn"
SETTINGS = ("lots=1000", "unit=3000", "patience_s=1000")
"""The unit is wide and its patience long: the ladder stands until it is killed."""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a running sandbox has said of itself."""
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path))
    command = [QUINTET, "sandbox", "--port", "0", "--json", "--seed", "5", "--coins", "USDT=20000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = tmp_path / "sandbox.json"
    path.write_text(process.stdout.readline())
    try:
        yield path
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def trading(said: Path, *words: str) -> subprocess.Popen[str]:
    command = [QUINTET, "trade", SYSTEM, "--world", "sandbox", "--sandbox", str(said), "--json"]
    command += [word for each in SETTINGS for word in ("--set", f"system.in_turn.{each}")]
    return subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_until(process: subprocess.Popen[str], *kinds: str) -> list[dict[str, Any]]:
    """Lines up to the one that is of the last of these kinds, each of which was seen in this order."""
    lines: list[dict[str, Any]] = []
    waiting = list(kinds)
    assert process.stdout is not None
    while waiting:
        text = process.stdout.readline()
        if not text:
            assert process.stderr is not None
            raise AssertionError(f"{waiting} not seen: {lines} {process.stderr.read()}")
        lines.append(json.loads(text))
        if lines[-1]["kind"] == waiting[0]:
            waiting.pop(0)
    return lines


def working(rest: str) -> dict[str, list[dict[str, Any]]]:
    """The exchange's own word for what works there: stops, and the rest."""
    live = [order for order in history(rest)["orders"] if order["status"] in ("New", "PartiallyFilled", "Untriggered")]
    stops = [order for order in live if order["status"] == "Untriggered"]
    return {"stops": stops, "targets": [order for order in live if order not in stops]}


def test_killed_while_its_ladder_stands_the_stop_stays_and_it_goes_on_where_it_was(said: Path) -> None:
    rest = json.loads(said.read_text())["rest"]
    # given a desk that has bought and left its position to a ladder
    process = trading(said)
    read_until(process, "opened", "maker over", "ladder began", "order", "order", "order")
    deadline = time.monotonic() + 60.0
    while len(working(rest)["targets"]) < 2 or not working(rest)["stops"]:
        assert time.monotonic() < deadline, working(rest)
        time.sleep(0.1)
    # when it is killed
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    # then a stop for all of the position stands at the venue, and its targets with it
    left, known = working(rest), len(history(rest)["orders"])
    assert len(left["stops"]) == 1 and len(left["targets"]) == 2
    # and when it comes back it knows them: no second stop, no second target, nothing bought again
    again, errors = trading(said, "--for", "3s").communicate(timeout=120)
    told = [json.loads(line) for line in again.splitlines()]
    assert told[-1]["kind"] == "end", again + errors
    assert (told[-1]["alarms"], told[-1]["still_open"]) == (0, 0)
    assert not [line for line in told if line["kind"].endswith("began")]
    assert not [line for line in told if line["kind"] == "order" and not line["text"].startswith("cancel")]
    # and the exchange's own history agrees, to the coin
    tape = said.parent / "desks" / "sandbox-main" / "desk.tape"
    assert check_desk(rest, tape, {"USDT": 20_000 * ONE, "BTC": 0})["at_venue"] == known  # bought, a stop, targets
    assert replay_desk_tape(tape) == told[-1]["command_hash"]
