"""Bybit's private REST: questions, which may be repeated, and requests that change something, which may not.

A key is never part of an address, and no error here keeps the request it speaks of.
"""

import asyncio
import time
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import msgspec

from quintet.core.errors import DataError
from quintet.venues.bybit.account_wire import RestAnswer
from quintet.venues.bybit.decode_account import require_harmless, server_time_ns
from quintet.venues.bybit.encode import Action, Request
from quintet.venues.bybit.entry import RECV_WINDOW_MS, Told, answered, no_answer, nothing_left, spoken
from quintet.venues.bybit.errors import OUTSIDE_WINDOW, TOO_MANY_VISITS, http_verdict, verdict
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.limits import ADDRESS, SHUT_OUT_S, costs, question_costs
from quintet.venues.bybit.shapes import MS_NS, shaped
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Cost, Pace
from quintet.venues.venue_clock import Sample, VenueClock

HOSTS: Final = ("https://api.bybit.com", "https://api.bytick.com")
TIMEOUT_S: Final = 5.0
ATTEMPTS: Final = 4
CLOCK_EVERY_S: Final = 30.0
CLOCK_LOOK_S: Final = 1.0
CLOCK_PATIENCE_S: Final = 2.0
"""So long a question waits until the venue's time is known again: a machine may have slept."""

