"""Direction and its strength: directional movement and ADX, no unit, 0 to 100; Hull's average and MACD, in ticks.

Source of the former: Wilder, New Concepts in Technical Trading Systems (1978). Both directional lines are movements
over one and the same true range, so the range cancels in DX = 100 |plus - minus| / (plus + minus) and ADX does not keep
it; DIRECTION, which shows the lines themselves, does.

Two seeds of ADX, chosen by record type:

    ADX       Wilder's: the first n movements, then the first n DX, seed with their mean; first value at bar 2n - 1
              (counted from 0); NaN before
    ADX_EMA   both smoothings are seeded by their first value, which is 0; never NaN
"""

import math
from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel, kernel_inlined
from quintet.core.records import record
from quintet.features.volatility import true_range
from quintet.features.window import (
    MEAN_EMA,
    NAN,
    WILDER_FIELDS,
    WINDOW_MAX,
    WMA,
    check_period,
    mean_ema_update,
    start_mean_ema,
    start_wilder,
    start_wilder_mean_ema,
    start_wma,
    wilder_update,
    wma_update,
)

ADX = record(bars="i8", previous_high="i8", previous_low="i8", plus="f8", minus="f8", **WILDER_FIELDS)
"""WILDER's fields smooth DX; `plus` and `minus` are sums until bar n, means and smoothed movements from there on."""

ADX_EMA = record(
    bars="i8", previous_high="i8", previous_low="i8", plus="f8", minus="f8", weight="f8", rest="f8", value="f8"
)

DIRECTION = record(
    plus="f8",
    minus="f8",
    bars="i8",
    previous_high="i8",
    previous_low="i8",
    previous_close="i8",
    up=MEAN_EMA,
    down=MEAN_EMA,
    reach=MEAN_EMA,
)
"""`plus` and `minus` are the lines, NaN until they exist; `reach` smooths the true range."""

_HULL_SMOOTH_MAX: Final = 22
"""Whole square root of the longest period."""

HULL = record(smooth="i8", filled="i8", half=WMA, whole=WMA, recent=("f8", _HULL_SMOOTH_MAX))
"""`recent` holds the last `smooth` values of 2 * half - whole, oldest first."""

MACD = record(macd="f8", signal="f8", histogram="f8", wait="i8", fast=MEAN_EMA, slow=MEAN_EMA, smoothed=MEAN_EMA)
"""The three lines; `wait` is how many bars the fast average still lets pass."""


@kernel
def movement_up(high_change: int, low_change: int) -> int:
    """Directional movement up in ticks: the rise of the high, if it is positive and larger than the low's fall.

    `high_change` is high - previous high; `low_change` is previous low - low, so both grow outwards.
    """
    if high_change > low_change and high_change > 0:
        return high_change
    return 0


@kernel
def directional_index(plus: float, minus: float) -> float:
    """DX, 0 to 100, from two movements of the same unit; 0 when neither direction moved."""
    both = plus + minus
    if both > 0.0:
        return 100.0 * abs(plus - minus) / both
    return 0.0


def start_adx(state: Any, period: int) -> None:
    """An ADX over `period` bars, nothing seen yet; raises ConfigError."""
    start_wilder(state, period)
    _forget_bars(state)


def start_adx_ema(state: Any, period: int) -> None:
    """An ADX with the first values as seeds, nothing seen yet; raises ConfigError."""
    check_period("ADX", period, 2**31)
    state.weight = 1.0 / period
    state.rest = 1.0 - 1.0 / period
    state.value = NAN
    _forget_bars(state)


def _forget_bars(state: Any) -> None:
    state.bars = 0
    state.previous_high = 0
    state.previous_low = 0
    state.plus = 0.0
    state.minus = 0.0


@kernel_inlined
def adx_update(state: Any, high: int, low: int) -> float:
    """Wilder's ADX after this bar; NaN for the first `2 * period - 1` bars."""
    high_change = high - state.previous_high
    low_change = state.previous_low - low
    state.previous_high = high
    state.previous_low = low
    bar = state.bars
    state.bars = bar + 1
    if bar == 0:
        return NAN
    n = state.period
    up = float(movement_up(high_change, low_change))
    down = float(movement_up(low_change, high_change))
    if bar <= n:
        state.plus += up
        state.minus += down
        if bar < n:
            return NAN
        state.plus /= n
        state.minus /= n
    else:
        state.plus = ((n - 1) * state.plus + up) / n
        state.minus = ((n - 1) * state.minus + down) / n
    return wilder_update(state, directional_index(state.plus, state.minus))


@kernel
def adx_ema_update(state: Any, high: int, low: int) -> float:
    """ADX after this bar, all smoothings seeded by their first value; 0 at the first bar, never NaN."""
    high_change = high - state.previous_high
    low_change = state.previous_low - low
    state.previous_high = high
    state.previous_low = low
    if state.bars == 0:
        state.bars = 1
        state.value = 0.0
        return 0.0
    state.plus = state.rest * state.plus + state.weight * movement_up(high_change, low_change)
    state.minus = state.rest * state.minus + state.weight * movement_up(low_change, high_change)
    strength = directional_index(state.plus, state.minus)
    state.value = state.rest * state.value + state.weight * strength
    return float(state.value)


@kernel
def adx_batch(state: Any, highs: NDArray[Any], lows: NDArray[Any], strengths: NDArray[Any]) -> None:
    """Feed whole columns of ticks; `strengths[i]` is the ADX after bar i. All have the same length."""
    for i in range(highs.shape[0]):
        strengths[i] = adx_update(state, highs[i], lows[i])


