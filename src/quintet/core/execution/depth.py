"""What the other side of a book offers, and what it costs to take of it."""

from collections.abc import Sequence

from quintet.core.execution.prices import bp_e9, twice_mid
from quintet.core.execution.seen import Depth, Seen
from quintet.core.units import E9


def offered(seen: Seen, side: int) -> Sequence[Depth]:
    """The levels that an order of `side` would take, the best first; nothing where none are shown."""
    return seen.asks if side > 0 else seen.bids


def lots_within(seen: Seen, side: int, bp: float) -> int:
    """Lots offered to an order of `side` within `bp` of the mid; 0 where no levels are shown."""
    bound, lots = twice_mid(seen) * (E9 + side * bp_e9(bp)), 0
    for level in offered(seen, side):
        if side * (bound - 2 * level.price * E9) >= 0:
            lots += level.lots
    return lots


def impact_bp(seen: Seen, side: int, lots: int) -> float:
    """What taking `lots` now costs on average beyond the mid, in bp; infinite when so much is not shown."""
    mid, left, paid = twice_mid(seen), lots, 0
    for level in offered(seen, side):
        taken = min(left, level.lots)
        paid += taken * level.price
        left -= taken
        if left == 0:
            return float(side * (2 * paid - lots * mid)) / (lots * mid) * 10_000.0
    return float("inf")
