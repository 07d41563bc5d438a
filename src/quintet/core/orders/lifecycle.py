"""The life of an order as a table: what may follow what.

    created     a want of the system, not yet an order
    checked     what the gate has let through, at once
    sent        IN_FLIGHT
    open        OPEN: the venue has acknowledged it; partly filled it is still open
    over        FREE: filled, rejected, cancelled, expired, or proven never to have been there
    unknown     UNKNOWN, AMEND_UNKNOWN: no answer in time; never failed, it holds its room until the venue was asked

A fill is a fact and is booked in any state. Of everything else that the table does not allow, what may be a repeated or
late message is counted and ignored, and what cannot be true is refused and alarms: an answer to what was never asked,
an order number never issued, an order changed by somebody else. Neither brings a finished order back.

While an amendment is under way an order holds the room of the larger of what it is and what it shall be: nobody knows
yet which of the two the market meets. The same while its answer is missing; only the answer to the amendment settles
it (ORDER_AMENDED with what the venue shows, which may be what it was), not that the order is there.
"""

from typing import Any, Final

import numpy as np

from quintet.core.kernel import kernel

# ---- status of a slot -----------------------------------------------------------------------------------------
FREE: Final = 0
IN_FLIGHT: Final = 1  # sent, not heard of
OPEN: Final = 2
CANCEL_IN_FLIGHT: Final = 3
UNKNOWN: Final = 4  # a placement or a cancel without an answer; its margin stays reserved until the venue is asked
AMEND_IN_FLIGHT: Final = 5
AMEND_UNKNOWN: Final = 6  # there, as it was or as it shall be
STATUS_NAMES: Final = ("free", "in flight", "open", "cancel in flight", "unknown", "amend in flight", "amend unknown")

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
AMENDED: Final = 9
AMEND_REJECTED: Final = 10
REDUCED: Final = 11  # the venue cut a reduce-only order to the position
HEARD_NAMES: Final = (
    "accepted", "rejected", "canceled", "expired", "cancel rejected", "partly filled", "filled", "lost", "timed out",
    "amended", "amend rejected", "reduced",
)  # fmt: skip

IGNORE: Final = -1
ILLEGAL: Final = -2

_MOVES: Final = {
    # Nothing but a placement has been asked of it.
    IN_FLIGHT: {
        ACCEPTED: OPEN, REJECTED: FREE, CANCELED: FREE, EXPIRED: FREE,
        PARTLY_FILLED: OPEN, FILLED: FREE, LOST: FREE, TIMED_OUT: UNKNOWN, REDUCED: IN_FLIGHT,
        CANCEL_REJECTED: ILLEGAL, AMENDED: ILLEGAL, AMEND_REJECTED: ILLEGAL,
    },
    OPEN: {
        CANCELED: FREE, EXPIRED: FREE, PARTLY_FILLED: OPEN, FILLED: FREE, LOST: FREE, REJECTED: FREE, REDUCED: OPEN,
    },
    # A cancel may lose the race to a fill, or be refused and leave the order open.
    CANCEL_IN_FLIGHT: {
        CANCELED: FREE, CANCEL_REJECTED: OPEN, PARTLY_FILLED: CANCEL_IN_FLIGHT, FILLED: FREE, EXPIRED: FREE, LOST: FREE,
        TIMED_OUT: UNKNOWN, REJECTED: FREE, REDUCED: CANCEL_IN_FLIGHT,
    },
    # The late answer, or what asking found: it is there (a cancel has not arrived, and is sent anew if it is still
    # wanted), or it is not.
    UNKNOWN: {
        ACCEPTED: OPEN, REJECTED: FREE, CANCELED: FREE, EXPIRED: FREE, PARTLY_FILLED: OPEN, FILLED: FREE, LOST: FREE,
        CANCEL_REJECTED: OPEN, REDUCED: UNKNOWN, AMENDED: ILLEGAL, AMEND_REJECTED: ILLEGAL,
    },
    # A refused amendment leaves the order as it was; one that would take against its style ends it.
    AMEND_IN_FLIGHT: {
        AMENDED: OPEN, AMEND_REJECTED: OPEN, PARTLY_FILLED: AMEND_IN_FLIGHT, FILLED: FREE, CANCELED: FREE,
        EXPIRED: FREE, REJECTED: FREE, LOST: FREE, TIMED_OUT: AMEND_UNKNOWN, REDUCED: AMEND_IN_FLIGHT,
    },
    AMEND_UNKNOWN: {
        AMENDED: OPEN, AMEND_REJECTED: OPEN, PARTLY_FILLED: AMEND_UNKNOWN, FILLED: FREE, CANCELED: FREE,
        EXPIRED: FREE, REJECTED: FREE, LOST: FREE, REDUCED: AMEND_UNKNOWN,
    },
}  # fmt: skip

NEXT: Final = np.full((len(STATUS_NAMES), len(HEARD_NAMES)), IGNORE, np.int64)
for _status, _moves in _MOVES.items():
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
IS_OVER: Final = 11
FILLED_BEYOND: Final = 12
NO_AMENDS: Final = 13
SHORT_OF_MARGIN: Final = 14
LIQUIDATED: Final = 15
NOT_HELD: Final = 16
VENUE_REASON_NAMES: Final = (
    "none", "post-only would take", "nothing left within its limit", "not all of it was there", "meets our own order",
    "nothing to close", "too many orders in a second", "venue congested", "style the venue does not know",
    "makes room for what closes", "not trading", "the order is over", "more is filled than it shall have",
    "venue does not amend", "margin is short", "position liquidated", "more than is held",
)  # fmt: skip

BUY: Final = 1
SELL: Final = -1


WAITING: Final = (STOP, TAKE_PROFIT)
"""The styles of which `waits_for_price` is true, for Python, which asks this faster than it calls a kernel."""


@kernel
def waits_for_price(style: int) -> bool:
    """Is it an order that binds nothing and is in nobody's way until the price triggers it?"""
    return style == STOP or style == TAKE_PROFIT


@kernel
def held_lots(order: Any) -> int:
    """Lots of a live order that may still fill: the larger of what it is and what it shall be, less what is filled."""
    return max(order.lots, order.to_lots) - order.filled


@kernel
def nearest_price(order: Any) -> int:
    """The price at which a live order can first meet the other side: while it is amended, the nearer of the two."""
    if order.to_lots == 0 or order.side * (order.to_price - order.price) < 0:
        return order.price
    return order.to_price
