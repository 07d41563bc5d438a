"""A disk that forgets: what is written stands in the file, what is synced stands in it after a power loss.

It takes the place of `os` in `storage.tape_files`. Everything goes to the real file; what the desk was told to be
durable is remembered, so that a death can take the rest away, and so that it can be said of each message how much was
on the disk when it left.
"""

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HEADER_BYTES: Final = 64
ROW_BYTES: Final = 32
KIND_BYTE: Final = 30
BLOCK_TYPE_BYTE: Final = 7
EVENTS: Final = 0
COMMANDS: Final = frozenset((64, 65, 66))


class Killed(BaseException):
    """The process is no more. Not an error: nobody may catch it and go on."""


class Disk:
    """`sees`: told the kinds of rows as they are written; `passes`: told of each write and each sync, may kill."""

    def __init__(self, sees: Callable[[list[int]], None], passes: Callable[[str], None]) -> None:
        self.dead = False
        self.full = False
        """ENOSPC from now on."""
        self.broken_writes = self.broken_syncs = False
        """EIO from now on."""
        self.rows = self.durable_rows = 0
        """Event rows written to, and durable in, the tape that is open."""
        self._bytes: dict[int, int] = {}
        self._synced: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._sees = sees
        self._passes = passes

    def __getattr__(self, name: str) -> Any:
        """Everything else is the machine's own."""
        return getattr(os, name)

    # ---- what a tape writer calls ----

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        """A file; of a tape, remember which."""
        self._require_alive()
        file = os.open(path, flags, mode)
        self._names[file] = str(path)
        return file

    def write(self, file: int, data: bytes) -> int:
        """A small side file."""
        self._require_alive()
        return os.write(file, data)

    def writev(self, file: int, pieces: Any) -> int:
        """Blocks of a tape: all of them, or an error, or a death before or after."""
        self._require_alive()
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.broken_writes:
            raise OSError(errno.EIO, "Input/output error")
        data = b"".join(pieces)
        kinds, rows = _event_kinds(data)
        what = "a command" if set(kinds) & COMMANDS else "an event"
        self._passes(f"before {what} is written")
        written = os.writev(file, [data])
        self.rows = rows or self.rows
        self._sees(kinds)
        self._passes(f"after {what} is written")
        return written

    def fdatasync(self, file: int) -> None:
        """From here on what is in the file survives a power loss."""
        self._require_alive()
        self._passes("before sync")
        if self.broken_syncs:
            raise OSError(errno.EIO, "Input/output error")
        name = self._names.get(file, "").removesuffix(".part")
        self._synced[name] = os.fstat(file).st_size
        self.durable_rows = self.rows
        self._passes("after sync")

    # ---- what a story does ----

    @property
    def is_bad(self) -> bool:
        """Is something wrong with it?"""
        return self.full or self.broken_writes or self.broken_syncs

    def mend(self) -> None:
        """Another disk."""
        self.full = self.broken_writes = self.broken_syncs = False

    def lose_power(self, path: Path, kept: float) -> int:
        """Cut a tape to what was synced and a part of the rest, torn anywhere; returns how many bytes are gone."""
        size = path.stat().st_size
        synced = min(self._synced.get(str(path), size), size)
        left = synced + int((size - synced) * kept)
        os.truncate(path, left)
        return size - left

    def _require_alive(self) -> None:
        if self.dead:
            raise OSError(errno.EIO, "the process is no more")


def _event_kinds(data: bytes) -> tuple[list[int], int]:
    """Kinds of the event rows in whole blocks, and how many event rows the tape has with them; 0: none here."""
    kinds: list[int] = []
    at = rows = 0
    while at < len(data):
        first, _, count = struct.unpack_from("<qqi", data, at + 8)
        end = at + HEADER_BYTES + count * ROW_BYTES
        if data[at + BLOCK_TYPE_BYTE] == EVENTS:
            kinds += data[at + HEADER_BYTES + KIND_BYTE : end : ROW_BYTES]
            rows = first + count
        at = end
    return kinds, rows
