"""Facts of a feed in columns: many messages at a time, texts still as the venue wrote them.

A *piece* is one side of one depth message, one trade, or a mark without a text (book unknown, feed gap). This is where
a snapshot is fitted into the stream, and where what repeats or came too early is left out and counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintet.core import events as ev
from quintet.core.errors import DataError
from quintet.core.market.book_sync import BookSync, Step
from quintet.core.market.level_text import PIECE
from quintet.core.market.tick_feed import (
    UNKNOWN,
    Aside,
    BestPrices,
    BookChange,
    Fact,
    OrderChange,
    Trade,
)
from quintet.core.row_laws import TIME_MAX

PIECES: Final = 8_192
TEXT_BYTES: Final = 1 << 20
"""A batch is full at so many pieces or so much text: that is all of a file that is in memory at a time."""

_LOST: Final = ((ev.FEED_GAP, b"", UNKNOWN, 0), (ev.BOOK_CLEAR, b"", 0, 0))
"""An unknown number of messages is missing, and with them the book."""

_PIECE: Final = np.dtype((np.record, PIECE))


class Pieces(NamedTuple):
    """A batch: a table of PIECE and the text of all.

    Where a source is no text, `price` and `lots` stand in for it: integers are ticks and lots, floats are prices and
    quantities that still have to be whole.
    """

    table: NDArray[Any]
    text: bytes = b""
    price: NDArray[Any] | None = None
    lots: NDArray[Any] | None = None


def pieces_of(numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Rows of whole numbers as a table of PIECE."""
    return numbers.view(_PIECE).reshape(-1)


class GapSeen(NamedTuple):
    """A break in a venue's numbers: where, whose, the number the book stood at and the one that was followed."""

    where: tuple[int, int]
    symbol: str
    expected_id: int
    found_id: int


@dataclass(slots=True)
class FeedCounts:
    """What became of the frames of a feed. `aside` counts, by name, what is no market fact or was left out."""

    frames: int = 0
    depth_messages: int = 0
    snapshots: int = 0
    trades: int = 0
    best_prices: int = 0
    stale: int = 0
    repeated: int = 0
    repeated_trades: int = 0
    missing_trades: int = 0
    overtaken_snapshots: int = 0
    far_levels: int = 0
    numbered: bool = False
    gaps: list[GapSeen] = field(default_factory=list)
    aside: Counter[str] = field(default_factory=Counter)


class Batch:
    """Collects pieces; `take` gives what was collected as columns and begins anew."""

    def __init__(self) -> None:
        self._message = 0
        self._begin()

    def _begin(self) -> None:
        self._texts: list[bytes] = []
        self._rows: list[tuple[int, int, int, int, int, int, int, int, int, int]] = []
        self._bytes = 0

    def add(
        self, where: tuple[int, int], event_ns: int, recv_ns: int, instrument: int,
        parts: Iterable[tuple[int, bytes, int, int]],
    ) -> None:  # fmt: skip
        """One message: for each part its kind, text, quantity of a mark, and bits; raises DataError for a wild time."""
        for stamp, clock in ((event_ns, "venue"), (recv_ns, "receive")):
            if not UNKNOWN <= stamp < TIME_MAX:
                raise DataError(f"{clock} time is {stamp}, expected ns UTC before the year 2200")
        self._message += 1
        for kind, text, quantity, bits in parts:
            self._texts.append(text)
            self._bytes += len(text)
            self._rows.append(
                (*where, event_ns, recv_ns, instrument, kind, bits, self._message, quantity, self._bytes)
            )  # fmt: skip

    @property
    def is_full(self) -> bool:
        """Time to take it?"""
        return len(self._rows) >= PIECES or self._bytes >= TEXT_BYTES

    def take(self) -> Pieces | None:
        """The batch, None when it is empty."""
        if not self._rows:
            return None
        pieces = Pieces(pieces_of(np.array(self._rows, np.int64)), b"".join(self._texts))
        self._begin()
        return pieces


