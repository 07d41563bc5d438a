"""A whole synthetic tick market in memory, and what its book looked like after every message."""

from typing import Any, NamedTuple

import numpy as np

from quintet.core.kernel import kernel
from quintet.core.row_laws import Rows
from quintet.core.state import NO_ASK, NO_BID
from quintet.research.tick_market import TickMarket


class Record(NamedTuple):
    """All rows of a market, and when its fair value (in half ticks) moved."""

    rows: Rows
    fair_ts: np.ndarray
    fair: np.ndarray


class Touches(NamedTuple):
    """After each message: its time at the venue, best bid and best ask in price increments."""

    ts: np.ndarray
    bid: np.ndarray
    ask: np.ndarray


def recorded(market: TickMarket) -> Record:
    parts = [(np.asarray(chunk.rows).copy(), np.asarray(chunk.fair).copy()) for chunk in market.chunks()]
    moves = np.concatenate([moves for _, moves in parts])
    return Record(np.concatenate([rows for rows, _ in parts]).view(np.recarray), moves["ts"], moves["fair"])


def value_at(times: np.ndarray, values: np.ndarray, ts: np.ndarray) -> np.ndarray:
    """The value that stood at each `ts`: the last one at or before it."""
    return values[np.searchsorted(times, ts, side="right") - 1]


def touches_of(rows: Rows) -> Touches:
    """Replay the depth rows; the bid is NO_BID and the ask NO_ASK where a side is empty."""
    low, high = int(rows.price.min()), int(rows.price.max())
    lots = np.zeros((2, high - low + 3), np.int64)
    found = np.empty((int((rows.bits & 1).sum()), 3), np.int64)
    _replay(rows, lots, low - 1, found)
    return Touches(found[:, 0], found[:, 1], found[:, 2])


def levels_of(rows: Rows) -> tuple[dict[int, int], dict[int, int]]:
    """The book that the rows leave behind: price to lots of each side, in plain Python."""
    sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for row in np.asarray(rows[rows.kind <= 1]).tolist():
        side, price, lots = sides[row[5]], row[3], row[2]
        if lots:
            side[price] = lots
        else:
            side.pop(price, None)
    return sides


@kernel
def _replay(rows: Any, lots: Any, low: int, found: Any) -> None:
    bid, ask = 0, lots.shape[1] - 1
    message = 0
    for n in range(rows.shape[0]):
        kind, price, quantity = int(rows[n].kind), int(rows[n].price) - low, rows[n].quantity
        if kind <= 1:
            lots[kind, price] = quantity
        if kind == 0 and price >= bid:
            bid = price
            while bid > 0 and lots[0, bid] == 0:
                bid -= 1
        if kind == 1 and price <= ask:
            ask = price
            while ask < lots.shape[1] - 1 and lots[1, ask] == 0:
                ask += 1
        if int(rows[n].bits) & 1:
            found[message, 0] = rows[n].ts_event
            found[message, 1] = bid + low if bid > 0 else NO_BID
            found[message, 2] = ask + low if ask < lots.shape[1] - 1 else NO_ASK
            message += 1
