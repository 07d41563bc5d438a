"""What one seed of one part came to, and where the finished ones are kept."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

KEPT_AT: Final = Path(".storm/finished.jsonl")
FINDINGS_SHOWN: Final = 5


@dataclass
class Outcome:
    """One seed. `stories`: how many runs it was; `counts`: what else was counted, by name; `code`: of which source."""

    part: str
    seed: int
    stories: int = 0
    findings: list[str] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    code: str = ""

    def count(self, name: str, number: float = 1) -> None:
        """So much more of something."""
        self.counts[name] = self.counts.get(name, 0) + number

    def find(self, what: str, findings: Iterable[str]) -> None:
        """Note what is wrong with one story."""
        found = list(findings)
        self.findings += [f"{what}: {one}" for one in found[:FINDINGS_SHOWN]]
        if len(found) > FINDINGS_SHOWN:
            self.findings.append(f"{what}: and {len(found) - FINDINGS_SHOWN} more")


class Finished:
    """The file of what is done. A seed of the same part and the same code is not run again."""

    def __init__(self, path: Path, code: str) -> None:
        self._path = path
        self._code = code
        self.outcomes: dict[tuple[str, int], Outcome] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                one = Outcome(**json.loads(line))
                if one.code == code:
                    self.outcomes[one.part, one.seed] = one

    def has(self, part: str, seed: int) -> bool:
        """Is it done?"""
        return (part, seed) in self.outcomes

    def keep(self, outcome: Outcome) -> None:
        """One more is done."""
        outcome.code = self._code
        self.outcomes[outcome.part, outcome.seed] = outcome
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")
