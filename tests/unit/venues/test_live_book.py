"""A book is shown with its age or not at all; another venue's book is marked."""

import json
from typing import Any

import pytest

from quintet.core.market.tick_feed import Frame
from quintet.venues.binance import decode as binance
from quintet.venues.bybit import decode_ticks as bybit
from quintet.venues.live_book import BookUnknown, LiveBooks, WithFallback
from tests.bybit_account import BTC_LINEAR, NOON_MS

MS = 1_000_000
START = NOON_MS * MS


def depth(u: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]], kind: str = "delta") -> dict[str, Any]:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": u}
    return {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": NOON_MS, "cts": NOON_MS, "data": data}


WHOLE = depth(10, [("100.0", "1.000"), ("99.9", "2.000")], [("100.1", "3.000")], "snapshot")


class Feed:
    """Frames into books, a millisecond apart."""

    def __init__(self, books: LiveBooks) -> None:
        self.books = books
        self.now = START

    def take(self, *frames: Any) -> None:
        for frame in frames:
            self.now += MS
            body = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
            self.books.take(Frame((0, 1), self.now, body))

    def why(self) -> str:
        with pytest.raises(BookUnknown) as error:
            self.books.view("BTCUSDT", self.now)
        return str(error.value)


@pytest.fixture
def feed() -> Feed:
    return Feed(LiveBooks("bybit", [BTC_LINEAR], bybit.facts))


def test_a_book_is_shown_from_the_best_on_with_its_age(feed: Feed) -> None:
    feed.take(WHOLE, depth(11, [("99.9", "0"), ("99.8", "4.000")], []))
    view = feed.books.view("BTCUSDT", feed.now + 250 * MS)
    assert view.bids == ((1000, 1000), (998, 4000))
    assert view.asks == ((1001, 3000),)
    assert (view.age_ns, view.source, view.fallback) == (250 * MS, "bybit", False)
    assert feed.books.view("BTCUSDT", feed.now, levels=1).bids == ((1000, 1000),)


def test_before_a_snapshot_there_is_no_book(feed: Feed) -> None:
    assert feed.why() == "bybit BTCUSDT: no snapshot and no change"
    feed.take(depth(11, [("99.9", "1")], []))
    assert "wait for one" in feed.why()
    assert feed.books.wants_snapshot() == ["BTCUSDT"]


def test_a_gap_takes_the_book_away_until_the_next_snapshot(feed: Feed) -> None:
    feed.take(WHOLE, depth(13, [("99.9", "1")], []))
    assert "the book stood at 10, the next change follows 12" in feed.why()
    assert feed.books.wants_snapshot() == ["BTCUSDT"]
    feed.take(depth(1, [("99.0", "1.000")], [("99.5", "1.000")], "snapshot"))
    assert feed.books.view("BTCUSDT", feed.now).bids == ((990, 1000),)


def test_a_repeated_message_changes_nothing(feed: Feed) -> None:
    change = depth(11, [("100.0", "7.000")], [])
    feed.take(WHOLE, change, depth(12, [("100.0", "8.000")], []), change)
    assert feed.books.view("BTCUSDT", feed.now).bids[0] == (1000, 8000)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (depth(11, [("100.5", "1.000")], []), "best bid 1005 and best ask 1001 ticks cross"),
        (depth(11, [("99.95", "1.000")], []), "expected a whole multiple of 0.1, found 99.95"),
        (depth(11, [("99.9", "-1")], []), "a level has less than nothing"),
        (b'{"topic":"orderbook.50.BTCUSDT","type":"delta","da', "truncated"),
    ],
)
def test_what_cannot_be_is_no_book(feed: Feed, frame: Any, said: str) -> None:
    feed.take(WHOLE, frame)
    assert said in feed.why()


def test_an_interruption_takes_every_book_away(feed: Feed) -> None:
    feed.take(WHOLE)
    feed.books.interrupt(feed.now, "the line was lost")
    assert feed.why() == "bybit BTCUSDT: the line was lost"


def test_a_symbol_that_is_not_followed_has_no_book(feed: Feed) -> None:
    with pytest.raises(BookUnknown, match="ETHUSDT: not among the books that are followed"):
        feed.books.view("ETHUSDT", 0)


def test_another_venues_book_stands_in_marked_and_only_while_ours_is_not_fresh(feed: Feed) -> None:
    other = Feed(LiveBooks("binance", [BTC_LINEAR], binance.facts))
    both = WithFallback(feed.books, other.books, fresh_ns=1_000 * MS)
    with pytest.raises(BookUnknown, match="bybit BTCUSDT: no snapshot and no change; binance BTCUSDT: no snapshot"):
        both.view("BTCUSDT", feed.now)

    snapshot = {"lastUpdateId": 5, "bids": [["100.2", "1.000"]], "asks": [["100.3", "1.000"]]}
    change = {
        "stream": "btcusdt@depth@100ms",
        "data": {"e": "depthUpdate", "E": NOON_MS, "s": "BTCUSDT", "U": 5, "u": 6, "b": [["100.1", "2.000"]], "a": []},
    }
    url = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000"
    other.books.take(Frame((0, 1), START + 1 * MS, json.dumps(snapshot).encode(), url))
    other.books.take(Frame((0, 2), START + 2 * MS, json.dumps(change).encode()))
    stand_in = both.view("BTCUSDT", START + 3 * MS)
    assert (stand_in.source, stand_in.fallback, stand_in.bids) == ("binance", True, ((1002, 1000), (1001, 2000)))

    feed.take(WHOLE)
    own = both.view("BTCUSDT", feed.now + 900 * MS)
    assert (own.source, own.fallback, own.age_ns) == ("bybit", False, 900 * MS)
    with pytest.raises(BookUnknown, match="bybit BTCUSDT: 5000 ms old, expected 1000"):
        both.view("BTCUSDT", feed.now + 5_000 * MS)
