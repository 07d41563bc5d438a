"""Past candles from the public kline endpoint: whole windows, patience with a busy venue, nothing taken on trust.

The stretch is walked oldest first in windows of at most 1,000 candles, so page edges lie on known stamps and no
candle is lost or doubled. The running candle is never given: the venue's own clock decides what has closed.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

import httpx
import msgspec

from quintet.core.errors import DataError, InputError
from quintet.core.events import TIMEFRAMES
from quintet.core.market.candles import Candle, CandlePage
from quintet.venues.bybit.wire import INTERVALS, KlineResult, Reply

BASE_URL: Final = "https://api.bybit.com"
PAGE_CANDLES: Final = 1000
ATTEMPTS: Final = 6
TIMEOUT_S: Final = 10.0
EMPTY_PAGE_ATTEMPTS: Final = 3
"""A page with no candle at all is asked for again: right for a time before listing, wrong more often than that."""

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 20.0
_SPACING_S: Final = 0.05
"""Between two requests: a sixth of what the venue allows one address (600 in 5 s)."""

_BUSY_STATUS: Final = frozenset({429, 500, 502, 503, 504})
_BUSY_CODES: Final = frozenset({10000, 10006, 10016, 10018, 170222})
_MINUTE_MS: Final = 60_000


class VenueUnreachable(InputError):
    """The venue did not give a usable answer after all attempts, or refused; says what it said last."""


class _Busy(Exception):
    """An answer that may be better next time; `wait_s` is what the venue asked for, if it did."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class KlineHistory:
    """Candles of one product category over HTTP. `pause` is how waiting is done, replaced in tests."""

    def __init__(
        self,
        base_url: str = BASE_URL,
        category: str = "spot",
        *,
        transport: httpx.BaseTransport | None = None,
        timeout_s: float = TIMEOUT_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.category = category
        self._pause = pause
        self._client = httpx.Client(base_url=base_url, timeout=timeout_s, transport=transport)
        self._venue_ms = 0

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def pages(self, symbol: str, timeframe: str, start_ms: int, end_ms: int) -> Iterator[CandlePage]:
        """Pages from `start_ms` (inclusive) to `end_ms` (exclusive), oldest first, closed candles only.

        Ends early, without an error, at the last candle that has closed by the venue's clock. Raises
        VenueUnreachable after the last attempt, DataError for an answer that contradicts itself or the question.
        """
        if timeframe not in INTERVALS:
            raise DataError(f"bybit has no {timeframe} candles, expected one of {', '.join(INTERVALS)}")
        step = TIMEFRAMES[timeframe] * _MINUTE_MS
        first = -(-start_ms // step) * step
        while first < end_ms:
            last = min(first + PAGE_CANDLES * step, -(-end_ms // step) * step)
            candles = self._window(symbol, timeframe, first, last)
            closed = min(last, self._venue_ms // step * step)
            if closed <= first:
                return
            yield CandlePage(first, closed, tuple(candle for candle in candles if candle.start_ms < closed))
            if closed < last:
                return
            first = last

    def _window(self, symbol: str, timeframe: str, first: int, last: int) -> list[Candle]:
        """All candles that open in [first, last): a short page is asked on until its oldest end is reached."""
        step = TIMEFRAMES[timeframe] * _MINUTE_MS
        found: dict[int, Candle] = {}
        end = last - step
        while end >= first:
            page = self._filled_page(symbol, timeframe, first, end, expect_some=not found)
            # A careless venue may answer with more than was asked; only the window counts.
            inside = [candle for candle in page if first <= candle.start_ms <= end]
            for candle in inside:
                _require_open_stamp(candle, step, symbol)
                if found.setdefault(candle.start_ms, candle) != candle:
                    raise DataError(f"bybit {symbol} {timeframe}: two different candles open at {candle.start_ms} ms")
            if not inside:
                break
            end = min(candle.start_ms for candle in inside) - step
        return [found[start] for start in sorted(found)]

    def _filled_page(self, symbol: str, timeframe: str, first: int, end: int, *, expect_some: bool) -> list[Candle]:
        """One page; an empty one is believed after it was given several times."""
        attempts = EMPTY_PAGE_ATTEMPTS if expect_some else 1
        for attempt in range(attempts):
            if attempt:
                self._pause(_FIRST_PAUSE_S)
            page = self._page(symbol, timeframe, first, end)
            if page:
                return page
        return []

    def _page(self, symbol: str, timeframe: str, first: int, end: int) -> list[Candle]:
        query: dict[str, str | int] = {
            "category": self.category,
            "symbol": symbol,
            "interval": INTERVALS[timeframe],
            "start": first,
            "end": end,
            "limit": PAGE_CANDLES,
        }
        result = self._result(query)
        if result.symbol != symbol or result.category != self.category:
            raise DataError(
                f"bybit kline: asked for {self.category} {symbol}, the answer is for {result.category} {result.symbol}"
            )
        try:
            return [Candle(int(row[0]), *row[1:]) for row in result.list]
        except ValueError as error:
            raise DataError(f"bybit kline {symbol}: start: {error}, expected ms since 1970") from None

    def _result(self, query: dict[str, str | int]) -> KlineResult:
        """Ask until there is a whole answer; each pause is twice the one before, or what the venue asks for."""
        wait_s = _FIRST_PAUSE_S
        reason = ""
        for attempt in range(ATTEMPTS):
            self._pause(_SPACING_S)
            try:
                return self._ask(query)
            except _Busy as busy:
                reason = str(busy)
                if attempt < ATTEMPTS - 1:
                    self._pause(min(max(wait_s, busy.wait_s), _LONGEST_PAUSE_S))
                wait_s *= 2
        raise VenueUnreachable(f"bybit kline: no usable answer after {ATTEMPTS} attempts: {reason}")

    def _ask(self, query: dict[str, str | int]) -> KlineResult:
        try:
            response = self._client.get("/v5/market/kline", params=query)
        except httpx.TransportError as error:
            raise _Busy(f"{type(error).__name__}: {error}") from None
        if response.status_code in _BUSY_STATUS:
            raise _Busy(f"HTTP {response.status_code}", _asked_wait_s(response, 0))
        if response.status_code != 200:
            advice = "; this address was limited, try again in ten minutes" if response.status_code == 403 else ""
            raise VenueUnreachable(f"bybit kline: HTTP {response.status_code}, expected 200{advice}")
        reply = _decoded(response.content)
        if reply.retCode in _BUSY_CODES:
            raise _Busy(f"retCode {reply.retCode}: {reply.retMsg}", _asked_wait_s(response, reply.time))
        if reply.retCode != 0:
            raise VenueUnreachable(f"bybit kline: retCode {reply.retCode}: {reply.retMsg} (asked: {query})")
        self._venue_ms = reply.time
        if response.headers.get("X-Bapi-Limit-Status") == "0":
            self._pause(min(_asked_wait_s(response, reply.time), _LONGEST_PAUSE_S))
        try:
            return msgspec.json.decode(reply.result, type=KlineResult)
        except msgspec.DecodeError as error:
            raise DataError(f"bybit kline: {error}") from None


def _decoded(body: bytes) -> Reply:
    """The envelope; a body that is cut off or is no JSON may be whole next time."""
    try:
        return msgspec.json.decode(body, type=Reply)
    except msgspec.ValidationError as error:
        raise DataError(f"bybit kline: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Busy(f"body of {len(body)} bytes is not whole JSON: {error}") from None


def _asked_wait_s(response: httpx.Response, venue_ms: int) -> float:
    """Seconds the venue asks us to wait, by `Retry-After` or by its limit's reset stamp; 0 when it does not say."""
    after = response.headers.get("Retry-After", "")
    if after.isdigit():
        return float(after)
    reset = response.headers.get("X-Bapi-Limit-Reset-Timestamp", "")
    if reset.isdigit() and venue_ms:
        return max(0.0, (int(reset) - venue_ms) / 1000)
    return 0.0


def _require_open_stamp(candle: Candle, step: int, symbol: str) -> None:
    if candle.start_ms % step:
        raise DataError(f"bybit {symbol}: a candle opens at {candle.start_ms} ms, expected a multiple of {step} ms")
