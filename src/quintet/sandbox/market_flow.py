"""A market that comes from a tape: its rows become ghost liquidity, in the order and at the pace of the tape.

Depth rows set the market's quantity at a price, trades take what stands in the queue, orders of ours among it. A flow
may feed the spot and the linear book of its symbol alike.

Assumption: the market does not react to us; what we take is back with the next row of that level.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from quintet.core.events import (
    ASK_LEVEL,
    BID_LEVEL,
    BOOK_CLEAR,
    FUNDING_RATE,
    INDEX_PRICE,
    LAST,
    MARK_PRICE,
    TRADE_BUY,
    TRADE_SELL,
)
from quintet.sandbox.commands import FlowStep, Ghosts, GhostTrade, SetFunding, SetPrices
from quintet.sandbox.instruments import BUY, SELL
from quintet.sandbox.service import Service

NS_PER_MS = 1_000_000
_SIDES = {BID_LEVEL: BUY, ASK_LEVEL: SELL, TRADE_BUY: BUY, TRADE_SELL: SELL}

Step = Ghosts | GhostTrade | SetPrices | SetFunding


class Target(NamedTuple):
    """A book that an instrument of a tape feeds: quanta of a price increment, its lots for those of the tape."""

    category: str
    symbol: str
    price_quanta: int
    lots_up: int
    lots_down: int

    def lots(self, quantity: int) -> int:
        """Lots of the book, rounded down; something never becomes nothing."""
        found = quantity * self.lots_up // self.lots_down
        return found or int(quantity > 0)


class Source(NamedTuple):
    """Rows of one tape in pieces, what they feed, and what to add to their times."""

    name: str
    pieces: Iterable[Any]
    targets: Mapping[int, list[Target]]
    shift_ns: int


def messages(source: Source) -> Iterator[tuple[int, str, int, list[Step]]]:
    """(ms, source, number, what it changes) of each message that changes something, in order."""
    rows: list[tuple[int, ...]] = []
    number = 0
    for piece in source.pieces:
        for row in piece.tolist():
            rows.append(row)
            if row[6] & LAST:
                number += 1
                steps = _steps(rows, source.targets)
                if steps:
                    yield (rows[0][0] + source.shift_ns) // NS_PER_MS, source.name, number, steps
                rows = []


def _steps(rows: list[tuple[int, ...]], targets: Mapping[int, list[Target]]) -> list[Step]:
    found: list[Step] = []
    levels: dict[Target, list[tuple[int, int, int]]] = {}
    cleared: dict[Target, bool] = {}
    for _, _, quantity, price, instrument, kind, _ in rows:
        for target in targets.get(instrument, ()):
            at = price * target.price_quanta
            names = {"category": target.category, "symbol": target.symbol}
            if kind in (BID_LEVEL, ASK_LEVEL):
                levels.setdefault(target, []).append((_SIDES[kind], at, target.lots(quantity)))
            elif kind == BOOK_CLEAR:
                levels[target], cleared[target] = [], True
            elif kind in (TRADE_BUY, TRADE_SELL) and quantity:
                found.append(GhostTrade(sign=_SIDES[kind], price=at, lots=target.lots(quantity), **names))
            elif kind in (INDEX_PRICE, MARK_PRICE) and target.category == "linear":
                found.append(SetPrices(symbol=target.symbol, **{"index" if kind == INDEX_PRICE else "mark": at}))
            elif kind == FUNDING_RATE and target.category == "linear":
                found.append(SetFunding(symbol=target.symbol, rate=quantity // 10))
    for target, changes in levels.items():
        found.append(
            Ghosts(category=target.category, symbol=target.symbol, levels=changes, snapshot=cleared.get(target, False))
        )
    return found


class MarketFlow:
    """All sources of a market in one order of time, played as far as the exchange's clock has come."""

    def __init__(self, service: Service, sources: list[Source]) -> None:
        self._service = service
        self._done = dict(service.state.flows)
        self._messages = heapq.merge(*map(messages, sources), key=lambda message: message[:3])
        self._next = next(self._messages, None)
        service.clock.not_after = self.not_after

    @property
    def has_ended(self) -> bool:
        """No message is left; the books stay as they are."""
        return self._next is None

    def not_after(self, now_ms: int) -> int:
        """The exchange's time while something is due that has not been played: it waits for its market."""
        return now_ms if self._next is None else min(now_ms, self._next[0])

    def run(self, now_ms: int, stop: Callable[[], bool] = lambda: False) -> int:
        """Play what is due by `now_ms`, or until told to stop; returns how many messages."""
        played = 0
        while self._next is not None and self._next[0] <= now_ms and not stop():
            at_ms, source, number, steps = self._next
            if number > self._done.get(source, 0):
                self._service.do(FlowStep(source=source, number=number, steps=steps), at_ms)
                played += 1
            self._next = next(self._messages, None)
        return played
