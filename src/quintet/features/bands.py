"""Channels round a price, all lines in ticks: Bollinger, Keltner, Donchian; and the squeeze of one inside another.

An update returns the middle line; `middle`, `upper` and `lower` stand in the record, NaN until the channel exists.
"""

from typing import Any

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
from quintet.core.records import record
from quintet.features.volatility import ATR, atr_update, start_atr
from quintet.features.window import (
    DEVIATION,
    HIGHEST,
    MEAN_EMA,
    NAN,
    deviation_update,
    highest_update,
    mean_ema_update,
    start_deviation,
    start_highest,
    start_mean_ema,
)

BOLLINGER = record(middle="f8", upper="f8", lower="f8", multiple="f8", closes=DEVIATION)

KELTNER = record(middle="f8", upper="f8", lower="f8", multiple="f8", average=MEAN_EMA, atr=ATR)

DONCHIAN = record(middle="f8", upper="f8", lower="f8", highs=HIGHEST, lows=HIGHEST)
"""`lows` holds negated lows."""

SQUEEZE = record(on="f8", bars_on="i8", release="i8", bollinger=BOLLINGER, keltner=KELTNER)
"""`bars_on` counts the bars of the present squeeze; `release` is the side on which it ended at this bar, else 0."""


def check_multiple(what: str, multiple: float) -> None:
    """Raise ConfigError naming `what` unless `multiple` is above 0 and at most 100."""
    if not 0.0 < multiple <= 100.0:
        raise ConfigError(f"{what}: multiple is {multiple}, expected above 0 and at most 100")


def _forget_lines(state: Any) -> None:
    state.middle = NAN
    state.upper = NAN
    state.lower = NAN


# ---- Bollinger ---------------------------------------------------------------------------------------------------
def start_bollinger(state: Any, period: int = 20, multiple: float = 2.0) -> None:
    """Bands of `multiple` standard deviations round the mean of `period` closes, 1 to 512; raises ConfigError."""
    check_multiple("Bollinger", multiple)
    start_deviation(state.closes, period)
    state.multiple = multiple
    _forget_lines(state)


@kernel
def bollinger_update(state: Any, close: int) -> float:
    """The mean of the last n closes; the bands stand a multiple of their population deviation (divisor n) away.

    NaN before the n-th bar. Source: Bollinger, Bollinger on Bollinger Bands (2001).
    """
    deviation = deviation_update(state.closes, close)
    middle = state.closes.middle
    if middle == middle:
        state.middle = middle
        state.upper = middle + state.multiple * deviation
        state.lower = middle - state.multiple * deviation
    return float(middle)


@kernel
def bollinger_batch(
    state: Any, closes: NDArray[Any], middles: NDArray[Any], uppers: NDArray[Any], lowers: NDArray[Any]
) -> None:
    """Feed a whole column of ticks; the three lines after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        middles[i] = bollinger_update(state, closes[i])
        uppers[i] = state.upper
        lowers[i] = state.lower


# ---- Keltner -----------------------------------------------------------------------------------------------------
def start_keltner(state: Any, period: int = 20, atr_period: int = 10, multiple: float = 2.0) -> None:
    """Bands of `multiple` ATR round an exponential average of closes; raises ConfigError."""
    check_multiple("Keltner", multiple)
    start_mean_ema(state.average, period)
    start_atr(state.atr, atr_period)
    state.multiple = multiple
    _forget_lines(state)


@kernel
def keltner_update(state: Any, high: int, low: int, close: int) -> float:
    """The exponential average of closes (seed: mean of the first n); the bands stand a multiple of Wilder's ATR away.

    NaN until both exist, from bar max(period - 1, atr_period) on, counted from 0. Source: Keltner (1960) in the form
    of Raschke, with exponential average and true range.
    """
    middle = mean_ema_update(state.average, float(close))
    atr = atr_update(state.atr, high, low, close)
    if middle != middle or atr != atr:
        return NAN
    state.middle = middle
    state.upper = middle + state.multiple * atr
    state.lower = middle - state.multiple * atr
    return middle


@kernel
def keltner_batch(
    state: Any,
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    middles: NDArray[Any],
    uppers: NDArray[Any],
    lowers: NDArray[Any],
) -> None:
    """Feed whole columns of ticks; the three lines after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        middles[i] = keltner_update(state, highs[i], lows[i], closes[i])
        uppers[i] = state.upper
        lowers[i] = state.lower


# ---- Donchian ----------------------------------------------------------------------------------------------------
def start_donchian(state: Any, period: int = 20) -> None:
    """The highest high and lowest low of `period` bars, 1 to 512; raises ConfigError."""
    start_highest(state.highs, period)
    start_highest(state.lows, period)
    _forget_lines(state)


@kernel
def donchian_update(state: Any, high: int, low: int) -> float:
    """Half-way between the highest high and the lowest low of the last n bars, this one included; NaN before the n-th.

    A breakout is a close beyond the channel of the bar before: this bar's own high is already inside.
    """
    top = highest_update(state.highs, high)
    depth = highest_update(state.lows, -low)
    if top != top:
        return NAN
    state.upper = top
    state.lower = -depth
    state.middle = 0.5 * (top - depth)
    return float(state.middle)


@kernel
def donchian_batch(
    state: Any,
    highs: NDArray[Any],
    lows: NDArray[Any],
    middles: NDArray[Any],
    uppers: NDArray[Any],
    lowers: NDArray[Any],
) -> None:
    """Feed whole columns of ticks; the three lines after bar i. All have the same length."""
    for i in range(highs.shape[0]):
        middles[i] = donchian_update(state, highs[i], lows[i])
        uppers[i] = state.upper
        lowers[i] = state.lower


# ---- squeeze -----------------------------------------------------------------------------------------------------
def start_squeeze(
    state: Any, period: int = 20, deviations: float = 2.0, atr_period: int = 20, atrs: float = 1.5
) -> None:
    """Bollinger bands of `deviations` against Keltner bands of `atrs`, both over `period` closes; ConfigError."""
    start_bollinger(state.bollinger, period, deviations)
    start_keltner(state.keltner, period, atr_period, atrs)
    state.on = NAN
    state.bars_on = 0
    state.release = 0


@kernel
def squeeze_update(state: Any, high: int, low: int, close: int) -> float:
    """1.0 while the Bollinger bands lie inside the Keltner bands, else 0.0; NaN until both exist.

    At the bar that ends a squeeze `release` is the side of the Bollinger middle on which it closed, +1 or -1 (0 on
    it). Source: Carter, Mastering the Trade (2005).
    """
    middle = bollinger_update(state.bollinger, close)
    centre = keltner_update(state.keltner, high, low, close)
    state.release = 0
    if middle != middle or centre != centre:
        return NAN
    if state.bollinger.upper < state.keltner.upper and state.bollinger.lower > state.keltner.lower:
        state.on = 1.0
        state.bars_on += 1
        return 1.0
    if state.bars_on > 0:
        if close > middle:
            state.release = 1
        elif close < middle:
            state.release = -1
    state.on = 0.0
    state.bars_on = 0
    return 0.0


@kernel
def squeeze_batch(
    state: Any,
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    ons: NDArray[Any],
    bars_on: NDArray[Any],
    releases: NDArray[Any],
) -> None:
    """Feed whole columns of ticks; on or off, bars on, and release after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        ons[i] = squeeze_update(state, highs[i], lows[i], closes[i])
        bars_on[i] = state.bars_on
        releases[i] = state.release
