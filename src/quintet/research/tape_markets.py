"""The bars on a tape, and a tape of bars again: how a market is changed between two backtests."""

from collections.abc import Callable

import numpy as np

from quintet.core.events import BAR_CLOSE, BAR_OPEN, BAR_TURNOVER, HIGH_SHIFT, LOW_MASK, TIMEFRAME_NUMBER, timeframe_ns
from quintet.core.facts import observations_on
from quintet.core.instrument import Instrument
from quintet.core.market.bars import Bars
from quintet.core.tape import Tape, memory_tape
from quintet.core.tape_splice import cut_rows, merge_rows
from quintet.storage.candle_sources import MarketBars, from_bars
from quintet.storage.candle_tapes import market_rows
from quintet.storage.fact_rows import fact_rows


def bars_on(tape: Tape, timeframe: str) -> Bars:
    """All bars of one timeframe on a tape of one instrument."""
    rows = np.asarray(tape.rows)
    rows = rows[rows["bits"] >> 1 == TIMEFRAME_NUMBER[timeframe]]
    first, second = (rows[rows["kind"] == kind] for kind in (BAR_OPEN, BAR_CLOSE))
    # Only where it is known does a bar have a row of its turnover.
    turnover, known = np.zeros(len(first), np.int64), np.flatnonzero(rows["kind"] == BAR_TURNOVER)
    turnover[np.searchsorted(np.flatnonzero(rows["kind"] == BAR_OPEN), known) - 1] = rows["quantity"][known]
    extremes = second["quantity"].astype(np.int64)
    return Bars(
        timeframe=timeframe,
        ts_open=second["ts_event"].astype(np.int64) - timeframe_ns(timeframe),
        open=first["price"].astype(np.int64),
        high=extremes >> HIGH_SHIFT,
        low=extremes & LOW_MASK,
        close=second["price"].astype(np.int64),
        volume=first["quantity"].astype(np.int64),
        turnover=turnover,
    )


def market_on(tape: Tape, structure: str, fills: str) -> MarketBars:
    """The bars of a run: those of structure, and those of fills where that is another timeframe."""
    return MarketBars(bars_on(tape, structure), bars_on(tape, fills) if fills != structure else None, ())


def tape_of(market: MarketBars, instrument: Instrument, like: Tape) -> Tape:
    """A tape of these bars and the facts of `like`, with its origin; `instrument` is defined once, at the start."""
    bars = memory_tape(market_rows(market), [instrument], like.meta, like.name)
    if not like.census.kinds.get("FACT_KEY", 0):
        return bars
    facts = memory_tape(fact_rows(observations_on(like)), (), like.meta, like.name)
    return memory_tape(merge_rows([bars, facts]), (), like.meta, like.name)


def changed(tape: Tape, instrument: Instrument, structure: str, fills: str, change: Callable[[Bars], Bars]) -> Tape:
    """The tape of a market in which the bars of fills were changed, and those of structure built from them again."""
    low = change(bars_on(tape, fills))
    return tape_of(from_bars({fills: low}, structure, fills), instrument, tape)


def between(tape: Tape, from_ns: int | None, to_ns: int | None) -> Tape:
    """What a tape holds of a stretch of time, from inclusive to exclusive, by when it was known."""
    return memory_tape(cut_rows(tape, from_ns, to_ns), (), tape.meta, tape.name)
