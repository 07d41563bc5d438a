"""Frames of Coinbase's public channels to facts: `level2` snapshots and updates, `match`.

Level-2 messages bear no numbers, so a lost one cannot be noticed. A match says the side of the resting order.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.core.market.tick_feed import UNKNOWN, Aside, BookChange, Fact, Frame, Trade

_NOTHING: Final = msgspec.Raw(b"")
_SIDES: Final = {"buy": True, "sell": False}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Message(msgspec.Struct, frozen=True):
    """Every message that we read; `type` says which fields it has."""

    type: str = ""
    product_id: str = ""
    time: datetime | None = None
    bids: msgspec.Raw = _NOTHING
    asks: msgspec.Raw = _NOTHING
    changes: list[tuple[str, msgspec.Raw, msgspec.Raw]] = []
    side: str = ""
    price: msgspec.Raw = _NOTHING
    size: msgspec.Raw = _NOTHING
    trade_id: int = UNKNOWN


def facts(frames: Iterable[Frame]) -> Iterator[Fact]:
    """What each frame says, in order; raises DataError for a frame that is not what it claims to be."""
    decoder = msgspec.json.Decoder(Message)
    for frame in frames:
        try:
            message = decoder.decode(frame.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{error}, expected a message of Coinbase") from None
        yield _fact(frame, message)


def _fact(frame: Frame, message: Message) -> Fact:
    event_ns = UNKNOWN if message.time is None else _ns(message.time)
    if message.type == "snapshot":
        bids, asks = bytes(message.bids), bytes(message.asks)
        return BookChange(frame.where, frame.recv_ns, event_ns, message.product_id, bids, asks, snapshot=True)
    if message.type == "l2update":
        return _update(frame, message, event_ns)
    # `last_match` repeats what happened before the subscription.
    if message.type == "match":
        levels = b"[[%b,%b]]" % (message.price, message.size)
        buy = not _buys(message.side)
        return Trade(frame.where, frame.recv_ns, event_ns, message.product_id, buy, levels, message.trade_id)
    return Aside(frame.where, message.type or "not a channel")


def _update(frame: Frame, message: Message, event_ns: int) -> BookChange:
    sides: dict[bool, list[bytes]] = {True: [], False: []}
    for side, price, size in message.changes:
        sides[_buys(side)].append(b"[%b,%b]" % (price, size))
    bids, asks = (b"[" + b",".join(sides[side]) + b"]" for side in (True, False))
    return BookChange(frame.where, frame.recv_ns, event_ns, message.product_id, bids, asks)


def _buys(side: str) -> bool:
    if side not in _SIDES:
        raise DataError(f"side is {side!r}, expected buy or sell")
    return _SIDES[side]


def _ns(moment: datetime) -> int:
    """Nanoseconds UTC of a stamp with microseconds, without a float in between."""
    since = moment - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
