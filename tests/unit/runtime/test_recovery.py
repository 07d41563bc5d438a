"""A desk is killed between any two bytes that it writes, and comes back: as it was, knowing what it does not know."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.digest import state_hash
from quintet.core.errors import TapeError
from quintet.core.orders.client_ids import ClientIds
from quintet.core.state import World
from quintet.ports.command_rows import command_rows
from quintet.ports.order_entry import Amend, Found, Lost, OfOneOrder
from quintet.ports.venue_account import OrderReport
from quintet.runtime.dispatcher import SyncFirst
from quintet.runtime.recovery import believed_open, not_written, open_questions, relive
from quintet.runtime.report_rows import outcome_rows, status_row
from quintet.runtime.session import Session
from tests.players import enter_inside
from tests.unit.runtime.test_sequencer import Paper
from tests.unit.runtime.test_session import a_market, a_world, ends

IDS = ClientIds("main", 7)
RESPONSES = frozenset((*range(ev.ORDER_ACCEPTED, ev.ORDER_AMENDED + 1), ev.FILL_ORDER, ev.COMMAND_SUPPRESSED))
NUMBERED = frozenset((ev.PLACE, ev.CANCEL))


class Venue:
    """What really happened to each order: acknowledged at the next opportunity, cancelled when asked to be."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.open: set[int] = set()
        self.answers: list[tuple[int, int]] = []

    def send(self, commands: Any) -> None:
        for command in commands:
            number = int(command["number"])
            if command["kind"] == ev.PLACE:
                self.sent.append(number)
                self.open.add(number)
                self.answers.append((ev.ORDER_ACCEPTED, number))
            elif number in self.open:
                self.open.discard(number)
                self.answers.append((ev.ORDER_CANCELED, number))

    def answer(self, session: Session) -> None:
        """All answers but the newest reach the desk."""
        told, self.answers = self.answers[:-1], self.answers[-1:]
        for kind, number in told:
            ts = session.sequencer.last_ns
            list(session.hear(status_row(kind, number, 0, 0, ts, ts)))

    def what_became_of(self, command: OfOneOrder) -> Found | Lost:
        number = IDS.number(command.client_id)
        if number not in self.sent:
            return Lost(command)
        state = "open" if number in self.open else "canceled"
        return Found(command, OrderReport(0, command.client_id, "", state, 1, 0, 0, 0, 0, False, 0, 0))  # type: ignore[arg-type]


class Moment(NamedTuple):
    """The tape reaches to row `upto`. `state`: after the last event on it; `sent`: what has left by then."""

    upto: int
    state: str
    decided: int
    sent: tuple[int, ...]
    open: frozenset[int]


class Scenario(NamedTuple):
    rows: Any
    moments: list[Moment]


