"""The public market for desks that decide once a day: the touch now and then, and what has closed, over REST."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.facts import Said
from quintet.core.instrument import Instrument
from quintet.venues.bybit import daily_facts
from quintet.venues.bybit.daily_facts import DAY_MS, DAYS_MAX, Touch
from quintet.venues.bybit.klines import BASE_URL
from quintet.venues.bybit.outside_facts import EARN_CATEGORIES, decode_insurance, decode_yield
from quintet.venues.bybit.shapes import MS_NS

RATES_MS: Final = 60 * DAY_MS
"""So long a time is asked about at once: 180 settlements, of the 200 that an answer has room for."""


class ClosedDay(NamedTuple):
    """A day of an instrument, by its number: its end, ns UTC, open, high, low, close in ticks, coins traded in 1e-9."""

    instrument: int
    end_ns: int
    prices: tuple[int, int, int, int]
    volume_e9: int


class SettledRate(NamedTuple):
    """A rate of a perpetual, 1e-9, and when it was settled, ns UTC."""

    instrument: int
    at_ns: int
    rate_e9: int


class DailyMarket:
    """Asks for `instruments`. `fetch`: one public answer; `in_thread`: does something that waits for a line."""

    def __init__(
        self, instruments: Sequence[Instrument], url: str, fetch: Callable[[str], bytes],
        in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:  # fmt: skip
        self._instruments, self._host = tuple(instruments), url.rstrip("/") or BASE_URL
        self._fetch, self._in_thread = fetch, in_thread
        self._kinds: dict[str, list[int]] = {}
        for n, one in enumerate(self._instruments):
            self._kinds.setdefault(one.kind, []).append(n)

    async def _asked(self, address: str) -> bytes:
        body: bytes = await self._in_thread(lambda: self._fetch(address))
        return body

    async def touches(self) -> list[tuple[int, int, Touch]]:
        """The venue's time, the instrument's number and its touch, for each."""
        found = []
        for kind, numbers in self._kinds.items():
            body = await self._asked(daily_facts.touches_url(self._host, kind))
            ts_ns, touches = daily_facts.touches(body, [self._instruments[n] for n in numbers])
            found += [(ts_ns, n, touch) for n, touch in zip(numbers, touches, strict=True)]
        return found

    async def days(self, n: int, first_ns: int, now_ns: int) -> list[ClosedDay]:
        """Days of an instrument that begin at `first_ns` or later and have closed by now, oldest first."""
        one, found = self._instruments[n], list[ClosedDay]()
        for first_ms in range(first_ns // MS_NS, now_ns // MS_NS, DAYS_MAX * DAY_MS):
            body = await self._asked(daily_facts.days_url(self._host, one, first_ms))
            found += [ClosedDay(n, *day) for day in daily_facts.closed_days(body, one)]
        return found

    async def rates(self, n: int, after_ns: int, now_ns: int) -> list[SettledRate]:
        """Rates that were settled after a time, until now; nothing on spot."""
        one = self._instruments[n]
        if one.kind == "spot":
            return []
        found = []
        for first_ms in range(after_ns // MS_NS + 1, now_ns // MS_NS + 1, RATES_MS):
            last_ms = min(first_ms + RATES_MS - 1, now_ns // MS_NS)
            body = await self._asked(daily_facts.rates_url(self._host, one, first_ms, last_ms))
            found += [SettledRate(n, at_ns, rate) for at_ns, rate in daily_facts.settled_rates(body, one)]
        return found

    async def earn_yield(self, asset: str, now_ns: int) -> Said | None:
        """What the Earn product pays for an asset, the best that is open; None where none is."""
        query = f"category={EARN_CATEGORIES['earn_yield']}&coin={asset}"
        body = await self._asked(f"{self._host}/v5/earn/product?{query}")
        return next(iter(decode_yield(body, now_ns, "earn_yield", asset)), None)

    async def insurance(self) -> dict[str, Decimal]:
        """What the insurance pool behind each perpetual holds, in the coin that it is settled in, by symbol."""
        perpetuals = [self._instruments[n] for n in self._kinds.get("linear", ())]
        found = dict[str, Decimal]()
        for coin in dict.fromkeys(one.quote_asset for one in perpetuals):
            body = await self._asked(f"{self._host}/v5/market/insurance?coin={coin}")
            found |= decode_insurance(body, coin, {one.symbol for one in perpetuals if one.quote_asset == coin})
        return found


def touch_rows(n: int, touch: Touch, ts_event: int, ts_recv: int) -> Any:
    """A touch as a message: nothing else of the book is known, and of the last trade its price alone."""
    stamps = (ts_event, ts_recv)
    rows = [(*stamps, 0, 0, n, ev.BOOK_CLEAR, 0)]
    rows += [(*stamps, touch.bid_lots, touch.bid, n, ev.BID_LEVEL, 0)] if touch.bid else []
    rows += [(*stamps, touch.ask_lots, touch.ask, n, ev.ASK_LEVEL, 0)] if touch.ask else []
    rows += [(*stamps, 0, touch.last, n, ev.TRADE_BUY, 0)] if touch.last else []
    made = np.array(rows, ev.ROW)
    made["bits"][-1] = ev.LAST
    return made
