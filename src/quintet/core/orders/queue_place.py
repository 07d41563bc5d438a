"""Where our resting orders stand in their queues, as far as the feed lets us know. Kept beside a shown book.

Assumption: nobody before us cancels unseen. An order stands behind all that was shown at its price when it came to the
venue; trades at its price that happened later take from what is before it, and a level that holds less than that leaves
no more. So `ahead` is the most there can be, as long as the feed tells what happened in order, and `level` less `ahead`
the least that stands behind us: what a newcomer at this price would have before it, and we have not. A feed that counts
our own lots in its levels makes both of them, ahead and behind, too large by at most those.
"""

from typing import Any

from quintet.core.events import ASK_LEVEL, FILL, ORDER_ACCEPTED, ORDER_AMENDED, ORDER_REDUCED, TRADE_SELL
from quintet.core.kernel import kernel
from quintet.core.market.shown_book import shown_lots
from quintet.core.orders.lifecycle import FREE, waits_for_price
from quintet.core.state import ASK, BID


@kernel
def answer_moves_place(desk: Any, shown: Any, kind: int, number: int, ts_event: int, maker: int) -> None:
    """The step has taken in an answer about order `number`, which happened at `ts_event`: its place is known anew."""
    for s in range(desk.slots_used):
        order, place = desk.orders[s], desk.shown.places[s]
        if order.number != number:
            continue
        left = order.lots - order.filled
        if order.status == FREE or waits_for_price(order.style):
            left = 0
        if left == 0:
            place.lots = 0
            place.ahead = 0
            place.level = 0
        elif kind == FILL and maker != 0:
            stand_first(order, place, left, ts_event)
        elif kind == ORDER_REDUCED or (kind == ORDER_AMENDED and keeps_place(desk, order, place, left)):
            place.lots = left
        elif kind == FILL or kind == ORDER_ACCEPTED or kind == ORDER_AMENDED:
            side = BID if order.side > 0 else ASK
            lots = shown_lots(shown, desk.ladders, order.instrument, side, order.price)
            stand(order, place, left, ts_event, lots, lots)
        desk.shown.n_places = max(desk.shown.n_places, s + 1)
        return


@kernel
def keeps_place(desk: Any, order: Any, place: Any, left: int) -> bool:
    """Has an amended order with `left` lots kept its place, at this venue?"""
    stays = place.number == order.number and place.price == order.price and left <= place.lots
    return bool(stays and desk.shown.instruments[order.instrument].amends == 1)


@kernel
def stand(order: Any, place: Any, left: int, joined: int, ahead: int, level: int) -> None:
    """An order rests with `left` lots among `level` lots, `ahead` before it, since `joined` on the venue's clock."""
    place.number = order.number
    place.instrument = order.instrument
    place.side = order.side
    place.price = order.price
    place.tag = order.tag
    place.lots = left
    place.joined = joined
    place.ahead = ahead
    place.level = level


@kernel
def stand_first(order: Any, place: Any, left: int, filled: int) -> None:
    """An order has been filled where it rests, at `filled` on the venue's clock: nobody stands before its rest."""
    joined, behind = filled, 0
    if place.number == order.number and place.price == order.price:
        joined, behind = place.joined, place.level - place.ahead
    stand(order, place, left, joined, 0, behind)


@kernel
def row_moves_places(view: Any, kind: int, n: int, price: int, lots: int, ts_event: int) -> None:
    """A row of the feed, a level or a trade, moves those of our orders that it concerns."""
    for s in range(view.n_places):
        place = view.places[s]
        if place.lots == 0 or place.instrument != n:
            continue
        if kind <= ASK_LEVEL:
            if price == place.price and (kind == BID) == (place.side > 0):
                place.ahead = lots if ts_event <= place.joined else min(place.ahead, lots)
                place.level = lots
        elif ts_event > place.joined and (kind == TRADE_SELL) == (place.side > 0):
            beyond = (place.price - price) * place.side
            if beyond > 0:
                place.ahead = place.level = 0
            elif beyond == 0:
                place.ahead = max(place.ahead - lots, 0)
                place.level = max(place.level - lots, 0)
