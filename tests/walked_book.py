"""A small order book that walks, written by hand: levels move with the mid, trades take from the touch."""

import random

from quintet.core.events import ASK_LEVEL, BID_LEVEL, TRADE_BUY, TRADE_SELL
from quintet.core.tape import Tape
from tests.tick_makers import Part, tape_of

TICK = 10
LEVELS = 8
EVERY_S = 0.25


def walked_tape(seconds: int, seed: int = 3) -> Tape:
    """Four messages a second, the same ones for the same seed; the mid moves by up to two ticks, the spread is two."""
    dice = random.Random(seed)
    mid = 20_000 * TICK
    shown: dict[tuple[int, int], int] = {}
    parts: list[Part] = []
    for n in range(int(seconds / EVERY_S)):
        rows: list[tuple[int, int, int]] = []
        mid += TICK * dice.choice((-2, -1, 0, 0, 0, 1, 2))
        wanted = {(BID_LEVEL, mid - TICK * (k + 1)): dice.randint(20, 90) for k in range(LEVELS)}
        wanted |= {(ASK_LEVEL, mid + TICK * (k + 1)): dice.randint(20, 90) for k in range(LEVELS)}
        rows += [(kind, price, 0) for kind, price in shown if (kind, price) not in wanted]
        rows += [(kind, price, lots) for (kind, price), lots in wanted.items()]
        shown = wanted
        if dice.random() < 0.6:
            buys = dice.random() < 0.5
            price = mid + TICK if buys else mid - TICK
            rows.append((TRADE_BUY if buys else TRADE_SELL, price, dice.randint(5, 120)))
        parts.append((n * EVERY_S, rows))
    return tape_of(parts)
