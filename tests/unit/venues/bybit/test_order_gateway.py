"""Whatever the wire does, an order lands at most once, and what is said of it in the end is true."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.errors import ConfigError, InvariantError
from quintet.core.orders import lifecycle
from quintet.core.records import table
from quintet.core.state import COMMAND
from quintet.ports.order_entry import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    Found,
    HeldBack,
    Lost,
    Outcome,
    Place,
    Refused,
    Repeated,
    Suppressed,
    Unknown,
)
from quintet.runtime.report_rows import outcome_rows
from quintet.venues.bybit.inquiry import Inquiry
from quintet.venues.bybit.limits import limits
from quintet.venues.bybit.order_gateway import BRISK, PATIENT, OrderGateway, Retries
from quintet.venues.bybit.rest import Rest
from quintet.venues.bybit.sign import ApiKey
from quintet.venues.pacing import Pace
from quintet.venues.venue_clock import VenueClock
from tests.bybit_account import IDS, LISTING
from tests.fakes.bybit_venue import KEY, SECRET, START_MS, BybitVenue, seeded_faults
from tests.fakes.virtual_time import run

LINEAR = 1
Result = TypeVar("Result")


def place(number: int = 256) -> Place:
    return Place(IDS.of(number), LINEAR, 1, lifecycle.LIMIT, 300_000, 10)


def cancel(number: int = 256) -> Cancel:
    return Cancel(IDS.of(number), LINEAR)


class Trader:
    """A gateway on a fake venue; `told` is everything it has said."""

    def __init__(self, venue: BybitVenue, retries: Retries = BRISK) -> None:
        loop = asyncio.get_running_loop()
        self.venue = venue
        self.rest = Rest(
            ApiKey(KEY, SECRET),
            Pace(limits(LISTING.categories)),
            VenueClock(),
            ("https://first.test", "https://second.test"),
            transport=venue.transport,
            steady_ns=lambda: int(loop.time() * 1e9),
        )
        self.gateway = OrderGateway(self.rest, LISTING, IDS, retries=retries)
        self.told: list[Outcome] = []

    async def listen(self) -> None:
        async for outcome in self.gateway.outcomes():
            self.told.append(outcome)

    async def settled(self) -> list[Outcome]:
        """Wait until every command is known."""
        while self.gateway.busy:
            await asyncio.sleep(0.1)
        await asyncio.gather(*self.venue.later)
        return self.told


def trading(
    venue: BybitVenue,
    story: Callable[[Trader], Awaitable[Result]],
    *,
    begin: bool = True,
    retries: Retries = BRISK,
) -> Result:
    async def whole() -> Result:
        trader = Trader(venue, retries)
        listener = asyncio.create_task(trader.listen())
        try:
            if begin:
                await trader.gateway.begin()
            return await story(trader)
        finally:
            listener.cancel()
            await trader.gateway.close()
            await trader.rest.close()

    return run(whole())


def outcomes(venue: BybitVenue, *commands: Any, fault: Callable[[str], str] | None = None) -> list[Outcome]:
    """What is told of these commands; `fault` begins with the first of them."""

    async def story(trader: Trader) -> list[Outcome]:
        venue.fault = fault or venue.fault
        for command in commands:
            trader.gateway.send_one(command)
        return await trader.settled()

    return trading(venue, story)


def on_orders(*faults: str) -> Callable[[str], str]:
    """These faults on what changes something, one after the other, then none."""
    left = list(faults)
    changes = ("/v5/order/create", "/v5/order/amend", "/v5/order/cancel", "/v5/order/cancel-all")
    return lambda path: left.pop(0) if left and path in changes else ""


# ---- one at a time -----------------------------------------------------------------------------------------------


def test_an_order_lands_and_its_acknowledgement_is_no_row() -> None:
    venue = BybitVenue()
    told = outcomes(venue, place())
    assert told == [Accepted(place(), "id-0")]
    assert venue.orders[IDS.of(256)].row["price"] == "30000.0"
    assert len(outcome_rows(told[0], IDS, 1)) == 0


@pytest.mark.parametrize("fault", ["lost after", "error after", "502 after", "cut off", "not json", "late"])
def test_an_order_whose_answer_is_lost_is_unknown_and_then_found(fault: str) -> None:
    venue = BybitVenue(on_orders(fault))
    first, second = outcomes(venue, place())
    assert isinstance(first, Unknown)
    assert isinstance(second, Found)
    assert (second.report.client_id, second.report.state) == (IDS.of(256), "open")
    assert venue.created == [IDS.of(256)]
    assert outcome_rows(first, IDS, 1)["kind"].tolist() == [ev.COMMAND_UNANSWERED]
    assert outcome_rows(second, IDS, 1)["kind"].tolist() == [ev.ORDER_ACCEPTED]


@pytest.mark.parametrize("fault", ["lost before", "500 before"])
def test_an_order_that_never_arrived_is_lost_only_when_it_cannot_arrive_any_more(fault: str) -> None:
    async def story(trader: Trader) -> tuple[list[Outcome], float]:
        sent = asyncio.get_running_loop().time()
        trader.gateway.send_one(place())
        told = await trader.settled()
        return told, asyncio.get_running_loop().time() - sent

    told, seconds = trading(BybitVenue(on_orders(fault)), story)
    assert [type(one) for one in told] == [Unknown, Lost]
    assert 7.0 < seconds < 8.0  # the receive window, the settling, and the second proof
    assert outcome_rows(told[1], IDS, 1)["kind"].tolist() == [ev.COMMAND_LOST]


def test_what_did_not_leave_is_sent_again_over_the_other_host() -> None:
    venue = BybitVenue(on_orders("no connection"))
    again, taken = outcomes(venue, place())
    assert (type(again), taken) == (Repeated, Accepted(place(), "id-0"))
    assert [one for one in venue.asked if "create" in one] == [
        "POST first.test /v5/order/create",
        "POST second.test /v5/order/create",
    ]


@pytest.mark.parametrize("fault", ["busy", "429"])
def test_a_venue_that_is_busy_is_asked_again_and_the_wait_is_told(fault: str) -> None:
    again, held, taken = outcomes(BybitVenue(on_orders(fault)), place())
    assert isinstance(again, Repeated) and isinstance(held, HeldBack)
    assert len(outcome_rows(again, IDS, 9)) == 0
    assert 500_000_000 <= held.waited_ns <= 2_000_000_000  # the pause before the second attempt, or the shut door
    assert taken == Accepted(place(), "id-0")
    rows = outcome_rows(held, IDS, 9)
    assert rows["kind"].tolist()[0] == ev.FACT
    assert (rows["quantity"][0], rows["price"][0]) == (256, held.waited_ns // 1_000)


def test_a_venue_that_stays_busy_refuses_and_nothing_is_left_open() -> None:
    venue = BybitVenue(on_orders(*["busy"] * 9))
    *again, held, told = outcomes(venue, place())
    assert [type(one) for one in again] == [Repeated, Repeated]
    assert isinstance(held, HeldBack)
    assert isinstance(told, Refused)
    assert (told.reason, told.needs_person) == (lifecycle.CONGESTED, False)
    assert venue.orders == {}


def test_a_refusal_has_its_reason_in_the_row() -> None:
    venue = BybitVenue(rejects={IDS.of(256): (110017, "current position is zero")})
    [told] = outcomes(venue, place())
    [row] = outcome_rows(told, IDS, 9)
    assert (row["kind"], row["quantity"], row["price"]) == (ev.ORDER_REJECTED, 256, lifecycle.NOTHING_TO_CLOSE)


def test_a_duplicate_says_that_the_first_one_landed() -> None:
    async def story(trader: Trader) -> list[Outcome]:
        trader.gateway.send_one(place())
        await trader.settled()
        trader.gateway.send_one(place())
        return await trader.settled()

    venue = BybitVenue()
    assert [type(one) for one in trading(venue, story)] == [Accepted, Accepted]
    assert venue.created == [IDS.of(256)]


# ---- what a portfolio asks for: attempts of seconds, and a person when they were in vain ------------------------


class Sent(NamedTuple):
    """What was told of one order of a portfolio, and when its attempts reached the venue, s after the first."""

    told: list[Outcome]
    at_s: list[float]


def patiently(venue: BybitVenue, command: Place, *faults: str) -> Sent:
    async def story(trader: Trader) -> Sent:
        fault, tries = on_orders(*faults), list[float]()

        def noted(path: str) -> str:
            if path == "/v5/order/create":
                tries.append(asyncio.get_running_loop().time())
            return fault(path)

        venue.fault = noted
        trader.gateway.send_one(command)
        told = await trader.settled()
        return Sent(told, [at - tries[0] for at in tries])

    return trading(venue, story, retries=PATIENT)


@pytest.mark.req("E-113", "E-115")
def test_turned_away_twice_it_is_sent_three_times_with_pauses_of_1_and_5_seconds() -> None:
    venue = BybitVenue()
    told, at_s = patiently(venue, place(), "busy", "busy")
    assert at_s == pytest.approx([0.0, 1.0, 6.0], abs=0.1)
    assert [one.pause_s for one in told if isinstance(one, Repeated)] == [1.0, 5.0]
    assert told[-1] == Accepted(place(), "id-0")
    assert venue.created == [IDS.of(256)]


@pytest.mark.req("E-113")
def test_a_cancel_has_a_fourth_attempt_after_15_seconds() -> None:
    async def story(trader: Trader) -> float:
        trader.gateway.send_one(place())
        await trader.settled()
        began = asyncio.get_running_loop().time()
        venue.fault = on_orders("busy", "busy", "busy")
        trader.gateway.send_one(cancel())
        assert (await trader.settled())[-1] == Accepted(cancel(), "id-0")
        return asyncio.get_running_loop().time() - began

    venue = BybitVenue()
    assert trading(venue, story, retries=PATIENT) == pytest.approx(21.0, abs=0.3)


@pytest.mark.req("E-113")
def test_an_order_that_shall_be_met_at_once_has_its_three_attempts_within_the_naked_bound_of_a_pair() -> None:
    told, at_s = patiently(BybitVenue(), place()._replace(style=lifecycle.IOC), "no connection", "no connection")
    assert isinstance(told[-1], Accepted)
    assert len(at_s) == 3 and at_s[-1] < 3.0


@pytest.mark.req("E-113")
def test_an_answer_that_is_missing_is_asked_for_at_once_and_the_order_is_sent_no_second_time() -> None:
    venue = BybitVenue()
    told, at_s = patiently(venue, place(), "lost after")
    assert [type(one) for one in told] == [Unknown, Found]
    assert (at_s, venue.created) == ([0.0], [IDS.of(256)])


@pytest.mark.req("E-114")
@pytest.mark.parametrize("code", [170131, 110007, 110012])
def test_without_the_funds_it_is_sent_once_and_a_person_is_called(code: int) -> None:
    venue = BybitVenue(rejects={IDS.of(256): (code, "Insufficient balance.")})
    told, at_s = patiently(venue, place())
    assert told == [Refused(place(), lifecycle.NO_REASON, f"retCode {code}: Insufficient balance.", needs_person=True)]
    assert at_s == [0.0]


@pytest.mark.req("E-115")
def test_after_the_third_error_nothing_is_sent_any_more_and_a_person_is_called_with_the_last_one() -> None:
    venue = BybitVenue()
    told, at_s = patiently(venue, place(), "no connection", "429", "busy")
    logged = [one.why for one in told if isinstance(one, Repeated)]
    assert logged[0].startswith("ConnectError") and logged[1].startswith("HTTP 429")
    last = told[-1]
    assert isinstance(last, Refused) and last.needs_person
    assert last.text == "retCode 10006: Too many visits!"
    assert (len(at_s), venue.orders) == (3, {})


@pytest.mark.req("E-115")
def test_what_the_venue_refuses_for_good_is_not_sent_again() -> None:
    venue = BybitVenue(rejects={IDS.of(256): (170194, "Buy order price cannot be higher than ...")})
    told, at_s = patiently(venue, place())
    assert [(type(one), len(at_s)) for one in told] == [(Refused, 1)]
    assert isinstance(told[0], Refused) and not told[0].needs_person


# ---- cancels -----------------------------------------------------------------------------------------------------


def after_placing(
    venue: BybitVenue, *faults: str, status: str = "New", command: Amend | Cancel | None = None, style: int = 1
) -> list[Outcome]:
    async def story(trader: Trader) -> list[Outcome]:
        trader.gateway.send_one(place()._replace(style=style, side=-1 if style == lifecycle.STOP else 1))
        await trader.settled()
        trader.told.clear()
        venue.orders[IDS.of(256)].status = status
        venue.fault = on_orders(*faults)
        trader.gateway.send_one(command or cancel())
        return await trader.settled()

    return trading(venue, story)


@pytest.mark.parametrize(("fault", "becomes"), [("lost after", Accepted), ("late", Accepted), ("lost before", Refused)])
def test_a_change_whose_answer_is_lost_is_known_by_how_its_order_stands(fault: str, becomes: type) -> None:
    change = Amend(IDS.of(256), LINEAR, 299_000, 20)
    venue = BybitVenue()
    unknown, known = after_placing(venue, fault, command=change)
    assert isinstance(unknown, Unknown)
    assert isinstance(known, becomes)
    assert (venue.orders[IDS.of(256)].row["price"] == "29900.0") == (becomes is Accepted)


def test_a_moved_stop_whose_answer_is_lost_is_known_by_its_trigger() -> None:
    venue = BybitVenue()
    moved = Amend(IDS.of(256), LINEAR, 299_000, 20, waits=True)
    unknown, known = after_placing(venue, "lost after", status="Untriggered", command=moved, style=lifecycle.STOP)
    assert isinstance(unknown, Unknown) and isinstance(known, Accepted)
    assert (venue.orders[IDS.of(256)].row["triggerPrice"], venue.orders[IDS.of(256)].row.get("price")) == (
        "29900.0",
        None,
    )


def test_a_cancel_whose_answer_is_lost_is_found_to_have_landed() -> None:
    unknown, found = after_placing(BybitVenue(), "lost after")
    assert isinstance(unknown, Unknown)
    assert isinstance(found, Found)
    assert found.report.state == "canceled"
    assert outcome_rows(found, IDS, 1)["kind"].tolist() == [ev.ORDER_CANCELED]


def test_a_cancel_that_never_arrived_is_refused_when_it_cannot_arrive_any_more() -> None:
    unknown, refused = after_placing(BybitVenue(), "lost before")
    assert isinstance(unknown, Unknown)
    assert isinstance(refused, Refused)
    assert outcome_rows(refused, IDS, 1)["kind"].tolist() == [ev.CANCEL_REJECTED]


def test_a_cancel_that_lost_the_race_is_asked_about() -> None:
    unknown, found = after_placing(BybitVenue(), status="Filled")
    assert isinstance(unknown, Unknown)
    assert isinstance(found, Found)
    assert found.report.state == "filled"


def test_a_cancel_of_an_order_that_the_venue_has_never_known_ends_it() -> None:
    assert [type(one) for one in outcomes(BybitVenue(), cancel())] == [Unknown, Lost]


def test_everything_is_taken_back_again_where_the_answer_is_lost() -> None:
    venue = BybitVenue(on_orders("lost after", "lost before"))
    *again, told = outcomes(venue, CancelAll(LINEAR))
    assert [type(one) for one in again] == [Repeated, Repeated]
    assert told == Accepted(CancelAll(LINEAR))


def test_cancels_do_not_wait_behind_orders() -> None:
    async def story(trader: Trader) -> list[str]:
        for number in range(256, 256 * 60, 256):
            trader.gateway.send_one(place(number))
        trader.gateway.send_one(cancel(256 * 99))
        await asyncio.sleep(0.2)
        return trader.venue.asked

    asked = trading(BybitVenue(), story)
    assert any("cancel" in one for one in asked)
    assert sum("create" in one for one in asked) == 10


def test_an_order_that_waits_too_long_is_not_sent_and_the_limit_is_kept() -> None:
    venue = BybitVenue()
    told = outcomes(venue, *(place(number) for number in range(256, 256 * 61, 256)))
    kinds = [type(one) for one in told]
    assert set(kinds) == {Accepted, Suppressed, HeldBack}
    waited = [one.waited_ns for one in told if isinstance(one, HeldBack)]
    assert max(waited) >= 3_000_000_000  # what was given up had waited to the end of its patience
    assert len(waited) > kinds.count(Suppressed)  # and what had its turn in the end has waited too
    assert len(venue.created) == kinds.count(Accepted) >= 30
    assert venue.most_in_a_second <= 10
    late = next(one for one in told if isinstance(one, Suppressed))
    assert outcome_rows(late, IDS, 1)["kind"].tolist() == [ev.COMMAND_SUPPRESSED]


# ---- keys and clocks ---------------------------------------------------------------------------------------------


def test_a_key_that_may_withdraw_does_not_begin() -> None:
    async def story(trader: Trader) -> None:
        await trader.gateway.begin()

    with pytest.raises(ConfigError, match="it may withdraw"):
        trading(BybitVenue(permissions={"Wallet": ["Withdraw"]}), story, begin=False)


def test_a_wrong_secret_shuts_the_gateway_for_orders() -> None:
    async def story(trader: Trader) -> list[Outcome]:
        trader.rest._key = ApiKey(KEY, "another")
        trader.gateway.send_one(place())
        await trader.settled()
        trader.gateway.send_one(place(512))
        return await trader.settled()

    refused, suppressed = trading(BybitVenue(), story)
    assert isinstance(refused, Refused)
    assert refused.text == "retCode 10004: error sign!"
    assert isinstance(suppressed, Suppressed)


def test_the_venues_clock_is_used_and_a_step_of_it_survived() -> None:
    async def story(trader: Trader) -> list[Outcome]:
        trader.gateway.send_one(place())
        await trader.settled()
        trader.venue.offset_ms += 60_000
        trader.gateway.send_one(place(512))
        return await trader.settled()

    told = trading(BybitVenue(offset_ms=-7_200_000), story)
    assert [type(one) for one in told] == [Accepted, Repeated, Accepted]


def test_a_desk_that_does_not_know_the_time_signs_nothing() -> None:
    async def story(trader: Trader) -> list[Outcome]:
        trader.venue.fault = lambda path: "lost before" if path == "/v5/market/time" else ""
        await asyncio.sleep(400.0)
        trader.gateway.send_one(place())
        return await trader.settled()

    venue = BybitVenue()
    [told] = trading(venue, story)
    assert isinstance(told, Suppressed)
    assert "answers of the last 300 s agree" in told.why
    assert venue.created == []


# ---- anything goes wrong -----------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 14))
def test_whatever_goes_wrong_every_order_lands_at_most_once_and_the_truth_is_told(seed: int, count: int) -> None:
    venue = BybitVenue()
    commands = [place(256 * (n + 1)) for n in range(count)]
    told = outcomes(venue, *commands, fault=seeded_faults(seed))
    last = {outcome.command.client_id: outcome for outcome in told if isinstance(outcome.command, Place)}
    assert len(last) == count
    assert len(set(venue.created)) == len(venue.created)
    for client_id, outcome in last.items():
        assert not isinstance(outcome, Unknown)
        assert isinstance(outcome, Accepted | Found) == (client_id in venue.orders), (outcome, client_id)
    assert venue.most_in_a_second <= 10


def test_a_gateway_that_gives_up_too_early_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inquiry, "is_over", lambda self, expires_ns: True)
    venue = BybitVenue(on_orders("late"))
    told = outcomes(venue, place())
    assert isinstance(told[-1], Lost)
    assert venue.created, "the venue has an order that the gateway calls lost"


def test_the_key_stands_in_no_log_text_and_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    venue = BybitVenue()
    told = outcomes(venue, *(place(256 * (n + 1)) for n in range(20)), fault=seeded_faults(5, share=0.8))
    shown = caplog.text + repr(told) + repr(venue.asked)
    assert KEY not in shown
    assert SECRET not in shown


# ---- rows --------------------------------------------------------------------------------------------------------


def test_rows_of_the_outbox_are_commands_under_their_ids() -> None:
    rows = table(COMMAND, 3)
    rows[0].kind, rows[0].number, rows[0].instrument, rows[0].side = ev.PLACE, 256, LINEAR, -1
    rows[0].style, rows[0].price, rows[0].lots = lifecycle.POST_ONLY, 300_000, 10
    rows[1].kind, rows[1].number, rows[1].instrument = ev.CANCEL, 512, LINEAR

    async def story(trader: Trader) -> list[Outcome]:
        trader.gateway.send(np.asarray(rows)[:1])
        return await trader.settled()

    [told] = trading(BybitVenue(), story)
    assert told.command == Place(IDS.of(256), LINEAR, -1, lifecycle.POST_ONLY, 300_000, 10)

    async def wrong(trader: Trader) -> None:
        rows[2].kind, rows[2].number = ev.REFUSED, 1
        trader.gateway.send(np.asarray(rows)[2:])

    with pytest.raises(InvariantError, match="is of kind 72, expected PLACE, AMEND or CANCEL"):
        trading(BybitVenue(), wrong)


def test_what_an_earlier_process_may_have_sent_is_asked_about_and_not_sent_again() -> None:
    async def story(trader: Trader) -> list[Outcome]:
        trader.gateway.send_one(place())
        await trader.settled()
        trader.told.clear()
        trader.gateway.ask_about(place())
        trader.gateway.ask_about(place(512))
        return await trader.settled()

    venue = BybitVenue(offset_ms=START_MS / 100)
    told = trading(venue, story)
    assert {type(one) for one in told} == {Found, Lost}
    assert venue.created == [IDS.of(256)]
