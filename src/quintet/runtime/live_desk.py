"""The shell of a desk that trades: everything that is heard enters one step, one event at a time, on one event loop.

    market feed ──────────┐
    account's news ───────┤                        ┌─► dispatcher: on the disk, then to the venue
    what became of orders ┼─► session: tape, step ─┤
    silence ──────────────┤                        └─► whoever tells people
    reconciliation ───────┘

Nothing here decides anything about the market. A life has three parts: recover (ask the venue until nothing is unknown,
send nothing), trade, stand down (take back what is ours, wait for the answers).
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import aclosing
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.core.risk import breaker
from quintet.ports.account_books import AccountBooks
from quintet.ports.clock import Clock
from quintet.ports.gateway import Brake, no_brake
from quintet.ports.order_entry import (
    Cancel,
    Found,
    HeldBack,
    OrderEntry,
    Outcome,
    Refused,
    Repeated,
    Suppressed,
    Unknown,
)
from quintet.ports.venue_account import (
    AccountNews,
    CaughtUp,
    Execution,
    News,
    OrderReport,
    Reported,
    Unlisted,
    Unreadable,
)
from quintet.runtime.book_doubt import BookDoubt
from quintet.runtime.dispatcher import NOT_SENT, Dispatcher
from quintet.runtime.expected_ends import ExpectedEnds
from quintet.runtime.reconciliation import EVERY_S, Difference, Judged, Reconciliation, suspense_rows
from quintet.runtime.recovery import live_order, open_questions
from quintet.runtime.report_rows import cut_rows, fill_rows, funding_rows, order_rows, outcome_rows, status_row
from quintet.runtime.sequencer import not_before
from quintet.runtime.session import Happened, Session

LOOK_S: Final = 0.1
SILENCE_NS: Final = 1_000_000_000
"""Nothing was heard for so long: then the desk is told that time has passed."""

LOST_FEED_NS: Final = 30_000_000_000
"""A market that is not heard for so long is worth an alarm, and so is an account."""

WORTH_SAYING_NS: Final = 1_000_000_000
"""A command that the venue's limits hold back for so long is worth a line."""

SAID_OF_ORDERS: Final = {
    ev.ORDER_ACCEPTED: "an acceptance", ev.ORDER_REJECTED: "a refusal", ev.ORDER_CANCELED: "a cancellation",
    ev.ORDER_EXPIRED: "an expiry", ev.CANCEL_REJECTED: "a refused cancel", ev.ORDER_AMENDED: "an amendment",
    ev.AMEND_REJECTED: "a refused amendment", ev.ORDER_REDUCED: "a reduction", ev.FILL: "a fill",
    ev.COMMAND_LOST: "a loss", ev.COMMAND_UNANSWERED: "a missing answer",
}  # fmt: skip

TELL_AFTER_S: Final = 0.001
STAND_DOWN_S: Final = 20.0
RECOVER_SAY_S: Final = 15.0

ALARM: Final = "alarm"
NOTICE: Final = "notice"


class Said(NamedTuple):
    """A line that is no event of the desk: when, how serious (ALARM, NOTICE), a sentence."""

    ts_ns: int
    kind: str
    text: str


class Ears(NamedTuple):
    """Who is told what happens: events as they have been applied, and everything else.

    `forced`: told once of each execution that nobody ordered: a liquidation, a deleveraging, a delivery.
    """

    hear: Callable[[Happened], None]
    say: Callable[[Said], None]
    forced: Callable[[Execution], None] = lambda execution: None


