"""What a run is told of its exchange, from configuration and market: of bars, or of the order books on the tape."""

from pathlib import Path
from typing import Any

from quintet.app.config import Config
from quintet.app.messages import Complaint
from quintet.core.instrument import Instrument
from quintet.core.market.tick_feed import LATENCY_NOTE, latency_believed
from quintet.core.tape import Tape
from quintet.research.backtest_options import BOOK_POLICY, BacktestOptions
from quintet.research.systems import KernelSystem
from quintet.research.tick_setup import has_book, tick_book
from quintet.sim.config import ExecutionConfig
from quintet.storage.latency_files import read_latencies
from quintet.systems.structure_mm.config import NAME as STRUCTURE_MM
from quintet.systems.structure_mm.config import require_spot


def options_of(
    tape: Tape, instrument: Instrument, structure: str, fills: str, system: KernelSystem, config: Config
) -> BacktestOptions:
    """Raises Complaint for a configuration that cannot be meant for order books, ConfigError for such a system."""
    options = BacktestOptions(instrument, config.execution, config.risk, structure, fills)
    if not has_book(tape):
        if config.data.latencies:
            raise _refused("data", "latencies", config.data.latencies, "a tape of order books beside it")
        return options
    if system.name == STRUCTURE_MM:
        require_spot(instrument)
    _check(tape, instrument, config)
    recorded = _recorded(config)
    return options._replace(book=tick_book(tape, system, config.tick_execution, recorded))


def _check(tape: Tape, instrument: Instrument, config: Config) -> None:
    """Raise Complaint for what has no meaning on order books, and for a latency that nobody can know."""
    if instrument.kind == "inverse":
        raise Complaint(
            "an instrument that is not traded here",
            where=tape.name,
            found=f"{instrument.symbol}, inverse",
            expected="spot or a linear contract: an account in the coin is not simulated on order books",
        )
    if config.execution.initial_base:
        raise _refused(
            "execution", "initial_base", config.execution.initial_base, "0 on order books: no bar says what it is worth"
        )
    if config.execution.fill_policies != ExecutionConfig().fill_policies:
        given = ", ".join(config.execution.fill_policies)
        raise _refused("execution", "fill_policies", given, "none on order books: they say what came first")
    if config.tick_execution.feed_ms is None and not latency_believed(tape.meta):
        raise Complaint(
            "clocks that measure no latency",
            where=tape.name,
            found=tape.meta.notes[LATENCY_NOTE],
            expected="how long the feed takes to us: --set tick_execution.feed_ms=10, say",
        )


def _recorded(config: Config) -> Any:
    """Recorded latencies, where they are asked for; raises Complaint when file and model contradict each other."""
    is_asked, path = config.tick_execution.latency_model == "recorded", config.data.latencies
    if is_asked != bool(path):
        raise Complaint(
            "recorded latencies need both",
            where="[tick_execution] latency_model and [data] latencies",
            found=f"{config.tick_execution.latency_model} with {path or 'no file'}",
            expected="latency_model recorded with a file, or another model without one; --latencies FILE sets both",
        )
    return read_latencies(Path(path)) if is_asked else None


def _refused(section: str, key: str, found: object, expected: str) -> Complaint:
    return Complaint("a key that has no meaning here", where=f"[{section}] {key}", found=found, expected=expected)


def policies_of(tape: Tape, config: Config) -> tuple[str, ...]:
    """How the market of a run is read: the fill policies, or the book."""
    return (BOOK_POLICY,) if has_book(tape) else config.execution.fill_policies


def refuse_book(tape: Tape, command: str, instead: str) -> None:
    """Raise Complaint where a command has no meaning on order books."""
    if has_book(tape):
        raise Complaint(f"{command} reads candles", where=tape.name, found="a tape of order books", expected=instead)
