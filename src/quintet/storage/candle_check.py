"""What is odd in a candle file. Nothing is repaired: every finding says how often, where first, and what that means.

Findings that the importer would refuse come from its own rules. The rest is for a person to judge: a hole may be
the venue's maintenance, a spike may be a crash.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quintet.core.instrument import Instrument
from quintet.storage.candle_files import utc_text
from quintet.storage.candle_rules import Timing, broken_rules, describe, timing, whole_lots_down
from quintet.storage.candle_table import UNREADABLE, CandleTable, Numbers, Reading, read_table

SPIKE_MEDIANS: Final = 25.0
"""A bar whose farthest move from the previous close is this many times the usual one is a spike."""

SPIKE_WINDOW: Final = 288
"""Bars over which the usual move is the median: a day of five minutes."""

QUIET_BARS: Final = 3
"""So many bars in a row without volume are a run: a halt, a dead market, or filled-in holes."""

_DAY_NS: Final = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of oddity. `refused`: the importer would refuse the file for it."""

    kind: str
    refused: bool
    count: int
    first: str
    meaning: str


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file's own facts and everything found in it. Times are text in UTC, of bar opens; empty when unreadable."""

    path: Path
    sha256: str
    rows: int
    timeframe: str
    first_bar: str
    last_bar: str
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        """True when the importer would refuse the file."""
        return any(finding.refused for finding in self.findings)


def check_candles(path: Path, reading: Reading | None = None, instrument: Instrument | None = None) -> CheckedFile:
    """Look at every row of a candle file. Without an instrument the price grid is not checked.

    Raises DataError only for a file that holds no table of candles at all.
    """
    reading = reading or Reading()
    table = read_table(path, reading)
    when = timing(table, reading)
    refused = [
        Finding(broken.rule, True, len(broken.rows), describe(table, broken), "the importer refuses the file")
        for broken in broken_rules(table, when, instrument)
    ]
    odd = [finding for finding in _oddities(table, when, instrument) if finding.count]
    readable = when.ts_open[when.ts_open != UNREADABLE]
    return CheckedFile(
        path=path,
        sha256=table.sha256,
        rows=len(table),
        timeframe=when.timeframe,
        first_bar=utc_text(int(readable.min())) if len(readable) else "",
        last_bar=utc_text(int(readable.max())) if len(readable) else "",
        notes=table.notes + when.notes,
        findings=tuple(refused + odd),
    )


def _oddities(table: CandleTable, when: Timing, instrument: Instrument | None) -> Iterator[Finding]:
    yield _gaps(table, when)
    yield _quiet_runs(table)
    yield _spikes(table)
    if instrument is not None:
        yield _parts_of_lots(table, instrument)
    yield _end_stamps(when)
    yield _swapped_open_and_close(table)


def _gaps(table: CandleTable, when: Timing) -> Finding:
    steps = np.diff(when.ts_open)
    known = (when.ts_open[1:] != UNREADABLE) & (when.ts_open[:-1] != UNREADABLE)
    at = np.flatnonzero(known & (steps > when.step_ns))
    if not len(at):
        return _none("gap")
    missing = steps[at] // when.step_ns - 1
    first = f"{table.place(int(at[0]) + 1)}: {missing[0]} bars missing after {utc_text(int(when.ts_open[at[0]]))}"
    largest = int(missing.argmax())
    return Finding(
        "gap",
        False,
        len(at),
        first,
        f"{missing.sum()} bars are missing in all, {missing[largest]} in the largest hole "
        f"(after {utc_text(int(when.ts_open[at[largest]]))}); the tape will say so and higher bars are left out",
    )


def _quiet_runs(table: CandleTable) -> Finding:
    if "volume" not in table.columns:
        return _none("no volume")
    quiet = table.values["volume"] == 0
    begins, lengths = _runs(quiet)
    long = lengths >= QUIET_BARS
    if not long.any():
        return _none("no volume")
    first = int(begins[long][0])
    return Finding(
        "no volume",
        False,
        int(np.count_nonzero(long)),
        f"{table.place(first)}: {int(lengths[long][0])} bars in a row",
        f"{int(np.count_nonzero(quiet))} bars have no volume, {int(lengths.max())} in the longest run; "
        f"nothing can be filled there",
    )


