"""A book that says nothing while trades are printed: its stream has stopped, and no message was missed to show it."""

from collections.abc import Callable
from typing import Any, Final

from quintet.core.events import ASK_LEVEL, BOOK_CLEAR, FEED_GAP, TRADE_BUY, TRADE_SELL

UNSAID_NS: Final = 5_000_000_000
"""So long a book may be silent beside its trades where no limit says how old a market may be."""

SHARE: Final = 0.75
"""Of the age that the limits allow: the book is lost before an order leaves on one that is too old."""


class BookDoubt:
    """Minds the book of one instrument. A trade takes from the book, so a book that goes on living speaks soon after.

    `lose(now_ns, why)` is called once; then there is nothing to doubt until levels come again.
    """

    def __init__(self, stale_after_ms: int, lose: Callable[[int, str], None]) -> None:
        """`stale_after_ms`: of the limits, 0: none there."""
        self._after_ns = int(stale_after_ms * 1e6 * SHARE) or UNSAID_NS
        self._lose = lose
        self._spoke_ns = 0
        self._has_traded = False

    def hear(self, rows: Any, now_ns: int) -> None:
        """One message of the feed."""
        kind = int(rows["kind"][-1])
        if kind <= ASK_LEVEL:
            self._spoke_ns, self._has_traded = now_ns, False
        elif kind in (TRADE_BUY, TRADE_SELL):
            self._has_traded = True
        elif kind in (BOOK_CLEAR, FEED_GAP):
            self._spoke_ns = 0

    def look(self, now_ns: int) -> None:
        """Time has passed."""
        silent_ns = now_ns - self._spoke_ns
        if self._spoke_ns and self._has_traded and silent_ns > self._after_ns:
            self._spoke_ns = 0
            self._lose(now_ns, f"the book has said nothing for {silent_ns / 1e9:.1f} s while trades were printed")
