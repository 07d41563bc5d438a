"""A venue that is not there at a restart is waited for, with pauses that are told, and never for longer than asked."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from quintet.app.machine import Machine
from quintet.app.waiting_for_venue import once_the_venue_is_there
from quintet.core.errors import ConfigError, QuintetError
from quintet.runtime.live_desk import ALARM, Said
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.connection import FeedUnreachable
from quintet.venues.venue_clock import ClockUnsure
from tests.fakes.virtual_time import run


class Story:
    """A life that ends with these errors, one after the other, and then in peace."""

    def __init__(self, tape: Path, errors: Iterator[QuintetError], seconds: float | None = None) -> None:
        self.tape, self.errors, self.seconds = tape, errors, seconds
        self.said: list[Said] = []
        self.tries: list[tuple[float, float | None]] = []

    async def live(self, left_s: float | None) -> str:
        self.tries.append((asyncio.get_running_loop().time(), left_s))
        error = next(self.errors, None)
        if error is not None:
            raise error
        return "ended"

    def told(self) -> str:
        async def whole() -> str:
            loop = asyncio.get_running_loop()
            machine = Machine(wall_ns=lambda: 7, steady_ns=lambda: int(loop.time() * 1e9))
            return await once_the_venue_is_there(self.live, self.seconds, self.tape, self.said.append, machine)

        return run(whole())


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "desk.tape"
    path.touch()
    return path


def away(count: int) -> Iterator[QuintetError]:
    kinds = (VenueUnreachable, ClockUnsure, FeedUnreachable)
    return (kinds[n % 3](f"away {n}") for n in range(count))


@pytest.mark.req("E-113", "E-07")
def test_it_waits_1_5_15_and_then_always_15_seconds_and_each_wait_is_an_alarm(tape: Path) -> None:
    story = Story(tape, away(5))
    assert story.told() == "ended"
    assert [at for at, _ in story.tries] == [0, 1, 6, 21, 36, 51]
    assert [line.kind for line in story.said] == [ALARM] * 5
    assert story.said[1].text == "away 1: trying again in 5 s"


def test_who_has_never_been_alive_does_not_wait(tmp_path: Path) -> None:
    story = Story(tmp_path / "nothing", away(1))
    with pytest.raises(VenueUnreachable, match="away 0"):
        story.told()
    assert story.said == []


def test_what_time_takes_is_taken_from_its_time_and_it_ends_when_that_is_over(tape: Path) -> None:
    story = Story(tape, away(9), seconds=20.0)
    with pytest.raises(FeedUnreachable, match="away 2"):
        story.told()
    assert story.tries == [(0, 20.0), (1, 19.0), (6, 14.0)]


def test_what_waiting_does_not_cure_is_raised_at_once(tape: Path) -> None:
    story = Story(tape, iter([ConfigError("a key that may withdraw")]))
    with pytest.raises(ConfigError):
        story.told()
    assert story.tries == [(0, None)]
