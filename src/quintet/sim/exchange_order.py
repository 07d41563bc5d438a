"""A tape in the order in which things happen at the exchanges, for the loop of a run.

A tape is in the order in which we heard of things. One feed of one venue is, apart from its delay, in the order of the
exchange, too. Feeds with different delays, or candles beside ticks, are not: what a far venue did long ago stands
behind what a near one did just now. The loop walks the exchanges' side of a tape and keeps apart what reaches us when,
so it is given such a tape in another order:

- what is matched at an exchange stands where it happened (`ts_event`);
- what only we see (a candle, a fact, an operator, a reconciliation) where we learn of it (`ts_recv`), and first at its
  moment;
- all else (definitions, gaps of candles, marks, rates) stays behind what stands before it;
- what has no order between two feeds keeps that of the tape, and the rows of a message stay together.

What reaches us is not changed: each message at its own `ts_recv`, those of one moment in the exchanges' order.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from quintet.core.events import (
    ASK_LEVEL,
    BAR_OPEN,
    BID_LEVEL,
    BOOK_CLEAR,
    BOOK_ORDER,
    FACT,
    FEED_GAP,
    HEADER,
    OPERATOR,
    RECONCILED,
    TRADE_BUY,
    TRADE_SELL,
    VENUE_STATUS,
)
from quintet.core.row_laws import frozen, read_definitions
from quintet.core.state import Tape
from quintet.core.tape import Tape as WholeTape
from quintet.core.tape_splice import message_starts

OURS: Final = (BAR_OPEN, FACT, OPERATOR, RECONCILED)
MATCHED: Final = (
    BID_LEVEL, ASK_LEVEL, TRADE_BUY, TRADE_SELL, BOOK_CLEAR, BOOK_ORDER, FEED_GAP, VENUE_STATUS,
)  # fmt: skip


def in_exchange_order(tape: Tape) -> Tape:
    """The same messages in the exchanges' order; the tape itself where it is in that order already.

    `tape`: event rows; headers may stand among them, the meta block may not.
    """
    rows = np.asarray(tape.rows)
    events = rows[rows["kind"] != HEADER]
    starts = message_starts(events)
    heads = events[starts]
    ours = np.isin(heads["kind"], OURS)
    of_candles = (heads["kind"] == FEED_GAP) & (heads["bits"] >> 1 > 0)
    matched = np.isin(heads["kind"], MATCHED) & ~of_candles
    moment = np.where(ours, heads["ts_recv"], np.where(matched, heads["ts_event"], 0))
    moment = np.where(moment > 0, moment, np.maximum.accumulate(moment))
    if (np.diff(moment) >= 0).all():
        return tape
    order = np.lexsort((np.arange(len(starts)), ~ours, moment))
    lengths = np.diff(np.append(starts, len(events)))[order]
    shift = starts[order] - (np.cumsum(lengths) - lengths)
    ordered = np.ascontiguousarray(events[np.repeat(shift, lengths) + np.arange(len(events))])
    ordered.flags.writeable = False
    return Tape(ordered.view(np.recarray))


def whole_in_exchange_order(tape: WholeTape) -> WholeTape:
    """A checked tape for a run: the same facts, hash and origin, its rows in the exchanges' order.

    The tape itself where it is in that order already. Its definitions stand where they now are; its census counts what
    it counted. Such a tape is walked, never written: its rows are not in the order of their receipt.
    """
    first = tape.first_row
    events = np.asarray(tape.rows)[first:]
    as_heard = Tape(events.view(np.recarray))
    ordered = in_exchange_order(as_heard)
    if ordered is as_heard:
        return tape
    rows = frozen(np.concatenate([np.asarray(tape.rows)[:first], np.asarray(ordered.rows)]))
    return replace(tape, rows=rows, definitions=tuple(read_definitions(ordered.rows, 0, tape.name)))
