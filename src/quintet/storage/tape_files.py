"""Tape files: opens, maps, appends, syncs, cuts. The only store that decides anything.

Beside `day.tape` may lie three small JSON files, each replaced as a whole:

    day.tape.durable     what has reached the disk: position, byte length, chain digest
    day.tape.verified    what a verification found, so that later runs quote the hash instead of computing it
    day.tape.seal        one digest of all bytes up to some block, so that a desk comes back soon (`tape_seals`)

The first makes damage out of what would else be a torn end; the others may be deleted at any time.
"""

import contextlib
import fcntl
import mmap
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet.core import events as ev
from quintet.core.errors import Damaged, NotATape, TapeError
from quintet.core.instrument import Instrument
from quintet.core.row_laws import Census, Definition, Inspector, Rows, frozen, read_definition
from quintet.core.tape import (
    BLOCK_ROWS,
    EVENTS,
    FORMAT_VERSION,
    HEADER_BYTES,
    NO_DIGEST,
    ROW_BYTES,
    DurableMark,
    Header,
    Scan,
    Tape,
    TapeMeta,
    block_ends,
    bytes_of,
    decode_header,
    decode_meta,
    encode_header,
    meta_block,
    meta_length,
    read_tape,
    rows_of,
    with_instruments,
)
from quintet.storage.durability import sync_folder
from quintet.storage.tape_seals import (
    Extent,
    Recovered,
    Sealing,
    read_seal,
    read_sealed,
    recover,
    seal_path,
)

_PART: Final = ".part"
_PIECES_MAX: Final = os.sysconf("SC_IOV_MAX")
"""How many pieces the operating system takes at a time."""


class Verified(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `<tape>.verified`. It holds as long as length, file time and the last block's digest do."""

    format: int
    tape_hash: str
    chain: str
    length_bytes: int
    mtime_ns: int
    last_block: int
    definition_rows: list[tuple[int, int]]
    census: Census


def durable_path(path: Path) -> Path:
    """The side file with the last synced position."""
    return path.with_name(path.name + ".durable")


def verified_path(path: Path) -> Path:
    """The side file with the last verification."""
    return path.with_name(path.name + ".verified")


# ---- reading -----------------------------------------------------------------------------------------------------


def open_tape(path: str | os.PathLike[str], *, quote: bool = True) -> Tape:
    """Map a tape for reading. Checks every byte and row, unless `quote` and a verification of it still holds.

    A torn end is left out and told in `torn_bytes`. Raises NotATape, Damaged, or TapeError for a file that cannot be
    read or rows that break a law. Keeps what it verified beside the file where that can be written.
    """
    path = Path(path)
    data, status = _map(path)
    mark = _read_mark(path)
    verified = _standing_verification(path, data, status, mark) if quote else None
    if verified is not None:
        return _quoted(path, data, verified)
    seal = read_seal(path) if quote else None
    found = read_sealed(data, str(path), mark, seal) if seal is not None else None
    tape, scan, inspector = found or read_tape(data, str(path), mark)
    if not tape.torn_bytes:
        _keep_verification(path, tape, scan, inspector, status)
    return tape


def is_being_written(path: Path) -> bool:
    """Has some writer the tape open now?"""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def verify_tape(path: str | os.PathLike[str]) -> Tape:
    """Check every block and row now, whatever an earlier verification or a seal said; raises as `open_tape` does."""
    return open_tape(path, quote=False)


def _map(path: Path) -> tuple[Any, os.stat_result]:
    if path.is_dir():
        raise NotATape(f"{path}: a folder, expected a tape file")
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size == 0:
                return b"", status
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), status
    except OSError as error:
        raise TapeError(f"{path}: cannot open the tape: {error.strerror}") from None


def _read_mark(path: Path) -> DurableMark | None:
    side = durable_path(path)
    try:
        text = side.read_bytes()
    except OSError:
        return None
    if not text:
        # A power loss right after the side file was replaced may leave it empty; it then says nothing.
        return None
    try:
        return msgspec.json.decode(text, type=DurableMark)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(f"{side}: {error}; expected the durable mark of {path.name}. Restore or delete it") from None


def _standing_verification(path: Path, data: Any, status: os.stat_result, mark: DurableMark | None) -> Verified | None:
    """The kept verification when it is of this very file, else None."""
    try:
        verified = msgspec.json.decode(verified_path(path).read_bytes(), type=Verified)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    if verified.format != FORMAT_VERSION:
        return None
    if (verified.length_bytes, verified.mtime_ns) != (status.st_size, status.st_mtime_ns):
        return None
    header = _header_at(data, verified.last_block)
    if header is None or header.digest.hex() != verified.chain:
        return None
    if mark is not None and mark.length_bytes > verified.length_bytes:
        return None
    return verified


