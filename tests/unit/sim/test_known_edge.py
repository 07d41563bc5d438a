"""The whole simulator against an edge that is known: on a flow without information a maker earns half the spread.

The fair value of the generated market is a martingale, and at toxicity 0 no trade depends on where it goes. So a fill
at distance d from the fair value is worth d on average, whatever the maker does and however late he is. Where a swept
level is refilled at once the mid is the fair value, and d is half the spread for who quotes at the touch without delay.
Market, latency, queue, fills and fees all stand between that sentence and the figures below.
"""

from decimal import Decimal
from functools import cache
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from quintet.core.accounting.fees import fee_quanta
from quintet.core.engine.world import Execution, Setup, new_world
from quintet.core.state import END, FULL, WAKE_TIMER, World
from quintet.research.tick_market import TickMarket
from quintet.research.tick_model import TICK_INSTRUMENT, TickModel
from quintet.sim.queue import POWER, RISK_AVERSE
from tests.desk_worlds import tape_of
from tests.players import AT_THE_TOUCH, player_params, player_state, run_inside
from tests.tick_records import Record, Touches, recorded, touches_of, value_at

MILLISECOND = 1_000_000
SECOND = 1_000 * MILLISECOND
HORIZON_NS = 15 * SECOND
"""When a fill is marked: well after what the informed knew has become public."""

MENDING_MS, LEAVING_HOLES_MS = 0.1, 15.0
"""How long a swept level stays empty: not worth mentioning, and as in the default model."""

LOTS = 10
INSTRUMENT = msgspec.structs.replace(
    TICK_INSTRUMENT, price_increment=Decimal("0.1"), tick_size=Decimal("0.1"), maker_fee_e9=5_000
)
TICK_QUANTA = LOTS * INSTRUMENT.quanta_per_tick_lot
"""What a tick on one order is worth."""


class Fills(NamedTuple):
    """One number for each fill, all in ticks from our side; and when it happened."""

    ts: np.ndarray
    distance: np.ndarray  # from the fair value at that moment
    half_spread: np.ndarray  # quoted just before
    gain: np.ndarray  # to the mid a horizon later, fee paid
    fee: np.ndarray


class Flow(NamedTuple):
    """What differs between the markets here."""

    toxicity: float = 0.0
    refill_ms: float = MENDING_MS
    feed_ms: float = 0.0
    """A message takes so long to reach us, and half as much more on average."""


@cache
def market(flow: Flow) -> tuple[Record, Touches]:
    """Two hours with few depth messages."""
    model = TickModel(
        toxicity=flow.toxicity,
        refill_ms=flow.refill_ms,
        latency_min_ms=flow.feed_ms,
        latency_more_ms=0.5 * flow.feed_ms,
        depth_per_s=10.0,
        depth_rows=8.0,
        levels=30,
    )
    made = recorded(TickMarket(2026, hours=2, instrument=INSTRUMENT, model=model))
    return made, touches_of(made.rows)


@cache
def fills(flow: Flow, latency_ms: int = 0, queue_model: int = RISK_AVERSE) -> Fills:
    made, touches = market(flow)
    found, _ = in_the_loop(made, latency_ms * MILLISECOND, queue_model)
    found = found[found["ts_event"] < made.rows.ts_event[-1] - HORIZON_NS]
    ts, side, price = found["ts_event"], found["side"], found["price"]
    later = value_at(touches.ts, touches.bid + touches.ask, ts + HORIZON_NS) / 2.0
    spread = value_at(touches.ts, touches.ask - touches.bid, ts - 1)
    fair = value_at(made.fair_ts, made.fair, ts) / 2.0
    fee = found["fee"] / TICK_QUANTA
    return Fills(ts, side * (fair - price), spread / 2.0, side * (later - price) - fee, fee)


def in_the_loop(made: Record, latency_ns: int, queue_model: int) -> tuple[np.ndarray, World]:
    """All fills of the touch maker, woken every millisecond; orders and answers travel `latency_ns` each."""
    setup = Setup(
        instruments=(INSTRUMENT,),
        capital={"USDT": 10**15},
        execution=Execution(entry_ns=latency_ns, response_ns=latency_ns, queue_model=queue_model),
        wakes=WAKE_TIMER,
        timer_first_ns=int(made.rows.ts_event[0]) + MILLISECOND,
        timer_every_ns=MILLISECOND,
        price_window=(int(made.rows.price.min()) - 50, int(made.rows.price.max()) + 50),
        messages_in_flight=1_000,
        buffer_rows=1 << 16,
    )
    world = new_world(setup, player_state(1), player_params(plays=AT_THE_TOUCH, lots_max=LOTS))
    tape, venue = tape_of(made.rows), world.venue[0]
    parts, why = [], FULL
    while why == FULL:
        why = run_inside(tape, world, len(made.rows))
        parts.append(np.asarray(world.fills)[: int(venue.n_fills)].copy())
        venue.n_fills = venue.n_commands = venue.n_notes = venue.n_samples = venue.n_rows = 0
    assert why == END
    assert not np.asarray(world.desk[0].ledger).sum(axis=0).any()
    return np.concatenate(parts), world


