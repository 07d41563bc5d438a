"""What a portfolio has come to in a month, for people: written once, when the month is over, from its tapes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from quintet.research.eternal_conductor import DayMark
from quintet.systems.eternal.cycle import Said
from quintet.systems.eternal.dates import date_of

REPORTS: Final = "reports"
NAME_WIDTH: Final = 9


class Month(NamedTuple):
    """Its days as they stood at their cycles, the last before it, and what was said in it. `name`: 2026-01."""

    name: str
    before: DayMark | None
    marks: Sequence[DayMark]
    said: Sequence[Said]


def month_of(day: int) -> str:
    """The month that a day lies in, by its number since 1970."""
    return f"{date_of(day):%Y-%m}"


def months_over(marks: Sequence[DayMark], log: Sequence[tuple[int, Said]]) -> Iterator[Month]:
    """Every month that has ended by the last mark, oldest first; a single day that nothing preceded is none."""
    if not marks:
        return
    runs_on = month_of(marks[-1].day + 1)
    for name in sorted({month_of(mark.day) for mark in marks}):
        if name < runs_on:
            inside = [mark for mark in marks if month_of(mark.day) == name]
            earlier = [mark for mark in marks if mark.day < inside[0].day]
            said = [one for day, one in log if month_of(day) == name]
            if len(earlier) + len(inside) > 1:
                yield Month(name, earlier[-1] if earlier else None, inside, said)


def page_of(month: Month, quantum: Decimal) -> str:
    """The report; money in the quote asset. A first month is reckoned from its first day on."""
    first, last = month.before or month.marks[0], month.marks[-1]
    later = month.marks if month.before is not None else month.marks[1:]
    lines = [f"{month.name}: {len(month.marks)} daily cycles", ""]
    lines.append(f"{'':<{NAME_WIDTH}} {'equity':>14} {'came, went':>12} {'result':>12}")
    total = [0, 0, 0]
    for name, equity in last.equity.items():
        flow = sum(mark.flows.get(name, 0) for mark in later)
        row = (equity, flow, equity - first.equity.get(name, 0) - flow)
        total = [a + b for a, b in zip(total, row, strict=True)]
        lines.append(_row(name, row, quantum))
    lines += [_row("together", total, quantum), ""]
    regimes = Counter(mark.regime for mark in month.marks)
    lines.append("market: " + ", ".join(f"{name} {days} days" for name, days in sorted(regimes.items())))
    statuses = Counter(mark.status for mark in month.marks)
    lines.append("status: " + ", ".join(f"{name} {days} days" for name, days in sorted(statuses.items())))
    alerts = Counter((one.account, one.note.kind) for one in month.said if one.note.alert)
    named = [f"{account or 'all'} {kind} {count}" for (account, kind), count in sorted(alerts.items())]
    lines.append(f"alarms: {', '.join(named) or 'none'}")
    return "\n".join(lines) + "\n"


def _row(name: str, amounts: Sequence[int], quantum: Decimal) -> str:
    equity, flow, result = (amount * quantum for amount in amounts)
    return f"{name:<{NAME_WIDTH}} {equity:>14.2f} {flow:>+12.2f} {result:>+12.2f}"


def write_reports(
    folder: Path, marks: Sequence[DayMark], log: Sequence[tuple[int, Said]], quantum: Decimal
) -> list[Path]:
    """Write the report of each month that is over and has none yet; returns those that were written."""
    written = []
    for month in months_over(marks, log):
        path = folder / REPORTS / f"{month.name}.txt"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            draft = path.with_suffix(".draft")
            draft.write_text(page_of(month, quantum), encoding="utf-8")
            draft.replace(path)
            written.append(path)
    return written
