"""Rolling and decaying averages, sums and extremes: the accumulators that the other features are made of.

    SMA          the exact mean of the last `period` whole numbers
    EMA          exponential average whose seed is the first value; also Wilder's smoothing with that seed
    WILDER       Wilder's smoothing, whose seed is the mean of the first `period` values
    MEAN_EMA     exponential average whose seed is the mean of the first `period` values; also Wilder's smoothing
    WMA          mean of the last `period` whole numbers, whose weights rise by one from the oldest to the newest
    DEVIATION    standard deviation of the last `period` whole numbers
    HIGHEST      the highest of the last `period` whole numbers
    WINDOW_SUM   sum of the last `period` floats; PAIR_SUM is two of them

Each is a record type, a `start_...` that fills one zeroed or used record, and an update kernel. A record that contains
one of them names its own fields first: the compiler would take a record that *begins* with the fields of another for a
kind of it, and run code compiled for the other.
"""

import math
from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel, kernel_inlined
from quintet.core.records import record

NAN: Final = math.nan

SMA_PERIOD_MAX: Final = 512

SMA = record(period="i8", count="i8", oldest="i8", total="i8", ring=("i8", SMA_PERIOD_MAX))
"""`ring` holds the last `period` values, `oldest` is where the next one goes, `total` is their sum."""

EMA_FIELDS: Final[dict[str, str]] = {"weight": "f8", "rest": "f8", "count": "i8", "value": "f8"}
EMA = record(**EMA_FIELDS)
"""`weight` is that of the newest value, `rest` is 1 - weight."""

WILDER_FIELDS: Final[dict[str, str]] = {"period": "i8", "count": "i8", "total": "f8", "value": "f8"}
WILDER = record(**WILDER_FIELDS)
"""`total` is the sum of the first `period` values; afterwards it rests."""

MEAN_EMA = record(period="i8", weight="f8", rest="f8", count="i8", total="f8", value="f8")
"""EMA's weights, WILDER's seed."""

WINDOW_MAX: Final = SMA_PERIOD_MAX
"""Longest window of those below."""

WMA = record(weighted="i8", period="i8", count="i8", oldest="i8", total="i8", ring=("i8", WINDOW_MAX))
"""`weighted` is the sum of weight times value, `total` the plain sum."""

DEVIATION = record(squares_high="i8", squares_low="i8", middle="f8", share="f8", window=SMA)
"""`squares_high * 2^31 + squares_low` is the sum of squares of the values in `window`; `share` is 1 / period."""

HIGHEST = record(running="i8", period="i8", count="i8", slot="i8", ring=("i8", WINDOW_MAX))
"""`running` is the highest of the present block, `slot` the place of its next value."""

WINDOW_SUM = record(running="f8", period="i8", count="i8", slot="i8", ring=("f8", WINDOW_MAX))
"""`running` is the sum of the present block, `slot` the place of its next value."""

PAIR_SUM = record(
    first="f8",
    second="f8",
    running_first="f8",
    running_second="f8",
    period="i8",
    count="i8",
    slot="i8",
    firsts=("f8", WINDOW_MAX),
    seconds=("f8", WINDOW_MAX),
)
"""Two window sums that move together; `first` and `second` are the sums, NaN until the window is full."""

_WORD_BITS: Final = 31
_WORD: Final = 2_147_483_648.0
_WORD_MASK: Final = 2**31 - 1


def check_period(what: str, period: int, longest: int) -> None:
    """Raise ConfigError naming `what` unless 1 <= period <= longest."""
    if not 1 <= period <= longest:
        raise ConfigError(f"{what}: period is {period}, expected 1 to {longest}")


def start_sma(state: Any, period: int) -> None:
    """An empty mean over `period` values, 1 to 512; raises ConfigError."""
    check_period("SMA", period, SMA_PERIOD_MAX)
    state.period = period
    state.count = 0
    state.oldest = 0
    state.total = 0
    state.ring[:] = 0


