"""Tapes as Parquet and back, without loss: the tape that is read back has the same hash.

One line for each row that is not TEXT; the text that follows it is in the column `text`. The tape's origin and hash
stand in the file's own key-value metadata, so that reading back can prove itself.
"""

import os
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from quintet.core import events as ev
from quintet.core.errors import DataError, TapeError
from quintet.core.row_laws import Rows, frozen, text_of
from quintet.core.tape import Tape, TapeMeta, hash_rows, text_rows
from quintet.storage.tape_files import TapeWriter, open_tape

_META_KEY: Final = "quintet.tape.meta"
_HASH_KEY: Final = "quintet.tape.hash"
SCHEMA: Final[dict[str, Any]] = {
    "position": pl.Int64,
    "ts_event": pl.Int64,
    "ts_recv": pl.Int64,
    "quantity": pl.Int64,
    "price": pl.Int32,
    "instrument": pl.UInt16,
    "kind": pl.UInt8,
    "bits": pl.UInt8,
    "text": pl.Binary,
}


def tape_frame(tape: Tape) -> pl.DataFrame:
    """The tape as columns, in the units of the row."""
    rows = np.asarray(tape.event_rows())
    heads = np.flatnonzero(rows["kind"] != ev.TEXT)
    columns: dict[str, Any] = {"position": heads}
    columns |= {name: rows[name][heads].copy() for name in ev.ROW.names or ()}
    columns["text"] = _texts(rows, heads)
    return pl.DataFrame(columns, schema=SCHEMA)


def _texts(rows: Any, heads: Any) -> Any:
    ends = np.append(heads, len(rows))[1:]
    texts: list[bytes | None] = [None] * len(heads)
    for line in np.flatnonzero(ends > heads + 1).tolist():
        texts[line] = text_of(rows[heads[line] + 1 : ends[line]])
    return pl.Series("text", texts, dtype=pl.Binary)


def export_tape(tape: Tape, path: str | os.PathLike[str]) -> None:
    """Write a tape as Parquet; raises TapeError when the file cannot be written. The file appears whole or not."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    about = {_META_KEY: msgspec.json.encode(tape.meta).decode(), _HASH_KEY: tape.hash}
    try:
        tape_frame(tape).write_parquet(part, metadata=about)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TapeError(f"{path}: cannot write: {error.strerror or error}") from None


def import_tape(source: str | os.PathLike[str], path: str | os.PathLike[str], *, replace: bool = False) -> Tape:
    """Make the tape at `path` from an exported Parquet file.

    Raises DataError when the file is not such an export or its rows do not have the hash that stands in it.
    """
    source = Path(source)
    frame, about = _read(source)
    try:
        meta = msgspec.json.decode(about[_META_KEY], type=TapeMeta)
    except msgspec.DecodeError as error:
        raise DataError(f"{source}: metadata {_META_KEY}: {error}") from None
    rows = frame_rows(frame)
    if hash_rows(rows) != about[_HASH_KEY]:
        raise DataError(f"{source}: the rows have the tape hash {hash_rows(rows)}, expected {about[_HASH_KEY]}")
    with TapeWriter(path, meta, replace=replace) as writer:
        writer.append(rows)
    return open_tape(path)


def _read(source: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    try:
        about = pl.read_parquet_metadata(source)
        frame = pl.read_parquet(source)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{source}: cannot read as Parquet: {error}") from None
    for key in (_META_KEY, _HASH_KEY):
        if key not in about:
            raise DataError(f"{source}: no metadata {key}, expected a file that `quintet tape export` wrote")
    for name, kind in SCHEMA.items():
        if frame.schema.get(name) != kind:
            raise DataError(f"{source}: column {name} is {frame.schema.get(name, 'missing')}, expected {kind}")
    return frame, about


def frame_rows(frame: pl.DataFrame) -> Rows:
    """The inverse of `tape_frame`."""
    texts = frame["text"]
    at = np.flatnonzero(texts.is_not_null().to_numpy())
    payloads = [text_rows(texts[line]) for line in at.tolist()]
    lengths = np.ones(len(frame), np.int64)
    lengths[at] += np.array([len(payload) for payload in payloads], np.int64)
    starts = np.cumsum(lengths) - lengths
    rows = np.zeros(int(lengths.sum()), ev.ROW)
    heads = np.zeros(len(frame), ev.ROW)
    for name in ev.ROW.names or ():
        heads[name] = frame[name].to_numpy()
    rows[starts] = heads
    for line, payload in zip(at.tolist(), payloads, strict=True):
        rows[starts[line] + 1 : starts[line] + lengths[line]] = payload
    return frozen(rows)
