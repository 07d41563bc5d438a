"""A candle file as it is: which column means what, and every cell as a number, nothing judged yet.

What is guessed (columns, the unit of time) is said in `notes` and can be overridden through `Reading`.
Judging is `candle_rules`, turning into exact bars is `candle_files`.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.market.bars import Column
from quintet.storage.candle_formats import is_feather, is_json, parse_feather, parse_json

Numbers = NDArray[np.float64]

TIME_UNITS: Final[dict[str, int]] = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Name of a unit of time to nanoseconds."""

EARLIEST_NS: Final = 1_230_768_000 * 1_000_000_000  # 2009-01-01
LATEST_NS: Final = 4_102_444_800 * 1_000_000_000  # 2100-01-01
"""Stamps outside these years are read in the wrong unit: no market of ours is older, none is that young."""

UNREADABLE: Final = np.iinfo(np.int64).min
"""The stamp of a cell that is not a time."""

PRICES: Final = ("open", "high", "low", "close")
FIELDS: Final = ("time", *PRICES, "volume", "turnover")
REQUIRED: Final = FIELDS[:6]
ABSENT: Final = "none"
"""`volume=none` in a mapping: the file has no volume, every bar gets zero."""

_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "time": (
        *("time", "timestamp", "date", "datetime", "opentime", "start", "starttime", "startat", "epoch", "unix"),
        *("ts", "tsopen", "t", "indexlevel0"),
    ),
    "open": ("open", "openprice", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closeprice", "c"),
    "volume": ("volume", "vol", "basevolume", "v", "quantity", "amount"),
    "turnover": ("turnover", "quotevolume", "quotevol", "quoteassetvolume", "usdvolume"),
}
_SOURCE_COLUMNS: Final = ("symbol", "coin", "venue", "exchange", "pair", "ticker")
_TEXT_TIMES: Final = ("%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
ROW_NUMBER: Final = "__row__"
SYNTHETIC: Final = "synthetic"
"""A column of this name with `true` in it marks generated candles; the mark stays with the file through any copy."""

ORIGIN: Final = "origin"
"""A column of this name says what file the candles were first read from: a renamed set stays what it was."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a candle file; what is left empty is guessed and the guess is reported.

    `columns`: field to the file's column name, or to "none" for a file without volume. `time_unit`: s, ms, us, ns.
    `stamp`: whether a stamp is the bar's open or its end. `timeframe`: as in TIMEFRAMES. `where`: column to the
    one value wanted, for files that hold several markets. `newest_first`: the file runs backwards, turn it.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    time_unit: str | None = None
    stamp: Literal["open", "end"] = "open"
    timeframe: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class CandleTable:
    """The cells of one file. `stamp_ns` and `values` are aligned; what could not be read is UNREADABLE or NaN."""

    path: Path
    sha256: str
    frame: pl.DataFrame
    columns: dict[str, str]
    time_unit: str
    header_lines: int | None
    stamp_ns: Column
    values: dict[str, Numbers]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.stamp_ns)

    @property
    def synthetic(self) -> bool:
        """True when any row says that it was generated."""
        if SYNTHETIC not in self.frame.columns:
            return False
        return bool((self.frame[SYNTHETIC].cast(pl.String).str.to_lowercase() == "true").any())

    @property
    def origin(self) -> str:
        """Name of the file the candles were first read from; this file's own where it does not say."""
        said = self.frame[ORIGIN][0] if ORIGIN in self.frame.columns else None
        return str(said) if said else self.path.name

    def place(self, index: int) -> str:
        """Where a row stands: `file: row 3 (line 4)`, rows counted from 1, the line only for text files."""
        return Cells(self.frame, self.header_lines, (), self.sha256).place(self.path, index)

    def cell(self, index: int, name: str) -> str:
        """What the file says there, as text."""
        column = self.columns.get(name)
        value = None if column is None else self.frame[column][index]
        return "empty" if value is None or value == "" else repr(value) if isinstance(value, str) else str(value)


def read_table(path: Path, reading: Reading | None = None) -> CandleTable:
    """Read CSV, Parquet, Feather or JSON. Raises DataError for a file that has no table of candles in it."""
    reading = reading or Reading()
    frame, header_lines, notes, sha256 = read_cells(path, reading.where)
    if reading.newest_first:
        frame, notes = frame.reverse(), (*notes, "turned: the file runs from newest to oldest")
    columns = _mapped(path, frame, reading.columns, positional=header_lines == 0)
    if frame.height == 0:
        raise DataError(f"{path}: has no rows, expected at least one candle below the header")
    _require_one_market(path, frame, columns)
    stamp_ns, time_unit, time_notes = stamps_of(path, frame[columns["time"]], reading.time_unit)
    values = {name: _numbers(path, frame[column]) for name, column in columns.items() if name != "time"}
    values.setdefault("volume", np.zeros(frame.height))
    shown = "columns: " + ", ".join(f"{name}={column}" for name, column in columns.items())
    return CandleTable(
        path=path,
        sha256=sha256,
        frame=frame,
        columns=columns,
        time_unit=time_unit,
        header_lines=header_lines,
        stamp_ns=stamp_ns,
        values=values,
        notes=(shown, *notes, *time_notes),
    )


class Cells(NamedTuple):
    """All cells of a table as they stand. `header_lines`: lines before the first row, None where there are none.

    A column ROW_NUMBER counts the rows of the file from 0.
    """

    frame: pl.DataFrame
    header_lines: int | None
    notes: tuple[str, ...]
    sha256: str

    def place(self, path: Path, index: int) -> str:
        """Where a row stands: `file: row 3 (line 4)`, rows counted from 1, the line only for text files."""
        row = int(self.frame[ROW_NUMBER][index]) + 1
        line = "" if self.header_lines is None else f" (line {row + self.header_lines})"
        return f"{path}: row {row}{line}"


def read_cells(path: Path, where: Mapping[str, str] | None = None) -> Cells:
    """Read CSV, Parquet, Feather or JSON, only the rows that are as `where` says. Raises DataError for another file."""
    data = _read_bytes(path)
    frame, header_lines, notes = _parse(path, data)
    frame = _chosen_rows(path, frame.with_row_index(ROW_NUMBER), where or {})
    return Cells(frame, header_lines, notes, hashlib.sha256(data).hexdigest())


# ---- bytes to a frame of cells -------------------------------------------------------------------------------


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder, expected a candle file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if not data:
        raise DataError(f"{path}: is empty (0 bytes), expected candles")
    return data


def _parse(path: Path, data: bytes) -> tuple[pl.DataFrame, int | None, tuple[str, ...]]:
    """Cells, the number of header lines (None for a file without lines), and what was guessed."""
    if data[:4] == b"PAR1" or path.suffix in (".parquet", ".pq"):
        return _parse_parquet(path, data), None, ()
    if is_feather(path, data):
        return parse_feather(path, data), None, ()
    if data[:2] == b"\x1f\x8b" or path.suffix == ".gz":
        data = _unzipped(path, data)
    if is_json(path):
        return parse_json(path, data), None, ("JSON rows: columns are taken by their place",)
    return _parse_text(path, data)


def _parse_parquet(path: Path, data: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        # A damaged file can make the reader itself give up; that is still only a damaged file.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: is not a readable Parquet file ({reason})") from None


def _unzipped(path: Path, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is not a whole gzip file ({error})") from None


def _parse_text(path: Path, data: bytes) -> tuple[pl.DataFrame, int, tuple[str, ...]]:
    """A delimited text file; every cell stays text, so that an error can show what was written."""
    _require_utf8(path, data)
    data = data.removeprefix(b"\xef\xbb\xbf").rstrip()
    if not data:
        raise DataError(f"{path}: holds no text, expected a header line and candles")
    end = data.find(b"\n")
    first_line = data[: end if end >= 0 else len(data)].decode().strip()
    separator = max(",;\t|", key=first_line.count)
    header = _cells(path, first_line, separator)
    headless = all(_is_number(cell) for cell in header)
    if not headless:
        _require_distinct(path, header)
    try:
        frame = pl.read_csv(io.BytesIO(data), separator=separator, infer_schema=False, has_header=not headless)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: {_ragged_line(data, separator, len(header)) or str(error).splitlines()[0]}") from None
    frame = frame.rename({name: name.strip() for name in frame.columns})
    notes = ("no header line: columns are taken by their place",) if headless else ()
    return frame, 0 if headless else 1, notes


def _cells(path: Path, line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error as error:
        raise DataError(f"{path}: line 1: is not a line of cells ({error})") from None


def _require_utf8(path: Path, data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}: line {line}: byte {error.start} is 0x{data[error.start]:02x}, expected UTF-8 text"
        ) from None
    if b"\x00" in data:
        line = data.count(b"\n", 0, data.index(b"\x00")) + 1
        raise DataError(f"{path}: line {line}: holds zero bytes, expected text (or a Parquet file)")


def _require_distinct(path: Path, header: list[str]) -> None:
    names = [name.strip() for name in header]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}: line 1: column {name!r} appears {names.count(name)} times, expected once")


def _ragged_line(data: bytes, separator: str, width: int) -> str:
    """The first line with more cells than the header, in words; empty when there is none."""
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(data.decode()), delimiter=separator), start=1):
            if len(cells) > width:
                return f"row {number - 1} (line {number}): has {len(cells)} cells, expected {width} as in the header"
    except csv.Error:
        # The text is stranger than that; the first reader has said how.
        return ""
    return ""


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


