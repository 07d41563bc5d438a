"""Whoever has been alive before waits for a venue that is not there: orders and positions of it may be there."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from pathlib import Path
from typing import Final, TypeVar

from quintet.app.machine import Machine
from quintet.ports.live_feed import NotNow
from quintet.runtime.live_desk import ALARM, Said
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.connection import FeedUnreachable

VENUE_PAUSES_S: Final = (1.0, 5.0, 15.0)
"""Before a venue that was not there is looked for again; from then on always the last."""

NOT_THERE: Final = (FeedUnreachable, VenueUnreachable, NotNow)

Life = TypeVar("Life")


async def once_the_venue_is_there(
    live: Callable[[float | None], Awaitable[Life]],
    seconds: float | None,
    tape: Path,
    said: Callable[[Said], None],
    machine: Machine,
) -> Life:
    """What `live` returns, which is told how many of its `seconds` are left; each wait is an alarm.

    `tape`: is there when it has been alive before. Raises FeedUnreachable, VenueUnreachable or NotNow where it has not,
    or when its time would be over before the next attempt.
    """
    until_ns = None if seconds is None else machine.steady_ns() + int(seconds * 1e9)
    pauses = chain(VENUE_PAUSES_S, repeat(VENUE_PAUSES_S[-1]))
    while True:
        left_s = None if until_ns is None else max(until_ns - machine.steady_ns(), 0) / 1e9
        try:
            return await live(left_s)
        except NOT_THERE as error:
            pause_s = next(pauses)
            left_s = None if until_ns is None else (until_ns - machine.steady_ns()) / 1e9
            is_over = left_s is not None and left_s <= pause_s
            if is_over or not tape.exists():
                raise
            said(Said(machine.wall_ns(), ALARM, f"{error}: trying again in {pause_s:g} s"))
            await asyncio.sleep(pause_s)
