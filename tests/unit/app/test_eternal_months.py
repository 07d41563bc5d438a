"""A month of a portfolio on one page: written once, from its days alone."""

from decimal import Decimal
from pathlib import Path

import pytest

from quintet.app.eternal_months import months_over, page_of, write_reports
from quintet.research.eternal_conductor import DayMark
from quintet.systems.eternal.cycle import Said
from quintet.systems.eternal.dates import day_of
from quintet.systems.eternal.said import Note

JANUARY = day_of(2026, 1, 1)
CENT = Decimal("0.01")


def mark(day: int, core: int, trend: int = 0, flows: dict[str, int] | None = None, status: str = "NORMAL") -> DayMark:
    return DayMark(day, {"CORE": core, "TREND-1": trend}, {}, "default", status, flows or {}, 0, 0)


def days(first: int, count: int) -> list[DayMark]:
    return [mark(day, 100_000 + 100 * (day - first)) for day in range(first, first + count)]


@pytest.mark.req("E-119")
def test_a_month_is_over_with_the_cycle_of_its_last_day_and_its_report_is_written_once(tmp_path: Path) -> None:
    assert write_reports(tmp_path, days(JANUARY, 30), [], CENT) == []
    [page] = write_reports(tmp_path, days(JANUARY, 31), [], CENT)
    assert page == tmp_path / "reports" / "2026-01.txt"
    assert write_reports(tmp_path, days(JANUARY, 32), [], CENT) == []
    assert [path.name for path in page.parent.iterdir()] == ["2026-01.txt"]


def test_whoever_slept_over_the_end_of_a_month_reports_it_when_alive_again() -> None:
    slept = [*days(JANUARY, 20), mark(JANUARY + 40, 105_000)]
    assert [(month.name, len(month.marks)) for month in months_over(slept, [])] == [("2026-01", 20)]


def test_a_single_day_before_the_first_month_is_no_month() -> None:
    assert list(months_over([mark(JANUARY - 1, 1)], [])) == []


def test_what_came_and_went_is_no_result() -> None:
    first, last = mark(JANUARY - 1, 10_000, 5_000), mark(JANUARY + 30, 12_500, 4_400, {"CORE": 2_000, "TREND-1": -500})
    [_, month] = months_over([mark(JANUARY - 2, 10_000, 5_000), first, last], [])
    rows = [line.split() for line in page_of(month, CENT).splitlines()]
    assert ["CORE", "125.00", "+20.00", "+5.00"] in rows
    assert ["TREND-1", "44.00", "-5.00", "-1.00"] in rows
    assert ["together", "169.00", "+15.00", "+4.00"] in rows


def test_alarms_are_counted_and_quiet_notes_are_not() -> None:
    loud = Said(stage="risk", account="FUNDING", note=Note(kind="paused", alert=True))
    quiet = Said(stage="risk", account="FUNDING", note=Note(kind="entered"))
    log = [(JANUARY + 3, loud), (JANUARY + 4, quiet), (JANUARY + 5, loud), (JANUARY + 31, loud)]
    [month] = months_over(days(JANUARY, 31), log)
    assert "alarms: FUNDING paused 2\n" in page_of(month, CENT)
