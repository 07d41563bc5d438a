"""A small seeded market on the sandbox: five levels a side that wander, and trades that take what stands there."""

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
CALM_STEP_S: Final = 1.0
LEVEL_LOTS: Final = 20_000
TRADES: Final = 0.5
BITES: Final = 0.5
"""Chances in a step: of a trade, and of one that takes a part of an order of the desk."""


class GhostMarket:
    """One instrument's book, moved by dice."""

    def __init__(self, service: Service, category: str, dice: random.Random) -> None:
        self._service = service
        self._names = {"category": category, "symbol": SYMBOL}
        self._dice = dice
        self._mid = START
        self.step_s = STEP_S
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

        if dice.random() < BITES:
            self._bite()

    def _bite(self) -> None:
        """Trade away a part of some resting order that a client has named."""
        state, book = self._service.state, self._service.venue.books[f"{self._names['category']}:{SYMBOL}"]
        resting = [one for one in state.orders.values() if one.link_id and one.is_resting and one.left > 1]
        if not resting:
            return
        order = self._dice.choice(resting)
        ahead = book.matchable(-order.sign, order.price) - order.left
        lots = ahead + self._dice.randint(1, order.left - 1)
        self._service.do(GhostTrade(sign=-order.sign, price=order.price, lots=lots, **self._names))

    async def run(self) -> None:
        """For ever."""
        while True:
            self.step()
            await asyncio.sleep(self.step_s)
