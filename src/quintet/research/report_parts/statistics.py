"""The statistics a specification asks for, read from a run's metrics into small tables.

A system that does not count such things has none of these tables.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

Metrics = Mapping[str, Any]

WORDS: Final = {
    "potential": "BOS up, potential",
    "confirmed": "BOS up, confirmed",
    "bos_down": "BOS down",
    "choch_up": "change of character, up",
    "choch_down": "change of character, down",
}
"""What a reader sees for a short key."""


class Share(NamedTuple):
    """A state or policy: percent of structure bars spent in it, and how often it was entered."""

    name: str
    percent: float
    entries: int


def shares(metrics: Metrics, kind: str, names: Sequence[str]) -> list[Share]:
    """One row a name, from `{kind}_{name}_pct` and `{kind}_{name}_entries`; empty when they are not counted."""
    keys = [f"{kind}_{name.lower()}" for name in names]
    if not all(f"{key}_pct" in metrics for key in keys):
        return []
    return [
        Share(name, float(metrics[f"{key}_pct"]), int(metrics.get(f"{key}_entries", 0)))
        for name, key in zip(names, keys, strict=True)
    ]


def counts(metrics: Metrics, prefix: str) -> dict[str, int]:
    """Everything counted under a prefix, in words; what never happened stays in, as 0."""
    found = {key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)}
    return {WORDS.get(name, name.replace("_", " ")): value for name, value in found.items() if isinstance(value, int)}
