"""A run's desk tape, replayed from its file alone: no simulator, no timers, the same commands or a difference."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from quintet.core.digest import state_hash
from quintet.core.engine import replay as replaying
from quintet.core.engine.world import without_memory
from quintet.core.errors import TapeError
from quintet.core.events import HEADER
from quintet.core.kernel import bind
from quintet.core.state import World
from quintet.core.tape import Tape
from quintet.research.backtest import fresh_world, set_timer
from quintet.research.desk_beginning import begin_from
from quintet.research.desk_run import DeskRun, desk_run_of, read_desk_run
from quintet.research.retuning import changes_on, notes_at, retune
from quintet.research.systems import KernelSystem, mind_of

__all__ = ["DeskRun", "LivedThrough", "live_through", "read_desk_run", "replay_desk_tape", "replay_tape"]


def replay_desk_tape(path: Path) -> str:
    """Replay a desk tape and return the command hash; raises TapeError at the first command that is not the same."""
    from quintet.storage.tape_files import open_tape

    tape = open_tape(path)
    replayed = replay_tape(tape, read_desk_run(tape, str(path)))
    if replayed.difference is not None:
        raise TapeError(f"{path}: the replay decides differently at {replayed.difference}")
    return replayed.command_hash


def replay_tape(tape: Tape, run: DeskRun) -> replaying.Replayed:
    """Replay the rows of a desk tape in a fresh world of its run."""
    return live_through(tape, run).replayed


class LivedThrough(NamedTuple):
    """How a replay ended, and the world it ended in."""

    replayed: replaying.Replayed
    world: World


def live_through(tape: Tape, run: DeskRun) -> LivedThrough:
    """Replay a desk tape from where it begins; a changed configuration is applied where it was changed."""
    system = run.system
    world = fresh_world(system, run.params, run.options, run.policy)
    rows = tape.event_rows()
    set_timer(world, system, tape.census.first_ns)
    known = begin_from(world, tape.meta.notes, tape.name)
    with np.errstate(over="ignore"):
        if run.told_rows is not None:
            replayed = _replay_told(rows, system, world, run.told_rows)
        else:
            replayed = _replay_parts(rows, known, system, world, tape.meta.notes)
    return LivedThrough(replayed, world)


def _replay_told(rows: Any, system: KernelSystem, world: World, told_rows: int) -> replaying.Replayed:
    """A backtest's tape: the system is asked no more when the market has ended."""
    replay_rows = _replayer(system, world)
    told = index_of(rows, told_rows)
    before = replay_rows(rows[:told])
    if before.difference is not None:
        return before
    desk = world.desk[0]
    wakes, desk.wakes = desk.wakes, 0
    after = replay_rows(rows[told:])
    desk.wakes = wakes
    hashed = state_hash(world.desk, world.state)
    return dataclasses.replace(after, state_hash=hashed, n_commands=before.n_commands + after.n_commands)


def _replay_parts(
    rows: Any, known: int, system: KernelSystem, world: World, notes: Mapping[str, str]
) -> replaying.Replayed:
    """Part by part, each under the configuration that was in force; `known` rows are in the world already."""
    held, commands = dict(notes), 0
    starts = [known, *changes_on(rows)]
    for first, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        if first > known:
            held |= notes_at(rows, first)
            world = retune(system, world, desk_run_of(held, "desk tape", system))
        part = _replayer(system, world)(rows[first:end])
        commands += part.n_commands
        if part.difference is not None:
            moved = dataclasses.replace(part.difference, row=part.difference.row + first)
            return dataclasses.replace(part, n_commands=commands, difference=moved)
    return dataclasses.replace(part, n_commands=commands)


def index_of(rows: Any, count: int) -> int:
    """Where `count` rows that are no headers have been passed."""
    passed = np.flatnonzero(np.asarray(rows)["kind"] != HEADER)
    return int(passed[count]) if count < len(passed) else len(rows)


Replayer = Callable[[Any], replaying.Replayed]


def _replayer(system: KernelSystem, world: World) -> "Replayer":
    return replayer_left(system, world) if system.is_python else replayer_inside(system, world)


def replayer_inside(system: KernelSystem, world: World) -> Replayer:
    """Replays rows with the system's kernel inside."""
    advance = bind(replaying.advance_body, f"replay_{system.name}", decide=system.decide, LEAVES=False)
    return lambda rows: replaying.replay(advance, rows, world)


def replayer_left(system: KernelSystem, world: World) -> Replayer:
    """Replays rows with a system in plain Python, whose memory stays outside the compiled code."""
    wake = mind_of(system, world.params).enter(world)
    advance = bind(replaying.advance_body, "replay")
    inside = without_memory(world)

    def replay_rows(rows: Any) -> replaying.Replayed:
        replayed = replaying.replay(advance, rows, inside, lambda _: wake())
        return dataclasses.replace(replayed, state_hash=state_hash(world.desk, world.state))

    return replay_rows
