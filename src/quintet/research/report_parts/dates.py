"""Days and months by name, in both languages; times are UTC."""

from datetime import UTC, datetime
from typing import Final

from quintet.research.report_parts.languages import LANGUAGES, Both, texts

DASH: Final = "\u2013"

_SECOND_NS: Final = 1_000_000_000


def _date(ts_ns: int) -> datetime:
    return datetime.fromtimestamp(ts_ns // _SECOND_NS, UTC)


def _name(language: str, when: datetime, key: str = "script.months_of_days") -> str:
    """The short name of a month; beside a day it may have another form than alone."""
    return str(texts(language)[key]).split()[when.month - 1]


def month(ts_ns: int, *, with_year: bool) -> Both:
    """`Jan 2026`, or `Feb` without its year."""
    when = _date(ts_ns)
    names = (_name(language, when, "script.months") for language in LANGUAGES)
    return Both(*(f"{name} {when.year}" if with_year else name for name in names))


def day(ts_ns: int) -> Both:
    """`04 Jan`."""
    when = _date(ts_ns)
    return Both(*(f"{when:%d} {_name(language, when)}" for language in LANGUAGES))


def day_and_hour(ts_ns: int) -> Both:
    """`04 Jan 05:25`."""
    when = _date(ts_ns)
    return Both(*(f"{when:%d} {_name(language, when)} {when:%H:%M}" for language in LANGUAGES))


def moment(ts_ns: int) -> Both:
    """`04 Jan 2026 05:25`."""
    when = _date(ts_ns)
    return Both(*(f"{when:%d} {_name(language, when)} {when:%Y %H:%M}" for language in LANGUAGES))


def span(first_ns: int, last_ns: int) -> Both:
    """`1 Jan - 20 Nov 2026`; years on both sides when they differ; one day alone when it is the same."""
    first, last = _date(first_ns), _date(last_ns)
    if first.date() == last.date():
        return Both(*(f"{last.day} {_name(language, last)} {last.year}" for language in LANGUAGES))
    year = "" if first.year == last.year else f" {first.year}"
    return Both(
        *(
            f"{first.day} {_name(language, first)}{year} {DASH} {last.day} {_name(language, last)} {last.year}"
            for language in LANGUAGES
        )
    )
