"""What happens to a request when it reaches a venue whose order book we see (tick mode).

- While an instrument is halted its orders and amendments are refused; cancels pass.
- More orders and amendments in one second of the venue's clock than it allows are refused; cancels always pass.
- A post-only order that would trade, with the market or with us, expires.
- What would take takes first (`sim.taking`); what is left of a limit order rests behind all that is shown at its price,
  what is left of any other expires.
- A stop or a take-profit waits for its price (`sim.triggers`).
- A reduce-only order is cut to the position, and refused when there is none to reduce.
- On spot an order to sell more than is held, less what rests to be sold already, is refused: a stop has sold it.
- Where the venue asks for margin (`sim.margin`), an order that would bind more than is free is refused.
- An amendment finds its order as it is then: it is refused when that is over, or when no more shall be of it than is
  filled. Smaller at the same price it keeps its place, where the venue lets it; else it comes anew, behind
  all that is shown: a limit order may take, a post-only order that would is over.
"""

from typing import Any

from quintet.core.events import (
    AMEND,
    AMEND_REJECTED,
    CANCEL_REJECTED,
    ORDER_ACCEPTED,
    ORDER_AMENDED,
    ORDER_CANCELED,
    ORDER_EXPIRED,
    ORDER_REJECTED,
    PLACE,
)
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import (
    CONGESTED,
    FILLED_BEYOND,
    IS_OVER,
    LIMIT,
    MARKET,
    MEETS_OUR_OWN,
    NO_AMENDS,
    NO_REASON,
    NOT_HELD,
    NOT_THERE,
    NOT_TRADING,
    NOTHING_TO_CLOSE,
    POST_ONLY,
    SHORT_OF_MARGIN,
    TOO_MANY,
    WOULD_TAKE,
    waits_for_price,
)
from quintet.core.state import ASK, BID, NO_ASK, NO_BID
from quintet.sim.exchange import (
    WAITS,
    cancel_arrives,
    closable_lots,
    cut,
    end,
    leave,
    respond,
    respond_change,
    rest,
    sells_what_is_not_held,
    take_order,
)
from quintet.sim.latency import gateway_of, in_order
from quintet.sim.margin import is_short_of_margin
from quintet.sim.taking import is_our_own, take
from quintet.sim.triggers import is_reached, note_triggers, stop_waiting, trigger, wait_for_price

SECOND_NS = 1_000_000_000


@kernel
def refuse(venue: Any, request: Any, sent: int, heard: int) -> None:
    """A request that never reached the venue's matching: we hear at `heard` that what we sent at `sent` is refused."""
    if request.kind == PLACE:
        take_order(venue, request)
        end(venue, ORDER_REJECTED, request.slot, CONGESTED, sent)
    else:
        kind = AMEND_REJECTED if request.kind == AMEND else CANCEL_REJECTED
        respond(venue, kind, request.slot, request.number, sent).reason = CONGESTED
    last = venue.responses[(venue.response_tail - 1) & (venue.responses.shape[0] - 1)]
    last.ts = in_order(gateway_of(venue, request.instrument).response, heard)


@kernel
def arrive_in_book(venue: Any, level: Any, request: Any) -> None:
    """A request reaches the venue."""
    slot, ts = request.slot, request.ts
    resting = venue.resting[slot]
    if request.kind == AMEND:
        amend_arrives(venue, level, request)
        return
    if request.kind != PLACE:
        if resting.alive == WAITS and resting.number == request.number:
            stop_waiting(venue, slot)
            respond(venue, ORDER_CANCELED, slot, request.number, ts)
        else:
            cancel_arrives(venue, level, request)
        return
    take_order(venue, request)
    reason = refusal_of(venue, resting, slot, ts)
    if reason != NO_REASON:
        end(venue, ORDER_REJECTED, slot, reason, ts)
    elif waits_for_price(request.style):
        respond(venue, ORDER_ACCEPTED, slot, request.number, ts)
        wait_for_price(venue, slot)
        trigger_if_reached(venue, level, slot, ts)
    else:
        if resting.reduce_only != 0:
            venue.reduces = 1
            if resting.open_lots > closable_lots(venue, resting):
                cut(venue, slot, closable_lots(venue, resting), ts)
        trade_or_rest(venue, level, slot, ts, ORDER_ACCEPTED)


