"""The facts of a desk that lives: asked for while it lives, no news twice, and a source that is silent is told once."""

import asyncio
from typing import Any

import numpy as np
import pytest

from quintet.app.desk_facts import FactAccess, asked_of, keep_facts, require_access
from quintet.app.fact_recording import watches_of
from quintet.app.messages import Complaint
from quintet.core.facts import LATE, MISSING, Observation, Said, observations_in
from tests.fakes import fact_server
from tests.fakes.fact_server import serving
from tests.fakes.virtual_time import run

FEAR = "alternative.me/fear_greed"
SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
BEGIN = 19_000 * 24 * HOUR


def clock() -> int:
    return BEGIN + int(asyncio.get_running_loop().time() * SECOND)


def lived(hours: float, past: Any, *faults: str) -> tuple[list[Any], list[str]]:
    """What enters a desk that lives for so long, and what it is told besides."""

    async def work() -> tuple[list[Any], list[str]]:
        entered: list[Any] = []
        told: list[str] = []
        answer = fact_server.fear_greed({BEGIN // SECOND: "30"})
        async with serving(lambda _: answer, *faults) as server:
            access = FactAccess({}, {"alternative.me": server.url})
            task = asyncio.create_task(keep_facts((FEAR,), access, past, entered.append, told.append, clock))
            await asyncio.sleep(hours * 3600)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return entered, told

    return run(work())


NOTHING = np.zeros(0, [("kind", "u1")])


def test_what_a_source_says_enters_once() -> None:
    entered, told = lived(2, NOTHING)
    [said] = observations_in(entered[0], "entered")
    assert len(entered) == 1
    assert (said.name, said.value, told) == (FEAR, 30, [])


def test_what_is_on_the_tape_already_is_no_news() -> None:
    entered, _ = lived(1, NOTHING)
    assert lived(1, np.asarray(entered[0]))[0] == []


def test_a_silent_source_is_told_once_and_its_silence_enters() -> None:
    entered, told = lived(5, NOTHING, *["500"] * 40)
    found = [each for rows in entered for each in observations_in(rows, "entered")]
    assert [each.quality for each in found] == [MISSING, LATE]
    assert told == ["alternative.me /fng/: no usable answer after 4 attempts: HTTP 500"]


def test_only_facts_that_have_a_source_are_asked_for() -> None:
    assert asked_of((FEAR, "binance/funding_rate/BTCUSDT", "somebody/else")) == (FEAR,)
    require_access((FEAR, "somebody/else"), FactAccess())
    with pytest.raises(Complaint, match="glassnode answers nobody without a key"):
        require_access(("glassnode/mvrv/BTC",), FactAccess())


def test_what_did_not_come_while_nobody_listened_is_missing_too() -> None:
    day = 24 * HOUR
    past = [
        Observation(name=FEAR, about_ns=BEGIN - n * day, known_ns=BEGIN - n * day + HOUR, value=40, decimals=0)
        for n in (4, 3)
    ]
    watch = watches_of((FEAR,), BEGIN, past)[FEAR]
    assert [each.about_ns for each in watch.overdue(BEGIN + HOUR)] == [BEGIN - 2 * day, BEGIN - day]
    # and what is there already is no news
    assert watch.hear(Said(FEAR, BEGIN - 3 * day, 40, 0), BEGIN) is None
    # a fact that was never heard is waited for from now on
    assert list(watches_of((FEAR,), BEGIN)[FEAR].overdue(BEGIN + HOUR)) == []
