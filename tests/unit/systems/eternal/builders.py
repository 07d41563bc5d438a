"""Quotes and views of the specification's running example: 100,000 USDT, prices in whole USDT, lots of 0.0001 coins."""

import msgspec

from quintet.systems.eternal.seen import Picture, Quote

USDT = 1_000_000
"""Quanta of one."""
COIN = 10_000
"""Lots of one."""
DAY_NS = 86_400_000_000_000
BTC, ETH = 60_000, 3_000


def quote(price, coins=0.0, **fields):
    """One increment below and above `price` are bid and ask."""
    known = {"bid": price - 1, "ask": price + 1, "last": price, "quanta": 100, "base_quanta": 10_000}
    return Quote(**{**known, "lots": round(coins * COIN), **fields})


def picture(close, **fields):
    """A calm market in a long up-trend that is not strong."""
    known = {
        "fast_average": 52_000.0,
        "slow_average": 50_000.0,
        "adx": 22.0,
        "plus": 25.0,
        "minus": 15.0,
        "atr": 1_500.0,
        "volatility": 0.6,
        "drawdown": -0.1,
    }
    return Picture(close=close, **{**known, **fields})


def kinds(decision):
    """Of its notes."""
    return [note.kind for note in decision.notes]


def coins(order):
    """Signed."""
    return order.side * order.lots / COIN


def changed(struct, **fields):
    """The same with other values."""
    return msgspec.structs.replace(struct, **fields)
