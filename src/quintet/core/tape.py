"""The tape: rows in blocks, each sealed into a chain. Encodes, checks and hashes bytes; opens nothing.

The file is one array of 32-byte rows. A *block* is a header of two row-sized halves and its rows; both halves bear
kind 255 where a row bears its kind, so a loop over the whole file steps over headers with one compare.

| bytes  | header field     | read as a ROW  |
|--------|------------------|----------------|
| 0-5    | magic            | ts_event       |
| 6      | format version   |                |
| 7      | block type       |                |
| 8-15   | first position   | ts_recv        |
| 16-23  | durable_upto     | quantity       |
| 24-27  | rows that follow | price          |
| 28-29  | zero             | instrument     |
| 30     | 255              | kind           |
| 31     | 1, first half    | bits           |
| 32-61  | chain digest     |                |
| 62     | 255              | kind           |
| 63     | 2, second half   | bits           |

The chain digest is the first 240 bits of SHA-256 over (header with the previous block's digest in it) + rows. It
seals the file and depends on where blocks fall. The *tape hash* is SHA-256 over the event rows alone, and depends on
nothing else. The first block is the *meta* block (origin, as JSON in TEXT rows): no position, outside the hash.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from quintet.core import events as ev
from quintet.core.errors import Damaged, NotATape, TapeError
from quintet.core.instrument import Instrument, encode
from quintet.core.row_laws import (
    KIND_NAMES,
    TEXT_BYTES,
    Census,
    Definition,
    Inspector,
    Rows,
    frozen,
    text_of,
)

MAGIC: Final = b"\x89QTAPE"
FORMAT_VERSION: Final = 1
EVENTS, META = 0, 1
"""Block types."""

FIRST_HALF, SECOND_HALF = 1, 2
ROW_BYTES: Final = ev.ROW.itemsize
HEADER_BYTES: Final = 2 * ROW_BYTES
DIGEST_BYTES: Final = 30
NO_DIGEST: Final = bytes(DIGEST_BYTES)
"""What stands before the first block."""

BLOCK_ROWS: Final = 4096
"""Rows in a block when there is a choice; a longer message gets a longer block."""

BLOCK_ROWS_MAX: Final = 2**20
HASH_TAG: Final = b"quintet tape rows 1\n"

_HEADER: Final = struct.Struct("<6sBBqqiHBB30sBB")
assert _HEADER.size == HEADER_BYTES


class Source(msgspec.Struct, frozen=True):
    """A file that a tape was made from."""

    name: str
    sha256: str


class TapeMeta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a tape comes from; outside its hash. `created_ns` is ns UTC, given by the caller."""

    use: Literal["market", "desk"] = "market"
    synthetic: bool
    created_ns: int
    tool_version: str
    sources: tuple[Source, ...] = ()
    notes: dict[str, str] = {}


class Header(NamedTuple):
    """A block's header, decoded."""

    block_type: int
    first_position: int
    durable_upto: int
    row_count: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class BadBlock:
    """The first block that does not stand: which, where in the file, at which position, and why."""

    number: int
    offset: int
    position: int
    reason: str

    def __str__(self) -> str:
        return f"block {self.number} (byte {self.offset}, position {self.position}): {self.reason}"


@dataclass(frozen=True, slots=True)
class Scan:
    """What a walk over the blocks found. `length`: bytes of whole good blocks; `chain`: digest of the last one."""

    blocks: int
    length: int
    positions: int
    meta_rows: int
    last_block: int
    chain: bytes
    tape_hash: str
    marked_chain: bytes
    bad: BadBlock | None


class DurableMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The side file's content: everything before it has reached the disk."""

    format: int
    positions: int
    length_bytes: int
    chain: str


# ---- bytes of a block ----------------------------------------------------------------------------------------


def _pack(header: Header) -> bytes:
    kind, first, count, version = ev.HEADER, header.first_position, header.row_count, FORMAT_VERSION
    return _HEADER.pack(
        MAGIC, version, header.block_type, first, header.durable_upto, count, 0, kind, FIRST_HALF,
        header.digest, kind, SECOND_HALF,
    )  # fmt: skip


