"""Which prices the order book of each instrument has to hold."""

from typing import Any

import numpy as np

from quintet.core.errors import ConfigError
from quintet.core.events import TRADE_SELL
from quintet.core.state import INSTRUMENTS

WIDEST = 1 << 26
"""Prices of all books together: 2 GiB of levels."""


def price_windows(rows: Any, instruments: int, margin: int = 500) -> tuple[tuple[int, int], ...]:
    """Lowest and highest price of each instrument's levels and trades, `margin` increments wider on both sides.

    (0, 0) for an instrument without any. Raises ConfigError for a row of an instrument beyond their number, and when
    the books together would hold more prices than `WIDEST`.
    """
    plain = np.asarray(rows)
    plain = plain[plain["kind"] <= TRADE_SELL]
    if len(plain) and int(plain["instrument"].max()) >= min(instruments, INSTRUMENTS):
        raise ConfigError(f"a row of instrument {int(plain['instrument'].max())}, expected {instruments} instruments")
    found = []
    for n in range(instruments):
        prices = plain["price"][plain["instrument"] == n]
        found.append((max(1, int(prices.min()) - margin), int(prices.max()) + margin) if len(prices) else (0, 0))
    width = sum(high - low + 1 for low, high in found)
    if width > WIDEST:
        raise ConfigError(
            f"order books of {width} prices, expected at most {WIDEST}: cut the tape where the price jumps"
        )
    return tuple(found)
