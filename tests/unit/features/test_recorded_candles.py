"""Structure on ten months of recorded five-minute candles: the first look of the requirements, and the slow twin."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quintet.core.records import table
from quintet.features import volatility
from quintet.features.structure import (
    BIAS_NAMES,
    EVENT_NAMES,
    STRUCTURE,
    STRUCTURE_ROW,
    start_structure,
    structure_batch,
)
from tests.twins import features_twin as twin

TICKS_PER_UNIT = {"ETHUSDT": 100, "SOLUSDT": 1000, "BTCUSDT": 10}


def candles(shared_data: Path, symbol: str) -> list[np.ndarray]:
    frame = pl.read_parquet(shared_data / "ohlcv" / f"bybit_linear_{symbol}_5m_20250924_20260721.parquet")
    return [(frame[name].to_numpy() * TICKS_PER_UNIT[symbol]).round().astype("i8") for name in ("high", "low", "close")]


def atr(columns: list[np.ndarray]) -> np.ndarray:
    state, values = table(volatility.ATR, 1)[0], np.empty(len(columns[0]))
    volatility.start_atr(state, 14)
    volatility.atr_batch(state, *columns, values)
    return values


def structure_of(columns: list[np.ndarray]) -> tuple[np.record, np.recarray]:
    state, rows = table(STRUCTURE, 1)[0], table(STRUCTURE_ROW, len(columns[0]))
    start_structure(state)
    structure_batch(state, *columns, atr(columns), rows)
    return state, rows


def test_ethereum_counts_are_those_of_the_first_look(shared_data):
    """Every figure of section 4 of the requirements, to the last event, from the first bar with an ATR on.

    One differs by one: 4,538 swings against 4,537. Ours counts the very first swing, which has no opposite before
    it to measure a distance from.
    """
    state, _ = structure_of(candles(shared_data, "ETHUSDT"))
    assert (state.n_potential, state.n_confirmed, state.n_bos_down) == (414, 521, 525)
    assert (state.n_choch_up, state.n_choch_down) == (266, 267)
    assert state.n_swings == 4_537 + 1
    # Every swing has a label but the first of each kind.
    assert state.n_hh + state.n_lh + state.n_hl + state.n_ll == state.n_swings - 2


@pytest.mark.parametrize(("symbol", "confirmed"), [("SOLUSDT", 575), ("BTCUSDT", 552)])
def test_the_other_markets_confirm_as_often_as_in_the_first_look(shared_data, symbol, confirmed):
    state, _ = structure_of(candles(shared_data, symbol))
    assert state.n_confirmed == confirmed


def test_a_bias_is_known_when_the_slow_atr_ends_the_warm_up(shared_data):
    """G20: no decision before the slow ATR exists, at bar 288. Structure is followed from the fast one on."""
    columns = candles(shared_data, "ETHUSDT")
    _, rows = structure_of(columns)
    state, slow = table(volatility.ATR, 1)[0], np.empty(len(columns[0]))
    volatility.start_atr(state, 288)
    volatility.atr_batch(state, *columns, slow)
    assert int(np.flatnonzero(~np.isnan(slow))[0]) == 288
    early = [EVENT_NAMES[event] for event in rows[:288].event if event]
    assert early.count("bos_confirmed") == 0
    assert BIAS_NAMES[rows[288].bias] == "down"


@pytest.mark.parametrize("begin", [0, 30_000, 70_000])
@pytest.mark.parametrize("symbol", TICKS_PER_UNIT)
def test_a_week_of_each_market_equals_the_slow_twin(shared_data, symbol, begin):
    columns = [column[begin : begin + 2_016] for column in candles(shared_data, symbol)]
    bars = [twin.Bar(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    atrs = twin.atr(bars, 14)
    assert np.array_equal(atr(columns), atrs, equal_nan=True)
    _, rows = structure_of(columns)
    seen = [(EVENT_NAMES[r["event"]], int(r["level"]), BIAS_NAMES[r["bias"]], int(r["protected"])) for r in rows]
    assert seen == twin.structure(bars, atrs, twin.Rules()).rows
    assert sum(event != "none" for event, *_ in seen) > 5
    assert math.isnan(atrs[13])
