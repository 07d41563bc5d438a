"""The probability of backtest overfitting: equal to the definition written out, and refusing a matrix on its side."""

import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import InputError
from quintet.research.overfitting import probability_of_overfitting
from tests.noise import normals


def noise(periods, strategies, stream="strategies"):
    return 0.01 * normals(stream, periods * strategies).reshape(periods, strategies)


def ratio(returns):
    deviation = returns.std(ddof=1)
    return returns.mean() / deviation if deviation > 0 else 0.0


def written_out(matrix, blocks):
    """The definition, half by half; no two strategies may tie."""
    parts = np.split(matrix, blocks)
    ranks, losses = [], []
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[n] for n in chosen])
        outside = np.concatenate([parts[n] for n in range(blocks) if n not in chosen])
        best = int(np.argmax([ratio(column) for column in inside.T]))
        results = [ratio(column) for column in outside.T]
        ranks.append(sum(each <= results[best] for each in results) / (len(results) + 1))
        losses.append(results[best] < 0.0)
    logits = [math.log(rank / (1.0 - rank)) for rank in ranks]
    return np.mean([(rank < 0.5) + 0.5 * (rank == 0.5) for rank in ranks]), np.mean(losses), np.median(logits)


@pytest.mark.parametrize(("periods", "strategies", "blocks"), [(40, 5, 8), (48, 6, 6), (20, 2, 2), (60, 11, 10)])
def test_it_is_the_definition_written_out(periods, strategies, blocks):
    matrix = noise(periods, strategies)
    found = probability_of_overfitting(matrix, blocks)
    probability, losses, logit = written_out(matrix, blocks)
    assert found.probability == pytest.approx(probability)
    assert found.loss_chance == pytest.approx(losses)
    assert found.median_logit == pytest.approx(logit)
    assert found.halves == math.comb(blocks, blocks // 2)


def test_noise_is_a_coin():
    found = [probability_of_overfitting(noise(300, 20, f"coin {n}"), 10).probability for n in range(60)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)
    assert max(found) - min(found) > 0.3


def test_a_strategy_that_is_better_is_chosen_and_stays_better():
    matrix = noise(2_000, 50)
    matrix[:, 7] += 0.0015
    found = probability_of_overfitting(matrix)
    assert found.probability < 0.02
    assert found.loss_chance < 0.02


def test_a_choice_of_what_just_worked_is_overfitting():
    # given strategies that each earn in one block and give it back in all others
    matrix = noise(160, 16) * 0.1
    for n in range(16):
        matrix[:, n] -= 0.001
        matrix[n * 10 : (n + 1) * 10, n] += 0.05
    assert probability_of_overfitting(matrix).probability > 0.9


@given(st.floats(0.001, 1_000.0), st.permutations(range(6)))
def test_neither_the_unit_nor_the_order_of_strategies_matters(unit, order):
    matrix = noise(48, 6)
    one, other = probability_of_overfitting(matrix, 6), probability_of_overfitting(unit * matrix[:, order], 6)
    assert other.probability == pytest.approx(one.probability)
    assert other.slope == pytest.approx(one.slope)


def test_strategies_that_are_the_same_cannot_be_told_apart():
    matrix = np.repeat(noise(200, 1), 7, axis=1)
    assert probability_of_overfitting(matrix, 8).probability == 0.5
    # then a copy of each strategy changes nothing but the number of ranks
    twice = np.repeat(noise(200, 5), 2, axis=1)
    assert probability_of_overfitting(twice, 8).probability == pytest.approx(
        probability_of_overfitting(twice[:, ::2], 8).probability
    )


def test_a_strategy_that_never_trades_counts_as_nothing():
    matrix = noise(100, 3)
    matrix[:, 1] = 0.0
    found = probability_of_overfitting(matrix, 4)
    assert 0.0 <= found.probability <= 1.0
    assert probability_of_overfitting(np.zeros((40, 3)), 4).probability == 0.5
    assert probability_of_overfitting(np.zeros((40, 3)), 4).slope is None


def test_periods_that_fill_no_block_are_left_out_at_the_start():
    matrix = noise(83, 4)
    assert probability_of_overfitting(matrix, 8) == probability_of_overfitting(matrix[3:], 8)


def test_all_halves_of_two_thousand_days_of_a_hundred_strategies_take_well_under_a_second():
    matrix = noise(2_000, 100)
    took = []
    for _ in range(3):
        began = time.process_time()
        assert probability_of_overfitting(matrix).halves == 12_870
        took.append(time.process_time() - began)
    assert min(took) < 0.7


@pytest.mark.parametrize(
    ("matrix", "blocks", "message"),
    [
        (
            noise(20, 100),
            4,
            "found 20 rows and 100 columns, expected more periods .* the matrix seems to lie on its side",
        ),
        (noise(20, 20), 4, "found 20 rows and 20 columns"),
        (noise(20, 1), 4, r"performance: shape is \(20, 1\), expected rows of periods and two or more strategies"),
        (np.zeros(20), 4, r"performance: shape is \(20,\)"),
        (noise(20, 3), 16, "performance: found 20 periods, expected at least two for each of 16 blocks"),
        (noise(100, 3), 5, "blocks: found 5, expected an even number from 2 to 20"),
        (noise(100, 3), 22, "blocks: found 22, expected an even number"),
        (noise(100, 3), 0, "blocks: found 0, expected a whole number from 2"),
        (np.where(np.arange(300).reshape(100, 3) == 7, np.nan, 0.1), 4, "performance: row 2, column 1 is nan"),
    ],
)
def test_a_matrix_that_cannot_be_judged_is_refused(matrix, blocks, message):
    with pytest.raises(InputError, match=message):
        probability_of_overfitting(matrix, blocks)
