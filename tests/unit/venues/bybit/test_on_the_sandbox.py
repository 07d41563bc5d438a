"""The adapter against the sandbox exchange: two readings of one protocol, whole sessions, and seeded bad ones."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from quintet.core.orders import lifecycle
from quintet.ports.order_entry import (
    Accepted,
    Cancel,
    CancelAll,
    Command,
    Found,
    Lost,
    Outcome,
    Place,
    Refused,
    Unknown,
)
from quintet.ports.venue_account import Balance, CaughtUp, Execution, News, OrderReport, PositionReport, Reported
from quintet.sandbox.commands import Ghosts, GhostTrade
from quintet.sandbox.faults import Fault, Scenario
from quintet.sandbox.money import quanta
from quintet.venues.bybit.account_feed import AccountFeed
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.order_gateway import OrderGateway
from quintet.venues.bybit.price_limits import let_prices_be_moved
from quintet.venues.bybit.private_stream import PrivateStream
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.bybit.trade_socket import TradeSocket
from quintet.venues.connection import Connection, Patience
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.bybit_account import BTC_LINEAR, ETH_SPOT, IDS
from tests.sandbox_client import Client, sandbox_client

Result = TypeVar("Result")
SPOT, LINEAR = 0, 1
LISTING = Listing((ETH_SPOT, BTC_LINEAR))
PATIENCE = Patience(answer_s=2.0, ping_every_s=2.0, silence_s=5.0, first_pause_s=0.05, longest_pause_s=0.2)
WINDOW_MS = 1_000


class Desk:
    """The whole adapter, wired to a sandbox."""

    def __init__(self, client: Client) -> None:
        self.client = client
        key = ApiKey(client.key, client.secret)
        pace, clock = Pace(limits(LISTING.categories)), VenueClock()
        self.rest = Rest(key, pace, clock, (client.rest,), recv_window_ms=WINDOW_MS, timeout_s=0.5)
        self.socket = TradeSocket(
            key, pace, clock, client.ws, patience=PATIENCE, answer_s=0.5, recv_window_ms=WINDOW_MS, draw=lambda: 0.5
        )
        stream = PrivateStream(key, clock, time.monotonic_ns, client.ws)
        connection = Connection(stream, time.time_ns, PATIENCE, draw=lambda: 0.5, quiet=True)
        self.feed = AccountFeed(connection, self.rest, LISTING, since_ns=time.time_ns())
        self.gateway = OrderGateway(self.rest, LISTING, IDS, self.socket)
        self.told: list[Outcome] = []
        self.news: list[News] = []

    async def hear_outcomes(self) -> None:
        async for outcome in self.gateway.outcomes():
            self.told.append(outcome)

    async def hear_news(self) -> None:
        async for item in self.feed.news():
            self.news.append(item)

    def reports(self, kind: type) -> list[Any]:
        return [item.report for item in self.news if isinstance(item, Reported) and isinstance(item.report, kind)]

    async def do(self, *commands: Command) -> list[Outcome]:
        before = len(self.told)
        for command in commands:
            self.gateway.send_one(command)
        while self.gateway.busy:
            await asyncio.sleep(0.01)
        return self.told[before:]

    async def sees(self, kind: type, **fields: Any) -> Any:
        """Wait for the newest report of a kind to have these fields."""
        async with asyncio.timeout(10):
            while True:
                for report in self.reports(kind)[-1:]:
                    if all(getattr(report, name) == value for name, value in fields.items()):
                        return report
                await asyncio.sleep(0.01)

    async def caught_up(self, count: int) -> None:
        async with asyncio.timeout(20):
            while sum(isinstance(item, CaughtUp) for item in self.news) < count:
                await asyncio.sleep(0.01)


def trading(story: Callable[[Desk], Awaitable[Result]]) -> Result:
    async def whole() -> Result:
        async with sandbox_client(rate_scale=1.0) as client:
            desk = Desk(client)
            await desk.gateway.begin()
            work = (desk.hear_outcomes(), desk.hear_news(), desk.socket.run(), desk.rest.keep_clock())
            tasks = [asyncio.create_task(one) for one in work]
            try:
                await desk.caught_up(1)
                return await story(desk)
            finally:
                await desk.gateway.close()
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
                await desk.rest.close()
                assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended

    return asyncio.run(whole())


def place(number: int, style: int, price: int, lots: int = 10, side: int = 1, instrument: int = LINEAR) -> Place:
    return Place(IDS.of(number * 256), instrument, side, style, price, lots)


async def everything(client: Client, path: str, category: str, **query: Any) -> list[dict[str, Any]]:
    """All rows of a list, by the test's own client."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        extra = {"cursor": cursor} if cursor else {}
        result = (await client.get(path, category=category, limit=50, **query, **extra))["result"]
        found += result["list"]
        cursor = result.get("nextPageCursor", "")
        if not cursor:
            return found