def encode_header(
    previous: bytes, block_type: int, first_position: int, durable_upto: int, body: memoryview
) -> tuple[bytes, bytes]:
    """The 64 header bytes of a block whose rows are `body`, and its digest; `previous` is the digest before it."""
    header = Header(block_type, first_position, durable_upto, len(body) // ROW_BYTES, previous)
    hasher = hashlib.sha256(_pack(header))
    hasher.update(body)
    digest = hasher.digest()[:DIGEST_BYTES]
    return _pack(header._replace(digest=digest)), digest


def decode_header(data: memoryview) -> Header | str:
    """A header, or what is wrong with its fixed fields."""
    magic, version, block_type, first, durable, count, zero, kind1, half1, digest, kind2, half2 = _HEADER.unpack(data)
    if magic != MAGIC or (kind1, half1, kind2, half2) != (ev.HEADER, FIRST_HALF, ev.HEADER, SECOND_HALF):
        return "no header where one was expected"
    if version != FORMAT_VERSION:
        return f"header of format {version}, expected {FORMAT_VERSION}"
    if block_type not in (EVENTS, META) or zero != 0:
        return f"header of an unknown block type {block_type}"
    if not 1 <= count <= BLOCK_ROWS_MAX:
        return f"row count is {count}, expected 1 to {BLOCK_ROWS_MAX}"
    return Header(block_type, first, durable, count, digest)


def block_ends(rows: Rows, rows_per_block: int = BLOCK_ROWS) -> list[int]:
    """Where blocks end, so that none splits a message; `rows` are whole messages."""
    total = rows.shape[0]
    if total <= rows_per_block:
        return [total] if total else []
    ends = np.flatnonzero(np.asarray(rows)["bits"] & ev.LAST) + 1
    found: list[int] = []
    start = 0
    while start < total:
        within = int(np.searchsorted(ends, start + rows_per_block, side="right"))
        last = max(within - 1, int(np.searchsorted(ends, start, side="right")))
        start = int(ends[last])
        found.append(start)
    return found


# ---- text, meta and instruments as rows ----------------------------------------------------------------------


def text_rows(payload: bytes) -> Rows:
    """TEXT rows that carry `payload` and end their message; at least one, also for no bytes."""
    count = max(1, -(-len(payload) // TEXT_BYTES))
    cells = np.zeros((count, ROW_BYTES), np.uint8)
    cells[:, :TEXT_BYTES] = np.frombuffer(payload.ljust(count * TEXT_BYTES, b"\0"), np.uint8).reshape(count, -1)
    cells[:, 30] = ev.TEXT
    cells[:, 31] = TEXT_BYTES << 1
    cells[-1, 31] = ((len(payload) - TEXT_BYTES * (count - 1)) << 1) | ev.LAST
    return cells.reshape(-1).view(ev.ROW).view(np.recarray)


def message_with_text(row: Any, payload: bytes) -> Rows:
    """One row and its text as a whole message; `row` is a ROW or a tuple of its fields, without LAST."""
    head = np.zeros(1, ev.ROW)
    head[0] = row
    head["bits"] &= 255 - ev.LAST
    return np.concatenate([head, text_rows(payload)]).view(np.recarray)


def instrument_rows(index: int, instrument: Instrument, ts_event: int, ts_recv: int) -> Rows:
    """The message that defines instrument `index` from here on; times in ns UTC."""
    return message_with_text((ts_event, ts_recv, 0, 0, index, ev.INSTRUMENT, 0), encode(instrument))


def meta_rows(meta: TapeMeta) -> Rows:
    """The rows of a meta block."""
    return text_rows(msgspec.json.encode(meta))


def meta_block(meta: TapeMeta) -> tuple[bytes, bytes]:
    """A whole meta block, the first of every tape, and its digest."""
    body = meta_rows(meta).tobytes()
    header, digest = encode_header(NO_DIGEST, META, 0, 0, memoryview(body))
    return header + body, digest


def decode_meta(rows: Rows, name: str) -> TapeMeta:
    """The inverse of `meta_rows`; raises TapeError naming the field."""
    kinds = np.asarray(rows)["kind"]
    if (kinds != ev.TEXT).any():
        raise TapeError(f"{name}: meta block: kind {kinds[kinds != ev.TEXT][0]}, expected TEXT rows only")
    try:
        return msgspec.json.decode(text_of(rows), type=TapeMeta)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TapeError(f"{name}: meta block: {error}") from None


# ---- walking a file --------------------------------------------------------------------------------------------


def check_beginning(data: memoryview, name: str, marked: bool = False) -> None:
    """Raise NotATape unless `data` begins like a tape of a format this version reads.

    `marked`: a durable mark says that it once was a tape, so that a wrong beginning is for `judge` to call damage.
    """
    if len(data) > len(MAGIC) and bytes(data[: len(MAGIC)]) == MAGIC and data[len(MAGIC)] > FORMAT_VERSION:
        raise NotATape(
            f"{name}: the tape is of format {data[len(MAGIC)]}, this version of quintet reads format "
            f"{FORMAT_VERSION}; use a newer quintet"
        )
    if marked:
        return
    if len(data) == 0:
        raise NotATape(f"{name}: the file is empty, expected a tape")
    if bytes(data[: len(MAGIC)]) != MAGIC[: len(data)]:
        raise NotATape(f"{name}: the file begins with {bytes(data[:6])!r}, expected {MAGIC!r}: not a tape")


def scan_blocks(data: memoryview, marked_length: int = 0) -> Scan:
    """Walk the blocks from the first, checking every digest, until the end or the first that does not stand.

    `marked_chain` of the answer is the digest of the block that ends at byte `marked_length`, empty if none does.
    """
    rows_hasher = hashlib.sha256(HASH_TAG)
    offset = number = positions = meta_count = last_block = 0
    chain, marked, bad = NO_DIGEST, b"", None
    while offset < len(data):
        header, end, reason = _check_block(data, offset, number, positions, chain)
        if header is None:
            bad = BadBlock(number, offset, positions, reason)
            break
        if header.block_type == META:
            meta_count = header.row_count
        else:
            rows_hasher.update(data[offset + HEADER_BYTES : end])
            positions += header.row_count
        last_block, offset, chain = offset, end, header.digest
        number += 1
        if offset == marked_length:
            marked = chain
    return Scan(number, offset, positions, meta_count, last_block, chain, rows_hasher.hexdigest(), marked, bad)


def _check_block(
    data: memoryview, offset: int, number: int, position: int, previous: bytes
) -> tuple[Header | None, int, str]:
    """The block at `offset`: its header and end, or None and why it does not stand."""
    if len(data) - offset < HEADER_BYTES:
        return None, 0, f"{len(data) - offset} bytes of a header, expected {HEADER_BYTES}"
    header = decode_header(data[offset : offset + HEADER_BYTES])
    if isinstance(header, str):
        return None, 0, header
    if (header.block_type == META) != (number == 0):
        return None, 0, f"block type is {header.block_type}, expected {EVENTS if number else META}"
    if header.first_position != position:
        return None, 0, f"first position is {header.first_position}, expected {position}"
    end = offset + HEADER_BYTES + header.row_count * ROW_BYTES
    if end > len(data):
        return None, 0, f"{len(data) - offset - HEADER_BYTES} bytes of rows, expected {header.row_count * ROW_BYTES}"
    if _digest(data, offset, end, previous) != header.digest:
        return None, 0, "the digest does not match header and rows"
    return header, end, ""


def _digest(data: memoryview, offset: int, end: int, previous: bytes) -> bytes:
    """The chain digest of the block between two offsets, after a block with digest `previous`."""
    hasher = hashlib.sha256(data[offset : offset + ROW_BYTES])
    hasher.update(previous)
    hasher.update(data[offset + ROW_BYTES + DIGEST_BYTES : end])
    return hasher.digest()[:DIGEST_BYTES]


def good_blocks_after(data: memoryview, scan: Scan) -> list[tuple[int, Header]]:
    """Whole blocks behind the bad one that the digest before them vouches for, each with its offset."""
    if scan.bad is None:
        return []
    found = []
    starts = [scan.length, *_header_offsets(data, scan.length + ROW_BYTES)]
    for before, offset in zip(starts, starts[1:], strict=False):
        vouchers = {bytes(data[before + ROW_BYTES : before + ROW_BYTES + DIGEST_BYTES])}
        if before == scan.length:
            # When the digest itself is what changed in the bad block, the right one can be computed.
            vouchers.add(_digest(data, before, offset, scan.chain))
        header = _vouched_for(data, offset, vouchers)
        if header is not None:
            found.append((offset, header))
    return found


def _header_offsets(data: memoryview, first: int) -> list[int]:
    """Where headers seem to begin, at or after byte `first`."""
    rows = len(data) // ROW_BYTES
    cells = np.frombuffer(data, np.uint8, rows * ROW_BYTES).reshape(rows, ROW_BYTES)
    heads = np.flatnonzero((cells[:, 30] == ev.HEADER) & (cells[:, 31] == FIRST_HALF)) * ROW_BYTES
    return [int(offset) for offset in heads if first <= offset <= len(data) - HEADER_BYTES]


def _vouched_for(data: memoryview, offset: int, vouchers: set[bytes]) -> Header | None:
    """The header of a whole block at `offset` that follows one of these digests, else None."""
    header = decode_header(data[offset : offset + HEADER_BYTES])
    if isinstance(header, str):
        return None
    end = offset + HEADER_BYTES + header.row_count * ROW_BYTES
    follows = end <= len(data) and any(_digest(data, offset, end, before) == header.digest for before in vouchers)
    return header if follows else None


def judge(scan: Scan, data: memoryview, mark: DurableMark | None, name: str) -> None:
    """Raise Damaged when what was durable is not there any more; a bad tail that may be torn passes.

    What lies before the mark is durable, and what a later good block calls durable. Without a mark, a bad block that
    good ones follow is damage.
    """
    if mark is not None:
        _judge_by_mark(scan, len(data), mark, name)
    for offset, header in good_blocks_after(data, scan):
        if mark is None:
            raise Damaged(f"{name}: {scan.bad}; a good block follows at byte {offset}, so this is no torn end")
        if header.durable_upto > scan.positions:
            raise Damaged(f"{name}: {scan.bad}; the block at byte {offset} calls it durable, so this is no torn end")
    if scan.blocks == 0:
        raise NotATape(f"{name}: no whole first block: {scan.bad}")


def _judge_by_mark(scan: Scan, length: int, mark: DurableMark, name: str) -> None:
    if length < mark.length_bytes:
        raise Damaged(
            f"{name}: {length} bytes, expected at least {mark.length_bytes}: the end that was durable "
            f"(up to position {mark.positions}) is lost from block {scan.blocks} on"
        )
    if scan.bad is not None and scan.bad.offset < mark.length_bytes:
        raise Damaged(f"{name}: {scan.bad}; the tape was durable up to position {mark.positions}")
    if scan.marked_chain.hex() != mark.chain:
        raise Damaged(
            f"{name}: the chain at byte {mark.length_bytes} is {scan.marked_chain.hex() or 'no end of a block'}, "
            f"expected {mark.chain}: not the tape that was made durable"
        )


# ---- a tape to read ----------------------------------------------------------------------------------------------


class Event(NamedTuple):
    """One row as tools see it; the text that follows it is folded in. Times ns UTC, price in increments."""

    position: int
    kind: str
    ts_event: int
    ts_recv: int
    instrument: int
    price: int
    quantity: int
    bits: int
    text: str | None


@dataclass(frozen=True)
class Tape:
    """A tape that was checked: what is in `rows` may be given to compiled code.

    `rows`: the whole file, headers and meta block inside (a loop steps over kinds 254 and 255).
    """

    name: str
    rows: Rows = field(repr=False)
    meta: TapeMeta
    hash: str
    chain: str
    census: Census
    definitions: tuple[Definition, ...] = field(repr=False)
    torn_bytes: int = 0
    torn_reason: str = ""

    @property
    def n_positions(self) -> int:
        """How many positions the tape has; the next event would get this one."""
        return self.census.positions

    @property
    def instruments(self) -> list[Instrument]:
        """The first definition of each instrument, by index."""
        first: dict[int, Instrument] = {}
        for definition in self.definitions:
            first.setdefault(definition.number, definition.instrument)
        return [first[n] for n in range(len(first))]

    @property
    def instrument_changes(self) -> list[Definition]:
        """Definitions after the first of their instrument, in order."""
        seen: set[int] = set()
        return [d for d in self.definitions if d.number in seen or seen.add(d.number)]  # type: ignore[func-returns-value]

    @property
    def first_row(self) -> int:
        """Index in `rows` behind the meta block: where a loop begins, position 0 not yet seen."""
        return meta_length(self.rows)

    def event_rows(self) -> Rows:
        """A copy of the rows that have positions: no headers, no meta block. Index is position."""
        return event_rows(self.rows)

    def events(self, first: int = 0, last: int | None = None) -> Iterator[Event]:
        """Rows with `first` <= position < `last` for tools, text folded into the row it follows. Slow."""
        return decode_events(self.event_rows()[first:last], first)


def meta_length(rows: Rows) -> int:
    """Rows of the meta block, its header included; a tape begins with one."""
    return 2 + int(rows[0].price)


def event_rows(rows: Rows) -> Rows:
    """The rows that have positions, copied out of a whole tape."""
    body = np.asarray(rows)[meta_length(rows) :]
    return frozen(body[body["kind"] != ev.HEADER])


def decode_events(rows: Rows, first_position: int) -> Iterator[Event]:
    """Events of plain rows; a run of TEXT rows becomes the text of the row before it."""
    kinds = np.asarray(rows)["kind"]
    heads = np.flatnonzero(kinds != ev.TEXT)
    ends = np.append(heads, len(kinds))[1:]
    for head, end in zip(heads.tolist(), ends.tolist(), strict=True):
        ts_event, ts_recv, quantity, price, instrument, kind, bits = np.asarray(rows)[head].item()
        text = text_of(rows[head + 1 : end]).decode(errors="replace") if end > head + 1 else None
        name = KIND_NAMES[kind]
        yield Event(first_position + head, name, ts_event, ts_recv, instrument, price, quantity, bits, text)


def bytes_of(rows: Any) -> memoryview:
    """The bytes of rows, not copied when they are contiguous."""
    return np.ascontiguousarray(rows).view(np.uint8).data


def hash_rows(rows: Rows) -> str:
    """The tape hash of rows that have positions (no headers), 64 hex digits."""
    hasher = hashlib.sha256(HASH_TAG)
    hasher.update(bytes_of(rows))
    return hasher.hexdigest()


def read_tape(data: Any, name: str, mark: DurableMark | None = None) -> tuple[Tape, Scan, Inspector]:
    """Check every byte and every row of a tape given as a buffer.

    Raises NotATape, Damaged, or TapeError for rows that break a law. A torn tail is left out and told in the tape.
    """
    view = memoryview(data).cast("B")
    check_beginning(view, name, marked=mark is not None)
    scan = scan_blocks(view, mark.length_bytes if mark else 0)
    judge(scan, view, mark, name)
    rows = rows_of(data, scan.length)
    meta = decode_meta(rows[2 : 2 + scan.meta_rows], name)
    inspector = Inspector(name, meta.use)
    inspector.take(frozen(rows[2 + scan.meta_rows :]))
    if inspector.position != scan.positions:
        raise TapeError(f"{name}: {inspector.position} rows bear a kind of their own, expected {scan.positions}")
    torn = len(view) - scan.length
    definitions = tuple(inspector.definitions)
    reason = str(scan.bad) if scan.bad else ""
    return (
        Tape(name, rows, meta, scan.tape_hash, scan.chain.hex(), inspector.census(), definitions, torn, reason),
        scan,
        inspector,
    )


def rows_of(data: Any, length_bytes: int) -> Rows:
    """The first `length_bytes` of a buffer as rows for kernels."""
    return frozen(np.frombuffer(data, ev.ROW, length_bytes // ROW_BYTES))


def encode_tape(rows: Rows, meta: TapeMeta, rows_per_block: int = BLOCK_ROWS) -> bytes:
    """A whole tape as bytes; `rows` are whole messages, not inspected here."""
    block, chain = meta_block(meta)
    parts = [block]
    body = bytes_of(rows)
    start = 0
    for end in block_ends(rows, rows_per_block):
        piece = body[start * ROW_BYTES : end * ROW_BYTES]
        header, chain = encode_header(chain, EVENTS, start, 0, piece)
        parts += [header, bytes(piece)]
        start = end
    return b"".join(parts)


IN_MEMORY: Final = TapeMeta(use="desk", synthetic=True, created_ns=0, tool_version="")


def memory_tape(
    rows: Rows, instruments: Sequence[Instrument] = (), meta: TapeMeta = IN_MEMORY, name: str = "memory"
) -> Tape:
    """A tape that is no file, checked like one: for tests, benchmarks and what is computed on the way.

    `instruments` are defined at the first row's times, before it; leave them out when `rows` define their own.
    Raises TapeError for rows that break a law.
    """
    plain = np.asarray(rows, ev.ROW)
    return read_tape(encode_tape(with_instruments(plain, instruments), meta), name)[0]


def with_instruments(rows: Any, instruments: Sequence[Instrument]) -> Rows:
    """Rows with the definitions of instruments 0, 1, ... put before them, at the first row's times."""
    times = (int(rows[0]["ts_event"]), int(rows[0]["ts_recv"])) if len(rows) else (0, 0)
    stated = [instrument_rows(n, instrument, *times) for n, instrument in enumerate(instruments)]
    return frozen(np.concatenate([*(np.asarray(part) for part in stated), np.asarray(rows, ev.ROW)]))