@kernel
def refusal_of(venue: Any, resting: Any, slot: int, ts: int) -> int:
    """Why the venue refuses an order that has just arrived, if it does."""
    if venue.instruments[resting.instrument].trading == 0:
        return NOT_TRADING
    if is_too_many(gateway_of(venue, resting.instrument), ts):
        return TOO_MANY
    if waits_for_price(resting.style):
        return NO_REASON
    if resting.reduce_only != 0:
        return NOTHING_TO_CLOSE if closable_lots(venue, resting) == 0 else NO_REASON
    if sells_what_is_not_held(venue, slot, resting.open_lots):
        return NOT_HELD
    if is_short_of_margin(venue, slot, resting.price, resting.open_lots):
        return SHORT_OF_MARGIN
    return NO_REASON


@kernel
def amend_arrives(venue: Any, level: Any, request: Any) -> None:
    """A change of an order reaches the venue."""
    slot, ts = request.slot, request.ts
    resting = venue.resting[slot]
    reason = amend_refusal_of(venue, resting, request)
    if reason != NO_REASON:
        respond(venue, AMEND_REJECTED, slot, request.number, ts).reason = reason
        return
    lots = request.lots - (resting.lots - resting.open_lots)
    if resting.reduce_only != 0:
        lots = min(lots, closable_lots(venue, resting))
    keeps = venue.amend_keeps_place != 0 and request.price == resting.price and lots <= resting.open_lots
    waits = resting.alive == WAITS
    if not waits and not keeps:
        leave(venue, level, slot)
    resting.lots += lots - resting.open_lots
    resting.open_lots, resting.price = lots, request.price
    if not waits and not keeps:
        resting.since = ts
        trade_or_rest(venue, level, slot, ts, ORDER_AMENDED)
        return
    respond_change(venue, ORDER_AMENDED, slot, ts)
    if waits:
        note_triggers(venue, resting.instrument)
        trigger_if_reached(venue, level, slot, ts)


@kernel
def amend_refusal_of(venue: Any, resting: Any, request: Any) -> int:
    """Why the venue does not amend, if it does not."""
    if venue.amends == 0:
        return NO_AMENDS
    if venue.instruments[request.instrument].trading == 0:
        return NOT_TRADING
    if is_too_many(gateway_of(venue, request.instrument), request.ts):
        return TOO_MANY
    if resting.alive == 0 or resting.number != request.number:
        return IS_OVER
    lots = request.lots - (resting.lots - resting.open_lots)
    if lots <= 0:
        return FILLED_BEYOND
    if resting.alive != WAITS and resting.reduce_only == 0:
        if sells_what_is_not_held(venue, request.slot, lots):
            return NOT_HELD
        if is_short_of_margin(venue, request.slot, request.price, lots):
            return SHORT_OF_MARGIN
    return NO_REASON


@kernel
def trigger_if_reached(venue: Any, level: Any, slot: int, ts: int) -> None:
    """The last trade before its arrival counts as one that triggers."""
    last = venue.book[venue.resting[slot].instrument].last
    if last > 0 and is_reached(venue.resting[slot], last):
        trigger(venue, level, slot, ts)


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
def trade_or_rest(venue: Any, level: Any, slot: int, ts: int, heard: int) -> None:
    """An order takes what it reaches, and rests if it is of that kind. `heard`: as accepted or as amended."""
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
    if heard == ORDER_AMENDED:
        respond_change(venue, ORDER_AMENDED, slot, ts)
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
    if resting.open_lots == wanted and heard == ORDER_ACCEPTED:
        respond(venue, ORDER_ACCEPTED, slot, resting.number, ts)
