"""Prices of algorithms: the specification's examples to the tick, and never across what is offered."""

import pytest

from quintet.core.execution.depth import impact_bp, lots_within
from quintet.core.execution.dice import drawn
from quintet.core.execution.prices import bound_price, is_through, passive_price, touch_price, twice_mid
from tests.execution_market import Moment, a_book

CANDLE = Moment(bid=0, ask=0, last=15_000)


@pytest.mark.req("I-230")
def test_a_limit_entry_lies_five_basis_points_behind_the_close_on_the_passive_tick():
    assert passive_price(CANDLE, 1, 5.0) == 14_992  # 149.925 down
    assert passive_price(CANDLE, -1, 5.0) == 15_008  # 150.075 up


@pytest.mark.req("I-230")
def test_where_there_is_a_book_it_lies_behind_the_mid_and_never_takes():
    assert passive_price(Moment(bid=14_990, ask=15_010), 1, 5.0) == 14_992
    assert passive_price(Moment(bid=14_990, ask=15_010), 1, 0.0) == 15_000
    assert passive_price(Moment(bid=14_999, ask=15_000), 1, 0.0) == 14_999
    assert passive_price(Moment(bid=14_999, ask=15_000), -1, 0.0) == 15_000
    assert passive_price(Moment(bid=14_950, ask=15_050, tick=50), 1, 0.0) == 15_000
    assert passive_price(Moment(bid=0, ask=0, last=0), 1, 5.0) == 0


def test_a_maker_sells_at_the_ask_side_and_buys_at_the_bid_side():
    """E-17, G1: bid 59,999.9, ask 60,000.0: sell at 60,000.0, never at 59,999.9."""
    touch = Moment(bid=599_999, ask=600_000)
    assert (touch_price(touch, -1), touch_price(touch, 1)) == (600_000, 599_999)
    assert (touch_price(CANDLE, -1), touch_price(CANDLE, 1)) == (15_000, 15_000)
    # one side is empty: a tick before the other, so that nothing is taken
    assert touch_price(Moment(bid=0, ask=9_000, last=9_500), 1) == 8_999
    assert touch_price(Moment(bid=9_600, ask=0, last=9_500), -1) == 9_601


def test_a_buyer_of_maker_price_pays_no_more_than_the_mid():
    """E-112: bid 99.9, ask 100.1, buy: at most 100.0."""
    assert touch_price(Moment(bid=9_990, ask=10_010), 1) <= 10_000


def test_a_bound_is_kept_to_the_tick():
    """E-111: ask 100.00, buy, no fill above 100.50."""
    assert bound_price(Moment(bid=9_990, ask=10_000), 1, 50.0) == 10_050
    assert bound_price(Moment(bid=9_990, ask=10_000), -1, 50.0) == 9_941  # 9,940.05 up
    assert bound_price(Moment(bid=9_990, ask=10_000, tick=20), 1, 50.0) == 10_040
    assert bound_price(CANDLE, 1, 10.0) == 15_015


def test_the_mid_is_doubled_and_falls_back_on_the_last_price():
    assert twice_mid(Moment()) == 20_000
    assert twice_mid(Moment(ask=0, last=7)) == 14


def test_a_stop_is_passed_at_its_price_and_beyond():
    assert [is_through(Moment(last=last), 1, 100) for last in (101, 100, 99)] == [False, True, True]
    assert [is_through(Moment(last=last), -1, 100) for last in (99, 100, 101)] == [False, True, True]
    assert not is_through(Moment(bid=0, ask=0, last=0), 1, 100)


def test_depth_is_counted_within_basis_points_of_the_mid():
    book = Moment(**a_book(10, levels=20))
    assert lots_within(book, 1, 10.0) == 100  # 10,001 to 10,010
    assert lots_within(book, -1, 10.0) == 100
    assert lots_within(Moment(), 1, 10.0) == 0


def test_impact_is_the_mean_price_beyond_the_mid():
    book = Moment(**a_book(10))
    assert impact_bp(book, 1, 10) == pytest.approx(1.0)
    assert impact_bp(book, -1, 20) == pytest.approx(1.5)
    assert impact_bp(book, 1, 51) == float("inf")


def test_draws_are_the_same_for_the_same_seed_and_reach_every_number():
    first = [drawn(7, "size", n, 3, 8) for n in range(400)]
    assert first == [drawn(7, "size", n, 3, 8) for n in range(400)]
    assert set(first) == set(range(3, 9))
    assert first != [drawn(8, "size", n, 3, 8) for n in range(400)]
    assert first != [drawn(7, "gap", n, 3, 8) for n in range(400)]
    assert drawn(1, "one", 1, 5, 5) == 5
