"""Prices and quantities as venues write them, many at a time, to whole ticks and lots: exact, or refused by place.

A *piece* is the text of one side of one depth message, or of one trade: `[["61773.6","1001"],["61776.4","412"]]`,
numbers quoted or bare, an exponent allowed; or a mark without a text (book unknown, feed gap). A unit is
`divisor * 10^-places`; a value that is not a whole number of units is a problem, never rounded. No float is involved
anywhere.
"""

from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.events import ASK_LEVEL, PRICE_MAX, QUANTITY_MAX
from quintet.core.kernel import kernel
from quintet.core.records import quick, record, table

UNIT: Final = record(price_places="i8", price_divisor="i8", lot_places="i8", lot_divisor="i8")
"""How an instrument's numbers are counted; `price_places` of SURVEY only looks for the finest decimals."""

PIECE: Final = record(
    file="i8",
    line="i8",
    event_ns="i8",
    recv_ns="i8",
    instrument="i8",
    kind="i8",
    bits="i8",
    message="i8",  # numbers whole messages
    quantity="i8",  # of a mark
    ends="i8",  # where its text ends in that of all
)
"""What is known of a piece besides its text."""

SURVEY: Final = -1

FINEST: Final = record(price_places="i8", lot_places="i8")
"""The most decimals seen that are not trailing zeros."""

CURSOR: Final = record(
    at="i8",  # the next byte
    piece="i8",
    pair="i8",
    number="i8",  # 0 price, 1 quantity
    begins="i8",  # of the number just read
    ends="i8",
    value="i8",  # its digits as one whole number, without zeros at the end
    decimals="i8",  # how many of them stand behind the point; below 0: zeros left out before it
    found="i8",  # pairs kept so far
    far="i8",  # levels left out so far
)

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
_PRICE_MAX, _SURVEY, _END, _ASK_LEVEL = PRICE_MAX, SURVEY, -1, ASK_LEVEL
_SPACE, _QUOTE, _COMMA, _MINUS, _PLUS, _DOT = (ord(sign) for sign in ' ",-+.')
_ZERO, _NINE, _OPEN, _CLOSE, _SMALL_E, _LARGE_E = (ord(sign) for sign in "09[]eE")


class Levels(NamedTuple):
    """Numbers of pieces in order, a row of ticks and lots for each pair, and how many pairs each piece had.

    `far`: so many levels of books lay beyond any price a row can hold, and are left out.
    """

    numbers: NDArray[np.int64]
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
    return (-int(exponent), mantissa) if int(exponent) <= 0 else (0, mantissa * int(Decimal(1).scaleb(int(exponent))))


class LevelReader:
    """Reads pieces in the units of their instruments (UNIT by number), one batch after the other.

    In a piece of depth a level may be too far away for a row (an order to sell at a million times the price, as some
    venues keep): it is left out and counted. A trade there would be refused.
    """

    def __init__(self, units: Any) -> None:
        self._units = units
        self._finest = table(FINEST, len(units))
        self._cursor = table(CURSOR, 1)
        self._arrays = quick(units), quick(self._finest), quick(self._cursor)
        self._begin = self._cursor.view(np.int64)

    def read(self, text: bytes, pieces: Any) -> Levels | Misread:
        """All pairs of the pieces (PIECE) of one text."""
        numbers = np.empty((text.count(b"["), 2), np.int64)
        counts = np.zeros(len(pieces), np.int64)
        units, finest, cursor = self._arrays
        self._begin[:] = 0
        problem = read_pieces(np.frombuffer(text, np.uint8), pieces, units, numbers, counts, finest, cursor)
        at = self._cursor[0]
        if problem != 0:
            return _misread(text, problem, at, self._units[int(pieces[int(at.piece)]["instrument"])])
        return Levels(numbers[: int(at.found)], counts, int(at.far))


def survey_levels(text: bytes, pieces: Any, finest: Any) -> Misread | None:
    """Widen `finest` (FINEST by instrument) by the decimals of these pieces."""
    units = table(UNIT, len(finest))
    units.price_places = SURVEY
    nothing, counts, cursor = np.empty((0, 2), np.int64), np.zeros(len(pieces), np.int64), table(CURSOR, 1)
    problem = read_pieces(
        np.frombuffer(text, np.uint8), pieces, quick(units), nothing, counts, quick(finest), quick(cursor)
    )
    return _misread(text, problem, cursor[0], units[0]) if problem != 0 else None


