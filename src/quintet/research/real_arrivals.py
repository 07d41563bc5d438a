"""When a desk's commands reached the venue, from its tape: what the simulator takes instead of a latency."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from quintet.core import events as ev
from quintet.research.desk_orders import DeskOrder, Given, entry_times, response_times
from quintet.research.given_orders import GivenCommand

PATIENCE_NS: Final = 60_000_000_000
"""An order that the venue has filled rests in the simulation for so long after, to be filled later than it was."""


class Ways:
    """When commands arrived: as the tape says, or where it says nothing as long as it usually takes."""

    def __init__(self, orders: Sequence[DeskOrder]) -> None:
        entry, response = [ns for _, ns in entry_times(orders)], response_times(orders)
        self._entry_ns = int(np.median(entry)) if entry else 0
        self._response_ns = int(np.median(response)) if response else 0

    def commands(self, order: DeskOrder) -> list[GivenCommand]:
        """An order with its changes, each with its arrival."""
        taken = order.taken_ns if order.taken_ns is not None else order.decided_ns + self._entry_ns
        return with_changes(order, taken, lambda change: self._arrives(order, change))

    def _arrives(self, order: DeskOrder, change: Given) -> int:
        over = order.over
        if change.kind == ev.CANCEL and over is not None and over.kind == ev.ORDER_CANCELED:
            if over.happened_ns >= change.ts_ns:
                return over.happened_ns
        for answer in order.answers if change.kind == ev.AMEND else ():
            if answer.kind == ev.ORDER_AMENDED and answer.heard_ns >= change.ts_ns:
                return max(change.ts_ns, min(answer.happened_ns, answer.heard_ns - self._response_ns))
        return change.ts_ns + self._entry_ns


def with_real_arrivals(orders: Sequence[DeskOrder]) -> list[GivenCommand]:
    """The commands of all orders that were at work, as they arrived."""
    ways = Ways(orders)
    return [one for order in orders if not order.turned_away for one in ways.commands(order)]


def with_changes(
    order: DeskOrder, arrives: int | None, change_arrives: Callable[[Given], int | None]
) -> list[GivenCommand]:
    """An order, its changes, and the end of our patience with it once the venue has called it over."""
    found = [_command(order, ev.PLACE, order.decided_ns, order.price, order.lots, arrives)]
    for change in order.changes:
        found.append(_command(order, change.kind, change.ts_ns, change.price, change.lots, change_arrives(change)))
    over_ns = order.over.heard_ns if order.over is not None else order.fills[-1].heard_ns if order.fills else 0
    if order.ended_ns is not None and over_ns:
        until = max(over_ns, order.decided_ns) + PATIENCE_NS
        found.append(_command(order, ev.CANCEL, until, order.price, order.lots, until))
    return found


def _command(order: DeskOrder, kind: int, ts_ns: int, price: int, lots: int, arrives: int | None) -> GivenCommand:
    arrives = arrives if arrives is None else max(arrives, ts_ns)
    return GivenCommand(ts_ns, kind, order.number, order.instrument, order.side, order.style, price, lots, arrives)
