"""A tape of ticks looked at with its books: what is counted about every message, level and trade.

A book is judged at the end of each message; what lies between is one venue's transaction. What the counts mean is said
where they are told.
"""

from typing import Any, Final

from quintet.core import events as ev
from quintet.core.kernel import kernel
from quintet.core.market.ladder import best, set_level
from quintet.core.records import record

WATCH: Final = record(
    messages="i8",
    levels="i8",
    trades="i8",
    bought_lots="i8",
    sold_lots="i8",
    gaps="i8",
    first_gap="i8",  # position
    clears="i8",
    known="i8",  # 1: there is a book
    judged="i8",  # messages after which both sides were there
    crossed="i8",
    first_crossed="i8",
    crossed_ns="i8",
    locked="i8",
    first_locked="i8",
    locked_ns="i8",
    state="i8",  # after the last message: 0 sound, 1 locked, 2 crossed
    since_ns="i8",
    one_sided="i8",
    spread_ticks="i8",  # summed over judged messages
    trades_judged="i8",
    outside="i8",  # trades beyond the touch of the book as it was known
    first_outside="i8",
    stale="i8",
    stale_ns="i8",
    stale_max_ns="i8",
    first_stale="i8",
    negative="i8",
    first_negative="i8",
    latency_min_ns="i8",
    latency_max_ns="i8",
    latency_sum_us="i8",
    last_ns="i8",
    first_ns="i8",
    bid="i8",
    ask="i8",
)

SLICE: Final = record(
    messages="i8", trades="i8", lots="i8", bid="i8", ask="i8", low="i8", high="i8", spread="i8", crossed="i8",
    gaps="i8", latency_us="i8", measured="i8",
)  # fmt: skip
"""What one slice of time held: prices in ticks (0: none), the widest spread, latency summed."""

_BID, _ASK, _BUY, _SELL = ev.BID_LEVEL, ev.ASK_LEVEL, ev.TRADE_BUY, ev.TRADE_SELL
_CLEAR, _GAP, _BEST_BID, _BEST_ASK, _TEXT, _HEADER = (
    ev.BOOK_CLEAR, ev.FEED_GAP, ev.BEST_BID, ev.BEST_ASK, ev.TEXT, ev.HEADER,
)  # fmt: skip
_LAST = ev.LAST


@kernel
def watch_rows(
    rows: Any, position: int, first_ns: int, span_ns: int, stale_ns: int, watches: Any, slices: Any, ladders: Any,
    counts: Any,
) -> int:  # fmt: skip
    """Whole messages (headers among them are stepped over); returns the position after the last row."""
    fresh = True
    levels = False
    for i in range(rows.shape[0]):
        kind = int(rows[i].kind)
        if kind == _HEADER:
            continue
        n = int(rows[i].instrument)
        price = int(rows[i].price)
        lots = rows[i].quantity
        if kind <= _BEST_ASK or kind == _GAP:
            watch = watches[n]
            part = slices[n, (rows[i].ts_recv - first_ns) * slices.shape[1] // span_ns]
            if fresh:
                _see_times(watch, part, rows[i], position, stale_ns)
                fresh = False
            if kind <= _ASK:
                set_level(ladders, counts, n, kind, price, lots)
                watch.levels += 1
                levels = True
            elif kind <= _SELL:
                _see_trade(watch, part, kind, price, lots, position)
            elif kind == _CLEAR:
                counts[n, 0] = 0
                counts[n, 1] = 0
                watch.clears += 1
                levels = True
            elif kind == _GAP:
                watch.first_gap = position if watch.gaps == 0 else watch.first_gap
                watch.gaps += 1
                part.gaps += 1
            elif kind == _BEST_BID:
                watch.bid = price
                part.bid = price
            elif kind == _BEST_ASK:
                watch.ask = price
                part.ask = price
        if int(rows[i].bits) & _LAST:
            if levels:
                part = slices[n, (rows[i].ts_recv - first_ns) * slices.shape[1] // span_ns]
                bid, ask = best(ladders, counts, n, 0), best(ladders, counts, n, 1)
                _judge(watches[n], part, bid, ask, rows[i].ts_recv, position)
            levels = False
            fresh = True
        position += 1
    return position


@kernel
def _see_times(watch: Any, part: Any, row: Any, position: int, stale_ns: int) -> None:
    """The first row of a message: silence before it, and how long it was on its way."""
    now = row.ts_recv
    latency = now - row.ts_event
    if watch.messages == 0:
        watch.first_ns = now
        watch.latency_min_ns = latency
        watch.latency_max_ns = latency
    elif now - watch.last_ns > stale_ns:
        watch.first_stale = position if watch.stale == 0 else watch.first_stale
        watch.stale += 1
        watch.stale_ns += now - watch.last_ns
        watch.stale_max_ns = max(watch.stale_max_ns, now - watch.last_ns)
    watch.last_ns = now
    watch.messages += 1
    part.messages += 1
    watch.latency_min_ns = min(watch.latency_min_ns, latency)
    watch.latency_max_ns = max(watch.latency_max_ns, latency)
    watch.latency_sum_us += latency // 1000
    part.latency_us += latency // 1000
    part.measured += 1
    if latency < 0:
        watch.first_negative = position if watch.negative == 0 else watch.first_negative
        watch.negative += 1


@kernel
def _see_trade(watch: Any, part: Any, kind: int, price: int, lots: int, position: int) -> None:
    """A trade against the book as it was known: beyond the touch, or at or inside it."""
    watch.trades += 1
    if kind == _BUY:
        watch.bought_lots += lots
    else:
        watch.sold_lots += lots
    part.trades += 1
    part.lots += lots
    part.low = price if part.low == 0 else min(part.low, price)
    part.high = max(part.high, price)
    if watch.bid > 0 and watch.ask > 0:
        watch.trades_judged += 1
        if (kind == _BUY and price > watch.ask) or (kind == _SELL and price < watch.bid):
            watch.first_outside = position if watch.outside == 0 else watch.first_outside
            watch.outside += 1


@kernel
def _judge(watch: Any, part: Any, bid: int, ask: int, now: int, position: int) -> None:
    """The book after a message; the time until the next one counts as in this state."""
    if watch.state == 2:
        watch.crossed_ns += now - watch.since_ns
    elif watch.state == 1:
        watch.locked_ns += now - watch.since_ns
    watch.bid = bid
    watch.ask = ask
    watch.state = 0
    watch.since_ns = now
    if bid == 0 or ask == 0:
        watch.one_sided += 1
        return
    watch.judged += 1
    watch.spread_ticks += ask - bid
    part.bid = bid
    part.ask = ask
    part.spread = max(part.spread, ask - bid)
    if bid > ask:
        watch.first_crossed = position if watch.crossed == 0 else watch.first_crossed
        watch.crossed += 1
        watch.state = 2
        part.crossed += 1
    elif bid == ask:
        watch.first_locked = position if watch.locked == 0 else watch.first_locked
        watch.locked += 1
        watch.state = 1
        part.crossed += 1


def close_watch(watch: Any, now_ns: int) -> None:
    """The state of the last message lasts until the tape ends."""
    if watch.state == 2:
        watch.crossed_ns += now_ns - watch.since_ns
    elif watch.state == 1:
        watch.locked_ns += now_ns - watch.since_ns
    watch.state = 0
