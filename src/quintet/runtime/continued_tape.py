"""A desk tape that is written twice: what is there already must come again, what is new is appended."""

from typing import Any

import numpy as np

from quintet.core.errors import TapeError
from quintet.core.events import ROW
from quintet.ports.tape import DeskTape


class ContinuedTape:
    """Fills `ports.tape.DeskTape` for a desk that lives through its past once more."""

    def __init__(self, tape: DeskTape, written: Any) -> None:
        """`written`: the rows of that past."""
        self._tape = tape
        self._written = np.asarray(written, ROW)
        self._at = 0

    @property
    def position(self) -> int:
        """The place that the next row gets."""
        return self._at

    @property
    def durable_upto(self) -> int:
        """Every place below this one has reached the disk."""
        return self._tape.durable_upto

    def append(self, rows: Any) -> int:
        """Compare with the past as far as it goes; raises TapeError where it is another."""
        first = self._at
        plain = np.asarray(rows, ROW)
        known = min(len(plain), max(len(self._written) - first, 0))
        if plain[:known].tobytes() != self._written[first : first + known].tobytes():
            raise TapeError(f"desk tape: rows from position {first} on come out otherwise than they were written")
        if known < len(plain):
            self._tape.append(plain[known:])
        self._at += len(plain)
        return first

    def sync(self, *, mark: bool = True) -> int:
        """Wait for the disk."""
        return self._tape.sync(mark=mark)
