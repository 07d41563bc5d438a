"""Records sealed into a chain, so that one that was changed, moved or taken out is found and named.

A sealed record is a msgspec struct with two more fields: `previous`, the seal of the record before it, and `seal`,
SHA-256 over the record's JSON with an empty seal. What a chain cannot notice by itself: records cut off its end, and
a chain written anew from the first record. Against both helps only a seal that is kept somewhere else.
"""

import hashlib
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec

from quintet.core.errors import DataError

FIRST: Final = "0" * 64
"""The `previous` of the first record."""

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

Record = TypeVar("Record", bound=msgspec.Struct)


class Damage(DataError):
    """A sealed record is not what was written."""


class Mismatch(NamedTuple):
    """How a record differs from what a whole chain would hold in its place."""

    found: str
    expected: str


def sealed(record: Record, previous: str) -> Record:
    """The record bound to the one before it."""
    unsealed = msgspec.structs.replace(record, previous=previous, seal="")
    return msgspec.structs.replace(unsealed, seal=hashlib.sha256(msgspec.json.encode(unsealed)).hexdigest())


def mismatch(record: Any, text: bytes, previous: str) -> Mismatch | None:
    """Why `record`, read from `text`, does not stand behind the seal `previous`; None when it does."""
    if record.previous != previous:
        return Mismatch(f"previous {record.previous}", f"{previous}: one before it was taken out or moved")
    # Compared as bytes: a text that says the same in another spelling is not the one that was written.
    if msgspec.json.encode(sealed(record, previous)) != text:
        return Mismatch("a record that does not fit its seal", "the record that was sealed")
    return None
