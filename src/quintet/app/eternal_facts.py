"""What the conductor of a portfolio hears of the market before it decides, and of the world outside as it is published.

Every answer is an event of the conductor. What should have come from outside and has not is an event too, under a name
that no rule reads: the rules see the last value until it is too old, and then none.
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from quintet.app.desk_facts import FactAccess, keep_facts
from quintet.core.errors import InputError
from quintet.core.events import ROW
from quintet.core.facts import MISSING, Observation, observations_in
from quintet.research.daily_tape import DAY_NS, Told
from quintet.research.eternal_conductor import VOLUME, Conductor
from quintet.venues.bybit.daily_market import DailyMarket
from quintet.venues.venue_clock import ClockUnsure

NAMES: Final = {"alternative.me/fear_greed": "fear_greed"}
"""Facts by their family's name, and what the conductor calls them."""

DECIMALS: Final = 9
EARN_YIELD: Final = "eth_yield"
HISTORY_DAYS: Final = 1_500
"""Averages of 200 days, and four years of highs."""

RATES_BEFORE_NS: Final = 2 * DAY_NS
NOT_NOW: Final = (InputError, ClockUnsure)
"""What the venue, or the line to it, may answer: it is asked again."""


class MarketFacts:
    """Days, rates, forecasts and yields of one market. `earns`: the coin that may be staked, empty where none may."""

    def __init__(self, market: DailyMarket, conductor: Conductor, earns: str) -> None:
        self._market, self._conductor, self._earns = market, conductor, earns

    async def since(self, now_ns: int) -> list[Told]:
        """What has closed and was settled since the conductor was told last, and what is to come, in their order.

        Raises InputError while the market does not answer; a yield that nobody says is left out.
        """
        told = [*await self._forecasts(now_ns), *await self._yields(now_ns)]
        for n in range(len(self._conductor.names)):
            told += [*await self._days(n, now_ns), *await self._rates(n, now_ns)]
        return sorted(told, key=lambda one: (one.event_ns, one.instrument))

    async def _days(self, n: int, now_ns: int) -> list[Told]:
        """Days that have closed, and of the last one what was traded, where orders are held to a part of it."""
        today_ns = now_ns // DAY_NS * DAY_NS
        first_ns = self._conductor.days_end[n] or today_ns - HISTORY_DAYS * DAY_NS
        days = await self._market.days(n, first_ns, today_ns)
        told = [Told(now_ns, "bar", n, one.end_ns, one.prices) for one in days]
        if self._conductor.config.risk.participation_frac:
            what = f"{VOLUME}{self._conductor.names[n]}"
            told += [Told(now_ns, what, n, one.end_ns, (one.volume_e9,)) for one in days[-1:]]
        return told

    async def _rates(self, n: int, now_ns: int) -> list[Told]:
        after_ns = self._conductor.settled_ns[n] or now_ns - RATES_BEFORE_NS
        rates = await self._market.rates(n, after_ns, now_ns)
        return [Told(now_ns, "rate", n, one.at_ns, (one.rate_e9,)) for one in rates]

    async def _forecasts(self, now_ns: int) -> list[Told]:
        """What the next funding of each perpetual will be, as it stands now."""
        found = await self._market.touches()
        perpetuals = {n for n, name in enumerate(self._conductor.names) if name.endswith("-PERP")}
        return [Told(now_ns, "predicted", n, ts_ns, (one.rate_e9,)) for ts_ns, n, one in found if n in perpetuals]

    async def _yields(self, now_ns: int) -> list[Told]:
        """What the Earn product pays now; nothing where it does not say: no rule waits for it."""
        if not self._earns:
            return []
        with contextlib.suppress(*NOT_NOW):
            found = await self._market.earn_yield(self._earns, now_ns)
            return [Told(now_ns, EARN_YIELD, 0, found.about_ns, (found.value,))] if found is not None else []
        return []


def told_of(said: Observation) -> Told:
    """The conductor's form of an observation: its value in 1e-9, known from when we had it."""
    name = NAMES[said.name]
    if said.quality == MISSING:
        return Told(said.known_ns, f"no_{name}", 0, said.about_ns, (0,))
    return Told(said.known_ns, name, 0, said.about_ns, (said.value * 10 ** (DECIMALS - said.decimals),))


async def hear_facts(
    names: tuple[str, ...],
    hosts: Mapping[str, str],
    hear: Callable[[Told], None],
    unanswered: Callable[[str], None],
    clock: Callable[[], int] = time.time_ns,
) -> None:
    """For ever; `hosts`: others that speak for a source, `unanswered`: told once for each reason of a silence."""

    def enter(rows: Any) -> None:
        for said in observations_in(np.asarray(rows).view(np.recarray), "facts"):
            hear(told_of(said))

    await keep_facts(names, FactAccess({}, hosts), np.zeros(0, ROW), enter, unanswered, clock)
