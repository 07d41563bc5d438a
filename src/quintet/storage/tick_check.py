"""What is odd in a tape of ticks: walked once with its books, nothing repaired.

Every finding says how often, where first, and what it means for a backtest. A book is judged at the end of each
message; what lies between is one venue's transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from quintet.core import events as ev
from quintet.core.kernel import kernel
from quintet.core.market.ladder import best, empty_ladders, set_level, with_room
from quintet.core.market.tick_feed import LATENCY_NOTE, latency_believed, reason_not_traded
from quintet.core.records import record, table
from quintet.core.row_laws import MESSAGE_ROWS_MAX
from quintet.core.tape import Tape

STALE_NS: Final = 10_000_000_000
"""A book without a word for longer than this is stale: a quiet market, or a feed that hangs."""

SLICES: Final = 720
"""The time of a tape is cut into so many slices for its picture."""

_CHUNK_ROWS: Final = 8_192

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

Table = np.recarray[Any, Any]


@dataclass(frozen=True, slots=True)
class TickFinding:
    """One oddity. `wrong`: the data contradicts itself; else it is for a person to judge."""

    kind: str
    wrong: bool
    count: int
    first: str
    meaning: str


@dataclass(frozen=True, slots=True)
class CheckedInstrument:
    """One instrument's facts. Times in ns; prices in ticks; shares as fractions."""

    symbol: str
    messages: int
    levels: int
    trades: int
    first_ns: int
    last_ns: int
    mean_spread_ticks: float
    crossed_messages: int
    crossed_ns: int
    locked_messages: int
    locked_ns: int
    gaps: int
    stale_periods: int
    stale_ns: int
    longest_stale_ns: int
    trade_through_frac: float
    trades_judged: int
    negative_latencies: int
    latency_min_ns: int
    latency_mean_ns: int
    latency_max_ns: int
    findings: tuple[TickFinding, ...]


@dataclass(frozen=True, slots=True)
class CheckedTape:
    """A tape's check. `slices`: SLICE records by instrument and slice of time, for a picture."""

    name: str
    first_ns: int
    last_ns: int
    instruments: tuple[CheckedInstrument, ...]
    latency: str
    not_traded: str
    slices: tuple[Table, ...]

    @property
    def wrong(self) -> bool:
        """True when the data contradicts itself somewhere."""
        return any(finding.wrong for each in self.instruments for finding in each.findings)


def check_tape(tape: Tape, report: Callable[[float, float], None] | None = None) -> CheckedTape:
    """Walk a market tape of ticks once. Positions in findings are rows of the tape, as `tape head --from` counts."""
    instruments = tape.instruments
    watches = table(WATCH, max(1, len(instruments)))
    slices = np.zeros((len(watches), SLICES), SLICE).view(np.recarray)
    ladders, counts = empty_ladders(len(watches), 1024)
    span = max(1, tape.census.last_ns - tape.census.first_ns + 1)
    rows = tape.rows[tape.first_row :]
    position = 0
    at = 0
    while at < len(rows):
        end = _whole_messages(rows, at)
        ladders = with_room(ladders, counts, end - at)
        position = watch_rows(
            rows[at:end], position, tape.census.first_ns, span, STALE_NS, watches, slices, ladders, counts
        )
        at = end
        if report is not None:
            report(at, len(rows))
    for watch in watches:
        _close(watch, tape.census.last_ns)
    return CheckedTape(
        name=tape.name,
        first_ns=tape.census.first_ns,
        last_ns=tape.census.last_ns,
        instruments=tuple(_checked(watches[n], each.symbol) for n, each in enumerate(instruments)),
        latency="" if latency_believed(tape.meta) else tape.meta.notes[LATENCY_NOTE],
        not_traded=reason_not_traded(tape.meta),
        slices=tuple(slices[n] for n in range(len(instruments))),
    )


def _whole_messages(rows: Any, at: int) -> int:
    """One past the last row of the last message that ends within a chunk."""
    end = min(len(rows), at + _CHUNK_ROWS)
    while end < len(rows):
        last = np.flatnonzero(np.asarray(rows[at:end])["bits"] & ev.LAST)
        if len(last):
            return at + int(last[-1]) + 1
        end = min(len(rows), end + MESSAGE_ROWS_MAX)
    return end


def _close(watch: Any, now_ns: int) -> None:
    """The state of the last message lasts until the tape ends."""
    if watch.state == 2:
        watch.crossed_ns += now_ns - watch.since_ns
    elif watch.state == 1:
        watch.locked_ns += now_ns - watch.since_ns
    watch.state = 0


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


# ---- findings ------------------------------------------------------------------------------------------------------


def _checked(watch: Any, symbol: str) -> CheckedInstrument:
    judged, trades = int(watch.judged), int(watch.trades_judged)
    messages = int(watch.messages)
    return CheckedInstrument(
        symbol=symbol,
        messages=messages,
        levels=int(watch.levels),
        trades=int(watch.trades),
        first_ns=int(watch.first_ns),
        last_ns=int(watch.last_ns),
        mean_spread_ticks=int(watch.spread_ticks) / judged if judged else 0.0,
        crossed_messages=int(watch.crossed),
        crossed_ns=int(watch.crossed_ns),
        locked_messages=int(watch.locked),
        locked_ns=int(watch.locked_ns),
        gaps=int(watch.gaps),
        stale_periods=int(watch.stale),
        stale_ns=int(watch.stale_ns),
        longest_stale_ns=int(watch.stale_max_ns),
        trade_through_frac=int(watch.outside) / trades if trades else 0.0,
        trades_judged=trades,
        negative_latencies=int(watch.negative),
        latency_min_ns=int(watch.latency_min_ns),
        latency_mean_ns=int(watch.latency_sum_us) * 1000 // messages if messages else 0,
        latency_max_ns=int(watch.latency_max_ns),
        findings=tuple(finding for finding in _findings(watch) if finding.count),
    )


def _findings(watch: Any) -> list[TickFinding]:
    def at(field: str) -> str:
        return f"position {int(watch[field]):,}"

    seconds = 1e9
    return [
        TickFinding(
            "sequence gap", True, int(watch.gaps), at("first_gap"),
            "messages are missing; the book is unknown from there to the next snapshot",
        ),
        TickFinding(
            "crossed book", True, int(watch.crossed), at("first_crossed"),
            f"best bid above best ask, for {int(watch.crossed_ns) / seconds:.3f} s in all: nothing can match there",
        ),
        TickFinding(
            "locked book", False, int(watch.locked), at("first_locked"),
            f"best bid equals best ask, for {int(watch.locked_ns) / seconds:.3f} s in all",
        ),
        TickFinding(
            "negative latency", False, int(watch.negative), at("first_negative"),
            f"received before it happened, by {-int(watch.latency_min_ns) / 1e6:,.1f} ms at most: the two clocks do "
            "not agree, a latency has to be assumed",
        ),
        TickFinding(
            "stale period", False, int(watch.stale), at("first_stale"),
            f"no message for more than {STALE_NS // 10**9} s, {int(watch.stale_ns) / seconds:,.1f} s in all, "
            f"{int(watch.stale_max_ns) / seconds:,.1f} s at the longest",
        ),
        TickFinding(
            "trade through", False, int(watch.outside), at("first_outside"),
            f"printed beyond the touch as it was known, of {int(watch.trades_judged):,} trades: sweeps, or trades and "
            "depth that arrive out of step",
        ),
    ]  # fmt: skip
