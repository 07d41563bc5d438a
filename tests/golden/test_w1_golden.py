"""The heart under its benchmark system: the same market gives the same commands, on every machine and every path.

A changed digest is fine when intended: the diff shows it, the changelog says why.
"""

import numpy as np
import pytest

from benchmarks import data, w1_ticks
from quintet.core.state import Tape
from tests.tick_market import tick_tape

MESSAGES = 30_000
SHORT = 2_000
GOLDEN = {
    "power": "1aa7eb73395e210184c9b2a65b12bce6",
    "risk": "eb37818048295718d70c96f8d7daf124",
}
"""Command hash of the grid maker on the small market, by queue model."""


@pytest.fixture(scope="module")
def small_market() -> Tape:
    return tick_tape(2026, MESSAGES)


def a_run(tape: Tape, queue: str) -> tuple[dict[str, float], dict[str, str]]:
    world = w1_ticks.world_for(tape, queue)
    w1_ticks.drive(tape, world)
    assert not np.asarray(world.desk[0].ledger).sum(axis=0).any()
    return w1_ticks.results(world), w1_ticks.hashes(world)


@pytest.mark.parametrize("queue", sorted(GOLDEN))
def test_the_commands_on_the_small_market_are_those_kept_here(small_market: Tape, queue: str) -> None:
    found, hashes = a_run(small_market, queue)
    assert found["fills"] > 1_000
    assert hashes["commands"] == GOLDEN[queue]


def test_left_at_every_wake_the_run_is_the_same(small_market: Tape) -> None:
    world = w1_ticks.world_for(small_market, "power")
    w1_ticks.drive_leaving(small_market, world)
    assert (w1_ticks.results(world), w1_ticks.hashes(world)) == a_run(small_market, "power")


@pytest.mark.jit_off
def test_the_first_messages_have_the_same_commands_with_compilation_off() -> None:
    assert a_run(tick_tape(2026, SHORT), "power")[1]["commands"] == "0a7f9acc17a79437baef7fd3791cab2c"


@pytest.mark.shared
@pytest.mark.parametrize("queue", sorted(w1_ticks.EXPECTED))
def test_the_run_over_the_recorded_market_equals_hftbacktests(queue: str) -> None:
    if data.folder() is None:
        pytest.skip("the generator of the benchmark data (../shared/bench) is not beside this checkout")
    found, _ = a_run(w1_ticks.tape_of(data.ticks()), queue)
    assert {name: found[name] for name in w1_ticks.EXPECTED[queue]} == w1_ticks.EXPECTED[queue]
