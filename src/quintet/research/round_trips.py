"""Round trips: every fill that closes something, with what it closes.

A closing fill takes lots of its own tag first, then the oldest. Money is whole: the part of an opening's cash that a
closing releases is rounded down, and what stays open keeps exactly the rest. So the results of all round trips, and of
what is still open at the last mark, sum to the net result.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from quintet.core.instrument import Instrument
from quintet.research.attribution import FillRow, Holding, fill_rows, holding_of

Columns = Mapping[str, Any]


class RoundTrip(NamedTuple):
    """One closing fill. Times ns UTC, `entry_price` the mean of what it closed, in price increments; `quanta`: net.

    `side`: +1 was long, -1 was short; `tag` that of the oldest lot it closed, `closing_tag` its own.
    """

    entered_ns: int
    left_ns: int
    side: int
    held: int
    entry_price: float
    exit_price: int
    quanta: int
    tag: int
    closing_tag: int
    closed_as_maker: bool


class RoundTrips(NamedTuple):
    """All of them, oldest first, and the result of what is still open, valued at the last mark; quote quanta."""

    trips: tuple[RoundTrip, ...]
    open_quanta: int

    @property
    def total(self) -> int:
        """The net result."""
        return sum(trip.quanta for trip in self.trips) + self.open_quanta


class _Lot:
    """What one opening fill left open. `cash`: what it moved, fees in quote included, a purchase negative."""

    def __init__(self, side: int, held: int, cash: int, ts_ns: int, price: int, tag: int) -> None:
        self.side = side
        self.held = held
        self.cash = cash
        self.ts_ns = ts_ns
        self.price = price
        self.tag = tag

    def release(self, held: int) -> int:
        """Take `held` of it away and return the cash that belongs to it, the size rounded down."""
        whole = held == self.held
        part = self.cash if whole else -(-self.cash * held // self.held)
        self.held -= held
        self.cash -= part
        return part


def round_trips(fills: Columns, equity: Columns, instrument: Instrument, opening_held: int = 0) -> RoundTrips | None:
    """Of a run's tables; None on inverse contracts and where there is no mark."""
    holding = holding_of(instrument)
    if holding is None or len(equity["ts_ns"]) == 0:
        return None
    first_price, last_price = int(equity["price_ticks"][0]), int(equity["price_ticks"][-1])
    book = _Book(holding)
    if opening_held:
        cash = -holding.worth(opening_held, first_price)
        book.lots.append(_Lot(1, opening_held, cash, int(equity["ts_ns"][0]), first_price, 0))
    last_ns = int(equity["ts_ns"][-1])
    for fill in fill_rows(fills, instrument):
        if fill.known_ns <= last_ns:
            book.take(fill)
    return RoundTrips(tuple(book.trips), book.worth_open(last_price))


class _Book:
    """Open lots, oldest first, and the round trips so far."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.lots: list[_Lot] = []
        self.trips: list[RoundTrip] = []

    def take(self, fill: FillRow) -> None:
        """Close what stands against it, open the rest."""
        moved = fill.lots * self.holding.unit
        cash = -fill.side * fill.price * fill.lots * self.holding.quanta
        if fill.fee_in_base:
            moved -= fill.side * fill.fee
        else:
            cash -= fill.fee
        opposed = [lot for lot in self.lots if lot.side == -fill.side]
        closing = min(moved, sum(lot.held for lot in opposed))
        if closing > 0:
            part = cash if closing == moved else -(-cash * closing // moved)
            self._close(fill, closing, part, sorted(opposed, key=lambda lot: lot.tag != fill.tag))
            moved, cash = moved - closing, cash - part
        if moved > 0:
            self.lots.append(_Lot(fill.side, moved, cash, fill.happened_ns, fill.price, fill.tag))

    def _close(self, fill: FillRow, closing: int, cash: int, lots: Iterable[_Lot]) -> None:
        left, worth, entered, released = closing, 0, [], cash
        for lot in lots:
            taken = min(left, lot.held)
            if taken == 0:
                break
            worth += taken * lot.price
            entered.append(lot)
            released += lot.release(taken)
            left -= taken
        first = min(entered, key=lambda lot: lot.ts_ns)
        self.trips.append(
            RoundTrip(
                entered_ns=first.ts_ns,
                left_ns=fill.happened_ns,
                side=-fill.side,
                held=closing,
                entry_price=worth / closing,
                exit_price=fill.price,
                quanta=released,
                tag=first.tag,
                closing_tag=fill.tag,
                closed_as_maker=fill.maker,
            )
        )
        self.lots = [lot for lot in self.lots if lot.held > 0]

    def worth_open(self, price: int) -> int:
        """Cash of all open lots and what they are worth together."""
        held = sum(lot.side * lot.held for lot in self.lots)
        return self.holding.worth(held, price) + sum(lot.cash for lot in self.lots)
