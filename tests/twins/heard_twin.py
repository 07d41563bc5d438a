"""What a desk is told of the feed, once more, from the sentences of `quintet.core.engine.feed`: lists and dictionaries.

It is given messages in the order in which they reach us and says what a system that listens to everything is told, one
line for each wake. Times ns, prices in increments, quantities in lots.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.twins.ticks_twin import Book

Level = tuple[int, int]
"""Price, lots."""


class Told(NamedTuple):
    """`what`: bar (`a` its end, `b` its close, `c` its volume), trade (`a` side, `b` price, `c` lots), touch, book."""

    heard: int
    what: str
    instrument: int
    bid: int | None
    ask: int | None
    last: int | None
    a: int = 0
    b: int = 0
    c: int = 0


@dataclass
class Bars:
    """Bars of one instrument: by time with a `length` in ns, else by a `count` of trades."""

    instrument: int
    length: int = 0
    count: int = 0
    volume: int = 0
    trades: int = 0
    close: int = 0
    end: int | None = None

    def finish(self, end: int) -> tuple[int, int, int]:
        bar = (end, self.close, self.volume)
        self.volume = self.trades = 0
        return bar

    def time_is(self, ts: int) -> list[tuple[int, int, int]]:
        """Every span that has ended by then, those without a trade too once there has been one."""
        ended = []
        while self.end is not None and self.length and ts >= self.end:
            ended.append(self.finish(self.end))
            self.end += self.length
        return ended

    def trade(self, ts: int, price: int, lots: int) -> list[tuple[int, int, int]]:
        self.close = price
        self.volume += lots
        self.trades += 1
        if self.length and self.end is None:
            self.end = (ts // self.length + 1) * self.length
        return [self.finish(ts)] if self.count and self.trades == self.count else []


@dataclass
class Ears:
    bars: list[Bars]
    books: dict[int, Book] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)

    def hear(self, happened: int, heard: int, instrument: int, rows: list[tuple[str, int, int]]) -> None:
        """A message: first it is known, then it is told."""
        book = self.books.setdefault(instrument, Book())
        before = dict(book.best)
        levels = [row for row in rows if row[0] in ("bid", "ask", "clear")]
        for kind, price, lots in levels:
            if kind == "clear":
                self.books[instrument] = book = Book()
            else:
                book.report(1 if kind == "bid" else -1, price, lots)

        def tell(what: str, *numbers: int) -> None:
            last = self.last.get(instrument)
            self.told.append(Told(heard, what, instrument, book.best[1], book.best[-1], last, *numbers))

        ours = [bars for bars in self.bars if bars.instrument == instrument]
        for bars in ours:
            for bar in bars.time_is(happened):
                tell("bar", *bar)
        for kind, price, lots in rows:
            if kind in ("buy", "sell"):
                self.last[instrument] = price
                for bars in ours:
                    for bar in bars.trade(happened, price, lots):
                        tell("bar", *bar)
                tell("trade", 1 if kind == "buy" else -1, price, lots)
        if book.best != before:
            tell("touch")
        elif levels:
            tell("book")

    def depth(self, instrument: int, side: int, levels: int) -> list[Level]:
        """The best levels of a side, the best first."""
        book = self.books.get(instrument, Book())
        best = book.best[side]
        there = [p for p in book.levels[side] if best is not None and side * (best - p) >= 0]
        return [(p, book.levels[side][p]) for p in sorted(there, key=lambda p: -side * p)[:levels]]
