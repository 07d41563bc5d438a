"""A week before the first day: minutes that nobody traded in, so that a client which asks for the past finds one.

The past is drawn backwards from the price at which the market begins, from a seed, minute by minute: the same words
give the same past. It says nothing about any market.
"""

import struct
from hashlib import blake2b

from quintet.sandbox.candle_series import MINUTE_MS
from quintet.sandbox.instruments import Instrument
from quintet.sandbox.money import ONE

MOVE_MAX_E4 = 4
"""A minute closes at most so many parts of 10,000 from its opening; its extremes lie at most half of that beyond."""

_DRAW = struct.Struct("<32H")

VALUE_MAX = 200_000 * ONE


Minute = tuple[int, int, int, int, int, int, int]
"""The fields of a candle."""

AT_ONCE = 8


def past_minutes(instrument: Instrument, seed: int, price: int, end_ms: int, minutes: int) -> list[Minute]:
    """Candles that end where the market begins: at `price` quanta, before the minute of `end_ms`; oldest first."""
    tick, per_unit = instrument.tick, instrument.lots_per_unit
    reach = max(1, price * MOVE_MAX_E4 // 10_000 // tick)
    close = price - price % tick
    start = end_ms - end_ms % MINUTE_MS
    found: list[Minute] = []
    drawn: tuple[int, ...] = ()
    for number in range(minutes):
        start -= MINUTE_MS
        place = number % AT_ONCE * 4
        if not place:
            drawn = _DRAW.unpack(blake2b(f"{seed} {instrument.symbol} {number}".encode(), digest_size=64).digest())
        move, above, below, volume = drawn[place : place + 4]
        opened = max(tick, close + (move % (2 * reach + 1) - reach) * tick)
        high = max(opened, close) + above % (reach // 2 + 1) * tick
        low = max(tick, min(opened, close) - below % (reach // 2 + 1) * tick)
        lots = max(1, VALUE_MAX * (volume + 1) // 65_536 * per_unit // price)
        found.append((start, opened, high, low, close, lots, (opened + close) // 2 * lots // per_unit))
        close = opened
    return found[::-1]
