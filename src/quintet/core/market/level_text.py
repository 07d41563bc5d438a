"""Prices and quantities as venues write them, many at a time, to whole ticks and lots: exact, or refused by place.

A *piece* is the text of one side of one depth message, or of one trade: `[["61773.6","1001"],["61776.4","412"]]`,
numbers quoted or bare, an exponent allowed. A unit is `divisor * 10^-places`; a value that is not a whole number of
units is a problem, never rounded. No float is involved anywhere.
"""

from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.events import PRICE_MAX, QUANTITY_MAX
from quintet.core.kernel import kernel
from quintet.core.records import record, table

UNIT: Final = record(price_places="i8", price_divisor="i8", lot_places="i8", lot_divisor="i8")
"""How an instrument's numbers are counted; `price_places` of SURVEY only looks for the finest decimals."""

SURVEY: Final = -1

FINEST: Final = record(price_places="i8", lot_places="i8")
"""The most decimals seen that are not trailing zeros."""

STATUS: Final = record(far="i8", problem="i8", piece="i8", pair="i8", number="i8", begins="i8", ends="i8", pairs="i8")

SHAPE, NO_NUMBER, NEGATIVE, NOT_WHOLE, TOO_LARGE, ZERO_PRICE = range(1, 7)

EXPECTED: Final[dict[int, str]] = {
    SHAPE: 'pairs ["price","quantity"] in a list',
    NO_NUMBER: "a decimal number",
    NEGATIVE: "0 or more",
    NOT_WHOLE: "a whole multiple of {unit}",
    TOO_LARGE: "less than {limit} units of {unit}",
    ZERO_PRICE: "a price above 0",
}

_PLACES_MAX: Final = 18
_MANTISSA_MAX: Final = 2**62 // 10 - 1
_PRICE_MAX, _QUANTITY_MAX = PRICE_MAX, QUANTITY_MAX
_SPACE, _QUOTE, _COMMA, _MINUS, _PLUS, _DOT = (ord(sign) for sign in ' ",-+.')
_ZERO, _NINE, _OPEN, _CLOSE, _SMALL_E, _LARGE_E = (ord(sign) for sign in "09[]eE")


class Levels(NamedTuple):
    """Numbers of pieces in order: ticks, lots, and how many pairs each piece had.

    `far`: so many levels of books lay beyond any price a row can hold, and are left out.
    """

    price: NDArray[np.int64]
    quantity: NDArray[np.int64]
    counts: NDArray[np.int64]
    far: int


class Misread(NamedTuple):
    """The first number that cannot be taken: where, what stands there, and what was expected."""

    piece: int
    pair: int
    field: str
    found: str
    expected: str


def unit_of(price_increment: Decimal, lot_size: Decimal) -> tuple[int, int, int, int]:
    """The UNIT of an instrument: places and divisor of its price increment and of its lot."""
    return (*_places(price_increment), *_places(lot_size))


def _places(unit: Decimal) -> tuple[int, int]:
    _, digits, exponent = unit.normalize().as_tuple()
    mantissa = int("".join(map(str, digits)))
    return (-int(exponent), mantissa) if int(exponent) <= 0 else (0, mantissa * 10 ** int(exponent))


def read_levels(
    text: bytes, ends: NDArray[np.int64], owner: NDArray[np.int64], depth: NDArray[np.bool_], units: Any
) -> Levels | Misread:
    """All pairs of pieces that end at `ends`; piece n is counted in the units of instrument `owner[n]`.

    In a piece of `depth` a level may be too far away for a row (an order to sell at a million times the price, as some
    venues keep): it is left out and counted. A trade there would be refused.
    """
    room = text.count(b"[")
    price, quantity = np.empty(room, np.int64), np.empty(room, np.int64)
    counts = np.zeros(len(ends), np.int64)
    status, finest = table(STATUS, 1), table(FINEST, len(units))
    data = np.frombuffer(text, np.uint8)
    if read_pairs(data, ends, owner, depth, units, price, quantity, counts, finest, status) != 0:
        return _misread(text, status[0], owner, units)
    found = int(status[0].pairs)
    return Levels(price[:found], quantity[:found], counts, int(status[0].far))


