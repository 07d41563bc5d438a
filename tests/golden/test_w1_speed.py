"""The loop may not become slow unseen: it is held to a multiple of the least that any loop over these rows must do."""

from collections.abc import Callable

import numpy as np
import pytest
from numba import config

from benchmarks import w1_ticks
from quintet.core.state import Tape, World
from tests.bare_book import keep_book, least_cpu_seconds
from tests.tick_market import tick_tape

MESSAGES = 30_000
ROUNDS = 30
TIMES_BARE_MAX = 20.0
"""What the loop with the grid may take of the bare loop's time; on this market, full of orders, it takes 12 to 14."""

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="compilation is off: nothing to be measured")


def copy_of(world: World) -> World:
    return World(*(part.copy() for part in world))


@pytest.fixture(scope="module")
def market() -> Tape:
    return tick_tape(2026, MESSAGES)


def times_bare(market: Tape, loop: Callable[[Tape, World], object]) -> float:
    """How many times as long as the bare loop a loop takes over a market."""
    worlds = [w1_ticks.world_for(market, "power", buffer_rows=1 << 14) for _ in range(ROUNDS)]
    low, high = int(market.rows.price.min()), int(market.rows.price.max())
    lots = np.zeros(2 * (high - low + 1), np.int64)
    bare, ours = least_cpu_seconds(
        lambda: keep_book(market.rows, lots, low), lambda: loop(market, worlds.pop()), rounds=ROUNDS
    )
    return ours / bare


def test_the_loop_takes_no_more_than_a_few_times_what_any_loop_must(market: Tape) -> None:
    assert times_bare(market, w1_ticks.drive) < TIMES_BARE_MAX


def test_a_loop_that_takes_twice_as_long_would_be_found(market: Tape) -> None:
    def twice(market: Tape, world: World) -> None:
        before = copy_of(world)
        w1_ticks.drive(market, world)
        w1_ticks.drive(market, before)

    assert times_bare(market, twice) > TIMES_BARE_MAX
