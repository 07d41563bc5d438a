"""Who stands before our order, told by a feed that tells each order (queue model `fifo`).

Assumptions:
- an order stands before ours when it entered before ours joined, or was there before the tape began; a change keeps its
  place, so a venue at which it loses it says gone and entered;
- a trade is told before the orders it took change: changes before us, up to what was traded, are its echo and count
  once; whatever else happens at our price ends the echo;
- where the feed had lost the book, every order of the message that brings it back stands before ours.

What an order has moved its level by is the difference of the level's totals, less what we took of it ourselves. The
table of orders is open addressing over an array with more places than orders: nothing is allocated in the loop.
"""

from typing import Any, Final

from quintet.core.engine.replay import message_end
from quintet.core.errors import ConfigError
from quintet.core.events import ASK_LEVEL, BOOK_CLEAR, BOOK_ORDER, ORDER_ENTERED, ORDER_GONE
from quintet.core.kernel import kernel
from quintet.core.records import record, table
from quintet.core.state import BOOK_ENTRY
from quintet.sim.exchange import RESTS

_LOW_31: Final = 2**31 - 1
_SPREAD: Final = 1_640_531_527
"""An odd number of 31 bits near 2^32 less 2^32 over the golden ratio: neighbouring ids land far apart, and no product
leaves 62 bits."""

FEWEST: Final = 1 << 10
"""Places of the smallest table."""


# ---- the table of orders ---------------------------------------------------------------------------------------------
@kernel
def place_of(entries: Any, n: int, order: int) -> int:
    """Where an order of instrument `n` stands in the table, or the empty place where it would."""
    mask = entries.shape[0] - 1
    at = home(n, order) & mask
    while entries[at].entered != 0 and (entries[at].order != order or entries[at].instrument != n):
        at = (at + 1) & mask
    return at


@kernel
def home(n: int, order: int) -> int:
    """The place at which the search for an order begins, before it is cut to the table."""
    return ((((order ^ (order >> 31)) & _LOW_31) * _SPREAD) >> 12) + n


@kernel
def enter_table(entries: Any, known: int, n: int, order: int, entered: int) -> int:
    """Keep when an order entered; returns how many the table knows now, -1 when it has no place for one more."""
    at = place_of(entries, n, order)
    if entries[at].entered == 0:
        known += 1
        if 2 * known > entries.shape[0]:
            return -1
    entries[at].order = order
    entries[at].instrument = n
    entries[at].entered = entered
    return known


@kernel
def leave_table(entries: Any, at: int) -> None:
    """Empty a place; what stands behind it because it was taken moves up."""
    mask = entries.shape[0] - 1
    hole = at
    at = (at + 1) & mask
    while entries[at].entered != 0:
        if ((at - home(entries[at].instrument, entries[at].order)) & mask) >= ((at - hole) & mask):
            entries[hole] = entries[at]
            hole = at
        at = (at + 1) & mask
    entries[hole].entered = 0


@kernel
def forget_table(entries: Any, known: int, n: int) -> int:
    """Forget the orders of an instrument; returns how many the table still knows."""
    for at in range(entries.shape[0]):
        while entries[at].entered != 0 and entries[at].instrument == n:
            leave_table(entries, at)
            known -= 1
    return known


# ---- what happens in the queue ---------------------------------------------------------------------------------------
@kernel
def order_moves(venue: Any, level: Any, entries: Any, rows: Any, i: int) -> None:
    """An order of the market enters, changes or goes: the row BOOK_ORDER at `i` and the level row behind it."""
    if i + 1 >= rows.shape[0] or int(rows[i + 1].kind) > ASK_LEVEL:
        return
    n, side, price = int(rows[i].instrument), int(rows[i + 1].kind), int(rows[i + 1].price)
    book = venue.book[n]
    place = level[price + book.offset[side]]
    moved = rows[i + 1].quantity - place.lots - take_back(venue, n, side, price)
    entered = time_of_entry(venue, entries, n, rows[i].quantity, int(rows[i].bits))
    own = place.own
    while own != 0:
        resting = venue.resting[own - 1]
        own = resting.next
        if int(rows[i].bits) & ORDER_ENTERED == 0:
            queue_moves(resting, entered, moved)
            continue
        resting.traded = 0.0
        if i < book.snapshot_end:
            resting.ahead += moved
            resting.joined = entered


@kernel
def time_of_entry(venue: Any, entries: Any, n: int, order: int, bits: int) -> int:
    """When an order entered, counted in orders; 0 for one that was there before. Keeps the table."""
    if bits & ORDER_ENTERED != 0:
        venue.orders_entered += 1
        known = enter_table(entries, venue.orders_known, n, order, venue.orders_entered)
        if known < 0:
            venue.overflow = 1
        else:
            venue.orders_known = known
        return int(venue.orders_entered)
    at = place_of(entries, n, order)
    entered = int(entries[at].entered)
    if bits & ORDER_GONE != 0 and entered != 0:
        leave_table(entries, at)
        venue.orders_known -= 1
    return entered


