"""A small market for systems of somebody's own, and what a run of one on it gives."""

from pathlib import Path
from typing import Any

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import Tape, memory_tape
from quintet.research.backtest import BacktestResult, run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.synthetic import synthesize
from quintet.research.systems import KernelSystem, of_class
from quintet.sim.config import ExecutionConfig
from quintet.systems.own import System

CROSSING = '''
"""Half of equity while the fast average of closes is above the slow one."""

import quintet


class Crossing(quintet.System):
    class Parameters(quintet.Parameters):
        fast_bars: int = 6
        slow_bars: int = 24
        share_frac: float = 0.5

    class Memory(quintet.Memory):
        bars: int = 0
        fast: float = 0.0
        slow: float = 0.0

    def on_bar(self, view):
        known, told, close = self.memory, self.parameters, view.bar.close
        known.bars += 1
        known.fast += (close - known.fast) * 2 / (told.fast_bars + 1)
        known.slow += (close - known.slow) * 2 / (told.slow_bars + 1)
        if known.bars < 4 * told.slow_bars:
            return None
        if known.fast > known.slow and view.lots == 0:
            return [quintet.buy(view.lots_worth(told.share_frac))]
        if known.fast < known.slow and view.lots > 0:
            return [quintet.sell(view.lots)]
        return None
'''


def crossing_file(folder: Path, name: str = "crossing.py") -> Path:
    path = folder / name
    path.write_text(CROSSING)
    return path


def market(days: int = 4) -> Tape:
    """Bars of five minutes, the same ones every time."""
    return memory_tape(bar_rows(synthesize(11, days=days, timeframe="5m")), [DEFAULT_SPOT])


def run_class(kind: type[System], tape: Tape | None = None, *policies: Any, **parameters: Any) -> BacktestResult:
    """One policy unless others are named."""
    return run_own(of_class(kind), tape, *policies, **parameters)


def run_own(system: KernelSystem, tape: Tape | None = None, *policies: Any, **parameters: Any) -> BacktestResult:
    execution = ExecutionConfig(fill_policies=policies or ("pessimistic",))
    options = BacktestOptions(DEFAULT_SPOT, execution, RiskConfig(), "5m", "5m")
    return run_backtest(tape or market(), system, system.config(**parameters), options)


CROSSING_KERNEL = '''
"""The same rules as a kernel."""

import quintet
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import MARKET
from quintet.core.records import fill, record, table
from quintet.core.state import WAKE_BAR
from quintet.research.systems import KernelSystem


class Parameters(quintet.Parameters):
    fast_bars: int = 6
    slow_bars: int = 24
    share_frac: float = 0.5


STATE = record(bars="i8", fast="f8", slow="f8")
PARAMS = record(fast_bars="i8", slow_bars="i8", share_frac="f8")


@kernel
def want(view, side, lots):
    view.wants[0].instrument = 0
    view.wants[0].side = side
    view.wants[0].style = MARKET
    view.wants[0].price = 0
    view.wants[0].lots = lots
    view.wants[0].tag = 0
    view.n = 1
    view.dirty = 1


@kernel
def decide(state, params, view):
    market, lots = view.market[0], view.account[0].lots
    state.bars += 1
    state.fast += (market.close - state.fast) * 2 / (params.fast_bars + 1)
    state.slow += (market.close - state.slow) * 2 / (params.slow_bars + 1)
    if state.bars < 4 * params.slow_bars:
        return
    if state.fast > state.slow and lots == 0:
        want(view, 1, int(params.share_frac * view.equity.quanta) // (market.close * view.instruments[0].quanta))
    elif state.fast < state.slow and lots > 0:
        want(view, -1, lots)


def params(told, instrument, structure, fills, spread_bp):
    row = table(PARAMS, 1)
    fill(row[0], {name: getattr(told, name) for name in told.__struct_fields__})
    return row


crossing = KernelSystem("crossing", Parameters, decide, WAKE_BAR, lambda *_: table(STATE, 1), params)
'''
