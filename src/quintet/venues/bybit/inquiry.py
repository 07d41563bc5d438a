"""What became of an order: asked by its client id until it is known, or proven that there is none.

An order is proven absent when realtime, history and executions do not know it, twice and apart, at a time when the
venue would no longer take the request: its receive window is over, and what was under way has settled.
"""

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Final

from quintet.core.errors import DataError
from quintet.ports.order_entry import OfOneOrder
from quintet.ports.venue_account import OrderReport
from quintet.venues.bybit.decode_account import page
from quintet.venues.bybit.klines import VenueUnreachable
from quintet.venues.bybit.listing import Listing
from quintet.venues.bybit.rest import Rest
from quintet.venues.venue_clock import ClockUnsure

SETTLING_NS: Final = 1_000_000_000
ASK_AGAIN_S: Final = (0.2, 1.0, 5.0, 15.0)
PROOFS: Final = 2
PROOFS_APART_S: Final = 1.0
_MOMENT_NS: Final = 50_000_000


class Inquiry:
    """Questions about single orders."""

    def __init__(self, rest: Rest, listing: Listing, settling_ns: int = SETTLING_NS) -> None:
        """`settling_ns`: so long after the receive window the venue may still be at it."""
        self._rest = rest
        self._settling_ns = settling_ns
        self._listing = listing

    async def find(self, command: OfOneOrder, expires_ns: int) -> OrderReport | None:
        """How the order stands; None when it is proven absent. Asks for ever while the venue does not answer."""
        absent = 0
        for pause_s in _pauses():
            over = self.is_over(expires_ns)
            try:
                report = await self.look(command)
                found_fills = report is None and await self._has_fills(command)
            except (VenueUnreachable, DataError, ClockUnsure):
                await self._rest.settle_clock(pause_s)
                await asyncio.sleep(pause_s)
                continue
            if report is not None:
                return report
            absent = absent + 1 if over and not found_fills else 0
            if absent >= PROOFS:
                return None
            await asyncio.sleep(PROOFS_APART_S if absent else min(pause_s, self._left_s(expires_ns)))
        raise AssertionError("the pauses never end")

    def is_over(self, expires_ns: int) -> bool:
        """Is it certain that the venue takes the request no more?"""
        try:
            return self._rest.clock.venue_ns(self._rest.steady_ns()) > expires_ns + self._settling_ns
        except ClockUnsure:
            return False

    def _left_s(self, expires_ns: int) -> float:
        """How long the venue may still take the request; as long as you like when nobody knows."""
        try:
            now_ns = self._rest.clock.venue_ns(self._rest.steady_ns())
        except ClockUnsure:
            return ASK_AGAIN_S[-1]
        return max(expires_ns + self._settling_ns - now_ns, _MOMENT_NS) / 1e9

    async def look(self, command: OfOneOrder) -> OrderReport | None:
        """Ask realtime, then history, once; raises what `Rest.ask` raises."""
        one = self._listing.instruments[command.instrument]
        query = {"category": one.kind, "symbol": one.symbol, "orderLinkId": command.client_id}
        for path in ("/v5/order/realtime", "/v5/order/history"):
            answer = await self._rest.ask(path, query)
            for report in page("order", answer.result, one.kind, self._listing).reports:
                if isinstance(report, OrderReport) and report.client_id == command.client_id:
                    return report
        return None

    async def _has_fills(self, command: OfOneOrder) -> bool:
        one = self._listing.instruments[command.instrument]
        query = {"category": one.kind, "symbol": one.symbol, "orderLinkId": command.client_id}
        answer = await self._rest.ask("/v5/execution/list", query)
        return bool(page("execution", answer.result, one.kind, self._listing).reports)


def _pauses() -> Iterator[float]:
    return chain(ASK_AGAIN_S, repeat(ASK_AGAIN_S[-1]))
