"""Delta, footprint and large orders, checked by hand."""

import math

import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.order_flow import (
    CVD,
    DELTA,
    FOOTPRINT,
    FOOTPRINT_ROWS,
    LARGE,
    cvd_update,
    delta_pass_time,
    delta_update,
    footprint_at,
    footprint_begin,
    footprint_imbalances,
    footprint_update,
    large_update,
    start_cvd,
    start_delta,
    start_footprint,
    start_large,
    trade_imbalance,
)

BUY, SELL = 1, -1


@pytest.mark.jit_off
def test_cumulative_delta_counts_from_its_anchor():
    state = table(CVD, 1)[0]
    start_cvd(state)
    assert [cvd_update(state, side, lots) for side, lots in ((BUY, 5), (SELL, 8), (BUY, 1))] == [5, -3, -2]
    assert (state.buys, state.sells, state.trades) == (6, 8, 3)
    start_cvd(state)
    assert cvd_update(state, SELL, 1) == -1


@pytest.mark.jit_off
def test_the_imbalance_of_trades_is_nan_when_nothing_traded():
    assert trade_imbalance(3, 1) == 0.5
    assert trade_imbalance(0, 2) == -1.0
    assert math.isnan(trade_imbalance(0, 0))


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_window_of_delta_forgets_whole_spans():
    # given a window of three spans of ten
    state = table(DELTA, 1)[0]
    start_delta(state, 10, 3)
    assert delta_update(state, 1_005, BUY, 4) == 4
    assert delta_update(state, 1_010, SELL, 1) == 3
    assert delta_update(state, 1_029, BUY, 2) == 5
    # when the first span leaves it, its four lots are gone; after a long silence everything is
    assert delta_update(state, 1_030, BUY, 1) == 2
    assert delta_pass_time(state, 1_049) == 3
    assert delta_pass_time(state, 1_050) == 1
    assert delta_pass_time(state, 1_000_000) == 0
    assert delta_update(state, 1_000_001, SELL, 9) == -9


@pytest.mark.jit_off
def test_a_footprint_keeps_both_sides_of_each_price_and_the_extremes_of_its_delta():
    state = table(FOOTPRINT, 1)[0]
    start_footprint(state)
    trades = [(BUY, 100, 5), (SELL, 100, 2), (SELL, 99, 7), (BUY, 101, 6)]
    assert [footprint_update(state, *trade) for trade in trades] == [5, 3, -4, 2]
    assert (footprint_at(state, 100, BUY), footprint_at(state, 100, SELL), footprint_at(state, 99, SELL)) == (5, 2, 7)
    assert (footprint_at(state, 98, SELL), footprint_at(state, 102, BUY)) == (0, 0)
    assert (state.delta_high, state.delta_low, state.low, state.high) == (5, -4, 99, 101)
    # when the next bar begins, nothing of this one is left
    footprint_begin(state)
    assert footprint_at(state, 100, BUY) == 0
    assert footprint_update(state, SELL, 100, 1) == -1
    assert not any(state.bought)


@pytest.mark.jit_off
def test_imbalances_are_compared_diagonally():
    state = table(FOOTPRINT, 1)[0]
    start_footprint(state)
    # buyers at 101 against sellers at 100: 9 to 3; buyers at 102 against sellers at 101: 2 to 1
    for trade in [(SELL, 100, 3), (BUY, 101, 9), (SELL, 101, 1), (BUY, 102, 2)]:
        footprint_update(state, *trade)
    assert footprint_imbalances(state, BUY, 300, 3) == 1
    assert footprint_imbalances(state, BUY, 200, 1) == 2
    assert footprint_imbalances(state, BUY, 301, 3) == 0
    # sellers at 100 against buyers at 101, sellers at 101 against buyers at 102
    assert footprint_imbalances(state, SELL, 300, 1) == 0
    assert footprint_imbalances(state, SELL, 33, 1) == 2


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_bar_wider_than_its_footprint_says_what_it_could_not_keep():
    state = table(FOOTPRINT, 1)[0]
    start_footprint(state, row_ticks=2)
    footprint_update(state, BUY, 2_000, 3)
    footprint_update(state, BUY, 2_000 + 2 * FOOTPRINT_ROWS - 1, 4)
    assert (state.outside, footprint_at(state, 2_000 + 2 * FOOTPRINT_ROWS - 2, BUY)) == (0, 4)
    assert footprint_update(state, SELL, 2_000 + 2 * FOOTPRINT_ROWS, 5) == 2
    assert state.outside == 5
    assert footprint_at(state, 2_000, SELL) == 0


@pytest.mark.jit_off
def test_an_order_is_large_once_however_many_prints_it_takes():
    # given a threshold of a thousand quanta, and two quanta a tick and lot
    state = table(LARGE, 1)[0]
    start_large(state, 1_000, 2)
    assert large_update(state, 1, BUY, 100, 5) == 0  # a thousand is not above a thousand
    assert large_update(state, 1, BUY, 101, 1) == BUY
    assert large_update(state, 1, BUY, 102, 1) == 0
    assert (state.n_buys, state.buy_value, state.last_value, state.last_price) == (1, 703, 703, 101)
    # another side or another time is another order
    assert large_update(state, 1, SELL, 100, 5) == 0
    assert large_update(state, 2, SELL, 100, 5) == 0
    assert large_update(state, 3, SELL, 100, 6) == SELL
    assert (state.n_sells, state.sell_value, state.last_ts) == (1, 600, 3)


@pytest.mark.parametrize(
    ("start", "dtype", "arguments", "message"),
    [
        (start_delta, DELTA, (0, 5), "delta: span is 0 ns, expected 1"),
        (start_delta, DELTA, (10, 0), "delta: spans is 0, expected 1 to 512"),
        (start_delta, DELTA, (10, 513), "delta: spans is 513"),
        (start_footprint, FOOTPRINT, (0,), "footprint: row is 0 ticks"),
        (start_large, LARGE, (0, 1), "large orders: threshold is 0 quanta"),
        (start_large, LARGE, (1, 0), "large orders: quanta per tick and lot is 0"),
    ],
)
def test_what_cannot_be_is_refused_by_name(start, dtype, arguments, message):
    with pytest.raises(ConfigError, match=message):
        start(table(dtype, 1)[0], *arguments)
