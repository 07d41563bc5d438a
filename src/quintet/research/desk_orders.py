"""What became of each order of a desk, read from its tape: when it was decided, taken, filled, over, and why.

Times are ns UTC; `happened` is the venue's clock, `heard` ours. A venue that stamps whole milliseconds is early by up
to one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core import events as ev
from quintet.core.orders.lifecycle import CONGESTED, TOO_MANY
from quintet.ports.order_entry import HELD_BACK_FACT
from quintet.research.desk_words import STYLE_MASK, STYLE_SHIFT

_OVER: Final = (
    ev.ORDER_REJECTED, ev.ORDER_CANCELED, ev.ORDER_EXPIRED, ev.COMMAND_LOST, ev.COMMAND_SUPPRESSED,
)  # fmt: skip
_LIMITS: Final = (TOO_MANY, CONGESTED)


class Given(NamedTuple):
    """A command: what was decided, and when. `price` and `lots` as they stand in it."""

    kind: int
    ts_ns: int
    price: int
    lots: int


class Heard(NamedTuple):
    """An answer of the venue, a row kind with its reason."""

    kind: int
    reason: int
    happened_ns: int
    heard_ns: int
    price: int = 0
    lots: int = 0


class Filled(NamedTuple):
    """One execution. `fee` in quanta of the asset, + = paid."""

    happened_ns: int
    heard_ns: int
    price: int
    lots: int
    maker: bool
    fee: int
    fee_asset: int


@dataclass(slots=True)
class DeskOrder:
    """One order with everything the tape says of it; `side` +1 buys, -1 sells."""

    number: int
    instrument: int
    side: int
    style: int
    price: int
    lots: int
    reduce_only: bool
    decided_ns: int
    changes: list[Given] = field(default_factory=list)
    answers: list[Heard] = field(default_factory=list)
    fills: list[Filled] = field(default_factory=list)
    held_back_ns: int = 0

    @property
    def filled_lots(self) -> int:
        """Of all its executions."""
        return sum(fill.lots for fill in self.fills)

    @property
    def over(self) -> Heard | None:
        """How it ended, if the venue ended it or it never got there; a filled one has no such answer."""
        return next((one for one in self.answers if one.kind in _OVER), None)

    @property
    def taken_ns(self) -> int | None:
        """The venue's time at which it was there: of its acknowledgement, or of what came before it; None: never."""
        stamps = [one.happened_ns for one in self.answers if one.kind in (ev.ORDER_ACCEPTED, ev.ORDER_EXPIRED)]
        stamps += [fill.happened_ns for fill in self.fills]
        return min(stamps) if stamps else None

    @property
    def ended_ns(self) -> int | None:
        """The venue's time from which it rested no more; None while nobody has said so."""
        if self.over is not None:
            return self.over.happened_ns
        return self.fills[-1].happened_ns if self.fills and self.filled_lots >= self.last_lots else None

    @property
    def last_lots(self) -> int:
        """Its lots after all changes that the venue made, what is filled included."""
        changed = [one for one in self.answers if one.kind in (ev.ORDER_AMENDED, ev.ORDER_REDUCED)]
        return changed[-1].lots if changed else self.lots

    @property
    def turned_away(self) -> str:
        """Why it was never at work: `rate limit`, `reject`, `not sent`; empty for one that was."""
        over = self.over
        if self.fills:
            return ""
        if over is None:  # unheard of to the end: nobody knows that it was ever there
            return "" if self.taken_ns is not None else "not sent"
        if over.kind == ev.ORDER_REJECTED:
            return "rate limit" if over.reason in _LIMITS else "reject"
        if over.kind in (ev.COMMAND_SUPPRESSED, ev.COMMAND_LOST):
            return "rate limit" if self.held_back_ns else "not sent"
        return ""


def read_orders(rows: Any) -> dict[int, DeskOrder]:
    """The orders of a desk tape by number, in the order in which they were given; `rows`: its events, in whole."""
    plain = np.asarray(rows)
    plain = plain[plain["kind"] != ev.HEADER]
    orders: dict[int, DeskOrder] = {}
    kinds = plain["kind"]
    for n in np.flatnonzero((kinds >= ev.ORDER_ACCEPTED) & (kinds <= ev.AMEND) | (kinds == ev.FACT)).tolist():
        _read_row(plain, n, orders)
    return orders


