"""Trap 2: a row that teaches shares its future with a row that tests. Labels reach over time; splits must know it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from quintet.research.splits import combinatorial_folds, purged_folds

MINUTE_NS = 60 * 10**9
ROWS = 240
HORIZON = 15

Splitter = Callable[[Any, Any], Sequence[tuple[Any, Any]]]
"""Starts and ends of label windows to pairs of train and test positions."""


def windows(gaps: bool) -> tuple[Any, Any]:
    """Starts and ends of labels that look so many bars ahead; with gaps, a bar may be an hour after the last."""
    steps = np.full(ROWS, MINUTE_NS)
    steps[::37] = 60 * MINUTE_NS if gaps else MINUTE_NS
    starts = np.cumsum(steps)
    return starts, starts + HORIZON * MINUTE_NS


def check(splitter: Splitter, gaps: bool) -> int:
    """Pairs of a train and a test row whose windows share a moment, one by one."""
    starts, ends = windows(gaps)
    shared = 0
    for train, test in splitter(starts, ends):
        before = ends[train][:, None] >= starts[test][None, :]
        after = starts[train][:, None] <= ends[test][None, :]
        shared += int((before & after).sum())
    return shared


def purged(starts: Any, ends: Any) -> Any:
    return [(split.train, split.test) for split in purged_folds(starts, ends, 6)]


def combinatorial(starts: Any, ends: Any) -> Any:
    return [(split.train, split.test) for split in combinatorial_folds(starts, ends, 6, 2, embargo_ns=5 * MINUTE_NS)]


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("splitter", [purged, combinatorial])
def test_no_row_that_teaches_knows_what_a_row_that_tests_will_know(splitter: Splitter, gaps: bool):
    assert check(splitter, gaps) == 0
    assert all(len(train) > ROWS // 3 for train, _ in splitter(*windows(gaps)))


# ---- planted -----------------------------------------------------------------------------------------------------


def plain_folds(starts: Any, ends: Any) -> Any:
    """Six folds, nothing purged."""
    rows = np.arange(len(starts))
    return [(np.setdiff1d(rows, test), test) for test in np.array_split(rows, 6)]


def purged_by_half(starts: Any, ends: Any) -> Any:
    """Purged by a number of rows that is less than the horizon."""
    rows = np.arange(len(starts))
    found = []
    for test in np.array_split(rows, 6):
        near = np.abs(rows[:, None] - test[None, :]).min(axis=1) <= HORIZON // 2
        found.append((rows[~near], test))
    return found


@pytest.mark.parametrize("splitter", [plain_folds, purged_by_half])
def test_a_planted_leak_is_counted(splitter: Splitter):
    assert check(splitter, gaps=False) > 0
