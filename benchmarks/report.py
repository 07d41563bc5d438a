"""What was compared and what was measured, said as it comes and kept for the table at the end."""

import statistics
from dataclasses import dataclass, field
from typing import Any

from benchmarks.goals import Found


@dataclass
class Report:
    """Comparisons and figures so far. `goal`: which one the next comparison belongs to, empty for none."""

    checks: int = 0
    differences: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Found] = field(default_factory=dict)
    goal: str = ""

    def compare(self, what: str, ours: Any, theirs: Any) -> None:
        """Say that two results are equal, or keep the difference."""
        self.checks += 1
        if ours == theirs:
            print(f"  equal   {what}", flush=True)
            return
        self.differences.append(what)
        self._found().equal = False
        print(f"  DIFFERS {what}\n          ours   {ours}\n          theirs {theirs}", flush=True)

    def ratio(
        self, name: str, what: str, rows: int, ours: list[float], theirs: list[float], goal: float, part: str = ""
    ) -> None:
        """Print rows per CPU second of both and how many times ours is theirs; medians. `part`: of the goal at hand."""
        mine, other = statistics.median(ours), statistics.median(theirs)
        self.figures[name] = {"ours": rows / mine, "theirs": rows / other, "ratio": other / mine, "goal": goal}
        print(
            f"  {what}: {rows / mine / 1e6:.3g} M against {rows / other / 1e6:.3g} M a CPU second, "
            f"{other / mine:.3g} times (goal {goal:g})",
            flush=True,
        )
        if part:
            self.keep(**{part: other / mine})

    def alone(self, name: str, what: str, rows: int, ours: list[float]) -> None:
        """Print our own figure where no peer is at hand."""
        mine = statistics.median(ours)
        self.figures[name] = {"ours": rows / mine}
        print(f"  {what}: {rows / mine / 1e6:.1f} M a CPU second; no peer to compare with", flush=True)

    def keep(self, **figures: float) -> None:
        """Figures of the goal at hand, for the table and its file."""
        self._found().figures.update({name: round(value, 4) for name, value in figures.items()})

    def _found(self) -> Found:
        return self.found.setdefault(self.goal, Found(True, {}))
