"""Numbers and times as a reader wants them: thin spaces, a real minus, a sign where there is a direction, UTC.

Zero has no sign, and what is unknown is a dash, never a zero.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

__all__ = (
    "UNKNOWN", "counted", "direction", "duration", "iso", "percent", "plain", "signed", "signed_percent", "span", "utc",
    "whole",
)  # fmt: skip
"""What a template may use."""

THIN: Final = "\u2009"
MINUS: Final = "\u2212"
UNKNOWN: Final = "\u2014"
DASH: Final = "\u2013"

DAY_NS: Final = 86_400_000_000_000
_SECOND_NS: Final = 1_000_000_000


def plain(value: float | Decimal, decimals: int = 2) -> str:
    """1234.5 as `1 234.50`; a value that rounds to zero has no sign."""
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN)
    return MINUS + text if value < 0 and _is_visible(value, decimals) else text


def signed(value: float | Decimal, decimals: int = 2) -> str:
    """The same with a plus before a gain."""
    text = plain(value, decimals)
    return "+" + text if value > 0 and _is_visible(value, decimals) else text


def percent(fraction: float, decimals: int = 2) -> str:
    """0.1234 as `12.34 %`."""
    return f"{plain(fraction * 100, decimals)}{THIN}%"


def signed_percent(fraction: float, decimals: int = 2) -> str:
    """0.1234 as `+12.34 %`."""
    return f"{signed(fraction * 100, decimals)}{THIN}%"


def whole(value: int) -> str:
    """1234567 as `1 234 567`."""
    return plain(value, 0)


def direction(value: float, decimals: int = 2) -> str:
    """The class of a gain, a loss, or neither as shown: `up`, `dn`, or nothing."""
    if not _is_visible(value, decimals):
        return ""
    return "up" if value > 0 else "dn"


def _is_visible(value: float | Decimal, decimals: int) -> bool:
    return float(f"{abs(value):.{decimals}f}") != 0.0


def utc(ts_ns: int, form: str = "%d %b %Y %H:%M") -> str:
    """A time in UTC, whole seconds: `04 Jan 2026 05:25`."""
    return datetime.fromtimestamp(ts_ns // _SECOND_NS, UTC).strftime(form)


def iso(ts_ns: int) -> str:
    """A time in UTC with all its digits, for copying."""
    return f"{utc(ts_ns, '%Y-%m-%dT%H:%M:%S')}.{ts_ns % _SECOND_NS:09d}Z"


def span(first_ns: int, last_ns: int) -> str:
    """`1 Jan – 20 Nov 2026`; years on both sides when they differ."""
    first = datetime.fromtimestamp(first_ns // _SECOND_NS, UTC)
    last = datetime.fromtimestamp(last_ns // _SECOND_NS, UTC)
    begin = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{begin} {DASH} {last.day} {last:%b %Y}"


def duration(ns: float) -> str:
    """`41 s`, `35 min`, `7.5 h`, `12.3 d`."""
    seconds = ns / _SECOND_NS
    for limit, unit, size, decimals in ((120, "s", 1, 0), (7200, "min", 60, 0), (172_800, "h", 3600, 1)):
        if seconds < limit:
            return f"{plain(seconds / size, decimals)}{THIN}{unit}"
    return f"{plain(seconds / 86_400, 1)}{THIN}d"


def decimals_of(unit: Decimal) -> int:
    """How many decimals a multiple of this power-of-ten unit needs: 2 for 0.01, 0 for 1 and above."""
    exponent = unit.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def counted(count: int, one: str, many: str) -> str:
    """`1 fill`, `1 234 fills`."""
    return f"{whole(count)} {one if count == 1 else many}"
