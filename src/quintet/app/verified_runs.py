"""The same backtest in processes of its own, and what all of them must have in common."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from quintet.app.messages import BAD_INPUT, Complaint, note

INTERRUPTIONS: Final = 20
"""How often a run is stopped, written to bytes and taken up again in a new world."""

INTERRUPTION_SEED: Final = 20260101

_NO_PAGES: Final = ("--set", "report.html=false", "--set", "report.robustness=off")
"""What a proof has no use for, and what takes most of a run's time."""

_COMPARED: Final = ("hashes", "interval", "metrics", "figures", "conservation")


class Check(NamedTuple):
    """One thing that was tried."""

    name: str
    ok: bool
    detail: str


def child(
    words: Sequence[str], out: Path, settings: Mapping[str, str], more: Sequence[str] = _NO_PAGES
) -> dict[str, Any]:
    """One backtest in a process of its own; raises Complaint with the child's words when it fails."""
    command = [sys.executable, "-m", "quintet.app.cli", *words, *more, "--out", str(out), "--json"]
    environment = {**os.environ, "QUINTET_LEDGER": str(out.parent / "trials.sqlite"), **settings}  # a proof is no trial
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        outcome: dict[str, Any] = json.loads(done.stdout)
        return outcome
    note(done.stderr.rstrip())
    if done.returncode == BAD_INPUT:
        raise Complaint(
            "the backtest was refused",
            where=" ".join(words),
            found="the message above",
            expected="a backtest that runs",
        )
    raise RuntimeError(f"the backtest ended with exit code {done.returncode}: {' '.join(words)}")


def compare(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Check:
    """Equal when every hash and every figure is."""
    differing = [part for part in _COMPARED if one.get(part) != other.get(part)]
    if not differing:
        return Check(name, True, _short(one["hashes"]))
    return Check(name, False, "; ".join(f"{part}: {one.get(part)} and {other.get(part)}" for part in differing))


def _short(hashes: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value[:16]}" for name, value in hashes.items())
