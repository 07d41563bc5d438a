"""Days by number, UTC: day 0 is 1970-01-01. A cycle at 00:05 decides on the close of the day before it."""

from datetime import date
from typing import Final

DAY_NS: Final = 86_400_000_000_000

_EPOCH: Final = date(1970, 1, 1).toordinal()

HALVINGS: Final = (date(2012, 11, 28), date(2016, 7, 9), date(2020, 5, 11), date(2024, 4, 20))
"""Days on which the reward of Bitcoin's miners was halved. Each is known from its own day on."""

HALVING_EVERY_DAYS: Final = 1_458
"""210,000 blocks of ten minutes."""


def day_of(year: int, month: int, day: int) -> int:
    """The number of a calendar day."""
    return date(year, month, day).toordinal() - _EPOCH


def date_of(day: int) -> date:
    """The calendar day of a number."""
    return date.fromordinal(day + _EPOCH)


def is_quarter_end(day: int) -> bool:
    """Is it the last day of March, June, September or December?"""
    return date_of(day + 1).day == 1 and date_of(day).month % 3 == 0


def is_month_end(day: int) -> bool:
    """Is it the last day of its month?"""
    return date_of(day + 1).day == 1


def a_year_after(day: int) -> int:
    """The same calendar day twelve months later; of 29 February the 28th."""
    found = date_of(day)
    if (found.month, found.day) == (2, 29):
        return day_of(found.year + 1, 2, 28)
    return found.replace(year=found.year + 1).toordinal() - _EPOCH


def next_halving(day: int) -> int | None:
    """The day of the next halving as estimated on a day: the last one known then, and 1,458 days. None before any."""
    known = [halving.toordinal() - _EPOCH for halving in HALVINGS]
    past = [halving for halving in known if halving <= day]
    return past[-1] + HALVING_EVERY_DAYS if past else None
