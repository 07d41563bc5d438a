"""TREND, sentence by sentence."""

import pytest

from quintet.core.errors import InvariantError
from quintet.systems.eternal.config import EternalConfig, TrendConfig
from quintet.systems.eternal.dates import day_of
from quintet.systems.eternal.machine import moved
from quintet.systems.eternal.trend import (
    MARKETS,
    MOVES,
    TrendMarket,
    TrendState,
    TrendView,
    decide,
    liquidation_buffer,
    on_fill,
    signal_of,
    size_of,
)
from tests.unit.systems.eternal.builders import COIN, USDT, changed, kinds, picture, quote

CONFIG = TrendConfig()
DAY = day_of(2024, 3, 1)
BTC, ETH = MARKETS
FLAT = picture(50_000, adx=10.0)
UP = picture(60_000, adx=25.1)
DOWN = picture(40_000, adx=30.0, fast_average=48_000.0)
LONG = TrendMarket(
    phase="IN_POSITION", side=1, entry=20_000, atr=500.0, best=20_000, hard=19_000, stop=19_000, entered=DAY - 1
)


def view(btc=UP, held=0.0, eth=FLAT, held_eth=0.0, day=DAY, **fields):
    """Both markets; `held` coins."""
    quotes = {BTC: quote(btc.close, held), ETH: quote(eth.close, held_eth)}
    known = {"equity": 15_000 * USDT, "quotes": quotes, "pictures": {BTC: btc, ETH: eth}}
    return TrendView(**{**known, "day": day, **fields})


def long_of(**fields):
    """A state that is long Bitcoin."""
    return TrendState(markets={BTC: changed(LONG, **fields)}, day=DAY - 1)


def orders_of(decision, instrument=BTC):
    return [(order.style, order.side, order.lots) for order in decision.orders if order.instrument == instrument]


@pytest.mark.req("E-29")
def test_it_trades_two_perpetuals_and_no_other():
    solana = {"SOL-PERP": quote(200)}
    shown = view(btc=FLAT)
    shown = changed(shown, quotes={**shown.quotes, **solana}, pictures={**shown.pictures, "SOL-PERP": UP})
    assert decide(TrendState(), shown, CONFIG).orders == ()
    assert MARKETS == ("BTC-PERP", "ETH-PERP")


@pytest.mark.req("E-31", "E-34")
@pytest.mark.parametrize(
    ("seen", "side"),
    [
        (picture(60_000, adx=25.0), 0),
        (picture(60_000, adx=25.1), 1),
        (picture(60_000, adx=30.0, fast_average=49_000.0), 0),
        (picture(50_000, adx=30.0), 0),
        (picture(60_000, adx=30.0, slow_average=None), 0),
        (picture(60_000, adx=None), 0),
    ],
)
def test_a_long_asks_for_price_and_average_above_and_a_strong_trend(seen, side):
    assert signal_of(seen, CONFIG) == side


@pytest.mark.req("E-32", "E-49")
@pytest.mark.parametrize(("seen", "side"), [(DOWN, -1), (picture(40_000, adx=30.0), 0), (changed(DOWN, adx=25.0), 0)])
def test_a_short_asks_for_the_mirror_of_it(seen, side):
    assert signal_of(seen, CONFIG) == side


@pytest.mark.req("E-49")
def test_a_falling_market_is_sold_not_bought():
    assert orders_of(decide(TrendState(), view(btc=DOWN), CONFIG)) == [("market", -1, 500)]


@pytest.mark.req("E-33")
@pytest.mark.parametrize(("close", "style"), [(49_999, "market"), (50_000, "stop")])
def test_a_long_is_closed_when_the_day_closes_below_the_long_average(close, style):
    decision = decide(long_of(), view(btc=picture(close), held=0.1), CONFIG)
    assert orders_of(decision) == [(style, -1, 1_000)]


@pytest.mark.req("E-33")
def test_a_short_is_closed_when_the_day_closes_above_it():
    short = changed(LONG, side=-1, hard=21_000, stop=21_000)
    decision = decide(TrendState(markets={BTC: short}), view(btc=picture(50_001), held=-0.1), CONFIG)
    assert orders_of(decision) == [("market", 1, 1_000)]


@pytest.mark.req("E-33")
def test_a_weak_trend_alone_closes_nothing():
    decision = decide(long_of(), view(btc=picture(51_000, adx=22.0), held=0.1), CONFIG)
    assert [order.style for order in decision.orders] == ["stop"]


@pytest.mark.req("E-35", "E-36")
@pytest.mark.parametrize(("best", "stop"), [(20_000, 19_000), (20_400, 19_000), (21_000, 19_500), (22_500, 21_000)])
def test_the_stop_is_hard_until_the_trailing_one_is_nearer(best, stop):
    seen = picture(best, slow_average=15_000.0, fast_average=16_000.0)
    (order,) = decide(long_of(), view(btc=seen, held=0.1), CONFIG).orders
    assert (order.style, order.price, order.reduce_only) == ("stop", stop, True)


