"""Sixty-four sets of W1's grid over one tape file, one after the other in a process that maps the tape once.

python -m benchmarks.w1_sets        every set's results and CPU seconds, and the peak memory, as JSON
"""

import itertools
import json
import resource
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import data, w1_ticks
from benchmarks.oracle.grids import Grid
from quintet.core.engine.world import begin_at
from quintet.core.events import TRADE_SELL
from quintet.core.state import DEFINITION, END, FULL, World
from quintet.core.state import Tape as Rows
from quintet.core.tape import Tape, TapeMeta
from quintet.sim.windows import price_windows
from quintet.storage.tape_files import open_tape, write_tape

SETS: Final = tuple(
    Grid(lots=lots, levels=levels, gap=gap, max_position=20 * lots)
    for lots, levels, gap in itertools.product((50, 100, 200, 400), (2, 3, 5, 8), (1, 2, 3, 5))
)
BUFFER_ROWS: Final = 4096


def tape_file() -> Path:
    """W1's market as a tape file, made on first use beside the data."""
    path = data.FOLDER / "w1.tape"
    if not path.exists():
        meta = TapeMeta(synthetic=True, created_ns=0, tool_version="benchmarks")
        write_tape(path, meta, w1_ticks.tape_of(data.ticks()).rows, [w1_ticks.INSTRUMENT])
    return path


def market_of(tape: Tape) -> w1_ticks.Market:
    """What a world must know of it."""
    beginning = np.asarray(tape.rows[tape.first_row :][:100])
    first_ns = int(beginning["ts_event"][beginning["kind"] <= TRADE_SELL][0])
    return w1_ticks.Market(first_ns, price_windows(tape.rows, 1, w1_ticks.MARGIN_TICKS)[0])


def run_set(tape: Tape, market: w1_ticks.Market, grid: Grid) -> tuple[World, float]:
    """One set through the ordinary loop, its buffers emptied when they are full; the world, and the CPU seconds."""
    begun = time.process_time()
    world = w1_ticks.world_in(market, grid, buffer_rows=BUFFER_ROWS)
    begin_at(world, tape.first_row)
    rows, venue = Rows(tape.rows), world.venue[0]
    while (why := w1_ticks.run(rows, world, len(tape.rows))) in (FULL, DEFINITION):
        if why == DEFINITION:
            venue.defined = int(venue.cursor) + 1
        venue.n_commands = venue.n_fills = 0
    assert why == END, why
    return world, time.process_time() - begun


def peak_mib() -> float:
    """The most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> None:
    """Run the sets and say what they gave."""
    tape = open_tape(tape_file())
    market = market_of(tape)
    run_set(tape, market, SETS[0])  # loads the compiled loop
    answers: list[dict[str, Any]] = []
    for grid in SETS:
        world, seconds = run_set(tape, market, grid)
        answers.append({**w1_ticks.results(world), "seconds": seconds})
    print(json.dumps({"sets": answers, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main()
