"""Where a desk keeps what it remembers."""

from typing import Protocol


class Checkpoints(Protocol):
    """A store of checkpoints; `storage.checkpoints.CheckpointFolder` is one."""

    def is_due(self, position: int) -> bool:
        """Have enough events passed since the last one?"""

    def write(self, position: int, data: bytes) -> object:
        """Keep one: whole or not at all."""
