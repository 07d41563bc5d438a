"""Candle mode, sentence by sentence: what one bar does to our orders. Numbers in brackets are the sentences."""

from typing import Any

import pytest

from quintet.core.engine.world import Execution
from quintet.core.instrument import Instrument
from quintet.sim.bars import OHLC, OLHC, OPTIMISTIC, PESSIMISTIC, POLICY_NAMES
from tests.bar_exchange import E9, MINUTE, exchange_answers
from tests.desk_worlds import LINEAR_COIN, ONE_MINUTE, SECOND, SPOT_COIN, START
from tests.twins.bars_twin import Answer, Bar, Request

LATER = 250_000_000
LOT = SPOT_COIN.base_quanta_per_lot


def bars(*prices: tuple[int, int, int, int], volume: int = 1_000) -> list[Bar]:
    """Bars of open, high, low, close, one minute each, from START on."""
    return [Bar(START + n * MINUTE, START + (n + 1) * MINUTE, *four, volume) for n, four in enumerate(prices)]


def order(
    side: int, style: str, price: int, lots: int = 10, *, ts: int = START, decided: int = START, number: int = 1
) -> Request:
    return Request(ts, decided, number, side, style, price, lots)  # type: ignore[arg-type]


def answers(
    some: list[Bar], *requests: Request, held_lots: int = 0, instrument: Instrument = SPOT_COIN, **execution: Any
) -> list[Answer]:
    told = Execution(fill_timeframe=ONE_MINUTE, **execution)
    held = held_lots * (LOT if instrument.kind == "spot" else 1)
    return [a for a in exchange_answers(some, list(requests), instrument, told, held) if a.kind != "accepted"]


def fills(*arguments: Any, **named: Any) -> list[tuple[int, int, int, bool]]:
    """Order, price, lots, maker of each fill."""
    return [(a.number, a.price, a.lots, a.maker) for a in answers(*arguments, **named) if a.kind == "fill"]


# ---- [1] the opening print -----------------------------------------------------------------------------------------
def test_an_order_with_latency_does_not_take_part_in_the_opening_print() -> None:
    # given a bar that opens at 90, below a bid at 95, and never comes back below 100
    gap = bars((90, 120, 90, 110))
    # when the bid is there at the start, it fills; when it comes a moment later, it meets a market at 90 and expires
    assert answers(gap, order(1, "post-only", 95))[0][:5] == (START, "fill", 1, 95, 10)
    late = answers(gap, order(1, "post-only", 95, ts=START + LATER))
    assert [(a.ts, a.kind) for a in late] == [(START + LATER, "expired")]


def test_at_the_open_what_rested_comes_before_takers_and_bids_before_asks() -> None:
    # given room for 12 lots only
    some = bars((100, 100, 100, 100), volume=12)
    requests = (
        order(1, "market", 0, 5, number=1),
        order(-1, "post-only", 98, 5, number=2),
        order(1, "post-only", 101, 5, number=3),
        order(1, "post-only", 102, 5, number=4),
    )
    # then the higher bid, the lower bid, and of the ask what room is left; nothing for the taker
    assert fills(some, *requests, instrument=LINEAR_COIN) == [
        (4, 102, 5, True), (3, 101, 5, True), (2, 98, 2, True)
    ]  # fmt: skip


# ---- [2] who knew what ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("policy", range(4), ids=POLICY_NAMES)
def test_an_order_decided_inside_a_bar_does_not_meet_a_range_that_may_have_been_before_it(policy: int) -> None:
    some = bars((100, 110, 90, 100))
    late = START + 50 * SECOND
    assert fills(some, order(1, "post-only", 95, ts=late, decided=late), policy=policy) == []


def test_on_a_walk_an_order_meets_the_parts_that_begin_after_its_arrival() -> None:
    # given a walk 100, 90, 110, 95: at 90 after 20 seconds, then up
    some = bars((100, 110, 90, 95))
    early, late = START + 19 * SECOND, START + 21 * SECOND
    asks = [order(-1, "post-only", 104, ts=ts, decided=ts) for ts in (early, late)]
    assert fills(some, asks[0], held_lots=10, policy=OLHC) == [(1, 104, 10, True)]
    assert fills(some, asks[1], held_lots=10, policy=OLHC) == []


# ---- [3] [4] through, touch, volume --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("low", "touch_e9", "lots"), [(94, 0, 10), (95, 0, 0), (95, E9 // 250, 4), (96, E9, 0)],
    ids=["through", "touch", "a part of the touch", "away"],
)  # fmt: skip
def test_a_resting_order_needs_a_trade_through_its_price(low: int, touch_e9: int, lots: int) -> None:
    got = fills(bars((100, 100, low, 100)), order(1, "post-only", 95), touch_e9=touch_e9)
    assert sum(fill[2] for fill in got) == lots


