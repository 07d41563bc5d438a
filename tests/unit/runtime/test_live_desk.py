"""The shell of a desk, in a time that passes at once: recover, trade, stand down, and what a person is told."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.core.risk import breaker
from quintet.core.row_laws import text_of
from quintet.ports.gateway import Brake, no_brake
from quintet.ports.live_feed import Interruption
from quintet.ports.order_entry import (
    HELD_BACK_FACT,
    Accepted,
    Cancel,
    Found,
    HeldBack,
    OfOneOrder,
    Outcome,
    Place,
    Refused,
    Repeated,
)
from quintet.ports.venue_account import Balance, CaughtUp, Execution, News, OrderReport, Reported
from quintet.runtime.dispatcher import Dispatcher
from quintet.runtime.live_desk import ALARM, NOTICE, Ears, LiveDesk, Said
from quintet.runtime.reconciliation import Reconciliation
from quintet.runtime.session import Session
from tests.control_rows import operator_row
from tests.desk_worlds import START, USDT
from tests.fakes.virtual_time import run
from tests.players import enter_inside
from tests.unit.runtime.test_sequencer import Paper
from tests.unit.runtime.test_session import a_market, a_world

IDS = ClientIds("main", 7)


class Orders:
    """An order entry that remembers, and tells what the test says. `answers`: every order is taken at once."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int]] = []
        self.asked: list[OfOneOrder] = []
        self.busy = 0
        self.told: asyncio.Queue[Outcome] = asyncio.Queue()
        self.answer: Callable[[int, int], None] = lambda kind, number: None

    def send(self, commands: Any) -> None:
        for command in commands:
            self.sent.append((int(command["kind"]), int(command["number"])))
            self.answer(*self.sent[-1])

    def ready(self, commands: Any) -> Callable[[], None]:
        return lambda: self.send(commands)

    def ask_about(self, command: OfOneOrder) -> None:
        self.asked.append(command)
        self.busy += 1

    def tell(self, outcome: Outcome) -> None:
        self.busy -= 1
        self.told.put_nowait(outcome)

    async def outcomes(self) -> AsyncIterator[Outcome]:
        while True:
            yield await self.told.get()

    async def close(self) -> None:
        """Nothing is open."""


class Account:
    """An account that says what the test puts in; `balance`: told at every look, with the end of the look."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[News] = asyncio.Queue()
        self.balance: int | None = None
        self.looks = 0

    def look_again(self) -> None:
        self.looks += 1
        if self.balance is not None:
            self.items.put_nowait(Reported(START, Balance(USDT, self.balance, 0, 0, START), asked=True))
        self.items.put_nowait(CaughtUp(START))

    async def news(self) -> AsyncGenerator[News, None]:
        while True:
            yield await self.items.get()


class Story:
    """A desk with the dice in it, on a market that the test hands in."""

    def __init__(self, world: Any = None, brake: Brake = no_brake) -> None:
        self.world = world or a_world()
        self.brake = brake
        self.lines: list[Said] = []
        self.forced: list[Execution] = []

    def put_together(self) -> None:
        loop = asyncio.get_running_loop()
        self.wall_ns = lambda: START + 1_000_000_000_000 + int(loop.time() * 1e9)
        self.orders, self.account, self.tape = Orders(), Account(), Paper()

        async def at_once(sync: Callable[[], int]) -> int:
            return sync()

        dispatcher = Dispatcher(
            self.tape, self.orders, lambda commands, why: self.desk.suppressed(commands, why), self.brake, at_once
        )
        session = Session(self.world, enter_inside, self.tape, dispatcher)
        books = Reconciliation(self.world, {})
        ears = Ears(lambda happened: None, self.lines.append, self.forced.append)
        self.desk = LiveDesk(
            session, dispatcher, self.orders, self.account, books, IDS, ears, brake=self.brake, wall_ns=self.wall_ns
        )
        self.orders.answer = self.venue_answers

    def venue_answers(self, kind: int, number: int) -> None:
        """Orders are acknowledged, cancels are done: a moment later, as the account's own stream would say it."""
        state = "open" if kind == ev.PLACE else "canceled"
        report = OrderReport(0, IDS.of(number), str(number), state, 1, 1, 0, 1, 0, False, 0, START)  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(0.01, self.account.items.put_nowait, Reported(self.wall_ns(), report))

    def market(self, bars: int = 30) -> None:
        """So much of the market at once, as of now."""
        rows = np.array(a_market(bars).rows)
        rows = rows[rows["kind"] != ev.OPERATOR]
        rows["ts_recv"] = self.wall_ns()
        self.desk.enter_market(rows)

    async def trades(self) -> None:
        """The account is known, the market is heard, and a second passes."""
        self.account.look_again()
        await asyncio.sleep(0.1)
        self.market()
        await asyncio.sleep(1.0)

    def tell(self, story: Callable[["Story"], Awaitable[None]]) -> "Story":
        async def nobody() -> None:
            await asyncio.sleep(10_000)

        async def whole() -> None:
            self.put_together()
            living = asyncio.create_task(self.desk.live((), nobody()))
            await story(self)
            if living.done():
                living.result()
            self.desk.stop.set()
            await living

        run(whole())
        return self

    @property
    def alarms(self) -> list[str]:
        return [line.text for line in self.lines if line.kind == ALARM]

    @property
    def actions(self) -> list[int]:
        rows = self.tape.rows
        return rows["quantity"][rows["kind"] == ev.OPERATOR].tolist()


