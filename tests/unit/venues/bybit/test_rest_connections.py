"""A hundred questions over few connections: they are opened once and used again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.sandbox_client import Client, sandbox_client

QUESTIONS = 100
AT_ONCE = 10


class Counter:
    """Passes bytes on to the exchange, and counts who has knocked."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.connections = 0

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there, answers = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pipe(reader, answers), self._pipe(there, writer))

    @staticmethod
    async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()


@asynccontextmanager
async def counted(client: Client) -> AsyncIterator[tuple[Rest, Counter]]:
    counter = Counter(client.port)
    server = await asyncio.start_server(counter.pass_on, "127.0.0.1", 0)
    host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    rest = Rest(ApiKey(client.key, client.secret), Pace(limits(("linear",))), VenueClock(), (host,))
    try:
        assert await rest.settle_clock(5.0)
        yield rest, counter
    finally:
        await rest.close()
        server.close()


@pytest.mark.req("E-132")
@pytest.mark.parametrize("at_once", [1, AT_ONCE])
def test_a_hundred_questions_open_no_more_connections_than_are_asked_at_once(at_once: int) -> None:
    async def story() -> int:
        async with sandbox_client() as client, counted(client) as (rest, counter):
            for _ in range(QUESTIONS // at_once):
                asked = (rest.ask("/v5/account/wallet-balance", {"accountType": "UNIFIED"}) for _ in range(at_once))
                answers = await asyncio.gather(*asked)
                assert [answer.ret_code for answer in answers] == [0] * at_once
            return counter.connections

    assert 1 <= asyncio.run(story()) <= at_once
