"""Where a book is known, quotes keep clear of its touch; on candles a tick beside the last close stands for it."""

import pytest

from quintet.core.events import ORDER_EXPIRED
from quintet.core.orders.lifecycle import BUY, IOC, POST_ONLY, SELL
from quintet.core.records import table
from quintet.core.state import NO_ASK, NO_BID, VIEW, WAKE_FILL, WAKE_ORDER
from quintet.systems.structure_mm import decide
from quintet.systems.structure_mm.episode import place_starts
from quintet.systems.structure_mm.quotes import quote
from quintet.systems.structure_mm.records import EXIT, MM, NORMAL, REBALANCE, STATE, TAGS_PER_EPISODE
from quintet.systems.structure_mm.touch import (
    best_ask_at,
    best_bid_at,
    highest_free_bid,
    look_at_touch,
    sees_book,
)
from tests.unit.systems.structure_mm.test_system import PARAMS, a_view

CLOSE = 300_000


def a_market(bid: int, ask: int, close: int = CLOSE, tick: int = 1):
    view, state = a_view(), table(STATE, 1)[0]
    view.instruments[0].tick = tick
    market = view.market[0]
    market.bid, market.ask, market.close = bid, ask, close
    state.started, state.close = 1, close
    look_at_touch(state, view)
    return state, view


@pytest.mark.parametrize(
    ("bid", "ask", "tick", "found"),
    [
        pytest.param(299_950, 300_010, 1, (299_950, 300_010), id="the book's"),
        pytest.param(299_955, 300_015, 10, (299_950, 300_020), id="on the tick, outwards"),
        pytest.param(300_010, 300_010, 1, (300_009, 300_011), id="locked"),
        pytest.param(300_040, 300_010, 10, (300_000, 300_050), id="crossed"),
        pytest.param(NO_BID, 300_010, 1, (299_999, 300_001), id="no bid"),
        pytest.param(299_950, NO_ASK, 1, (299_999, 300_001), id="no ask"),
        pytest.param(0, 0, 1, (299_999, 300_001), id="candles"),
    ],
)
def test_the_best_prices_that_are_known(bid: int, ask: int, tick: int, found: tuple[int, int]) -> None:
    state, view = a_market(bid, ask, tick=tick)
    assert (state.best_bid, state.best_ask) == found
    if sees_book(view.market[0]):
        assert state.best_bid < ask
        assert state.best_ask > bid


@pytest.mark.parametrize("close", [299_999, 300_000, 300_003, 300_009, 300_010, 7])
@pytest.mark.parametrize("tick", [1, 10])
def test_on_candles_a_start_bid_stands_where_it_always_did(close: int, tick: int) -> None:
    state = table(STATE, 1)[0]
    state.best_bid, state.best_ask = best_bid_at(close, tick), best_ask_at(close, tick)
    assert highest_free_bid(state, close, tick) == close // tick * tick


def test_a_start_bid_does_not_meet_the_best_ask() -> None:
    """Given a last trade at the ask, the start bids wait one tick below it."""
    state, view = a_market(299_950, CLOSE)
    state.machine, state.policy, state.lot_quanta, state.equity = REBALANCE, NORMAL, 10**11, 10**12
    place_starts(state, PARAMS, view)
    assert {int(lot.price) for lot in state.lots if lot.tag != 0} == {CLOSE - 1}


def test_a_take_of_a_bid_that_was_just_filled_stays_clear_of_a_market_that_has_risen() -> None:
    state, view = a_market(310_000, 310_010)
    state.machine, state.policy, state.step_e9 = MM, NORMAL, 1_000_000
    state.stop = 1
    lot = state.lots[0]
    lot.tag, lot.level, lot.price, lot.ordered, lot.buying, lot.take_price = 7, 1, 300_000, 1000, 1000, 300_300
    view.why, view.side, view.tag, view.price, view.lots, view.maker = WAKE_FILL, BUY, 7, 300_000, 1000, 1
    view.account[0].lots = 1000
    decide(state, PARAMS, view)
    assert lot.ask == 310_010
    takes = [row for row in view.wants[: int(view.n)] if row.style == POST_ONLY and row.side < 0]
    assert [int(row.price) for row in takes] == [310_010]


def test_an_urgent_exit_is_measured_from_what_a_buyer_bids() -> None:
    state, view = a_market(290_000, 290_010)
    state.machine, state.exit_due = EXIT, 1
    view.account[0].lots = 100_000
    quote(state, PARAMS, view)
    [order] = view.wants[: int(view.n)]
    assert (int(order.style), int(order.price)) == (IOC, 288_550)


def test_while_the_stop_walks_the_book_nothing_else_is_sold() -> None:
    """Given a stop of 1,000 lots whose first level took 400, the rest is sold when the stop is over."""
    state, view = a_market(290_000, 290_010)
    state.machine, state.policy, state.episode, state.stop = MM, NORMAL, 1, 291_000
    lot = state.lots[0]
    lot.tag, lot.level, lot.price, lot.lots, lot.ask = TAGS_PER_EPISODE + 1, 1, 300_000, 1000, 300_300
    view.account[0].lots = 600
    view.now, view.why, view.side, view.tag, view.price, view.lots = 5, WAKE_FILL, SELL, TAGS_PER_EPISODE, 290_000, 400
    decide(state, PARAMS, view)
    assert (int(state.machine), int(view.n)) == (EXIT, 0)
    view.why, view.kind, view.price = WAKE_ORDER, ORDER_EXPIRED, 291_000
    decide(state, PARAMS, view)
    assert [(int(row.style), int(row.lots)) for row in view.wants[: int(view.n)]] == [(IOC, 600)]


def test_the_view_of_these_tests_is_the_one_of_the_engine() -> None:
    assert a_view().dtype == VIEW