@pytest.mark.req("E-66")
def test_whoever_listens_is_told_of_what_the_venue_has_closed_by_itself_and_of_no_trade_or_payment() -> None:
    kinds = ("trade", "funding", "deleveraging", "liquidation", "delivery")

    async def story(self: Story) -> None:
        self.account.look_again()
        await asyncio.sleep(0.1)
        for key, kind in enumerate(kinds, 1):
            one = Execution(0, "", f"v{key}", f"e{key}", key, kind, -1, 100, 1, False, 0, USDT, START + key)  # type: ignore[arg-type]
            self.account.items.put_nowait(Reported(self.wall_ns(), one))
        await asyncio.sleep(0.1)

    lived = Story().tell(story)
    assert [one.kind for one in lived.forced] == list(kinds[2:])


def test_it_trades_what_it_hears_and_takes_everything_back_when_it_is_stopped() -> None:
    async def story(self: Story) -> None:
        await self.trades()
        assert self.world.desk[0].live > 0

    lived = Story().tell(story)
    placed = [number for kind, number in lived.orders.sent if kind == ev.PLACE]
    assert len(placed) == len(set(placed)) > 0
    assert lived.world.desk[0].live == 0
    assert lived.actions == [breaker.STAND_DOWN]
    assert lived.alarms == []


def test_nothing_is_sent_until_nothing_is_unknown() -> None:
    async def story(self: Story) -> None:
        await asyncio.sleep(5.0)
        assert self.orders.sent == []
        report = OrderReport(0, self.orders.asked[0].client_id, "", "open", 1, 1, 0, 1, 0, False, 0, START)
        self.orders.tell(Found(self.orders.asked[0], report))
        self.account.look_again()
        await asyncio.sleep(1.0)

    world = a_world()
    order = world.desk[0].orders[0]
    order.status, order.number, order.side, order.style, order.price, order.lots = 1, 512, 1, 0, 9_900, 5
    world.desk[0].slots_used = world.desk[0].live = 1
    again = Story(world).tell(story)
    assert [command.client_id for command in again.orders.asked] == [IDS.of(512)]
    assert (ev.CANCEL, 512) in again.orders.sent  # stood down at the end


def test_a_pulled_brake_stands_the_desk_down_and_a_released_one_up() -> None:
    pulled = ["", "kill switch: KILL is latched"]

    async def story(self: Story) -> None:
        self.account.look_again()
        await asyncio.sleep(0.1)
        pulled.reverse()
        await asyncio.sleep(0.3)
        self.market()
        await asyncio.sleep(1.0)
        assert self.orders.sent == []
        pulled.reverse()
        await asyncio.sleep(0.3)

    lived = Story(brake=lambda: pulled[0]).tell(story)
    assert lived.actions == [breaker.STAND_DOWN, breaker.STAND_UP, breaker.STAND_DOWN]
    assert lived.alarms == ["standing down: kill switch: KILL is latched"]