_FIRST_PAUSE_S: Final = 0.25
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Rest:
    """One account over HTTP. A host that fails is left for the next one; every host is the same venue."""

    def __init__(
        self,
        key: ApiKey,
        pace: Pace,
        clock: VenueClock,
        hosts: Sequence[str] = HOSTS,
        *,
        recv_window_ms: int = RECV_WINDOW_MS,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
        steady_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`steady_ns`: a clock of ours that nobody sets."""
        self.pace = pace
        self.clock = clock
        self.steady_ns = steady_ns
        self._key = key
        self._hosts = tuple(hosts)
        self._host = 0
        self.recv_window_ms = recv_window_ms
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(timeout=timeout_s, transport=transport)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    @property
    def ready(self) -> bool:
        """REST needs no line."""
        return True

    def takes(self, action: Action) -> bool:
        """REST takes everything."""
        return True

    def costs(self, request: Request) -> list[Cost]:
        """The account's limit, and the address's."""
        return [*costs(request), Cost(ADDRESS)]

    @property
    def host(self) -> str:
        """Where the next request goes."""
        return self._hosts[self._host]

    # ---- the clock ---------------------------------------------------------------------------------------------

    async def measure_clock(self) -> None:
        """Ask the venue for its time once; a question that fails measures nothing."""
        async with self.pace.turn(question_costs("/v5/market/time"), urgent=True):
            sent = self.steady_ns()
            try:
                async with asyncio.timeout(self._timeout_s):
                    response = await self._client.get(f"{self.host}/v5/market/time")
                received = self.steady_ns()
                answer = shaped(response.content, RestAnswer, "time")
                venue_ns = server_time_ns(answer.result)
            except (httpx.HTTPError, TimeoutError, DataError):
                self._next_host()
                return
        self.clock.hear(Sample(sent, received, venue_ns))

    async def settle_clock(self, patience_s: float) -> bool:
        """Measure until we are sure of the venue's time; False when that took too long."""
        try:
            async with asyncio.timeout(patience_s):
                while self.clock.why_unsure(self.steady_ns()):
                    await self.measure_clock()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    async def venue_ns(self) -> int:
        """The venue's time, measured first where we are unsure of it; raises ClockUnsure."""
        if self.clock.why_unsure(self.steady_ns()):
            await self.settle_clock(CLOCK_PATIENCE_S)
        return self.clock.venue_ns(self.steady_ns())

    async def keep_clock(self) -> None:
        """Measure now and then, and at once when we are unsure, for ever."""
        measured_s = -CLOCK_EVERY_S
        while True:
            if self.clock.why_unsure(self.steady_ns()):
                await self.settle_clock(CLOCK_PATIENCE_S)
            elif asyncio.get_running_loop().time() - measured_s >= CLOCK_EVERY_S:
                measured_s = asyncio.get_running_loop().time()
                await self.measure_clock()
            await asyncio.sleep(CLOCK_LOOK_S)

    async def require_harmless_key(self) -> None:
        """Raise ConfigError for a key that may withdraw or that cannot trade."""
        require_harmless((await self.ask("/v5/user/query-api")).result)

    # ---- questions ---------------------------------------------------------------------------------------------

    async def ask(
        self, path: str, query: Mapping[str, str | int] | None = None, final: Container[int] = ()
    ) -> RestAnswer:
        """A signed GET, repeated until there is a whole answer; raises VenueUnreachable, DataError or ClockUnsure.

        `final`: codes other than 0 that are an answer.
        """
        text = _query_text(query or {})
        address = f"{path}{'?' if text else ''}{text}"
        return await self._until_answered(path, lambda: self._signed("GET", address), final)

    async def repeat(self, path: str, payload: dict[str, Any], final: Container[int] = ()) -> RestAnswer:
        """A signed POST that the venue knows again by a name in it, so that it may be repeated like a question.

        `final`: codes other than 0 that are an answer. Raises as `ask` does: then nobody knows what became of it.
        """
        return await self._until_answered(path, lambda: self._signed("POST", path, msgspec.json.encode(payload)), final)

    async def _until_answered(
        self, path: str, signed: Callable[[], tuple[httpx.Request, int]], final: Container[int] = ()
    ) -> RestAnswer:
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(_FIRST_PAUSE_S * 2**attempt)
            await self.venue_ns()
            async with self.pace.turn(question_costs(path)):
                found = await self._asked(path, signed()[0], final)
            if isinstance(found, RestAnswer):
                return found
            why = found
        raise VenueUnreachable(f"bybit {path}: no usable answer after {ATTEMPTS} attempts: {why}")

    async def _asked(self, path: str, request: httpx.Request, final: Container[int]) -> RestAnswer | str:
        """The answer, or why it is of no use and may be asked for again."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.send(request)
        except (httpx.HTTPError, TimeoutError) as error:
            self._next_host()
            return _words(error)
        if response.status_code != 200:
            return await self._refused(response.status_code)
        try:
            answer = shaped(response.content, RestAnswer, path)
        except DataError as error:
            return str(error)
        self._hear_limits(path, response.headers, answer)
        if answer.ret_code == 0 or answer.ret_code in final:
            return answer
        said = verdict(answer.ret_code, answer.ret_msg)
        if answer.ret_code == OUTSIDE_WINDOW:
            await self.measure_clock()
        elif said.meaning not in ("again", "unknown"):
            raise VenueUnreachable(f"bybit {path}: {said.text}")
        return said.text

    async def _refused(self, status: int) -> str:
        if status in (403, 429):
            self.pace.close(ADDRESS, SHUT_OUT_S if status == 403 else 1.0)
        elif status in (400, 401, 404):
            raise VenueUnreachable(f"bybit: HTTP {status}, expected 200")
        else:
            self._next_host()
        return f"HTTP {status}"

    # ---- what changes something --------------------------------------------------------------------------------

    async def tell(self, request: Request) -> Told:
        """Fills `entry.Door.tell`; the caller has had its turn."""
        built, stamp_ns = self._signed("POST", f"/v5/order/{request.action}", request.body)
        expires_ns = stamp_ns + self.recv_window_ms * MS_NS
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.send(built)
        except _NOT_SENT as error:
            self._next_host()
            return Told(nothing_left(_words(error)), expires_ns)
        except (httpx.HTTPError, TimeoutError) as error:
            self._next_host()
            return Told(no_answer(_words(error)), expires_ns)
        if response.status_code != 200:
            if response.status_code in (403, 429):
                self.pace.close(ADDRESS, SHUT_OUT_S if response.status_code == 403 else 1.0)
            return Told(http_verdict(response.status_code), expires_ns)
        try:
            answer = shaped(response.content, RestAnswer, request.action)
            self._hear_limits(costs(request)[0].limit, response.headers, answer)
            return answered(answer.ret_code, answer.ret_msg, answer.result, expires_ns)
        except DataError as error:
            return Told(no_answer(str(error)), expires_ns)

    # ---- parts -------------------------------------------------------------------------------------------------

    def _signed(self, method: str, address: str, content: bytes = b"") -> tuple[httpx.Request, int]:
        """A request with its signature, and the venue's time it bears, ns. Raises ClockUnsure."""
        stamp_ms = self.clock.venue_ns(self.steady_ns()) // MS_NS
        headers = {"Content-Type": "application/json"} if content else None
        request = self._client.build_request(method, f"{self.host}{address}", content=content or None, headers=headers)
        request.headers.update(self._key.headers(stamp_ms, self.recv_window_ms, content or request.url.query))
        return request, stamp_ms * MS_NS

    def _hear_limits(self, name: str, headers: Any, answer: RestAnswer) -> None:
        hear_limits(
            self.pace, name, {key.lower(): value for key, value in headers.items()}, answer.ret_code, answer.time
        )

    def _next_host(self) -> None:
        self._host = (self._host + 1) % len(self._hosts)


def _query_text(query: Mapping[str, str | int]) -> str:
    """A cursor is percent-encoded by the venue already and goes back as it came."""
    return urlencode(query, safe="%" if "cursor" in query else "")


def hear_limits(pace: Pace, name: str, header: dict[str, str], code: int, venue_ms: int) -> None:
    """Believe what the venue says of a limit; after "too many visits" nothing leaves until it opens."""
    said = spoken(header)
    if said.units > 0 and said.left >= 0:
        pace.hear(name, said.units, said.left)
    if code == TOO_MANY_VISITS:
        seconds = (said.reset_ms - venue_ms) / 1_000 if said.reset_ms > 0 and venue_ms > 0 else 1.0
        pace.close(name, min(max(seconds, 0.05), 10.0))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
