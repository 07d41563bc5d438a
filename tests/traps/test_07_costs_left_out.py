"""Trap 7: fees, spread and slippage are missing, or have the wrong sign. Dice lose what trading is said to cost.

Spot only: there is no funding to charge; it comes with perpetuals.
"""

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from quintet.app.backtests import testing_form as labels_of
from quintet.app.config import Config
from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.research.moments import travel
from quintet.research.synthetic import synthesize
from quintet.sim.config import ExecutionConfig
from quintet.storage.candle_sources import from_bars
from tests.leaks import tape_of
from tests.python_traders import FILLS, STRUCTURE, options, trader
from tests.searches import tosses

TAPE = tape_of(from_bars({FILLS: synthesize(5, days=20, timeframe="5m")}, STRUCTURE, FILLS))
COINS = tosses("long or flat", 2_000)


def dice(state: Any, params: Any, view: Any) -> float:
    return float(COINS[int(state.bars)])


def stated_cost_bp() -> float:
    """What the default assumptions say that a taker pays at each fill, in bp of its value."""
    return DEFAULT_SPOT.taker_fee_e9 / 1e5 + ExecutionConfig().spread_bps / 2 + ExecutionConfig().slippage_bps


def check(instrument: Instrument = DEFAULT_SPOT, **execution: Any) -> list[str]:
    """How far the loss of dice is from the cost that is stated, when it is three standard errors away or more."""
    charged = trader(dice)._replace(options=options(**execution)._replace(instrument=instrument))
    journey = travel(TAPE, charged, "pessimistic", (), to_end=True)
    fills, equity = journey.parts["fills"], journey.parts["samples"]["equity"].astype(float)
    assert len(fills) > 800
    traded = float((fills["price"] * fills["lots"]).sum()) * DEFAULT_SPOT.quanta_per_tick_lot
    lost_bp = 1e4 * (equity[0] - equity[-1]) / traded
    error_bp = 1e4 * float(np.diff(equity).std()) * math.sqrt(len(equity)) / traded
    if abs(lost_bp - stated_cost_bp()) < 3.0 * error_bp:
        return []
    return [f"lost {lost_bp:.1f} bp a fill, stated {stated_cost_bp():.1f}, error {error_bp:.1f}"]


def test_dice_lose_what_trading_is_said_to_cost():
    assert check() == []


@pytest.mark.parametrize("fee_e9", [0, 100_000])
def test_a_fee_left_out_is_found(fee_e9: int):
    assert len(check(msgspec.structs.replace(DEFAULT_SPOT, maker_fee_e9=fee_e9, taker_fee_e9=fee_e9))) == 1


def test_costs_of_the_wrong_size_are_found():
    assert len(check(spread_bps=20.0, slippage_bps=10.0)) == 1


def test_a_rebate_and_a_cost_of_zero_are_labelled_on_the_report():
    rebate = msgspec.structs.replace(DEFAULT_SPOT, maker_fee_e9=-50_000)
    assert labels_of(Config(), [DEFAULT_SPOT]) == []
    assert "without fees" in labels_of(Config(), [rebate])[0]
    free = msgspec.structs.replace(Config(), execution=ExecutionConfig(slippage_bps=0.0, spread_bps=0.0))
    assert "without spread, slippage" in labels_of(free, [DEFAULT_SPOT])[0]
