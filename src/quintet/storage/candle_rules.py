"""What must hold of every candle, written once: the importer refuses by these rules, `data check` counts by them.

Each rule marks the rows that break it. Nothing is repaired.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.events import MINUTE_NS, PRICE_MAX, QUANTITY_MAX, TIMEFRAMES, timeframe_ns
from quintet.core.instrument import Instrument
from quintet.core.market.bars import Column
from quintet.storage.candle_formats import named_timeframe
from quintet.storage.candle_table import PRICES, UNREADABLE, CandleTable, Numbers, Reading

Marks = NDArray[np.bool_]

PRICE_TOLERANCE_FRAC: Final = 1e-9
"""A price this close to a whole number of increments, relative to itself, is that number: float noise, not a price."""

NOISE_UNITS_MAX: Final = 0.01
"""And never farther from it than this many increments, however large the price."""

_MS_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Timing:
    """How the stamps of a table are understood. `ts_open` is UNREADABLE where the stamp is."""

    timeframe: str
    ts_open: Column
    notes: tuple[str, ...]

    @property
    def step_ns(self) -> int:
        """Length of a bar."""
        return timeframe_ns(self.timeframe)


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that some rows break: which rows (indices, ascending), which column, what was expected there."""

    rule: str
    column: str
    expected: str
    rows: NDArray[np.intp]


def timing(table: CandleTable, reading: Reading) -> Timing:
    """Timeframe (most frequent step unless given) and open stamps. Raises DataError when no timeframe fits."""
    notes: list[str] = []
    name = reading.timeframe
    if name is not None and name not in TIMEFRAMES:
        raise DataError(f"{table.path}: timeframe is {name!r}, expected one of {', '.join(TIMEFRAMES)}")
    if name is None:
        name = _frequent_step(table)
        notes.append(f"timeframe: {name}")
        spoken = named_timeframe(table.path.name)
        if spoken not in ("", name):
            notes.append(f"the file name speaks of {spoken}, the stamps are {name} apart, and they count")
    _require_neighbours(table, name)
    stamps = table.stamp_ns
    readable = stamps != UNREADABLE
    if reading.stamp == "end":
        # Some venues stamp the end as the last millisecond inside the bar (12:04:59.999).
        if readable.any() and not np.any((stamps[readable] + _MS_NS) % timeframe_ns(name)):
            stamps = np.where(readable, stamps + _MS_NS, stamps)
            notes.append("end stamps are the bar's last millisecond")
        stamps = np.where(readable, stamps - timeframe_ns(name), stamps)
    notes.append(f"stamps: bar {reading.stamp}")
    return Timing(name, stamps, tuple(notes))


def _steps(table: CandleTable) -> Column:
    """Distances between the stamps of neighbouring rows in ns, those of equal stamps left out."""
    steps: Column = np.abs(np.diff(table.stamp_ns[table.stamp_ns != UNREADABLE]))
    return steps[steps > 0]


def _require_neighbours(table: CandleTable, name: str) -> None:
    """A timeframe shorter than every step would make a file of holes; raise DataError."""
    steps = _steps(table)
    if len(steps) and steps.min() > timeframe_ns(name):
        raise DataError(
            f"{table.path}: column {table.columns['time']!r}: timeframe is {name}, "
            f"but no two rows are less than {steps.min() / 1e9:g} s apart"
        )


def _frequent_step(table: CandleTable) -> str:
    steps = _steps(table)
    if len(steps) == 0:
        raise DataError(
            f"{table.path}: column {table.columns['time']!r}: {len(table)} rows show no step from stamp to stamp; "
            f"expected two that differ, or a timeframe given with --timeframe"
        )
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    for name, minutes in TIMEFRAMES.items():
        if minutes * MINUTE_NS == step:
            return name
    raise DataError(
        f"{table.path}: column {table.columns['time']!r}: the most frequent step is {step / 1e9:g} s, "
        f"expected one of {', '.join(TIMEFRAMES)}; give it with --timeframe"
    )


# ---- floats to whole numbers ---------------------------------------------------------------------------------


def whole_units(values: Numbers, unit: Decimal) -> tuple[Numbers, Numbers]:
    """Nearest whole number of `unit`s for each value, and how far off it was, in units. NaN stays NaN.

    One multiplication and one division by whole numbers below 2^53, so a float that is the nearest one to a
    decimal on the grid lands within a few ulps of its whole number.
    """
    ratio = Fraction(unit)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values * float(ratio.denominator) / float(ratio.numerator)
        nearest = np.rint(scaled)
        return nearest, np.abs(scaled - nearest)


