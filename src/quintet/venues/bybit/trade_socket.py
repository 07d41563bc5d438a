"""Order entry over Bybit's trade socket: one login for the connection, answers found by the name of their request."""

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

from quintet.core.errors import DataError
from quintet.ports.clock import Clock
from quintet.ports.live_feed import Interruption
from quintet.venues.bybit.account_wire import SocketAnswer
from quintet.venues.bybit.encode import Action, Request, socket_text
from quintet.venues.bybit.entry import RECV_WINDOW_MS, Told, answered, no_answer, nothing_left
from quintet.venues.bybit.limits import costs
from quintet.venues.bybit.private_stream import TradeStream
from quintet.venues.bybit.public_stream import STREAM_HOST
from quintet.venues.bybit.rest import hear_limits
from quintet.venues.bybit.shapes import MS_NS, shaped
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.connection import Connect, Connection, Patience
from quintet.venues.pacing import Cost, Pace
from quintet.venues.venue_clock import VenueClock

ANSWER_S: Final = 5.0


class TradeSocket:
    """Fills `entry.Door`. `run` keeps the line; without it nothing is ready."""

    def __init__(
        self,
        key: ApiKey,
        pace: Pace,
        clock: VenueClock,
        host: str = STREAM_HOST,
        *,
        wall_ns: Clock = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        patience: Patience | None = None,
        answer_s: float = ANSWER_S,
        recv_window_ms: int = RECV_WINDOW_MS,
        draw: Callable[[], float] = random.random,
        connect: Connect | None = None,
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._steady_ns = steady_ns
        self._answer_s = answer_s
        self._recv_window_ms = recv_window_ms
        stream = TradeStream(key, clock, steady_ns, host)
        self._connection = Connection(stream, wall_ns, patience, draw=draw, quiet=True, connect=connect)
        self._waiting: dict[str, tuple[asyncio.Future[SocketAnswer], str]] = {}
        self._sent = 0

    @property
    def ready(self) -> bool:
        """Is the line up and logged in?"""
        return self._connection.ready

    def takes(self, action: Action) -> bool:
        """Everything at once is taken back over REST only."""
        return action != "cancel-all"

    def costs(self, request: Request) -> list[Cost]:
        """The account's limit only: a socket goes on where an address was shut out of REST."""
        return costs(request)

    async def run(self) -> None:
        """Keep the line for ever; raises FeedUnreachable when the venue was never reached or refuses the login."""
        try:
            async with aclosing(self._connection.heard()) as heard:
                async for item in heard:
                    if isinstance(item, Interruption):
                        self._lose(item.why)
                    else:
                        self._hear(item.body)
        finally:
            self._lose("the socket is closed")

    async def tell(self, request: Request) -> Told:
        """Fills `entry.Door.tell`; the caller has had its turn."""
        stamp_ms = self._clock.venue_ns(self._steady_ns()) // MS_NS
        expires_ns = (stamp_ms + self._recv_window_ms) * MS_NS
        self._sent += 1
        name = str(self._sent)
        answer: asyncio.Future[SocketAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[name] = answer, costs(request)[0].limit
        try:
            text = socket_text(request, name, stamp_ms, self._recv_window_ms)
            async with asyncio.timeout(self._answer_s):
                if not await self._connection.send(text):  # waits while the venue reads nothing
                    return Told(nothing_left("the trade socket is not connected"), expires_ns)
                said = await answer
            return answered(said.ret_code, said.ret_msg, said.data, expires_ns)
        except TimeoutError:
            return Told(no_answer(f"no answer within {self._answer_s:g} s"), expires_ns)
        except (DataError, _Lost) as error:
            return Told(no_answer(str(error)), expires_ns)
        finally:
            del self._waiting[name]

    def _hear(self, body: bytes) -> None:
        """Give an answer to whoever waits for it; what cannot be read is as good as no answer."""
        try:
            said = shaped(body, SocketAnswer, "trade socket")
        except DataError:
            return
        answer, limit = self._waiting.get(said.req_id, (None, ""))
        if answer is None or answer.done():
            return
        header = {key.lower(): str(value) for key, value in said.header.items()}
        venue_ms = int(header["timenow"]) if header.get("timenow", "").isdigit() else 0
        hear_limits(self._pace, limit, header, said.ret_code, venue_ms)
        answer.set_result(said)

    def _lose(self, why: str) -> None:
        for answer, _ in self._waiting.values():
            if not answer.done():
                answer.set_exception(_Lost(why))


class _Lost(Exception):
    """The line was lost while an answer was waited for."""
