"""Imported candle sets in the workspace: one Parquet file of exact decimals, and beside it what it is and whence."""

import hashlib
import re
from pathlib import Path

import msgspec

from quintet.core.errors import DataError
from quintet.core.instrument import Instrument
from quintet.storage.candle_files import CandleFile, utc_text, write_candles
from quintet.storage.workspace import write_whole

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class CandleSet(msgspec.Struct, frozen=True, kw_only=True):
    """One set. Times are text in UTC, of the first and last bar's opening; `sha256` is of the set's own file."""

    name: str
    venue: str
    kind: str
    symbol: str
    timeframe: str
    bars: int
    first_bar: str
    last_bar: str
    synthetic: bool
    source: str
    source_sha256: str
    sha256: str
    notes: tuple[str, ...] = ()


def default_name(file: Path) -> str:
    """The file's own name without endings: it says best what the candles are."""
    stem = file.name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-") or "candles"


def set_path(folder: Path, name: str) -> Path:
    """Where a set's candles lie; raises DataError for a name that is no file name."""
    if not _NAME.fullmatch(name):
        raise DataError(f"set name is {name!r}, expected letters, digits, dots, dashes and underscores")
    return folder / f"{name}.parquet"


def save_set(
    folder: Path, name: str, candles: CandleFile, instrument: Instrument, *, replace: bool = False
) -> CandleSet:
    """Keep candles under a name. Raises DataError when the name is taken and `replace` is not set."""
    path = set_path(folder, name)
    if path.exists() and not replace:
        raise DataError(f"{path}: exists already; expected a new --name, or --replace")
    write_candles(path, candles.bars, instrument, origin=candles.origin, synthetic=candles.synthetic)
    kept = CandleSet(
        name=name,
        venue=instrument.venue,
        kind=instrument.kind,
        symbol=instrument.symbol,
        timeframe=candles.bars.timeframe,
        bars=len(candles.bars),
        first_bar=utc_text(int(candles.bars.ts_open[0])),
        last_bar=utc_text(int(candles.bars.ts_open[-1])),
        synthetic=candles.synthetic,
        source=candles.origin,
        source_sha256=candles.sha256,
        sha256=_sha256(path),
        notes=candles.notes,
    )
    write_whole(path.with_suffix(".json"), msgspec.json.format(msgspec.json.encode(kept)))
    return kept


def list_sets(folder: Path) -> list[tuple[CandleSet, str]]:
    """Every set with its state: "" when whole, else what is wrong with it. Sorted by name."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=CandleSet)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Other notes live here too, such as a download's.
            continue
        found.append((kept, _state(path.with_suffix(".parquet"), kept)))
    return found


def _state(path: Path, kept: CandleSet) -> str:
    if not path.exists():
        return "file is missing"
    return "" if _sha256(path) == kept.sha256 else "changed since import"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
