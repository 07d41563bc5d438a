"""The folder of a desk: its tape, its checkpoints; how a desk is begun in it, and how it comes back.

    desks/main/desk.tape            everything that entered the step, every command that came out
    desks/main/desk.tape.seal       one digest of all its bytes up to the last checkpoint, so that coming back is soon
    desks/main/checkpoints/         what it remembered at some positions, the newest few

The tape's meta block says which system with which parameters on which world this is. A desk that is started again must
be the same one: another configuration is another desk.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.app.messages import Complaint
from quintet.core import events as ev
from quintet.core.engine.checkpoint import Checkpoint, decode, desk_parts, restore
from quintet.core.errors import Damaged, DataError
from quintet.core.instrument import Instrument
from quintet.core.instrument import decode as decode_instrument
from quintet.core.orders.client_ids import ClientIds
from quintet.core.row_laws import MESSAGE_ROWS_MAX
from quintet.core.state import World
from quintet.core.tape import TapeMeta, instrument_rows, message_with_text
from quintet.research.desk_beginning import base_of
from quintet.research.retuning import TunedEntrance, changes_on, in_force
from quintet.runtime.recovery import Relived, relive
from quintet.storage.checkpoints import CheckpointFolder
from quintet.storage.tape_files import Known, TapeWriter
from quintet.storage.written_rows import HEADER_ROWS, index_of, without_headers

TAPE: Final = "desk.tape"
CONDUCTOR: Final = "conductor"
"""The folder in a portfolio's whose tape is the conductor's."""

CHECKPOINTS: Final = "checkpoints"
CHECKPOINT_EVERY: Final = 20_000
"""Events; living through so many again takes about two seconds."""

EPOCHS: Final = 36**8
EPOCH_FACT: Final = b"desk epoch"


class Identity(NamedTuple):
    """What makes a desk this desk: its name, its world (paper, sandbox, live), code, and what a replay needs.

    `synthetic`: nobody trades in its market. `account`: under which name it shares its account with other desks.
    """

    name: str
    world: str
    code: str
    notes: Mapping[str, str]
    synthetic: bool
    account: str = ""


@dataclass(frozen=True)
class Past:
    """What stands on the tape of a desk that has been alive.

    `written`: its rows as they stand in the file, headers among them; `positions`: how many have positions; `known`:
    spares its writer to read it once more.
    """

    written: Any
    positions: int
    notes: Mapping[str, str]
    known: Known

    @cached_property
    def rows(self) -> Any:
        """A copy of all that have positions: index is position."""
        return without_headers(self.written)

    def before(self, position: int) -> Any:
        """What stands before a position, headers among it."""
        return self.written[: index_of(self.written, position)]

    def behind(self, position: int) -> Any:
        """A copy of the rows from a position on."""
        return without_headers(self.written[index_of(self.written, position) :])

    @property
    def birth(self) -> Any:
        """The first event's first row."""
        return self.written[HEADER_ROWS : HEADER_ROWS + 1]

    @property
    def in_force(self) -> dict[str, str]:
        """Its notes after all that was changed while it was alive."""
        return in_force(self.notes, self.written)

    @property
    def epoch(self) -> int:
        """The number drawn when the tape was made; it stands in the first event."""
        return int(self.birth[0]["quantity"])

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return decode_instrument(self.notes["instrument"].encode())

    @property
    def booked(self) -> list[int]:
        """Keys of executions that are booked, or were not ours to book, oldest first."""
        kinds = self.written["kind"]
        keys = self.written["quantity"][(kinds == ev.FILL_EXECUTION) | (kinds == ev.FUNDING_EXECUTION)]
        return [*json.loads(self.notes["executed_before"]), *keys.tolist()]

    @property
    def last_ns(self) -> int:
        """Our clock at the last event; rows of text have no times."""
        last = self.written[-MESSAGE_ROWS_MAX:]
        return int(last["ts_recv"][last["kind"] < ev.TEXT][-1])

    @property
    def since_ns(self) -> int:
        """The venue's time of the last execution, or of the beginning."""
        kinds = self.written["kind"]
        stamps = self.written["ts_event"][(kinds == ev.FILL) | (kinds == ev.FUNDING)]
        return int(stamps.max(initial=int(self.birth[0]["ts_event"])))

    @property
    def market_ns(self) -> int:
        """The latest venue time among depth and trades."""
        return int(np.max(self.written["ts_event"], where=self.written["kind"] <= ev.BOOK_CLEAR, initial=0))

    @property
    def untouched(self) -> dict[int, int]:
        """Asset number to quanta that the account held besides this desk's capital."""
        return {int(asset): int(quanta) for asset, quanta in json.loads(self.notes["untouched"]).items()}


def read_past(folder: Path) -> Past | None:
    """What stands on the tape in a folder, None where there is none. Cuts a torn end off first."""
    path = folder / TAPE
    if not path.exists():
        return None
    with TapeWriter.resume(path) as writer:
        writer.seal()
        return Past(writer.written(), writer.position, writer.meta.notes, writer.known)


def past_of(folder: Path) -> Past | None:
    """The past of the desk that trades in a folder, None for one that was never alive."""
    path, past = folder / TAPE, read_past(folder)
    if past is None:
        return None
    if not past.positions or int(past.birth[0]["kind"]) != ev.FACT:
        raise DataError(f"{path}: found no epoch in the first event, expected the tape of a desk that trades")
    return past


