"""What a desk remembers, as bytes that can be trusted: taken after any event, restored to go on as if nothing was.

| bytes        | what                                                                    |
|--------------|-------------------------------------------------------------------------|
| 0-7          | magic                                                                   |
| 8-11         | length of the description, little-endian                                |
| ...          | the description, JSON: format, place, hashes, the layout of every part  |
| ...          | the parts one after the other, fields in declared order, little-endian  |
| last 32      | SHA-256 of everything before                                            |

A checkpoint belongs to one code and one configuration: both hashes stand in it, and the name, type and shape of every
field. A desk with another layout refuses it and names the field; `core.engine.migration` carries it over.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from quintet.core.digest import canonical_bytes, state_hash
from quintet.core.errors import CheckpointError, Damaged, DefinitionError, InvariantError
from quintet.core.state import World

MAGIC: Final = b"\x89QCHECK\n"
FORMAT_VERSION: Final = 1
DIGEST_BYTES: Final = 32
_LENGTH_AT: Final = len(MAGIC)
_TEXT_AT: Final = _LENGTH_AT + 4

Parts = Mapping[str, Any]
"""Name to a one-dimensional table of records."""

DESK, STATE, SHOWN = "desk", "state", "shown"
VENUE_PARTS: Final = ("venue", "level", "touches")
"""What a simulated venue remembers; a live desk has none of it."""

_BUFFERS: Final = ("n_commands", "n_fills", "n_notes", "n_samples", "n_rows")


class Leaf(msgspec.Struct, frozen=True, array_like=True):
    """One number, or array of numbers, of a record: `orders.price`, i8, shape (64,) with the outer shapes before."""

    path: str
    type: str
    shape: tuple[int, ...]


class PartLayout(msgspec.Struct, frozen=True):
    """How one part is laid out: its fields in declared order, nested ones in place, and its number of records."""

    name: str
    rows: int
    leaves: tuple[Leaf, ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a checkpoint was taken, and by what. `tape_rows`: rows of the desk tape before it, commands included."""

    position: int
    tape_rows: int
    code: str
    config: str


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything in a checkpoint that is not memory."""

    format: int
    place: Place
    state_hash: str
    parts: tuple[PartLayout, ...]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose bytes have been verified; `parts` are in the layout they were written with."""

    name: str
    place: Place
    state_hash: str
    layouts: tuple[PartLayout, ...]
    parts: Parts


# ---- what belongs to it ------------------------------------------------------------------------------------------


def desk_parts(world: World) -> dict[str, Any]:
    """The memory of a desk: its own record, its system's, and, where it keeps one, the shown book."""
    shown = {SHOWN: world.shown} if world.desk[0].ladders.room > 0 else {}
    return {DESK: world.desk, STATE: world.state} | shown


def world_parts(world: World) -> dict[str, Any]:
    """The memory of a desk in a simulated world, exchange included; its buffers must have been emptied."""
    venue = world.venue[0]
    full = [name for name in _BUFFERS if venue[name] != 0]
    if full:
        raise DefinitionError(f"a checkpoint is taken when buffers are empty; {', '.join(full)} are not")
    return desk_parts(world) | {name: getattr(world, name) for name in VENUE_PARTS}


def config_hash(*tables: Any) -> str:
    """SHA-256 over parameter records, field by field."""
    digest = hashlib.sha256(b"quintet-config-1")
    for table in tables:
        digest.update(canonical_bytes(table))
    return digest.hexdigest()


def layout_of(name: str, table: Any) -> PartLayout:
    """The layout of a part; raises DefinitionError for one that is no table of records."""
    plain = np.asarray(table)
    if plain.dtype.names is None or plain.ndim != 1:
        raise DefinitionError(f"part {name} is {plain.dtype} of {plain.ndim} dimensions, expected a table of records")
    return PartLayout(name, len(plain), tuple(_leaves(plain.dtype, "", ())))


def _leaves(dtype: np.dtype[Any], prefix: str, outer: tuple[int, ...]) -> Iterator[Leaf]:
    for name in dtype.names or ():
        field = dtype[name]
        shape = outer + field.shape
        if field.base.names is None:
            yield Leaf(prefix + name, field.base.newbyteorder("<").str, shape)
        else:
            yield from _leaves(field.base, f"{prefix}{name}.", shape)


def at_path(table: Any, path: str) -> Any:
    """The array of one leaf, records first: `at_path(desk, "orders.price")`."""
    found = np.asarray(table)
    for name in path.split("."):
        found = found[name]
    return found


# ---- writing -----------------------------------------------------------------------------------------------------


def encode(parts: Parts, place: Place) -> bytes:
    """The bytes of a checkpoint. `parts` has at least `desk` and `state`."""
    layouts = tuple(layout_of(name, table) for name, table in parts.items())
    described = Description(
        format=FORMAT_VERSION, place=place, state_hash=state_hash(parts[DESK], parts[STATE]), parts=layouts
    )
    text = msgspec.json.encode(described)
    head = MAGIC + len(text).to_bytes(4, "little") + text
    data = head + b"".join(_column_bytes(parts[layout.name], leaf) for layout in layouts for leaf in layout.leaves)
    return data + hashlib.sha256(data).digest()


