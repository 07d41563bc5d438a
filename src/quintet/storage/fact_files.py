"""Facts in a table of somebody's (CSV, Parquet, Feather): a column of times, a column of values, perhaps when each was
known.

An archive seldom says when a value was known. Then it counts as known so long after its time as its family says, or as
the reader says: late enough that nobody can have known it earlier. A value is taken exactly as it stands, or refused
by its row; a cell that is empty says that there is no value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from quintet.core.errors import DataError
from quintet.core.facts import Said, exact_value
from quintet.core.units import decimal
from quintet.storage.candle_table import ROW_NUMBER, UNREADABLE, read_cells, stamps_of
from quintet.storage.fact_rows import Known

FIELDS: Final = ("time", "value", "known", "reference")
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("timestamp", "time", "fundingtime", "fundingratetimestamp", "t", "ts", "datetime", "date", "day"),
    "value": ("value", "fundingrate", "rate", "v", "amount"),
    "known": ("known", "knownat", "published", "publishedat"),
    "reference": ("reference", "txid", "id"),
}
_EMPTY: Final = ("", "null", "nan", "none", "-")


@dataclass(frozen=True)
class FactReading:
    """How a table of one fact is read. `columns`: field to column, the rest is guessed.

    `known_after_ns`: how long after its time a value was known, where no column says. `shift_ns`: added to every time,
    for a file that is not in UTC. `rounded`: values with more digits than `decimals` are taken to the nearest.
    """

    fact: str
    decimals: int
    known_after_ns: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    time_unit: str | None = None
    shift_ns: int = 0
    rounded: bool = False


@dataclass(frozen=True)
class FactTable:
    """What a file says of one fact, with what was guessed and left out in `notes`."""

    path: Path
    sha256: str
    known: tuple[Known, ...]
    notes: tuple[str, ...]


def read_facts(path: Path, reading: FactReading) -> FactTable:
    """Every value of a table; raises DataError naming file, row and column, what was found and what was expected."""
    cells = read_cells(path, reading.where)
    if cells.frame.height == 0:
        raise DataError(f"{path}: has no rows, expected at least one value below the header")
    columns = _columns(path, cells.frame, reading)
    stamps, unit, said = stamps_of(path, cells.frame[columns["time"]], reading.time_unit)
    published = stamps_of(path, cells.frame[columns["known"]], reading.time_unit)[0] if "known" in columns else None
    values = cells.frame[columns["value"]]
    if values.dtype == pl.Float32:
        values = values.cast(pl.String)
    references = cells.frame[columns["reference"]] if "reference" in columns else None
    found: list[Known] = []
    seen: dict[tuple[int, str], int] = {}
    empty = 0
    for n, (stamp, cell) in enumerate(zip(stamps.tolist(), values.to_list(), strict=True)):
        place = cells.place(path, n)
        about_ns = _time(stamp, cells.frame[columns["time"]][n], f"{place}: {columns['time']}") + reading.shift_ns
        known_ns = about_ns + reading.known_after_ns
        if published is not None:
            known_ns = _time(published[n], cells.frame[columns["known"]][n], f"{place}: {columns['known']}")
        text = _text(cell)
        if text.lower() in _EMPTY:
            empty += 1
            continue
        value = _value(text, reading, f"{place}: {columns['value']}")
        reference = "" if references is None else _text(references[n])
        if published is None and seen.setdefault((about_ns, reference), value) != value:
            raise DataError(
                f"{place}: {columns['value']}: found a second value of {columns['time']} "
                f"{cells.frame[columns['time']][n]}, expected one, or a column that says when each was known"
            )
        found.append(Known(Said(reading.fact, about_ns, value, reading.decimals, reference), known_ns))
    shown = "columns: " + ", ".join(f"{name}={column}" for name, column in columns.items())
    notes = (shown, f"time unit: {unit}", *cells.notes, *(each for each in said if not each.startswith("time unit")))
    return FactTable(
        path, cells.sha256, tuple(found), (*notes, *([f"{empty} cells are empty: no value"] if empty else []))
    )


def _columns(path: Path, frame: pl.DataFrame, reading: FactReading) -> dict[str, str]:
    """Field to column: as told, else the first that bears a name of the field, or the fact's own."""
    plain = {
        name.lower().translate(str.maketrans("", "", " _-.")): name for name in frame.columns if name != ROW_NUMBER
    }
    own = reading.fact.split("/")[1].lower().translate(str.maketrans("", "", "_-."))
    listed = ", ".join(plain.values())
    found: dict[str, str] = {}
    for name in FIELDS:
        names = (own, *_ALIASES[name]) if name == "value" else _ALIASES[name]
        told = reading.columns.get(name)
        column = told or next((plain[alias] for alias in names if alias in plain), None)
        if column is not None and column in plain.values():
            found[name] = column
        elif told or name in ("time", "value"):
            asked = f"column {told!r}" if told else "a column"
            raise DataError(
                f"{path}: header: expected {asked} for {name}, found {listed}; name it with --map {name}=COLUMN"
            )
    return found


def _time(stamp: int, cell: Any, where: str) -> int:
    if stamp == int(UNREADABLE):
        raise DataError(f"{where}: found {cell!r}, expected a time from 2009 to 2100")
    return int(stamp)


def _text(cell: Any) -> str:
    """A cell as decimal text: a float as the shortest text that means it."""
    return "" if cell is None else repr(cell) if isinstance(cell, float) else str(cell).strip()


def _value(text: str, reading: FactReading, where: str) -> int:
    if not reading.rounded:
        try:
            return exact_value(text, reading.decimals, where)
        except DataError as error:
            hint = (
                "; --round takes the nearest, --decimals another number of digits"
                if "whole multiple" in str(error)
                else ""
            )
            raise DataError(f"{error}{hint}") from None
    step = Decimal(1).scaleb(-reading.decimals)
    try:
        nearest = decimal(text, where).quantize(step, ROUND_HALF_EVEN)
    except ArithmeticError:
        raise DataError(
            f"{where}: found {text[:40]}, expected a number that {reading.decimals} decimals hold"
        ) from None
    return exact_value(nearest, reading.decimals, where)
