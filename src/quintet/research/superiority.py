"""Is the best of many strategies better than a benchmark, when all of them were looked at? Three tests of `arch`.

    superior_ability     Hansen's SPA (2005): is any of them better?
    superior_strategies  Romano and Wolf's StepM (2005): which of them are?
    best_strategies      Hansen, Lunde and Nason's MCS (2011): which cannot be told from the best?

All resample the same days of all strategies together by the stationary bootstrap, so that what is alike stays alike.
`arch` brings pandas and statsmodels and is asked for by name: install quintet with the extra `statistics`. Seeds are
fixed; other versions of NumPy may draw other numbers from them.
"""

import importlib
import importlib.util
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import ConfigError, InputError
from quintet.research.monte_carlo import stationary_block_length
from quintet.research.observations import fraction, series, whole

REPETITIONS: Final = 1_000
SIZE: Final = 0.05
SEED: Final = 1

Matrix = NDArray[np.float64]


class Ability(NamedTuple):
    """The chance of a best strategy this good when none is better than the benchmark; small: some strategy is better.

    `consistent` is the one to quote; `lower` and `upper` bound it, as if poor strategies did not count, or fully did.
    """

    lower: float
    consistent: float
    upper: float
    strategies: int
    block_length: int


def superior_ability(
    returns: ArrayLike,
    benchmark: ArrayLike | None = None,
    *,
    repetitions: int = REPETITIONS,
    block_length: int | None = None,
    seed: int = SEED,
) -> Ability:
    """Hansen's test of superior predictive ability on mean returns.

    `returns`: one row a period, one column a strategy, every strategy that was tried; `benchmark`: its returns, nothing
    at all (cash) by default; `block_length`: mean periods in a block, see `monte_carlo.stationary_block_length`.
    Raises InputError for a matrix that lies on its side, ConfigError where `arch` is not installed.
    """
    matrix, against, block = _checked(returns, benchmark, block_length)
    whole(repetitions, "repetitions", 100)
    test = _bootstrap_of_arch().SPA(-against, -matrix, block_size=block, reps=repetitions, seed=seed)
    test.compute()
    return Ability(
        lower=float(test.pvalues["lower"]),
        consistent=float(test.pvalues["consistent"]),
        upper=float(test.pvalues["upper"]),
        strategies=matrix.shape[1],
        block_length=block,
    )


def superior_strategies(
    returns: ArrayLike,
    benchmark: ArrayLike | None = None,
    *,
    size: float = SIZE,
    repetitions: int = REPETITIONS,
    block_length: int | None = None,
    seed: int = SEED,
) -> tuple[int, ...]:
    """Columns of the strategies better than the benchmark; the chance of a single wrong one among them is `size`."""
    matrix, against, block = _checked(returns, benchmark, block_length)
    test = _bootstrap_of_arch().StepM(
        -against, -matrix, size=fraction(size, "size"), block_size=block, reps=repetitions, seed=seed
    )
    test.compute()
    return tuple(sorted(int(column) for column in test.superior_models))


def best_strategies(
    returns: ArrayLike,
    *,
    size: float = SIZE,
    repetitions: int = REPETITIONS,
    block_length: int | None = None,
    seed: int = SEED,
) -> tuple[int, ...]:
    """Columns that hold the best strategy with a confidence of 1 - `size`: all others are worse than one of them."""
    matrix, _, block = _checked(returns, None, block_length)
    test = _bootstrap_of_arch().MCS(-matrix, size=fraction(size, "size"), block_size=block, reps=repetitions, seed=seed)
    test.compute()
    return tuple(sorted(int(column) for column in test.included))


def is_installed() -> bool:
    """Whether these tests can be made here; finds out without importing anything."""
    return importlib.util.find_spec("arch") is not None


def _bootstrap_of_arch() -> Any:
    """The module of `arch`, imported when it is needed; raises ConfigError with what to install."""
    try:
        return importlib.import_module("arch.bootstrap")
    except ImportError:
        raise ConfigError(
            "arch: found no such package, expected it for tests of many strategies: install quintet[statistics]"
        ) from None


def _checked(returns: ArrayLike, benchmark: ArrayLike | None, block_length: int | None) -> tuple[Matrix, Matrix, int]:
    """Returns, benchmark and block length as `arch` wants them."""
    matrix = np.asarray(returns, np.float64)
    if matrix.ndim != 2 or len(matrix) <= matrix.shape[1]:
        raise InputError(f"returns: shape is {matrix.shape}, expected more periods (rows) than strategies (columns)")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise InputError(f"returns: row {row}, column {column} is {matrix[row, column]}, expected a finite number")
    against = np.zeros(len(matrix)) if benchmark is None else series(benchmark, "benchmark")
    if len(against) != len(matrix):
        raise InputError(f"benchmark: found {len(against)} periods, expected {len(matrix)} as in the returns")
    still = np.flatnonzero(np.ptp(matrix - against[:, None], axis=0) == 0.0)
    if len(still):
        raise InputError(f"returns: column {still[0]} never differs from the benchmark, expected strategies that do")
    if block_length is not None:
        return matrix, against, whole(block_length, "block_length", 1)
    lengths = [stationary_block_length(column) for column in (matrix - against[:, None]).T]
    return matrix, against, max(1, round(float(np.median(lengths))))
