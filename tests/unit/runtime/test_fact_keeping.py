"""Sources asked in their rhythm, in an hour that takes no time: news, silence and restatements reach the tape."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from quintet.core.facts import LATE, MISSING, OK, RESTATED, Observation, Said
from quintet.core.market.fact_watch import FactWatch, Rhythm
from quintet.ports.fact_source import FactUnanswered
from quintet.runtime.fact_keeping import FactKeeper, keep
from quintet.venues.alternative_me import fear_greed
from tests.fakes import fact_server
from tests.fakes.fact_server import serving
from tests.fakes.virtual_time import run

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
BEGIN = 19_000 * DAY
NAME = "alternative.me/fear_greed"


def clock() -> int:
    return BEGIN + int(asyncio.get_running_loop().time() * SECOND)


class Scripted:
    """Says what its script says at each time; an exception is raised."""

    facts = (NAME,)
    ask_every_s = 3600.0

    def __init__(self, script: Callable[[int], Sequence[Said]]) -> None:
        self.script = script
        self.asked_ns: list[int] = []

    async def ask(self, now_ns: int) -> Sequence[Said]:
        self.asked_ns.append(now_ns)
        return self.script(now_ns)


def kept(script: Callable[[int], Sequence[Said]], hours: float) -> tuple[list[Observation], FactKeeper, Scripted]:
    async def work() -> tuple[list[Observation], FactKeeper, Scripted]:
        heard: list[Observation] = []
        source = Scripted(script)
        watch = FactWatch(NAME, Rhythm(DAY, 3 * HOUR), 0, BEGIN)
        keeper = FactKeeper(source, {NAME: watch}, heard.append, clock)
        await _for(keep([keeper]), hours)
        return heard, keeper, source

    return run(work())


async def _for(work: Any, hours: float) -> None:
    task = asyncio.create_task(work)
    await asyncio.sleep(hours * 3600 + 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_source_is_asked_in_its_rhythm_and_news_is_told_once() -> None:
    heard, keeper, source = kept(lambda now: [Said(NAME, BEGIN, 30, 0)], 6)
    assert [(ns - BEGIN) // HOUR for ns in source.asked_ns] == [0, 1, 2, 3, 4, 5, 6]
    assert [(each.value, each.quality) for each in heard] == [(30, OK)]
    assert (keeper.answers, keeper.unanswered) == (7, 0)


def test_silence_is_told_at_its_moment_and_what_comes_then_is_late() -> None:
    def script(now_ns: int) -> Sequence[Said]:
        if now_ns < BEGIN + 4.5 * HOUR:
            raise FactUnanswered("somebody: no usable answer")
        return [Said(NAME, BEGIN, 30, 0)]

    heard, keeper, _ = kept(script, 6)
    assert [(each.quality, (each.known_ns - BEGIN) // HOUR) for each in heard] == [(MISSING, 3), (LATE, 5)]
    assert (keeper.unanswered, keeper.latest) == (5, "somebody: no usable answer")


def test_a_restated_value_is_told_beside_the_first() -> None:
    heard, _, _ = kept(lambda now: [Said(NAME, BEGIN, 30 if now < BEGIN + 2 * HOUR else 18, 0)], 4)
    assert [(each.value, each.revision, each.quality) for each in heard] == [(30, 0, OK), (18, 1, RESTATED)]


def test_days_of_silence_are_all_told() -> None:
    def script(now_ns: int) -> Sequence[Said]:
        raise FactUnanswered("gone")

    heard, _, _ = kept(script, 72)
    assert [(each.about_ns - BEGIN) // DAY for each in heard] == [0, 1, 2]
    assert all(each.quality == MISSING for each in heard)


def test_what_nobody_watches_is_not_told() -> None:
    heard, _, _ = kept(lambda now: [Said("somebody/else", BEGIN, 1, 0)], 1)
    assert heard == []


def test_over_a_misbehaving_server_a_day_of_the_index() -> None:
    """The whole way: faults of the first hours, the value an hour after it was missed, restated at noon."""

    async def work() -> tuple[list[Observation], list[Any]]:
        def answer(asked: Any) -> Any:
            hour = (clock() - BEGIN) // HOUR
            value = "30" if hour < 12 else "18"
            return fact_server.fear_greed({BEGIN // SECOND: value})

        heard: list[Observation] = []
        # three and a half hours of faults: four attempts each twenty minutes
        faults = ["500", "429", "half", "html"] * 10
        async with serving(answer, *faults) as server:
            line = fear_greed.line(server.url)
            watch = FactWatch(NAME, Rhythm(DAY, 3 * HOUR), 0, BEGIN)
            keeper = FactKeeper(fear_greed.source(line), {NAME: watch}, heard.append, clock)
            await _for(keep([keeper]), 14)
            await line.close()
            return heard, [keeper.unanswered, keeper.answers > 20]

    heard, counts = run(work())
    assert [(each.value, each.quality) for each in heard] == [(0, MISSING), (30, LATE), (18, RESTATED)]
    assert heard[0].known_ns - BEGIN - 3 * HOUR < SECOND
    assert counts == [10, True]
