"""Bars as columns: what importers and the generator make, and what becomes rows of a tape."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.events import (
    BAR_CLOSE,
    BAR_HIGH,
    BAR_LOW,
    BAR_OPEN,
    LAST,
    PRICE_MAX,
    QUANTITY_MAX,
    ROW,
    TIMEFRAME_NUMBER,
    timeframe_ns,
)

Column = NDArray[np.int64]

INSTRUMENT_MAX = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Bars:
    """Closed bars of one instrument and one timeframe, oldest first. All columns int64, equal length.

    `ts_open` ns UTC; prices in price increments; `volume` in lots; `turnover` in quote quanta (0 = unknown).
    """

    timeframe: str
    ts_open: Column
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    turnover: Column

    def __len__(self) -> int:
        return len(self.ts_open)


def bar_rows(bars: Bars, instrument: int = 0) -> NDArray[Any]:
    """Four rows a bar, stamped with the bar's end: a bar is known only when it has closed.

    Raises DataError when a value does not fit its field, naming the bar.
    """
    for name in ("open", "high", "low", "close"):
        _require_within(getattr(bars, name), 1, PRICE_MAX, f"{name} in ticks")
    _require_within(bars.volume, 0, QUANTITY_MAX, "volume in lots")
    _require_within(bars.turnover, 0, QUANTITY_MAX, "turnover in quanta")
    if not 0 <= instrument <= INSTRUMENT_MAX:
        raise DataError(f"instrument number: found {instrument}, expected 0 to {INSTRUMENT_MAX}")
    rows = np.zeros(4 * len(bars), ROW)
    end = bars.ts_open + timeframe_ns(bars.timeframe)
    columns = (
        (BAR_OPEN, bars.open, bars.turnover),
        (BAR_HIGH, bars.high, None),
        (BAR_LOW, bars.low, None),
        (BAR_CLOSE, bars.close, bars.volume),
    )
    for offset, (kind, price, quantity) in enumerate(columns):
        part = rows[offset::4]
        part["ts_event"] = end
        part["ts_recv"] = end
        part["price"] = price
        part["kind"] = kind
        part["instrument"] = instrument
        part["bits"] = TIMEFRAME_NUMBER[bars.timeframe] << 1
        if quantity is not None:
            part["quantity"] = quantity
    rows["bits"][3::4] |= LAST
    return rows


def _require_within(column: Column, low: int, high: int, what: str) -> None:
    """Raise DataError naming the first bar whose value lies outside `low` to `high`."""
    wrong = np.flatnonzero((column < low) | (column > high))
    if len(wrong):
        raise DataError(f"bar {wrong[0]}: {what} is {column[wrong[0]]}, expected {low} to {high}")
