"""`quintet kill` and `quintet release`: one command and one file stop a desk in whatever state it is."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quintet.app.cli import app
from quintet.storage import audit_log, key_file
from quintet.venues.bybit import last_resort
from tests.fakes.command_line import Said
from tests.sandbox_process import SandboxProcess, sandbox_process

BTC = {"category": "linear", "symbol": "BTCUSDT"}
Typed = Callable[..., Said]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with sandbox_process() as running:
        running.book("linear", 50_000, 1_000)
        yield running


@pytest.fixture
def typed(place: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    passphrase = place / "passphrase"
    passphrase.write_text("correct horse battery")
    passphrase.chmod(0o600)
    monkeypatch.setenv("QUINTET_KEYS", str(place / "keys.json"))
    monkeypatch.setenv("QUINTET_PASSPHRASE_FILE", str(passphrase))
    monkeypatch.setattr(key_file.KeyFile.__init__, "__kwdefaults__", {"scrypt_n": 2**14})
    monkeypatch.setattr(last_resort, "UNDER_WAY_S", 0.2)

    def run(*words: object, lines: tuple[str, ...] = ()) -> Said:
        result = CliRunner().invoke(app, [str(word) for word in words], input="\n".join(lines))
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def keyed(typed: Typed, sandbox: SandboxProcess) -> Typed:
    """With the sandbox's key in the store."""
    said = typed("keys", "add", "main", "--at", sandbox.rest, lines=(sandbox.key, sandbox.secret))
    assert said.code == 0, said.err
    return typed


def deeds(typed: Typed) -> list[tuple[str, str]]:
    return [(each["what"], each["why"]) for each in typed("audit", "show", "--json").json["records"]]


def open_orders(sandbox: SandboxProcess) -> list[Any]:
    return [each for each in sandbox.history()["orders"] if each["status"] in ("New", "PartiallyFilled", "Untriggered")]


# ---- the latch -----------------------------------------------------------------------------------------------


def test_kill_latches_cancels_and_is_written_down(keyed: Typed, sandbox: SandboxProcess, place: Path):
    sandbox.tell("order/create", **BTC, side="Buy", orderType="Limit", qty="0.001", price="40000")
    said = keyed("kill", "--why", "the book is crossed", "--json")
    assert said.code == 0, said.err
    assert said.json["ok"]
    assert said.json["latched"]
    assert said.json["accounts"]["main"]["orders"] == []
    assert not open_orders(sandbox)
    assert (place / "workspace" / "KILL").exists()
    assert [what for what, _ in deeds(keyed)] == ["keys add", "kill", "kill: the accounts"]
    assert sandbox.secret not in said.out + said.err


def test_only_a_typed_reason_releases(typed: Typed, place: Path):
    assert typed("kill", "--no-venue", "--why", "a drill").code == 0
    # an empty reason and half a word are none
    for words, lines in ((("release",), ()), (("release", "--why", "ok"), ()), (("release",), ("fine",))):
        said = typed(*words, lines=lines)
        assert said.code == 2
        assert "no reason" in said.err
        assert (place / "workspace" / "KILL").exists()
    # a sentence is one, and it is kept
    said = typed("release", lines=("the drill is over, nothing was open",))
    assert said.code == 0, said.err
    assert "a drill" in said.err
    assert not (place / "workspace" / "KILL").exists()
    assert deeds(typed)[-1] == ("release", "the drill is over, nothing was open")


def test_a_switch_that_is_not_latched_cannot_be_released(typed: Typed):
    said = typed("release", "--why", "the drill is over")
    assert said.code == 2
    assert "nothing to release" in said.err


def test_a_release_that_cannot_be_written_down_does_not_happen(typed: Typed, place: Path):
    typed("kill", "--no-venue")
    log = place / "workspace" / audit_log.AUDIT_LOG
    log.write_bytes(log.read_bytes()[:-20])
    assert typed("release", "--why", "the drill is over").code == 2
    assert (place / "workspace" / "KILL").exists()


# ---- what goes wrong stops no kill ---------------------------------------------------------------------------


def test_a_damaged_audit_log_stops_no_kill(keyed: Typed, sandbox: SandboxProcess, place: Path):
    sandbox.tell("order/create", **BTC, side="Buy", orderType="Limit", qty="0.001", price="40000")
    log = place / "workspace" / audit_log.AUDIT_LOG
    log.write_bytes(log.read_bytes()[:-20])
    said = keyed("kill")
    assert said.code == 1
    assert "audit log" in said.err
    assert not open_orders(sandbox)
    assert (place / "workspace" / "KILL").exists()


