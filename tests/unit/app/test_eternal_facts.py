"""Facts from outside on their way to the conductor of a portfolio: what was said, and that nothing was."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from quintet.app.eternal_facts import hear_facts, told_of
from quintet.core.facts import MISSING, Observation
from quintet.research.daily_tape import DAY_NS, Told
from quintet.research.eternal_conductor import Conductor, Heard
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import ACCOUNTS
from tests.eternal_market import BTC, BTC_PERP
from tests.fakes.fact_server import Asked, serving

NAME = "alternative.me/fear_greed"


def said(**changed: Any) -> Observation:
    fields = {"name": NAME, "about_ns": DAY_NS, "known_ns": DAY_NS + 7, "value": 19, "decimals": 0}
    return Observation(**fields | changed)


@pytest.mark.req("E-103")
def test_the_index_becomes_a_fact_of_the_conductor() -> None:
    conductor = Conductor(EternalConfig(), (BTC, BTC_PERP), tuple(ACCOUNTS), ("BTC",))
    conductor.hear(Heard((told_of(said()),)))
    assert conductor.fact_e9("fear_greed", DAY_NS + 8) == 19 * 10**9
    assert conductor.fact_e9("fear_greed", DAY_NS + 7 + 37 * DAY_NS // 24) is None


def test_one_that_is_missing_is_an_event_that_changes_no_value() -> None:
    conductor = Conductor(EternalConfig(), (BTC, BTC_PERP), tuple(ACCOUNTS), ("BTC",))
    conductor.hear(Heard((told_of(said()), told_of(said(known_ns=DAY_NS + 9, quality=MISSING, value=0)))))
    assert conductor.fact_e9("fear_greed", DAY_NS + 10) == 19 * 10**9
    assert told_of(said(quality=MISSING, value=0)) == Told(DAY_NS + 7, "no_fear_greed", 0, DAY_NS, (0,))


def heard_from(answer: Callable[[Asked], Any], faults: list[str]) -> tuple[list[Told], list[str]]:
    """What is heard of a source within a moment, and why it said nothing."""
    told: list[Told] = []
    silences: list[str] = []

    async def story() -> None:
        async with serving(answer, *faults) as server:
            asking = asyncio.create_task(
                hear_facts((NAME,), {"alternative.me": server.url}, told.append, silences.append)
            )
            for _ in range(100):
                await asyncio.sleep(0.05)
                if told or silences:
                    break
            asking.cancel()

    asyncio.run(story())
    return told, silences


@pytest.mark.req("E-103")
def test_it_is_asked_for_and_heard_while_the_portfolio_lives() -> None:
    midnight_s = int(time.time()) // 86_400 * 86_400

    def answer(asked: Asked) -> Any:
        row = {"value": "19", "value_classification": "Extreme Fear", "timestamp": str(midnight_s)}
        return {"name": "Fear and Greed Index", "data": [row], "metadata": {"error": None}}

    told, silences = heard_from(answer, [])
    assert [(one.what, one.values, one.event_ns) for one in told] == [("fear_greed", (19 * 10**9,), midnight_s * 10**9)]
    assert silences == []
