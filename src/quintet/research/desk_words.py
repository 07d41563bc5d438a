"""What stands on a desk tape, as a person says it: events and commands in units, moments in UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from quintet.core import events as ev
from quintet.core.instrument import Instrument
from quintet.core.orders.client_ids import ClientIds
from quintet.core.orders.lifecycle import STYLE_NAMES, VENUE_REASON_NAMES
from quintet.core.risk.breaker import ACTION_NAMES
from quintet.core.row_laws import KIND_NAMES

STYLE_SHIFT: Final = 3
"""Bits 3 to 5 of PLACE: the order's style."""

STYLE_MASK: Final = 7

_STATUS: Final = {
    ev.ORDER_ACCEPTED: "accepted",
    ev.ORDER_REJECTED: "rejected",
    ev.ORDER_CANCELED: "canceled",
    ev.ORDER_EXPIRED: "expired",
    ev.CANCEL_REJECTED: "not canceled",
    ev.STOP_TRIGGERED: "triggered",
    ev.ORDER_AMENDED: "amended",
    ev.AMEND_REJECTED: "not amended",
    ev.ORDER_REDUCED: "cut by the venue",
    ev.COMMAND_LOST: "proven never to have been at the venue",
    ev.COMMAND_SUPPRESSED: "not sent",
    ev.COMMAND_UNANSWERED: "without an answer",
}
_BOOK: Final = (ev.BID_LEVEL, ev.ASK_LEVEL)
_TRADES: Final = (ev.TRADE_BUY, ev.TRADE_SELL)


def utc_words(ts_ns: int) -> str:
    """`2026-01-01T12:00:00.250Z`: a moment to the millisecond."""
    seconds, rest = divmod(ts_ns, 10**9)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 10**6:03d}Z"


def order_words(number: int, ids: ClientIds | None) -> str:
    """An order as it is called: by its client id where the tape has an epoch, else by its number."""
    return ids.of(number) if ids is not None else f"{number}"


def side_of(bits: int) -> str:
    """`buy` or `sell`."""
    return "sell" if bits & ev.SELL_BIT else "buy"


def placed(side: str, style: int, lots: int, price: int, instrument: Instrument, is_new: bool = True) -> str:
    """`post-only buy 0.010 ETH at 3000.10 USDT`; of a change (not `is_new`) size and price alone."""
    name = STYLE_NAMES[style] if style < len(STYLE_NAMES) else f"style {style}"
    at = f" at {instrument.price(price):f} {instrument.quote_asset}" if price else ""
    return f"{f'{name} {side} ' if is_new else ''}{instrument.quantity(lots):f} {instrument.base_asset}{at}"


def command_words(rows: Any, instruments: Sequence[Instrument], ids: ClientIds | None = None) -> list[str]:
    """The commands in rows of a desk tape, two rows each; what is not whole is left out."""
    plain = np.asarray(rows)
    return [
        _command(
            int(first["kind"]),
            placed_of(first, instruments),
            bool(int(first["bits"]) & ev.REDUCE_ONLY),
            order_words(int(second["quantity"]), ids),
        )
        for first, second in zip(plain[::2], plain[1::2], strict=False)
    ]


def placed_of(row: Any, instruments: Sequence[Instrument]) -> str:
    """What the first row of a command says of its order."""
    bits = int(row["bits"])
    style = bits >> STYLE_SHIFT & STYLE_MASK
    one = instruments[int(row["instrument"])]
    return placed(side_of(bits), style, int(row["quantity"]), int(row["price"]), one, int(row["kind"]) == ev.PLACE)


def given_words(commands: Any, instruments: Sequence[Instrument], ids: ClientIds | None = None) -> list[str]:
    """The same of commands as the step gives them, records of COMMAND."""
    return [
        _command(
            int(one["kind"]),
            placed(
                "sell" if int(one["side"]) < 0 else "buy", int(one["style"]), int(one["lots"]), int(one["price"]),
                instruments[int(one["instrument"])], int(one["kind"]) == ev.PLACE,
            ),
            bool(one["reduce_only"]),
            order_words(int(one["number"]), ids),
        )
        for one in np.asarray(commands)
    ]  # fmt: skip


def _command(kind: int, what: str, reduce_only: bool, order: str) -> str:
    if kind == ev.PLACE:
        return f"place {what}{', reduce-only' if reduce_only else ''}, order {order}"
    if kind == ev.AMEND:
        return f"amend order {order} to {what}"
    return f"cancel order {order}" if kind == ev.CANCEL else f"kind {kind}, order {order}"


def event_words(message: Any, instruments: Sequence[Instrument], ids: ClientIds | None = None) -> str:
    """One message of a desk tape in a few words."""
    rows = np.asarray(message)
    first = rows[0]
    kind, quantity, price = int(first["kind"]), int(first["quantity"]), int(first["price"])
    one = instruments[int(first["instrument"])] if int(first["instrument"]) < len(instruments) else instruments[0]
    if kind in _BOOK or kind in _TRADES or kind == ev.BOOK_CLEAR:
        return _of_market(rows, one)
    if kind == ev.BAR_OPEN:
        timeframe = ev.TIMEFRAME_NAMES[int(first["bits"]) >> 1]
        return f"a bar of {timeframe}, closed at {one.price(int(rows[1]['price'])):f} {one.quote_asset}"
    if kind == ev.FILL:
        maker = "maker" if int(first["bits"]) & ev.MAKER else "taker"
        what = f"{side_of(int(first['bits']))} {one.quantity(quantity):f} {one.base_asset} at {one.price(price):f}"
        return f"a fill as {maker}: {what}, order {order_words(int(rows[1]['quantity']), ids)}"
    if kind in _STATUS:
        why = ""
        if kind in (ev.ORDER_REJECTED, ev.ORDER_EXPIRED, ev.ORDER_CANCELED, ev.AMEND_REJECTED) and price:
            why = f" ({VENUE_REASON_NAMES[price]})" if price < len(VENUE_REASON_NAMES) else ""
        return f"order {order_words(quantity, ids)} {_STATUS[kind]}{why}"
    if kind == ev.OPERATOR:
        return f"an operator: {ACTION_NAMES[quantity]}" if quantity < len(ACTION_NAMES) else f"an operator: {quantity}"
    return KIND_NAMES.get(kind, f"kind {kind}").lower().replace("_", " ")


def _of_market(rows: Any, one: Instrument) -> str:
    trades = rows[np.isin(rows["kind"], _TRADES)]
    levels = int(np.isin(rows["kind"], _BOOK).sum())
    parts = []
    if (rows["kind"] == ev.BOOK_CLEAR).any():
        parts.append("the book anew" if levels else "the book is unknown")
    if levels:
        parts.append(f"{levels} level{'s' if levels > 1 else ''} of the book")
    if len(trades):
        last = trades[-1]
        who = "bought" if int(last["kind"]) == ev.TRADE_BUY else "sold"
        many = f"{len(trades)} trades, the last: " if len(trades) > 1 else "a trade: "
        what = f"{one.quantity(int(last['quantity'])):f} {one.base_asset} {who} at {one.price(int(last['price'])):f}"
        parts.append(many + what)
    return ", ".join(parts)
