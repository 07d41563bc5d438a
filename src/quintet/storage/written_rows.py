"""Rows of a tape as they stand in its file, behind the meta block, the headers of the blocks among them.

A long tape is looked at there, where the operating system has mapped it, and copied only as far as somebody needs rows
without headers. A header bears kind 255 in both its halves, so whoever asks for kinds of rows never meets one.
"""

from typing import Any

import numpy as np

from quintet.core import events as ev
from quintet.core.row_laws import Rows, frozen
from quintet.core.tape import FIRST_HALF, HEADER_BYTES, ROW_BYTES

HEADER_ROWS = HEADER_BYTES // ROW_BYTES


def without_headers(written: Any) -> Rows:
    """A copy of the rows that have positions."""
    plain = np.asarray(written)
    words = plain.view(np.int64).reshape(len(plain), ROW_BYTES // 8)
    return frozen(words.take(np.flatnonzero(plain["kind"] != ev.HEADER), axis=0).reshape(-1).view(ev.ROW))


def index_of(written: Any, position: int) -> int:
    """Where the row with this position stands, counted from the first header; for the next one, where it would."""
    plain = np.asarray(written)
    heads = np.flatnonzero((plain["kind"] == ev.HEADER) & (plain["bits"] == FIRST_HALF))
    if not len(heads):
        return 0
    block = int(np.searchsorted(plain["ts_recv"][heads], position, side="right")) - 1  # a header bears a position there
    return int(heads[block]) + HEADER_ROWS + position - int(plain["ts_recv"][heads[block]])
