"""The market that a desk heard, as the simulator takes it: without definitions, and without the desk's own orders.

A venue counts our resting lots in its levels. In a simulation the same orders would then stand behind themselves, so
they are taken out: from each level that was reported while one of ours rested there, its open lots.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.tape_splice import message_starts
from quintet.research.desk_orders import DeskOrder, resting_spans

_LEFT_OUT = (ev.FACT, ev.INSTRUMENT)


class Gap(NamedTuple):
    """A time in which the market was not heard, or its book unknown: our clock, from the last message to the next."""

    from_ns: int
    to_ns: int


def market_rows(rows: Any) -> Any:
    """The messages of depth, trades, states and marks among the events of a desk tape, in whole, a copy."""
    plain = np.asarray(rows)
    plain = plain[plain["kind"] != ev.HEADER]
    starts = message_starts(plain)
    heads = plain["kind"][starts]
    wanted = (heads <= ev.FACT) & ~np.isin(heads, _LEFT_OUT)
    lengths = np.diff(np.append(starts, len(plain)))
    return plain[np.repeat(wanted, lengths)].copy()


def without_us(market: Any, orders: Iterable[DeskOrder]) -> Any:
    """The same rows with our resting lots taken out of the levels that were reported with them."""
    found = market.copy()
    stamps, end_ns = found["ts_event"], int(found["ts_event"].max(initial=0)) + 1
    levels = np.flatnonzero(found["kind"] <= ev.ASK_LEVEL)
    at = stamps[levels]
    if len(at) and (np.diff(at) < 0).any():
        at = np.maximum.accumulate(at)
    for order in orders:
        kind = ev.BID_LEVEL if order.side > 0 else ev.ASK_LEVEL
        for from_ns, to_ns, price, lots in resting_spans(order, end_ns):
            some = levels[np.searchsorted(at, from_ns) : np.searchsorted(at, to_ns)]
            rows = found[some]
            ours = some[(rows["kind"] == kind) & (rows["price"] == price) & (rows["instrument"] == order.instrument)]
            found["quantity"][ours] = np.maximum(found["quantity"][ours] - lots, 0)
    return found


def gaps_of(market: Any) -> list[Gap]:
    """When the market was not heard. A book is known again with the first message that has levels."""
    rows = np.asarray(market)
    lost = (rows["kind"] == ev.FEED_GAP) | (rows["kind"] == ev.BOOK_CLEAR)
    told = np.flatnonzero(rows["kind"] <= ev.TRADE_SELL)
    levels = np.flatnonzero(rows["kind"] <= ev.ASK_LEVEL)
    found: list[Gap] = []
    for n in np.flatnonzero(lost).tolist():
        before, after = np.searchsorted(told, n), np.searchsorted(levels, n)
        if before == 0:
            continue  # nothing had been heard before: that is where the desk began
        to_ns = int(rows["ts_recv"][levels[after]]) if after < len(levels) else ev.QUANTITY_MAX
        gap = Gap(int(rows["ts_recv"][told[before - 1]]), to_ns)
        if found and gap.from_ns <= found[-1].to_ns:
            gap = Gap(found.pop().from_ns, max(gap.to_ns, gap.from_ns))
        found.append(gap)
    return found


def last_trade(market: Any, instrument: int) -> int:
    """The price of an instrument's last trade, price increments; 0 where none was heard of."""
    rows = np.asarray(market)
    trades = np.flatnonzero(
        (rows["kind"] >= ev.TRADE_BUY) & (rows["kind"] <= ev.TRADE_SELL) & (rows["instrument"] == instrument)
    )
    return int(rows["price"][trades[-1]]) if len(trades) else 0
