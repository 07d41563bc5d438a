"""Sets of W1's grid on hftbacktest, run by that peer's own Python; prints each set's results and CPU seconds as JSON.

python peer_sets.py SCRIPTS DATA SETS.json ROWS
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

scripts, folder, sets_file, rows = sys.argv[1:5]
sys.path.insert(0, scripts)

import w1_hftbacktest as w1  # noqa: E402

ticks = np.load(Path(folder) / "ticks.npy")[: int(rows)]
events = w1.to_events(ticks)
low, high = (int(ticks["tick"].min()) - 500) * w1.TICK, (int(ticks["tick"].max()) + 500) * w1.TICK
answers = []
for n, wanted in enumerate([None, *json.loads(Path(sets_file).read_text())]):
    grid = wanted or {"lots": 100, "levels": 5, "gap": 2, "max_position": 2000}
    fed = events[:20_000].copy() if wanted is None else events  # the peer keeps no hold of it: it must outlive the run
    hbt = w1.build(fed, "roivec", "power", low, high)
    size, most = grid["lots"] * w1.LOT, grid["max_position"] * w1.LOT
    begun = time.process_time()
    steps, submits, cancels = w1.mm(hbt, size, grid["levels"], grid["gap"], most, w1.STEP, w1.TICK)
    seconds = time.process_time() - begun
    state = hbt.state_values(0)
    if n > 0:  # the first one is there to compile
        answers.append(
            {
                "fills": int(state.num_trades),
                "position": round(float(state.position), 6),
                "balance": round(float(state.balance), 4),
                "fee": round(float(state.fee), 4),
                "submits": int(submits),
                "cancels": int(cancels),
                "steps": int(steps),
                "seconds": seconds,
            }
        )
    hbt.close()
print(json.dumps({"sets": answers}))
