"""The life of an order as a table: what may follow what.

A fill is a fact and is booked in any state; everything else that the table does not allow is counted and ignored
(a repeated or late message) and never brings a finished order back.
"""

from typing import Final

import numpy as np

# ---- status of a slot -----------------------------------------------------------------------------------------
FREE: Final = 0
IN_FLIGHT: Final = 1  # sent, not heard of
OPEN: Final = 2
CANCEL_IN_FLIGHT: Final = 3
UNKNOWN: Final = 4  # sent before a crash or a timeout; its margin stays reserved until the venue is asked
STATUS_NAMES: Final = ("free", "in flight", "open", "cancel in flight", "unknown")

# ---- what can be heard of it ----------------------------------------------------------------------------------
ACCEPTED: Final = 0
REJECTED: Final = 1
CANCELED: Final = 2
EXPIRED: Final = 3
CANCEL_REJECTED: Final = 4
PARTLY_FILLED: Final = 5
FILLED: Final = 6
LOST: Final = 7  # proven absent at the venue
TIMED_OUT: Final = 8  # no answer: unknown, never failed
HEARD_NAMES: Final = (
    "accepted", "rejected", "canceled", "expired", "cancel rejected", "partly filled", "filled", "lost", "timed out",
)  # fmt: skip

IGNORE: Final = -1

_ALLOWED: Final = {
    IN_FLIGHT: {
        ACCEPTED: OPEN, REJECTED: FREE, CANCELED: FREE, EXPIRED: FREE,
        PARTLY_FILLED: OPEN, FILLED: FREE, LOST: FREE, TIMED_OUT: UNKNOWN,
    },
    OPEN: {CANCELED: FREE, EXPIRED: FREE, PARTLY_FILLED: OPEN, FILLED: FREE, LOST: FREE, REJECTED: FREE},
    # A cancel may lose the race to a fill, or be refused and leave the order open.
    CANCEL_IN_FLIGHT: {
        CANCELED: FREE, CANCEL_REJECTED: OPEN, PARTLY_FILLED: CANCEL_IN_FLIGHT, FILLED: FREE, EXPIRED: FREE, LOST: FREE,
        TIMED_OUT: UNKNOWN, REJECTED: FREE,
    },
    UNKNOWN: {
        ACCEPTED: OPEN, REJECTED: FREE, CANCELED: FREE, EXPIRED: FREE, PARTLY_FILLED: OPEN, FILLED: FREE, LOST: FREE,
    },
}  # fmt: skip

NEXT: Final = np.full((len(STATUS_NAMES), len(HEARD_NAMES)), IGNORE, np.int64)
for _status, _moves in _ALLOWED.items():
    for _heard, _to in _moves.items():
        NEXT[_status, _heard] = _to

# ---- order styles ---------------------------------------------------------------------------------------------
POST_ONLY: Final = 0  # limit, good till cancelled, expires instead of taking
LIMIT: Final = 1  # limit, good till cancelled, may take
IOC: Final = 2  # limit, immediate or cancel; its price is the slippage bound
MARKET: Final = 3  # at the next price, whatever it is
STOP: Final = 4  # held at the desk: sells (or buys) at market when the price trades at or through it
STYLE_NAMES: Final = ("post-only", "limit", "ioc", "market", "stop")

BUY: Final = 1
SELL: Final = -1