def _header_at(data: Any, offset: int) -> Header | None:
    if not 0 <= offset <= len(data) - HEADER_BYTES:
        return None
    header = decode_header(memoryview(data)[offset : offset + HEADER_BYTES])
    return None if isinstance(header, str) else header


def _quoted(path: Path, data: Any, verified: Verified) -> Tape:
    rows = rows_of(data, verified.length_bytes)
    meta = decode_meta(rows[2 : 2 + int(rows[0].price)], str(path))
    definitions = tuple(read_definition(rows, row, at, str(path)) for row, at in verified.definition_rows)
    return Tape(str(path), rows, meta, verified.tape_hash, verified.chain, verified.census, definitions)


def _keep_verification(path: Path, tape: Tape, scan: Scan, inspector: Inspector, status: os.stat_result) -> None:
    body = 2 + scan.meta_rows
    kinds = np.asarray(tape.rows)["kind"]
    at = (np.flatnonzero(kinds[body:] == ev.INSTRUMENT) + body).tolist()
    rows = [(row, definition.position) for row, definition in zip(at, inspector.definitions, strict=True)]
    kept = Verified(
        FORMAT_VERSION, tape.hash, tape.chain, scan.length, status.st_mtime_ns, scan.last_block, rows, tape.census
    )
    # A folder that cannot be written costs the next run a verification, nothing else.
    with contextlib.suppress(OSError):
        _replace_json(verified_path(path), kept, sync=False)


class Known(NamedTuple):
    """A tape as a writer has left it. `stamp`: which file that was, its length and its time. Good for one writer."""

    stamp: tuple[int, int, int]
    meta: TapeMeta
    extent: Extent
    inspector: Inspector
    sealing: Sealing


# ---- writing -----------------------------------------------------------------------------------------------------


