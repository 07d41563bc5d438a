"""A run that is stopped again and again, written to bytes, and goes on in a world that knows only those bytes."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from quintet.core import state as s
from quintet.core.engine.checkpoint import Place, config_hash, decode, encode, restore, world_parts
from quintet.core.events import HEADER, LAST
from quintet.core.random import below, seeded
from quintet.core.tape import Tape
from quintet.research.backtest import Kept, PolicyRun, drive, finished_run, fresh_world, world_before
from quintet.research.moments import Trader
from quintet.research.systems import loop

_CODE: Final = "this process"
"""Both ends are the same process, so the code cannot differ."""


def random_stops(tape: Tape, count: int, seed: int) -> list[int]:
    """Rows of the tape to stop before, ascending: ends of messages, chosen by the seed."""
    rows = np.asarray(tape.rows)
    ends = np.flatnonzero((rows["kind"] != HEADER) & (rows["bits"] & LAST != 0)) + 1
    ends = ends[(ends > tape.first_row) & (ends < len(rows))]
    dice = seeded(seed, "interruptions")[0]
    return sorted({int(ends[below(dice, len(ends))]) for _ in range(count if len(ends) else 0)})


def run_interrupted(tape: Tape, trader: Trader, policy: str, stops: Sequence[int]) -> PolicyRun:
    """Run a whole tape, but at each stop write a checkpoint, throw the world away, and restore a new one from it."""
    world = world_before(tape, trader.system, trader.params, trader.options, policy)
    advance, kept = trader.advance or loop(trader.system), Kept()
    for stop in stops:
        drive(advance, tape, world, kept, stop)
        world = _restored(_written(world, stop), trader, policy)
    drive(advance, tape, world, kept)
    return finished_run(policy, world, kept)


def _written(world: s.World, stop: int) -> bytes:
    place = Place(position=int(world.desk[0].position), tape_rows=stop, code=_CODE, config=config_hash(world.params))
    return encode(world_parts(world), place)


def _restored(data: bytes, trader: Trader, policy: str) -> s.World:
    world = fresh_world(trader.system, trader.params, trader.options, policy)
    checkpoint = decode(data, "checkpoint in memory")
    restore(checkpoint, world_parts(world), code=_CODE, config=config_hash(world.params))
    return world
