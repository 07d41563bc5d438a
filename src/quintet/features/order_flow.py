"""Who takes: delta, cumulative volume delta, footprint, imbalances, large orders, from the trades as they are printed.

    delta        lots that buyers took minus lots that sellers took
    CVD          cumulative volume delta: the delta since an anchor
    footprint    of one bar, how much buyers and sellers took at each price
    large order  prints of one side and one moment at the venue, together worth more than a threshold

Every number is whole, of lots or of ticks times lots, and exact; only a ratio is a float, NaN when there is nothing to
divide. A trade's `side` is +1 when a buyer took and -1 when a seller took, `ts` is the venue's ns UTC and never
decreases, prices are ticks. Rings are 512 spans (DELTA) and 256 rows of prices (FOOTPRINT).
"""

import math
from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
from quintet.core.records import record
from quintet.core.units import SAFE_MAX

NAN: Final = math.nan

# ---- cumulative volume delta ---------------------------------------------------------------------------------------
CVD = record(buys="i8", sells="i8", trades="i8")
"""Lots since the anchor."""


def start_cvd(state: Any) -> None:
    """Anchor it here: nothing has traded yet."""
    state.buys, state.sells, state.trades = 0, 0, 0


@kernel
def cvd_update(state: Any, side: int, lots: int) -> int:
    """Take one trade; the delta since the anchor, in lots."""
    if side > 0:
        state.buys += lots
    else:
        state.sells += lots
    state.trades += 1
    return state.buys - state.sells


@kernel
def trade_imbalance(buys: int, sells: int) -> float:
    """`(buys - sells) / (buys + sells)`, -1 to 1, above 0 when buyers took more; NaN when nothing traded."""
    if buys + sells <= 0:
        return NAN
    return float(buys - sells) / float(buys + sells)


# ---- delta of the last while ---------------------------------------------------------------------------------------
DELTA_SPANS_MAX: Final = 512

DELTA = record(
    span_ns="i8",
    spans="i8",
    present="i8",  # number of the present span since 1970, -1 before the first trade
    buys="i8",  # of the window
    sells="i8",
    bought=("i8", DELTA_SPANS_MAX),
    sold=("i8", DELTA_SPANS_MAX),
)
"""A window of whole spans of time, the present one included: a place in the ring for each."""


def start_delta(state: Any, span_ns: int, spans: int) -> None:
    """A window of the last `spans` spans of `span_ns`, aligned to 1970, nothing traded yet; raises ConfigError."""
    if not 1 <= span_ns < SAFE_MAX:
        raise ConfigError(f"delta: span is {span_ns} ns, expected 1 to 2^62 - 1")
    if not 1 <= spans <= DELTA_SPANS_MAX:
        raise ConfigError(f"delta: spans is {spans}, expected 1 to {DELTA_SPANS_MAX}")
    state.span_ns, state.spans, state.present = span_ns, spans, -1
    state.buys, state.sells = 0, 0
    state.bought[:] = 0
    state.sold[:] = 0


@kernel
def delta_update(state: Any, ts: int, side: int, lots: int) -> int:
    """Take one trade; the delta of the window, in lots."""
    delta_pass_time(state, ts)
    place = state.present % state.spans
    if side > 0:
        state.bought[place] += lots
        state.buys += lots
    else:
        state.sold[place] += lots
        state.sells += lots
    return state.buys - state.sells


@kernel
def delta_pass_time(state: Any, ts: int) -> int:
    """It is `ts` now: spans that have left the window are forgotten; the delta of the window, in lots."""
    span = ts // state.span_ns
    first = max(state.present + 1, span - state.spans + 1)
    if state.present < 0:
        first = span
    for each in range(first, span + 1):
        place = each % state.spans
        state.buys -= state.bought[place]
        state.sells -= state.sold[place]
        state.bought[place] = 0
        state.sold[place] = 0
    state.present = max(state.present, span)
    return state.buys - state.sells


