"""What a tape of order books needs before it can be traded, and the world made of it."""

from typing import Any

from quintet.core.engine.world import Setup
from quintet.core.errors import ConfigError
from quintet.core.instrument import Instrument
from quintet.core.state import WAKE_TIMER, Tape
from quintet.core.tape import Tape as MarketTape
from quintet.core.units import exact_quanta
from quintet.research.backtest_options import BacktestOptions, TickBook
from quintet.research.systems import KernelSystem
from quintet.sim.config import ExecutionConfig, TickExecutionConfig
from quintet.sim.in_flight import most_in_flight
from quintet.sim.tick_execution import tick_execution_of
from quintet.sim.windows import price_windows

BOOK_KINDS = ("BID_LEVEL", "ASK_LEVEL")


def has_book(tape: MarketTape) -> bool:
    """Are there levels of an order book on the tape?"""
    return any(tape.census.kinds.get(kind, 0) for kind in BOOK_KINDS)


def tick_book(tape: MarketTape, system: KernelSystem, execution: TickExecutionConfig, recorded: Any = None) -> TickBook:
    """The exchange of a tape and the room it needs; raises ConfigError for a system that no event of it wakes."""
    if system.wakes & WAKE_TIMER == 0:
        raise ConfigError(
            f"{system.name}: found no timer, expected on_timer (with timer_s): on an order book it is what wakes a "
            "system that has no order at work"
        )
    tick_execution, _ = tick_execution_of(execution, recorded)
    rows = Tape(tape.rows).rows
    waiting = most_in_flight(rows, system.timer_every_ns, tick_execution.feed_ns)
    return TickBook(execution, price_windows(tape.rows, len(tape.instruments)), int(waiting), recorded)


def tick_setup(system: KernelSystem, options: BacktestOptions, book: TickBook, **room: Any) -> Setup:
    """The world a configuration describes, for a tape of order books. `room`: limits, breaker, rows of a desk tape."""
    execution, latencies = tick_execution_of(book.execution, book.recorded)
    return Setup(
        instruments=(options.instrument,),
        capital=capital_of(options.execution, options.instrument),
        execution=execution,
        latencies=latencies,
        wakes=system.wakes,
        price_windows=book.price_windows,
        messages_in_flight=book.messages_in_flight,
        **room,
    )


def capital_of(execution: ExecutionConfig, instrument: Instrument) -> dict[str, int]:
    """What the account holds at the beginning, asset to quanta."""
    return {
        instrument.quote_asset: exact_quanta(execution.initial_quote, instrument.quote_quantum, "initial_quote"),
        instrument.base_asset: exact_quanta(execution.initial_base, instrument.base_quantum, "initial_base"),
    }