def test_a_market_that_is_silent_for_half_a_minute_is_told_once() -> None:
    async def story(self: Story) -> None:
        self.account.look_again()
        await asyncio.sleep(0.1)
        self.market(3)
        await asyncio.sleep(29.0)
        assert self.alarms == []
        await asyncio.sleep(60.0)

    assert Story().tell(story).alarms == ["nothing was heard of the market for 30 s"]


def test_an_account_that_stays_deaf_for_half_a_minute_is_an_alarm_once_each_time() -> None:
    async def story(self: Story) -> None:
        self.account.look_again()
        await asyncio.sleep(60.0)
        # given a line that is lost again and again, and soon back the first time
        self.account.items.put_nowait(Interruption(self.wall_ns(), "closed"))
        await asyncio.sleep(20.0)
        self.account.look_again()
        for _ in range(3):
            self.account.items.put_nowait(Interruption(self.wall_ns(), "closed"))
            await asyncio.sleep(9.0)
        assert self.alarms == []
        await asyncio.sleep(4.0)
        assert len(self.alarms) == 1
        await asyncio.sleep(60.0)
        self.account.look_again()
        self.account.items.put_nowait(Interruption(self.wall_ns(), "closed"))
        await asyncio.sleep(31.0)

    assert Story().tell(story).alarms == ["nothing was heard of the account for 30 s"] * 2


def test_a_desk_that_comes_back_to_an_account_that_says_nothing_alarms_as_well_and_can_be_stopped() -> None:
    async def story(self: Story) -> None:
        await asyncio.sleep(29.0)
        assert self.alarms == []
        await asyncio.sleep(60.0)

    lived = Story().tell(story)
    assert lived.alarms == ["nothing was heard of the account for 30 s"]
    assert lived.orders.sent == []


def test_money_that_nobody_can_explain_goes_to_suspense_after_the_fourth_look() -> None:
    async def story(self: Story) -> None:
        self.account.balance = 100_000_000_000 - 42
        self.account.look_again()
        await asyncio.sleep(20.0)
        assert self.alarms == []
        await asyncio.sleep(5.0)
        self.account.balance = None

    lived = Story().tell(story)
    assert lived.account.looks == 4
    [row] = lived.tape.rows[lived.tape.rows["kind"] == ev.RECONCILED]
    assert (row["price"], row["quantity"]) == (USDT, -42)
    assert lived.world.desk[0].paused == 1
    assert len(lived.alarms) == 1


def test_an_order_that_works_and_is_over_in_our_books_is_asked_about_before_it_alarms() -> None:
    async def story(self: Story) -> None:
        self.account.look_again()
        await asyncio.sleep(0.1)
        stray = OrderReport(0, IDS.of(256), "v", "open", 1, 1, 0, 1, 0, False, 0, START)
        self.account.items.put_nowait(Reported(self.wall_ns(), stray, asked=True))
        await asyncio.sleep(0.1)
        assert self.alarms == []
        [asked] = self.orders.asked
        self.orders.tell(Refused(asked, lifecycle.NO_REASON, "the order is open and was not changed"))
        await asyncio.sleep(0.1)

    lived = Story().tell(story)
    assert lived.alarms == [f"order {IDS.of(256)} works at the venue and is over in our books"]
    assert lived.actions == [breaker.PAUSE, breaker.STAND_DOWN]


def test_an_order_whose_end_the_stream_swallows_is_asked_about_while_the_desk_stands_down() -> None:
    """Given a cancel that the venue takes, and one frame lost on a line that stays up: nobody may wait for ever."""

    def takes_and_is_silent(self: Story) -> Callable[[int, int], None]:
        def answer(kind: int, number: int) -> None:
            if kind == ev.PLACE:
                self.venue_answers(kind, number)
                return
            self.orders.busy += 1
            self.orders.tell(Accepted(Cancel(IDS.of(number), 0), str(number)))

        return answer

    def found_over(self: Story) -> None:
        for command in self.orders.asked:
            report = OrderReport(0, command.client_id, "", "canceled", 1, 1, 0, 1, 0, False, 0, START)
            self.orders.tell(Found(command, report))
        self.orders.asked.clear()

    async def story(self: Story) -> None:
        await self.trades()
        assert self.world.desk[0].live > 0
        self.orders.answer = takes_and_is_silent(self)
        asyncio.get_running_loop().call_later(5.0, found_over, self)

    lived = Story().tell(story)
    assert lived.world.desk[0].live == 0
    assert lived.alarms == []
    assert lived.account.looks == 2
    assert any("says no more: asked about" in line.text for line in lived.lines)


