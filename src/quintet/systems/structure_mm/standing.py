"""Which quotes stay where they are: a good place in the queue is kept, and left only when that pays.

The first place of a queue is worth `requote_ticks` ticks and the last one nothing; between them it is worth as much of
that as the share of the queue that stands behind us. So an order among `level` lots of others, at most `ahead` of them
before it, may stand away from its wanted price by

    requote_ticks x (level - ahead) / level    ticks, rounded down to the price increment.

Where nobody stands behind us, where no book is known, and on candles a place is worth nothing.
"""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import BUY
from quintet.systems.structure_mm.records import LOTS
from quintet.systems.structure_mm.touch import sees_book

SHRINKS_IN_PLACE = 1
"""`amends` of a venue where an order that only becomes smaller keeps its place."""


@kernel
def worth_of_place(params: Any, view: Any, side: int, tag: int, price: int) -> int:
    """What the place of our order with this tag at this price is worth, in price increments; 0 when it has none."""
    if not sees_book(view.market[0]):
        return 0
    for s in range(view.n_places):
        place = view.places[s]
        if place.lots > 0 and place.tag == tag and place.side == side and place.price == price:
            behind = place.level - place.ahead
            if behind <= 0:
                return 0
            return int(params.requote_ticks * view.instruments[0].tick * behind // place.level)
    return 0


@kernel
def standing_bid(state: Any, params: Any, view: Any, price: int, lots: int, tolerance: int) -> int:
    """Place in the table of a bid that may stay for one of `lots` at `price`; -1 when there is none.

    One is near enough within `tolerance`, or within what its place in the queue is worth.
    """
    for i in range(LOTS):
        lot = state.lots[i]
        if lot.tag != 0 and lot.buying > 0 and lot.kept == 0 and (is_about(lot, lots) or may_shrink(view, lot, lots)):
            away = abs(lot.price - price)
            if away <= tolerance or away <= worth_of_place(params, view, BUY, lot.tag, lot.price):
                return i
    return -1


@kernel
def is_about(lot: Any, lots: int) -> bool:
    """Is its size within a tenth of `lots`? It follows the price that far; a change of policy halves or doubles it."""
    return bool(abs(lot.ordered - lots) * 10 <= lots)


@kernel
def may_shrink(view: Any, lot: Any, lots: int) -> bool:
    """Is it larger than `lots`, at a venue where it can become smaller and keep its place?"""
    return bool(lot.ordered > lots and view.instruments[0].amends == SHRINKS_IN_PLACE)


@kernel
def lots_kept(lot: Any, lots: int) -> int:
    """What a bid goes on buying that stays for one of `lots`."""
    return int(lot.buying if is_about(lot, lots) else min(lot.buying, lots))


@kernel
def keep_bid(lot: Any, lots: int) -> bool:
    """A bid stays where it stands, to buy so many lots, never more than it buys now; True when it becomes smaller."""
    lot.kept = 1
    if lots >= lot.buying:
        return False
    lot.ordered = lots
    lot.buying = lots
    return True
