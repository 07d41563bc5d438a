"""What a desk of days asks of the public market: frames of the venue's shapes, and what cannot be."""

import json
from typing import Any

import pytest

from quintet.core.errors import DataError
from quintet.core.events import ASK_LEVEL, BID_LEVEL, BOOK_CLEAR, LAST, TRADE_BUY
from quintet.core.units import NotExact
from quintet.venues.bybit.daily_facts import Touch, closed_days, settled_rates, touches
from quintet.venues.bybit.daily_market import touch_rows
from tests.bybit_account import BTC_LINEAR, NOON_MS

DAY_MS, MS_NS = 86_400_000, 1_000_000
MIDNIGHT_MS = NOON_MS // DAY_MS * DAY_MS


def reply(result: Any, code: int = 0) -> bytes:
    return json.dumps({"retCode": code, "retMsg": "said", "result": result, "time": NOON_MS}).encode()


def ticker(**changed: str) -> dict[str, str]:
    row = {"symbol": "BTCUSDT", "bid1Price": "30000.1", "bid1Size": "0.5", "ask1Price": "30000.2", "ask1Size": "0.7",
           "lastPrice": "30000.1"}  # fmt: skip
    return row | changed


def test_a_touch_is_in_ticks_and_lots_and_has_the_venues_time() -> None:
    ts_ns, found = touches(reply({"list": [ticker(symbol="ETHUSDT"), ticker()]}), [BTC_LINEAR])
    assert (ts_ns, found) == (NOON_MS * MS_NS, [Touch(300_001, 500, 300_002, 700, 300_001)])


def test_an_empty_side_is_no_price() -> None:
    _, [found] = touches(reply({"list": [ticker(bid1Price="", bid1Size="")]}), [BTC_LINEAR])
    assert (found.bid, found.bid_lots) == (0, 0)
    rows = touch_rows(3, found, 5, 7)
    assert rows["kind"].tolist() == [BOOK_CLEAR, ASK_LEVEL, TRADE_BUY]


def test_a_touch_is_one_message_that_forgets_the_book_before_and_claims_no_trade() -> None:
    rows = touch_rows(1, Touch(10, 2, 11, 3, 10), 5, 7)
    assert rows["kind"].tolist() == [BOOK_CLEAR, BID_LEVEL, ASK_LEVEL, TRADE_BUY]
    assert rows["quantity"].tolist() == [0, 2, 3, 0]
    assert (rows["bits"] & LAST).tolist() == [0, 0, 0, LAST]


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (reply({"list": []}), DataError, "tickers: found none of BTCUSDT"),
        (reply({"list": [ticker(bid1Price="30000.15")]}), NotExact, "ticker BTCUSDT: bid1Price"),
        (reply({"list": [ticker(ask1Price="dear")]}), DataError, "ticker BTCUSDT: ask1Price"),
        (reply({}, 10001), DataError, r"retCode 10001 \(said\), expected 0"),
        (b"<html>", DataError, "tickers: "),
    ],
)
def test_a_ticker_that_cannot_be_is_named(body: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        touches(body, [BTC_LINEAR])


def test_the_running_day_is_left_out_and_days_come_oldest_first() -> None:
    rows = [[str(MIDNIGHT_MS - n * DAY_MS), "30000", "31000", "29000", f"3{n}000", f"{n}.5", "1"] for n in range(3)]
    body = reply({"category": "linear", "symbol": "BTCUSDT", "list": rows})
    assert closed_days(body, BTC_LINEAR) == [
        ((MIDNIGHT_MS - n * DAY_MS) * MS_NS, (300_000, 310_000, 290_000, closes), (n + 1) * 10**9 + 500_000_000)
        for n, closes in ((1, 320_000), (0, 310_000))
    ]


def test_settled_rates_are_in_billionths_oldest_first() -> None:
    rows = [{"symbol": "BTCUSDT", "fundingRate": rate, "fundingRateTimestamp": str(NOON_MS + at)}
            for at, rate in ((1, "-0.00015"), (0, "0.0001"))]  # fmt: skip
    found = settled_rates(reply({"category": "linear", "list": rows}), BTC_LINEAR)
    assert found == [(NOON_MS * MS_NS, 100_000), ((NOON_MS + 1) * MS_NS, -150_000)]
