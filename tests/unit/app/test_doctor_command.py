"""`quintet doctor` and `quintet warm`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from quintet.app import doctor_command
from tests.fakes.command_line import CountingEngine, Quintet


def test_a_fit_machine_is_told_so(quintet: Quintet) -> None:
    said = quintet("doctor", "--json")
    assert said.code == 0, said.out
    assert said.json["ok"] is True
    names = {check["name"] for check in said.json["checks"]}
    assert {"python", "numba", "kernel cache", "workspace", "disk", "clock", "processor", "arithmetic"} <= names
    assert "well" in quintet("doctor").out


def test_a_workspace_that_cannot_be_written_is_found(
    quintet: Quintet, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "taken").write_text("a file")
    monkeypatch.setenv("QUINTET_WORKSPACE", str(place / "taken"))
    said = quintet("doctor", "--json")
    assert said.code == 1
    assert [check["name"] for check in said.json["checks"] if not check["ok"]] == ["workspace"]


def test_a_full_disk_is_found(quintet: Quintet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_command, "DISK_FREE_MIN_BYTES", 10**18)
    said = quintet("doctor")
    assert said.code == 1
    assert "NOT WELL  disk" in said.out


def test_warming_runs_everything_once_and_keeps_no_run(
    quintet: Quintet, engine: CountingEngine, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    said = quintet("warm", "--json")
    assert said.code == 0, said.err
    assert said.json["ok"] is True
    assert [job.system.name for job in engine.jobs] == ["structure_mm", "onlooker"]
    assert not (place / "workspace").exists()


def test_on_two_processors_the_other_loop_is_compiled_beside_and_asked_for_here_at_the_end(
    quintet: Quintet, engine: CountingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Beside:
        """A process that comes to nothing."""

        def __init__(self, target: Callable[[], None]) -> None:
            seen.append(target.__name__)

        def start(self) -> None:
            seen.append("started")

        def join(self) -> None:
            seen.extend(job.system.name for job in engine.jobs)

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("multiprocessing.context.SpawnContext.Process", Beside)
    assert quintet("warm", "--json").code == 0
    assert seen == ["_compile_in_silence", "started", "structure_mm"]
    assert engine.jobs[-1].system.name == "onlooker"