def _misread(text: bytes, problem: int, cursor: Any, unit: Any) -> Misread:
    places, divisor, limit = (
        (int(unit.price_places), int(unit.price_divisor), PRICE_MAX + 1)
        if cursor.number == 0
        else (int(unit.lot_places), int(unit.lot_divisor), QUANTITY_MAX)
    )
    shown = f"{Decimal(divisor).scaleb(-max(places, 0)).normalize():f}"
    found = text[int(cursor.begins) : min(int(cursor.ends), int(cursor.begins) + 40)].decode(errors="replace")
    expected = EXPECTED[problem].format(unit=shown, limit=limit)
    return Misread(int(cursor.piece), int(cursor.pair), ("price", "quantity")[int(cursor.number)], found, expected)


# ---- kernels: one text walked once, by hand, as this is where an import spends its time --------------------------


@kernel
def read_pieces(text: Any, pieces: Any, units: Any, numbers: Any, counts: Any, finest: Any, cursors: Any) -> int:
    """Read every piece into `numbers` (price and quantity by pair); 0, or the problem, its place in the cursor."""
    cursor = cursors[0]
    for n in range(pieces.shape[0]):
        piece = pieces[n]
        cursor.piece = n
        before = cursor.found
        depth = piece.kind <= _ASK_LEVEL
        unit, found = units[piece.instrument], finest[piece.instrument]
        problem = _read_piece(text, piece.ends, unit, depth, numbers, found, cursor)
        if problem != 0:
            return problem
        counts[n] = cursor.found - before
    return 0


@kernel
def _read_piece(text: Any, end: int, unit: Any, depth: bool, numbers: Any, finest: Any, cursor: Any) -> int:
    """A list of pairs up to `end`, or nothing: a message without this side."""
    cursor.pair = 0
    cursor.number = 0
    if _next_sign(text, end, cursor) == _END:
        return 0
    if _next_sign(text, end, cursor) != _OPEN:
        return _misshapen(end, cursor)
    cursor.at += 1
    while True:
        sign = _next_sign(text, end, cursor)
        if sign == _COMMA and cursor.pair > 0:
            cursor.at += 1
            sign = _next_sign(text, end, cursor)
        elif sign == _CLOSE:
            cursor.at += 1
            return 0 if _next_sign(text, end, cursor) == _END else _misshapen(end, cursor)
        if sign != _OPEN:
            return _misshapen(end, cursor)
        cursor.at += 1
        problem = _read_pair(text, end, unit, depth, numbers, finest, cursor)
        if problem != 0:
            return problem
        cursor.pair += 1


@kernel
def _read_pair(text: Any, end: int, unit: Any, depth: bool, numbers: Any, finest: Any, cursor: Any) -> int:
    """Price and quantity up to the closing bracket; kept, or only looked at."""
    far = 0
    for number in range(2):
        cursor.number = number
        problem = _read_number(text, end, cursor)
        if problem != 0:
            return problem
        if _next_sign(text, end, cursor) != (_COMMA if number == 0 else _CLOSE):
            return _misshapen(end, cursor)
        cursor.at += 1
        if unit.price_places == _SURVEY:
            _widen(finest, cursor)
            continue
        value = _in_units(unit, cursor)
        if value < 0:
            return -value
        if number == 0 and value == 0:
            return ZERO_PRICE
        if number == 0 and value > _PRICE_MAX:
            if not depth:
                return TOO_LARGE
            far = 1
        numbers[cursor.found, number] = value
    if unit.price_places != _SURVEY:
        cursor.found += 1 - far
        cursor.far += far
    return 0


