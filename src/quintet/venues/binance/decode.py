"""Frames of Binance's public streams to facts: depth changes, REST snapshots, trades, best prices.

One shape holds every frame; which fields it has says what it is. Spot and futures differ in how they number changes:
spot says the first and last update in a change (`U`, `u`), futures also the last one of the change before (`pu`).
"""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import parse_qs, urlparse

import msgspec

from quintet.core.errors import DataError
from quintet.core.market.tick_feed import UNKNOWN, Aside, BestPrices, BookChange, Fact, Frame, Trade

MS_NS: Final = 1_000_000
_NOTHING: Final = msgspec.Raw(b"")
_TIME_MAX_MS: Final = 7_258_118_400_000


class Data(msgspec.Struct, frozen=True):
    """The payload of a stream, or a REST depth snapshot; texts of numbers stay as they were sent."""

    e: str = ""
    E: int = UNKNOWN
    T: int = UNKNOWN
    s: str = ""
    U: int = UNKNOWN
    u: int = UNKNOWN
    pu: int = UNKNOWN
    b: msgspec.Raw = _NOTHING
    a: msgspec.Raw = _NOTHING
    B: msgspec.Raw = _NOTHING
    A: msgspec.Raw = _NOTHING
    t: msgspec.Raw = _NOTHING
    p: msgspec.Raw = _NOTHING
    q: msgspec.Raw = _NOTHING
    m: bool = False
    X: str = ""
    symbol: str = ""
    lastUpdateId: int = UNKNOWN  # noqa: N815  the venue's own spelling
    bids: msgspec.Raw = _NOTHING
    asks: msgspec.Raw = _NOTHING


class Envelope(msgspec.Struct, frozen=True):
    """A frame of a combined stream; without one, the frame itself is the payload."""

    stream: str = ""
    data: Data | None = None


def facts(frames: Iterable[Frame]) -> Iterator[Fact]:
    """What each frame says, in order; raises DataError for a frame that is not what it claims to be."""
    envelope = msgspec.json.Decoder(Envelope)
    bare = msgspec.json.Decoder(Data)
    for frame in frames:
        try:
            data = envelope.decode(frame.body).data or bare.decode(frame.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{error}, expected a frame of Binance") from None
        yield _fact(frame, data)


def _fact(frame: Frame, data: Data) -> Fact:
    if data.e == "depthUpdate":
        return _depth(frame, data)
    if data.e == "trade":
        return _trade(frame, data)
    if data.e == "bookTicker" or (not data.e and data.u != UNKNOWN and data.B):
        return _best(frame, data)
    if data.lastUpdateId != UNKNOWN:
        return _snapshot(frame, data)
    if data.e == "aggTrade":
        return _aggregate(frame, data)
    return Aside(frame.where, data.e or "not a stream")


def _depth(frame: Frame, data: Data) -> BookChange:
    for field in ("U", "u", "s", "b", "a"):
        _require(data, field)
    return BookChange(
        frame.where,
        frame.recv_ns,
        _event_ns(data),
        data.s,
        bytes(data.b),
        bytes(data.a),
        previous_id=data.pu if data.pu != UNKNOWN else data.U - 1,
        last_id=data.u,
    )


def _snapshot(frame: Frame, data: Data) -> BookChange:
    """The answer to a depth request; it names its symbol in the request, on COIN-M also in itself, else not at all."""
    _require(data, "bids")
    _require(data, "asks")
    symbol = data.symbol or parse_qs(urlparse(frame.url).query).get("symbol", [""])[0]
    stamp = data.T * MS_NS if data.T != UNKNOWN else UNKNOWN
    return BookChange(
        frame.where, frame.recv_ns, stamp, symbol, bytes(data.bids), bytes(data.asks),
        snapshot=True, asked=True, last_id=data.lastUpdateId,
    )  # fmt: skip


def _trade(frame: Frame, data: Data) -> Fact:
    """A trade; `m` true: the buyer was resting, so a seller took."""
    for field in ("s", "p", "q", "T"):
        _require(data, field)
    # Futures also print what was not traded in the book: an insurance fund's part, or nothing at all.
    if data.X not in ("", "MARKET"):
        return Aside(frame.where, f"trades outside the book ({data.X})")
    number = _whole(data.t, "t") if data.t else UNKNOWN
    return Trade(frame.where, frame.recv_ns, _event_ns(data), data.s, not data.m, _pair(data.p, data.q), number)


def _aggregate(frame: Frame, data: Data) -> Fact:
    """Trades of one taker at one price as one; numbered by the venue's aggregate id."""
    for field in ("s", "p", "q", "T", "a"):
        _require(data, field)
    number = _whole(data.a, "a")
    return Trade(frame.where, frame.recv_ns, _event_ns(data), data.s, not data.m, _pair(data.p, data.q), number)


def _best(frame: Frame, data: Data) -> BestPrices:
    for field in ("s", "b", "B", "a", "A"):
        _require(data, field)
    return BestPrices(
        frame.where, frame.recv_ns, _event_ns(data), data.s, _pair(data.b, data.B), _pair(data.a, data.A), data.u
    )


def _pair(price: msgspec.Raw, quantity: msgspec.Raw) -> bytes:
    return b"[[%b,%b]]" % (price, quantity)


def _event_ns(data: Data) -> int:
    """The transaction's time where the venue gives it, else the message's; ns UTC, UNKNOWN without either."""
    stamp = data.T if data.T != UNKNOWN else data.E
    if stamp == UNKNOWN:
        return UNKNOWN
    if not 0 < stamp < _TIME_MAX_MS:
        raise DataError(f"{data.e} of {data.s}: time is {stamp}, expected ms UTC before the year 2200")
    return stamp * MS_NS


def _whole(text: msgspec.Raw, field: str) -> int:
    digits = bytes(text)
    if not digits.isdigit():
        raise DataError(f"trade: {field} is {digits.decode(errors='replace')[:40]}, expected a whole number")
    return int(digits)


def _require(data: Data, field: str) -> None:
    if getattr(data, field) in (UNKNOWN, "", _NOTHING):
        raise DataError(f"{data.e or 'snapshot'}: field {field} is missing, expected it as the venue documents")
