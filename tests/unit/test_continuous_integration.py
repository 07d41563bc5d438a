"""Continuous integration runs what a person runs, and tells the truth about it."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_with_a_make_that(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run `.ci/run` with a stand-in for make that runs `script` with the target in $1."""
    stand_in = tmp_path / "make"
    stand_in.write_text(f"#!/bin/sh\n{script}\n")
    stand_in.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    return subprocess.run([ROOT / ".ci/run"], env=environment, capture_output=True, text=True, check=False)


def test_both_check_and_test_are_run_in_order_and_know_where_they_are(tmp_path: Path):
    done = run_with_a_make_that(tmp_path, 'echo "$1 CI=$CI in $PWD"')
    assert done.stdout.splitlines() == [f"check CI=true in {ROOT}", f"test CI=true in {ROOT}"]
    assert done.returncode == 0


@pytest.mark.parametrize("target", ["check", "test"])
def test_a_failure_keeps_its_exit_code(tmp_path: Path, target: str):
    done = run_with_a_make_that(tmp_path, f'[ "$1" != {target} ] || exit 7')
    assert done.returncode == 7
