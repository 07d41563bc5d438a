"""Whole books of any price range: the same levels and the same best as a dictionary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.market.ladder import best, empty_ladders, set_level, with_room

pytestmark = [pytest.mark.jit_off, pytest.mark.bounds]

CHANGES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(1, 40), st.integers(0, 3)), min_size=1, max_size=120
)


@given(CHANGES)
def test_a_ladder_holds_what_a_dictionary_holds(changes: list[tuple[int, int, int, int]]) -> None:
    ladders, counts = empty_ladders(2, 2)
    held: dict[tuple[int, int, int], int] = {}
    for n, side, price, lots in changes:
        ladders = with_room(ladders, counts, 1)
        set_level(ladders, counts, n, side, price, lots)
        held.pop((n, side, price), None)
        if lots:
            held[n, side, price] = lots

        for each in range(2):
            prices = [[p for i, s, p in held if (i, s) == (each, at)] for at in range(2)]
            assert best(ladders, counts, each, 0) == max(prices[0], default=0)
            assert best(ladders, counts, each, 1) == min(prices[1], default=0)
    for each in range(2):
        for side in range(2):
            levels = ladders[each, side, : counts[each, side]].tolist()
            expected = sorted(((p, q) for (i, s, p), q in held.items() if (i, s) == (each, side)), reverse=side == 1)
            assert levels == [list(level) for level in expected]


def test_room_grows_and_keeps_every_level() -> None:
    ladders, counts = empty_ladders(1, 1)
    for price in range(1, 50):
        ladders = with_room(ladders, counts, 1)
        set_level(ladders, counts, 0, 0, price, price)

    assert counts[0].tolist() == [49, 0]
    assert ladders[0, 0, :49, 0].tolist() == list(range(1, 50))
    assert np.array_equal(ladders[0, 0, :49, 0], ladders[0, 0, :49, 1])