# ---- footprint -----------------------------------------------------------------------------------------------------
FOOTPRINT_ROWS: Final = 256

FOOTPRINT = record(
    row_ticks="i8",
    low="i8",  # row numbers of the bar so far; a row is a price divided by row_ticks, rounded down
    high="i8",
    trades="i8",
    buys="i8",
    sells="i8",
    outside="i8",  # lots at prices too far from the bar's others to be kept
    delta_high="i8",  # extremes of the running delta of the bar, which begins at 0
    delta_low="i8",
    bought=("i8", FOOTPRINT_ROWS),
    sold=("i8", FOOTPRINT_ROWS),
)
"""A ring of rows: row `n` is at `n % 256`. A bar of more than 256 rows keeps the first ones and counts the rest."""


def start_footprint(state: Any, row_ticks: int = 1) -> None:
    """An empty bar whose rows are `row_ticks` ticks high, 1 or more; raises ConfigError."""
    if not 1 <= row_ticks < 2**31:
        raise ConfigError(f"footprint: row is {row_ticks} ticks, expected 1 to 2147483647")
    state.row_ticks = row_ticks
    state.bought[:] = 0
    state.sold[:] = 0
    footprint_begin(state)


@kernel
def footprint_begin(state: Any) -> None:
    """A new bar begins: the rows of the one before are emptied."""
    if state.trades > 0:
        for row in range(state.low, state.high + 1):
            state.bought[row % FOOTPRINT_ROWS] = 0
            state.sold[row % FOOTPRINT_ROWS] = 0
    state.low, state.high, state.trades = 0, 0, 0
    state.buys, state.sells, state.outside = 0, 0, 0
    state.delta_high, state.delta_low = 0, 0


@kernel
def footprint_update(state: Any, side: int, price: int, lots: int) -> int:
    """Take one trade of the bar; the bar's delta so far, in lots."""
    row = price // state.row_ticks
    if state.trades == 0:
        state.low, state.high = row, row
    state.trades += 1
    low, high = min(state.low, row), max(state.high, row)
    kept = high - low < FOOTPRINT_ROWS
    if kept:
        state.low, state.high = low, high
    else:
        state.outside += lots
    if side > 0:
        state.buys += lots
        state.bought[row % FOOTPRINT_ROWS] += lots if kept else 0
    else:
        state.sells += lots
        state.sold[row % FOOTPRINT_ROWS] += lots if kept else 0
    delta = state.buys - state.sells
    state.delta_high = max(state.delta_high, delta)
    state.delta_low = min(state.delta_low, delta)
    return delta


@kernel
def footprint_at(state: Any, price: int, side: int) -> int:
    """Lots that buyers (`side` +1) or sellers (-1) took in the row of this price; 0 outside the bar."""
    row = price // state.row_ticks
    if state.trades == 0 or row < state.low or row > state.high:
        return 0
    return state.bought[row % FOOTPRINT_ROWS] if side > 0 else state.sold[row % FOOTPRINT_ROWS]


@kernel
def footprint_imbalances(state: Any, side: int, ratio_e2: int, lots_min: int) -> int:
    """In how many rows of the bar one side overwhelmed the other, compared diagonally.

    Buyers lift the ask of a row while sellers hit the bid one row lower, so buyers (`side` +1) of a row stand against
    the sellers of the row below, sellers (-1) against the buyers of the row above. A row counts with `lots_min` lots or
    more (at least 1) that are at least `ratio_e2` hundredths of what stands against it; lots stay below 2^50.
    """
    count = 0
    if state.trades == 0:
        return count
    for row in range(state.low, state.high + 1):
        if side > 0:
            won = state.bought[row % FOOTPRINT_ROWS]
            lost = state.sold[(row - 1) % FOOTPRINT_ROWS] if row > state.low else 0
        else:
            won = state.sold[row % FOOTPRINT_ROWS]
            lost = state.bought[(row + 1) % FOOTPRINT_ROWS] if row < state.high else 0
        if won >= lots_min and 100 * won >= ratio_e2 * lost:
            count += 1
    return count