def survey_levels(text: bytes, ends: NDArray[np.int64], owner: NDArray[np.int64], finest: Any) -> Misread | None:
    """Widen `finest` (FINEST by instrument) by the decimals of these pieces."""
    units = table(UNIT, len(finest))
    units.price_places = SURVEY
    nothing = np.empty(0, np.int64)
    status = table(STATUS, 1)
    data = np.frombuffer(text, np.uint8)
    counts = np.zeros(len(ends), np.int64)
    depth = np.zeros(len(ends), np.bool_)
    if read_pairs(data, ends, owner, depth, units, nothing, nothing, counts, finest, status) != 0:
        return _misread(text, status[0], owner, units)
    return None


def _misread(text: bytes, status: Any, owner: Any, units: Any) -> Misread:
    unit = units[int(owner[int(status.piece)])]
    places, divisor, limit = (
        (int(unit.price_places), int(unit.price_divisor), PRICE_MAX + 1)
        if status.number == 0
        else (int(unit.lot_places), int(unit.lot_divisor), QUANTITY_MAX)
    )
    shown = f"{Decimal(divisor).scaleb(-max(places, 0)).normalize():f}"
    found = text[int(status.begins) : min(int(status.ends), int(status.begins) + 40)].decode(errors="replace")
    expected = EXPECTED[int(status.problem)].format(unit=shown, limit=limit)
    return Misread(int(status.piece), int(status.pair), ("price", "quantity")[int(status.number)], found, expected)


