"""Trials made by hand: of no real system, on no real market."""

import hashlib
from typing import Any

from quintet.storage.trial_records import Trial


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def a_trial(**changes: Any) -> Trial:
    """One evaluation; every keyword replaces a field."""
    usual: dict[str, Any] = {
        "system": "invented",
        "source": digest("source"),
        "parameters": {"fast": 5, "slow": 20.5},
        "conditions": {"execution": {"latency_ms": 250}},
        "data": digest("market"),
        "first_ns": 0,
        "last_ns": 86_400_000_000_000,
        "policies": ("pessimistic", "optimistic"),
        "sharpe": 0.05,
        "periods": 300,
        "door": "test",
    }
    return Trial(**usual | changes)


def trials(count: int) -> list[Trial]:
    """Distinct trials on one market, their ratios 0.00, 0.01, 0.02 ..."""
    return [a_trial(parameters={"n": n}, sharpe=n / 100) for n in range(count)]
