"""W1's grid in plain Python: the loop is left every 100 ms, the maker below decides, planner and gate go on.

It reads the touch and the position out of the desk's memory and writes its wants there, as every system in plain Python
does (`quintet.systems.own`). Its commands and fills are those of the compiled grid, by their hashes.
"""

import time
from struct import Struct
from typing import Any

from benchmarks import w1_ticks
from quintet.core.engine.world import without_memory
from quintet.core.orders.lifecycle import POST_ONLY
from quintet.core.records import offset_of
from quintet.core.state import ACCOUNT, DESK, END, MARKET, VIEW, WANT, Tape, World
from quintet.sim.loop import after_wake
from quintet.systems.own.memory import bytes_of
from quintet.systems.own.wants import Want, checked

LOTS, LEVELS, GAP, MAX_POSITION = 100, 5, 2, 2000

_ONE, _TOUCH, _WANT = Struct("<q"), Struct("<2q"), Struct("<7q")
_SHOWN = offset_of(DESK, "shown")
_MARKET = _SHOWN + offset_of(VIEW, "market") + offset_of(MARKET, "bid")
_LOTS = _SHOWN + offset_of(VIEW, "account") + offset_of(ACCOUNT, "lots")
_DIRTY, _N, _WANTS = (_SHOWN + offset_of(VIEW, name) for name in ("dirty", "n", "wants"))


def grid(bid: int, ask: int, position: int) -> list[Want]:
    """The orders of `w1_ticks.grid_maker`, in Python's own words."""
    fair = (bid + ask) * 0.5 - round(position / LOTS) * 0.5
    best_bid = int(min((fair - 0.5) // 1, bid)) // GAP * GAP
    best_ask = -(-int(max(-(-(fair + 0.5) // 1), ask)) // GAP) * GAP
    wants = []
    if position < MAX_POSITION:
        wants += [Want(1, LOTS, best_bid - k * GAP, POST_ONLY) for k in range(LEVELS)]
    if position > -MAX_POSITION:
        wants += [Want(-1, LOTS, best_ask + k * GAP, POST_ONLY) for k in range(LEVELS)]
    return wants


def drive(tape: Tape, world: World) -> None:
    """The whole tape, left at every wake."""
    desk, state = bytes_of(world.desk), world.state[0]
    inside, steps = without_memory(world), 0
    while w1_ticks.run_leaving(tape, inside, len(tape.rows)) != END:
        steps += 1
        bid, ask = _TOUCH.unpack_from(desk, _MARKET)
        wants = checked(grid(bid, ask, _ONE.unpack_from(desk, _LOTS)[0]), "grid")
        for k, want in enumerate(wants):
            _WANT.pack_into(desk, _WANTS + k * WANT.itemsize, 0, want.side, want.style, want.price, want.lots, 0, 0)
        _ONE.pack_into(desk, _N, len(wants))
        _ONE.pack_into(desk, _DIRTY, 1)
        after_wake(inside)
    state.steps = steps


def cpu_seconds(tape: Tape, runs: int) -> tuple[list[float], World]:
    """CPU seconds of each run, and the last one's world. The loop is compiled before."""
    seconds: list[float] = []
    world: Any = None
    w1_ticks.run_leaving(tape, without_memory(w1_ticks.world_for(tape, "power")), 1)
    for _ in range(runs):
        world = w1_ticks.world_for(tape, "power")
        begun = time.process_time()
        drive(tape, world)
        seconds.append(time.process_time() - begun)
    return seconds, world
