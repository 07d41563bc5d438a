"""Which prices the order book of each instrument has to hold.

A book is one flat array from the lowest to the highest price of its tape, found by a walk before the run. Its width
costs no memory by itself: a page is given when a level on it is first written, so a far order or a price ten times as
high costs the pages that it touches. A window that follows the price was measured and left out (ADR 0007).
"""

from typing import Any

import numpy as np

from quintet.core.errors import ConfigError
from quintet.core.events import TRADE_SELL
from quintet.core.state import INSTRUMENTS

WIDEST = 1 << 26
"""Prices of all books together: 2 GiB of levels."""

ROWS_AT_A_TIME = 1 << 18
"""Rows looked at together: a tape may be larger than memory."""


def price_windows(rows: Any, instruments: int, margin: int = 500) -> tuple[tuple[int, int], ...]:
    """Lowest and highest price of each instrument's levels and trades, `margin` increments wider on both sides.

    (0, 0) for an instrument without any. Raises ConfigError for a row of an instrument beyond their number, and when
    the books together would hold more prices than `WIDEST`.
    """
    ends: dict[int, tuple[int, int]] = {}
    plain = np.asarray(rows)
    for start in range(0, len(plain), ROWS_AT_A_TIME):
        some = plain[start : start + ROWS_AT_A_TIME]
        some = some[some["kind"] <= TRADE_SELL]
        for n in map(int, np.unique(some["instrument"])):
            if n >= min(instruments, INSTRUMENTS):
                raise ConfigError(f"a row of instrument {n}, expected {instruments} instruments")
            prices = some["price"][some["instrument"] == n]
            low, high = ends.get(n, (int(prices[0]), int(prices[0])))
            ends[n] = min(low, int(prices.min())), max(high, int(prices.max()))
    found = []
    for n in range(instruments):
        low, high = ends.get(n, (0, 0))
        found.append((max(1, low - margin), high + margin) if n in ends else (0, 0))
    width = sum(high - low + 1 for low, high in found)
    if width > WIDEST:
        raise ConfigError(
            f"order books of {width} prices, expected at most {WIDEST}: cut the tape where the price jumps"
        )
    return tuple(found)
