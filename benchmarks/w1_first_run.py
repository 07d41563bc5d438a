"""The first tick backtest of a new process: 20,000 rows of W1 out of a tape file through the compiled loop.

python -m benchmarks.w1_first_run        its results as JSON
"""

import atexit
import dataclasses
import gc
import json

import numpy as np

from benchmarks import w1_sets, w1_ticks
from benchmarks.oracle.grids import Grid
from quintet.core.events import TRADE_SELL
from quintet.storage.tape_files import open_tape

ROWS = 20_000


def main() -> None:
    """Run it, and end as the command line does: without looking for garbage."""
    atexit.register(gc.freeze)
    tape = open_tape(w1_sets.tape_file())
    kinds = np.asarray(tape.rows[: 2 * ROWS])["kind"]
    few = dataclasses.replace(tape, rows=tape.rows[: np.flatnonzero(kinds <= TRADE_SELL)[ROWS - 1] + 1])
    world, _ = w1_sets.run_set(few, w1_sets.market_of(few), Grid())
    print(json.dumps(w1_ticks.results(world)))


if __name__ == "__main__":
    main()
