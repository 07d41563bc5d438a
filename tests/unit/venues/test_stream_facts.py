"""Frames of Bybit, Coinbase, Deribit and Hyperliquid to facts."""

import json
from typing import Any

import pytest

from quintet.core.errors import DataError
from quintet.core.market.tick_feed import UNKNOWN, Aside, BookChange, Frame, Trade
from quintet.venues.bybit import decode_ticks as bybit
from quintet.venues.coinbase import decode as coinbase
from quintet.venues.deribit import decode as deribit
from quintet.venues.hyperliquid import decode as hyperliquid
from tests.tick_files import MS_NS, START_MS

VENUES = {"bybit": bybit, "coinbase": coinbase, "deribit": deribit, "hyperliquid": hyperliquid}


def said(venue: str, frame: Any, recv_ns: int = 5) -> list[Any]:
    body = frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode()
    return list(VENUES[venue].facts([Frame((0, 1), recv_ns, body)]))


def bybit_book(**changed: Any) -> dict[str, Any]:
    data = {"s": "BTCUSDT", "b": [["1", "2"]], "a": [], "u": 7, "seq": 9} | changed.pop("data", {})
    frame = {"topic": "orderbook.50.BTCUSDT", "type": "delta", "ts": START_MS + 2, "cts": START_MS, "data": data}
    return frame | changed


@pytest.mark.req("E-102")
def test_a_v5_change_follows_the_number_before_it_and_bears_the_matching_engines_time() -> None:
    [found] = said("bybit", bybit_book())

    assert found == BookChange(
        (0, 1), 5, START_MS * MS_NS, "BTCUSDT", b'[["1","2"]]', b"[]", previous_id=6, last_id=7
    )  # fmt: skip


def test_a_v5_snapshot_comes_in_the_stream() -> None:
    [found] = said("bybit", bybit_book(type="snapshot"))

    assert (found.snapshot, found.asked) == (True, False)


