"""How fast a price moves, and where it stands in its recent range: RSI, rate of change, Williams %R.

Where nothing has moved the answer is the middle of the scale (RSI 50, %R -50): no movement favours neither side.
"""

from typing import Any

from numpy.typing import NDArray

from quintet.core.kernel import kernel, kernel_inlined
from quintet.core.records import record
from quintet.features.window import (
    HIGHEST,
    MEAN_EMA,
    NAN,
    WINDOW_MAX,
    check_period,
    highest_update,
    mean_ema_update,
    start_highest,
    start_wilder_mean_ema,
)

RSI = record(bars="i8", previous_close="i8", gain=MEAN_EMA, loss=MEAN_EMA)

ROC = record(slot="i8", period="i8", count="i8", ring=("i8", WINDOW_MAX))
"""`ring` holds the last `period` closes, `slot` is the place of the oldest."""

WILLIAMS_R = record(highs=HIGHEST, lows=HIGHEST)
"""`lows` holds negated lows."""


# ---- relative strength index -------------------------------------------------------------------------------------
def start_rsi(state: Any, period: int = 14) -> None:
    """An RSI over `period` changes, nothing seen yet; raises ConfigError."""
    start_wilder_mean_ema(state.gain, period)
    start_wilder_mean_ema(state.loss, period)
    state.bars = 0
    state.previous_close = 0


@kernel_inlined
def rsi_update(state: Any, close: int) -> float:
    """Relative strength index after this bar, 0 to 100; NaN for the first `period` bars; 50 when nothing moved.

    100 * gain / (gain + loss), both smoothed by Wilder with the mean of the first n as seed: 100 - 100 / (1 + RS) of
    Wilder, New Concepts in Technical Trading Systems (1978), written without its division by zero.
    """
    change = close - state.previous_close
    state.previous_close = close
    if state.bars == 0:
        state.bars = 1
        return NAN
    gain = mean_ema_update(state.gain, float(change if change > 0 else 0))
    loss = mean_ema_update(state.loss, float(-change if change < 0 else 0))
    both = gain + loss
    if both == 0.0:
        return 50.0
    return 100.0 * gain / both


@kernel
def rsi_batch(state: Any, closes: NDArray[Any], strengths: NDArray[Any]) -> None:
    """Feed a whole column of ticks; `strengths[i]` is the RSI after bar i. Both have the same length."""
    for i in range(closes.shape[0]):
        strengths[i] = rsi_update(state, closes[i])


# ---- rate of change ----------------------------------------------------------------------------------------------
def start_roc(state: Any, period: int = 9) -> None:
    """A rate of change over `period` bars, 1 to 512; raises ConfigError."""
    check_period("ROC", period, WINDOW_MAX)
    state.slot = 0
    state.period = period
    state.count = 0
    state.ring[:] = 0


@kernel
def roc_update(state: Any, close: int) -> float:
    """The close over the close n bars ago, less one: 0.01 is one per cent; NaN for the first n bars."""
    slot = state.slot
    before = state.ring[slot]
    state.ring[slot] = close
    slot += 1
    state.slot = 0 if slot == state.period else slot
    if state.count < state.period:
        state.count += 1
        return NAN
    # The difference first: it is exact, and a small change keeps all its digits.
    return float(close - before) / float(before)


@kernel
def roc_batch(state: Any, closes: NDArray[Any], changes: NDArray[Any]) -> None:
    """Feed a whole column of ticks; `changes[i]` is the value after bar i. Both have the same length."""
    for i in range(closes.shape[0]):
        changes[i] = roc_update(state, closes[i])


# ---- Williams %R -------------------------------------------------------------------------------------------------
def start_williams_r(state: Any, period: int = 14) -> None:
    """A %R over `period` bars, 1 to 512; raises ConfigError."""
    start_highest(state.highs, period)
    start_highest(state.lows, period)


@kernel
def williams_r_update(state: Any, high: int, low: int, close: int) -> float:
    """-100 * (highest high - close) / (highest high - lowest low), -100 to 0; NaN before the n-th bar; flat: -50.

    Source: Williams, How I Made One Million Dollars Last Year Trading Commodities (1973).
    """
    top = highest_update(state.highs, high)
    depth = highest_update(state.lows, -low)
    if top != top:
        return NAN
    height = top + depth
    if height == 0.0:
        return -50.0
    return -100.0 * (top - close) / height


@kernel
def williams_r_batch(
    state: Any, highs: NDArray[Any], lows: NDArray[Any], closes: NDArray[Any], places: NDArray[Any]
) -> None:
    """Feed whole columns of ticks; `places[i]` is the %R after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        places[i] = williams_r_update(state, highs[i], lows[i], closes[i])
