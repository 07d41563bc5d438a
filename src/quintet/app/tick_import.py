"""Tick files to a market tape: looked at once, to know what they are, then written once, whole or not at all.

The first pass counts decimals, symbols and clocks; what it learns stands in the tape's origin, before the first row.
The second fits each book together, makes exact rows and refuses what cannot be one.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from quintet import __version__
from quintet.app.instruments import InstrumentConfig
from quintet.app.messages import Complaint, Report, did_you_mean
from quintet.app.tick_instruments import SeenMarket, described, guessed_instrument
from quintet.core.errors import DataError
from quintet.core.instrument import Instrument
from quintet.core.market.tick_feed import LATENCY_NOTE, MEASURED, NOT_TRADED_NOTE, Fact, Frame
from quintet.core.tape import Source, TapeMeta
from quintet.storage.tape_files import TapeWriter
from quintet.storage.tick_formats import FORMATS, TickFormat, tick_format
from quintet.storage.tick_pieces import FactReader, FeedCounts, Pieces
from quintet.storage.tick_recorder import definitions
from quintet.storage.tick_rows import ClockReport, RowMaker, Survey
from quintet.storage.tick_sources import TickFiles, beginning, is_capture
from quintet.storage.tick_tables import (
    bench_pieces,
    bybit_top5,
    bybit_trades,
    hftbacktest_pieces,
    polled_best_prices,
    tardis_facts,
)
from quintet.venues.binance import decode as binance
from quintet.venues.bitstamp import orders as bitstamp
from quintet.venues.bybit import decode_ticks as bybit
from quintet.venues.coinbase import decode as coinbase
from quintet.venues.deribit import decode as deribit
from quintet.venues.hyperliquid import decode as hyperliquid

DEFAULT_SYMBOL: Final = {"bench": "W1"}
_SAMPLE_BYTES: Final = 1 << 18

_STREAMS: Final[dict[str, Callable[[Iterable[Frame]], Iterator[Fact]]]] = {
    "binance": binance.facts,
    "bybit": bybit.facts,
    "coinbase": coinbase.facts,
    "deribit": deribit.facts,
    "hyperliquid": hyperliquid.facts,
}


def _bybit_archives(files: TickFiles) -> Iterator[Fact]:
    """Book and trade archives woven by the venue's time: they have no other."""
    trades = [n for n, path in enumerate(files.paths) if tick_format(path) == "bybit-trades"]
    books = files.only([n for n in files.chosen if n not in trades])
    prints = files.only(trades)
    yield from heapq.merge(
        books.located(bybit.facts(books.frames())),
        prints.located(bybit_trades(prints)),
        key=lambda fact: getattr(fact, "event_ns", 0),
    )


_TABLES: Final[dict[str, Callable[[TickFiles], Iterator[Fact]]]] = {
    "tardis": tardis_facts,
    "bybit-archives": _bybit_archives,
    "bybit-trades": bybit_trades,
    "top-of-book": polled_best_prices,
    "bybit-top5": bybit_top5,
    "bitstamp-l3": lambda files: bitstamp.facts(
        bitstamp.OrderLine(where, tuple(cells)) for where, cells in files.rows(bitstamp.COLUMNS)
    ),
}
_TOGETHER: Final = {frozenset({"bybit", "bybit-trades"}): "bybit-archives"}
"""Formats that make one feed when they are given together: a book, and the trades that met it."""

_ARRAYS: Final[dict[str, Callable[[TickFiles], Iterator[Pieces]]]] = {
    "hftbacktest": hftbacktest_pieces,
    "bench": bench_pieces,
}


@dataclass(frozen=True, slots=True)
class TickRequest:
    """What is to be imported. `symbol`: only this one. `instrument`: what the user says of it, else it is guessed."""

    files: tuple[Path, ...]
    format: str = "auto"
    symbol: str | None = None
    instrument: InstrumentConfig | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """A tape that was written, and what became of the feed. `said`: what was guessed, for people."""

    path: Path
    format: str
    instruments: tuple[Instrument, ...]
    rows: int
    counts: FeedCounts
    clocks: ClockReport
    notes: dict[str, str]
    said: tuple[str, ...]


