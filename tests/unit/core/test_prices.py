"""What a book says of the price, checked by hand."""

import math

import numpy as np
import pytest

from quintet.core.market.prices import (
    NOT_THERE,
    depth_to,
    depth_within,
    imbalance,
    levels_depth,
    mid,
    spread_bps,
    take_cost_bps,
    take_value,
    weighted_mid,
)
from quintet.core.state import NO_ASK, NO_BID

BIDS, ASKS = 1, -1
LOW = 95
#                    95 96 97 98  99 100 101 102 103 104
RESTING_BIDS = np.array([7, 0, 5, 3, 2, 0, 0, 0, 0, 0])
RESTING_ASKS = np.array([0, 0, 0, 0, 0, 0, 4, 0, 6, 1])


@pytest.mark.jit_off
def test_the_touch_gives_mid_spread_and_weighted_mid():
    assert mid(99, 101) == 100.0
    assert spread_bps(99, 101) == 200.0
    # three lots are bid and one is asked: the price leans towards the ask
    assert weighted_mid(99, 101, 3, 1) == 100.5
    assert imbalance(3, 1) == 0.5
    assert imbalance(1, 3) == -0.5


@pytest.mark.jit_off
@pytest.mark.parametrize(("bid", "ask"), [(NO_BID, 101), (99, NO_ASK), (NO_BID, NO_ASK)])
def test_what_does_not_exist_is_nan(bid, ask):
    assert math.isnan(mid(bid, ask))
    assert math.isnan(spread_bps(bid, ask))
    assert math.isnan(weighted_mid(bid, ask, 1, 1))
    assert math.isnan(take_cost_bps(RESTING_ASKS, LOW, ASKS, bid, ask, 1))
    assert depth_within(RESTING_BIDS, LOW, BIDS, bid, ask, 1_000.0) == 0
    assert math.isnan(weighted_mid(99, 101, 0, 0))
    assert math.isnan(imbalance(0, 0))


@pytest.mark.jit_off
@pytest.mark.bounds
def test_depth_is_counted_from_the_touch_to_a_price():
    assert depth_to(RESTING_BIDS, LOW, BIDS, 99, 98) == 5
    assert depth_to(RESTING_BIDS, LOW, BIDS, 99, 1) == 17
    assert depth_to(RESTING_ASKS, LOW, ASKS, 101, 102) == 4
    assert depth_to(RESTING_ASKS, LOW, ASKS, 101, 10_000) == 11
    assert depth_to(RESTING_ASKS, LOW, ASKS, 101, 100) == 0


@pytest.mark.jit_off
@pytest.mark.bounds
def test_depth_within_basis_points_of_the_mid_includes_its_edge():
    # one tick is a hundred basis points of the mid of 100
    assert depth_within(RESTING_BIDS, LOW, BIDS, 99, 101, 99.0) == 0
    assert depth_within(RESTING_BIDS, LOW, BIDS, 99, 101, 100.0) == 2
    assert depth_within(RESTING_BIDS, LOW, BIDS, 99, 101, 200.0) == 5
    assert depth_within(RESTING_ASKS, LOW, ASKS, 99, 101, 100.0) == 4
    assert depth_within(RESTING_ASKS, LOW, ASKS, 99, 101, 300.0) == 10


@pytest.mark.jit_off
@pytest.mark.bounds
def test_levels_that_hold_nothing_do_not_count_as_levels():
    assert levels_depth(RESTING_BIDS, LOW, BIDS, 99, 3) == 10
    assert levels_depth(RESTING_BIDS, LOW, BIDS, 99, 9) == 17
    assert levels_depth(RESTING_ASKS, LOW, ASKS, 101, 2) == 10


@pytest.mark.jit_off
@pytest.mark.bounds
def test_taking_walks_the_levels_and_says_when_they_are_not_enough():
    assert take_value(RESTING_ASKS, LOW, ASKS, 101, 4) == 4 * 101
    assert take_value(RESTING_ASKS, LOW, ASKS, 101, 7) == 4 * 101 + 3 * 103
    assert take_value(RESTING_ASKS, LOW, ASKS, 101, 12) == NOT_THERE
    assert take_value(RESTING_BIDS, LOW, BIDS, 99, 6) == 2 * 99 + 3 * 98 + 97
    assert take_value(RESTING_BIDS, LOW, BIDS, 99, 18) == NOT_THERE


@pytest.mark.jit_off
def test_taking_costs_half_the_spread_and_more_with_size_on_both_sides():
    assert take_cost_bps(RESTING_ASKS, LOW, ASKS, 99, 101, 4) == pytest.approx(100.0)
    assert take_cost_bps(RESTING_ASKS, LOW, ASKS, 99, 101, 8) == pytest.approx(200.0)
    assert take_cost_bps(RESTING_BIDS, LOW, BIDS, 99, 101, 2) == pytest.approx(100.0)
    assert math.isnan(take_cost_bps(RESTING_BIDS, LOW, BIDS, 99, 101, 18))
