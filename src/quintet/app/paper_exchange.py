"""An exchange for one portfolio on paper: the sandbox in this process, which shows what a real market shows.

Every few seconds the market's touch becomes the exchange's book, and its rate to come that of the next funding; what
its Earn products yield becomes what these yield. What is traded there is traded against that touch and no deeper; no
order leaves this process. The exchange is kept in a folder.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

from quintet.app.sandbox_command import kept_service
from quintet.core.errors import InputError
from quintet.core.instrument import Instrument
from quintet.sandbox.commands import Ghosts, GhostTrade, SetEarn, SetFunding
from quintet.sandbox.instruments import BUY, SELL, default_catalogue
from quintet.sandbox.money import QUANTUM, quanta
from quintet.sandbox.server import Sandbox
from quintet.sandbox.service import Service
from quintet.venues.bybit.daily_facts import Touch
from quintet.venues.bybit.daily_market import DailyMarket
from quintet.venues.bybit.sign import ApiKey

SHOWN_EVERY_S: Final = 5.0
YIELD_EVERY_S: Final = 1_200.0
E9_PER_E8: Final = 10


def paper_instruments(assets: Sequence[str]) -> tuple[Instrument, ...]:
    """What the exchange lists of these assets, spot and perpetuals, in its own increments."""
    return tuple(
        Instrument(
            symbol=one.symbol, venue="bybit", kind=one.category, base_asset=one.base, quote_asset=one.quote,
            price_increment=Decimal(1).scaleb(-one.price_decimals), tick_size=one.tick * QUANTUM,
            lot_size=Decimal(1).scaleb(-one.lot_decimals),
        )
        for one in default_catalogue()
        if one.base in assets
    )  # fmt: skip


@asynccontextmanager
async def paper_exchange(
    folder: Path, market: DailyMarket, instruments: Sequence[Instrument], capital: Decimal
) -> AsyncIterator[tuple[str, ApiKey]]:
    """Its address and the key of its main account, which holds the capital; it lives as long as the block.

    Raises InputError when the market cannot be asked at the beginning.
    """
    with kept_service(folder, 1) as (service, keeper):
        sandbox = Sandbox(service)
        if keeper is not None:
            sandbox.keep = lambda: keeper.snapshot() if keeper.wants_snapshot() else None
        shown = Shown(service, market, instruments)
        await shown.once()
        key = service.default_key(coins={"USDT": f"{capital:f}"})
        async with sandbox.serving() as port:
            showing = asyncio.create_task(shown.run())
            try:
                yield f"http://127.0.0.1:{port}", ApiKey(key.key, key.secret)
            finally:
                showing.cancel()


class Shown:
    """What the exchange shows: the touch of a real market, asked for again and again."""

    def __init__(self, service: Service, market: DailyMarket, instruments: Sequence[Instrument]) -> None:
        self._service, self._market, self._instruments = service, market, tuple(instruments)
        self._yields_at_s = 0.0

    async def run(self) -> None:
        """For ever; a market that does not answer leaves the books as they are."""
        while True:
            await asyncio.sleep(SHOWN_EVERY_S)
            try:
                await self.once()
            except InputError:
                continue

    async def once(self) -> None:
        """Ask, and show it."""
        for _, n, touch in await self._market.touches():
            self._show(self._instruments[n], touch)
        if asyncio.get_running_loop().time() >= self._yields_at_s:
            self._yields_at_s = asyncio.get_running_loop().time() + YIELD_EVERY_S
            for coin in dict.fromkeys(one.base_asset for one in self._instruments):
                await self._show_yield(coin)

    async def _show_yield(self, coin: str) -> None:
        """What the market's Earn product pays is what this one pays; where nobody says, it takes nothing."""
        try:
            found = await self._market.earn_yield(coin, 0)
        except InputError:
            found = None
        apr = None if found is None else found.value // E9_PER_E8
        self._service.do(SetEarn(coin=coin, apr=apr, is_open=found is not None))

    def _show(self, one: Instrument, touch: Touch) -> None:
        names = {"category": one.kind, "symbol": one.symbol}
        sides = ((BUY, touch.bid, touch.bid_lots), (SELL, touch.ask, touch.ask_lots))
        levels = [(sign, quanta(one.price(ticks)), lots) for sign, ticks, lots in sides if ticks and lots]
        self._service.do(Ghosts(levels=levels, snapshot=True, **names))
        if touch.last:
            price = quanta(one.price(touch.last))
            self._service.do(GhostTrade(sign=BUY if touch.last >= touch.ask else SELL, price=price, lots=1, **names))
        if one.kind != "spot":
            self._service.do(SetFunding(symbol=one.symbol, rate=touch.rate_e9 // E9_PER_E8))
