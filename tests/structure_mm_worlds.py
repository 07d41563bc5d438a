"""Markets drawn by hand for structure_mm, and its runs through the real loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np
import pytest

from quintet.core.events import MINUTE_NS
from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.market.bars import Bars
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import memory_tape
from quintet.research import systems
from quintet.research.backtest import PolicyRun, run_policy
from quintet.research.backtest_options import BacktestOptions
from quintet.research.systems import find
from quintet.sim.config import ExecutionConfig
from quintet.storage.candle_sources import MarketBars
from quintet.storage.candle_tapes import market_rows
from quintet.systems.structure_mm import StructureMmConfig, explain_note, note_kind
from tests.players import deciding

START = 1_767_225_600 * 1_000_000_000  # 2026-01-01 00:00 UTC
FIVE_MINUTES = 5 * MINUTE_NS
SMALL = StructureMmConfig(atr_n=5, atr_slow_n=20)
"""A short memory, so that a market drawn by hand is short."""

Candle = tuple[int, int, int, int]
"""Open, high, low, close in cents."""


def cents(price: float) -> int:
    return round(price * 100)


def spot(maker_bp: float = 10.0, taker_bp: float = 10.0) -> Instrument:
    fees = {"maker_fee_e9": round(maker_bp * 1e5), "taker_fee_e9": round(taker_bp * 1e5)}
    return msgspec.structs.replace(DEFAULT_SPOT, **fees)


def path(*legs: tuple[float, int], start: float = 3000.0, wick: float = 2.0) -> list[Candle]:
    """Candles that walk in straight lines: each leg is the price it ends at and the bars it takes."""
    here = cents(start)
    candles = []
    for goal, bars in legs:
        first = here
        for k in range(1, bars + 1):
            close = first + (cents(goal) - first) * k // bars
            candles.append((here, max(here, close) + cents(wick), min(here, close) - cents(wick), close))
            here = close
    return candles


def bars_of(candles: list[Candle], minutes: int = 5, start: int = START, volume: float = 1_000.0) -> Bars:
    columns = np.array(candles, np.int64).reshape(-1, 4).T
    ts_open = start + minutes * MINUTE_NS * np.arange(len(candles), dtype=np.int64)
    lots = np.full(len(candles), round(volume * 100_000), np.int64)
    turnover = columns[3] * lots * DEFAULT_SPOT.quanta_per_tick_lot
    return Bars(f"{minutes}m", ts_open, *columns, volume=lots, turnover=turnover)


def run_market(
    market: MarketBars,
    config: StructureMmConfig = SMALL,
    instrument: Instrument = DEFAULT_SPOT,
    policy: str = "pessimistic",
    rows: Any = None,
    risk: RiskConfig | None = None,
    **execution: Any,
) -> PolicyRun:
    fills = (market.ltf or market.htf).timeframe
    options = BacktestOptions(
        instrument, ExecutionConfig(**execution), risk or RiskConfig(), market.htf.timeframe, fills
    )
    tape = memory_tape(market_rows(market) if rows is None else rows, [instrument])
    return run_policy(tape, find("structure_mm"), config, options, policy)[0]


@contextmanager
def decided_outside() -> Iterator[None]:
    """Runs leave the loop at every wake, as those of `tests.players` do where bounds are checked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systems, "_compiled", lambda system: deciding(system.decide))
        yield


def run_candles(candles: list[Candle], config: StructureMmConfig = SMALL, **named: Any) -> PolicyRun:
    return run_market(MarketBars(bars_of(candles), None, ()), config, **named)


def notes_of(run: PolicyRun) -> list[tuple[int, str, int, int, int, int]]:
    """Time, kind and numbers of every note."""
    return [(int(n["ts"]), note_kind(int(n["code"])), *(int(n[x]) for x in "abcd")) for n in run.notes]


def told(run: PolicyRun, instrument: Instrument = DEFAULT_SPOT) -> list[str]:
    return [f"{(int(n['ts']) - START) / FIVE_MINUTES:9.4f} {explain_note(n, instrument)}" for n in run.notes]


def transitions(run: PolicyRun) -> list[tuple[int, int, int]]:
    """From, to and reason of every transition."""
    return [(a, b, c) for _, kind, a, b, c, _ in notes_of(run) if kind == "transition"]


WARM = ((3000, 2), (3004, 2), (3000, 2)) * 5
RISE = ((2960, 10), (3000, 8), (2975, 8), (3030, 10))
"""A low, a high, a higher low, and a break of the high: change of character at 3000, then more."""
