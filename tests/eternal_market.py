"""Markets of days for the eternal engine: instruments, bars that a test draws, and the tape of them."""

from decimal import Decimal

import numpy as np

from quintet.core.instrument import Instrument
from quintet.research.daily_tape import BAR, DAY_NS, MarketDays, daily_tape

PERIOD_NS = DAY_NS // 3
USDT = 1_000_000


def instrument(asset, kind, increment, lot, **fees):
    """Of Bybit, with its fees of an account without a rank: spot 10 bp, perpetual 2 and 5.5 bp."""
    known = {"maker_fee_e9": 1_000_000, "taker_fee_e9": 1_000_000, "fee_in_base": True}
    if kind == "linear":
        known = {"maker_fee_e9": 200_000, "taker_fee_e9": 550_000}
    return Instrument(
        symbol=f"{asset}USDT", venue="bybit", kind=kind, base_asset=asset, quote_asset="USDT",
        price_increment=Decimal(increment), tick_size=Decimal(increment), lot_size=Decimal(lot),
        min_notional=Decimal(5), quote_quantum=Decimal("0.000001"), **{**known, **fees},
    )  # fmt: skip


BTC, ETH = instrument("BTC", "spot", "1", "0.00001"), instrument("ETH", "spot", "0.1", "0.0001")
BTC_PERP, ETH_PERP = instrument("BTC", "linear", "1", "0.00001"), instrument("ETH", "linear", "0.1", "0.0001")


def bars(first_day, prices, wick=0.01):
    """A bar a day from each price to the next."""
    table = np.zeros(len(prices) - 1, BAR)
    for n, (opened, close) in enumerate(zip(prices, prices[1:], strict=False)):
        high, low = max(opened, close), min(opened, close)
        start = (first_day + n) * DAY_NS
        table[n] = (start, start + DAY_NS, opened, int(high * (1 + wick)), int(low * (1 - wick)), close)
    return table


def market(of, first_day, prices, rate=None, wick=0.01):
    """The same bars told and traded; `rate` at every settlement, in 1e-9."""
    table = bars(first_day, prices, wick)
    rates = {}
    if rate is not None:
        times = range(first_day * DAY_NS + PERIOD_NS, (first_day + len(table)) * DAY_NS + 1, PERIOD_NS)
        rates = {ts: rate(ts) if callable(rate) else rate for ts in times}
    return MarketDays(of, table, table, rates)


def tape(markets, facts=(), first_extreme=0, half_spread_e9=500_000):
    return daily_tape(markets, facts, half_spread_e9=half_spread_e9, first_extreme=first_extreme)
