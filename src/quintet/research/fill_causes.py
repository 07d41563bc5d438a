"""Why real fills are others than simulated ones: every difference of every order on a named cause, to the quantum.

The simulator runs over the market that a desk heard, with the desk's own decisions. It is run again and again; each
time one of its assumptions gives way to what the tape says happened, and what changes with it is that cause's:

    rate limit    orders that the venue's limits turned away or held back are so; the simulator's own limit is off
    reject        orders that the venue refused for another reason are left out
    not sent      so are those that never left us or never arrived, and those nobody has heard of to the end
    latency       every command arrives when it did

What is different still is looked at order by order:

    data gap      the market was not heard while the order rested, or when it was filled
    missed trade  it was filled by a trade that was never printed to us
    queue         a trade at its price was printed, and its place in the queue was another than assumed
    unexplained   none of these

Money is what an order's fills are worth at the last trade of the tape, fees off, in quanta of the quote asset. So the
parts add up to the whole difference, exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet.core import events as ev
from quintet.core.errors import DataError
from quintet.core.instrument import Instrument
from quintet.research.desk_market import Gap, gaps_of, last_trade, market_rows, without_us
from quintet.research.desk_orders import DeskOrder, read_orders
from quintet.research.given_orders import GivenCommand, GivenFill, run_given
from quintet.research.real_arrivals import Ways, with_changes
from quintet.sim.config import TickExecutionConfig

RATE_LIMIT, REJECT, NOT_SENT, LATENCY = "rate limit", "reject", "not sent", "latency"
DATA_GAP, MISSED_TRADE, QUEUE, UNEXPLAINED = "data gap", "missed trade", "queue", "unexplained"
CAUSES: Final = (RATE_LIMIT, REJECT, NOT_SENT, LATENCY, DATA_GAP, MISSED_TRADE, QUEUE, UNEXPLAINED)

STAMP_NS: Final = 2_000_000
"""Two stamps of one trade may differ by so much: the venue stamps whole milliseconds."""

MILLISECOND_NS: Final = 1_000_000


class Fills(NamedTuple):
    """What an order's fills come to. `value`: quote quanta at the last trade, fees off; `first_ns`: 0 without any."""

    lots: int = 0
    spent: int = 0
    fees: int = 0
    value: int = 0
    first_ns: int = 0


class Part(NamedTuple):
    """What one cause has changed of one order: P&L in quote quanta, lots filled, price in quote quanta, time in ns.

    `price`: what the lots that both filled cost less or brought more; `time`: how much later it was filled first.
    """

    quanta: int
    lots: int
    price: int
    time_ns: int


@dataclass(slots=True)
class OrderDifference:
    """One order as it was filled, and as it was simulated; real less simulated, by cause."""

    order: DeskOrder
    real: Fills
    simulated: Fills
    parts: dict[str, Part] = field(default_factory=dict)


class CauseTotal(NamedTuple):
    """One line of the table: over all orders that this cause has changed."""

    cause: str
    orders: int
    lots: int
    price: int
    quanta: int
    absolute: int
    time_ns: int


@dataclass(slots=True)
class Comparison:
    """Everything that was compared. Amounts in quote quanta."""

    instrument: Instrument
    orders: list[OrderDifference]
    turnover: int
    gaps: list[Gap]

    @property
    def real(self) -> int:
        """What the real fills came to."""
        return sum(one.real.value for one in self.orders)

    @property
    def simulated(self) -> int:
        """What the simulated ones came to."""
        return sum(one.simulated.value for one in self.orders)

    @property
    def residual_bps(self) -> float:
        """What nothing explains, order by order and without a sign, in bp of the real turnover."""
        unexplained = self.total(UNEXPLAINED).absolute
        return 10_000.0 * unexplained / self.turnover if self.turnover else 0.0

    def share(self, cause: str) -> float:
        """The part of all differences, order by order and without a sign, that is this cause's."""
        whole = sum(self.total(one).absolute for one in CAUSES)
        return self.total(cause).absolute / whole if whole else 0.0

    def total(self, cause: str) -> CauseTotal:
        """The line of a cause."""
        parts = [one.parts[cause] for one in self.orders if cause in one.parts]
        return CauseTotal(
            cause,
            len(parts),
            sum(part.lots for part in parts),
            sum(part.price for part in parts),
            sum(part.quanta for part in parts),
            sum(abs(part.quanta) for part in parts),
            sum(part.time_ns for part in parts),
        )


