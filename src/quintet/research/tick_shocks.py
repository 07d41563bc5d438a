"""Rows of a market of order books that had a worse day. What stands before the moment is left untouched.

Every shock cuts whole messages, states the book anew where it has broken it, and leaves rows that obey every law of a
tape. Prices move by whole ticks, all by the same number, so that no two levels become one. `rows` are the rows of a
tape of one instrument, headers left out, in the order of receipt, which is the exchange's too.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.errors import InputError
from quintet.core.events import PRICE_MAX
from quintet.core.tape_splice import message_starts

SECOND_NS: Final = 1_000_000_000
_LEVELS: Final = (ev.BID_LEVEL, ev.ASK_LEVEL)
_MOVED: Final = (
    ev.BID_LEVEL, ev.ASK_LEVEL, ev.TRADE_BUY, ev.TRADE_SELL, ev.BEST_BID, ev.BEST_ASK, ev.LAST_PRICE, ev.MARK_PRICE,
    ev.INDEX_PRICE,
)  # fmt: skip
_OF_MARKET: Final = (*_MOVED, ev.BOOK_CLEAR, ev.BOOK_ORDER)


class Book(NamedTuple):
    """Price to lots of both sides."""

    bids: dict[int, int]
    asks: dict[int, int]

    @property
    def is_whole(self) -> bool:
        """Are both sides there, and apart?"""
        return bool(self.bids and self.asks) and max(self.bids) < min(self.asks)

    @property
    def twice_mid(self) -> int:
        """Best bid plus best ask."""
        return max(self.bids) + min(self.asks)


def book_before(rows: Any, end: int) -> Book:
    """The book that rows before index `end` leave; levels that a better price of the other side has passed are gone."""
    plain = np.asarray(rows)[:end]
    cleared = np.flatnonzero(plain["kind"] == ev.BOOK_CLEAR)
    plain = plain[int(cleared[-1]) + 1 :] if len(cleared) else plain
    plain = plain[np.isin(plain["kind"], _LEVELS)][::-1]
    _, newest = np.unique(plain["price"].astype(np.int64) * 2 + plain["kind"], return_index=True)
    last = plain[newest]
    last = last[last["quantity"] > 0]
    sides = [
        dict(zip(side["price"].tolist(), side["quantity"].tolist(), strict=True))
        for side in (last[last["kind"] == kind] for kind in _LEVELS)
    ]
    return Book(*sides)


class Moment(NamedTuple):
    """Where a moment lies between two messages: index of the row behind it, and the two times of what is put there."""

    at: int
    ts_event: int
    ts_recv: int


def moment_of(rows: Any, ts_ns: int) -> Moment:
    """The place of a moment of the exchange's clock."""
    plain = np.asarray(rows)
    starts = message_starts(plain)
    matched = np.isin(plain["kind"][starts], _OF_MARKET)
    behind = starts[matched & (plain["ts_event"][starts] >= ts_ns)]
    at = int(behind[0]) if len(behind) else len(plain)
    if at < len(plain):  # known with what comes next
        return Moment(at, ts_ns, int(plain["ts_recv"][at]))
    return Moment(at, ts_ns, max(ts_ns, int(plain["ts_recv"][plain["kind"] != ev.TEXT].max(initial=0))))


def message(moment: Moment, parts: Sequence[tuple[int, int, int]], instrument: int = 0) -> Any:
    """One message of (kind, price, quantity), at a moment."""
    rows = np.zeros(len(parts), ev.ROW)
    for n, (kind, price, quantity) in enumerate(parts):
        rows[n] = (moment.ts_event, moment.ts_recv, quantity, price, instrument, kind, 0)
    rows["bits"][-1:] = ev.LAST
    return rows


def stated(moment: Moment, book: Book, shift: int = 0) -> Any:
    """The whole book told anew, every price `shift` increments away."""
    bids = [(ev.BID_LEVEL, price + shift, lots) for price, lots in sorted(book.bids.items(), reverse=True)]
    asks = [(ev.ASK_LEVEL, price + shift, lots) for price, lots in sorted(book.asks.items())]
    return message(moment, [(ev.BOOK_CLEAR, 0, 0), *bids, *asks])


def _whole_book(rows: Any, end: int) -> Book:
    book = book_before(rows, end)
    if not book.is_whole:
        raise InputError("a bad day: the book has no two sides at its moment, expected a whole book")
    return book


def _without(rows: Any, gone: Any) -> Any:
    """Rows without those that are `gone`; a message that loses its last row ends with the one before."""
    plain = np.array(np.asarray(rows))
    starts = message_starts(plain)
    number = np.zeros(len(plain), np.int64)
    number[starts[1:]] = 1
    number = np.cumsum(number)[~gone]
    kept = plain[~gone]
    kept["bits"] &= ~np.uint8(ev.LAST)
    kept["bits"][np.flatnonzero(np.diff(number, append=-1))] |= ev.LAST
    return kept


