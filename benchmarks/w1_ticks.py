"""W1: tick market making, 5,000,000 rows of depth and trades, a grid of ten orders looked at every 100 ms.

    python -m benchmarks.w1_ticks --rows 100000        one run, its results as JSON

The rules are those of the peer's script: post-only orders of 100 lots on both sides of a fair price that leans against
the position, five a side, two ticks apart; what is no longer wanted is cancelled. An order travels 5 ms to the
exchange, the answer 3 ms back; maker 1 bp, taker 5.5 bp.
"""

import argparse
import hashlib
import json
import time
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import data
from benchmarks.oracle.grids import Grid
from quintet.core.digest import canonical_bytes, command_hash, state_hash
from quintet.core.engine.world import Execution, Latencies, Setup, new_world, without_memory
from quintet.core.events import ROW
from quintet.core.instrument import Instrument
from quintet.core.kernel import kernel
from quintet.core.records import record, table
from quintet.core.state import END, WAKE_TIMER, Tape, World
from quintet.sim.latency import LATENCY_MODEL_NAMES
from quintet.sim.loop import after_wake, for_python, for_system
from quintet.sim.queue import QUEUE_MODEL_NAMES

QUEUES = {"power": "power", "risk": "risk_averse"}
"""The peer's script's names of the queue models, and ours."""

EXPECTED: dict[str, dict[str, float]] = {
    "power": {
        "fills": 42699,
        "position": -0.1,
        "balance": 238.986,
        "fee": 1066.9088,
        "submits": 97336,
        "cancels": 53391,
    },
    "risk": {
        "fills": 42697,
        "position": -0.1,
        "balance": 238.99,
        "fee": 1066.8588,
        "submits": 97336,
        "cancels": 53393,
    },
}
"""What hftbacktest 2.4.4 answers on all rows: the reference where no peer is at hand."""

MARGIN_TICKS = 500

PARAMS = record(lots="i8", levels="i8", gap="i8", max_position="i8")
STATE = record(steps="i8")


