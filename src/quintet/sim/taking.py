"""Orders that take what others offer (tick mode).

- Without partial fills an order takes whole at the opposite touch, whatever is there.
- With partial fills it walks the book level by level up to its limit, a market order up to `market_bound_e9` beyond the
  touch; what it took is there again for the next taker, or, with `own_impact`, only when the feed reports the level.
- Fill or kill: all of it is within its limit, or nothing is taken.
- Where it would meet an order of our own (the gate prevents that; this is the second line) the venue cancels what
  takes, what rests, or both, as `self_trade` says; they never trade.
"""

from typing import Any, Final

from quintet.core.events import ORDER_CANCELED
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import FOK, MARKET, MEETS_OUR_OWN, NOT_THERE, NOT_WHOLE
from quintet.core.state import ASK, BID, NO_ASK, NO_BID
from quintet.core.units import DOWN, E9, UP, mul_div
from quintet.sim.exchange import end, leave, next_in_queue, next_level, settle
from quintet.sim.latency import gateway_of
from quintet.sim.order_queue import note_taken
from quintet.sim.queue import FIFO

CANCEL_TAKER: Final = 0
CANCEL_MAKER: Final = 1
CANCEL_BOTH: Final = 2
SELF_TRADE_NAMES: Final = ("cancel taker", "cancel maker", "cancel both")


@kernel
def take(venue: Any, level: Any, slot: int, ts: int) -> int:
    """Trade an order with the other side of the book; returns why there is something left of it, if there is."""
    resting = venue.resting[slot]
    book = venue.book[resting.instrument]
    other = ASK if resting.side > 0 else BID
    limit = taking_limit(venue, resting, book.best[other])
    if resting.style == FOK and venue.partial_fills != 0 and not is_all_there(venue, level, resting, limit):
        return NOT_WHOLE
    price = book.best[other]
    self_trade = gateway_of(venue, resting.instrument).self_trade
    reason = NOT_WHOLE if resting.style == FOK else NOT_THERE
    while resting.open_lots > 0:
        if is_our_own(book, other, price, limit):
            if self_trade != CANCEL_TAKER:
                cancel_our_own(venue, level, resting.instrument, -resting.side, book.own[other], ts)
            if self_trade != CANCEL_MAKER:
                reason = MEETS_OUR_OWN
                break
        elif not book.low <= price <= book.high or resting.side * (limit - price) < 0:
            break
        elif venue.partial_fills == 0:
            settle(venue, level, slot, price, resting.open_lots, 0, ts)
        else:
            price = take_level(venue, level, slot, other, price, ts)
    if venue.own_impact != 0:
        book.best[other] = next_level(book, level, other, book.best[other])
    return reason


@kernel
def take_level(venue: Any, level: Any, slot: int, other: int, price: int, ts: int) -> int:
    """Take what a level shows, as much as is needed; returns the price of the level after it."""
    resting = venue.resting[slot]
    book = venue.book[resting.instrument]
    place = level[price + book.offset[other]]
    lots = min(resting.open_lots, place.lots)
    settle(venue, level, slot, price, lots, 0, ts)
    if venue.own_impact != 0:
        place.lots -= lots
        if venue.queue_model == FIFO:
            note_taken(venue, resting.instrument, other, price, lots)
    return next_level(book, level, other, price + resting.side)


@kernel
def taking_limit(venue: Any, resting: Any, touch: int) -> int:
    """The worst price a taker may pay: its limit, for a market order so far beyond the touch as the venue allows."""
    if resting.style != MARKET or resting.price != 0 or touch == NO_ASK or touch == NO_BID:
        return resting.price
    if resting.side > 0:
        return mul_div(touch, E9 + venue.market_bound_e9, E9, DOWN)
    return mul_div(touch, E9 - venue.market_bound_e9, E9, UP)


@kernel
def is_our_own(book: Any, other: int, price: int, limit: int) -> bool:
    """Is the next to be met on a side, before or at the level at `price`, an order of ours within the limit?"""
    own = book.own[other]
    if own == NO_ASK or own == NO_BID:
        return False
    sign = 1 - 2 * other
    return sign * (own - price) >= 0 and sign * (own - limit) >= 0


@kernel
def cancel_our_own(venue: Any, level: Any, n: int, side: int, price: int, ts: int) -> None:
    """The venue cancels what we have resting at a price."""
    s = next_in_queue(venue, n, side, price, -1)
    while s >= 0:
        leave(venue, level, s)
        end(venue, ORDER_CANCELED, s, MEETS_OUR_OWN, ts)
        s = next_in_queue(venue, n, side, price, venue.resting[s].turn)


@kernel
def is_all_there(venue: Any, level: Any, resting: Any, limit: int) -> bool:
    """Are all lots of an order there within its limit, before any order of ours that it may not meet?"""
    book = venue.book[resting.instrument]
    other = ASK if resting.side > 0 else BID
    self_trade = gateway_of(venue, resting.instrument).self_trade
    missing = resting.open_lots
    price = book.best[other]
    while missing > 0 and book.low <= price <= book.high and resting.side * (limit - price) >= 0:
        if self_trade != CANCEL_MAKER and is_our_own(book, other, price, limit):
            return False
        missing -= level[price + book.offset[other]].lots
        price = next_level(book, level, other, price + resting.side)
    return missing <= 0
