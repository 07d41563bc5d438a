"""The account's facts are told once each, also those that a lost connection, a lost frame or a bad one has hidden."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.ports.live_feed import Interruption
from quintet.ports.venue_account import CaughtUp, Execution, News, OrderReport, PositionReport, Reported, Unreadable
from quintet.venues.bybit.account_feed import AccountFeed
from quintet.venues.bybit.account_questions import AccountQuestions
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.private_stream import PrivateStream
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.connection import Connection, FeedUnreachable, Patience
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.bybit_account import IDS, LISTING, MS_NS, execution_row, frame, order_row
from tests.fakes.bybit_sockets import BybitSockets, serving
from tests.fakes.bybit_venue import KEY, SECRET, START_MS, BybitVenue, Order
from tests.fakes.virtual_time import run

Result = TypeVar("Result")
PATIENCE = Patience(answer_s=2.0, ping_every_s=3.0, silence_s=8.0, first_pause_s=0.2, longest_pause_s=1.0)


class Account:
    """A feed on a fake venue; `news` is everything it has told."""

    def __init__(self, sockets: BybitSockets, secret: str = SECRET) -> None:
        loop = asyncio.get_running_loop()
        steady = lambda: int(loop.time() * 1e9)  # noqa: E731
        wall = lambda: START_MS * MS_NS + steady()  # noqa: E731
        self.sockets, self.venue = sockets, sockets.venue
        self.clock = VenueClock()
        self.rest = Rest(
            ApiKey(KEY, SECRET), Pace(limits(LISTING.categories)), self.clock, ("https://a.test",),
            transport=self.venue.transport, steady_ns=steady,
        )  # fmt: skip
        stream = PrivateStream(ApiKey(KEY, secret), self.clock, steady, sockets.url)
        connection = Connection(stream, wall, PATIENCE, draw=lambda: 0.5, quiet=True)
        self.feed = AccountFeed(connection, self.rest, LISTING, since_ns=START_MS * MS_NS, wall_ns=wall)
        self.news: list[News] = []

    async def listen(self) -> None:
        async for item in self.feed.news():
            self.news.append(item)

    async def until(self, kind: type, count: int = 1) -> None:
        while sum(isinstance(item, kind) for item in self.news) < count:
            await asyncio.sleep(0.05)

    def told(self, kind: type) -> list[Any]:
        return [item.report for item in self.news if isinstance(item, Reported) and isinstance(item.report, kind)]

    def fill(self, name: str, **changed: Any) -> dict[str, Any]:
        """An execution that the venue remembers."""
        row = execution_row(execId=name, execTime=str(self.venue.now_ms()), **changed)
        self.venue.executions.append(row)
        return row


def living(story: Callable[[Account], Awaitable[Result]], secret: str = SECRET) -> Result:
    async def whole() -> Result:
        async with serving(BybitSockets(BybitVenue())) as sockets:
            account = Account(sockets, secret)
            await account.rest.settle_clock(5.0)
            tasks = [asyncio.create_task(account.listen()), asyncio.create_task(account.rest.keep_clock())]
            try:
                return await story(account)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await account.rest.close()

    return run(whole())


def test_an_execution_is_told_once_however_often_it_comes() -> None:
    async def story(account: Account) -> None:
        account.fill("before the login")
        await account.until(CaughtUp)
        row = account.fill("e-1")
        for _ in range(3):
            await account.sockets.push(frame("execution", row, row))
        account.sockets.cut()
        await account.until(CaughtUp, 2)
        assert [one.execution_id for one in account.told(Execution)] == ["before the login", "e-1"]
        assert account.feed.repeated >= 5

    living(story)


def test_a_fill_while_the_line_was_down_is_told_after_it() -> None:
    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        account.sockets.cut()
        account.fill("in the gap")
        await account.until(CaughtUp, 2)
        kinds = [type(item) for item in account.news]
        assert Interruption in kinds
        [found] = [item for item in account.news if isinstance(item, Reported) and isinstance(item.report, Execution)]
        assert found.asked
        assert kinds.index(Interruption) < account.news.index(found) < len(kinds) - 1

    living(story)


def test_an_order_that_ended_while_the_line_was_down_is_asked_about() -> None:
    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        row = order_row(orderId="id-7", updatedTime=str(account.venue.now_ms()))
        account.venue.orders[IDS.of(256)] = Order(IDS.of(256), "id-7", row)
        await account.sockets.push(frame("order", row))
        await asyncio.sleep(0.1)
        account.sockets.cut()
        account.venue.orders[IDS.of(256)].status = "Cancelled"
        await account.until(CaughtUp, 2)
        assert [one.state for one in account.told(OrderReport)] == ["open", "canceled"]

    living(story)


def test_older_statuses_are_ignored_and_nothing_that_is_over_opens_again() -> None:
    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        now = account.venue.now_ms()
        for later, status, filled in (
            (5, "PartiallyFilled", "0.040"),
            (3, "New", "0"),
            (9, "Filled", "0.100"),
            (7, "PartiallyFilled", "0.050"),
            (11, "New", "0"),
        ):
            row = order_row(orderStatus=status, cumExecQty=filled, updatedTime=str(now + later))
            await account.sockets.push(frame("order", row))
        await asyncio.sleep(0.2)
        assert [(one.state, one.filled_lots) for one in account.told(OrderReport)] == [("open", 40), ("filled", 100)]
        assert account.feed.repeated == 3

    living(story)


def test_a_frame_that_cannot_be_read_is_told_and_what_it_may_have_said_is_asked_for() -> None:
    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        row = account.fill("e-1")
        await account.sockets.push(frame("execution", row)[:-30])
        await account.until(CaughtUp, 2)
        [bad] = [item for item in account.news if isinstance(item, Unreadable)]
        assert "frame: Input data was truncated" in bad.why
        assert [one.execution_id for one in account.told(Execution)] == ["e-1"]

    living(story)


def test_a_fill_of_no_whole_number_of_lots_is_for_a_person() -> None:
    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        row = account.fill("e-1", execQty="0.0000000001")
        await account.sockets.push(frame("execution", row))
        await account.until(Unreadable, 2)
        assert all(
            "execQty: expected a whole multiple" in one.why for one in account.news if isinstance(one, Unreadable)
        )
        assert account.told(Execution) == []

    living(story)


def test_a_line_that_hears_and_says_nothing_is_left() -> None:
    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        account.sockets.deaf = True
        await account.until(Interruption)
        account.fill("in the silence")
        account.sockets.deaf = False
        await account.until(CaughtUp, 2)
        assert [one.execution_id for one in account.told(Execution)] == ["in the silence"]
        assert account.sockets.logins == 2

    living(story)


def test_the_venues_rest_may_be_down_when_the_line_comes_back() -> None:
    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        down = [30]

        def fault(path: str) -> str:
            down[0] -= 1
            return "lost before" if down[0] > 0 and path != "/v5/market/time" else ""

        account.venue.fault = fault
        account.sockets.cut()
        account.fill("in the gap")
        await account.until(CaughtUp, 2)
        assert [one.execution_id for one in account.told(Execution)] == ["in the gap"]
        [said] = [item.why for item in account.news if isinstance(item, Unreadable)]
        assert "the account cannot be asked: bybit /v5/execution/list: no usable answer after 4 attempts" in said

    living(story)


def test_positions_are_asked_for_at_the_beginning() -> None:
    async def story(account: Account) -> None:
        account.venue.positions = [
            {"symbol": "BTCUSDT", "side": "Sell", "size": "0.010", "positionValue": "300", "updatedTime": str(START_MS)}
        ]
        await account.until(CaughtUp)
        assert {(one.instrument, one.lots) for one in account.told(PositionReport)} == {(1, -10)}

    living(story)


def test_a_refused_login_is_an_error_without_the_key() -> None:
    async def story(account: Account) -> str:
        with pytest.raises(FeedUnreachable) as refused:
            await account.listen()
        return str(refused.value)

    said = living(story, secret="another")
    assert "auth was refused" in said
    assert KEY not in said


def test_a_feed_that_does_not_ask_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(self: AccountQuestions, since_ns: int) -> list[Any]:
        return []

    monkeypatch.setattr(AccountQuestions, "executions", nothing)

    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        account.sockets.cut()
        account.fill("in the gap")
        await account.until(CaughtUp, 2)
        assert account.told(Execution) == []

    living(story)


@settings(max_examples=6)
@given(st.integers(0, 2**32))
def test_in_any_bad_hour_every_fill_is_told_exactly_once(seed: int) -> None:
    rng = random.Random(seed)

    async def story(account: Account) -> None:
        await account.until(CaughtUp)
        for n in range(30):
            rows = [account.fill(f"e-{n}-{part}") for part in range(rng.randint(1, 3))]
            chance = rng.random()
            if chance < 0.15:
                account.sockets.cut()
            elif chance < 0.3:
                pass  # never pushed: only what comes after a new login can tell it
            elif chance < 0.4:
                await account.sockets.push(frame("execution", *rows)[:-5])
            else:
                rng.shuffle(rows)
                for row in rows * rng.randint(1, 2):
                    await account.sockets.push(frame("execution", row))
            await asyncio.sleep(rng.random() * 0.5)
        account.sockets.cut()
        caught = sum(isinstance(item, CaughtUp) for item in account.news)
        await account.until(CaughtUp, caught + 1)
        await asyncio.sleep(5.0)
        told = [one.execution_id for one in account.told(Execution)]
        assert sorted(told) == sorted(row["execId"] for row in account.venue.executions)

    living(story)
