"""The fear and greed index: one whole number a day.

Source: alternative.me, Crypto Fear & Greed Index, section API. `GET /fng/?limit=N` gives the latest N days, newest
first; `timestamp` is in seconds of the day that a value is of, as text.
"""

from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.core.facts import Said, exact_value
from quintet.venues.fact_line import AskedSource, FactLine, LinePatience, seconds_ns, shaped
from quintet.venues.pacing import SECOND_NS, Limit

HOST: Final = "https://api.alternative.me"
FACT: Final = "alternative.me/fear_greed"
DAYS_ASKED: Final = 10
"""So many days may be restated, or be missed, and still be heard."""

DECIMALS: Final = 0
HIGHEST: Final = 100
_DAY_NS: Final = 86_400 * SECOND_NS
_LIMIT: Final = Limit(60, 60 * SECOND_NS)
"""60 requests a minute, as its page says."""


class Day(msgspec.Struct, frozen=True):
    """One day as it is sent."""

    value: str
    timestamp: str


class Metadata(msgspec.Struct, frozen=True):
    """What went wrong, null when nothing did."""

    error: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """`GET /fng/`, what of it is read."""

    data: tuple[Day, ...] | None = None
    metadata: Metadata = Metadata()


def decode(body: bytes, now_ns: int = 0) -> list[Said]:
    """The days of an answer, the oldest first; raises DataError naming the day and the field."""
    answer = shaped(body, Answer, "fear and greed")
    if answer.metadata.error or answer.data is None:
        raise DataError(f"fear and greed: found the error {str(answer.metadata.error)[:80]!r}, expected days")
    return [_said(day, f"fear and greed: data[{n}]") for n, day in reversed(list(enumerate(answer.data)))]


def _said(day: Day, where: str) -> Said:
    if not (day.timestamp.isascii() and day.timestamp.isdigit()):
        raise DataError(f"{where}.timestamp: found {day.timestamp[:40]!r}, expected seconds")
    about_ns = seconds_ns(int(day.timestamp[:20]), f"{where}.timestamp")
    value = exact_value(day.value, DECIMALS, f"{where}.value")
    if not 0 <= value <= HIGHEST:
        raise DataError(f"{where}.value: found {value}, expected 0 to {HIGHEST}")
    return Said(FACT, about_ns // _DAY_NS * _DAY_NS, value, DECIMALS)


def line(host: str = HOST, patience: LinePatience | None = None) -> FactLine:
    """A line to the source; it needs no key."""
    return FactLine("alternative.me", host, _LIMIT, patience=patience)


def source(line: FactLine) -> AskedSource:
    """The index, asked for every twenty minutes."""
    return AskedSource(line, "/fng/", {"limit": DAYS_ASKED}, (FACT,), 1200.0, decode)
