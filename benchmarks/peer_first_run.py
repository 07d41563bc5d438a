"""The first tick backtest of a new process on hftbacktest, its strategy kept on disk as far as numba can.

python peer_first_run.py SCRIPTS DATA ROWS
"""

import json
import sys
from pathlib import Path

import numba
import numpy as np

scripts, folder, rows = sys.argv[1:4]
sys.path.insert(0, scripts)

import w1_hftbacktest as w1  # noqa: E402

ticks = np.load(Path(folder) / "ticks.npy", mmap_mode="r")[: int(rows)]
low, high = (int(ticks["tick"].min()) - 500) * w1.TICK, (int(ticks["tick"].max()) + 500) * w1.TICK
events = w1.to_events(ticks)  # the peer keeps where they are, not them
hbt = w1.build(events, "roivec", "power", low, high)
maker = numba.njit(cache=True)(w1.mm.py_func)
steps, submits, cancels = maker(hbt, w1.ORDER, w1.LEVELS, w1.GAP, w1.MAXPOS, w1.STEP, w1.TICK)
state = hbt.state_values(0)
print(
    json.dumps(
        {
            "fills": int(state.num_trades),
            "position": round(float(state.position), 6),
            "balance": round(float(state.balance), 4),
            "fee": round(float(state.fee), 4),
            "submits": int(submits),
            "cancels": int(cancels),
            "steps": int(steps),
        }
    )
)
