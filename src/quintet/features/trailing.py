"""Stops that follow a price and change sides when it is touched: Parabolic SAR and Supertrend, in ticks.

Of both, `side` is +1 while the line lies below the price (long), -1 while it lies above (short), 0 before it exists.
"""

from typing import Any

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel, kernel_inlined
from quintet.core.records import record
from quintet.features.bands import check_multiple
from quintet.features.volatility import ATR, atr_update, start_atr
from quintet.features.window import NAN

PARABOLIC = record(
    line="f8",
    side="i8",
    following="f8",
    extreme="f8",
    pace="f8",
    step="f8",
    pace_max="f8",
    bars="i8",
    previous_high="i8",
    previous_low="i8",
)
"""`line` held for this bar, `following` is the stop of the next one; `extreme` is the furthest price of this side."""

SUPERTREND = record(
    line="f8", side="i8", upper="f8", lower="f8", multiple="f8", bars="i8", previous_close="i8", atr=ATR
)
"""`upper` and `lower` are the two bands; `line` is the one the price has not passed."""


# ---- Parabolic SAR -----------------------------------------------------------------------------------------------
def start_parabolic(state: Any, step: float = 0.02, pace_max: float = 0.2) -> None:
    """Nothing seen yet; a stop that gains `step` of pace with each new extreme, up to `pace_max`; ConfigError."""
    if not 0.0 < step <= pace_max <= 1.0:
        raise ConfigError(f"Parabolic SAR: step is {step} and pace_max {pace_max}, expected 0 < step <= pace_max <= 1")
    state.line = NAN
    state.side = 0
    state.following = NAN
    state.extreme = NAN
    state.pace = 0.0
    state.step = step
    state.pace_max = pace_max
    state.bars = 0
    state.previous_high = 0
    state.previous_low = 0


@kernel_inlined
def parabolic_update(state: Any, high: int, low: int) -> float:
    """The stop that held during this bar, in ticks; where the bar touched it, the first stop of the other side.

    NaN at the first bar. The second chooses the side: short when its low fell further than its high rose, else long.
    Source: Wilder, New Concepts in Technical Trading Systems (1978), who leaves the first side to the trader.
    """
    if state.bars == 0:
        state.bars = 1
        state.previous_high = high
        state.previous_low = low
        return NAN
    if state.bars == 1:
        state.bars = 2
        _choose_side(state, high, low)
        # The stop of this bar may not be held back by the bar before it, which it was made of.
        state.previous_high = high
        state.previous_low = low
    if state.side == 1:
        _follow(state, 1, low, high, state.previous_low, state.previous_high)
    else:
        _follow(state, -1, -high, -low, -state.previous_high, -state.previous_low)
    state.previous_high = high
    state.previous_low = low
    return float(state.line)


@kernel
def _choose_side(state: Any, high: int, low: int) -> None:
    """Begin at the second bar: the stop is the other end of the first."""
    rise = high - state.previous_high
    fall = state.previous_low - low
    state.pace = state.step
    if fall > 0 and fall > rise:
        state.side = -1
        state.extreme = float(low)
        state.following = float(state.previous_high)
    else:
        state.side = 1
        state.extreme = float(high)
        state.following = float(state.previous_low)


@kernel_inlined
def _follow(state: Any, side: int, near: int, far: int, previous_near: int, previous_far: int) -> None:
    """One bar of a long position; a short one is a long one in the mirror, with every price negated."""
    stop = side * state.following
    extreme = side * state.extreme
    if near <= stop:
        # Touched: the other side begins at the extreme, or outside the last two bars where those reach further.
        stop = _at_least(_at_least(extreme, previous_far), far)
        state.line = side * stop
        state.side = -side
        state.pace = state.step
        extreme = float(near)
        stop = _at_least(_at_least(stop + state.pace * (extreme - stop), previous_far), far)
    else:
        state.line = side * stop
        if far > extreme:
            extreme = float(far)
            faster = state.pace + state.step
            state.pace = faster if faster < state.pace_max else state.pace_max
        # Never inside the last two bars.
        stop = _at_most(_at_most(stop + state.pace * (extreme - stop), previous_near), near)
    state.following = side * stop
    state.extreme = side * extreme


@kernel
def _at_least(price: float, bound: int) -> float:
    """The price, or the bound where that is higher."""
    if price < bound:
        return float(bound)
    return price


@kernel
def _at_most(price: float, bound: int) -> float:
    """The price, or the bound where that is lower."""
    if price > bound:
        return float(bound)
    return price


@kernel
def parabolic_batch(
    state: Any, highs: NDArray[Any], lows: NDArray[Any], lines: NDArray[Any], sides: NDArray[Any]
) -> None:
    """Feed whole columns of ticks; stop and side after bar i. All have the same length."""
    for i in range(highs.shape[0]):
        lines[i] = parabolic_update(state, highs[i], lows[i])
        sides[i] = state.side


# ---- Supertrend --------------------------------------------------------------------------------------------------
def start_supertrend(state: Any, period: int = 10, multiple: float = 3.0) -> None:
    """Bands of `multiple` ATR round the middle of each bar, nothing seen yet; raises ConfigError."""
    check_multiple("Supertrend", multiple)
    start_atr(state.atr, period)
    state.line = NAN
    state.side = 0
    state.upper = NAN
    state.lower = NAN
    state.multiple = multiple
    state.bars = 0
    state.previous_close = 0


@kernel
def supertrend_update(state: Any, high: int, low: int, close: int) -> float:
    """The band that holds after this close, in ticks; NaN for the first `period` bars.

    Each band stands a multiple of Wilder's ATR from (high + low) / 2 and moves towards the price only, until the close
    before lay beyond it. The side turns when a close passes the line. It begins short, as on the charts that made it
    known; a close above the upper band turns it. Source: Seban, in the form used there.
    """
    before = state.previous_close
    state.previous_close = close
    atr = atr_update(state.atr, high, low, close)
    if atr != atr:
        return NAN
    middle = 0.5 * (high + low)
    upper = middle + state.multiple * atr
    lower = middle - state.multiple * atr
    if state.side == 0:
        state.side = -1
        state.upper = upper
        state.lower = lower
    else:
        if upper < state.upper or before > state.upper:
            state.upper = upper
        if lower > state.lower or before < state.lower:
            state.lower = lower
    if state.side == 1 and close < state.lower:
        state.side = -1
    elif state.side == -1 and close > state.upper:
        state.side = 1
    state.line = state.lower if state.side == 1 else state.upper
    return float(state.line)


@kernel
def supertrend_batch(
    state: Any,
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    lines: NDArray[Any],
    sides: NDArray[Any],
) -> None:
    """Feed whole columns of ticks; line and side after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        lines[i] = supertrend_update(state, highs[i], lows[i], closes[i])
        sides[i] = state.side
