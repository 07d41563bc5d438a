"""Bytes to a shape, text to a number: what does not fit is a DataError naming where, and no other exception leaves."""

import re
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from quintet.core.errors import DataError
from quintet.core.units import decimal

MS_NS: Final = 1_000_000
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_MS: Final = re.compile(r"[0-9]{1,13}")
_MS_MAX: Final = 7_258_118_400_000

Shape = TypeVar("Shape")


def shaped(data: bytes | msgspec.Raw, shape: type[Shape], what: str) -> Shape:
    """The value of that shape; `what` is named where it is another."""
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{what}: {error}") from None


def amount(text: str | None, what: str) -> Decimal:
    """A number as the venue writes it; nothing, null and "" are 0."""
    if not text:
        return Decimal(0)
    if not _NUMBER.fullmatch(text):
        raise DataError(f"{what}: found {text[:40]!r}, expected a decimal number")
    return decimal(text, what)


def nanoseconds(text: str, what: str) -> int:
    """Milliseconds since 1970 as text, in ns."""
    if not _MS.fullmatch(text) or not 0 < int(text) < _MS_MAX:
        raise DataError(f"{what}: found {text[:40]!r}, expected ms UTC before the year 2200")
    return int(text) * MS_NS


def one_of(text: str, known: dict[str, Shape], what: str) -> Shape:
    """What a word of the venue means to us."""
    if text not in known:
        raise DataError(f"{what}: found {text[:40]!r}, expected one of {', '.join(known)}")
    return known[text]
