"""Public frames to tape rows. Pure: bytes and a receive time in, rows out; nothing is remembered here.

A frame that is not what it claims to be is a DataError naming topic, field, found and expected.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintet.core import events as ev
from quintet.core.errors import DataError
from quintet.core.events import TIMEFRAMES
from quintet.core.instrument import Instrument
from quintet.core.market.bars import Bars, bar_rows
from quintet.core.units import decimal, exact_units, units_down
from quintet.venues.bybit.shapes import MS_NS, shaped
from quintet.venues.bybit.wire import TIMEFRAME_OF, Kline, Push, TickerData

_MINUTE_MS: Final = 60_000
_EARLIEST_MS: Final = 1_230_768_000_000
_LATEST_MS: Final = 4_102_444_800_000
_AMOUNT_MAX: Final = Decimal(10) ** 20
_RATE_UNIT: Final = Decimal("1e-9")
_NO_ROWS: Final = np.zeros(0, ev.ROW)


def read_push(frame: bytes) -> Push:
    """The envelope of a public frame; `topic` is empty for acknowledgements and pongs."""
    return shaped(frame, Push, "frame")


# ---- candles -------------------------------------------------------------------------------------------------


def kline_rows(push: Push, instrument: Instrument, recv_ns: int, index: int = 0) -> NDArray[np.void]:
    """Rows of the candles that this frame closes; an update of a running candle gives none (S-12).

    `recv_ns` is our clock; `index` the instrument's number on the tape. Volume is rounded down to whole lots.
    """
    interval, _, symbol = push.topic.removeprefix("kline.").partition(".")
    if interval not in TIMEFRAME_OF or not push.topic.startswith("kline."):
        expected = f"kline.INTERVAL.SYMBOL with an interval of {', '.join(TIMEFRAME_OF)}"
        raise DataError(f"topic: found {push.topic!r}, expected {expected}")
    _require(push.topic, "symbol", symbol, instrument.symbol)
    closed = [kline for kline in shaped(push.data, tuple[Kline, ...], push.topic) if kline.confirm]
    if not closed:
        return _NO_ROWS
    rows = bar_rows(_bars(push.topic, interval, closed, instrument), index)
    rows["ts_recv"] = recv_ns
    return rows


def _bars(topic: str, interval: str, klines: list[Kline], instrument: Instrument) -> Bars:
    timeframe = TIMEFRAME_OF[interval]
    for kline in klines:
        _require(topic, "interval", kline.interval, interval)
        _require(topic, "end", kline.end, kline.start + TIMEFRAMES[timeframe] * _MINUTE_MS - 1)
        if not _EARLIEST_MS <= kline.start < _LATEST_MS:
            raise DataError(f"{topic}: start: found {kline.start}, expected ms UTC from 2009 to 2100")

    def prices(name: str) -> NDArray[np.int64]:
        values = [_amount(topic, name, getattr(kline, name)) for kline in klines]
        return np.array([instrument.ticks(value, f"{topic} {name}") for value in values], np.int64)

    def down(name: str, unit: Decimal) -> NDArray[np.int64]:
        values = [_amount(topic, name, getattr(kline, name)) for kline in klines]
        return np.array([_whole_down(topic, name, value, unit) for value in values], np.int64)

    return Bars(
        timeframe=timeframe,
        ts_open=np.array([kline.start * MS_NS for kline in klines], np.int64),
        open=prices("open"),
        high=prices("high"),
        low=prices("low"),
        close=prices("close"),
        volume=down("volume", instrument.lot_size),
        turnover=down("turnover", instrument.quote_quantum),
    )


# ---- ticker --------------------------------------------------------------------------------------------------


class Ticker(NamedTuple):
    """What is known of a symbol from its ticker. None: the venue has not said, or has withdrawn it.

    `ts_ms` and `sequence` (the venue's `cs`) are of the newest frame that is in here.
    """

    symbol: str
    ts_ms: int
    sequence: int
    last: Decimal | None = None
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    mark_price: Decimal | None = None
    index_price: Decimal | None = None
    funding_rate: Decimal | None = None

    @property
    def mid(self) -> Decimal | None:
        """Half way between best bid and best ask."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2

    @property
    def spread_bps(self) -> Decimal | None:
        """Best ask less best bid, in basis points of the mid."""
        mid = self.mid
        return None if mid is None or self.ask is None or self.bid is None else (self.ask - self.bid) / mid * 10_000


_FACTS: Final = {
    "last": "lastPrice",
    "bid": "bid1Price",
    "bid_size": "bid1Size",
    "ask": "ask1Price",
    "ask_size": "ask1Size",
    "mark_price": "markPrice",
    "index_price": "indexPrice",
    "funding_rate": "fundingRate",
}


def merge_ticker(before: Ticker | None, push: Push) -> Ticker | None:
    """The ticker after a frame: a snapshot replaces everything, a delta only the fields it names (S-13).

    A delta without a snapshot before it says nothing certain and gives None. A frame older than what is known
    (by `cs`) changes nothing.
    """
    data = shaped(push.data, TickerData, push.topic)
    _require(push.topic, "topic", push.topic, f"tickers.{data.symbol}")
    if push.type == "snapshot":
        return Ticker(data.symbol, push.ts, push.cs, **_given(push.topic, data))
    _require(push.topic, "type", push.type, "delta")
    if before is None:
        return None
    _require(push.topic, "symbol", data.symbol, before.symbol)
    if push.cs < before.sequence:
        return before
    known = before._asdict() | {"ts_ms": push.ts, "sequence": push.cs} | _given(push.topic, data)
    return Ticker(**known)


def _given(topic: str, data: TickerData) -> dict[str, Decimal | None]:
    """The facts a frame names; an empty text, or a best price of 0, says that there is none."""
    found: dict[str, Decimal | None] = {}
    for name, field in _FACTS.items():
        text = getattr(data, field)
        if text is None:
            continue
        value = _amount(topic, field, text) if text else None
        found[name] = None if name in ("bid", "ask") and value == 0 else value
    return found


def ticker_rows(
    before: Ticker | None, after: Ticker | None, instrument: Instrument, recv_ns: int, index: int = 0
) -> NDArray[np.void]:
    """One message with what changed between two tickers of `instrument`; no rows when nothing did.

    A best price that was withdrawn is a BOOK_CLEAR followed by the side that is left.
    """
    if after is None or after is before:
        return _NO_ROWS
    _require("tickers", "symbol", after.symbol, instrument.symbol)
    known = before or Ticker(after.symbol, 0, 0)
    withdrawn = (known.bid is not None and after.bid is None) or (known.ask is not None and after.ask is None)
    facts: list[tuple[int, int, int]] = [(ev.BOOK_CLEAR, 0, 0)] if withdrawn else []
    for kind, price, size in ((ev.BEST_BID, "bid", "bid_size"), (ev.BEST_ASK, "ask", "ask_size")):
        if getattr(after, price) is not None and (withdrawn or _differ(known, after, price, size)):
            facts.append((kind, _ticks(after, price, instrument), _lots(after, size, instrument)))
    if after.last is not None and _differ(known, after, "last"):
        facts.append((ev.LAST_PRICE, _ticks(after, "last", instrument), 0))
    for kind, price in ((ev.MARK_PRICE, "mark_price"), (ev.INDEX_PRICE, "index_price")):
        if getattr(after, price) is not None and _differ(known, after, price):
            facts.append((kind, _nearest_ticks(after, price, instrument), 0))
    if after.funding_rate is not None and _differ(known, after, "funding_rate"):
        facts.append((ev.FUNDING_RATE, 0, exact_units(after.funding_rate, _RATE_UNIT, "fundingRate")))
    return _message(facts, after.ts_ms * MS_NS, recv_ns, index)


def _differ(before: Ticker, after: Ticker, *names: str) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _ticks(ticker: Ticker, name: str, instrument: Instrument) -> int:
    return instrument.ticks(getattr(ticker, name), f"tickers.{ticker.symbol} {name}")


def _nearest_ticks(ticker: Ticker, name: str, instrument: Instrument) -> int:
    """Mark and index are averages, finer than what can be traded: the nearest price increment stands for them."""
    price: Decimal = getattr(ticker, name)
    nearest = (price / instrument.price_increment).to_integral_value(ROUND_HALF_EVEN) * instrument.price_increment
    return instrument.ticks(nearest, f"tickers.{ticker.symbol} {name}")


def _lots(ticker: Ticker, name: str, instrument: Instrument) -> int:
    size = getattr(ticker, name)
    return 0 if size is None else _whole_down(f"tickers.{ticker.symbol}", name, size, instrument.lot_size)


def _message(facts: list[tuple[int, int, int]], ts_event: int, recv_ns: int, index: int) -> NDArray[np.void]:
    rows = np.zeros(len(facts), ev.ROW)
    for row, (kind, price, quantity) in zip(rows, facts, strict=True):
        row["kind"], row["price"], row["quantity"] = kind, price, quantity
    rows["ts_event"] = ts_event
    rows["ts_recv"] = recv_ns
    rows["instrument"] = index
    if len(rows):
        rows[-1]["bits"] = ev.LAST
    return rows


# ---- shapes --------------------------------------------------------------------------------------------------


def _amount(topic: str, field: str, text: str) -> Decimal:
    """A number of a frame, of a size that any unit can count: what is beyond is damage, not a market."""
    value = decimal(text, f"{topic} {field}")
    if abs(value) >= _AMOUNT_MAX or 0 < abs(value) < 1 / _AMOUNT_MAX:
        raise DataError(f"{topic}: {field}: found {text[:40]}, expected a number within reason")
    if value < 0 and field != "fundingRate":
        raise DataError(f"{topic}: {field}: found {text[:40]}, expected 0 or more")
    return value


def _whole_down(topic: str, field: str, value: Decimal, unit: Decimal) -> int:
    whole = units_down(value, unit)
    if whole > ev.QUANTITY_MAX:
        raise DataError(f"{topic}: {field}: found {value}, expected at most 2^62 units of {unit}")
    return whole


def _require(topic: str, field: str, found: object, expected: object) -> None:
    if found != expected:
        raise DataError(f"{topic}: {field}: found {found!r}, expected {expected!r}")