def test_a_whole_session() -> None:
    async def story(desk: Desk) -> None:
        rests = place(1, lifecycle.POST_ONLY, 490_000)
        [taken] = await desk.do(rests)
        assert isinstance(taken, Accepted)
        await desk.sees(OrderReport, client_id=rests.client_id, state="open")
        [canceled] = await desk.do(Cancel(rests.client_id, LINEAR))
        assert isinstance(canceled, Accepted)
        await desk.sees(OrderReport, client_id=rests.client_id, state="canceled")

        await desk.do(place(2, lifecycle.POST_ONLY, 510_000))
        await desk.sees(OrderReport, state="expired", reason=lifecycle.WOULD_TAKE)

        await desk.do(place(3, lifecycle.MARKET, 0, lots=20))
        await desk.sees(Execution, client_id=IDS.of(3 * 256), side=1, lots=20, maker=False)
        await desk.sees(PositionReport, lots=20)
        assert desk.reports(Balance)

        await desk.do(place(4, lifecycle.STOP, 480_000, lots=20, side=-1))
        await desk.sees(OrderReport, state="open", trigger_ticks=480_000, reduce_only=True)

        await desk.do(place(5, lifecycle.LIMIT, 290_000, lots=1_000, instrument=SPOT))
        await desk.sees(OrderReport, instrument=SPOT, state="open", ticks=290_000)
        await desk.do(place(6, lifecycle.MARKET, 0, lots=1_000, instrument=SPOT))
        await desk.sees(Execution, instrument=SPOT, fee_asset=LISTING.assets["ETH"].number)

        waits = place(7, lifecycle.STOP, 280_000, lots=900, side=-1, instrument=SPOT)
        await desk.do(waits)
        await desk.sees(OrderReport, client_id=waits.client_id, state="open", trigger_ticks=280_000)
        await desk.do(Cancel(waits.client_id, SPOT, waits=True))
        await desk.sees(OrderReport, client_id=waits.client_id, state="canceled")
        await desk.do(waits._replace(client_id=IDS.of(8 * 256)))
        ended = await desk.do(CancelAll(LINEAR), CancelAll(SPOT))
        assert [type(one) for one in ended] == [Accepted, Accepted], ended
        rows = await everything(desk.client, "/v5/order/realtime", "linear", symbol="BTCUSDT")
        rows += await everything(desk.client, "/v5/order/realtime", "spot", symbol="ETHUSDT")
        assert [(row["orderLinkId"], row["orderStatus"]) for row in rows] == []

    trading(story)


def test_what_the_venue_refuses_is_refused_with_its_words() -> None:
    async def story(desk: Desk) -> None:
        [small] = await desk.do(place(1, lifecycle.LIMIT, 10, lots=1))
        [closing] = await desk.do(place(2, lifecycle.STOP, 480_000, side=-1)._replace(reduce_only=True))
        [twice, again] = [(await desk.do(place(3, lifecycle.LIMIT, 490_000)))[0] for _ in range(2)]
        assert isinstance(small, Refused)
        assert small.text.startswith("retCode 1")
        assert isinstance(closing, Refused | Accepted)
        assert isinstance(twice, Accepted)
        assert isinstance(again, Accepted)
        told = await desk.do(Cancel(IDS.of(99 * 256), LINEAR))
        assert [type(one) for one in told] == [Unknown, Lost]

    trading(story)


def test_an_exit_beyond_the_price_limit_of_spot_is_refused_until_prices_may_be_moved_to_the_limit() -> None:
    """At 3000 the venue lets nobody sell below 2985: an urgent exit at 2900 must get out all the same."""

    async def story(desk: Desk) -> None:
        far = place(1, lifecycle.IOC, 290_000, 10_000, side=-1, instrument=SPOT)
        [refused] = await desk.do(far)
        assert isinstance(refused, Refused)
        assert refused.text.startswith("retCode 170194")
        assert await let_prices_be_moved(desk.rest) == ""
        assert await let_prices_be_moved(desk.rest) == ""
        [taken] = await desk.do(far._replace(client_id=IDS.of(2 * 256)))
        assert isinstance(taken, Accepted)
        report = await desk.sees(OrderReport, client_id=IDS.of(2 * 256), state="filled")
        assert report.filled_lots == 10_000
        assert all(one.ticks > 298_500 for one in desk.reports(Execution))

    trading(story)


