"""What many candidates say together: paths that follow what was best, and figures only where they can be had."""

import itertools

import numpy as np
import pytest

from quintet.core.errors import InputError
from quintet.research import candidates
from quintet.research.candidates import path_sharpes, together
from tests.noise import normals


def noise(days=300, count=8):
    return 0.01 * normals("candidates", days * count).reshape(days, count)


def planted():
    matrix = noise()
    matrix[:, 2] += 0.004
    return matrix


def written_out(matrix, folds=6, test_folds=2):
    """Split by split, fold by fold; a day after a test fold does not teach."""
    bounds = np.linspace(0, len(matrix), folds + 1).astype(int)
    followed = [[] for _ in range(folds)]
    for chosen in itertools.combinations(range(folds), test_folds):
        teaches = np.ones(len(matrix), bool)
        for fold in chosen:
            teaches[bounds[fold] : bounds[fold + 1] + 1] = False
        ratios = [matrix[teaches, n].mean() / matrix[teaches, n].std(ddof=1) for n in range(matrix.shape[1])]
        for fold in chosen:
            followed[fold].append(matrix[bounds[fold] : bounds[fold + 1], int(np.argmax(ratios))])
    paths = [np.concatenate(parts) for parts in zip(*followed, strict=True)]
    return [path.mean() / path.std(ddof=1) for path in paths]


def test_paths_follow_what_was_best_where_it_was_chosen():
    assert path_sharpes(noise()).tolist() == pytest.approx(written_out(noise()))


def test_a_planted_candidate_is_followed_on_every_path():
    matrix = planted()
    ratio = matrix[:, 2].mean() / matrix[:, 2].std(ddof=1)
    assert path_sharpes(matrix).tolist() == pytest.approx([ratio] * 5)


def test_together_a_planted_candidate_stands_and_noise_does_not():
    found = together(planted())
    assert found.better_than_nothing_p < 0.05
    assert found.overfitting < 0.2
    assert found.path_sharpe_low > 0.0
    assert found.blocks == 16
    luck = together(noise())
    assert luck.better_than_nothing_p > 0.05
    assert luck.path_sharpe_low < 0.1


def test_what_cannot_be_measured_is_not_measured(monkeypatch):
    assert together(noise(days=20)) == (None, None, 0, None)
    alone = together(noise(count=1))
    assert (alone.overfitting, alone.blocks) == (None, 0)
    assert alone.better_than_nothing_p is not None
    wide = together(noise(days=40, count=60))
    assert (wide.overfitting, wide.better_than_nothing_p) == (None, None)
    monkeypatch.setattr(candidates, "is_installed", lambda: False)
    assert together(planted()).better_than_nothing_p is None


def test_candidates_that_never_trade_are_no_obstacle():
    matrix = planted()
    matrix[:, 5] = 0.0
    assert together(matrix).better_than_nothing_p < 0.05
    idle = together(np.zeros((100, 3)))
    assert idle.better_than_nothing_p is None
    assert idle.path_sharpe_low == 0.0


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros(5), r"performance: shape is \(5,\)"),
        (np.zeros((5, 0)), r"performance: shape is \(5, 0\)"),
        (np.full((40, 2), np.inf), "performance: row 0, column 0 is inf"),
    ],
)
def test_what_is_no_matrix_of_returns_is_refused(matrix, message):
    with pytest.raises(InputError, match=message):
        together(matrix)