class LiveDesk:
    """One desk on one loop. `unknowns`: commands whose outcome was not known at once; `alarms`: lines of that kind."""

    def __init__(
        self,
        session: Session,
        dispatcher: Dispatcher,
        orders: OrderEntry,
        account: AccountNews,
        books: Reconciliation,
        ids: ClientIds,
        ears: Ears,
        *,
        brake: Brake = no_brake,
        keeps_orders: bool = False,
        account_books: AccountBooks | None = None,
        wall_ns: Clock = time.time_ns,
    ) -> None:
        """`brake`: the dispatcher's own. `keeps_orders`: leave working orders at the venue when standing down.

        `account_books`: of an account that other desks trade on, too.
        """
        self.unknowns = 0
        self.alarms = 0
        self.stop = asyncio.Event()
        self.refused = asyncio.Event()
        """The venue has refused an order; whoever looks for a reason clears it."""

        self.doubt: BookDoubt | None = None
        """Of the book that it trades on; whoever feeds the desk knows how to lose it."""

        self._session = session
        self._dispatcher = dispatcher
        self._orders = orders
        self._account = account
        self._books = books
        self._ids = ids
        self._ears = ears
        self._brake = brake
        self._account_books = account_books
        self._keeps_orders = keeps_orders
        self._wall_ns = wall_ns
        self._caught_up = asyncio.Event()
        self._market_ns = 0
        self._market_is_lost = False
        self._deaf_since_ns = 0
        """Since then nobody knows what the account has done; 0: it is known."""

        self._deafness_is_told = False
        self._is_braked = False
        self._look_at_s = 0.0
        self._told: set[Difference | str] = set()
        self._suspects: set[str] = set()
        self._ends = ExpectedEnds(session.world, ids)
        self._untold: list[Happened] = []

    @property
    def _desk(self) -> Any:
        return self._session.world.desk[0]

    # ---- a life ------------------------------------------------------------------------------------------------

    async def live(self, keepers: Iterable[Coroutine[Any, Any, None]], market: Coroutine[Any, Any, None]) -> None:
        """Recover, trade until `stop` is set, stand down. `keepers`: what keeps lines and clocks; `market`: the feed.

        Raises what ends any of them.
        """
        tasks: list[asyncio.Task[None]] = []
        self._deaf_since_ns = self._wall_ns()
        try:
            async with asyncio.TaskGroup() as group:
                work = (*keepers, self._dispatcher.run(), self._hear_outcomes(), self._hear_news(), self._keep_time())
                tasks += [group.create_task(one) for one in work]
                await self._recover()
                tasks.append(group.create_task(market))
                await self.stop.wait()
                await self._stand_down()
                for task in tasks:
                    task.cancel()
        finally:
            self.tell_now()
            market.close()
            await self._orders.close()

    async def _recover(self) -> None:
        """Ask until nothing is unknown. Nothing is sent meanwhile; what was decided is decided anew afterwards.

        Whoever stops a desk that cannot be told what it has to know does so without it: the next start asks again.
        """
        self._dispatcher.held = True
        began_s = said_s = self._now_s()
        for command in open_questions(self._session.world, self._ids):
            self.unknowns += 1
            self._orders.ask_about(command)
        while not self._caught_up.is_set() or self._orders.busy:
            if self.stop.is_set():
                return
            await asyncio.sleep(0.02)
            if self._now_s() - said_s >= RECOVER_SAY_S:
                said_s = self._now_s()
                why = f"{self._orders.busy} orders are unknown" if self._orders.busy else "the account is not known yet"
                self._say(NOTICE, f"recovering for {said_s - began_s:.0f} s: {why}")
        if int(self._desk.breaker.causes) & breaker.BY_STAND_DOWN:
            self.enter(self._operator(breaker.STAND_UP))
        self._dispatcher.let_go()

    async def _stand_down(self) -> None:
        """Take back everything that is ours and wait for the answers."""
        if not self._keeps_orders:
            self.enter(self._operator(breaker.STAND_DOWN))
        until_s = self._now_s() + STAND_DOWN_S
        while self._now_s() < until_s and (
            self._dispatcher.waiting or self._orders.busy or (self._desk.live and not self._keeps_orders)
        ):
            await asyncio.sleep(0.02)
        if self._desk.live and not self._keeps_orders:
            self._alarm(f"{int(self._desk.live)} orders are not known to be over")
        for happened in self._session.end():
            self._tell_soon(happened)

    # ---- what enters -------------------------------------------------------------------------------------------

    def enter(self, rows: Any) -> None:
        """Let whole messages enter. A stamp that other sources have overtaken on the way is moved up to them."""
        if not len(rows):
            return
        last_ns = self._session.sequencer.last_ns
        if int(rows[0]["ts_recv"]) < last_ns <= self._wall_ns():
            rows = not_before(rows, last_ns)
        for happened in self._session.hear(rows):
            self._tell_soon(happened)
        if self._account_books is not None:
            self._account_books.publish(self._session.world)

    def _enter_answer(self, rows: Any) -> None:
        """The same, of what the venue says of our orders: what cannot be true is told a person."""
        alarms = int(self._desk.alarms)
        self.enter(rows)
        if int(self._desk.alarms) > alarms:
            self._alarm(f"{self._words_of(rows)} cannot be true: nothing that adds risk leaves until a person resets")

    def enter_market(self, rows: Any) -> None:
        """The same, from the feed."""
        self._market_ns = self._wall_ns()
        if self.doubt is not None:
            self.doubt.hear(rows, self._market_ns)
        self.enter(rows)

    def operate(self, action: int, number: int = 0) -> None:
        """An operator has spoken: an action of the breaker. `number`: stays on the tape with it, for whoever counts."""
        self._say(NOTICE, f"operator: {breaker.ACTION_NAMES[action]}")
        self.enter(self._operator(action, number))

    def stop_new_risk(self, why: str) -> None:
        """A person has to look: nothing that adds risk leaves until an operator resumes."""
        self._alarm(why)
        self.enter(self._operator(breaker.PAUSE))

    @property
    def is_paused(self) -> bool:
        """Does nothing that adds risk leave until an operator resumes?"""
        return bool(int(self._desk.breaker.causes) & breaker.BY_PAUSE)

    def suppressed(self, commands: Any, why: str) -> None:
        """Commands that were dropped before they left: the desk hears of it as an event."""
        now_ns = self._wall_ns()
        for command in commands:
            kind, number = NOT_SENT[int(command["kind"])], int(command["number"])
            self.enter(status_row(kind, number, int(command["instrument"]), lifecycle.NO_REASON, now_ns, now_ns))
        self._say(NOTICE, f"{len(commands)} commands were not sent: {why}")

    async def _hear_outcomes(self) -> None:
        async for outcome in self._orders.outcomes():
            self._take_outcome(outcome)

    def _take_outcome(self, outcome: Outcome) -> None:
        self._enter_answer(outcome_rows(outcome, self._ids, self._wall_ns()))
        if isinstance(outcome, Found):
            self._mind_what_was_cut(outcome.report, self._wall_ns())
        self._mind_suspect(outcome)
        self._ends.hear(outcome, self._now_s())
        name = type(outcome.command).__name__.lower()
        if isinstance(outcome, Unknown):
            self.unknowns += 1
            self._say(NOTICE, f"{name}: no answer ({outcome.why}): asked about until it is known")
        elif isinstance(outcome, Refused) and outcome.needs_person:
            self._alarm(f"{name}: refused: {outcome.text}")
        elif isinstance(outcome, Refused):
            self.refused.set()
            self._say(NOTICE, f"{name}: refused: {outcome.text}")
        elif isinstance(outcome, Repeated):
            self._say(NOTICE, f"{name}: {outcome.why}: sent again in {outcome.pause_s:g} s")
        elif isinstance(outcome, Suppressed):
            self._say(NOTICE, f"{name}: not sent: {outcome.why}")
        elif isinstance(outcome, HeldBack) and outcome.waited_ns >= WORTH_SAYING_NS:
            self._say(NOTICE, f"{name}: held back by the venue's limits for {outcome.waited_ns / 1e9:.1f} s")

    async def _hear_news(self) -> None:
        async with aclosing(self._account.news()) as news:
            async for item in news:
                self._take_news(item)

    def _take_news(self, item: News) -> None:
        if isinstance(item, Reported):
            self._take_report(item)
        elif isinstance(item, CaughtUp):
            self._deaf_since_ns, self._deafness_is_told = 0, False
            self._caught_up.set()
            self._compare()
        elif isinstance(item, Unreadable):
            self._alarm(f"account: {item.why}")
        else:
            self._deaf_since_ns = self._deaf_since_ns or self._wall_ns()
            self._say(NOTICE, f"account: the line was lost: {item.why}")

    def _take_report(self, item: Reported) -> None:
        report = item.report
        if isinstance(report, Execution):
            own = self._own_part(report)
            if own is None:
                return
            report = own
            self._enter_answer(fill_rows(report, self._ids, item.recv_ns))
            self._enter_answer(funding_rows(report, item.recv_ns))
            if report.kind not in ("trade", "funding"):
                self._ears.forced(report)
        elif isinstance(report, OrderReport):
            self._take_order(report, item.asked, item.recv_ns)
        elif isinstance(report, Unlisted):
            self._say_once(f"account: {report.topic} of {report.name}, which this desk does not trade")
        elif item.asked:
            self._books.hear(report)

    def _own_part(self, execution: Execution) -> Execution | None:
        """What of an execution is this desk's: all, where no other desk trades on the account or it is its order's."""
        books = self._account_books
        if books is None or self._ids.number(execution.client_id) is not None:
            return execution
        if books.is_anothers(execution.client_id):
            return None
        if execution.kind != "funding":
            self._alarm(f"{execution.lots} lots were traded at {execution.ticks} by nobody of this account's desks")
        return books.own_part(execution)

    def _take_order(self, report: OrderReport, asked: bool, recv_ns: int) -> None:
        self._enter_answer(order_rows(report, self._ids, recv_ns))
        self._mind_what_was_cut(report, recv_ns)
        if report.state != "open" or not asked or self._is_anothers(report.client_id):
            return
        if self._ids.number(report.client_id) is None:
            self._say_once(f"account: an order that is not ours works in instrument {report.instrument}")
        elif not self._is_live(report.client_id):
            # It may have ended while the venue answered. Asked by its id, it is over or open for certain.
            self._suspects.add(report.client_id)
            self._orders.ask_about(Cancel(report.client_id, report.instrument))

    def _mind_what_was_cut(self, report: OrderReport, recv_ns: int) -> None:
        """An order that only reduces the venue cuts to the position, unasked: filled, it may be less than was sent."""
        order = live_order(self._session.world, self._ids, report.client_id)
        if order is not None:
            lots = min(int(order.lots), int(order.to_lots) or int(order.lots))
            self._enter_answer(cut_rows(report, self._ids, lots, recv_ns))

    def _is_anothers(self, client_id: str) -> bool:
        return self._account_books is not None and self._account_books.is_anothers(client_id)

    def _mind_suspect(self, outcome: Outcome) -> None:
        """An order that is open at the venue for certain and over in our books: a person has to look."""
        command = outcome.command
        if not isinstance(command, Cancel) or command.client_id not in self._suspects:
            return
        self._suspects.discard(command.client_id)
        if isinstance(outcome, Refused) and not self._is_live(command.client_id):
            self._alarm(f"order {command.client_id} works at the venue and is over in our books")
            self.enter(self._operator(breaker.PAUSE))

    def _is_live(self, client_id: str) -> bool:
        return live_order(self._session.world, self._ids, client_id) is not None

    # ---- time, and the books -----------------------------------------------------------------------------------

    async def _keep_time(self) -> None:
        """Tell the desk that time has passed, and look at the books now and then."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_ns = self._wall_ns()
            if self.doubt is not None:
                self.doubt.look(now_ns)
            due = int(self._desk.timer_next) <= now_ns
            if due or now_ns - self._session.sequencer.last_ns >= SILENCE_NS:
                for happened in self._session.silence(now_ns):
                    self._tell_soon(happened)
            self._mind_the_feed(now_ns)
            self._mind_the_line(now_ns)
            self._mind_the_account(now_ns)
            self._mind_the_brake()
            self._mind_the_orders()
            if self._look_at_s and self._now_s() >= self._look_at_s:
                self._look_at_s = self._now_s() + EVERY_S
                self._account.look_again()

    def _mind_the_orders(self) -> None:
        """What the stream should have said by now is asked for: how the order stands, and its fills."""
        late = self._ends.late(self._now_s())
        for command in late:
            self._orders.ask_about(command)
        if late:
            self._say(NOTICE, f"{len(late)} orders: the venue has taken what was asked and says no more: asked about")
            self._account.look_again()

    def _mind_the_brake(self) -> None:
        """What the dispatcher would drop is not even wanted: the desk stands down while the brake is pulled."""
        why = self._brake()
        if why and not self._is_braked:
            self._alarm(f"standing down: {why}")
            self.enter(self._operator(breaker.STAND_DOWN))
        elif self._is_braked and not why and not self.stop.is_set():
            self._say(NOTICE, "the brake is released: standing up")
            self.enter(self._operator(breaker.STAND_UP))
        self._is_braked = bool(why)

    def _mind_the_account(self, now_ns: int) -> None:
        """Limits of all desks of an account together: what they ask for is an event of each of them."""
        books = self._account_books
        action = books.action(now_ns) if books is not None else 0
        if not action or (action == breaker.RESUME and int(self._desk.breaker.causes) != breaker.BY_REDUCE_ONLY):
            return
        self._say(NOTICE, f"limits of the account: {breaker.ACTION_NAMES[action]}")
        self.enter(self._operator(action))

    def _mind_the_feed(self, now_ns: int) -> None:
        lost = self._market_ns > 0 and now_ns - self._market_ns >= LOST_FEED_NS
        if lost and not self._market_is_lost:
            self._alarm(f"nothing was heard of the market for {LOST_FEED_NS // 10**9} s")
        self._market_is_lost = lost

    def _mind_the_line(self, now_ns: int) -> None:
        """An account that stays deaf: fills may happen that nobody books, whether the market is heard or not."""
        deaf = self._deaf_since_ns > 0 and now_ns - self._deaf_since_ns >= LOST_FEED_NS
        if deaf and not self._deafness_is_told:
            self._deafness_is_told = True
            self._alarm(f"nothing was heard of the account for {LOST_FEED_NS // 10**9} s")

    def _compare(self) -> None:
        judged: Judged = self._books.judge()
        self._look_at_s = self._now_s() + judged.again_s
        if judged.unexplained and judged.asleep:
            names = ", ".join(judged.asleep)
            self._say_once(f"the account is not what its desks hold; {names} is not alive, so its books may be behind")
            return
        for one in judged.unexplained:
            if not judged.is_ours:
                if one not in self._told:
                    self._alarm(f"{one.found - one.booked} of asset or instrument {one.number} are not explained")
                    self.enter(self._operator(breaker.PAUSE))
                    self._told.add(one)
            elif one.is_position:
                if one not in self._told:
                    self._alarm(
                        f"position of instrument {one.number}: {one.booked} lots in our books, {one.found} at the venue"
                    )
                    self.enter(self._operator(breaker.PAUSE))
                    self._told.add(one)
            else:
                self._alarm(f"asset {one.number}: {one.booked} quanta in our books, {one.found} at the venue: suspense")
                self.enter(suspense_rows(one, self._wall_ns()))

    # ---- words -------------------------------------------------------------------------------------------------

    def _words_of(self, rows: Any) -> str:
        """Which message of the venue, and of which order: a fill's order stands in its second row."""
        kind = int(rows[0]["kind"])
        number = int(rows[int(kind == ev.FILL)]["quantity"])
        return f"{SAID_OF_ORDERS.get(kind, f'an event of kind {kind}')} of order {self._ids.of(number)}"

    def _operator(self, action: int, number: int = 0) -> Any:
        now_ns = self._wall_ns()
        return np.array([(now_ns, now_ns, action, number, 0, ev.OPERATOR, ev.LAST)], ev.ROW)

    def _alarm(self, text: str) -> None:
        self.alarms += 1
        self._say(ALARM, text)

    def _say_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._say(NOTICE, text)

    def _tell_soon(self, happened: Happened) -> None:
        """People are told when what they are told of is on its way to the disk."""
        self._untold.append(happened)
        if len(self._untold) == 1:
            asyncio.get_running_loop().call_later(TELL_AFTER_S, self.tell_now)

    def tell_now(self) -> None:
        """Tell people what has happened, for whoever has something to say of it; it waits a moment otherwise."""
        untold, self._untold = self._untold, []
        for happened in untold:
            self._ears.hear(happened)

    def _say(self, kind: str, text: str) -> None:
        self.tell_now()
        self._ears.say(Said(self._wall_ns(), kind, text))

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
