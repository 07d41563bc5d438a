"""Whole books of any price range, for checks: the levels of each side in order of price, the best one last.

Levels come and go near the touch, so that an insertion moves few of them; nothing is bounded but by memory. A loop that
matches orders uses the flat book of the simulator instead: it is faster and has a window.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.core.kernel import kernel

Ladders = NDArray[np.int64]
"""By instrument, side (0 bid, 1 ask), place and (price in ticks, lots)."""


def empty_ladders(instruments: int, room: int) -> tuple[Ladders, NDArray[np.int64]]:
    """Books without a level, and how many levels each side has."""
    return np.zeros((instruments, 2, room, 2), np.int64), np.zeros((instruments, 2), np.int64)


def with_room(ladders: Ladders, counts: NDArray[np.int64], rows: int) -> Ladders:
    """The same books with room for `rows` more levels on any side."""
    needed = int(counts.max(initial=0)) + rows
    if needed <= ladders.shape[2]:
        return ladders
    wider = np.zeros((ladders.shape[0], 2, 2 * needed, 2), np.int64)
    wider[:, :, : ladders.shape[2]] = ladders
    return wider


@kernel
def set_level(ladders: Any, counts: Any, n: int, side: int, price: int, lots: int) -> None:
    """A level's new total; 0 lots take it away. There must be room for one more."""
    sign = 1 - 2 * side  # bids rise towards the best, asks fall
    low, high = 0, int(counts[n, side])
    while low < high:
        middle = (low + high) // 2
        if sign * ladders[n, side, middle, 0] < sign * price:
            low = middle + 1
        else:
            high = middle
    count = int(counts[n, side])
    found = low < count and ladders[n, side, low, 0] == price
    if lots > 0 and not found:
        for i in range(count, low, -1):
            ladders[n, side, i, 0] = ladders[n, side, i - 1, 0]
            ladders[n, side, i, 1] = ladders[n, side, i - 1, 1]
        ladders[n, side, low, 0] = price
        counts[n, side] = count + 1
    if lots > 0:
        ladders[n, side, low, 1] = lots
    elif found:
        for i in range(low, count - 1):
            ladders[n, side, i, 0] = ladders[n, side, i + 1, 0]
            ladders[n, side, i, 1] = ladders[n, side, i + 1, 1]
        counts[n, side] = count - 1


@kernel
def best(ladders: Any, counts: Any, n: int, side: int) -> int:
    """Best price of a side in ticks, 0 when it has no level."""
    count = int(counts[n, side])
    return int(ladders[n, side, count - 1, 0]) if count > 0 else 0