def compare_fills(
    rows: Any,
    instruments: Sequence[Instrument],
    execution: TickExecutionConfig,
    *,
    is_simulated: bool = False,
    recorded: Any = None,
) -> Comparison:
    """Compare what a desk was filled with what the simulator of a configuration would have filled.

    `rows`: the events of its tape; `is_simulated`: its market does not show its own orders. Raises DataError for an
    inverse contract, or a tape without an order.
    """
    orders = list(read_orders(rows).values())
    market = market_rows(rows)
    if not orders:
        raise DataError("the desk has given no order: there is nothing to compare")
    if any(one.kind == "inverse" for one in instruments):
        raise DataError("an inverse contract, expected spot or a linear one: fills are compared in the quote asset")
    if not is_simulated:
        market = without_us(market, orders)
    return _Ladder(market, orders, instruments, execution, recorded).climb()


class _Ladder:
    """The runs of the simulator, one assumption less each time."""

    def __init__(
        self, market: Any, orders: list[DeskOrder], instruments: Sequence[Instrument], execution: TickExecutionConfig,
        recorded: Any,
    ) -> None:  # fmt: skip
        self._market = market
        self._orders = orders
        self._instruments = instruments
        self._execution = msgspec.structs.replace(execution, margin="none", funding_every_h=0.0, venues={})
        self._recorded = recorded
        self._gaps = gaps_of(market)
        self._marks = [last_trade(market, n) for n in range(len(instruments))]
        self._ways = Ways(orders)
        self._prints = _Prints(market)

    def climb(self) -> Comparison:
        """Run, and share out what changes."""
        without: set[str] = set()
        steps = [(cause, self._run(without, cause)) for cause in ("", RATE_LIMIT, REJECT, NOT_SENT, LATENCY)]
        found = []
        for order in self._orders:
            fills = [self._worth(order, run.get(order.number, [])) for _, run in steps]
            real = self._worth(order, real_fills(order))
            difference = OrderDifference(order, real, fills[0])
            for n, (cause, _) in enumerate(steps[1:], start=1):
                _note(difference, cause, fills[n - 1], fills[n])
            last = steps[-1][1].get(order.number, [])
            _note(difference, self._cause_of(order, last), fills[-1], real)
            found.append(difference)
        turnover = sum(one.real.spent for one in found)
        return Comparison(self._instruments[0], found, turnover, self._gaps)

    # ---- the runs ----------------------------------------------------------------------------------------------

    def _run(self, without: set[str], cause: str) -> Mapping[int, list[GivenFill]]:
        """One more assumption gives way: that of `cause`; `without` remembers which orders are left out by now."""
        if cause in (RATE_LIMIT, REJECT, NOT_SENT):
            without.add(cause)
        execution = self._execution
        if cause:
            execution = msgspec.structs.replace(execution, orders_per_second=0)
        kept = [order for order in self._orders if order.turned_away not in without]
        commands = [one for order in kept for one in self._commands(order, cause)]
        return run_given(self._market, self._instruments, execution, commands, self._recorded)

    def _commands(self, order: DeskOrder, cause: str) -> list[GivenCommand]:
        """An order with its changes: as they arrived, or on an assumed way."""
        if cause == LATENCY:
            return self._ways.commands(order)
        arrives = None
        if cause and order.held_back_ns:
            arrives = order.decided_ns + int(self._execution.entry_ms * MILLISECOND_NS) + order.held_back_ns
        return with_changes(order, arrives, lambda change: None)

    # ---- what is different still -------------------------------------------------------------------------------

    def _cause_of(self, order: DeskOrder, simulated: list[GivenFill]) -> str:
        """Why an order with its real arrival is filled otherwise than in the simulation."""
        real_only, simulated_only = unlike_fills(real_fills(order), simulated)
        moments = [fill.happened_ns for fill in (*real_only, *simulated_only)]
        if not moments or order.taken_ns is None:
            return UNEXPLAINED
        if any(gap.from_ns <= max(moments) and order.taken_ns <= gap.to_ns for gap in self._gaps):
            return DATA_GAP
        makers = [fill for fill in real_only if fill.maker]
        if any(not self._prints.has(order, fill) for fill in makers):
            return MISSED_TRADE
        others = [fill for fill in simulated_only if fill.maker]
        if makers or any(self._prints.has(order, fill) for fill in others):
            return QUEUE
        return UNEXPLAINED

    def _worth(self, order: DeskOrder, fills: Sequence[GivenFill]) -> Fills:
        one, mark = self._instruments[order.instrument], self._marks[order.instrument]
        quanta = one.quanta_per_tick_lot
        spent = sum(fill.price * fill.lots * quanta for fill in fills)
        lots = sum(fill.lots for fill in fills)
        fees = sum(_fee_quote(one, fill, quanta) for fill in fills)
        first = min((fill.happened_ns for fill in fills), default=0)
        return Fills(lots, spent, fees, order.side * (mark * lots * quanta - spent) - fees, first)


