"""The account's own facts, each once: from the private stream, and over REST what a lost connection has kept from it.

Nothing is expected of the order of topics. An execution is told once by its id; a status of an order only when it says
more than the one before. After every login the venue is asked for executions since the last one that is known, for
open orders, and for those that are no longer open; the same when a frame could not be read, and when it is told to look
again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import aclosing
from typing import Any, Final

from quintet.core.errors import InputError
from quintet.ports.clock import Clock
from quintet.ports.live_feed import Interruption
from quintet.ports.order_entry import Cancel
from quintet.ports.venue_account import (
    CaughtUp,
    Execution,
    News,
    OrderReport,
    Report,
    Reported,
    Unreadable,
)
from quintet.venues.bybit.account_questions import AccountQuestions
from quintet.venues.bybit.decode_account import reports
from quintet.venues.bybit.inquiry import Inquiry
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.rest import Rest
from quintet.venues.connection import Connection
from quintet.venues.venue_clock import ClockUnsure

OVERLAP_NS: Final = 60_000_000_000
"""Executions are asked for from so long before the last one: some reach the venue's lists late."""

REMEMBERED: Final = 100_000
ENDED_REMEMBERED: Final = 10_000
"""Orders that are over: of older ones nobody says anything any more."""

_AGAIN_S: Final = (1.0, 5.0, 15.0)


