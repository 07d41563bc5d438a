"""What happens to a request when it reaches a venue whose order book we see (tick mode).

- While an instrument is halted its orders are refused; cancels pass.
- More orders in one second of the venue's clock than it allows are refused; cancels always pass.
- A post-only order that would trade, with the market or with us, expires.
- What would take takes first (`sim.taking`); what is left of a limit order rests behind all that is shown at its price,
  what is left of any other expires.
- A stop or a take-profit waits for its price (`sim.triggers`).
"""

from typing import Any

from quintet.core.events import CANCEL_REJECTED, ORDER_ACCEPTED, ORDER_CANCELED, ORDER_EXPIRED, ORDER_REJECTED, PLACE
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import (
    CONGESTED,
    LIMIT,
    MARKET,
    MEETS_OUR_OWN,
    NOT_THERE,
    NOT_TRADING,
    POST_ONLY,
    TOO_MANY,
    WOULD_TAKE,
    waits_for_price,
)
from quintet.core.state import ASK, BID, NO_ASK, NO_BID
from quintet.sim.exchange import WAITS, cancel_arrives, end, respond, rest, take_order
from quintet.sim.latency import gateway_of, in_order
from quintet.sim.taking import is_our_own, take
from quintet.sim.triggers import is_reached, stop_waiting, trigger, wait_for_price

SECOND_NS = 1_000_000_000


@kernel
def refuse(venue: Any, request: Any, sent: int, heard: int) -> None:
    """A request that never reached the venue's matching: we hear at `heard` that what we sent at `sent` is refused."""
    if request.kind == PLACE:
        take_order(venue, request)
        end(venue, ORDER_REJECTED, request.slot, CONGESTED, sent)
    else:
        respond(venue, CANCEL_REJECTED, request.slot, request.number, sent)
    last = venue.responses[(venue.response_tail - 1) & (venue.responses.shape[0] - 1)]
    last.ts = in_order(gateway_of(venue, request.instrument).response, heard)


@kernel
def arrive_in_book(venue: Any, level: Any, request: Any) -> None:
    """A request reaches the venue."""
    slot, ts = request.slot, request.ts
    resting = venue.resting[slot]
    if request.kind != PLACE:
        if resting.alive == WAITS and resting.number == request.number:
            stop_waiting(venue, slot)
            respond(venue, ORDER_CANCELED, slot, request.number, ts)
        else:
            cancel_arrives(venue, level, request)
        return
    take_order(venue, request)
    if venue.instruments[request.instrument].trading == 0:
        end(venue, ORDER_REJECTED, slot, NOT_TRADING, ts)
    elif is_too_many(gateway_of(venue, request.instrument), ts):
        end(venue, ORDER_REJECTED, slot, TOO_MANY, ts)
    elif waits_for_price(request.style):
        respond(venue, ORDER_ACCEPTED, slot, request.number, ts)
        wait_for_price(venue, slot)
        if venue.book[request.instrument].last > 0 and is_reached(resting, venue.book[request.instrument].last):
            trigger(venue, level, slot, ts)
    else:
        trade_or_rest(venue, level, slot, ts)


@kernel
def is_too_many(gateway: Any, ts: int) -> bool:
    """One more order in this second of the venue's clock: is it beyond what the venue allows?"""
    if gateway.orders_per_second == 0:
        return False
    if ts // SECOND_NS != gateway.second:
        gateway.second = ts // SECOND_NS
        gateway.orders_this_second = 0
    gateway.orders_this_second += 1
    return bool(gateway.orders_this_second > gateway.orders_per_second)


@kernel
def trade_or_rest(venue: Any, level: Any, slot: int, ts: int) -> None:
    """An order takes what it reaches, and rests if it is of that kind."""
    resting = venue.resting[slot]
    book, side, style = venue.book[resting.instrument], resting.side, resting.style
    other = ASK if side > 0 else BID
    touch = book.best[other]
    empty = touch == NO_ASK or touch == NO_BID
    crosses = not empty and (style == MARKET or side * (resting.price - touch) >= 0)
    meets_us = style != MARKET and is_our_own(book, other, touch, resting.price)
    if style == POST_ONLY and (crosses or meets_us):
        end(venue, ORDER_EXPIRED, slot, MEETS_OUR_OWN if meets_us else WOULD_TAKE, ts)
        return
    reason = NOT_THERE
    wanted = resting.open_lots
    if crosses or meets_us:
        reason = take(venue, level, slot, ts)
    if resting.open_lots == 0:
        return
    if style > LIMIT or reason == MEETS_OUR_OWN:
        end(venue, ORDER_EXPIRED, slot, reason, ts)
        return
    rest(venue, level, slot)
    if resting.open_lots == wanted:
        respond(venue, ORDER_ACCEPTED, slot, resting.number, ts)