class _Prints:
    """The trades that were printed to us."""

    def __init__(self, market: Any) -> None:
        rows = market[(market["kind"] == ev.TRADE_BUY) | (market["kind"] == ev.TRADE_SELL)]
        self._rows = rows[np.argsort(rows["ts_event"], kind="stable")]

    def has(self, order: DeskOrder, fill: GivenFill) -> bool:
        """Was a trade printed, at that moment, that reaches the order's price with as many lots as it was filled?"""
        stamps = self._rows["ts_event"]
        near = self._rows[
            np.searchsorted(stamps, fill.happened_ns - STAMP_NS) : np.searchsorted(
                stamps, fill.happened_ns + STAMP_NS, "right"
            )
        ]
        reaches = (near["price"] <= fill.price) if order.side > 0 else (near["price"] >= fill.price)
        wanted = ev.TRADE_SELL if order.side > 0 else ev.TRADE_BUY
        fits = near[(near["kind"] == wanted) & (near["instrument"] == order.instrument) & reaches]
        return int(fits["quantity"].sum()) >= fill.lots


def real_fills(order: DeskOrder) -> list[GivenFill]:
    """Real fills in the shape of simulated ones."""
    return [
        GivenFill(fill.happened_ns, fill.price, fill.lots, fill.maker, fill.fee, fill.fee_asset, 0.0, 0.0)
        for fill in order.fills
    ]


def unlike_fills(real: Sequence[GivenFill], simulated: Sequence[GivenFill]) -> tuple[list[GivenFill], list[GivenFill]]:
    """Fills of each that have no equal among the others: price, lots and moment."""
    left = list(simulated)
    alone = []
    for fill in real:
        equal = [
            other for other in left
            if (other.price, other.lots) == (fill.price, fill.lots)
            and abs(other.happened_ns - fill.happened_ns) <= STAMP_NS
        ]  # fmt: skip
        if equal:
            left.remove(equal[0])
        else:
            alone.append(fill)
    return alone, left


def _fee_quote(instrument: Instrument, fill: GivenFill, quanta: int) -> int:
    """A fee in quote quanta; one that was taken in base at the fill's price, rounded down."""
    if instrument.kind == "spot" and instrument.fee_in_base and fill.fee_asset != 0:
        base = int(instrument.lot_size / instrument.base_quantum) * fill.lots
        return fill.fee * (fill.price * fill.lots * quanta) // base
    return fill.fee


def _note(difference: OrderDifference, cause: str, before: Fills, after: Fills) -> None:
    """What has changed between two runs goes on a cause, if anything has."""
    time_ns = after.first_ns - before.first_ns if after.first_ns and before.first_ns else 0
    time_ns = time_ns if abs(time_ns) > STAMP_NS else 0
    quanta, lots = after.value - before.value, after.lots - before.lots
    if not quanta and not lots and not time_ns:
        return
    common = min(before.lots, after.lots)
    price = 0
    if common:
        price = difference.order.side * (before.spent * common // before.lots - after.spent * common // after.lots)
    found = Part(quanta, lots, price, time_ns)
    known = difference.parts.get(cause, Part(0, 0, 0, 0))
    difference.parts[cause] = Part(*(a + b for a, b in zip(known, found, strict=True)))
