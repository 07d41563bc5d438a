"""W4: a thousand pairs of averages over 100,000 minute bars; long above, flat below, all cash, 5.5 bp a trade.

The rules are those of the peer's script: when the faster average crosses above the slower one, everything is spent;
when it crosses below, everything is sold. The peer trades at the close of the crossing bar, we at the next open, which
is the same price on these bars. It knows no limit of volume, so the bars are given room for any order.

Every set is an ordinary backtest: it runs through the step, the gate, the simulated exchange and the books, and has
three hashes.

python -m benchmarks.w4_sweep       every set's return, the CPU seconds and the peak memory, as JSON
"""

import json
import resource
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks import data
from quintet.core import state
from quintet.core.engine.world import begin_at
from quintet.core.instrument import Instrument
from quintet.core.kernel import kernel
from quintet.core.market.bars import Bars, bar_rows
from quintet.core.orders.lifecycle import IOC, MARKET
from quintet.core.records import record, table
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import Tape, memory_tape
from quintet.features.window import SMA, sma_update, start_sma
from quintet.research.backtest import fresh_world
from quintet.research.backtest_options import BacktestOptions
from quintet.research.sweep import Job, SetResult
from quintet.research.sweep_runners import in_process
from quintet.research.systems import KernelSystem, loop
from quintet.research.walk_forward import ParameterSet
from quintet.sim.config import ExecutionConfig

BARS = 100_000
MINUTE_NS = 60_000_000_000
INCREMENTS_PER_UNIT = 1_000
ROOM_LOTS = 10**12
"""More than any order here: the peer knows no volume."""

FAST, SLOW = range(5, 55, 2), range(60, 260, 5)


class CrossConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Bars of the two averages."""

    fast_bars: int = 5
    slow_bars: int = 60


PARAMS = record(nothing="i8")
STATE = record(was="i8", fast=SMA, slow=SMA)


@kernel
def cross(memory: Any, params: Any, view: Any) -> None:
    """All in when the faster average has come from below, all out when it has come from above."""
    close = view.market[0].close
    fast = sma_update(memory.fast, close)
    slow = sma_update(memory.slow, close)
    if fast > slow:
        if memory.was < 0:
            want(view, 1, IOC, close)
        memory.was = 1
    elif fast < slow:
        if memory.was > 0 and view.account[0].lots > 0:
            want(view, -1, MARKET, 0)
        memory.was = -1


@kernel
def want(view: Any, side: int, style: int, price: int) -> None:
    """Everything at the next price: the gate shrinks the order to what the account pays for, or holds.

    It would hold 5 % back from a purchase at market, so the purchase names its price: the next open is this close.
    """
    wanted = view.wants[0]
    wanted.instrument = 0
    wanted.side = side
    wanted.style = style
    wanted.price = price
    wanted.lots = ROOM_LOTS
    wanted.tag = 0
    view.n = 1
    view.dirty = 1


def new_state(config: CrossConfig, *_: Any) -> Any:
    """Two empty averages."""
    memory = table(STATE, 1)
    start_sma(memory[0].fast, config.fast_bars)
    start_sma(memory[0].slow, config.slow_bars)
    return memory


CROSS = KernelSystem(
    name="w4_cross",
    config=CrossConfig,
    decide=cross,
    wakes=state.WAKE_BAR,
    state=new_state,
    params=lambda *_: table(PARAMS, 1),
    statistics=lambda memory: {},
    explain=lambda note, instrument: "",
    note_kind=str,
)

INSTRUMENT = Instrument(
    symbol="W4", venue="bench", kind="spot", base_asset="W4", quote_asset="USDT", price_increment=Decimal("0.001"),
    tick_size=Decimal("0.001"), lot_size=Decimal("0.000001"), base_quantum=Decimal("0.000001"),
    quote_quantum=Decimal("0.000000001"), maker_fee_e9=550_000, taker_fee_e9=550_000,
)  # fmt: skip

OPTIONS = BacktestOptions(
    instrument=INSTRUMENT,
    execution=ExecutionConfig(
        initial_quote=Decimal(1_000_000), latency_ms=0, response_ms=0, participation_frac=1.0, spread_bps=0.0,
        slippage_bps=0.0, fill_policies=("pessimistic",),
    ),
    risk=RiskConfig(),
    structure="1m",
    fills="1m",
)  # fmt: skip


def ties(found: NDArray[Any], chosen: Sequence[ParameterSet]) -> NDArray[np.bool_]:
    """Whether the two averages of a set are exactly equal at some bar.

    Ours are exact sums of integers and know a tie; sums of tenths decide it by their last bit, one way or the other.
    """
    close = np.round(found["close"] * 10).astype(np.int64)
    sums = np.concatenate(([0], np.cumsum(close)))
    tied = []
    for each in chosen:
        fast, slow = each.params.fast_bars, each.params.slow_bars
        end = np.arange(slow, len(sums))
        tied.append(bool(((sums[end] - sums[end - fast]) * slow == (sums[end] - sums[end - slow]) * fast).any()))
    return np.array(tied)


def sets(count: int | None = None) -> list[ParameterSet]:
    """The pairs in the peer's order, the first `count` of them."""
    pairs = [(fast, slow) for fast in FAST for slow in SLOW][:count]
    return [
        ParameterSet({"fast_bars": fast, "slow_bars": slow}, CrossConfig(fast_bars=fast, slow_bars=slow))
        for fast, slow in pairs
    ]


