"""What two runs have in common and what not: configuration, figures, hashes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from quintet.storage.run_folders import RunSummary

ABSENT: Final = "-"


class Pair(NamedTuple):
    """One name with its value in either run; None where a run has none."""

    name: str
    first: Any
    second: Any

    @property
    def differs(self) -> bool:
        """True when the two are not the same."""
        return bool(self.first != self.second)


class Comparison(NamedTuple):
    """Two runs side by side: differing keys of the configuration, all single figures, hashes."""

    config: tuple[Pair, ...]
    figures: tuple[Pair, ...]
    hashes: tuple[Pair, ...]

    @property
    def same_market(self) -> bool:
        """True when both ran over the same tape, so that their figures can be compared at all."""
        return not any(pair.differs for pair in self.hashes if pair.name == "tape")


def compare(first: RunSummary, second: RunSummary) -> Comparison:
    """Of two readable runs."""
    config = [pair for pair in pairs(_leaves(first, "config"), _leaves(second, "config")) if pair.differs]
    figures = pairs(_figures(first.metrics), _figures(second.metrics))
    hashes = pairs(first.manifest.get("hashes", {}), second.manifest.get("hashes", {}))
    return Comparison(tuple(config), tuple(figures), tuple(hashes))


def pairs(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Pair]:
    """One for each name of either, in the order of the first, then what only the second has."""
    names = dict.fromkeys([*first, *second])
    return [Pair(name, first.get(name), second.get(name)) for name in names]


def _leaves(run: RunSummary, part: str) -> dict[str, Any]:
    """A nested object of a manifest by dotted key; the system counts as a key too."""
    leaves = dict(_walk(run.manifest.get(part, {}), ""))
    return {"system": run.manifest.get("system"), **leaves}


def _walk(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _walk(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Single figures, those of the interval first."""
    figures = {**metrics.get("interval", {}), **metrics.get("metrics", {})}
    return {name: value for name, value in figures.items() if not isinstance(value, dict | list)}
