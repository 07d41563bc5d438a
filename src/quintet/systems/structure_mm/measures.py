"""Two things measured while running: the median turnover of a day, and what the price did after our maker fills."""

from typing import Any

from quintet.core.kernel import kernel
from quintet.systems.structure_mm.records import DAY_BARS, PENDING_MAX

HORIZON_NS = 60_000_000_000
"""One minute: the horizon at which adverse selection is measured."""


@kernel
def _place(ordered: Any, count: int, value: int) -> int:
    """Index of the first of `count` ordered values that is not below `value`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def turnover_update(turnover: Any, quanta: int) -> None:
    """Take the turnover of one bar; the oldest of a full day leaves."""
    ordered, count = turnover.ordered, turnover.count
    if count == DAY_BARS:
        gone = _place(ordered, count, turnover.ring[turnover.oldest])
        count -= 1
        for i in range(gone, count):
            ordered[i] = ordered[i + 1]
    at = _place(ordered, count, quanta)
    for i in range(count, at, -1):
        ordered[i] = ordered[i - 1]
    ordered[at] = quanta
    turnover.ring[turnover.oldest] = quanta
    turnover.oldest = (turnover.oldest + 1) % DAY_BARS
    turnover.count = count + 1


@kernel
def median_turnover(turnover: Any) -> int:
    """Median of the bars taken, quanta, rounded down between the two in the middle; 0 before the first."""
    count = turnover.count
    if count == 0:
        return 0
    return (turnover.ordered[(count - 1) // 2] + turnover.ordered[count // 2]) // 2


@kernel
def await_markout(markouts: Any, now_ns: int, side: int, price: int) -> None:
    """A maker fill: its markout is due a minute later. When too many wait, this one is left out."""
    if markouts.n_waiting < PENDING_MAX:
        waiting = markouts.waiting[markouts.n_waiting]
        markouts.n_waiting += 1
        waiting.due_ns = now_ns + HORIZON_NS
        waiting.side = side
        waiting.price = price


@kernel
def measure_markouts(markouts: Any, window: int, bar_end_ns: int, close: int) -> None:
    """A one-minute bar has closed: whatever is due is measured with its close."""
    kept = 0
    for i in range(markouts.n_waiting):
        waiting = markouts.waiting[i]
        if waiting.due_ns <= bar_end_ns:
            moved = (close - waiting.price) * waiting.side
            keep_markout(markouts, window, moved * 10_000_000 // waiting.price)
        else:
            markouts.waiting[kept] = waiting
            kept += 1
    markouts.n_waiting = kept


@kernel
def keep_markout(markouts: Any, window: int, e3: int) -> None:
    """Keep a markout in 1/1000 bp; of more than `window` the oldest leaves."""
    at = markouts.oldest
    markouts.total_e3 += e3 - markouts.ring_e3[at]
    markouts.ring_e3[at] = e3
    markouts.oldest = (at + 1) % window
    markouts.count = min(markouts.count + 1, window)


@kernel
def measured_adverse_bp(markouts: Any, fills_min: int) -> float:
    """Minus the mean markout in bp; 0 until there are enough fills."""
    if markouts.count < fills_min:
        return 0.0
    return -(markouts.total_e3 / markouts.count) / 1000.0
