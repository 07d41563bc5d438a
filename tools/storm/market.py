"""A small seeded market on the sandbox: five levels a side that wander, and trades that take what stands in the queue."""

import asyncio
import random
from typing import Final

from quintet.sandbox.commands import Ghosts, GhostTrade
from quintet.sandbox.money import quanta
from quintet.sandbox.service import Service

SYMBOL: Final = "BTCUSDT"
START: Final = quanta("50000")
LEVELS: Final = 5
STEP_S: Final = 0.25
LEVEL_LOTS: Final = 20_000
TRADES: Final = 0.5
"""Chance of a trade in a step."""


class GhostMarket:
    """One instrument's book, moved by dice."""

    def __init__(self, service: Service, category: str, dice: random.Random) -> None:
        self._service = service
        self._names = {"category": category, "symbol": SYMBOL}
        self._dice = dice
        self._mid = START
        self._tick = service.state.markets[f"{category}:{SYMBOL}"].instrument.tick

    def step(self) -> None:
        """The next moment of the market."""
        dice, service = self._dice, self._service
        self._mid += dice.choice((-3, -1, 0, 0, 1, 3)) * self._tick
        levels = []
        for sign in (1, -1):
            for n in range(1, LEVELS + 1):
                levels.append((sign, self._mid - sign * n * self._tick, dice.randint(LEVEL_LOTS // 2, LEVEL_LOTS)))
        service.do(Ghosts(levels=levels, snapshot=True, **self._names))
        if dice.random() < TRADES:
            sign = dice.choice((1, -1))
            price = self._mid + sign * self._tick
            service.do(GhostTrade(sign=sign, price=price, lots=dice.randint(1, 2 * LEVEL_LOTS), **self._names))

    async def run(self) -> None:
        """For ever."""
        while True:
            self.step()
            await asyncio.sleep(STEP_S)