def _read_row(rows: Any, n: int, orders: dict[int, DeskOrder]) -> None:
    row = rows[n]
    kind, quantity, price = int(row["kind"]), int(row["quantity"]), int(row["price"])
    happened, heard = int(row["ts_event"]), int(row["ts_recv"])
    if kind in (ev.PLACE, ev.CANCEL, ev.AMEND):
        number = int(rows[n + 1]["quantity"])
        if kind == ev.PLACE:
            bits = int(row["bits"])
            side, style = -1 if bits & ev.SELL_BIT else 1, bits >> STYLE_SHIFT & STYLE_MASK
            reduce_only, instrument = bool(bits & ev.REDUCE_ONLY), int(row["instrument"])
            orders[number] = DeskOrder(number, instrument, side, style, price, quantity, reduce_only, heard)
        elif number in orders:
            orders[number].changes.append(Given(kind, heard, price, quantity))
    elif kind == ev.FILL:
        order = orders.get(int(rows[n + 1]["quantity"]))
        if order is not None:
            maker = bool(int(row["bits"]) & ev.MAKER)
            fee, asset = int(rows[n + 2]["quantity"]), int(rows[n + 2]["price"])
            order.fills.append(Filled(happened, heard, price, quantity, maker, fee, asset))
    elif kind in (ev.ORDER_AMENDED, ev.ORDER_REDUCED):
        if quantity in orders:
            lots = int(rows[n + 1]["quantity"])
            orders[quantity].answers.append(Heard(kind, 0, happened, heard, price, lots))
    elif kind == ev.FACT:
        if quantity in orders and _says(rows, n, HELD_BACK_FACT):
            orders[quantity].held_back_ns += price * 1_000
    elif kind <= ev.COMMAND_UNANSWERED and kind not in (ev.FILL_ORDER, ev.FILL_FEE, ev.FILL_EXECUTION, ev.ORDER_LOTS):
        if quantity in orders:
            orders[quantity].answers.append(Heard(kind, price, happened, heard))


def _says(rows: Any, n: int, words: bytes) -> bool:
    """Do the rows of text behind row `n` begin with these words?"""
    text = b""
    while n + 1 < len(rows) and int(rows[n + 1]["kind"]) == ev.TEXT and len(text) < len(words):
        n += 1
        text += rows[n].tobytes()[: int(rows[n]["bits"]) >> 1]
    return text.startswith(words)


def resting_spans(order: DeskOrder, end_ns: int) -> list[tuple[int, int, int, int]]:
    """When how much of an order stood at which price at the venue: (from, to, price, lots), the venue's clock.

    `end_ns`: where the tape ends, for an order that nobody has called over.
    """
    taken, ended = order.taken_ns, order.ended_ns
    if taken is None:
        return []
    changes = [(fill.happened_ns, 0, -fill.lots) for fill in order.fills]
    changed = [one for one in order.answers if one.kind in (ev.ORDER_AMENDED, ev.ORDER_REDUCED)]
    price, left, at, spans = order.price, order.lots, taken, []
    for happened, to_price, lots in sorted(changes + [(one.happened_ns, one.price, one.lots) for one in changed]):
        if happened > at and left > 0:
            spans.append((at, happened, price, left))
            at = happened
        if to_price:
            price, left = to_price, lots - sum(fill.lots for fill in order.fills if fill.happened_ns <= happened)
        else:
            left += lots
    until = end_ns if ended is None else ended
    if left > 0 and until > at:
        spans.append((at, until, price, left))
    return spans


def response_times(orders: Sequence[DeskOrder]) -> list[int]:
    """From the venue to us, ns: of every acknowledgement and every fill."""
    return [heard - happened for happened, heard in _response_stamps(orders)]


def lone_responses(orders: Sequence[DeskOrder]) -> list[int]:
    """The same of those that were sent when no other answer was under way."""
    found, last_ns = [], 0
    for happened, heard in sorted(_response_stamps(orders)):
        if last_ns <= happened:
            found.append(heard - happened)
        last_ns = max(last_ns, heard)
    return found


def _response_stamps(orders: Sequence[DeskOrder]) -> list[tuple[int, int]]:
    stamps = [(one.happened_ns, one.heard_ns) for order in orders for one in order.answers if _travels(one)]
    return stamps + [(fill.happened_ns, fill.heard_ns) for order in orders for fill in order.fills]


def _travels(answer: Heard) -> bool:
    """Does it bear the venue's own time? Answers to requests are stamped when we hear them."""
    return answer.kind in (ev.ORDER_ACCEPTED, ev.ORDER_CANCELED, ev.ORDER_EXPIRED) and (
        answer.happened_ns != answer.heard_ns
    )


def entry_times(orders: Sequence[DeskOrder]) -> list[tuple[int, int]]:
    """(decided, ns from the decision to the venue) of every order whose acknowledgement bears the venue's time."""
    return [
        (order.decided_ns, order.taken_ns - order.decided_ns)
        for order in orders
        if order.taken_ns is not None and not order.held_back_ns
    ]


def lone_entries(orders: Sequence[DeskOrder]) -> list[int]:
    """From the decision to the venue, ns, of orders that were sent when no other command was under way.

    Of one moment cancels leave first, then changes, then new orders in the order of their numbers.
    """
    ranks = {ev.CANCEL: 0, ev.AMEND: 1, ev.PLACE: 2}
    sent: list[tuple[int, int, int, int | None]] = []
    for order in orders:
        if not order.held_back_ns:
            sent.append((order.decided_ns, ranks[ev.PLACE], order.number, order.taken_ns))
        over = order.over
        for change in order.changes:
            gone = over is not None and over.kind == ev.ORDER_CANCELED and over.happened_ns >= change.ts_ns
            arrived = over.happened_ns if over is not None and gone and change.kind == ev.CANCEL else None
            sent.append((change.ts_ns, ranks[change.kind], order.number, arrived))
    found, last_ns, unknown_ns = [], 0, -1
    for decided, rank, _, arrived in sorted(sent, key=lambda one: one[:3]):
        if rank == ranks[ev.PLACE] and arrived is not None and last_ns <= decided != unknown_ns:
            found.append(arrived - decided)
        last_ns = max(last_ns, arrived or 0)
        unknown_ns = decided if arrived is None else unknown_ns
    return found
