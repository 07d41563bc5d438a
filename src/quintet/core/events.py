"""Every fact that can happen, and the one row it is written in.

A row is 32 bytes for every kind, little-endian, no padding. A *message* is one or more rows of one source that
belong together (a depth update, a bar, a fill); all its rows bear the same two times, and the last one has
`LAST` set in `bits`. A richer fact keeps its text in TEXT rows that follow it inside the same message.

| field      | type | meaning |
|------------|------|---------|
| ts_event   | i8   | ns UTC, the venue's clock: when it happened |
| ts_recv    | i8   | ns UTC, our clock: when we knew it; never decreases along a tape |
| quantity   | i8   | lots, or what the kind says (quanta, a rate in 1e-9, an order number) |
| price      | i4   | ticks of the instrument's price increment, or a small number of the kind |
| instrument | u2   | index into the tape's instruments |
| kind       | u1   | see below |
| bits       | u1   | bit 0 LAST; the rest as the kind says |

Position is the number of a row among the rows that are not headers, counted from 0. It is the only order that counts.
"""

from typing import Final

import numpy as np

ROW: Final = np.dtype(
    [
        ("ts_event", "<i8"),
        ("ts_recv", "<i8"),
        ("quantity", "<i8"),
        ("price", "<i4"),
        ("instrument", "<u2"),
        ("kind", "u1"),
        ("bits", "u1"),
    ]
)
assert ROW.itemsize == 32

PRICE_MAX: Final = 2**31 - 1
QUANTITY_MAX: Final = 2**62 - 1

LAST: Final = 1
"""Bit 0 of every row: the last row of its message."""

# ---- market: outside facts (a market tape holds these only) -------------------------------------------------
BID_LEVEL: Final = 0  # quantity: the level's new total in lots, 0 = level gone
ASK_LEVEL: Final = 1
TRADE_BUY: Final = 2  # a buyer took; quantity: traded lots
TRADE_SELL: Final = 3
BOOK_CLEAR: Final = 4  # both sides are unknown from here until levels arrive
BEST_BID: Final = 5  # ticker: best bid price and size
BEST_ASK: Final = 6
LAST_PRICE: Final = 7  # ticker: price of the latest trade
BAR_OPEN: Final = 8  # a bar is two rows, three with a known turnover; price: open; quantity: volume in lots
BAR_CLOSE: Final = 9  # price: close; quantity: high * 2^31 + low; ts_event of a bar is its END
BAR_TURNOVER: Final = 10  # quantity: turnover in quanta of the quote asset; price: number of trades, 0 = unknown
BOOK_ORDER: Final = 11  # order-level feeds, before the level it moves; quantity: the order's id; bits: what it does
MARK_PRICE: Final = 12
INDEX_PRICE: Final = 13
FUNDING_RATE: Final = 14  # quantity: rate in 1e-9 of the interval, + = longs pay
FEED_GAP: Final = 15  # quantity: missing messages or bars, -1 = unknown number
INSTRUMENT: Final = 16  # definition (JSON in TEXT rows), valid from here on; tick and lot may change in time
VENUE_STATUS: Final = 17  # quantity: 1 trading, 0 not trading
FACT: Final = (
    18  # an outside number: quantity: value; price: revision; bits >> 1: its quality (core.facts); then FACT_KEY
)
FACT_KEY: Final = (
    19  # quantity: 62-bit key of the fact's name, which follows in TEXT rows; price: decimals of the value
)

