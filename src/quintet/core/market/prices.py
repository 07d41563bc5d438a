"""What a book says of the price: from the two touches, and from whole sides of levels.

A side of levels is an array of lots indexed by price: `lots[price - low]` rests at `price`; `low` is the price of the
first place. Prices are ticks (price increments) and lots are whole, so sums and costs are exact; a quotient is a float.
What does not exist is NaN for a float and NOT_THERE for an integer, never zero. `side` is +1 for bids, -1 for asks.

The products below stay under 2^62 because an instrument's limits keep price times quantity there.
"""

import math
from typing import Any, Final

from quintet.core.kernel import kernel
from quintet.core.state import NO_ASK, NO_BID

NAN: Final = math.nan
NOT_THERE: Final = -1


# ---- the touch -----------------------------------------------------------------------------------------------------
@kernel
def has_touch(bid: int, ask: int) -> bool:
    """Are there a best bid and a best ask?"""
    return bid != NO_BID and ask != NO_ASK


@kernel
def mid(bid: int, ask: int) -> float:
    """Half of best bid plus best ask, in ticks; NaN when a side is empty. `bid + ask` is twice the mid, exactly."""
    if not has_touch(bid, ask):
        return NAN
    return 0.5 * (bid + ask)


@kernel
def spread_bps(bid: int, ask: int) -> float:
    """Best ask minus best bid in basis points of the mid; NaN when a side is empty."""
    if not has_touch(bid, ask):
        return NAN
    return 20_000.0 * (ask - bid) / (bid + ask)


@kernel
def weighted_mid(bid: int, ask: int, bid_lots: int, ask_lots: int) -> float:
    """The mid weighted by the depth of the other side, in ticks; NaN when a side is empty.

    `(bid * ask_lots + ask * bid_lots) / (bid_lots + ask_lots)`, written so that no product grows.
    """
    if not has_touch(bid, ask) or bid_lots + ask_lots <= 0:
        return NAN
    return bid + (ask - bid) * (float(bid_lots) / float(bid_lots + ask_lots))


@kernel
def imbalance(bid_lots: int, ask_lots: int) -> float:
    """`(bid_lots - ask_lots) / (bid_lots + ask_lots)`, -1 to 1, above 0 when more is bid; NaN when there is nothing."""
    if bid_lots + ask_lots <= 0:
        return NAN
    return float(bid_lots - ask_lots) / float(bid_lots + ask_lots)


# ---- the levels ----------------------------------------------------------------------------------------------------
@kernel
def depth_to(lots: Any, low: int, side: int, best: int, limit: int) -> int:
    """Lots from the best price up to and including `limit`, which lies on the far side of it; 0 when it does not."""
    total = 0
    first, last = best - low, limit - low
    if side > 0:
        for k in range(max(last, 0), min(first, lots.shape[0] - 1) + 1):
            total += lots[k]
    else:
        for k in range(max(first, 0), min(last, lots.shape[0] - 1) + 1):
            total += lots[k]
    return total


@kernel
def depth_within(lots: Any, low: int, side: int, bid: int, ask: int, reach_bps: float) -> int:
    """Lots of a side whose prices are at most `reach_bps` basis points from the mid; 0 when a side is empty."""
    if not has_touch(bid, ask):
        return 0
    # Multiplied first: where the edge falls on a price, the quotient is that whole number of ticks.
    reach = 0.5 * (bid + ask) * reach_bps / 10_000.0
    if side > 0:
        return depth_to(lots, low, side, bid, math.ceil(0.5 * (bid + ask) - reach))
    return depth_to(lots, low, side, ask, math.floor(0.5 * (bid + ask) + reach))


@kernel
def levels_depth(lots: Any, low: int, side: int, best: int, levels: int) -> int:
    """Lots at the first `levels` prices of a side that hold anything, from the best one on."""
    total = 0
    k = best - low
    while levels > 0 and 0 <= k < lots.shape[0]:
        if lots[k] > 0:
            total += lots[k]
            levels -= 1
        k -= side
    return total


@kernel
def take_value(lots: Any, low: int, side: int, best: int, wanted: int) -> int:
    """Ticks times lots that taking `wanted` lots from a side is worth, level by level; NOT_THERE beyond its depth.

    Who buys takes from the asks (`side` -1), who sells from the bids. Times the instrument's quanta it is money, before
    fees; it assumes that the book stands still.
    """
    value = 0
    k = best - low
    while wanted > 0:
        if k < 0 or k >= lots.shape[0]:
            return NOT_THERE
        taken = min(wanted, lots[k])
        value += taken * (k + low)
        wanted -= taken
        k -= side
    return value


@kernel
def take_cost_bps(lots: Any, low: int, side: int, bid: int, ask: int, wanted: int) -> float:
    """What taking `wanted` lots from a side costs beyond the mid, in basis points of it; NaN beyond its depth.

    At least half the spread, and 0 or more: a cost, before fees. `wanted` is positive.
    """
    if not has_touch(bid, ask):
        return NAN
    value = take_value(lots, low, side, bid if side > 0 else ask, wanted)
    if value == NOT_THERE:
        return NAN
    middle = 0.5 * (bid + ask)
    return -side * 10_000.0 * (float(value) / float(wanted) - middle) / middle
