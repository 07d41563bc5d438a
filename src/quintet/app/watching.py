"""A recorded feed, lived through as if it were now: frames or a tape into a paper desk, lines out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from quintet.app.config import Config
from quintet.app.flags import timeframe
from quintet.app.instruments import define
from quintet.app.messages import Complaint
from quintet.core.errors import DataError
from quintet.core.events import PLACE
from quintet.core.instrument import Instrument
from quintet.core.tape import Tape, instrument_rows
from quintet.runtime.lines import CANDLE, Line, Words, lines_of
from quintet.runtime.session import Desk, Happened
from quintet.systems.structure_mm.config import require_spot
from quintet.venues.bybit.decode import kline_rows
from quintet.venues.bybit.recording import Frame, kline_topic, recorded_frames


class Feed(NamedTuple):
    """A market that comes message by message. `messages`: rows with our receive time, definitions inside.

    `structure` and `fills` name the timeframes of decisions and of simulated fills.
    """

    instrument: Instrument
    structure: str
    fills: str
    synthetic: bool
    messages: Iterator[Any]


class Counts(msgspec.Struct):
    """What a desk has lived through."""

    candles: int = 0
    orders_sent: int = 0
    simulated_orders: int = 0
    simulated_fills: int = 0


def recorded_feed(path: Path, config: Config, symbol_given: bool) -> Feed:
    """The candles of one timeframe in a file of recorded frames.

    Symbol and timeframe are those of the first candle frame unless they were given. Raises Complaint when there is no
    such frame, DataError naming file and line for a frame that is not what it claims to be.
    """
    frames = list(recorded_frames(path.read_bytes(), str(path)))
    topics = [topic for frame in frames if (topic := kline_topic(frame.push.topic)) is not None]
    section = config.instrument
    if not symbol_given and topics:
        section = msgspec.structs.replace(section, symbol=topics[0].symbol)
    instrument = define(section, "--symbol")
    require_spot(instrument)
    asked = timeframe(config.data.interval, "--interval")
    own = [topic.timeframe for topic in topics if topic.symbol == instrument.symbol]
    chosen = asked or (own[0] if own else "")
    if chosen not in own:
        found = ", ".join(sorted({f"{topic.symbol} {topic.timeframe}" for topic in topics})) or "none"
        raise Complaint(
            "no candles to watch",
            where=str(path),
            found=f"candle frames of {found}",
            expected=f"kline frames of {instrument.symbol}" + (f" {chosen}" if chosen else ""),
        )
    wanted = [frame for frame in frames if kline_topic(frame.push.topic) == (chosen, instrument.symbol)]
    return Feed(instrument, chosen, chosen, False, _closed_candles(wanted, instrument))


def _closed_candles(frames: Sequence[Frame], instrument: Instrument) -> Iterator[Any]:
    """The definition, then the rows of every frame that closes a candle."""
    for n, frame in enumerate(frames):
        if n == 0:
            yield instrument_rows(0, instrument, frame.recv_ns, frame.recv_ns)
        try:
            rows = kline_rows(frame.push, instrument, frame.recv_ns)
        except DataError as error:
            raise DataError(f"{frame.where}: {error}") from None
        if len(rows):
            yield rows


def tape_feed(tape: Tape, instrument: Instrument, structure: str, fills: str) -> Feed:
    """A market tape from its first event to its last; raises Complaint for one whose instrument changes on the way."""
    if tape.instrument_changes:
        at = tape.instrument_changes[0].position
        raise Complaint(
            "an instrument that changes while it is watched",
            where=tape.name,
            found=f"a definition at position {at}",
            expected="one definition; `quintet tape cut` makes a shorter tape",
        )
    return Feed(instrument, structure, fills, tape.meta.synthetic, iter([np.asarray(tape.event_rows())]))


def watch(desk: Desk, feed: Feed, words: Words, counts: Counts) -> Iterator[Line]:
    """Let the feed enter the desk; each line as soon as it is known, `counts` kept up to date."""
    for rows in feed.messages:
        for happened in desk.hear(rows):
            yield from _told(happened, feed.instrument, words, counts)
    for happened in desk.end():
        yield from _told(happened, feed.instrument, words, counts)


def _told(happened: Happened, instrument: Instrument, words: Words, counts: Counts) -> Iterator[Line]:
    counts.orders_sent += happened.sent
    counts.simulated_orders += int((happened.commands["kind"] == PLACE).sum())
    counts.simulated_fills += len(happened.fills)
    for line in lines_of(happened, instrument, words):
        counts.candles += line.kind == CANDLE
        yield line
