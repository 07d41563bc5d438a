"""What `make bench` is for: the goals as ratios, the table of what was found, and the file it is kept in."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import peers

FOLDER: Final = Path(__file__).with_name("results")


class Goal(NamedTuple):
    """One line of the table. `part`: under which key of its goal the ratio stands."""

    goal: str
    part: str
    what: str
    at_least: float
    stretch: float | None = None


GOALS: Final = (
    Goal("G1", "ratio", "W1, market making on ticks: hftbacktest's best configuration", 5, 8),
    Goal("G1", "nautilus", "W1: NautilusTrader", 300),
    Goal("G2", "ratio", "64 sets of W1 over one tape: 64 runs of hftbacktest", 30, 50),
    Goal("G3", "ratio", "W4, 1,000 sets on 100,000 bars: vectorbt", 100, 150),
    Goal("G4", "ratio", "indicators bar by bar: talipp", 50),
    Goal("G4", "nautilus", "indicators bar by bar: NautilusTrader", 20),
    Goal("G5", "ratio", "process start to the first tick backtest, warm cache: hftbacktest", 8),
    Goal("G6", "ratio", "a system in plain Python on W1: NautilusTrader", 10),
    Goal("latency", "nautilus", "frame to encoded order, p50 and p99: NautilusTrader's Bybit adapter", 2),
    Goal("latency", "ccxt", "frame to encoded order, p50 and p99: ccxt.pro", 2),
    Goal("tape", "ratio", "the columns W1 uses, read from a tape: np.sum over the same bytes", 0.5, 0.8),
)


@dataclass
class Found:
    """What was found of one goal: `equal` and `figures` of each part that was measured."""

    equal: bool
    figures: dict[str, Any]


def table(found: dict[str, Found]) -> list[str]:
    """The lines for people: ratio, goal, and whether what was compared was equal."""
    lines = [f"  {'':<8}{'':<72}{'ratio':>8}{'goal':>7}{'stretch':>9}"]
    for goal in GOALS:
        measured = found.get(goal.goal)
        ratio = measured.figures.get(goal.part) if measured is not None else None
        if measured is None or ratio is None:
            lines.append(f"  {goal.goal:<8}{goal.what:<72}{'-':>8}{goal.at_least:>7g}   not measured")
            continue
        verdict = "met" if ratio >= goal.at_least else "MISSED"
        verdict += "" if measured.equal else ", results DIFFER"
        stretch = f"{goal.stretch:>9g}" if goal.stretch is not None else f"{'':>9}"
        lines.append(f"  {goal.goal:<8}{goal.what:<72}{ratio:>8.3g}{goal.at_least:>7g}{stretch}   {verdict}")
    return lines


def save(found: dict[str, Found], folder: Path = FOLDER) -> Path:
    """Keep what was found in the file of this kind of machine; goals that were not measured now keep their figures."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{machine_name()}.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept |= {name: {**each.figures, "equal": each.equal} for name, each in found.items()}
    kept |= {"versions": versions(), "machine": machine()}
    path.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n")
    return path


def versions() -> dict[str, str]:
    """Of Python, of what we are made of, and of the peers that are at hand."""
    ours = {name: version(name) for name in ("quintet", "numba", "llvmlite", "numpy")}
    there = [package for peer, package in peers.PACKAGES.items() if peers.python_of(peer) is not None]
    return {"python": platform.python_version(), **ours, **dict(package.split("==") for package in there)}


def machine() -> dict[str, str]:
    """What a ratio may depend on."""
    return {"processor": processor(), "system": platform.system(), "architecture": platform.machine()}


def machine_name() -> str:
    """The processor's name in letters that a file may bear."""
    words = "".join(letter if letter.isalnum() else " " for letter in f"{processor()} {platform.machine()}")
    return "-".join(words.lower().split())


def processor() -> str:
    """As the system calls it; where that says nothing, its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    pairs = [line.partition(":") for line in reversed(lines)]
    told = {name.strip(): value.strip() for name, _, value in pairs}
    if "model name" not in told:
        return platform.processor() or platform.machine()
    numbers = " ".join(
        f"{name} {told[key]}" for name, key in (("family", "cpu family"), ("model", "model")) if key in told
    )
    return f"{told['model name']}, {numbers}"
