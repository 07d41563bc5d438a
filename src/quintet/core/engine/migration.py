"""From the memory of older code to that of newer code: a typed step, written down as an event.

A replay never crosses a change of code. New code starts from the last checkpoint of the old: a `Migration` says, field
by field, where everything goes; nothing is lost or invented silently. The MIGRATION event that goes onto the desk tape
names it, both codes and both state hashes; it is the first event that the new code sees.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from quintet.core.digest import state_hash
from quintet.core.engine.checkpoint import DESK, STATE, Checkpoint, Leaf, Parts, at_path, layout_of
from quintet.core.errors import CheckpointError
from quintet.core.events import MIGRATION
from quintet.core.row_laws import Rows
from quintet.core.tape import message_with_text


@dataclass(frozen=True, kw_only=True)
class Migration:
    """Where the fields of old code go. Paths begin with their part: `state.fast.period`."""

    name: str
    from_code: str
    to_code: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Old path to new path."""
    added: Mapping[str, int | float] = field(default_factory=dict)
    """New path to the value it begins with."""
    dropped: frozenset[str] = frozenset()
    """Old paths that are no longer needed."""
    finish: Callable[[Checkpoint, Parts], None] | None = None
    """What renaming cannot say: called last, with the old memory and the new tables."""


class MigrationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a MIGRATION event."""

    name: str
    from_code: str
    to_code: str
    from_state: str
    to_state: str


def migrate(checkpoint: Checkpoint, migration: Migration, parts: Parts) -> Rows:
    """Fill the tables of new code from an old checkpoint; returns the MIGRATION message, which must enter next.

    Raises CheckpointError when the checkpoint is of another code than the migration starts from, when a field has no
    place to come from or to go to, or when its type or shape has changed.
    """
    if checkpoint.place.code != migration.from_code:
        raise CheckpointError(
            f"{checkpoint.name}: migration {migration.name} starts from code {migration.from_code}, "
            f"found {checkpoint.place.code}"
        )
    old = {f"{layout.name}.{leaf.path}": leaf for layout in checkpoint.layouts for leaf in layout.leaves}
    new = {f"{name}.{leaf.path}": leaf for name, table in parts.items() for leaf in layout_of(name, table).leaves}
    came_from = _sources(old, new, migration)
    for path, source in came_from.items():
        _put(parts, path, _taken(checkpoint, source))
    for path, value in migration.added.items():
        _put(parts, path, value)
    if migration.finish is not None:
        migration.finish(checkpoint, parts)
    return _message(checkpoint, migration, parts)


def _sources(old: Mapping[str, Leaf], new: Mapping[str, Leaf], migration: Migration) -> dict[str, str]:
    """New path to the old path it is filled from."""
    before = {to: source for source, to in migration.renamed.items()}
    sources = {path: before.get(path, path) for path in new if path not in migration.added}
    for path, source in sources.items():
        if source not in old:
            raise CheckpointError(
                f"migration {migration.name}: field {path}: nothing to fill it from, expected {source}"
            )
        if (old[source].type, old[source].shape) != (new[path].type, new[path].shape):
            raise CheckpointError(
                f"migration {migration.name}: field {path}: found {old[source]}, expected {new[path]}"
            )
    for path in sorted(migration.added.keys() - new.keys()):
        raise CheckpointError(f"migration {migration.name}: field {path} is added, but the new code has none")
    for path in sorted(old.keys() - set(sources.values()) - migration.dropped):
        raise CheckpointError(f"migration {migration.name}: field {path} would be lost; expected it renamed or dropped")
    return sources


def _taken(checkpoint: Checkpoint, path: str) -> Any:
    part, _, leaf = path.partition(".")
    return checkpoint.parts[part][leaf]


def _put(parts: Parts, path: str, value: Any) -> None:
    part, _, leaf = path.partition(".")
    at_path(parts[part], leaf)[...] = value


def _message(checkpoint: Checkpoint, migration: Migration, parts: Parts) -> Rows:
    record = MigrationRecord(
        name=migration.name,
        from_code=migration.from_code,
        to_code=migration.to_code,
        from_state=checkpoint.state_hash,
        to_state=state_hash(parts[DESK], parts[STATE]),
    )
    now = int(np.asarray(parts[DESK])["shown"]["now"][0])
    return message_with_text((now, now, 0, 0, 0, MIGRATION, 0), msgspec.json.encode(record))
