"""Rows of a tape as they stand in its file, behind the meta block, the headers of the blocks among them.

A long tape is looked at there, where the operating system has mapped it, and copied only as far as somebody needs rows
without headers. A header bears kind 255 in both its halves, so whoever asks for kinds of rows never meets one.
"""

from typing import Any, Final

import numpy as np

from quintet.core import events as ev
from quintet.core.row_laws import Rows, frozen
from quintet.core.tape import FIRST_HALF, HEADER_BYTES, ROW_BYTES

HEADER_ROWS: Final = HEADER_BYTES // ROW_BYTES
_PIECE_ROWS: Final = 1 << 16


def without_headers(written: Any) -> Rows:
    """A copy of the rows that have positions."""
    plain = np.asarray(written)
    words = plain.view(np.int64).reshape(len(plain), ROW_BYTES // 8)
    return frozen(words.take(np.flatnonzero(plain["kind"] != ev.HEADER), axis=0).reshape(-1).view(ev.ROW))


def index_of(written: Any, position: int) -> int:
    """Where the row with this position stands, counted from the first header; for the next one, where it would.

    Looked for from the end: that is where a desk wants to know it.
    """
    plain = np.asarray(written)
    for end in range(len(plain), 0, -_PIECE_ROWS):
        first = max(end - _PIECE_ROWS, 0)
        piece = plain[first:end]
        heads = np.flatnonzero((piece["kind"] == ev.HEADER) & (piece["bits"] == FIRST_HALF))
        positions = piece["ts_recv"][heads]  # a header bears a position there
        if len(heads) and positions[0] <= position:
            block = int(np.searchsorted(positions, position, side="right")) - 1
            return first + int(heads[block]) + HEADER_ROWS + position - int(positions[block])
    return 0
