"""`make test`: three passes at once, and a failure in any of them is a failure."""

from pathlib import Path

import pytest

from tools import suite


@pytest.fixture
def passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for pytest: each pass answers with the number its file holds (suite, jit_off, bounds)."""
    script = tmp_path / "stand_in.sh"
    script.write_text(
        'case "$*" in *jit_off*) who=jit_off;; *bounds*) who=bounds;; *) who=suite;; esac\n'
        f'echo "$who was run, JIT $NUMBA_DISABLE_JIT, bounds $NUMBA_BOUNDSCHECK"; exit $(cat {tmp_path}/$who)\n'
    )
    monkeypatch.setattr(suite, "pytest", lambda: ["sh", str(script)])
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    for who in ("suite", "jit_off", "bounds"):
        (tmp_path / who).write_text("0")
    return tmp_path


def test_three_passes_are_run_each_with_its_own_settings(passes: Path, capfd: pytest.CaptureFixture[str]):
    assert suite.main([]) == 0
    said = capfd.readouterr().out.splitlines()
    assert "suite was run, JIT , bounds " in said
    assert "jit_off was run, JIT 1, bounds " in said
    assert "bounds was run, JIT , bounds 1" in said
    assert said[-1].startswith("quintet: passed in ")


@pytest.mark.parametrize("who", ["suite", "jit_off", "bounds"])
def test_a_failure_anywhere_is_a_failure(passes: Path, capfd: pytest.CaptureFixture[str], who: str):
    (passes / who).write_text("1")
    assert suite.main([]) == 1
    said = capfd.readouterr().out
    assert all(f"{each} was run" in said for each in ("suite", "jit_off", "bounds"))
    assert said.splitlines()[-1].startswith("quintet: FAILED in ")


def test_files_are_chosen_by_the_mark_they_bear(tmp_path: Path):
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "test_one.py").write_text("@pytest.mark.jit_off\ndef test(): ...\n")
    (tmp_path / "test_two.py").write_text("def test(): ...\n")
    (tmp_path / "notes.py").write_text("mark.jit_off\n")
    assert suite.marked("jit_off", tmp_path) == [str(tmp_path / "room" / "test_one.py")]
