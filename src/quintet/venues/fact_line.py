"""Questions to a source of facts: within its limits, again when it is busy, given up when it is not to be helped.

A key is a header, never part of an address; no error here holds an address with a query, a header, or a body.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final, TypeVar

import httpx
import msgspec

from quintet.core.errors import DataError
from quintet.core.facts import Said, exact_value
from quintet.core.units import decimal
from quintet.ports.fact_source import FactUnanswered
from quintet.ports.key_store import Secret
from quintet.venues.pacing import SECOND_NS, Cost, Limit, Pace

ATTEMPTS: Final = 4
BODY_BYTES_MAX: Final = 4 << 20
SECONDS_MAX: Final = 7_258_118_400
"""The year 2200: a later time is another unit, not a date."""

_REFUSED: Final = (401, 403)
_NUMBER: Final = re.compile(rb"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?")
_CONTEXT: Final = Context(prec=60)

Shape = TypeVar("Shape")
Decode = Callable[[bytes, int], Sequence[Said]]
"""An answer and when it came (ns UTC, our clock) to what it says; raises DataError for another shape."""


@dataclass(frozen=True, slots=True)
class LinePatience:
    """How long is waited for what, in seconds."""

    answer_s: float = 10.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0


class _Busy(Exception):
    """An answer that may be better next time; `wait_s`: what the source asks for, if it does."""

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class FactLine:
    """One source over HTTP; must be made on the running loop, and closed. `headers`: with its key, where it has one."""

    def __init__(
        self,
        source: str,
        host: str,
        limit: Limit,
        headers: Mapping[str, Secret] | None = None,
        patience: LinePatience | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.source = source
        self._host = host.rstrip("/")
        self._headers = dict(headers or {})
        self._patience = patience or LinePatience()
        self._pace = Pace({source: limit})
        self._pause = pause
        # A redirection is not followed: a key goes to nobody else.
        self._client = httpx.AsyncClient(timeout=self._patience.answer_s, transport=transport, follow_redirects=False)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def ask(self, path: str, query: Mapping[str, str | int] | None = None) -> bytes:
        """One whole answer; raises FactUnanswered after the last attempt, or at once for a refusal."""
        patience, why = self._patience, ""
        wait_s = patience.first_pause_s
        for attempt in range(ATTEMPTS):
            try:
                async with self._pace.turn([Cost(self.source)]):
                    return await self._asked(path, query or {})
            except _Busy as busy:
                why = str(busy)
                if attempt < ATTEMPTS - 1:
                    await self._pause(min(max(wait_s, busy.wait_s), patience.longest_pause_s))
                wait_s *= 2
        raise FactUnanswered(f"{self.source} {path}: no usable answer after {ATTEMPTS} attempts: {why}")

    async def _asked(self, path: str, query: Mapping[str, str | int]) -> bytes:
        headers = {name: secret.reveal() for name, secret in self._headers.items()}
        try:
            async with asyncio.timeout(self._patience.answer_s):
                async with self._client.stream("GET", f"{self._host}{path}", params=query, headers=headers) as answer:
                    self._judge(path, answer)
                    body = b""
                    async for piece in answer.aiter_bytes():
                        body += piece
                        if len(body) > BODY_BYTES_MAX:
                            raise FactUnanswered(f"{self.source} {path}: found more than {BODY_BYTES_MAX} bytes")
        except TimeoutError:
            raise _Busy(f"no whole answer within {self._patience.answer_s:g} s") from None
        except httpx.HTTPError as error:
            raise _Busy(type(error).__name__) from None
        if not _is_whole(body):
            raise _Busy(f"a body of {len(body)} bytes that is not whole JSON")
        return body

    def _judge(self, path: str, answer: httpx.Response) -> None:
        status = answer.status_code
        if status == 200:
            return
        if status == 429 or status >= 500:
            raise _Busy(f"HTTP {status}", _asked_wait_s(answer.headers))
        if status in _REFUSED:
            has_key = "the key is refused" if self._headers else "a question without a key is refused"
            raise FactUnanswered(f"{self.source} {path}: HTTP {status}: {has_key}")
        raise FactUnanswered(f"{self.source} {path}: HTTP {status}, expected 200")


def _is_whole(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _asked_wait_s(headers: Any) -> float:
    """Seconds that the source asks us to wait; 0 when it does not say."""
    for name in ("Retry-After", "x-rate-limit-reset"):
        said = headers.get(name, "")
        if said.isascii() and said.isdigit() and len(said) < 6:
            return float(said)
    return 0.0


@dataclass(frozen=True)
class AskedSource:
    """A `ports.fact_source.FactSource`: one path of a line, and what its answers mean."""

    line: FactLine
    path: str
    query: Mapping[str, str | int]
    facts: tuple[str, ...]
    ask_every_s: float
    decode: Decode

    async def ask(self, now_ns: int) -> Sequence[Said]:
        """What the source says; raises FactUnanswered, also for an answer of another shape."""
        body = await self.line.ask(self.path, self.query)
        try:
            return self.decode(body, now_ns)
        except DataError as error:
            raise FactUnanswered(f"{self.line.source} {self.path}: {error}") from None


# ---- what answers are made of ------------------------------------------------------------------------------------


def shaped(body: bytes, shape: type[Shape], what: str) -> Shape:
    """The value of that shape; raises DataError naming `what` and the field that is another."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{what}: {error}") from None


def number_text(raw: msgspec.Raw | bytes, where: str) -> str:
    """The number that stands in an answer, as it was written; raises DataError for anything else."""
    text = bytes(raw).strip()
    if not _NUMBER.fullmatch(text):
        raise DataError(f"{where}: found {text[:40].decode(errors='replace')}, expected a number")
    return text.decode()


def nearest_value(text: str, decimals: int, where: str) -> int:
    """A number of a source that reckons in binary floats, to the nearest 10 ** -decimals, halves to the even one."""
    step = Decimal(1).scaleb(-decimals)
    units = _CONTEXT.divide(decimal(text, where), step).to_integral_value(ROUND_HALF_EVEN)
    return exact_value(_CONTEXT.multiply(units, step), decimals, where)


def seconds_ns(seconds: int, where: str) -> int:
    """Seconds since 1970 in ns; raises DataError for what is no date in seconds."""
    if not 0 < seconds < SECONDS_MAX:
        raise DataError(f"{where}: found {seconds}, expected seconds UTC before the year 2200")
    return seconds * SECOND_NS
