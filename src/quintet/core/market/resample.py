"""Higher timeframes from lower ones, aligned to UTC: a 5m bar is five 1m bars, or it is not there.

A bar that was built from fewer lower bars than it has room for would be a guess: it is not emitted, only counted.
"""

from dataclasses import dataclass

import numpy as np

from quintet.core.errors import DataError
from quintet.core.events import TIMEFRAMES, timeframe_ns
from quintet.core.market.bars import Bars, Column

_VOLUME_MAX = 2**62


@dataclass(frozen=True, slots=True)
class Resampled:
    """Complete higher bars, and how many were left out.

    `edge_bars`: incomplete at the first or last end of the data (0 to 2). `gap_bars`: incomplete or absent
    between the two ends, because lower bars are missing.
    """

    bars: Bars
    edge_bars: int
    gap_bars: int


def resample(bars: Bars, timeframe: str) -> Resampled:
    """`bars` in a longer timeframe: first open, highest high, lowest low, last close, summed volume and turnover.

    Turnover is 0 (unknown) where any traded lower bar does not know its own. Raises DataError when the
    longer timeframe is not a whole multiple, or when stamps are out of order or off the lower boundary.
    """
    step = timeframe_ns(bars.timeframe)
    parts = _parts(bars.timeframe, timeframe)
    _require_order(bars.ts_open, step)
    if len(bars) == 0 or parts == 1:
        return Resampled(_renamed(bars, timeframe), 0, 0)
    slot = bars.ts_open // (step * parts)
    first = np.flatnonzero(np.diff(slot, prepend=slot[0] - 1))
    counts = np.diff(first, append=len(bars))
    complete = np.flatnonzero(counts == parts)
    kept = first[complete]
    last = kept + parts - 1
    built = Bars(
        timeframe=timeframe,
        ts_open=slot[kept] * (step * parts),
        open=bars.open[kept],
        high=np.maximum.reduceat(bars.high, first)[complete],
        low=np.minimum.reduceat(bars.low, first)[complete],
        close=bars.close[last],
        volume=_summed(bars.volume, first, parts, "volume")[complete],
        turnover=_known_turnover(bars, first, parts)[complete],
    )
    edges = int(counts[0] < parts) + int(counts[-1] < parts and len(counts) > 1)
    slots = int(slot[-1] - slot[0]) + 1
    return Resampled(built, edges, slots - len(complete) - edges)


def _parts(lower: str, higher: str) -> int:
    """How many lower bars make one higher bar; raises DataError unless that is whole."""
    if higher not in TIMEFRAMES:
        raise DataError(f"timeframe is {higher!r}, expected one of {', '.join(TIMEFRAMES)}")
    parts, rest = divmod(TIMEFRAMES[higher], TIMEFRAMES[lower])
    if rest or parts < 1:
        raise DataError(f"cannot build {higher} bars from {lower} bars: expected a whole multiple of {lower}")
    return parts


def _require_order(ts_open: Column, step: int) -> None:
    """Raise DataError naming the first bar that is not later than the one before, or off its boundary."""
    late = np.flatnonzero(np.diff(ts_open) <= 0)
    if len(late):
        bar = int(late[0]) + 1
        raise DataError(f"bar {bar}: opens at {ts_open[bar]} ns, expected later than {ts_open[bar - 1]} ns")
    loose = np.flatnonzero(ts_open % step)
    if len(loose):
        bar = int(loose[0])
        raise DataError(f"bar {bar}: opens at {ts_open[bar]} ns, expected a multiple of {step} ns")


def _renamed(bars: Bars, timeframe: str) -> Bars:
    return Bars(timeframe, bars.ts_open, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.turnover)


def _summed(column: Column, first: Column, parts: int, what: str) -> Column:
    """Sums of each group; raises DataError when one could leave 2^62, so that no sum wraps."""
    largest = int(column.max())
    if largest >= _VOLUME_MAX // parts:
        raise DataError(f"{what} of a bar is {largest}; {parts} of them may not fit 2^62")
    return np.add.reduceat(column, first)


def _known_turnover(bars: Bars, first: Column, parts: int) -> Column:
    """Summed turnover, 0 where a bar that traded has none."""
    unknown = (bars.turnover == 0) & (bars.volume > 0)
    total = _summed(bars.turnover, first, parts, "turnover")
    return np.where(np.logical_or.reduceat(unknown, first), 0, total)