class AccountFeed:
    """Fills `ports.venue_account.AccountNews`. `repeated` counts what the venue told twice and is not told here."""

    def __init__(
        self,
        connection: Connection,
        rest: Rest,
        listing: Listing,
        *,
        since_ns: int,
        booked: Iterable[int] = (),
        believed_open: Callable[[], Iterable[Cancel]] = tuple,
        wall_ns: Clock = time.time_ns,
    ) -> None:
        """`since_ns`: the venue's time of the last execution that is booked, or of the beginning.

        `booked`: keys of executions that are booked already, oldest first. `believed_open`: the orders that our books
        hold open, as one would take them back; those that the venue does not list are asked about one by one.
        """
        self.repeated = 0
        self._connection = connection
        self._listing = listing
        self._questions = AccountQuestions(rest, listing)
        self._inquiry = Inquiry(rest, listing)
        self._wall_ns = wall_ns
        self._since_ns = since_ns
        self._news: asyncio.Queue[News | Exception] = asyncio.Queue()
        self._believed_open = believed_open
        self._executions: OrderedDict[int, None] = OrderedDict.fromkeys(booked)
        self._open: OrderedDict[str, OrderReport] = OrderedDict()
        self._ended: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._catching: asyncio.Task[None] | None = None
        self._behind = True

    async def news(self) -> AsyncGenerator[News, None]:
        """For ever; raises FeedUnreachable when the venue was never reached or refuses the login."""
        reading = asyncio.create_task(self._aloud(self._read()))
        try:
            while True:
                item = await self._news.get()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            tasks = [task for task in (reading, self._catching) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def look_again(self) -> None:
        """Ask for everything; where that is under way already, or the line is lost, it happens anyway."""
        if not self._behind and (self._catching is None or self._catching.done()):
            self._begin_to_catch_up()

    # ---- the stream --------------------------------------------------------------------------------------------

    async def _aloud(self, work: Coroutine[Any, Any, None]) -> None:
        """What ends one of the tasks ends the feed: nothing stops in silence."""
        try:
            await work
        except Exception as error:
            self._news.put_nowait(error)

    async def _read(self) -> None:
        async with aclosing(self._connection.heard()) as heard:
            async for item in heard:
                if isinstance(item, Interruption):
                    self._interrupted(item)
                    continue
                self._take_frame(item.recv_ns, item.body)
                if self._behind and self._connection.ready:
                    self._behind = False
                    self._begin_to_catch_up()

    def _interrupted(self, lost: Interruption) -> None:
        if self._catching is not None:
            self._catching.cancel()
        self._behind = True
        self._news.put_nowait(lost)

    def _take_frame(self, recv_ns: int, body: bytes) -> None:
        try:
            found = reports(body, self._listing)
        except InputError as error:
            self._behind = True
            self._news.put_nowait(Unreadable(recv_ns, str(error)))
            return
        for report in found:
            self._tell(Reported(recv_ns, report))

    # ---- each fact once ----------------------------------------------------------------------------------------

    def _tell(self, reported: Reported) -> None:
        if self._is_news(reported.report):
            self._news.put_nowait(reported)
        else:
            self.repeated += 1

    def _is_news(self, report: Report) -> bool:
        if isinstance(report, Execution):
            return self._is_new_execution(report)
        return self._says_more(report) if isinstance(report, OrderReport) else True

    def _is_new_execution(self, execution: Execution) -> bool:
        self._since_ns = max(self._since_ns, execution.ts_event)
        if execution.key in self._executions:
            return False
        _remember(self._executions, execution.key, None, REMEMBERED)
        return True

    def _says_more(self, report: OrderReport) -> bool:
        """Later, or more of it filled, and never open again once it is over."""
        name, says, is_open = report.venue_id, (report.filled_lots, report.updated_ns), report.state == "open"
        ended, before = self._ended.get(name), self._open.get(name)
        if ended is not None and (is_open or says <= ended):
            return False
        if is_open:
            if before is not None and (says < (before.filled_lots, before.updated_ns) or report == before):
                return False
            _remember(self._open, name, report, REMEMBERED)
        else:
            self._open.pop(name, None)
            _remember(self._ended, name, says, ENDED_REMEMBERED)
        return True

    # ---- what the stream has not said --------------------------------------------------------------------------

    def _begin_to_catch_up(self) -> None:
        if self._catching is not None:
            self._catching.cancel()
        work = self._catch_up()
        self._catching = asyncio.create_task(self._aloud(work))
        self._catching.add_done_callback(lambda _: work.close())  # one that was cancelled before it began

    async def _catch_up(self) -> None:
        """Ask until everything is answered; a lost connection ends this, the next login begins anew."""
        attempt = 0
        while True:
            try:
                await self._ask_everything()
            except (VenueUnreachable, ClockUnsure) as error:
                await asyncio.sleep(_AGAIN_S[min(attempt, len(_AGAIN_S) - 1)])
                attempt += 1
                if attempt == len(_AGAIN_S):
                    self._news.put_nowait(Unreadable(self._wall_ns(), f"the account cannot be asked: {error}"))
                continue
            except InputError as error:
                self._news.put_nowait(Unreadable(self._wall_ns(), str(error)))
                return
            self._news.put_nowait(CaughtUp(self._wall_ns()))
            return

    async def _ask_everything(self) -> None:
        believed = self._believed()
        self._tell_all(await self._questions.executions(self._since_ns - OVERLAP_NS))
        found = await self._questions.open_orders()
        self._tell_all(found)
        still = {report.client_id for report in found if isinstance(report, OrderReport)}
        for client_id, order in believed.items():
            if client_id not in still:
                ended = await self._inquiry.look(order)
                self._tell_all([ended] if ended is not None else [])
        self._tell_all(await self._questions.positions())
        self._tell_all(await self._questions.balances())

    def _believed(self) -> dict[str, Cancel]:
        """Orders of ours that were told open, or that the books hold open, by client id."""
        told = [report for report in self._open.values() if report.client_id]
        believed = [Cancel(report.client_id, report.instrument) for report in told]
        return {order.client_id: order for order in (*believed, *self._believed_open())}

    def _tell_all(self, found: list[Any]) -> None:
        recv_ns = self._wall_ns()
        for report in found:
            self._tell(Reported(recv_ns, report, asked=True))


def _remember(known: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    """The newest facts are kept, so many of them."""
    known[key] = value
    known.move_to_end(key)
    while len(known) > most:
        known.popitem(last=False)
