"""Price and volume together: volume-weighted average, money flow, Chaikin's money flow, relative volume.

A volume (lots) may be as large as 2^62 and a price 2^31 ticks, so their products do not fit an integer. They are summed
as floats by `window_sum_update` and its pair, which never subtract: nothing that has left a window leaves a trace.
"""

from typing import Any

from numpy.typing import NDArray

from quintet.core.kernel import kernel, kernel_inlined
from quintet.core.records import record
from quintet.features.window import (
    NAN,
    PAIR_SUM,
    SMA,
    WINDOW_SUM,
    pair_sum_update,
    sma_update,
    start_pair_sum,
    start_sma,
    start_window_sum,
    window_sum_update,
)

VWMA = record(sums=PAIR_SUM, closes=SMA)
"""Of close times volume, and of volume."""

MFI = record(bars="i8", previous_total="i8", flows=PAIR_SUM)
"""`previous_total` is high + low + close of the bar before, three times its typical price; flows go in and out."""

CMF = record(sums=PAIR_SUM)
"""Of place times volume, and of volume."""

RELATIVE_VOLUME = record(before="f8", volumes=WINDOW_SUM)
"""`before` is the sum of the last `period` volumes, to compare the next one with; NaN until there are as many."""


# ---- volume-weighted moving average ------------------------------------------------------------------------------
def start_vwma(state: Any, period: int = 20) -> None:
    """A volume-weighted mean of `period` closes, 1 to 512; raises ConfigError."""
    start_pair_sum(state.sums, period)
    start_sma(state.closes, period)


@kernel
def vwma_update(state: Any, close: int, volume: int) -> float:
    """Mean of the last n closes weighted by volume, in ticks; the plain mean without volume; NaN before the n-th."""
    mean = sma_update(state.closes, close)
    if pair_sum_update(state.sums, float(close) * float(volume), float(volume)) and state.sums.second > 0.0:
        return state.sums.first / state.sums.second
    return mean


@kernel
def vwma_batch(state: Any, closes: NDArray[Any], volumes: NDArray[Any], averages: NDArray[Any]) -> None:
    """Feed whole columns of ticks and lots; `averages[i]` is the value after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        averages[i] = vwma_update(state, closes[i], volumes[i])


# ---- money flow index --------------------------------------------------------------------------------------------
def start_mfi(state: Any, period: int = 14) -> None:
    """A money flow index over `period` changes, 1 to 512; raises ConfigError."""
    start_pair_sum(state.flows, period)
    state.bars = 0
    state.previous_total = 0


@kernel_inlined
def mfi_update(state: Any, high: int, low: int, close: int, volume: int) -> float:
    """100 * inflow / (inflow + outflow) over the last n bars, 0 to 100; NaN for the first n bars; 50 without any flow.

    A bar's flow is typical price (high + low + close) / 3 times volume: in when that price rose, out when it fell,
    neither when it stayed. The third cancels, so rose and fell are decided on whole numbers. Source: Quong and Soudack,
    Volume-Weighted RSI: Money Flow, Technical Analysis of Stocks and Commodities 7:3 (1989).
    """
    total = high + low + close
    change = total - state.previous_total
    state.previous_total = total
    if state.bars == 0:
        state.bars = 1
        return NAN
    flow = float(total) * float(volume)
    if not pair_sum_update(state.flows, flow if change > 0 else 0.0, flow if change < 0 else 0.0):
        return NAN
    both = state.flows.first + state.flows.second
    if both == 0.0:
        return 50.0
    return 100.0 * state.flows.first / both


@kernel
def mfi_batch(
    state: Any,
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    volumes: NDArray[Any],
    flows: NDArray[Any],
) -> None:
    """Feed whole columns of ticks and lots; `flows[i]` is the index after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        flows[i] = mfi_update(state, highs[i], lows[i], closes[i], volumes[i])


# ---- Chaikin money flow ------------------------------------------------------------------------------------------
def start_cmf(state: Any, period: int = 20) -> None:
    """A Chaikin money flow over `period` bars, 1 to 512; raises ConfigError."""
    start_pair_sum(state.sums, period)


@kernel
def cmf_update(state: Any, high: int, low: int, close: int, volume: int) -> float:
    """Sum of place * volume over the sum of volume of the last n bars, -1 to 1; NaN before the n-th; 0 without volume.

    `place` is where the bar closed, from -1 at its low to 1 at its high; a bar without a range contributes 0. Source:
    Chaikin's accumulation/distribution line, summed over a window.
    """
    spread = high - low
    place = 0.0
    if spread > 0:
        place = float(2 * close - high - low) / float(spread)
    if not pair_sum_update(state.sums, place * float(volume), float(volume)):
        return NAN
    if state.sums.second == 0.0:
        return 0.0
    return state.sums.first / state.sums.second


@kernel
def cmf_batch(
    state: Any,
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    volumes: NDArray[Any],
    flows: NDArray[Any],
) -> None:
    """Feed whole columns of ticks and lots; `flows[i]` is the value after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        flows[i] = cmf_update(state, highs[i], lows[i], closes[i], volumes[i])


# ---- relative volume ---------------------------------------------------------------------------------------------
def start_relative_volume(state: Any, period: int = 20) -> None:
    """A bar's volume against the mean of the `period` bars before it, 1 to 512; raises ConfigError."""
    start_window_sum(state.volumes, period)
    state.before = NAN


@kernel
def relative_volume_update(state: Any, volume: int) -> float:
    """A bar's volume over the mean of the n before it, no unit; NaN for the first n bars and after n empty ones.

    The bar is not part of what it is compared with: a burst does not hide behind itself.
    """
    before = state.before
    state.before = window_sum_update(state.volumes, float(volume))
    if before > 0.0:
        return float(volume) * state.volumes.period / before
    return NAN


@kernel
def relative_volume_batch(state: Any, volumes: NDArray[Any], ratios: NDArray[Any]) -> None:
    """Feed a whole column of lots; `ratios[i]` is the value after bar i. Both have the same length."""
    for i in range(volumes.shape[0]):
        ratios[i] = relative_volume_update(state, volumes[i])
