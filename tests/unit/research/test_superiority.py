"""Tests of many strategies at once: a planted one is found, noise is not, and a missing package is told."""

import importlib

import numpy as np
import pytest

from quintet.core.errors import ConfigError, InputError
from quintet.research.superiority import best_strategies, superior_ability, superior_strategies
from tests.noise import normals


def noise(periods=400, strategies=12):
    return 0.01 * normals("superiority", periods * strategies).reshape(periods, strategies)


@pytest.fixture(scope="module")
def planted():
    matrix = noise()
    matrix[:, 4] += 0.003
    return matrix


def test_the_best_of_noise_is_no_better_than_cash():
    found = superior_ability(noise(), repetitions=300)
    assert found.lower <= found.consistent <= found.upper
    assert found.consistent > 0.05
    assert found.strategies == 12
    assert superior_strategies(noise(), repetitions=300) == ()


def test_a_planted_strategy_is_found_and_named(planted):
    assert superior_ability(planted, repetitions=300).consistent < 0.01
    assert superior_strategies(planted, repetitions=300) == (4,)
    assert best_strategies(planted, repetitions=300) == (4,)


def test_strategies_that_are_alike_all_may_be_the_best():
    assert len(best_strategies(noise(strategies=5), repetitions=300)) >= 4


def test_a_benchmark_that_is_as_good_takes_the_superiority_away(planted):
    benchmark = planted[:, 4] + 0.001 * normals("benchmark", 400)
    assert superior_ability(planted, benchmark, repetitions=300).consistent > 0.05


def test_equal_seeds_give_equal_answers(planted):
    again = superior_ability(planted, repetitions=200, seed=7)
    assert again == superior_ability(planted, repetitions=200, seed=7)


def test_the_chance_of_a_false_alarm_is_what_it_says():
    # given 60 searches among four strategies of noise
    found = [
        superior_ability(0.01 * normals(f"search {n}", 800).reshape(200, 4), repetitions=100, block_length=1).consistent
        for n in range(60)
    ]
    assert np.mean(np.array(found) < 0.05) <= 0.12


def test_without_arch_it_says_what_to_install(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"arch: found no such package.* install quintet\[statistics\]"):
        superior_ability(noise())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: superior_ability(noise(10, 12)), r"returns: shape is \(10, 12\), expected more periods"),
        (lambda: superior_ability(noise(), np.zeros(3)), "benchmark: found 3 periods, expected 400"),
        (lambda: superior_ability(np.full((30, 2), np.nan)), "returns: row 0, column 0 is nan"),
        (lambda: superior_ability(np.zeros((30, 2))), "returns: column 0 never differs from the benchmark"),
        (lambda: superior_ability(noise(), repetitions=5), "repetitions: found 5, expected a whole number from 100"),
        (lambda: superior_ability(noise(), block_length=0), "block_length: found 0"),
        (lambda: superior_strategies(noise(), size=2.0), "size: found 2.0, expected a number between 0 and 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
