"""Tick mode: the compiled exchange and its slow twin tell us the same things in the same order."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.orders.lifecycle import STYLE_NAMES
from quintet.core.state import ASK, BID, NO_ASK, NO_BID
from quintet.sim.latency import LATENCY_MODEL_NAMES
from quintet.sim.queue import QUEUE_MODEL_NAMES
from quintet.sim.taking import SELF_TRADE_NAMES
from tests.desk_worlds import START
from tests.tick_exchange import FIRST_TIMER, LOT_QUANTITY, TIMER_EVERY, exchange_hears
from tests.tick_market import MILLISECOND
from tests.twins.ticks_twin import Exchange, Message, Request, Row, Rules, Travel, what_we_hear

# ---- what is drawn: few prices and few moments, so that crossings, bursts and races are common ---------------------
prices = st.integers(9_996, 10_004)
steps = st.sampled_from([0, 0, 1, 5 * MILLISECOND, 25 * MILLISECOND])
levels_and_trades = st.one_of(
    st.tuples(st.just("bid"), st.integers(9_995, 10_001), st.sampled_from([0, 1, 4, 30])),
    st.tuples(st.just("ask"), st.integers(9_999, 10_005), st.sampled_from([0, 1, 4, 30])),
    st.tuples(st.sampled_from(["buy", "sell"]), prices, st.sampled_from([1, 3, 8, 40])),
)
lost_or_halted = st.sampled_from([("clear", 0, 0), ("gap", 0, 3), ("status", 0, 0), ("status", 0, 1)])
rows = st.one_of(*[levels_and_trades] * 9, lost_or_halted)


@st.composite
def markets(draw: st.DrawFn) -> list[Message]:
    happened = heard = START
    messages = []
    for parts in draw(st.lists(st.lists(rows, min_size=1, max_size=4), min_size=2, max_size=25)):
        happened += draw(steps)
        heard = max(heard, happened + draw(steps))
        messages.append(Message(happened, heard, tuple(parts)))
    return messages


@st.composite
def request_lists(draw: st.DrawFn) -> list[Request]:
    requests = []
    for number in range(256, 256 + draw(st.integers(1, 8))):
        sent = START + sum(draw(st.lists(steps, max_size=8)))
        style = draw(st.sampled_from(["post-only", "post-only", *STYLE_NAMES]))
        price = 0 if style == "market" else draw(prices)
        side, lots = draw(st.sampled_from([1, -1])), draw(st.sampled_from([1, 5, 30]))
        requests.append(Request(sent, number, side, style, price, lots))
        if draw(st.booleans()):
            requests.append(Request(sent + draw(steps), number, cancel=True))
    return sorted(requests, key=lambda r: r.sent)


@st.composite
def recorded_orders(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    orders: list[tuple[int, int, int]] = []
    sent = arrived = START - 10 * MILLISECOND
    for _ in range(draw(st.integers(1, 4))):
        sent += 1 + draw(steps)
        arrived = max(arrived + 1, sent + draw(steps))
        orders.append((sent, arrived, arrived + draw(steps)))
    return orders


@st.composite
def travels(draw: st.DrawFn) -> Travel:
    model = draw(st.sampled_from(LATENCY_MODEL_NAMES))
    ways = st.sampled_from([MILLISECOND, 5 * MILLISECOND] if model == "drawn" else [0, 1, 70 * MILLISECOND])
    return Travel(
        model,
        entry=draw(ways),
        response=draw(ways),
        seed=draw(st.integers(0, 9)),
        p99=draw(st.sampled_from([5 * MILLISECOND, 40 * MILLISECOND])),
        least=draw(st.sampled_from([0, MILLISECOND // 2])),
        recorded=draw(recorded_orders()) if model == "recorded" else [],
        spike_every=draw(st.sampled_from([0, 40 * MILLISECOND])),
        spike_length=15 * MILLISECOND,
        spike_factor=3,
    )


rules = st.builds(
    Rules,
    queue=st.sampled_from([name for name in QUEUE_MODEL_NAMES if name != "fifo"]),
    exponent=st.integers(1, 3),
    quantity_of_lot=st.just(LOT_QUANTITY),
    partial=st.booleans(),
    impact=st.booleans(),
    market_bound=st.sampled_from([Fraction(1, 20), Fraction(1, 5_000)]),
    self_trade=st.sampled_from(SELF_TRADE_NAMES),
    orders_per_second=st.sampled_from([0, 0, 0, 2]),
    travel=travels(),
)


@pytest.mark.bounds
@pytest.mark.jit_off
@given(markets(), request_lists(), rules)
@settings(max_examples=150)
def test_the_exchange_tells_what_its_twin_tells(messages: list[Message], requests: list[Request], rules: Rules) -> None:
    twin = Exchange(rules)
    expected = what_we_hear(messages, twin.run(messages, requests), FIRST_TIMER, TIMER_EVERY)
    heard, world = exchange_hears(messages, requests, rules)
    assert heard == expected
    book = world.venue[0].book[0]
    best = {1: int(book.best[BID]), -1: int(book.best[ASK])}
    assert best == {1: twin.book.best[1] or NO_BID, -1: twin.book.best[-1] or NO_ASK}
    assert sorted(int(r.number) for r in world.venue[0].resting if r.alive) == sorted(
        o.number for o in twin.orders + twin.waiting
    )
    assert int(book.held) == twin.held
    assert not np.asarray(world.desk[0].ledger).sum(axis=0).any()


def test_what_is_drawn_fills_orders_in_every_way() -> None:
    # given one level of 4 lots and a burst of trades, two orders behind them, and a taker larger than a level
    market: list[Row] = [("bid", 9_999, 4), ("ask", 10_001, 5), ("ask", 10_002, 5)]
    burst: list[Row] = [("sell", 9_999, 3), ("sell", 9_999, 3), ("sell", 9_999, 3)]
    messages = [Message(START, START, tuple(market)), Message(START + 10, START + 10, tuple(burst))]
    orders = [
        Request(START + 1, 256, 1, "post-only", 9_999, 3),
        Request(START + 1, 257, 1, "ioc", 10_002, 12),
    ]
    twin = Exchange(Rules(partial=True))
    twin.run(messages, orders)
    fills = [(a.number, a.price, a.lots, a.maker) for a in twin.answers if a.kind == "fill"]
    assert fills == [
        (257, 10_001, 5, False), (257, 10_002, 5, False), (256, 9_999, 2, True), (256, 9_999, 1, True),
    ]  # fmt: skip
