"""What a desk's own orders say of the exchange: how long they travel, and who cancels when a queue shrinks.

Latency is read off: from the decision to the venue's stamp, from the venue's stamp to our hearing of it. What the
venue's limits held back is left out, and what stood behind another command or answer on the same wire, where nothing
overtakes; a venue that stamps whole milliseconds is taken to be half of one early.

The queue is fitted: every candidate model runs over the market that the desk heard, with the desk's own orders arriving
when they did, and is judged by the lots that it fills otherwise than the venue did, in another moment or not at all.
The best one is the one that errs least; of equals the first in the list, which begins with the most cautious.

The bands hold 95 % of what comes out when the orders are drawn again, with repetition, from themselves (Efron 1979, the
percentile bootstrap); so they know of chance among these orders, and of no other day.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import DataError
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import LIMIT, POST_ONLY
from quintet.research.desk_market import market_rows, without_us
from quintet.research.desk_orders import (
    DeskOrder,
    entry_times,
    lone_entries,
    lone_responses,
    read_orders,
    response_times,
)
from quintet.research.fill_causes import MILLISECOND_NS, real_fills, unlike_fills
from quintet.research.given_orders import run_given
from quintet.research.real_arrivals import with_real_arrivals
from quintet.sim.config import QueueModel, TickExecutionConfig

DRAWS: Final = 1_000
SEED: Final = 20260101
BAND: Final = (2.5, 97.5)
"""Percentiles."""

TIMES_MIN: Final = 20
"""Fewer travel times say nothing of one in a hundred."""

EXPONENTS: Final = (1, 2, 3, 4, 5, 6, 8)
STEADY_FRAC: Final = 0.05
"""A 99th percentile this near to the median, as a fraction of it, is a constant latency."""


class Candidate(NamedTuple):
    """A queue model with its exponent; models without one bear the default."""

    model: QueueModel
    exponent: int = 3


CANDIDATES: Final = (
    Candidate("risk_averse"),
    *(Candidate("power", n) for n in EXPONENTS),
    *(Candidate("power_ratio", n) for n in EXPONENTS),
    *(Candidate("power_share", n) for n in EXPONENTS),
    Candidate("log_ratio"),
    Candidate("log_share"),
)


class Fitted(NamedTuple):
    """A number and its band."""

    value: float
    low: float
    high: float


class Travel(NamedTuple):
    """One direction, in ms: the median, the 99th percentile, the quickest; of so many times."""

    median: Fitted
    p99: Fitted
    least: float
    times: int


class QueueFit(NamedTuple):
    """The best model. `exponent`: of it, with its band; `wins`: share of the draws in which it errs least or as little.

    `orders`: that rested; `missed_lots` of their `lots` it fills otherwise than the venue did.
    """

    best: Candidate
    exponent: Fitted
    wins: float
    orders: int
    lots: int
    missed_lots: int
    table: tuple[tuple[Candidate, int], ...]


class Calibration(NamedTuple):
    """All that was fitted; `queue` is None where no order rested and was reached."""

    entry: Travel
    response: Travel
    queue: QueueFit | None


def calibrate(
    rows: Any, instruments: Sequence[Instrument], execution: TickExecutionConfig, *, is_simulated: bool = False,
    draws: int = DRAWS, seed: int = SEED,
) -> Calibration:  # fmt: skip
    """Fit latencies and a queue model to a desk's tape; `rows`: its events; `execution`: everything that is not fitted.

    `is_simulated`: its market does not show its own orders. Raises DataError for a desk with too few orders.
    """
    orders = list(read_orders(rows).values())
    entry, response = (np.array(times, np.float64) / MILLISECOND_NS for times in (_entries(orders), _responses(orders)))
    known = min(len(entry), len(response))
    if known < TIMES_MIN:
        raise DataError(f"{known} orders with a known way, expected {TIMES_MIN} or more: let it trade longer")
    half = 0.5 if not is_simulated and _are_whole_ms(orders) else 0.0
    market = market_rows(rows) if is_simulated else without_us(market_rows(rows), orders)
    return Calibration(
        _travel(np.maximum(entry + half, 0.0), draws, seed),
        _travel(np.maximum(response - half, 0.0), draws, seed + 1),
        _queue(market, orders, instruments, execution, draws, seed + 2),
    )


def fitted_execution(found: Calibration, execution: TickExecutionConfig) -> TickExecutionConfig:
    """The configuration with what was fitted in it."""
    entry, response = found.entry, found.response
    steady = all(one.p99.value - one.median.value <= STEADY_FRAC * one.median.value for one in (entry, response))
    least = min(entry.least, response.least)
    if not least < min(entry.median.value, response.median.value):
        least = 0.99 * min(entry.median.value, response.median.value)
    queue = found.queue.best if found.queue is not None else Candidate(execution.queue_model, execution.queue_exponent)
    told: TickExecutionConfig = msgspec.structs.replace(
        execution,
        latency_model="constant" if steady else "drawn",
        entry_ms=round(entry.median.value, 3),
        response_ms=round(response.median.value, 3),
        entry_p99_ms=round(max(entry.p99.value, entry.median.value), 3),
        response_p99_ms=round(max(response.p99.value, response.median.value), 3),
        least_ms=0.0 if steady else int(least * 1e3) / 1e3,
        queue_model=queue.model,
        queue_exponent=queue.exponent,
        venues={},
    )
    return told


def _are_whole_ms(orders: Sequence[DeskOrder]) -> bool:
    stamps = [order.taken_ns for order in orders if order.taken_ns is not None]
    return all(stamp % MILLISECOND_NS == 0 for stamp in stamps)


# ---- latency -----------------------------------------------------------------------------------------------------


def _entries(orders: Sequence[DeskOrder]) -> list[int]:
    """From the decision to the venue, ns, of orders that stood behind no other command on their way."""
    lone = lone_entries(orders)
    return lone if len(lone) >= TIMES_MIN else [ns for _, ns in entry_times(orders)]


def _responses(orders: Sequence[DeskOrder]) -> list[int]:
    """From the venue to us, ns, of answers that stood behind no other."""
    lone = lone_responses(orders)
    return lone if len(lone) >= TIMES_MIN else response_times(orders)


def _travel(times: NDArray[np.float64], draws: int, seed: int) -> Travel:
    drawn = times[drawn_places(seed, draws, len(times))]
    medians, p99s = np.median(drawn, axis=1), np.percentile(drawn, 99, axis=1)
    return Travel(
        _fitted(float(np.median(times)), medians),
        _fitted(float(np.percentile(times, 99)), p99s),
        float(times.min()),
        len(times),
    )


def _fitted(value: float, drawn: NDArray[np.float64]) -> Fitted:
    low, high = np.percentile(drawn, BAND)
    return Fitted(value, float(low), float(high))


def drawn_places(seed: int, draws: int, count: int) -> NDArray[np.int64]:
    """`draws` rows of `count` places drawn with repetition: the same for one seed, on any machine and version.

    Source: SplitMix64 (Steele, Lea and Flood 2014), one step for each counter.
    """
    with np.errstate(over="ignore"):
        word = np.arange(1, draws * count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        word += np.uint64(seed) * np.uint64(0xD1342543DE82EF95)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word ^= word >> np.uint64(31)
    places: NDArray[np.int64] = (word % np.uint64(count)).astype(np.int64).reshape(draws, count)
    return places


# ---- the queue ---------------------------------------------------------------------------------------------------


def _queue(
    market: Any, orders: Sequence[DeskOrder], instruments: Sequence[Instrument], execution: TickExecutionConfig,
    draws: int, seed: int,
) -> QueueFit | None:  # fmt: skip
    rested = [order for order in orders if order.style in (POST_ONLY, LIMIT) and order.taken_ns is not None]
    if not any(fill.maker for order in rested for fill in order.fills):
        return None
    commands = with_real_arrivals(orders)
    errors = np.zeros((len(CANDIDATES), len(rested)), np.int64)
    for n, candidate in enumerate(CANDIDATES):
        told = msgspec.structs.replace(
            execution, queue_model=candidate.model, queue_exponent=candidate.exponent, orders_per_second=0,
            margin="none", funding_every_h=0.0, venues={}, latency_model="constant",
        )  # fmt: skip
        simulated = run_given(market, instruments, told, commands)
        for k, order in enumerate(rested):
            real_only, simulated_only = unlike_fills(real_fills(order), simulated.get(order.number, []))
            errors[n, k] = sum(fill.lots for fill in (*real_only, *simulated_only))
    return _best(errors, rested, draws, seed)


def _best(errors: NDArray[np.int64], rested: Sequence[DeskOrder], draws: int, seed: int) -> QueueFit:
    """The candidate that errs least, and how sure that is."""
    total = errors.sum(axis=1)
    best = int(np.argmin(total))
    model = CANDIDATES[best].model
    drawn = errors[:, drawn_places(seed, draws, len(rested))].sum(axis=2)
    least = drawn == drawn.min(axis=0)
    family = [n for n, one in enumerate(CANDIDATES) if one.model == model]
    exponents = np.array([CANDIDATES[n].exponent for n in family])
    # Among equals nothing is known: the band takes in all of them.
    within = drawn[family] == drawn[family].min(axis=0)
    lows = np.where(within, exponents[:, None], exponents.max()).min(axis=0)
    highs = np.where(within, exponents[:, None], exponents.min()).max(axis=0)
    low, high = float(np.percentile(lows, BAND[0])), float(np.percentile(highs, BAND[1]))
    return QueueFit(
        CANDIDATES[best],
        Fitted(float(CANDIDATES[best].exponent), low, high),
        float(least[family].any(axis=0).mean()),
        len(rested),
        sum(order.lots for order in rested),
        int(total[best]),
        tuple(zip(CANDIDATES, total.tolist(), strict=True)),
    )
