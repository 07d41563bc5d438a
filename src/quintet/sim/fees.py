"""Fees by turnover: the venue looks at the account's last 30 days.

Assumption: the tier is set anew at 00:00 UTC, from the value of all fills of the 30 UTC days before, this desk's only;
what the account traded before the run is spread evenly over the days before it.
"""

from typing import Any

from quintet.core.kernel import kernel

DAY_NS = 86_400_000_000_000
DAYS = 30


@kernel
def fee_rate_e9(venue: Any, inst: Any, maker: int, ts: int) -> int:
    """The rate of a fill at `ts`, in 1e-9 of its value; below 0 it is a rebate."""
    if venue.n_fee_tiers == 0:
        return inst.maker_fee_e9 if maker != 0 else inst.taker_fee_e9
    go_to_day(venue, ts // DAY_NS)
    t = 0
    while t + 1 < venue.n_fee_tiers and venue.turnover_30 >= venue.fee_tiers[t + 1].turnover:
        t += 1
    return venue.fee_tiers[t].maker_e9 if maker != 0 else venue.fee_tiers[t].taker_e9


@kernel
def go_to_day(venue: Any, day: int) -> None:
    """Let the days pass up to UTC day `day`: what was traded in one counts from the next, for 30 days."""
    room = venue.turnover_days.shape[0]
    if venue.turnover_day < 0:
        venue.turnover_day = day
        for back in range(1, DAYS + 1):
            venue.turnover_days[(day - back) % room] = venue.turnover_30 // DAYS
        venue.turnover_days[(day - DAYS) % room] += venue.turnover_30 % DAYS
    while venue.turnover_day < day:
        yesterday = venue.turnover_day
        venue.turnover_day += 1
        today = venue.turnover_day % room
        venue.turnover_30 += venue.turnover_days[yesterday % room] - venue.turnover_days[today]
        venue.turnover_days[today] = 0


@kernel
def count_turnover(venue: Any, value: int) -> None:
    """A fill of this value, on the day that `fee_rate_e9` was asked about."""
    venue.turnover_days[venue.turnover_day % venue.turnover_days.shape[0]] += value
