"""Pieces of a feed whose numbers are known, as rows of a tape: one walk over all of them."""

from typing import Any, Final

from quintet.core import events as ev
from quintet.core.kernel import kernel
from quintet.core.market.tick_clocks import settle

MESSAGE_ROWS: Final = 60_000
"""A snapshot longer than this becomes several messages: a tape's message may have 65,536 rows."""

_BOOK_CLEAR, _FEED_GAP, _BOOK_ORDER, _LAST = ev.BOOK_CLEAR, ev.FEED_GAP, ev.BOOK_ORDER, ev.LAST
_MESSAGE_ROWS = MESSAGE_ROWS


@kernel
def write_rows(pieces: Any, numbers: Any, counts: Any, rows: Any, clocks: Any, ordered: Any) -> int:
    """Write the rows of whole messages (PIECE) and settle their times; returns how many rows they are.

    `numbers`: price and quantity of each, in order; `counts`: how many belong to each piece. A mark is one row.
    """
    at = first = taken = 0
    for n in range(pieces.shape[0]):
        piece = pieces[n]
        is_mark = piece.kind == _BOOK_CLEAR or piece.kind == _FEED_GAP or piece.kind == _BOOK_ORDER
        for _ in range(1 if is_mark else counts[n]):
            _write(rows[at], piece)
            if not is_mark:
                rows[at].price = numbers[taken, 0]
                rows[at].quantity = numbers[taken, 1]
                taken += 1
            at += 1
            if at - first == _MESSAGE_ROWS:
                rows[at - 1].bits = piece.bits | _LAST
                first = at
        if (n + 1 == pieces.shape[0] or pieces[n + 1].message != piece.message) and at > first:
            rows[at - 1].bits = int(rows[at - 1].bits) | _LAST
            first = at
    settle(rows[:at], clocks, ordered)
    return at


@kernel
def _write(row: Any, piece: Any) -> None:
    row.ts_event = piece.event_ns
    row.ts_recv = piece.recv_ns
    row.quantity = piece.quantity
    row.price = 0
    row.instrument = piece.instrument
    row.kind = piece.kind
    row.bits = piece.bits
