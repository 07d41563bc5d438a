"""What is told beside the engines: to publish never waits, and whoever listens is behind for themselves alone.

Each listener has a queue of its own. One that is slow loses the oldest of what it has not heard, and is told how much;
one that fails hears nothing any more, and the others are told. Nothing that decides anything goes this way: engines
speak through tapes.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Listener = Callable[[Item], Awaitable[None]]
"""Hears one thing; may take as long as it likes."""

KEPT: Final = 10_000
"""So many things wait for a listener."""

LAST_WORDS_S: Final = 5.0
"""So long the end waits for listeners to hear what is left."""


class Bus(Generic[Item]):
    """Alive inside its `async with`. `sentence`: makes an item of what the bus itself has to say."""

    def __init__(self, sentence: Callable[[str], Item], kept: int = KEPT) -> None:
        self._sentence, self._kept = sentence, kept
        self._lines: list[_Line[Item]] = []

    def subscribe(self, listener: Listener[Item]) -> None:
        """From now on it hears everything."""
        line = _Line(listener, self._sentence, self._kept)
        line.task = asyncio.create_task(self._carry(line))
        self._lines.append(line)

    def publish(self, item: Item) -> None:
        """Tell all listeners; returns at once."""
        for line in self._lines:
            line.put(item)

    async def _carry(self, line: "_Line[Item]") -> None:
        try:
            await line.carry()
        except Exception as error:
            self._lines.remove(line)
            self.publish(self._sentence(f"a listener has failed and hears no more: {type(error).__name__}: {error}"))

    async def __aenter__(self) -> "Bus[Item]":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let them hear what is left, for a while."""
        lines = [*self._lines]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await asyncio.gather(*(line.idle.wait() for line in lines))
        tasks = [line.task for line in lines if line.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Line(Generic[Item]):
    """The way to one listener."""

    def __init__(self, listener: Listener[Item], sentence: Callable[[str], Item], kept: int) -> None:
        self.task: asyncio.Task[None] | None = None
        self.idle = asyncio.Event()
        self.idle.set()
        self._listener, self._sentence = listener, sentence
        self._waiting: deque[Item] = deque(maxlen=kept)
        self._lost = 0
        self._arrived = asyncio.Event()

    def put(self, item: Item) -> None:
        self._lost += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(item)
        self.idle.clear()
        self._arrived.set()

    async def carry(self) -> None:
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    if self._lost:
                        lost, self._lost = self._lost, 0
                        await self._listener(self._sentence(f"{lost} lines are lost: whoever listens is too slow"))
                    await self._listener(self._waiting.popleft())
                self.idle.set()
        finally:
            self.idle.set()