def whole_lots_down(values: Numbers, unit: Decimal) -> tuple[Numbers, Marks]:
    """Whole units at or below each value, and which values had a rest; float noise is no rest."""
    nearest, off = whole_units(values, unit)
    ratio = Fraction(unit)
    with np.errstate(over="ignore", invalid="ignore"):
        floor = np.floor(values * float(ratio.denominator) / float(ratio.numerator))
        noise = 1e-6 + np.abs(nearest) * 1e-15
    rest = off > noise
    return np.where(rest, floor, nearest), rest


# ---- the rules -----------------------------------------------------------------------------------------------


def broken_rules(table: CandleTable, when: Timing, instrument: Instrument | None) -> list[Broken]:
    """Every rule that at least one row breaks, in the order of the columns; the grid only where it is known."""
    found = [*_time_rules(table, when), *_price_rules(table, instrument), *_volume_rules(table, instrument)]
    found += _shape_rules(table)
    return [broken for broken in found if len(broken.rows)]


def first_refusal(table: CandleTable, broken: list[Broken]) -> DataError | None:
    """The error for the first bad row of the file, None when there is no bad row."""
    if not broken:
        return None
    rule = min(broken, key=lambda b: int(b.rows[0]))
    return DataError(describe(table, rule))


def describe(table: CandleTable, broken: Broken) -> str:
    """`file: row 3 (line 4): column 'open' is 'abc', expected a number above 0`, and how many more."""
    first = int(broken.rows[0])
    more = f" ({len(broken.rows) - 1} more rows like it)" if len(broken.rows) > 1 else ""
    column = table.columns.get(broken.column, broken.column)
    return (
        f"{table.place(first)}: column {column!r} is {table.cell(first, broken.column)}, "
        f"expected {broken.expected}{more}"
    )


def _broken(rule: str, column: str, expected: str, marks: Marks) -> Broken:
    return Broken(rule, column, expected, np.flatnonzero(marks))


def _time_rules(table: CandleTable, when: Timing) -> Iterator[Broken]:
    readable = when.ts_open != UNREADABLE
    yield _broken("unreadable time", "time", f"a time from 2009 to 2100 ({table.time_unit})", ~readable)
    _, first_at, group = np.unique(when.ts_open, return_index=True, return_inverse=True)
    repeated = readable & (first_at[group] != np.arange(len(table)))
    yield _broken("duplicate stamp", "time", "a stamp that is not in an earlier row", repeated)
    latest = np.maximum.accumulate(when.ts_open)
    disorder = readable & ~repeated & (when.ts_open < latest)
    yield _broken(
        "disorder", "time", "a later time than in the row before (oldest first; --newest-first turns a file)", disorder
    )
    loose = readable & (when.ts_open % when.step_ns != 0)
    yield _broken("off the boundary", "time", f"a whole multiple of {when.timeframe} in UTC", loose)


def _price_rules(table: CandleTable, instrument: Instrument | None) -> Iterator[Broken]:
    for name in PRICES:
        values = table.values[name]
        finite = np.isfinite(values)
        yield _broken("unreadable number", name, "a finite number", ~finite)
        yield _broken("not positive", name, "a price above 0", finite & (values <= 0))
        if instrument is None:
            continue
        nearest, off = whole_units(values, instrument.price_increment)
        sane = finite & (values > 0)
        largest = instrument.price_increment * PRICE_MAX
        too_large = sane & (nearest > PRICE_MAX)
        yield _broken("too large", name, f"at most {largest} ({instrument.symbol})", too_large)
        with np.errstate(invalid="ignore"):
            noise = np.minimum(nearest * PRICE_TOLERANCE_FRAC + 1e-12, NOISE_UNITS_MAX)
            off_grid = sane & ~too_large & ((off > noise) | (nearest < 1))
        expected = f"a whole multiple of {instrument.price_increment} (price_increment of {instrument.symbol})"
        yield _broken("off the price grid", name, expected, off_grid)


def _volume_rules(table: CandleTable, instrument: Instrument | None) -> Iterator[Broken]:
    units = {
        "volume": Decimal(1) if instrument is None else instrument.lot_size,
        "turnover": Decimal(1) if instrument is None else instrument.quote_quantum,
    }
    for name, unit in units.items():
        if name not in table.columns:
            continue
        values = table.values[name]
        finite = np.isfinite(values)
        yield _broken("unreadable number", name, "a finite number", ~finite)
        yield _broken("negative", name, "0 or more", finite & (values < 0))
        limit = float(unit) * QUANTITY_MAX
        yield _broken("too large", name, f"less than {limit:.3g}", finite & (values >= limit))


def _shape_rules(table: CandleTable) -> Iterator[Broken]:
    """High is the highest and low the lowest. A comparison with NaN is false, so unreadable rows count once."""
    opened, high, low, close = (table.values[name] for name in PRICES)
    yield _broken("high below low", "high", "at least the low", high < low)
    for name, price in (("open", opened), ("close", close)):
        outside = (high >= low) & ((price > high) | (price < low))
        yield _broken("outside the bar", name, "a price between low and high", outside)
