"""Public topics: what is sent first, what after a change, and how often.

A book topic keeps what its subscribers hold, so that a delta never deletes a level that they do not have.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from quintet.sandbox.bybit_v5 import market_calls, shapes
from quintet.sandbox.bybit_v5.call import Call
from quintet.sandbox.bybit_v5.candle_rows import INTERVALS, MINUTES, bucket_end, candles
from quintet.sandbox.bybit_v5.params import Params
from quintet.sandbox.candle_series import Candle
from quintet.sandbox.instruments import BUY, SELL
from quintet.sandbox.money import plain
from quintet.sandbox.service import Service
from quintet.sandbox.state import Market

DEPTHS = {1: 0.01, 50: 0.02, 200: 0.1, 500: 0.1, 1000: 0.2}
"""Levels to seconds between two messages."""

PATTERN = re.compile(
    r"(orderbook|publicTrade|tickers|kline|allLiquidation|priceLimit)(?:\.([0-9A-Z]+))?\.([A-Z0-9]+)\Z"
)
COIN_PATTERN = re.compile(r"(adlAlert|insurance)\.([A-Z]+)\Z")
STATUS_TOPIC = "system.status"
"""On a connection of its own; said when maintenance is announced, which is never."""

REPEAT_TOP_S = 3.0


def json_text(value: Any) -> str:
    """A frame as text."""
    return msgspec.json.encode(value).decode()


class Topic:
    """A public stream of one instrument: `first` is for a new subscriber, `changes` for all, after a while."""

    every_s = 0.1

    def __init__(self, service: Service, market: Market, name: str) -> None:
        self.service = service
        self.market = market
        self.name = name
        self.key = f"{market.instrument.category}:{market.instrument.symbol}"

    def first(self) -> list[str]:
        """Frames for somebody who has just subscribed."""
        return []

    def changes(self) -> list[str]:
        """Frames for everybody, when something has changed."""
        return []

    def frame(self, kind: str, data: Any, **more: Any) -> str:
        """A frame of this topic."""
        return json_text({"topic": self.name, "type": kind, "ts": self.service.clock.said_ms(), "data": data} | more)


class BookTopic(Topic):
    """An order book down to some depth: a snapshot, then deltas, `u` going up by one; depth 1 has snapshots only."""

    def __init__(self, service: Service, market: Market, name: str, depth: int) -> None:
        super().__init__(service, market, name)
        self.depth = depth
        self.every_s = DEPTHS[depth]
        self.update = service.state.seq
        self._sent_s = 0.0
        self._held = self._now()

    def _now(self) -> tuple[dict[int, int], dict[int, int]]:
        book = self.service.venue.books[self.key]
        return dict(book.depth(BUY, self.depth)), dict(book.depth(SELL, self.depth))

    def _levels(self, levels: dict[int, int]) -> list[list[str]]:
        instrument = self.market.instrument
        return [
            [instrument.price_text(price), instrument.lots_text(lots) if lots else "0"]
            for price, lots in levels.items()
        ]

    def _data(self, bids: dict[int, int], asks: dict[int, int]) -> dict[str, Any]:
        return {
            "s": self.market.instrument.symbol,
            "b": self._levels(bids),
            "a": self._levels(asks),
            "u": self.update,
            "seq": self.service.state.seq,
        }

    def first(self) -> list[str]:
        """What everybody else holds now."""
        return [self.frame("snapshot", self._data(*self._held), cts=self.service.state.now_ms)]

    def changes(self) -> list[str]:
        """Absolute sizes of what changed; a level that left the depth is deleted, one that entered is sent."""
        now = self._now()
        if now == self._held:
            return []
        deltas = [
            {price: lots for price, lots in after.items() if before.get(price) != lots}
            | {price: 0 for price in before if price not in after}
            for before, after in zip(self._held, now, strict=True)
        ]
        self._held = now
        self.update += 1
        cts = self.service.state.now_ms
        if self.depth == 1:
            return [self.frame("snapshot", self._data(*now), cts=cts)]
        return [self.frame("delta", self._data(deltas[0], deltas[1]), cts=cts)]


class TickerTopic(Topic):
    """The ticker: whole on spot, on contracts first whole and then what changed."""

    def __init__(self, service: Service, market: Market, name: str) -> None:
        super().__init__(service, market, name)
        self.every_s = 0.05 if market.instrument.is_spot else 0.1
        self._held = self._now()

    def _now(self) -> dict[str, Any]:
        row = market_calls.ticker(Call(self.service, Params({})), self.key)
        if self.market.instrument.is_spot:
            wanted = ("symbol", "lastPrice", "highPrice24h", "lowPrice24h", "prevPrice24h", "volume24h", "turnover24h",
                      "price24hPcnt", "usdIndexPrice")  # fmt: skip
            return {name: row[name] for name in wanted}
        return row | {"tickDirection": self.market.tick_direction}

    def first(self) -> list[str]:
        """The whole row."""
        return [self.frame("snapshot", self._held, cs=self.service.state.seq)]

    def changes(self) -> list[str]:
        """What changed, with the symbol."""
        now = self._now()
        changed = {name: value for name, value in now.items() if self._held[name] != value}
        self._held = now
        if not changed:
            return []
        if self.market.instrument.is_spot:
            return self.first()
        return [self.frame("delta", {"symbol": now["symbol"]} | changed, cs=self.service.state.seq)]


class CandleTopic(Topic):
    """The running candle about once a second, and once more when it has closed."""

    every_s = 1.0

    def __init__(self, service: Service, market: Market, name: str, interval: str) -> None:
        super().__init__(service, market, name)
        self.interval = interval
        self._running: Candle | None = self._newest(1)[-1] if self._newest(1) else None

    def _newest(self, count: int) -> list[Candle]:
        series = self.market.candles
        minutes = MINUTES.get(self.interval)
        recent = series.newest((count + 1) * minutes) if minutes else series.all()
        return candles(recent, self.interval, 0, 0, count)

    def first(self) -> list[str]:
        """The running candle."""
        return [self._candle(candle, confirm=False) for candle in self._newest(1)]

    def changes(self) -> list[str]:
        """The candle that has closed, if one has, and the running one."""
        newest = self._newest(2)
        frames = []
        before = self._running
        if newest and before is not None and newest[-1].start_ms > before.start_ms:
            closed = next((each for each in newest if each.start_ms == before.start_ms), before)
            frames.append(self._candle(closed, confirm=True))
        if newest:
            self._running = newest[-1]
            frames.append(self._candle(newest[-1], confirm=False))
        return frames

    def _candle(self, candle: Candle, *, confirm: bool) -> str:
        instrument = self.market.instrument
        price = instrument.price_text
        row = {
            "start": candle.start_ms,
            "end": bucket_end(candle.start_ms, self.interval),
            "interval": self.interval,
            "open": price(candle.open),
            "close": price(candle.close),
            "high": price(candle.high),
            "low": price(candle.low),
            "volume": instrument.lots_text(candle.lots),
            "turnover": plain(candle.value),
            "confirm": confirm,
            "timestamp": self.service.state.now_ms,
        }
        return self.frame("snapshot", [row])


class PriceLimitTopic(Topic):
    """The highest price to buy at and the lowest to sell at."""

    def __init__(self, service: Service, market: Market, name: str) -> None:
        super().__init__(service, market, name)
        self._held = self._now()

    def _now(self) -> dict[str, Any]:
        row = market_calls.price_limit_row(self.market)
        return {name: row[name] for name in ("symbol", "buyLmt", "sellLmt")}

    def first(self) -> list[str]:
        """Both limits."""
        return [json_text({"topic": self.name, "data": self._held, "ts": self.service.clock.said_ms()})]

    def changes(self) -> list[str]:
        """Both limits when one has moved."""
        now = self._now()
        if now == self._held:
            return []
        self._held = now
        return self.first()


class CoinTopic(Topic):
    """What concerns all contracts that settle in a coin: once a second, whole."""

    def __init__(self, service: Service, market: Market, name: str, rows: Callable[[Service, str], list[Any]]) -> None:
        super().__init__(service, market, name)
        self._rows = rows

    def first(self) -> list[str]:
        """All rows."""
        return [self.frame("snapshot", self._rows(self.service, self.market.instrument.quote))]


def _insurance(service: Service, coin: str) -> list[Any]:
    row = market_calls.insurance_row(service, coin)
    return [{name: row[name] for name in ("coin", "symbols", "balance")} | {"updateTime": str(service.state.now_ms)}]


def _coin_topic(service: Service, category: str, name: str) -> Topic | None:
    match = COIN_PATTERN.match(name)
    if match is None or category != "linear":
        return None
    kind, coin = match.groups()
    markets = service.state.markets.values()
    held = [found for found in markets if found.instrument.category == category and found.instrument.quote == coin]
    rows = {"adlAlert": market_calls.deleveraging_rows, "insurance": _insurance}[kind]
    return CoinTopic(service, held[0], name, rows) if held else None


def topic_of(service: Service, category: str, name: str) -> Topic | None:
    """The topic of a name, or None when there is no such thing."""
    match = PATTERN.match(name)
    if match is None:
        return _coin_topic(service, category, name)
    kind, middle, symbol = match.groups()
    market = service.state.markets.get(f"{category}:{symbol}")
    if market is None:
        return None
    if kind == "orderbook" and middle is not None and middle.isdigit() and int(middle) in DEPTHS:
        return BookTopic(service, market, name, int(middle))
    if kind == "kline" and middle in INTERVALS:
        return CandleTopic(service, market, name, middle)
    if middle is not None:
        return None
    if kind == "priceLimit":
        return PriceLimitTopic(service, market, name)
    if kind == "tickers":
        return TickerTopic(service, market, name)
    return Topic(service, market, name) if kind in ("publicTrade", "allLiquidation") else None


def trade_frames(topic: Topic, trades: list[Any]) -> list[str]:
    """Prints of one moment, oldest first, at most 1024 in a message."""
    rows = [shapes.trade_print(topic.market.instrument, trade) for trade in trades]
    return [topic.frame("snapshot", rows[n : n + 1024]) for n in range(0, len(rows), 1024)]
