"""Orders at speed: none is lost, none comes out of turn.

The long runs are `python -m benchmarks.sandbox_load`: 1,000 a second for ten seconds, 100 a second for ten minutes; the
second of them is the part `load` of the storm.
"""

import asyncio

import pytest

from benchmarks.sandbox_load import Door, loaded, slope
from tests.sandbox_client import sandbox_client


@pytest.mark.req("E-133")
def test_a_hundred_a_second_and_a_burst_of_a_thousand_are_answered_told_and_kept_one_by_one() -> None:
    async def story() -> list[str]:
        async with sandbox_client() as client:
            door = Door(client.rest, client.ws, client.key, client.secret)
            return await loaded(door, [(100.0, 2.0), (1_000.0, 1.0)], tell=str)

    assert asyncio.run(story()) == []


def test_a_slope_leaves_the_beginning_out() -> None:
    assert slope([(0.0, 900.0)] + [(float(n), 5.0 * n) for n in range(1, 20)]) == 5.0
