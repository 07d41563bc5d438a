"""Tick mode: the loop with the system inside, left at every wake, and stopped anywhere, are one and the same."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.digest import command_hash, state_hash
from quintet.core.engine.world import Latencies
from quintet.core.state import END, PAUSE, World
from quintet.sim.latency import DRAWN
from tests.desk_worlds import run
from tests.players import deciding, player, run_inside
from tests.tick_market import MILLISECOND, tick_tape, tick_world

latencies = st.sampled_from([0, 1, 3 * MILLISECOND, 70 * MILLISECOND])

WORLDS: list[dict[str, Any]] = [
    {},
    {"partial_fills": 1},
    {"partial_fills": 1, "own_impact": 1, "feed_ns": 4 * MILLISECOND},
    {
        "latency_model": DRAWN,
        "entry_ns": 5 * MILLISECOND,
        "response_ns": 2 * MILLISECOND,
        "latencies": Latencies(seed=5, entry_p99_ns=200 * MILLISECOND, response_p99_ns=90 * MILLISECOND),
        "spike_every_ns": 300 * MILLISECOND,
        "spike_ns": 100 * MILLISECOND,
        "spike_factor_e9": 5 * 10**9,
    },
]
"""What else may be assumed: how orders are filled, and how long things travel."""


def hashes(world: World) -> tuple[str, str, int]:
    return command_hash(world.desk[0]), state_hash(world.desk, world.state), int(world.desk[0].position)


@pytest.mark.req("S-08", "S-27")
@given(st.integers(0, 1_000), latencies, latencies, st.integers(0, 5), st.sampled_from(WORLDS), st.integers(1, 40))
@settings(max_examples=25)
def test_every_way_to_run_is_the_same(
    seed: int, entry_ns: int, response_ns: int, model: int, more: dict[str, Any], rows: int
) -> None:
    def a_world() -> World:
        ways = {"entry_ns": entry_ns, "response_ns": response_ns, **more}
        return tick_world(seed, queue_model=model, **ways)

    tape = tick_tape(seed, 150)
    straight = a_world()
    run(run_inside, tape, straight)
    expected = hashes(straight)
    assert not np.asarray(straight.desk[0].ledger).sum(axis=0).any()
    assert straight.desk[0].alarms == 0
    # left at every wake
    left = a_world()
    with np.errstate(over="ignore"):
        assert deciding(player)(tape, left, 1 << 60) == END
    assert hashes(left) == expected
    # stopped after every few rows, and continued by a copy
    resumed, stop = a_world(), rows
    with np.errstate(over="ignore"):
        while (why := run_inside(tape, resumed, stop)) != END:
            assert why == PAUSE
            stop += rows
            resumed = World(*(part.copy() for part in resumed))
    assert hashes(resumed) == expected


def test_the_small_market_trades_with_us() -> None:
    fills = 0
    for seed in range(5):
        world = tick_world(seed)
        run(run_inside, tick_tape(seed, 400), world)
        fills += int(world.desk[0].n_fills)
    assert fills > 20