@pytest.mark.req("S-55")
def test_we_get_our_share_of_what_traded_through_the_price_and_the_rest_stays() -> None:
    # given a range of 100 with half of it below a bid of 1 000 lots; 10 % of 8 lots through the price, and again
    some = bars((150, 200, 100, 150), (150, 200, 100, 150), volume=80)
    got = fills(some, order(1, "post-only", 150, 1_000, number=1), participation_e9=E9 // 10)
    assert got == [(1, 150, 4, True), (1, 150, 4, True)]


def test_all_orders_share_the_room_of_a_bar_and_the_nearest_comes_first() -> None:
    requests = [order(1, "post-only", price, 10, number=n) for n, price in ((1, 91), (2, 95), (3, 95), (4, 99))]
    got = fills(bars((100, 100, 50, 60), volume=50), *requests, participation_e9=E9 // 2)
    assert [fill[:3] for fill in got] == [(4, 99, 10), (2, 95, 10), (3, 95, 5)]


# ---- [5] [6] taking ------------------------------------------------------------------------------------------------
@pytest.mark.req("S-54", "S-57")
def test_a_taker_pays_half_the_spread_and_the_slippage() -> None:
    # given a price of 3 000.00, a spread of 2 bp, and 3 bp of slippage
    some = bars((300_000, 300_000, 300_000, 300_000))
    sell = order(-1, "market", 0)
    assert fills(some, sell, held_lots=10, half_spread_e9=100_000) == [(1, 299_970, 10, False)]
    assert fills(some, sell, held_lots=10, slippage_e9=300_000) == [(1, 299_910, 10, False)]


@pytest.mark.parametrize(("after", "paid"), [(0, 100), (10, 110), (20, 120), (50, 120)])
def test_inside_a_bar_a_taker_pays_a_price_on_the_way_to_the_extreme_that_hurts(after: int, paid: int) -> None:
    ts = START + after * SECOND
    got = fills(bars((100, 120, 90, 95)), order(1, "market", 0, ts=ts, decided=ts))
    assert got == [(1, paid, 10, False)]


def test_an_ioc_takes_up_to_its_limit_and_the_rest_expires() -> None:
    some = bars((100, 100, 100, 100), volume=4)
    got = answers(some, order(1, "ioc", 101), half_spread_e9=10_000_000)
    assert [(a.kind, a.price, a.lots) for a in got] == [("fill", 101, 4), ("expired", 0, 0)]
    dear = answers(some, order(1, "ioc", 100), half_spread_e9=10_000_000)
    assert [a.kind for a in dear] == ["expired"]


def test_a_market_order_with_a_bound_pays_no_more_than_that() -> None:
    assert fills(bars((104, 104, 104, 104)), order(1, "market", 105)) == [(1, 104, 10, False)]
    assert [a.kind for a in answers(bars((106, 106, 106, 106)), order(1, "market", 105))] == ["expired"]


def test_a_limit_order_that_would_take_takes_and_its_rest_stays() -> None:
    # given a close of 100 before, a buy at 103, an open at 101 with 4 lots of room, then a fall
    some = bars((100, 100, 100, 100), (101, 101, 101, 101), (101, 101, 90, 95))
    some[1] = some[1]._replace(volume=4)
    ts = START + MINUTE
    assert fills(some, order(1, "limit", 103, ts=ts, decided=ts)) == [(1, 101, 4, False), (1, 103, 6, True)]


@pytest.mark.req("S-53")
def test_the_buyer_on_spot_pays_in_base_the_seller_in_quote() -> None:
    # given 10 lots of 0.001 at 95.00: 0.01 coins, 0.95 USDT, maker fee 10 bp
    bought = answers(bars((9_600, 9_600, 9_000, 9_600)), order(1, "post-only", 9_500))[0]
    assert (bought.fee, bought.fee_in_base) == (1_000, True)
    sold = answers(bars((9_400, 9_900, 9_400, 9_400)), order(-1, "post-only", 9_500), held_lots=10)[0]
    assert (sold.fee, sold.fee_in_base) == (95_000, False)


def test_a_maker_on_a_contract_may_be_paid_a_rebate() -> None:
    got = answers(bars((9_600, 9_600, 9_000, 9_600)), order(1, "post-only", 9_500), instrument=LINEAR_COIN)[0]
    assert got.fee == -9_500


# ---- [7] [10] stops ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("policy", range(4), ids=POLICY_NAMES)
def test_a_stop_in_a_falling_bar_sells_at_the_stop_less_slippage(policy: int) -> None:
    got = fills(bars((100, 100, 80, 85)), order(-1, "stop", 90), held_lots=10, policy=policy, slippage_e9=10_000_000,
                stop_cap_e9=E9)  # fmt: skip
    assert got == [(1, 89, 10, False)]


@pytest.mark.parametrize("ts", [START, START + LATER], ids=["at the open", "just after it"])
def test_a_stop_that_the_open_has_jumped_over_sells_at_the_open(ts: int) -> None:
    assert fills(bars((80, 100, 80, 85)), order(-1, "stop", 90, ts=ts), held_lots=10) == [(1, 80, 10, False)]


def test_the_cap_bounds_spread_and_slippage_of_a_stop() -> None:
    got = fills(bars((1_000, 1_000, 800, 850)), order(-1, "stop", 900), held_lots=10, slippage_e9=E9 // 10,
                half_spread_e9=E9 // 10, stop_cap_e9=E9 // 100)  # fmt: skip
    assert got == [(1, 891, 10, False)]


def test_a_stop_cancels_the_asks_and_sells_what_is_held_but_no_more_than_its_own_quantity() -> None:
    falling = bars((100, 100, 80, 85))
    ask, stop = order(-1, "post-only", 120, 6, number=1), order(-1, "stop", 90, 20, number=2)
    got = answers(falling, ask, stop, held_lots=7)
    assert [(a.kind, a.number, a.lots) for a in got] == [("canceled", 1, 0), ("fill", 2, 7), ("expired", 2, 0)]
    assert fills(falling, order(-1, "stop", 90, 3), held_lots=7) == [(1, 90, 3, False)]


def test_what_a_falling_price_buys_on_its_way_the_stop_below_sells() -> None:
    bid, stop = order(1, "post-only", 95, 5, number=2), order(-1, "stop", 90, 50, number=1)
    for policy in (PESSIMISTIC, OLHC):
        got = fills(bars((100, 100, 80, 85)), stop, bid, held_lots=10, policy=policy)
        assert got == [(2, 95, 5, True), (1, 90, 14, False)]  # one lot of 15 went into the fee in base


def test_on_spot_a_sell_after_the_stop_is_filled_for_what_is_left() -> None:
    # given 10 lots held, a stop for 8, and asks that arrive after it was hit
    ts = START + MINUTE
    some = bars((100, 100, 80, 85), (85, 120, 85, 100))
    got = fills(some, order(-1, "stop", 90, 8, number=1), order(-1, "post-only", 110, 8, ts=ts, decided=ts, number=2),
                held_lots=10)  # fmt: skip
    assert got == [(1, 90, 8, False), (2, 110, 2, True)]


def test_at_one_price_the_stop_is_met_before_the_order_that_waits_for_a_trade_through() -> None:
    both = (order(1, "post-only", 90, 5, number=1), order(-1, "stop", 90, 50, number=2))
    assert fills(bars((100, 100, 80, 85)), *both, held_lots=10, policy=OLHC) == [(2, 90, 10, False), (1, 90, 5, True)]


def test_a_stop_has_no_more_room_than_the_bar() -> None:
    got = answers(bars((100, 100, 80, 85), volume=4), order(-1, "stop", 90), held_lots=10)
    assert [(a.kind, a.lots) for a in got] == [("fill", 4), ("expired", 0)]


# ---- [11] what is known when ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("policy", range(4), ids=POLICY_NAMES)
@pytest.mark.parametrize("response", [0, LATER, 30 * SECOND])
def test_what_happens_inside_a_bar_is_known_before_its_close(policy: int, response: int) -> None:
    got = answers(bars((100, 110, 90, 95)), order(1, "post-only", 93), policy=policy, response_ns=response)
    assert [a.kind for a in got] == ["fill"]
    assert got[0].ts + response < START + MINUTE


# ---- [8] policies --------------------------------------------------------------------------------------------------
@pytest.mark.req("S-59")
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (PESSIMISTIC, [(1, 90, 10, False)]),
        (OPTIMISTIC, [(2, 110, 10, True)]),
        (OHLC, [(2, 110, 10, True)]),
        (OLHC, [(1, 90, 10, False)]),
    ],
    ids=POLICY_NAMES,
)
def test_stop_and_take_in_one_bar(policy: int, expected: list[Any]) -> None:
    both = (order(-1, "stop", 90, number=1), order(-1, "post-only", 110, number=2))
    assert fills(bars((100, 115, 85, 100)), *both, held_lots=10, policy=policy) == expected


def test_a_short_position_is_judged_the_other_way_round() -> None:
    # given 10 lots short, a stop above and a bid below
    both = (order(1, "stop", 110, number=1), order(1, "post-only", 90, number=2))
    wild = bars((100, 115, 85, 100))
    got = {policy: fills(wild, *both, held_lots=-10, instrument=LINEAR_COIN, policy=policy) for policy in range(4)}
    assert got[PESSIMISTIC] == got[OHLC] == [(1, 110, 10, False)]
    assert got[OPTIMISTIC] == got[OLHC] == [(2, 90, 10, True)]


def test_pessimistic_a_short_sells_more_before_it_is_stopped() -> None:
    asks_more, stop = order(-1, "post-only", 105, 5, number=2), order(1, "stop", 110, 50, number=1)
    got = fills(bars((100, 115, 100, 100)), stop, asks_more, held_lots=-10, instrument=LINEAR_COIN)
    assert got == [(2, 105, 5, True), (1, 110, 15, False)]


def test_pessimistic_a_stop_hit_leaves_no_take_even_of_the_other_side() -> None:
    # given nothing held, a buy stop above, and an ask above it
    both = (order(1, "stop", 105, number=1), order(-1, "post-only", 108, number=2))
    wild = bars((100, 115, 100, 100))
    assert answers(wild, *both, instrument=LINEAR_COIN)[0].kind == "expired"
    assert fills(wild, *both, instrument=LINEAR_COIN) == []


def test_the_way_of_a_bar_is_chosen_once() -> None:
    # given an optimistic walk that dips first because there is no stop yet, and a stop that comes while it is down
    some = bars((100, 110, 90, 100))
    ts = START + 25 * SECOND
    stop = order(-1, "stop", 85, ts=ts, decided=ts, number=1)
    # then the walk goes on to the high, instead of dipping once more away from it
    assert fills(some, stop, order(-1, "post-only", 108, number=2), held_lots=10, policy=OPTIMISTIC) == [
        (2, 108, 10, True)
    ]


def test_a_stop_that_was_cancelled_does_not_choose_the_way() -> None:
    # given a bid and an ask with two lots of room left for one of them, and a stop that was taken back
    some = bars((100, 110, 90, 100), volume=2)
    orders = (order(1, "post-only", 95, 2, number=1), order(-1, "post-only", 105, 2, number=2))
    stop = order(-1, "stop", 80, number=3)
    gone = Request(START, START, 3, cancel=True)
    assert fills(some, *orders, stop, held_lots=10, policy=OPTIMISTIC) == [(2, 105, 2, True)]
    assert fills(some, *orders, stop, gone, held_lots=10, policy=OPTIMISTIC) == [(1, 95, 2, True)]


# ---- what the policies do not promise ------------------------------------------------------------------------------
def worth(some: list[Bar], *requests: Request, held_lots: int, policy: int) -> int:
    """Money made plus what is held at the last close, in increments times lots, before fees."""
    sides = {request.number: request.side for request in requests}
    money, lots = 0, held_lots
    for number, price, filled, _ in fills(some, *requests, held_lots=held_lots, policy=policy, instrument=LINEAR_COIN):
        money -= sides[number] * price * filled
        lots += sides[number] * filled
    return money + lots * some[-1].close


@pytest.mark.parametrize("close", [86, 95, 100, 109])
@pytest.mark.parametrize("high", [109, 110, 111, 130])
@pytest.mark.parametrize("low", [50, 89, 90, 91])
def test_for_a_stop_and_a_take_in_one_liquid_bar_the_policies_are_ordered(low: int, high: int, close: int) -> None:
    some = bars((100, high, min(low, close), close), volume=1_000_000)
    both = (order(-1, "stop", 90, number=1), order(-1, "post-only", 110, number=2))
    result = [worth(some, *both, held_lots=10, policy=policy) for policy in range(4)]
    assert result[PESSIMISTIC] <= min(result[OHLC], result[OLHC])
    assert max(result[OHLC], result[OLHC]) <= result[OPTIMISTIC]


def test_more_fills_are_not_always_more_money() -> None:
    # given a bid, and a bar that falls through it for good: the optimist buys more of a loss
    some = bars((100, 100, 80, 80), volume=40)
    bid = order(1, "post-only", 95, 100)
    pessimistic, optimistic = (worth(some, bid, held_lots=0, policy=p) for p in (PESSIMISTIC, OPTIMISTIC))
    assert optimistic < pessimistic < 0
