"""A market that both engines walk: our tape, the same events for the peer, what is traded, and how we walk it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks import data, w1_ticks
from benchmarks.oracle.grids import MILLISECOND, Grid
from quintet.core.instrument import Instrument
from quintet.core.random import below, seeded
from quintet.core.records import table
from quintet.core.state import LATENCY, World
from quintet.sim.loop import hear_the_rest

FINE = msgspec.structs.replace(w1_ticks.INSTRUMENT, quote_quantum=Decimal("1e-12"))
"""The instrument with so small a quantum that no fee is rounded: the peer does not round."""


def as_listed(grid: Grid) -> Grid:
    """The set as the list has it."""
    return grid


class Market(NamedTuple):
    """`events`: rows for the peer. `facts`: what it is told of the instrument. `walk`: a grid's world after the end.

    `quantum`: of the money that is counted. `orders`: recorded latencies, for the grids that ask for them.
    """

    name: str
    events: NDArray[Any]
    facts: dict[str, float]
    walk: Callable[[Grid], World]
    quantum: Decimal
    orders: NDArray[Any]
    as_walked: Callable[[Grid], Grid] = as_listed
    """A set as it is run on this market, by both."""


def facts_of(instrument: Instrument) -> dict[str, float]:
    """An instrument in the peer's floats."""
    return {
        "tick": float(instrument.price_increment),
        "lot": float(instrument.lot_size),
        "contract": float(instrument.contract_value) if instrument.kind == "inverse" else 0.0,
        "maker_fee": instrument.maker_fee_e9 / 1e9,
        "taker_fee": instrument.taker_fee_e9 / 1e9,
    }


def w1(rows: int) -> Market:
    """The market of W1: as many whole messages as there are in so many rows."""
    ticks = whole_messages(data.ticks(rows))
    orders = recorded_orders(int(ticks["ts_exch"][0]), int(ticks["ts_local"][-1]))

    def walk(grid: Grid) -> World:
        tape = w1_ticks.tape_of(times(ticks, grid.market_factor))
        world = w1_ticks.world_of(tape, grid, FINE, buffer_rows=1 << 20, recorded=orders)
        w1_ticks.drive(tape, world)
        hear_the_rest(w1_ticks.run, tape, world)
        return world

    return Market("W1", ticks, facts_of(FINE), walk, FINE.quote_quantum, orders)


def whole_messages(ticks: NDArray[Any]) -> NDArray[Any]:
    """Without the beginning of a message that is cut off: a tape never ends inside one.

    Left in, a look between what had happened and when it is heard is the peer's last one, and is none of ours.
    """
    return ticks[: int(np.flatnonzero(ticks["last"])[-1]) + 1]


def times(ticks: NDArray[Any], factor: int) -> NDArray[Any]:
    """The events, every quantity times `factor`."""
    if factor == 1:
        return ticks
    more = ticks.copy()
    more["lots"] *= factor
    return more


def recorded_orders(first_ns: int, last_ns: int) -> NDArray[Any]:
    """Orders as they might have been recorded beside a market: one every 150 ms, 1 to 40 ms each way."""
    orders = table(LATENCY, (last_ns - first_ns) // (150 * MILLISECOND) + 1)
    dice = seeded(1, "recorded orders")[0]
    for n in range(len(orders)):
        sent = first_ns + n * 150 * MILLISECOND
        arrived = sent + MILLISECOND + below(dice, 39 * MILLISECOND)
        orders[n] = (sent, arrived, arrived + MILLISECOND + below(dice, 39 * MILLISECOND))
    return orders
