"""An answer that the account's stream owes: counted from when the venue took the command, forgotten when it came."""

from typing import Any

import pytest

from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.ports.order_entry import Accepted, Amend, Cancel, CancelAll, Found, Outcome, Place, Refused, Unknown
from quintet.ports.venue_account import OrderReport
from quintet.runtime.expected_ends import LATE_S, ExpectedEnds
from tests.unit.runtime.test_session import a_world

IDS = ClientIds("main", 7)
ORDER = IDS.of(512)
CANCEL, PLACE = Cancel(ORDER, 0), Place(ORDER, 0, 1, lifecycle.POST_ONLY, 9_900, 5)
AMEND = Amend(ORDER, 0, 9_901, 5)


def found(state: Any) -> OrderReport:
    return OrderReport(0, ORDER, "", state, 1, 1, 0, 1, 0, False, 0, 0)


def world_with(status: int) -> Any:
    world = a_world()
    order = world.desk[0].orders[0]
    order.status, order.number = status, 512
    world.desk[0].slots_used = 1
    return world


@pytest.mark.parametrize(
    ("told", "stands", "is_late"),
    [
        (Accepted(CANCEL, ""), lifecycle.CANCEL_IN_FLIGHT, True),
        (Accepted(CANCEL, ""), lifecycle.OPEN, False),  # refused meanwhile
        (Accepted(CANCEL, ""), lifecycle.FREE, False),
        (Accepted(PLACE, ""), lifecycle.IN_FLIGHT, True),
        (Accepted(PLACE, ""), lifecycle.OPEN, False),
        (Accepted(PLACE, ""), lifecycle.CANCEL_IN_FLIGHT, False),  # the cancel's own answer is waited for
        (Accepted(AMEND, ""), lifecycle.OPEN, False),  # told by its answer, not by the stream
        (Found(CANCEL, found("filled")), lifecycle.CANCEL_IN_FLIGHT, True),
        (Found(PLACE, found("filled")), lifecycle.OPEN, True),
        (Found(PLACE, found("filled")), lifecycle.FREE, False),
        (Found(CANCEL, found("canceled")), lifecycle.CANCEL_IN_FLIGHT, False),
        (Refused(CANCEL, 0, ""), lifecycle.CANCEL_IN_FLIGHT, False),
        (Unknown(CANCEL, ""), lifecycle.CANCEL_IN_FLIGHT, False),
        (Accepted(CancelAll(0), ""), lifecycle.CANCEL_IN_FLIGHT, False),
    ],
)
def test_what_is_late(told: Outcome, stands: int, is_late: bool) -> None:
    ends = ExpectedEnds(world_with(stands), IDS)
    ends.hear(told, 10.0)
    assert ends.late(10.0 + LATE_S / 2) == []
    assert ends.late(10.0 + LATE_S) == ([told.command] if is_late else [])
    assert ends.late(10.0 + LATE_S) == []


def test_of_a_change_that_was_found_filled_the_order_is_asked_about_and_not_the_change() -> None:
    """Told once more as it was changed, an order of which a cancel is unknown stopped the desk: that cannot be."""
    ends = ExpectedEnds(world_with(lifecycle.UNKNOWN), IDS)
    ends.hear(Found(AMEND, found("filled")), 10.0)
    assert ends.late(10.0 + LATE_S) == [CANCEL]


def test_an_order_that_the_books_do_not_know_is_not_waited_for() -> None:
    ends = ExpectedEnds(a_world(), IDS)
    ends.hear(Accepted(CANCEL, ""), 10.0)
    assert ends.late(20.0) == []
