"""When a portfolio decides: a daily cycle at 00:05 UTC, and what was settled at 08:05 and 16:05."""

from typing import NamedTuple

from quintet.research.daily_tape import DAY_NS
from quintet.research.eternal_conductor import PERIOD_NS
from quintet.research.eternal_run import FIVE_MINUTES_NS


class Moment(NamedTuple):
    """What is to be decided now. `day`: the last that had closed by then; `is_cycle`: false for a settlement alone."""

    day: int
    is_cycle: bool


def due(now_ns: int, decided_ns: int, cycled_day: int) -> Moment | None:
    """The latest moment that is not decided yet; of several that were slept through this one alone.

    `decided_ns`: when something was decided last; `cycled_day`: the day of the last cycle, -1: there was none. Until
    its first five minutes are over a day has nothing to decide: what was left of the day before is its cycle's now,
    which knows of one more close.
    """
    moment_ns = (now_ns - FIVE_MINUTES_NS) // PERIOD_NS * PERIOD_NS + FIVE_MINUTES_NS
    if moment_ns <= decided_ns or moment_ns // DAY_NS < now_ns // DAY_NS:
        return None
    day = moment_ns // DAY_NS - 1
    return Moment(day, cycled_day < day)
