"""`quintet trade eternal` as processes: begun, stopped, begun again, and lived once more offline."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.systems.eternal.config import ACCOUNTS

COMMAND = [sys.executable, "-m", "quintet.app.cli"]


def exchange(*words: str) -> tuple[subprocess.Popen[str], str]:
    """A sandbox, and the line it has printed."""
    command = [*COMMAND, "sandbox", "--json", "--seed", "5", "--coins", "USDT=200000", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    return process, process.stdout.readline()


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path))
    process, line = exchange("--port", "0")
    said = tmp_path / "sandbox.json"
    said.write_text(line)
    yield said
    ended(process)


def traded(sandbox: Path, *words: str, world: str = "sandbox") -> tuple[list[dict[str, Any]], str]:
    command = [*COMMAND, "trade", "eternal", "--world", world, "--sandbox", str(sandbox), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stdout + done.stderr


def test_it_trades_is_stopped_and_goes_on_and_its_tapes_say_the_same(sandbox: Path) -> None:
    first, words = traded(sandbox, "--for", "12s")
    end = first[-1]
    assert (end["kind"], end["alarms"], end["cycles"], end["transfers"]) == ("end", 0, 1, len(ACCOUNTS))
    assert min(end["compared"].values()) >= 1
    assert json.loads(sandbox.read_text())["secret"] not in words
    assert first[0]["text"].startswith("a new portfolio of 100,000.00 USDT that trades BTC, ETH: CORE 60,000.00, ")
    notes = {line["note"]: line["text"] for line in first[:-1] if line["note"]}
    assert notes["tranche"] == "instalment 1: 2 orders" and notes["heartbeat"].startswith("equity 100,000.00 USDT, ")
    bought = [line["text"] for line in first[:-1] if (line["kind"], line["sub_account"]) == ("order", "CORE")]
    assert len(bought) == 2 and all(text.startswith("buy 0.") and text.endswith(", post-only") for text in bought)
    again, _ = traded(sandbox, "--for", "2s")
    assert again[0]["text"].startswith("back: ") and again[0]["text"].endswith(" open")
    assert again[-1]["cycles"] == 1 and again[-1]["transfers"] == len(ACCOUNTS)
    lived = CliRunner().invoke(app, ["verify", "parity", "main", "--json"])
    told = json.loads(lived.stdout)
    assert (lived.exit_code, told["ok"]) == (0, True)
    assert told["commands"] == again[-1]["command_hashes"]


def test_begun_again_while_the_exchange_is_down_it_waits_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path))
    process, line = exchange("--port", "0", "--folder", str(tmp_path / "kept"))
    said = tmp_path / "sandbox.json"
    said.write_text(line)
    begun, _ = traded(said, "--for", "10s")
    ended(process)
    command = [*COMMAND, "trade", "eternal", "--world", "sandbox", "--sandbox", str(said), "--json", "--for", "45s"]
    again = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert again.stdout is not None
    first = json.loads(again.stdout.readline())
    assert (first["kind"], first["sub_account"]) == ("alarm", "") and first["text"].endswith("trying again in 1 s")
    port = json.loads(line)["rest"].rpartition(":")[2]
    process, _ = exchange("--port", port, "--folder", str(tmp_path / "kept"))
    output, errors = again.communicate(timeout=120)
    ended(process)
    assert again.returncode == 0, output + errors
    end = json.loads(output.splitlines()[-1])
    assert (end["kind"], end["alarms"], end["transfers"]) == ("end", 0, len(ACCOUNTS))
    assert (begun[-1]["cycles"], end["cycles"], min(end["compared"].values()) >= 1) == (1, 1, True)


def test_on_paper_it_has_an_exchange_of_its_own_that_shows_the_market_and_is_there_again(sandbox: Path) -> None:
    ends = [traded(sandbox, "--for", time, world="paper")[0][-1] for time in ("15s", "4s")]
    assert [end["alarms"] for end in ends] == [0, 0]
    assert [end["cycles"] for end in ends] == [1, 1]
    assert sum(map(float, ends[1]["equity"].values())) == pytest.approx(100_000, rel=0.01)
    told = json.loads(CliRunner().invoke(app, ["verify", "parity", "paper-main", "--json"]).stdout)
    assert told["commands"] == ends[1]["command_hashes"]


def test_a_person_halts_the_living_portfolio_and_a_killed_one_is_halted_still_until_it_is_resumed(
    sandbox: Path, tmp_path: Path
) -> None:
    command = [*COMMAND, "trade", "eternal", "--world", "sandbox", "--sandbox", str(sandbox), "--json"]

    def asked(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, ["desk", *words, "--json"])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout))

    def lives(until: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
        assert process.stdout is not None
        while until not in (line := process.stdout.readline()):
            assert line
        return process

    first = lives('"note": "heartbeat"')
    try:
        lines = asked("tell", "main", "halt", "--why", "to look at it")["lines"]
        assert lines[0].startswith("no new risk anywhere from now on") and "the portfolio is halted" in lines[-1]
    finally:
        first.kill()
        first.communicate()
    again = lives('"text": "back: ')
    try:
        shown = asked("show", "main")
        assert (shown["alive"], shown["portfolio"]["status"], shown["portfolio"]["waits_for"]) == (
            True,
            "HALT",
            ["resume"],
        )
        assert shown["portfolio"]["sub_accounts"]["CORE"]["open_orders"] == []
        assert asked("tell", "main", "resume", "--why", "looked at")["lines"][0].startswith("the portfolio goes on")
    finally:
        ended(again)
    assert asked("show", "main")["portfolio"]["status"] == "NORMAL"
    told = json.loads(CliRunner().invoke(app, ["verify", "parity", "main", "--json"]).stdout)
    assert told["ok"] and [one["what"] for one in _deeds(tmp_path)] == ["desk halt", "desk resume"]


def _deeds(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / "audit.jsonl").read_text().splitlines()]


@pytest.mark.req("E-119")
def test_a_board_sees_the_living_portfolio_and_its_lines_and_can_change_nothing(sandbox: Path) -> None:
    command = [*COMMAND, "trade", "eternal", "--world", "sandbox", "--sandbox", str(sandbox), "--json", "--api", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout is not None
        [word] = [one for one in json.loads(process.stdout.readline())["text"].split() if one.startswith("http")]
        with httpx.Client(base_url=word.removesuffix("/state"), timeout=300) as board:  # it may have to compile first
            state: dict[str, Any] = {"portfolio": None}
            while state["portfolio"] is None or state["portfolio"]["last_decision"] is None:
                time.sleep(0.1)
                state = board.get("/state").raise_for_status().json()
            portfolio = state["portfolio"]
            lines = board.get("/lines", params={"after": 0}).raise_for_status().json()["lines"]
            assert board.post("/state").status_code == 405
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert (list(portfolio["sub_accounts"]), portfolio["cycles"]) == (list(ACCOUNTS), 1)
    assert sum(one["weight_frac"] for one in portfolio["sub_accounts"].values()) == pytest.approx(1.0)
    assert float(portfolio["equity_usdt"]) == pytest.approx(100_000, rel=0.01)
    assert lines[0]["text"].startswith("a new portfolio of 100,000.00 USDT")
    assert "tranche" in {line["note"] for line in lines}
    assert {one["engine"] for one in portfolio["sub_accounts"].values()} == {"running"}
    assert json.loads(output.splitlines()[-1])["alarms"] == state["alarm_count"] == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--world", "moon"], "one of paper, sandbox, live"),
        (["--world", "paper", "--key", "mine"], "found     --key"),
        (["--world", "live", "--key", "mine"], "expected  paper or sandbox"),
        (["--world", "sandbox"], "--key NAME, or in the world sandbox --sandbox FILE"),
        (["--world", "sandbox", "--desk", "Main"], "1 to 8 small letters and digits"),
        (["--world", "sandbox", "--symbol", "ETHUSDT", "--sandbox", "x.json"], "expected  the first line"),
    ],
)
def test_a_mistake_is_named_before_anything_is_connected(
    words: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path))
    told = CliRunner().invoke(app, ["trade", "eternal", *words])
    assert told.exit_code == 2
    assert expected in " ".join(told.stderr.split("\n")) or expected in told.stderr
