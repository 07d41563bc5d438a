"""What many candidates say together, on the days they were all tried on: the questions a single record cannot answer.

`performance` has one row a day and one column a candidate: daily returns after all costs, every candidate that was
tried among them. `together` gives the figures that `evidence.Findings` asks for.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import InputError
from quintet.research.observations import Series
from quintet.research.overfitting import BLOCKS, probability_of_overfitting
from quintet.research.splits import combinatorial_folds, path_values
from quintet.research.superiority import is_installed, superior_ability

FOLDS: Final = 6
TEST_FOLDS: Final = 2
EMBARGO_DAYS: Final = 1
"""A position held over midnight belongs to two days."""

WORST: Final = 0.05


class Together(NamedTuple):
    """Figures over all candidates; None where there are too few of them or too few days, or where a package is missing.

    `better_than_nothing_p`: consistent p-value of Hansen's test; `overfitting`: its probability, over `blocks` blocks;
    `path_sharpe_low`: fifth percentile of the daily Sharpe ratio over combinatorial purged paths.
    """

    better_than_nothing_p: float | None
    overfitting: float | None
    blocks: int
    path_sharpe_low: float | None


def together(performance: ArrayLike) -> Together:
    """Everything that can be said of these candidates; a single one was not chosen, so nothing is said of choosing."""
    matrix = _matrix(performance)
    days, candidates = matrix.shape
    is_tall, moving = days > candidates, matrix[:, np.ptp(matrix, axis=0) > 0.0]
    can_split = is_tall and candidates > 1 and days >= 2 * BLOCKS
    can_test = is_tall and moving.shape[1] > 0 and days >= 2 * BLOCKS and is_installed()
    paths = path_sharpes(matrix) if days >= 2 * BLOCKS else np.empty(0)
    return Together(
        better_than_nothing_p=superior_ability(moving).consistent if can_test else None,
        overfitting=probability_of_overfitting(matrix).probability if can_split else None,
        blocks=BLOCKS if can_split else 0,
        path_sharpe_low=float(np.quantile(paths, WORST)) if len(paths) else None,
    )


def path_sharpes(performance: ArrayLike, folds: int = FOLDS, test_folds: int = TEST_FOLDS) -> Series:
    """The daily Sharpe ratio of each combinatorial purged path: on every fold what was best where it was chosen.

    In every split the candidate with the highest ratio over the days that teach is followed over the days that test;
    a day after a test fold does not teach. A path on which nothing varies has a ratio of 0.
    """
    matrix = _matrix(performance)
    day = np.arange(len(matrix))
    chosen = [
        int(_ratios(matrix[split.train]).argmax())
        for split in combinatorial_folds(day, day, folds, test_folds, EMBARGO_DAYS)
    ]
    paths = path_values(matrix[:, chosen].T, len(matrix), folds, test_folds)
    return _ratios(paths.T)


def _ratios(matrix: NDArray[np.float64]) -> Series:
    """Mean over deviation of each column, 0 where nothing varies."""
    varies = np.ptp(matrix, axis=0) > 0.0
    deviation: Series = np.where(varies, matrix.std(axis=0, ddof=1), 1.0)
    return np.where(varies, matrix.mean(axis=0) / deviation, 0.0)


def _matrix(performance: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(performance, np.float64)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError(f"performance: shape is {matrix.shape}, expected rows of days and columns of candidates")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise InputError(f"performance: row {row}, column {column} is {matrix[row, column]}, expected a finite number")
    return matrix
