"""W2 on backtesting.py, run by that peer's own Python: CPU seconds, and the list of entries into a file.

Prices are handed over in whole ticks. In tenths, moves of equal size differ in their last bit (0.3 - 0.2 is not 0.1),
so that one of them counts as the larger; directional movement then takes sides where it should take none, and 7 of
the 12,755 entries come at another bar.

python peer_entries.py SCRIPTS DATA ENTRIES.npy RUNS
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from backtesting import Backtest

scripts, data, out, runs = sys.argv[1:5]
sys.path.insert(0, scripts)
import w2_backtesting  # noqa: E402  the peer's script lies in the folder that was just named

bars = np.load(Path(data) / "bars.npy")
TICKS_PER_UNIT = 10
columns = {name.title(): np.round(bars[name] * TICKS_PER_UNIT) for name in ("open", "high", "low", "close")}
columns["Volume"] = bars["volume"]
frame = pd.DataFrame(columns, index=pd.to_datetime(bars["ts"]))
seconds = []
for _ in range(int(runs)):
    begun = time.process_time()
    cash = 10_000_000 * TICKS_PER_UNIT
    test = Backtest(frame, w2_backtesting.Cross, cash=cash, commission=0.00055, margin=0.1, finalize_trades=True)
    trades = test.run()["_trades"]
    seconds.append(time.process_time() - begun)
trades = trades.sort_values("EntryBar")
times = trades["EntryTime"].to_numpy("datetime64[ns]").astype(np.int64)
np.save(out, np.stack([times, np.sign(trades["Size"].to_numpy()).astype(np.int64)], axis=1))
print(json.dumps({"seconds": seconds, "entries": len(trades)}))