def tape_of(found: NDArray[Any]) -> Tape:
    """The bars as a checked market tape; theirs are stamped with the close."""
    prices = {
        name: np.round(found[name] * 10).astype(np.int64) * (INCREMENTS_PER_UNIT // 10)
        for name in ("open", "high", "low", "close")
    }
    volume, unknown = np.full(len(found), ROOM_LOTS), np.zeros(len(found), np.int64)
    bars = Bars("1m", found["ts"] - MINUTE_NS, **prices, volume=volume, turnover=unknown)
    return memory_tape(bar_rows(bars), [INSTRUMENT])


def swept(tape: Tape, chosen: Sequence[ParameterSet]) -> Iterator[SetResult]:
    """The results of the sets, in order, as a sweep gets them."""
    for _, result in in_process(Job(tape, CROSS, OPTIONS))(chosen):
        yield result


class Measured(NamedTuple):
    """CPU seconds, the return of each set, and the most memory this process ever had, MiB."""

    seconds: float
    returns: Sequence[float]
    peak_mib: float


def engine_seconds(tape: Tape, chosen: Sequence[ParameterSet]) -> float:
    """CPU seconds of the compiled loop alone: the same orders, no marks of equity, nothing kept and nothing hashed."""
    run, rows, seconds = loop(CROSS), state.Tape(tape.rows), 0.0
    for each in chosen:
        world = fresh_world(CROSS, each.params, OPTIONS, "pessimistic")
        begin_at(world, tape.first_row)
        world.desk[0].mark_timeframe = 0
        venue = world.venue[0]
        begun = time.process_time()
        while (why := run(rows, world, len(tape.rows))) != state.END:
            if why == state.DEFINITION:
                venue.defined = int(venue.cursor) + 1
            venue.n_commands = venue.n_fills = 0
        seconds += time.process_time() - begun
    return seconds


def measure(tape: Tape, chosen: Sequence[ParameterSet]) -> Measured:
    """Every set through the sweep's own runner."""
    begun = time.process_time()
    returns = [result.low_frac for result in swept(tape, chosen)]
    seconds = time.process_time() - begun
    return Measured(seconds, returns, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)


def main() -> None:
    """The whole sweep in a process of its own, its loop loaded before: what `measure` found, as JSON."""
    tape, chosen = tape_of(data.bars(BARS)), sets()
    measure(tape, chosen[:1])
    print(json.dumps(measure(tape, chosen)._asdict()))


if __name__ == "__main__":
    main()
