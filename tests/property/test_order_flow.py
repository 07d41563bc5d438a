"""Books, order flow, profile and bars equal their slow twins, whatever is traded."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.market import prices, trade_bars
from quintet.core.records import table
from quintet.features import order_flow, profile
from tests.twins import order_flow_twin as twin
from tests.twins.order_flow_twin import Trade

LOW, HIGH = 40, 160
SPAN_NS = 100


@st.composite
def trades(draw: st.DrawFn, spread: int = 12, longest: int = 60) -> list[Trade]:
    """Small steps in time and price, so that equal stamps, equal prices and exact ties are common."""
    ts, found = 10_000, []
    steps = st.tuples(
        st.sampled_from([0, 0, 1, 30, 100, 2_000]),
        st.sampled_from([1, -1]),
        st.integers(100, 100 + spread),
        st.integers(1, 9),
    )
    for wait, side, price, lots in draw(st.lists(steps, min_size=1, max_size=longest)):
        ts += wait
        found.append(Trade(ts, side, price, lots))
    return found


@st.composite
def books(draw: st.DrawFn) -> tuple[dict[int, int], dict[int, int]]:
    """Bids and asks that do not cross, neither side empty."""
    middle = draw(st.integers(LOW + 5, HIGH - 5))
    lots = st.integers(1, 50)
    bids = draw(st.dictionaries(st.integers(LOW, middle), lots, min_size=1, max_size=12))
    asks = draw(st.dictionaries(st.integers(middle + 1, HIGH), lots, min_size=1, max_size=12))
    return bids, asks


def as_levels(book: dict[int, int]) -> np.ndarray:
    levels = np.zeros(HIGH - LOW + 1, np.int64)
    for price, lots in book.items():
        levels[price - LOW] = lots
    return levels


@pytest.mark.jit_off
@pytest.mark.bounds
@given(books(), st.integers(1, 400), st.integers(0, 4_000), st.integers(1, 12))
def test_depth_and_cost_equal_a_walk_over_the_levels(
    book: tuple[dict[int, int], dict[int, int]], wanted: int, bps: int, levels: int
) -> None:
    bid, ask = max(book[0]), min(book[1])
    for side, resting, best in ((1, book[0], bid), (-1, book[1], ask)):
        lots = as_levels(resting)
        value = twin.take_value(resting, side, wanted)
        assert prices.take_value(lots, LOW, side, best, wanted) == (prices.NOT_THERE if value is None else value)
        assert prices.depth_within(lots, LOW, side, bid, ask, float(bps)) == twin.depth_within(
            resting, side, bid + ask, Fraction(bps)
        )
        first = [held for _, held in twin.outwards(resting, side)[:levels]]
        assert prices.levels_depth(lots, LOW, side, best, levels) == sum(first)
        cost = prices.take_cost_bps(lots, LOW, side, bid, ask, wanted)
        assert (value is None) == (cost != cost)
        assert value is None or cost >= 0.0


@pytest.mark.jit_off
@given(trades(), st.integers(1, 6))
def test_deltas_are_sums_over_the_trades_they_are_about(traded: list[Trade], spans: int) -> None:
    cumulative, window = table(order_flow.CVD, 1)[0], table(order_flow.DELTA, 1)[0]
    order_flow.start_cvd(cumulative)
    order_flow.start_delta(window, SPAN_NS, spans)
    for n, trade in enumerate(traded, start=1):
        assert order_flow.cvd_update(cumulative, trade.side, trade.lots) == twin.delta(traded[:n])
        found = order_flow.delta_update(window, trade.ts, trade.side, trade.lots)
        assert found == twin.window_delta(traded[:n], SPAN_NS, spans)


@pytest.mark.jit_off
@given(trades(), st.integers(1, 3), st.integers(0, 400), st.integers(1, 10))
def test_a_footprint_is_the_sum_over_its_prices(traded: list[Trade], row_ticks: int, ratio_e2: int, least: int) -> None:
    state = table(order_flow.FOOTPRINT, 1)[0]
    order_flow.start_footprint(state, row_ticks)
    for trade in traded:
        delta = order_flow.footprint_update(state, trade.side, trade.price, trade.lots)
    assert delta == twin.delta(traded)
    assert state.outside == 0
    for side in (1, -1):
        for price in range(98, 115):
            taken = sum(t.lots for t in traded if t.side == side and t.price // row_ticks == price // row_ticks)
            assert order_flow.footprint_at(state, price, side) == taken
        expected = twin.diagonal(traded, side, row_ticks, Fraction(ratio_e2, 100), least)
        assert order_flow.footprint_imbalances(state, side, ratio_e2, least) == expected


@pytest.mark.jit_off
@given(trades(), st.integers(1, 3_000), st.integers(1, 3))
def test_large_orders_are_those_whose_prints_are_worth_more_than_the_threshold(
    traded: list[Trade], threshold: int, quanta: int
) -> None:
    state = table(order_flow.LARGE, 1)[0]
    order_flow.start_large(state, threshold, quanta)
    said = [order_flow.large_update(state, t.ts, t.side, t.price, t.lots) for t in traded]
    expected = twin.large_orders(traded, threshold, quanta)
    assert [side for side in said if side] == [side for _, side, _ in expected]
    assert state.n_buys == sum(side > 0 for _, side, _ in expected)
    assert state.buy_value == sum(value for _, side, value in expected if side > 0)
    assert state.sell_value == sum(value for _, side, value in expected if side < 0)
    if expected:
        assert (state.last_ts, state.last_side, state.last_value) == expected[-1]


@pytest.mark.jit_off
@given(trades(), st.integers(1, 3), st.integers(1, 10_000))
def test_a_profile_equals_its_definition(traded: list[Trade], row_ticks: int, share_e4: int) -> None:
    state = table(profile.PROFILE, 1)[0]
    profile.start_profile(state, row_ticks, share_e4 / 10_000)
    for n, trade in enumerate(traded, start=1):
        poc = profile.profile_update(state, trade.price, trade.lots)
        profile.profile_area(state)
        expected = twin.profile(traded[:n], row_ticks, Fraction(share_e4, 10_000))
        assert (poc, state.area_high, state.area_low) == (expected.poc, expected.vah, expected.val)


@pytest.mark.jit_off
@pytest.mark.bounds
@given(trades(spread=6_000, longest=25), st.integers(1, 3))
def test_a_profile_that_folds_equals_one_that_had_high_rows_from_the_start(traded: list[Trade], row_ticks: int) -> None:
    state = table(profile.PROFILE, 1)[0]
    profile.start_profile(state, row_ticks)
    for trade in traded:
        poc = profile.profile_update(state, trade.price, trade.lots)
    profile.profile_area(state)
    expected = twin.profile(traded, row_ticks, Fraction(7, 10))
    assert (poc, state.area_high, state.area_low) == (expected.poc, expected.vah, expected.val)
    assert state.row_ticks == twin.row_height(traded, row_ticks, 1024)
    assert sum(state.volumes) == sum(trade.lots for trade in traded)


@pytest.mark.jit_off
@given(trades(), st.sampled_from(trade_bars.RULE_NAMES), st.integers(1, 9_000))
def test_bars_are_the_trades_they_are_made_of(traded: list[Trade], rule: str, size: int) -> None:
    state = table(trade_bars.TRADE_BARS, 1)[0]
    trade_bars.start_trade_bars(state, trade_bars.RULE_NAMES.index(rule), size, 7)
    made = [
        tuple(np.asarray(state.done).tolist())[2:]
        for trade in traded
        if trade_bars.trade_bars_update(state, trade.ts, trade.price, trade.lots, trade.side)
    ]
    if rule == "time":
        groups = twin.groups_by_time(traded, size)
    else:
        groups = twin.groups_by_size(traded, size, rule, 7)
    assert made == [twin.bar(group) for group in groups[:-1]]
    assert state.finished == len(groups) - 1
    assert state.now.trades == len(groups[-1])
