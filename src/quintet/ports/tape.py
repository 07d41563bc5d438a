"""Where a desk writes what enters and leaves its step."""

from typing import Any, Protocol


class DeskTape(Protocol):
    """A desk tape that is being written; `storage.tape_files.TapeWriter` is one."""

    @property
    def position(self) -> int:
        """The place that the next row gets."""

    @property
    def durable_upto(self) -> int:
        """Every place below this one has reached the disk."""

    def append(self, rows: Any) -> int:
        """Append whole messages; returns the first row's place. Raises TapeError for rows that break a law."""

    def sync(self, *, mark: bool = True) -> int:
        """Wait until everything appended is on the disk; returns up to where. May run beside `append`.

        `mark`: also write down, beside the tape, how far it is; an old mark is true too, and damage before it is found.
        """
