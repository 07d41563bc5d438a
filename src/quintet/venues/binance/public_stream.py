"""What is asked of Binance's public streams: changes of depth and trades of some symbols, spot or USD-M futures.

The streams are named in the address, so nothing has to be subscribed to. They bring changes only; the book is asked for
beside them and fitted in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from quintet.core.errors import ConfigError
from quintet.ports.live_feed import Answer

STREAM_HOSTS: Final = {"spot": "wss://stream.binance.com:9443", "linear": "wss://fstream.binance.com"}
REST_HOSTS: Final = {"spot": "https://api.binance.com", "linear": "https://fapi.binance.com"}
REST_PATH: Final = {"spot": "/api/v3", "linear": "/fapi/v1"}
SNAPSHOT_LEVELS: Final = 1000

_TRADES: Final = {"spot": "trade", "linear": "aggTrade"}
"""Futures document only the trades of one taker at one price as one."""


class _Error(msgspec.Struct, frozen=True):
    msg: str = ""


class _Reply(msgspec.Struct, frozen=True):
    """What an answer has; a frame of the market has a stream instead."""

    id: int | str | None = None
    error: _Error | None = None
    stream: str = ""


@dataclass(frozen=True, slots=True)
class PublicStream:
    """Fills `ports.live_feed.Stream`. Hosts are scheme and host, without a path."""

    symbols: Sequence[str]
    category: str
    stream_host: str
    rest_host: str

    def __post_init__(self) -> None:
        if self.category not in REST_PATH:
            raise ConfigError(f"category is {self.category}, expected one of {', '.join(REST_PATH)}")

    @property
    def url(self) -> str:
        """All streams as one."""
        names = [f"{symbol.lower()}@{what}" for symbol in self.symbols for what in ("depth@100ms", self._trades)]
        return f"{self.stream_host}/stream?streams={'/'.join(names)}"

    @property
    def _trades(self) -> str:
        return _TRADES[self.category]

    @property
    def ping(self) -> str:
        """A question without consequences."""
        return '{"method":"LIST_SUBSCRIPTIONS","id":1}'

    def subscriptions(self) -> dict[str, str]:
        """None: the address says it all."""
        return {}

    def answer(self, body: bytes) -> Answer | None:
        """The answer to a ping; what cannot be read is for the decoder to complain of."""
        if b'"id"' not in body:
            return None
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if reply.id is None or reply.stream:
            return None
        return Answer(str(reply.id), reply.error is None, reply.error.msg if reply.error else "")

    def renewals(self, symbols: Sequence[str]) -> Sequence[str]:
        """None: the stream has no snapshots."""
        return ()

    def snapshot_url(self, symbol: str) -> str:
        """The book as it is now, far enough for what is quoted."""
        return f"{self.rest_host}{REST_PATH[self.category]}/depth?symbol={symbol}&limit={SNAPSHOT_LEVELS}"
