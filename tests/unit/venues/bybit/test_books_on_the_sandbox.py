"""The public stream of the sandbox into live books: a gap is noticed, the book asked for again, a dead line left."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from quintet.runtime.recording import Recording
from quintet.sandbox.commands import Ghosts
from quintet.sandbox.faults import Fault, Scenario
from quintet.venues.bybit.decode_ticks import facts
from quintet.venues.bybit.public_stream import PublicStream
from quintet.venues.connection import Connection, Patience
from quintet.venues.live_book import BookUnknown, BookView, LiveBooks
from tests.bybit_account import BTC_LINEAR
from tests.sandbox_client import Client, sandbox_client

Result = TypeVar("Result")
PATIENCE = Patience(answer_s=10.0, first_pause_s=0.05, longest_pause_s=0.2)


class Asking(Connection):
    """Remembers which books were asked for again."""

    def __init__(self, stream: PublicStream) -> None:
        super().__init__(stream, time.time_ns, PATIENCE, draw=lambda: 0.5)
        self.asked: list[str] = []

    async def ask_for_books(self, symbols: Sequence[str]) -> None:
        self.asked += symbols
        await super().ask_for_books(symbols)


class Watcher:
    """Books that are followed on a sandbox's stream."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.books = LiveBooks("bybit", [BTC_LINEAR], facts)
        self.feed = Asking(PublicStream(("BTCUSDT",), "linear", 50, client.ws))
        self.recording = Recording(self.feed, self.books)

    def view(self) -> BookView:
        return self.books.view("BTCUSDT", time.time_ns())

    async def sees(self, best_bid_lots: int) -> BookView:
        """Wait until the best bid has so many lots."""
        async with asyncio.timeout(15):
            while True:
                try:
                    if self.view().bids[0][1] == best_bid_lots:
                        return self.view()
                except BookUnknown:
                    pass
                await asyncio.sleep(0.02)

    def change(self, lots: int) -> None:
        """The best bid has so many lots from now on."""
        level = (1, 49_999_9 * 10**7, lots)
        names = {"category": "linear", "symbol": "BTCUSDT"}
        self.client.sandbox.service.do(Ghosts(levels=[level], snapshot=False, **names))


def watching(story: Callable[[Watcher], Awaitable[Result]]) -> Result:
    async def whole() -> Result:
        async with sandbox_client() as client:
            watcher = Watcher(client)
            running = asyncio.create_task(watcher.recording.run())
            try:
                return await story(watcher)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    return asyncio.run(whole())


def test_a_lost_message_takes_the_book_away_and_brings_a_new_one() -> None:
    async def story(watcher: Watcher) -> None:
        watcher.change(111)
        await watcher.sees(111)
        fault = Fault(kind="sequence_gap", count=1)
        watcher.client.sandbox.faults.load(Scenario(fault=[fault]), asyncio.get_running_loop().time())
        watcher.change(222)
        await asyncio.sleep(0.2)
        watcher.change(333)
        view = await watcher.sees(333)
        assert view.age_ns < 5_000_000_000
        assert watcher.feed.asked == ["BTCUSDT"]
        assert watcher.recording.interruptions == 0

    watching(story)


def test_a_line_that_is_lost_leaves_no_book_until_it_is_back() -> None:
    async def story(watcher: Watcher) -> None:
        watcher.change(111)
        await watcher.sees(111)
        for session in list(watcher.client.sandbox.streams.sessions.values()):
            session.connection.abort()
        async with asyncio.timeout(10):
            while not watcher.recording.interruptions:
                await asyncio.sleep(0.001)
        with pytest.raises(BookUnknown):
            watcher.view()
        watcher.change(222)
        await watcher.sees(222)

    watching(story)