@kernel
def grid_maker(state: Any, params: Any, view: Any) -> None:
    """Want a grid of post-only orders around a fair price; all prices in ticks, position and sizes in lots.

    The fair price is the mid less half a tick for every order's size held (to nearest, halves to even). The grid begins
    at least half a tick from it, never inside the spread, on whole multiples of `gap`.
    """
    state.steps += 1
    bid, ask, position = view.market[0].bid, view.market[0].ask, view.account[0].lots
    twice_fair = bid + ask - orders_held(position, params.lots)
    best_bid = min((twice_fair - 1) // 2, bid) // params.gap * params.gap
    best_ask = -(-max(-(-(twice_fair + 1) // 2), ask) // params.gap) * params.gap
    view.dirty = 1
    view.n = 0
    for k in range(params.levels):
        if position < params.max_position:
            want(view, 1, best_bid - k * params.gap, params.lots)
    for k in range(params.levels):
        if position > -params.max_position:
            want(view, -1, best_ask + k * params.gap, params.lots)


@kernel
def orders_held(position: int, lots: int) -> int:
    """The position in orders of `lots`, to nearest, halves to even."""
    held = position // lots
    twice_rest = 2 * (position - held * lots)
    if twice_rest > lots or (twice_rest == lots and held % 2 != 0):
        return held + 1
    return held


@kernel
def want(view: Any, side: int, price: int, lots: int) -> None:
    """One more want: a post-only order."""
    wanted = view.wants[view.n]
    wanted.instrument = 0
    wanted.side = side
    wanted.style = 0
    wanted.price = price
    wanted.lots = lots
    wanted.tag = 0
    view.n += 1


INSTRUMENT = Instrument(
    symbol="W1", venue="bench", kind="linear", base_asset="W1", quote_asset="USDT", price_increment=Decimal("0.01"),
    tick_size=Decimal("0.01"), lot_size=Decimal("0.001"), maker_fee_e9=100_000, taker_fee_e9=550_000,
)  # fmt: skip
LOTS_PER_UNIT = 1_000
QUANTA_PER_USDT = 100_000_000

run = for_system("w1", grid_maker)
run_leaving = for_python()


def tape_of(events: NDArray[Any]) -> Tape:
    """The same facts as rows of a tape."""
    rows = np.zeros(len(events), ROW)
    names = {
        "ts_event": "ts_exch",
        "ts_recv": "ts_local",
        "quantity": "lots",
        "price": "tick",
        "kind": "kind",
        "bits": "last",
    }
    for ours, theirs in names.items():
        rows[ours] = events[theirs]
    rows.flags.writeable = False
    return Tape(rows.view(np.recarray))


def world_for(tape: Tape, queue: str, *, buffer_rows: int = 1 << 18) -> World:
    """The world of the workload, by the peer's name of the queue model."""
    return world_of(tape, Grid(QUEUES[queue]), buffer_rows=buffer_rows)


def world_of(
    tape: Tape, grid: Grid, instrument: Instrument = INSTRUMENT, *, buffer_rows: int = 1 << 18, recorded: Any = None
) -> World:
    """A world before its first event; its buffers hold all that such a run decides."""
    rows = tape.rows
    window = (int(rows.price.min()) - MARGIN_TICKS, int(rows.price.max()) + MARGIN_TICKS)
    return world_in(Market(int(rows.ts_event[0]), window), grid, instrument, buffer_rows=buffer_rows, recorded=recorded)


class Market(NamedTuple):
    """What a world must know of a tape before it begins: its first moment, and the prices its book has to hold."""

    first_ns: int
    window: tuple[int, int]


def world_in(
    market: Market, grid: Grid, instrument: Instrument = INSTRUMENT, *, buffer_rows: int, recorded: Any = None
) -> World:
    """The same for a tape that has been looked at."""
    execution = Execution(
        latency_model=LATENCY_MODEL_NAMES.index(grid.latency),
        entry_ns=grid.entry_ns,
        response_ns=grid.response_ns,
        queue_model=QUEUE_MODEL_NAMES.index(grid.queue),
        queue_exponent=grid.exponent,
        partial_fills=int(grid.fills == "partial"),
    )
    setup = Setup(
        instruments=(instrument,),
        capital={"USDT": 10**15},
        execution=execution,
        latencies=Latencies(recorded=recorded),
        timer_first_ns=market.first_ns + grid.step_ns,
        timer_every_ns=grid.step_ns,
        price_window=market.window,
        messages_in_flight=5000,
        buffer_rows=buffer_rows,
        wakes=WAKE_TIMER,
    )
    params = table(PARAMS, 1)
    params[0] = (grid.lots, grid.levels, grid.gap, grid.max_position)
    return new_world(setup, table(STATE, 1), params)


def drive(tape: Tape, world: World) -> None:
    """The whole tape through the loop with the system inside."""
    with np.errstate(over="ignore"):  # with compilation off, the mixing of the command hash is NumPy's arithmetic
        why = run(tape, world, len(tape.rows))
    assert why == END, why


def drive_leaving(tape: Tape, world: World) -> None:
    """The whole tape through the loop that leaves at every wake, as a live desk and a Python system use it."""
    inside = without_memory(world)
    while run_leaving(tape, inside, len(tape.rows)) != END:
        grid_maker(world.state[0], world.params[0], world.desk[0].shown)
        after_wake(inside)


def results(world: World) -> dict[str, float]:
    """What the peer's script reports, in its units."""
    desk, account = world.desk[0], world.desk[0].shown.account[0]
    return {
        "fills": int(account.n_fills),
        "position": round(int(account.lots) / LOTS_PER_UNIT, 6),
        "balance": round(int(account.realized - account.cost) / QUANTA_PER_USDT, 4),
        "fee": round(int(account.fees) / QUANTA_PER_USDT, 4),
        "submits": int(desk.n_places),
        "cancels": int(desk.n_cancels),
        "steps": int(world.state[0].steps),
    }


def hashes(world: World) -> dict[str, str]:
    """Commands, fills and state of a finished run."""
    fills = world.fills[: world.venue[0].n_fills]
    return {
        "commands": command_hash(world.desk[0]),
        "fills": hashlib.sha256(canonical_bytes(fills)).hexdigest()[:32],
        "state": state_hash(world.desk, world.state)[:32],
    }


def cpu_seconds(tape: Tape, queue: str, runs: int) -> tuple[list[float], World]:
    """CPU seconds of each run, and the last one's world."""
    seconds = []
    for _ in range(runs):
        world = world_for(tape, queue)
        begun = time.process_time()
        drive(tape, world)
        seconds.append(time.process_time() - begun)
    return seconds, world


def main() -> None:
    """One run over the first rows; used to compare runs of two processes, compiled and interpreted."""
    parser = argparse.ArgumentParser(description="one run of workload W1")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queue", choices=sorted(QUEUES), default="power")
    asked = parser.parse_args()
    tape = tape_of(data.ticks(asked.rows))
    world = world_for(tape, asked.queue)
    drive(tape, world)
    print(json.dumps({**results(world), **hashes(world)}))


if __name__ == "__main__":
    main()
