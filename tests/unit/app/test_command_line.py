"""The command line as a whole: quick to answer, quiet on stdout, honest about faults."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from quintet import __version__
from quintet.app import messages
from quintet.app.messages import CalmGroup, Complaint, did_you_mean, progress, say_json
from quintet.core.errors import Damaged, DefinitionError, InvariantError
from tests.fakes.command_line import CountingEngine, Quintet

HEAVY = ("numba", "numpy", "polars", "msgspec", "jinja2", "httpx")

WATCHED = (
    "import sys; from quintet.app.cli import app\n"
    "try: app({words!r}, prog_name='quintet')\n"
    "except SystemExit as end: code = end.code\n"
    "print([name for name in {heavy!r} if name in sys.modules], code, file=sys.stderr)"
)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["backtest", "--help"], ["backtst"], ["runs", "--help"]])
def test_nothing_heavy_is_loaded_before_there_is_work(words: list[str]) -> None:
    script = WATCHED.format(words=words, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1].startswith("[]"), done.stderr


def test_help_is_there_at_once() -> None:
    # CPU seconds, best of five in turn beside what it is made with: a busy machine is no fault of the command
    made_with = [sys.executable, "-c", "import typer, rich.console, rich.table, rich.markdown, rich.panel"]
    helping = [sys.executable, "-m", "quintet.app.cli", "--help"]
    taken = [(cpu_seconds(made_with), cpu_seconds(helping)) for _ in range(5)]
    assert min(help_s for _, help_s in taken) < 3 * min(made_s for made_s, _ in taken)


def cpu_seconds(command: list[str]) -> float:
    """Of a process from its start to its end."""
    before = os.times()
    subprocess.run(command, capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_help_lists_every_command(quintet: Quintet) -> None:
    said = quintet("--help")
    assert said.code == 0
    for name in ("backtest", "runs", "data", "tape", "stages", "config", "verify", "doctor", "warm"):
        assert name in said.out


@pytest.mark.parametrize("group", ["runs", "data", "tape", "stages", "config", "verify"])
def test_a_group_alone_shows_its_help(quintet: Quintet, group: str) -> None:
    said = quintet(group)
    assert said.code == 2
    assert "Commands" in said.out + said.err


def test_the_version_is_told(quintet: Quintet) -> None:
    assert quintet("--version").out == f"quintet {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("quintet ba", "backtest"),
        ("quintet runs ", "list show compare"),
        ("quintet backtest str", "structure_mm"),
        ("quintet backtest structure_mm --fill-policy pess", "pessimistic"),
    ],
)
def test_the_shell_completes_words(typed: str, offered: str) -> None:
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_QUINTET_COMPLETE": "complete_bash"}
    command = [str(Path(sys.executable).with_name("quintet"))]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True)
    assert done.stdout.split() == offered.split()


def test_a_fault_of_ours_is_owned_and_says_how_to_report_it(
    quintet: Quintet, engine: CountingEngine, candles: Path
) -> None:
    engine.error = ZeroDivisionError("division by zero")
    said = quintet("backtest", "structure_mm", "--data", candles, "--json")
    assert said.code == 3
    assert said.out == ""
    assert "internal error: ZeroDivisionError" in said.err
    assert "report" in said.err
    assert "Traceback" not in said.err


def test_the_traceback_is_there_for_who_asks(
    quintet: Quintet, engine: CountingEngine, candles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUINTET_DEBUG", "1")
    engine.error = ZeroDivisionError("division by zero")
    assert "Traceback" in quintet("backtest", "structure_mm", "--data", candles).err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Complaint("bad", where="here", found="x", expected="y"), 2),
        (Damaged("block 3"), 2),
        (FileNotFoundError(2, "No such file or directory", "a.csv"), 2),
        (DefinitionError("a field name"), 3),
        (InvariantError("the impossible"), 3),
        (ValueError("a bug"), 3),
        (KeyboardInterrupt(), 130),
        (typer.Exit(1), 1),
    ],
)
def test_every_kind_of_end_has_its_exit_code(error: BaseException, code: int) -> None:
    app = typer.Typer(cls=CalmGroup)

    @app.callback()
    def _root() -> None:
        """A group with one command."""

    @app.command()
    def stop() -> None:
        raise error

    assert CliRunner().invoke(app, ["stop"]).exit_code == code


def test_a_complaint_is_one_calm_block() -> None:
    complaint = Complaint(
        "unknown key", where="a.toml, [risk]", found="rte", expected="rate", hint="did you mean rate?"
    )
    assert complaint.block() == (
        "unknown key\n  where     a.toml, [risk]\n  found     rte\n  expected  rate\n  did you mean rate?"
    )


def test_only_a_near_word_is_suggested() -> None:
    assert did_you_mean("latencyms", ["latency_ms", "spread_bps"]) == "did you mean latency_ms?"
    assert did_you_mean("zebra", ["latency_ms", "spread_bps"]) == ""


def test_json_has_no_numbers_that_json_has_not(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"a": float("nan"), "b": float("inf"), "c": (1, 2.5), "d": Path("x"), "e": {1: True}})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": None, "c": [1, 2.5], "d": "x", "e": {"1": True}}


def test_short_work_passes_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("a moment"):
        pass
    assert capsys.readouterr().err == ""


def test_long_work_says_what_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "PATIENCE_S", 0.01)
    with progress("reading candles") as report:
        report(1, 2)
        time.sleep(0.2)
    assert capsys.readouterr() == ("", "quintet: reading candles ...\n")


def test_colours_are_left_out_when_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert messages.colored("error:", "1;31") == "error:"
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[" in messages.colored("error:", "1;31")
