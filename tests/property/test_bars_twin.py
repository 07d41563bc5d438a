"""Candle mode: the compiled exchange and its slow twin give the same answers to the same orders, one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.engine.world import Execution
from quintet.core.orders.lifecycle import STYLE_NAMES
from tests.bar_exchange import E9, MINUTE, exchange_answers, rules_of
from tests.desk_worlds import LINEAR_COIN, ONE_MINUTE, SECOND, SPOT_COIN, START
from tests.twins.bars_twin import Bar, BarExchange, Request

# ---- what is drawn: few prices and few moments, so that touches, ties and races are common -------------------------
prices = st.integers(97, 106)
moments = st.sampled_from([0, 1, SECOND, 19 * SECOND, 20 * SECOND, 30 * SECOND, 40 * SECOND, MINUTE - 1])


@st.composite
def bar_lists(draw: st.DrawFn) -> list[Bar]:
    bars = []
    for n in range(draw(st.integers(1, 4))):
        four = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
        inner = draw(st.permutations(four[1:3]))
        volume = draw(st.sampled_from([0, 7, 40, 200]))
        start = START + n * MINUTE
        bars.append(Bar(start, start + MINUTE, inner[0], four[3], four[0], inner[1], volume))
    return bars


@st.composite
def request_lists(draw: st.DrawFn) -> list[Request]:
    requests = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        decided = START + draw(st.integers(-1, 2)) * MINUTE + draw(moments)
        ts = decided + draw(st.sampled_from([0, 1, 250_000_000, 21 * SECOND]))
        style = draw(st.sampled_from(STYLE_NAMES))
        price = 0 if style == "market" and draw(st.booleans()) else draw(prices)
        requests.append(
            Request(
                ts, decided, number, draw(st.sampled_from([1, -1])), style, price, draw(st.sampled_from([1, 5, 30]))
            )
        )
        if draw(st.booleans()):
            later = draw(moments)
            requests.append(Request(ts + later, decided + later, number, cancel=True))
    return requests


@st.composite
def executions(draw: st.DrawFn) -> Execution:
    return Execution(
        policy=draw(st.integers(0, 3)),
        response_ns=draw(st.sampled_from([0, 250_000_000, 25 * SECOND])),
        participation_e9=draw(st.sampled_from([E9, E9 // 2, E9 // 10])),
        touch_e9=draw(st.sampled_from([0, E9 // 2])),
        half_spread_e9=draw(st.sampled_from([0, 5_000_000, 30_000_000])),
        slippage_e9=draw(st.sampled_from([0, 10_000_000])),
        stop_cap_e9=draw(st.sampled_from([5_000_000, 50_000_000])),
        fill_timeframe=ONE_MINUTE,
    )


@pytest.mark.req("S-53", "S-54", "S-55", "S-57", "S-58")
@given(bar_lists(), request_lists(), executions(), st.booleans(), st.sampled_from([0, 4, 45]))
@settings(max_examples=250)
def test_the_exchange_answers_as_its_twin_does(
    bars: list[Bar], requests: list[Request], execution: Execution, spot: bool, held_lots: int
) -> None:
    instrument = SPOT_COIN if spot else LINEAR_COIN
    held = held_lots * instrument.base_quanta_per_lot + 7 if spot else held_lots - 4
    expected = BarExchange(rules_of(instrument, execution), held).run(bars, requests)
    assert exchange_answers(bars, requests, instrument, execution, held) == expected
