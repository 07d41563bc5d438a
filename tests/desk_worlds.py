"""Markets of bars, worlds, and worlds with a player in them: what the engine's laws are tried on."""

from decimal import Decimal
from typing import Any

import numpy as np

from quintet.core.engine.world import Execution, Limits, Setup, new_world
from quintet.core.events import MINUTE_NS, ROW, TIMEFRAME_NS, TIMEFRAME_NUMBER
from quintet.core.instrument import Instrument
from quintet.core.market.bars import Bars, bar_rows
from quintet.core.random import below, seeded
from quintet.core.state import (
    END,
    FULL,
    WAKE_BAR,
    WAKE_FILL,
    WAKE_ORDER,
    WAKE_TIMER,
    Tape,
    World,
)
from tests.players import player_params, player_state

START = 1_767_225_600 * 1_000_000_000  # 2026-01-01 00:00 UTC
SECOND = 1_000_000_000
ONE_MINUTE = TIMEFRAME_NUMBER["1m"]
FIVE_MINUTES = TIMEFRAME_NUMBER["5m"]
USDT, COIN = 0, 1
"""Columns of the ledger."""

SPOT_COIN = Instrument(
    symbol="COINUSDT", venue="test", kind="spot", base_asset="COIN", quote_asset="USDT",
    price_increment=Decimal("0.01"), tick_size=Decimal("0.01"), lot_size=Decimal("0.001"),
    maker_fee_e9=1_000_000, taker_fee_e9=2_000_000, fee_in_base=True,
)  # fmt: skip
LINEAR_COIN = Instrument(
    symbol="COINUSDT", venue="test", kind="linear", base_asset="COIN", quote_asset="USDT",
    price_increment=Decimal("0.01"), tick_size=Decimal("0.01"), lot_size=Decimal("0.001"),
    maker_fee_e9=-100_000, taker_fee_e9=550_000,
)  # fmt: skip
INVERSE_COIN = Instrument(
    symbol="COINUSD", venue="test", kind="inverse", base_asset="COIN", quote_asset="USDT",
    price_increment=Decimal("0.01"), tick_size=Decimal("0.01"), lot_size=Decimal(1), contract_value=Decimal(1),
    maker_fee_e9=100_000, taker_fee_e9=550_000,
)  # fmt: skip

ALL_WAKES = WAKE_TIMER | WAKE_BAR | WAKE_FILL | WAKE_ORDER

Bar = tuple[int, int, int, int, int]
"""Open, high, low, close in price increments, volume in lots."""


def bar_tape(bars: list[Bar], start: int = START) -> Tape:
    """One-minute bars of instrument 0, one after the other, as the rows of a market tape."""
    columns = np.array(bars, np.int64).reshape(-1, 5).T
    ts_open = start + MINUTE_NS * np.arange(len(bars), dtype=np.int64)
    return tape_of(bar_rows(Bars("1m", ts_open, *columns, turnover=0 * ts_open)))


def two_timeframes(bars: list[Bar], start: int = START) -> Tape:
    """The same bars, and after each fifth one the bar of five minutes that ends with it."""
    small = np.asarray(bar_tape(bars, start).rows)
    parts = []
    for n in range(0, len(bars), 5):
        five = bars[n : n + 5]
        parts.append(small[2 * n : 2 * n + 10])
        if len(five) == 5:
            high, low = max(bar[1] for bar in five), min(bar[2] for bar in five)
            columns = [np.array([v]) for v in (five[0][0], high, low, five[-1][3], sum(bar[4] for bar in five))]
            ts_open = np.array([start + n * MINUTE_NS])
            parts.append(bar_rows(Bars("5m", ts_open, *columns, turnover=0 * ts_open)))
    return tape_of(np.concatenate(parts))


def tape_of(rows: Any) -> Tape:
    """Rows as the read-only type that loops are compiled for."""
    plain = np.ascontiguousarray(rows, ROW)
    plain.flags.writeable = False
    return Tape(plain.view(np.recarray))


def walking_bars(seed: int, count: int, start: int = 10_000, step: int = 12, volume: int = 400) -> list[Bar]:
    """Bars of a price that staggers about; the next one opens a little beside the last close."""
    dice = seeded(seed, "walking bars")[0]
    bars: list[Bar] = []
    here = start
    for _ in range(count):
        first = max(100, here + below(dice, 5) - 2)
        close = max(100, first + below(dice, 2 * step + 1) - step)
        high = max(first, close) + below(dice, step)
        low = max(50, min(first, close) - below(dice, step))
        bars.append((first, high, low, close, below(dice, volume)))
        here = close
    return bars


def a_world(
    instrument: Instrument = SPOT_COIN,
    *,
    capital: dict[str, int] | None = None,
    execution: Execution | None = None,
    limits: tuple[Limits, ...] = (Limits(),),
    wakes: int = ALL_WAKES,
    timer_every_ns: int = 0,
    mark_timeframe: int = ONE_MINUTE,
    state: Any = None,
    params: Any = None,
    recording: bool = False,
) -> World:
    """A world in candle mode on one-minute bars; capital 1 000 USDT, or one COIN for an inverse contract."""
    if capital is None:
        capital = {instrument.settle_asset: 100_000_000 if instrument.kind == "inverse" else 100_000_000_000}
    timer = {"timer_first_ns": START + timer_every_ns, "timer_every_ns": timer_every_ns} if timer_every_ns else {}
    setup = Setup(
        instruments=(instrument,),
        capital=capital,
        execution=execution or Execution(fill_timeframe=ONE_MINUTE),
        limits=limits,
        wakes=wakes,
        wake_timeframes=(ONE_MINUTE, FIVE_MINUTES),
        mark_timeframe=mark_timeframe,
        desk_rows=1 << 15 if recording else 1,
        **timer,
    )
    world = new_world(setup, state, params)
    world.venue[0].recording = int(recording)
    return world


def dice_world(seed: int = 1, instrument: Instrument = SPOT_COIN, **named: Any) -> World:
    """A world with a player in it, of dice unless `params` say something else; `named` goes to `a_world`."""
    named.setdefault("params", player_params())
    return a_world(instrument, state=player_state(seed), **named)


def run(advance: Any, tape: Tape, world: World, stop: int = 1 << 60) -> Any:
    """Run to the end of the tape; returns the rows of the desk tape, if any were recorded."""
    drained = []
    venue = world.venue[0]
    with np.errstate(over="ignore"):
        why = advance(tape, world, stop)
        while why == FULL:
            drained.append(np.asarray(world.rows_out)[: int(venue.n_rows)].copy())
            venue.n_rows = venue.n_commands = venue.n_fills = venue.n_notes = venue.n_samples = 0
            why = advance(tape, world, stop)
    assert why == END
    drained.append(np.asarray(world.rows_out)[: int(venue.n_rows)].copy())
    return tape_of(np.concatenate(drained)).rows


def timeframe_ns(number: int = ONE_MINUTE) -> int:
    return int(TIMEFRAME_NS[number])
