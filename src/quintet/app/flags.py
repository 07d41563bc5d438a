"""What people type for times, timeframes and pairs, and what is meant."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from quintet.app.messages import Complaint, did_you_mean
from quintet.core.events import TIMEFRAMES

_LETTERS: Final = {"D": 1440}
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_BY_MINUTES: Final = {minutes: name for name, minutes in TIMEFRAMES.items()}


def timeframe(written: str, where: str) -> str | None:
    """`5`, `5m`, `60`, `1h`, `D` as the project's name of a timeframe; empty is None. Raises Complaint."""
    word = written.strip()
    if not word:
        return None
    if word in TIMEFRAMES:
        return word
    minutes = int(word) if word.isascii() and word.isdigit() and len(word) < 6 else _LETTERS.get(word, 0)
    if minutes not in _BY_MINUTES:
        raise Complaint(
            "unknown timeframe",
            where=where,
            found=written,
            expected=f"minutes ({', '.join(str(n) for n in _BY_MINUTES)}) or a name ({', '.join(TIMEFRAMES)})",
            hint=did_you_mean(word, TIMEFRAMES),
        )
    return _BY_MINUTES[minutes]


def utc_ns(written: str, where: str) -> int | None:
    """A date or a moment as ns UTC; a date is its 00:00, a moment without a zone is UTC; empty is None."""
    word = written.strip()
    if not word:
        return None
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        moment = None
    if moment is None or not 1970 <= moment.year < 2200:
        raise Complaint(
            "not a time",
            where=where,
            found=written,
            expected="a date such as 2026-01-31, or a moment such as 2026-01-31T12:00:00Z, from 1970 to 2199",
        )
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def time_range(start: str, end: str) -> tuple[int | None, int | None]:
    """Start inclusive and end exclusive, in ns UTC; raises Complaint when nothing lies between."""
    start_ns, end_ns = utc_ns(start, "start"), utc_ns(end, "end")
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise Complaint("an empty range", where="start and end", found=f"{start} to {end}", expected="start before end")
    return start_ns, end_ns


def duration_s(written: str, where: str) -> float:
    """`90s`, `30m`, `1.5h`, `1d` as seconds; raises Complaint."""
    found = _DURATION.fullmatch(written.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise Complaint(
            "not a length of time", where=where, found=written, expected="a number and a unit: 90s, 30m, 1.5h or 1d"
        )
    return seconds


def named_pairs(flag: str, written: Iterable[str]) -> dict[str, str]:
    """`a=b` entries as a mapping; raises Complaint for anything else or a name given twice."""
    pairs: dict[str, str] = {}
    for entry in written:
        left, equals, right = (part.strip() for part in entry.partition("="))
        if not equals or not left or not right:
            raise Complaint("not a pair", where=flag, found=repr(entry), expected="NAME=VALUE")
        if left in pairs:
            raise Complaint("named twice", where=flag, found=left, expected="every name once")
        pairs[left] = right
    return pairs
