"""Candles, a near venue and a far one in one clock: every way to run is the same, and none knows the future."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.engine.world import Execution, Setup, Venue, new_world
from quintet.core.state import (
    END,
    PAUSE,
    WAKE_BAR,
    WAKE_FILL,
    WAKE_ORDER,
    WAKE_TIMER,
    Tape,
    World,
)  # fmt: skip
from quintet.sim.exchange_order import in_exchange_order
from tests.desk_worlds import FIVE_MINUTES, LINEAR_COIN, ONE_MINUTE, START, run
from tests.players import deciding, player, player_params, player_state, run_inside, run_left
from tests.property.test_several_feeds import FAR_COIN, Told, tape_in_order_of_hearing
from tests.property.test_tick_laws import hashes
from tests.tick_market import MILLISECOND, WINDOW, Market

DELAYS = st.sampled_from([0, 3 * MILLISECOND, 80 * MILLISECOND])


def candle(timeframe: int) -> tuple[tuple[int, ...], ...]:
    bits = timeframe << 1
    return (ev.BAR_OPEN, 10_000, 7, bits), (ev.BAR_CLOSE, 10_001, 10_002 << ev.HIGH_SHIFT | 9_999, bits)


def a_tape(seed: int, delay_ns: int, late_ns: int) -> Tape:
    """Ticks of a far venue (instrument 0) and a near one (1), and a candle of one or five minutes now and then."""
    told = []
    for n, delay in ((0, delay_ns), (1, 0)):
        for event, recv, rows in Market(seed + n).messages(120):
            told.append(Told(event, recv + delay, n, tuple(rows)))
    for k in range(8):
        end = START + 150 * MILLISECOND * (k + 1)
        told.append(Told(end, end + late_ns, k % 2, candle(FIVE_MINUTES if k % 3 == 2 else ONE_MINUTE)))
    return in_exchange_order(tape_in_order_of_hearing(told))


def a_world(seed: int) -> World:
    near = Execution(partial_fills=1, own_impact=1, entry_ns=MILLISECOND, response_ns=MILLISECOND)
    far = Execution(partial_fills=1, own_impact=1, entry_ns=30 * MILLISECOND, response_ns=40 * MILLISECOND)
    setup = Setup(
        instruments=(FAR_COIN, LINEAR_COIN),
        capital={"USDT": 10**12},
        execution=near,
        venues={"far": Venue(execution=far)},
        wakes=WAKE_TIMER | WAKE_FILL | WAKE_ORDER | WAKE_BAR,
        wake_timeframes=(ONE_MINUTE, FIVE_MINUTES),
        mark_timeframe=FIVE_MINUTES,
        timer_first_ns=START + 50 * MILLISECOND,
        timer_every_ns=50 * MILLISECOND,
        price_windows=(WINDOW, WINDOW),
        messages_in_flight=256,
    )
    return new_world(setup, player_state(seed), player_params(spread=6, styles=4, keep_in_ten=6))


def commands(world: World) -> list[Any]:
    return [tuple(c) for c in world.commands[: int(world.venue[0].n_commands)]]


@given(st.integers(0, 1_000), DELAYS, DELAYS, st.integers(1, 40), st.integers(1, 400))
@settings(max_examples=25)
def test_every_way_to_run_is_the_same(seed: int, delay_ns: int, late_ns: int, rows: int, cut: int) -> None:
    tape = a_tape(seed, delay_ns, late_ns)
    straight = a_world(seed)
    run(run_inside, tape, straight)
    desk = straight.desk[0]
    assert desk.n_bars == 8 and desk.n_places > 0 and desk.alarms == 0
    assert not np.asarray(desk.ledger).sum(axis=0).any()
    # left at every wake
    left = a_world(seed)
    with np.errstate(over="ignore"):
        assert deciding(player)(tape, left, 1 << 60) == END
    assert hashes(left) == hashes(straight)
    # stopped after every few rows, and continued by a copy
    resumed, stop = a_world(seed), rows
    with np.errstate(over="ignore"):
        while (why := run_inside(tape, resumed, stop)) != END:
            assert why == PAUSE
            stop += rows
            resumed = World(*(part.copy() for part in resumed))
    assert hashes(resumed) == hashes(straight)
    # without what came later, the same until then
    prefix = a_world(seed)
    cut = min(cut, len(tape.rows) - 1)
    with np.errstate(over="ignore"):
        run_inside(tape, prefix, cut)
    known = commands(prefix)
    assert known == commands(straight)[: len(known)]


@pytest.mark.jit_off
def test_a_candle_wakes_when_it_reaches_us_and_is_filled_by_nothing() -> None:
    # given a candle that ends while the book stands still, and reaches us 3 ms later
    end, late = START + 150 * MILLISECOND, 3 * MILLISECOND
    book = ((ev.BID_LEVEL, 9_999, 5), (ev.ASK_LEVEL, 10_001, 5))
    told = [Told(START, START, 0, book), Told(end, end + late, 0, candle(ONE_MINUTE)), Told(end + 1, end + 2, 1, book)]
    tape = in_exchange_order(tape_in_order_of_hearing(told))
    world = a_world(1)
    world.desk[0].wakes = WAKE_BAR
    # when it wakes us, then we know its close, and the book as it had reached us by then
    assert run_left(tape, world, 1 << 60) == WAKE_BAR
    view = world.desk[0].shown
    assert (view.now, view.market[0].close, view.market[1].bid) == (end + late, 10_001, 9_999)
    assert (view.market[0].bid, view.market[0].ask, world.venue[0].book[0].last) == (9_999, 10_001, 0)
