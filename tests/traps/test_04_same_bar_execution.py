"""Trap 4: bought at the price that gave the signal. What is decided at a close is filled after it, at a later price.

The oracle buys whenever the bar that has just closed rose. Where fills come from that bar it earns on every trade; one
bar later, on a market without memory, it has nothing left but its costs.
"""

from typing import Any

import numpy as np

from quintet.core.events import PLACE
from quintet.core.market.bars import Bars
from quintet.core.state import RING, World
from quintet.research.moments import Trader, travel
from quintet.research.synthetic import synthesize
from quintet.sim.exchange import respond_fill, take_order
from quintet.storage.candle_sources import from_bars
from tests.leaks import tape_of
from tests.python_traders import FILLS, STRUCTURE, loop_of, trader


def memoryless(days: int = 5) -> Bars:
    """Bars of a price whose next move does not follow from the last one; a test below holds it to that."""
    return synthesize(3, days=days, timeframe="5m")


TAPE = tape_of(from_bars({FILLS: memoryless()}, STRUCTURE, FILLS))


def the_bar_rose(state: Any, params: Any, view: Any) -> float:
    return float(view.market[0].close - view.market[0].open)


def check(oracle: Trader) -> list[str]:
    """Fills before their order can have arrived, and money made from the bar that was decided on."""
    journey = travel(TAPE, oracle, "pessimistic", (), to_end=True)
    placed = journey.parts["commands"]
    placed = placed[placed["kind"] == PLACE]
    sent = dict(zip(placed["number"].tolist(), placed["ts"].tolist(), strict=True))
    fills = journey.parts["fills"]
    assert len(fills) > 100
    found = [
        f"order {fill['number']} filled before it arrived"
        for fill in fills
        if fill["ts_event"] < sent[int(fill["number"])] + journey.entry_ns
    ]
    equity = journey.parts["samples"]["equity"]
    return found + (["the oracle earns"] if equity[-1] > equity[0] else [])


def test_the_oracle_of_the_last_bar_loses_its_costs():
    assert check(trader(the_bar_rose)) == []


# ---- planted -----------------------------------------------------------------------------------------------------


def filled_at_the_open(world: World, stamp: str) -> None:
    """Whatever is ordered at a close is filled at the open of the bar that closes."""
    venue, market = world.venue[0], world.desk[0].shown.market[0]
    while venue.request_head < venue.request_tail:
        request = venue.requests[venue.request_head & (RING - 1)]
        venue.request_head += 1
        if request.kind == PLACE:
            take_order(venue, request)
            respond_fill(venue, int(request.slot), int(market.open), int(request.lots), 0, int(request[stamp]))


def test_a_market_that_fills_in_the_past_is_found_by_its_money():
    dishonest = trader(advance=loop_of(the_bar_rose, lambda world: filled_at_the_open(world, "ts")))
    assert check(dishonest) == ["the oracle earns"]


def test_and_by_its_clock():
    dishonest = trader(advance=loop_of(the_bar_rose, lambda world: filled_at_the_open(world, "decided")))
    assert "filled before it arrived" in check(dishonest)[0]


def test_the_market_of_these_tests_has_no_memory_worth_a_fee():
    closes = memoryless().close.astype(float)[2::3]
    moves = np.diff(closes) / closes[:-1]
    assert abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.1
