"""Orders that change: one command instead of two, the room of both while nobody knows, and what may not be."""

import pytest

from quintet.core import events as ev
from quintet.core.engine.world import Limits
from quintet.core.orders import lifecycle as life
from quintet.core.orders.lifecycle import IOC, LIMIT, POST_ONLY, STOP
from quintet.core.risk.gate import NOTHING_TO_REDUCE, ORDER_RATE, SELF_TRADE
from quintet.core.state import WAKE_ORDER
from tests.desk_driver import Desk
from tests.desk_worlds import LINEAR_COIN, SPOT_COIN, USDT

BID = (1, 9_900, 10)


def a_desk(**named: object) -> Desk:
    return Desk(LINEAR_COIN, amends=True, **named)  # type: ignore[arg-type]


def spoken(sent: list) -> list[tuple]:
    return [(c.kind, c.price, c.lots) for c in sent]


# ---- fewest commands -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("other", [(1, 9_901, 10), (1, 9_900, 4), (1, 9_900, 13), (1, 9_890, 7)])
def test_an_order_becomes_what_is_wanted_instead(other: tuple) -> None:
    desk = a_desk()
    (number,) = desk.working(BID)
    assert desk.want(other) == [("amend", 1, other[1], other[2], number)]
    assert desk.plan() == []
    assert desk.changed(number, other[1], other[2]) == 0
    assert (desk.orders[0].status, desk.orders[0].price, desk.orders[0].lots) == (life.OPEN, other[1], other[2])
    assert desk.plan() == []


@pytest.mark.parametrize("other", [(1, 9_900, 10, LIMIT), (1, 9_900, 10, POST_ONLY, 1), (-1, 10_100, 10)])
def test_style_side_and_tag_of_an_order_never_change(other: tuple) -> None:
    desk = a_desk()
    desk.working(BID)
    assert [c.kind for c in desk.want(other)] == ["cancel", "place"]


def test_a_venue_that_does_not_amend_gets_a_cancel_and_a_new_order() -> None:
    desk = Desk(LINEAR_COIN)
    desk.working(BID)
    assert [c.kind for c in desk.want((1, 9_901, 10))] == ["cancel", "place"]


def test_an_order_first_changes_its_size_and_then_another_becomes_another_price() -> None:
    desk = a_desk()
    first, second = desk.working((1, 9_900, 10), (1, 9_890, 10))
    sent = desk.want((1, 9_910, 10), (1, 9_890, 4))
    assert [(c.number, c.price, c.lots) for c in sent] == [(first, 9_910, 10), (second, 9_890, 4)]


def test_what_nobody_wants_in_any_form_is_cancelled() -> None:
    desk = a_desk()
    first, second = desk.working((1, 9_900, 10), (1, 9_890, 10))
    assert [(c.kind, c.number) for c in desk.want((1, 9_910, 10))] == [("amend", first), ("cancel", second)]


def test_the_lots_of_an_amendment_include_what_is_filled() -> None:
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.fill(number, 4)
    assert desk.want((1, 9_901, 6))[0].lots == 10
    desk.changed(number, 9_901, 10)
    assert desk.want((1, 9_901, 6)) == []


def test_an_order_that_the_gate_shrank_stays_when_it_would_shrink_the_new_want_as_far() -> None:
    desk = a_desk(limits=(Limits(max_position_lots=5),))
    assert spoken(desk.want(BID)) == [("place", 9_900, 5)]
    desk.accept(int(desk.orders[0].number))
    assert desk.want((1, 9_900, 12)) == []
    assert desk.want((1, 9_900, 12)) == []


def test_a_stop_moves_with_its_want() -> None:
    desk = a_desk(lots=10)
    (number,) = desk.working((-1, 9_500, 10, STOP))
    assert desk.want((-1, 9_600, 10, STOP)) == [("amend", -1, 9_600, 10, number)]
    assert desk.account.open_sell_lots == 0


def test_nothing_is_amended_twice_at_once() -> None:
    # given an amendment on its way
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.want((1, 9_901, 10))
    # when something else is wanted, it does not change again, and what is wanted is sent besides
    assert spoken(desk.want((1, 9_902, 10))) == [("place", 9_902, 10)]
    # when it is answered, it is what nobody wants
    desk.changed(number, 9_901, 10)
    assert [(c.kind, c.number) for c in desk.plan()] == [("cancel", number)]


# ---- what it holds -------------------------------------------------------------------------------------------------
def test_on_its_way_an_order_holds_the_larger_of_both() -> None:
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.want((1, 9_900, 14))
    assert desk.account.open_buy_lots == 14
    desk.changed(number, 9_900, 14)
    desk.want((1, 9_900, 3))
    assert desk.account.open_buy_lots == 14
    desk.changed(number, 9_900, 3)
    assert desk.account.open_buy_lots == 3


