"""An engine that only counts, and what a typed command says back."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from quintet.app.backtests import Job
from quintet.storage.trial_records import Trial
from tests.trial_rows import a_trial


@dataclass
class CountingResult:
    """What an engine gives back, made from the tape's hash alone."""

    hashes: dict[str, str]
    metrics: dict[str, Any] = field(default_factory=lambda: {"fills": 0, "net_return_frac": -0.01})
    interval: dict[str, Any] = field(default_factory=lambda: {"low_frac": -0.02, "high_frac": 0.01})
    conservation: int = 0
    assumptions: tuple[str, ...] = ("a resting order fills only when the price trades through it",)
    parameters: dict[str, Any] = field(default_factory=dict)
    ticks: None = None
    instruments: tuple[Any, ...] = ()
    executions: tuple[Any, ...] = ()

    @property
    def daily_returns(self) -> list[float]:
        return [0.01, -0.02, 0.01]

    def trial(self, door: str, run: str = "") -> Trial:
        facts = {"system": "structure_mm", "data": self.hashes["tape"], "parameters": self.parameters}
        return a_trial(**facts, door=door, run=run, sharpe=0.0, periods=3)

    @property
    def tables(self) -> dict[str, dict[str, list[int]]]:
        return {
            name: {"ts_ns": [1, 2], "position": [10, 20]} for name in ("orders", "fills", "equity", "events", "curves")
        }

    def write_desk_tape(self, path: Path, created_ns: int, tool_version: str) -> None:
        path.write_bytes(b"desk")


class CountingEngine:
    """Remembers its jobs; fails when it is told to."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.error: Exception | None = None
        self.conservation = 0

    def __call__(self, job: Job) -> CountingResult:
        if self.error is not None:
            raise self.error
        self.jobs.append(job)
        commands = hashlib.sha256(job.tape.hash.encode()).hexdigest()
        hashes = {"tape": job.tape.hash, "commands": commands, "state": commands[::-1]}
        parameters = msgspec.to_builtins(job.config.system.structure_mm)
        return CountingResult(hashes, conservation=self.conservation, parameters=parameters)


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Quintet = Callable[..., Said]
