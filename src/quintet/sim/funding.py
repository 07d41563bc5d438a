"""Funding at the venue's times, from the mark price and the rate on the tape (tick mode).

Assumption: at every whole multiple of the interval, UTC, what is held then pays its value at the mark price (where none
was given, at the last trade) times the last rate given by then; orders that arrive at that moment come after it.
"""

from typing import Any

from quintet.core.accounting.funding import book_funding, funding_quanta
from quintet.core.events import FUNDING, TEXT
from quintet.core.kernel import kernel
from quintet.core.state import INSTRUMENTS, NEVER
from quintet.sim.exchange import respond
from quintet.sim.margin import mark_of, watch_margin


@kernel
def next_funding(venue: Any, rows: Any, i: int, end: int) -> int:
    """When funding is due next, if the tape has rows from `i` on; the first time is after its first row."""
    while i < end and int(rows[i].kind) >= TEXT:
        i += 1
    if i >= end:
        return NEVER
    if venue.funding_next == 0:
        venue.funding_next = (rows[i].ts_event // venue.funding_every_ns + 1) * venue.funding_every_ns
    return venue.funding_next


@kernel
def pay_funding(venue: Any, level: Any) -> None:
    """It is time: every position in a perpetual pays or receives."""
    ts = venue.funding_next
    venue.funding_next += venue.funding_every_ns
    for n in range(INSTRUMENTS):
        inst, lots, mark = venue.instruments[n], venue.book[n].held, mark_of(venue, n)
        if inst.kind == 0 or lots == 0 or mark == 0 or venue.perpetual[n].funding_rate_e9 == 0:
            continue
        response = respond(venue, FUNDING, 0, 0, ts)
        response.slot = -1
        response.instrument = n
        response.price = mark
        response.lots = lots
        response.fee = funding_quanta(inst, lots, mark, venue.perpetual[n].funding_rate_e9)
        response.fee_asset = inst.base_asset if inst.kind == 2 else inst.quote_asset
        venue.next_execution += 1
        response.execution = venue.next_execution
        if venue.margin.mode != 0:
            book_funding(venue.account[n], venue.ledger, response.fee, response.fee_asset)
    if venue.margin.mode != 0:
        watch_margin(venue, level, ts)