def test_money_is_held_for_the_dearer_price_and_the_larger_size_until_it_is_answered() -> None:
    desk = Desk(SPOT_COIN, amends=True)
    quanta = SPOT_COIN.quanta_per_tick_lot
    (number,) = desk.working(BID)
    assert desk.account.reserved_quote == 10 * 9_900 * quanta
    desk.want((1, 9_950, 8))
    assert desk.account.reserved_quote == 10 * 9_950 * quanta
    desk.fill(number, 2)
    assert desk.account.reserved_quote == 8 * 9_950 * quanta
    desk.changed(number, 9_950, 8)
    assert desk.account.reserved_quote == 6 * 9_950 * quanta


def test_what_money_does_not_pay_for_while_both_are_possible_is_not_amended() -> None:
    # given money for ten lots at 99.00, all of it held
    quanta = SPOT_COIN.quanta_per_tick_lot
    desk = Desk(SPOT_COIN, amends=True, capital={"USDT": 10 * 9_900 * quanta})
    desk.working(BID)
    # then nine lots at 99.50 would be paid for, ten would not
    assert [c.kind for c in desk.want((1, 9_950, 9))] == ["cancel"]
    assert desk.account.reserved_quote == desk.record.ledger[0, USDT]


def test_refused_it_is_as_it_was_and_the_system_hears_of_it() -> None:
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.want((1, 9_901, 14))
    assert desk.hear(ev.AMEND_REJECTED, number) == WAKE_ORDER
    order = desk.orders[0]
    assert (order.status, order.price, order.lots, desk.account.open_buy_lots) == (life.OPEN, 9_900, 10, 10)
    assert (desk.view.kind, desk.view.lots) == (ev.AMEND_REJECTED, 10)


# ---- the gate ------------------------------------------------------------------------------------------------------
def test_an_amendment_is_shrunk_as_an_order_in_its_place_would_be() -> None:
    desk = a_desk(limits=(Limits(max_position_lots=12),))
    desk.working(BID)
    assert spoken(desk.want((1, 9_901, 30))) == [("amend", 9_901, 12)]


def test_one_more_than_the_open_orders_allowed_is_not_what_an_amendment_is() -> None:
    desk = a_desk(limits=(Limits(max_open_orders=1),))
    desk.working(BID)
    assert spoken(desk.want((1, 9_901, 10))) == [("amend", 9_901, 10)]


def test_amendments_count_as_orders_of_their_second() -> None:
    desk = a_desk(limits=(Limits(max_orders_per_second=2),))
    desk.working(BID)
    assert spoken(desk.want((1, 9_901, 10), (1, 9_800, 1))) == [("amend", 9_901, 10)]
    assert desk.record.limits.reason == ORDER_RATE


def test_a_price_off_the_tick_is_no_amendment() -> None:
    desk = a_desk()
    desk.working(BID)
    desk.view.instruments[0].tick = 5
    assert [c.kind for c in desk.want((1, 9_901, 10))] == ["cancel"]


@pytest.mark.parametrize("keep", [(-1, 9_950, 10), (-1, 9_950, 10, IOC)], ids=["resting", "taking"])
def test_an_amendment_never_brings_two_of_ours_together(keep: tuple) -> None:
    desk = a_desk()
    desk.working(BID, keep)
    assert [c.kind for c in desk.want((1, 9_960, 10), keep)] == ["cancel"]


@pytest.mark.parametrize("answered", [False, True])
def test_an_order_on_its_way_from_one_price_to_another_is_in_the_way_at_both(answered: bool) -> None:
    # given a bid on its way down
    desk = a_desk()
    (number,) = desk.working((1, 9_950, 10))
    desk.want((1, 9_900, 10))
    if answered:
        desk.changed(number, 9_900, 10)
    # then an ask between both is sent only when the bid is known to be down
    sent = desk.want((1, 9_900, 10), (-1, 9_925, 10))
    assert [c.kind for c in sent] == (["place"] if answered else [])


def test_an_order_on_its_way_up_is_in_the_way_where_it_may_be_already() -> None:
    desk = a_desk()
    desk.working(BID)
    desk.want((1, 9_950, 10))
    assert desk.want((1, 9_950, 10), (-1, 9_925, 10)) == []
    assert desk.reasons == [SELF_TRADE]


# ---- races ---------------------------------------------------------------------------------------------------------
def test_filled_whole_before_it_could_grow_the_order_waits_for_the_answer_and_is_over() -> None:
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.want((1, 9_900, 14))
    desk.fill(number, 10)
    assert (desk.orders[0].status, desk.account.open_buy_lots) == (life.AMEND_IN_FLIGHT, 4)
    desk.hear(ev.AMEND_REJECTED, number)
    assert (desk.orders, desk.account.open_buy_lots, desk.record.live, desk.record.alarms) == ([], 0, 0, 0)


def test_filled_beyond_what_it_shall_have_before_that_arrives_nothing_is_impossible() -> None:
    # given a bid of ten that shall be one of four, and eight of it filled on the way
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.want((1, 9_900, 4))
    desk.fill(number, 8)
    desk.hear(ev.AMEND_REJECTED, number)
    assert (desk.orders[0].status, desk.account.open_buy_lots, desk.record.alarms) == (life.OPEN, 2, 0)


