"""Recording a venue: which stream, which instruments, which tape, and when it ends."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from quintet import __version__
from quintet.app.instruments import InstrumentConfig
from quintet.app.messages import Complaint, did_you_mean, note
from quintet.app.tick_instruments import SeenMarket, described, guessed_instrument
from quintet.app.until_stopped import until_stopped
from quintet.core.instrument import Instrument
from quintet.ports.live_feed import Stream
from quintet.runtime.recording import Recording
from quintet.storage.tape_files import durable_path
from quintet.storage.tick_recorder import Decode, TickRecorder
from quintet.storage.workspace import workspace
from quintet.venues.binance import decode as binance
from quintet.venues.binance import instruments as binance_instruments
from quintet.venues.binance import public_stream as binance_stream
from quintet.venues.bybit import decode_ticks as bybit
from quintet.venues.bybit import instruments as bybit_instruments
from quintet.venues.bybit import public_stream as bybit_stream
from quintet.venues.bybit.klines import BASE_URL as BYBIT_URL
from quintet.venues.connection import Connection, Patience, asked

TICK_S: Final = 1.0
LINE_EVERY_S: Final = 60.0
"""Where nobody sits at a terminal, a line of progress so often."""


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What is to be recorded. `seconds`: None until it is stopped. `instrument`: what the user says of the only one."""

    venue: str
    category: str
    symbols: tuple[str, ...]
    depth: int | None = None
    seconds: float | None = None
    out: Path | None = None
    venue_url: str | None = None
    instrument: InstrumentConfig | None = None
    patience: Patience = Patience()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of it. `why`: what ended it."""

    path: Path
    rows: int
    seconds: float
    frames: int
    trades: int
    gaps: int
    interruptions: int
    unread: int
    notes: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        facts: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        return facts

    @property
    def sentence(self) -> str:
        """The line for people."""
        if not self.rows:
            return "nothing was heard; no tape is kept"
        lost = f"{_times(self.gaps)} a gap in the venue's numbers, {_times(self.interruptions)} a lost connection"
        return f"{self.rows:,} rows in {_clock_text(self.seconds)}, {lost}; kept as {self.path}"


class _Venue(NamedTuple):
    """How a venue is recorded: its stream, its decoder, where it tells of an instrument and what it says there."""

    stream: Callable[[RecordRequest], Stream]
    decode: Decode
    facts_url: Callable[[RecordRequest, str], str]
    facts: Callable[[str, str, bytes], dict[str, Any]]


def _bybit_stream(request: RecordRequest) -> Stream:
    host = _stream_host(request) or bybit_stream.STREAM_HOST
    return bybit_stream.PublicStream(request.symbols, request.category, request.depth or 200, host)


def _bybit_facts_url(request: RecordRequest, symbol: str) -> str:
    return bybit_instruments.instruments_url(_rest_host(request) or BYBIT_URL, request.category, symbol)


def _binance_stream(request: RecordRequest) -> Stream:
    if request.depth is not None:
        raise Complaint(
            "a depth that cannot be chosen", where="--depth", found=request.depth, expected="none: all of it"
        )
    streams, rest = binance_stream.STREAM_HOSTS, binance_stream.REST_HOSTS
    return binance_stream.PublicStream(
        request.symbols,
        request.category,
        _stream_host(request) or streams.get(request.category, ""),
        _rest_host(request) or rest.get(request.category, ""),
    )


def _binance_facts_url(request: RecordRequest, symbol: str) -> str:
    host = _rest_host(request) or binance_stream.REST_HOSTS[request.category]
    return binance_instruments.instruments_url(host, request.category, symbol)


VENUES: Final = {
    "bybit": _Venue(_bybit_stream, bybit.facts, _bybit_facts_url, bybit_instruments.instrument_facts),
    "binance": _Venue(_binance_stream, binance.facts, _binance_facts_url, binance_instruments.instrument_facts),
}


def record_stream(request: RecordRequest) -> Recorded:
    """Record until the time is over or somebody says stop; the tape is sealed then.

    Raises Complaint for what cannot be asked, FeedUnreachable for a venue that was never reached, TapeError for a disk
    that takes no more: what stood on the tape before stays there.
    """
    venue = _venue_of(request)
    stream = venue.stream(request)
    instruments = [_instrument(venue, request, symbol) for symbol in request.symbols]
    for instrument in instruments:
        note(f"instrument {described(instrument)}")
    created_ns = time.time_ns()
    path = request.out or _default_path(request, created_ns)
    recorder = TickRecorder.begin(path, instruments, venue.decode, created_ns=created_ns, tool_version=__version__)
    recording = Recording(Connection(stream, time.time_ns, request.patience), recorder)
    began_s = time.monotonic()
    try:
        with recorder, _progress_line(recorder, recording, began_s) as show:

            def upkeep() -> None:
                recorder.sync()
                show()

            asyncio.run(until_stopped(recording.run(), request.seconds, TICK_S, upkeep))
    finally:
        if not recorder.writer.position:
            path.unlink(missing_ok=True)
            durable_path(path).unlink(missing_ok=True)
    return _recorded(recorder, recording, time.monotonic() - began_s)


def _venue_of(request: RecordRequest) -> _Venue:
    """The venue, when everything else can be asked of it; raises Complaint."""
    if request.venue not in VENUES:
        raise Complaint(
            "a venue that cannot be recorded", where="--venue", found=request.venue,
            expected=f"one of {', '.join(VENUES)}", hint=did_you_mean(request.venue, VENUES),
        )  # fmt: skip
    twice = sorted({symbol for symbol in request.symbols if request.symbols.count(symbol) > 1})
    if twice:
        raise Complaint("a symbol named twice", where="--symbol", found=", ".join(twice), expected="every symbol once")
    if request.instrument is not None and len(request.symbols) > 1:
        raise Complaint(
            "facts of one instrument for a feed of several", where="[instrument]", found=", ".join(request.symbols),
            expected="one --symbol",
        )  # fmt: skip
    if request.venue_url is not None and not request.venue_url.startswith(("http://", "https://")):
        raise Complaint(
            "not an address of a venue", where="--venue-url", found=request.venue_url,
            expected="scheme and host, e.g. https://api.bybit.com",
        )  # fmt: skip
    return VENUES[request.venue]


def _instrument(venue: _Venue, request: RecordRequest, symbol: str) -> Instrument:
    """What the user says of it, and for the rest what the venue says."""
    given = request.instrument
    if given is None or given.price_increment is None or given.lot_size is None:
        told = venue.facts(request.category, symbol, asked(venue.facts_url(request, symbol)))
        said = {} if given is None else {k: v for k, v in msgspec.structs.asdict(given).items() if v is not None}
        given = InstrumentConfig(**told | said)
    tick = given.price_increment or given.tick_size
    seen = SeenMarket(symbol, request.venue, _places(tick), _places(given.lot_size), b"")
    return guessed_instrument(seen, given)


def _places(unit: Decimal | None) -> int:
    """Decimals of a unit."""
    return 0 if unit is None else max(0, -int(unit.normalize().as_tuple().exponent))


def _rest_host(request: RecordRequest) -> str:
    return (request.venue_url or "").rstrip("/")


def _stream_host(request: RecordRequest) -> str:
    """A host that speaks for the venue does so on one port."""
    host = _rest_host(request)
    return "ws" + host.removeprefix("http") if host else ""


def _default_path(request: RecordRequest, created_ns: int) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(created_ns // 1_000_000_000))
    symbols = "_".join(request.symbols[:3]) + ("_and_more" if len(request.symbols) > 3 else "")
    return workspace().tapes / f"{request.venue}_{request.category}_{symbols}_{stamp}.tape"


# ---- what is told ------------------------------------------------------------------------------------------------


def _recorded(recorder: TickRecorder, recording: Recording, seconds: float) -> Recorded:
    counts, clocks = recorder.counts, recorder.clocks()
    notes = []
    if recorder.unread.count:
        notes.append(f"{recorder.unread.count:,} frames could not be read; the latest: {recorder.unread.latest}")
    if recording.interruptions:
        notes.append(f"the latest lost connection: {recording.latest}")
    if recorder.wants_snapshot():
        notes.append(f"without a book at the end: {', '.join(recorder.wants_snapshot())}")
    if clocks.verdict():
        notes.append(clocks.verdict())
    return Recorded(
        path=recorder.path,
        rows=recorder.writer.position,
        seconds=round(seconds, 3),
        frames=counts.frames,
        trades=counts.trades,
        gaps=len(counts.gaps),
        interruptions=recording.interruptions,
        unread=recorder.unread.count,
        notes=tuple(notes),
    )


@contextlib.contextmanager
def _progress_line(recorder: TickRecorder, recording: Recording, began_s: float) -> Iterator[Callable[[], None]]:
    """A line that is written over on a terminal; elsewhere a new one now and then."""
    terminal = sys.stderr.isatty()
    told_s = began_s

    def show() -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if terminal:
            sys.stderr.write("\r\x1b[K" + _line(recorder, recording, now_s - began_s))
            sys.stderr.flush()
        elif now_s - told_s >= LINE_EVERY_S:
            told_s = now_s
            note(_line(recorder, recording, now_s - began_s))

    try:
        yield show
    finally:
        if terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _line(recorder: TickRecorder, recording: Recording, seconds: float) -> str:
    counts, clocks = recorder.counts, recorder.clocks()
    parts = [
        _clock_text(seconds),
        f"{counts.frames:,} messages",
        f"{counts.trades:,} trades",
        f"{recorder.writer.position:,} rows",
    ]
    if clocks.measured:
        parts.append(f"latency {clocks.latency_mean_ns / 1e6:,.0f} ms")
    for count, what in (
        (len(counts.gaps), "gaps"),
        (recording.interruptions, "lost connections"),
        (recorder.unread.count, "unread"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    if recorder.wants_snapshot():
        parts.append("waiting for the book")
    return "  ".join(parts)


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count:,} times")


def _clock_text(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
