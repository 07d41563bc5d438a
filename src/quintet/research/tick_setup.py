"""What a tape of order books needs before it can be traded, and the world made of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from quintet.core.engine.world import BuiltBars, Setup
from quintet.core.errors import ConfigError
from quintet.core.events import BAR_CLOSE, TIMEFRAME_NUMBER
from quintet.core.instrument import Instrument
from quintet.core.state import WAKE_BAR, WAKE_BOOK, WAKE_FACT, WAKE_FUNDING, WAKE_TIMER, WAKE_TOUCH, WAKE_TRADE, Tape
from quintet.core.tape import Tape as MarketTape
from quintet.core.units import exact_quanta
from quintet.research.backtest_options import BacktestOptions, TickBook
from quintet.research.systems import KernelSystem
from quintet.sim.config import ExecutionConfig, TickExecutionConfig
from quintet.sim.in_flight import most_in_flight
from quintet.sim.order_queue import order_places
from quintet.sim.tick_account import account_rules_of
from quintet.sim.tick_execution import tick_execution_of, venues_of
from quintet.sim.windows import price_windows

BOOK_KINDS = ("BID_LEVEL", "ASK_LEVEL")


def has_book(tape: MarketTape) -> bool:
    """Are there levels of an order book on the tape?"""
    return any(tape.census.kinds.get(kind, 0) for kind in BOOK_KINDS)


def tick_book(
    tape: MarketTape,
    system: KernelSystem,
    execution: TickExecutionConfig,
    recorded: Any = None,
    recorded_at: Mapping[str, Any] | None = None,
) -> TickBook:
    """The exchange of a tape and the room it needs; raises ConfigError for a system that no event of it wakes."""
    if system.wakes & WAKES_ITSELF == 0:
        raise ConfigError(
            f"{system.name}: found no handler that a market calls, expected one of on_timer, on_bar, on_trade, "
            "on_touch, on_book, on_fact: a system that has no order at work is woken by nothing else"
        )
    tick_execution, _ = tick_execution_of(execution, recorded)
    venues = venues_of(execution, recorded_at or {})
    rows = Tape(tape.rows).rows
    # Of feeds that travel differently each is counted as if it were all of them: more than can be under way.
    travels = {tick_execution.feed_ns, *(venue.execution.feed_ns for venue in venues.values())}
    waiting = sum(int(most_in_flight(rows, system.timer_every_ns, feed_ns)) for feed_ns in sorted(travels))
    places = order_places(rows) if execution.queue_model == "fifo" else 0
    windows = price_windows(tape.rows, len(tape.instruments))
    return TickBook(
        execution,
        windows,
        waiting,
        recorded,
        order_places=places,
        recorded_at=recorded_at or {},
        candles=candles_on(tape),
    )


def candles_on(tape: MarketTape) -> frozenset[tuple[int, int]]:
    """Instrument and number of timeframe of all candles on a tape."""
    if not tape.census.kinds.get("BAR_CLOSE", 0):
        return frozenset()
    rows = np.asarray(tape.rows)
    bars = rows[rows["kind"] == BAR_CLOSE]
    pairs = np.unique(np.stack([bars["instrument"].astype(np.int64), bars["bits"] >> 1]), axis=1)
    return frozenset(zip(*pairs.tolist(), strict=True))


WAKES_ITSELF = WAKE_TIMER | WAKE_BAR | WAKE_TRADE | WAKE_TOUCH | WAKE_BOOK | WAKE_FACT

ON_BOOKS_ONLY = {
    WAKE_TRADE: "on_trade",
    WAKE_TOUCH: "on_touch",
    WAKE_BOOK: "on_book",
    WAKE_FUNDING: "on_funding",
}


def refuse_on_candles(system: KernelSystem) -> None:
    """Raise ConfigError for a system that asks for what candles do not tell."""
    asked = [name for wake, name in ON_BOOKS_ONLY.items() if system.wakes & wake]
    asked += ["book_levels"] if system.depth_levels else []
    if asked:
        raise ConfigError(
            f"{system.name}: found {', '.join(asked)}, expected a tape of order books: candles tell neither trades nor "
            "levels, and pay no funding"
        )


def bars_of(system: KernelSystem, options: BacktestOptions) -> tuple[int, ...]:
    """The timeframes that wake a system on bars, the timeframe of structure first."""
    structure, fills = TIMEFRAME_NUMBER[options.structure], TIMEFRAME_NUMBER[options.fills]
    if system.wakes & WAKE_BAR == 0:
        return ()
    return (structure, fills) if system.hears_fill_bars and fills != structure else (structure,)


BY_EQUITY: Final = (
    "day_loss_pause_frac", "drawdown_half_frac", "drawdown_selective_frac", "drawdown_review_frac",
    "drawdown_close_frac", "at_risk_max_frac", "leverage_max",
)  # fmt: skip
"""Rules of the restraint that are measured by equity."""


def watches_equity(system: KernelSystem, options: BacktestOptions) -> bool:
    """Does the desk limit itself by its equity? Then it marks it, at bars of the timeframe of structure."""
    risk = options.risk
    if risk.drawdown_halt_frac > 0 or risk.day_loss_halt_frac > 0:
        return True
    return any(getattr(scope, name) > 0 for scope in (system.restraint, risk) for name in BY_EQUITY)


def tick_setup(system: KernelSystem, options: BacktestOptions, book: TickBook, **room: Any) -> Setup:
    """The world a configuration describes, for a tape of order books. `room`: limits, breaker, rows of a desk tape.

    Bars of the timeframe of structure are built from trades when the system hears bars, or when the desk limits
    itself: its equity is marked at them. Where the tape has such candles of an instrument, those are its bars.
    """
    execution, latencies = tick_execution_of(book.execution, book.recorded)
    wake_timeframes = bars_of(system, options)
    structure = TIMEFRAME_NUMBER[options.structure]
    marks = book.marks_equity or watches_equity(system, options)
    heard = wake_timeframes or ((structure,) if marks else ())
    return Setup(
        instruments=options.instruments,
        capital=capital_of(options.execution, options.instrument),
        execution=execution,
        latencies=latencies,
        venues=venues_of(book.execution, book.recorded_at),
        order_places=book.order_places,
        wakes=system.wakes,
        facts=system.facts,
        wake_timeframes=wake_timeframes,
        built_bars=built_bars(heard, len(options.instruments), book.candles),
        mark_timeframe=structure if heard else 0,
        depth_levels=system.depth_levels,
        keeps_places=system.minds_queue,
        keeps_shown_book=book.is_replay,
        price_windows=book.price_windows,
        messages_in_flight=book.messages_in_flight,
        **account_rules_of(book.execution, options.instruments),
        **room,
    )


def built_bars(
    timeframes: Sequence[int], instruments: int, candles: frozenset[tuple[int, int]]
) -> tuple[BuiltBars, ...]:
    """The bars that are built from trades: of each instrument and timeframe, unless its candles are on the tape."""
    return tuple(
        BuiltBars(timeframe=timeframe, instrument=n)
        for n in range(instruments)
        for timeframe in timeframes
        if (n, timeframe) not in candles
    )


def capital_of(execution: ExecutionConfig, instrument: Instrument) -> dict[str, int]:
    """What the account holds at the beginning, asset to quanta."""
    return {
        instrument.quote_asset: exact_quanta(execution.initial_quote, instrument.quote_quantum, "initial_quote"),
        instrument.base_asset: exact_quanta(execution.initial_base, instrument.base_quantum, "initial_base"),
    }
