"""What is odd in a tape of ticks: walked once with its books, nothing repaired.

Every finding says how often, where first, and what it means for a backtest. A book is judged at the end of each
message; what lies between is one venue's transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from quintet.core import events as ev
from quintet.core.market.ladder import empty_ladders, with_room
from quintet.core.market.tick_feed import LATENCY_NOTE, latency_believed, reason_not_traded
from quintet.core.market.tick_watch import SLICE, WATCH, close_watch, watch_rows
from quintet.core.records import table
from quintet.core.row_laws import MESSAGE_ROWS_MAX
from quintet.core.tape import Tape

STALE_NS: Final = 10_000_000_000
"""A book without a word for longer than this is stale: a quiet market, or a feed that hangs."""

SLICES: Final = 720
"""The time of a tape is cut into so many slices for its picture."""

_CHUNK_ROWS: Final = 8_192

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
        close_watch(watch, tape.census.last_ns)
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
