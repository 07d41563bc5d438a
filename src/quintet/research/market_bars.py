"""The structure bars of a run's tape, for pictures; where the tape has an order book, bars of its trades."""

from typing import Any, NamedTuple

import numpy as np

from quintet.core.events import (
    BAR_CLOSE,
    BAR_OPEN,
    HIGH_SHIFT,
    LOW_MASK,
    TIMEFRAME_NUMBER,
    TRADE_BUY,
    TRADE_SELL,
    timeframe_ns,
)
from quintet.core.tape import Tape


class ShownBars(NamedTuple):
    """Closed bars: end in ns UTC, prices in price increments; columns of equal length."""

    end_ns: Any
    open: Any
    high: Any
    low: Any
    close: Any

    def between(self, first_ns: int, last_ns: int) -> "ShownBars":
        """The bars that end inside a time range, both ends included."""
        begin, end = np.searchsorted(self.end_ns, [first_ns, last_ns + 1])
        return ShownBars(*(column[begin:end] for column in self))


def traded_bars(tape: Tape, timeframe: str) -> ShownBars:
    """Bars of the trades on a tape of one instrument, by the exchange's clock; a span without a trade has none."""
    rows = np.asarray(tape.rows)
    rows = rows[(rows["kind"] == TRADE_BUY) | (rows["kind"] == TRADE_SELL)]
    length = timeframe_ns(timeframe)
    number, prices = rows["ts_event"] // length, rows["price"].astype(np.int64)
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    if len(starts) == 0:
        return ShownBars(*(np.empty(0, np.int64),) * 5)
    return ShownBars(
        (number[starts] + 1) * length,
        prices[starts],
        np.maximum.reduceat(prices, starts),
        np.minimum.reduceat(prices, starts),
        prices[np.append(starts[1:], len(prices)) - 1],
    )


def shown_bars(tape: Tape, timeframe: str) -> ShownBars:
    """All bars of one timeframe on a tape of one instrument."""
    rows = np.asarray(tape.rows)
    of_timeframe = rows["bits"] >> 1 == TIMEFRAME_NUMBER[timeframe]
    first = rows[of_timeframe & (rows["kind"] == BAR_OPEN)]
    second = rows[of_timeframe & (rows["kind"] == BAR_CLOSE)]
    extremes = second["quantity"].astype(np.int64)
    return ShownBars(
        second["ts_event"].astype(np.int64),
        first["price"].astype(np.int64),
        extremes >> HIGH_SHIFT,
        extremes & LOW_MASK,
        second["price"].astype(np.int64),
    )
