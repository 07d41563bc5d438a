"""Sync before send: nothing leaves that a power cut could make unknown to us."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from quintet.core.errors import TapeError
from quintet.core.events import CANCEL, PLACE, ROW
from quintet.core.records import table
from quintet.core.state import COMMAND
from quintet.ports.gateway import Brake, no_brake
from quintet.runtime.dispatcher import Dispatcher
from tests.fakes.virtual_time import run
from tests.unit.runtime.test_sequencer import Paper


def commands(*kinds: int) -> Any:
    rows = table(COMMAND, len(kinds))
    rows["kind"] = kinds
    rows["number"] = range(1, len(kinds) + 1)
    return np.asarray(rows)


class Wire:
    """Remembers what left, and how far the disk was then."""

    def __init__(self, tape: Paper) -> None:
        self.tape = tape
        self.left: list[tuple[int, list[int]]] = []

    def ready(self, commands: Any) -> Callable[[], None]:
        return lambda: self.send(commands)

    def send(self, commands: Any) -> None:
        self.left.append((self.tape.durable_upto, commands["kind"].tolist()))


class Story:
    """A dispatcher whose disk takes `sync_s`, and what it has dropped."""

    def __init__(self, brake: Brake = no_brake, sync_s: float = 0.01, broken: bool = False) -> None:
        self.tape = Paper()
        self.wire = Wire(self.tape)
        self.dropped: list[tuple[list[int], str]] = []
        self.syncs = 0
        self.broken = broken

        async def in_thread(sync: Callable[[], int]) -> int:
            upto, self.syncs = self.tape.position, self.syncs + 1
            await asyncio.sleep(sync_s)
            if self.broken:
                raise TapeError("desk.tape: cannot sync: no space left on device")
            self.tape.durable_upto = upto
            return upto

        self.dispatcher = Dispatcher(self.tape, self.wire, self.drop, brake, in_thread)

    def drop(self, commands: Any, why: str) -> None:
        self.dropped.append((commands["kind"].tolist(), why))

    def decide(self, *kinds: int) -> None:
        """An event and its commands are on the tape; the commands may go."""
        self.tape.append(np.zeros(1 + 2 * len(kinds), ROW))
        self.dispatcher.send(commands(*kinds))

    def live(self, story: Callable[["Story"], Awaitable[None]]) -> "Story":
        async def whole() -> None:
            running = asyncio.create_task(self.dispatcher.run())
            try:
                await story(self)
                if running.done():
                    running.result()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        run(whole())
        return self


def test_a_command_leaves_when_it_is_on_the_disk_and_not_before() -> None:
    async def story(self: Story) -> None:
        self.decide(PLACE)
        await asyncio.sleep(0.005)
        assert self.wire.left == []
        await asyncio.sleep(0.01)

    assert Story().live(story).wire.left == [(3, [PLACE])]


def test_one_sync_is_in_flight_and_the_next_takes_all_that_arrived() -> None:
    async def story(self: Story) -> None:
        for _ in range(5):
            self.decide(PLACE)
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)

    lived = Story().live(story)
    assert lived.syncs == 2
    assert [kinds for _, kinds in lived.wire.left] == [[PLACE]] * 5
    assert [upto for upto, _ in lived.wire.left] == [3, 15, 15, 15, 15]


def test_what_causes_no_command_is_on_the_disk_within_a_second() -> None:
    async def story(self: Story) -> None:
        self.tape.append(np.zeros(4, ROW))
        await asyncio.sleep(1.1)
        assert self.tape.durable_upto == 4

    Story().live(story)


def test_nothing_leaves_a_desk_whose_disk_takes_no_more() -> None:
    async def story(self: Story) -> None:
        self.decide(PLACE)
        await asyncio.sleep(0.1)

    lived = Story(broken=True)
    with pytest.raises(TapeError, match="no space left"):
        lived.live(story)
    assert lived.wire.left == []


def test_a_brake_drops_orders_says_so_and_lets_cancels_through() -> None:
    async def story(self: Story) -> None:
        self.decide(PLACE, CANCEL)
        await asyncio.sleep(0.05)

    lived = Story(brake=lambda: "kill switch: latched").live(story)
    assert [kinds for _, kinds in lived.wire.left] == [[CANCEL]]
    assert lived.dropped == [([PLACE], "kill switch: latched")]


def test_a_recovery_sends_nothing_and_its_decisions_are_taken_anew() -> None:
    async def story(self: Story) -> None:
        self.dispatcher.held = True
        self.decide(PLACE)
        self.decide(CANCEL)
        await asyncio.sleep(5.0)
        assert self.wire.left == []
        self.dispatcher.let_go()
        self.decide(PLACE)
        await asyncio.sleep(0.05)

    lived = Story().live(story)
    assert [kinds for _, kinds in lived.wire.left] == [[CANCEL], [PLACE]]
    assert lived.dropped == [([PLACE], "decided while the desk was recovering")]
