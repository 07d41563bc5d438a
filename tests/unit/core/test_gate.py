"""The gate: how much of an intent may leave, and why not more."""

from typing import Any

import pytest

from quintet.core.engine.world import Limits
from quintet.core.orders.lifecycle import IOC, STOP
from quintet.core.risk import gate
from quintet.core.risk.gate import HALTED, REASON_NAMES, REDUCE_ONLY
from quintet.core.state import NO_ASK, NO_BID
from tests.desk_driver import Desk
from tests.desk_worlds import COIN, LINEAR_COIN, SPOT_COIN, USDT

PRICE = 10_000  # 100.00
QUANTA = SPOT_COIN.quanta_per_tick_lot


def lots_sent(desk: Desk, *wants: Any) -> list[int]:
    return [command.lots for command in desk.want(*wants)]


def a_spot(money_lots: int, *, quote_fee: bool = False, **named: Any) -> Desk:
    """A desk with money for so many lots at 100.00."""
    desk = Desk(capital={"USDT": money_lots * PRICE * QUANTA}, **named)
    if quote_fee:
        desk.view.instruments[0].fee_in_base = 0
    return desk


# ---- money and coins ---------------------------------------------------------------------------------------------
@pytest.mark.req("S-02")
def test_a_purchase_is_shrunk_to_free_money() -> None:
    # given 1 000 of money and purchases of 600 and 600, the fee taken in base
    desk = a_spot(1_000)
    assert lots_sent(desk, (1, PRICE, 600), (1, PRICE, 600)) == [600, 400]
    assert desk.account.reserved_quote == desk.record.ledger[0, USDT]
    # then there is nothing left for a third
    assert lots_sent(desk, (1, PRICE, 600), (1, PRICE, 600), (1, PRICE - 1, 1)) == []
    assert desk.reasons == [gate.FREE_QUOTE]


@pytest.mark.req("S-02")
def test_where_the_fee_is_taken_in_quote_it_is_held_back_too() -> None:
    # given 1 000 of money and a taker fee of 20 bp
    desk = a_spot(1_000, quote_fee=True)
    assert lots_sent(desk, (1, PRICE, 1_000)) == [998]
    assert desk.account.reserved_quote == 998 * (PRICE * QUANTA + PRICE * QUANTA * 2 // 1_000)


@pytest.mark.req("S-02")
def test_what_is_held_back_follows_the_fills_to_the_quantum() -> None:
    desk = a_spot(1_000, quote_fee=True)
    (number,) = desk.working((1, PRICE, 7))
    one = desk.account.reserved_quote // 7
    desk.fill(number, 3)
    assert desk.account.reserved_quote == 4 * one
    desk.want()
    desk.canceled(number)
    assert desk.account.reserved_quote == 0


@pytest.mark.req("S-03")
def test_a_sale_is_shrunk_to_what_is_held_less_what_other_sales_bind() -> None:
    # given 0.50000 held and 0.30000 of it offered
    desk = Desk(lots=500)
    assert lots_sent(desk, (-1, PRICE + 100, 300), (-1, PRICE + 200, 250)) == [300, 200]
    # then not one lot more
    assert lots_sent(desk, (-1, PRICE + 100, 300), (-1, PRICE + 200, 250), (-1, PRICE + 300, 1)) == []
    assert desk.reasons == [gate.FREE_BASE]


@pytest.mark.req("S-03")
def test_nothing_held_is_nothing_sold() -> None:
    assert lots_sent(Desk(), (-1, PRICE, 1)) == []


@pytest.mark.req("S-03")
def test_a_stop_that_has_not_triggered_binds_nothing() -> None:
    desk = Desk(lots=500)
    assert lots_sent(desk, (-1, PRICE - 500, 500, STOP), (-1, PRICE + 100, 500)) == [500, 500]
    assert desk.account.open_sell_lots == 500


@pytest.mark.req("S-03")
def test_sales_that_a_stop_has_uncovered_are_called_back() -> None:
    # given everything offered, and a stop that has sold a part of it
    desk = Desk(lots=500)
    stop, ask = desk.working((-1, PRICE - 500, 200, STOP), (-1, PRICE + 100, 500))
    desk.fill(stop, 200)
    # then the offer of what is not there any more is cancelled without anybody's word
    assert [(c.kind, c.number) for c in desk.sent()] == [("cancel", ask)]


# ---- limits --------------------------------------------------------------------------------------------------------
@pytest.mark.req("S-25")
def test_orders_that_work_count_against_the_position_limit() -> None:
    # given a hard band of 40 lots and 30 held
    desk = Desk(lots=30, limits=(Limits(max_position_lots=40),))
    assert lots_sent(desk, (1, PRICE - 1, 6), (1, PRICE - 2, 6), (1, PRICE - 3, 6)) == [6, 4]
    assert desk.reasons == [gate.POSITION]


@pytest.mark.req("S-25")
def test_a_short_position_has_the_same_limit() -> None:
    desk = Desk(LINEAR_COIN, limits=(Limits(max_position_lots=40),))
    (number,) = desk.working((-1, PRICE, 30))
    desk.fill(number, 30)
    assert desk.account.lots == -30
    assert lots_sent(desk, (-1, PRICE + 1, 30)) == [10]


def test_the_strictest_of_three_scopes_wins_each_by_itself() -> None:
    system, account, desk_scope = Limits(max_order_lots=9), Limits(max_open_orders=2), Limits(max_order_lots=7)
    desk = Desk(limits=(system, account, desk_scope))
    limits = desk.record.limits
    assert (limits.max_order_lots, limits.max_open_orders) == (7, 2)
    assert lots_sent(desk, (1, PRICE, 8), (1, PRICE - 1, 8), (1, PRICE - 2, 8)) == [7, 7]
    assert desk.reasons == [gate.OPEN_ORDERS]


def test_so_many_orders_a_second_and_no_more() -> None:
    desk = Desk(limits=(Limits(max_orders_per_second=2),))
    three = [(1, PRICE - n, 1) for n in range(3)]
    assert lots_sent(desk, *three) == [1, 1]
    desk.later(1)
    assert lots_sent(desk, *three) == [1]


def test_no_new_risk_on_stale_data() -> None:
    desk = Desk(limits=(Limits(stale_ns=5_000_000_000),))
    desk.later(6)
    assert lots_sent(desk, (1, PRICE, 1)) == []
    desk.market(PRICE)
    assert lots_sent(desk, (1, PRICE, 1)) == [1]


def test_no_new_risk_while_a_book_that_was_known_is_lost() -> None:
    # given a desk whose feed has lost its book
    desk = Desk(LINEAR_COIN, lots=30)
    market = desk.view.market[0]
    market.booked, market.bid, market.ask = 1, NO_BID, NO_ASK
    # then nothing leaves that opens, at whatever price
    assert lots_sent(desk, (1, PRICE, 5)) == []
    assert gate.STALE_DATA in (desk.record.limits.reason, *desk.reasons)
    # when one side is known again
    market.bid = PRICE
    assert lots_sent(desk, (1, PRICE, 5)) == [5]


def test_a_feed_without_a_book_loses_none() -> None:
    desk = Desk(LINEAR_COIN)
    desk.view.market[0].bid, desk.view.market[0].ask = NO_BID, NO_ASK
    assert lots_sent(desk, (1, PRICE, 5)) == [5]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("trading", 0, gate.NOT_TRADING),
        ("min_lots", 6, gate.MIN_ORDER),
        ("min_notional", 6 * PRICE * QUANTA, gate.MIN_ORDER),
    ],
)
def test_what_the_venue_would_reject_is_refused_here(field: str, value: int, reason: int) -> None:
    desk = Desk()
    desk.view.instruments[0][field] = value
    assert (lots_sent(desk, (1, PRICE, 5)), desk.reasons) == ([], [reason])
    assert reason < len(REASON_NAMES)


