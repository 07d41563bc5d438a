"""The checker of the storm: an honest story passes, and each law is broken by a story that somebody made up for it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.storm.made_up import ONE, T0_MS, MadeUp, evidence, execution, honest, link, logged, order, perpetual
from tools.storm.checker import LAWS, broken_laws
from tools.storm.evidence import Evidence, Left, Messages, left
from tools.storm.witness import Tape, TornTape

Story = Callable[[], Evidence]
STORIES: dict[str, list[Story]] = {}


def breaks(law: str) -> Callable[[Story], Story]:
    """The story is one that breaks this law."""

    def note(story: Story) -> Story:
        STORIES.setdefault(law, []).append(story)
        return story

    return note


@breaks("one_order_for_one_decision")
def an_order_is_at_the_venue_twice() -> Evidence:
    tape, history, left = honest()
    history["orders"].append(order(256, "Cancelled"))
    return evidence(tape, history, left)


@breaks("one_order_for_one_decision")
def an_order_that_nobody_decided() -> Evidence:
    tape, history, left = honest()
    history["orders"].append(order(1_024, "Cancelled"))
    return evidence(tape, history, left)


@breaks("one_order_for_one_decision")
def an_order_at_another_price() -> Evidence:
    tape, history, left = honest()
    history["orders"][1]["price"] += ONE
    return evidence(tape, history, left)


@breaks("one_order_for_one_decision")
def a_number_given_twice() -> Evidence:
    tape, history, left = honest()
    tape.place(600, 256)
    return evidence(tape, history, left)


@breaks("none_is_lost")
def an_order_that_nobody_knows_anything_of() -> Evidence:
    tape, history, left = honest()
    tape.place(600, 1_024)
    return evidence(tape, history, left)


@breaks("no_orphan")
def an_orphan() -> Evidence:
    tape, history, left = honest()
    history["orders"][1]["status"] = "New"
    return evidence(tape, history, left)


@breaks("no_orphan")
def a_stop_that_is_not_there() -> Evidence:
    tape, history, left = honest()
    tape.place(600, 1_024, -1, 900, style=4)
    tape.hear(620, 40, 1_024)
    tape.add(9_000, (0, 0, 33, 1))
    history["now_ms"] += 4_000
    history["orders"].append(order(1_024, "Deactivated", 610, 700, sign=-1, price=0, trigger_price=90 * ONE))
    return evidence(tape, history, left)


@breaks("nothing_is_left")
def an_order_is_left_behind() -> Evidence:
    tape, history, left = honest()
    history["orders"][1]["status"] = "PartiallyFilled"
    return evidence(tape, history, left)


@breaks("only_forward")
def an_order_that_is_over_is_called_back() -> Evidence:
    tape, history, left = honest()
    tape.cancel(600, 256)
    return evidence(tape, history, left)


@breaks("never_more_than_ordered")
def more_is_filled_than_was_ordered() -> Evidence:
    tape, history, left = honest()
    tape.fill(600, 256, "e2", lots=1)
    history["accounts"][0]["executions"].append(execution("e2", 256, lots=1))
    return evidence(tape, history, left)


@breaks("every_fill_once")
def a_fill_is_booked_twice() -> Evidence:
    tape, history, left = honest()
    tape.fill(600, 256, "e1")
    return evidence(tape, history, left)


@breaks("every_fill_once")
def a_fill_is_missing() -> Evidence:
    tape, history, left = honest()
    history["accounts"][0]["executions"].append(execution("e2", 512))
    return evidence(tape, history, left)


@breaks("position_is_the_venues")
def a_phantom_position() -> Evidence:
    tape, history, left = honest()
    history["accounts"][0]["executions"] = []
    return evidence(tape, history, left)


@breaks("cash_to_the_quantum")
def a_quantum_is_missing() -> Evidence:
    tape, history, left = honest()
    history["accounts"][0]["coins"]["USDT"] -= 1
    return evidence(tape, history, left)


@breaks("cash_to_the_quantum")
def suspense_for_nothing() -> Evidence:
    tape, history, left = honest()
    tape.add(600, (42, 0, 63, 1))
    return evidence(tape, history, left)


@breaks("on_the_disk_first")
def a_command_left_before_it_was_durable() -> Evidence:
    tape, history, left = honest()
    left[0] = left[0]._replace(durable_rows=left[0].durable_rows - 1)
    return evidence(tape, history, left)


@breaks("on_the_disk_first")
def a_command_left_that_is_on_no_tape() -> Evidence:
    tape, history, left = honest()
    left.append(left[0]._replace(action="amend"))
    return evidence(tape, history, left)


@breaks("paid_for")
def money_is_promised_twice() -> Evidence:
    tape, history, left = honest()
    for number in (1_024, 1_280):
        tape.book(600)
        tape.place(600, number, price=30_000, lots=2)
    return evidence(tape, history, left)


@breaks("paid_for")
def coins_are_promised_twice() -> Evidence:
    tape, history, left = honest()
    for number in (1_024, 1_280):
        tape.place(600, number, -1)
    return evidence(tape, history, left)


@breaks("only_on_a_fresh_book")
def a_buy_on_an_unknown_book() -> Evidence:
    tape, history, left = honest()
    tape.add(600, (0, 0, 4, 1))
    tape.place(600, 1_024)
    return evidence(tape, history, left)


@breaks("only_on_a_fresh_book")
def a_buy_on_an_old_book() -> Evidence:
    tape, history, left = honest()
    tape.place(2_100, 1_024)
    return evidence(tape, history, left)


@breaks("stopped_is_stopped")
def an_order_after_standing_down() -> Evidence:
    tape, history, left = honest()
    tape.operator(600, 6)
    tape.place(700, 1_024)
    return evidence(tape, history, left)


@breaks("stopped_is_stopped")
def a_buy_while_paused() -> Evidence:
    tape, history, left = honest()
    tape.operator(600, 1)
    tape.place(700, 1_024)
    return evidence(tape, history, left)


@breaks("stopped_is_stopped")
def an_order_works_on_for_seconds() -> Evidence:
    tape, history, left = honest()
    tape.operator(350, 6)
    history["orders"][1]["updated_ms"] = T0_MS + 1_400
    return evidence(tape, history, left)


@breaks("stopped_is_stopped")
def an_order_leaves_after_the_kill_switch() -> Evidence:
    tape, history, left = honest()
    return evidence(tape, history, left, braked_ms=T0_MS + 104)


@breaks("within_the_limits")
def too_many_in_a_second() -> Evidence:
    tape, history, left = honest()
    for number in (1_024, 1_280):
        tape.place(600, number, lots=1, price=1)
    return evidence(tape, history, left)


@breaks("within_the_limits")
def too_large_an_order() -> Evidence:
    tape, history, left = honest()
    tape.place(600, 1_024, lots=6, price=1)
    return evidence(tape, history, left)


@breaks("within_the_limits")
def too_much_of_it() -> Evidence:
    tape, history, left = honest()
    tape.place(1_600, 1_024, lots=5, price=1)
    tape.place(1_600, 1_280, lots=5, price=1)
    return evidence(tape, history, left)


@breaks("within_the_limits")
def too_many_at_once() -> Evidence:
    tape, history, left = honest()
    for number in (1_024, 1_280, 1_536, 1_792):
        tape.place(1_600, number, lots=1, price=1)
    return evidence(tape, history, left)


@breaks("known_in_time")
def unknown_for_too_long() -> Evidence:
    tape, history, left = honest()
    tape.place(600, 1_024)
    tape.hear(700, 58, 1_024)
    tape.hear(31_000, 56, 1_024)
    return evidence(tape, history, left)


# ---- on a perpetual -----------------------------------------------------------------------------------------------


@breaks("one_order_for_one_decision")
def the_venue_is_not_told_what_only_reduces() -> Evidence:
    return perpetual(lambda tape, history: history["orders"][1].update(reduce_only=False))


@breaks("every_fill_once")
def funding_is_not_booked() -> Evidence:
    more = execution("f2", 0, kind="Funding")
    return perpetual(lambda tape, history: history["accounts"][0]["executions"].append(more))


@breaks("every_fill_once")
def funding_is_booked_twice() -> Evidence:
    return perpetual(lambda tape, history: tape.funding(500, "f1", 5))


@breaks("position_is_the_venues")
def a_liquidation_is_not_booked() -> Evidence:
    taken = execution("b1", 0, sign=-1, kind="BustTrade", link_id="")
    return perpetual(lambda tape, history: history["accounts"][0]["executions"].append(taken))


@breaks("position_is_the_venues")
def the_venue_holds_another_position() -> Evidence:
    return perpetual(lambda tape, history: history["accounts"][0]["positions"][0].update(lots=1))


@breaks("cash_to_the_quantum")
def more_funding_was_paid_than_is_booked() -> Evidence:
    def change(tape: MadeUp, history: dict[str, Any]) -> None:
        history["accounts"][0]["coins"]["USDT"] -= 1
        history["accounts"][0]["log"][1]["funding"] -= 1

    return perpetual(change)


@breaks("cash_to_the_quantum")
def a_fee_that_is_called_funding() -> Evidence:
    def change(tape: MadeUp, history: dict[str, Any]) -> None:
        history["accounts"][0]["log"] = [logged(2), logged(0, -6)]

    return perpetual(change)


@breaks("paid_for")
def margin_that_is_not_there() -> Evidence:
    return perpetual(lambda tape, history: tape.place(600, 1_024, lots=5))


@breaks("only_on_a_fresh_book")
def a_short_is_opened_on_an_old_book() -> Evidence:
    return perpetual(lambda tape, history: tape.place(2_500, 1_024, -1, lots=3))


@breaks("stopped_is_stopped")
def a_short_is_opened_while_paused() -> Evidence:
    def change(tape: MadeUp, history: dict[str, Any]) -> None:
        tape.operator(500, 1)
        tape.place(600, 1_024, -1, lots=3)

    return perpetual(change)


@breaks("within_the_limits")
def too_large_a_short() -> Evidence:
    def change(tape: MadeUp, history: dict[str, Any]) -> None:
        for number in (1_024, 1_280, 1_536):
            tape.place(1_600, number, -1, 1, lots=4)

    return perpetual(change)


@breaks("within_the_limits")
def more_than_the_leverage_allows() -> Evidence:
    return perpetual(lambda tape, history: tape.place(600, 1_024, price=1_100, lots=6))


@breaks("stops_present")
def a_stop_that_ended_at_the_venue() -> Evidence:
    return perpetual(lambda tape, history: history["orders"][1].update(status="Deactivated", updated_ms=T0_MS + 2_000))


@breaks("stops_present")
def a_stop_for_half_of_what_is_held() -> Evidence:
    return perpetual(lambda tape, history: history["orders"][1].update(lots=1))


@breaks("stops_present")
def a_stop_on_the_wrong_side() -> Evidence:
    return perpetual(lambda tape, history: history["orders"][1].update(sign=1))


@breaks("it_goes_on")
def a_desk_that_stands_still() -> Evidence:
    return perpetual(never_rests=True, calm_ms=T0_MS - 9_800)


@breaks("it_lives_on")
def a_desk_that_fell_over() -> Evidence:
    return evidence(*honest(), broken="ValueError: no")


def test_an_honest_story_breaks_no_law() -> None:
    assert broken_laws(evidence(*honest())) == []


def test_an_honest_story_of_a_perpetual_breaks_no_law() -> None:
    assert broken_laws(perpetual()) == []


def test_what_the_venue_took_over_needs_no_stop() -> None:
    def change(tape: MadeUp, history: dict[str, Any]) -> None:
        account = history["accounts"][0]
        tape.fill(1_000, 0, "b1", -1, 910, fee=1)
        tape.hear(1_000, 43, 512)
        history["orders"][1].update(status="Deactivated", updated_ms=T0_MS + 1_000)
        taken = execution("b1", 0, sign=-1, kind="BustTrade", link_id="", ms=T0_MS + 1_000)
        lost = (100 - 91) * 2 * ONE // 1_000
        account["executions"].append(taken)
        account["positions"] = [{"lots": 0, "cost": 0}]
        account["log"].append(logged(1))
        account["coins"]["USDT"] -= lost + 1

    found = broken_laws(perpetual(change))
    assert {one.partition(":")[0] for one in found} <= {"only_forward", "on_the_disk_first"}, found


@pytest.mark.parametrize(
    "change",
    [
        lambda tape, history: tape.place(600, 1_024, -1, lots=2, reduces=True),
        lambda tape, history: tape.place(600, 1_024, -1, lots=2),
        lambda tape, history: tape.place(600, 1_024, -1, 800, lots=2, style=4),
    ],
    ids=["told to reduce", "no more than is held", "a stop"],
)
def test_what_only_closes_may_leave_while_paused_and_on_an_old_book(change: Any) -> None:
    def paused(tape: MadeUp, history: dict[str, Any]) -> None:
        tape.operator(500, 1)
        change(tape, history)

    laws = {found.partition(":")[0] for found in broken_laws(perpetual(paused))}
    assert laws == {"none_is_lost", "no_orphan"}  # it is not at the made-up venue, and that is all


def test_a_stop_may_be_missing_while_something_is_wrong() -> None:
    def change(tape: MadeUp, history: dict[str, Any]) -> None:
        history["orders"][1].update(status="Deactivated", updated_ms=T0_MS + 2_000)

    found = broken_laws(perpetual(change, shaken=[(T0_MS + 1_500, T0_MS + 4_000)]))
    assert not any(one.startswith("stops_present") for one in found)


@pytest.mark.parametrize(
    ("law", "story"), [pytest.param(law, one, id=one.__name__) for law, some in STORIES.items() for one in some]
)
def test_a_story_that_breaks_a_law_is_found(law: str, story: Story) -> None:
    assert law in {found.partition(":")[0] for found in broken_laws(story())}


def test_every_law_has_a_story_that_breaks_it() -> None:
    assert set(STORIES) == set(LAWS)


def test_what_is_unknown_for_a_short_time_breaks_no_law() -> None:
    tape, history, left = honest()
    tape.book(900)
    tape.place(950, 1_024)
    tape.hear(1_000, 58, 1_024)
    tape.hear(9_000, 56, 1_024)
    assert broken_laws(evidence(tape, history, left)) == []


def test_names_are_read_back() -> None:
    tape = Tape(honest()[0].bytes)
    assert [tape.number_of(link(number)) for number in (256, 512)] == [256, 512]
    assert tape.number_of("other-7-1-0") is None


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:70] + b"?" + data[71:] + b"more"])
def test_a_torn_tape_is_no_evidence(damage: Callable[[bytes], bytes]) -> None:
    made: Any = MadeUp()
    with pytest.raises((TornTape, ValueError)):
        Tape(damage(made.bytes))


def test_messages_that_left_are_packed_and_are_all_there_in_their_order() -> None:
    wanted = [Left(n, "create", (f"desk-{n}",), 2 * n) for n in range(2 * Messages.PACKED_AT_ONCE + 7)]
    kept = Messages()
    for message in wanted:
        kept.append(message)
    assert list(kept) == list(kept) == wanted


def test_a_message_is_known_by_the_orders_that_it_names() -> None:
    body = '{"symbol":"BTCUSDT","request":[{"orderLinkId": "a-1"},{"orderLinkId":"a-2"}]}'
    assert left(7, "cancel", body, 9) == Left(7, "cancel", ("a-1", "a-2"), 9)
