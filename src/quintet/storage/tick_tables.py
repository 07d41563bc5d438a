"""Tick files that are tables: Tardis CSV, Bybit's trade archives, polled best prices, and NumPy arrays.

Each becomes the same facts or batches as a recorded stream. Nothing here holds more than a piece of a file.
"""

import ast
import heapq
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintet.core import events as ev
from quintet.core.errors import DataError
from quintet.core.market.level_text import PIECE
from quintet.core.market.tick_feed import UNKNOWN, BestPrices, BookChange, Fact, Trade
from quintet.core.records import table
from quintet.core.row_laws import TIME_MAX
from quintet.storage.tick_pieces import Pieces
from quintet.storage.tick_sources import TickFiles, open_unpacked

US_NS: Final = 1_000
MS_NS: Final = 1_000_000
ARRAY_ROWS: Final = 65_536

# ---- Tardis ------------------------------------------------------------------------------------------------------

TARDIS_BOOK: Final = (
    "exchange", "symbol", "timestamp", "local_timestamp", "is_snapshot", "side", "price", "amount",
)  # fmt: skip
TARDIS_TRADES: Final = ("exchange", "symbol", "timestamp", "local_timestamp", "id", "side", "price", "amount")


def tardis_facts(files: TickFiles) -> Iterator[Fact]:
    """`incremental_book_L2` and `trades` of Tardis, several files woven by the local time; stamps are us UTC.

    Lines of one symbol with one local time are one message. A line that is a snapshot after one that is not begins
    the book anew (Tardis, "CSV format details").
    """
    streams = [_tardis_of(files, n) for n in files.chosen]
    yield from streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda fact: fact.recv_ns)


def _tardis_of(files: TickFiles, file: int) -> Iterator[Any]:
    with open_unpacked(files.paths[file]) as (_, text):
        header = text.readline().decode("utf-8", "replace").strip().split(",")
    if header == list(TARDIS_TRADES):
        for where, cells in files.rows_of(file, TARDIS_TRADES):
            yield from _tardis_trade(where, cells)
        return
    in_snapshot: dict[str, bool] = {}
    rows = files.rows_of(file, TARDIS_BOOK)
    for (symbol, _, _), lines in groupby(rows, key=lambda row: (row[1][1], row[1][3], row[1][4])):
        message = list(lines)
        try:
            yield _tardis_message(symbol, message, in_snapshot)
        except DataError as error:
            # Reading stands one line further: only the next line shows that a message has ended.
            raise DataError(f"{files.place(*message[0][0])}: {error}") from None


def _tardis_message(
    symbol: str, lines: list[tuple[tuple[int, int], list[str]]], in_snapshot: dict[str, bool]
) -> BookChange:
    where, first = lines[0]
    if first[4] not in ("true", "false"):
        raise DataError(f"column 'is_snapshot' is {first[4]!r}, expected true or false")
    snapshot = first[4] == "true"
    begins = snapshot and not in_snapshot.get(symbol, False)
    in_snapshot[symbol] = snapshot
    sides: dict[str, list[str]] = {"bid": [], "ask": []}
    for _, cells in lines:
        if cells[5] not in sides:
            raise DataError(f"column 'side' is {cells[5]!r}, expected bid or ask")
        sides[cells[5]].append(f'["{cells[6]}","{cells[7]}"]')
    bids, asks = (f"[{','.join(sides[side])}]".encode() for side in ("bid", "ask"))
    event_ns, recv_ns = _stamp(first[2], "timestamp", US_NS), _stamp(first[3], "local_timestamp", US_NS)
    return BookChange(where, recv_ns, event_ns, symbol, bids, asks, snapshot=begins)


def _tardis_trade(where: tuple[int, int], cells: list[str]) -> Iterator[Any]:
    event_ns, recv_ns = _stamp(cells[2], "timestamp", US_NS), _stamp(cells[3], "local_timestamp", US_NS)
    # Block trades and the like have no side: they met no order of the book.
    if cells[5] == "unknown":
        return
    yield Trade(where, recv_ns, event_ns, cells[1], _buys(cells[5], "buy", "sell"), _pair(cells[6], cells[7]))


# ---- Bybit's trade archives --------------------------------------------------------------------------------------

