"""Steps, gaps, bids and takes: the numbers of section 3.7."""

import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.systems.structure_mm import grid as g
from quintet.systems.structure_mm.config import StructureMmConfig
from quintet.systems.structure_mm.records import DEFENSIVE, NORMAL, params_record

PARAMS = params_record(StructureMmConfig(), DEFAULT_SPOT)[0]
E9 = 1_000_000_000


def step(atr_bp, maker_bp, policy=NORMAL, measured=0.0):
    floor = g.cost_floor_bp(PARAMS, maker_bp, g.adverse_selection_bp(PARAMS, atr_bp, measured))
    return g.step_bp(PARAMS, floor, atr_bp, policy)


@pytest.mark.req("S-10", "S-24")
def test_the_step_follows_volatility():
    # given ATR 22 bp, then 44 bp, maker 1 bp
    # then the step goes from 17.6 to 35.2 bp
    assert step(22.0, 1.0) == pytest.approx(17.6)
    assert step(44.0, 1.0) == pytest.approx(35.2)


@pytest.mark.req("S-24")
@pytest.mark.parametrize(
    ("maker", "floor", "wide", "defensive", "net"),
    [
        (10, 24.2, 24.2, 36.3, 4.16),
        (2, 8.2, 17.6, 26.4, 13.59),
        (1, 6.2, 17.6, 26.4, 15.60),
        (0, 4.2, 17.6, 26.4, 17.6),
    ],
)
def test_the_table_of_steps_by_maker_fee(maker, floor, wide, defensive, net):
    adverse = g.adverse_selection_bp(PARAMS, 22.0, 0.0)
    assert g.cost_floor_bp(PARAMS, float(maker), adverse) == pytest.approx(floor)
    assert step(22.0, float(maker)) == pytest.approx(wide)
    assert step(22.0, float(maker), DEFENSIVE) == pytest.approx(defensive)
    kept = 1 - maker / 10_000
    assert ((1 + wide / 10_000) * kept * kept - 1) * 10_000 == pytest.approx(net, abs=0.01)


def test_adverse_selection_is_the_largest_of_prior_volatility_and_measurement():
    assert g.adverse_selection_bp(PARAMS, 5.0, 0.0) == 1.0
    assert g.adverse_selection_bp(PARAMS, 22.0, 0.0) == pytest.approx(2.2)
    assert g.adverse_selection_bp(PARAMS, 22.0, 3.5) == 3.5


def test_bids_stand_wider_the_more_is_held():
    step_e9 = g.rate_e9(24.2)
    assert g.gap_e9(PARAMS, step_e9, 0) == step_e9
    assert g.gap_e9(PARAMS, step_e9, 200_000_000) == step_e9 * 3 // 2
    assert g.gap_e9(PARAMS, step_e9, 400_000_000) == 2 * step_e9
    assert g.gap_e9(PARAMS, step_e9, 900_000_000) == 2 * step_e9


def test_bids_of_the_example_stand_a_step_apart():
    # given anchor 2999.00 and a step of 24.20 bp, nothing held
    step_e9 = g.rate_e9(24.20)
    prices = [g.bid_price(299_900, k, step_e9, 299_900, 1) for k in (1, 2, 3)]
    # then bids are rounded down to the tick
    assert prices == [299_174, 298_448, 297_722]


def test_takes_of_the_start_lots_stand_one_and_two_steps_above():
    step_e9 = g.rate_e9(24.20)
    assert g.take_price(299_900, 1, step_e9, 1) == 300_626
    assert g.take_price(299_900, 2, step_e9, 1) == 301_352


def test_bids_never_stand_above_the_best_bid_or_the_old_top():
    assert g.bid_price(300_000, 1, g.rate_e9(10.0), 299_500, 1) == 299_500


def test_a_bid_pressed_down_keeps_its_distance_to_the_next():
    gap = g.rate_e9(10.0)
    first = g.bid_price(300_000, 1, gap, 290_000, 1)
    second = g.bid_price(300_000, 2, gap, g.next_ceiling(first, gap), 1)
    assert (first, second) == (290_000, 289_710)


def test_nothing_is_left_below_the_anchor_when_the_gaps_are_too_wide():
    assert g.bid_price(300_000, 10, E9 // 5, 300_000, 1) == 0


def test_the_anchor_follows_up_by_more_than_a_step_and_never_down():
    step_e9 = g.rate_e9(10.0)
    assert g.followed(300_000, 300_300, step_e9) == 300_000
    assert g.followed(300_000, 300_301, step_e9) == 300_301
    assert g.followed(300_000, 290_000, step_e9) == 300_000


def test_prices_lie_on_the_tick():
    assert g.floor_tick(1_007, 5) == 1_005
    assert g.ceil_tick(1_006, 5) == 1_010
    assert g.ceil_tick(1_005, 5) == 1_005


def test_multiples_of_atr_are_exact():
    # given ATR 6.6 at a tick of a cent
    units = 660 * 1024
    assert g.atr_up(2_500, units) == 165
    assert g.is_beyond(67, 1_000, units)
    assert not g.is_beyond(66, 1_000, units)


def test_a_bid_stays_while_it_is_within_a_tenth_of_a_gap():
    assert g.tolerance(300_000, g.rate_e9(20.0)) == 60