def _column_bytes(table: Any, leaf: Leaf) -> bytes:
    return np.ascontiguousarray(at_path(table, leaf.path), leaf.type).tobytes()


# ---- reading -----------------------------------------------------------------------------------------------------


def decode(data: bytes, name: str) -> Checkpoint:
    """Verify every byte and take the memory out. `name` begins every message.

    Raises Damaged for bytes that are not what was written, CheckpointError for a format this version does not know.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise Damaged(f"{name}: begins with {data[: len(MAGIC)]!r}, expected {MAGIC!r}: not a checkpoint, or damaged")
    body, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if len(data) < _TEXT_AT + DIGEST_BYTES or hashlib.sha256(body).digest() != digest:
        raise Damaged(f"{name}: {len(data)} bytes that do not match their digest, expected the bytes as written")
    end = _TEXT_AT + int.from_bytes(body[_LENGTH_AT:_TEXT_AT], "little")
    described = _described(body[_TEXT_AT:end], name)
    return Checkpoint(
        name, described.place, described.state_hash, described.parts, _memory(body, end, described.parts, name)
    )


def _described(text: bytes, name: str) -> Description:
    found = msgspec.json.decode(text)["format"]
    if found != FORMAT_VERSION:
        raise CheckpointError(f"{name}: format {found}, this version of quintet reads format {FORMAT_VERSION}")
    return msgspec.json.decode(text, type=Description)


def _memory(body: bytes, offset: int, layouts: tuple[PartLayout, ...], name: str) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for layout in layouts:
        columns = {}
        for leaf in layout.leaves:
            shape = (layout.rows, *leaf.shape)
            count = int(np.prod(shape, dtype=np.int64))
            columns[leaf.path] = np.frombuffer(body, leaf.type, count, offset).reshape(shape)
            offset += columns[leaf.path].nbytes
        parts[layout.name] = columns
    if offset != len(body):
        raise Damaged(f"{name}: {len(body) - offset} bytes after the last field, expected none")
    return parts


def restore(checkpoint: Checkpoint, parts: Parts, *, code: str, config: str) -> None:
    """Put the memory back into tables of the same layout, in place.

    Raises CheckpointError for another code, configuration, or layout (naming the field), and then changes nothing.
    """
    for what, found, expected in (
        ("code", checkpoint.place.code, code),
        ("configuration", checkpoint.place.config, config),
    ):
        if found != expected:
            raise CheckpointError(
                f"{checkpoint.name}: written with {what} {found}, expected {expected}; "
                "a migration carries a checkpoint over, replay does not"
            )
    require_layout(checkpoint, parts)
    for layout in checkpoint.layouts:
        for leaf in layout.leaves:
            at_path(parts[layout.name], leaf.path)[...] = checkpoint.parts[layout.name][leaf.path]
    require_state(checkpoint.name, checkpoint.state_hash, parts)


def require_layout(checkpoint: Checkpoint, parts: Parts) -> None:
    """Raise CheckpointError naming the first part or field that is laid out differently."""
    stored = {layout.name: layout for layout in checkpoint.layouts}
    if list(stored) != list(parts):
        raise CheckpointError(f"{checkpoint.name}: parts {', '.join(stored)}, expected {', '.join(parts)}")
    for name, table in parts.items():
        difference = first_difference(stored[name], layout_of(name, table))
        if difference:
            raise CheckpointError(f"{checkpoint.name}: {difference}")


def first_difference(found: PartLayout, expected: PartLayout) -> str:
    """The first thing in which two layouts of a part differ, in words; empty when there is none."""
    if found.rows != expected.rows:
        return f"{found.name} has {found.rows} records, expected {expected.rows}"
    known = {leaf.path: leaf for leaf in found.leaves}
    wanted = {leaf.path: leaf for leaf in expected.leaves}
    for path, leaf in wanted.items():
        if path not in known:
            return f"field {found.name}.{path} is not in it, expected {_spoken(leaf)}"
        if known[path] != leaf:
            return f"field {found.name}.{path} is {_spoken(known[path])}, expected {_spoken(leaf)}"
    for path, leaf in known.items():
        if path not in wanted:
            return f"field {found.name}.{path} ({_spoken(leaf)}) is in it, expected no such field"
    if found.leaves != expected.leaves:
        return f"the fields of {found.name} stand in another order"
    return ""


def _spoken(leaf: Leaf) -> str:
    return leaf.type.lstrip("<") + (f" x {'x'.join(map(str, leaf.shape))}" if leaf.shape else "")


def require_state(name: str, expected: str, parts: Parts) -> None:
    """Raise InvariantError unless the restored memory hashes to what was written."""
    found = state_hash(parts[DESK], parts[STATE])
    if found != expected:
        raise InvariantError(f"{name}: the restored state is {found}, expected {expected}")
