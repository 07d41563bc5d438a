"""From recorded days to the market of the eternal engine: which series stands for what, and what is missing.

A series of eight hours is used where it exists, a series of days before it. What stands in for something that was not
recorded is named, and every name goes into the report.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.errors import DataError
from quintet.core.instrument import Instrument
from quintet.research.daily_tape import BAR, DAY_NS, MarketDays

PERIOD_NS: Final = DAY_NS // 3

INCREMENTS: Final[Mapping[str, str]] = {"BTC": "1", "ETH": "0.1", "SOL": "0.01"}
LOTS: Final[Mapping[str, str]] = {"BTC": "0.00001", "ETH": "0.0001", "SOL": "0.001"}


class Recorded(NamedTuple):
    """What files say of one asset; a part that no file has is None. Bars are as `storage.daily_files` reads them."""

    asset: str
    days: Any
    earlier: Any = None
    """Closes of days before the first bar: history for averages and for the all-time high, never traded."""
    spot_8h: Any = None
    perpetual_8h: Any = None
    rates: Mapping[int, int] | None = None


FIRST_ASSET: Final = "BTC"
"""Whose days are those of a run; others may begin later: until then their share is money."""

Note = tuple[str, dict[str, Any]]
"""A sentence of the page by its key, and what is filled in."""


class Market(NamedTuple):
    """Instruments with their days, and in one sentence each what stands in for what."""

    markets: tuple[MarketDays, ...]
    notes: tuple[Note, ...]


def instrument_of(asset: str, kind: str, maker_fee_e9: int, taker_fee_e9: int) -> Instrument:
    """An instrument of the venue whose increments are coarse enough for seven years of prices in one book."""
    return Instrument(
        symbol=f"{asset}USDT",
        venue="bybit",
        kind="spot" if kind == "spot" else "linear",
        base_asset=asset,
        quote_asset="USDT",
        price_increment=Decimal(INCREMENTS[asset]),
        tick_size=Decimal(INCREMENTS[asset]),
        lot_size=Decimal(LOTS[asset]),
        min_notional=Decimal(5),
        maker_fee_e9=maker_fee_e9,
        taker_fee_e9=taker_fee_e9,
        fee_in_base=kind == "spot",
        quote_quantum=Decimal("0.000001"),
    )


def market_of(recorded: Sequence[Recorded], first_day: int, last_day: int, *, fee_factor: int = 1) -> Market:
    """The market from `first_day` to `last_day`, with all history before it told.

    `fee_factor` multiplies fees (costs x 2). Raises DataError for a span that the files do not have.
    """
    found: list[MarketDays] = []
    notes: list[Note] = []
    for one in recorded:
        found += _asset(one, first_day, last_day, fee_factor, notes)
    kinds = sorted(found, key=lambda market: market.instrument.kind != "spot")
    return Market(tuple(kinds), tuple(notes))


def recorded_pairs(recorded: Sequence[Recorded]) -> tuple[str, ...]:
    """Assets of which rate and basis were recorded: what FUNDING trades in a headline."""
    return tuple(
        one.asset for one in recorded if one.rates and one.spot_8h is not None and one.perpetual_8h is not None
    )


def _asset(one: Recorded, first_day: int, last_day: int, fee_factor: int, notes: list[Note]) -> list[MarketDays]:
    spot = instrument_of(one.asset, "spot", 1_000_000 * fee_factor, 1_000_000 * fee_factor)
    perpetual = instrument_of(one.asset, "linear", 200_000 * fee_factor, 550_000 * fee_factor)
    tail = (last_day + 2) * DAY_NS
    daily = _as_bars(one.days, DAY_NS, INCREMENTS[one.asset])
    history = daily if one.earlier is None else _before(_as_bars(one.earlier, DAY_NS, INCREMENTS[one.asset]), daily)
    spot_paths = _joined(daily, one.spot_8h, one.asset)
    perpetual_paths = _joined(daily, one.perpetual_8h, one.asset)
    if one.perpetual_8h is None:
        notes.append(("spot_throughout", {"asset": one.asset}))
    else:
        notes.append(("spot_before", {"asset": one.asset, "day": _date(perpetual_paths, PERIOD_NS)}))
    rates: dict[int, int | None] = {}
    if one.rates:
        begin, end = min(one.rates), (last_day + 1) * DAY_NS
        rates = {ts: one.rates.get(ts) for ts in range(begin, end + 1, PERIOD_NS)}
        missing = sum(rate is None for rate in rates.values())
        notes.append(("funding", {"asset": one.asset, "day": _day(begin), "count": missing}))
    else:
        notes.append(("no_funding", {"asset": one.asset}))
    markets = []
    for instrument, paths, told in ((spot, spot_paths, {}), (perpetual, perpetual_paths, rates)):
        whole_days = _days_of(paths, history)
        cut = paths[(paths["start"] >= first_day * DAY_NS) & (paths["end"] <= tail)]
        begins_late = len(cut) > 0 and cut["start"][0] > (first_day + 1) * DAY_NS
        if not len(cut) or (begins_late and one.asset == FIRST_ASSET) or cut["end"][-1] < (last_day + 1) * DAY_NS:
            raise DataError(
                f"{instrument.name}: found bars of {_date(paths)} to {_day(int(paths['end'][-1]) - DAY_NS)}, "
                f"expected every day from {_day(first_day * DAY_NS)} to {_day(last_day * DAY_NS)}"
            )
        if instrument is spot:
            notes += _gaps(one.asset, cut, first_day, last_day)
        cut = _with_tail(cut, (last_day + 1) * DAY_NS)
        markets.append(MarketDays(instrument, cut, whole_days[whole_days["end"] <= tail], told))
    return markets


def _gaps(asset: str, bars: Any, first_day: int, last_day: int) -> list[Note]:
    """What is said of a market that begins late, and of days without prices."""
    there = np.unique(bars["start"] // DAY_NS)
    there = there[there <= last_day]
    begins = int(there[0])
    missing = last_day - begins + 1 - len(there)
    late: list[Note] = [("begins", {"asset": asset, "day": _day(begins * DAY_NS)})] if begins > first_day + 1 else []
    return [*late, *([("no_prices", {"asset": asset, "count": missing})] if missing else [])]


def _with_tail(bars: Any, end_ns: int) -> Any:
    """The bars until a moment, and one that stands still after it: the last cycle has a market to decide in."""
    bars = bars[bars["end"] <= end_ns]
    still = np.zeros(1, BAR)
    close = int(bars["close"][-1])
    still[0] = (end_ns, end_ns + PERIOD_NS, close, close, close, close)
    return np.concatenate([bars, still])


def _as_bars(table: Any, length_ns: int, increment: str) -> Any:
    """Floats as whole increments, to the nearest, halves to even; at least one."""
    bars = np.zeros(len(table), BAR)
    bars["start"], bars["end"] = table["start"], table["start"] + length_ns
    for name in ("open", "high", "low", "close"):
        bars[name] = np.maximum(np.rint(table[name] / float(increment)), 1)
    return bars


def _joined(daily: Any, eights: Any, asset: str) -> Any:
    """Days until the first whole day of bars of eight hours, those from there on."""
    if eights is None:
        return daily
    bars = _as_bars(eights, PERIOD_NS, INCREMENTS[asset])
    whole = bars[bars["start"] % DAY_NS == 0]["start"]
    first = int(whole[0])
    return np.concatenate([daily[daily["end"] <= first], bars[bars["start"] >= first]])


def _before(earlier: Any, daily: Any) -> Any:
    return np.concatenate([earlier[earlier["end"] <= daily["start"][0]], daily])


def _days_of(paths: Any, history: Any) -> Any:
    """Whole days: bars of eight hours put together, and what history has before them."""
    day = paths["start"] // DAY_NS
    starts = np.flatnonzero(np.concatenate([[True], day[1:] != day[:-1]]))
    ends = np.append(starts[1:], len(paths)) - 1
    days = np.zeros(len(starts), BAR)
    days["start"], days["end"] = paths["start"][starts], paths["end"][ends]
    days["open"], days["close"] = paths["open"][starts], paths["close"][ends]
    days["high"] = np.maximum.reduceat(paths["high"], starts)
    days["low"] = np.minimum.reduceat(paths["low"], starts)
    days = days[days["end"] - days["start"] == DAY_NS]
    return np.concatenate([history[history["end"] <= days["start"][0]], days])


def _date(bars: Any, length_ns: int = 0) -> str:
    """The first day of bars, or of those of one length."""
    if length_ns:
        bars = bars[bars["end"] - bars["start"] == length_ns]
    return _day(int(bars["start"][0]))


def _day(ns: int) -> str:
    return str(np.datetime64(ns, "ns").astype("datetime64[D]"))
