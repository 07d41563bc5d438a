"""A run's desk tape, replayed from its file alone: no simulator, no timers, the same commands or a difference."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from quintet.core.digest import state_hash
from quintet.core.engine import replay as replaying
from quintet.core.engine.world import without_memory
from quintet.core.errors import TapeError
from quintet.core.events import HEADER
from quintet.core.instrument import decode
from quintet.core.kernel import bind
from quintet.core.risk.config import RiskConfig
from quintet.core.state import World
from quintet.core.tape import Tape
from quintet.research.backtest import fresh_world, set_timer
from quintet.research.backtest_options import BacktestOptions, TickBook
from quintet.research.systems import KernelSystem, find, mind_of
from quintet.research.tick_setup import candles_on
from quintet.sim.config import ExecutionConfig, TickExecutionConfig


@dataclass(frozen=True)
class DeskRun:
    """What a desk tape's meta block says about the run that wrote it.

    `told_rows`: after so many rows only answers to orders follow, and the system is asked no more; None: it is asked to
    the end.
    """

    system: KernelSystem
    params: Any
    options: BacktestOptions
    policy: str
    told_rows: int | None = None


def read_desk_run(tape: Tape, name: str) -> DeskRun:
    """The run behind a desk tape; raises TapeError naming what its meta block lacks."""
    if tape.meta.use != "desk":
        raise TapeError(f"{name}: found a market tape, expected a desk tape: a market tape holds no decisions")
    notes = tape.meta.notes
    absent = [
        note
        for note in ("system", "params", "instrument", "execution", "risk", "structure", "fills", "policy")
        if note not in notes
    ]
    if absent:
        raise TapeError(f"{name}: the meta block does not say {', '.join(absent)}; expected a desk tape of a backtest")
    system = find(notes["system"])
    recorded = notes.get("system_sha256", "")
    if system.sha256 != recorded:
        raise TapeError(
            f"{name}: {system.address} has sha256 {system.sha256[:16]}, expected {recorded[:16]}: the file has changed "
            "since the run, and another system decides differently"
        )
    try:
        options = BacktestOptions(
            decode(notes["instrument"].encode()),
            msgspec.json.decode(notes["execution"], type=ExecutionConfig),
            msgspec.json.decode(notes["risk"], type=RiskConfig),
            notes["structure"],
            notes["fills"],
        )
        if "tick_execution" in notes:
            # The exchange's side is not replayed: what it answered is on the tape.
            told = msgspec.json.decode(notes["tick_execution"], type=TickExecutionConfig)
            others = msgspec.json.decode(notes.get("others", "[]"), type=list[str])
            no_book = ((0, 0),) * (1 + len(others))
            options = options._replace(
                book=TickBook(_constant(told), no_book, is_replay=True, candles=candles_on(tape)),
                others=tuple(decode(each.encode()) for each in others),
            )
        params: Any = msgspec.json.decode(notes["params"], type=system.config)
    except msgspec.MsgspecError as error:
        raise TapeError(f"{name}: the meta block does not fit this version of {system.name}: {error}") from None
    told_rows = int(notes["told_rows"]) if "told_rows" in notes else None
    return DeskRun(system, params, options, notes["policy"], told_rows)


def _constant(execution: TickExecutionConfig) -> TickExecutionConfig:
    """The same with latencies and a queue that need no table."""
    queue_model = "risk_averse" if execution.queue_model == "fifo" else execution.queue_model
    plain: TickExecutionConfig = msgspec.structs.replace(
        execution, latency_model="constant", queue_model=queue_model, venues={}
    )
    return plain


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
    system = run.system
    world = fresh_world(system, run.params, run.options, run.policy)
    rows = tape.event_rows()
    set_timer(world, system, tape.census.first_ns)
    replay_rows = replayer_left(system, world) if system.is_python else replayer_inside(system, world)
    with np.errstate(over="ignore"):
        if run.told_rows is None:
            return replay_rows(rows)
        told = index_of(rows, run.told_rows)
        before = replay_rows(rows[:told])
        if before.difference is not None:
            return before
        desk = world.desk[0]
        wakes, desk.wakes = desk.wakes, 0
        after = replay_rows(rows[told:])
        desk.wakes = wakes
    hashed = state_hash(world.desk, world.state)
    return dataclasses.replace(after, state_hash=hashed, n_commands=before.n_commands + after.n_commands)


def index_of(rows: Any, count: int) -> int:
    """Where `count` rows that are no headers have been passed."""
    passed = np.flatnonzero(np.asarray(rows)["kind"] != HEADER)
    return int(passed[count]) if count < len(passed) else len(rows)


Replayer = Callable[[Any], replaying.Replayed]


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
