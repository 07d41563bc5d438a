"""Where a desk tape begins: with nothing, or with the memory of the version before it, carried over by a migration.

The memory stands in the tape's meta block, so the tape alone is enough to live it through again.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from typing import Final

from quintet.core.engine.checkpoint import Checkpoint, decode, desk_parts, restore
from quintet.core.errors import Damaged
from quintet.core.state import World

BASE: Final = "base"
"""The note that holds the memory: a checkpoint, compressed, as text."""


def as_note(checkpoint: bytes) -> str:
    """The bytes of a checkpoint as the text of a note."""
    return base64.b64encode(zlib.compress(checkpoint, 9)).decode()


def base_of(notes: Mapping[str, str], name: str) -> Checkpoint | None:
    """The memory a tape begins with, None for one that begins with nothing; raises Damaged."""
    if BASE not in notes:
        return None
    try:
        data = zlib.decompress(base64.b64decode(notes[BASE], validate=True))
    except (binascii.Error, zlib.error) as error:
        raise Damaged(f"{name}: the memory it begins with cannot be read: {error}") from None
    return decode(data, f"{name}, {BASE}")


def begin_from(world: World, notes: Mapping[str, str], name: str) -> int:
    """Fill a fresh world with what a tape begins with; returns how many of the tape's rows that is already.

    Raises Damaged, or CheckpointError when the memory is laid out otherwise than this version's.
    """
    found = base_of(notes, name)
    if found is None:
        return 0
    restore(found, desk_parts(world), code=found.place.code, config=found.place.config)
    return found.place.tape_rows
