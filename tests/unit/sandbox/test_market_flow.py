"""A tape as a market: orders queue in it, at its pace, and a restart goes on behind the last message."""

from decimal import Decimal

import numpy as np
import pytest

from quintet.app.messages import Complaint
from quintet.app.sandbox_market import synthetic_sources, targets_of
from quintet.core.events import (
    ASK_LEVEL,
    BID_LEVEL,
    BOOK_CLEAR,
    FUNDING_RATE,
    INDEX_PRICE,
    LAST,
    MARK_PRICE,
    ROW,
    TRADE_SELL,
)
from quintet.core.instrument import Instrument
from quintet.sandbox.clock import Clock
from quintet.sandbox.commands import OpenAccount, Pass, Place, Placed
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.keys import KeyRing
from quintet.sandbox.market_flow import MarketFlow, Source
from quintet.sandbox.money import quanta
from quintet.sandbox.service import Service

START_MS = 1_750_000_000_000

ETH = Instrument(
    symbol="ETHUSDT",
    venue="synthetic",
    kind="linear",
    base_asset="ETH",
    quote_asset="USDT",
    price_increment=Decimal("0.01"),
    tick_size=Decimal("0.10"),
    lot_size=Decimal("0.001"),
)


def source(*messages: tuple[int, list[tuple[int, int, int]]], name: str = "tape") -> Source:
    """Messages of (milliseconds after the start, rows of kind, price, quantity)."""
    rows = [
        (ms * 10**6, ms * 10**6, quantity, price, 0, kind, LAST if n == len(body) - 1 else 0)
        for ms, body in messages
        for n, (kind, price, quantity) in enumerate(body)
    ]
    return Source(name, [np.array(rows, ROW)], {0: targets_of(ETH)}, START_MS * 10**6)


def service() -> Service:
    found = Service(Exchange(), Clock(START_MS, speed=0), KeyRing())
    found.do(OpenAccount(uid=100, name="one", coins={"USDT": "1000000"}))
    return found


BOOK = [(BOOK_CLEAR, 0, 0), (BID_LEVEL, 300_000, 5000), (ASK_LEVEL, 300_010, 7000), (INDEX_PRICE, 300_000, 0),
        (MARK_PRICE, 300_010, 0), (FUNDING_RATE, 0, 300_000)]  # fmt: skip


def test_an_order_waits_for_its_turn_in_the_queue_of_the_tape() -> None:
    venue = service()
    flow = MarketFlow(venue, [source(
        (0, BOOK), (10, [(TRADE_SELL, 300_000, 4000)]), (20, [(BID_LEVEL, 300_000, 1000)]),
        (30, [(TRADE_SELL, 300_000, 3000)]),
    )])  # fmt: skip
    flow.run(START_MS)
    placed = venue.do(Place(uid=100, category="linear", symbol="ETHUSDT", side="Buy", order_type="Limit", quantity="5",
                            price="3000"))  # fmt: skip
    assert isinstance(placed, Placed)
    order = venue.state.orders[placed.order_id]
    flow.run(START_MS + 20)
    assert order.filled == 0
    assert flow.run(START_MS + 25) == 0
    flow.run(START_MS + 30)
    assert order.filled == 200  # three traded, one of them stood before us; a lot is 0.01 ETH
    assert flow.has_ended


def test_time_waits_for_a_market_that_lags_behind() -> None:
    venue = service()
    flow = MarketFlow(venue, [source((0, BOOK), (10, [(TRADE_SELL, 300_000, 1000)]))])
    venue.clock.advance(60_000)
    venue.do(Pass())
    assert venue.state.now_ms == START_MS
    flow.run(venue.clock.due_ms(), stop=iter((False, True)).__next__)
    venue.do(Pass())
    assert venue.state.now_ms == START_MS + 10
    flow.run(venue.clock.due_ms())
    venue.do(Pass())
    assert venue.state.now_ms == START_MS + 60_000


def test_both_books_of_a_symbol_follow_in_their_own_lots() -> None:
    venue = service()
    MarketFlow(venue, [source((0, BOOK))]).run(START_MS)
    linear, spot = (venue.venue.books[f"{kind}:ETHUSDT"] for kind in ("linear", "spot"))
    assert linear.depth(1, 9) == [(quanta("3000"), 500)]
    assert spot.depth(1, 9) == [(quanta("3000"), 500_000)]
    market = venue.state.markets["linear:ETHUSDT"]
    assert (market.index, market.mark, market.funding_rate) == (quanta("3000"), quanta("3000.1"), quanta("0.0003"))


def test_a_restart_does_not_play_a_message_twice() -> None:
    messages = [(0, BOOK), (10, [(TRADE_SELL, 300_000, 1000)]), (20, [(TRADE_SELL, 300_000, 1000)])]
    venue = service()
    MarketFlow(venue, [source(*messages)]).run(START_MS + 10)
    again = Service(Exchange.of(venue.exchange.image()), venue.clock, KeyRing())
    assert MarketFlow(again, [source(*messages)]).run(START_MS + 20) == 1
    assert again.venue.books["linear:ETHUSDT"].bids.lots_at(quanta("3000")) == 300


def test_sources_are_played_in_the_order_of_time() -> None:
    venue = service()
    first = source((0, BOOK), (20, [(TRADE_SELL, 300_000, 2000)]), name="a")
    second = source((10, [(BID_LEVEL, 300_000, 1000)]), name="b")
    MarketFlow(venue, [first, second]).run(START_MS + 20)
    assert [trade.lots for trade in venue.state.markets["linear:ETHUSDT"].trades] == [100, 100]  # half was in the book
    assert not venue.venue.books["linear:ETHUSDT"].bids
    assert venue.state.flows == {"a": 2, "b": 1}


def test_an_instrument_that_is_not_listed_is_refused() -> None:
    other = Instrument(
        symbol="DOGEUSDT",
        venue="x",
        kind="linear",
        base_asset="DOGE",
        quote_asset="USDT",
        price_increment=Decimal("0.01"),
        tick_size=Decimal("0.01"),
        lot_size=Decimal("1"),
    )
    with pytest.raises(Complaint) as caught:
        targets_of(other)
    assert "DOGEUSDT" in str(caught.value.found) and "BTCUSDT" in str(caught.value.expected)


def test_the_generator_is_the_same_market_for_the_same_seed() -> None:
    def books(seed: int) -> list[list[tuple[int, int]]]:
        venue = service()
        MarketFlow(venue, synthetic_sources(seed, START_MS)).run(START_MS + 5000)
        assert all(market.last for market in venue.state.markets.values())
        return [book.depth(1, 20) for book in venue.venue.books.values()]

    assert books(3) == books(3) != books(4)
