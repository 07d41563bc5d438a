"""What a tape of order books needs before it can be traded, and the world made of it."""

from typing import Any

from quintet.core.engine.world import BuiltBars, Setup
from quintet.core.errors import ConfigError
from quintet.core.events import TIMEFRAME_NUMBER
from quintet.core.instrument import Instrument
from quintet.core.state import WAKE_BAR, WAKE_TIMER, Tape
from quintet.core.tape import Tape as MarketTape
from quintet.core.units import exact_quanta
from quintet.research.backtest_options import BacktestOptions, TickBook
from quintet.research.systems import KernelSystem
from quintet.sim.config import ExecutionConfig, TickExecutionConfig
from quintet.sim.in_flight import most_in_flight
from quintet.sim.tick_account import account_rules_of
from quintet.sim.tick_execution import tick_execution_of
from quintet.sim.windows import price_windows

BOOK_KINDS = ("BID_LEVEL", "ASK_LEVEL")


def has_book(tape: MarketTape) -> bool:
    """Are there levels of an order book on the tape?"""
    return any(tape.census.kinds.get(kind, 0) for kind in BOOK_KINDS)


def tick_book(tape: MarketTape, system: KernelSystem, execution: TickExecutionConfig, recorded: Any = None) -> TickBook:
    """The exchange of a tape and the room it needs; raises ConfigError for a system that no event of it wakes."""
    if system.wakes & (WAKE_TIMER | WAKE_BAR) == 0:
        raise ConfigError(
            f"{system.name}: found neither timer nor bars, expected on_timer (with timer_s) or on_bar: they wake a "
            "system that has no order at work"
        )
    tick_execution, _ = tick_execution_of(execution, recorded)
    rows = Tape(tape.rows).rows
    waiting = most_in_flight(rows, system.timer_every_ns, tick_execution.feed_ns)
    return TickBook(execution, price_windows(tape.rows, len(tape.instruments)), int(waiting), recorded)


def tick_setup(system: KernelSystem, options: BacktestOptions, book: TickBook, **room: Any) -> Setup:
    """The world a configuration describes, for a tape of order books. `room`: limits, breaker, rows of a desk tape.

    Bars of the timeframe of structure are built from trades when the system hears bars, or when the desk shall stop
    itself: its equity is marked at them.
    """
    execution, latencies = tick_execution_of(book.execution, book.recorded)
    timeframe = TIMEFRAME_NUMBER[options.structure]
    risk = options.risk
    needs_bars = bool(system.wakes & WAKE_BAR or risk.drawdown_halt_frac or risk.day_loss_halt_frac)
    return Setup(
        instruments=(options.instrument,),
        capital=capital_of(options.execution, options.instrument),
        execution=execution,
        latencies=latencies,
        wakes=system.wakes,
        built_bars=(BuiltBars(timeframe=timeframe),) if needs_bars else (),
        wake_timeframes=(timeframe,),
        mark_timeframe=timeframe,
        keeps_shown_book=book.is_replay,
        price_windows=book.price_windows,
        messages_in_flight=book.messages_in_flight,
        **account_rules_of(book.execution, (options.instrument,)),
        **room,
    )


def capital_of(execution: ExecutionConfig, instrument: Instrument) -> dict[str, int]:
    """What the account holds at the beginning, asset to quanta."""
    return {
        instrument.quote_asset: exact_quanta(execution.initial_quote, instrument.quote_quantum, "initial_quote"),
        instrument.base_asset: exact_quanta(execution.initial_base, instrument.base_quantum, "initial_base"),
    }