@pytest.mark.req("E-35")
def test_a_stop_is_never_lowered():
    seen = picture(20_100, slow_average=15_000.0, fast_average=16_000.0)
    (order,) = decide(long_of(best=22_500, stop=21_000), view(btc=seen, held=0.1), CONFIG).orders
    assert order.price == 21_000


@pytest.mark.req("E-36")
@pytest.mark.parametrize(("side", "stop"), [(1, 57_000), (-1, 63_000)])
def test_a_fill_sets_the_hard_stop_at_the_venue(side, stop):
    state = TrendState(day=DAY, markets={BTC: TrendMarket(phase="ENTRY", side=side)})
    decision = on_fill(state, BTC, quote(60_000, 0.05 * side), 60_000, UP, CONFIG)
    (order,) = decision.orders
    assert (order.style, order.price, order.side, order.lots) == ("stop", stop, -side, 500)
    assert decision.state.of(BTC).phase == "IN_POSITION"


@pytest.mark.req("E-37")
def test_the_stop_of_a_trade_loses_one_per_cent_of_the_sub_account():
    lots = size_of(quote(60_000), 1_500.0, 15_000 * USDT, 0, CONFIG)
    assert lots == 0.05 * COIN
    assert lots * 100 * 2 * 1_500 == 150 * USDT


@pytest.mark.req("E-38")
def test_a_position_is_at_most_half_of_the_sub_account():
    assert size_of(quote(60_000), 300.0, 15_000 * USDT, 0, CONFIG) == 0.125 * COIN


@pytest.mark.req("E-39")
def test_all_positions_are_at_most_twice_the_sub_account():
    uncapped = TrendConfig(position_max_frac=2.0)
    lots = size_of(quote(60_000), 300.0, 15_000 * USDT, 28_000 * USDT, uncapped)
    assert lots * 60_000 * 100 <= 2_000 * USDT < (lots + 1) * 60_000 * 100


@pytest.mark.req("E-40")
def test_the_second_sub_account_has_other_averages_and_the_same_stops():
    config = EternalConfig()
    assert (config.trend_2.fast_days, config.trend_2.slow_days) == (25, 100)
    assert changed(config.trend_2, fast_days=50, slow_days=200) == config.trend_1


@pytest.mark.req("E-41")
def test_a_second_cycle_of_a_day_decides_nothing():
    first = decide(TrendState(), view(), CONFIG)
    second = decide(first.state, view(btc=DOWN), CONFIG)
    assert second.orders is None and second.state == first.state


@pytest.mark.req("E-42")
@pytest.mark.parametrize(("stop", "kind"), [(19_000, "stopped"), (19_500, "trailing_stop")])
def test_a_stop_that_was_hit_says_which_it_was(stop, kind):
    decision = on_fill(long_of(stop=stop), BTC, quote(stop), stop, UP, CONFIG)
    assert kinds(decision) == [kind]
    assert decision.state.of(BTC).phase == "SCAN"
    assert decision.orders == ()


@pytest.mark.req("E-42")
def test_the_states_of_one_trade():
    state = decide(TrendState(), view(), CONFIG).state
    assert state.of(BTC).phase == "ENTRY"
    state = on_fill(state, BTC, quote(60_000, 0.05), 60_000, UP, CONFIG).state
    assert state.of(BTC).phase == "IN_POSITION"
    below = picture(49_000)
    state = decide(state, view(btc=below, held=0.05, day=DAY + 1), CONFIG).state
    assert state.of(BTC).phase == "EXIT"
    state = on_fill(state, BTC, quote(49_000), 49_000, below, CONFIG).state
    assert state.of(BTC).phase == "SCAN"
    with pytest.raises(InvariantError, match="from SCAN to EXIT"):
        moved(MOVES, "SCAN", "EXIT")


@pytest.mark.req("E-42")
def test_an_entry_that_found_nobody_is_no_trade():
    state = TrendState(markets={BTC: TrendMarket(phase="ENTRY", side=1)})
    assert decide(state, view(btc=FLAT), CONFIG).state.of(BTC).phase == "SCAN"


@pytest.mark.req("E-43")
def test_a_market_that_is_held_is_not_entered_again():
    both = TrendState(markets={BTC: LONG, ETH: changed(LONG, entry=2_000)})
    seen = {"btc": picture(60_000, adx=40.0), "eth": picture(60_000, adx=40.0)}
    decision = decide(both, view(**seen, held=0.05, held_eth=0.5), CONFIG)
    assert {order.style for order in decision.orders} == {"stop"}
    assert len(decision.orders) == 2


@pytest.mark.req("E-44")
def test_at_one_times_leverage_a_liquidation_is_more_than_half_away():
    assert liquidation_buffer(15_000 * USDT, {BTC: quote(60_000, 0.25)}, 5_000_000) == pytest.approx(0.995)
    assert liquidation_buffer(15_000 * USDT, {BTC: quote(60_000, -0.5)}, 5_000_000) < 0.5


