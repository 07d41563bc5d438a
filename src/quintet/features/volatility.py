"""How far a price moves in a bar: true range and average true range (ATR), in ticks; and how unusual that is.

Two seeds, chosen by record type and named in what shows them:

    ATR       Wilder's: the first bar has no previous close and so no true range; the value at bar n (counted
              from 0) is the mean of the true ranges of bars 1 to n; NaN before
    ATR_EMA   the seed is the first bar's high - low; the same weights from there on; never NaN

Both forget their seed at the rate (1 - 1/n) a bar. A decision compares ATR as `atr_units`, whole numbers of 1/1024
tick: the last bit of a float never decides.
"""

from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.kernel import kernel, log
from quintet.core.records import record
from quintet.features.distribution import (
    MOMENTS,
    RANK,
    moments_update,
    rank_update,
    start_moments,
    start_rank,
)
from quintet.features.window import (
    EMA_FIELDS,
    NAN,
    WILDER_FIELDS,
    ema_update,
    start_wilder,
    start_wilder_ema,
    wilder_update,
)

ATR = record(bars="i8", previous_close="i8", **WILDER_FIELDS)
ATR_EMA = record(previous_close="i8", **EMA_FIELDS)

VOLATILITY_PERCENTILE = record(
    percentile="f8", volatility="f8", bars="i8", previous_close="i8", returns=MOMENTS, history=RANK
)

UNITS_PER_TICK: Final = 1024
"""The grid on which an ATR is compared: a power of two, so that scaling is exact."""


@kernel
def true_range(high: int, low: int, previous_close: int) -> int:
    """Ticks from the lowest to the highest price of the bar and the close before it; zero or more (Wilder 1978)."""
    top = high if high > previous_close else previous_close
    bottom = low if low < previous_close else previous_close
    return top - bottom


def start_atr(state: Any, period: int) -> None:
    """An ATR over `period` true ranges, nothing seen yet; raises ConfigError."""
    start_wilder(state, period)
    state.bars = 0
    state.previous_close = 0


@kernel
def atr_update(state: Any, high: int, low: int, close: int) -> float:
    """Wilder's ATR in ticks after this bar; NaN for the first `period` bars."""
    first = state.bars == 0
    before = state.previous_close
    state.bars += 1
    state.previous_close = close
    if first:
        return NAN
    return wilder_update(state, float(true_range(high, low, before)))


def start_atr_ema(state: Any, period: int) -> None:
    """An ATR with the first bar as seed, nothing seen yet; raises ConfigError."""
    start_wilder_ema(state, period)
    state.previous_close = 0


@kernel
def atr_ema_update(state: Any, high: int, low: int, close: int) -> float:
    """ATR in ticks after this bar, seeded by the first bar's high - low; never NaN."""
    # The first bar's own close lies inside it, so it stands in for the missing previous one.
    before = close if state.count == 0 else state.previous_close
    state.previous_close = close
    return ema_update(state, float(true_range(high, low, before)))


@kernel
def atr_units(atr: float) -> int:
    """ATR in 1/1024 ticks, to nearest: the form in which decisions compare it. `atr` is 0 or more, not NaN."""
    return int(atr * UNITS_PER_TICK + 0.5)


@kernel
def volatility_ratio(fast_atr: float, slow_atr: float) -> float:
    """Fast over slow ATR, no unit; 1.0 when nothing has moved in either; NaN while one does not exist."""
    if slow_atr == 0.0:
        return 1.0
    return fast_atr / slow_atr


@kernel
def atr_bps(atr: float, close: int) -> float:
    """ATR as basis points of the close, for display and float configuration; `close` is positive."""
    return 10_000.0 * atr / close


@kernel
def atr_batch(state: Any, highs: NDArray[Any], lows: NDArray[Any], closes: NDArray[Any], atrs: NDArray[Any]) -> None:
    """Feed whole columns of ticks; `atrs[i]` is the value after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        atrs[i] = atr_update(state, highs[i], lows[i], closes[i])


@kernel
def atr_ema_batch(
    state: Any, highs: NDArray[Any], lows: NDArray[Any], closes: NDArray[Any], atrs: NDArray[Any]
) -> None:
    """Feed whole columns of ticks; `atrs[i]` is the value after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        atrs[i] = atr_ema_update(state, highs[i], lows[i], closes[i])


# ---- historical volatility and its percentile --------------------------------------------------------------------
def start_volatility_percentile(state: Any, period: int = 96, history: int = 2016) -> None:
    """Volatility of `period` returns (2 to 512), ranked among `history` values (1 to 4096); raises ConfigError.

    The defaults are eight hours and a week of five-minute bars.
    """
    start_moments(state.returns, period)
    start_rank(state.history, history)
    state.percentile = NAN
    state.volatility = NAN
    state.bars = 0
    state.previous_close = 0


@kernel
def volatility_percentile_update(state: Any, close: int) -> float:
    """How many of the `history` volatilities before were lower, in per cent, 0 to 100; equal ones count half.

    `state.volatility` is the sample standard deviation (divisor n - 1) of the last n logarithmic returns, per bar: a
    year's is larger by the square root of the bars in a year. It exists from bar n on, counted from 0, the percentile
    `history` bars later; NaN before. Closes are positive.
    """
    before = state.previous_close
    state.previous_close = close
    if state.bars == 0:
        state.bars = 1
        return NAN
    volatility = moments_update(state.returns, log(float(close) / float(before)))
    if volatility == volatility:
        state.volatility = volatility
        state.percentile = rank_update(state.history, volatility)
    return float(state.percentile)


@kernel
def volatility_percentile_batch(
    state: Any, closes: NDArray[Any], percentiles: NDArray[Any], volatilities: NDArray[Any]
) -> None:
    """Feed a whole column of ticks; rank and volatility after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        percentiles[i] = volatility_percentile_update(state, closes[i])
        volatilities[i] = state.volatility
