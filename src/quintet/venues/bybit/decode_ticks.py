"""Bybit's public depth and trade frames to facts: V5 topics, and those of the older v2 interface.

V5: `orderbook.{depth}.{symbol}` begins with a snapshot in the stream and numbers its messages one by one (`u`; a
snapshot at any time replaces the book); `cts` is the matching engine's time, like `T` of a trade. v2:
`orderBookL2_25.{symbol}` numbers nothing, so a lost message cannot be noticed.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.core.market.tick_feed import UNKNOWN, Aside, BookChange, Fact, Frame, Trade
from quintet.venues.bybit.recording import RECEIVE_MAX_NS, Wrapped
from quintet.venues.bybit.shapes import MS_NS, shaped

_EMPTY: Final = msgspec.Raw(b"[]")
_SIDES: Final = {"Buy": True, "Sell": False}


class Tick(msgspec.Struct, frozen=True):
    """The envelope of a public frame of either interface; acknowledgements and pongs have no topic."""

    topic: str = ""
    type: str = ""
    ts: int = UNKNOWN
    cts: int = UNKNOWN
    timestamp_e6: int | str = UNKNOWN
    data: msgspec.Raw = _EMPTY


class Book(msgspec.Struct, frozen=True):
    """`orderbook.{depth}.{symbol}`: levels as pairs of text; `u` rises by one."""

    s: str
    u: int
    b: msgspec.Raw = _EMPTY
    a: msgspec.Raw = _EMPTY


class Printed(msgspec.Struct, frozen=True):
    """One trade of `publicTrade.{symbol}`; `S` is the side that took."""

    T: int
    s: str
    S: str
    v: msgspec.Raw
    p: msgspec.Raw


class OldLevel(msgspec.Struct, frozen=True):
    """One level of `orderBookL2_25`; a deleted one has no size."""

    price: msgspec.Raw
    side: str
    size: msgspec.Raw = msgspec.Raw(b"0")


class OldChanges(msgspec.Struct, frozen=True):
    """A v2 depth message: `order_book` in a snapshot, the three lists in a delta."""

    order_book: list[OldLevel] = []
    delete: list[OldLevel] = []
    update: list[OldLevel] = []
    insert: list[OldLevel] = []


class OldTrade(msgspec.Struct, frozen=True):
    """One trade of v2's `trade.{symbol}`."""

    symbol: str
    side: str
    price: msgspec.Raw
    size: msgspec.Raw
    trade_time_ms: int | str


def facts(frames: Iterable[Frame]) -> Iterator[Fact]:
    """What each frame says, in order; raises DataError for a frame that is not what it claims to be."""
    for frame in frames:
        frame = unwrapped(frame)
        push = shaped(frame.body, Tick, "frame")
        kind, _, rest = push.topic.partition(".")
        if kind == "orderbook":
            yield _book(frame, push)
        elif kind == "publicTrade":
            yield from _trades(frame, push)
        elif kind == "orderBookL2_25":
            yield _old_book(frame, push, rest)
        elif kind == "trade":
            yield from _old_trades(frame, push)
        else:
            yield Aside(frame.where, kind or "not a topic")


def unwrapped(frame: Frame) -> Frame:
    """A frame that was recorded as `{"recv_ns": ..., "frame": {...}}` without its wrapping; any other as it is."""
    if frame.recv_ns != UNKNOWN or b'"recv_ns"' not in frame.body:
        return frame
    wrapped = shaped(frame.body, Wrapped, "frame")
    if not 0 < wrapped.recv_ns < RECEIVE_MAX_NS:
        raise DataError(f"recv_ns is {wrapped.recv_ns}, expected ns UTC before the year 2200")
    return frame._replace(recv_ns=wrapped.recv_ns, body=bytes(wrapped.frame))


def _book(frame: Frame, push: Tick) -> BookChange:
    book = shaped(push.data, Book, push.topic)
    if push.type not in ("snapshot", "delta"):
        raise DataError(f"{push.topic}: type is {push.type!r}, expected snapshot or delta")
    return BookChange(
        frame.where, frame.recv_ns, _event_ns(push), book.s, bytes(book.b), bytes(book.a),
        snapshot=push.type == "snapshot", previous_id=book.u - 1, last_id=book.u,
    )  # fmt: skip


def _trades(frame: Frame, push: Tick) -> Iterator[Trade]:
    for trade in shaped(push.data, list[Printed], push.topic):
        levels = b"[[%b,%b]]" % (trade.p, trade.v)
        yield Trade(
            frame.where, frame.recv_ns, trade.T * MS_NS, trade.s, _buys(push.topic, trade.S), levels
        )  # fmt: skip


def _old_book(frame: Frame, push: Tick, symbol: str) -> BookChange:
    """v2 gives a snapshot's levels as a list, or as an object around it."""
    if bytes(push.data).startswith(b"["):
        levels = shaped(push.data, list[OldLevel], push.topic)
    else:
        found = shaped(push.data, OldChanges, push.topic)
        levels = [*found.order_book, *found.delete, *found.update, *found.insert]
    sides: dict[bool, list[bytes]] = {True: [], False: []}
    for level in levels:
        sides[_buys(push.topic, level.side)].append(b"[%b,%b]" % (level.price, level.size))
    return BookChange(
        frame.where, frame.recv_ns, _old_event_ns(push), symbol, b"[" + b",".join(sides[True]) + b"]",
        b"[" + b",".join(sides[False]) + b"]", snapshot=push.type == "snapshot",
    )  # fmt: skip


def _old_trades(frame: Frame, push: Tick) -> Iterator[Trade]:
    for trade in shaped(push.data, list[OldTrade], push.topic):
        levels = b"[[%b,%b]]" % (trade.price, trade.size)
        stamp = int(trade.trade_time_ms) * MS_NS
        yield Trade(frame.where, frame.recv_ns, stamp, trade.symbol, _buys(push.topic, trade.side), levels)


def _buys(topic: str, side: str) -> bool:
    if side not in _SIDES:
        raise DataError(f"{topic}: side is {side!r}, expected Buy or Sell")
    return _SIDES[side]


def _event_ns(push: Tick) -> int:
    stamp = push.cts if push.cts != UNKNOWN else push.ts
    if not 0 < stamp * MS_NS < RECEIVE_MAX_NS:
        raise DataError(f"{push.topic}: ts is {stamp}, expected ms UTC before the year 2200")
    return stamp * MS_NS


def _old_event_ns(push: Tick) -> int:
    """v2 stamps its messages in us, or not at all."""
    return int(push.timestamp_e6) * 1_000 if push.timestamp_e6 != UNKNOWN else UNKNOWN
