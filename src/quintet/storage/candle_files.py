"""Candle files to exact bars: CSV, Parquet, Feather and JSON; and back: CSV and Parquet.

A candle file gives prices; what a tick and a lot are comes from the instrument. Prices must be on the grid;
volume, which is not money, is rounded down to whole lots and the number of rounded bars is reported.
"""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from quintet.core.errors import DataError
from quintet.core.instrument import Instrument
from quintet.core.market.bars import Bars, Column
from quintet.core.units import exact_units
from quintet.storage.candle_rules import broken_rules, first_refusal, timing, whole_lots_down, whole_units
from quintet.storage.candle_table import ORIGIN, SYNTHETIC, CandleTable, Reading, read_table
from quintet.storage.workspace import write_whole


@dataclass(frozen=True, slots=True)
class CandleFile:
    """The bars of one file, and how the file was understood (`notes`, for people).

    `origin`: name of the file the candles were first read from. `synthetic`: generated, not recorded.
    """

    path: Path
    sha256: str
    bars: Bars
    columns: dict[str, str]
    notes: tuple[str, ...]
    origin: str
    synthetic: bool


def read_candles(path: Path, instrument: Instrument, reading: Reading | None = None) -> CandleFile:
    """Read a whole file or refuse it: the first bad row is a DataError naming file, row, column, found, expected."""
    reading = reading or Reading()
    table = read_table(path, reading)
    when = timing(table, reading)
    refusal = first_refusal(table, broken_rules(table, when, instrument))
    if refusal is not None:
        raise refusal
    volume, rounded = whole_lots_down(table.values["volume"], instrument.lot_size)
    bars = Bars(
        timeframe=when.timeframe,
        ts_open=when.ts_open,
        open=_whole(table, "open", instrument.price_increment),
        high=_whole(table, "high", instrument.price_increment),
        low=_whole(table, "low", instrument.price_increment),
        close=_whole(table, "close", instrument.price_increment),
        volume=volume.astype(np.int64),
        turnover=_whole(table, "turnover", instrument.quote_quantum),
    )
    notes = (*table.notes, *when.notes)
    if rounded.any():
        count = int(np.count_nonzero(rounded))
        notes += (f"volume of {count} bars was not whole lots of {instrument.lot_size}: rounded down",)
    return CandleFile(path, table.sha256, bars, table.columns, notes, table.origin, table.synthetic)


def _whole(table: CandleTable, name: str, unit: Decimal) -> Column:
    """A checked column in whole units; 0 where the file does not have it."""
    if name not in table.values:
        return np.zeros(len(table), np.int64)
    return whole_units(table.values[name], unit)[0].astype(np.int64)


# ---- bars to files -------------------------------------------------------------------------------------------


def write_candles(path: Path, bars: Bars, instrument: Instrument, *, origin: str = "", synthetic: bool = False) -> None:
    """Write bars as .csv or .parquet: exact decimals, open stamps in UTC.

    `origin` and `synthetic`, where given, stand in columns of their own and so go wherever the file goes. The file
    appears whole or not at all. Raises DataError for another ending.
    """
    frame = pl.DataFrame(
        {
            "time": pl.Series(bars.ts_open).cast(pl.Datetime("ns", "UTC")),
            **{
                name: exact_decimals(getattr(bars, name), instrument.price_increment)
                for name in ("open", "high", "low", "close")
            },
            "volume": exact_decimals(bars.volume, instrument.lot_size),
            "turnover": exact_decimals(bars.turnover, instrument.quote_quantum),
        }
    )
    marks = ({ORIGIN: origin} if origin else {}) | ({SYNTHETIC: True} if synthetic else {})
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in marks.items())
    buffer = io.BytesIO()
    if path.suffix == ".parquet":
        frame.write_parquet(buffer)
    elif path.suffix == ".csv":
        frame.write_csv(buffer, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    else:
        raise DataError(f"{path}: expected a name ending in .csv or .parquet")
    write_whole(path, buffer.getvalue())


def exact_decimals(column: Column, unit: Decimal) -> pl.Series:
    """Whole units as exact decimals, through integers and text: no division that could round."""
    places = max(0, -int(unit.normalize().as_tuple().exponent))
    factor = exact_units(unit, Decimal(1).scaleb(-places))
    if len(column) and abs(int(np.abs(column).max())) * factor >= 2**63:
        raise DataError(f"{int(np.abs(column).max())} units of {unit} do not fit the file's decimals")
    whole, rest = np.divmod(column * factor, 10**places)
    text = pl.Series(whole).cast(pl.String)
    if places:
        text = text + "." + pl.Series(rest).cast(pl.String).str.zfill(places)
    return text.cast(pl.Decimal(38, places))


def utc_text(ts_ns: int) -> str:
    """Nanoseconds UTC for people: 2026-01-01 12:00."""
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M")
