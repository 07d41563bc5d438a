"""What the exchange of a portfolio on paper shows of the market's Earn products."""

import asyncio
from typing import Any, cast

import pytest

from quintet.app.paper_exchange import Shown, paper_instruments
from quintet.core.errors import InputError
from quintet.core.facts import Said
from quintet.sandbox.clock import Clock
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.keys import KeyRing
from quintet.sandbox.service import Service


class Market:
    """Tells a yield, none, or does not answer."""

    def __init__(self, tells: int | None | Exception) -> None:
        self.tells = tells

    async def touches(self) -> list[Any]:
        return []

    async def earn_yield(self, asset: str, now_ns: int) -> Said | None:
        if isinstance(self.tells, Exception):
            raise self.tells
        return None if self.tells is None else Said(f"bybit/earn_yield/{asset}", 0, self.tells, 9)


def shown(tells: int | None | Exception) -> tuple[int, bool]:
    """The yield of Ether, parts of 1e8, and whether its product is open."""
    service = Service(Exchange(), Clock(1_767_225_600_000), KeyRing())
    asyncio.run(Shown(service, cast(Any, Market(tells)), paper_instruments(("BTC", "ETH"))).once())
    product = next(one for one in service.state.earn_products.values() if one.coin == "ETH")
    return product.apr, product.is_open


@pytest.mark.req("E-19")
def test_it_pays_what_the_market_pays_and_takes_nothing_where_nobody_says() -> None:
    assert shown(24_500_000) == (2_450_000, True)
    assert shown(None)[1] is False
    assert shown(InputError("not now"))[1] is False
