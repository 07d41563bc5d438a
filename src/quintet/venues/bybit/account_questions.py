"""What the account is asked about over REST: executions since a time, open orders, positions, assets. Whole lists."""

from typing import Final

from quintet.core.errors import DataError
from quintet.ports.venue_account import Execution, OrderReport, Report
from quintet.venues.bybit.decode_account import balances, page
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.shapes import MS_NS

_PAGES_MAX: Final = 1_000
_SPAN_MS: Final = 7 * 24 * 3_600_000
"""The venue answers for seven days at most; a longer time is asked for piece by piece."""


class AccountQuestions:
    """Questions about a whole account. All raise what `Rest.ask` raises, and DataError or NotExact."""

    def __init__(self, rest: Rest, listing: Listing) -> None:
        self._rest = rest
        self._listing = listing

    async def executions(self, since_ns: int) -> list[Report]:
        """Everything executed since then, oldest first; instruments that are not traded here are named."""
        now_ms = await self._rest.venue_ns() // MS_NS
        found: list[Report] = []
        for category in self._listing.categories:
            # At least once: the venue's stamps may be ahead of what we take for its time.
            for begin in range(since_ns // MS_NS, max(now_ms, since_ns // MS_NS) + 1, _SPAN_MS):
                span = {"startTime": begin, "endTime": begin + _SPAN_MS - 1}
                query: dict[str, str | int] = {"category": category, **span, "limit": 100}
                found += await self._all("execution", "/v5/execution/list", query, category)
        found.sort(key=lambda report: report.ts_event if isinstance(report, Execution) else 0)
        return found

    async def open_orders(self) -> list[Report]:
        """Every order that works or waits for its price."""
        found = []
        for n, one in enumerate(self._listing.instruments):
            query: dict[str, str | int] = {"category": one.kind, "symbol": one.symbol, "openOnly": 0, "limit": 50}
            rows = await self._all("order", "/v5/order/realtime", query, one.kind)
            found += [row for row in rows if not isinstance(row, OrderReport) or row.instrument == n]
        return found

    async def positions(self) -> list[Report]:
        """Positions of the contracts that are traded, flat ones too."""
        found = []
        for one in self._listing.instruments:
            if one.kind != "spot":
                query: dict[str, str | int] = {"category": one.kind, "symbol": one.symbol}
                found += await self._all("position", "/v5/position/list", query, one.kind)
        return found

    async def balances(self) -> list[Report]:
        """What is held of each asset."""
        answer = await self._rest.ask("/v5/account/wallet-balance", {"accountType": "UNIFIED"})
        return list(balances(answer.result, answer.time * MS_NS, self._listing))

    async def _all(self, kind: str, path: str, query: dict[str, str | int], category: str) -> list[Report]:
        """All pages of a list, oldest first."""
        pages = []
        cursors = {""}
        cursor = ""
        for _ in range(_PAGES_MAX):
            answer = await self._rest.ask(path, query | ({"cursor": cursor} if cursor else {}))
            one = page(kind, answer.result, category, self._listing)
            pages.append(one.reports)
            cursor = one.cursor
            if not cursor or not one.reports:
                return [report for reports in reversed(pages) for report in reversed(reports)]
            if cursor in cursors:
                break
            cursors.add(cursor)
        raise DataError(f"bybit {path}: the pages never end: cursor {cursor[:40]!r} came again")
