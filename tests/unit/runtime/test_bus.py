"""A bus beside the engines: nobody who listens holds up whoever speaks."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from quintet.runtime.bus import Bus
from tests.fakes.virtual_time import run


def heard_by(heard: list[str]) -> Callable[[str], Awaitable[None]]:
    async def listener(item: str) -> None:
        heard.append(item)

    return listener


def told(story: Callable[[Bus[str]], Awaitable[None]], kept: int = 100) -> None:
    async def whole() -> None:
        async with Bus(lambda text: f"bus: {text}", kept) as bus:
            await story(bus)

    run(whole())


@pytest.mark.req("E-116")
def test_a_listener_that_never_answers_holds_up_neither_the_speaker_nor_another_listener() -> None:
    heard: list[str] = []

    async def stuck(item: str) -> None:
        await asyncio.Event().wait()

    async def story(bus: Bus[str]) -> None:
        bus.subscribe(stuck)
        bus.subscribe(heard_by(heard))
        began = asyncio.get_running_loop().time()
        for n in range(50):
            bus.publish(str(n))
        assert asyncio.get_running_loop().time() == began
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert heard == [str(n) for n in range(50)]

    told(story)


@pytest.mark.req("E-116")
def test_a_screen_that_blocks_its_thread_does_not_block_the_loop() -> None:
    gate, heard = threading.Event(), list[str]()

    async def blocks(item: str) -> None:
        await asyncio.to_thread(gate.wait)
        heard.append(item)

    async def whole() -> None:
        async with Bus[str](lambda text: text) as bus:
            bus.subscribe(blocks)
            bus.publish("first")
            async with asyncio.timeout(5.0):
                for _ in range(100):
                    await asyncio.sleep(0)
            assert heard == []
            gate.set()

    asyncio.run(whole())
    assert heard == ["first"]


def test_one_that_is_too_slow_loses_the_oldest_and_is_told_how_many() -> None:
    heard: list[str] = []

    async def slow(item: str) -> None:
        heard.append(item)
        await asyncio.sleep(1.0)

    async def story(bus: Bus[str]) -> None:
        bus.subscribe(slow)
        bus.publish("0")
        await asyncio.sleep(0.1)
        for n in range(1, 6):
            bus.publish(str(n))
        await asyncio.sleep(10.0)

    told(story, kept=2)
    assert heard == ["0", "bus: 3 lines are lost: whoever listens is too slow", "4", "5"]


def test_one_that_fails_hears_no_more_and_the_others_are_told() -> None:
    heard: list[str] = []

    async def fails(item: str) -> None:
        raise OSError("no such chat")

    async def story(bus: Bus[str]) -> None:
        bus.subscribe(fails)
        bus.subscribe(heard_by(heard))
        bus.publish("one")
        await asyncio.sleep(1.0)
        bus.publish("two")

    told(story)
    assert heard == ["one", "bus: a listener has failed and hears no more: OSError: no such chat", "two"]


def test_at_the_end_what_is_left_is_heard_and_nobody_is_waited_for_for_ever() -> None:
    heard: list[str] = []
    ended: list[float] = []

    async def whole() -> None:
        async with Bus[str](lambda text: text) as bus:
            bus.subscribe(heard_by(heard))
            bus.subscribe(lambda item: asyncio.sleep(1e6))
            bus.publish("last")
        ended.append(asyncio.get_running_loop().time())

    run(whole())
    assert (heard, ended) == (["last"], [5.0])