BYBIT_TRADES: Final = ("timestamp", "symbol", "side", "size", "price")
BYBIT_SPOT_TRADES: Final = ("id", "timestamp", "price", "volume", "side")
BYBIT_PARQUET: Final = ("ts", "price", "qty", "is_buyer_maker", "symbol")


def bybit_trades(files: TickFiles) -> Iterator[Fact]:
    """Public trade archives: CSV of derivatives (stamps in seconds) or of spot (ms), or Parquet. No receive times."""
    for file in files.chosen:
        path = files.paths[file]
        if path.suffix == ".parquet":
            yield from _parquet_trades(files, file)
        elif _header(path)[:2] == ["id", "timestamp"]:
            yield from _spot_trades(files, file)
        else:
            for where, cells in files.rows_of(file, BYBIT_TRADES):
                stamp = _seconds(cells[0])
                buy = _buys(cells[2], "Buy", "Sell")
                yield Trade(where, UNKNOWN, stamp, cells[1], buy, _pair(cells[4], cells[3]))


def _spot_trades(files: TickFiles, file: int) -> Iterator[Fact]:
    symbol = re.split(r"[_.-]", files.paths[file].name)[0].upper()
    for where, cells in files.rows_of(file, BYBIT_SPOT_TRADES):
        buy = _buys(cells[4], "buy", "sell")
        yield Trade(where, UNKNOWN, _stamp(cells[1], "timestamp", MS_NS), symbol, buy, _pair(cells[2], cells[3]))


