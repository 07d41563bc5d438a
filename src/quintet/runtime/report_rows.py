"""Reports of a venue as rows of a desk tape. Pure.

A status becomes one row about the order that we named; an execution becomes a fill, or funding. What nobody named (a
liquidation, an order given by hand) is a fill of order number 0: a fact all the same.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from quintet.core import events as ev
from quintet.core.orders import lifecycle
from quintet.core.orders.client_ids import ClientIds
from quintet.core.tape import message_with_text
from quintet.ports.order_entry import (
    HELD_BACK_FACT,
    Accepted,
    Amend,
    CancelAll,
    Command,
    Found,
    HeldBack,
    Lost,
    Outcome,
    Place,
    Refused,
    Suppressed,
    Unknown,
)
from quintet.ports.venue_account import Execution, OrderReport

NOBODYS_ORDER: Final = 0
_STATUS: Final = {
    "open": ev.ORDER_ACCEPTED,
    "canceled": ev.ORDER_CANCELED,
    "expired": ev.ORDER_EXPIRED,
    "rejected": ev.ORDER_REJECTED,
}


def order_rows(report: OrderReport, ids: ClientIds, recv_ns: int) -> NDArray[np.void]:
    """One status row; none for an order that is not ours, and for a filled one: its fills say so."""
    number = ids.number(report.client_id)
    if number is None or report.state == "filled":
        return np.zeros(0, ev.ROW)
    return status_row(_STATUS[report.state], number, report.instrument, report.reason, report.updated_ns, recv_ns)


def cut_rows(report: OrderReport, ids: ClientIds, lots: int, recv_ns: int) -> NDArray[np.void]:
    """The end of an order that only reduces, which the venue has filled as less than the `lots` our books hold.

    It was cut to the position, and what is missing never fills; what was filled of it says so itself. While such an
    order is open our books go on with what was sent: a status may be older than our last change of it.
    """
    number = ids.number(report.client_id)
    if number is None or report.state != "filled" or not report.reduce_only or report.lots >= lots:
        return np.zeros(0, ev.ROW)
    stamps = (report.updated_ns, recv_ns)
    return status_row(ev.ORDER_EXPIRED, number, report.instrument, lifecycle.NOTHING_TO_CLOSE, *stamps)


def outcome_rows(outcome: Outcome, ids: ClientIds, recv_ns: int) -> NDArray[np.void]:
    """What a desk has to hear of a command: refused, lost, never sent, or how its order was found to stand.

    An accepted one has no row, its order's own stream speaks, unless it is a change: that the stream does not tell from
    an order as it was. So a change that was asked about is told as its order now is, open or filled: of a filled one
    the size says that there is nothing left.
    """
    command = outcome.command
    number = None if isinstance(command, CancelAll) else ids.number(command.client_id)
    if number is None:
        return np.zeros(0, ev.ROW)
    if isinstance(outcome, HeldBack):
        return held_back_rows(number, outcome.waited_ns, recv_ns)
    if isinstance(outcome, Found):
        report = outcome.report
        if isinstance(command, Amend) and report.state in ("open", "filled"):
            price_ticks = report.ticks or report.trigger_ticks
            return change_rows(ev.ORDER_AMENDED, number, report.instrument, price_ticks, report.lots, recv_ns)
        return order_rows(report, ids, recv_ns)
    kind, reason = 0, 0
    if isinstance(outcome, Accepted) and isinstance(command, Amend):
        return change_rows(ev.ORDER_AMENDED, number, command.instrument, command.ticks, command.lots, recv_ns)
    if isinstance(outcome, Refused):
        kind, reason = _refused(command), outcome.reason
    elif isinstance(outcome, Unknown):
        kind = ev.COMMAND_UNANSWERED
    elif isinstance(outcome, Lost):
        kind = ev.COMMAND_LOST
    elif isinstance(outcome, Suppressed):
        kind = ev.COMMAND_SUPPRESSED if isinstance(command, Place) else _refused(command)
    if not kind:
        return np.zeros(0, ev.ROW)
    return status_row(kind, number, command.instrument, reason, recv_ns, recv_ns)


def _refused(command: Command) -> int:
    if isinstance(command, Amend):
        return ev.AMEND_REJECTED
    return ev.ORDER_REJECTED if isinstance(command, Place) else ev.CANCEL_REJECTED


def change_rows(kind: int, number: int, instrument: int, ticks: int, lots: int, recv_ns: int) -> NDArray[np.void]:
    """The two rows of an order that is another now: ORDER_AMENDED, or ORDER_REDUCED when the venue cut it."""
    stamps = (recv_ns, recv_ns)
    rows = [(*stamps, number, ticks, instrument, kind, 0), (*stamps, lots, 0, instrument, ev.ORDER_LOTS, ev.LAST)]
    return np.array(rows, ev.ROW)


def funding_rows(execution: Execution, recv_ns: int) -> NDArray[np.void]:
    """The two rows of a funding payment; none for an execution of another kind."""
    if execution.kind != "funding":
        return np.zeros(0, ev.ROW)
    stamps, n = (execution.ts_event, recv_ns), execution.instrument
    return np.array(
        [
            (*stamps, execution.fee, execution.ticks, n, ev.FUNDING, 0),
            (*stamps, execution.key, execution.fee_asset, n, ev.FUNDING_EXECUTION, ev.LAST),
        ],
        ev.ROW,
    )


def held_back_rows(number: int, waited_ns: int, recv_ns: int) -> NDArray[np.void]:
    """The fact that a command had to wait for the venue's limits: it changes nothing and explains much."""
    waited_us = min(waited_ns // 1_000, ev.PRICE_MAX)
    return np.asarray(message_with_text((recv_ns, recv_ns, number, waited_us, 0, ev.FACT, 0), HELD_BACK_FACT))


def status_row(kind: int, number: int, instrument: int, reason: int, ts_event: int, recv_ns: int) -> NDArray[np.void]:
    """A message of one row about an order number."""
    return np.array([(ts_event, recv_ns, number, reason, instrument, kind, ev.LAST)], ev.ROW)


def fill_rows(execution: Execution, ids: ClientIds, recv_ns: int) -> NDArray[np.void]:
    """The four rows of a fill. A funding payment is none: it moves money, not a position."""
    if execution.kind == "funding":
        return np.zeros(0, ev.ROW)
    number = ids.number(execution.client_id)
    bits = (ev.MAKER if execution.maker else 0) | (ev.SELL_BIT if execution.side < 0 else 0)
    bits |= ev.LIQUIDATION if execution.kind == "liquidation" else 0
    stamps, n = (execution.ts_event, recv_ns), execution.instrument
    return np.array(
        [
            (*stamps, execution.lots, execution.ticks, n, ev.FILL, bits),
            (*stamps, NOBODYS_ORDER if number is None else number, 0, n, ev.FILL_ORDER, 0),
            (*stamps, execution.fee, execution.fee_asset, n, ev.FILL_FEE, 0),
            (*stamps, execution.key, 0, n, ev.FILL_EXECUTION, ev.LAST),
        ],
        ev.ROW,
    )
