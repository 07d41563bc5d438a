"""Exact numbers: every conversion between text and integers, each naming its rounding.

A price is an integer number of `price_increment`s (a power of ten), a quantity an integer number of lots,
money an integer number of quanta of its asset, a time integer nanoseconds UTC. Conversion happens once, at the
edge. What must be whole and is not raises NotExact; what may be rounded says which way in its name.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import Final, NewType

from quintet.core.errors import NotExact
from quintet.core.kernel import kernel

Nanos = NewType("Nanos", int)
Ticks = NewType("Ticks", int)
Lots = NewType("Lots", int)
Quanta = NewType("Quanta", int)

SAFE_MAX: Final = 2**62
"""Instrument and capital limits prove at load that every integer stays below this."""

E9: Final = 1_000_000_000

DOWN: Final = 0
UP: Final = 1
NEAREST: Final = 2
"""Rounding of mul_div: towards -infinity, towards +infinity, to nearest with halves away from zero."""


_DIGITS_MAX = 60
_CONTEXT = Context(prec=7 * _DIGITS_MAX)
"""Enough digits that no operation below rounds, whatever the caller's own decimal context says."""


def decimal(text: str | int | Decimal, what: str = "value") -> Decimal:
    """A finite Decimal from text; raises NotExact naming `what`. Floats are refused: they are not exact.

    So is a number that needs more than 60 digits written out ("1e999999"): it is a slip or an attack, never a price.
    """
    if isinstance(text, float):
        raise NotExact(f"{what}: expected decimal text, found the float {text!r}")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise NotExact(f"{what}: expected a decimal number, found {text!r}") from None
    if not value.is_finite():
        raise NotExact(f"{what}: expected a finite number, found {text!r}")
    _, digits, exponent = value.as_tuple()
    if len(digits) > _DIGITS_MAX or abs(int(exponent)) > _DIGITS_MAX:
        raise NotExact(f"{what}: expected a number of at most {_DIGITS_MAX} digits, found {str(text)[:40]}...")
    return value


def exact_units(value: str | int | Decimal, unit: Decimal, what: str = "value") -> int:
    """`value / unit` when that is a whole number below 2^62, else NotExact."""
    number = decimal(value, what)
    # A quotient that never ends is rounded; multiplied back, it gives it away.
    whole = int(_CONTEXT.divide(number, unit))
    if _CONTEXT.multiply(Decimal(whole), unit) != number:
        raise NotExact(f"{what}: expected a whole multiple of {unit}, found {number}")
    if abs(whole) >= SAFE_MAX:
        raise NotExact(f"{what}: {number} is {whole} units of {unit}, beyond 2^62")
    return whole


def exact_ticks(price: str | Decimal, price_increment: Decimal, what: str = "price") -> Ticks:
    """A price as whole price increments; raises NotExact."""
    return Ticks(exact_units(price, price_increment, what))


def exact_lots(quantity: str | Decimal, lot_size: Decimal, what: str = "quantity") -> Lots:
    """A quantity as whole lots; raises NotExact."""
    return Lots(exact_units(quantity, lot_size, what))


def exact_quanta(amount: str | Decimal, quantum: Decimal, what: str = "amount") -> Quanta:
    """Money as whole quanta of its asset; raises NotExact."""
    return Quanta(exact_units(amount, quantum, what))


def units_down(value: Decimal, unit: Decimal) -> int:
    """The largest whole number of units at or below `value`."""
    return int(_CONTEXT.divide(value, unit).to_integral_value(ROUND_FLOOR))


def units_up(value: Decimal, unit: Decimal) -> int:
    """The smallest whole number of units at or above `value`."""
    return int(_CONTEXT.divide(value, unit).to_integral_value(ROUND_CEILING))


def is_power_of_ten(value: Decimal) -> bool:
    """True for ..., 0.01, 0.1, 1, 10, ..."""
    return value > 0 and value.normalize().as_tuple().digits == (1,)


@kernel
def _rounded(quotient: int, remainder: int, divisor: int, rounding: int) -> int:
    """Round the floor quotient of a non-negative remainder < divisor; the sign of the whole is in `quotient`."""
    if remainder == 0 or rounding == 0:
        return quotient
    if rounding == 1:
        return quotient + 1
    # Halves go away from zero: up for a positive value, down (so: stay at the floor) for a negative one.
    if remainder > divisor - remainder or (remainder == divisor - remainder and quotient >= 0):
        return quotient + 1
    return quotient


@kernel
def mul_div(a: int, b: int, c: int, rounding: int) -> int:
    """`a * b / c` with a 128-bit intermediate; |a|, |b| <= 2^62, 0 < c <= 2^62, the result must fit 2^62.

    Rounding DOWN is towards -infinity, UP towards +infinity, NEAREST has halves away from zero.
    Most products of money fit 63 bits after one division, the rest go through long division in base 2.
    """
    whole = a // c
    rest = a - whole * c  # 0 <= rest < c
    low = -b if b < 0 else b
    if float(rest) * float(low) < 9e18:  # far enough below 2^63 for what the floats have rounded
        product = rest * b
        quotient = product // c
        return whole * b + _rounded_signed(quotient, product - quotient * c, c, rounding, whole * b)
    # rest * low as high * 2^62 + tail, from 31-bit limbs: no partial product exceeds 2^62.
    mask = 2147483647
    r1, r0 = rest >> 31, rest & mask
    b1, b0 = low >> 31, low & mask
    middle = r1 * b0 + ((r0 * b0) >> 31)
    carry = middle >> 31
    middle = (middle & mask) + r0 * b1
    high = r1 * b1 + carry + (middle >> 31)
    tail = ((middle & mask) << 31) | ((r0 * b0) & mask)
    # Long division of the 124-bit number, bit by bit; the remainder stays below c <= 2^62.
    quotient = high // c
    remainder = high - quotient * c
    for bit in range(61, -1, -1):
        remainder = (remainder << 1) | ((tail >> bit) & 1)
        quotient = quotient << 1
        if remainder >= c:
            remainder = remainder - c
            quotient = quotient | 1
    if b < 0:
        quotient = -quotient
        if remainder != 0:
            quotient = quotient - 1
            remainder = c - remainder
    return whole * b + _rounded_signed(quotient, remainder, c, rounding, whole * b)


@kernel
def _rounded_signed(quotient: int, remainder: int, divisor: int, rounding: int, base: int) -> int:
    """Round `base + quotient + remainder/divisor` and return what to add to `base`."""
    return _rounded(base + quotient, remainder, divisor, rounding) - base
