"""Bars as columns: what importers and the generator make, and what becomes rows of a tape."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.events import (
    BAR_CLOSE,
    BAR_OPEN,
    BAR_TURNOVER,
    HIGH_SHIFT,
    LAST,
    LOW_MASK,
    PRICE_MAX,
    QUANTITY_MAX,
    ROW,
    TIMEFRAME_NUMBER,
    timeframe_ns,
)
from quintet.core.kernel import kernel

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


def bar_lengths(bars: Bars) -> Column:
    """Rows of each bar: three when its turnover is known, else two, whatever is known of other bars."""
    return 2 + (bars.turnover > 0).astype(np.int64)


def bar_rows(bars: Bars, instrument: int = 0) -> NDArray[Any]:
    """Two or three rows a bar, stamped with the bar's end: a bar is known only when it has closed.

    Raises DataError when a value does not fit its field, naming the bar.
    """
    for name in ("open", "high", "low", "close"):
        _require_within(getattr(bars, name), 1, PRICE_MAX, f"{name} in ticks")
    _require_within(bars.volume, 0, QUANTITY_MAX, "volume in lots")
    _require_within(bars.turnover, 0, QUANTITY_MAX, "turnover in quanta")
    if not 0 <= instrument <= INSTRUMENT_MAX:
        raise DataError(f"instrument number: found {instrument}, expected 0 to {INSTRUMENT_MAX}")
    lengths = bar_lengths(bars)
    rows = np.zeros(int(lengths.sum()), ROW)
    rows["ts_event"] = rows["ts_recv"] = np.repeat(bars.ts_open + timeframe_ns(bars.timeframe), lengths)
    rows["instrument"] = instrument
    rows["bits"] = TIMEFRAME_NUMBER[bars.timeframe] << 1
    first, known = np.cumsum(lengths) - lengths, lengths == 3
    for at, kind, price, quantity in (
        (first, BAR_OPEN, bars.open, bars.volume),
        (first + 1, BAR_CLOSE, bars.close, (bars.high << HIGH_SHIFT) | bars.low),
        (first[known] + 2, BAR_TURNOVER, 0, bars.turnover[known]),
    ):
        rows["kind"][at], rows["price"][at], rows["quantity"][at] = kind, price, quantity
    rows["bits"][first + lengths - 1] |= LAST
    return rows


def _require_within(column: Column, low: int, high: int, what: str) -> None:
    """Raise DataError naming the first bar whose value lies outside `low` to `high`."""
    wrong = np.flatnonzero((column < low) | (column > high))
    if len(wrong):
        raise DataError(f"bar {wrong[0]}: {what} is {column[wrong[0]]}, expected {low} to {high}")


@kernel
def read_prices(bar: Any, rows: Any, i: int) -> None:
    """Four prices and the volume of the bar whose first row is tape row `i`, into a record with those fields."""
    bar.open = int(rows[i].price)
    bar.volume = rows[i].quantity
    bar.high = rows[i + 1].quantity >> HIGH_SHIFT
    bar.low = rows[i + 1].quantity & LOW_MASK
    bar.close = int(rows[i + 1].price)


@kernel
def read_bar(market: Any, rows: Any, i: int) -> int:
    """The same and the turnover, 0 = unknown, into a MARKET record; returns how many rows the bar has."""
    read_prices(market, rows, i)
    market.turnover = 0
    if int(rows[i + 1].bits) & LAST != 0:
        return 2
    market.turnover = rows[i + 2].quantity
    return 3
