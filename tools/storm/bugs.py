"""Bugs that a desk could have, planted one at a time. The storm is worth something when it finds every one.

Each is a change of the desk's code in this process: the desk with the bug is what would run, had somebody written it
so. `stories` are where it ought to show; the first that the checker calls broken is the catch.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.app import desk_folder, trading
from quintet.app.bybit_desk import AsBrake
from quintet.core.events import ROW
from quintet.core.orders.client_ids import ClientIds
from quintet.core.orders.lifecycle import WAITING
from quintet.core.risk import breaker
from quintet.ports.gateway import no_brake
from quintet.ports.order_entry import Lost, Place, Refused
from quintet.ports.venue_account import OrderReport
from quintet.research import backtest
from quintet.runtime import live_desk, recovery, report_rows
from quintet.runtime.dispatcher import Dispatcher
from quintet.runtime.reconciliation import Difference, Reconciliation
from quintet.storage.tape_files import TapeWriter
from quintet.venues.bybit import encode, errors, rest
from quintet.venues.bybit.account_feed import AccountFeed
from quintet.venues.bybit.account_questions import AccountQuestions
from quintet.venues.bybit.inquiry import Inquiry
from quintet.venues.bybit.order_gateway import OrderGateway

Change = tuple[Any, Any, Any]
"""Where, which name, and what stands there instead."""


class Bug(NamedTuple):
    """What is wrong with it, where it ought to show (kinds of `plan.STORIES`), and how it is planted."""

    what: str
    stories: tuple[str, ...]
    changes: Callable[[], list[Change]]


@contextlib.contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The desk has the bug inside of this block."""
    before: list[Change] = []
    try:
        for where, name, value in bug.changes():
            if isinstance(where, dict):
                before.append((where, name, where[name]))
                where[name] = value
            else:
                before.append((where, name, where.__dict__.get(name, getattr(where, name))))
                setattr(where, name, value)
        yield
    finally:
        for where, name, value in reversed(before):
            if isinstance(where, dict):
                where[name] = value
            else:
                setattr(where, name, value)


# ---- sending ----------------------------------------------------------------------------------------------------


def _retry_under_a_new_id() -> list[Change]:
    deliver = OrderGateway._deliver

    async def twice(self: OrderGateway, command: Any, wanted: Any) -> Any:
        told: Any = await deliver(self, command, wanted)
        if isinstance(command, Place) and getattr(getattr(told, "verdict", None), "meaning", "") == "unknown":
            number = self._ids.number(command.client_id) or 0
            again = command._replace(client_id=self._ids.of(number + 200))
            [wanted] = encode.requests(again, self._listing.instruments)
            told = await deliver(self, again, wanted)
        return told

    return [(OrderGateway, "_deliver", twice)]


def _timeout_is_failure() -> list[Change]:
    conclude = OrderGateway._conclude

    async def refused(self: OrderGateway, command: Any, told: Any) -> None:
        if told.verdict.meaning == "unknown":
            self._told.put_nowait(Refused(command, 0, told.verdict.text))
            return
        await conclude(self, command, told)

    return [(OrderGateway, "_conclude", refused)]


def _absent_at_first_sight() -> list[Change]:
    async def find(self: Inquiry, command: Any, expires_ns: int) -> OrderReport | None:
        return await self.look(command)

    return [(Inquiry, "find", find)]


def _a_duplicate_is_a_refusal() -> list[Change]:
    return [(errors._MEANINGS, code, "refused") for code in (110072, 170141, 12141)]


def _server_error_is_a_refusal() -> list[Change]:
    http = errors.http_verdict
    of_status: Change = (rest, "http_verdict", lambda status: http(404 if status >= 500 else status))
    return [(errors._MEANINGS, 10016, "refused"), of_status]


def _sent_before_the_disk() -> list[Change]:
    def send(self: Dispatcher, commands: Any) -> None:
        self._gateway.ready(commands)()

    return [(Dispatcher, "send", send)]


def _a_sync_that_does_not_wait() -> list[Change]:
    def sync(self: TapeWriter, *, mark: bool = True) -> int:
        self._durable_upto = self.position
        return self.position

    return [(TapeWriter, "sync", sync)]


def _a_price_one_tick_off() -> list[Change]:
    price_text = encode._price

    def off(ticks: int, one: Any) -> str:
        return price_text(ticks - one.ticks_per_tick_size, one)

    return [(encode, "_price", off)]


