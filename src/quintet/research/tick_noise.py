"""Another future for a tape of order books, to see whether the past knows it."""

from typing import Any, Final

import numpy as np

from quintet.core.events import ASK_LEVEL, BID_LEVEL, FACT, TRADE_BUY, TRADE_SELL

_CHANGED: Final = (
    ((BID_LEVEL, ASK_LEVEL), ("quantity",)),
    ((TRADE_BUY, TRADE_SELL), ("quantity", "price")),
    ((FACT,), ("quantity",)),
)
"""Kinds of rows, and what of them is mixed up. Prices of levels stay, so that the book stays within its window."""


def noisy_ticks(rows: Any, count: int, seed: int) -> Any:
    """The event rows with the sizes of levels, the trades, and what facts are, changing places from row `count` on."""
    rows = rows.copy()
    numbers = np.arange(len(rows))
    for kinds, names in _CHANGED:
        future = np.flatnonzero(np.isin(rows["kind"], kinds) & (numbers >= count))
        for name in names:
            rows[name][future] = np.roll(rows[name][future], 1 + seed % max(len(future) - 1, 1))
    return rows