# ---- shocks ------------------------------------------------------------------------------------------------------


def gapped(rows: Any, at_ns: int, jump_frac: float, tick: int) -> Any:
    """Every price from a moment on moved by `jump_frac` of the mid, in whole ticks: nothing trades in between."""
    moment = moment_of(rows, at_ns)
    book = _whole_book(rows, moment.at)
    shift = round(book.twice_mid / 2 * jump_frac / tick) * tick
    after = np.array(np.asarray(rows)[moment.at :])
    moved = np.isin(after["kind"], _MOVED)
    prices = after["price"].astype(np.int64) + np.where(moved, shift, 0)
    if moved.any() and not 0 < prices[moved].min() <= prices[moved].max() <= PRICE_MAX:
        raise InputError(f"a gap by {shift} increments: it would trade outside 1 to {PRICE_MAX}")
    if min(book.bids) + shift <= 0:
        raise InputError(f"a gap by {shift} increments: the book would reach below 1")
    after["price"] = prices
    return np.concatenate([np.asarray(rows)[: moment.at], stated(moment, book, shift), after])


def halted(rows: Any, at_ns: int, lasting_ns: int) -> Any:
    """The venue halts for so long: nothing trades or changes, then the book is as it has become meanwhile."""
    first, last = moment_of(rows, at_ns), moment_of(rows, at_ns + lasting_ns)
    during = np.asarray(rows)[first.at : last.at]
    silent = _without(during, np.isin(during["kind"], _OF_MARKET))
    begin, end = message(first, [(ev.VENUE_STATUS, 0, 0)]), message(last, [(ev.VENUE_STATUS, 0, 1)])
    whole = stated(last, _whole_book(rows, last.at))
    plain = np.asarray(rows)
    return np.concatenate([plain[: first.at], begin, silent, whole, end, plain[last.at :]])


def hollowed(rows: Any, at_ns: int, lasting_ns: int, within_frac: float) -> Any:
    """Nobody quotes or trades within `within_frac` of the mid for so long: the spread is twice as wide as that."""
    first, last = moment_of(rows, at_ns), moment_of(rows, at_ns + lasting_ns)
    book = _whole_book(rows, first.at)
    low, high = (book.twice_mid / 2 * (1.0 + sign * within_frac) for sign in (-1, 1))
    leaves = [(ev.BID_LEVEL, price, 0) for price in book.bids if price > low]
    leaves += [(ev.ASK_LEVEL, price, 0) for price in book.asks if price < high]
    plain = np.asarray(rows)
    during = plain[first.at : last.at]
    inside = np.isin(during["kind"], _MOVED) & (during["price"] > low) & (during["price"] < high)
    # What comes from beyond, on the other side of its own, would close the hole.
    across = (during["kind"] == ev.BID_LEVEL) & (during["price"] >= high)
    across |= (during["kind"] == ev.ASK_LEVEL) & (during["price"] <= low)
    whole = stated(last, _whole_book(rows, last.at))
    hole = message(first, leaves) if leaves else plain[:0]
    return np.concatenate([plain[: first.at], hole, _without(during, inside | across), whole, plain[last.at :]])


def swept(rows: Any, at_ns: int, side: int, within_frac: float, lasting_ns: int) -> Any:
    """One order takes all of a side within `within_frac` of the mid, level by level; it is back after so long.

    `side`: +1 a buyer takes the asks, -1 a seller the bids.
    """
    first, last = moment_of(rows, at_ns), moment_of(rows, at_ns + lasting_ns)
    book = _whole_book(rows, first.at)
    edge = book.twice_mid / 2 * (1.0 + side * within_frac)
    taken = book.asks if side > 0 else book.bids
    prices = sorted((price for price in taken if side * (edge - price) >= 0), reverse=side < 0)
    kinds = (ev.TRADE_BUY, ev.ASK_LEVEL) if side > 0 else (ev.TRADE_SELL, ev.BID_LEVEL)
    parts = [message(first, [(kinds[0], price, taken[price])]) for price in prices]
    parts += [message(first, [(kinds[1], price, 0)]) for price in prices]
    plain = np.asarray(rows)
    during = plain[first.at : last.at]
    back = (during["kind"] == kinds[1]) & (side * (edge - during["price"].astype(np.int64)) >= 0)
    whole = stated(last, _whole_book(rows, last.at))
    return np.concatenate([plain[: first.at], *parts, _without(during, back), whole, plain[last.at :]])


def unheard(rows: Any, at_ns: int, lasting_ns: int) -> Any:
    """The feed is cut for so long: the exchange goes on, and all that it told meanwhile reaches us at the end."""
    plain = np.array(np.asarray(rows))
    late = (plain["ts_recv"] >= at_ns) & (plain["ts_recv"] < at_ns + lasting_ns)
    plain["ts_recv"][late] = at_ns + lasting_ns
    return plain
