"""How fast the columns that W1 uses come out of a tape file: mapped, its pages in the cache, its checksums taken as
verified before. Beside it `np.sum` over the same bytes, which is as fast as one line of NumPy reads memory.
"""

import time
from typing import Any, NamedTuple

import numpy as np

from benchmarks import w1_sets
from quintet.core.kernel import fetch_ahead, kernel
from quintet.sim.loop import ROWS_AHEAD
from quintet.storage.tape_files import open_tape


@kernel
def read_columns(rows: Any) -> int:
    """Every column that the loop reads of a tick row, added up, so that none can be left out."""
    total = 0
    for i in range(rows.shape[0]):
        fetch_ahead(rows, i + ROWS_AHEAD)
        row = rows[i]
        total += row.ts_event + row.ts_recv + row.quantity + row.price + row.instrument + row.kind + row.bits
    return total


class Measured(NamedTuple):
    """CPU seconds of each of our readings and of NumPy's, and both sums of the columns."""

    ours: list[float]
    theirs: list[float]
    total: int
    expected: int


def measure(rounds: int) -> Measured:
    """Open the tape and read it, then the same bytes by NumPy, in turn."""
    path = w1_sets.tape_file()
    rows = open_tape(path).rows
    names = ("ts_event", "ts_recv", "quantity", "price", "instrument", "kind", "bits")
    expected = sum(int(rows[name].sum(dtype=np.int64)) for name in names)
    total, ours, theirs = read_columns(rows), [], []
    for _ in range(rounds):
        begun = time.process_time()
        total = read_columns(open_tape(path).rows)
        ours.append(time.process_time() - begun)
        words = np.asarray(open_tape(path).rows).view(np.uint64)
        begun = time.process_time()
        words.sum()
        theirs.append(time.process_time() - begun)
    return Measured(ours, theirs, int(total), expected)
