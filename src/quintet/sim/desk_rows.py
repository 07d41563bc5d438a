"""What entered the step and what left it, as rows of a desk tape."""

from typing import Any

from quintet.core.events import (
    COMMAND_ORDER,
    FILL,
    FILL_EXECUTION,
    FILL_FEE,
    FILL_ORDER,
    FUNDING,
    FUNDING_EXECUTION,
    HEADER,
    LAST,
    LIQUIDATION,
    MAKER,
    ORDER_AMENDED,
    ORDER_LOTS,
    ORDER_REDUCED,
    PLACE,
    REDUCE_ONLY,
    SELL_BIT,
    TEXT,
    TIMER,
)
from quintet.core.kernel import kernel
from quintet.sim.latency import gateway_of


@kernel
def put(
    rows_out: Any,
    venue: Any,
    ts_event: int,
    ts_recv: int,
    kind: int,
    bits: int,
    instrument: int,
    price: int,
    quantity: int,
) -> None:
    """Append one row."""
    at = venue.n_rows
    venue.n_rows += 1
    rows_out[at].ts_event = ts_event
    rows_out[at].ts_recv = ts_recv
    rows_out[at].quantity = quantity
    rows_out[at].price = price
    rows_out[at].instrument = instrument
    rows_out[at].kind = kind
    rows_out[at].bits = bits


@kernel
def put_feed(rows_out: Any, venue: Any, rows: Any, until: int, recv: int) -> None:
    """Copy the market rows that belong to no message yet, up to tape row `until` (exclusive): they have reached us."""
    put_message(rows_out, venue, rows, venue.feed_cursor, until, recv)
    venue.feed_cursor = until


@kernel
def put_message(rows_out: Any, venue: Any, rows: Any, first: int, until: int, recv: int) -> None:
    """Copy the rows of a message, those stepped over before it included; `until` is exclusive.

    Where the feed's own clock is not believed they are stamped with `recv`.
    """
    for i in range(first, until):
        kind = int(rows[i].kind)
        if kind != HEADER:
            rows_out[venue.n_rows] = rows[i]
            if kind != TEXT and gateway_of(venue, int(rows[i].instrument)).feed_ns >= 0:
                rows_out[venue.n_rows].ts_recv = recv
            venue.n_rows += 1


@kernel
def put_timer(rows_out: Any, venue: Any, ts: int) -> None:
    """A timer that fired."""
    put(rows_out, venue, ts, ts, TIMER, LAST, 0, 0, 0)


@kernel
def put_response(rows_out: Any, venue: Any, response: Any) -> None:
    """An answer to one of our orders, or funding; a fill is four rows, a change and funding two."""
    event, recv, n = response.ts_event, response.ts, response.instrument
    if response.kind == ORDER_AMENDED or response.kind == ORDER_REDUCED:
        put(rows_out, venue, event, recv, response.kind, 0, n, response.price, response.number)
        put(rows_out, venue, event, recv, ORDER_LOTS, LAST, n, 0, response.lots)
        return
    if response.kind == FUNDING:
        put(rows_out, venue, event, recv, FUNDING, 0, n, response.price, response.fee)
        put(rows_out, venue, event, recv, FUNDING_EXECUTION, LAST, n, response.fee_asset, response.execution)
        return
    if response.kind != FILL:
        put(rows_out, venue, event, recv, response.kind, LAST, n, response.reason, response.number)
        return
    bits = (MAKER if response.maker != 0 else 0) | (SELL_BIT if response.side < 0 else 0)
    bits = bits | (LIQUIDATION if response.liquidation != 0 else 0)
    put(rows_out, venue, event, recv, FILL, bits, n, response.price, response.lots)
    put(rows_out, venue, event, recv, FILL_ORDER, 0, n, 0, response.number)
    put(rows_out, venue, event, recv, FILL_FEE, 0, n, response.fee_asset, response.fee)
    put(rows_out, venue, event, recv, FILL_EXECUTION, LAST, n, 0, response.execution)


@kernel
def put_command(rows_out: Any, venue: Any, command: Any) -> None:
    """A command that was sent: output, compared in a replay and never fed."""
    bits = SELL_BIT if command.side < 0 else 0
    ts = command.ts
    if command.kind == PLACE:
        bits = bits | (command.style << 3) | (REDUCE_ONLY if command.reduce_only != 0 else 0)
    put(rows_out, venue, ts, ts, command.kind, bits, command.instrument, command.price, command.lots)
    put(rows_out, venue, ts, ts, COMMAND_ORDER, LAST, command.instrument, command.index, command.number)