@dataclass(slots=True)
class _Feed:
    """Files, their format, and what the first look found."""

    files: TickFiles
    format: TickFormat
    survey: Survey = field(default_factory=Survey)
    symbols: dict[str, int] = field(default_factory=dict)
    counts: FeedCounts = field(default_factory=FeedCounts)

    def pieces(self, reader: FactReader) -> Iterator[Pieces]:
        """The batches of the feed, from its beginning."""
        name = self.format.name
        if name in _ARRAYS:
            return self.files.located(_ARRAYS[name](self.files))
        reader.keep_best_prices = name == "top-of-book"
        facts = _TABLES[name](self.files) if name in _TABLES else _STREAMS[name](self._frames())
        return self.files.located(reader.pieces(facts))

    def _frames(self) -> Iterator[Frame]:
        """Frames; of the answers to requests only those that are snapshots."""
        return (frame for frame in self.files.frames() if not frame.url or b'"lastUpdateId"' in frame.body)


def import_ticks(
    request: TickRequest, path: Path, *, replace: bool = False, created_ns: int, report: Report | None = None
) -> Imported:
    """Write the market tape of a feed at `path`; it appears whole, or not at all.

    Raises Complaint for a format or symbol that is not there, DataError naming file, line and field for a value that
    cannot be taken, or the update ids of a book that cannot be fitted together, TapeError for a name that is taken.
    """
    feed = _looked_at(request, _half(report, 0))
    symbols = _wanted(feed, request)
    instruments = _instruments(feed, symbols, request)
    notes = _notes(feed, instruments, request)
    meta = TapeMeta(
        synthetic=feed.format.name == "bench",
        created_ns=created_ns,
        tool_version=__version__,
        sources=tuple(
            Source(file.name, digest) for file, digest in zip(request.files, feed.files.sha256(), strict=True)
        ),
        notes=notes,
    )
    feed.files = TickFiles(request.files, _half(report, 1))
    reader = FactReader({symbol: n for n, symbol in enumerate(symbols)})
    maker = RowMaker(instruments, feed.files.place)
    with TapeWriter(path, meta, replace=replace) as writer:
        for pieces in feed.pieces(reader):
            rows = maker.rows(pieces)
            if writer.position == 0 and len(rows):
                writer.append(definitions(instruments, rows[0]))
            writer.append(rows)
        _require_books(reader, feed)
        written = writer.position
        if not written:
            raise DataError(f"{request.files[0]}: no depth message and no trade, expected a recording of a market")
    reader.counts.far_levels = maker.far_levels
    said = tuple(f"instrument {described(instrument)}" for instrument in instruments)
    return Imported(path, feed.format.name, tuple(instruments), written, reader.counts, maker.clocks(), notes, said)


def _half(report: Report | None, half: int) -> Report | None:
    """Progress of one of the two passes as progress of both."""
    if report is None:
        return None
    return lambda done, total: report(done + half * total, 2 * total)


# ---- the first look ------------------------------------------------------------------------------------------------


def _looked_at(request: TickRequest, report: Report | None) -> _Feed:
    """Walk the feed once: symbols, decimals, clocks, and what kinds of messages there are."""
    feed = _Feed(TickFiles(request.files, report), FORMATS[_format_of(request)])
    if feed.format.name in _ARRAYS:
        feed.symbols = {DEFAULT_SYMBOL.get(feed.format.name) or _array_symbol(request): 0}
    reader = FactReader(synchronise=False)
    for pieces in feed.pieces(reader):
        feed.survey.look(pieces, feed.files.place)
    feed.symbols = feed.symbols or reader.symbols
    feed.counts = reader.counts
    if feed.format.fixed_decimals is not None:
        feed.survey.finest[0] = feed.format.fixed_decimals
    if not feed.symbols:
        raise DataError(f"{request.files[0]}: no depth message and no trade, expected a recording of a market")
    return feed