def test_a_workspace_that_cannot_be_written_stops_no_cancel(
    keyed: Typed, sandbox: SandboxProcess, place: Path, monkeypatch: pytest.MonkeyPatch
):
    sandbox.tell("order/create", **BTC, side="Buy", orderType="Limit", qty="0.001", price="40000")
    (place / "no-folder").write_bytes(b"")
    monkeypatch.setenv("QUINTET_WORKSPACE", str(place / "no-folder"))
    said = keyed("kill", "--json")
    assert said.code == 1
    assert not open_orders(sandbox)


def test_a_wrong_passphrase_still_latches(keyed: Typed, place: Path):
    (place / "passphrase").write_text("another horse battery")
    said = keyed("kill")
    assert said.code == 1
    assert "does not open" in said.err
    assert (place / "workspace" / "KILL").exists()


def test_one_account_that_does_not_answer_stops_no_other(keyed: Typed, sandbox: SandboxProcess):
    sandbox.tell("order/create", **BTC, side="Buy", orderType="Limit", qty="0.001", price="40000")
    keyed("keys", "add", "gone", "--at", "http://127.0.0.1:9", lines=("akey", "asecret"))
    said = keyed("kill", "--patience", "3s", "--json")
    assert said.code == 1
    assert said.json["accounts"]["main"]["done"]
    assert not said.json["accounts"]["gone"]["done"]
    assert not open_orders(sandbox)


def test_keys_named_kill_are_the_ones_for_it(keyed: Typed, sandbox: SandboxProcess):
    keyed("keys", "add", "kill-main", "--at", sandbox.rest, lines=(sandbox.key, sandbox.secret))
    assert list(keyed("kill", "--json").json["accounts"]) == ["kill-main"]
    assert list(keyed("kill", "--key", "main", "--json").json["accounts"]) == ["main"]


@pytest.mark.parametrize(
    "words", [("--slippage", "50"), ("--slippage", "a"), ("--slippage", "nan"), ("--patience", "1")]
)
def test_a_mistake_is_named_before_anything_is_done(typed: Typed, place: Path, words: tuple[str, ...]):
    said = typed("kill", *words)
    assert said.code == 2
    assert words[0] in said.err
    assert not (place / "workspace" / "KILL").exists()


# ---- a desk in whatever state --------------------------------------------------------------------------------


@pytest.fixture
def desk(place: Path, sandbox: SandboxProcess) -> Iterator[subprocess.Popen[str]]:
    """A process that places orders through the real gateway without an end."""
    command = [sys.executable, "-m", "tests.fakes.busy_desk", str(place / "workspace"), sandbox.rest]
    root = Path(__file__).resolve().parents[3]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert process.stdin is not None
    process.stdin.write(f"{sandbox.key}\n{sandbox.secret}\n")
    process.stdin.flush()
    yield process
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.communicate()


def heard(desk: subprocess.Popen[str], wanted: str, times: int, within_s: float = 30.0) -> Counter[str]:
    """Read what the desk says of its orders until `wanted` was said so often."""
    said: Counter[str] = Counter()
    assert desk.stdout is not None
    until = time.monotonic() + within_s
    while said[wanted] < times and time.monotonic() < until:
        said[desk.stdout.readline().strip()] += 1
    assert said[wanted] >= times, said
    return said


def test_a_wedged_desk_is_killed_and_stays_killed_when_it_wakes(
    keyed: Typed, desk: subprocess.Popen[str], sandbox: SandboxProcess
):
    # given a desk that quotes, and then hangs with orders open and some under way
    heard(desk, "accepted", 5)
    desk.send_signal(signal.SIGSTOP)
    assert open_orders(sandbox)
    # when it is killed from outside
    said = keyed("kill", "--why", "it hangs", "--json")
    # then nothing is open
    assert said.code == 0, said.err
    assert not open_orders(sandbox)
    # and when it wakes up, each of its new orders is dropped and told as such
    desk.send_signal(signal.SIGCONT)
    heard(desk, "suppressed", 5)
    placed = len(sandbox.history()["orders"])
    heard(desk, "suppressed", 10)
    assert len(sandbox.history()["orders"]) == placed
    # until a person releases it
    assert keyed("release", "--why", "it was the disk; replaced").code == 0
    heard(desk, "accepted", 2)


def test_one_file_made_by_hand_stops_a_running_desk(
    keyed: Typed, desk: subprocess.Popen[str], sandbox: SandboxProcess, place: Path
):
    heard(desk, "accepted", 3)
    (place / "workspace" / "KILL").touch()
    heard(desk, "suppressed", 5)
    placed = len(sandbox.history()["orders"])
    heard(desk, "suppressed", 10)
    assert len(sandbox.history()["orders"]) == placed
