"""Prices that an algorithm asks for. Whole price increments on whole ticks, rounded to our caution; 0 = unknown."""

from quintet.core.execution.seen import Seen
from quintet.core.units import E9

BP_E9 = 100_000
"""One basis point in billionths."""


def bp_e9(bp: float) -> int:
    """Basis points as whole billionths, so that a price is made of integers alone."""
    return round(bp * BP_E9)


def twice_mid(seen: Seen) -> int:
    """The mid, doubled so that it is whole; without both sides of a book, twice the last price."""
    return seen.bid + seen.ask if seen.bid and seen.ask else 2 * seen.last


def on_tick(price_numerator: int, denominator: int, tick: int, side: int) -> int:
    """A fraction as a price on a tick: for a buyer (+1) the nearest not above, for a seller (-1) not below."""
    unit = denominator * tick
    ticks = price_numerator // unit if side > 0 else -(-price_numerator // unit)
    return max(ticks * tick, 0)


def passive_price(seen: Seen, side: int, offset_bp: float) -> int:
    """The mid (or the last price) moved by `offset_bp` to the passive side, on the passive tick, not across the touch.

    Source: intraday-sol, 7.1: `entry_offset` 0.05 %.
    """
    mid = twice_mid(seen)
    if mid == 0:
        return 0
    return behind_touch(seen, side, on_tick(mid * (E9 - side * bp_e9(offset_bp)), 2 * E9, seen.tick, side))


def touch_price(seen: Seen, side: int) -> int:
    """Where a maker stands first: the best price of our side, or a tick before the other side if that is worse.

    Without a book, the last price. Source: eternal-engine, E-17 and E-112: a seller rests at the ask side.
    """
    best = seen.bid if side > 0 else seen.ask
    return behind_touch(seen, side, on_tick(best or seen.last, 1, seen.tick, side))


def behind_touch(seen: Seen, side: int, price: int) -> int:
    """`price`, or the nearest one that does not take what we know to be offered."""
    if side > 0:
        return min(price, seen.ask - seen.tick) if seen.ask else price
    return max(price, seen.bid + seen.tick) if seen.bid else price


def bound_price(seen: Seen, side: int, bound_bp: float) -> int:
    """The worst price of a taker: `bound_bp` beyond the best offer (else the last price), not further by rounding.

    Source: intraday-sol, 7.1: `slippage_max` 0.1 %; eternal-engine, E-111: 0.5 %.
    """
    offer = (seen.ask if side > 0 else seen.bid) or seen.last
    return on_tick(offer * (E9 + side * bp_e9(bound_bp)), E9, seen.tick, side)


def is_through(seen: Seen, side: int, price: int) -> bool:
    """Is the last price (or the touch) at a stop of a position of `side`, or beyond? A long's is below the market."""
    now = seen.last or (seen.bid if side > 0 else seen.ask)
    return now > 0 and side * (now - price) <= 0
