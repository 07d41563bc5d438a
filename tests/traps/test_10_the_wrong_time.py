"""Trap 10: a stamp of the open read as the end, a local clock, a file that was mended. Times are UTC, nothing mends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from quintet.core.errors import DataError
from quintet.core.events import BAR_OPEN, FEED_GAP, TIMEFRAME_NUMBER
from quintet.core.instrument import DEFAULT_SPOT
from quintet.research.moments import known_at
from quintet.storage.candle_check import check_candles
from quintet.storage.candle_cuts import read_rows
from quintet.storage.candle_files import read_candles
from tests.leaks import Import, importing, one_bar_early, write_market

FIVE_MINUTES = TIMEFRAME_NUMBER["5m"]


def check(imported: Import, path: Path) -> list[str]:
    """Bars of a file that are on the tape before they had closed, or later than that."""
    tape, closed_ns = imported([path]), read_rows(path).known_ns
    rows, in_file = np.asarray(tape.event_rows()), read_candles(path, DEFAULT_SPOT).bars.close
    opens = np.flatnonzero((rows["kind"] == BAR_OPEN) & (rows["bits"] >> 1 == FIVE_MINUTES))
    on_tape = rows["price"][opens + 1]
    first = next(n for n in range(len(in_file)) if (in_file[n : n + 9] == on_tape[:9]).all())
    return [f"bar {n}" for n in np.flatnonzero(known_at(rows)[opens] != closed_ns[first:][: len(opens)])]


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    return write_market(tmp_path / "coin_5m.csv")


def test_a_bar_is_known_when_it_has_closed(candles: Path):
    assert check(importing(), candles) == []


def test_a_bar_known_one_bar_early_is_found_and_changes_the_hash(candles: Path):
    assert len(check(importing(one_bar_early), candles)) > 500
    assert importing(one_bar_early)([candles]).hash != importing()([candles]).hash


# ---- local clocks ------------------------------------------------------------------------------------------------


def hours(zone: str, first: datetime, count: int, path: Path) -> Path:
    """Hourly candles that bear the wall clock of a place."""
    lines = ["time,open,high,low,close,volume"]
    for n in range(count):
        local = (first + timedelta(hours=n)).astimezone(ZoneInfo(zone))
        lines.append(f"{local:%Y-%m-%d %H:%M:%S},3000.00,3001.00,2999.00,3000.00,1")
    path.write_text("\n".join(lines) + "\n")
    return path


def oddities(path: Path) -> set[str]:
    return {finding.kind for finding in check_candles(path).findings}


@pytest.mark.parametrize(
    ("day", "what"), [((2025, 3, 29), "gap"), ((2025, 10, 25), "duplicate stamp")], ids=["spring", "autumn"]
)
def test_a_local_clock_shows_itself_twice_a_year(tmp_path: Path, day: tuple[int, int, int], what: str):
    first = datetime(*day, tzinfo=UTC)
    assert oddities(hours("UTC", first, 48, tmp_path / "utc.csv")).isdisjoint({"gap", "duplicate stamp"})
    assert what in oddities(hours("Europe/Berlin", first, 48, tmp_path / "berlin.csv"))


def test_a_leap_day_is_a_day(tmp_path: Path):
    path = hours("UTC", datetime(2024, 2, 28, tzinfo=UTC), 72, tmp_path / "leap.csv")
    assert oddities(path).isdisjoint({"gap", "duplicate stamp"})
    assert len(read_candles(path, DEFAULT_SPOT).bars) == 72


# ---- mended files ------------------------------------------------------------------------------------------------


def test_holes_are_counted_and_left_open(tmp_path: Path):
    path = write_market(tmp_path / "holes_5m.csv", without=(100, 101, 102, 300))
    (gap,) = [finding for finding in check_candles(path).findings if finding.kind == "gap"]
    assert gap.count == 2
    assert gap.meaning.startswith("4 bars are missing in all, 3 in the largest hole")
    rows = importing()([path]).event_rows()
    assert sorted(rows["quantity"][(rows["kind"] == FEED_GAP) & (rows["bits"] >> 1 == FIVE_MINUTES)].tolist()) == [1, 3]


def test_a_row_that_was_written_twice_is_refused(tmp_path: Path):
    path = write_market(tmp_path / "twice_5m.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:50], lines[49], *lines[50:]]) + "\n")
    with pytest.raises(DataError, match="row 50 .*expected a stamp that is not in an earlier row"):
        read_candles(path, DEFAULT_SPOT)
