"""Candles as other programs keep them: Feather (Arrow) files, JSON lists of lists, and what their names say.

    ETH_USDT-5m.feather               spot
    ETH_USDT_USDT-5m-futures.feather  a perpetual, settled in the third asset
    BTC_USDT-1h.json.gz               [[milliseconds, open, high, low, close, volume], ...]

Cells are handed on as they are: what a price may be is judged where every other file is judged.
"""

import io
import json
import re
from pathlib import Path
from typing import Any, Final

import polars as pl

from quintet.core.errors import DataError

FEATHER: Final = b"ARROW1"
FEATHER_1: Final = b"FEA1"
PLACES: Final = ("time", "open", "high", "low", "close", "volume")
"""What the cells of a JSON row mean, by their place; what follows them is not read."""

_FILE_NAME: Final = re.compile(
    r"(?P<pair>[A-Za-z0-9]+(?:_[A-Za-z0-9]+){1,2})-(?P<timeframe>\d+[mhdw])(?:-[a-z]+)?\.(?:feather|json(?:\.gz)?|parquet)"
)


def is_feather(path: Path, data: bytes) -> bool:
    """True for a Feather file by its first bytes, and for one that only its name calls so."""
    return data.startswith((FEATHER, FEATHER_1)) or path.suffix == ".feather"


def parse_feather(path: Path, data: bytes) -> pl.DataFrame:
    """The table of a Feather file; raises DataError for another one, or a damaged one."""
    if data.startswith(FEATHER_1):
        raise DataError(
            f"{path}: is a Feather file of version 1, expected version 2: write it again with any newer tool"
        )
    try:
        return pl.read_ipc(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: is not a readable Feather file ({reason})") from None


def is_json(path: Path) -> bool:
    """True for a file that calls itself JSON, gzipped or not."""
    return path.name.endswith((".json", ".json.gz"))


def parse_json(path: Path, data: bytes) -> pl.DataFrame:
    """Rows by their place, every cell as the text that stands there; raises DataError naming the first odd row."""
    try:
        rows = json.loads(data.decode("utf-8"), parse_float=str, parse_int=str, parse_constant=str)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON ({error})") from None
    if not isinstance(rows, list):
        raise DataError(f"{path}: holds a JSON {type(rows).__name__}, expected a list of rows [time, open, high, ...]")
    for number, row in enumerate(rows, start=1):
        problem = _problem(row)
        if problem:
            raise DataError(f"{path}: row {number}: {problem}")
    columns = zip(*(row[: len(PLACES)] for row in rows), strict=True) if rows else [()] * len(PLACES)
    return pl.DataFrame(
        {name: list(cells) for name, cells in zip(PLACES, columns, strict=True)}, dict.fromkeys(PLACES, pl.String)
    )


def _problem(row: Any) -> str:
    """What is wrong with a row as a row; empty when its cells can be looked at."""
    if not isinstance(row, list):
        return f"is {json.dumps(row)[:60]}, expected a list [time, open, high, low, close, volume]"
    if len(row) < len(PLACES):
        return f"has {len(row)} cells, expected {len(PLACES)}: time, open, high, low, close, volume"
    odd = next((cell for cell in row[: len(PLACES)] if cell is not None and not isinstance(cell, str)), None)
    return "" if odd is None else f"holds {json.dumps(odd)[:60]}, expected a number"


def named_timeframe(name: str) -> str:
    """The timeframe that a file's name speaks of, `5m` in `ETH_USDT-5m.feather`; empty for any other name."""
    found = _FILE_NAME.fullmatch(name)
    return found["timeframe"] if found else ""
