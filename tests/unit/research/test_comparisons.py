"""What else could have been done with the same money."""

import numpy as np
import pytest

from quintet.research.comparisons import draw_stays, held_worth, random_entries, stays


def test_holding_a_share_moves_by_that_share():
    assert held_worth([100, 150, 50], 0.2).tolist() == pytest.approx([1.0, 1.1, 0.9])


def test_a_stay_is_a_stretch_in_which_something_worth_an_order_is_held():
    assert stays(np.array([0, 3, 12, 15, 2, 11, 0, 20]), 10.0) == [(2, 4), (5, 6), (7, 8)]
    assert stays(np.array([0.0, 0.0]), 10.0) == []


def test_random_entries_in_a_market_that_only_rises_earn_what_their_exposure_earns():
    # given a market that rises by 1 % a bar, and two stays of two bars at half of equity
    prices = 100.0 * 1.01 ** np.arange(40)
    share = np.zeros(40)
    share[[3, 4, 9, 10]] = 0.5
    found = random_entries(share, prices, [(3, 5), (9, 11)], net_frac=0.0, fees_frac=0.002, draws=50)
    # then wherever they fall they gain 0.5 % four times, less the fees
    assert found is not None
    assert (found.stays, found.bars, found.draws) == (2, 4, 50)
    assert found.low_frac == pytest.approx(1.005**4 - 1.002)
    assert found.high_frac == pytest.approx(found.low_frac)
    assert found.beaten_frac == 0.0


def test_equal_runs_give_equal_draws_and_the_share_beaten_counts_them():
    generator = np.cumsum(np.sin(np.arange(500.0)) + 0.1) + 1000.0
    share = np.zeros(500)
    share[50:60] = 0.3
    first = random_entries(share, generator, [(50, 60)], net_frac=1.0, fees_frac=0.0, draws=100)
    again = random_entries(share, generator, [(50, 60)], net_frac=1.0, fees_frac=0.0, draws=100)
    assert first == again
    assert first is not None
    assert first.low_frac < first.median_frac < first.high_frac
    assert first.beaten_frac == 1.0


def test_without_a_stay_or_room_to_move_one_there_is_nothing_to_draw():
    prices, share = np.arange(1.0, 11.0), np.ones(10)
    assert random_entries(share, prices, [], 0.0, 0.0) is None
    assert random_entries(share, prices, [(0, 10)], 0.0, 0.0) is None


@pytest.mark.jit_off
@pytest.mark.bounds
def test_every_order_and_every_place_is_drawn():
    from quintet.core.random import seeded

    dice = seeded(3, "stays")
    order, offsets = np.empty(3, np.int64), np.empty(3, np.int64)
    orders, places = set(), set()
    for _ in range(300):
        draw_stays(dice[0], order, offsets, 4)
        orders.add(tuple(order.tolist()))
        places |= set(offsets.tolist())
    assert len(orders) == 6
    assert places == {0, 1, 2, 3, 4}