# ---- large orders --------------------------------------------------------------------------------------------------
LARGE = record(
    threshold="i8",
    ts="i8",  # of the order that is being put together
    side="i8",
    value="i8",
    n_buys="i8",  # large orders so far, and what they were worth
    n_sells="i8",
    buy_value="i8",
    sell_value="i8",
    last_ts="i8",  # of the latest large order
    last_side="i8",
    last_price="i8",  # where it became one
    last_value="i8",
)
"""Values are ticks times lots; times the instrument's quanta they are money. (In quanta, weeks could leave 62 bits.)"""


def start_large(state: Any, threshold_quanta: int, quanta_per_tick_lot: int) -> None:
    """No print seen yet; an order is large above `threshold_quanta` (of 50,000 USDT, say); raises ConfigError."""
    for what, value in (("threshold", threshold_quanta), ("quanta per tick and lot", quanta_per_tick_lot)):
        if not 1 <= value < SAFE_MAX:
            raise ConfigError(f"large orders: {what} is {value} quanta, expected 1 to 2^62 - 1")
    for name in state.dtype.names:
        state[name] = 0
    # Above the threshold in quanta is above this, rounded down, in ticks times lots.
    state.threshold = threshold_quanta // quanta_per_tick_lot


@kernel
def large_update(state: Any, ts: int, side: int, price: int, lots: int) -> int:
    """Take one print: its side at the moment when its order becomes a large one, else 0.

    Prints of one side that bear one time of the venue are one order that walked through several levels or met several
    resting orders. What it still takes after it has become large is added to its value.
    """
    if ts != state.ts or side != state.side:
        state.ts, state.side, state.value = ts, side, 0
    before = state.value
    state.value = before + lots * price
    if state.value <= state.threshold:
        return 0
    became = before <= state.threshold
    added = state.value if became else lots * price
    state.last_ts, state.last_side, state.last_value = ts, side, state.value
    if side > 0:
        state.buy_value += added
        state.n_buys += 1 if became else 0
    else:
        state.sell_value += added
        state.n_sells += 1 if became else 0
    if became:
        state.last_price = price
        return side
    return 0


# ---- whole columns -------------------------------------------------------------------------------------------------
@kernel
def cvd_batch(state: Any, sides: NDArray[Any], lots: NDArray[Any], deltas: NDArray[Any]) -> None:
    """Feed whole columns of trades; `deltas[i]` is the value after trade i. All have the same length."""
    for i in range(lots.shape[0]):
        deltas[i] = cvd_update(state, sides[i], lots[i])


@kernel
def delta_batch(state: Any, ts: NDArray[Any], sides: NDArray[Any], lots: NDArray[Any], deltas: NDArray[Any]) -> None:
    """Feed whole columns of trades; `deltas[i]` is the value after trade i. All have the same length."""
    for i in range(lots.shape[0]):
        deltas[i] = delta_update(state, ts[i], sides[i], lots[i])


@kernel
def footprint_batch(
    state: Any, sides: NDArray[Any], prices: NDArray[Any], lots: NDArray[Any], deltas: NDArray[Any]
) -> None:
    """Feed the trades of one bar; `deltas[i]` is the bar's delta after trade i. All have the same length."""
    for i in range(lots.shape[0]):
        deltas[i] = footprint_update(state, sides[i], prices[i], lots[i])


@kernel
def large_batch(
    state: Any,
    ts: NDArray[Any],
    sides: NDArray[Any],
    prices: NDArray[Any],
    lots: NDArray[Any],
    found: NDArray[Any],
) -> None:
    """Feed whole columns of prints; `found[i]` is the side when print i made its order large, else 0."""
    for i in range(lots.shape[0]):
        found[i] = large_update(state, ts[i], sides[i], prices[i], lots[i])