@pytest.mark.parametrize("end", [ev.ORDER_CANCELED, ev.ORDER_EXPIRED, ev.ORDER_REJECTED])
def test_an_end_on_the_way_is_an_end_and_the_answer_comes_too_late(end: int) -> None:
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.want((1, 9_901, 14))
    assert desk.hear(end, number) == WAKE_ORDER
    assert (desk.orders, desk.account.open_buy_lots) == ([], 0)
    desk.changed(number, 9_901, 14)
    assert (desk.orders, desk.record.n_ignored) == ([], 1)


def test_an_answer_that_is_repeated_changes_nothing() -> None:
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.want((1, 9_901, 14))
    desk.changed(number, 9_901, 14)
    desk.changed(number, 9_901, 14)
    assert (desk.orders[0].price, desk.account.open_buy_lots, desk.record.n_ignored) == (9_901, 14, 1)
    assert desk.record.alarms == 0


# ---- no answer in time -----------------------------------------------------------------------------------------------
def unanswered() -> tuple[Desk, int]:
    """A bid of 10 at 99.00 that shall be one of 14 at 99.01, and nobody knows which of the two it is."""
    desk = a_desk()
    (number,) = desk.working(BID)
    desk.want((1, 9_901, 14))
    assert desk.hear(ev.COMMAND_UNANSWERED, number) == 0
    return desk, number


def test_an_amendment_without_an_answer_holds_both_until_it_is_known() -> None:
    desk, number = unanswered()
    # that the order is there does not say which of the two it is, and neither does a fill
    desk.accept(number)
    desk.fill(number, 4)
    order = desk.orders[0]
    assert (order.status, order.to_price, order.to_lots) == (life.AMEND_UNKNOWN, 9_901, 14)
    assert desk.account.open_buy_lots == 10
    # it is in the way at both prices
    assert desk.want((1, 9_901, 14), (-1, 9_901, 5)) == []


@pytest.mark.parametrize(("price", "lots"), [(9_901, 14), (9_900, 10)])
def test_what_asking_has_found_settles_it_as_it_shall_be_or_as_it_was(price: int, lots: int) -> None:
    desk, number = unanswered()
    desk.changed(number, price, lots)
    order = desk.orders[0]
    assert (order.status, order.price, order.lots, order.to_lots) == (life.OPEN, price, lots, 0)
    assert (order.wanted, desk.account.open_buy_lots) == (lots, lots)
    # and from there it becomes what is wanted
    sent = desk.want((1, 9_901, 14))
    assert [command.kind for command in sent] == ([] if lots == 14 else ["amend"])


def test_found_filled_as_it_was_it_is_over() -> None:
    desk, number = unanswered()
    desk.fill(number, 10)
    assert desk.orders[0].status == life.AMEND_UNKNOWN
    desk.changed(number, 9_900, 10)
    assert (desk.orders, desk.account.open_buy_lots, desk.record.live) == ([], 0, 0)


# ---- what may only reduce --------------------------------------------------------------------------------------------
CLOSE = (-1, 10_100, 10, POST_ONLY, 0, 1)


def test_a_reduce_only_order_is_cut_to_the_position() -> None:
    desk = Desk(LINEAR_COIN, lots=6)
    assert [c.lots for c in desk.want(CLOSE)] == [6]
    assert [c.lots for c in desk.want(CLOSE, (-1, 10_200, 3, POST_ONLY, 0, 1))] == []


def test_with_nothing_to_reduce_it_is_refused() -> None:
    desk = Desk(LINEAR_COIN)
    assert desk.want(CLOSE) == []
    assert desk.reasons == [NOTHING_TO_REDUCE]
    assert Desk(LINEAR_COIN, lots=6).want((1, 9_900, 3, POST_ONLY, 0, 1)) == []


def test_a_reduce_only_order_is_another_than_one_that_is_not() -> None:
    desk = Desk(LINEAR_COIN, lots=6)
    desk.working((-1, 10_100, 6))
    assert [c.kind for c in desk.want((-1, 10_100, 6, POST_ONLY, 0, 1))] == ["cancel"]


def test_cut_by_the_venue_an_order_stands_for_its_want_as_before() -> None:
    desk = Desk(LINEAR_COIN, lots=10)
    (number,) = desk.working(CLOSE)
    desk.changed(number, 10_100, 4, ev.ORDER_REDUCED)
    assert (desk.orders[0].lots, desk.account.open_sell_lots) == (4, 4)
    assert desk.want(CLOSE) == []
    desk.fill(number, 4)
    assert (desk.orders, desk.account.open_sell_lots, desk.record.alarms) == ([], 0, 0)


@pytest.mark.parametrize("to", [3, 8, 14])
def test_cut_while_it_is_amended_it_holds_the_larger_of_both(to: int) -> None:
    desk = a_desk(lots=14)
    (number,) = desk.working(CLOSE)
    desk.want((-1, 10_100, to, POST_ONLY, 0, 1))
    desk.changed(number, 10_100, 5, ev.ORDER_REDUCED)
    assert desk.account.open_sell_lots == max(5, to)
    desk.hear(ev.AMEND_REJECTED, number)
    assert (desk.orders[0].lots, desk.account.open_sell_lots) == (5, 5)
