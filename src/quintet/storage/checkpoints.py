"""Checkpoint files: each written as a whole, the newest few kept, beside the desk tape they belong to.

A file's name is the desk's position. Half-written files never bear such a name; what a crash left of one is removed by
the next write.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from quintet.core.errors import CheckpointError
from quintet.storage.durability import sync_folder

SUFFIX: Final = ".checkpoint"
_PART: Final = ".part"
_DIGITS: Final = 19


class CheckpointFolder:
    """The checkpoints of one desk. `every_events`: one is due after so many events; `keep`: so many stay."""

    def __init__(self, folder: Path, every_events: int, keep: int = 3) -> None:
        """Raises CheckpointError for a count below one."""
        if every_events < 1 or keep < 1:
            raise CheckpointError(f"{folder}: every {every_events} events, {keep} kept; expected at least 1 of each")
        self.folder = folder
        self.every_events = every_events
        self.keep = keep
        self._last = max(self.positions(), default=0)

    def positions(self) -> list[int]:
        """Positions at which there is a checkpoint, oldest first."""
        names = [path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}")]
        return sorted(int(name) for name in names if name.isdigit() and len(name) == _DIGITS)

    def is_due(self, position: int) -> bool:
        """Have enough events passed since the last one?"""
        return position - self._last >= self.every_events

    def write(self, position: int, data: bytes) -> Path:
        """Write one checkpoint; it is on the disk, under its name, when this returns. Older ones beyond `keep` go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(position)
        part = path.with_name(path.name + _PART)
        _write_synced(part, data)
        part.replace(path)
        sync_folder(self.folder)
        self._last = position
        for old in self.positions()[: -self.keep]:
            self.path(old).unlink()
        for left in self.folder.glob(f"*{SUFFIX}{_PART}"):
            left.unlink()
        return path

    def newest(self, not_after: int | None = None) -> tuple[Path, bytes] | None:
        """The newest checkpoint (at or before a position) and its bytes, not verified here; None when there is none."""
        found = [position for position in self.positions() if not_after is None or position <= not_after]
        if not found:
            return None
        path = self.path(found[-1])
        return path, path.read_bytes()

    def newest_first(self) -> Iterator[tuple[Path, bytes]]:
        """All of them with their bytes, not verified here."""
        for position in reversed(self.positions()):
            path = self.path(position)
            yield path, path.read_bytes()

    def forget(self, path: Path) -> None:
        """One of them is gone when this returns, whatever happens afterwards."""
        path.unlink()
        sync_folder(self.folder)

    def path(self, position: int) -> Path:
        """The file of a position."""
        return self.folder / f"{position:0{_DIGITS}d}{SUFFIX}"


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
