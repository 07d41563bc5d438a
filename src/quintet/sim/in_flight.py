"""How many messages of the feed may be between the exchange and us at one moment."""

from typing import Any

from quintet.core.engine.feed import is_of_market, is_of_perpetual
from quintet.core.events import LAST
from quintet.core.kernel import kernel


@kernel
def most_in_flight(rows: Any, every_ns: int, feed_ns: int) -> int:
    """The most messages that wait while nobody looks for `every_ns`; `feed_ns` below 0: they travel as their rows say.

    A message that has reached us waits until we look, be it for a timer or for an answer to an order.
    """
    most, waiting, first, arrived = 0, 0, 0, 0
    for i in range(rows.shape[0]):
        if not ends_message(rows, i):
            continue
        waiting += 1
        looked = rows[i].ts_event - every_ns - 1
        while first <= i:
            if ends_message(rows, first):
                arrived = max(arrived, rows[first].ts_event + feed_ns if feed_ns >= 0 else rows[first].ts_recv)
                if arrived > looked:
                    break
                waiting -= 1
            first += 1
        most = max(most, waiting)
    return most


@kernel
def ends_message(rows: Any, i: int) -> bool:
    """Is row `i` the last of a message about the market, or a perpetual?"""
    kind, bits = int(rows[i].kind), int(rows[i].bits)
    return bool(bits & LAST != 0 and (is_of_market(kind, bits) or is_of_perpetual(kind)))