# ---- desk: what entered `step` besides the market ------------------------------------------------------------
TIMER: Final = 32  # quantity: timer number
CLOCK_ADVANCED: Final = 33
ORDER_ACCEPTED: Final = 40  # quantity: order number
ORDER_REJECTED: Final = 41  # quantity: order number; price: reason
ORDER_CANCELED: Final = 42  # quantity: order number
ORDER_EXPIRED: Final = 43  # quantity: order number; IOC remainder, post-only that would cross
CANCEL_REJECTED: Final = 44  # quantity: order number
STOP_TRIGGERED: Final = 45  # quantity: order number; price: the trigger
ORDER_AMENDED: Final = 46  # quantity: order number; price: its price from now on; then ORDER_LOTS
AMEND_REJECTED: Final = 47  # quantity: order number; price: reason; the order stays as it was
FILL: Final = 48  # price, quantity: lots; bits: MAKER, SELL, LIQUIDATION; then FILL_ORDER, FILL_FEE, FILL_EXECUTION
FILL_ORDER: Final = 49  # quantity: order number
FILL_FEE: Final = 50  # quantity: fee in quanta (+ = paid); price: asset index
FILL_EXECUTION: Final = 51  # quantity: 62-bit key of the venue's execution id; a fill is booked once by it
ORDER_REDUCED: Final = (
    52  # the venue cut a reduce-only order; quantity: order number; price: its price; then ORDER_LOTS
)
ORDER_LOTS: Final = 53  # quantity: the order's lots from now on, what is filled of it included
FUNDING: Final = 54  # quantity: quanta paid (- = received); price: mark price it was counted at; then FUNDING_EXECUTION
FUNDING_EXECUTION: Final = 55  # quantity: 62-bit key of the venue's execution id; price: asset index; booked once by it
COMMAND_LOST: Final = 56  # quantity: order number, proven absent at the venue
COMMAND_SUPPRESSED: Final = 57  # quantity: order number, dropped by the dispatcher (kill file)
COMMAND_UNANSWERED: Final = 58  # quantity: order number; no answer in time: unknown, and asked about until it is known
OPERATOR: Final = 60  # quantity: an OperatorAction
CONFIG_CHANGED: Final = 61
MIGRATION: Final = 62
RECONCILED: Final = 63  # quantity: difference in quanta posted to suspense; price: asset index

# ---- output: commands after the gate (a replay compares them, it does not feed them) ------------------------
PLACE: Final = 64  # price, quantity: lots; bits: SELL, the order type, REDUCE_ONLY; then COMMAND_ORDER
CANCEL: Final = 65
AMEND: Final = 66  # price and quantity: what they shall be, lots that are filled included; then COMMAND_ORDER
COMMAND_ORDER: Final = 68  # quantity: order number
REFUSED: Final = 72  # the gate's no: price: limit number, quantity: order number

TEXT: Final = 254  # the 30 bytes before `kind` are payload; bits >> 1: how many of them count
HEADER: Final = 255  # half of a block header; carries no fact

MARKET_KINDS: Final = frozenset(range(BID_LEVEL, FACT_KEY + 1))
OUTPUT_KINDS: Final = frozenset(range(PLACE, REFUSED + 1))

MAKER: Final = 2  # bit 1 of FILL
SELL_BIT: Final = 4  # bit 2 of FILL and of commands
LIQUIDATION: Final = 8  # bit 3 of FILL: the venue took the position over; it belongs to no order
REDUCE_ONLY: Final = 64  # bit 6 of PLACE

ORDER_ENTERED: Final = 2  # bits of BOOK_ORDER: came to the end of the level's queue
ORDER_CHANGED: Final = 4  # has another size now, its place kept
ORDER_GONE: Final = 8

# ---- bars ----------------------------------------------------------------------------------------------------
HIGH_SHIFT: Final = 31
LOW_MASK: Final = 2**31 - 1
"""Both extremes of a bar are 31-bit prices in one 62-bit quantity, so that a bar is one cache line."""

MINUTE_NS: Final = 60_000_000_000
TIMEFRAMES: Final[dict[str, int]] = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "8h": 480,
    "12h": 720,
    "1d": 1440,
}
"""Name to minutes; a bar row's `bits >> 1` is the timeframe's number, its place in this table counted from 1."""

SECOND_NS: Final = 1_000_000_000
SECOND_TIMEFRAMES: Final[dict[str, int]] = {"1s": 1, "5s": 5, "10s": 10, "15s": 15, "30s": 30}
"""Name to seconds; bars this short are on no tape, a desk builds them from trades."""

TIMEFRAME_NUMBER: Final[dict[str, int]] = {name: n for n, name in enumerate((*TIMEFRAMES, *SECOND_TIMEFRAMES), start=1)}
TIMEFRAME_NAMES: Final = ("", *TIMEFRAME_NUMBER)
"""By number."""


def timeframe_ns(name: str) -> int:
    """Length of a timeframe in nanoseconds; raises KeyError for an unknown name."""
    return SECOND_TIMEFRAMES[name] * SECOND_NS if name in SECOND_TIMEFRAMES else TIMEFRAMES[name] * MINUTE_NS


TIMEFRAME_NS: Final = np.array([0, *map(timeframe_ns, TIMEFRAME_NUMBER)], np.int64)
"""Length in ns by timeframe number."""
