"""The kill file: while it exists, no desk of this workspace sends anything but cancels.

Its existence is all that counts: one made by hand (`touch KILL`), an empty one, one that cannot be read, all latch.
What stands in it tells people who made it and why. It survives a restart because it is a file; only `release` takes
it away, and nothing but a person's command calls that.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from quintet.storage.durability import sync_folder
from quintet.storage.workspace import write_whole

KILL_FILE: Final = "KILL"


class Latched(msgspec.Struct, frozen=True):
    """What a kill file says: when (UTC, ISO), by whom, why."""

    since_utc: str
    who: str
    why: str


class KillFile:
    """The kill switch of a workspace; fills `ports.kill_switch.KillSwitch`."""

    def __init__(self, root: Path) -> None:
        self.path = root / KILL_FILE

    def engaged(self) -> str:
        """Why nothing may be sent, empty when it may; what cannot be looked at counts as engaged. One `lstat`."""
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"kill switch: {self.path} cannot be looked at: {error.strerror}"
        return f"kill switch: {self.path.name} is latched; quintet release takes it away"

    def latch(self, latched: Latched) -> bool:
        """Engage; it is on the disk when this returns. False when it was engaged before, which is left as it is.

        Raises OSError when the folder cannot be written.
        """
        if self.engaged():
            return False
        write_whole(self.path, msgspec.json.encode(latched) + b"\n")
        sync_folder(self.path.parent)
        return True

    def told(self) -> Latched | None:
        """What the file says; None when there is none, or when it says nothing that can be read."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Latched)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def release(self) -> None:
        """Take the file away, for good: also after a power cut. Raises OSError."""
        self.path.unlink()
        sync_folder(self.path.parent)
