"""The exchange's exact numbers: money and prices in quanta of 1e-8, rates in parts of 1e8, text at the edges only."""

from decimal import Decimal
from typing import Final

from quintet.core.units import decimal, exact_units

QUANTUM: Final = Decimal("0.00000001")
ONE: Final = 10**8
"""Quanta in one coin; also the whole of a rate."""


def quanta(text: str | int | Decimal, what: str = "amount") -> int:
    """Money, a price or a rate from decimal text; raises NotExact when it has more than eight decimals."""
    return exact_units(text, QUANTUM, what)


def decimals_of(step: Decimal) -> int:
    """How many decimals a tick or a lot step has."""
    exponent = decimal(step).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def padded(units: int, decimals: int) -> str:
    """`units` of 10^-decimals as text with exactly that many decimals."""
    sign = "-" if units < 0 else ""
    if decimals == 0:
        return f"{sign}{abs(units)}"
    whole, part = divmod(abs(units), 10**decimals)
    return f"{sign}{whole}.{part:0{decimals}d}"


def plain(amount: int) -> str:
    """Quanta as the shortest decimal text."""
    if not amount:
        return "0"
    whole, part = divmod(abs(amount), ONE)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{part:08d}".rstrip("0") if part else f"{sign}{whole}"


def div_up(a: int, b: int) -> int:
    """`a / b` rounded towards plus infinity."""
    return -(-a // b)


def div_nearest(a: int, b: int) -> int:
    """`a / b` to the nearest integer, halves up; b > 0."""
    return (2 * a + b) // (2 * b)