# ---- which column is which -----------------------------------------------------------------------------------


def _chosen_rows(path: Path, frame: pl.DataFrame, where: Mapping[str, str]) -> pl.DataFrame:
    """Only the rows of the wanted market; their numbers in the file are kept."""
    for column, value in where.items():
        if column not in frame.columns:
            raise DataError(f"{path}: has no column {column!r} to choose by; it has {_listed(frame)}")
        chosen = frame.filter(pl.col(column).cast(pl.String) == value)
        if chosen.height == 0:
            found = ", ".join(sorted(str(v) for v in frame[column].unique().to_list()[:12]))
            raise DataError(f"{path}: column {column!r} never is {value!r}; it is one of {found}")
        frame = chosen
    return frame


def _mapped(path: Path, frame: pl.DataFrame, wanted: Mapping[str, str], *, positional: bool) -> dict[str, str]:
    """Field to column: the override where given, else the guess. Raises DataError for what is missing."""
    for name in wanted:
        if name not in FIELDS:
            raise DataError(f"{path}: cannot map {name!r}; the fields are {', '.join(FIELDS)}")
    plain = {name.lower().translate(str.maketrans("", "", " _-.")): name for name in frame.columns}
    by_place = dict(zip(REQUIRED, frame.columns[1:], strict=False)) if positional else {}
    columns: dict[str, str] = {}
    for name in FIELDS:
        guess = by_place.get(name) or next((plain[alias] for alias in _ALIASES[name] if alias in plain), None)
        column = wanted.get(name, guess)
        if column == ABSENT and name in ("volume", "turnover"):
            continue
        if column is not None and column in frame.columns:
            columns[name] = column
        elif name in REQUIRED or name in wanted:
            asked = f"column {column!r} for {name}" if column else f"a column for {name}"
            without = f", or say --map {name}={ABSENT}" if name == "volume" else ""
            raise DataError(
                f"{path}: header: column {name}: expected {asked}, found {_listed(frame)}; "
                f"name it with --map {name}=COLUMN{without}"
            )
    return columns


