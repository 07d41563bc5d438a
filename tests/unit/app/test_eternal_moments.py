"""When a portfolio decides, around the edges of a day."""

import pytest

from quintet.app.eternal_moments import Moment, due
from quintet.research.daily_tape import DAY_NS

MINUTE_NS = 60_000_000_000
TODAY = 20_000
"""A day by its number since 1970."""


def at(clock: str, day: int = TODAY) -> int:
    hours, minutes = map(int, clock.split(":"))
    return day * DAY_NS + (hours * 60 + minutes) * MINUTE_NS


NEVER = (0, -1)
YESTERDAYS_CYCLE = (at("00:05", TODAY - 1), TODAY - 2)


@pytest.mark.parametrize(
    ("now", "decided_ns", "cycled_day", "expected"),
    [
        # a new portfolio decides at once, of the last day that was closed when it was last time to
        (at("21:08"), *NEVER, Moment(TODAY - 1, is_cycle=True)),
        (at("00:05"), *NEVER, Moment(TODAY - 1, is_cycle=True)),
        # but not in the minutes between a close and its own cycle
        (at("00:00"), *NEVER, None),
        (at("00:04"), *NEVER, None),
        # a day as it is lived
        (at("00:04"), at("16:05", TODAY - 1), TODAY - 2, None),
        (at("00:05"), at("16:05", TODAY - 1), TODAY - 2, Moment(TODAY - 1, is_cycle=True)),
        (at("00:06"), at("00:05"), TODAY - 1, None),
        (at("08:04"), at("00:05"), TODAY - 1, None),
        (at("08:05"), at("00:05"), TODAY - 1, Moment(TODAY - 1, is_cycle=False)),
        (at("16:05"), at("08:05"), TODAY - 1, Moment(TODAY - 1, is_cycle=False)),
        # a settlement of yesterday that was decided after midnight takes nothing from today's cycle
        (at("00:05"), at("00:01"), TODAY - 2, Moment(TODAY - 1, is_cycle=True)),
        # what was slept through: once, and a cycle whenever there was none of that day
        (at("09:00"), *YESTERDAYS_CYCLE, Moment(TODAY - 1, is_cycle=True)),
        (at("23:59"), *YESTERDAYS_CYCLE, Moment(TODAY - 1, is_cycle=True)),
        (at("00:03", TODAY + 1), *YESTERDAYS_CYCLE, None),
        (at("00:05", TODAY + 40), *YESTERDAYS_CYCLE, Moment(TODAY + 39, is_cycle=True)),
    ],
)
def test_what_is_due(now: int, decided_ns: int, cycled_day: int, expected: Moment | None) -> None:
    assert due(now, decided_ns, cycled_day) == expected


def test_each_day_has_one_cycle_and_two_settlements_whenever_it_is_looked() -> None:
    """Every minute of four days is looked at, and what is due is decided a minute and a half later."""
    decided_ns, cycled_day, found = 0, -1, []
    for minute in range(4 * 1_440):
        now_ns = at("00:00") + minute * MINUTE_NS
        moment = due(now_ns, decided_ns, cycled_day)
        if moment is not None:
            decided_ns, cycled_day = now_ns + 90_000_000_000, max(cycled_day, moment.day)
            found.append((moment.day - TODAY, moment.is_cycle))
    assert found == [(day, n == 0) for day in range(-1, 3) for n in range(3)]