@pytest.mark.req("E-102")
def test_v5_trades_come_one_by_one_with_the_side_that_took() -> None:
    data = [
        {"T": START_MS + n, "s": "BTCUSDT", "S": side, "v": "0.1", "p": "9.5"} for n, side in enumerate(("Buy", "Sell"))
    ]

    found = said("bybit", {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": START_MS, "data": data})

    assert [(each.buy, each.event_ns, each.levels) for each in found] == [
        (True, START_MS * MS_NS, b'[["9.5","0.1"]]'),
        (False, (START_MS + 1) * MS_NS, b'[["9.5","0.1"]]'),
    ]


def test_a_wrapped_frame_says_when_it_was_received_and_a_bare_one_does_not() -> None:
    wrapped = {"recv_ns": 123, "frame": bybit_book()}

    assert said("bybit", wrapped, UNKNOWN)[0].recv_ns == 123
    assert said("bybit", bybit_book(), UNKNOWN)[0].recv_ns == UNKNOWN


def test_v2_depth_names_side_by_level_and_a_deleted_level_has_no_size() -> None:
    level = {"symbol": "BCHUSDT", "id": "1", "side": "Buy"}
    data = {
        "delete": [level | {"price": "10.0", "side": "Sell"}],
        "update": [level | {"price": "9.5", "size": 2.5}],
        "insert": [level | {"price": "9.0", "size": 1}],
    }

    frame = {"topic": "orderBookL2_25.BCHUSDT", "type": "delta", "data": data, "timestamp_e6": "1618677786589984"}
    [found] = said("bybit", frame)

    assert (found.bids, found.asks) == (b'[["9.5",2.5],["9.0",1]]', b'[["10.0",0]]')
    assert (found.symbol, found.last_id, found.event_ns) == ("BCHUSDT", UNKNOWN, 1_618_677_786_589_984_000)


def test_v2_snapshots_and_trades() -> None:
    book = [{"price": "9.5", "symbol": "BCHUSDT", "id": "1", "side": "Buy", "size": 2}]
    for data in (book, {"order_book": book}):
        [found] = said("bybit", {"topic": "orderBookL2_25.BCHUSDT", "type": "snapshot", "data": data})
        assert (found.snapshot, found.bids, found.event_ns) == (True, b'[["9.5",2]]', UNKNOWN)

    one = {"symbol": "BCHUSDT", "price": "9.5", "size": 0.14, "trade_time_ms": "1618677785116", "side": "Sell"}
    [trade] = said("bybit", {"topic": "trade.BCHUSDT", "data": [one]})
    assert (trade.buy, trade.levels, trade.event_ns) == (False, b'[["9.5",0.14]]', 1_618_677_785_116_000_000)


def test_coinbase_updates_carry_their_side_and_a_match_the_resting_side() -> None:
    stamp = "2021-04-17T16:43:37.075687Z"
    changes = [["sell", "14.80", "12.7"], ["buy", "14.70", "0"]]
    update = {"type": "l2update", "product_id": "BAND-GBP", "changes": changes, "time": stamp}
    match = {"type": "match", "product_id": "BAND-GBP", "side": "sell", "size": "1", "price": "14.8", "time": stamp}

    [book] = said("coinbase", update)
    [trade] = said("coinbase", match | {"trade_id": 3})

    assert (book.bids, book.asks) == (b'[["14.70","0"]]', b'[["14.80","12.7"]]')
    assert book.event_ns == 1_618_677_817_075_687_000
    assert trade == Trade((0, 1), 5, book.event_ns, "BAND-GBP", True, b'[["14.8","1"]]', 3)


def test_a_coinbase_snapshot_has_no_time_and_the_last_match_before_the_subscription_is_none_of_ours() -> None:
    [book] = said("coinbase", {"type": "snapshot", "product_id": "X-Y", "bids": [["1", "2"]], "asks": []})

    assert (book.snapshot, book.asked, book.event_ns) == (True, False, UNKNOWN)
    assert said("coinbase", {"type": "last_match", "product_id": "X-Y"}) == [Aside((0, 1), "last_match")]


def deribit_frame(channel: str, data: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}


def test_deribit_says_which_change_a_change_follows() -> None:
    data = {
        "type": "change", "timestamp": START_MS, "instrument_name": "ETH-PERPETUAL", "change_id": 9,
        "prev_change_id": 7,
        "bids": [["delete", 0.5, 0.0]], "asks": [["new", 1e-05, 4.0]],
    }  # fmt: skip

    [found] = said("deribit", deribit_frame("book.ETH-PERPETUAL.raw", data))

    assert (found.previous_id, found.last_id) == (7, 9)
    assert (found.bids, found.asks) == (b"[[0.5,0.0]]", b"[[1e-05,4.0]]")


def test_deribit_trades_and_tickers() -> None:
    one = {"timestamp": START_MS, "instrument_name": "X", "direction": "sell", "price": 2.5, "amount": 10.0}

    [trade] = said("deribit", deribit_frame("trades.X.raw", [one | {"trade_seq": 4}]))

    assert (trade.buy, trade.number, trade.levels) == (False, 4, b"[[2.5,10.0]]")
    assert said("deribit", deribit_frame("ticker.X.raw", {})) == [Aside((0, 1), "ticker")]


def test_hyperliquid_sends_whole_snapshots() -> None:
    levels = [[{"n": 5, "px": "10.0", "sz": "3"}], [{"n": 1, "px": "11.0", "sz": "2"}]]

    [found] = said("hyperliquid", {"channel": "l2Book", "data": {"coin": "BTC", "levels": levels, "time": START_MS}})

    assert (found.snapshot, found.bids, found.asks) == (True, b'[["10.0","3"]]', b'[["11.0","2"]]')


@pytest.mark.parametrize(
    ("venue", "frame", "message"),
    [
        ("bybit", b'{"topic": "orderbook.50.X", "data"', "frame: "),
        ("bybit", bybit_book(type="partial"), "type is 'partial', expected snapshot or delta"),
        ("bybit", bybit_book(data={"u": "7"}), "orderbook.50.BTCUSDT: Expected `int`"),
        ("bybit", bybit_book(cts=10**14), "expected ms UTC before the year 2200"),
        ("bybit", {"recv_ns": -1, "frame": bybit_book()}, "recv_ns is -1"),
        ("coinbase", {"type": "l2update", "product_id": "X", "changes": [["hold", "1", "2"]]}, "side is 'hold'"),
        ("coinbase", {"type": "l2update", "changes": [["buy", "1"]]}, "expected a message of Coinbase"),
        ("deribit", deribit_frame("book.X.raw", {"type": "change"}), "expected a message of Deribit"),
        ("hyperliquid", {"channel": "l2Book", "data": {"coin": "X", "levels": [[]], "time": 1}}, "of Hyperliquid"),
    ],
)
def test_a_frame_that_is_not_what_it_claims_to_be_is_refused(venue: str, frame: Any, message: str) -> None:
    recv_ns = UNKNOWN if isinstance(frame, dict) and "recv_ns" in frame else 5
    with pytest.raises(DataError) as refused:
        said(venue, frame, recv_ns)

    assert message in str(refused.value)
