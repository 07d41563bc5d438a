"""Files of days: bars, closes, rates of funding and indices, as research publishes them, in one shape.

CSV (also gzipped) or Parquet. Columns are known by their usual names, whatever their case. Floats stay what they are:
these prices are means of several venues and no multiple of any tick; who trades on them rounds, and says so.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from quintet.core.errors import DataError

TIME_NAMES: Final = ("opentime", "fundingtime", "timestamp", "date", "time", "ts", "start")
PRICE_NAMES: Final = ("open", "high", "low", "close")
RATE_NAMES: Final = ("fundingrate", "funding_rate", "funding rate", "rate")
CLOSE_NAMES: Final = ("close", "price")

DAY_HOURS, PERIOD_HOURS = 24, 8

HOUR_NS: Final = 3_600_000_000_000
_UNITS: Final = ((10**17, 1), (10**14, 10**3), (10**11, 10**6), (0, 10**9))
"""A whole number of time is ns, us, ms or s, by its size."""


def read_bars(paths: Sequence[Path], hours: int) -> Any:
    """Bars of so many hours by their opening: columns start (ns UTC), open, high, low, close; None for no file.

    Each file goes on where the one before it ends. One that has closes only gives bars without a range. Raises
    DataError naming file, row and column.
    """
    tables = [_read_bars(path, hours) for path in paths]
    for (before, one), (after, other) in pairwise(zip(paths, tables, strict=True)):
        if other["start"][0] <= one["start"][-1]:
            first, last = (
                np.datetime64(int(each), "ns").astype("datetime64[h]") for each in (other["start"][0], one["start"][-1])
            )
            raise DataError(f"{after}: found a first bar of {first}, expected one after {last}, where {before} ends")
    return np.concatenate(tables) if tables else None


def _read_bars(path: Path, hours: int) -> Any:
    frame = _read(path)
    names = _named(frame)
    if all(name in names for name in PRICE_NAMES):
        prices = [_numbers(path, frame, names[name]) for name in PRICE_NAMES]
    else:
        close = _numbers(path, frame, _one_of(path, names, CLOSE_NAMES))
        prices = [close] * 4
    table = np.zeros(len(frame), [("start", "i8"), *((name, "f8") for name in PRICE_NAMES)])
    table["start"] = _times(path, frame, _one_of(path, names, TIME_NAMES), 0)
    for name, column in zip(PRICE_NAMES, prices, strict=True):
        table[name] = column
    _check(path, table, hours)
    return table


def read_rates(path: Path, utc_offset_h: int = 0) -> dict[int, int]:
    """Rates of funding by the time of their settlement (ns UTC, to the minute), in 1e-9; raises DataError.

    `utc_offset_h`: hours by which the file's clock is ahead of UTC.
    """
    frame = _read(path)
    names = _named(frame)
    times = _times(path, frame, _one_of(path, names, TIME_NAMES), utc_offset_h)
    rates = _numbers(path, frame, _one_of(path, names, RATE_NAMES))
    minute = HOUR_NS // 60
    return {int(t) // minute * minute: round(r * 1e9) for t, r in zip(times.tolist(), rates.tolist(), strict=True)}


def read_values(path: Path, column: str) -> list[tuple[int, int]]:
    """An index by the day it is of: time (ns UTC) and value in 1e-9; raises DataError."""
    frame = _read(path)
    names = _named(frame)
    times = _times(path, frame, _one_of(path, names, TIME_NAMES), 0)
    values = _numbers(path, frame, _one_of(path, names, (column,)))
    return [(int(t), round(v * 1e9)) for t, v in zip(times.tolist(), values.tolist(), strict=True)]


def _read(path: Path) -> pl.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, try_parse_dates=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: found no table ({error}), expected CSV or Parquet with a header") from None


def _named(frame: pl.DataFrame) -> dict[str, str]:
    return {name.strip().lower(): name for name in frame.columns}


def _one_of(path: Path, names: dict[str, str], wanted: Sequence[str]) -> str:
    for name in wanted:
        if name in names:
            return names[name]
    raise DataError(f"{path}: found columns {', '.join(names.values())}; expected one of {', '.join(wanted)}")


def _numbers(path: Path, frame: pl.DataFrame, name: str) -> Any:
    column = frame[name].cast(pl.Float64, strict=False).to_numpy()
    wrong = ~np.isfinite(column)
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(f"{path}, row {at + 1}, {name}: found {frame[name][at]!r}, expected a number")
    return column


def _times(path: Path, frame: pl.DataFrame, name: str, utc_offset_h: int) -> Any:
    column = frame[name]
    if column.dtype == pl.String:
        column = column.str.to_datetime(strict=False)
    if column.dtype.is_temporal():
        found = column.cast(pl.Datetime("ns")).cast(pl.Int64)
    else:
        whole = column.cast(pl.Float64, strict=False).fill_null(-1.0).to_numpy()
        largest = float(np.abs(whole).max()) if len(whole) else 0.0
        unit = next(unit for least, unit in _UNITS if largest >= least)
        found = pl.Series((whole.astype(np.int64)) * unit)
    times = found.fill_null(-1).to_numpy()
    if len(times) == 0 or (times < 0).any():
        at = int((times < 0).argmax()) if len(times) else 0
        value = frame[name][at] if len(times) else "no rows"
        raise DataError(f"{path}, row {at + 1}, {name}: found {value!r}, expected a time")
    if (np.diff(times) <= 0).any():
        at = int((np.diff(times) <= 0).argmax()) + 1
        raise DataError(f"{path}, row {at + 1}, {name}: found {frame[name][at]}, expected a time after the row before")
    return times - utc_offset_h * HOUR_NS


def _check(path: Path, table: Any, hours: int) -> None:
    """Raise DataError for a bar that cannot be, or that begins at no multiple of its length."""
    problems = (
        ("low", table["low"] <= 0, "a price above zero"),
        ("low", table["low"] > np.minimum(table["open"], table["close"]), "a low at or below open and close"),
        ("high", table["high"] < np.maximum(table["open"], table["close"]), "a high at or above open and close"),
    )
    for name, wrong, expected in problems:
        if wrong.any():
            at = int(wrong.argmax())
            raise DataError(f"{path}, row {at + 1}, {name}: found {table[name][at]}, expected {expected}")
    odd = table["start"] % (hours * HOUR_NS) != 0
    if odd.any():
        at = int(odd.argmax())
        raise DataError(
            f"{path}, row {at + 1}: found a bar from {int(table['start'][at])} ns, expected a multiple of {hours} h"
        )
