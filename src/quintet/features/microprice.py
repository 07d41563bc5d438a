"""Microprice: the expected future mid, learned from how books have moved (Stoikov, "The micro-price", 2018).

A book is in one of 84 states: its spread in ticks (1, 2, 3, 4 and more) and the imbalance of its touch, in 21 parts of
-1 to 1, so that a balanced book is its own mirror image. From each observation to the next, two things are counted:
which state followed, and how far the mid went. Every observation is also counted mirrored (bid and ask exchanged), so
that the long-run drift is nil. With r the mean move out of a state and P the chances of the next one, the mid is
expected to end r + P r + P^2 r + ... away from where it is; that sum is the adjustment of a state, and microprice =
mid + adjustment.

Counting is one kernel for each observation and exact; the sum is taken when asked for, by doubling: the sum of 2n terms
is that of n terms plus P^n times it.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
from quintet.core.market.prices import has_touch, imbalance
from quintet.core.records import record

NAN: Final = math.nan
SPREADS: Final = 4
SIDES: Final = 21
STATES: Final = SPREADS * SIDES
_MIDDLE = SIDES // 2

_DOUBLINGS = 24
_SETTLED = 1e-6
"""The last half of the terms may add so many ticks; a sum that has an end adds nothing but rounding by then."""

MICROPRICE = record(
    tick="i8",  # price increments in a tick
    last="i8",  # state of the last book, -1 before the first
    last_twice_mid="i8",
    observations="i8",
    moved=("i8", STATES),  # sum of moves out of a state, in half increments
    seen=("i8", STATES),
    followed=("i8", (STATES, STATES)),
    adjustment=("f8", STATES),  # in ticks (price increments), set by microprice_solve
)


def start_microprice(state: Any, tick: int = 1) -> None:
    """Nothing observed, no adjustment anywhere; `tick` is in price increments, 1 or more. Raises ConfigError."""
    if not 1 <= tick < 2**31:
        raise ConfigError(f"microprice: tick is {tick} price increments, expected 1 to 2147483647")
    for name in state.dtype.names:
        state[name] = 0
    state.tick, state.last = tick, -1


@kernel
def book_state(tick: int, bid: int, ask: int, bid_lots: int, ask_lots: int) -> int:
    """The number of a book's state; both sides have a touch and at least a lot."""
    spread = min(max((ask - bid) // tick, 1), SPREADS) - 1
    leaning = imbalance(bid_lots, ask_lots)
    # Rounded away from the middle on both sides alike: a book and its mirror image are in mirrored parts.
    away = min(int(abs(leaning) * 0.5 * SIDES + 0.5), _MIDDLE)
    return spread * SIDES + (_MIDDLE + away if leaning >= 0.0 else _MIDDLE - away)


@kernel
def mirrored(number: int) -> int:
    """The state of the same book with bid and ask exchanged."""
    return number - number % SIDES + SIDES - 1 - number % SIDES


@kernel
def microprice_update(state: Any, bid: int, ask: int, bid_lots: int, ask_lots: int) -> float:
    """Learn from one more book, and answer its microprice in ticks by what was last solved; NaN without two sides."""
    if not has_touch(bid, ask) or bid_lots <= 0 or ask_lots <= 0:
        state.last = -1
        return NAN
    here = book_state(state.tick, bid, ask, bid_lots, ask_lots)
    if state.last >= 0:
        _count(state, state.last, here, bid + ask - state.last_twice_mid)
        _count(state, mirrored(state.last), mirrored(here), state.last_twice_mid - bid - ask)
        state.observations += 1
    state.last = here
    state.last_twice_mid = bid + ask
    return 0.5 * (bid + ask) + state.adjustment[here]


@kernel
def _count(state: Any, before: int, after: int, moved: int) -> None:
    state.seen[before] += 1
    state.followed[before, after] += 1
    state.moved[before] += moved


@kernel
def microprice(state: Any, bid: int, ask: int, bid_lots: int, ask_lots: int) -> float:
    """The expected future mid of a book, in ticks, without learning from it; NaN without two sides."""
    if not has_touch(bid, ask) or bid_lots <= 0 or ask_lots <= 0:
        return NAN
    return 0.5 * (bid + ask) + state.adjustment[book_state(state.tick, bid, ask, bid_lots, ask_lots)]


@kernel
def microprice_solve(state: Any) -> None:
    """Set `adjustment` from the counts: 2^24 terms of the sum.

    A state that was never left stays where it is. A sum without an end (of bid-heavy books only, say, that only rise)
    makes the adjustment NaN.
    """
    chances, room, terms = np.zeros((STATES, STATES)), np.zeros((STATES, STATES)), np.zeros(STATES)
    for row in range(STATES):
        total = float(max(state.seen[row], 1))
        state.adjustment[row] = 0.5 * state.moved[row] / total
        for column in range(STATES):
            chances[row, column] = state.followed[row, column] / total
        if state.seen[row] == 0:
            chances[row, row] = 1.0
    for _ in range(_DOUBLINGS):
        _times_vector(chances, state.adjustment, terms)
        for row in range(STATES):
            state.adjustment[row] += terms[row]
        _square(chances, room)
    for row in range(STATES):
        if abs(terms[row]) > _SETTLED:
            state.adjustment[row] = NAN


@kernel
def _times_vector(matrix: NDArray[Any], vector: Any, into: NDArray[Any]) -> None:
    for row in range(STATES):
        total = 0.0
        for column in range(STATES):
            total = total + matrix[row, column] * vector[column]
        into[row] = total


@kernel
def _square(matrix: NDArray[Any], room: NDArray[Any]) -> None:
    """The matrix becomes its square; every row is scaled back to a sum of 1, so that rounding cannot pile up."""
    for row in range(STATES):
        for column in range(STATES):
            room[row, column] = 0.0
        for middle in range(STATES):
            chance = matrix[row, middle]
            if chance > 0.0:
                for column in range(STATES):
                    room[row, column] += chance * matrix[middle, column]
    for row in range(STATES):
        total = 0.0
        for column in range(STATES):
            total = total + room[row, column]
        for column in range(STATES):
            matrix[row, column] = room[row, column] / total


@kernel
def microprice_batch(
    state: Any,
    bids: NDArray[Any],
    asks: NDArray[Any],
    bid_lots: NDArray[Any],
    ask_lots: NDArray[Any],
    prices: NDArray[Any],
) -> None:
    """Feed whole columns of books; `prices[i]` is the microprice of book i. All have the same length."""
    for i in range(bids.shape[0]):
        prices[i] = microprice_update(state, bids[i], asks[i], bid_lots[i], ask_lots[i])
