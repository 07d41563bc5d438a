"""What fills were worth: where the price went after them, and how much of what we asked for was filled.

A markout is the signed move from a fill's price to a later close, in basis points, from our side: below zero the other
side knew better. The later close is the first one at or after the horizon, so it is at most one bar late; a horizon
shorter than the bars is not measured at all. The interval has 95 %: fills of one UTC day are not independent, so its
error is that of a mean over days (Liang and Zeger 1986, clustered, with the factor n / (n - 1) for few clusters).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.events import timeframe_ns
from quintet.core.orders.lifecycle import LIMIT, POST_ONLY, STYLE_NAMES
from quintet.research.market_bars import ShownBars

Columns = Mapping[str, Any]

MINUTE_NS: Final = 60_000_000_000
DAY_NS: Final = 86_400_000_000_000
HORIZONS_MIN: Final = (1, 5, 15, 60)
TWO_SIDED_95: Final = 1.959963984540054
"""Standard errors on each side of a mean that hold 95 % of a normal law."""

RESTING_STYLES: Final = (STYLE_NAMES[POST_ONLY], STYLE_NAMES[LIMIT])
BINS_MAX: Final = 8
BIN_STEPS_BP: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Markout(NamedTuple):
    """At one horizon: mean and half the width of its interval in bp, None where there is no number; fills counted."""

    minutes: int
    mean_bp: float | None
    error_bp: float | None
    fills: int


def markouts(fills: Columns, bars: ShownBars | None, timeframe: str) -> list[Markout]:
    """Of the maker fills, at every horizon; `bars`: the finest there are, of `timeframe`, None where there are none."""
    maker = np.asarray(fills["maker"], bool)
    side = np.where(np.asarray(fills["side"]) == "buy", 1.0, -1.0)[maker]
    price = np.asarray(fills["price_ticks"], np.float64)[maker]
    happened = np.asarray(fills["ts_event_ns"], np.int64)[maker]
    return [_markout(minutes, side, price, happened, bars, timeframe) for minutes in HORIZONS_MIN]


def _markout(minutes: int, side: Any, price: Any, happened: Any, bars: ShownBars | None, timeframe: str) -> Markout:
    length = timeframe_ns(timeframe)
    if bars is None or minutes * MINUTE_NS < length:
        return Markout(minutes, None, None, 0)
    due = happened + minutes * MINUTE_NS
    later = np.searchsorted(bars.end_ns, due)
    known = later < len(bars.end_ns)
    ends = bars.end_ns[later[known]]
    # A hole in the candles would make the horizon longer than it says.
    on_time = ends - due[known] < length
    moved = bars.close[later[known]] - price[known]
    values = (side[known] * moved / price[known] * 10_000.0)[on_time]
    if len(values) == 0:
        return Markout(minutes, None, None, 0)
    return Markout(minutes, float(values.mean()), clustered_error(values, happened[known][on_time]), len(values))


def clustered_error(values: Any, moments: Any, span_ns: int = DAY_NS) -> float | None:
    """Half the width of the 95 % interval of a mean whose values are alike within a span; None within one of them.

    A span is a UTC day unless told.
    """
    _, day = np.unique(np.asarray(moments) // span_ns, return_inverse=True)
    days = int(day.max()) + 1
    if days < 2:
        return None
    sums = np.bincount(day, weights=values - values.mean())
    variance = float((sums * sums).sum()) / len(values) ** 2 * days / (days - 1)
    return TWO_SIDED_95 * math.sqrt(variance)


# ---- how much was filled -------------------------------------------------------------------------------------


class Distance(NamedTuple):
    """Resting orders placed `low_bp` to `high_bp` away from the last close: how many, and lots asked and filled."""

    low_bp: int
    high_bp: int
    orders: int
    lots: int
    filled: int

    @property
    def filled_frac(self) -> float:
        """Share of the quantity asked for that was filled."""
        return self.filled / self.lots if self.lots else 0.0


class FillRatio(NamedTuple):
    """All resting orders, and the same by distance; `orders_filled`: those filled at least in part."""

    orders: int
    orders_filled: int
    lots: int
    filled: int
    distances: tuple[Distance, ...]

    @property
    def filled_frac(self) -> float:
        """Share of the quantity asked for that was filled."""
        return self.filled / self.lots if self.lots else 0.0


def fill_ratio(orders: Columns, fills: Columns, bars: ShownBars | None) -> FillRatio:
    """How much of what rested was filled; by distance from the last close before the order where bars are at hand.

    A distance is positive on our side of the close: below it for a buy, above it for a sell.
    """
    chosen = (np.asarray(orders["command"]) == "place") & np.isin(np.asarray(orders["style"]), RESTING_STYLES)
    lots = np.asarray(orders["lots"], np.int64)[chosen]
    filled = _filled_lots(np.asarray(orders["order"], np.int64)[chosen], fills)
    distances: tuple[Distance, ...] = ()
    if bars is not None and len(bars.end_ns) and len(lots):
        side = np.where(np.asarray(orders["side"])[chosen] == "buy", 1.0, -1.0)
        price = np.asarray(orders["price_ticks"], np.float64)[chosen]
        known = np.searchsorted(bars.end_ns, np.asarray(orders["ts_ns"], np.int64)[chosen], side="right") - 1
        close = bars.close[np.maximum(known, 0)].astype(np.float64)
        distances = _by_distance(side * (close - price) / close * 10_000.0, lots, filled)
    return FillRatio(len(lots), int((filled > 0).sum()), int(lots.sum()), int(filled.sum()), distances)


def _filled_lots(numbers: Any, fills: Columns) -> Any:
    """Lots filled of each order."""
    order, lots = np.asarray(fills["order"], np.int64), np.asarray(fills["lots"], np.int64)
    known, place = np.unique(order, return_inverse=True)
    sums = np.zeros(len(known), np.int64)
    np.add.at(sums, place, lots)
    found = np.searchsorted(known, numbers)
    inside = np.minimum(found, max(len(known) - 1, 0))
    return np.where(known[inside] == numbers, sums[inside], 0) if len(known) else np.zeros(len(numbers), np.int64)


def _by_distance(distance_bp: Any, lots: Any, filled: Any) -> tuple[Distance, ...]:
    """Equal steps, chosen so that nine of ten orders fall into at most eight of them; the last takes what is beyond."""
    span = float(np.quantile(distance_bp, 0.95)) - min(float(distance_bp.min()), 0.0)
    step = next((each for each in BIN_STEPS_BP if span / each <= BINS_MAX), BIN_STEPS_BP[-1])
    bins = np.floor(distance_bp / step).astype(np.int64)
    lowest = max(int(bins.min()), -1)
    bins = np.clip(bins, lowest, lowest + BINS_MAX - 1)
    rows = []
    for n in range(lowest, int(bins.max()) + 1):
        own = bins == n
        rows.append(Distance(n * step, (n + 1) * step, int(own.sum()), int(lots[own].sum()), int(filled[own].sum())))
    return tuple(rows)


def finest(bars: Mapping[str, ShownBars], timeframes: Sequence[str]) -> str | None:
    """The shortest of these timeframes that has bars, None without any."""
    have = [name for name in timeframes if name in bars and len(bars[name].end_ns)]
    return min(have, key=timeframe_ns, default=None)
