"""A desk goes on with new code: from the checkpoint of the old, through a typed migration, on a tape of its own.

    desks/main/desk.tape            begins with the memory that was carried over, and the MIGRATION event
    desks/main/earlier/1/           tape and checkpoints of the version before, as it left them

A replay never crosses a change of code, so each tape is of one version and verifies with that version. Orders stay at
the venue meanwhile: their numbers go on, and recovery asks about them as after any other pause.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from quintet import __version__
from quintet.app import desk_folder
from quintet.app.desk_folder import CHECKPOINTS, TAPE, Identity, Past
from quintet.app.messages import Complaint
from quintet.core import events as ev
from quintet.core.engine.checkpoint import (
    Checkpoint,
    Place,
    config_hash,
    decode,
    desk_parts,
    encode,
    first_difference,
    layout_of,
)
from quintet.core.engine.migration import Migration, migrate
from quintet.core.errors import CheckpointError, Damaged
from quintet.core.row_laws import Rows
from quintet.core.state import World
from quintet.core.tape import instrument_rows, message_with_text
from quintet.research.desk_beginning import BASE, as_note
from quintet.runtime.recovery import lost_market
from quintet.storage.tape_files import durable_path, verified_path
from quintet.storage.tape_seals import seal_path

EARLIER: Final = "earlier"
NEXT: Final = "next"
OVERLAP_NS: Final = 120 * 10**9
"""Executions of the last two minutes are known by their keys: so far back the venue is asked again."""

SAME_LAYOUT: Final = "same layout"
"""The migration of code that changed and memory that did not."""


MIGRATIONS: tuple[Migration, ...] = ()
"""Changes of layout that this version knows, newest first; both codes are filled in where one is used. None yet: no
layout was released before this one."""


def upgrade(folder: Path, past: Past, who: Identity, world: World) -> Past:
    """Carry a desk over to the code of `who`; `world`: fresh, with the configuration that is in force.

    Returns what stands on its new tape. Raises Complaint for a desk that its own version did not bring to rest, and for
    a memory that no migration knows, naming the field.
    """
    found = _at_the_end(folder, past)
    rows = _migrated(found, past, who, world)
    head = _head(past, int(rows[0]["ts_recv"]))
    place = Place(position=found.place.position, tape_rows=len(head), code=who.code, config=config_hash(world.params))
    number = 1 + max((int(path.name) for path in (folder / EARLIER).glob("*")), default=0)
    more = {name: past.notes[name] for name in ("venue_url", "untouched", "account") if name in past.notes}
    more |= {
        "executed_before": json.dumps(_lately(past)),
        BASE: as_note(encode(desk_parts(world), place)),
        "continues": f"{EARLIER}/{number}",
    }
    heard_ns = past.market_ns or past.last_ns
    tape = np.concatenate([head, np.asarray(rows), np.asarray(lost_market(heard_ns, past.last_ns))])
    desk_folder.write_birth(folder / NEXT, who, __version__, more, tape)
    finish(folder)
    return desk_folder.required_past(folder)


def finish(folder: Path) -> None:
    """Move the new tape into its place, and the old one out of it; whatever was interrupted goes on from there."""
    new = folder / NEXT / TAPE
    if not new.exists():
        return
    from quintet.storage.tape_files import open_tape

    earlier = folder / open_tape(new).meta.notes["continues"]
    earlier.mkdir(parents=True, exist_ok=True)
    for name in (CHECKPOINTS, *_sides(folder / TAPE), TAPE):
        if (folder / name).exists():
            (folder / name).rename(earlier / name)
    for name in (*_sides(new), TAPE):  # the tape last: it says that there is something to finish
        if (new.parent / name).exists():
            (new.parent / name).rename(folder / name)
    new.parent.rmdir()


def _sides(tape: Path) -> tuple[str, ...]:
    return durable_path(tape).name, verified_path(tape).name, seal_path(tape).name


def _at_the_end(folder: Path, past: Past) -> Checkpoint:
    """The checkpoint that the version before left when it was stopped; raises Complaint where there is none."""
    for path, data in desk_folder.checkpoints_of(folder).newest_first():
        try:
            found = decode(data, path.name)
        except Damaged:
            continue
        if found.place.tape_rows == past.positions and found.place.code == past.notes["code"]:
            return found
    raise Complaint(
        "another version than this desk was run with", where=str(folder),
        found="a desk that was killed: its tape goes on behind its last checkpoint",
        expected=f"one that version {past.notes['code']} has stopped",
        hint="start it once more with that version and stop it; --keep-orders leaves its orders working",
    )  # fmt: skip


def _migrated(found: Checkpoint, past: Past, who: Identity, world: World) -> Rows:
    """Fill the new tables; returns the MIGRATION message."""
    parts = desk_parts(world)
    tried = (Migration(name=SAME_LAYOUT, from_code="", to_code=""), *MIGRATIONS)
    for migration in tried:
        try:
            return migrate(found, replace(migration, from_code=found.place.code, to_code=who.code), parts)
        except CheckpointError:
            continue
    raise Complaint(
        "a memory that this version does not know", where=f"{found.name} of {past.notes['desk']}",
        found=_first_stranger(found, parts), expected=f"the layout of {who.code}, or one that a migration knows",
        hint="let the old version bring it to rest; a desk with nothing open can be begun anew under another name",
    )  # fmt: skip


def _first_stranger(found: Checkpoint, parts: Any) -> str:
    stored = {layout.name: layout for layout in found.layouts}
    for name, table in parts.items():
        if name not in stored:
            return f"no part {name}"
        difference = first_difference(stored[name], layout_of(name, table))
        if difference:
            return difference
    return f"parts {', '.join(stored)}"


def _head(past: Past, recv_ns: int) -> Any:
    """Epoch and instrument as before: they are in the memory already, and stand here for whoever reads the tape."""
    stamps = (past.since_ns, recv_ns)
    fact = message_with_text((*stamps, past.epoch, 0, 0, ev.FACT, 0), desk_folder.EPOCH_FACT)
    return np.concatenate([np.asarray(fact), np.asarray(instrument_rows(0, past.instrument, *stamps))])


def _lately(past: Past) -> Sequence[int]:
    """Keys of executions that the venue may tell once more."""
    since_ns = past.since_ns - OVERLAP_NS
    rows = past.written[past.written["ts_event"] >= since_ns]
    booked: list[int] = rows["quantity"][np.isin(rows["kind"], (ev.FILL_EXECUTION, ev.FUNDING_EXECUTION))].tolist()
    before: list[int] = json.loads(past.notes["executed_before"]) if int(past.birth[0]["ts_event"]) >= since_ns else []
    return [*before, *booked]
