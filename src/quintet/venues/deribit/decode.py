"""Frames of Deribit's public channels to facts: `book.{instrument}.raw` and `trades.{instrument}.raw`.

A book message says which one it follows (`prev_change_id`). A level is an action, a price and the new amount; the
amount of a deleted level is 0.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.core.market.tick_feed import UNKNOWN, Aside, BookChange, Fact, Frame, Trade

MS_NS: Final = 1_000_000
_SIDES: Final = {"buy": True, "sell": False}
_Level = tuple[str, msgspec.Raw, msgspec.Raw]


class Params(msgspec.Struct, frozen=True):
    """Channel and payload of a notification."""

    channel: str
    data: msgspec.Raw


class Notification(msgspec.Struct, frozen=True):
    """A JSON-RPC message; only notifications have `params`."""

    method: str = ""
    params: Params | None = None


class Book(msgspec.Struct, frozen=True):
    """`book.{instrument}.raw`."""

    type: str
    timestamp: int
    instrument_name: str
    change_id: int
    bids: list[_Level]
    asks: list[_Level]
    prev_change_id: int = UNKNOWN


class Printed(msgspec.Struct, frozen=True):
    """One entry of `trades.{instrument}.raw`; `direction` is the side that took."""

    timestamp: int
    instrument_name: str
    direction: str
    price: msgspec.Raw
    amount: msgspec.Raw
    trade_seq: int


def facts(frames: Iterable[Frame]) -> Iterator[Fact]:
    """What each frame says, in order; raises DataError for a frame that is not what it claims to be."""
    for frame in frames:
        try:
            yield from _facts(frame)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{error}, expected a message of Deribit") from None


def _facts(frame: Frame) -> Iterator[Fact]:
    note = msgspec.json.decode(frame.body, type=Notification)
    if note.params is None:
        yield Aside(frame.where, note.method or "not a notification")
        return
    channel = note.params.channel.partition(".")[0]
    if channel == "book":
        yield _book(frame, msgspec.json.decode(note.params.data, type=Book))
    elif channel == "trades":
        for trade in msgspec.json.decode(note.params.data, type=list[Printed]):
            yield _trade(frame, trade)
    else:
        yield Aside(frame.where, channel)


def _book(frame: Frame, book: Book) -> BookChange:
    bids, asks = _levels(book.bids), _levels(book.asks)
    return BookChange(
        frame.where, frame.recv_ns, book.timestamp * MS_NS, book.instrument_name, bids, asks,
        snapshot=book.type == "snapshot", previous_id=book.prev_change_id, last_id=book.change_id,
    )  # fmt: skip


def _levels(levels: list[_Level]) -> bytes:
    for action, _, _ in levels:
        if action not in ("new", "change", "delete"):
            raise DataError(f"action is {action!r}, expected new, change or delete")
    return b"[" + b",".join(b"[%b,%b]" % (price, amount) for _, price, amount in levels) + b"]"


def _trade(frame: Frame, trade: Printed) -> Trade:
    if trade.direction not in _SIDES:
        raise DataError(f"direction is {trade.direction!r}, expected buy or sell")
    levels = b"[[%b,%b]]" % (trade.price, trade.amount)
    buy = _SIDES[trade.direction]
    return Trade(
        frame.where, frame.recv_ns, trade.timestamp * MS_NS, trade.instrument_name, buy, levels, trade.trade_seq
    )
