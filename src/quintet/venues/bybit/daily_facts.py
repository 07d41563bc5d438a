"""What a desk that decides once a day asks of the public market: the touch, days that have closed, settled rates.

Pure: addresses and answers. Source: Bybit V5 documentation, Market (Get Tickers, Get Kline, Get Funding Rate History).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from quintet.core.errors import DataError
from quintet.core.instrument import Instrument
from quintet.core.units import exact_units
from quintet.venues.bybit.shapes import MS_NS, amount, nanoseconds, shaped
from quintet.venues.bybit.wire import KlineResult, Reply

DAYS_MAX: Final = 1_000
RATES_MAX: Final = 200
DAY_MS: Final = 86_400_000
_E9: Final = Decimal("1e-9")


class Touch(NamedTuple):
    """The best of both sides and the last price of one instrument, ticks and lots; 0 where there is none.

    `rate_e9`: of a perpetual, what its next funding will be as it stands now, 1e-9.
    """

    bid: int
    bid_lots: int
    ask: int
    ask_lots: int
    last: int
    rate_e9: int = 0


class _Ticker(msgspec.Struct, frozen=True, rename="camel"):
    symbol: str
    bid1_price: str = ""
    bid1_size: str = ""
    ask1_price: str = ""
    ask1_size: str = ""
    last_price: str = ""
    funding_rate: str = ""


class _Tickers(msgspec.Struct, frozen=True):
    list: tuple[_Ticker, ...]


class _Rate(msgspec.Struct, frozen=True, rename="camel"):
    symbol: str
    funding_rate: str
    funding_rate_timestamp: str


class _Rates(msgspec.Struct, frozen=True):
    list: tuple[_Rate, ...]


def touches_url(host: str, category: str) -> str:
    """The tickers of a whole category."""
    return f"{host}/v5/market/tickers?category={category}"


def days_url(host: str, one: Instrument, first_ms: int) -> str:
    """Days from `first_ms` (UTC midnight) on, the running one last; a thousand at most."""
    span = f"start={first_ms}&end={first_ms + (DAYS_MAX - 1) * DAY_MS}"
    return f"{host}/v5/market/kline?category={one.kind}&symbol={one.symbol}&interval=D&{span}&limit={DAYS_MAX}"


def rates_url(host: str, one: Instrument, first_ms: int, last_ms: int) -> str:
    """Rates that were settled within the two times, both included."""
    span = f"startTime={first_ms}&endTime={last_ms}"
    return f"{host}/v5/market/funding/history?category={one.kind}&symbol={one.symbol}&{span}&limit={RATES_MAX}"


def touches(body: bytes, instruments: Sequence[Instrument]) -> tuple[int, list[Touch]]:
    """The venue's time in ns, and the touch of each of these instruments of one category.

    Raises DataError naming the field.
    """
    reply = _reply(body, "tickers")
    listed = {row.symbol: row for row in shaped(reply.result, _Tickers, "tickers").list}
    found = []
    for one in instruments:
        if one.symbol not in listed:
            raise DataError(f"tickers: found none of {one.symbol}, expected one")
        row, what = listed[one.symbol], f"ticker {one.symbol}"
        bid, ask = (_ticks(one, text, f"{what}: {name}") for text, name in
                    ((row.bid1_price, "bid1Price"), (row.ask1_price, "ask1Price")))  # fmt: skip
        bid_lots = _lots(one, row.bid1_size, f"{what}: bid1Size") if bid else 0
        ask_lots = _lots(one, row.ask1_size, f"{what}: ask1Size") if ask else 0
        last, rate = _ticks(one, row.last_price, f"{what}: lastPrice"), amount(row.funding_rate, f"{what}: fundingRate")
        rate_e9 = exact_units(rate, _E9, f"{what}: fundingRate")
        found.append(Touch(bid, bid_lots, ask, ask_lots, last, rate_e9))
    return reply.time * MS_NS, found


class Day(NamedTuple):
    """A day that is over: its end in ns; open, high, low, close in ticks; coins that were traded, 1e-9."""

    end_ns: int
    prices: tuple[int, int, int, int]
    volume_e9: int


def closed_days(body: bytes, one: Instrument) -> list[Day]:
    """Days that have closed by the venue's clock, oldest first."""
    reply = _reply(body, "kline")
    rows = shaped(reply.result, KlineResult, "kline").list
    found = []
    for row in rows[::-1]:
        what = f"kline {one.symbol} {row[0]}"
        end_ns = nanoseconds(row[0], what) + DAY_MS * MS_NS
        if end_ns <= reply.time * MS_NS:
            first, high, low, last = (_ticks(one, text, what) for text in row[1:5])
            volume_e9 = exact_units(amount(row[5], f"{what}: volume"), _E9, f"{what}: volume")
            found.append(Day(end_ns, (first, high, low, last), volume_e9))
    return found


def settled_rates(body: bytes, one: Instrument) -> list[tuple[int, int]]:
    """When it was settled, ns, and the rate in 1e-9, oldest first."""
    rows = shaped(_reply(body, "funding").result, _Rates, "funding").list
    return [
        (
            nanoseconds(row.funding_rate_timestamp, "funding: fundingRateTimestamp"),
            exact_units(amount(row.funding_rate, "funding: fundingRate"), _E9, "funding: fundingRate"),
        )
        for row in rows[::-1]
    ]


def _reply(body: bytes, what: str) -> Reply:
    reply = shaped(body, Reply, what)
    if reply.retCode != 0:
        raise DataError(f"{what}: found retCode {reply.retCode} ({reply.retMsg[:80]}), expected 0")
    return reply


def _ticks(one: Instrument, text: str, what: str) -> int:
    found = amount(text, what)
    return one.ticks(found, what) if found else 0


def _lots(one: Instrument, text: str, what: str) -> int:
    return one.lots(amount(text, what), what)
