"""What the dispatcher asks before every command that could add risk."""

from typing import Protocol


class KillSwitch(Protocol):
    """A latch outside of the process; `storage.kill_file.KillFile` is one."""

    def engaged(self) -> str:
        """Why nothing but a cancel may be sent, in words; empty when it may. Cheap enough for every command."""


class NeverKilled:
    """For what sends to no venue: a test, a rehearsal."""

    def engaged(self) -> str:
        """Nothing is held back."""
        return ""
