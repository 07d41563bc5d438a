"""Rows for tests, written so that what matters stands alone."""

from typing import Any

import numpy as np

from quintet.core import events as ev
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.tape import TapeMeta, instrument_rows, message_with_text

ORIGIN = TapeMeta(synthetic=True, created_ns=1_700_000_000_000_000_000, tool_version="test")
DESK_ORIGIN = TapeMeta(use="desk", synthetic=True, created_ns=0, tool_version="test")


def row(
    kind: int,
    at: int,
    price: int = 100,
    quantity: int = 1,
    instrument: int = 0,
    bits: int = ev.LAST,
    ts_event: int | None = None,
) -> Any:
    """One row that is a message by itself, at `at` ns by both clocks."""
    rows = np.zeros(1, ev.ROW)
    rows[0] = (at if ts_event is None else ts_event, at, quantity, price, instrument, kind, bits)
    return rows


def trade(at: int, price: int = 100, quantity: int = 1, instrument: int = 0) -> Any:
    return row(ev.TRADE_BUY, at, price, quantity, instrument)


def depth(at: int, levels: int = 3, instrument: int = 0) -> Any:
    """One message of `levels` rows."""
    rows = np.concatenate([row(ev.BID_LEVEL, at, 100 - n, 5 + n, instrument, bits=0) for n in range(levels)])
    rows["bits"][-1] = ev.LAST
    return rows


def bar(at: int, prices: tuple[int, int, int, int] = (100, 110, 90, 105), timeframe: int = 1) -> Any:
    """The two rows of a bar that ends at `at`; prices are open, high, low, close."""
    opening, high, low, close = prices
    first = row(ev.BAR_OPEN, at, opening, 7, bits=timeframe << 1)
    second = row(ev.BAR_CLOSE, at, close, high << 31 | low, bits=timeframe << 1 | ev.LAST)
    return np.concatenate([first, second])


def fact(at: int, name: bytes = b"fear_and_greed", value_e9: int = 50) -> Any:
    return message_with_text((at, at, value_e9, 0, 0, ev.FACT, 0), name)


def defined(at: int = 0, number: int = 0, instrument: Any = DEFAULT_SPOT) -> Any:
    return instrument_rows(number, instrument, at, at)


def joined(*messages: Any) -> Any:
    """Messages one after the other, as plain rows."""
    return np.concatenate([np.asarray(message, ev.ROW) for message in messages])


def a_day(messages: int = 6) -> Any:
    """A definition, then trades, depth and a fact in turn: whole messages of one, three and two rows."""
    makers = (trade, depth, fact)
    return joined(defined(), *(makers[n % 3](n + 1) for n in range(messages)))
