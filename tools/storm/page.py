"""What the storm has seen, as a table for the terminal and as docs/storm.md."""

import os
import platform
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.storm.bugs import BUGS
from tools.storm.checker import LAWS
from tools.storm.outcome import Finished, Outcome
from tools.storm.parts import PARTS

PAGE: Final = Path("docs/storm.md")
COLUMNS: Final = ("part", "plan", "what", "seeds", "stories", "seen", "broken", "minutes")

HEAD: Final = """# The storm

*Written by `make storm` from what it saw; never by hand.*

A desk and an exchange live in one process, in a time that passes at once, and everything goes wrong that can. The desk
is the one of `quintet trade`, the exchange is the sandbox; only clocks, dice, disk and lines are others. Afterwards a
checker that shares no line with the desk reads the exchange's own history and the bytes of the desk tape, and says
which of its laws were broken. A seed is a story: told again, it is the same to the last byte.

"""


def table(done: Finished) -> str:
    """One line for each part that has begun."""
    rows = [row for name in PARTS if (row := _row(name, _of(name, done)))]
    widths = [max(len(row[n]) for row in [COLUMNS, *rows]) for n in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [COLUMNS, *rows]]
    return "\n".join(lines)


def text(done: Finished) -> str:
    """The whole page."""
    rows = [row for name in PARTS if (row := _row(name, _of(name, done)))]
    parts = [HEAD, _machine(done), "## What was run\n\n", _table(COLUMNS, rows), "\n## The laws\n\n", _laws()]
    parts += ["\n## Planted bugs\n\n", _bugs(done), "\n## Where a desk died\n\n", _deaths(done), _findings(done)]
    return "".join(parts)


def _of(name: str, done: Finished) -> list[Outcome]:
    return [one for (part, _), one in sorted(done.outcomes.items()) if part == name]


def _row(name: str, outcomes: list[Outcome]) -> tuple[str, ...]:
    if not outcomes:
        return ()
    part = PARTS[name]
    seen = _counts(outcomes) if name not in ("bugs", "boundaries") else {}
    return (
        name, part.ids, part.what, f"{len(outcomes)} of {part.seeds}", str(sum(one.stories for one in outcomes)),
        ", ".join(f"{count:g} {what}" for what, count in seen.items()), str(sum(len(one.findings) for one in outcomes)),
        f"{sum(one.seconds for one in outcomes) / 60:.1f}",
    )  # fmt: skip


def _counts(outcomes: Iterable[Outcome]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for one in outcomes:
        counted.update({name: round(number) for name, number in one.counts.items()})
    return counted


def _machine(done: Finished) -> str:
    code = next((one.code for one in done.outcomes.values()), "nothing")
    return f"Code `{code}`, Python {platform.python_version()}, {os.cpu_count()} cores ({platform.machine()}).\n\n"


def _laws() -> str:
    return "".join(f"- **{name.replace('_', ' ')}.** {(law.__doc__ or '').strip()}\n" for name, law in LAWS.items())


def _bugs(done: Finished) -> str:
    found = [name.split("|") for one in _of("bugs", done) for name in one.counts]
    missed = [finding for one in _of("bugs", done) for finding in one.findings]
    rows = [(name, what, how.replace("|", "/")) for name, what, how in sorted(found)]
    head = f"{len(rows)} of {len(BUGS)} found.\n\n"
    return (
        head + _table(("bug", "what it does", "found by"), rows) + "".join(f"\n- **missed**: {one}" for one in missed)
    )


def _deaths(done: Finished) -> str:
    counted = _counts(_of("boundaries", done))
    rows = [(name, f"{counted[name]:g}") for name in sorted(counted) if name not in ("orders", "virtual s", "deaths")]
    return _table(("point", "deaths"), rows)


def _findings(done: Finished) -> str:
    found = [finding for one in done.outcomes.values() for finding in one.findings]
    if not found:
        return "\n## What was broken\n\nNothing.\n"
    return "\n## What was broken\n\n" + "".join(f"- {one}\n" for one in found)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"
