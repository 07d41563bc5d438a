"""W4 on vectorbt, run by that peer's own Python: CPU seconds, the most memory it had, and every return into a file.

What is timed is the sweep of the peer's script: a column for each pair, so many at a time.

python peer_returns.py DATA RETURNS.npy AT_A_TIME RUNS
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt

data, out, at_a_time, runs = sys.argv[1:5]
BARS = 100_000
bars = np.load(Path(data) / "bars.npy")[:BARS]
close = pd.Series(bars["close"].copy(), index=pd.to_datetime(bars["ts"]))
PAIRS = [(fast, slow) for fast in range(5, 55, 2) for slow in range(60, 260, 5)]


def sweep(pairs, prices):
    found = []
    for n in range(0, len(pairs), int(at_a_time)):
        part = pairs[n : n + int(at_a_time)]
        fast = vbt.MA.run(prices, window=[pair[0] for pair in part], short_name="fast", per_column=False)
        slow = vbt.MA.run(prices, window=[pair[1] for pair in part], short_name="slow", per_column=False)
        portfolio = vbt.Portfolio.from_signals(
            prices, fast.ma_crossed_above(slow), fast.ma_crossed_below(slow), init_cash=1e6, fees=0.00055, freq="1min"
        )
        found.append(portfolio.total_return().to_numpy())
    return np.concatenate(found)


sweep(PAIRS[:2], close.iloc[:2000])  # its compilation is not what is compared
seconds = []
for _ in range(int(runs)):
    begun = time.process_time()
    returns = sweep(PAIRS, close)
    seconds.append(time.process_time() - begun)
np.save(out, returns)
peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
print(json.dumps({"seconds": seconds, "peak_mib": peak_mib}))
