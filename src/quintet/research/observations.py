"""Columns of numbers as statistics want them: one dimension, finite, and with a variation worth dividing by."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import InputError

Series = NDArray[np.float64]

RESOLUTION: Final = 1e-14
"""Differences of returns below this are rounding: a return is a ratio of two floats near 1, less 1."""


def series(values: ArrayLike, name: str) -> Series:
    """`values` as one column of floats; raises InputError naming the first that is not a finite number."""
    column: Series = np.asarray(values, np.float64)
    if column.ndim != 1:
        raise InputError(f"{name}: expected one column, found an array of shape {column.shape}")
    wrong = np.flatnonzero(~np.isfinite(column))
    if len(wrong):
        raise InputError(f"{name}: number {wrong[0]} is {column[wrong[0]]}, expected a finite number")
    return column


def varies(column: Series) -> bool:
    """Whether the numbers differ by more than rounding; a ratio over their deviation has a meaning only then."""
    if len(column) < 2:
        return False
    largest = float(np.abs(column).max())
    return bool(np.ptp(column) > max(RESOLUTION, 1e-12 * largest))


def deviation(column: Series) -> float | None:
    """Sample standard deviation (divisor n - 1); None when nothing varies."""
    return float(column.std(ddof=1)) if varies(column) else None


def standardised_moment(column: Series, order: int) -> float | None:
    """Mean of ((x - mean) / deviation) ** order, divisor n throughout: 3 is skew, 4 kurtosis (3 for a normal law)."""
    if not varies(column):
        return None
    centred: Any = column - column.mean()
    return float((centred**order).mean() / (centred * centred).mean() ** (order / 2))


def fraction(value: float, name: str) -> float:
    """`value` when it lies strictly between 0 and 1; raises InputError."""
    if not 0.0 < value < 1.0:
        raise InputError(f"{name}: found {value}, expected a number between 0 and 1")
    return float(value)


def whole(value: int, name: str, at_least: int) -> int:
    """`value` when it is a whole number from `at_least` up; raises InputError."""
    if isinstance(value, bool) or value != int(value) or value < at_least:
        raise InputError(f"{name}: found {value}, expected a whole number from {at_least}")
    return int(value)