class FactReader:
    """Turns facts into batches of pieces. `symbols` maps to the tape's numbers; others are left out and counted.

    `synchronise` off applies every depth message in plain file order: right for surveying, wrong for a book.
    Best prices of a stream of their own are counted; they are kept (`keep_best_prices`) where there is no book.
    """

    def __init__(self, symbols: Mapping[str, int] | None = None, *, synchronise: bool = True) -> None:
        self.counts = FeedCounts()
        self.keep_best_prices = False
        self.symbols: dict[str, int] = dict(symbols or {})
        self._closed = symbols is not None
        self._synchronise = synchronise
        self._books: dict[int, BookSync] = {}
        self._trade_numbers: dict[int, int] = {}
        self._heard: set[int] = set()
        self._batch = Batch()

    def pieces(self, facts: Iterable[Fact]) -> Iterator[Pieces]:
        """Batches in order."""
        for fact in facts:
            self.take(fact)
            if self._batch.is_full and (batch := self.drain()) is not None:
                yield batch
        if (batch := self.drain()) is not None:
            yield batch

    def drain(self) -> Pieces | None:
        """What was taken since the last time, None when that is nothing."""
        return self._batch.take()

    def unknown_books(self) -> dict[str, str]:
        """Symbols whose book is not known at the end, and why, with the venue's numbers."""
        names = {number: symbol for symbol, number in self.symbols.items()}
        return {names[n]: book.why_unknown() for n, book in self._books.items() if book.why_unknown()}

    def take(self, fact: Fact) -> None:
        """One fact, in the order it was received."""
        self.counts.frames += 1
        if isinstance(fact, Aside):
            self.counts.aside[fact.kind] += 1
            return
        number = self._number_of(fact.symbol)
        if number is None:
            self.counts.aside["other symbols"] += 1
            return
        self._heard.add(number)
        if isinstance(fact, BookChange):
            self._take_change(fact, number)
        elif isinstance(fact, Trade):
            self._take_trade(fact, number)
        elif isinstance(fact, BestPrices):
            self._take_best(fact, number)
        else:
            self._take_order(fact, number)

    def _number_of(self, symbol: str) -> int | None:
        if not symbol:
            # An answer that does not name its symbol belongs to the only one there is.
            if len(self.symbols) != 1:
                found = ", ".join(self.symbols) or "no symbol yet"
                raise DataError(f"a snapshot that names no symbol in a feed of {found}, expected a feed of one symbol")
            return next(iter(self.symbols.values()))
        if symbol not in self.symbols and not self._closed:
            self.symbols[symbol] = len(self.symbols)
        return self.symbols.get(symbol)

    def lose_books(self, numbers: Iterable[int], where: tuple[int, int], recv_ns: int, why: str) -> None:
        """Something of these instruments' depth could not be read: their books are unknown from here on."""
        for number in numbers:
            book = self._books.get(number)
            if book is not None and book.synchronised:
                book.lose(why)
                self._batch.add(where, UNKNOWN, recv_ns, number, _LOST)

    def interrupt(self, where: tuple[int, int], recv_ns: int, why: str) -> None:
        """Anything may be missing from here on: a gap for every instrument that was heard of, and its book unknown."""
        for number in sorted(self._heard):
            if number in self._books:
                self._books[number].lose(why)
            self._batch.add(where, UNKNOWN, recv_ns, number, _LOST)

    # ---- depth -----------------------------------------------------------------------------------------------

    def _take_change(self, change: BookChange, number: int) -> None:
        self.counts.depth_messages += not change.snapshot
        self.counts.numbered |= change.last_id != UNKNOWN
        if not self._synchronise:
            self._put_change(change, number, change.recv_ns)
            return
        step = self._books.setdefault(number, BookSync()).take(change)
        self.counts.stale += step.stale
        self.counts.repeated += step.reason == "repeated"
        self.counts.overtaken_snapshots += step.reason == "overtaken"
        for applied in step.apply:
            # What waited for its snapshot was not known before now.
            self._put_change(applied, number, change.recv_ns)
        if step.lost:
            self._put_gap(change, number, step)

    def _put_change(self, change: BookChange, number: int, recv_ns: int) -> None:
        self.counts.snapshots += change.snapshot
        parts = [(ev.BID_LEVEL, change.bids, 0, 0), (ev.ASK_LEVEL, change.asks, 0, 0)]
        if change.snapshot and self._synchronise:
            parts.insert(0, (ev.BOOK_CLEAR, b"", 0, 0))
        self._batch.add(change.where, change.event_ns, recv_ns, number, parts)

    def _put_gap(self, change: BookChange, number: int, step: Step) -> None:
        symbol = next(name for name, n in self.symbols.items() if n == number)
        self.counts.gaps.append(GapSeen(change.where, symbol, step.expected_id, step.found_id))
        self._batch.add(change.where, change.event_ns, change.recv_ns, number, _LOST)

    # ---- trades, orders --------------------------------------------------------------------------------------

    def _take_trade(self, trade: Trade, number: int) -> None:
        before = self._trade_numbers.get(number, UNKNOWN)
        if trade.number != UNKNOWN:
            if trade.number <= before:
                self.counts.repeated_trades += 1
                return
            if before != UNKNOWN:
                self.counts.missing_trades += trade.number - before - 1
            self._trade_numbers[number] = trade.number
        self.counts.trades += 1
        kind = ev.TRADE_BUY if trade.buy else ev.TRADE_SELL
        self._batch.add(trade.where, trade.event_ns, trade.recv_ns, number, [(kind, trade.levels, 0, 0)])

    def _take_best(self, best: BestPrices, number: int) -> None:
        self.counts.best_prices += 1
        if self.keep_best_prices:
            parts = [(ev.BEST_BID, best.bid, 0, 0), (ev.BEST_ASK, best.ask, 0, 0)]
            self._batch.add(best.where, best.event_ns, best.recv_ns, number, parts)

    def _take_order(self, order: OrderChange, number: int) -> None:
        self.counts.depth_messages += 1
        kind = ev.BID_LEVEL if order.buy else ev.ASK_LEVEL
        parts = [(ev.BOOK_ORDER, b"", order.order, order.action), (kind, order.levels, 0, 0)]
        self._batch.add(order.where, order.event_ns, order.recv_ns, number, parts)
