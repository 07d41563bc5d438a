"""The first tick backtest of a new process: 20,000 rows of W1 out of a tape file through the compiled loop.

python -m benchmarks.w1_first_run        its results as JSON
"""

import json

import numpy as np

from benchmarks import w1_sets, w1_ticks
from quintet.core.events import TRADE_SELL
from quintet.core.state import Tape
from quintet.storage.tape_files import open_tape

ROWS = 20_000
"""As few as the peer ends at by itself: on fewer it goes on looking at a market that has ended."""


def main() -> None:
    """Run it."""
    tape = open_tape(w1_sets.tape_file())
    first = tape.first_row + int(np.flatnonzero(tape.rows[tape.first_row :][:100]["kind"] <= TRADE_SELL)[0])
    few = Tape(tape.rows[first : first + ROWS])
    world = w1_ticks.world_for(few, "power")
    w1_ticks.drive(few, world)
    print(json.dumps(w1_ticks.results(world)))


if __name__ == "__main__":
    main()