class TapeWriter:
    """Appends whole messages to a tape; what breaks a row law is refused and leaves no trace.

    `TapeWriter(path, meta)` makes a new tape that appears under its name when it is closed: an error inside
    `with` leaves nothing behind. `TapeWriter.record` and `TapeWriter.resume` write in place, for a desk.
    One writer at a time; `sync` may run in another thread while the next rows are appended.
    """

    def __init__(self, path: str | os.PathLike[str], meta: TapeMeta, *, replace: bool = False) -> None:
        """Raises TapeError when `path` exists and `replace` is false, or cannot be written."""
        self._begin(Path(path), _PART)
        if not replace and self.path.exists():
            raise TapeError(f"{path}: exists already, expected a new name for the tape")
        try:
            self._create(meta)
        except BaseException:
            self._let_go()
            raise

    @classmethod
    def record(cls, path: str | os.PathLike[str], meta: TapeMeta) -> "TapeWriter":
        """A new tape written in place, so that others may follow it; its first block is whole from the start."""
        writer = cls(path, meta)
        writer._publish()
        return writer

    @classmethod
    def resume(cls, path: str | os.PathLike[str], known: "Known | None" = None) -> "TapeWriter":
        """Go on writing an existing tape. A torn end is cut off and told in `cut_bytes`; raises as `open_tape` does.

        `known`: of a writer that has just let go of it; the tape is not read again if it is as it was then.
        """
        writer = cls.__new__(cls)
        writer._begin(Path(path), "")
        writer._reopen(known)
        return writer

    def _begin(self, path: Path, suffix: str) -> None:
        self.path = path
        self.cut_bytes = 0
        self.cut_reason = ""
        self._written_to = path.with_name(path.name + suffix)
        self._durable_upto = 0
        self._written = self._durable = Extent(0, 0, 0, 0, NO_DIGEST)
        self._sealing = Sealing()
        self._failed = ""
        self._syncing = threading.Lock()
        self._file = -1

    def _create(self, meta: TapeMeta) -> None:
        block, chain = meta_block(meta)
        self.meta = meta
        self._inspector = Inspector(str(self.path), meta.use)
        self._file = self._guard(lambda: os.open(self._written_to, os.O_RDWR | os.O_CREAT, 0o644), "create")
        self._lock()
        self._guard(lambda: os.ftruncate(self._file, 0), "create")
        self._write([block], 0, chain, 0)

    def _reopen(self, known: "Known | None") -> None:
        if not self.path.is_file():
            raise NotATape(f"{self.path}: no such file, expected a tape to go on with")
        self._file = self._guard(lambda: os.open(self.path, os.O_RDWR), "open")
        try:
            self._lock()
            self._recover(known)
        except BaseException:
            self._let_go()
            raise

    def _recover(self, known: "Known | None") -> None:
        if known is not None and known.stamp == self._stamp:
            self.meta, self._written, self._inspector, self._sealing = known[1:]
            self.cut_bytes, self.cut_reason = 0, ""
        else:
            self._read()
        self._guard(lambda: os.lseek(self._file, 0, os.SEEK_END), "open")
        self.sync()

    def _read(self) -> None:
        data, _ = _map(self.path)
        mark, seal = _read_mark(self.path), read_seal(self.path)
        found = recover(data, str(self.path), mark, seal) if seal is not None else None
        tape = None
        if found is None:
            tape, scan, inspector = read_tape(data, str(self.path), mark)
            found = Recovered(tape.meta, tape.rows, scan, inspector, Sealing())
        self.meta, _, scan, self._inspector, self._sealing = found
        self._written = Extent(scan.blocks, scan.positions, scan.length, scan.last_block, scan.chain)
        self.cut_bytes, self.cut_reason = len(data) - scan.length, str(scan.bad) if scan.bad else ""
        if self.cut_bytes:
            self._guard(lambda: os.ftruncate(self._file, scan.length), "cut")
        if tape is not None:
            _keep_verification(self.path, tape, scan, self._inspector, os.fstat(self._file))

    @property
    def _stamp(self) -> tuple[int, int, int]:
        status = os.fstat(self._file)
        return status.st_ino, status.st_size, status.st_mtime_ns

    @property
    def known(self) -> "Known":
        """What spares the next writer of this process the reading, while nobody writes in between."""
        return Known(self._stamp, self.meta, self._written, self._inspector, self._sealing)

    def written(self) -> Rows:
        """Rows as they stand in the file so far, behind the meta block: see `written_rows`."""
        data, _ = _map(self.path)
        rows = rows_of(data, self._written.length_bytes)
        return rows[meta_length(rows) :]

    @property
    def position(self) -> int:
        """The position that the next row gets."""
        return self._inspector.position

    @property
    def durable_upto(self) -> int:
        """Every position below this one has reached the disk."""
        return self._durable_upto

    @property
    def instruments(self) -> list[Instrument]:
        """Defined so far, by index."""
        return self._inspector.instruments()

    def append(self, rows: Any, rows_per_block: int = BLOCK_ROWS) -> int:
        """Append whole messages (an array of ROW) as one or more blocks; returns the first row's position.

        Raises TapeError, and appends nothing, for rows that break a law. A write that fails ends this writer.
        """
        self._require_open()
        plain = frozen(np.asarray(rows, ev.ROW))
        first = self.position
        if plain.shape[0] == 0:
            return first
        if ev.HEADER in np.asarray(plain)["kind"].tobytes():
            raise TapeError(f"{self.path}: position {first}: a row of kind {ev.HEADER} (header), expected event rows")
        self._inspector.take(plain)
        body = bytes_of(plain)
        pieces: list[bytes | memoryview] = []
        chain, start, before = self._written.chain, 0, self._written.length_bytes
        for end in block_ends(plain, rows_per_block):
            piece = body[start * ROW_BYTES : end * ROW_BYTES]
            header, chain = encode_header(chain, EVENTS, first + start, self._durable_upto, piece)
            last_block = before + start * ROW_BYTES + len(pieces) // 2 * HEADER_BYTES
            pieces += [header, piece]
            start = end
        self._write(pieces, first + plain.shape[0], chain, last_block)
        return first

    def sync(self, *, mark: bool = True) -> int:
        """Wait until all that was appended before this call is on the disk; returns the position it reaches to.

        The mark beside the tape is then moved there. A desk that holds back a command until this call returns may
        leave that to a later one: an old mark is true too. A failed sync ends this writer: what the disk then holds
        is unknown, and asking again would lie. Several threads may sync: one waits for the other.
        """
        with self._syncing:
            self._require_open()
            written = self._written
            reached = _mark_of(written)
            self._guard(lambda: os.fdatasync(self._file), "sync")
            self._durable, self._durable_upto = written, reached.positions
            if mark and self._written_to == self.path:
                self._guard(lambda: _replace_json(durable_path(self.path), reached, sync=False), "mark")
            return reached.positions

    def seal(self) -> None:
        """Leave a seal of what is on the disk, so that whoever comes back need not walk there block by block.

        Reads what was written since the last one; may run in another thread, one at a time.
        """
        extent = self._durable
        if not extent.last_block:
            return
        # A seal that cannot be left costs the next start a walk, nothing else.
        with contextlib.suppress(OSError):
            self._sealing.read(self.path, extent.length_bytes)
            _replace_json(seal_path(self.path), self._sealing.seal(extent), sync=False)

    def close(self) -> None:
        """Sync, give a new tape its name, and let go of the file, whatever the disk says. Closing twice is allowed."""
        if self._file < 0:
            return
        try:
            if self._written_to == self.path:
                self.sync()
            else:
                self._publish()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the file; a new tape that has no name yet disappears."""
        if self._file < 0:
            return
        if self._written_to != self.path:
            self._written_to.unlink(missing_ok=True)
        self._let_go()

    def __enter__(self) -> "TapeWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abandon()
        else:
            self.close()

    def _let_go(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _publish(self) -> None:
        """Sync, then rename into place. Side files of a replaced tape go first: they would call the new one damage."""
        self._guard(lambda: os.fdatasync(self._file), "sync")
        verified_path(self.path).unlink(missing_ok=True)
        durable_path(self.path).unlink(missing_ok=True)
        seal_path(self.path).unlink(missing_ok=True)
        self._guard(lambda: self._written_to.replace(self.path), "rename")
        self._written_to = self.path
        self._durable, self._durable_upto = self._written, self._written.positions
        self._guard(lambda: _replace_json(durable_path(self.path), _mark_of(self._written), sync=True), "mark")
        sync_folder(self.path.parent)

    def _write(self, pieces: Sequence[bytes | memoryview], positions: int, chain: bytes, last_block: int) -> None:
        blocks = self._written.blocks + (len(pieces) + 1) // 2
        length = self._written.length_bytes + sum(len(piece) for piece in pieces)
        self._guard(lambda: _write_all(self._file, pieces), "append")
        self._written = Extent(blocks, positions, length, last_block, chain)

    def _require_open(self) -> None:
        if self._failed:
            raise TapeError(f"{self.path}: the writer stopped after an error ({self._failed}); open the tape again")
        if self._file < 0:
            raise TapeError(f"{self.path}: the writer is closed")

    def _lock(self) -> None:
        """Raise TapeError unless we are the only writer of the file that bears the name now.

        Between opening and locking another writer may have finished and renamed: then what we hold is its tape.
        """
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = os.path.samestat(os.fstat(self._file), self._written_to.stat())
        except OSError:
            alone = False
        if not alone:
            raise TapeError(f"{self.path}: another writer has the tape open, expected to be the only one")

    def _guard(self, action: Callable[[], Any], verb: str) -> Any:
        try:
            return action()
        except OSError as error:
            self._failed = f"cannot {verb}: {error.strerror}"
            raise TapeError(f"{self.path}: {self._failed}") from error


def _mark_of(extent: Extent) -> DurableMark:
    return DurableMark(FORMAT_VERSION, extent.positions, extent.length_bytes, extent.chain.hex())


def write_tape(
    path: str | os.PathLike[str],
    meta: TapeMeta,
    rows: Any,
    instruments: Sequence[Instrument] = (),
    *,
    replace: bool = False,
) -> Tape:
    """Write rows as a new tape, verify it and open it. `instruments` are defined before the first row, if given."""
    with TapeWriter(path, meta, replace=replace) as writer:
        writer.append(with_instruments(np.asarray(rows, ev.ROW), instruments))
    return open_tape(path)


def _write_all(file: int, pieces: Sequence[bytes | memoryview]) -> None:
    """Write every byte; the operating system may take fewer than it was given."""
    for start in range(0, len(pieces), _PIECES_MAX):
        batch = [memoryview(piece) for piece in pieces[start : start + _PIECES_MAX]]
        while batch:
            written = os.writev(file, batch)
            while batch and written >= len(batch[0]):
                written -= len(batch.pop(0))
            if batch:
                batch[0] = batch[0][written:]


def _replace_json(path: Path, value: msgspec.Struct, *, sync: bool) -> None:
    """Write a side file as a whole: readers see the old one or the new one."""
    part = path.with_name(path.name + _PART)
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(file, msgspec.json.encode(value) + b"\n")
        if sync:
            os.fdatasync(file)
    finally:
        os.close(file)
    part.replace(path)


__all__ = ["Definition", "Tape", "TapeMeta", "TapeWriter", "open_tape", "verify_tape", "write_tape"]
