"""The life of an order: what may follow what, and that nothing else happens."""

from itertools import product

import pytest

from quintet.core import events as ev
from quintet.core.engine.step import heard_of
from quintet.core.orders import lifecycle as life
from quintet.core.state import WAKE_FILL, WAKE_ORDER
from tests.desk_driver import Desk

BID = (1, 9_900, 10)


@pytest.mark.req("E-110")
def test_no_terminal_order_lives_again() -> None:
    assert all(life.NEXT[life.FREE, heard] == life.IGNORE for heard in range(len(life.HEARD_NAMES)))


@pytest.mark.parametrize("heard", [life.REJECTED, life.CANCELED, life.EXPIRED, life.FILLED, life.LOST])
def test_an_end_is_an_end_in_every_live_state_that_knows_it(heard: int) -> None:
    states = (life.IN_FLIGHT, life.OPEN, life.CANCEL_IN_FLIGHT, life.UNKNOWN)
    assert {int(life.NEXT[state, heard]) for state in states} == {life.FREE}


def test_a_timeout_is_unknown_never_failed() -> None:
    assert life.NEXT[life.IN_FLIGHT, life.TIMED_OUT] == life.UNKNOWN
    assert life.NEXT[life.CANCEL_IN_FLIGHT, life.TIMED_OUT] == life.UNKNOWN
    assert life.NEXT[life.AMEND_IN_FLIGHT, life.TIMED_OUT] == life.AMEND_UNKNOWN


def test_every_move_leads_to_a_state_that_has_a_name() -> None:
    moves = [int(life.NEXT[s, h]) for s, h in product(range(len(life.STATUS_NAMES)), range(len(life.HEARD_NAMES)))]
    assert set(moves) <= {life.IGNORE, life.ILLEGAL, *range(len(life.STATUS_NAMES))}


def test_only_asking_ends_the_unknown() -> None:
    # nothing leads out of it but an answer, a fill, or the proof that there is no such order
    for state in (life.UNKNOWN, life.AMEND_UNKNOWN):
        assert life.NEXT[state, life.LOST] == life.FREE
        assert life.NEXT[state, life.TIMED_OUT] == life.IGNORE
    assert life.NEXT[life.AMEND_UNKNOWN, life.ACCEPTED] == life.IGNORE


@pytest.mark.parametrize("kind", [ev.STOP_TRIGGERED, ev.TIMER, ev.FILL])
def test_a_kind_that_is_no_status_is_ignored_instead_of_read_from_the_end_of_the_table(kind: int) -> None:
    desk = Desk()
    (number,) = desk.working(BID)
    assert heard_of(kind) == -1
    assert desk.hear(kind, number) == 0
    assert (desk.orders[0].status, desk.record.n_ignored) == (life.OPEN, 1)


@pytest.mark.req("E-110")
# ---- on a desk -----------------------------------------------------------------------------------------------------
def test_an_order_is_in_flight_then_open_then_gone() -> None:
    desk = Desk()
    sent = desk.want(BID)[0]
    assert desk.orders[0].status == life.IN_FLIGHT
    assert desk.accept(sent.number) == 0
    assert desk.orders[0].status == life.OPEN
    assert desk.want() == [("cancel", 1, 9_900, 10, sent.number)]
    assert desk.orders[0].status == life.CANCEL_IN_FLIGHT
    assert desk.canceled(sent.number) == WAKE_ORDER
    assert desk.orders == []


def test_repeated_and_late_messages_are_counted_and_ignored() -> None:
    desk = Desk()
    (number,) = desk.working(BID)
    assert desk.accept(number) == 0
    desk.want()
    desk.canceled(number)
    assert [desk.accept(number), desk.canceled(number), desk.hear(ev.CANCEL_REJECTED, number)] == [0, 0, 0]
    assert (desk.orders, desk.record.n_ignored, desk.record.alarms) == ([], 4, 0)


def test_a_cancel_may_be_refused_and_leaves_the_order_open() -> None:
    desk = Desk()
    (number,) = desk.working(BID)
    desk.want()
    desk.hear(ev.CANCEL_REJECTED, number)
    assert desk.orders[0].status == life.OPEN


def test_a_cancel_may_lose_the_race_to_a_fill() -> None:
    # given a cancel on its way
    desk = Desk()
    (number,) = desk.working(BID)
    desk.want()
    # when the order is filled in part, the cancel is still on its way; when it is filled, it is over
    desk.fill(number, 4)
    assert desk.orders[0].status == life.CANCEL_IN_FLIGHT
    assert desk.fill(number, 6) == WAKE_FILL
    assert (desk.orders, desk.account.lots) == ([], 10)