@kernel
def queue_moves(resting: Any, entered: int, moved: int) -> None:
    """An order at our price that entered as number `entered` has become larger or smaller by `moved` lots."""
    if entered > resting.joined:
        resting.traded = 0.0
        return
    resting.traded = max(0.0, resting.traded + moved) if moved < 0 else 0.0
    resting.ahead = max(0.0, resting.ahead + moved)


@kernel
def forget_orders(venue: Any, entries: Any, rows: Any, i: int) -> None:
    """The feed has lost the book at row `i`; the orders of this message will stand before ours."""
    n = int(rows[i].instrument)
    venue.orders_known = forget_table(entries, venue.orders_known, n)
    venue.book[n].snapshot_end = message_end(rows, i)
    forget_taken(venue, n)
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive == RESTS and resting.instrument == n:
            resting.ahead = 0.0
            resting.traded = 0.0


# ---- what we took ourselves ------------------------------------------------------------------------------------------
@kernel
def note_taken(venue: Any, n: int, side: int, price: int, lots: int) -> None:
    """Remember that we took `lots` of a level, until the feed reports it again."""
    for k in range(venue.n_taken):
        taken = venue.taken[k]
        if taken.instrument == n and taken.side == side and taken.price == price:
            taken.lots += lots
            return
    if venue.n_taken == venue.taken.shape[0]:
        venue.overflow = 1
        return
    taken = venue.taken[venue.n_taken]
    venue.n_taken += 1
    taken.instrument = n
    taken.side = side
    taken.price = price
    taken.lots = lots


@kernel
def take_back(venue: Any, n: int, side: int, price: int) -> int:
    """How much of a level we took since it was last reported; it is reported now."""
    for k in range(venue.n_taken):
        taken = venue.taken[k]
        if taken.instrument == n and taken.side == side and taken.price == price:
            lots = int(taken.lots)
            venue.n_taken -= 1
            venue.taken[k] = venue.taken[venue.n_taken]
            return lots
    return 0


@kernel
def forget_taken(venue: Any, n: int) -> None:
    """What we took of an instrument's levels no longer shows."""
    kept = 0
    for k in range(venue.n_taken):
        if venue.taken[k].instrument != n:
            venue.taken[kept] = venue.taken[k]
            kept += 1
    venue.n_taken = kept


# ---- how large the table must be -------------------------------------------------------------------------------------
WALK: Final = record(row="i8", known="i8", entered="i8", problem="i8")
LEVEL_ALONE: Final = 1
ORDER_ALONE: Final = 2
NO_PLACE: Final = 3


def order_places(rows: Any) -> int:
    """Places for `Setup.order_places`: of an order-level tape, enough for the most orders that live at one moment.

    Raises ConfigError for a level that no order moved, an order that moved none, and a tape without orders.
    """
    places = FEWEST
    while True:
        walk = table(WALK, 1)[0]
        walk_orders(rows, table(BOOK_ENTRY, places), walk)
        if walk.problem == NO_PLACE:
            places *= 2
        elif walk.problem:
            what = "a level that no order moved" if walk.problem == LEVEL_ALONE else "an order that moved no level"
            raise ConfigError(
                f"queue_model is fifo, found {what} at row {walk.row}, expected a feed that tells each order"
            )
        elif walk.entered == 0:
            raise ConfigError("queue_model is fifo, found a tape without orders, expected a feed that tells each order")
        else:
            return places


@kernel
def walk_orders(rows: Any, entries: Any, walk: Any) -> None:
    """Keep the table along a tape, without a book; stops at the first problem and names it."""
    expected = False
    for i in range(rows.shape[0]):
        kind, n = int(rows[i].kind), int(rows[i].instrument)
        walk.row = i
        if expected != (kind <= ASK_LEVEL) or (expected and n != int(rows[i - 1].instrument)):
            walk.problem = ORDER_ALONE if expected else LEVEL_ALONE
            return
        expected = kind == BOOK_ORDER
        if kind == BOOK_CLEAR:
            walk.known = forget_table(entries, walk.known, n)
        if not expected:
            continue
        bits = int(rows[i].bits)
        if bits & ORDER_ENTERED != 0:
            walk.entered += 1
            walk.known = enter_table(entries, walk.known, n, rows[i].quantity, walk.entered)
            if walk.known < 0:
                walk.problem = NO_PLACE
                return
        elif bits & ORDER_GONE != 0:
            at = place_of(entries, n, rows[i].quantity)
            if entries[at].entered != 0:
                leave_table(entries, at)
                walk.known -= 1
    if expected:
        walk.problem = ORDER_ALONE
