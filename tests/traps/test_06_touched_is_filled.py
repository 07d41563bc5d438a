"""Trap 6: the price touched our order, so it was filled. Somebody stood before us; the price must go through, or the
queue must be gone."""

from collections.abc import Callable
from typing import Any

import pytest

from quintet.core.engine.world import Execution
from quintet.core.records import table
from quintet.core.state import RESTING
from quintet.sim.queue import POWER, RISK_AVERSE, on_trade
from tests.bar_exchange import E9, MINUTE, exchange_answers
from tests.desk_worlds import ONE_MINUTE, SPOT_COIN, START
from tests.twins.bars_twin import Bar, Request

BID = 9_950


def lots_bought(low: int, **execution: Any) -> int:
    """Of a bid for 50 lots at 9950, how many a bar with this low fills."""
    bar = Bar(START, START + MINUTE, 10_000, 10_010, low, 10_000, 10_000)
    bid = Request(START, START, 1, 1, "post-only", BID, 50)
    answers = exchange_answers([bar], [bid], SPOT_COIN, Execution(fill_timeframe=ONE_MINUTE, **execution), 0)
    return sum(answer.lots for answer in answers if answer.kind == "fill")


def check_candles(**execution: Any) -> list[str]:
    """What is wrong with how a candle fills an order at its extreme."""
    found = []
    if lots_bought(BID, **execution) > 0:
        found.append("a touch fills")
    if lots_bought(BID - 1, **execution) != 50:
        found.append("a price that went through does not fill")
    return found


Consumes = Callable[[Any, int, int], bool]


def check_queue(consumes: Consumes, model: int) -> list[str]:
    """Lots that must trade at our price before we are filled: all that stood ahead, never fewer than for less."""
    found, before = [], 0
    for ahead in range(0, 60, 4):
        order = table(RESTING, 1)[0]
        order.ahead = float(ahead)
        traded = 1
        while not consumes(order, model, 1) and traded < 1_000:
            traded += 1
        if traded <= ahead or traded < before:
            found.append(f"{traded} lots fill an order with {ahead} ahead")
        before = traded
    return found


def test_a_touch_of_a_candle_is_no_fill():
    assert check_candles() == []


@pytest.mark.parametrize("model", [RISK_AVERSE, POWER])
def test_the_queue_before_us_trades_first_and_a_worse_place_fills_later(model: int):
    assert check_queue(on_trade, model) == []


# ---- planted -----------------------------------------------------------------------------------------------------


def test_a_market_that_fills_at_a_touch_is_found():
    assert check_candles(touch_e9=E9) == ["a touch fills"]


def always_first(order: Any, model: int, lots: int) -> bool:
    return True


def test_a_market_without_a_queue_is_found():
    assert len(check_queue(always_first, RISK_AVERSE)) > 10
