"""Approved commands as the desk's outbox has them, and as an order gateway wants them. Pure."""

from typing import Any

from quintet.core import events as ev
from quintet.core.errors import InvariantError
from quintet.core.orders.client_ids import ClientIds
from quintet.core.orders.lifecycle import WAITING
from quintet.ports.order_entry import Amend, Cancel, OfOneOrder, Place


def approved(commands: Any, ids: ClientIds) -> list[OfOneOrder]:
    """Rows of `core.state.COMMAND`, in order, each under its client id; raises InvariantError for another kind."""
    return [_one(row, ids) for row in commands]


def _one(row: Any, ids: ClientIds) -> OfOneOrder:
    client_id, instrument, kind = ids.of(int(row["number"])), int(row["instrument"]), int(row["kind"])
    waits = int(row["style"]) in WAITING
    if kind == ev.CANCEL:
        return Cancel(client_id, instrument, waits)
    price, lots = int(row["price"]), int(row["lots"])
    if kind == ev.AMEND:
        return Amend(client_id, instrument, price, lots, waits)
    if kind == ev.PLACE:
        side, style = int(row["side"]), int(row["style"])
        return Place(client_id, instrument, side, style, price, lots, bool(row["reduce_only"]))
    raise InvariantError(f"command {client_id} is of kind {kind}, expected PLACE, AMEND or CANCEL")
