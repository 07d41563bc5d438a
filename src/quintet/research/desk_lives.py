"""When a desk was alive, and how often it came back to nothing held: read from the rows of its tape, nothing else.

A process that comes back to its tape says so there: that is where a life begins. A life hears the market in one stretch
or in several: a line that was lost, or a book that was doubted, leaves a FEED_GAP, and so does whoever goes away. What
lies between a gap and the next message of the market counts for no day.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.instrument import Instrument
from quintet.core.row_laws import text_of
from quintet.core.units import E9
from quintet.ports.desk_notes import BACK_NOTE

HEARD: Final = (
    ev.BID_LEVEL, ev.ASK_LEVEL, ev.TRADE_BUY, ev.TRADE_SELL, ev.BEST_BID, ev.BEST_ASK, ev.LAST_PRICE, ev.BAR_CLOSE,
    ev.MARK_PRICE, ev.INDEX_PRICE,
)  # fmt: skip
"""Kinds of rows that say that a desk hears its market."""


class Life(NamedTuple):
    """From the first message of the market that was heard to the last, our clock, ns UTC."""

    begin_ns: int
    end_ns: int


def lives_of(rows: Any) -> tuple[Life, ...]:
    """The lives on these rows of a desk tape, in order; none where no market was heard."""
    return _parted(rows, _backs(np.asarray(rows)))


def heard_of(rows: Any) -> tuple[Life, ...]:
    """The stretches of all lives in which the market was heard without a gap, in order."""
    return _parted(rows, np.flatnonzero(np.asarray(rows)["kind"] == ev.FEED_GAP))


def _parted(rows: Any, cuts: Any) -> tuple[Life, ...]:
    """From the first message of the market to the last, in each part between two cuts that has one."""
    plain = np.asarray(rows)
    heard = np.flatnonzero(np.isin(plain["kind"], HEARD))
    if not len(heard):
        return ()
    part = np.searchsorted(cuts, heard)
    firsts = heard[np.flatnonzero(np.diff(part, prepend=-1))]
    lasts = heard[np.flatnonzero(np.diff(part, append=len(cuts) + 1))]
    stamps = plain["ts_recv"]
    return tuple(Life(int(stamps[a]), int(stamps[b])) for a, b in zip(firsts, lasts, strict=True))


def _backs(rows: Any) -> Any:
    """Where a process has come back."""
    kinds = rows["kind"]
    notes = np.flatnonzero((kinds[:-1] == ev.FACT) & (kinds[1:] == ev.TEXT))
    return np.array([n for n in notes.tolist() if text_of(rows[n + 1 : n + 2]) == BACK_NOTE], np.int64)


def positions_closed(rows: Any, instrument: Instrument, held_now: int) -> list[int]:
    """Positions (of `ts_recv`, ns UTC) that came back to less than a lot, or turned to the other side.

    `held_now`: after the last row, quanta of the base asset on spot, else lots. Of the first instrument.
    """
    plain = np.asarray(rows)
    lot = instrument.base_quanta_per_lot if instrument.kind == "spot" else 1
    held, closed = held_now, []
    for n in reversed(np.flatnonzero((plain["kind"] == ev.FILL) & (plain["instrument"] == 0)).tolist()):
        after = _lots(held, lot)
        sign = -1 if int(plain["bits"][n]) & ev.SELL_BIT else 1
        held -= sign * int(plain["quantity"][n]) * lot
        if instrument.kind == "spot" and int(plain["price"][n + 2]) != 0:
            held += int(plain["quantity"][n + 2])
        before = _lots(held, lot)
        if before and (not after or (before > 0) != (after > 0)):
            closed.append(int(plain["ts_recv"][n]))
    return closed[::-1]


def _lots(quanta: int, lot: int) -> int:
    return quanta // lot if quanta >= 0 else -(-quanta // lot)


def days_of(heard: Sequence[Life]) -> float:
    """How long these stretches were, together, days."""
    return sum(stretch.end_ns - stretch.begin_ns for stretch in heard) / (86_400 * E9)
