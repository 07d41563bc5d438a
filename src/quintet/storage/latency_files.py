"""Recorded orders: how long they travelled to the exchange and back. CSV, .npy or .npz.

    sent      our clock, when the order was sent          (hftbacktest: req_ts)
    arrived   the exchange's, when it had it; 0: never    (exch_ts)
    heard     our clock, when we heard of it              (resp_ts)

All in ns UTC, in the order of their sending; the first line of a CSV names its columns. The NumPy array is the one that
hftbacktest makes of order latencies.
"""

import csv
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.records import table
from quintet.core.state import LATENCY

FIELDS: Final = {"sent": "req_ts", "arrived": "exch_ts", "heard": "resp_ts"}
"""Ours, and what hftbacktest calls it."""

_TIME_MAX: Final = 2**62


def read_latencies(path: Path) -> Any:
    """The table of recorded orders in a file, of `state.LATENCY`; raises DataError naming line or field."""
    if not path.is_file():
        raise DataError(f"{path}: no such file, expected recorded orders, CSV, .npy or .npz")
    columns = _of_array(path) if path.suffix in (".npy", ".npz") else _of_csv(path)
    orders = table(LATENCY, len(columns["sent"]))
    for name, values in columns.items():
        orders[name] = values
    return orders


def _of_array(path: Path) -> dict[str, NDArray[np.int64]]:
    try:
        opened: Any = np.load(path, allow_pickle=False)
        if not isinstance(opened, np.ndarray):
            with opened:
                names = opened.files
                if len(names) != 1 and "data" not in names:
                    raise DataError(f"{path}: holds {', '.join(names)[:80]}, expected one array, or one named data")
                opened = opened["data" if "data" in names else names[0]]
    except (ValueError, OSError, EOFError, KeyError, MemoryError) as error:
        raise DataError(f"{path}: cannot be read as an array ({error})") from None
    found = opened.dtype.names or ()
    return {ours: _whole(opened, _named(ours, found, str(path)), path) for ours in FIELDS}


def _named(ours: str, found: Any, where: str) -> str:
    for name in (ours, FIELDS[ours]):
        if name in found:
            return name
    raise DataError(f"{where}: field {ours} (or {FIELDS[ours]}) not found, expected {', '.join(FIELDS)}")


def _whole(array: Any, name: str, path: Path) -> NDArray[np.int64]:
    if array[name].dtype.kind not in "iu" or array.ndim != 1:
        raise DataError(f"{path}: field {name!r} holds {array[name].dtype}, expected whole ns in one dimension")
    values: NDArray[np.int64] = array[name].astype(np.int64)
    return values


def _of_csv(path: Path) -> dict[str, NDArray[np.int64]]:
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            lines = csv.reader(opened)
            head = [word.strip() for word in next(lines, [])]
            places = [head.index(_named(ours, head, str(path))) for ours in FIELDS]
            rows = [_numbers(line, places, f"{path}: line {n}") for n, line in enumerate(lines, start=2) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV ({error})") from None
    columns = np.array(rows, np.int64).reshape(len(rows), len(FIELDS))
    return dict(zip(FIELDS, columns.T, strict=True))


def _numbers(line: list[str], places: list[int], where: str) -> list[int]:
    try:
        numbers = [int(line[place]) for place in places]
    except (ValueError, IndexError):
        raise DataError(f"{where}: found {','.join(line)[:60]!r}, expected whole ns for {', '.join(FIELDS)}") from None
    if not all(-_TIME_MAX < number < _TIME_MAX for number in numbers):
        raise DataError(f"{where}: found {','.join(line)[:60]!r}, expected ns within 62 bits")
    return numbers
