"""Tick mode: the compiled exchange and its slow twin tell us the same things in the same order."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.orders.lifecycle import STYLE_NAMES
from quintet.core.state import ASK, BID, DESK_BOOK, NO_ASK, NO_BID
from quintet.sim.latency import LATENCY_MODEL_NAMES
from quintet.sim.queue import QUEUE_MODEL_NAMES
from quintet.sim.taking import SELF_TRADE_NAMES
from tests.desk_worlds import LINEAR_COIN, START, USDT
from tests.tick_exchange import FIRST_TIMER, LOT_QUANTITY, TIMER_EVERY, exchange_hears
from tests.tick_market import MILLISECOND
from tests.twins.account_twin import MarginTable
from tests.twins.ticks_twin import Exchange, Message, Request, Row, Rules, Travel, what_we_hear

pytestmark = pytest.mark.xdist_group("loop")

# ---- what is drawn: few prices and few moments, so that crossings, bursts and races are common ---------------------
prices = st.integers(9_996, 10_004)
steps = st.sampled_from([0, 0, 1, 5 * MILLISECOND, 25 * MILLISECOND])
levels_and_trades = st.one_of(
    st.tuples(st.just("bid"), st.integers(9_995, 10_001), st.sampled_from([0, 1, 4, 30])),
    st.tuples(st.just("ask"), st.integers(9_999, 10_005), st.sampled_from([0, 1, 4, 30])),
    st.tuples(st.sampled_from(["buy", "sell"]), prices, st.sampled_from([1, 3, 8, 40])),
)
perpetual = st.one_of(
    st.tuples(st.just("mark"), st.integers(9_500, 10_500), st.just(0)),
    st.tuples(st.just("rate"), st.just(0), st.sampled_from([-375_000, 100_000, 7_500_001])),
)
lost_or_halted = st.sampled_from([("clear", 0, 0), ("gap", 0, 3), ("status", 0, 0), ("status", 0, 1)])
rows = st.one_of(*[levels_and_trades] * 9, lost_or_halted, perpetual)


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
        reduce_only = draw(st.sampled_from([False, False, True])) and style not in ("stop", "take-profit")
        requests.append(Request(sent, number, side, style, price, lots, reduce_only=reduce_only))
        for _ in range(draw(st.integers(0, 2))):
            sent += draw(steps)
            to = draw(prices) if draw(st.booleans()) else price
            requests.append(Request(sent, number, price=to, lots=draw(st.sampled_from([1, 3, 8, 40])), amend=True))
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


WORTH = LINEAR_COIN.quanta_per_tick_lot
LOT = 10_000 * WORTH
"""About what a lot is worth here."""

margins = st.builds(
    MarginTable,
    mode=st.sampled_from(["none", "isolated", "cross"]),
    initial=st.sampled_from([Fraction(1, 2), Fraction(1, 10), Fraction(1, 50)]),
    tiers=st.just(
        [(10 * LOT, Fraction(0), Fraction(1, 200)), (50 * LOT, Fraction(1, 40), Fraction(1, 100)),
         (10_000 * LOT, Fraction(1, 20), Fraction(3, 200))]
    ),
)  # fmt: skip
fee_tables = st.sampled_from(
    [
        [(0, Fraction(-1, 10_000), Fraction(55, 100_000))],
        [(0, Fraction(2, 10_000), Fraction(55, 100_000)), (5 * LOT, Fraction(0), Fraction(33, 100_000)),
         (9 * LOT, Fraction(-5, 100_000), Fraction(333_333, 10**9))],
    ]
)  # fmt: skip

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
    amends=st.sampled_from([True, True, False]),
    keeps_place=st.booleans(),
    funding_every=st.sampled_from([0, 10 * MILLISECOND]),
    worth=st.just(WORTH),
    balance=st.sampled_from([10**12, 3 * LOT, LOT // 2]),
    fee_tiers=fee_tables,
    turnover_before=st.sampled_from([0, 7 * LOT]),
    margin=margins,
    travel=travels(),
)


# ---- the same with a position from the beginning: what may only reduce, what is paid for holding, what is lost ------
@st.composite
def lively_markets(draw: st.DrawFn) -> list[Message]:
    """A deep book, trades of both sides through it, and a mark price that runs away."""
    book = [("bid", 9_999 - n, 30) for n in range(4)] + [("ask", 10_001 + n, 30) for n in range(4)]
    messages = [Message(START, START, tuple(book))]
    happened = START
    moves = st.one_of(
        st.tuples(st.sampled_from(["buy", "sell"]), st.integers(9_997, 10_003), st.sampled_from([8, 40, 90])),
        st.tuples(st.just("mark"), st.sampled_from([9_400, 9_800, 9_950, 10_000, 10_050, 10_200, 10_600]), st.just(0)),
        st.tuples(st.just("rate"), st.just(0), st.sampled_from([-375_000, 100_000, 7_500_001])),
        levels_and_trades,
    )
    for part in draw(st.lists(moves, min_size=4, max_size=25)):
        happened += draw(st.sampled_from([1, 2 * MILLISECOND, 5 * MILLISECOND]))
        messages.append(Message(happened, happened + draw(steps), (part,)))
    heard = 0
    return [m._replace(heard=(heard := max(heard, m.heard))) for m in messages]


@st.composite
def holders(draw: st.DrawFn) -> list[Request]:
    """A position opened at market, then orders of both sides around the touch, often reduce-only, often amended."""
    side = draw(st.sampled_from([1, -1]))
    requests = [Request(START + 1, 256, side, "market", 0, draw(st.sampled_from([5, 20, 60])))]
    for number in range(257, 257 + draw(st.integers(1, 7))):
        sent = START + draw(st.integers(2, 40)) * MILLISECOND
        closes = draw(st.booleans())
        to = -side if closes else draw(st.sampled_from([1, -1]))
        price = 10_000 - to * draw(st.integers(-1, 3))
        style = draw(st.sampled_from(["post-only", "limit", "limit", "ioc", "stop", "take-profit"]))
        lots = draw(st.sampled_from([3, 10, 30, 70]))
        waits = style in ("stop", "take-profit")
        requests.append(Request(sent, number, to, style, price, lots, reduce_only=closes and not waits))
        for _ in range(draw(st.integers(0, 3))):
            sent += draw(st.integers(1, 8)) * MILLISECOND
            moved = price if draw(st.booleans()) else 10_000 - to * draw(st.integers(-1, 3))
            requests.append(Request(sent, number, price=moved, lots=draw(st.sampled_from([1, 2, 12, 40])), amend=True))
    return sorted(requests, key=lambda r: r.sent)


holding = st.builds(
    Rules,
    queue=st.sampled_from(["risk_averse", "power", "log_ratio"]),
    quantity_of_lot=st.just(LOT_QUANTITY),
    partial=st.sampled_from([True, True, False]),
    impact=st.booleans(),
    amends=st.just(True),
    keeps_place=st.booleans(),
    funding_every=st.sampled_from([0, 10 * MILLISECOND]),
    worth=st.just(WORTH),
    balance=st.sampled_from([30 * LOT, 3 * LOT, LOT]),
    fee_tiers=fee_tables,
    turnover_before=st.sampled_from([0, 7 * LOT]),
    margin=margins,
    travel=st.builds(Travel, entry=st.sampled_from([0, MILLISECOND]), response=st.sampled_from([0, 3 * MILLISECOND])),
)


@pytest.mark.bounds
@pytest.mark.jit_off
@given(lively_markets(), holders(), holding)
@settings(max_examples=150)
def test_an_account_with_a_position_is_told_what_its_twin_is_told(
    messages: list[Message], requests: list[Request], rules: Rules
) -> None:
    assert_the_twin_tells_the_same(messages, requests, rules)


@pytest.mark.bounds
@pytest.mark.jit_off
@given(markets(), request_lists(), rules)
@settings(max_examples=150)
def test_the_exchange_tells_what_its_twin_tells(messages: list[Message], requests: list[Request], rules: Rules) -> None:
    assert_the_twin_tells_the_same(messages, requests, rules)


def assert_the_twin_tells_the_same(messages: list[Message], requests: list[Request], rules: Rules) -> None:
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
    assert int(world.desk[0].ledger[DESK_BOOK, USDT]) == twin.account.balance
    assert (int(world.desk[0].shown.account[0].lots), int(world.desk[0].shown.account[0].cost)) == (
        twin.account.lots,
        twin.account.cost,
    )
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
