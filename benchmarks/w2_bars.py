"""W2: one million minute bars; averages over 50 and 200 bars cross, ADX(14) above 25, a stop of three ATR(14).

The rules are those of the peers' scripts: flat and ADX above 25, follow the faster average with one unit at the next
open; out at the next open when the averages have crossed back or the bar has touched the stop. 5.5 bp a trade.
"""

import hashlib
import time
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quintet.core.engine.world import Execution, Setup, new_world
from quintet.core.instrument import Instrument
from quintet.core.kernel import kernel
from quintet.core.market.bars import Bars, bar_rows
from quintet.core.orders.lifecycle import MARKET
from quintet.core.records import record, table
from quintet.core.state import END, FULL, WAKE_BAR, Tape, World
from quintet.features.trend import ADX_EMA, adx_ema_update, start_adx_ema
from quintet.features.volatility import ATR_EMA, atr_ema_update, start_atr_ema
from quintet.features.window import SMA, sma_update, start_sma
from quintet.sim.loop import for_system

ENTRIES = 12_755
ENTRIES_SHA256 = "cf099555cdd78d55fe8929b313190c8f"
"""backtesting.py 0.6.6 on all bars: entries, and the hash of their times and sides. The reference without a peer."""

MINUTE_NS = 60_000_000_000
TICKS_PER_UNIT = 10
LOTS_PER_UNIT = 1_000

PARAMS = record(nothing="i8")
STATE = record(stop="f8", entries="i8", fast=SMA, slow=SMA, atr=ATR_EMA, adx=ADX_EMA)


@kernel
def follow_trend(state: Any, params: Any, view: Any) -> None:
    """Follow the faster average while the trend is strong; `stop` and prices in ticks."""
    market = view.market[0]
    close = market.close
    fast = sma_update(state.fast, close)
    slow = sma_update(state.slow, close)
    atr = atr_ema_update(state.atr, market.high, market.low, close)
    strength = adx_ema_update(state.adx, market.high, market.low)
    position = view.account[0].lots
    if position == 0:
        if strength > 25.0 and slow == slow and fast != slow:
            side = 1 if fast > slow else -1
            state.stop = close - side * 3 * atr
            state.entries += 1
            want(view, side)
    elif position > 0:
        if fast < slow or market.low <= state.stop:
            want(view, -1)
    elif fast > slow or market.high >= state.stop:
        want(view, 1)


@kernel
def want(view: Any, side: int) -> None:
    """One unit at the next price."""
    wanted = view.wants[0]
    wanted.instrument = 0
    wanted.side = side
    wanted.style = MARKET
    wanted.price = 0
    wanted.lots = 1
    wanted.tag = 0
    view.n = 1
    view.dirty = 1


INSTRUMENT = Instrument(
    symbol="W2", venue="bench", kind="linear", base_asset="W2", quote_asset="USDT", price_increment=Decimal("0.1"),
    tick_size=Decimal("0.1"), lot_size=Decimal("1"), maker_fee_e9=550_000, taker_fee_e9=550_000,
)  # fmt: skip

run = for_system("w2", follow_trend)


def tape_of(found: NDArray[Any]) -> Tape:
    """The same bars as rows of a tape; theirs are stamped with the close."""
    prices = {
        name: np.round(found[name] * TICKS_PER_UNIT).astype(np.int64) for name in ("open", "high", "low", "close")
    }
    volume = np.round(found["volume"] * LOTS_PER_UNIT).astype(np.int64)
    bars = Bars("1m", found["ts"] - MINUTE_NS, **prices, volume=volume, turnover=np.zeros(len(found), np.int64))
    rows = bar_rows(bars)
    rows.flags.writeable = False
    return Tape(rows.view(np.recarray))


def new_run() -> World:
    """A world before its first bar."""
    setup = Setup(
        instruments=(INSTRUMENT,),
        capital={"USDT": 10**15},
        execution=Execution(fill_timeframe=1),
        wakes=WAKE_BAR,
        wake_timeframes=(1,),
        buffer_rows=2048,
    )
    state = table(STATE, 1)
    start_sma(state[0].fast, 50)
    start_sma(state[0].slow, 200)
    start_atr_ema(state[0].atr, 14)
    start_adx_ema(state[0].adx, 14)
    return new_world(setup, state, table(PARAMS, 1))


def drive(tape: Tape, world: World) -> NDArray[np.int64]:
    """The whole tape; returns the entries, read from the fills whenever their buffer is full."""
    begun = []
    why = FULL
    while why == FULL:
        why = run(tape, world, len(tape.rows))
        venue = world.venue[0]
        begun.append(entries(np.asarray(world.fills[: venue.n_fills])))
        venue.n_fills = venue.n_commands = 0
    assert why == END, why
    return np.concatenate(begun)


def entries(fills: NDArray[Any]) -> NDArray[np.int64]:
    """Two columns: when the bar closed at whose open a position was begun (ns), and its side."""
    begun = fills["lots_after"] != 0
    return np.stack([fills["ts_event"][begun] + MINUTE_NS, fills["side"][begun]], axis=1)


def fingerprint(found: NDArray[np.int64]) -> str:
    """SHA-256 of an entry list, 32 digits."""
    return hashlib.sha256(np.ascontiguousarray(found, "<i8").tobytes()).hexdigest()[:32]


def cpu_seconds(tape: Tape, runs: int) -> tuple[list[float], NDArray[np.int64]]:
    """CPU seconds of each run, and the last one's entries."""
    seconds = []
    for _ in range(runs):
        world = new_run()
        begun = time.process_time()
        found = drive(tape, world)
        seconds.append(time.process_time() - begun)
    return seconds, found
