"""The books that a desk is shown: what the feed has told it, level by level, and nothing that has not reached it.

Of each instrument and side the levels in order of price, the best last, in one flat table; near the touch, where levels
come and go, an insertion moves few of them. Any price fits. A side that is full forgets its farthest level, and counts
it. The touch is the one of the exchange's own book in the simulator: what a better opposite price has reached is no
longer the best of its side, is not reported gone, and counts again when the best of its side comes past it.
"""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.state import ASK, BID, NO_ASK, NO_BID


@kernel
def places_below(shown: Any, first: int, count: int, sign: int, price: int) -> int:
    """How many levels of a side, whose places begin at `first`, are worse than `price`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if sign * shown[first + middle].price < sign * price:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def shown_lots(shown: Any, ladders: Any, n: int, side: int, price: int) -> int:
    """Lots shown at a price of a side."""
    count = ladders.count[n, side]
    first = (2 * n + side) * ladders.room
    at = places_below(shown, first, count, 1 - 2 * side, price)
    if at < count and shown[first + at].price == price:
        return int(shown[first + at].lots)
    return 0


@kernel
def best_not_above(shown: Any, ladders: Any, n: int, side: int, limit: int) -> int:
    """The best price of a side that is not better than `limit`; NO_BID or NO_ASK when there is none."""
    first, sign = (2 * n + side) * ladders.room, 1 - 2 * side
    at = places_below(shown, first, ladders.count[n, side], sign, limit + sign)
    if at == 0:
        return NO_BID if side == BID else NO_ASK
    return int(shown[first + at - 1].price)


@kernel
def set_shown(shown: Any, ladders: Any, n: int, side: int, price: int, lots: int) -> None:
    """A level's new total; 0 lots take it away."""
    room, count, sign = ladders.room, ladders.count[n, side], 1 - 2 * side
    first = (2 * n + side) * room
    at = places_below(shown, first, count, sign, price)
    found = at < count and shown[first + at].price == price
    if lots > 0 and found:
        shown[first + at].lots = lots
    elif lots > 0 and count < room:
        for i in range(first + count, first + at, -1):
            copy_level(shown, i - 1, i)
        shown[first + at].price = price
        shown[first + at].lots = lots
        ladders.count[n, side] = count + 1
    elif lots > 0:
        ladders.dropped += 1
        if at > 0:
            for i in range(first, first + at - 1):
                copy_level(shown, i + 1, i)
            shown[first + at - 1].price = price
            shown[first + at - 1].lots = lots
    elif found:
        for i in range(first + at, first + count - 1):
            copy_level(shown, i + 1, i)
        ladders.count[n, side] = count - 1


@kernel
def copy_level(shown: Any, source: int, target: int) -> None:
    """One level to another place."""
    shown[target].price = shown[source].price
    shown[target].lots = shown[source].lots


@kernel
def report_level(shown: Any, ladders: Any, market: Any, n: int, side: int, price: int, lots: int) -> None:
    """A level as the feed reports it: it changes the book and, in `market`, the touch."""
    set_shown(shown, ladders, n, side, price, lots)
    sign = 1 - 2 * side
    best = market.bid if side == BID else market.ask
    if lots > 0:
        if sign * (price - best) > 0:
            set_best(market, side, price)
            other = market.ask if side == BID else market.bid
            if sign * (price - other) >= 0:
                set_best(market, 1 - side, best_not_above(shown, ladders, n, 1 - side, price + sign))
    elif price == best:
        set_best(market, side, best_not_above(shown, ladders, n, side, price))


@kernel
def set_best(market: Any, side: int, price: int) -> None:
    """The touch of one side."""
    if side == BID:
        market.bid = price
    else:
        market.ask = price


@kernel
def forget_shown(ladders: Any, market: Any, n: int) -> None:
    """Nothing is known of the book any more."""
    ladders.count[n, BID] = 0
    ladders.count[n, ASK] = 0
    market.bid = NO_BID
    market.ask = NO_ASK


@kernel
def show_depth(shown: Any, ladders: Any, market: Any, depth: Any, n: int, levels: int) -> None:
    """Put the best `levels` of each side into the view, from the touch on."""
    for side in (BID, ASK):
        first, sign = (2 * n + side) * ladders.room, 1 - 2 * side
        best = market.bid if side == BID else market.ask
        at = first + places_below(shown, first, ladders.count[n, side], sign, best + sign) - 1
        kept = min(levels, at - first + 1)
        for k in range(kept):
            depth.price[side, k] = shown[at - k].price
            depth.lots[side, k] = shown[at - k].lots
        for k in range(kept, depth.levels[side]):
            depth.price[side, k] = 0
            depth.lots[side, k] = 0
        depth.levels[side] = kept