@kernel
def sma_update(state: Any, value: int) -> float:
    """Mean of the last `period` values including this one, same unit as the values; NaN until there are as many.

    The sum is kept in integers, so it is exact however long the stream; the one division rounds once.
    """
    slot = state.oldest
    # Places not yet used hold zero, so the filling and the full window share one line.
    state.total += value - state.ring[slot]
    state.ring[slot] = value
    slot += 1
    if slot == state.period:
        slot = 0
    state.oldest = slot
    if state.count < state.period:
        state.count += 1
        if state.count < state.period:
            return NAN
    return float(state.total) / float(state.period)


def start_ema(state: Any, period: int) -> None:
    """An exponential average with weight 2 / (period + 1); raises ConfigError."""
    check_period("EMA", period, 2**31)
    _start_decay(state, 2.0 / (period + 1))


def start_wilder_ema(state: Any, period: int) -> None:
    """Wilder's weight 1 / period with the first value as seed (pandas: `ewm(alpha=1/n, adjust=False)`)."""
    check_period("Wilder EMA", period, 2**31)
    _start_decay(state, 1.0 / period)


def _start_decay(state: Any, weight: float) -> None:
    state.weight = weight
    state.rest = 1.0 - weight
    state.count = 0
    state.value = NAN


@kernel
def ema_update(state: Any, value: float) -> float:
    """`rest * previous + weight * value`, same unit as the value; the first value is the seed, so never NaN."""
    if state.count == 0:
        state.count = 1
        state.value = value
    else:
        state.value = state.rest * state.value + state.weight * value
    return float(state.value)


def start_wilder(state: Any, period: int) -> None:
    """Wilder's smoothing over `period` values, nothing seen yet; raises ConfigError."""
    check_period("Wilder smoothing", period, 2**31)
    state.period = period
    state.count = 0
    state.total = 0.0
    state.value = NAN


@kernel
def wilder_update(state: Any, value: float) -> float:
    """The mean of the first n values at the n-th, then `((n - 1) * previous + value) / n`; NaN before the n-th.

    Source: Wilder, New Concepts in Technical Trading Systems (1978). Works on any record with WILDER's fields.
    """
    if state.count == state.period:
        state.value = ((state.period - 1) * state.value + value) / state.period
        return float(state.value)
    state.count += 1
    state.total += value
    if state.count == state.period:
        state.value = state.total / state.period
    return float(state.value)


