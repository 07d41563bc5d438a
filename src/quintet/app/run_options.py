"""What a run is told of its exchange, from configuration and market: of bars, or of the order books on the tape."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quintet.app.config import Config
from quintet.app.messages import Complaint
from quintet.core.instrument import Instrument, in_common_quanta
from quintet.core.market.tick_feed import LATENCY_NOTE, latency_believed
from quintet.core.tape import Tape
from quintet.research.backtest_options import BOOK_POLICY, BacktestOptions
from quintet.research.several_instruments import settle_in_one_asset
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
    options = BacktestOptions(instrument, config.execution, config.limits, structure, fills)
    if not has_book(tape):
        if config.data.latencies:
            raise _refused("data", "latencies", config.data.latencies, "a tape of order books beside it")
        return options
    instruments = in_common_quanta(tape.instruments)
    _check_instruments(tape, instruments, system)
    if system.name == STRUCTURE_MM:
        require_spot(instrument)
    _check(tape, instruments, config)
    book = tick_book(tape, system, config.tick_execution, _recorded(config), _recorded_at(config))
    return options._replace(instrument=instruments[0], others=instruments[1:], book=book)


def _check_instruments(tape: Tape, instruments: Sequence[Instrument], system: KernelSystem) -> None:
    """Raise Complaint for instruments that cannot be traded together, or here, or by this system."""
    if len(instruments) > system.instruments_max:
        raise Complaint(
            "more instruments than the system trades",
            where=tape.name,
            found=", ".join(each.name for each in instruments),
            expected=f"{system.instruments_max} at most for {system.name}",
            hint="`quintet tape cut --only NAME` keeps one; a class says with instruments_max how many it trades",
        )
    settle_in_one_asset(instruments)
    for each in instruments:
        if each.kind == "inverse":
            raise Complaint(
                "an instrument that is not traded here",
                where=tape.name,
                found=f"{each.symbol}, inverse",
                expected="spot or a linear contract: an account in the coin is not simulated on order books",
            )


def _check(tape: Tape, instruments: Sequence[Instrument], config: Config) -> None:
    """Raise Complaint for what has no meaning on order books, and for a latency that nobody can know."""
    if config.execution.initial_base:
        raise _refused(
            "execution", "initial_base", config.execution.initial_base, "0 on order books: no bar says what it is worth"
        )
    if config.execution.fill_policies != ExecutionConfig().fill_policies:
        given = ", ".join(config.execution.fill_policies)
        raise _refused("execution", "fill_policies", given, "none on order books: they say what came first")
    unknown = [each.venue for each in instruments if config.tick_execution.at(each.venue).feed_ms is None]
    if unknown and not latency_believed(tape.meta):
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


def _recorded_at(config: Config) -> dict[str, Any]:
    """Recorded latencies of the venues that have their own; raises Complaint as `_recorded` does."""
    found = {}
    for name, venue in config.tick_execution.venues.items():
        is_asked = config.tick_execution.at(name).latency_model == "recorded"
        if is_asked != bool(venue.latencies):
            raise Complaint(
                "recorded latencies need both",
                where=f"[tick_execution.venues.{name}] latency_model and latencies",
                found=f"{config.tick_execution.at(name).latency_model} with {venue.latencies or 'no file'}",
                expected="latency_model recorded with a file, or another model without one",
            )
        if is_asked:
            found[name] = read_latencies(Path(venue.latencies))
    return found


def _refused(section: str, key: str, found: object, expected: str) -> Complaint:
    return Complaint("a key that has no meaning here", where=f"[{section}] {key}", found=found, expected=expected)


def policies_of(tape: Tape, config: Config) -> tuple[str, ...]:
    """How the market of a run is read: the fill policies, or the book."""
    return (BOOK_POLICY,) if has_book(tape) else config.execution.fill_policies


def refuse_book(tape: Tape, command: str, instead: str) -> None:
    """Raise Complaint where a command has no meaning on order books."""
    if has_book(tape):
        raise Complaint(f"{command} reads candles", where=tape.name, found="a tape of order books", expected=instead)
