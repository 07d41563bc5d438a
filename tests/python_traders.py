"""Systems written as plain Python, in the real loop: what is planted in a test is read where it is planted."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from quintet.core.events import BAR_OPEN, HIGH_SHIFT, LOW_MASK, TIMEFRAME_NUMBER
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.orders.lifecycle import IOC
from quintet.core.records import record, table
from quintet.core.risk.config import RiskConfig
from quintet.core.state import WAKE_BAR, Tape, World
from quintet.research.backtest_options import BacktestOptions
from quintet.research.moments import Loop, Trader
from quintet.research.systems import KernelSystem
from quintet.sim.config import ExecutionConfig
from tests.players import deciding

STRUCTURE, FILLS = "15m", "5m"

STATE = record(bars="i8", middle="f8", signal="f8")
PARAMS = record(keep="f8", threshold="f8")


class Rule(NamedTuple):
    """`keep`: weight of the old mean; `threshold`: how far above the mean is high, a fraction."""

    keep: float = 0.9
    threshold: float = 0.0


Signal = Callable[[Any, Any, Any], float]
"""State, parameters and view at a closed structure bar: above 0 to hold, else not."""


def above_its_mean(state: Any, params: Any, view: Any) -> float:
    """The honest signal: how far the close is above a mean of the closes before it."""
    close = int(view.market[0].close)
    away = close / state.middle - 1.0 if state.bars > 1 else 0.0
    state.middle = close if state.bars == 1 else params.keep * state.middle + (1.0 - params.keep) * close
    return float(away - params.threshold)


def loop_of(signal: Signal, after: Callable[[World], None] = lambda world: None) -> Loop:
    """The real loop with a Python system that takes what the signal says; `after` each wake something may happen."""

    def advance(tape: Tape, world: World, stop: int) -> int:
        world.desk[0].timeframes = 1 << TIMEFRAME_NUMBER[STRUCTURE]  # leaving the loop costs more than a bar
        return deciding(lambda *told: decide(signal, *told), after)(tape, world, stop)

    return advance


def decide(signal: Signal, state: Any, params: Any, view: Any) -> None:
    """At a structure bar: be long one tenth of a coin while the signal is above 0, else flat."""
    market = view.market[0]
    state.bars += 1
    state.signal = signal(state, params, view)
    wanted = (10_000 if state.signal > 0 else 0) - int(view.account[0].lots)
    view.dirty = 1
    view.n = 1 if wanted else 0
    want = view.wants[0]
    want.side = 1 if wanted > 0 else -1
    want.style = IOC
    tick = int(view.instruments[0].tick)
    want.price = int(market.close) * (102 if wanted > 0 else 98) // 100 // tick * tick
    want.lots = abs(wanted)
    want.tag = int(state.bars)


def params_of(rule: Rule, instrument: Any, structure: int, fills: int, spread_bps: float) -> Any:
    params = table(PARAMS, 1)
    params.keep, params.threshold = rule.keep, rule.threshold
    return params


SYSTEM = KernelSystem(
    name="python",
    config=Rule,
    decide=None,
    wakes=WAKE_BAR,
    state=lambda *given: table(STATE, 1),
    params=params_of,
    statistics=lambda state: {"bars": int(state[0].bars)},
    explain=lambda note, instrument: "",
    note_kind=str,
)


def options(*policies: Any, **execution: Any) -> BacktestOptions:
    config = ExecutionConfig(fill_policies=policies or ("pessimistic",), **execution)
    return BacktestOptions(DEFAULT_SPOT, config, RiskConfig(), STRUCTURE, FILLS)


def trader(signal: Signal = above_its_mean, rule: Rule = Rule(), advance: Loop | None = None) -> Trader:  # noqa: B008
    return Trader(SYSTEM, rule, options(), advance or loop_of(signal))


def bars_on(tape: Any, timeframe_number: int) -> Any:
    """Closes, highs and lows of the bars of one timeframe on a tape, and their ends, as four columns."""
    rows = np.asarray(tape.event_rows())
    first = np.flatnonzero((rows["kind"] == BAR_OPEN) & (rows["bits"] >> 1 == timeframe_number))
    packed = rows["quantity"][first + 1]
    return rows["price"][first + 1], packed >> HIGH_SHIFT, packed & LOW_MASK, rows["ts_event"][first]
