"""Order books that are known now: synchronised, with their age, and marked when they are another venue's.

A book that is not synchronised has no view at all, and every view says how old it is: nobody is shown a stale book as
a fresh one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from quintet.core.errors import DataError, QuintetError
from quintet.core.events import QUANTITY_MAX
from quintet.core.instrument import Instrument
from quintet.core.market.book_sync import BookSync
from quintet.core.market.tick_feed import BookChange, Fact, Frame

Decode = Callable[[Iterable[Frame]], Iterator[Fact]]
"""A venue's `facts`."""


class BookUnknown(QuintetError):
    """There is no book to show; says why."""


class BookView(NamedTuple):
    """Levels from the best on, as (ticks, lots). `age_ns`: since the book's last message.

    `fallback`: the book of another venue, which stands in for ours: good to look at, not to queue in.
    """

    symbol: str
    source: str
    fallback: bool
    age_ns: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class LiveBooks:
    """The books of one venue's feed. Fills `ports.recorder.Recorder`, so that `runtime.recording` drives it."""

    def __init__(self, source: str, instruments: Sequence[Instrument], decode: Decode) -> None:
        self.source: Final = source
        self._decode = decode
        self._books = {one.symbol: _Book(one) for one in instruments}

    def take(self, frame: Frame) -> int:
        """One frame; returns how many books it changed. What cannot be read loses the books it may have been about."""
        try:
            changes = [fact for fact in self._decode([frame]) if isinstance(fact, BookChange)]
        except DataError as error:
            self.interrupt(frame.recv_ns, str(error))
            return 0
        return sum(self._books[change.symbol].take(change) for change in changes if change.symbol in self._books)

    def interrupt(self, recv_ns: int, why: str) -> None:
        """Nothing is known from here on until the next snapshot."""
        for book in self._books.values():
            book.lose(why)

    def wants_snapshot(self) -> Sequence[str]:
        """Symbols whose book is not known."""
        return [symbol for symbol, book in self._books.items() if not book.known]

    def view(self, symbol: str, now_ns: int, levels: int = 50) -> BookView:
        """The book as it is known; raises BookUnknown."""
        if symbol not in self._books:
            raise BookUnknown(f"{self.source} {symbol}: not among the books that are followed")
        book = self._books[symbol]
        if not book.known:
            raise BookUnknown(f"{self.source} {symbol}: {book.why_unknown()}")
        bids = tuple(sorted(book.bids.items(), reverse=True)[:levels])
        asks = tuple(sorted(book.asks.items())[:levels])
        return BookView(symbol, self.source, False, now_ns - book.heard_ns, bids, asks)


class WithFallback:
    """A venue's own books, and those of another venue for the time in which they are unknown or too old."""

    def __init__(self, own: LiveBooks, other: LiveBooks, fresh_ns: int) -> None:
        self._own = own
        self._other = other
        self._fresh_ns = fresh_ns

    def view(self, symbol: str, now_ns: int, levels: int = 50) -> BookView:
        """Our venue's book while it is fresh, else the other's, marked; raises BookUnknown when neither is fresh."""
        said = []
        for books, fallback in ((self._own, False), (self._other, True)):
            try:
                found = books.view(symbol, now_ns, levels)
            except BookUnknown as error:
                said.append(str(error))
                continue
            if found.age_ns <= self._fresh_ns:
                return found._replace(fallback=fallback)
            said.append(f"{found.source} {symbol}: {found.age_ns // 10**6} ms old, expected {self._fresh_ns // 10**6}")
        raise BookUnknown("; ".join(said))


class _Book:
    """One book: numbers by `BookSync`, levels here."""

    def __init__(self, instrument: Instrument) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.heard_ns = 0
        self._instrument = instrument
        self._sync = BookSync()

    @property
    def known(self) -> bool:
        return self._sync.synchronised

    def why_unknown(self) -> str:
        return self._sync.why_unknown()

    def lose(self, why: str) -> None:
        self.bids.clear()
        self.asks.clear()
        self._sync.lose(why)

    def take(self, change: BookChange) -> int:
        step = self._sync.take(change)
        try:
            for one in step.apply:
                self._apply(one)
        except DataError as error:
            self.lose(str(error))
            return 0
        if step.lost or not self.known:
            self.bids.clear()
            self.asks.clear()
        elif self.bids and self.asks and max(self.bids) >= min(self.asks):
            self.lose(f"best bid {max(self.bids)} and best ask {min(self.asks)} ticks cross")
        return int(bool(step.apply))

    def _apply(self, change: BookChange) -> None:
        self.heard_ns = change.recv_ns
        for side, text in ((self.bids, change.bids), (self.asks, change.asks)):
            if change.snapshot:
                side.clear()
            for ticks, lots in self._levels(text).items():
                if lots:
                    side[ticks] = lots
                else:
                    side.pop(ticks, None)

    def _levels(self, text: bytes) -> Mapping[int, int]:
        """Ticks to lots, in the text's order; raises DataError for what is no book of this instrument."""
        try:
            pairs = msgspec.json.decode(text, type=list[tuple[str, str]])
            found = {self._instrument.ticks(price): self._instrument.lots(size) for price, size in pairs}
        except (msgspec.DecodeError, QuintetError) as error:
            raise DataError(f"{self._instrument.symbol}: {error}") from None
        if any(not 0 <= lots <= QUANTITY_MAX for lots in found.values()):
            raise DataError(f"{self._instrument.symbol}: a level has less than nothing")
        return found
