"""Several trading venues in one run: each as far away as it is, with its own limit, and none waits for another."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from quintet.core import events as ev
from quintet.core.engine.world import Execution, Latencies, Setup, Venue, new_world
from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.core.state import LATENCY, World
from quintet.sim.latency import arrival_at_venue
from quintet.sim.loop import hear_the_rest
from quintet.sim.windows import price_windows
from tests.desk_worlds import LINEAR_COIN, START, run
from tests.players import run_left
from tests.tick_market import MILLISECOND
from tests.unit.sim.test_several_instruments import SHIFT, market_rows, together

FAR_COIN = msgspec.structs.replace(
    LINEAR_COIN, symbol="FARUSDT", base_asset="FAR", venue="far", tick_size=Decimal("0.02"), maker_fee_e9=300_000
)
NEAR = Execution(partial_fills=1, entry_ns=MILLISECOND, response_ns=2 * MILLISECOND)
FAR = replace(NEAR, entry_ns=40 * MILLISECOND, response_ns=90 * MILLISECOND, orders_per_second=4)
TAPE = together(market_rows(1, 0, 0), market_rows(2, 1, SHIFT))

Heard = tuple[int, int, int, int, int, int]


def a_world(near: Execution = NEAR, venues: dict[str, Venue] | None = None) -> World:
    return new_world(
        Setup(
            instruments=(LINEAR_COIN, FAR_COIN),
            execution=near,
            venues={"far": Venue(execution=FAR)} if venues is None else venues,
            price_windows=price_windows(TAPE.rows, 2),
            messages_in_flight=256,
            desk_rows=1 << 14,
        )
    )


def answers(world: World) -> list[Heard]:
    """Bids and asks of both instruments, sent when a desk would; what is heard of them, in that order."""
    venue = world.venue[0]
    sent = []
    for slot in range(24):
        ts = START + (20 + 60 * (slot // 4)) * MILLISECOND
        sent.append((arrival_at_venue(venue.gateways[venue.gateway_of[slot % 2]], world.latencies, ts), slot, ts))
    for row, (arrives, slot, ts) in zip(venue.requests, sorted(sent), strict=False):
        n, side = slot % 2, 1 - slot // 2 % 2 * 2
        row.ts, row.kind, row.slot, row.number, row.decided = arrives, ev.PLACE, slot, 256 + slot, ts
        row.instrument, row.side, row.price, row.lots = n, side, 10_000 - 2 * side * (1 + slot % 3) + SHIFT * n, 9
        venue.request_tail += 1
    venue.recording = 1
    rows = list(run(run_left, TAPE, world))
    before = len(rows)
    hear_the_rest(run_left, TAPE, world)
    rows += list(world.rows_out[before : int(venue.n_rows)])
    heard = []
    for i, row in enumerate(rows):
        kind = int(row.kind)
        if kind == ev.FILL:
            number, fee = int(rows[i + 1].quantity), int(rows[i + 2].quantity)
            heard.append((int(row.ts_recv), int(row.ts_event), kind, number - 256, int(row.price), fee))
        elif ev.ORDER_ACCEPTED <= kind <= ev.CANCEL_REJECTED:
            heard.append((int(row.ts_recv), int(row.ts_event), kind, int(row.quantity) - 256, 0, 0))
    return heard


def of_instrument(heard: list[Heard], n: int) -> list[Heard]:
    return [a for a in heard if a[3] % 2 == n]


def test_each_venue_answers_as_if_it_were_the_only_one() -> None:
    both = answers(a_world())
    near, far = answers(a_world(NEAR, {})), answers(a_world(FAR, {}))
    assert of_instrument(both, 0) == of_instrument(near, 0)
    # the far venue alone counts the orders of both instruments, so its limit is checked below
    unlimited = {"far": Venue(execution=replace(FAR, orders_per_second=0))}
    far = answers(a_world(replace(FAR, orders_per_second=0), {}))
    assert of_instrument(answers(a_world(NEAR, unlimited)), 1) == of_instrument(far, 1)
    assert {kind for _, _, kind, *_ in both} >= {ev.FILL, ev.ORDER_ACCEPTED, ev.ORDER_REJECTED}


def test_answers_come_in_the_order_in_which_they_reach_us() -> None:
    both = answers(a_world())
    times = [ts for ts, *_ in both]
    assert times == sorted(times)
    happened = [ts_event for _, ts_event, *_ in both]
    assert happened != sorted(happened)  # a near venue's answers overtake a far one's


def test_a_venue_counts_its_own_orders_only() -> None:
    refused = [slot for _, _, kind, slot, *_ in answers(a_world()) if kind == ev.ORDER_REJECTED]
    assert refused and all(slot % 2 == 1 for slot in refused)


def test_each_instrument_pays_its_own_venues_fees() -> None:
    fees = [(slot % 2, fee) for _, _, kind, slot, _, fee in answers(a_world()) if kind == ev.FILL]
    assert {n for n, _ in fees} == {0, 1}
    assert all((fee < 0) == (n == 0) for n, fee in fees)


def test_recorded_orders_of_two_venues_stay_apart() -> None:
    recorded = []
    for travel in (1, 7):
        rows = table(LATENCY, 3)
        for n, row in enumerate(rows):
            row.sent = START + n * 100 * MILLISECOND
            row.arrived, row.heard = row.sent + travel * MILLISECOND, row.sent + 3 * travel * MILLISECOND
        recorded.append(rows)
    execution = replace(NEAR, latency_model=2)
    far = {"far": Venue(execution=execution, latencies=Latencies(recorded=recorded[1]))}
    world = new_world(
        Setup(
            instruments=(LINEAR_COIN, FAR_COIN),
            execution=execution,
            latencies=Latencies(recorded=recorded[0]),
            venues=far,
        )
    )
    venue = world.venue[0]
    for ms in (-50, 50, 150, 900):
        ts = START + ms * MILLISECOND
        travels = [arrival_at_venue(venue.gateways[venue.gateway_of[n]], world.latencies, ts) - ts for n in (0, 1)]
        assert travels == [MILLISECOND, 7 * MILLISECOND]


REFUSED = {
    "venues: near is of no instrument": {"near": Venue(execution=NEAR)},
    "venues: far: partial_fills is 0, expected 1: it is one for the run": {
        "far": Venue(execution=replace(FAR, partial_fills=0))
    },
    "6 venues, expected at most 4": {str(n): Venue(execution=NEAR) for n in range(5)},
}


@pytest.mark.parametrize("problem", REFUSED)
def test_venues_that_cannot_be_are_refused(problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        a_world(NEAR, REFUSED[problem])
