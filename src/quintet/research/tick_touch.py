"""The exchange's best prices at any moments of a tape, from its rows alone: what a run is measured against."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quintet.core import state as s
from quintet.core.errors import DataError
from quintet.core.events import ASK_LEVEL, BOOK_CLEAR
from quintet.core.kernel import kernel
from quintet.core.records import table
from quintet.core.tape import Tape
from quintet.sim.exchange import forget_book, next_level

Moments = NDArray[np.int64]


class Touch(NamedTuple):
    """Best bid and ask at each of some moments, price increments, 0 for a side that is empty or unknown."""

    bid: Moments
    ask: Moments

    @property
    def twice_mid(self) -> Moments:
        """Bid plus ask; 0 where a side is missing."""
        twice: Moments = np.where((self.bid > 0) & (self.ask > 0), self.bid + self.ask, 0)
        return twice


def touches_at(tape: Tape, window: tuple[int, int], moments: Any, instrument: int = 0) -> Touch:
    """After every row that had happened by each moment, ns UTC of the exchange's clock; moments in any order.

    `window`: lowest and highest price of the book of the instrument. After the end of the tape the last prices hold.
    Raises DataError for a level outside the window.
    """
    asked = np.asarray(moments, np.int64)
    order = np.argsort(asked, kind="stable")
    low, high = window
    book, level = table(s.BOOK, 1), table(s.LEVEL, 2 * (high - low + 1))
    book[0].low, book[0].high = low, high
    book[0].offset[s.BID], book[0].offset[s.ASK] = -low, high - 2 * low + 1
    book[0].best[s.BID], book[0].best[s.ASK] = s.NO_BID, s.NO_ASK
    found = np.zeros((2, len(asked)), np.int64)
    if (outside := int(walk_touches(s.Tape(tape.rows).rows, instrument, book, level, asked[order], found))) > 0:
        raise DataError(f"{tape.name}: found a level at price {outside}, expected {low} to {high}")
    sides = np.empty_like(found)
    sides[:, order] = found
    return Touch(sides[0], np.where(sides[1] < s.NO_ASK, sides[1], 0))


@kernel
def walk_touches(rows: Any, instrument: int, books: Any, level: Any, moments: Any, found: Any) -> int:
    """Keep the book row by row; write both best prices at each of the ascending moments.

    Returns 0, or the first price outside the book's window, at which it stops.
    """
    book = books[0]
    k = 0
    for i in range(rows.shape[0]):
        kind = int(rows[i].kind)
        if kind > BOOK_CLEAR or int(rows[i].instrument) != instrument:
            continue
        ts = rows[i].ts_event
        while k < moments.shape[0] and moments[k] < ts:
            found[0, k], found[1, k] = book.best[0], book.best[1]
            k += 1
        if k == moments.shape[0]:
            return 0
        if kind <= ASK_LEVEL:
            if not book.low <= int(rows[i].price) <= book.high:
                return int(rows[i].price)
            set_level(book, level, kind, int(rows[i].price), rows[i].quantity)
        elif kind == BOOK_CLEAR:
            forget_book(book, level)
    while k < moments.shape[0]:
        found[0, k], found[1, k] = book.best[0], book.best[1]
        k += 1
    return 0


@kernel
def set_level(book: Any, level: Any, side: int, price: int, lots: int) -> None:
    """A level holds so many lots now; the best prices follow, and what a better price reaches is gone."""
    level[price + book.offset[side]].lots = lots
    sign, other = 1 - 2 * side, 1 - side
    if lots > 0:
        if sign * (price - book.best[side]) > 0:
            book.best[side] = price
            if sign * (price - book.best[other]) >= 0:
                book.best[other] = next_level(book, level, other, price + sign)
    elif price == book.best[side]:
        book.best[side] = next_level(book, level, side, price)