class Watched(Paper):
    """A tape that tells of each append."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[int] = []

    def append(self, rows: Any) -> int:
        self.ends.append(self.position + len(rows))
        return super().append(rows)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    world, tape, venue = a_world(), Watched(), Venue()
    session = Session(world, enter_inside, tape, SyncFirst(tape, venue))
    market = np.asarray(a_market(24).rows)
    moments: list[Moment] = []
    seen = 0
    for message in np.split(market, ends(a_market(24))):
        before = tuple(venue.sent), frozenset(venue.open)
        for happened in session.hear(message):
            state, decided = state_hash(world.desk, world.state), len(happened.commands)
            after = tuple(venue.sent), frozenset(venue.open)
            new, seen = tape.ends[seen:], len(tape.ends)
            moments.append(Moment(new[0], state, decided, *before))
            if decided:
                moments += [Moment(new[1], state, 0, *before), Moment(new[1], state, 0, *after)]
            before = after
        first = len(tape.ends)
        venue.answer(session)
        seen = len(tape.ends)
        assert first <= seen
    return Scenario(tape.rows, moments)


def come_back(scenario: Scenario, moment: Moment) -> tuple[World, Any]:
    world = a_world()
    return world, relive(world, enter_inside, scenario.rows[: moment.upto])


def test_the_scenario_is_worth_a_crash(scenario: Scenario) -> None:
    assert len(scenario.moments) > 60
    assert sum(moment.decided > 0 for moment in scenario.moments) > 15
    assert len(scenario.moments[-1].sent) > 15


@pytest.mark.req("E-107")
def test_it_is_as_it_was_after_the_last_event_that_was_written(scenario: Scenario) -> None:
    for moment in scenario.moments:
        world, relived = come_back(scenario, moment)
        assert state_hash(world.desk, world.state) == moment.state
        assert len(relived.unwritten) == moment.decided


@pytest.mark.req("E-108")
def test_what_it_asks_about_is_what_left_without_an_answer(scenario: Scenario) -> None:
    for moment in scenario.moments:
        rows = scenario.rows[: moment.upto]
        kinds, numbers = rows["kind"].tolist(), rows["quantity"].tolist()
        waiting = set()
        for n, kind in enumerate(kinds):
            if kind in NUMBERED:
                waiting.add(numbers[n + 1])
            elif kind in RESPONSES:
                waiting.discard(numbers[n])
        world, relived = come_back(scenario, moment)
        waiting |= set(relived.unwritten["number"].tolist())
        assert {IDS.number(question.client_id) for question in open_questions(world, IDS)} == waiting


@pytest.mark.req("E-109")
def test_no_order_is_lost_and_none_doubled_wherever_it_was_killed(scenario: Scenario) -> None:
    for moment in scenario.moments:
        venue = Venue()
        venue.sent, venue.open = [*moment.sent], {*moment.open}
        world, relived = come_back(scenario, moment)
        tape = Paper()
        session = Session(world, enter_inside, tape, SyncFirst(tape, venue))
        if len(relived.unwritten):
            tape.append(command_rows(relived.unwritten))
            list(session.hear(not_written(relived.unwritten, session.sequencer.last_ns)))
        before = {*moment.sent, *venue.sent}
        for question in [*open_questions(world, IDS), *believed_open(world, IDS)]:
            if IDS.number(question.client_id) in before or question.client_id not in {
                IDS.of(number) for number in venue.sent
            }:
                list(session.hear(outcome_rows(venue.what_became_of(question), IDS, session.sequencer.last_ns)))
        while venue.answers:
            venue.answers.append((ev.ORDER_ACCEPTED, 0))
            venue.answer(session)
            venue.answers.pop()
        assert len(venue.sent) == len(set(venue.sent))
        live = {int(order.number) for order in world.desk[0].orders if order.status}
        assert live == venue.open


def test_a_tape_that_says_something_else_than_the_step_is_refused(scenario: Scenario) -> None:
    rows = np.array(scenario.rows)
    place = int(np.flatnonzero(rows["kind"] == ev.PLACE)[0])
    rows["price"][place] += 1
    with pytest.raises(TapeError, match="commands that are not the .* written after it"):
        relive(a_world(), enter_inside, rows)


def test_an_order_in_flight_is_believed_open_as_the_frame_that_ended_it_may_be_lost() -> None:
    world = a_world()
    for order, status, number in zip(world.desk[0].orders, (1, 2, 0), (256, 512, 768), strict=False):
        order.status, order.number = status, number
    world.desk[0].slots_used = 3
    assert [one.client_id for one in believed_open(world, IDS)] == [IDS.of(256), IDS.of(512)]


def test_a_change_under_way_is_asked_about_as_what_it_would_make() -> None:
    world = a_world()
    order = world.desk[0].orders[0]
    order.status, order.number, order.to_price, order.to_lots = 5, 512, 9_990, 7
    world.desk[0].slots_used = 1
    assert open_questions(world, IDS) == [Amend(IDS.of(512), 0, 9_990, 7)]
