"""Observations on their way to a tape: in the order in which they were known, each at a time that does not go back."""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec
import numpy as np

from quintet.core.facts import Observation, Said, observation_rows
from quintet.core.market.fact_watch import FactWatch, Rhythm


class Known(msgspec.Struct, frozen=True):
    """What an archive says, and when that was known, ns UTC."""

    said: Said
    known_ns: int


class RowSink(Protocol):
    """Where rows go; `storage.tape_files.TapeWriter` is one."""

    def append(self, rows: Any) -> int:
        """Take whole messages."""


class FactRecorder:
    """Writes observations as they come. One that was known before the last (called missing a moment late) is written at
    the time of the last: a tape tells when it was written down, and that never goes back.
    """

    def __init__(self, writer: RowSink, last_ns: int = 0) -> None:
        self.count = 0
        self._writer = writer
        self._last_ns = last_ns

    def take(self, said: Observation) -> None:
        """One observation."""
        self._last_ns = max(self._last_ns, said.known_ns)
        self._writer.append(observation_rows(msgspec.structs.replace(said, known_ns=self._last_ns)))
        self.count += 1


def archived(known: Iterable[Known], name: str, rhythm: Rhythm, decimals: int) -> list[Observation]:
    """The observations of an archive of one fact: as a watch that was there all the time would have made them.

    What is missing between its first and its last value is missing; nothing is said of the time before and after.
    """
    ordered = sorted(known, key=lambda each: (each.known_ns, each.said.about_ns))
    if not ordered:
        return []
    begins_ns = min(each.known_ns if rhythm.forecast else each.said.about_ns for each in ordered)
    every = rhythm.every_ns or 1
    watch = FactWatch(name, rhythm, decimals, begins_ns // every * every)
    found: list[Observation] = []
    for each in ordered:
        found += watch.overdue(each.known_ns)
        news = watch.hear(each.said, each.known_ns)
        if news is not None:
            found.append(news)
    return found


def fact_rows(observations: Iterable[Observation]) -> Any:
    """Rows of observations in the order of their knowing."""
    ordered = sorted(observations, key=lambda each: each.known_ns)
    return np.concatenate([np.asarray(observation_rows(each)) for each in ordered])
