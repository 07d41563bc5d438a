"""Purged and combinatorial splits: no shared moment, by brute force; the same as another library where both agree."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skfolio.model_selection import CombinatorialPurgedCV

from quintet.core.errors import InputError
from quintet.research.splits import combinatorial_folds, combinatorial_paths, fold_bounds, path_values, purged_folds

MINUTE_NS = 60_000_000_000


@st.composite
def windows(draw):
    """Starts with gaps and ties, labels of different lengths."""
    steps = draw(st.lists(st.integers(0, 6), min_size=8, max_size=60))
    starts = np.cumsum(steps)
    ends = starts + draw(st.lists(st.integers(0, 12), min_size=len(steps), max_size=len(steps)))
    return starts, np.asarray(ends)


def counts():
    return st.integers(2, 8).flatmap(lambda folds: st.tuples(st.just(folds), st.integers(1, folds - 1)))


@given(windows(), counts(), st.integers(0, 9))
def test_no_window_that_teaches_shares_a_moment_with_one_that_tests(found, count, embargo):
    starts, ends = found
    for split in combinatorial_folds(starts, ends, *count, embargo):
        overlap = (starts[split.train][:, None] <= ends[split.test]) & (
            starts[split.test] <= ends[split.train][:, None]
        )
        assert not overlap.any()
        # then nothing echoes: what begins within the embargo after the end of a test window does not teach
        late = starts[split.train][:, None] - ends[split.test]
        assert not ((late > 0) & (late <= embargo) & _in_last_span(starts, ends, split, count[0])).any()


def _in_last_span(starts, ends, split, folds):
    """Test windows that end last in their fold: those the embargo is counted from."""
    bounds = fold_bounds(len(starts), folds)
    last = np.zeros(len(starts), bool)
    for fold in split.folds:
        part = slice(bounds[fold], bounds[fold + 1])
        last[part] = ends[part] == ends[part].max()
    return last[split.test]


def shared_moments(starts, ends, split):
    """Pairs of windows, one that teaches and one that tests, with a moment in common."""
    overlap = (starts[split.train][:, None] <= ends[split.test]) & (starts[split.test] <= ends[split.train][:, None])
    return int(overlap.sum())


def test_a_split_without_a_purge_leaks_and_is_caught():
    # given labels that look 15 bars ahead, and plain folds as they are made for rows that know nothing of each other
    starts = np.arange(600)
    ends = starts + 15
    purged = purged_folds(starts, ends, 6)
    plain = [split._replace(train=np.setdiff1d(starts, split.test)) for split in purged]
    assert sum(shared_moments(starts, ends, split) for split in purged) == 0
    assert sum(shared_moments(starts, ends, split) for split in plain) > 0


@given(windows(), counts(), st.integers(0, 9))
def test_what_teaches_is_all_that_the_definition_leaves(found, count, embargo):
    starts, ends = found
    bounds = fold_bounds(len(starts), count[0])
    for split in combinatorial_folds(starts, ends, *count, embargo):
        spans = [(starts[bounds[f]], ends[bounds[f] : bounds[f + 1]].max()) for f in split.folds]
        expected = [
            n
            for n in range(len(starts))
            if n not in split.test and all(ends[n] < a or starts[n] > b + embargo for a, b in spans)
        ]
        assert split.train.tolist() == expected


@given(windows(), counts())
def test_each_observation_tests_in_every_choice_of_its_fold(found, count):
    folds, test_folds = count
    splits = combinatorial_folds(*found, folds, test_folds)
    assert len(splits) == math.comb(folds, test_folds)
    tested = np.bincount(np.concatenate([split.test for split in splits]), minlength=len(found[0]))
    assert set(tested) == {math.comb(folds - 1, test_folds - 1)}


@pytest.mark.parametrize(("folds", "test_folds"), [(6, 2), (10, 2), (5, 3)])
@pytest.mark.parametrize("horizon", [1, 15])
def test_splits_are_those_of_another_library_on_gapless_bars(folds, test_folds, horizon):
    # given one observation a minute whose label looks `horizon` minutes ahead, and folds of equal length
    count = 1_200
    starts = np.arange(count) * MINUTE_NS
    ours = combinatorial_folds(starts, starts + horizon * MINUTE_NS, folds, test_folds)
    # then purging by time is purging so many rows
    theirs = CombinatorialPurgedCV(n_folds=folds, n_test_folds=test_folds, purged_size=horizon, embargo_size=0)
    for split, (train, tests) in zip(ours, theirs.split(np.zeros((count, 1))), strict=True):
        assert split.train.tolist() == train.tolist()
        assert split.test.tolist() == np.concatenate(tests).tolist()


def test_an_embargo_is_as_long_as_that_of_another_library():
    # given an embargo of 30 minutes after the last label: as many rows, counted after those that are purged
    starts = np.arange(600) * MINUTE_NS
    ours = combinatorial_folds(starts, starts + 5 * MINUTE_NS, 6, 2, 30 * MINUTE_NS)
    theirs = CombinatorialPurgedCV(n_folds=6, n_test_folds=2, purged_size=5, embargo_size=30)
    sizes = [len(train) for train, _ in theirs.split(np.zeros((600, 1)))]
    assert [len(split.train) for split in ours] == sizes


def test_labels_of_different_lengths_are_purged_as_they_are():
    # given one label in the first fold that looks into the second
    starts = np.arange(6) * 10
    ends = starts + 1
    ends[1] = 35
    (_, second, _) = purged_folds(starts, ends, 3)
    assert second.test.tolist() == [2, 3]
    assert second.train.tolist() == [0, 4, 5]


def test_a_gap_in_the_data_needs_no_purge():
    starts = np.array([0, 1, 2, 3, 1_000, 1_001, 1_002, 1_003])
    first, _ = purged_folds(starts, starts + 10, 2)
    assert first.train.tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(("folds", "test_folds", "paths"), [(6, 2, 5), (10, 2, 9), (4, 3, 3), (5, 1, 1)])
def test_paths_use_every_test_fold_of_every_split_once(folds, test_folds, paths):
    found = combinatorial_paths(folds, test_folds)
    assert found.shape == (paths, folds)
    choices = [split.folds for split in combinatorial_folds(np.arange(folds), np.arange(folds), folds, test_folds)]
    used = {(int(split), fold) for path in found for fold, split in enumerate(path)}
    assert used == {(number, fold) for number, chosen in enumerate(choices) for fold in chosen}


def test_a_path_is_put_together_from_what_each_split_said_of_its_test_folds():
    # given splits that say 100 times their number plus the observation where they test, and nonsense elsewhere
    starts = np.arange(14)
    splits = combinatorial_folds(starts, starts, 4, 2)
    values = np.full((len(splits), 14), np.nan)
    for number, split in enumerate(splits):
        values[number, split.test] = 100 * number + split.test
    found = path_values(values, 14, 4, 2)
    assert np.isfinite(found).all()
    assert (found % 100 == starts).all()
    assert len({tuple(row) for row in (found // 100)}) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: purged_folds([3, 1], [4, 2], 2), "start_ns: observation 1 begins before the one in front of it"),
        (lambda: purged_folds([1, 3], [0, 4], 2), "end_ns: observation 0 ends before it begins"),
        (lambda: purged_folds([1, 3], [4], 2), r"windows: found \(2,\) starts and \(1,\) ends"),
        (lambda: purged_folds([1, 3], [2, 4], 3), "folds: found 3 for 2 observations"),
        (lambda: purged_folds([1, 3], [2, 4], 1), "folds: found 1, expected a whole number from 2"),
        (lambda: combinatorial_folds([1, 3], [2, 4], 2, 2), "test_folds: found 2 of 2 folds, expected fewer than all"),
        (lambda: purged_folds([1, 3], [2, 4], 2, -1), "embargo_ns: found -1, expected 0 or more"),
        (lambda: path_values(np.zeros((3, 3)), 12, 4, 2), r"values: shape is \(3, 3\), expected \(6, 12\)"),
    ],
)
def test_windows_and_counts_that_cannot_be_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
