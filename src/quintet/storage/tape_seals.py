"""The seal of a tape: one digest of all its bytes, from the first to the end of a block.

A desk's tape has a block for each message. Walking it, a digest for every block, takes twenty seconds a GiB; the digest
of all bytes at once takes one. So a desk leaves a seal with each checkpoint, of what is on the disk by then:

    desk.tape.seal     what the tape was up to some byte, and the SHA-256 of it

Whoever comes back digests the same bytes. When they are those that were sealed, only the blocks behind them are walked.
A seal that does not fit says nothing: then every block is walked, and what is wrong is named.
"""

import hashlib
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from quintet.core.row_laws import Inspector, Rows, frozen
from quintet.core.tape import (
    EVENTS,
    FORMAT_VERSION,
    HEADER_BYTES,
    ROW_BYTES,
    BadBlock,
    DurableMark,
    Header,
    Scan,
    Tape,
    TapeMeta,
    check_beginning,
    decode_header,
    decode_meta,
    encode_header,
    hash_rows,
    judge,
    meta_length,
    rows_of,
)
from quintet.storage.written_rows import without_headers

_PIECE_BYTES: Final = 1 << 20
_BLOCK_BYTES_MAX: Final = HEADER_BYTES + (ROW_BYTES << 20)


class Extent(NamedTuple):
    """How far a tape has come. `last_block`: where that block begins; `chain`: its digest."""

    blocks: int
    positions: int
    length_bytes: int
    last_block: int
    chain: bytes


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `<tape>.seal`: the extent of what is sealed, and the SHA-256 of its bytes."""

    format: int
    blocks: int
    positions: int
    length_bytes: int
    last_block: int
    chain: str
    sha256: str

    @property
    def mark(self) -> DurableMark:
        """Only what was on the disk is sealed."""
        return DurableMark(self.format, self.positions, self.length_bytes, self.chain)


def seal_path(path: Path) -> Path:
    """The side file with the seal."""
    return path.with_name(path.name + ".seal")


class Sealing:
    """Digests the bytes of a tape that grows, each of them once."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._length = 0

    def take(self, piece: memoryview) -> None:
        """The bytes that come next."""
        self._digest.update(piece)
        self._length += len(piece)

    def read(self, path: Path, length_bytes: int) -> None:
        """The same from the file; raises OSError, also where it is shorter."""
        with path.open("rb") as file:
            file.seek(self._length)
            while self._length < length_bytes:
                piece = file.read(min(_PIECE_BYTES, length_bytes - self._length))
                if not piece:
                    raise OSError(f"{self._length} bytes, expected {length_bytes}")
                self.take(memoryview(piece))

    def seal(self, extent: Extent) -> Seal:
        """Of what was taken, which ends where `extent` does."""
        return Seal(FORMAT_VERSION, *extent[:-1], extent.chain.hex(), self.sha256)

    @property
    def sha256(self) -> str:
        """Of all that was taken."""
        return self._digest.hexdigest()


def read_seal(path: Path) -> Seal | None:
    """The seal beside a tape, None where there is none that can be read."""
    try:
        seal = msgspec.json.decode(seal_path(path).read_bytes(), type=Seal)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return seal if seal.format == FORMAT_VERSION else None


class Recovered(NamedTuple):
    """A tape as a writer goes on with it. `scan` has no tape hash; `sealing` has taken the bytes up to the seal."""

    meta: TapeMeta
    rows: Rows
    scan: Scan
    inspector: Inspector
    sealing: Sealing


def recover(data: Any, name: str, mark: DurableMark | None, seal: Seal) -> Recovered | None:
    """Check every byte and every row by the seal and the blocks behind it; None where the seal does not fit.

    Raises what `core.tape.read_tape` raises.
    """
    view = memoryview(data).cast("B")
    check_beginning(view, name, marked=mark is not None)
    if not _names_a_block(view, seal) or (mark is not None and not _reaches_to(view, seal, mark)):
        return None
    sealing = Sealing()
    sealing.take(view[: seal.length_bytes])
    if sealing.sha256 != seal.sha256:
        return None
    ahead = mark if mark is not None and mark.length_bytes > seal.length_bytes else seal.mark
    scan = _walk_on(view, seal, ahead.length_bytes)
    judge(scan, view, ahead, name)
    rows = rows_of(data, scan.length)
    meta = decode_meta(rows[2 : meta_length(rows)], name)
    inspector = Inspector(name, meta.use)
    inspector.take(frozen(rows[meta_length(rows) :]))
    return Recovered(meta, rows, scan, inspector, sealing) if inspector.position == scan.positions else None