def _listed(frame: pl.DataFrame) -> str:
    return ", ".join(name for name in frame.columns if name != ROW_NUMBER) or "no columns"


def _require_one_market(path: Path, frame: pl.DataFrame, columns: dict[str, str]) -> None:
    """A file of several symbols or venues would look like one market with doubled stamps."""
    for column in frame.columns:
        if column.lower() not in _SOURCE_COLUMNS or column in columns.values():
            continue
        found = frame[column].unique().drop_nulls().cast(pl.String).sort().to_list()
        if len(found) > 1:
            shown = ", ".join(found[:6]) + (", ..." if len(found) > 6 else "")
            raise DataError(
                f"{path}: column {column!r} holds {len(found)} values ({shown}), expected one market; "
                f"choose with --where {column}={found[0]}"
            )


# ---- cells to numbers ----------------------------------------------------------------------------------------


def _numbers(path: Path, column: pl.Series) -> Numbers:
    """Cells as floats, NaN where a cell is no number. A 4-byte float counts as the decimal text it prints."""
    if column.dtype == pl.Float32:
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        column = column.str.strip_chars().cast(pl.Float64, strict=False)
    elif column.dtype.is_numeric() or column.dtype == pl.Null:
        column = column.cast(pl.Float64)
    else:
        raise DataError(f"{path}: row 1: column {column.name!r} holds {column.dtype}, expected numbers")
    return column.fill_null(float("nan")).to_numpy().copy()


