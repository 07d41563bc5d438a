"""Frames of Binance to facts: which number a change follows, whose trade it was, and what is no market fact."""

import json
from typing import Any

import pytest

from quintet.core.errors import DataError
from quintet.core.market.tick_feed import UNKNOWN, Aside, BestPrices, BookChange, Frame, Trade
from quintet.venues.binance.decode import facts
from tests.tick_files import MS_NS, START_MS, depth, levels, snapshot, trade


def fact(frame: Any, url: str = "") -> Any:
    body = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return next(facts([Frame((0, 1), 5, body, url)]))


def test_a_spot_change_follows_the_number_before_its_first() -> None:
    found = fact(depth(10, 12, bids=levels(("1.5", "2"))))

    assert isinstance(found, BookChange)
    assert (found.previous_id, found.last_id, found.snapshot) == (9, 12, False)
    assert found.bids == b'[["1.5", "2"]]'
    assert found.event_ns == START_MS * MS_NS


def test_a_futures_change_follows_the_last_number_of_the_one_before_and_bears_the_transactions_time() -> None:
    found = fact(depth(10, 12, 7, T=START_MS - 3))

    assert (found.previous_id, found.event_ns) == (7, (START_MS - 3) * MS_NS)


def test_a_rest_answer_is_a_snapshot_that_was_asked_for() -> None:
    found = fact(snapshot(7))

    assert (found.snapshot, found.asked, found.last_id, found.symbol, found.event_ns) == (True, True, 7, "", UNKNOWN)
    assert fact(snapshot(7, symbol="BTCUSD_PERP", T=START_MS)).symbol == "BTCUSD_PERP"
    assert fact(snapshot(7), url="https://host/fapi/v1/depth?symbol=SUSHIUSDT&limit=1000").symbol == "SUSHIUSDT"


@pytest.mark.parametrize(("seller", "buy"), [(True, False), (False, True)])
def test_a_trade_whose_buyer_was_resting_is_a_sellers(seller: bool, buy: bool) -> None:
    found = fact(trade(3, "100.1", "2", seller=seller))

    assert found == Trade((0, 1), 5, START_MS * MS_NS, "BTCUSDT", buy, b'[["100.1","2"]]', 3)


def test_an_aggregate_trade_is_numbered_by_its_own_id() -> None:
    frame = trade(3, e="aggTrade", a=17)
    del frame["data"]["t"]

    assert fact(frame).number == 17


def test_best_prices_are_told_apart_from_depth_also_where_spot_names_no_event() -> None:
    spot = {"u": 400, "s": "BTCUSDT", "b": "1.0", "B": "2", "a": "1.1", "A": "3"}

    for frame in (spot, {"stream": "btcusdt@bookTicker", "data": spot | {"e": "bookTicker", "E": START_MS}}):
        found = fact(frame)
        assert isinstance(found, BestPrices)
        assert (found.bid, found.ask, found.last_id) == (b'[["1.0","2"]]', b'[["1.1","3"]]', 400)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"stream": "btcusdt@kline_1m", "data": {"e": "kline", "E": START_MS, "s": "BTCUSDT"}}, "kline"),
        ({"result": None, "id": 1}, "not a stream"),
        (trade(4, "0", "0", X="NA"), "trades outside the book (NA)"),
        (trade(4, X="INSURANCE_FUND"), "trades outside the book (INSURANCE_FUND)"),
    ],
)
def test_what_is_no_market_fact_is_said(frame: Any, kind: str) -> None:
    assert fact(frame) == Aside((0, 1), kind)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (b'{"stream": "x", "data": {"e": "depthUpdate"', "expected a frame of Binance"),
        (b"[1,2]", "expected a frame of Binance"),
        (depth(1, 2) | {"data": {"e": "depthUpdate", "s": "X", "u": 2, "b": [], "a": []}}, "field U is missing"),
        (depth(1, 2, b=None) | {"data": {"e": "depthUpdate", "s": "X", "U": 1, "u": 2, "a": []}}, "field b is missing"),
        (depth(1, 2, E=-5), "time is -5, expected ms UTC"),
        (depth(1, 2, E="soon"), "expected a frame of Binance"),
        (trade(1, E=10**15, T=10**15), "expected ms UTC before the year 2200"),
        ({"data": {"e": "trade", "s": "X", "p": "1", "q": "1", "T": START_MS, "t": "one"}}, "expected a whole number"),
        ({"data": {"e": "trade", "s": "X", "q": "1", "T": START_MS, "t": 1}}, "field p is missing"),
        ({"lastUpdateId": 5, "bids": []}, "field asks is missing"),
    ],
)
def test_a_frame_that_is_not_what_it_claims_to_be_is_refused(frame: Any, message: str) -> None:
    with pytest.raises(DataError, match=message.replace("(", "\\(")):
        fact(frame)
