"""Where a float stands among the last ones: their mean and deviation without drift, and a rank among them.

MOMENTS   mean and sample standard deviation of the last `period` floats
RANK      a value's place among the `period` values before it, in per cent
"""

import math
from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
from quintet.core.records import record
from quintet.features.window import NAN, WINDOW_MAX, check_period

MOMENTS = record(
    running_mean="f8",
    running_squares="f8",
    period="i8",
    count="i8",
    slot="i8",
    means=("f8", WINDOW_MAX),
    squares=("f8", WINDOW_MAX),
)
"""The present block's mean and sum of squares about it; per place of the block before, those from there to its end."""

RANK_MAX: Final = 4096

RANK = record(oldest="i8", period="i8", count="i8", ring=("f8", RANK_MAX))
"""`ring` holds the last `period` values, `oldest` is where the next one goes."""


# ---- mean and deviation ------------------------------------------------------------------------------------------
def start_moments(state: Any, period: int) -> None:
    """Nothing seen yet of a window of `period` floats, 2 to 512; raises ConfigError."""
    if not 2 <= period <= WINDOW_MAX:
        raise ConfigError(f"moments: period is {period}, expected 2 to {WINDOW_MAX}")
    state.running_mean = 0.0
    state.running_squares = 0.0
    state.period = period
    state.count = 0
    state.slot = 0
    state.means[:] = 0.0
    state.squares[:] = 0.0


@kernel
def moments_update(state: Any, value: float) -> float:
    """Sample standard deviation (divisor n - 1) of the last n floats, same unit; NaN until there are as many.

    Two parts are joined, each with its mean and its squares about that mean, as in the windows that forget without
    subtracting: squares are only ever added, so they neither drift nor turn negative. Source: Chan, Golub and LeVeque,
    Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979).
    """
    n = state.period
    slot = state.slot
    if slot == 0:
        _close_block(state)
        state.running_mean = value
        state.running_squares = 0.0
    else:
        away = value - state.running_mean
        state.running_mean += away / (slot + 1)
        state.running_squares += away * (value - state.running_mean)
    state.means[slot] = value
    slot += 1
    state.slot = 0 if slot == n else slot
    if state.count < n:
        state.count += 1
        if state.count < n:
            return NAN
    squares = state.running_squares
    if slot < n:
        apart = state.running_mean - state.means[slot]
        squares += state.squares[slot] + apart * apart * (float(slot * (n - slot)) / n)
    return math.sqrt(squares / (n - 1))


@kernel
def _close_block(state: Any) -> None:
    """Turn the values of a full block into the mean and squares of each of its ends."""
    n = state.period
    mean = state.means[n - 1]
    squares = 0.0
    state.squares[n - 1] = 0.0
    for k in range(n - 2, -1, -1):
        away = state.means[k] - mean
        mean += away / (n - k)
        squares += away * (state.means[k] - mean)
        state.means[k] = mean
        state.squares[k] = squares


@kernel
def moments_batch(state: Any, values: NDArray[Any], deviations: NDArray[Any]) -> None:
    """Feed a whole column; `deviations[i]` is the value at `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        deviations[i] = moments_update(state, values[i])


# ---- rank --------------------------------------------------------------------------------------------------------
def start_rank(state: Any, period: int) -> None:
    """An empty ranking among `period` values, 1 to 4096; raises ConfigError."""
    check_period("rank", period, RANK_MAX)
    state.oldest = 0
    state.period = period
    state.count = 0
    state.ring[:] = 0.0


@kernel
def rank_update(state: Any, value: float) -> float:
    """How many of the n values before this one are lower, in per cent, 0 to 100; an equal one counts half.

    NaN until n values came before. Counting passes over the n values once; `value` is not NaN.
    """
    n = state.period
    rank = NAN
    if state.count == n:
        # Twice the count, so that a half is whole.
        lower = 0
        for k in range(n):
            lower += int(state.ring[k] < value) + int(state.ring[k] <= value)
        rank = 50.0 * lower / n
    else:
        state.count += 1
    state.ring[state.oldest] = value
    slot = state.oldest + 1
    state.oldest = 0 if slot == n else slot
    return rank


@kernel
def rank_batch(state: Any, values: NDArray[Any], ranks: NDArray[Any]) -> None:
    """Feed a whole column; `ranks[i]` is the place of `values[i]`. Both have the same length."""
    for i in range(values.shape[0]):
        ranks[i] = rank_update(state, values[i])
