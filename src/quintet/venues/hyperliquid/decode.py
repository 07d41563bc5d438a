"""Frames of Hyperliquid's public channels to facts: `l2Book` (whole snapshots of 20 levels a side) and `trades`.

Between two snapshots the book is not told, and what lies deeper than 20 levels never is: good for looking at, not for
matching orders against. `side` B: a buyer took.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.core.market.tick_feed import Aside, BookChange, Fact, Frame, Trade

MS_NS: Final = 1_000_000
_SIDES: Final = {"B": True, "A": False}


class Message(msgspec.Struct, frozen=True):
    """A message with a channel."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Level(msgspec.Struct, frozen=True):
    """Price, size, and the number of orders, which we do not use."""

    px: msgspec.Raw
    sz: msgspec.Raw


class Book(msgspec.Struct, frozen=True):
    """`l2Book`: bids, then asks."""

    coin: str
    levels: tuple[list[Level], list[Level]]
    time: int


class Printed(msgspec.Struct, frozen=True):
    """One entry of `trades`."""

    coin: str
    side: str
    px: msgspec.Raw
    sz: msgspec.Raw
    time: int


def facts(frames: Iterable[Frame]) -> Iterator[Fact]:
    """What each frame says, in order; raises DataError for a frame that is not what it claims to be."""
    for frame in frames:
        try:
            yield from _facts(frame)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{error}, expected a message of Hyperliquid") from None


def _facts(frame: Frame) -> Iterator[Fact]:
    message = msgspec.json.decode(frame.body, type=Message)
    if message.channel == "l2Book":
        book = msgspec.json.decode(message.data, type=Book)
        bids, asks = (_levels(side) for side in book.levels)
        yield BookChange(frame.where, frame.recv_ns, book.time * MS_NS, book.coin, bids, asks, snapshot=True)
    elif message.channel == "trades":
        for trade in msgspec.json.decode(message.data, type=list[Printed]):
            if trade.side not in _SIDES:
                raise DataError(f"trades: side is {trade.side!r}, expected B or A")
            levels = b"[[%b,%b]]" % (trade.px, trade.sz)
            yield Trade(frame.where, frame.recv_ns, trade.time * MS_NS, trade.coin, _SIDES[trade.side], levels)
    else:
        yield Aside(frame.where, message.channel or "not a channel")


def _levels(side: list[Level]) -> bytes:
    return b"[" + b",".join(b"[%b,%b]" % (level.px, level.sz) for level in side) + b"]"
