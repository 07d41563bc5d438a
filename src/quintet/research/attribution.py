"""Where a result came from, in whole quanta: nothing is left over, and nothing is counted twice.

The price a fill is measured against is the last close known before it. Per fill, with side s (+1 bought, -1 sold),
price p, reference m and quantity q:

    edge       s * (m - p) * q: spread captured by a maker fill, cost of a taker fill (spread, slippage, impatience)
    inventory  what was held, times what the reference moved until the next fill or the last mark
    fees       as booked; a fee taken in base at its fill's price
    funding    as booked

Their sum is the change of equity: every step below is a difference of the same two numbers, cash and the value of what
is held, so the terms cancel. What a fee in base is worth at the reference rather than at the fill's price, and every
rounding of the books, falls to the inventory that it changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from quintet.core.instrument import Instrument
from quintet.research.activity import Span

Columns = Mapping[str, Any]


class Attribution(NamedTuple):
    """Parts of a net result in quote quanta, a cost negative. `late_fills`: known after the last mark, left out."""

    spread: int
    inventory: int
    exit_cost: int
    maker_fees: int
    taker_fees: int
    funding: int
    late_fills: int

    @property
    def total(self) -> int:
        """The sum of all parts."""
        return self.spread + self.inventory + self.exit_cost + self.maker_fees + self.taker_fees + self.funding


class Holding(NamedTuple):
    """How what is held is valued: `unit` of it is one lot, worth `quanta` for each price increment."""

    unit: int
    quanta: int

    def worth(self, held: int, price: int) -> int:
        """Quote quanta, rounded down as the books do."""
        return held * price * self.quanta // self.unit


def holding_of(instrument: Instrument) -> Holding | None:
    """Base quanta on spot, lots on linear contracts; None on inverse ones, whose worth is not linear in the price."""
    if instrument.kind == "inverse":
        return None
    unit = instrument.base_quanta_per_lot if instrument.kind == "spot" else 1
    return Holding(unit, instrument.quanta_per_tick_lot)


def attribute(
    fills: Columns, equity: Columns, instrument: Instrument, opening_held: int = 0, funding_paid: int = 0
) -> Attribution | None:
    """Split the change of equity from the first mark to the last; None where there is no mark, or on inverse contracts.

    `fills` and `equity` are a run's tables; `opening_held`: what was held at the first mark, in units of
    `held_quanta`; `funding_paid`: quote quanta, - = received.
    """
    holding = holding_of(instrument)
    if holding is None or len(equity["ts_ns"]) == 0:
        return None
    prices, last_ns = equity["price_ticks"], int(equity["ts_ns"][-1])
    split = _Split(holding, opening_held, int(prices[0]))
    late_fills = 0
    for fill in fill_rows(fills, instrument):
        if fill.known_ns > last_ns:
            late_fills += 1
        else:
            split.take(fill)
    split.move_to(int(prices[-1]))
    return Attribution(
        spread=split.edge[True],
        inventory=split.inventory,
        exit_cost=split.edge[False],
        maker_fees=-split.fees[True],
        taker_fees=-split.fees[False],
        funding=-funding_paid,
        late_fills=late_fills,
    )


class _Split:
    """The parts so far, by maker (True) and taker (False), and what is held at which reference."""

    def __init__(self, holding: Holding, held: int, reference: int) -> None:
        self.holding = holding
        self.held = held
        self.reference = reference
        self.inventory = 0
        self.edge = {True: 0, False: 0}
        self.fees = {True: 0, False: 0}

    def move_to(self, reference: int) -> None:
        """The reference moves, and what is held with it."""
        self.inventory += self.holding.worth(self.held, reference) - self.holding.worth(self.held, self.reference)
        self.reference = reference

    def take(self, fill: "FillRow") -> None:
        """One fill: the move until it, its edge, its fee."""
        self.move_to(fill.reference)
        self.edge[fill.maker] += fill.side * (fill.reference - fill.price) * fill.lots * self.holding.quanta
        self.held += fill.side * fill.lots * self.holding.unit
        if fill.fee_in_base:
            worth = self.holding.worth(fill.fee, fill.price)
            self.inventory += worth - self.holding.worth(self.held, self.reference)
            self.held -= fill.fee
            self.inventory += self.holding.worth(self.held, self.reference)
            self.fees[fill.maker] += worth
        else:
            self.fees[fill.maker] += fill.fee


class FillRow(NamedTuple):
    """One fill in whole units: prices in increments, `fee` in quanta of its asset, `reference` the last close known."""

    known_ns: int
    happened_ns: int
    side: int
    price: int
    lots: int
    maker: bool
    fee: int
    fee_in_base: bool
    reference: int
    tag: int
    order: int


def fill_rows(fills: Columns, instrument: Instrument) -> Iterator[FillRow]:
    """The fills of a table one by one, in the order in which they became known."""
    sides = np.where(np.asarray(fills["side"]) == "buy", 1, -1).tolist()
    in_base = (np.asarray(fills["fee_asset"]) == instrument.base_asset).tolist()
    columns = {name: np.asarray(fills[name]).tolist() for name in _NEEDED}
    return map(
        FillRow,
        columns["ts_recv_ns"],
        columns["ts_event_ns"],
        sides,
        columns["price_ticks"],
        columns["lots"],
        map(bool, columns["maker"]),
        columns["fee_quanta"],
        in_base,
        columns["reference_ticks"],
        columns["tag"],
        columns["order"],
    )


_NEEDED = (
    "ts_recv_ns", "ts_event_ns", "price_ticks", "lots", "maker", "fee_quanta", "reference_ticks", "tag", "order",
)  # fmt: skip


# ---- by state ------------------------------------------------------------------------------------------------


class StateShare(NamedTuple):
    """What happened while a system was in one state. `quanta`: change of equity; `bars` of `bars_total`."""

    name: str
    bars: int
    fills: int
    quanta: int
    turnover_quanta: int


def by_state(spans: Sequence[Span], fills: Columns, equity: Columns, instrument: Instrument) -> list[StateShare]:
    """One row a state, in the order in which they are first met; all rows sum to the whole change of equity.

    A bar's change of equity belongs to the state in which the bar began, a fill to the state in which it happened.
    """
    marks = np.asarray(equity["ts_ns"], np.int64)
    if len(marks) == 0:
        return []
    names = list(dict.fromkeys(span.name for span in spans))
    # A transition at a close opens the next bar: the bar that ends there still began before it.
    of_marks = _state_numbers(spans, names, np.concatenate((marks[:1], marks[:-1])))
    changes = np.diff(np.asarray(equity["equity_quanta"], np.int64), prepend=int(equity["equity_quanta"][0]))
    of_fills = _state_numbers(spans, names, np.asarray(fills["ts_event_ns"], np.int64) - 1)
    values = np.asarray(fills["price_ticks"], np.int64) * np.asarray(fills["lots"], np.int64)
    values = values * instrument.quanta_per_tick_lot
    return [
        StateShare(
            name,
            int((of_marks == n).sum()),
            int((of_fills == n).sum()),
            int(changes[of_marks == n].sum()),
            int(values[of_fills == n].sum()),
        )
        for n, name in enumerate(names)
    ]


def _state_numbers(spans: Sequence[Span], names: Sequence[str], moments: Any) -> Any:
    """The number of the state at each moment; a span holds from its first moment until before the next."""
    begins = np.array([span.first_ns for span in spans], np.int64)
    numbers = np.array([names.index(span.name) for span in spans], np.int64)
    return numbers[np.clip(np.searchsorted(begins, moments, side="right") - 1, 0, len(spans) - 1)]