def _spikes(table: CandleTable) -> Finding:
    """Robust on purpose: a median over the bars before is not moved by the spike itself, a deviation would be."""
    close, high, low = (table.values[name] for name in ("close", "high", "low"))
    before = close[:-1]
    with np.errstate(all="ignore"):
        farthest = np.maximum(high[1:] / before - 1.0, 1.0 - low[1:] / before)
    usual = _rolling_median(farthest)
    with np.errstate(invalid="ignore"):
        at = np.flatnonzero(farthest > SPIKE_MEDIANS * usual)
    if not len(at):
        return _none("spike")
    worst = int(at[np.argmax(farthest[at] / usual[at])])
    return Finding(
        "spike",
        False,
        len(at),
        f"{table.place(int(at[0]) + 1)}: {_moved(farthest, usual, int(at[0]))}",
        f"the largest is {_moved(farthest, usual, worst)} in row {int(table.frame['__row__'][worst + 1]) + 1}; "
        f"a bad print or a real crash, decide before trusting a stop",
    )


def _moved(farthest: Numbers, usual: Numbers, at: int) -> str:
    return f"{farthest[at] * 10_000:.0f} bp from the close before, usual is {usual[at] * 10_000:.1f} bp"


def _rolling_median(values: Numbers) -> Numbers:
    """Median of the window before each value; NaN while the window has too few, or where all of it stood still."""
    windowed = pl.Series(values).fill_nan(None).shift(1).rolling_median(SPIKE_WINDOW, min_samples=SPIKE_WINDOW // 4)
    usual = windowed.fill_null(float("nan")).to_numpy()
    return np.where(usual > 0, usual, np.nan)


def _parts_of_lots(table: CandleTable, instrument: Instrument) -> Finding:
    if "volume" not in table.columns:
        return _none("part of a lot")
    values = table.values["volume"]
    rest = whole_lots_down(np.where(np.isfinite(values), values, 0.0), instrument.lot_size)[1]
    at = np.flatnonzero(rest)
    if not len(at):
        return _none("part of a lot")
    first = int(at[0])
    where = f"{table.place(first)}: volume is {table.cell(first, 'volume')}"
    meaning = f"not whole lots of {instrument.lot_size}: the importer rounds down and counts"
    return Finding("part of a lot", False, len(at), where, meaning)


def _end_stamps(when: Timing) -> Finding:
    """A file that is cut at midnight shows what its stamps mean: opens begin at 00:00, ends stop there."""
    readable = when.ts_open[when.ts_open != UNREADABLE]
    if len(readable) < 2:
        return _none("stamps may be bar ends")
    begins_late = readable[0] % _DAY_NS == when.step_ns
    ends_at_midnight = readable[-1] % _DAY_NS == 0
    if not (begins_late and ends_at_midnight):
        return _none("stamps may be bar ends")
    return Finding(
        "stamps may be bar ends",
        False,
        1,
        f"first {utc_text(int(readable[0]))}, last {utc_text(int(readable[-1]))}",
        "a file cut at midnight whose stamps are opens would begin at 00:00; if they are ends, say --stamp end",
    )


def _swapped_open_and_close(table: CandleTable) -> Finding:
    """A bar opens near the close before; where closes fit the open before far better, columns or rows are turned."""
    opened, close = table.values["open"], table.values["close"]
    with np.errstate(invalid="ignore"):
        straight = np.abs(opened[1:] - close[:-1])
        turned = np.abs(close[1:] - opened[:-1])
    both = np.isfinite(straight) & np.isfinite(turned)
    if np.count_nonzero(both) < 20 or not straight[both].mean() > 2.0 * turned[both].mean():
        return _none("open and close may be swapped")
    return Finding(
        "open and close may be swapped",
        False,
        1,
        f"an open is {straight[both].mean():g} from the close before, a close {turned[both].mean():g} from the open "
        f"before",
        "columns mapped the wrong way round, or rows from newest to oldest",
    )


def _runs(marks: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where runs of True begin and how long they are."""
    edges = np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8))
    begins = np.flatnonzero(edges == 1)
    return begins, np.flatnonzero(edges == -1) - begins


def _none(kind: str) -> Finding:
    return Finding(kind, False, 0, "", "")
