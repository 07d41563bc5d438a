"""A desk's life once more, from its tape alone: the same commands and the same memory, or the first event that differs.

The events of the tape enter the step again and every command is compared, from the first event to the last. Where the
desk has left a checkpoint its memory is compared too, field by field in one hash; and from each checkpoint the rest is
lived once more, as a desk does that comes back. No simulator and no clock takes part.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.digest import command_hash, state_hash
from quintet.core.engine import replay as replaying
from quintet.core.engine.checkpoint import Checkpoint, config_hash, desk_parts, restore
from quintet.core.engine.entry import new_progress
from quintet.core.events import FACT, LAST, OUTPUT_KINDS, PLACE, TEXT
from quintet.core.orders.client_ids import ClientIds
from quintet.core.row_laws import frozen
from quintet.core.state import World
from quintet.core.tape import Tape
from quintet.ports.command_rows import ROWS_OF_COMMAND, command_rows
from quintet.research.backtest import fresh_world, set_timer
from quintet.research.desk_beginning import begin_from
from quintet.research.desk_replay import DeskRun, Replayer, replayer_inside, replayer_left
from quintet.research.desk_run import desk_run_of
from quintet.research.desk_words import command_words, event_words, given_words
from quintet.research.retuning import TunedEntrance, changes_on, in_force
from quintet.research.systems import KernelSystem
from quintet.research.tick_setup import candles_on

MANY_ROWS: Final = 2_000_000
"""A longer tape is replayed inside the compiled loop, which may have to be compiled first."""

_OUTPUT: Final = tuple(sorted(OUTPUT_KINDS))


class Departure(NamedTuple):
    """The first event at which the replay decides something else; `then` is what the tape says, `now` the replay.

    `position`: of the event, as the desk counts; `row`: of its first row on the tape, headers left out.
    """

    position: int
    row: int
    ts_ns: int
    event: str
    then: tuple[str, ...]
    now: tuple[str, ...]


class Mark(NamedTuple):
    """What a checkpoint says, and what the replay has at that place; equal when both pairs are."""

    name: str
    position: int
    state_then: str
    state_now: str
    commands_then: str
    commands_now: str

    @property
    def is_equal(self) -> bool:
        """The same memory, and the same commands up to here."""
        return self.state_then == self.state_now and self.commands_then == self.commands_now


class Lived(NamedTuple):
    """How a replay ended. `unwritten`: commands of the last event that are not on the tape; they never left."""

    positions: int
    commands: int
    command_hash: str
    state_hash: str
    marks: tuple[Mark, ...]
    departure: Departure | None
    unwritten: int

    @property
    def is_equal(self) -> bool:
        """Nothing differs."""
        return self.departure is None and all(mark.is_equal for mark in self.marks)


class Stop(NamedTuple):
    """A place on a tape at which a replay pauses: so many of its rows have been read; `checkpoint` taken there."""

    rows: int
    checkpoint: Checkpoint | None = None


class Begun(NamedTuple):
    """A desk at a place of its tape: what it is there, the notes in force, and the row from which the tape goes on."""

    world: World
    notes: dict[str, str]
    row: int


def begun(tape: Tape, run: DeskRun, checkpoint: Checkpoint | None = None, code: str = "") -> Begun:
    """The desk as its tape begins, which may be with the memory of the version before, or as a checkpoint remembers it.

    Raises CheckpointError for a checkpoint of another code or configuration.
    """
    notes = dict(tape.meta.notes)
    if checkpoint is not None:
        before = tape.event_rows()[: checkpoint.place.tape_rows]
        if changes_on(before):
            notes = in_force(notes, before)
            run = desk_run_of(notes, tape.name, run.system, candles_on(tape))
    world = fresh_world(run.system, run.params, run.options, run.policy)
    set_timer(world, run.system, tape.census.first_ns)
    if checkpoint is None:
        return Begun(world, notes, begin_from(world, notes, tape.name))
    restore(checkpoint, desk_parts(world), code=code, config=config_hash(world.params))
    return Begun(world, notes, checkpoint.place.tape_rows)


def lived_again(tape: Tape, run: DeskRun, checkpoints: Sequence[Checkpoint] = ()) -> Lived:
    """Replay a whole desk tape, and compare with the checkpoints that it reaches to."""
    return _Life(tape, run, begun(tape, run)).live(checkpoints)


def lived_from(tape: Tape, run: DeskRun, checkpoint: Checkpoint, code: str) -> Lived:
    """Replay what follows a checkpoint, in the memory that stands in it.

    Raises CheckpointError for one of another code or configuration.
    """
    return _Life(tape, run, begun(tape, run, checkpoint, code)).live(())


class Entering:
    """The entrance that a desk lives by, one message at a time; what it decides stays in the outbox until `clear`."""

    def __init__(self, system: KernelSystem, world: World, notes: Mapping[str, str]) -> None:
        """`notes`: of the tape's meta block, as they are in force when the first message enters."""
        self._enter, self._progress = TunedEntrance(system, world, notes), new_progress()
        self._world, self._desk = world, world.desk[0]

    def take(self, message: Any) -> int:
        """Let one message enter; returns how many commands came of it."""
        with np.errstate(over="ignore"):
            self._enter(frozen(message), self._world, self._progress)
        return int(self._desk.n_outbox)

    def clear(self) -> None:
        """Empty what the step has put out."""
        self._desk.n_outbox = self._desk.n_filled = self._desk.shown.n_notes = 0


