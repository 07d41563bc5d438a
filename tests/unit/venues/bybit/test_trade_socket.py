"""Orders over the trade socket: whatever becomes of the line, one order at most, and the truth in the end."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.ports.order_entry import Accepted, CancelAll, Found, Lost, Outcome, Place, Unknown
from quintet.venues.bybit.limits import ADDRESS, SHUT_OUT_S, limits
from quintet.venues.bybit.order_gateway import OrderGateway
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.bybit.trade_socket import TradeSocket
from quintet.venues.connection import FeedUnreachable, Patience
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.bybit_account import IDS, LISTING
from tests.fakes.bybit_sockets import FAULTS, BybitSockets, serving
from tests.fakes.bybit_venue import KEY, SECRET, BybitVenue
from tests.fakes.virtual_time import run
from tests.unit.venues.bybit.test_order_gateway import cancel, place

Result = TypeVar("Result")
PATIENCE = Patience(answer_s=2.0, first_pause_s=0.2, longest_pause_s=1.0)


class Desk:
    """A gateway with both doors on a fake venue."""

    def __init__(self, sockets: BybitSockets, secret: str = SECRET) -> None:
        loop = asyncio.get_running_loop()
        steady = lambda: int(loop.time() * 1e9)  # noqa: E731
        pace, clock = Pace(limits(LISTING.categories)), VenueClock()
        key = ApiKey(KEY, secret)
        self.venue = sockets.venue
        self.sockets = sockets
        self.rest = Rest(
            ApiKey(KEY, SECRET), pace, clock, ("https://a.test",), transport=sockets.venue.transport, steady_ns=steady
        )
        self.socket = TradeSocket(
            key, pace, clock, sockets.url, wall_ns=steady, steady_ns=steady, patience=PATIENCE, draw=lambda: 0.5
        )
        self.gateway = OrderGateway(self.rest, LISTING, IDS, self.socket)
        self.told: list[Outcome] = []

    async def listen(self) -> None:
        async for outcome in self.gateway.outcomes():
            self.told.append(outcome)

    async def settled(self) -> list[Outcome]:
        while self.gateway.busy:
            await asyncio.sleep(0.1)
        await asyncio.gather(*self.venue.later)
        return self.told

    async def connected(self) -> None:
        while not self.socket.ready:
            await asyncio.sleep(0.05)


def trading(
    story: Callable[[Desk], Awaitable[Result]], fault: Callable[[str], str] = lambda op: "", secret: str = SECRET
) -> Result:
    async def whole() -> Result:
        async with serving(BybitSockets(BybitVenue(), fault)) as sockets:
            desk = Desk(sockets, secret)
            tasks = [asyncio.create_task(work) for work in (desk.listen(), desk.rest.keep_clock())]
            await desk.gateway.begin()
            line = asyncio.create_task(desk.socket.run())
            try:
                return await story(desk)
            finally:
                await desk.gateway.close()
                for task in (*tasks, line):
                    task.cancel()
                await asyncio.gather(*tasks, line, return_exceptions=True)
                await desk.rest.close()

    return run(whole())


def over_rest(desk: Desk) -> list[str]:
    return [one for one in desk.venue.asked if one.startswith("POST")]


def test_an_order_and_its_cancel_go_over_the_socket() -> None:
    async def story(desk: Desk) -> list[Outcome]:
        await desk.connected()
        desk.gateway.send_one(place())
        await desk.settled()
        desk.gateway.send_one(cancel())
        told = await desk.settled()
        assert over_rest(desk) == []
        assert desk.venue.orders[IDS.of(256)].status == "Cancelled"
        return told

    assert trading(story) == [Accepted(place(), "id-0"), Accepted(cancel(), "id-0")]


def test_everything_at_once_is_taken_back_over_rest() -> None:
    async def story(desk: Desk) -> list[Outcome]:
        await desk.connected()
        desk.gateway.send_one(CancelAll(1))
        return await desk.settled()

    assert trading(story) == [Accepted(CancelAll(1))]


def test_an_address_that_is_shut_out_of_rest_cancels_over_the_socket() -> None:
    async def story(desk: Desk) -> float:
        await desk.connected()
        desk.gateway.send_one(place())
        await desk.settled()
        desk.rest.pace.close(ADDRESS, SHUT_OUT_S)
        began = asyncio.get_running_loop().time()
        desk.gateway.send_one(cancel())
        await desk.settled()
        assert desk.venue.orders[IDS.of(256)].status == "Cancelled"
        return asyncio.get_running_loop().time() - began

    assert trading(story) < 0.5


def test_before_the_line_is_up_orders_go_over_rest() -> None:
    async def story(desk: Desk) -> list[str]:
        assert not desk.socket.ready
        desk.gateway.send_one(place())
        await desk.settled()
        return over_rest(desk)

    assert len(trading(story)) == 1


@pytest.mark.parametrize("fault", ["no answer", "abort after", "cut off", "10016 after", "late"])
def test_an_order_whose_answer_is_lost_is_found(fault: str) -> None:
    faults = [fault]

    async def story(desk: Desk) -> list[Outcome]:
        await desk.connected()
        desk.gateway.send_one(place())
        return await desk.settled()

    unknown, found = trading(story, lambda op: faults.pop() if faults else "")
    assert isinstance(unknown, Unknown)
    assert isinstance(found, Found)


def test_a_line_that_takes_nothing_in_holds_up_no_order_for_ever() -> None:
    async def story(desk: Desk) -> list[Outcome]:
        await desk.connected()

        async def hangs(text: str) -> bool:
            await asyncio.sleep(1e6)
            return True

        desk.socket._connection.send = hangs  # type: ignore[method-assign]
        desk.gateway.send_one(place())
        return await desk.settled()

    unknown, lost = trading(story)
    assert isinstance(unknown, Unknown) and "no answer within 5 s" in unknown.why
    assert isinstance(lost, Lost)


def test_a_line_that_is_lost_comes_back_and_is_used_again() -> None:
    faults = ["abort before"]

    async def story(desk: Desk) -> list[Outcome]:
        await desk.connected()
        desk.gateway.send_one(place())
        await desk.settled()
        await desk.connected()
        desk.gateway.send_one(place(512))
        told = await desk.settled()
        assert over_rest(desk) == []
        assert desk.sockets.logins == 2
        return told

    told = trading(story, lambda op: faults.pop() if faults else "")
    assert [type(one) for one in told] == [Unknown, Lost, Accepted]


def test_a_login_that_is_refused_is_told_without_the_key() -> None:
    async def story(desk: Desk) -> str:
        with pytest.raises(FeedUnreachable) as refused:
            await desk.socket.run()
        return str(refused.value)

    said = trading(story, secret="another")
    assert "auth was refused: error sign!" in said
    assert KEY not in said


@settings(max_examples=6)
@given(st.integers(0, 2**32), st.integers(1, 10))
def test_whatever_becomes_of_the_line_the_truth_is_told(seed: int, count: int) -> None:
    rng = random.Random(seed)
    left = [15]

    def fault(op: str) -> str:
        left[0] -= 1
        return rng.choice(FAULTS) if left[0] >= 0 and rng.random() < 0.6 else ""

    async def story(desk: Desk) -> tuple[list[Outcome], Any]:
        await desk.connected()
        for n in range(count):
            desk.gateway.send_one(place(256 * (n + 1)))
            await asyncio.sleep(rng.random())
        return await desk.settled(), desk.venue

    told, venue = trading(story, fault)
    last = {outcome.command.client_id: outcome for outcome in told if isinstance(outcome.command, Place)}
    assert len(last) == count
    assert len(set(venue.created)) == len(venue.created)
    for client_id, outcome in last.items():
        assert isinstance(outcome, Accepted | Found) == (client_id in venue.orders), (outcome, client_id)
    assert venue.most_in_a_second <= 10
