"""Candle mode: the compiled exchange and its slow twin give the same answers to the same orders, one by one."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.engine.world import Execution
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import STYLE_NAMES
from quintet.core.state import World
from quintet.sim.bars import POLICY_NAMES
from tests.desk_worlds import LINEAR_COIN, ONE_MINUTE, SECOND, SPOT_COIN, START, a_world, bar_tape, run, run_left
from tests.twins.bars_twin import Answer, Bar, BarExchange, Request, Rules

MINUTE = 60 * SECOND
E9 = 10**9
NAMES = {
    ev.ORDER_ACCEPTED: "accepted",
    ev.ORDER_CANCELED: "canceled",
    ev.ORDER_EXPIRED: "expired",
    ev.CANCEL_REJECTED: "cancel rejected",
}


def answers_of(rows: Any, base_asset: int) -> list[Answer]:
    """What the venue has answered, from the rows of a desk tape."""
    answers = []
    for i, row in enumerate(rows):
        kind, ts = int(row.kind), int(row.ts_event)
        if kind in NAMES:
            answers.append(Answer(ts, NAMES[kind], int(row.quantity)))
        elif kind == ev.FILL:
            fee = rows[i + 2]
            maker = bool(row.bits & ev.MAKER)
            number = int(rows[i + 1].quantity)
            in_base = int(fee.price) == base_asset
            answers.append(
                Answer(ts, "fill", number, int(row.price), int(row.quantity), maker, int(fee.quantity), in_base)
            )
    return answers


def send(world: World, requests: list[Request]) -> None:
    """Put requests on the wire to the venue, each order in a slot of its own."""
    slots: dict[int, int] = {}
    styles: dict[int, int] = {}
    for n, request in enumerate(sorted(requests, key=lambda r: r.ts)):
        if not request.cancel:
            slots[request.number] = len(slots)
            styles[request.number] = STYLE_NAMES.index(request.style)
        row = world.venue[0].requests[n]
        row.ts, row.decided, row.number = request.ts, request.decided, request.number
        row.kind = ev.CANCEL if request.cancel else ev.PLACE
        row.slot, row.style = slots[request.number], styles[request.number]
        row.side, row.price, row.lots = request.side, request.price, request.lots
        world.venue[0].request_tail = n + 1


def exchange_answers(
    bars: list[Bar], requests: list[Request], instrument: Instrument, execution: Execution, held: int
) -> list[Answer]:
    """The compiled exchange in the real loop, with a desk that wants nothing."""
    world = a_world(instrument, execution=execution, wakes=0, recording=True)
    world.venue[0].book[0].held = held
    send(world, requests)
    tape = bar_tape([bar[2:] for bar in bars])
    return answers_of(run(run_left, tape, world), int(world.desk[0].shown.instruments[0].base_asset))


def rules_of(instrument: Instrument, execution: Execution) -> Rules:
    return Rules(
        policy=POLICY_NAMES[execution.policy],  # type: ignore[arg-type]
        spot=instrument.kind == "spot",
        participation=Fraction(execution.participation_e9, E9),
        touch=Fraction(execution.touch_e9, E9),
        half_spread=Fraction(execution.half_spread_e9, E9),
        slippage=Fraction(execution.slippage_e9, E9),
        stop_cap=Fraction(execution.stop_cap_e9, E9),
        maker_fee=Fraction(instrument.maker_fee_e9, E9),
        taker_fee=Fraction(instrument.taker_fee_e9, E9),
        fee_in_base=instrument.fee_in_base,
        lot_value=instrument.quanta_per_tick_lot,
        base_of_lot=instrument.base_quanta_per_lot,
    )


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
        participation_e9=draw(st.sampled_from([E9, E9 // 2, E9 // 10])),
        touch_e9=draw(st.sampled_from([0, E9 // 2])),
        half_spread_e9=draw(st.sampled_from([0, 5_000_000, 30_000_000])),
        slippage_e9=draw(st.sampled_from([0, 10_000_000])),
        stop_cap_e9=draw(st.sampled_from([5_000_000, 50_000_000])),
        fill_timeframe=ONE_MINUTE,
    )


@pytest.mark.req("S-53", "S-54", "S-55", "S-57", "S-58")
@given(bar_lists(), request_lists(), executions(), st.booleans(), st.sampled_from([0, 4, 45]))
@settings(max_examples=400)
def test_the_exchange_answers_as_its_twin_does(
    bars: list[Bar], requests: list[Request], execution: Execution, spot: bool, held_lots: int
) -> None:
    instrument = SPOT_COIN if spot else LINEAR_COIN
    held = held_lots * instrument.base_quanta_per_lot + 7 if spot else held_lots - 4
    expected = BarExchange(rules_of(instrument, execution), held).run(bars, requests)
    assert exchange_answers(bars, requests, instrument, execution, held) == expected
