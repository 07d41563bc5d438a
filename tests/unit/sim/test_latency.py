"""How long things travel."""

from typing import Any

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.engine.world import Latencies
from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.core.state import END, LATENCY, WAKE_ORDER, WAKE_TIMER, World
from quintet.sim.latency import DRAWN, RECORDED, arrival_at_us, arrival_at_venue, lengthened
from tests.desk_worlds import START, a_world, run
from tests.players import after_wake, run_left
from tests.tick_market import MILLISECOND, message_rows, tick_world


def recorded(*orders: tuple[int, int, int]) -> Latencies:
    """Orders as milliseconds after the start."""
    rows = table(LATENCY, len(orders))
    for n, order in enumerate(orders):
        rows[n] = tuple(START + ms * MILLISECOND if ms else 0 for ms in order)
    return Latencies(recorded=rows)


def entries(world: World, *sent_ms: int) -> list[float]:
    """How many milliseconds each takes."""
    times = [START + ms * MILLISECOND for ms in sent_ms]
    return [(arrival_at_venue(world.venue[0].gateways[0], world.latencies, ts) - ts) / MILLISECOND for ts in times]


@pytest.mark.jit_off
def test_drawn_latencies_have_their_median_and_their_99th_percentile() -> None:
    latencies = Latencies(seed=3, entry_p99_ns=40 * MILLISECOND, response_p99_ns=9, least_ns=2)
    world = tick_world(entry_ns=5 * MILLISECOND, response_ns=5, latency_model=DRAWN, latencies=latencies)
    # sent a second apart, none has to wait for the one before
    took = np.array(entries(world, *(1000 * n for n in range(4000))))
    assert np.median(took) == pytest.approx(5, rel=0.05)
    assert np.quantile(took, 0.99) == pytest.approx(40, rel=0.2)
    assert took.min() > 0


def test_nothing_overtakes() -> None:
    latencies = Latencies(entry_p99_ns=90 * MILLISECOND, response_p99_ns=90 * MILLISECOND)
    ways = {"entry_ns": 5 * MILLISECOND, "response_ns": 5 * MILLISECOND, "latency_model": DRAWN}
    world = tick_world(latencies=latencies, **ways)
    times = range(START, START + 300 * MILLISECOND, MILLISECOND)
    for arrival in (arrival_at_venue, arrival_at_us):
        arrivals = [arrival(world.venue[0].gateways[0], world.latencies, ts) for ts in times]
        assert arrivals == sorted(arrivals)


def test_recorded_latencies_are_interpolated_and_go_on_as_they_end() -> None:
    world = tick_world(latency_model=RECORDED, latencies=recorded((10, 12, 13), (30, 42, 50)))
    assert entries(world, 5, 10, 20, 30, 90) == [2, 2, 7, 12, 12]


def test_while_the_venue_was_congested_orders_are_refused() -> None:
    world = tick_world(latency_model=RECORDED, latencies=recorded((10, 12, 13), (30, 0, 80), (50, 52, 53)))
    # between the first two the answer takes from 3 to 50 ms: in the middle, 26.5 ms
    heard = -arrival_at_venue(world.venue[0].gateways[0], world.latencies, START + 20 * MILLISECOND)
    assert heard - START == 46.5 * MILLISECOND


def test_a_refused_order_is_heard_of_and_its_room_is_free_again() -> None:
    # given a desk that wants one order at the first timer, when the venue handles nothing for a while
    latencies = recorded((10, 12, 13), (60, 0, 80), (900, 902, 903))
    world = tick_world(latency_model=RECORDED, latencies=latencies, wakes=WAKE_TIMER | WAKE_ORDER)
    tape = message_rows([(START + ms * MILLISECOND,) * 2 + ([(ev.BID_LEVEL, 9_999, 5)],) for ms in (1, 500)])  # type: ignore[misc]
    view = world.desk[0].shown
    seen = []
    with np.errstate(over="ignore"):
        while (why := run_left(tape, world, 1 << 60)) != END:
            seen.append((int(why), int(view.kind) if why == WAKE_ORDER else 0))
            if world.desk[0].n_timers == 1:
                want = view.wants[0]
                want.side, want.price, want.lots, view.n, view.dirty = 1, 9_990, 5, int(not world.desk[0].n_places), 1
            after_wake(world)
    assert (WAKE_ORDER, ev.ORDER_REJECTED) in seen
    assert (world.desk[0].live, view.account[0].open_buy_lots, world.venue[0].live) == (0, 0, 0)


@pytest.mark.jit_off
def test_in_every_span_one_spike_lengthens_what_is_sent_inside_it() -> None:
    world = tick_world(spike_every_ns=100 * MILLISECOND, spike_ns=20 * MILLISECOND, spike_factor_e9=10 * 10**9)
    first = START // (100 * MILLISECOND) * 100
    for span in range(5):
        begins = (first + 100 * span) * MILLISECOND
        longer = [lengthened(world.venue[0].gateways[0], begins + ms * MILLISECOND, 7) == 70 for ms in range(100)]
        assert sum(longer) == 20
        edge = longer.index(True)
        assert longer[edge : edge + 20] == [True] * 20


def test_where_clocks_are_not_believed_every_message_takes_the_same_time() -> None:
    world = tick_world(feed_ns=7 * MILLISECOND, wakes=0, recording=True)
    messages: Any = [
        (START + ms * MILLISECOND, START + 400 * MILLISECOND, [(ev.BID_LEVEL, 9_990 + ms, 1)]) for ms in (1, 2, 90)
    ]
    rows = run(run_left, message_rows(messages), world)
    feed = [(int(r.ts_recv) - int(r.ts_event)) / MILLISECOND for r in rows if r.kind == ev.BID_LEVEL]
    assert feed == [7, 7]
    assert (np.diff(rows.ts_recv) >= 0).all()
    assert world.desk[0].shown.market[0].bid == 9_992


@pytest.mark.parametrize(
    ("execution", "latencies", "complaint"),
    [
        ({"latency_model": DRAWN}, Latencies(), "0 <= least < median"),
        ({"latency_model": DRAWN, "entry_ns": 9}, Latencies(entry_p99_ns=8), "99th percentile 8"),
        ({"latency_model": RECORDED}, Latencies(), "found no orders"),
        ({"latency_model": RECORDED}, recorded((10, 12, 13), (10, 13, 14)), "order of their sending"),
        ({"latency_model": RECORDED}, recorded((10, 9, 13)), "arrived before they were sent"),
        ({"latency_model": RECORDED}, recorded((10, 12, 11)), "heard of before they arrived"),
        ({"spike_every_ns": 5, "spike_ns": 6}, Latencies(), "fit into its span"),
    ],
)  # fmt: skip
def test_latencies_that_cannot_be_are_refused(execution: dict[str, int], latencies: Latencies, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        tick_world(latencies=latencies, **execution)


def test_latencies_that_vary_are_refused_where_bars_are_filled() -> None:
    from quintet.core.engine.world import Execution

    with pytest.raises(ConfigError, match="when bars are filled"):
        a_world(execution=Execution(fill_timeframe=1, latency_model=DRAWN, entry_ns=1))
