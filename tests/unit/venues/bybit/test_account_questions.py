"""Whole lists: page by page with the venue's own cursors, piece by piece where it answers for a week only."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs

import httpx
import pytest

from quintet.core.errors import DataError
from quintet.ports.venue_account import Execution
from quintet.venues.bybit.account_questions import AccountQuestions
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.bybit_account import BTC_LINEAR, MS_NS, execution_row
from tests.fakes.bybit_venue import KEY, SECRET, START_MS, BybitVenue
from tests.fakes.virtual_time import run

Result = TypeVar("Result")
LISTING = Listing((BTC_LINEAR,))
DAY_MS = 24 * 3_600_000


class PagedVenue(BybitVenue):
    """Two executions a page, newest first; `endless`: the last page names itself."""

    def __init__(self, count: int, endless: bool = False) -> None:
        super().__init__()
        self.queries: list[str] = []
        self.count_of_rows = count
        self.endless = endless

    def do(self, request: httpx.Request, path: str) -> httpx.Response:
        if path != "/v5/execution/list":
            return super().do(request, path)
        refused = self.check(request)
        if refused is not None:
            return refused
        self.queries.append(request.url.query.decode())
        query = parse_qs(self.queries[-1])
        at = int(query["cursor"][0].split(":")[0]) if "cursor" in query else 0
        first, last = int(query["startTime"][0]), int(query["endTime"][0])
        assert last - first <= 7 * DAY_MS
        times = [START_MS - n * 3_600_000 for n in range(self.count_of_rows)]
        rows = [execution_row(execId=str(ms), execTime=str(ms)) for ms in times if first <= ms <= last]
        left = at + 2 < len(rows) or self.endless
        cursor = f"{at + (0 if self.endless else 2)}%3A2%2C1" if left else ""
        return self.answer(0, "OK", {"category": "linear", "list": rows[at : at + 2], "nextPageCursor": cursor})


def asking(venue: BybitVenue, story: Callable[[AccountQuestions], Awaitable[Result]]) -> Result:
    async def whole() -> Result:
        loop = asyncio.get_running_loop()
        rest = Rest(
            ApiKey(KEY, SECRET), Pace(limits(("linear",))), VenueClock(), ("https://a.test",),
            transport=venue.transport, steady_ns=lambda: int(loop.time() * 1e9),
        )  # fmt: skip
        await rest.settle_clock(5.0)
        try:
            return await story(AccountQuestions(rest, LISTING))
        finally:
            await rest.close()

    return run(whole())


def ids(found: list[Any]) -> list[str]:
    return [one.execution_id for one in found if isinstance(one, Execution)]


def test_pages_are_joined_oldest_first_and_cursors_go_back_as_they_came() -> None:
    venue = PagedVenue(5)
    since_ns = (START_MS - DAY_MS) * MS_NS
    found = ids(asking(venue, lambda questions: questions.executions(since_ns)))
    assert found == [str(START_MS - n * 3_600_000) for n in range(4, -1, -1)]
    assert [query.partition("&cursor=")[2] for query in venue.queries] == ["", "2%3A2%2C1", "4%3A2%2C1"]


def test_a_month_is_asked_for_week_by_week_and_nothing_is_lost_where_they_meet() -> None:
    venue = PagedVenue(24 * 30)
    since_ns = (START_MS - 31 * DAY_MS) * MS_NS
    found = ids(asking(venue, lambda questions: questions.executions(since_ns)))
    assert len(found) == len(set(found)) == 24 * 30
    assert found == sorted(found)


def test_pages_that_never_end_are_refused() -> None:
    with pytest.raises(DataError, match="the pages never end: cursor '0%3A2%2C1' came again"):
        asking(PagedVenue(5, endless=True), lambda questions: questions.executions((START_MS - DAY_MS) * MS_NS))


def test_a_venue_that_refuses_says_why() -> None:
    venue = BybitVenue()

    async def story(questions: AccountQuestions) -> None:
        venue.check = lambda request: venue.answer(10005, "Permission denied")  # type: ignore[method-assign]
        await questions.open_orders()

    with pytest.raises(VenueUnreachable, match="bybit /v5/order/realtime: retCode 10005: Permission denied") as error:
        asking(venue, story)
    assert KEY not in json.dumps(str(error.value))
