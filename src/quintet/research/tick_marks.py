"""Equity of a run on order books: marked at the exchange's mid, at whole multiples of a length of time.

The position and the money are those that our books know at that moment; the mid is the exchange's own, not the one that
has reached us. A mid between two prices counts against the position. While a side of the book is empty the last mid
holds, and before the first mid there is no mark. A span without a message of the feed makes no mark either.
"""

from typing import Any, Final

import numpy as np

from quintet.core import state as s
from quintet.core.accounting.equity import equity_quanta, mark_equity
from quintet.core.events import BOOK_CLEAR
from quintet.core.kernel import entry, kernel
from quintet.core.records import table
from quintet.core.tape import Tape

SECOND_NS: Final = 1_000_000_000
LENGTHS_S: Final = (1, 2, 5, 10, 15, 30, 60, 300, 900, 3_600, 14_400, 86_400)
MARKS_MAX: Final = 7_200
"""A curve of more points says no more to an eye; the shortest length that stays below it is taken."""


class Marks:
    """Where a tape is marked, and what was found there; `equity` is the EQUITY record that these marks make."""

    def __init__(self, tape: Tape, world: s.World) -> None:
        span_ns = max(tape.census.last_ns - tape.census.first_ns, 0)
        every_ns = SECOND_NS * mark_length_s(span_ns)
        room = span_ns // every_ns + 2
        stops, stamps = np.zeros(room, np.int64), np.zeros(room, np.int64)
        count = int(mark_places(s.Tape(tape.rows).rows, every_ns, stops, stamps))
        self.places = list(zip(stops[:count].tolist(), stamps[:count].tolist(), strict=True))
        self.last_ns = tape.census.last_ns
        self._samples, self._equity = table(s.SAMPLE, room + 1), table(s.EQUITY, 1)
        self._count = 0
        shown = world.desk[0].shown.equity
        equity = self._equity[0]
        equity.quanta = equity.start = equity.high_water = equity.day_open = shown.start
        self._arguments = (world.desk, world.venue, self._samples, self._equity)
        self._take = entry(take_mark, *self._arguments, 0, 0)

    def take(self, ts_ns: int) -> None:
        """Mark equity as the world stands."""
        self._count += int(self._take(*self._arguments, self._count, ts_ns))

    @property
    def samples(self) -> Any:
        """SAMPLE rows, one a mark."""
        return self._samples[: self._count]

    @property
    def equity(self) -> Any:
        """The EQUITY record after the last mark."""
        return self._equity[0]


def mark_length_s(span_ns: int) -> int:
    """Seconds from mark to mark of a tape of this length."""
    return next((length for length in LENGTHS_S if span_ns <= MARKS_MAX * length * SECOND_NS), LENGTHS_S[-1])


@kernel
def mark_places(rows: Any, every_ns: int, stops: Any, stamps: Any) -> int:
    """Before which rows of a tape the marks are due, and the times they bear; returns how many there are."""
    count, due = 0, 0
    for i in range(rows.shape[0]):
        if int(rows[i].kind) > BOOK_CLEAR:
            continue
        ts = rows[i].ts_event
        if ts > due:
            if due > 0:
                stops[count] = i
                stamps[count] = due
                count += 1
            due = ((ts - 1) // every_ns + 1) * every_ns
    return count


@kernel
def take_mark(desk: Any, venue: Any, samples: Any, equity: Any, count: int, ts: int) -> bool:
    """Write sample number `count`; False while nothing is known that could be marked at."""
    book, account, inst = venue[0].book[0], desk[0].shown.account[0], desk[0].shown.instruments[0]
    price = samples[count - 1].price if count > 0 else 0
    bid, ask = book.best[s.BID], book.best[s.ASK]
    if bid != s.NO_BID and ask != s.NO_ASK:
        price = (bid + ask + (1 if account.lots < 0 else 0)) // 2
    if price == 0:
        return False
    mark_equity(equity[0], equity_quanta(inst, account, desk[0].ledger, price), ts)
    sample = samples[count]
    sample.ts = ts
    sample.equity = equity[0].quanta
    sample.price = price
    sample.drawdown = equity[0].drawdown
    sample.lots = account.lots
    sample.held = account.held
    sample.realized = account.realized
    sample.fees = account.fees
    sample.cost = account.cost
    return True
