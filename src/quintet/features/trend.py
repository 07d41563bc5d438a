"""Direction and its strength: directional movement and ADX, no unit, 0 to 100.

Source: Wilder, New Concepts in Technical Trading Systems (1978). Both directional lines are movements over one
and the same true range, so the range cancels in DX = 100 |plus - minus| / (plus + minus) and is not kept.

Two seeds, chosen by record type:

    ADX       Wilder's: the first n movements, then the first n DX, seed with their mean; first value at bar 2n - 1
              (counted from 0); NaN before
    ADX_EMA   both smoothings are seeded by their first value, which is 0; never NaN
"""

from typing import Any

from numpy.typing import NDArray

from quintet.core.kernel import kernel
from quintet.core.records import record
from quintet.features.window import NAN, WILDER_FIELDS, check_period, start_wilder, wilder_update

ADX = record(bars="i8", previous_high="i8", previous_low="i8", plus="f8", minus="f8", **WILDER_FIELDS)
"""WILDER's fields smooth DX; `plus` and `minus` are sums until bar n, means and smoothed movements from there on."""

ADX_EMA = record(
    bars="i8", previous_high="i8", previous_low="i8", plus="f8", minus="f8", weight="f8", rest="f8", value="f8"
)


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


@kernel
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
