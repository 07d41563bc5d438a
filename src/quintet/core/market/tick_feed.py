"""What a venue's tick feed says, before it is numbers: depth messages, trades and best prices.

A decoder makes these from frames and knows nothing else: no files, no books, no memory. Texts of numbers stay as the
venue wrote them, so that they become ticks and lots exactly once, in `level_text`. Times are ns UTC; UNKNOWN where a
feed does not say.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from quintet.core.tape import TapeMeta

UNKNOWN: Final = -1

LATENCY_NOTE: Final = "feed_latency"
"""Key in a tape's notes: `measured`, or why the two clocks cannot be believed to measure it."""

NOT_TRADED_NOTE: Final = "not_traded"
"""Key in a tape's notes: why a backtest must not trade it. Absent: it may."""

MEASURED: Final = "measured"


class Frame(NamedTuple):
    """One message as it was recorded. `where`: file and line; `url`: what was asked, for answers to requests."""

    where: tuple[int, int]
    recv_ns: int
    body: bytes
    url: str = ""


class BookChange(NamedTuple):
    """One depth message. A quantity is the level's new total, 0 = level gone; a snapshot replaces the book.

    `last_id` is the venue's number of the book after it, `previous_id` of the book it follows (UNKNOWN: the venue
    numbers nothing). `asked`: a snapshot that was requested beside the stream and has to be fitted into it; one that
    comes in the stream holds at once. `symbol` is empty where the answer does not name it.
    """

    where: tuple[int, int]
    recv_ns: int
    event_ns: int
    symbol: str
    bids: bytes
    asks: bytes
    snapshot: bool = False
    asked: bool = False
    previous_id: int = UNKNOWN
    last_id: int = UNKNOWN


class Trade(NamedTuple):
    """One printed trade: `buy` when a buyer took. `levels`: `[["price","quantity"]]`. `number`: the venue's, rising."""

    where: tuple[int, int]
    recv_ns: int
    event_ns: int
    symbol: str
    buy: bool
    levels: bytes
    number: int = UNKNOWN


class BestPrices(NamedTuple):
    """Best bid and ask as a stream of its own tells them; kept only to count and compare, never in the book."""

    where: tuple[int, int]
    recv_ns: int
    event_ns: int
    symbol: str
    bid: bytes
    ask: bytes
    last_id: int = UNKNOWN


class OrderChange(NamedTuple):
    """One order of an order-level feed: what the level's total becomes, and which order did it.

    `action`: ORDER_ENTERED, ORDER_CHANGED or ORDER_GONE of `core.events`. `total` is decimal text.
    """

    where: tuple[int, int]
    recv_ns: int
    event_ns: int
    symbol: str
    buy: bool
    levels: bytes
    order: int
    action: int


class Aside(NamedTuple):
    """A frame that is no market fact, and what it is: acknowledgements, candles, trades of size nothing."""

    where: tuple[int, int]
    kind: str


Fact = BookChange | Trade | BestPrices | OrderChange | Aside


def reason_not_traded(meta: TapeMeta) -> str:
    """Why a tape must not be traded in a backtest; empty when it may."""
    return meta.notes.get(NOT_TRADED_NOTE, "")


def inherited_notes(metas: Sequence[TapeMeta]) -> dict[str, str]:
    """What a tape made from tapes must go on saying: a latency that cannot be believed, and that none may be traded.

    A book of one tape may meet the trades of another, so a merge is traded as soon as one of its parts is.
    """
    notes = {}
    unbelieved = [meta.notes[LATENCY_NOTE] for meta in metas if not latency_believed(meta)]
    if unbelieved:
        notes[LATENCY_NOTE] = unbelieved[0]
    reasons = [reason_not_traded(meta) for meta in metas]
    if all(reasons):
        notes[NOT_TRADED_NOTE] = reasons[0]
    return notes


def latency_believed(meta: TapeMeta) -> bool:
    """False when the tape says that its two clocks cannot measure the feed's latency."""
    return meta.notes.get(LATENCY_NOTE, MEASURED) == MEASURED