def _reduce_only_is_not_told() -> list[Change]:
    placed = encode._placed

    def free(place: Place, one: Any) -> dict[str, Any]:
        return placed(place, one) | {"reduceOnly": False}

    return [(encode, "_placed", free)]


# ---- coming back ------------------------------------------------------------------------------------------------


def _recovery_asks_nothing() -> list[Change]:
    return [(where, "open_questions", lambda world, ids: []) for where in (live_desk, recovery, trading)]


def _the_unwritten_is_forgotten() -> list[Change]:
    relive = recovery.relive

    def forgetful(world: Any, enter: Any, rows: Any) -> Any:
        lived = relive(world, enter, rows)
        return lived._replace(unwritten=lived.unwritten[:0])

    return [(desk_folder, "relive", forgetful)]


def _ids_begin_anew() -> list[Change]:
    of = ClientIds.of
    return [(ClientIds, "of", lambda self, number: of(self, number // 512 * 512))]


def _stops_are_not_missed() -> list[Change]:
    questions, believed = recovery.open_questions, recovery.believed_open

    def waits(world: Any, ids: Any, client_id: str) -> bool:
        number = ids.number(client_id)
        return any(int(one.number) == number and int(one.style) in WAITING for one in world.desk[0].orders)

    def asked(world: Any, ids: Any) -> list[Any]:
        return [one for one in questions(world, ids) if not waits(world, ids, one.client_id)]

    def held(world: Any, ids: Any) -> list[Any]:
        return [one for one in believed(world, ids) if not waits(world, ids, one.client_id)]

    changes: list[Change] = [(where, "open_questions", asked) for where in (live_desk, recovery, trading)]
    return [*changes, (trading, "believed_open", held)]


# ---- what is heard ----------------------------------------------------------------------------------------------


def _a_fill_is_told_twice() -> list[Change]:
    return [(AccountFeed, "_is_new_execution", lambda self, execution: True)]


def _missed_fills_stay_missed() -> list[Change]:
    async def nothing(self: AccountQuestions, since_ns: int) -> list[Any]:
        return []

    return [(AccountQuestions, "executions", nothing)]


def _what_ended_meanwhile_is_not_asked() -> list[Change]:
    return [(AccountFeed, "_believed", lambda self: {})]


def _nothing_is_asked_after_a_lost_line() -> list[Change]:
    begin = AccountFeed._begin_to_catch_up

    def once(self: AccountFeed) -> None:
        if self._catching is None:
            begin(self)

    return [(AccountFeed, "_begin_to_catch_up", once)]


def _fees_are_free() -> list[Change]:
    rows_of = report_rows.fill_rows

    def free(execution: Any, ids: Any, recv_ns: int) -> Any:
        return rows_of(execution._replace(fee=0), ids, recv_ns)

    return [(live_desk, "fill_rows", free)]


def _funding_is_not_booked() -> list[Change]:
    return [(live_desk, "funding_rows", lambda execution, recv_ns: np.zeros(0, ROW))]


def _a_liquidation_is_not_booked() -> list[Change]:
    rows_of = report_rows.fill_rows

    def deaf(execution: Any, ids: Any, recv_ns: int) -> Any:
        return rows_of(execution, ids, recv_ns)[: 0 if execution.kind == "liquidation" else None]

    return [(live_desk, "fill_rows", deaf)]


def _what_the_venue_cut_is_waited_for() -> list[Change]:
    return [(live_desk, "cut_rows", lambda report, ids, lots, recv_ns: np.zeros(0, ROW))]


def _another_split_is_a_difference() -> list[Change]:
    return [(Reconciliation, "_is_split_otherwise", lambda self, difference: False)]


def _lost_is_believed_at_once() -> list[Change]:
    async def inquire(self: OrderGateway, command: Any, expires_ns: int) -> None:
        self._told.put_nowait(Lost(command))

    return [(OrderGateway, "_inquire", inquire)]


def _the_books_are_never_right() -> list[Change]:
    differences = Reconciliation.differences

    def wrong(self: Reconciliation) -> tuple[Difference, ...]:
        return (*differences(self), Difference(False, 0, 0, 1))

    return [(Reconciliation, "differences", wrong)]


# ---- what is forbidden ------------------------------------------------------------------------------------------


def _the_brake_is_not_asked() -> list[Change]:
    init = Dispatcher.__init__

    def deaf(self: Dispatcher, *given: Any, **named: Any) -> None:
        init(self, *given, **named)
        self._brake = no_brake

    return [
        (Dispatcher, "__init__", deaf),
        (live_desk.LiveDesk, "_mind_the_brake", lambda self: None),
        (AsBrake, "engaged", lambda self: ""),
    ]


def _standing_down_calls_nothing_back() -> list[Change]:
    operator = live_desk.LiveDesk._operator

    def stands_up(self: live_desk.LiveDesk, action: int) -> Any:
        return operator(self, breaker.STAND_UP if action == breaker.STAND_DOWN else action)

    return [(live_desk.LiveDesk, "_operator", stands_up)]


def _an_old_book_is_good_enough() -> list[Change]:
    fresh = backtest.fresh_world

    def blind(*args: Any, **named: Any) -> Any:
        world = fresh(*args, **named)
        world.desk[0].limits.stale_ns = 1 << 60
        return world

    return [(trading, "fresh_world", blind)]


BUGS: Final[dict[str, Bug]] = {
    "retry under a new id": Bug(
        "an order without an answer is sent again as another", ("timeouts",), _retry_under_a_new_id
    ),
    "timeout is failure": Bug("no answer is taken for a refusal", ("timeouts",), _timeout_is_failure),
    "absent at first sight": Bug("one question that finds nothing proves absence", ("late",), _absent_at_first_sight),
    "lost at once": Bug("no answer is taken for proof of absence", ("timeouts",), _lost_is_believed_at_once),
    "duplicate is refusal": Bug("an id that is taken says that nothing was", ("repeats",), _a_duplicate_is_a_refusal),
    "server error is refusal": Bug(
        "an error after the fact says that nothing was", ("errors",), _server_error_is_a_refusal
    ),
    "sent before the disk": Bug("a command leaves at once", ("calm", "power"), _sent_before_the_disk),
    "ack before sync": Bug("the disk is not waited for", ("calm", "power"), _a_sync_that_does_not_wait),
    "price one tick off": Bug("what is sent is not what was decided", ("calm",), _a_price_one_tick_off),
    "recovery asks nothing": Bug("what was under way at death is left open", ("deaths",), _recovery_asks_nothing),
    "unwritten forgotten": Bug("a decision of the last moment lives on unsent", ("torn",), _the_unwritten_is_forgotten),
    "ids begin anew": Bug("two orders have one name", ("calm",), _ids_begin_anew),
    "fill told twice": Bug(
        "an execution is heard each time it is told", ("duplicates", "deaths"), _a_fill_is_told_twice
    ),
    "missed fills": Bug("what a lost line kept back is not asked for", ("drops",), _missed_fills_stay_missed),
    "ended meanwhile": Bug(
        "orders that ended unseen stay open", ("drops", "linear_rests"), _what_ended_meanwhile_is_not_asked
    ),
    "no catching up": Bug(
        "after a lost line nothing is asked", ("drops", "restarts"), _nothing_is_asked_after_a_lost_line
    ),
    "fees are free": Bug("fees are not booked", ("calm",), _fees_are_free),
    "books never right": Bug("money goes to suspense that was never missing", ("quiet",), _the_books_are_never_right),
    "brake not asked": Bug("a pulled kill switch stops nothing", ("brakes",), _the_brake_is_not_asked),
    "stand down keeps orders": Bug(
        "a desk that stands down leaves its orders", ("brakes",), _standing_down_calls_nothing_back
    ),
    "old book": Bug("an order goes out on a book that stands still", ("stale",), _an_old_book_is_good_enough),
    "reduce-only not told": Bug(
        "the venue is not told what may only reduce", ("linear_calm",), _reduce_only_is_not_told
    ),
    "stop not sent again": Bug(
        "after a restart nobody asks for the stops that were under way", ("linear_torn",), _stops_are_not_missed
    ),
    "funding is free": Bug("funding is not booked", ("linear_forced",), _funding_is_not_booked),
    "liquidation unheard": Bug(
        "a takeover by the venue is not booked", ("linear_forced",), _a_liquidation_is_not_booked
    ),
    "cost is missing": Bug(
        "what the venue calls cost and our books profit is called missing",
        ("linear_drops",),
        _another_split_is_a_difference,
    ),
    "cut is open": Bug(
        "of an order that the venue has cut the rest is waited for", ("linear_cut",), _what_the_venue_cut_is_waited_for
    ),
}
