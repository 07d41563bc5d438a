"""A desk that was stopped, or killed, comes back: its tape is lived through once more, and what nobody knows is asked.

Nothing here sends anything. After the newest checkpoint the rest of the tape enters the same step as before, and every
command that comes out must stand on the tape where it came out then. Commands of the very last event may be missing: a
desk was killed between deciding and writing. They never left, because what leaves is on the disk first.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import state as s
from quintet.core.engine.entry import new_progress
from quintet.core.errors import TapeError
from quintet.core.events import (
    BOOK_CLEAR,
    CANCEL,
    CANCEL_REJECTED,
    FACT,
    FEED_GAP,
    LAST,
    ROW,
)
from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.core.row_laws import Rows, frozen
from quintet.core.tape import message_with_text
from quintet.ports.command_rows import command_rows
from quintet.ports.desk_notes import BACK_NOTE
from quintet.ports.order_entry import Amend, Cancel, OfOneOrder, Place
from quintet.runtime.dispatcher import NOT_SENT
from quintet.runtime.sequencer import messages_of

NEVER_LEFT: Final = NOT_SENT | {CANCEL: CANCEL_REJECTED}
"""What a desk hears of a command that was decided and not written down."""


class Relived(NamedTuple):
    """How far a desk has come. `unwritten`: commands of the last event that are not on the tape, rows of COMMAND."""

    events: int
    commands: int
    unwritten: Any


def relive(world: s.World, enter: Callable[..., int], rows: Any) -> Relived:
    """Let the rest of a desk tape enter again; raises TapeError at the first command that is not the same."""
    desk, progress = world.desk[0], new_progress()
    messages = list(messages_of(rows))
    at = events = commands = 0
    unwritten = np.asarray(desk.outbox)[:0].copy()
    with np.errstate(over="ignore"):
        while at < len(messages):
            enter(frozen(messages[at]), world, progress)
            at, events = at + 1, events + 1
            decided = _taken_out(desk)
            written = messages[at : at + len(decided)]
            if len(decided) and not written:
                unwritten = decided
            else:
                _require_same(decided, written, desk)
            at += len(written)
            commands += len(written)
    return Relived(events, commands, unwritten)


def _taken_out(desk: Any) -> Any:
    """What the step has put out; its buffers are empty afterwards."""
    commands = np.asarray(desk.outbox)[: int(desk.n_outbox)].copy()
    desk.n_outbox = desk.n_filled = desk.shown.n_notes = 0
    return commands


def _require_same(decided: Any, written: list[Any], desk: Any) -> None:
    expected = np.concatenate([np.zeros(0, ROW), *written])
    found = np.asarray(command_rows(decided))
    if found.tobytes() != expected.tobytes():
        raise TapeError(
            f"desk tape: the event at position {int(desk.event)} gives {len(decided)} commands that are not the "
            f"{len(written)} written after it; expected the same: the desk cannot go on from here"
        )


def not_written(commands: Any, ts_ns: int) -> Rows:
    """Rows that tell a desk that these commands never left."""
    rows = np.zeros(len(commands), ROW)
    rows["ts_event"] = rows["ts_recv"] = ts_ns
    rows["quantity"] = commands["number"]
    rows["instrument"] = commands["instrument"]
    rows["kind"] = [NEVER_LEFT[kind] for kind in commands["kind"].tolist()]
    rows["bits"] = LAST
    return frozen(rows)


def back_again(ts_event: int, ts_recv: int) -> Rows:
    """The message that says that another life begins here."""
    return frozen(message_with_text((ts_event, ts_recv, 0, 0, 0, FACT, 0), BACK_NOTE))


def lost_market(ts_event: int, ts_recv: int, instrument: int = 0) -> Rows:
    """The message that says that the market was not heard from here on, and that its book is unknown."""
    stamps = (ts_event, ts_recv)
    gap, unknown = (*stamps, -1, 0, instrument, FEED_GAP, 0), (*stamps, 0, 0, instrument, BOOK_CLEAR, LAST)
    return frozen(np.array([gap, unknown], ROW))


# ---- what nobody knows -------------------------------------------------------------------------------------------


def open_questions(world: s.World, ids: ClientIds) -> list[OfOneOrder]:
    """Commands that may have been sent and whose outcome is not on the tape, as they were given."""
    found: list[OfOneOrder] = []
    for order in _live(world):
        client_id, n = ids.of(int(order.number)), int(order.instrument)
        status = int(order.status)
        if status in (lifecycle.IN_FLIGHT, lifecycle.UNKNOWN):
            found.append(
                Place(
                    client_id, n, int(order.side), int(order.style), int(order.price), int(order.lots),
                    bool(order.reduce_only),
                )
            )  # fmt: skip
        elif status in (lifecycle.AMEND_IN_FLIGHT, lifecycle.AMEND_UNKNOWN):
            waits = bool(lifecycle.waits_for_price(int(order.style)))
            found.append(Amend(client_id, n, int(order.to_price), int(order.to_lots), waits))
        elif status == lifecycle.CANCEL_IN_FLIGHT:
            found.append(_cancel(order, ids))
    return found


def believed_open(world: s.World, ids: ClientIds) -> list[Cancel]:
    """Orders that are not over in our books, as one would take them back.

    Those in flight too: the one frame that said what became of such an order may have been lost.
    """
    return [_cancel(order, ids) for order in _live(world)]


def live_order(world: s.World, ids: ClientIds, client_id: str) -> Any:
    """One of ours that is not over; None: there is none of that name."""
    number = ids.number(client_id)
    return next((order for order in _live(world) if int(order.number) == number), None)


def _live(world: s.World) -> list[Any]:
    desk = world.desk[0]
    return [order for order in desk.orders[: int(desk.slots_used)] if int(order.status) != lifecycle.FREE]


def _cancel(order: Any, ids: ClientIds) -> Cancel:
    waits = bool(lifecycle.waits_for_price(int(order.style)))
    return Cancel(ids.of(int(order.number)), int(order.instrument), waits)