@kernel
def read_pairs(
    text: Any, ends: Any, owner: Any, depth: Any, units: Any, price: Any, quantity: Any, counts: Any, finest: Any,
    status: Any,
) -> int:  # fmt: skip
    """Read every piece; 0, or the number of the first problem with its place in `status`.

    One text walked once, by hand: this is where an import spends its time.
    """
    at = 0
    found = 0
    for piece in range(ends.shape[0]):
        end = ends[piece]
        unit = units[owner[piece]]
        survey = unit.price_places < 0
        # An empty piece is a message without this side.
        while at < end and int(text[at]) == _SPACE:
            at += 1
        if at == end:
            continue
        if int(text[at]) != _OPEN:
            return _stop(status, SHAPE, piece, 0, 0, at, end)
        at += 1
        pair = 0
        kept = 0
        closed = False
        while at < end:
            sign = int(text[at])
            if sign == _SPACE or (sign == _COMMA and pair > 0):
                at += 1
                continue
            if sign == _CLOSE:
                at += 1
                closed = True
                break
            if sign != _OPEN:
                return _stop(status, SHAPE, piece, pair, 0, at, end)
            at += 1
            far = 0
            for number in range(2):
                while at < end and int(text[at]) == _SPACE:
                    at += 1
                begins = at
                quoted = at < end and int(text[at]) == _QUOTE
                if quoted:
                    at += 1
                    begins = at
                if at < end and int(text[at]) == _MINUS:
                    return _stop(status, NEGATIVE, piece, pair, number, begins, _number_end(text, at, end))
                value = 0
                digits = 0
                fraction = 0
                zeros = 0  # at the end of the fraction, held back until another digit follows
                in_fraction = False
                while at < end:
                    sign = int(text[at])
                    if sign == _DOT and not in_fraction:
                        in_fraction = True
                    elif sign < _ZERO or sign > _NINE:
                        break
                    else:
                        digits += 1
                        if in_fraction and sign == _ZERO:
                            zeros += 1
                        else:
                            for _ in range(zeros + 1):
                                if value > _MANTISSA_MAX:
                                    return _stop(
                                        status, TOO_LARGE, piece, pair, number, begins, _number_end(text, at, end)
                                    )
                                value = value * 10
                            value += sign - _ZERO
                            if in_fraction:
                                fraction += zeros + 1
                                zeros = 0
                    at += 1
                if digits == 0:
                    return _stop(status, NO_NUMBER, piece, pair, number, begins, _number_end(text, at, end))
                if at < end and (int(text[at]) == _SMALL_E or int(text[at]) == _LARGE_E):
                    at += 1
                    down = False
                    if at < end and (int(text[at]) == _MINUS or int(text[at]) == _PLUS):
                        down = int(text[at]) == _MINUS
                        at += 1
                    exponent = 0
                    while at < end and int(text[at]) >= _ZERO and int(text[at]) <= _NINE and exponent < 100:
                        exponent = exponent * 10 + int(text[at]) - _ZERO
                        at += 1
                    fraction += exponent if down else -exponent
                number_end = at
                if quoted:
                    if at >= end or int(text[at]) != _QUOTE:
                        return _stop(status, NO_NUMBER, piece, pair, number, begins, _number_end(text, at, end))
                    at += 1
                while at < end and int(text[at]) == _SPACE:
                    at += 1
                if at >= end or int(text[at]) != (_COMMA if number == 0 else _CLOSE):
                    return _stop(status, SHAPE, piece, pair, number, begins, _number_end(text, at, end))
                at += 1
                while value != 0 and fraction > 0 and value % 10 == 0:
                    value //= 10
                    fraction -= 1
                if survey:
                    if value != 0 and number == 0:
                        finest[owner[piece]].price_places = max(finest[owner[piece]].price_places, fraction)
                    elif value != 0:
                        finest[owner[piece]].lot_places = max(finest[owner[piece]].lot_places, fraction)
                    continue
                shift = (unit.price_places if number == 0 else unit.lot_places) - fraction
                divisor = unit.price_divisor if number == 0 else unit.lot_divisor
                if value != 0 and shift < 0:
                    return _stop(status, NOT_WHOLE, piece, pair, number, begins, number_end)
                for _ in range(shift if value != 0 else 0):
                    if value > _MANTISSA_MAX:
                        return _stop(status, TOO_LARGE, piece, pair, number, begins, number_end)
                    value *= 10
                if value % divisor != 0:
                    return _stop(status, NOT_WHOLE, piece, pair, number, begins, number_end)
                value //= divisor
                if number == 0:
                    if value == 0:
                        return _stop(status, ZERO_PRICE, piece, pair, number, begins, number_end)
                    if value > _PRICE_MAX:
                        if not depth[piece]:
                            return _stop(status, TOO_LARGE, piece, pair, number, begins, number_end)
                        far = 1
                    price[found] = value
                else:
                    quantity[found] = value
            pair += 1
            status[0].far += far
            kept += 1 - far
            found += 0 if survey else 1 - far
        while at < end and int(text[at]) == _SPACE:
            at += 1
        if not closed or at != end:
            return _stop(status, SHAPE, piece, pair, 0, at, end)
        counts[piece] = kept
    status[0].pairs = found
    return 0


@kernel
def _number_end(text: Any, at: int, end: int) -> int:
    """Where what should have been a number ends: at a quote, a comma or a bracket."""
    while at < end:
        sign = int(text[at])
        if sign == _QUOTE or sign == _COMMA or sign == _CLOSE:
            return at
        at += 1
    return end


@kernel
def _stop(status: Any, problem: int, piece: int, pair: int, number: int, begins: int, ends: int) -> int:
    state = status[0]
    state.problem = problem
    state.piece = piece
    state.pair = pair
    state.number = number
    state.begins = begins
    state.ends = ends
    return problem


def guessed_unit(places: int) -> Decimal:
    """The power of ten with so many decimals; raises DataError beyond what an instrument can count."""
    if places > _PLACES_MAX:
        raise DataError(f"numbers of {places} decimals, expected at most {_PLACES_MAX}")
    return Decimal(1).scaleb(-places)
