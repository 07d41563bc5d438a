"""Which observations may teach and which may test, when what they know reaches over time.

An observation is a window from `start_ns` to `end_ns`, both included: what it was decided on ends at its start, and
its label looks as far as its end. Folds are equal counts of observations in order of their start. From the train side
of a split is taken

- what is **purged**: every window that shares a moment with the span of a test fold, from the first start in it to
  the last end;
- what is under **embargo**: every window that begins within `embargo_ns` after that span, for what echoes on.

Times decide, not row numbers: gaps in the data and labels of different lengths are purged as they are.

Source: Lopez de Prado, "Advances in Financial Machine Learning" (2018), chapters 7 and 12.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import InputError
from quintet.research.observations import whole

Positions = NDArray[np.int64]


class Split(NamedTuple):
    """Positions of the observations that teach and that test, rising; `folds`: numbers of the folds that test."""

    train: Positions
    test: Positions
    folds: tuple[int, ...]


def purged_folds(start_ns: ArrayLike, end_ns: ArrayLike, folds: int, embargo_ns: int = 0) -> list[Split]:
    """K-fold cross-validation without leaks: each fold tests once, all that overlaps no test window teaches."""
    return combinatorial_folds(start_ns, end_ns, folds, 1, embargo_ns)


def combinatorial_folds(
    start_ns: ArrayLike, end_ns: ArrayLike, folds: int = 6, test_folds: int = 2, embargo_ns: int = 0
) -> list[Split]:
    """Every choice of `test_folds` out of `folds` as a split, in lexicographic order.

    Raises InputError for windows out of order or that end before they begin, and for counts that cannot be.
    """
    starts, ends = _windows(start_ns, end_ns)
    _check_counts(len(starts), folds, test_folds)
    if embargo_ns < 0:
        raise InputError(f"embargo_ns: found {embargo_ns}, expected 0 or more")
    bounds = fold_bounds(len(starts), folds)
    return [_split(starts, ends, bounds, chosen, embargo_ns) for chosen in _choices(folds, test_folds)]


def fold_bounds(observations: int, folds: int) -> Positions:
    """Where each fold begins, and the end of the last; the first folds are longer by one where it does not divide."""
    lengths = np.full(folds, observations // folds)
    lengths[: observations % folds] += 1
    return np.concatenate(([0], np.cumsum(lengths)))


def combinatorial_paths(folds: int = 6, test_folds: int = 2) -> Positions:
    """Whole histories put together from test folds: `paths[p, f]` is the number of the split that tests fold f on p.

    Each fold of each split is on exactly one path; there are C(folds, test_folds) * test_folds / folds of them.
    """
    _check_counts(folds, folds, test_folds)
    tested: list[list[int]] = [[] for _ in range(folds)]
    for number, chosen in enumerate(_choices(folds, test_folds)):
        for fold in chosen:
            tested[fold].append(number)
    return np.array(tested).T


def path_values(values: ArrayLike, observations: int, folds: int = 6, test_folds: int = 2) -> NDArray[np.float64]:
    """`values[s, n]`, what the split s says of observation n, as histories: row p holds path p's word on each n.

    Of a split only what it tests is read; elsewhere its values may be anything. For the 5th percentile of the paths'
    Sharpe ratios, and its like.
    """
    given = np.asarray(values, np.float64)
    paths, bounds = combinatorial_paths(folds, test_folds), fold_bounds(observations, folds)
    expected = (math.comb(folds, test_folds), observations)
    if given.shape != expected:
        raise InputError(f"values: shape is {given.shape}, expected {expected}: one row a split, one column each")
    fold_of = np.repeat(np.arange(folds), np.diff(bounds))
    return given[paths[:, fold_of], np.arange(observations)]


def _choices(folds: int, test_folds: int) -> list[tuple[int, ...]]:
    return list(itertools.combinations(range(folds), test_folds))


def _split(starts: Positions, ends: Positions, bounds: Positions, chosen: tuple[int, ...], embargo_ns: int) -> Split:
    teaches = np.ones(len(starts), bool)
    for fold in chosen:
        first, last = bounds[fold], bounds[fold + 1]
        teaches[first:last] = False
        span_start, span_end = starts[first], ends[first:last].max()
        teaches &= (ends < span_start) | (starts > span_end + embargo_ns)
    test = np.concatenate([np.arange(bounds[fold], bounds[fold + 1]) for fold in chosen])
    return Split(np.flatnonzero(teaches), test, chosen)


def _windows(start_ns: ArrayLike, end_ns: ArrayLike) -> tuple[Positions, Positions]:
    starts, ends = np.asarray(start_ns, np.int64), np.asarray(end_ns, np.int64)
    if starts.ndim != 1 or starts.shape != ends.shape:
        raise InputError(f"windows: found {starts.shape} starts and {ends.shape} ends, expected one column of each")
    unordered = np.flatnonzero(np.diff(starts) < 0)
    if len(unordered):
        raise InputError(f"start_ns: observation {unordered[0] + 1} begins before the one in front of it")
    backward = np.flatnonzero(ends < starts)
    if len(backward):
        raise InputError(f"end_ns: observation {backward[0]} ends before it begins")
    return starts, ends


def _check_counts(observations: int, folds: int, test_folds: int) -> None:
    whole(folds, "folds", 2)
    whole(test_folds, "test_folds", 1)
    if test_folds >= folds:
        raise InputError(f"test_folds: found {test_folds} of {folds} folds, expected fewer than all")
    if observations < folds:
        raise InputError(f"folds: found {folds} for {observations} observations, expected at most one each")
