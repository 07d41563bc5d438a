"""The outside facts that a system of your own is shown: what is known of each, how old it is, and what has not come.

Values are whole numbers of 10 to the power of minus `decimals`, as the tape has them; `number` is the same as a float.
No data is None, never 0.
"""

from struct import Struct
from typing import Final, NamedTuple

from quintet.core.facts import MISSING, QUALITY_NAMES
from quintet.core.records import offset_of
from quintet.core.state import DESK, FACT, FACTS_HEARD, OBSERVATION, VIEW


class Fact(NamedTuple):
    """What is known of one fact. Times in ns UTC; they and the numbers are None while nothing was heard.

    `age_ns`: how old it is, since the time it speaks of; of a forecast, since we knew it. `quality`: ok, late,
    restated, missing (of what woke us), or nothing. `missing_ns`: the time of which a later value was due and has not
    come, else None.
    """

    name: str
    value: int | None
    decimals: int | None
    about_ns: int | None
    known_ns: int | None
    revision: int | None
    quality: str
    age_ns: int | None
    missing_ns: int | None

    @property
    def number(self) -> float | None:
        """The value as a float; None where there is none."""
        return None if self.value is None or self.decimals is None else float(f"{self.value}e-{self.decimals}")

    def is_older_than(self, age_ns: int) -> bool:
        """Is there no value, or none that is this young?"""
        return self.age_ns is None or self.age_ns > age_ns


_OBSERVATION: Final = Struct("<6q")
_FACT: Final = Struct("<10q")
_HEARD: Final = Struct("<8q")
assert (_OBSERVATION.size, _FACT.size) == (OBSERVATION.itemsize, FACT.itemsize)


class FactReader:
    """Reads the facts out of a desk's memory, under the names by which the system asks for them."""

    def __init__(self, desk: memoryview, names: tuple[str, ...]) -> None:
        self._desk = desk
        self._names = names
        self._heard_at = offset_of(DESK, "shown") + offset_of(VIEW, "facts")
        self._facts_at = self._heard_at + offset_of(FACTS_HEARD, "facts")

    def read(self, now_ns: int) -> tuple[Fact, ...]:
        """What is known of each at `now_ns`."""
        return tuple(self._known(n, name, now_ns) for n, name in enumerate(self._names))

    def heard(self, now_ns: int) -> Fact:
        """What was said last, whatever is known besides."""
        _, n, about, known, value, decimals, revision, quality = _HEARD.unpack_from(self._desk, self._heard_at)
        if quality == MISSING:
            return Fact(self._names[n], None, None, about, known, None, QUALITY_NAMES[MISSING], None, about)
        age = now_ns - min(about, known)
        return Fact(self._names[n], value, decimals, about, known, revision, QUALITY_NAMES[quality], age, None)

    def _known(self, n: int, name: str, now_ns: int) -> Fact:
        read = _FACT.unpack_from(self._desk, self._facts_at + n * FACT.itemsize)
        _, values, about, known, value, decimals, revision, quality, missing_about, missing_known = read
        if values == 0:
            return Fact(name, None, None, None, None, None, "", None, missing_about if missing_known else None)
        missing = missing_about if missing_about > about else None
        age = now_ns - min(about, known)
        return Fact(name, value, decimals, about, known, revision, QUALITY_NAMES[quality], age, missing)
