"""What a sandbox remembers on disk: a snapshot, every command since, each written before it is done, and an archive.

A line of the journal is a checksum and a command in JSON. What has been written outlives the death of the process
(kill -9); it outlives the loss of power only from one snapshot to the next. A torn last line is cut off and told.
"""

import fcntl
import os
import zlib
from pathlib import Path

import msgspec

from quintet.core.errors import ConfigError, Damaged
from quintet.sandbox.archive import Archive
from quintet.sandbox.commands import AnyCommand
from quintet.sandbox.exchange import Exchange

SNAPSHOT_EVERY_BYTES = 16_000_000
_FORMAT = b"quintet sandbox 1\n"

Line = tuple[int, AnyCommand]


class Folder:
    """The folder of one exchange, held by one process at a time; raises ConfigError when another one holds it."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.told: list[str] = []
        self._lock = os.open(path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise ConfigError(f"{path}: expected a folder of its own, found one that a running sandbox holds") from None
        self._file = -1
        self._generation = 0
        self._written = 0
        try:
            self.archive = Archive(path / "archive.db")
        except Damaged:
            os.close(self._lock)
            raise
        try:
            self.exchange = self._restored()
        except Exception:
            self.close()
            raise

    def append(self, now_ms: int, command: AnyCommand) -> None:
        """Write a command; when it returns, a killed process does not lose it."""
        body = msgspec.json.encode((now_ms, command))
        line = b"%08x %s\n" % (zlib.crc32(body), body)
        os.write(self._file, line)
        self._written += len(line)

    def wants_snapshot(self) -> bool:
        """Has the journal grown long?"""
        return self._written > SNAPSHOT_EVERY_BYTES

    def snapshot(self) -> None:
        """Begin a new generation: the whole state on disk, an empty journal; then the old one goes."""
        old = self._generation
        generation = old + 1
        image = self.exchange.image()
        self.archive.settle()
        draft = self.path / "snapshot.draft"
        with draft.open("wb") as file:
            file.write(_FORMAT + b"%08x\n" % zlib.crc32(image) + image)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._snapshot_path(generation))
        if self._file >= 0:
            os.close(self._file)
        self._open(generation)
        for path in (self._snapshot_path(old), self._journal_path(old)):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let the folder go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self.archive.close()
        os.close(self._lock)

    def _snapshot_path(self, generation: int) -> Path:
        return self.path / f"snapshot-{generation:06d}"

    def _journal_path(self, generation: int) -> Path:
        return self.path / f"journal-{generation:06d}"

    def _open(self, generation: int) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
        self._file = os.open(self._journal_path(generation), flags, 0o600)
        self._generation = generation
        self._written = os.fstat(self._file).st_size

    def _restored(self) -> Exchange:
        """The exchange as it was: the newest snapshot and the journal behind it."""
        found = sorted(self.path.glob("snapshot-*"))
        generation = int(found[-1].name.rpartition("-")[2]) if found else 0
        exchange = self._of_snapshot(found[-1]) if found else Exchange()
        self.archive.cut(exchange.state.accounts.values())
        journal = self._journal_path(generation)
        if journal.exists():
            for now_ms, command in self._lines(journal):
                exchange.do(now_ms, command)
                exchange.drain()
                past = exchange.retired()
                if past:
                    self.archive.add(past)
        self._open(generation)
        return exchange

    def _of_snapshot(self, path: Path) -> Exchange:
        data = path.read_bytes()
        head = len(_FORMAT) + 9
        image = data[head:]
        if not data.startswith(_FORMAT) or data[len(_FORMAT) : head] != b"%08x\n" % zlib.crc32(image):
            raise Damaged(f"{path.name}: expected a whole snapshot of a sandbox, found another checksum")
        return Exchange.of(image)

    def _lines(self, path: Path) -> list[Line]:
        """The commands of a journal; a torn end is cut off, damage before the end is refused."""
        data = path.read_bytes()
        lines = data.split(b"\n")
        found: list[Line] = []
        good = 0
        for number, line in enumerate(lines[:-1], 1):
            body = line[9:]
            if line[:9] != b"%08x " % zlib.crc32(body):
                if number < len(lines) - 1:
                    raise Damaged(f"{path.name}: line {number}: expected its checksum, found {line[:8]!r}")
                break
            found.append(msgspec.json.decode(body, type=Line))
            good += len(line) + 1
        if good < len(data):
            self.told.append(f"{path.name}: {len(data) - good} bytes of a torn last line were cut off")
            os.truncate(path, good)
        return found