def read_sealed(data: Any, name: str, mark: DurableMark | None, seal: Seal) -> tuple[Tape, Scan, Inspector] | None:
    """As `core.tape.read_tape`, by the seal and the blocks behind it; None where the seal does not fit."""
    found = recover(data, name, mark, seal)
    if found is None:
        return None
    meta, rows, scan, inspector, _ = found
    torn, reason = memoryview(data).nbytes - scan.length, str(scan.bad) if scan.bad else ""
    definitions = tuple(inspector.definitions)
    tape_hash = hash_rows(without_headers(rows[meta_length(rows) :]))
    tape = Tape(name, rows, meta, tape_hash, scan.chain.hex(), inspector.census(), definitions, torn, reason)
    return tape, scan, inspector


def _names_a_block(data: memoryview, seal: Seal) -> bool:
    """Is the last block of the seal there, as it says?"""
    if not 0 < seal.last_block < seal.length_bytes <= len(data):
        return False
    header = decode_header(data[seal.last_block : seal.last_block + HEADER_BYTES])
    return (
        isinstance(header, Header)
        and header.digest.hex() == seal.chain
        and seal.last_block + HEADER_BYTES + header.row_count * ROW_BYTES == seal.length_bytes
        and header.first_position + header.row_count == seal.positions
    )


def _reaches_to(data: memoryview, seal: Seal, mark: DurableMark) -> bool:
    """Does the mark lie behind the seal, or is it of a block of what is sealed?"""
    if mark.length_bytes > seal.length_bytes:
        return True
    digest = _bytes_of_hex(mark.chain)
    first = max(mark.length_bytes - _BLOCK_BYTES_MAX, 0)
    at = bytes(data[first : mark.length_bytes]).rfind(digest) - ROW_BYTES if digest else -1
    if at < 0:
        return False
    header = decode_header(data[first + at : first + at + HEADER_BYTES])
    return (
        isinstance(header, Header)
        and first + at + HEADER_BYTES + header.row_count * ROW_BYTES == mark.length_bytes
        and (header.first_position + header.row_count if header.block_type == EVENTS else 0) == mark.positions
    )


def _bytes_of_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _walk_on(data: memoryview, seal: Seal, marked_length: int) -> Scan:
    """As `core.tape.scan_blocks`, from the end of what is sealed; without the tape hash."""
    number, positions, offset, last_block = seal.blocks, seal.positions, seal.length_bytes, seal.last_block
    chain = bytes.fromhex(seal.chain)
    marked, bad = chain if marked_length == offset else b"", None
    while offset < len(data):
        header, reason = _block_at(data, offset, positions, chain)
        if header is None:
            bad = BadBlock(number, offset, positions, reason)
            break
        end = offset + HEADER_BYTES + header.row_count * ROW_BYTES
        positions += header.row_count
        last_block, offset, chain = offset, end, header.digest
        number += 1
        if offset == marked_length:
            marked = chain
    meta_rows = meta_length(rows_of(data, seal.length_bytes)) - 2
    return Scan(number, offset, positions, meta_rows, last_block, chain, "", marked, bad)


def _block_at(data: memoryview, offset: int, position: int, previous: bytes) -> tuple[Header | None, str]:
    """The header of the block of events at `offset`, or None and why it does not stand."""
    if len(data) - offset < HEADER_BYTES:
        return None, f"{len(data) - offset} bytes of a header, expected {HEADER_BYTES}"
    header = decode_header(data[offset : offset + HEADER_BYTES])
    if isinstance(header, str):
        return None, header
    if header.block_type != EVENTS:
        return None, f"block type is {header.block_type}, expected {EVENTS}"
    if header.first_position != position:
        return None, f"first position is {header.first_position}, expected {position}"
    rows_bytes = header.row_count * ROW_BYTES
    body = data[offset + HEADER_BYTES : offset + HEADER_BYTES + rows_bytes]
    if len(body) < rows_bytes:
        return None, f"{len(body)} bytes of rows, expected {rows_bytes}"
    if encode_header(previous, EVENTS, position, header.durable_upto, body)[1] != header.digest:
        return None, "the digest does not match header and rows"
    return header, ""
