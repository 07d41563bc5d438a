"""What the account's stream has yet to say because the venue has said it elsewhere: an order taken, or over.

The venue acknowledges a command on one line and tells what became of its order on another, and of the other a frame may
be lost without a trace while the line stays up. Nobody would ask before the next comparison of the books, and an order
that stands as if its cancel were under way is neither cancelled again nor over meanwhile.
"""

from collections import deque
from typing import Final, NamedTuple

from quintet.core import state as s
from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.ports.order_entry import Accepted, Amend, Cancel, CancelAll, Found, OfOneOrder, Outcome, Place
from quintet.runtime.recovery import live_order

LATE_S: Final = 2.0
"""A stream that is well says so within some tens of milliseconds."""

_NOT_OVER: Final = tuple(range(lifecycle.FREE + 1, len(lifecycle.STATUS_NAMES)))


class _Awaited(NamedTuple):
    """`stands`: statuses of an order of which nothing was said."""

    due_s: float
    command: OfOneOrder
    stands: tuple[int, ...]


class ExpectedEnds:
    """Hears every outcome; `late` tells of which commands the stream owes an answer since `LATE_S`, once for each."""

    def __init__(self, world: s.World, ids: ClientIds) -> None:
        self._world = world
        self._ids = ids
        self._awaited: deque[_Awaited] = deque()

    def hear(self, outcome: Outcome, now_s: float) -> None:
        """A placement or a cancel that was taken, or an order that was found filled: its fills are for the stream."""
        command = outcome.command
        if isinstance(command, CancelAll):
            return
        if isinstance(outcome, Found) and outcome.report.state == "filled":
            # Of a change that is settled nobody may say more by then: it is the order that is asked about.
            asked = Cancel(command.client_id, command.instrument) if isinstance(command, Amend) else command
            self._awaited.append(_Awaited(now_s + LATE_S, asked, _NOT_OVER))
        elif isinstance(outcome, Accepted) and not isinstance(command, Amend):
            under_way = lifecycle.IN_FLIGHT if isinstance(command, Place) else lifecycle.CANCEL_IN_FLIGHT
            self._awaited.append(_Awaited(now_s + LATE_S, command, (under_way,)))

    def late(self, now_s: float) -> list[OfOneOrder]:
        """The commands of which there was time enough to hear, and whose orders stand as if nothing had been said."""
        found = []
        while self._awaited and self._awaited[0].due_s <= now_s:
            one = self._awaited.popleft()
            order = live_order(self._world, self._ids, one.command.client_id)
            if order is not None and int(order.status) in one.stands:
                found.append(one.command)
        return found
