"""What is asked of Bybit's public stream: depth and trades of some symbols (V5).

A subscription brings a snapshot of the book by itself; a book that was lost is had again by leaving its topic and
subscribing anew. The venue wants a ping every 20 seconds, and on spot at most ten topics a request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from quintet.core.errors import ConfigError
from quintet.ports.live_feed import Answer

STREAM_HOST: Final = "wss://stream.bybit.com"
CATEGORIES: Final = ("spot", "linear", "inverse")
DEPTHS: Final = (50, 200, 1000)
"""Levels a side. One level comes in snapshots only, which are no book to queue in."""

TOPICS_PER_REQUEST: Final = 10


class _Reply(msgspec.Struct, frozen=True):
    """What every answer has; a frame of the market has none of it."""

    op: str = ""
    success: bool = True
    ret_msg: str = ""
    req_id: str = ""


@dataclass(frozen=True, slots=True)
class PublicStream:
    """Fills `ports.live_feed.Stream`. `host`: scheme and host, without a path."""

    symbols: Sequence[str]
    category: str = "spot"
    depth: int = 200
    host: str = STREAM_HOST

    def __post_init__(self) -> None:
        for name, found, known in (("category", self.category, CATEGORIES), ("depth", self.depth, DEPTHS)):
            if found not in known:
                raise ConfigError(f"{name} is {found}, expected one of {', '.join(map(str, known))}")

    @property
    def url(self) -> str:
        """The stream of the category."""
        return f"{self.host}/v5/public/{self.category}"

    @property
    def ping(self) -> str:
        """Answered by a pong."""
        return '{"req_id":"ping","op":"ping"}'

    def subscriptions(self) -> dict[str, str]:
        """Depth and trades of every symbol, ten topics a request."""
        topics = [topic for symbol in self.symbols for topic in (self._depth_of(symbol), f"publicTrade.{symbol}")]
        return {
            f"subscription {n}": _request(f"subscription {n}", "subscribe", some)
            for n, some in enumerate(_groups(topics), start=1)
        }

    def answer(self, body: bytes) -> Answer | None:
        """Answers and pongs; what cannot be read is for the decoder to complain of."""
        if b'"success"' not in body:
            return None
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return Answer(reply.req_id, reply.success, reply.ret_msg) if reply.op else None

    def renewals(self, symbols: Sequence[str]) -> Sequence[str]:
        """Leave the depth of these symbols and subscribe to it anew."""
        return [
            _request(f"{op} again", op, some)
            for some in _groups([self._depth_of(symbol) for symbol in symbols])
            for op in ("unsubscribe", "subscribe")
        ]

    def snapshot_url(self, symbol: str) -> str:
        """The stream brings its snapshots."""
        return ""

    def _depth_of(self, symbol: str) -> str:
        return f"orderbook.{self.depth}.{symbol}"


def _groups(topics: Sequence[str]) -> list[Sequence[str]]:
    return [topics[n : n + TOPICS_PER_REQUEST] for n in range(0, len(topics), TOPICS_PER_REQUEST)]


def _request(name: str, op: str, topics: Sequence[str]) -> str:
    return msgspec.json.encode({"req_id": name, "op": op, "args": topics}).decode()
