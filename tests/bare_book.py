"""The least that any loop over a tick market must do: what ours is measured by, in the same process and moments."""

import time
from collections.abc import Callable
from typing import Any

from quintet.core.events import ASK_LEVEL, BID_LEVEL
from quintet.core.kernel import kernel
from quintet.core.state import NO_BID


@kernel
def keep_book(rows: Any, lots: Any, low: int) -> int:
    """Both sides of a book with their best prices, and the traded lots; no orders, no clocks, no system."""
    width = lots.shape[0] // 2
    best_bid, best_ask, traded = NO_BID, width - 1, 0
    for i in range(rows.shape[0]):
        row = rows[i]
        kind, at, quantity = int(row.kind), int(row.price) - low, row.quantity
        if kind == BID_LEVEL:
            lots[at] = quantity
            if quantity > 0:
                best_bid = max(best_bid, at)
            elif at == best_bid:
                while best_bid > 0 and lots[best_bid] == 0:
                    best_bid -= 1
        elif kind == ASK_LEVEL:
            lots[width + at] = quantity
            if quantity > 0:
                best_ask = min(best_ask, at)
            elif at == best_ask:
                while best_ask < width - 1 and lots[width + best_ask] == 0:
                    best_ask += 1
        else:
            traded += quantity
    return traded + best_bid + best_ask


def least_cpu_seconds(*runs: Callable[[], object], rounds: int) -> list[float]:
    """The least that each needed, all of them once a round: whoever works beside us disturbs them alike."""
    least = [float("inf")] * len(runs)
    for _ in range(rounds):
        for n, run in enumerate(runs):
            begun = time.process_time()
            run()
            least[n] = min(least[n], time.process_time() - begun)
    return least
