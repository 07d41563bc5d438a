"""Whatever is asked of the sandbox exchange, its laws hold, it matches as its twin does, and its journal repeats it."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quintet.sandbox.commands import (
    Amend,
    AnyCommand,
    Cancel,
    CancelAll,
    Ghosts,
    GhostTrade,
    Pass,
    Place,
    Placed,
    SetFunding,
    SetLeverage,
    SetMarginMode,
    SetPrices,
    SetStops,
    StopRequest,
)
from quintet.sandbox.exchange import Exchange
from quintet.sandbox.money import quanta
from tests.sandbox_venue import ALICE, BOB, Desk, check_laws
from tests.twins.matching_twin import MatchingTwin, TwinOrder

UIDS = st.sampled_from((ALICE, BOB))
SIDES = st.sampled_from(("Buy", "Sell"))
SIGNS = st.sampled_from((1, -1))
LIFE = st.sampled_from(("GTC", "GTC", "IOC", "FOK", "PostOnly"))
SELF_MATCH = st.sampled_from(("None", "CancelMaker", "CancelTaker", "CancelBoth"))

placing = st.tuples(st.just("place"), UIDS, SIDES, st.integers(0, 4), st.integers(1, 9), LIFE, SELF_MATCH)
changing = st.tuples(st.just("amend"), st.integers(0, 30), st.integers(0, 4), st.integers(1, 9))
ending = st.tuples(st.just("cancel"), st.integers(0, 30))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(placing, placing, placing, changing, ending), min_size=15, max_size=40))
def test_it_matches_as_its_twin_does(script: list[tuple[Any, ...]]) -> None:
    desk, twin = Desk(USDT="10000000"), MatchingTwin()
    desk.exchange.state.markets["linear:ETHUSDT"].instrument.tick = quanta("1")
    ours: list[Any] = []
    theirs: list[TwinOrder] = []
    lives: list[str] = []
    eth = {"category": "linear", "symbol": "ETHUSDT"}
    for kind, *fields in script:
        if kind == "place":
            uid, side, price, lots, life, self_match = fields
            order = desk.place(
                side, f"0.0{lots}", str(2000 + price), uid, time_in_force=life, self_match=self_match, **eth
            )
            sign = 1 if side == "Buy" else -1
            other = TwinOrder(len(theirs), uid, sign, 2000 + price, lots, 0)
            ours.append(order)
            theirs.append(other)
            lives.append(life)
            twin.place(other, life, self_match)
        elif fields[0] < len(ours) and not theirs[fields[0]].ended:
            order, other = ours[fields[0]], theirs[fields[0]]
            name = {"uid": order.uid, "order_id": order.order_id} | eth
            if kind == "cancel":
                desk.do(Cancel(**name))
                twin.cancel(other)
            elif (
                order.self_match == "None"
                and fields[2] > other.filled
                and (fields[1], fields[2]) != (other.price - 2000, other.lots)
            ):
                desk.do(Amend(price=str(2000 + fields[1]), quantity=f"0.0{fields[2]}", **name))
                twin.amend(other, 2000 + fields[1], fields[2], lives[fields[0]])
    assert [(order.filled, order.is_open) for order in ours] == [(other.filled, not other.ended) for other in theirs]
    book = desk.exchange.venue.books["linear:ETHUSDT"]
    queues = [
        found.order_id
        for sign in (1, -1)
        for price in book.side(sign).prices()
        for found in book.side(sign).levels[price]
    ]
    by_time = [
        ours[other.name].order_id
        for sign in (1, -1)
        for other in sorted(twin.resting, key=lambda found: (-found.sign * found.price, found.arrived))
        if other.sign == sign
    ]
    assert queues == by_time


def decimal_text(low: int, high: int, scale: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda units: str(units / scale))


CATEGORIES = st.sampled_from(("linear", "linear", "spot"))
PRICES = st.integers(49_990, 50_010).map(str)
STOPS = st.one_of(
    st.just(StopRequest()),
    st.builds(
        StopRequest,
        take_profit=st.sampled_from(("", "50008", "49992")),
        stop_loss=st.sampled_from(("", "49991", "50009")),
        mode=st.sampled_from(("Full", "Partial")),
    ),
)
BTC: dict[str, Any] = {"symbol": st.just("BTCUSDT")}

anything = st.one_of(
    st.builds(
        Place, uid=UIDS, category=CATEGORIES, side=SIDES, order_type=st.sampled_from(("Limit", "Limit", "Market")),
        quantity=st.sampled_from(("0.001", "0.01", "0.5", "3", "40", "600")), price=PRICES, time_in_force=LIFE,
        reduce_only=st.booleans(), stops=STOPS, self_match=SELF_MATCH,
        trigger_price=st.one_of(st.just(""), PRICES), trigger_direction=st.sampled_from((0, 1, 2)), **BTC,
    ),
    st.builds(
        Ghosts, category=CATEGORIES, snapshot=st.booleans(),
        levels=st.lists(st.tuples(SIGNS, st.integers(49_985, 50_015).map(lambda p: p * 10**8), st.integers(0, 9000)),
                        max_size=6), **BTC,
    ),
    st.builds(GhostTrade, category=CATEGORIES, sign=SIGNS, price=PRICES.map(quanta), lots=st.integers(1, 9000), **BTC),
    st.builds(
        SetPrices, mark=st.just(0), index=st.sampled_from((0, quanta("45000"), quanta("50000"), quanta("55000"))), **BTC
    ),
    st.builds(SetFunding, rate=st.integers(-375_000, 375_000), **BTC),
    st.builds(SetLeverage, uid=UIDS, category=st.just("linear"), leverage=st.sampled_from(("5", "10", "50")), **BTC),
    st.builds(SetMarginMode, uid=UIDS, isolated=st.booleans()),
    st.builds(SetStops, uid=UIDS, category=st.just("linear"), position_index=st.just(0), stops=STOPS,
              trailing=st.sampled_from(("", "5")), **BTC),
    st.builds(CancelAll, uid=UIDS, category=CATEGORIES, **BTC),
    st.just(Pass()),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from((10, 10, 500, 2_000, 61_000)), anything), min_size=5, max_size=40))
def test_nothing_that_is_asked_breaks_a_law_and_its_journal_repeats_it(script: list[tuple[int, AnyCommand]]) -> None:
    desk = Desk(USDT="20000", BTC="1")
    journal: list[bytes] = []
    start = desk.exchange.image()
    for wait_ms, command in script:
        desk.now_ms += wait_ms
        answer = desk.do(command)
        journal.append(msgspec.json.encode((desk.now_ms, command)))
        if isinstance(answer, Placed) and isinstance(command, Place) and command.trigger_price == "":
            assert desk.exchange.state.orders[answer.order_id].status != "Triggered"
    again = Exchange.of(start)
    for line in journal:
        now_ms, command = msgspec.json.decode(line, type=tuple[int, AnyCommand])
        again.do(now_ms, command)
    check_laws(again)
    assert again.image() == desk.exchange.image()
