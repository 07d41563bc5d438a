"""Reports of a venue as rows of a desk tape. Pure.

A status becomes one row about the order that we named; an execution becomes a fill. What nobody named (a liquidation,
an order given by hand) is a fill of order number 0: a fact all the same.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from quintet.core import events as ev
from quintet.core.orders.client_ids import ClientIds
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


def status_row(kind: int, number: int, instrument: int, reason: int, ts_event: int, recv_ns: int) -> NDArray[np.void]:
    """A message of one row about an order number."""
    return np.array([(ts_event, recv_ns, number, reason, instrument, kind, ev.LAST)], ev.ROW)


def fill_rows(execution: Execution, ids: ClientIds, recv_ns: int) -> NDArray[np.void]:
    """The four rows of a fill. A funding payment is none: it moves money, not a position."""
    if execution.kind == "funding":
        return np.zeros(0, ev.ROW)
    number = ids.number(execution.client_id)
    bits = (ev.MAKER if execution.maker else 0) | (ev.SELL_BIT if execution.side < 0 else 0)
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