@kernel
def sma_batch(state: Any, values: NDArray[Any], means: NDArray[Any]) -> None:
    """Feed a whole column; `means[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        means[i] = sma_update(state, values[i])


@kernel
def ema_batch(state: Any, values: NDArray[Any], averages: NDArray[Any]) -> None:
    """Feed a whole column; `averages[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        averages[i] = ema_update(state, values[i])


@kernel
def wilder_batch(state: Any, values: NDArray[Any], averages: NDArray[Any]) -> None:
    """Feed a whole column; `averages[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        averages[i] = wilder_update(state, values[i])


# ---- an exponential average that says nothing before its seed ----------------------------------------------------
def start_mean_ema(state: Any, period: int) -> None:
    """An exponential average with weight 2 / (period + 1) and the mean of the first values as seed; ConfigError."""
    check_period("mean EMA", period, 2**31)
    _start_mean_decay(state, period, 2.0 / (period + 1))


def start_wilder_mean_ema(state: Any, period: int) -> None:
    """WILDER's weight and seed with a multiplication in place of its division, nothing seen yet; raises ConfigError.

    The same smoothing to the last bit or two. ATR and ADX keep the division, whose bits are in what systems remember.
    """
    check_period("Wilder smoothing", period, 2**31)
    _start_mean_decay(state, period, 1.0 / period)


def _start_mean_decay(state: Any, period: int, weight: float) -> None:
    state.period = period
    state.weight = weight
    state.rest = 1.0 - weight
    state.count = 0
    state.total = 0.0
    state.value = NAN


@kernel
def mean_ema_update(state: Any, value: float) -> float:
    """The mean of the first n values at the n-th, then `rest * previous + weight * value`; NaN before the n-th."""
    if state.count == state.period:
        state.value = state.rest * state.value + state.weight * value
        return float(state.value)
    state.count += 1
    state.total += value
    if state.count == state.period:
        state.value = state.total / state.period
    return float(state.value)


# ---- sums of whole numbers: exact --------------------------------------------------------------------------------
def start_wma(state: Any, period: int) -> None:
    """An empty linearly weighted mean over `period` values, 1 to 512; raises ConfigError."""
    check_period("WMA", period, WINDOW_MAX)
    state.period = period
    state.count = 0
    state.oldest = 0
    state.total = 0
    state.weighted = 0
    state.ring[:] = 0


@kernel
def wma_update(state: Any, value: int) -> float:
    """Mean of the last n values with weights 1 (oldest) to n (newest), same unit; NaN until there are as many.

    Both sums are integers below 2^31 * n (n + 1) / 2 < 2^49, so they are exact however long the stream.
    """
    n = state.period
    slot = state.oldest
    # Every value inside loses one weight, which lets the oldest go; the new one enters with the largest.
    state.weighted += n * value - state.total
    state.total += value - state.ring[slot]
    state.ring[slot] = value
    slot += 1
    state.oldest = 0 if slot == n else slot
    if state.count < n:
        state.count += 1
        if state.count < n:
            return NAN
    return 2.0 * float(state.weighted) / float(n * (n + 1))


def start_deviation(state: Any, period: int) -> None:
    """An empty standard deviation over `period` values, 1 to 512; raises ConfigError."""
    check_period("standard deviation", period, WINDOW_MAX)
    start_sma(state.window, period)
    state.squares_high = 0
    state.squares_low = 0
    state.middle = NAN
    state.share = 1.0 / period


@kernel_inlined
def deviation_update(state: Any, value: int) -> float:
    """Population standard deviation (divisor n) of the last n values, same unit; NaN until there are as many.

    `state.middle` is their mean. Values are whole and below 2^31 in size. A square is then below 2^62, and the sum of
    512 of them does not fit 64 bits: it is kept in two words, high * 2^31 + low, each below 2^41. With c the mean to
    the nearest whole number and e = total - n c, the squares about c sum to

        S - n c^2 - 2 c e

    again word by word, each below 2^42: nothing overflows, nothing is rounded, and what is large has cancelled before
    the first float. What remains, n times it less e^2, is at least half of what it is taken from: a flat window has the
    deviation 0, and no window a negative variance.
    """
    window = state.window
    gone = window.ring[window.oldest]
    square = value * value
    gone_square = gone * gone
    state.squares_high += (square >> _WORD_BITS) - (gone_square >> _WORD_BITS)
    state.squares_low += (square & _WORD_MASK) - (gone_square & _WORD_MASK)
    middle = sma_update(window, value)
    state.middle = middle
    if middle != middle:
        return NAN
    n = window.period
    c = math.floor(middle + 0.5)
    e = window.total - n * c
    high = state.squares_high - n * ((c * c) >> _WORD_BITS)
    low = state.squares_low - n * ((c * c) & _WORD_MASK) - 2 * c * e
    squares = float(high) * _WORD + float(low)
    return math.sqrt(n * squares - float(e * e)) * state.share


# ---- windows that forget without subtracting ---------------------------------------------------------------------
# The stream is cut into blocks of n values. While a block fills, its own part of the window is carried along in
# `running`; the part of the block before is read from `ring`, where every place holds the result from there to the
# block's end. Made anew once in n values, in place: a constant number of steps a value, and nothing to take back.
# Source: van Herk 1992; Gil and Werman 1993, for maxima; it holds for whatever can be joined.
def start_highest(state: Any, period: int) -> None:
    """An empty maximum over `period` values, 1 to 512; raises ConfigError."""
    check_period("highest", period, WINDOW_MAX)
    state.running = 0
    state.period = period
    state.count = 0
    state.slot = 0
    state.ring[:] = 0


@kernel
def highest_update(state: Any, value: int) -> float:
    """The highest of the last n whole values, this one included; NaN until there are as many.

    The lowest of values is the highest of their negatives, negated.
    """
    n = state.period
    slot = state.slot
    if slot == 0:
        for k in range(n - 2, -1, -1):
            if state.ring[k] < state.ring[k + 1]:
                state.ring[k] = state.ring[k + 1]
        state.running = value
    elif value > state.running:
        state.running = value
    state.ring[slot] = value
    slot += 1
    state.slot = 0 if slot == n else slot
    if state.count < n:
        state.count += 1
        if state.count < n:
            return NAN
    if slot < n and state.ring[slot] > state.running:
        return float(state.ring[slot])
    return float(state.running)


def start_window_sum(state: Any, period: int) -> None:
    """An empty sum over `period` values, 1 to 512; raises ConfigError."""
    check_period("window sum", period, WINDOW_MAX)
    state.running = 0.0
    state.period = period
    state.count = 0
    state.slot = 0
    state.ring[:] = 0.0


@kernel
def window_sum_update(state: Any, value: float) -> float:
    """Sum of the last n floats, this one included; NaN until there are as many.

    For what an integer cannot hold, such as price times volume. Only additions: of values that are not negative the
    sum is right to n roundings, whatever was once in the window, and a window of zeros sums to zero.
    """
    n = state.period
    slot = state.slot
    if slot == 0:
        for k in range(n - 2, -1, -1):
            state.ring[k] += state.ring[k + 1]
        state.running = value
    else:
        state.running += value
    state.ring[slot] = value
    slot += 1
    state.slot = 0 if slot == n else slot
    if state.count < n:
        state.count += 1
        if state.count < n:
            return NAN
    if slot < n:
        return float(state.running + state.ring[slot])
    return float(state.running)


def start_pair_sum(state: Any, period: int) -> None:
    """Two empty sums over `period` values, 1 to 512; raises ConfigError."""
    check_period("window sum", period, WINDOW_MAX)
    state.first = NAN
    state.second = NAN
    state.running_first = 0.0
    state.running_second = 0.0
    state.period = period
    state.count = 0
    state.slot = 0
    state.firsts[:] = 0.0
    state.seconds[:] = 0.0


@kernel_inlined
def pair_sum_update(state: Any, first: float, second: float) -> bool:
    """`window_sum_update` for two values of the same bar; the sums are left in the record. Is the window full?"""
    n = state.period
    slot = state.slot
    if slot == 0:
        for k in range(n - 2, -1, -1):
            state.firsts[k] += state.firsts[k + 1]
            state.seconds[k] += state.seconds[k + 1]
        state.running_first = first
        state.running_second = second
    else:
        state.running_first += first
        state.running_second += second
    state.firsts[slot] = first
    state.seconds[slot] = second
    slot += 1
    state.slot = 0 if slot == n else slot
    if state.count < n:
        state.count += 1
        if state.count < n:
            return False
    if slot < n:
        state.first = state.running_first + state.firsts[slot]
        state.second = state.running_second + state.seconds[slot]
    else:
        state.first = state.running_first
        state.second = state.running_second
    return True


# ---- whole columns -----------------------------------------------------------------------------------------------
@kernel
def mean_ema_batch(state: Any, values: NDArray[Any], averages: NDArray[Any]) -> None:
    """Feed a whole column; `averages[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        averages[i] = mean_ema_update(state, values[i])


@kernel
def wma_batch(state: Any, values: NDArray[Any], means: NDArray[Any]) -> None:
    """Feed a whole column; `means[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        means[i] = wma_update(state, values[i])


@kernel
def deviation_batch(state: Any, values: NDArray[Any], deviations: NDArray[Any]) -> None:
    """Feed a whole column; `deviations[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        deviations[i] = deviation_update(state, values[i])


@kernel
def highest_batch(state: Any, values: NDArray[Any], highest: NDArray[Any]) -> None:
    """Feed a whole column; `highest[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        highest[i] = highest_update(state, values[i])


@kernel
def window_sum_batch(state: Any, values: NDArray[Any], sums: NDArray[Any]) -> None:
    """Feed a whole column; `sums[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        sums[i] = window_sum_update(state, values[i])
