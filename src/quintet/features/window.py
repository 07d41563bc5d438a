"""Rolling and decaying averages: the accumulators that the other features are made of.

    SMA      the exact mean of the last `period` whole numbers
    EMA      exponential average whose seed is the first value; also Wilder's smoothing with that seed
    WILDER   Wilder's smoothing, whose seed is the mean of the first `period` values

Each is a record type, a `start_...` that fills one zeroed or used record, and an update kernel. A record that contains
one of them names its own fields first: the compiler would take a record that *begins* with the fields of another for a
kind of it, and run code compiled for the other.
"""

import math
from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
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
