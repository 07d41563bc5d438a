"""The life of an order as a table: what may follow what.

A fill is a fact and is booked in any state; everything else that the table does not allow is counted and ignored
(a repeated or late message) and never brings a finished order back.
"""

from typing import Final

import numpy as np

from quintet.core.kernel import kernel

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
STOP: Final = 4  # waits until the price trades at or through its own, against us: then it closes at market
FOK: Final = 5  # limit, fill or kill: all of it at once, or nothing
TAKE_PROFIT: Final = 6  # waits until the price trades at or through its own, for us: then it closes at market
STYLE_NAMES: Final = ("post-only", "limit", "ioc", "market", "stop", "fok", "take-profit")

# ---- why the venue ended an order that we did not cancel --------------------------------------------------------
NO_REASON: Final = 0
WOULD_TAKE: Final = 1
NOT_THERE: Final = 2
NOT_WHOLE: Final = 3
MEETS_OUR_OWN: Final = 4
NOTHING_TO_CLOSE: Final = 5
TOO_MANY: Final = 6
CONGESTED: Final = 7
UNKNOWN_STYLE: Final = 8
MAKES_ROOM: Final = 9
NOT_TRADING: Final = 10
VENUE_REASON_NAMES: Final = (
    "none", "post-only would take", "nothing left within its limit", "not all of it was there", "meets our own order",
    "nothing to close", "too many orders in a second", "venue congested", "style the venue does not know",
    "makes room for what closes", "not trading",
)  # fmt: skip

BUY: Final = 1
SELL: Final = -1


@kernel
def waits_for_price(style: int) -> bool:
    """Is it an order that binds nothing and is in nobody's way until the price triggers it?"""
    return style == STOP or style == TAKE_PROFIT
