"""Coins to the Earn product and back on the sandbox: whatever the line does, each order lands once."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from quintet.sandbox.commands import SetEarn
from quintet.venues.bybit import earn
from quintet.venues.bybit.earn import EarnOrder, EarnState, carry_out, staked
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.sandbox_client import Client, sandbox_client

STAKE = EarnOrder("one", "ETH", Decimal(2), stakes=True)
BACK = EarnOrder("two", "ETH", Decimal("0.5"), stakes=False)


class Line(httpx.AsyncBaseTransport):
    """Loses what is said of some requests: "before" they arrive, or "after"."""

    def __init__(self) -> None:
        self.loses: list[tuple[str, str]] = []
        self._there = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        when = next((when for when, path in self.loses if request.url.path.endswith(path)), "")
        if when:
            self.loses.remove((when, next(path for one, path in self.loses if one == when)))
        if when == "before":
            raise httpx.ReadTimeout("nothing came back")
        response = await self._there.handle_async_request(request)
        if when == "after":
            await response.aread()
            await response.aclose()
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return response

    async def aclose(self) -> None:
        await self._there.aclose()


class Told:
    """The sandbox, the line and the account whose coins they are."""

    def __init__(self, client: Client, rest: Rest, line: Line) -> None:
        self.client, self.rest, self.line = client, rest, line

    @property
    def orders(self) -> list[Any]:
        return self.client.sandbox.service.state.accounts[self.client.uid].earn_orders


def told(story: Callable[[Told], Awaitable[None]], permissions: tuple[str, ...] = ("Earn",)) -> None:
    async def whole() -> None:
        async with sandbox_client() as client:
            client.sandbox.service.keys.keys[client.key].permissions["Earn"] = list(permissions)
            line = Line()
            key, pace = ApiKey(client.key, client.secret), Pace(limits(("spot",)))
            rest = Rest(key, pace, VenueClock(), (client.rest,), transport=line)
            try:
                assert await rest.settle_clock(5.0)
                await story(Told(client, rest, line))
            finally:
                await rest.close()

    asyncio.run(whole())


@pytest.mark.req("E-18")
def test_a_stake_is_done_with_the_answer_and_what_is_in_is_known() -> None:
    async def story(told: Told) -> None:
        assert await carry_out(told.rest, STAKE) == EarnState("done", Decimal(2))
        assert await staked(told.rest, "ETH") == Decimal(2)

    told(story)


def test_a_redemption_is_under_way_until_the_coins_are_back() -> None:
    async def story(told: Told) -> None:
        service = told.client.sandbox.service
        service.do(SetEarn(coin="ETH", redeem_ms=60_000))
        await carry_out(told.rest, STAKE)
        assert await carry_out(told.rest, BACK) == EarnState("under way", Decimal("0.5"))
        assert await carry_out(told.rest, BACK) == EarnState("under way", Decimal("0.5"))
        service.clock.advance(61_000)
        await told.rest.settle_clock(1.0)
        told.client.sandbox.pass_time()
        told.rest.clock._forget()
        assert await carry_out(told.rest, BACK) == EarnState("done", Decimal("0.5"))
        assert len(told.orders) == 2

    told(story)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_that_is_lost_is_looked_for_and_the_order_lands_once(when: str) -> None:
    async def story(told: Told) -> None:
        told.line.loses = [(when, "/place-order")]
        assert await carry_out(told.rest, STAKE) == EarnState("done", Decimal(2))
        assert [order.amount for order in told.orders] == [2 * 10**8]

    told(story)


def test_one_of_an_earlier_life_is_found_and_not_sent() -> None:
    async def story(told: Told) -> None:
        await carry_out(told.rest, STAKE)
        told.line.loses = [("before", "/place-order")]
        assert (await carry_out(told.rest, STAKE)).became == "done"
        assert told.line.loses == [("before", "/place-order")]

    told(story)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (EarnOrder("big", "ETH", Decimal(10**6), stakes=True), "180013"),
        (EarnOrder("none", "ETH", Decimal(1), stakes=False), "180012"),
    ],
)
def test_what_the_venue_refuses_is_said_and_nothing_has_moved(order: EarnOrder, code: str) -> None:
    async def story(told: Told) -> None:
        state = await carry_out(told.rest, order)
        assert (state.became, told.orders) == ("refused", [])
        assert code in state.why

    told(story)


def test_a_key_that_may_not_is_refused() -> None:
    async def story(told: Told) -> None:
        state = await carry_out(told.rest, STAKE)
        assert state.became == "refused" and "10005" in state.why

    told(story, permissions=())


def test_a_coin_without_a_product_is_not_known_yet() -> None:
    async def story(told: Told) -> None:
        with pytest.raises(VenueUnreachable, match="no product for DOGE"):
            await carry_out(told.rest, EarnOrder("dog", "DOGE", Decimal(1), stakes=True))

    told(story)


def test_an_amount_that_is_no_number_is_named() -> None:
    with pytest.raises(Exception, match="orderValue: found 'much'"):
        earn._amount("much", "earn orders: orderValue")
