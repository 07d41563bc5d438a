"""The microprice: what a known book teaches, symmetry, and when there is none."""

import math

import numpy as np
import pytest

from quintet.core.errors import ConfigError
from quintet.core.random import seeded, uniform
from quintet.core.records import table
from quintet.core.state import NO_ASK
from quintet.features.microprice import (
    MICROPRICE,
    SIDES,
    STATES,
    book_state,
    microprice,
    microprice_solve,
    microprice_update,
    mirrored,
    start_microprice,
)


def learned(books: list[tuple[int, int, int, int]], tick: int = 1) -> np.record:
    state = table(MICROPRICE, 1)[0]
    start_microprice(state, tick)
    for book in books:
        microprice_update(state, *book)
    microprice_solve(state)
    return state


def leaning_market(count: int, tick: int = 1) -> list[tuple[int, int, int, int]]:
    """Each book leans by a coin; after a bid-heavy one the price rises with chance 0.8, else it falls."""
    dice = seeded(5, "leaning market")[0]
    bid, books = 100_000, []
    for _ in range(count):
        heavy = uniform(dice) < 0.5
        books.append((bid, bid + tick, 9 if heavy else 1, 1 if heavy else 9))
        bid += tick if uniform(dice) < (0.8 if heavy else 0.2) else -tick
    return books


def test_a_known_market_teaches_its_expected_mid():
    # given a price that goes 0.6 ticks towards the heavy side on average, and forgets
    state = learned(leaning_market(20_000))
    # then that is what the microprice adds to the mid
    assert microprice(state, 50, 51, 9, 1) == pytest.approx(50.5 + 0.6, abs=0.03)
    assert microprice(state, 50, 51, 1, 9) == pytest.approx(50.5 - 0.6, abs=0.03)
    # and ticks of ten increments move it ten times as far
    coarse = learned(leaning_market(20_000, tick=10), tick=10)
    assert microprice(coarse, 50, 60, 9, 1) == pytest.approx(55.0 + 6.0, abs=0.3)


@pytest.mark.jit_off
@pytest.mark.parametrize(("bid_lots", "ask_lots"), [(9, 1), (1, 9), (5, 5), (1, 1_000), (7, 3), (41, 40), (2**60, 1)])
def test_the_mirror_image_of_a_book_is_in_the_mirrored_state(bid_lots, ask_lots):
    number = book_state(1, 100, 101, bid_lots, ask_lots)
    assert 0 <= number < SIDES
    assert mirrored(number) == book_state(1, 100, 101, ask_lots, bid_lots)


@pytest.mark.jit_off
def test_a_book_and_its_mirror_image_lean_equally_far():
    state = learned(leaning_market(300))
    for number in range(STATES):
        assert mirrored(mirrored(number)) == number
        assert mirrored(number) // SIDES == number // SIDES
        assert state.adjustment[number] == pytest.approx(-state.adjustment[mirrored(number)], abs=1e-9)


@pytest.mark.jit_off
def test_it_is_the_mid_before_anything_was_learned_and_nan_without_two_sides():
    state = learned([])
    assert microprice(state, 10, 12, 5, 1) == 11.0
    assert math.isnan(microprice(state, 10, NO_ASK, 5, 0))
    assert math.isnan(microprice_update(state, 10, NO_ASK, 5, 0))
    # what lies before a hole does not lead to what comes after it
    microprice_update(state, 10, 11, 5, 5)
    microprice_update(state, 10, NO_ASK, 5, 0)
    microprice_update(state, 20, 21, 5, 5)
    assert state.observations == 0


@pytest.mark.jit_off
def test_an_expectation_without_an_end_is_nan():
    # given books that are always bid-heavy and always rise
    state = learned([(price, price + 1, 9, 1) for price in range(100, 200)])
    assert math.isnan(microprice(state, 50, 51, 9, 1))


@pytest.mark.jit_off
def test_asking_does_not_learn():
    state = learned(leaning_market(50))
    before = state.tobytes()
    microprice(state, 50, 51, 9, 1)
    assert state.tobytes() == before


def test_a_tick_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="tick is 0 price increments"):
        start_microprice(table(MICROPRICE, 1)[0], 0)
