"""The register of stages: which run was brought as evidence for which stage. Append-only, one JSON object a line.

    {"stage":"form","system":...,"run":...,"hashes":{...},"files":{...},"recorded_utc":...,"previous":...,"seal":...}

`seal` is SHA-256 over the line's record with an empty seal; `previous` is the seal of the line before, so a line that
was changed, moved or taken out is found and named. Lines cut off the end are not: whoever wants to notice that writes
down the last seal. A register holds facts only; whether a stage gate is open is never written.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from quintet.core.errors import DataError
from quintet.storage import run_folders
from quintet.storage.sealing import FIRST, Damage, Mismatch, Sha256, mismatch, sealed

REGISTER: Final = "stages.jsonl"
EVIDENCE_FILES: Final = (run_folders.MANIFEST, run_folders.METRICS, run_folders.DESK_TAPE)
"""What a run must have to be evidence. The rest of its folder is a projection of these."""

FolderName = Annotated[str, msgspec.Meta(pattern=r"^[^./\\][^/\\]*$")]


class StageRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line: this run was brought for this stage, with these hashes and these files, at this time (UTC, ISO).

    `hashes`: tape, commands, state as the run tells them; `files`: SHA-256 of each evidence file.
    """

    stage: str
    system: str
    run: FolderName
    hashes: dict[str, str]
    files: dict[str, Sha256]
    recorded_utc: str
    previous: Sha256 = FIRST
    seal: str = ""


def register_path(root: Path) -> Path:
    """The register of a workspace."""
    return root / REGISTER


def read_register(path: Path) -> list[StageRecord]:
    """All records in order; none when there is no register. Raises Damage naming the first line that is not whole."""
    try:
        return _records(path.read_bytes(), path)
    except FileNotFoundError:
        return []


def append_record(path: Path, record: StageRecord) -> StageRecord:
    """Add a record at the end, sealed to the line before, and return it as it was written.

    It is on disk when this returns. Raises Damage, and adds nothing, when the register is not whole, and DataError when
    another writer holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        _lock(file, path)
        file.seek(0)
        before = _records(file.readall(), path)
        line = msgspec.json.encode(sealed(record, before[-1].seal if before else FIRST))
        written = _record(line, before, path, len(before) + 1)  # what could not be read again is not written
        length = file.seek(0, os.SEEK_END)
        try:
            _write_line(file, line + b"\n")
        except OSError:
            # A full disk: half a line would be damage for every reader after us.
            with contextlib.suppress(OSError):
                file.truncate(length)
            raise
    return written


def file_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each evidence file of a run, 64 hex digits; one that cannot be read is left out."""
    found = {}
    for name in EVIDENCE_FILES:
        with contextlib.suppress(OSError), (folder / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def changed_files(recorded: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """`desk.tape is gone`, `metrics.json has changed`: each evidence file that is not as it was recorded."""
    for name in EVIDENCE_FILES:
        if name not in now:
            yield f"{name} is gone"
        elif recorded.get(name) != now[name]:
            yield f"{name} has changed"


def _records(data: bytes, path: Path) -> list[StageRecord]:
    lines = data.split(b"\n")
    if lines.pop():
        cut_off = Mismatch("a line without its end", "a whole record: writing it was cut off")
        raise _damage(path, len(lines) + 1, cut_off)
    records: list[StageRecord] = []
    for number, line in enumerate(lines, start=1):
        records.append(_record(line, records, path, number))
    return records


def _record(line: bytes, before: Sequence[StageRecord], path: Path, number: int) -> StageRecord:
    try:
        record = msgspec.json.decode(line, type=StageRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damage(path, number, Mismatch(str(error), "one record")) from None
    broken = mismatch(record, line, before[-1].seal if before else FIRST)
    if broken:
        raise _damage(path, number, broken)
    return record


def _damage(path: Path, number: int, broken: Mismatch) -> Damage:
    return Damage(f"{path}, line {number}: found {broken.found}, expected {broken.expected}")


def _lock(file: Any, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise DataError(f"{path}: another writer has the register open, expected to be the only one") from None


def _write_line(file: Any, line: bytes) -> None:
    written = file.write(line)
    if written != len(line):
        raise OSError(f"{written} of {len(line)} bytes of a record were written")
    os.fsync(file.fileno())
