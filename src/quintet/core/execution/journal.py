"""What is written down of executions, for who reads a run: when one began, and when and how it was over.

    code    BEGAN + algorithm    GREW + algorithm     OVER + algorithm
    a       tag                  tag                  tag
    b       instrument           instrument           instrument
    c       lots, - = to sell    lots in all by now   lots filled
    d       mid then, doubled    0                    phase it ended in

Its fills bear its tags and lie between the two; prices, times and maker shares are read from them.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from quintet.core.execution.parent import ALGORITHM_NAMES, IDLE, PHASE_NAMES, Parent
from quintet.core.execution.position import Position

BEGAN: Final = 900
OVER: Final = 920
GREW: Final = 940


class Told(NamedTuple):
    """One note: a code and four numbers, as `core.state.NOTE` has them."""

    code: int
    a: int
    b: int
    c: int
    d: int


def told(before: Parent | Position, after: Parent | Position) -> Iterator[Told]:
    """What there is to say of one wake: a beginning, an end, or both."""
    is_new = after.phase != IDLE and (_key(after) != _key(before) or (before.is_over and after.is_active))
    if is_new:
        # A position is left by selling what was bought.
        side = after.side if isinstance(after, Parent) else -after.side
        yield Told(BEGAN + after.algorithm, after.tag, after.instrument, side * after.lots, after.twice_mid)
    elif after.lots != before.lots:
        yield Told(GREW + after.algorithm, after.tag, after.instrument, after.lots, 0)
    if after.is_over and (is_new or not before.is_over):
        yield Told(OVER + after.algorithm, after.tag, after.instrument, after.filled, after.phase)


def _key(state: Parent | Position) -> tuple[int, ...]:
    return state.algorithm, state.tag, state.instrument, state.began_ns


def kind_of(code: int) -> str:
    """A note's code as a word of the run's log; other codes are numbers."""
    if code - BEGAN in range(len(ALGORITHM_NAMES)):
        return f"{ALGORITHM_NAMES[code - BEGAN]} began"
    if code - OVER in range(len(ALGORITHM_NAMES)):
        return f"{ALGORITHM_NAMES[code - OVER]} over"
    if code - GREW in range(len(ALGORITHM_NAMES)):
        return f"{ALGORITHM_NAMES[code - GREW]} grew"
    return str(code)


def explained(note: Any, instrument: Any) -> str:
    """A note as a sentence of the run's log, empty for one of another kind; lots, and prices in increments."""
    code, tag, lots, d = int(note["code"]), int(note["a"]), int(note["c"]), int(note["d"])
    if code - BEGAN in range(len(ALGORITHM_NAMES)):
        return f"tag {tag}: {'buy' if lots > 0 else 'sell'} {abs(lots)} lots, mid {d / 2:g}"
    if code - OVER in range(len(ALGORITHM_NAMES)):
        return f"tag {tag}: {PHASE_NAMES[d]}, {lots} lots filled"
    if code - GREW in range(len(ALGORITHM_NAMES)):
        return f"tag {tag}: {lots} lots in all"
    return ""