def mean_and_error(ts: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """The mean over fills and its standard error; fills of one minute share their future, so minutes are the sample."""
    minute = (ts - ts[0]) // (60 * SECOND)
    sums, counts = np.bincount(minute, values), np.bincount(minute)
    mean = sums.sum() / counts.sum()
    return float(mean), float(np.sqrt(np.sum((sums - mean * counts) ** 2)) / counts.sum())


@pytest.mark.parametrize("queue_model", [RISK_AVERSE, POWER], ids=["risk averse", "power"])
def test_without_information_a_fill_earns_half_the_spread_less_the_fee(queue_model: int) -> None:
    found = fills(Flow(), 0, queue_model)
    assert len(found.ts) > 20_000
    # given what a maker at the touch is said to earn
    promised = found.half_spread - found.fee
    # then what is left after the horizon differs from it by chance alone, and chance is small beside it
    surprise, error = mean_and_error(found.ts, found.gain - promised)
    assert abs(surprise) < 3.0 * error
    assert error < 0.05 * promised.mean()


def test_who_quotes_at_the_touch_without_delay_is_filled_there() -> None:
    found = fills(Flow())
    assert np.mean(found.distance == found.half_spread) > 0.99
    assert np.mean(found.distance) == pytest.approx(np.mean(found.half_spread), rel=0.01)
    assert np.all(found.distance >= 0.0)


def test_the_account_holds_what_the_fills_add_up_to_and_each_paid_its_fee() -> None:
    # given all fills, and what the account says of them
    made, _ = market(Flow())
    found, world = in_the_loop(made, 0, RISK_AVERSE)
    account = world.desk[0].shown.account[0]
    # when the position is marked at any price
    mark = int(made.rows.price[-1])
    quanta = INSTRUMENT.quanta_per_tick_lot
    marked = account.realized + account.lots * mark * quanta - account.cost
    # then it is worth what the fills add up to, to the quantum, and so are the fees
    assert marked == int(np.sum(found["side"] * found["lots"] * (mark - found["price"]))) * quanta
    assert account.fees == int(found["fee"].sum())
    for price, fee in zip(found["price"][:500].tolist(), found["fee"][:500].tolist(), strict=True):
        assert fee == fee_quanta(price * TICK_QUANTA, INSTRUMENT.maker_fee_e9)


@pytest.mark.parametrize(("latency_ms", "feed_ms"), [(0, 0.0), (5, 0.0), (5, 4.0), (50, 0.0)])
def test_early_or_late_a_fill_is_worth_its_distance_from_the_fair_value(latency_ms: int, feed_ms: float) -> None:
    # given a market in which a sweep leaves a hole for a while, so that the mid is not always the fair value
    found = fills(Flow(refill_ms=LEAVING_HOLES_MS, feed_ms=feed_ms), latency_ms)
    surprise, error = mean_and_error(found.ts, found.gain - (found.distance - found.fee))
    assert abs(surprise) < 3.0 * error


def test_the_later_the_maker_the_less_of_the_spread_he_keeps() -> None:
    flow = Flow(refill_ms=LEAVING_HOLES_MS)
    distances = [float(np.mean(fills(flow, latency_ms).distance)) for latency_ms in (0, 5, 50)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.95 * distances[0]
    # someone who is late is now and then filled where the fair value has gone beyond his price
    assert np.any(fills(flow, 50).distance < 0.0)


def test_the_gain_falls_with_every_turn_of_the_dial_and_ends_below_zero() -> None:
    gains = []
    for toxicity in (0.0, 0.25, 0.5, 0.75, 1.0):
        found = fills(Flow(toxicity))
        gains.append(mean_and_error(found.ts, found.gain))
    means = [mean for mean, _ in gains]
    assert means == sorted(means, reverse=True)
    assert means[0] > 5.0 * gains[0][1]
    assert means[-1] < -5.0 * gains[-1][1]


@pytest.mark.parametrize("toxicity", [0.25, 0.5, 0.75, 1.0])
def test_what_the_dial_takes_is_its_share_of_what_the_informed_know(toxicity: float) -> None:
    # given how far apart public and hidden value were at the fills
    found, (made, _) = fills(Flow(toxicity)), market(Flow(toxicity))
    lead_ns = int(TickModel().lead_ms * 1e6)
    gap = np.abs(value_at(made.fair_ts, made.fair, found.ts + lead_ns) - value_at(made.fair_ts, made.fair, found.ts))
    # when every order is an informed one with the chance of the dial
    lost, error = mean_and_error(found.ts, found.distance - found.fee - found.gain)
    taken = toxicity * float(np.mean(gap)) / 2.0
    # then at least that share is lost; bursts of the informed side draw others along, so it may be a fifth more
    assert taken - 3.0 * error < lost < 1.2 * taken + 3.0 * error
