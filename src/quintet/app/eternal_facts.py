"""What the conductor of a portfolio hears of the market before it decides, and of the world outside as it is published.

Every answer is an event of the conductor. What should have come from outside and has not is an event too, under a name
that no rule reads: the rules see the last value until it is too old, and then none. Of trouble at the venue, which has
to last before it is one, the conductor hears what came of it, not every look.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from quintet.app.desk_facts import FactAccess, keep_facts
from quintet.app.eternal_trouble import WINDOW_NS, Insurance, Withdrawals, after_insurance, after_withdrawals
from quintet.core.errors import DataError, InputError
from quintet.core.events import ROW
from quintet.core.facts import MISSING, Observation, observations_in
from quintet.core.units import E9
from quintet.research.daily_tape import DAY_NS, Told
from quintet.research.eternal_conductor import INSURANCE_ALARM, MONEY, VOLUME, WITHDRAWALS_OPEN, Conductor
from quintet.runtime.live_desk import ALARM, NOTICE, Said
from quintet.venues.bybit.daily_market import DailyMarket
from quintet.venues.bybit.outside_facts import withdrawals
from quintet.venues.bybit.rest import Rest
from quintet.venues.venue_clock import ClockUnsure

NAMES: Final = {"alternative.me/fear_greed": "fear_greed"}
"""Facts by their family's name, and what the conductor calls them."""

DECIMALS: Final = 9
EARN_YIELD: Final = "eth_yield"
HISTORY_DAYS: Final = 1_500
"""Averages of 200 days, and four years of highs."""

TROUBLE_LOOK_S: Final = 300.0
"""So often the venue is asked for trouble: an hour of closed withdrawals is measured to a twelfth of it."""

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


class VenueTrouble:
    """Looks whether the venue lets coins out, and what is in its insurance pools. `rest`: of any account of the venue.

    Without `rest`, as on paper, nobody says anything of withdrawals. What was seen before lies in no file: an hour of
    closed withdrawals, and the day of a pool, are measured anew by whoever comes back; what the conductor was told
    holds until it is too old, and an alarm of the pools for a day at least.
    """

    def __init__(
        self, market: DailyMarket, rest: Rest | None, conductor: Conductor, assets: Sequence[str],
        say: Callable[[Said], None], clock: Callable[[], int],
    ) -> None:  # fmt: skip
        self._market, self._rest, self._conductor = market, rest, conductor
        self._coins, self._say, self._clock = (MONEY, *assets), say, clock
        is_alarmed = conductor.fact_e9(INSURANCE_ALARM, clock())
        self._withdrawals, self._insurance = Withdrawals(), Insurance(calm_ns=clock() + WINDOW_NS if is_alarmed else 0)
        self._silences: dict[str, str] = {}
        self.latest: dict[str, Told] = {}
        """What is true as far as anybody has said, by the name of the fact: every decision hears it again."""

    async def keep(self, hear: Callable[[Told], None]) -> None:
        """Look for ever; `hear` is told what is other than the conductor knows."""
        while True:
            for told in await self.look():
                hear(told)
            await asyncio.sleep(TROUBLE_LOOK_S)

    async def look(self) -> list[Told]:
        """Ask once; returns what is other than the conductor knows, which people are told, too."""
        found = {WITHDRAWALS_OPEN: await self._asked("withdrawals", self._look_at_withdrawals),
                 INSURANCE_ALARM: await self._asked("the insurance fund", self._look_at_insurance)}  # fmt: skip
        changed = []
        for name, value in found.items():
            if value is None:
                continue
            now_ns = self._clock()
            before = self._conductor.fact_e9(name, now_ns)
            told = self.latest[name] = Told(now_ns, name, 0, now_ns, (value * E9,))
            if before != told.values[0]:
                changed.append(told)
                self._tell_people(name, before, value)
        return changed

    def deleveraged(self) -> Told:
        """The venue has closed a position of ours for want of its fund: an alarm for a day, whatever the pools hold."""
        now_ns = self._clock()
        self._insurance = self._insurance._replace(calm_ns=now_ns + WINDOW_NS)
        self.latest[INSURANCE_ALARM] = Told(now_ns, INSURANCE_ALARM, 0, now_ns, (E9,))
        return self.latest[INSURANCE_ALARM]

    async def _asked(self, what: str, look: Callable[[], Awaitable[bool | None]]) -> bool | None:
        """What came of a look; each reason of a silence is told once, until there is an answer again."""
        try:
            found = await look()
        except NOT_NOW as error:
            if self._silences.get(what) != str(error):
                self._notice(f"nobody says anything of {what}: {error}")
            self._silences[what] = str(error)
            return None
        self._silences.pop(what, None)
        return found

    async def _look_at_withdrawals(self) -> bool | None:
        if self._rest is None:
            return None
        found = {coin: await withdrawals(self._rest, coin) for coin in self._coins}
        self._withdrawals, is_open = after_withdrawals(self._withdrawals, self._clock(), found)
        unlisted = [coin for coin, opened in found.items() if opened is None]
        if is_open is None and unlisted:
            raise DataError(f"coin info: found no chain of {', '.join(unlisted)}, expected one")
        return is_open

    async def _look_at_insurance(self) -> bool | None:
        pools = await self._market.insurance()
        if not pools:
            raise DataError("insurance: found no pool behind what is traded, expected one")
        self._insurance, is_alarm = after_insurance(self._insurance, self._clock(), pools)
        return is_alarm

    def _tell_people(self, name: str, before: int | None, value: bool) -> None:
        """Trouble, and its end; that there is none is no news."""
        if name == WITHDRAWALS_OPEN and not value:
            coins = ", ".join(self._withdrawals.closed())
            self._alarm(f"withdrawals of {coins} are closed at the venue for an hour: CORE stops with its next cycle")
        elif name == INSURANCE_ALARM and value:
            fallen = ", ".join(f"{pool} by {cent} %" for pool, cent in self._insurance.fallen().items())
            self._alarm(f"the insurance fund has fallen within a day: behind {fallen}: FUNDING leaves all pairs")
        elif name == WITHDRAWALS_OPEN and before is not None:
            self._notice("withdrawals are open again at the venue")
        elif before is not None:
            self._notice("the insurance fund falls no more at the venue")

    def _notice(self, text: str) -> None:
        self._say(Said(self._clock(), NOTICE, text))

    def _alarm(self, text: str) -> None:
        self._say(Said(self._clock(), ALARM, text))


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
