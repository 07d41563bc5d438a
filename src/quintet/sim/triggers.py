"""Orders that the venue holds until the price comes to theirs (tick mode).

- A stop sells when a trade is at or below its price, or buys at or above; a take-profit the other way round.
- Only trades trigger, and the last trade before its arrival counts as one.
- Triggered, it first cancels our limit orders of its side, then closes at market: no more than the venue knows we hold,
  on the book as it is shown at that moment. What is left of it expires.
- Orders that one trade triggers go in the order of their numbers.
"""

from typing import Any

from quintet.core.events import ORDER_CANCELED, ORDER_EXPIRED
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import LIMIT, MAKES_ROOM, MARKET, NOT_THERE, NOTHING_TO_CLOSE, STOP
from quintet.core.state import ASK, BID, NO_ASK, NO_BID
from quintet.sim.exchange import RESTS, WAITS, closable_lots, end, leave
from quintet.sim.taking import take


@kernel
def wait_for_price(venue: Any, slot: int) -> None:
    """The venue holds an order from now on."""
    resting = venue.resting[slot]
    resting.alive = WAITS
    venue.live += 1
    note_triggers(venue, resting.instrument)


@kernel
def stop_waiting(venue: Any, slot: int) -> None:
    """It is triggered, or cancelled."""
    venue.resting[slot].alive = 0
    venue.live -= 1
    note_triggers(venue, venue.resting[slot].instrument)


@kernel
def rises(resting: Any) -> bool:
    """Does a rising price trigger it?"""
    return (resting.side > 0) == (resting.style == STOP)


@kernel
def is_reached(resting: Any, price: int) -> bool:
    """Would a trade at `price` trigger it?"""
    return price >= resting.price if rises(resting) else price <= resting.price


@kernel
def note_triggers(venue: Any, n: int) -> None:
    """The nearest prices at which something is triggered."""
    book = venue.book[n]
    book.rise_to, book.fall_to = NO_ASK, NO_BID
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != WAITS or resting.instrument != n:
            continue
        if rises(resting):
            book.rise_to = min(book.rise_to, resting.price)
        else:
            book.fall_to = max(book.fall_to, resting.price)
    if venue.margin.mode != 0:
        book.rise_to = NO_BID  # without a mark price, every trade is looked at


@kernel
def pull_triggers(venue: Any, level: Any, n: int, price: int, ts: int) -> None:
    """A trade at `price` triggers what it reaches, in the order of numbers, unless trading is halted."""
    if venue.instruments[n].trading == 0:
        return
    s = next_triggered(venue, n, price, -1)
    while s >= 0:
        number = venue.resting[s].number
        trigger(venue, level, s, ts)
        s = next_triggered(venue, n, price, number)


@kernel
def next_triggered(venue: Any, n: int, price: int, after: int) -> int:
    """The slot of the oldest waiting order above number `after` that a trade at `price` triggers; -1 when none."""
    found = -1
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive != WAITS or resting.instrument != n or not is_reached(resting, price):
            continue
        if resting.number > after and (found < 0 or resting.number < venue.resting[found].number):
            found = s
    return found


@kernel
def trigger(venue: Any, level: Any, slot: int, ts: int) -> None:
    """Its price has come: close at market, and end."""
    stop_waiting(venue, slot)
    resting = venue.resting[slot]
    cancel_side(venue, level, resting.instrument, resting.side, ts)
    wanted = resting.open_lots
    lots = min(wanted, closable_lots(venue, resting))
    reason = NOTHING_TO_CLOSE if lots == 0 else NOT_THERE
    if lots > 0:
        resting.open_lots = lots
        resting.style, resting.price, resting.since = MARKET, 0, ts
        touch = venue.book[resting.instrument].best[ASK if resting.side > 0 else BID]
        if touch != NO_ASK and touch != NO_BID:
            reason = take(venue, level, slot, ts)
        if lots < wanted and resting.open_lots == 0:
            reason = NOTHING_TO_CLOSE
        resting.open_lots += wanted - lots
    if resting.open_lots > 0:
        end(venue, ORDER_EXPIRED, slot, reason, ts)


@kernel
def cancel_side(venue: Any, level: Any, n: int, side: int, ts: int) -> None:
    """Our limit orders of a side make room for what closes."""
    for s in range(venue.slots_used):
        other = venue.resting[s]
        if other.alive == RESTS and other.instrument == n and other.side == side and other.style <= LIMIT:
            leave(venue, level, s)
            end(venue, ORDER_CANCELED, s, MAKES_ROOM, ts)
