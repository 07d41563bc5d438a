"""Equity of a run on order books: marked at the exchange's mid, at whole multiples of a length of time.

The position and the money are those that our books know at that moment; the mid is the exchange's own, not the one that
has reached us. A mid between two prices counts against the position. While a side of the book is empty the last mid
holds, and before the first mid there is no mark. Of several instruments each is marked at its own mid, and a mark's
price and position are the first's.

Between two marks the exchange is looked at once, at a drawn moment, for our quotes: at the marks themselves a system
whose timer comes at whole seconds would always be seen just before it acts.
"""

from typing import Any, Final

import numpy as np

from quintet.core import state as s
from quintet.core.accounting.equity import equity_quanta, mark_equity
from quintet.core.accounting.position import position_value
from quintet.core.events import BOOK_CLEAR
from quintet.core.kernel import entry, kernel
from quintet.core.random import below, seeded
from quintet.core.records import record, table
from quintet.core.tape import Tape

SECOND_NS: Final = 1_000_000_000
LENGTHS_S: Final = (1, 2, 5, 10, 15, 30, 60, 300, 900, 3_600, 14_400, 86_400)
MARKS_MAX: Final = 7_200
"""A curve of more points says no more to an eye; the shortest length that stays below it is taken."""

LOOK: Final = record(ts="i8", bid="i8", ask="i8", own_bid="i8", own_ask="i8")
"""The exchange at one moment: the best prices, and the best ones at which orders of ours rest; 0 for none."""

_SEED: Final = 1


class Marks:
    """Where a tape is marked and looked at, and what was found there; `equity` is the EQUITY record of these marks."""

    def __init__(self, tape: Tape, world: s.World) -> None:
        first_ns, self.last_ns = tape.census.first_ns, tape.census.last_ns
        self.length_s = mark_length_s(max(self.last_ns - first_ns, 0))
        every_ns = SECOND_NS * self.length_s
        marks = np.arange((first_ns // every_ns + 1) * every_ns, self.last_ns, every_ns)
        looks = np.zeros_like(marks)
        draw_moments(seeded(_SEED, "looks at the exchange")[0], self.length_s, marks, looks)
        looks = looks[looks < self.last_ns]
        moments = np.concatenate([marks, looks])
        order = np.argsort(moments, kind="stable")
        stops = np.zeros(len(moments), np.int64)
        find_stops(s.Tape(tape.rows).rows, moments[order], stops)
        self.places = list(zip(stops.tolist(), moments[order].tolist(), (order < len(marks)).tolist(), strict=True))
        """Before which row, at what time, and whether equity is marked there (else our quotes are looked at)."""
        self._samples, self._looks = table(s.SAMPLE, len(marks) + 2), table(LOOK, len(looks) + 1)
        self._equity = table(s.EQUITY, 1)
        self._mids = np.zeros(world.desk[0].n_instruments, np.int64)
        self._marked = self._looked = 0
        equity = self._equity[0]
        equity.quanta = equity.start = equity.high_water = equity.day_open = world.desk[0].shown.equity.start
        self._arguments = (world.desk, world.venue, self._samples, self._equity, self._mids)
        self._take = entry(take_mark, *self._arguments, 0, 0)
        self._seen = (world.venue, self._looks)
        self._look = entry(take_look, *self._seen, 0, 0)

    def take(self, ts_ns: int) -> None:
        """Mark equity as the world stands."""
        self._marked += int(self._take(*self._arguments, self._marked, ts_ns))

    def look(self, ts_ns: int) -> None:
        """Look at our quotes as the exchange stands."""
        self._look(*self._seen, self._looked, ts_ns)
        self._looked += 1

    @property
    def samples(self) -> Any:
        """SAMPLE rows, one a mark."""
        return self._samples[: self._marked]

    @property
    def looks(self) -> Any:
        """LOOK rows."""
        return self._looks[: self._looked]

    @property
    def equity(self) -> Any:
        """The EQUITY record after the last mark."""
        return self._equity[0]

    @property
    def mids(self) -> Any:
        """The mid of each instrument at the last mark, price increments; 0 where none was ever known."""
        return self._mids


def mark_length_s(span_ns: int) -> int:
    """Seconds from mark to mark of a tape of this length."""
    return next((length for length in LENGTHS_S if span_ns <= MARKS_MAX * length * SECOND_NS), LENGTHS_S[-1])


@kernel
def draw_moments(dice: Any, length_s: int, marks: Any, moments: Any) -> None:
    """One moment, to the millisecond, in the length after each mark."""
    for n in range(marks.shape[0]):
        moments[n] = marks[n] + below(dice, length_s * 1_000) * 1_000_000


@kernel
def find_stops(rows: Any, moments: Any, stops: Any) -> None:
    """The row before which a run has seen all that had happened by each of the ascending moments, and nothing more."""
    k = 0
    for i in range(rows.shape[0]):
        if int(rows[i].kind) > BOOK_CLEAR:
            continue
        while k < moments.shape[0] and moments[k] < rows[i].ts_event:
            stops[k] = i
            k += 1
    while k < moments.shape[0]:
        stops[k] = rows.shape[0] - 1
        k += 1


@kernel
def take_mark(desk: Any, venue: Any, samples: Any, equity: Any, mids: Any, count: int, ts: int) -> bool:
    """Write sample number `count`; False while nothing is known that the first instrument could be marked at."""
    view = desk[0].shown
    for n in range(mids.shape[0]):
        best = venue[0].book[n].best
        if best[s.BID] != s.NO_BID and best[s.ASK] != s.NO_ASK:
            mids[n] = (best[s.BID] + best[s.ASK] + (1 if view.account[n].lots < 0 else 0)) // 2
    account, inst, price = view.account[0], view.instruments[0], mids[0]
    if price == 0:
        return False
    quanta = equity_quanta(inst, account, desk[0].ledger, price)
    for n in range(1, mids.shape[0]):
        quanta += unrealised(view.instruments[n], view.account[n], mids[n])
    mark_equity(equity[0], quanta, ts)
    sample = samples[count]
    sample.ts = ts
    sample.equity = equity[0].quanta
    sample.price = price
    sample.drawdown = equity[0].drawdown
    sample.lots = account.lots
    sample.held = account.held if inst.kind == 0 else account.lots
    sample.realized = account.realized
    sample.fees = account.fees
    sample.cost = account.cost
    return True


@kernel
def unrealised(inst: Any, account: Any, price: int) -> int:
    """What a position beside the first adds to equity at `price`: its money is in the ledger already."""
    if price == 0:
        return 0
    value = position_value(inst, account, price)
    return value if inst.kind == 0 else value - account.cost


@kernel
def take_look(venue: Any, looks: Any, count: int, ts: int) -> None:
    """Write look number `count`."""
    book, look = venue[0].book[0], looks[count]
    look.ts = ts
    look.bid = book.best[s.BID]
    look.ask = book.best[s.ASK] if book.best[s.ASK] != s.NO_ASK else 0
    look.own_bid = book.own[s.BID]
    look.own_ask = book.own[s.ASK] if book.own[s.ASK] != s.NO_ASK else 0
