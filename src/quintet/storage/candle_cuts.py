"""A candle file without its future: what had been written at a moment, alone or followed by noise.

The copy is made of the file's own cells, before anything is judged, repaired or resampled. A row is known when its
bar has closed, and not before the rows above it: a file is written from top to bottom.
"""

import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.events import PRICE_MAX
from quintet.core.instrument import Instrument
from quintet.core.market.bars import Column
from quintet.core.random import seeded, uniform
from quintet.storage.candle_files import exact_decimals
from quintet.storage.candle_rules import timing, whole_units
from quintet.storage.candle_table import PRICES, ROW_NUMBER, CandleTable, Reading, read_table

NOISE_ROWS: Final = 1024
"""So many bars of noise are drawn; a longer future repeats them."""

LOTS_OF_NOISE: Final = 1_000_000


class Noise(NamedTuple):
    """Bars that have nothing to do with any market: prices as fractions of the last price known, volume in lots."""

    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: Column

    def bars(self, last_price: int, tick: int, numbers: Column) -> dict[str, Column]:
        """Bars around `last_price`, in its unit, each price a whole multiple of `tick`; equal numbers, equal bars."""
        most, at = PRICE_MAX // tick, numbers % NOISE_ROWS
        fractions = {name: getattr(self, name)[at] for name in PRICES}
        return {
            name: np.clip(np.rint(column * last_price / tick), 1, most).astype(np.int64) * tick
            for name, column in fractions.items()
        } | {"volume": self.volume[at]}


def draw_noise(seed: int) -> Noise:
    """Opens and closes between half and one and a half times the last price, each drawn anew; the seed decides."""
    dice = seeded(seed, "a future of noise")[0]
    drawn = np.array([uniform(dice) for _ in range(5 * NOISE_ROWS)]).reshape(5, NOISE_ROWS)
    opened, closed = 0.5 + drawn[0], 0.5 + drawn[1]
    high = np.maximum(opened, closed) * (1.0 + 0.1 * drawn[2])
    low = np.minimum(opened, closed) * (1.0 - 0.1 * drawn[3])
    return Noise(opened, high, low, closed, 1 + (drawn[4] * LOTS_OF_NOISE).astype(np.int64))


@dataclass(frozen=True, slots=True)
class CandleRows:
    """The cells of a file and when each row was known, ns UTC; in the order in which the file was written."""

    table: CandleTable
    reading: Reading
    known_ns: Column
    step_ns: int

    @property
    def holes_ns(self) -> Column:
        """When the first bar of each hole should have been known."""
        before = np.flatnonzero(np.diff(self.known_ns) > self.step_ns)
        return self.known_ns[before] + self.step_ns

    def until(self, moment_ns: int) -> int:
        """How many rows were known at a moment."""
        return int(np.searchsorted(self.known_ns, moment_ns, side="right"))


def read_rows(path: Path, reading: Reading | None = None) -> CandleRows:
    """The rows of a candle file; raises DataError for a file that has none or shows no timeframe."""
    reading = reading or Reading()
    table = read_table(path, reading)
    when = timing(table, reading)
    return CandleRows(table, reading, np.maximum.accumulate(when.ts_open + when.step_ns), when.step_ns)


def write_known(rows: CandleRows, moment_ns: int, path: Path) -> None:
    """Write the file as it was at a moment. Raises DataError when nothing was in it yet."""
    count = rows.until(moment_ns)
    if count == 0:
        raise DataError(f"{rows.table.path}: no row was known at {moment_ns} ns, expected at least one")
    _write(rows, rows.table.frame.head(count), path)


def last_price(files: Sequence[CandleRows], moment_ns: int, instrument: Instrument) -> int:
    """The close that was known last, in price increments. Raises DataError when no file had a row yet."""
    ends = [(int(rows.known_ns[count - 1]), rows, count) for rows in files if (count := rows.until(moment_ns))]
    if not ends:
        raise DataError(f"no row was known at {moment_ns} ns, expected at least one")
    _, rows, count = max(ends, key=lambda end: end[0])
    return int(whole_units(rows.table.values["close"][count - 1 : count], instrument.price_increment)[0][0])


def write_noise_after(
    rows: CandleRows, moment_ns: int, path: Path, instrument: Instrument, noise: Noise, around: int
) -> None:
    """Write the whole file with noise in the place of every price and volume that was not known at a moment.

    `around`: the price, in increments, around which the noise lies. Bars of one time are equal in every file.
    """
    count, table, unit = rows.until(moment_ns), rows.table, instrument.price_increment
    numbers = rows.known_ns[count:] // rows.step_ns
    future = noise.bars(around, instrument.ticks_per_tick_size, numbers)
    columns = {name: exact_decimals(future[name], unit) for name in PRICES}
    columns["volume"] = exact_decimals(future["volume"], instrument.lot_size)
    columns["turnover"] = exact_decimals(future["volume"], instrument.quote_quantum)
    known, unknown = table.frame.head(count), table.frame.tail(len(table) - count)
    for name, column in columns.items():
        if name in table.columns and table.columns[name] in unknown.columns:
            there = table.columns[name]
            unknown = unknown.with_columns(column.cast(unknown[there].dtype).alias(there))
    _write(rows, pl.concat([known, unknown]), path)


def _write(rows: CandleRows, frame: pl.DataFrame, path: Path) -> None:
    """Cells to a file of the same kind as the one they came from."""
    frame = frame.drop(ROW_NUMBER)
    frame = frame.reverse() if rows.reading.newest_first else frame
    buffer = io.BytesIO()
    if rows.table.header_lines is None:
        frame.write_parquet(buffer, compression="uncompressed")
        path.write_bytes(buffer.getvalue())
        return
    frame.write_csv(buffer, include_header=rows.table.header_lines > 0)
    data = buffer.getvalue()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