@pytest.mark.req("E-45")
@pytest.mark.parametrize(("day", "style"), [(day_of(2024, 3, 30), "stop"), (day_of(2024, 3, 31), "market")])
def test_a_position_is_closed_after_thirty_days(day, style):
    decision = decide(long_of(entered=day_of(2024, 3, 1)), view(held=0.1, day=day), CONFIG)
    assert orders_of(decision) == [(style, -1, 1_000)]


@pytest.mark.req("E-45")
def test_after_an_exit_the_market_is_entered_on_another_day():
    state = TrendState(day=DAY - 1, markets={BTC: TrendMarket(left=DAY)})
    assert kinds(decide(state, view(), CONFIG)) == ["no_trade"]
    assert orders_of(decide(state, view(day=DAY + 1), CONFIG)) == [("market", 1, 500)]


def through(state, closes, shown=None):
    """A market whose ADX takes these values, day by day; the last decision."""
    decision = None
    for n, adx in enumerate(closes):
        decision = decide(state, view(btc=picture(60_000, adx=adx), day=DAY + n), CONFIG)
        state = decision.state
    return decision


@pytest.mark.req("E-46")
@pytest.mark.parametrize(
    ("closes", "enters"),
    [
        ([19.9] * 13 + [26.0], True),
        ([19.9] * 14 + [26.0], False),
        ([19.9] * 14 + [26.0, 27.0], False),
        ([19.9] * 14 + [26.0, 27.0, 28.0], True),
        ([19.9] * 14 + [26.0, 24.0, 28.0], False),
    ],
)
def test_fourteen_quiet_days_ask_for_three_strong_closes(closes, enters):
    assert bool(through(TrendState(), closes).orders) == enters


@pytest.mark.req("E-47")
@pytest.mark.parametrize(("correlation", "lots"), [(0.91, 250), (0.90, 500), (None, 500)])
def test_a_correlated_pair_is_entered_at_half_the_size(correlation, lots):
    state = TrendState(markets={ETH: changed(LONG, entry=2_000, entered=DAY, halved=True)})
    decision = decide(state, view(held_eth=0.5, eth=picture(52_000), correlation=correlation), CONFIG)
    assert orders_of(decision) == [("market", 1, lots)]


@pytest.mark.req("E-47")
def test_correlation_goes_off_lower_than_it_came_on():
    on = decide(TrendState(), view(correlation=0.91), CONFIG).state
    still = decide(on, view(correlation=0.86, day=DAY + 1), CONFIG).state
    off = decide(still, view(correlation=0.85, day=DAY + 2), CONFIG).state
    assert [on.correlated, still.correlated, off.correlated] == [True, True, False]


@pytest.mark.req("E-47")
def test_an_open_pair_is_halved_once():
    both = TrendState(markets={BTC: LONG, ETH: changed(LONG, halved=True)})
    shown = view(held=0.1, eth=picture(52_000), held_eth=0.5, correlation=0.95)
    first = decide(both, shown, CONFIG)
    assert orders_of(first) == [("market", -1, 500), ("stop", -1, 500)]
    second = decide(first.state, changed(shown, day=DAY + 1), CONFIG)
    assert orders_of(second) == [("stop", -1, 1_000)]


@pytest.mark.req("E-48")
def test_three_dear_periods_close_and_bar_that_side():
    two = decide(long_of(), view(held=0.1, rates={BTC: (1_100_000, 1_200_000)}), CONFIG)
    assert orders_of(two) == [("stop", -1, 1_000)]
    three = decide(long_of(), view(held=0.1, rates={BTC: (1_100_000, 1_200_000, 1_300_000)}), CONFIG)
    assert orders_of(three) == [("market", -1, 1_000)]
    state = on_fill(three.state, BTC, quote(60_000), 60_000, UP, CONFIG).state
    dear = decide(state, view(day=DAY + 1, rates={BTC: (600_000,) * 3}), CONFIG)
    assert [note.values.get("rule") for note in dear.notes] == ["funding"]
    again = decide(dear.state, view(day=DAY + 2, rates={BTC: (600_000, 500_000, 600_000)}), CONFIG)
    assert orders_of(again) == [("market", 1, 500)]


@pytest.mark.req("E-48")
def test_a_long_does_not_mind_what_shorts_pay():
    decision = decide(long_of(), view(held=0.1, rates={BTC: (-1_200_000,) * 3}), CONFIG)
    assert orders_of(decision) == [("stop", -1, 1_000)]


@pytest.mark.req("E-96")
def test_where_no_new_risk_is_allowed_exits_still_run():
    assert decide(TrendState(), view(may_enter=False), CONFIG).orders == ()
    closed = decide(long_of(entered=DAY - 30), view(held=0.1, may_enter=False), CONFIG)
    assert orders_of(closed) == [("market", -1, 1_000)]


def test_money_that_is_asked_back_cuts_positions_in_proportion():
    decision = decide(long_of(), view(held=0.1, release=3_000 * USDT), CONFIG)
    assert orders_of(decision) == [("stop", -1, 1_000), ("market", -1, 500)]


def test_a_market_without_prices_is_left_alone():
    decision = decide(TrendState(), view(pictures={ETH: FLAT}), CONFIG)
    assert decision.orders == ()