def _parquet_trades(files: TickFiles, file: int) -> Iterator[Fact]:
    """Numbers of a Parquet file are floats; their shortest text is what they were written from."""
    import polars as pl

    path = files.paths[file]
    try:
        lazy = pl.scan_parquet(path)
        missing = [name for name in BYBIT_PARQUET if name not in lazy.collect_schema().names()]
        total = int(lazy.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: no Parquet file that can be read ({str(error).splitlines()[0]})") from None
    if missing:
        raise DataError(f"{path}: column {missing[0]!r} is missing, expected {', '.join(BYBIT_PARQUET)}")
    for first in range(0, total, ARRAY_ROWS):
        frame = lazy.slice(first, ARRAY_ROWS).select(BYBIT_PARQUET).collect()
        files.tell(file, path.stat().st_size * min(total, first + ARRAY_ROWS) // total)
        for n, (ts, price, quantity, buyer_rested, symbol) in enumerate(frame.iter_rows(), start=first + 1):
            files.at = (file, n)
            if not isinstance(buyer_rested, bool):
                raise DataError(f"column 'is_buyer_maker' is {buyer_rested!r}, expected true or false")
            stamp = _stamp(str(ts), "ts", MS_NS)
            yield Trade((file, n), UNKNOWN, stamp, symbol, not buyer_rested, _pair(str(price), str(quantity)))


# ---- polled: looked at, not traded -------------------------------------------------------------------------------

TOP_OF_BOOK: Final = (
    "best_bid", "best_ask", "mid_price", "spread", "bid_volume", "ask_volume", "imbalance", "timestamp",
)  # fmt: skip


def polled_best_prices(files: TickFiles) -> Iterator[Fact]:
    """Best prices that were asked for every few seconds; sizes are not those of the best level and are left out."""
    for file in files.chosen:
        symbol = re.split(r"[_.-]", files.paths[file].name)[0].upper()
        for where, cells in files.rows_of(file, TOP_OF_BOOK):
            try:
                moment = datetime.fromisoformat(cells[7])
            except ValueError:
                raise DataError(f"column 'timestamp' is {cells[7]!r}, expected a moment in ISO text") from None
            since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
            recv_ns = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * US_NS
            yield BestPrices(where, recv_ns, UNKNOWN, symbol, _pair(cells[0], "0"), _pair(cells[1], "0"))


def bybit_top5(files: TickFiles) -> Iterator[Fact]:
    """Samples of five levels a side: what changed, symbol, local ms, venue ms, and levels as Python writes lists."""
    for where, cells in files.rows():
        if len(cells) != 5:
            raise DataError(f"has {len(cells)} cells, expected 5: sides, symbol, local ms, venue ms, levels")
        sides, symbol, local, venue, levels = cells
        if sides not in ("both", "bid", "ask"):
            raise DataError(f"sides are {sides!r}, expected both, bid or ask")
        bids, asks = _two_sides(levels)
        recv_ns, event_ns = _decimal_ms(local, "local ms"), _stamp(venue, "venue ms", MS_NS)
        yield BookChange(where, recv_ns, event_ns, symbol, bids, asks, snapshot=True)


def _two_sides(levels: str) -> tuple[bytes, bytes]:
    import msgspec

    try:
        bids, asks = msgspec.json.decode(levels.replace("'", '"'), type=tuple[msgspec.Raw, msgspec.Raw])
    except msgspec.DecodeError:
        raise DataError(f"levels are {levels[:40]!r}, expected [[bids], [asks]]") from None
    return bytes(bids), bytes(asks)


# ---- NumPy arrays ------------------------------------------------------------------------------------------------

HFTBACKTEST: Final = ("ev", "exch_ts", "local_ts", "px", "qty")
BENCH: Final = ("ts_exch", "ts_local", "tick", "lots", "kind", "last")

_REAL: Final = ("px", "qty")
_KIND_NAMES: Final = {"f": "floats", "iu": "whole numbers"}
_HEADER_BYTES_MAX: Final = 1 << 16

# Meaning of `ev` as hftbacktest documents it: a type in the low byte, flags above.
_DEPTH, _TRADE, _CLEAR, _SNAPSHOT, _BEST = 1, 2, 3, 4, 5
_AT_EXCHANGE, _HERE, _BUY, _SELL = 1 << 31, 1 << 30, 1 << 29, 1 << 28


class ArrayChunk(NamedTuple):
    """A piece of a structured array, and the number of its first row, counted from 1."""

    path: Path
    first: int
    rows: NDArray[np.void]


def array_fields(path: Path) -> tuple[str, ...]:
    """Field names of the structured array in a .npy or .npz file; empty when it is none."""
    try:
        with _array_stream(path) as stream:
            return _array_header(stream, path)[1].names or ()
    except (DataError, ValueError, OSError, zipfile.BadZipFile):
        return ()


def array_chunks(files: TickFiles, file: int, expected: tuple[str, ...]) -> Iterator[ArrayChunk]:
    """A structured array a piece at a time; raises DataError for another array or one that breaks off."""
    path = files.paths[file]
    with _array_stream(path) as stream:
        count, dtype = _array_header(stream, path)
        missing = [name for name in expected if name not in (dtype.names or ())]
        if missing:
            raise DataError(f"{path}: field {missing[0]!r} is missing, expected {', '.join(expected)}")
        for name in expected:
            kinds = "f" if name in _REAL else "iu"
            if dtype[name].kind not in kinds:
                raise DataError(f"{path}: field {name!r} holds {dtype[name]}, expected {_KIND_NAMES[kinds]}")
        for first in range(0, count, ARRAY_ROWS):
            wanted = min(ARRAY_ROWS, count - first)
            data = stream.read(wanted * dtype.itemsize)
            if len(data) != wanted * dtype.itemsize:
                raise DataError(f"{path}: ends at row {first + len(data) // dtype.itemsize}, expected {count} rows")
            files.at = (file, first + 1)
            files.tell(file, path.stat().st_size * (first + wanted) // count)
            yield ArrayChunk(path, first + 1, np.frombuffer(data, dtype))


@contextmanager
def _array_stream(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of the array: the file's own, or those of the one array (or `data`) in an .npz."""
    with ExitStack() as opened:
        raw = opened.enter_context(path.open("rb"))
        packed = raw.read(4) == b"PK\x03\x04"
        raw.seek(0)
        if not packed:
            yield raw
            return
        archive = opened.enter_context(zipfile.ZipFile(raw))
        names = archive.namelist()
        name = "data.npy" if "data.npy" in names else names[0] if len(names) == 1 else ""
        if not name.endswith(".npy"):
            raise DataError(f"{path}: holds {', '.join(names)[:80]}, expected one array, or one named data")
        yield opened.enter_context(archive.open(name))


def _array_header(stream: IO[bytes], path: Path) -> tuple[int, np.dtype[Any]]:
    """How many rows, and of what: the text before the bytes of an .npy file (NumPy, "NPY format")."""
    magic = stream.read(8)
    size = {1: 2, 2: 4, 3: 4}.get(magic[6]) if len(magic) == 8 and magic.startswith(b"\x93NUMPY") else None
    if size is None:
        raise DataError(f"{path}: begins with {magic[:6]!r}, expected a NumPy array")
    length = int.from_bytes(stream.read(size), "little")
    try:
        header = ast.literal_eval(stream.read(min(length, _HEADER_BYTES_MAX)).decode("latin-1"))
        count, dtype = header["shape"], np.dtype(header["descr"])
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, MemoryError, RecursionError) as error:
        raise DataError(f"{path}: the array's header cannot be read ({type(error).__name__})") from None
    if not (isinstance(count, tuple) and len(count) == 1 and isinstance(count[0], int) and count[0] >= 0):
        raise DataError(f"{path}: an array of shape {count}, expected one dimension")
    return count[0], dtype


def _whole_messages(chunks: Iterator[ArrayChunk], end_of: Callable[[NDArray[np.void]], int]) -> Iterator[ArrayChunk]:
    """The same rows cut between messages; `end_of` tells how many rows are whole messages for certain."""
    held: ArrayChunk | None = None
    for chunk in chunks:
        if held is not None:
            chunk = ArrayChunk(chunk.path, held.first, np.concatenate([held.rows, chunk.rows]))
        end = end_of(chunk.rows)
        if end:
            yield chunk._replace(rows=chunk.rows[:end])
        held = ArrayChunk(chunk.path, chunk.first + end, chunk.rows[end:])
    if held is not None and len(held.rows):
        yield held


def hftbacktest_pieces(files: TickFiles) -> Iterator[Pieces]:
    """Events of hftbacktest, in the order they were received; stamps are ns.

    A row marked for the exchange alone is the second half of one that was split in two to be processed in two orders;
    its other half, marked for here, is the one that is read. Rows of one type with equal stamps are one message.
    """
    message = 0
    for file in files.chosen:
        for chunk in _whole_messages(array_chunks(files, file, HFTBACKTEST), _end_of_events):
            pieces = _event_pieces(chunk, file, message)
            if pieces is not None:
                message = int(pieces.table["message"][-1])
                yield pieces


def _groups(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """By row what makes a message: its type (a clear belongs to the snapshot that follows) and both stamps."""
    what = rows["ev"].astype(np.int64) & 0xFF
    return np.stack([np.where(what == _CLEAR, _SNAPSHOT, what), rows["exch_ts"], rows["local_ts"]], axis=1)


def _end_of_events(rows: NDArray[np.void]) -> int:
    """Where the last message begins: the next chunk may go on with it."""
    other = np.flatnonzero((_groups(rows) != _groups(rows[-1:])).any(axis=1))
    return int(other[-1]) + 1 if len(other) else 0


def _event_pieces(chunk: ArrayChunk, file: int, message: int) -> Pieces | None:
    flags = chunk.rows["ev"].astype(np.int64)
    _require_event(chunk, (flags & (_AT_EXCHANGE | _HERE)) != 0, "ev", "an event for the exchange or for here")
    what = flags & 0xFF
    known = np.isin(what, (_DEPTH, _TRADE, _CLEAR, _SNAPSHOT, _BEST))
    _require_event(chunk, known, "ev", "depth, trade, clear, snapshot or best prices (order-level events are not read)")
    sided = (flags & (_BUY | _SELL)) != 0
    _require_event(chunk, sided | (what == _CLEAR), "ev", "the flag of a buy or a sell")
    for name in ("exch_ts", "local_ts"):
        sane = (chunk.rows[name] > 0) & (chunk.rows[name] < TIME_MAX)
        _require_event(chunk, sane, name, "ns UTC before the year 2200")
    here = np.flatnonzero(((flags & _HERE) != 0) & (what != _BEST))
    if not len(here):
        return None
    rows, what = chunk.rows[here], what[here]
    buy = (flags[here] & _BUY) != 0
    kind = np.where(what == _TRADE, np.where(buy, ev.TRADE_BUY, ev.TRADE_SELL), np.where(buy, 0, 1))
    kind = np.where(what == _CLEAR, ev.BOOK_CLEAR, kind)
    # The two sides are cleared by two rows; the book is unknown from the first.
    keep = ~((what == _CLEAR) & np.append(False, what[:-1] == _CLEAR))
    keys = _groups(rows)
    numbers = message + 1 + np.append(0, np.cumsum((keys[1:] != keys[:-1]).any(axis=1)))
    return _array_pieces(chunk.first + here, file, rows, kind, numbers, keep)


def _array_pieces(
    line: NDArray[Any], file: int, rows: NDArray[np.void], kind: NDArray[Any], message: NDArray[Any], keep: NDArray[Any]
) -> Pieces:
    count = int(np.count_nonzero(keep))
    marks = (kind == ev.BOOK_CLEAR)[keep]
    pieces = table(PIECE, count)
    pieces["file"], pieces["line"] = file, line[keep]
    pieces["event_ns"], pieces["recv_ns"] = rows["exch_ts"][keep], rows["local_ts"][keep]
    pieces["kind"], pieces["message"] = kind[keep], message[keep]
    return Pieces(
        pieces,
        price=rows["px"][keep][~marks].astype(np.float64),
        lots=rows["qty"][keep][~marks].astype(np.float64),
    )


def _require_event(chunk: ArrayChunk, good: NDArray[Any], field: str, expected: str) -> None:
    bad = np.flatnonzero(~good)
    if len(bad):
        found = chunk.rows[field][int(bad[0])]
        raise DataError(f"{chunk.path}: row {chunk.first + int(bad[0])}: {field} is {found}, expected {expected}")


def bench_pieces(files: TickFiles) -> Iterator[Pieces]:
    """Rows of the benchmark's own array: whole ticks and lots, `last` on the last row of a message."""
    message = 0
    for file in files.chosen:
        for chunk in _whole_messages(array_chunks(files, file, BENCH), _end_of_bench):
            pieces = _bench_pieces(chunk, file, message)
            message = int(pieces.table["message"][-1])
            yield pieces


def _end_of_bench(rows: NDArray[np.void]) -> int:
    last = np.flatnonzero(rows["last"] == 1)
    return int(last[-1]) + 1 if len(last) else 0


def _bench_pieces(chunk: ArrayChunk, file: int, message: int) -> Pieces:
    rows = chunk.rows
    _require_event(chunk, rows["kind"] <= ev.TRADE_SELL, "kind", "0 to 3: bid, ask, buy, sell")
    _require_event(chunk, rows["tick"] > 0, "tick", "a price above 0")
    _require_event(chunk, rows["lots"] >= 0, "lots", "0 or more")
    for name in ("ts_exch", "ts_local"):
        _require_event(chunk, (rows[name] > 0) & (rows[name] < TIME_MAX), name, "ns UTC before the year 2200")
    pieces = table(PIECE, len(rows))
    pieces["file"], pieces["line"] = file, chunk.first + np.arange(len(rows))
    pieces["event_ns"], pieces["recv_ns"] = rows["ts_exch"], rows["ts_local"]
    pieces["kind"] = rows["kind"]
    pieces["message"] = message + 1 + np.append(0, np.cumsum(rows["last"][:-1] == 1))
    return Pieces(pieces, price=rows["tick"].astype(np.int64), lots=rows["lots"].astype(np.int64))


# ---- cells -------------------------------------------------------------------------------------------------------


def _header(path: Path) -> list[str]:
    with open_unpacked(path) as (_, text):
        return text.readline(1 << 16).decode("utf-8", "replace").strip().split(",")


def _pair(price: str, quantity: str) -> bytes:
    return f'[["{price}","{quantity}"]]'.encode()


def _buys(text: str, buy: str, sell: str) -> bool:
    if text not in (buy, sell):
        raise DataError(f"column 'side' is {text!r}, expected {buy} or {sell}")
    return text == buy


def _stamp(text: str, column: str, unit_ns: int) -> int:
    if not text.isdecimal() or not 0 < int(text) * unit_ns < TIME_MAX:
        unit = {US_NS: "us", MS_NS: "ms"}[unit_ns]
        raise DataError(f"column {column!r} is {text[:40]!r}, expected {unit} UTC before the year 2200")
    return int(text) * unit_ns


def _seconds(text: str) -> int:
    return _scaled(text, "timestamp", Decimal(1_000_000_000), "seconds")


def _decimal_ms(text: str, column: str) -> int:
    return _scaled(text, column, Decimal(MS_NS), "ms")


def _scaled(text: str, column: str, unit_ns: Decimal, unit: str) -> int:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not 0 < value * unit_ns < TIME_MAX:
        raise DataError(f"column {column!r} is {text[:40]!r}, expected {unit} UTC before the year 2200")
    return int(value * unit_ns)