def required_past(folder: Path) -> Past:
    """The past of a desk that has one."""
    past = past_of(folder)
    if past is None:
        raise DataError(f"{folder / TAPE}: no such tape, expected that of a desk")
    return past


def begin(folder: Path, who: Identity, created_ns: int, tool_version: str) -> TapeWriter:
    """The tape of a new desk, nothing on it yet; raises TapeError when there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    return TapeWriter.record(folder / TAPE, _meta(who, created_ns, tool_version, {}))


def write_birth(folder: Path, who: Identity, tool_version: str, more: Mapping[str, str], rows: Any) -> None:
    """The tape of a new desk with its first events: there as a whole, or not at all. Raises TapeError as `begin`."""
    folder.mkdir(parents=True, exist_ok=True)
    with TapeWriter(folder / TAPE, _meta(who, int(rows[0]["ts_recv"]), tool_version, more)) as tape:
        tape.append(rows)


def _meta(who: Identity, created_ns: int, tool_version: str, more: Mapping[str, str]) -> TapeMeta:
    return TapeMeta(
        use="desk",
        synthetic=who.synthetic,
        created_ns=created_ns,
        tool_version=tool_version,
        notes={**who.notes, **more, "desk": who.name, "world": who.world, "code": who.code},
    )


def first_rows(
    instruments: Sequence[Instrument], ts_event: int, ts_recv: int, draw_below: Callable[[int], int] = secrets.randbelow
) -> Any:
    """What a desk tape begins with: the epoch, drawn here once, and the definitions of what is traded."""
    epoch = draw_below(EPOCHS)
    fact = message_with_text((ts_event, ts_recv, epoch, 0, 0, ev.FACT, 0), EPOCH_FACT)
    defined = [np.asarray(instrument_rows(n, each, ts_event, ts_recv)) for n, each in enumerate(instruments)]
    return np.concatenate([np.asarray(fact), *defined])


def ids_of(name: str, rows: Any) -> ClientIds:
    """The client ids of a desk from its first event."""
    return ClientIds(name, int(rows[0]["quantity"]))


def require_same(past: Past, who: Identity, folder: Path) -> None:
    """Raise Complaint, naming the first thing that differs, unless this is the desk that the folder is of."""
    require_notes(past.in_force, who, folder)


def require_notes(notes: Mapping[str, str], who: Identity, folder: Path) -> None:
    """The same of the notes that are in force."""
    now = {**who.notes, "desk": who.name, "world": who.world, "account": who.account}
    held = {"account": "", **notes}
    now.pop("system_sha256", None)  # the file of a system is code
    for name, value in now.items():
        if held.get(name) != value:
            found, expected = _difference(value, held.get(name, "nothing"))
            raise Complaint(
                "another desk than this folder's", where=f"{folder}, {name}", found=found, expected=expected,
                hint="start it as before, then `quintet desk reload`, or give the new one another --desk",
            )  # fmt: skip


def _difference(found: str, expected: str) -> tuple[str, str]:
    """The first key in which two notes of JSON objects differ; else the notes themselves."""
    try:
        one, other = json.loads(found), json.loads(expected)
    except ValueError:
        return found, expected
    if isinstance(one, dict) and isinstance(other, dict):
        for key in (*one, *other):
            if one.get(key) != other.get(key):
                return f"{key} = {one.get(key)}", f"{key} = {other.get(key)}"
    return found, expected


def checkpoints_of(folder: Path) -> CheckpointFolder:
    """The checkpoints of a desk."""
    return CheckpointFolder(folder / CHECKPOINTS, CHECKPOINT_EVERY)


class SealedCheckpoints:
    """Fills `ports.checkpoints.Checkpoints`: with each of them the tape is sealed, so that its desk comes back soon."""

    def __init__(self, folder: Path, tape: TapeWriter) -> None:
        self._store = checkpoints_of(folder)
        self._tape = tape

    def is_due(self, position: int) -> bool:
        """As the folder says."""
        return self._store.is_due(position)

    def write(self, position: int, data: bytes) -> Path:
        """Keep one, then seal the tape as far as it is on the disk."""
        path = self._store.write(position, data)
        self._tape.seal()
        return path


def come_back(folder: Path, past: Past, who: Identity, world: World, enter: TunedEntrance) -> Relived:
    """Fill a fresh world with what the desk remembered: the newest checkpoint, and the rest of its tape.

    Where there is no checkpoint it begins with what its tape begins with. The code must be the tape's own. Raises
    TapeError when the rest gives other commands.
    """
    found = newest_checkpoint(folder, past.positions) or base_of(past.notes, str(folder / TAPE))
    at = 0
    if found is not None:
        at = found.place.tape_rows
        before = past.before(at)
        if changes_on(before):
            enter.apply(in_force({}, before))
        restore(found, desk_parts(world), code=who.code, config=enter.config())
    return relive(world, enter, past.behind(at))


def newest_checkpoint(folder: Path, rows: int) -> Checkpoint | None:
    """The newest checkpoint that the tape reaches to; damaged ones are passed over, the tape knows all of it.

    One that lies beyond the tape's end remembers what a power loss took from it. It goes before the tape grows: once
    the tape reached as far again, it would pass for a memory of what is written there now.
    """
    store = checkpoints_of(folder)
    for path, data in store.newest_first():
        try:
            found = decode(data, path.name)
        except Damaged:
            continue
        if found.place.tape_rows <= rows:
            return found
        store.forget(path)
    return None
