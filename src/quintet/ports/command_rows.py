"""Commands as they stand on a desk tape, behind the event that caused them: one form for writer and checker."""

from typing import Any, Final

import numpy as np

from quintet.core.events import COMMAND_ORDER, LAST, PLACE, REDUCE_ONLY, ROW, SELL_BIT
from quintet.core.row_laws import Rows, frozen

STYLE_SHIFT: Final = 3
"""Bits 3 to 5 of PLACE: the order's style."""

ROWS_OF_COMMAND: Final = 2
"""PLACE, CANCEL or AMEND, and COMMAND_ORDER."""


def command_rows(commands: Any) -> Rows:
    """Commands as they stand on a desk tape: two rows each."""
    rows = np.zeros(2 * len(commands), ROW)
    first, second = rows[::2], rows[1::2]
    for part in (first, second):
        part["ts_event"] = part["ts_recv"] = commands["ts"]
        part["instrument"] = commands["instrument"]
    placed = commands["kind"] == PLACE
    first["kind"] = commands["kind"]
    first["price"] = commands["price"]
    first["quantity"] = commands["lots"]
    style = commands["style"] << STYLE_SHIFT | np.where(commands["reduce_only"], REDUCE_ONLY, 0)
    first["bits"] = np.where(commands["side"] < 0, SELL_BIT, 0) | np.where(placed, style, 0)
    second["kind"] = COMMAND_ORDER
    second["price"] = commands["index"]
    second["quantity"] = commands["number"]
    second["bits"] = LAST
    return frozen(rows)