@kernel
def adx_ema_batch(state: Any, highs: NDArray[Any], lows: NDArray[Any], strengths: NDArray[Any]) -> None:
    """Feed whole columns of ticks; `strengths[i]` is the ADX after bar i. All have the same length."""
    for i in range(highs.shape[0]):
        strengths[i] = adx_ema_update(state, highs[i], lows[i])


# ---- the directional lines ---------------------------------------------------------------------------------------
def start_direction(state: Any, period: int = 14) -> None:
    """+DI and -DI over `period` bars, nothing seen yet; raises ConfigError."""
    for smoothed in (state.up, state.down, state.reach):
        start_wilder_mean_ema(smoothed, period)
    state.plus = NAN
    state.minus = NAN
    state.bars = 0
    state.previous_high = 0
    state.previous_low = 0
    state.previous_close = 0


@kernel
def direction_update(state: Any, high: int, low: int, close: int) -> float:
    """+DI after this bar, `state.minus` is -DI, both 0 to 100; NaN for the first `period` bars.

    Each is 100 times a movement over the true range, both smoothed by Wilder with the mean of the first n as seed; 0
    when the range is. What one is above the other says which side moves the market.
    """
    high_change = high - state.previous_high
    low_change = state.previous_low - low
    before = state.previous_close
    state.previous_high = high
    state.previous_low = low
    state.previous_close = close
    if state.bars == 0:
        state.bars = 1
        return NAN
    up = mean_ema_update(state.up, float(movement_up(high_change, low_change)))
    down = mean_ema_update(state.down, float(movement_up(low_change, high_change)))
    reach = mean_ema_update(state.reach, float(true_range(high, low, before)))
    if reach > 0.0:
        state.plus = 100.0 * up / reach
        state.minus = 100.0 * down / reach
    elif reach == 0.0:
        state.plus = 0.0
        state.minus = 0.0
    return float(state.plus)


@kernel
def direction_batch(
    state: Any,
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    pluses: NDArray[Any],
    minuses: NDArray[Any],
) -> None:
    """Feed whole columns of ticks; +DI and -DI after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        pluses[i] = direction_update(state, highs[i], lows[i], closes[i])
        minuses[i] = state.minus


# ---- Hull moving average -----------------------------------------------------------------------------------------
def start_hull(state: Any, period: int = 21) -> None:
    """A Hull average over `period` values, 2 to 512; raises ConfigError."""
    if not 2 <= period <= WINDOW_MAX:
        raise ConfigError(f"Hull: period is {period}, expected 2 to {WINDOW_MAX}")
    start_wma(state.half, period // 2)
    start_wma(state.whole, period)
    state.smooth = math.isqrt(period)
    state.filled = 0
    state.recent[:] = 0.0


@kernel
def hull_update(state: Any, value: int) -> float:
    """WMA over sqrt(n) of 2 WMA(n / 2) - WMA(n), same unit as the value; halves and roots are cut to whole numbers.

    NaN before bar n + sqrt(n) - 2, counted from 0. Source: Hull, How to Reduce Lag in a Moving Average (2005).
    """
    half = wma_update(state.half, value)
    whole = wma_update(state.whole, value)
    if whole != whole:
        return NAN
    last = state.smooth - 1
    # Four values for a period of 21: moving them is as cheap as a ring, and weights follow their order.
    weighted = 0.0
    for k in range(last):
        state.recent[k] = state.recent[k + 1]
        weighted += (k + 1) * state.recent[k]
    state.recent[last] = 2.0 * half - whole
    weighted += (last + 1) * state.recent[last]
    if state.filled < last:
        state.filled += 1
        return NAN
    return 2.0 * weighted / ((last + 1) * (last + 2))


@kernel
def hull_batch(state: Any, values: NDArray[Any], averages: NDArray[Any]) -> None:
    """Feed a whole column; `averages[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        averages[i] = hull_update(state, values[i])


# ---- convergence and divergence of averages ----------------------------------------------------------------------
def start_macd(state: Any, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
    """Averages over `fast` and `slow` closes, and one of `signal` differences; ConfigError unless fast < slow."""
    if fast >= slow:
        raise ConfigError(f"MACD: fast is {fast}, expected less than slow ({slow})")
    start_mean_ema(state.fast, fast)
    start_mean_ema(state.slow, slow)
    start_mean_ema(state.smoothed, signal)
    state.wait = slow - fast
    state.macd = NAN
    state.signal = NAN
    state.histogram = NAN


@kernel
def macd_update(state: Any, close: int) -> float:
    """Fast minus slow exponential average of closes, in ticks; `signal` is its average, `histogram` what lies between.

    Every average is seeded by the mean of its first values, and the fast one starts late, so that both are seeded at
    the same bar. All three lines are NaN before bar slow + signal - 2, counted from 0. Source: Appel, The Moving
    Average Convergence-Divergence Trading Method (1985).
    """
    slow = mean_ema_update(state.slow, float(close))
    if state.wait > 0:
        state.wait -= 1
        return NAN
    fast = mean_ema_update(state.fast, float(close))
    if slow != slow:
        return NAN
    signal = mean_ema_update(state.smoothed, fast - slow)
    if signal != signal:
        return NAN
    state.macd = fast - slow
    state.signal = signal
    state.histogram = state.macd - signal
    return float(state.macd)


@kernel
def macd_batch(
    state: Any, closes: NDArray[Any], macds: NDArray[Any], signals: NDArray[Any], histograms: NDArray[Any]
) -> None:
    """Feed a whole column of ticks; the three lines after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        macds[i] = macd_update(state, closes[i])
        signals[i] = state.signal
        histograms[i] = state.histogram