@kernel
def _read_number(text: Any, end: int, cursor: Any) -> int:
    """One number, quoted or bare: its digits without the zeros at their end, and where its point stands."""
    quoted = _next_sign(text, end, cursor) == _QUOTE
    cursor.at += 1 if quoted else 0
    cursor.begins = cursor.at
    cursor.ends = _number_end(text, cursor.at, end)
    cursor.value = 0
    cursor.decimals = 0
    if cursor.at < end and int(text[cursor.at]) == _MINUS:
        return NEGATIVE
    zeros = 0  # held back until another digit follows
    digits = 0
    behind = False
    while cursor.at < end:
        sign = int(text[cursor.at])
        if sign == _DOT and not behind:
            behind = True
        elif sign < _ZERO or sign > _NINE:
            break
        else:
            digits += 1
            cursor.decimals += 1 if behind else 0
            if sign == _ZERO:
                zeros += 1
            else:
                if not _shift(cursor, zeros + 1):
                    return TOO_LARGE
                cursor.value += sign - _ZERO
                zeros = 0
        cursor.at += 1
    cursor.decimals -= zeros
    if digits == 0 or not _read_exponent(text, end, cursor):
        return NO_NUMBER
    if quoted:
        if cursor.at >= end or int(text[cursor.at]) != _QUOTE:
            return NO_NUMBER
        cursor.at += 1
    return 0


@kernel
def _read_exponent(text: Any, end: int, cursor: Any) -> bool:
    """What may follow the digits, as in 1e-05; False when it is no exponent."""
    if cursor.at >= end or (int(text[cursor.at]) != _SMALL_E and int(text[cursor.at]) != _LARGE_E):
        return True
    cursor.at += 1
    down = cursor.at < end and int(text[cursor.at]) == _MINUS
    if down or (cursor.at < end and int(text[cursor.at]) == _PLUS):
        cursor.at += 1
    begins = cursor.at
    exponent = 0
    while cursor.at < end and int(text[cursor.at]) >= _ZERO and int(text[cursor.at]) <= _NINE:
        exponent = min(exponent * 10 + int(text[cursor.at]) - _ZERO, 1000)
        cursor.at += 1
    cursor.decimals += exponent if down else -exponent
    return cursor.at > begins


@kernel
def _in_units(unit: Any, cursor: Any) -> int:
    """The number just read in whole units; below 0 the problem."""
    if cursor.value == 0:
        return 0
    places = unit.price_places if cursor.number == 0 else unit.lot_places
    divisor = unit.price_divisor if cursor.number == 0 else unit.lot_divisor
    if cursor.decimals > places:
        return -NOT_WHOLE
    if not _shift(cursor, places - cursor.decimals):
        return -TOO_LARGE
    if cursor.value % divisor != 0:
        return -NOT_WHOLE
    return cursor.value // divisor


@kernel
def _shift(cursor: Any, places: int) -> bool:
    """The value times ten, so many times; False when it no longer fits."""
    if cursor.value == 0:
        return True
    for _ in range(places):
        if cursor.value > _MANTISSA_MAX:
            return False
        cursor.value = cursor.value * 10
    return True


@kernel
def _widen(finest: Any, cursor: Any) -> None:
    if cursor.value == 0:
        return
    if cursor.number == 0:
        finest.price_places = max(finest.price_places, cursor.decimals)
    else:
        finest.lot_places = max(finest.lot_places, cursor.decimals)


@kernel
def _next_sign(text: Any, end: int, cursor: Any) -> int:
    """The next byte that is no space, _END behind the last; the cursor stands at it."""
    while cursor.at < end and int(text[cursor.at]) == _SPACE:
        cursor.at += 1
    return int(text[cursor.at]) if cursor.at < end else _END


@kernel
def _number_end(text: Any, at: int, end: int) -> int:
    """Where what should be a number ends: at a quote, a comma or a bracket."""
    while at < end:
        sign = int(text[at])
        if sign == _QUOTE or sign == _COMMA or sign == _CLOSE:
            return at
        at += 1
    return end


@kernel
def _misshapen(end: int, cursor: Any) -> int:
    """What stands here is no list of pairs."""
    cursor.begins = cursor.at
    cursor.ends = end
    return SHAPE


def guessed_unit(places: int) -> Decimal:
    """The power of ten with so many decimals; raises DataError beyond what an instrument can count."""
    if places > _PLACES_MAX:
        raise DataError(f"numbers of {places} decimals, expected at most {_PLACES_MAX}")
    return Decimal(1).scaleb(-places)
