"""Recorded public frames: one JSON object a line, as the venue sent it or wrapped with the time we received it.

    {"topic": "kline.5.ETHUSDT", "type": "snapshot", "ts": 1672324988882, "data": [...]}
    {"recv_ns": 1672324988893000000, "frame": {"topic": ...}}

A bare frame does not say when it was received; the venue's own stamp then stands for it. Frames without a topic
(acknowledgements, pongs) carry no market and are left out. A file that is one object over many lines is one frame.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from quintet.core.errors import DataError
from quintet.venues.bybit.decode import read_push
from quintet.venues.bybit.shapes import MS_NS
from quintet.venues.bybit.wire import TIMEFRAME_OF, Push

RECEIVE_MAX_NS: Final = 7_258_118_400_000_000_000
"""2200-01-01: later times are a unit mistake."""


class Wrapped(msgspec.Struct, frozen=True):
    """A line that says when its frame was received; the field names of a bare frame do not occur in it."""

    recv_ns: int = -1
    frame: msgspec.Raw = msgspec.Raw(b"")


class Frame(NamedTuple):
    """A frame with the time it was received, ns UTC, and where it stands."""

    where: str
    recv_ns: int
    push: Push


def recorded_frames(data: bytes, name: str) -> Iterator[Frame]:
    """Frames with a topic, in the order of the file; raises DataError naming file and line."""
    for number, line in _lines(data):
        where = f"{name}: line {number}"
        try:
            frame = _frame(line, where)
        except DataError as error:
            raise DataError(f"{where}: {error}") from None
        if frame.push.topic:
            yield frame


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    lines = data.split(b"\n")
    if len(lines) > 1 and not _is_whole(lines[0]) and _is_whole(data):
        yield 1, data
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line


def _is_whole(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _frame(line: bytes, where: str) -> Frame:
    try:
        wrapped = msgspec.json.decode(line, type=Wrapped)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{error}, expected a frame of the venue, or an object with recv_ns and frame") from None
    push = read_push(bytes(wrapped.frame) or line)
    recv_ns = wrapped.recv_ns if bytes(wrapped.frame) else push.ts * MS_NS
    if push.topic and not 0 < recv_ns < RECEIVE_MAX_NS:
        raise DataError(
            f"receive time: found {recv_ns}, expected ns UTC before the year 2200 (`recv_ns`, or `ts` in ms)"
        )
    return Frame(where, recv_ns, push)


class KlineTopic(NamedTuple):
    """What a candle topic names. `timeframe` is the project's name of it."""

    timeframe: str
    symbol: str


def kline_topic(topic: str) -> KlineTopic | None:
    """Timeframe and symbol of `kline.5.ETHUSDT`, None for any other topic."""
    kind, _, rest = topic.partition(".")
    interval, _, symbol = rest.partition(".")
    if kind != "kline" or interval not in TIMEFRAME_OF or not symbol:
        return None
    return KlineTopic(TIMEFRAME_OF[interval], symbol)
