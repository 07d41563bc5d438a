"""Recorded and hand-made public frames become rows: only closed candles count, deltas change what they name."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.tape import memory_tape
from quintet.venues.bybit.decode import Ticker, kline_rows, merge_ticker, read_push, ticker_rows

NOON_MS = 1_767_268_800_000
RECV = (NOON_MS + 300_050) * 1_000_000
BTC = msgspec.structs.replace(DEFAULT_SPOT, symbol="BTCUSDT", base_asset="BTC")


def kline_frame(start_ms: int = NOON_MS, close: str = "3001", confirm: bool = True, **changed: Any) -> bytes:
    entry = {
        "start": start_ms,
        "end": start_ms + 299_999,
        "interval": "5",
        "open": "2999.50",
        "close": close,
        "high": "3003",
        "low": "2998.01",
        "volume": "2.081",
        "turnover": "6245.4005",
        "confirm": confirm,
        "timestamp": start_ms + 300_001,
    }
    topic = changed.pop("topic", "kline.5.ETHUSDT")
    return json.dumps({"topic": topic, "data": [entry | changed], "ts": start_ms, "type": "snapshot"}).encode()


def rows_of(frame: bytes, instrument: Instrument = DEFAULT_SPOT) -> np.ndarray:
    return kline_rows(read_push(frame), instrument, RECV)


@pytest.mark.req("S-12")
def test_two_updates_of_one_candle_give_one_bar_with_the_closing_price() -> None:
    rows = np.concatenate([rows_of(kline_frame(close="3000", confirm=False)), rows_of(kline_frame(close="3001"))])
    assert rows["kind"].tolist() == [ev.BAR_OPEN, ev.BAR_CLOSE, ev.BAR_TURNOVER]
    assert rows["price"].tolist() == [299_950, 300_100, 0]
    assert rows["quantity"].tolist() == [208_100, (300_300 << 31) + 299_801, 624_540_050_000]
    assert set(rows["ts_event"].tolist()) == {(NOON_MS + 300_000) * 1_000_000}
    assert set(rows["ts_recv"].tolist()) == {RECV}


@pytest.mark.req("S-12")
def test_a_recorded_running_candle_gives_no_bar(shared_data: Path) -> None:
    frame = (shared_data / "api" / "bybit" / "ws_kline.json").read_bytes()
    assert len(rows_of(frame, BTC)) == 0
    closed = frame.replace(b'"confirm": false', b'"confirm": true')
    assert rows_of(closed, BTC)["price"].tolist()[:2] == [1_664_950, 1_667_700]


def test_a_recorded_feed_of_ten_candles_gives_ten_bars_that_a_tape_accepts() -> None:
    feed = []
    for n in range(10):
        start = NOON_MS + n * 300_000
        feed += [kline_frame(start, confirm=False), kline_frame(start)]
    parts = [kline_rows(read_push(frame), DEFAULT_SPOT, RECV + n * 150_000_000_000) for n, frame in enumerate(feed)]
    rows = np.concatenate(parts)
    assert int(np.count_nonzero(rows["kind"] == ev.BAR_CLOSE)) == 10
    assert memory_tape(rows, [DEFAULT_SPOT]).n_positions > 30


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"{", "frame: Input data was truncated"),
        (b"\xff\xfe", "frame"),
        (kline_frame(topic="kline.7.ETHUSDT"), r"topic: found 'kline.7.ETHUSDT', expected kline.INTERVAL.SYMBOL"),
        (kline_frame(topic="publicTrade.ETHUSDT"), "topic: found 'publicTrade.ETHUSDT'"),
        (kline_frame(topic="kline.5.BTCUSDT"), "symbol: found 'BTCUSDT', expected 'ETHUSDT'"),
        (kline_frame(interval="1"), "interval: found '1', expected '5'"),
        (kline_frame(end=NOON_MS), f"end: found {NOON_MS}, expected {NOON_MS + 299_999}"),
        (kline_frame(open="abc"), "kline.5.ETHUSDT open: expected a decimal number, found 'abc'"),
        (kline_frame(high="3000.001"), "kline.5.ETHUSDT high: expected a whole multiple of 0.01"),
        (kline_frame(close="-3000"), "close: found -3000, expected 0 or more"),
        (kline_frame(volume="1e30"), "volume: found 1e30, expected a number within reason"),
        (kline_frame(volume="1e19"), r"volume: found 1E\+19, expected at most 2\^62 units of 0.00001"),
        (kline_frame(start_ms=NOON_MS * 1000), "expected ms UTC from 2009 to 2100"),
        (kline_frame(confirm="yes"), "Expected `bool`, got `str`"),
    ],
)
def test_a_frame_that_is_not_what_it_claims_is_refused(frame: bytes, expected: str) -> None:
    with pytest.raises(Exception, match=expected) as caught:
        rows_of(frame)
    assert type(caught.value).__module__ == "quintet.core.errors"


# ---- ticker --------------------------------------------------------------------------------------------------


def ticker_frame(kind: str, cs: int = 1, symbol: str = "ETHUSDT", **facts: str) -> bytes:
    data = {"symbol": symbol} | facts
    return json.dumps({"topic": f"tickers.{symbol}", "type": kind, "data": data, "cs": cs, "ts": NOON_MS + cs}).encode()


SNAPSHOT = ticker_frame(
    "snapshot", lastPrice="3000.00", bid1Price="2999.99", bid1Size="5.5", ask1Price="3000.01", ask1Size="2"
)


def after(*frames: bytes) -> Ticker | None:
    ticker = None
    for frame in frames:
        ticker = merge_ticker(ticker, read_push(frame))
    return ticker


@pytest.mark.req("S-13")
def test_a_delta_moves_the_bid_and_leaves_the_rest() -> None:
    ticker = after(SNAPSHOT, ticker_frame("delta", 2, bid1Price="3000.00"))
    assert ticker is not None
    assert (ticker.last, ticker.bid, ticker.ask) == (Decimal("3000.00"), Decimal("3000.00"), Decimal("3000.01"))
    assert ticker.mid == Decimal("3000.005")
    assert ticker.spread_bps is not None
    assert round(ticker.spread_bps, 4) == Decimal("0.0333")


@pytest.mark.req("S-13")
def test_rows_hold_last_bid_and_ask_first_and_then_only_what_changed() -> None:
    first = after(SNAPSHOT)
    rows = ticker_rows(None, first, DEFAULT_SPOT, RECV)
    assert list(zip(rows["kind"].tolist(), rows["price"].tolist(), rows["quantity"].tolist(), strict=True)) == [
        (ev.BEST_BID, 299_999, 550_000),
        (ev.BEST_ASK, 300_001, 200_000),
        (ev.LAST_PRICE, 300_000, 0),
    ]
    second = merge_ticker(first, read_push(ticker_frame("delta", 2, bid1Price="3000.00")))
    changed = ticker_rows(first, second, DEFAULT_SPOT, RECV)
    assert (changed["kind"].tolist(), changed["price"].tolist()) == ([ev.BEST_BID], [300_000])
    assert memory_tape(np.concatenate([rows, changed]), [DEFAULT_SPOT]).n_positions > 4


@pytest.mark.req("S-13")
def test_the_recorded_linear_snapshot_gives_every_fact(shared_data: Path) -> None:
    frame = (shared_data / "api" / "bybit" / "ws_ticker_linear.json").read_bytes()
    rows = ticker_rows(None, after(frame), BTC, RECV)
    assert dict(zip(rows["kind"].tolist(), rows["price"].tolist(), strict=True)) == {
        ev.BEST_BID: 1_721_550,
        ev.BEST_ASK: 1_721_600,
        ev.LAST_PRICE: 1_721_600,
        ev.MARK_PRICE: 1_721_733,
        ev.INDEX_PRICE: 1_722_736,
        ev.FUNDING_RATE: 0,
    }
    assert rows[rows["kind"] == ev.FUNDING_RATE]["quantity"].tolist() == [-212_000]
    assert rows["bits"].tolist() == [0] * (len(rows) - 1) + [ev.LAST]


def test_a_delta_before_any_snapshot_says_nothing_certain() -> None:
    assert after(ticker_frame("delta", bid1Price="3000")) is None
    assert len(ticker_rows(None, None, DEFAULT_SPOT, RECV)) == 0


def test_an_older_delta_changes_nothing() -> None:
    ticker = after(SNAPSHOT, ticker_frame("delta", 9, bid1Price="3000.00"), ticker_frame("delta", 3, bid1Price="1"))
    assert ticker is not None
    assert ticker.bid == Decimal("3000.00")


def test_a_withdrawn_side_clears_the_book_and_states_the_other() -> None:
    first = after(SNAPSHOT)
    second = merge_ticker(first, read_push(ticker_frame("delta", 2, bid1Price="", bid1Size="")))
    rows = ticker_rows(first, second, DEFAULT_SPOT, RECV)
    assert rows["kind"].tolist() == [ev.BOOK_CLEAR, ev.BEST_ASK]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (ticker_frame("snapshot", symbol="SOLUSDT"), "symbol: found 'SOLUSDT', expected 'ETHUSDT'"),
        (ticker_frame("replace"), "type: found 'replace', expected 'delta'"),
        (ticker_frame("snapshot", bid1Price="x"), "bid1Price: expected a decimal number"),
        (SNAPSHOT.replace(b"tickers.ETHUSDT", b"tickers.BTCUSDT"), "topic: found 'tickers.BTCUSDT'"),
    ],
)
def test_a_ticker_that_is_not_what_it_claims_is_refused(frame: bytes, expected: str) -> None:
    with pytest.raises(Exception, match=expected) as caught:
        ticker_rows(None, after(frame), DEFAULT_SPOT, RECV)
    assert type(caught.value).__module__ == "quintet.core.errors"
