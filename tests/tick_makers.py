"""A maker in plain Python for order books, a synthetic market on a tape, and what a run of one on the other gives."""

from pathlib import Path
from typing import Any

import numpy as np

from quintet.core.events import ASK_LEVEL, BID_LEVEL, LAST, ROW
from quintet.core.risk.config import RiskConfig
from quintet.core.row_laws import frozen
from quintet.core.tape import Tape, memory_tape
from quintet.research.backtest import BacktestResult, run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.systems import of_class
from quintet.research.tick_market import TickMarket
from quintet.research.tick_model import TICK_INSTRUMENT
from quintet.research.tick_setup import tick_book
from quintet.sim.config import ExecutionConfig, TickExecutionConfig
from quintet.storage.tape_files import TapeWriter
from quintet.systems.own import System

MAKER = '''
import quintet


class Maker(quintet.System):
    """One order on each side, a tick from the touch."""

    class Parameters(quintet.Parameters):
        ticks_away: int = 0
        lots: int = 50

    timer_s = 1

    def on_timer(self, view):
        if not view.bid or not view.ask:
            return []
        away = self.parameters.ticks_away * view.tick
        return [quintet.buy(self.parameters.lots, view.bid - away), quintet.sell(self.parameters.lots, view.ask + away)]
'''


SECOND = 10**9
START = 1_800_000_000 * SECOND
Part = tuple[float, list[tuple[int, int, int]]]


def tape_of(parts: list[Part]) -> Tape:
    """Messages of kind, price, lots, each so many seconds after the start; we hear at once."""
    rows = []
    for seconds, levels in parts:
        at = START + round(seconds * SECOND)
        for n, (kind, price, lots) in enumerate(levels):
            rows.append((at, at, lots, price, 0, kind, LAST if n + 1 == len(levels) else 0))
    return memory_tape(frozen(np.array(rows, ROW)), [TICK_INSTRUMENT])


def book(bid: int, ask: int, lots: int = 100) -> list[tuple[int, int, int]]:
    return [(BID_LEVEL, bid, lots), (ASK_LEVEL, ask, lots)]


def maker_file(folder: Path) -> Path:
    path = folder / "maker.py"
    path.write_text(MAKER)
    return path


def maker_class() -> type[System]:
    names: dict[str, Any] = {"__name__": "maker"}
    exec(MAKER, names)  # noqa: S102
    kind: type[System] = names["Maker"]
    return kind


def tick_rows(hours: float = 0.02) -> Any:
    """A calm synthetic market, the same every time; 0.02 h are 72 s."""
    market = TickMarket(7, hours=hours, instrument=TICK_INSTRUMENT)
    return np.concatenate([chunk.rows.copy() for chunk in market.chunks()])


def tick_tape_file(path: Path, notes: dict[str, str] | None = None, hours: float = 0.02) -> Path:
    """The same on a tape file; `notes` go into its origin."""
    tape = tick_tape(hours)
    meta = tape.meta.__class__(synthetic=True, created_ns=0, tool_version="test", notes=notes or {})
    with TapeWriter(path, meta) as writer:
        writer.append(tape.event_rows())
    return path


def tick_tape(hours: float = 0.02) -> Tape:
    return memory_tape(frozen(tick_rows(hours)), [TICK_INSTRUMENT])


def options_on(tape: Tape, kind: type[System], **execution: Any) -> BacktestOptions:
    book = tick_book(tape, of_class(kind), TickExecutionConfig(**execution))
    return BacktestOptions(TICK_INSTRUMENT, ExecutionConfig(), RiskConfig(), "1m", "1m", book)


def run_on(
    tape: Tape, kind: type[System], parameters: dict[str, Any] | None = None, **execution: Any
) -> BacktestResult:
    system = of_class(kind)
    return run_backtest(tape, system, system.config(**(parameters or {})), options_on(tape, kind, **execution))