def replayer_entering(system: KernelSystem, world: World, notes: Mapping[str, str]) -> Replayer:
    """Replays rows of a desk tape, headers left out, through its entrance.

    A tenth of the speed of the compiled replay, and nothing is compiled that the desk has not compiled before.
    """
    entering, desk = Entering(system, world, notes), world.desk[0]

    def replay_rows(rows: Any) -> replaying.Replayed:
        plain = np.asarray(rows)
        replaying.check_rows(plain)
        at = commands = 0
        difference = None
        for end in (np.flatnonzero(plain["bits"] & LAST) + 1).tolist():
            if end <= at:
                continue
            if int(plain[at]["kind"]) in _OUTPUT:
                difference = replaying.Difference(position=int(desk.event), row=at, expected="", found="no command")
                break
            count, at = entering.take(plain[at:end]), end
            if count:
                written = plain[at : at + ROWS_OF_COMMAND * count]
                decided = np.asarray(command_rows(np.asarray(desk.outbox)[:count]))
                if written.tobytes() != decided.tobytes():
                    difference = replaying.Difference(position=int(desk.event), row=at, expected="", found="another")
                    break
                at, commands = at + len(written), commands + count
            entering.clear()
        return replaying.Replayed(
            command_hash=command_hash(desk),
            state_hash=state_hash(world.desk, world.state),
            positions=int(desk.position),
            n_commands=commands,
            difference=difference,
        )

    return replay_rows


def ids_on(tape: Tape) -> ClientIds | None:
    """The client ids of the desk that wrote a tape; None for one without an epoch, a backtest's or a paper desk's."""
    rows, name = tape.event_rows(), tape.meta.notes.get("desk", "")
    if not name or not len(rows) or int(rows[0]["kind"]) != FACT:
        return None
    return ClientIds(name, int(rows[0]["quantity"]))


class _Life:
    """One replay from a row of the tape on."""

    def __init__(self, tape: Tape, run: DeskRun, begun: Begun) -> None:
        self._rows = np.asarray(tape.event_rows())
        self._run = run
        self._world, notes, self._first = begun
        self._instruments = run.options.instruments
        self._ids = ids_on(tape)
        if len(self._rows) - self._first > MANY_ROWS and not changes_on(self._rows):
            replayer = replayer_left if run.system.is_python else replayer_inside
            self._replay = replayer(run.system, self._world)
        else:
            self._replay = replayer_entering(run.system, self._world, notes)

    def live(self, checkpoints: Sequence[Checkpoint]) -> Lived:
        """From stop to stop."""
        world, told, marks, commands = self._world, self._run.told_rows, [], 0
        desk = world.desk[0]
        wakes, at, departure, unwritten = int(desk.wakes), self._first, None, 0
        with np.errstate(over="ignore"):
            for stop in self._stops(checkpoints):
                if told is not None and at >= told:
                    desk.wakes = 0  # the market of a backtest has ended: answers follow, and nobody is asked
                replayed = self._replay(frozen(self._rows[at : stop.rows]))
                commands += replayed.n_commands
                if replayed.difference is not None:
                    departure, unwritten = self._depart(replayed.difference, at)
                    break
                at = stop.rows
                desk.wakes = wakes
                if stop.checkpoint is not None:
                    marks.append(self._mark(stop.checkpoint))
        desk.wakes = wakes
        hashes = command_hash(desk), state_hash(world.desk, world.state)
        return Lived(int(desk.position), commands, *hashes, tuple(marks), departure, unwritten)

    def _stops(self, checkpoints: Sequence[Checkpoint]) -> list[Stop]:
        reached = [one for one in checkpoints if self._first <= one.place.tape_rows <= len(self._rows)]
        stops = [Stop(one.place.tape_rows, one) for one in reached]
        told = self._run.told_rows
        if told is not None and self._first < told < len(self._rows):
            stops.append(Stop(told))
        return [*sorted(stops, key=lambda stop: stop.rows), Stop(len(self._rows))]

    def _mark(self, checkpoint: Checkpoint) -> Mark:
        desk = checkpoint.parts["desk"]
        commands = f"{int(desk['hash_a'][0]):016x}{int(desk['hash_b'][0]):016x}"
        return Mark(
            checkpoint.name,
            checkpoint.place.position,
            checkpoint.state_hash,
            state_hash(self._world.desk, self._world.state),
            commands,
            command_hash(self._world.desk[0]),
        )

    def _depart(self, difference: replaying.Difference, at: int) -> tuple[Departure | None, int]:
        """The event behind a difference; or, at the tape's very end, how many commands were never written."""
        first_command = at + difference.row
        while first_command > 0 and int(self._rows[first_command - 1]["kind"]) in _OUTPUT:
            first_command -= 1
        over = first_command
        while over < len(self._rows) and int(self._rows[over]["kind"]) in _OUTPUT:
            over += 1
        desk = self._world.desk[0]
        now = np.asarray(desk.outbox)[: int(desk.n_outbox)].copy()
        if over == first_command == len(self._rows):
            # Killed between deciding and writing: what is not on the tape has never left.
            return None, len(now)
        first = self._begin_of(first_command)
        stamped = self._rows[first]
        return Departure(
            int(desk.event),
            first,
            int(stamped["ts_recv"]),
            event_words(self._rows[first:first_command], self._instruments, self._ids),
            tuple(command_words(self._rows[first_command:over], self._instruments, self._ids)),
            tuple(given_words(now, self._instruments, self._ids)),
        ), 0

    def _begin_of(self, end: int) -> int:
        """The first row of the message that ends before a row."""
        at = end - 1
        while at > 0 and not int(self._rows[at - 1]["bits"]) & LAST:
            at -= 1
        while at > 0 and int(self._rows[at]["kind"]) == TEXT:
            at -= 1
        return max(at, 0)


def commands_on(tape: Tape) -> Any:
    """The rows of all commands on a desk tape, two each."""
    rows = np.asarray(tape.event_rows())
    return rows[(rows["kind"] >= PLACE) & np.isin(rows["kind"], _OUTPUT)]
