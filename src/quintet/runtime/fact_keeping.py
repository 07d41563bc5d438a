"""Sources of facts, asked in their rhythm: what is news is handed on, and so is what should have come and has not.

A source that has no answer is asked again at its next turn; its silence shows as a missing fact when the fact is due,
at that moment and not at the next question.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from quintet.core.facts import Observation
from quintet.core.market.fact_watch import NEVER_NS, FactWatch
from quintet.ports.clock import Clock
from quintet.ports.fact_source import FactSource, FactUnanswered

SECOND_NS: Final = 1_000_000_000


class FactKeeper:
    """One source with the watches of its facts, by name. `heard`: takes each observation, in the order of its knowing.

    `answers`, `unanswered`: how often it had an answer, and none; `latest`: why it had none.
    """

    def __init__(
        self,
        source: FactSource,
        watches: Mapping[str, FactWatch],
        heard: Callable[[Observation], None],
        clock: Clock,
        *,
        unanswered: Callable[[str], None] = lambda why: None,
    ) -> None:
        """`unanswered`: told why there was no answer, each reason once until there is one."""
        self.answers = 0
        self.unanswered = 0
        self.latest = ""
        self._why = ""
        self._source = source
        self._watches = watches
        self._heard = heard
        self._clock = clock
        self._tell = unanswered

    async def run(self) -> None:
        """For ever, until it is cancelled."""
        while True:
            began_ns = self._clock()
            await self.turn()
            next_ns = began_ns + int(self._source.ask_every_s * SECOND_NS)
            while (now_ns := self._clock()) < next_ns:
                wakes_ns = min(next_ns, self.due_ns)
                await asyncio.sleep(max(wakes_ns - now_ns, 0) / SECOND_NS)
                self.look(self._clock())

    async def turn(self) -> None:
        """Ask once, and hand on what is news."""
        try:
            said = await self._source.ask(self._clock())
        except FactUnanswered as error:
            self.unanswered += 1
            if self._why != str(error):
                self._tell(str(error))
            self._why = self.latest = str(error)
            self.look(self._clock())
            return
        self.answers += 1
        self._why = ""
        now_ns = self._clock()
        self.look(now_ns)
        for each in said:
            watch = self._watches.get(each.name)
            news = watch.hear(each, now_ns) if watch is not None else None
            if news is not None:
                self._heard(news)

    @property
    def due_ns(self) -> int:
        """When the next of its facts will be called missing."""
        return min((watch.due_ns for watch in self._watches.values()), default=NEVER_NS)

    def look(self, now_ns: int) -> None:
        """Hand on what should have come by now and has not."""
        missing = [each for watch in self._watches.values() for each in watch.overdue(now_ns)]
        for each in sorted(missing, key=lambda one: one.known_ns):
            self._heard(each)


async def keep(keepers: Sequence[FactKeeper]) -> None:
    """All of them beside each other, until cancelled; what one raises ends all."""
    async with asyncio.TaskGroup() as group:
        for keeper in keepers:
            group.create_task(keeper.run())
