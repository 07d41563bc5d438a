"""`quintet verify determinism`: what is tried, and that a difference is found."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from quintet.app import verify_commands, wiring
from quintet.app.backtests import Job
from quintet.app.messages import Complaint
from tests.fakes.command_line import Quintet

HASHES = {"tape": "a" * 64, "commands": "b" * 64, "state": "c" * 64}
EQUAL = {"hashes": HASHES, "metrics": {"fills": 3}, "interval": {"headline_policy": "olhc"}}


class Children:
    """Backtests in other processes, told what to answer: a different outcome where the settings say so."""

    def __init__(self) -> None:
        self.tried: list[tuple[list[str], Mapping[str, str]]] = []
        self.differs_with: tuple[str, str] | None = None

    def __call__(self, words: Sequence[str], out: Path, settings: Mapping[str, str]) -> dict[str, Any]:
        self.tried.append((list(words), settings))
        out.mkdir()
        (out / "desk.tape").write_bytes(b"desk")
        if self.differs_with in settings.items():
            return EQUAL | {"metrics": {"fills": 4}}
        return dict(EQUAL)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    made = Children()
    monkeypatch.setattr(verify_commands, "child", made)
    monkeypatch.setattr(wiring, "replayer", lambda: lambda path: "b" * 64)
    monkeypatch.setattr(wiring, "interrupter", lambda: lambda job, policy, count, seed: HASHES)
    return made


def test_seeds_compilation_and_replay_are_all_tried(quintet: Quintet, children: Children) -> None:
    said = quintet("verify", "determinism", "--slice-bars", 400, "--json")
    assert said.code == 0, said.err
    assert said.json["ok"] is True
    assert [check["ok"] for check in said.json["checks"]] == [True, True, True, True]
    settings = [each for _, each in children.tried]
    assert settings[0] != settings[1]
    assert {"NUMBA_DISABLE_JIT": "1"} in settings
    assert children.tried[2][0][-2:] == ["--bars", "400"]


@pytest.mark.parametrize("setting", [("PYTHONHASHSEED", "4242"), ("NUMBA_DISABLE_JIT", "1")])
def test_a_difference_is_found_and_is_no_success(
    quintet: Quintet, children: Children, setting: tuple[str, str]
) -> None:
    children.differs_with = setting
    said = quintet("verify", "determinism", "--json")
    assert said.code == 1
    assert said.json["ok"] is False
    assert quintet("verify", "determinism").out.count("DIFFERS") == 1


def test_a_replay_that_gives_other_commands_is_no_success(
    quintet: Quintet, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "replayer", lambda: lambda path: "d" * 64)
    assert quintet("verify", "determinism").code == 1


def test_the_headline_policy_is_interrupted_and_a_run_that_does_not_resume_is_no_success(
    quintet: Quintet, children: Children, candles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def interrupted(job: Job, policy: str, count: int, seed: int) -> Mapping[str, str]:
        asked.append((policy, count))
        assert job.tape.n_positions > 40
        return HASHES | {"state": "e" * 64}

    monkeypatch.setattr(wiring, "interrupter", lambda: interrupted)
    said = quintet("verify", "determinism", "--data", candles)
    assert said.code == 1
    assert asked == [("olhc", verify_commands.INTERRUPTIONS)]
    assert "DIFFERS  stopped at 20 places, written to bytes, resumed in a new world (olhc)" in said.out


def test_the_market_is_handed_on(quintet: Quintet, children: Children, candles: Path) -> None:
    quintet("verify", "determinism", "--data", candles, "--set", "execution.latency_ms=1", "--bars", 30)
    words = children.tried[0][0]
    assert words[:2] == ["backtest", "structure_mm"]
    for pair in (["--data", str(candles)], ["--set", "execution.latency_ms=1"], ["--bars", "30"]):
        assert " ".join(pair) in " ".join(words)
    # and the slice is not longer than what was asked for
    assert children.tried[2][0][-2:] == ["--bars", "30"]
    assert children.tried[2][0].count("--bars") == 1


def test_a_child_that_refuses_its_input_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Complaint, match="refused"):
        verify_commands.child(["backtest", "structur_mm"], tmp_path / "out", {})
    assert "did you mean structure_mm?" in capsys.readouterr().err
