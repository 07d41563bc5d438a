"""The two clocks of a feed: made to keep one order, message by message, and compared.

Nothing is guessed about them: what was changed is counted, and what they say about each other is kept as it was.
"""

from typing import Any, Final

from quintet.core import events as ev
from quintet.core.kernel import kernel
from quintet.core.market.tick_feed import UNKNOWN
from quintet.core.records import record

CLOCKS: Final = record(
    last_recv="i8",
    stepped_back="i8",  # messages whose receive time was behind that of the message before
    stepped_back_max_ns="i8",
    measured="i8",  # messages with both times
    negative="i8",  # received before they happened
    latency_min_ns="i8",
    latency_max_ns="i8",
    latency_sum_us="i8",
)
ORDERED: Final = record(last_event="i8", crossed="i8", crossed_max_ns="i8")
"""By instrument: the latest venue time, and the messages that were behind it."""

_BOOK_CLEAR, _FEED_GAP, _ORDER = ev.BOOK_CLEAR, ev.FEED_GAP, ev.BOOK_ORDER
_LAST = ev.LAST
_UNKNOWN = UNKNOWN


@kernel
def settle(rows: Any, clocks: Any, ordered: Any) -> None:
    """Give every message two times that the row laws accept, in place, and count what was seen and changed.

    A time that is not known is taken from the other clock; the latency of such a message, and of a snapshot (an
    answer, not a message of the stream), is not measured.
    """
    clock = clocks[0]
    first = 0
    for n in range(rows.shape[0]):
        if int(rows[n].kind) == _ORDER:
            rows[n].price = rows[n + 1].price  # the level it moves ends its message
        if int(rows[n].bits) & _LAST == 0:
            continue
        instrument = ordered[int(rows[first].instrument)]
        kind = int(rows[first].kind)
        event = rows[first].ts_event
        recv = rows[first].ts_recv
        if event != _UNKNOWN and recv != _UNKNOWN and kind != _BOOK_CLEAR and kind != _FEED_GAP:
            latency = recv - event
            if clock.measured == 0 or latency < clock.latency_min_ns:
                clock.latency_min_ns = latency
            if clock.measured == 0 or latency > clock.latency_max_ns:
                clock.latency_max_ns = latency
            clock.measured += 1
            clock.negative += 1 if latency < 0 else 0
            clock.latency_sum_us += latency // 1000
        if recv == _UNKNOWN:
            recv = event
        if recv < clock.last_recv:
            clock.stepped_back += 1
            clock.stepped_back_max_ns = max(clock.stepped_back_max_ns, clock.last_recv - recv)
            recv = clock.last_recv
        clock.last_recv = recv
        if event == _UNKNOWN and (kind == _FEED_GAP or kind == _BOOK_CLEAR) and instrument.last_event > 0:
            event = instrument.last_event
        elif event == _UNKNOWN:
            event = max(recv, instrument.last_event)
        if event < instrument.last_event:
            instrument.crossed += 1
            instrument.crossed_max_ns = max(instrument.crossed_max_ns, instrument.last_event - event)
            event = instrument.last_event
        instrument.last_event = event
        for i in range(first, n + 1):
            rows[i].ts_event = event
            rows[i].ts_recv = recv
        first = n + 1
