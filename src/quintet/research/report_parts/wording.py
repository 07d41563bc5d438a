"""Numbers and times as a reader wants them: thin spaces, a real minus, a sign where there is a direction, UTC.

Zero has no sign, and what is unknown is a dash, never a zero.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

__all__ = (
    "THIN", "UNKNOWN", "direction", "iso", "percent", "plain", "signed", "signed_percent", "signed_whole", "stamp",
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


def signed_whole(value: int) -> str:
    """-1234567 with its sign and its thousands apart."""
    return signed(value, 0)


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


def stamp(ts_ns: int, seconds: bool = False) -> str:
    """A time in UTC as any language reads it, and as it sorts: `2026-01-04 05:25`."""
    return utc(ts_ns, "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def decimals_of(unit: Decimal) -> int:
    """How many decimals a multiple of this power-of-ten unit needs: 2 for 0.01, 0 for 1 and above."""
    exponent = unit.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def counted(count: int, one: str, many: str) -> str:
    """`1 fill`, `1 234 fills`."""
    return f"{whole(count)} {one if count == 1 else many}"