def stamps_of(path: Path, column: pl.Series, unit: str | None) -> tuple[Column, str, tuple[str, ...]]:
    """Nanoseconds UTC, the unit of time, and what was guessed."""
    if unit is not None and unit not in TIME_UNITS:
        raise DataError(f"{path}: time unit is {unit!r}, expected one of {', '.join(TIME_UNITS)}")
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("ms"))
    if isinstance(column.dtype, pl.Datetime):
        stored = column.dtype.time_unit
        note = () if column.dtype.time_zone else ("times have no zone: taken as UTC",)
        return _scaled(column.to_physical(), TIME_UNITS[stored]), f"datetime[{stored}]", note
    whole = _whole_numbers(column)
    if column.dtype == pl.String and whole.null_count() == len(whole):
        return _text_stamps(column)
    found = unit or _guessed_unit(path, column, whole)
    note = () if unit else (f"time unit: {found}",)
    return _scaled(whole, TIME_UNITS[found]), found, note


def _whole_numbers(column: pl.Series) -> pl.Series:
    """Integers where a cell is a whole number, else null."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().str.strip_suffix(".0").cast(pl.Int64, strict=False)
    elif column.dtype.is_float() or column.dtype.is_decimal():
        real = column.cast(pl.Float64)
        column = real.set(real != real.floor(), None).cast(pl.Int64, strict=False)
    return column.cast(pl.Int64, strict=False)


def _guessed_unit(path: Path, column: pl.Series, whole: pl.Series) -> str:
    """The unit in which most stamps fall between 2009 and 2100: the ranges of the four units do not meet."""
    numbers = whole.drop_nulls().to_numpy()
    share = {
        unit: int(np.count_nonzero((numbers >= EARLIEST_NS // ns) & (numbers < LATEST_NS // ns)))
        for unit, ns in TIME_UNITS.items()
    }
    best = max(share, key=lambda unit: share[unit])
    if share[best] == 0:
        shown = column[0] if len(column) else "nothing"
        raise DataError(
            f"{path}: row 1: column {column.name!r} is {shown}, expected a time from 2009 to 2100 "
            f"in s, ms, us or ns since 1970, or as ISO text"
        )
    return best


def _scaled(whole: pl.Series, unit_ns: int) -> Column:
    """Nanoseconds where the stamp lies between 2009 and 2100, else UNREADABLE (never a wrapped product)."""
    sentinel = int(UNREADABLE)
    raw: Column = whole.fill_null(sentinel).to_numpy()
    sane = (raw >= EARLIEST_NS // unit_ns) & (raw < LATEST_NS // unit_ns)
    return np.where(sane, np.where(sane, raw, 0) * unit_ns, sentinel)


def _text_stamps(column: pl.Series) -> tuple[Column, str, tuple[str, ...]]:
    """ISO text, with or without a zone; a text without one is UTC."""
    text = (
        column.str.strip_chars()
        .str.replace("T", " ", literal=True)
        .str.replace("Z$", "+0000")
        .str.replace(r"\s+([+-])", "$1")
    )
    total = pl.Series([None] * len(text), dtype=pl.Int64)
    zoneless = False
    for form in _TEXT_TIMES:
        if total.null_count() == 0:
            break
        found = text.str.to_datetime(form, time_unit="us", strict=False).to_physical()
        if form == _TEXT_TIMES[0]:
            total = found
        elif found.null_count() < len(found):
            zoneless = True
            total = total.zip_with(total.is_not_null(), found)
    note = ("times have no zone: taken as UTC",) if zoneless else ()
    return _scaled(total, TIME_UNITS["us"]), "text", note


def file_facts(table: CandleTable) -> dict[str, Any]:
    """What a tape's or a stored set's origin says about the file."""
    return {"file": table.path.name, "sha256": table.sha256, "rows": len(table), "columns": dict(table.columns)}
