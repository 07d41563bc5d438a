"""What is news of a fact: a value, another value of the same time, a value that comes late, and one that does not come.

A source is asked again and again, or its archive is read; most of what it says was said before. The watch keeps what
was said, and turns it into observations, each once. The time is handed in, so that the same answers at the same times
give the same observations, live and from a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from quintet.core.facts import LATE, MISSING, OK, RESTATED, Observation, Said

REMEMBERED: Final = 4096
"""So many values of one fact are remembered; a value of an older time that is said anew counts as its first."""

NEVER_NS: Final = 2**62


class Rhythm(NamedTuple):
    """When a fact is due: once in each span of `every_ns` (whole multiples of it, UTC), within `within_ns` of its
    start.

    Spans are those of the time it speaks of; of a `forecast`, which changes as its time comes nearer and is not
    restated by that, those of the time we hear it. `every_ns` 0: it comes when it comes, such as a deposit, and is
    never missing.
    """

    every_ns: int = 0
    within_ns: int = 0
    forecast: bool = False


@dataclass(slots=True)
class FactWatch:
    """One fact: `hear` what is said, `overdue` for what is not. `begin_ns`: from when on it is waited for, UTC."""

    name: str
    rhythm: Rhythm
    decimals: int
    begin_ns: int
    _span: int = field(init=False)
    _first_span: int = field(init=False)
    _heard: set[int] = field(init=False, default_factory=set)
    _said: dict[tuple[int, str], tuple[int, int]] = field(init=False, default_factory=dict)
    """Value and revision by the time it speaks of and its reference, the oldest first."""

    def __post_init__(self) -> None:
        every = self.rhythm.every_ns
        self._span = self._first_span = -(-self.begin_ns // every) if every else 0

    @property
    def due_ns(self) -> int:
        """The first moment at which the next span without a value is too late."""
        rhythm = self.rhythm
        return self._span * rhythm.every_ns + rhythm.within_ns + 1 if rhythm.every_ns else NEVER_NS

    def overdue(self, now_ns: int) -> Iterator[Observation]:
        """What should have come by `now_ns` and has not, each known at the moment at which it was too late."""
        while self.rhythm.every_ns and self.due_ns <= now_ns:
            if self._span not in self._heard:
                about_ns = self._span * self.rhythm.every_ns
                yield self._observation(about_ns, self.due_ns, 0, 0, MISSING, "")
            self._heard.discard(self._span)
            self._span += 1

    def hear(self, said: Said, known_ns: int) -> Observation | None:
        """What is news in this, None when nothing is; `overdue(known_ns)` has been asked before."""
        span = self._span_of(said.about_ns, known_ns)
        place, late = (said.about_ns, said.reference), self._first_span <= span < self._span
        before = self._said.get(place)
        if span >= self._span:
            self._heard.add(span)
        if before is not None and before[0] == said.value:
            return None
        revision = 0 if before is None else before[1] + 1
        self._remember(place, said.value, revision)
        quality = OK
        if before is not None and not self.rhythm.forecast:
            quality = RESTATED
        elif before is None and late:
            quality = LATE
        return self._observation(said.about_ns, known_ns, said.value, revision, quality, said.reference)

    def recall(self, observation: Observation) -> None:
        """What a tape that is gone on with has already."""
        if observation.quality != MISSING:
            place = observation.about_ns, observation.reference
            self._remember(place, observation.value, observation.revision)

    def _span_of(self, about_ns: int, known_ns: int) -> int:
        every = self.rhythm.every_ns
        return (known_ns if self.rhythm.forecast else about_ns) // every if every else 0

    def _remember(self, place: tuple[int, str], value: int, revision: int) -> None:
        self._said[place] = value, revision
        if len(self._said) > REMEMBERED:
            del self._said[min(self._said)]

    def _observation(
        self, about_ns: int, known_ns: int, value: int, revision: int, quality: int, reference: str
    ) -> Observation:
        return Observation(
            name=self.name, about_ns=about_ns, known_ns=known_ns, value=value, decimals=self.decimals,
            revision=revision, quality=quality, reference=reference,
        )  # fmt: skip
