"""A synthetic order book market: seeded, the same to the bit everywhere, always labelled, its edge known.

What it is: rows of depth and trades with the traits that books of large markets share (Bouchaud, Farmer and Lillo, "How
markets slowly digest changes in supply and demand", 2009): orders come in bursts and repeat their side, the spread is
one tick most of the time, depth has a hump some ticks away, some orders sweep several levels, returns have fat tails.
What it is not: a market. Nobody trades in it, and no profit or loss on it says anything about profit or loss elsewhere.

How it is made, by three dice that know nothing of each other:

    value   A fair value walks in half ticks, up and down equally likely: a martingale. In the middle between two ticks
            the spread is one tick, on a tick it is two; so each move takes one tick off one side, or adds one, and
            the mid *is* the fair value. Its pace is exp(an autoregression).
    flow    Taking orders arrive as a Hawkes process of two sides with exponential memory (Hawkes, Biometrika 1971),
            drawn exactly by thinning (Ogata, IEEE Trans. Inf. Theory 1981).
    book    Sizes, cancellations, how far a sweep goes, when others refill it, and the time a message travels.

Information. The value moves first where only the informed see it, and everybody else follows `lead_ms` later. Each
taking order is an informed one with chance `toxicity`: it then takes the side on which the value will be, if it is not
there already. At toxicity 0 no trade depends on the value's dice, so whoever is filled at distance d from the fair
value gains d on average, whatever he does. At toxicity t he loses t times the distance between hidden and public value.

What is simple: memory is exponential where recorded markets forget more slowly; the book's imbalance foretells nothing;
a trade moves the mid only until it is refilled.

A trade is a message; one microsecond later the depth message with its effect follows. Times are whole ns.
"""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.errors import InputError
from quintet.core.events import ROW
from quintet.core.instrument import Instrument
from quintet.core.kernel import exp
from quintet.core.random import seeded
from quintet.core.records import table
from quintet.core.row_laws import TIME_MAX, Rows
from quintet.research.synthetic import DEFAULT_SEED, DEFAULT_START_NS, DEFAULT_START_PRICE, SYNTHETIC_LABEL
from quintet.research.tick_events import FAIR_MOVE, MARKET, MESSAGE_ROWS_MAX, NEVER, PLACES, SETTINGS, make_rows
from quintet.research.tick_model import DEFAULT_TICK_MODEL, TICK_INSTRUMENT, TickModel, checked

CHUNK_ROWS: Final = 1 << 16
"""Rows made at a time, 2 MiB; where a chunk ends changes nothing."""

_NS = 1e9
_LN_2 = 0.6931471805599453
_LOTS_MAX = 1e14
_HOURS_MAX = 24 * 3650
_STREAM = "synthetic ticks 1"


class Chunk(NamedTuple):
    """Some rows, whole messages, and the moves of the fair value among them. Valid until the next chunk is made."""

    rows: Rows
    fair: Rows


