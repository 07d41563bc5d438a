"""The trades of a tape as columns: what bars and order flow are fed with."""

from typing import NamedTuple

import numpy as np

from quintet.core.events import TRADE_BUY, TRADE_SELL
from quintet.core.market.bars import Column
from quintet.core.row_laws import Rows


class Trades(NamedTuple):
    """Trades of one instrument in the order of the tape, all int64 and of equal length.

    `ts` ns UTC at the venue; `price` in price increments; `lots`; `side` +1 when a buyer took, -1 when a seller did.
    """

    ts: Column
    price: Column
    lots: Column
    side: Column


def trades_of(rows: Rows, instrument: int = 0) -> Trades:
    """The trade rows of an instrument; whatever else stands among them, headers included, is left out."""
    plain = np.asarray(rows)
    kinds = plain["kind"]
    taken = plain[((kinds == TRADE_BUY) | (kinds == TRADE_SELL)) & (plain["instrument"] == instrument)]
    return Trades(
        taken["ts_event"].astype(np.int64),
        taken["price"].astype(np.int64),
        taken["quantity"].astype(np.int64),
        np.where(taken["kind"] == TRADE_BUY, 1, -1),
    )
