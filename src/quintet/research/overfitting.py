"""How often the best strategy in the sample is a poor one out of it: the probability of backtest overfitting.

Combinatorially symmetric cross-validation: the observations are cut into an even number of blocks; every half of them
chooses the strategy with the highest Sharpe ratio, the other half says where that one ranks. Half of the choices land
below the median when nothing but luck is compared. One figure of it is weak evidence (on noise it ranges from 0.16 to
0.90 with 2,000 days of 100 strategies): read it beside the deflated Sharpe ratio.

Source: Bailey, Borwein, Lopez de Prado and Zhu, "The probability of backtest overfitting", Journal of Computational
Finance 2017.
"""

import itertools
import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import InputError
from quintet.research.observations import whole

BLOCKS: Final = 16
BLOCKS_MAX: Final = 20
"""There are 184,756 halves of 20 blocks; more say nothing new."""

_CHUNK: Final = 1 << 14
"""So many ratios are worked on at a time: few enough for a processor's cache, whatever the number of strategies."""

_TIE: Final = 1e-12
"""Ratios closer than this are equal: columns that are the same strategy differ in the last bit only."""

Matrix = NDArray[np.float64]


class Overfitting(NamedTuple):
    """What the halves say of each other.

    `probability`: share of halves whose chosen strategy ranks below the median of the other half, at the median counted
    as one half; `loss_chance`: share whose chosen strategy loses in the other half; `median_logit`: median of
    log(rank / (1 - rank)), 0 at the median rank; `slope`: of the chosen strategy's ratio out of sample on that in it,
    None where that never differs; `halves`: how many were tried.
    """

    probability: float
    loss_chance: float
    median_logit: float
    slope: float | None
    halves: int
    blocks: int


def probability_of_overfitting(performance: ArrayLike, blocks: int = BLOCKS) -> Overfitting:
    """Judge a choice among strategies by their returns over the same periods.

    `performance`: one row a period, one column a strategy, returns (not prices, not equity); every strategy that was
    tried must be in it. `blocks`: even, 2 to 20; periods that do not fill the blocks are left out at the start.
    Strategies without variation count as a ratio of 0. Raises InputError for a matrix that lies on its side.
    """
    matrix = _checked(performance, blocks)
    length = len(matrix) // blocks
    parts = matrix[len(matrix) - length * blocks :].reshape(blocks, length, -1)
    sums, squares = parts.sum(axis=1), (parts * parts).sum(axis=1)
    halves = _halves(blocks)
    step = max(1, _CHUNK // matrix.shape[1])
    judged = []
    for n in range(0, len(halves), step):
        one = _ratios(halves[n : n + step], sums, squares, length)
        other = _ratios(1.0 - halves[n : n + step], sums, squares, length)
        judged += [_judge(one, other), _judge(other, one)]
    rank, loses, inside, outside = (np.concatenate(column) for column in zip(*judged, strict=True))
    return Overfitting(
        probability=float(((rank < 0.5 - _TIE) + 0.5 * (np.abs(rank - 0.5) <= _TIE)).mean()),
        loss_chance=float(loses.mean()),
        median_logit=float(np.median(np.log(rank / (1.0 - rank)))),
        slope=_slope(inside, outside),
        halves=len(rank),
        blocks=blocks,
    )


def _checked(performance: ArrayLike, blocks: int) -> Matrix:
    matrix = np.asarray(performance, np.float64)
    whole(blocks, "blocks", 2)
    if blocks % 2 or blocks > BLOCKS_MAX:
        raise InputError(f"blocks: found {blocks}, expected an even number from 2 to {BLOCKS_MAX}")
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        raise InputError(f"performance: shape is {matrix.shape}, expected rows of periods and two or more strategies")
    periods, strategies = matrix.shape
    if periods <= strategies:
        raise InputError(
            f"performance: found {periods} rows and {strategies} columns, expected more periods (rows) than strategies "
            "(columns); the matrix seems to lie on its side"
        )
    if periods < 2 * blocks:
        raise InputError(f"performance: found {periods} periods, expected at least two for each of {blocks} blocks")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise InputError(f"performance: row {row}, column {column} is {matrix[row, column]}, expected a finite number")
    # A ratio knows no unit; without a common size, sums of squares of tiny returns would vanish.
    return matrix / (float(np.abs(matrix).max()) or 1.0)


def _halves(blocks: int) -> Matrix:
    """Every half of the blocks with the first one in it, a row of 0 and 1 each; the other halves mirror these."""
    others = np.array(list(itertools.combinations(range(1, blocks), blocks // 2 - 1)), np.intp)
    rows = np.zeros((len(others), blocks))
    rows[:, 0] = 1.0
    rows[np.arange(len(others))[:, None], others] = 1.0
    return rows


def _ratios(halves: Matrix, sums: Matrix, squares: Matrix, length: int) -> Matrix:
    """Mean over deviation (divisor n - 1) of each strategy in each half; 0 where nothing varies."""
    count = halves.shape[1] // 2 * length
    mean, square = halves @ sums / count, halves @ squares / count
    variance = square - mean * mean
    # What is left of equal numbers after subtraction is rounding, not variation.
    varies = variance > 1e-13 * square
    deviation = np.sqrt(np.where(varies, variance, 1.0) * (count / (count - 1)))
    return np.where(varies, mean / deviation, 0.0)


def _judge(inside: Matrix, outside: Matrix) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Of each half: the rank of its choice in the other half, in (0, 1), whether it loses there, and its two ratios.

    Where several strategies tie for the best, their ranks and ratios are averaged: nobody could have told them apart.
    """
    halves, strategies = inside.shape
    highest = inside.max(axis=1)
    rows, columns = np.nonzero(inside >= highest[:, None] - _TIE)
    rank, loses, result = np.zeros(halves), np.zeros(halves), np.zeros(halves)
    for n in range(0, len(rows), halves):
        row, column = rows[n : n + halves], columns[n : n + halves]
        own, others = outside[row, column], outside if len(rows) == halves else outside[row]
        below = (others < own[:, None] - _TIE).sum(axis=1)
        level = (others <= own[:, None] + _TIE).sum(axis=1) - below
        np.add.at(rank, row, (below + 0.5 * (level + 1)) / (strategies + 1.0))
        np.add.at(loses, row, own < 0.0)
        np.add.at(result, row, own)
    tied = np.bincount(rows, minlength=halves)
    return rank / tied, loses / tied, highest, result / tied


def _slope(inside: Matrix, outside: Matrix) -> float | None:
    """Least squares of the ratio out of sample on that in it; None where the latter does not differ."""
    centred = inside - inside.mean()
    spread = float(centred @ centred)
    return float(centred @ outside) / spread if spread > _TIE and math.isfinite(spread) else None