class TickMarket:
    """One synthetic market: rows of a market tape in chunks, from the first snapshot to the end.

    `hours` of market from `start_ns` to `end_ns`; a longer market begins with the shorter one of the same seed. Raises
    InputError (or a kind of it) for a length, start, price or model that cannot be.
    """

    def __init__(
        self,
        seed: int = DEFAULT_SEED,
        *,
        hours: float | Decimal = 1,
        instrument: Instrument = TICK_INSTRUMENT,
        start_ns: int = DEFAULT_START_NS,
        start_price: str | Decimal = DEFAULT_START_PRICE,
        model: TickModel = DEFAULT_TICK_MODEL,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        if not 0 < hours <= _HOURS_MAX:
            raise InputError(f"length: expected more than 0 and at most {_HOURS_MAX} hours, found {hours}")
        end_ns = start_ns + int(hours * 3600 * 10**9)
        if start_ns < 0 or end_ns > TIME_MAX:
            raise InputError(
                f"start: expected a UTC time from 1970, the end before 2200, found {start_ns} to {end_ns} ns"
            )
        if chunk_rows < 2 * MESSAGE_ROWS_MAX:
            raise InputError(f"chunk: expected at least {2 * MESSAGE_ROWS_MAX} rows, found {chunk_rows}")
        start_ticks = instrument.ticks(start_price, "start price") // instrument.ticks_per_tick_size
        self.seed = seed
        self.instrument = instrument
        self.model = checked(model)
        self._settings = _settings(model, instrument, start_price)
        self.start_ns, self.end_ns = start_ns, end_ns
        self._settings.end_ns = end_ns
        self._shape = _shape(model, instrument, start_price)
        self._lots = np.zeros((2, PLACES), np.int64)
        self._market = _opening(seed, start_ns, start_ticks)
        self._rows = np.zeros(chunk_rows, ROW).view(np.recarray)
        self._moves = table(FAIR_MOVE, chunk_rows)

    def chunks(self) -> Iterator[Chunk]:
        """Every chunk in order, once; raises InputError when the price leaves the range that a row can hold."""
        state = self._market[0]
        while state.done == 0:
            make_rows(self._rows, self._moves, self._market, self._settings, self._lots, self._shape)
            if state.lost != 0:
                raise InputError(
                    f"synthetic ticks: the fair value reached {state.fair / 2:g} ticks of {self.instrument.tick_size}; "
                    f"expected room for {self.model.levels} levels on both sides of it, above 0 and in a row"
                )
            if state.rows > 0:
                yield Chunk(self._rows[: int(state.rows)], self._moves[: int(state.moves)])


def tape_notes(market: TickMarket) -> dict[str, str]:
    """What is written beside a tape of this market: the label, the seed and every number that is not the default."""
    told = {
        "label": SYNTHETIC_LABEL,
        "generator": _STREAM,
        "seed": str(market.seed),
        "toxicity": f"{market.model.toxicity:g}",
    }
    for name in TickModel.__struct_fields__:
        value = getattr(market.model, name)
        if value != getattr(DEFAULT_TICK_MODEL, name):
            told[name] = f"{value:g}"
    return told


# ---- from the model to the kernels' units --------------------------------------------------------------------------


def _keep(step: float, half_life: float) -> float:
    """The share that is left after `step`, of the same unit as the half-life."""
    return exp(-_LN_2 * step / half_life)


def _lots_of(quote: int, instrument: Instrument, price: str | Decimal) -> float:
    """So many quote units at the start price, in lots; raises InputError where a level's lots may not fit a row."""
    lots = float(quote / (Decimal(price) * instrument.lot_size * instrument.contract_value))
    if lots > _LOTS_MAX:
        raise InputError(f"synthetic ticks: {quote} at {price} are {lots:.3g} lots, expected at most {_LOTS_MAX:.0e}")
    return lots


def _settings(model: TickModel, instrument: Instrument, price: str | Decimal) -> np.recarray[Any, Any]:
    """One SETTINGS record without its end; raises InputError for an instrument the kernels cannot run on."""
    if instrument.kind == "inverse":
        raise InputError(f"instrument {instrument.symbol}: expected spot or linear, found inverse")
    settings = table(SETTINGS, 1)
    row = settings[0]
    row.tick = instrument.ticks_per_tick_size
    row.levels = model.levels
    row.toxicity = model.toxicity
    row.lead_ns = int(model.lead_ms * 1e6)
    row.decay = _LN_2 / (model.excitation_half_life_ms * 1e6)
    # The integral of an excitement is jump / decay: the mean number of orders it calls forth.
    row.self_jump = model.self_excitation * row.decay
    row.cross_jump = model.cross_excitation * row.decay
    row.base_rate = 0.5 * model.trades_per_s * (1.0 - model.self_excitation - model.cross_excitation) / _NS
    row.narrow_rate = model.moves_per_s / _NS
    row.wide_rate = model.moves_per_s * model.wide_haste / _NS
    row.move_gap_ns = int(model.move_gap_ms * 1e6)
    row.mood_keep = _keep(1.0, model.volatility_half_life_s)
    row.mood_shock = model.log_volatility * math.sqrt(1.0 - row.mood_keep * row.mood_keep)
    row.mood_offset = -0.5 * model.log_volatility * model.log_volatility
    row.depth_ns = _NS / model.depth_per_s
    row.depth_rows = model.depth_rows
    row.depth_reach = model.depth_reach
    row.deletion_share = model.deletion_share
    row.order_lots = _lots_of(model.order_quote, instrument, price)
    row.sweep_share = model.sweep_share
    row.sweep_levels = model.sweep_levels
    row.refill_ns = model.refill_ms * 1e6
    row.latency_min_ns = int(model.latency_min_ms * 1e6)
    row.latency_more_ns = model.latency_more_ms * 1e6
    return settings


def _shape(model: TickModel, instrument: Instrument, price: str | Decimal) -> np.ndarray[Any, Any]:
    """Mean lots by distance from the touch: straight up to the hump, then falling back as one over the distance."""
    touch = max(1.0, _lots_of(model.touch_quote, instrument, price))
    lots = np.empty(model.levels)
    for away in range(model.levels):
        share = min(away / model.hump_levels, 1.0)
        lots[away] = touch * (1.0 + (model.hump - 1.0) * share) * min(1.0, 2.0 * model.hump_levels / (away + 1.0))
    return lots


def _opening(seed: int, start_ns: int, start_ticks: int) -> np.recarray[Any, Any]:
    """One MARKET record before its first message: the fair value is half a tick above the start price."""
    market = table(MARKET, 1)
    state = market[0]
    state.value = seeded(seed, f"{_STREAM} value")[0]
    state.flow = seeded(seed, f"{_STREAM} flow")[0]
    state.book = seeded(seed, f"{_STREAM} book")[0]
    state.now = start_ns
    state.excited_at = start_ns
    state.fair = 2 * start_ticks + 1
    state.hidden = state.fair
    state.public_next = NEVER
    state.refill_next = NEVER
    return market
