"""What the feed reports of levels, as it meets our resting orders: most rows of a tick market pass here."""

from typing import Any

from quintet.core.events import ASK_LEVEL, LAST
from quintet.core.kernel import fetch_ahead, kernel, kernel_inlined
from quintet.sim.exchange import improved, next_level
from quintet.sim.queue import POWER, on_level

ROWS_AHEAD = 64
"""How far before the cursor rows are asked for: 2 KiB, enough for the slowest memory we met, little for any cache."""


@kernel_inlined
def report_levels(venue: Any, level: Any, rows: Any, i: int, end: int) -> int:
    """Take in the levels of one message and one instrument, from row `i` on; returns the last row that was taken.

    The rows of a message share their time, so nothing can come between them but the answer to a fill: then it stops.
    """
    n = int(rows[i].instrument)
    book, told = venue.book[n], venue.response_tail
    while True:
        side, price, lots = int(rows[i].kind), int(rows[i].price), rows[i].quantity
        place = level[price + book.offset[side]]
        old, own = place.lots, place.own
        place.lots = lots
        if own != 0:
            level_changed(venue, own, old, lots)
        if (1 - 2 * side) * (price - book.best[side]) >= 0:
            touch_reported(venue, level, n, side, price, lots, rows[i].ts_event)
            if venue.response_tail != told:
                return i
        if int(rows[i].bits) & LAST != 0 or i + 1 == end:
            return i
        if int(rows[i + 1].kind) > ASK_LEVEL or int(rows[i + 1].instrument) != n:
            return i
        i += 1
        fetch_ahead(rows, i + ROWS_AHEAD)


@kernel
def touch_reported(venue: Any, level: Any, n: int, side: int, price: int, lots: int, ts: int) -> None:
    """A level at the best price of its side, or better, has been reported."""
    book = venue.book[n]
    if lots == 0:
        if price == book.best[side]:
            book.best[side] = next_level(book, level, side, price)
    elif price != book.best[side]:
        improved(venue, level, n, side, price, ts)


@kernel_inlined
def level_changed(venue: Any, own: int, old_lots: int, new_lots: int) -> None:
    """Tell every own order at a price that the level has changed; `own` is the first of them, its slot plus one."""
    if venue.queue_model != POWER:
        level_changed_for(venue, own, venue.queue_model, old_lots, new_lots)
        return
    while own != 0:  # the usual model, without the constants of the others at hand
        on_level(venue.resting[own - 1], POWER, venue.queue_exponent, 1.0, old_lots, new_lots)
        own = venue.resting[own - 1].next


@kernel
def level_changed_for(venue: Any, own: int, model: int, old_lots: int, new_lots: int) -> None:
    """The same for the other queue models."""
    resting = venue.resting
    unit = venue.book[resting[own - 1].instrument].lot_quantity
    while own != 0:
        on_level(resting[own - 1], model, venue.queue_exponent, unit, old_lots, new_lots)
        own = resting[own - 1].next
