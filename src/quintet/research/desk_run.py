"""What the meta block of a desk tape says of the desk: system, parameters, limits, timeframes, exchange."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from quintet.core.errors import TapeError
from quintet.core.instrument import decode
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import Tape
from quintet.research.backtest_options import BacktestOptions, TickBook
from quintet.research.systems import KernelSystem, find
from quintet.research.tick_setup import candles_on
from quintet.sim.config import ExecutionConfig, TickExecutionConfig

NEEDED: Final = ("system", "params", "instrument", "execution", "risk", "structure", "fills", "policy")


@dataclass(frozen=True)
class DeskRun:
    """What a desk tape's meta block says about the run that wrote it.

    `told_rows`: after so many rows only answers to orders follow, and the system is asked no more; None: it is asked to
    the end.
    """

    system: KernelSystem
    params: Any
    options: BacktestOptions
    policy: str
    told_rows: int | None = None


def read_desk_run(tape: Tape, name: str) -> DeskRun:
    """The run behind a desk tape; raises TapeError naming what its meta block lacks."""
    if tape.meta.use != "desk":
        raise TapeError(f"{name}: found a market tape, expected a desk tape: a market tape holds no decisions")
    return desk_run_of(tape.meta.notes, name, candles=candles_on(tape))


def desk_run_of(
    notes: Mapping[str, str],
    name: str,
    system: KernelSystem | None = None,
    candles: frozenset[tuple[int, int]] = frozenset(),
) -> DeskRun:
    """The run that notes describe; raises TapeError naming what they lack. `system`: where it is at hand already.

    `candles`: instrument and number of timeframe of every candle on the tape.
    """
    absent = [note for note in NEEDED if note not in notes]
    if absent:
        raise TapeError(f"{name}: the meta block does not say {', '.join(absent)}; expected a desk tape of a backtest")
    system = find(notes["system"]) if system is None else system
    recorded = notes.get("system_sha256", "")
    if system.sha256 != recorded:
        raise TapeError(
            f"{name}: {system.address} has sha256 {system.sha256[:16]}, expected {recorded[:16]}: the file has changed "
            "since the run, and another system decides differently"
        )
    try:
        options = BacktestOptions(
            decode(notes["instrument"].encode()),
            msgspec.json.decode(notes["execution"], type=ExecutionConfig),
            msgspec.json.decode(notes["risk"], type=RiskConfig),
            notes["structure"],
            notes["fills"],
        )
        if "tick_execution" in notes:
            # The exchange's side is not replayed: what it answered is on the tape.
            told = msgspec.json.decode(notes["tick_execution"], type=TickExecutionConfig)
            others = msgspec.json.decode(notes.get("others", "[]"), type=list[str])
            no_book = ((0, 0),) * (1 + len(others))
            options = options._replace(
                book=TickBook(
                    _constant(told), no_book, is_replay=True, candles=candles, marks_equity="marks_equity" in notes
                ),
                others=tuple(decode(each.encode()) for each in others),
            )
        params: Any = msgspec.json.decode(notes["params"], type=system.config)
    except msgspec.MsgspecError as error:
        raise TapeError(f"{name}: the meta block does not fit this version of {system.name}: {error}") from None
    told_rows = int(notes["told_rows"]) if "told_rows" in notes else None
    return DeskRun(system, params, options, notes["policy"], told_rows)


def _constant(execution: TickExecutionConfig) -> TickExecutionConfig:
    """The same with latencies and a queue that need no table."""
    queue_model = "risk_averse" if execution.queue_model == "fifo" else execution.queue_model
    plain: TickExecutionConfig = msgspec.structs.replace(
        execution, latency_model="constant", queue_model=queue_model, venues={}
    )
    return plain