def test_a_venue_that_does_not_move_prices_says_why() -> None:
    async def story(desk: Desk) -> None:
        key = ApiKey(desk.client.key, "another-secret")
        rest = Rest(key, Pace(limits(LISTING.categories)), VenueClock(), (desk.client.rest,))
        await rest.settle_clock(2.0)
        assert "retCode 10004" in await let_prices_be_moved(rest)
        await rest.close()

    trading(story)


@pytest.mark.parametrize("seed", [2])
def test_a_bad_quarter_of_a_minute_ends_with_the_truth(seed: int) -> None:
    """Orders in the middle of faults: what was told in the end is what the exchange has, and every fill came once."""
    requests = ("lose_request", "lose_answer", "slow_answer", "repeat_request", "server_error", "internal_error",
                "truncate_answer", "rate_limited")  # fmt: skip
    faults = [Fault(kind=kind, where="/v5/order/*", chance=0.07, delay_ms=700) for kind in requests]  # type: ignore[arg-type]
    frames = ("duplicate", "reorder", "disconnect", "truncate")
    faults += [Fault(kind=kind, where=topic, chance=0.04) for kind in frames for topic in ("order", "execution")]  # type: ignore[arg-type]

    async def story(desk: Desk) -> None:
        rng = random.Random(seed)
        sandbox = desk.client.sandbox
        sandbox.faults.load(Scenario(seed=seed, fault=faults), asyncio.get_running_loop().time())
        for n in range(1, 25):
            style, price = rng.choice(
                [(lifecycle.LIMIT, 490_000), (lifecycle.MARKET, 0), (lifecycle.POST_ONLY, 480_000)]
            )
            desk.gateway.send_one(place(n, style, price))
            await asyncio.sleep(0.03)
        async with asyncio.timeout(30):
            while desk.gateway.busy:
                await asyncio.sleep(0.05)
        sandbox.faults.clear()
        caught = sum(isinstance(item, CaughtUp) for item in desk.news)
        for session in list(sandbox.streams.sessions.values()):
            session.connection.abort()
        await desk.caught_up(caught + 1)

        rows = await everything(desk.client, "/v5/order/history", "linear", symbol="BTCUSDT")
        rows += await everything(desk.client, "/v5/order/realtime", "linear", symbol="BTCUSDT")
        there = {row["orderLinkId"] for row in rows}
        last = {one.command.client_id: one for one in desk.told if isinstance(one.command, Place)}
        assert len(last) == 24
        for client_id, outcome in last.items():
            assert isinstance(outcome, Accepted | Found) == (client_id in there), outcome
        executions = await everything(desk.client, "/v5/execution/list", "linear", symbol="BTCUSDT")
        assert sorted(one.execution_id for one in desk.reports(Execution)) == sorted(
            row["execId"] for row in executions
        )

    trading(story)


def test_a_stop_on_spot_for_more_coins_than_are_free_is_taken_and_ended_when_its_price_comes() -> None:
    """The venue reserves nothing for it: it is checked when it fires. The desk has to hear that at once."""

    async def story(desk: Desk) -> None:
        service = desk.client.sandbox.service
        held = service.state.accounts[desk.client.uid].coins.get("ETH", 0)
        lots = held // int(ETH_SPOT.lot_size * 10**8) + 100
        [told] = await desk.do(place(1, lifecycle.STOP, 299_900, lots, side=-1, instrument=SPOT))
        assert isinstance(told, Accepted)
        await desk.sees(OrderReport, client_id=IDS.of(256), state="open")
        names = {"category": "spot", "symbol": "ETHUSDT"}
        levels = [(sign, quanta("2998") - sign * quanta("0.01"), 10**7) for sign in (1, -1)]
        service.do(Ghosts(levels=levels, snapshot=True, **names))
        service.do(GhostTrade(sign=-1, price=quanta("2997.99"), lots=1, **names))
        report = await desk.sees(OrderReport, client_id=IDS.of(256), state="expired")
        assert report.filled_lots == 0

    trading(story)
