"""The audit log: who did what, to what, when and why. Append-only, one JSON object a line, each sealed to the last.

    {"number":1,"recorded_utc":...,"who":"ann@desk-1","what":"kill","target":"main","why":...,...,"seal":...}

A record is on the disk when `append` returns. Beside the log stands a small file with number, seal and length of the
newest record, written after it. So the two kinds of a broken end are told apart, as on a tape: what stands behind the
newest known record and is not a whole line is *torn* (writing it was cut off; it is cut back, and the next record says
so), and whatever differs at or before it is *damage*, which is named and never repaired.

What the file alone cannot notice: a log and its side file written anew together. Whoever wants to notice that keeps
a seal elsewhere; `quintet audit show` prints the newest.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from quintet.core.errors import DataError
from quintet.storage.sealing import FIRST, Damage, Mismatch, Sha256, mismatch, sealed
from quintet.storage.workspace import write_whole

AUDIT_LOG: Final = "audit.jsonl"
LOCK_WAIT_S: Final = 5.0
TEXT_MAX: Final = 2_000
"""Characters of a reason; a longer one is refused, not cut."""

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AuditRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One deed. `who`: user and machine; `target`: a desk, a system, a key's name; `facts`: what else belongs to it.

    `torn_bytes`: length of a torn end that was cut back before this record, 0 for none.
    """

    number: int
    recorded_utc: Word
    who: Word
    what: Word
    target: str
    why: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]
    facts: dict[str, str]
    torn_bytes: int = 0
    previous: Sha256 = FIRST
    seal: str = ""


class Deed(NamedTuple):
    """What is to be recorded; the log adds number and seals."""

    recorded_utc: str
    who: str
    what: str
    target: str = ""
    why: str = ""
    facts: Mapping[str, str] = {}


class _Newest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The side file: the newest record that is known to be on the disk, and where its line ends."""

    number: int
    seal: str
    length: int


class Audit(NamedTuple):
    """What a whole log says; `torn_bytes`: a torn end that the next record will cut back."""

    records: tuple[AuditRecord, ...]
    torn_bytes: int = 0

    @property
    def head(self) -> str:
        """Seal of the newest record, empty for none."""
        return self.records[-1].seal if self.records else ""


def audit_path(root: Path) -> Path:
    """The audit log of a workspace."""
    return root / AUDIT_LOG


def append(path: Path, deed: Deed) -> AuditRecord:
    """Record a deed; it is on the disk when this returns.

    Raises Damage, and records nothing, when the log is not whole; DataError when another writer holds it for
    LOCK_WAIT_S, or when the deed's texts cannot be recorded as they are.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file, _only_writer(file, path):
        found = _read(path, file)
        record = _record(deed, found)
        line = msgspec.json.encode(record) + b"\n"
        end = file.seek(0, os.SEEK_END) - found.torn_bytes
        file.truncate(end)
        try:
            _write_line(file, line)
        except OSError:
            with contextlib.suppress(OSError):  # a full disk: what cannot be cut now is torn for the next reader
                file.truncate(end)
            raise
        newest = _Newest(record.number, record.seal, end + len(line))
        write_whole(_side(path), msgspec.json.encode(newest))
    return record


def read(path: Path) -> Audit:
    """Every record in order; none when there is no log. Raises Damage naming the line that is not as it was written."""
    try:
        with path.open("rb", buffering=0) as file:
            return _read(path, file)
    except FileNotFoundError:
        if _side(path).exists():
            raise Damage(f"{path}: found no log, expected the one that {_side(path).name} tells of") from None
        return Audit(())


def _record(deed: Deed, found: Audit) -> AuditRecord:
    """The next record, sealed; raises DataError for one that could not be read again."""
    unsealed = AuditRecord(
        number=len(found.records) + 1, **{**deed._asdict(), "facts": dict(deed.facts)}, torn_bytes=found.torn_bytes
    )
    record = sealed(unsealed, found.head or FIRST)
    try:
        return msgspec.json.decode(msgspec.json.encode(record), type=AuditRecord)
    except msgspec.ValidationError as error:
        raise DataError(f"audit record of {deed.what[:40]!r}: {error}") from None


def _read(path: Path, file: Any) -> Audit:
    file.seek(0)
    data: bytes = file.readall()
    newest = _newest(path)
    if newest.length > len(data):
        raise Damage(f"{path}: found {len(data)} bytes, expected at least {newest.length}: its end was cut off")
    *lines, rest = data.split(b"\n")
    records: list[AuditRecord] = []
    place = 0
    for line in lines:
        record = _decoded(line, records)
        if isinstance(record, Mismatch):
            raise _damage(path, len(records) + 1, record)
        records.append(record)
        place += len(line) + 1
        if record.number == newest.number and (record.seal, place) != (newest.seal, newest.length):
            raise _damage(path, record.number, Mismatch(f"seal {record.seal}", f"{newest.seal}, as it was written"))
    if place < newest.length or len(records) < newest.number:
        raise _damage(path, len(records) + 1, Mismatch("a line without its end", "the whole record that was written"))
    return Audit(tuple(records), len(rest))


def _decoded(line: bytes, before: list[AuditRecord]) -> AuditRecord | Mismatch:
    try:
        record = msgspec.json.decode(line, type=AuditRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Mismatch(str(error), "one record")
    broken = mismatch(record, line, before[-1].seal if before else FIRST)
    if broken is None and record.number != len(before) + 1:
        return Mismatch(f"number {record.number}", str(len(before) + 1))
    return broken or record


def _newest(path: Path) -> _Newest:
    try:
        return msgspec.json.decode(_side(path).read_bytes(), type=_Newest)
    except FileNotFoundError:
        return _Newest(0, FIRST, 0)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damage(f"{_side(path)}: found {error}, expected number, seal and length of the newest record") from None


def _side(path: Path) -> Path:
    return path.with_name(f"{path.name}.newest")


def _damage(path: Path, number: int, broken: Mismatch) -> Damage:
    return Damage(f"{path}, line {number}: found {broken.found}, expected {broken.expected}")


@contextlib.contextmanager
def _only_writer(file: Any, path: Path) -> Iterator[None]:
    """Wait a little for another writer; the lock ends with the file."""
    until = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() > until:
                raise DataError(f"{path}: another writer has held it for {LOCK_WAIT_S:g} s, expected a turn") from None
            time.sleep(0.02)
    yield


def _write_line(file: Any, line: bytes) -> None:
    written = file.write(line)
    if written != len(line):
        raise OSError(f"{written} of {len(line)} bytes of a record were written")
    os.fsync(file.fileno())