@pytest.mark.parametrize("is_asked_about", [False, True])
def test_of_an_order_that_the_venue_has_cut_and_filled_nothing_is_waited_for(is_asked_about: bool) -> None:
    """An order that only reduces is cut to the position: filled, it may be less than was sent."""
    over: list[bool] = []

    async def story(self: Story) -> None:
        await self.trades()
        order = next(one for one in self.world.desk[0].orders if int(one.status) != lifecycle.FREE)
        number, less = int(order.number), int(order.lots) - 1
        report = OrderReport(0, IDS.of(number), "v", "filled", 1, 1, 0, less, less, True, 0, START)
        if is_asked_about:
            self.orders.busy += 1
            self.orders.tell(Found(Cancel(report.client_id, 0), report))
        else:
            self.account.items.put_nowait(Reported(self.wall_ns(), report))
        await asyncio.sleep(0.1)
        over.append(int(order.status) == lifecycle.FREE or int(order.number) != number)

    lived = Story().tell(story)
    assert over == [True]
    assert lived.alarms == []


def test_a_message_that_cannot_be_true_stops_new_risk_and_is_told_a_person() -> None:
    async def story(self: Story) -> None:
        await self.trades()
        never = OrderReport(0, IDS.of(1 << 40), "", "canceled", 1, 1, 0, 1, 0, False, 0, START)
        self.account.items.put_nowait(Reported(self.wall_ns(), never))
        await asyncio.sleep(0.1)
        assert self.world.desk[0].paused == 1

    [alarm] = Story().tell(story).alarms
    assert alarm == (
        f"a cancellation of order {IDS.of(1 << 40)} cannot be true: nothing that adds risk leaves until a person resets"
    )


def test_a_desk_that_stood_down_stands_up_when_it_has_recovered() -> None:
    world = a_world()
    with np.errstate(over="ignore"):
        list(Session(world, enter_inside).hear(operator_row(START, breaker.STAND_DOWN)))

    async def story(self: Story) -> None:
        await asyncio.sleep(1.0)
        assert self.tape.written == [] or breaker.STAND_UP not in self.actions
        self.account.look_again()
        await asyncio.sleep(0.1)
        assert self.actions == [breaker.STAND_UP]

    Story(world).tell(story)


def test_a_wait_for_the_venues_limits_is_a_fact_with_its_name_whole() -> None:
    async def story(self: Story) -> None:
        await self.trades()
        self.orders.told.put_nowait(HeldBack(Cancel(IDS.of(7 * 256), 0), 2_500_000_000))
        await asyncio.sleep(0.1)

    told = Story().tell(story)
    rows = told.tape.rows
    [at] = np.flatnonzero((rows["kind"] == ev.FACT) & (rows["quantity"] == 7 * 256))
    assert rows["price"][at] == 2_500_000  # us
    assert text_of(rows[at + 1 : at + 3]).startswith(HELD_BACK_FACT)
    assert any("held back by the venue's limits for 2.5 s" in line.text for line in told.lines)


@pytest.mark.req("E-114", "E-115")
def test_attempts_are_lines_and_one_that_needs_a_person_is_one_alarm() -> None:
    order = Place(IDS.of(256), 0, 1, lifecycle.LIMIT, 1, 1)

    async def story(told: Story) -> None:
        told.account.items.put_nowait(CaughtUp(START))
        await asyncio.sleep(0.1)
        told.orders.busy += 3
        told.orders.tell(Repeated(order, 1.0, "retCode 10006: Too many visits!"))
        told.orders.tell(Refused(order, lifecycle.NO_REASON, "retCode 170131: Insufficient balance.", True))
        told.orders.tell(Refused(order, lifecycle.NO_REASON, "retCode 170194: too far", False))
        await asyncio.sleep(0.1)

    lived = Story().tell(story)
    assert lived.alarms == ["place: refused: retCode 170131: Insufficient balance."]
    notices = [line.text for line in lived.lines if line.kind == NOTICE]
    assert "place: retCode 10006: Too many visits!: sent again in 1 s" in notices
    assert "place: refused: retCode 170194: too far" in notices