def test_a_fill_is_booked_also_after_the_cancel() -> None:
    desk = Desk()
    (number,) = desk.working((1, 9_900, 10, life.POST_ONLY, 7))
    desk.want()
    desk.canceled(number)
    assert desk.fill(number, 3, price=9_900) == WAKE_FILL
    # then it is a fact, it bears its order's tag, nothing is impossible, and the order stays dead
    assert (desk.account.lots, desk.view.tag, desk.record.alarms, desk.orders) == (3, 7, 0, [])


def test_a_fill_before_the_acknowledgement_opens_the_order() -> None:
    desk = Desk()
    sent = desk.want(BID)[0]
    desk.fill(sent.number, 3)
    assert (desk.orders[0].status, desk.orders[0].filled) == (life.OPEN, 3)


def test_a_fill_is_booked_once_by_its_execution() -> None:
    desk = Desk()
    (number,) = desk.working(BID)
    desk.fill(number, 3, execution=77)
    assert desk.fill(number, 3, execution=77) == 0
    assert (desk.account.lots, desk.orders[0].filled, desk.record.n_fills, desk.record.n_ignored) == (3, 3, 1, 1)


def test_filled_above_quantity_alarms_and_pauses_new_risk_but_is_booked() -> None:
    desk = Desk()
    (number,) = desk.working(BID)
    desk.fill(number, 11)
    assert (desk.account.lots, desk.record.alarms, desk.record.paused, desk.account.open_buy_lots) == (11, 1, 1, 0)
    assert desk.want((1, 9_800, 1)) == []
    # an exit still leaves
    assert [command.kind for command in desk.want((-1, 10_100, 11))] == ["place"]


def test_a_fill_of_a_number_never_issued_alarms_and_is_booked() -> None:
    desk = Desk()
    desk.fill(2**61, 2)
    assert (desk.account.lots, desk.record.alarms, desk.record.paused) == (2, 1, 1)


def test_a_lost_order_gives_its_room_back() -> None:
    desk = Desk()
    sent = desk.want(BID)[0]
    assert desk.account.reserved_quote > 0
    assert desk.hear(ev.COMMAND_LOST, sent.number) == WAKE_ORDER
    assert (desk.orders, desk.account.reserved_quote, desk.account.open_buy_lots) == ([], 0, 0)


# ---- no answer in time ----------------------------------------------------------------------------------------------
def test_an_order_without_an_answer_holds_its_room_until_it_is_known() -> None:
    # given an order that nobody has answered
    desk = Desk()
    sent = desk.want(BID)[0]
    held = desk.account.reserved_quote
    assert desk.hear(ev.COMMAND_UNANSWERED, sent.number) == 0
    assert (desk.orders[0].status, desk.account.reserved_quote) == (life.UNKNOWN, held)
    # when it is wanted, or no more, then nothing is sent: nobody knows whether it is there
    assert desk.want(BID) == desk.want() == []
    # when asking has found it, it is open, and cancelled as nobody wants it
    desk.accept(sent.number)
    assert desk.orders[0].status == life.OPEN
    assert [command.kind for command in desk.want()] == ["cancel"]


def test_a_cancel_without_an_answer_is_sent_anew_once_the_order_is_found() -> None:
    desk = Desk()
    (number,) = desk.working(BID)
    desk.want()
    desk.hear(ev.COMMAND_UNANSWERED, number)
    assert (desk.orders[0].status, desk.want()) == (life.UNKNOWN, [])
    desk.hear(ev.CANCEL_REJECTED, number)
    assert [command.kind for command in desk.want()] == ["cancel"]


# ---- what cannot be true --------------------------------------------------------------------------------------------
def test_an_answer_to_what_was_never_asked_is_refused_and_alarms() -> None:
    desk = Desk()
    sent = desk.want(BID)[0]
    assert desk.hear(ev.CANCEL_REJECTED, sent.number) == 0
    assert (desk.orders[0].status, desk.record.alarms, desk.record.paused) == (life.IN_FLIGHT, 1, 1)
    assert desk.want(BID, (1, 9_800, 1)) == []


@pytest.mark.parametrize("number", [-1, 2**61])
def test_a_status_of_a_number_never_issued_alarms(number: int) -> None:
    desk = Desk()
    desk.working(BID)
    assert desk.hear(ev.ORDER_CANCELED, number) == 0
    assert (desk.orders[0].status, desk.record.alarms) == (life.OPEN, 1)


def test_an_order_that_somebody_else_has_changed_alarms_and_a_repeated_change_does_not() -> None:
    desk = Desk()
    (number,) = desk.working(BID)
    desk.changed(number, 9_900, 10)
    assert (desk.record.n_ignored, desk.record.alarms) == (1, 0)
    desk.changed(number, 9_700, 10)
    assert (desk.orders[0].price, desk.record.alarms) == (9_900, 1)
