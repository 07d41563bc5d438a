"""Bybit's shapes, exactly as sent: numbers are text, times are milliseconds, absent numbers are "".

Fields that we do not read are left out; unknown ones are ignored, as the venue adds some now and then.
"""

from typing import Final

import msgspec

INTERVALS: Final[dict[str, str]] = {
    "1m": "1",
    "3m": "3",
    "5m": "5",
    "15m": "15",
    "30m": "30",
    "1h": "60",
    "2h": "120",
    "4h": "240",
    "6h": "360",
    "12h": "720",
    "1d": "D",
}
"""Timeframe to the venue's name of it. Eight hours it does not have."""

TIMEFRAME_OF: Final[dict[str, str]] = {interval: name for name, interval in INTERVALS.items()}


class Reply(msgspec.Struct, frozen=True):
    """Envelope of every REST answer. `time` is the venue's clock in ms; on errors `result` is an empty object."""

    retCode: int  # noqa: N815  the venue's own spelling
    retMsg: str  # noqa: N815
    result: msgspec.Raw
    time: int


class KlineResult(msgspec.Struct, frozen=True):
    """`GET /v5/market/kline`: rows [start, open, high, low, close, volume, turnover], newest first."""

    category: str
    symbol: str
    list: tuple[tuple[str, str, str, str, str, str, str], ...]


class Push(msgspec.Struct, frozen=True):
    """A public websocket frame with a topic; acknowledgements and pongs have none."""

    topic: str = ""
    type: str = ""
    ts: int = 0
    cs: int = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


class Kline(msgspec.Struct, frozen=True):
    """One entry of `kline.{interval}.{symbol}`. `end` is the bar's last ms; `confirm` is true once, when closed."""

    start: int
    end: int
    interval: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    turnover: str
    confirm: bool


class TickerData(msgspec.Struct, frozen=True):
    """`tickers.{symbol}`; in a delta an absent field (None) is unchanged. Spot has no best bid and ask here."""

    symbol: str
    lastPrice: str | None = None  # noqa: N815
    bid1Price: str | None = None  # noqa: N815
    bid1Size: str | None = None  # noqa: N815
    ask1Price: str | None = None  # noqa: N815
    ask1Size: str | None = None  # noqa: N815
    markPrice: str | None = None  # noqa: N815
    indexPrice: str | None = None  # noqa: N815
    fundingRate: str | None = None  # noqa: N815