def test_the_venues_largest_order_bounds_exits_too() -> None:
    desk = Desk(lots=30)
    desk.view.instruments[0].max_lots = 8
    assert lots_sent(desk, (-1, PRICE, 30, IOC)) == [8]


# ---- exits ---------------------------------------------------------------------------------------------------------
def stopped(desk: Desk, how: str) -> Desk:
    """The desk with new risk stopped in one of the ways there are."""
    limits = desk.record.limits
    if how in ("halted", "reduce only"):
        limits.mode = HALTED if how == "halted" else REDUCE_ONLY
    elif how == "paused":
        desk.record.paused = 1
    elif how == "stale":
        limits.stale_ns = 0
        desk.view.market[0].ts = 1
    elif how == "lost":
        desk.view.market[0].booked = 1
        desk.view.market[0].bid, desk.view.market[0].ask = NO_BID, NO_ASK
    elif how == "rate":
        limits.max_orders_per_second = 0
        limits.second = desk.now // gate.SECOND_NS
    else:
        setattr(limits, {"size": "max_order_lots", "position": "max_position_lots", "count": "max_open_orders"}[how], 0)
    return desk


WAYS = ("halted", "reduce only", "paused", "stale", "lost", "rate", "size", "position", "count")


@pytest.mark.req("S-11")
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("instrument", [SPOT_COIN, LINEAR_COIN], ids=["spot", "linear"])
def test_an_exit_passes_every_limit_and_new_risk_none(how: str, instrument: Any) -> None:
    desk = stopped(Desk(instrument, lots=30), how)
    assert lots_sent(desk, (1, PRICE, 5)) == []
    assert lots_sent(desk, (-1, PRICE, 30, IOC)) == [30]


@pytest.mark.parametrize("how", WAYS)
def test_a_cancel_always_passes(how: str) -> None:
    desk = Desk(LINEAR_COIN)
    desk.working((1, PRICE, 5))
    assert [c.kind for c in stopped(desk, how).want()] == ["cancel"]


def test_an_order_that_would_turn_the_position_round_is_new_risk() -> None:
    desk = stopped(Desk(LINEAR_COIN, lots=30), "halted")
    assert lots_sent(desk, (-1, PRICE, 31)) == []
    assert lots_sent(desk, (-1, PRICE, 20)) == [20]
    # two exits together may not do it either
    assert lots_sent(desk, (-1, PRICE, 20), (-1, PRICE + 1, 20)) == []


def test_two_exits_of_a_short_may_not_turn_it_round_together() -> None:
    desk = Desk(LINEAR_COIN)
    (number,) = desk.working((-1, PRICE, 30))
    desk.fill(number, 30)
    stopped(desk, "halted")
    assert lots_sent(desk, (1, PRICE, 20), (1, PRICE - 1, 20)) == [20]


# ---- the books of what is held back ----------------------------------------------------------------------------------
def test_the_first_purchase_needs_money_not_coins() -> None:
    desk = Desk(capital={"USDT": 0, "COIN": 100_000_000})
    assert desk.record.ledger[0, COIN] == 100_000_000
    assert lots_sent(desk, (1, PRICE, 1)) == []