def _format_of(request: TickRequest) -> str:
    """The one format of all files, as told or as found in them; raises Complaint."""
    if request.format != "auto":
        if request.format not in FORMATS:
            raise Complaint(
                "unknown format", where="--format", found=request.format, expected=f"auto, {', '.join(FORMATS)}",
                hint=did_you_mean(request.format, FORMATS),
            )  # fmt: skip
        return request.format
    found = {file: tick_format(file) for file in request.files}
    # What a capture keeps beside its stream (a list of instruments) may speak of no market by itself.
    names = {name for name in found.values() if name is not None}
    unknown = [file for file, name in found.items() if name is None and not (names and is_capture(file))]
    if not unknown and frozenset(names) in _TOGETHER:
        return _TOGETHER[frozenset(names)]
    if unknown or len(names) != 1:
        told = ", ".join(f"{file.name}: {name or 'unknown'}" for file, name in found.items())
        raise Complaint(
            "files that are not one kind of tick feed", where=str((unknown or list(request.files))[0]), found=told,
            expected=f"one of {', '.join(FORMATS)}", hint="--format names it",
        )  # fmt: skip
    return names.pop()


def _array_symbol(request: TickRequest) -> str:
    """An array names no symbol: the user does, or the file's name stands for it."""
    return request.symbol or request.files[0].name.partition(".")[0].upper()


def _wanted(feed: _Feed, request: TickRequest) -> list[str]:
    """The symbols of the tape, in the order in which the feed first speaks of them; raises Complaint."""
    if request.symbol is None:
        return list(feed.symbols)
    if request.symbol not in feed.symbols:
        raise Complaint(
            "a symbol that the feed does not speak of", where="--symbol", found=request.symbol,
            expected=f"one of {', '.join(feed.symbols)}", hint=did_you_mean(request.symbol, feed.symbols),
        )  # fmt: skip
    return [request.symbol]


def _instruments(feed: _Feed, symbols: Sequence[str], request: TickRequest) -> list[Instrument]:
    if request.instrument is not None and len(symbols) > 1:
        raise Complaint(
            "facts of one instrument for a feed of several", where="[instrument]", found=", ".join(symbols),
            expected="--symbol with one of them",
        )  # fmt: skip
    sample = b"".join(beginning(file, _SAMPLE_BYTES) for file in request.files)
    finest = feed.survey.finest
    return [
        guessed_instrument(
            SeenMarket(
                symbol, feed.format.venue or "unnamed", int(finest[n].price_places), int(finest[n].lot_places), sample
            ),
            request.instrument,
        )
        for symbol, n in ((symbol, feed.symbols[symbol]) for symbol in symbols)
    ]


def _notes(feed: _Feed, instruments: Sequence[Instrument], request: TickRequest) -> dict[str, str]:
    """What a reader of the tape must know of it."""
    clocks = feed.survey.clocks()
    notes = {"format": feed.format.name, LATENCY_NOTE: clocks.verdict() or MEASURED}
    reason = feed.format.not_traded
    if not reason and feed.format.name not in _ARRAYS and not feed.counts.depth_messages and not feed.counts.snapshots:
        reason = "it holds no depth"
    if not reason and any(each.base_asset == each.symbol and each.venue == "deribit" for each in instruments):
        reason = "it holds options, which have no model of margin here"
    if reason:
        notes[NOT_TRADED_NOTE] = reason
    if request.instrument is None or request.instrument.price_increment is None:
        notes["instruments"] = "price increment and lot are the finest decimals seen; fees are not in a feed"
    if not feed.counts.numbered and feed.counts.depth_messages:
        notes["gaps"] = "the feed numbers no message: a lost one cannot be noticed"
    return notes


# ---- the tape --------------------------------------------------------------------------------------------------------


def _require_books(reader: FactReader, feed: _Feed) -> None:
    """Raise DataError when a book is unknown at the end: what follows on the tape would be no market."""
    unknown = reader.unknown_books()
    if not unknown:
        return
    symbol, why = next(iter(unknown.items()))
    gaps = [gap for gap in reader.counts.gaps if gap.symbol == symbol]
    place = feed.files.place(*gaps[-1].where) if gaps else str(feed.files.paths[0])
    others = f" ({len(unknown)} books in all; --symbol takes one that is whole)" if len(unknown) > 1 else ""
    raise DataError(f"{place}: the book of {symbol} cannot be synchronised: {why}{others}")
