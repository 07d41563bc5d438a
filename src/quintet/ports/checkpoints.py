"""Where a desk keeps what it remembers."""

from pathlib import Path
from typing import Protocol


class Checkpoints(Protocol):
    """A store of checkpoints; `storage.checkpoints.CheckpointFolder` is one."""

    def is_due(self, position: int) -> bool:
        """Have enough events passed since the last one?"""

    def write(self, position: int, data: bytes) -> Path:
        """Keep one; it is whole and on the disk when this returns."""
