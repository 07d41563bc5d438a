"""What must hold at every event, whatever the market does and whatever the system wants.

A system of dice wants anything, in a market that staggers, at a venue with drawn latency, liquidity and policy. It is
run through the real loop in every way there is, and all of them must agree.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.digest import command_hash, state_hash
from quintet.core.engine.replay import replay
from quintet.core.engine.world import Execution, Limits
from quintet.core.events import PLACE
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import FREE, MARKET, STOP
from quintet.core.state import DESK_BOOK, END, PAUSE, World
from quintet.core.tape import memory_tape
from tests.desk_worlds import (
    COIN,
    FIVE_MINUTES,
    LINEAR_COIN,
    ONE_MINUTE,
    SECOND,
    SPOT_COIN,
    USDT,
    bar_tape,
    dice_world,
    run,
    two_timeframes,
    walking_bars,
)
from tests.players import deciding, player, player_params, replay_inside, run_inside

pytestmark = pytest.mark.xdist_group("loop")

BARS = 16
E9 = 10**9


def copy_of(world: World) -> World:
    """The same world in other memory."""
    return World(*(part.copy() for part in world))


# ---- the laws ------------------------------------------------------------------------------------------------------
def live_orders(desk: Any) -> Any:
    orders = np.asarray(desk.orders)
    return orders[orders["status"] != FREE]


def assert_books_balance(desk: Any, spot: bool) -> None:
    ledger = np.asarray(desk.ledger)
    assert not ledger.sum(axis=0).any()
    if spot:
        assert ledger[DESK_BOOK, USDT] >= 0
        assert ledger[DESK_BOOK, COIN] >= 0


def assert_room_is_what_live_orders_hold(desk: Any) -> None:
    live, account = live_orders(desk), desk.shown.account[0]
    assert desk.live == len(live)
    binding = live[live["style"] != STOP]
    left = binding["lots"] - binding["filled"]
    assert account.open_buy_lots == left[binding["side"] > 0].sum()
    assert account.open_sell_lots == left[binding["side"] < 0].sum()
    assert account.reserved_quote == binding["reserved"].sum()


def assert_own_orders_cannot_meet(desk: Any) -> None:
    live = live_orders(desk)
    live = live[live["style"] != STOP]
    bids, asks = live[live["side"] > 0], live[live["side"] < 0]
    if len(bids) and len(asks):
        assert MARKET not in live["style"]
        assert bids["price"].max() < asks["price"].min()


def assert_filled_never_falls(desk: Any, filled: dict[int, int]) -> None:
    for order in live_orders(desk):
        number = int(order["number"])
        assert filled.get(number, 0) <= order["filled"] <= order["lots"]
        filled[number] = int(order["filled"])


def assert_limits_hold(desk: Any, spot: bool) -> None:
    limits, account = desk.limits, desk.shown.account[0]
    assert account.lots + account.open_buy_lots <= limits.max_position_lots
    if not spot:
        assert -account.lots + account.open_sell_lots <= limits.max_position_lots
        return
    sells = live_orders(desk)
    # What a stop has left uncovered is on its way back; nothing else exceeds what is held.
    sells = sells[(sells["side"] < 0) & (sells["style"] != STOP) & (sells["recalled"] == 0)]
    assert (sells["lots"] - sells["filled"]).sum() <= account.lots
    assert account.reserved_quote <= desk.ledger[DESK_BOOK, USDT]
    buys = live_orders(desk)
    buys = buys[buys["side"] > 0]
    buys = buys[buys["style"] != STOP]
    assert len(buys) <= limits.max_open_orders
    assert not len(buys) or buys["lots"].max() <= limits.max_order_lots


def buys_in_each_second(world: World, spot: bool) -> list[int]:
    commands = np.asarray(world.commands)[: int(world.venue[0].n_commands)]
    buys = commands[(commands["kind"] == PLACE) & (commands["side"] > 0) & (commands["style"] != STOP)]
    return np.unique(buys["ts"] // SECOND, return_counts=True)[1].tolist() if spot else []


# ---- what is drawn -------------------------------------------------------------------------------------------------
@st.composite
def scripts(draw: st.DrawFn) -> dict[str, Any]:
    spot = draw(st.booleans())
    latency = st.sampled_from([0, 300_000_000, 7 * SECOND, 25 * SECOND])
    return {
        "seed": draw(st.integers(0, 10_000)),
        "instrument": SPOT_COIN if spot else LINEAR_COIN,
        "execution": Execution(
            entry_ns=draw(latency),
            response_ns=draw(latency),
            policy=draw(st.integers(0, 3)),
            participation_e9=draw(st.sampled_from([E9, E9 // 20])),
            touch_e9=draw(st.sampled_from([0, E9 // 2])),
            half_spread_e9=draw(st.sampled_from([0, 200_000])),
            slippage_e9=draw(st.sampled_from([0, 1_000_000])),
            fill_timeframe=ONE_MINUTE,
        ),
        "limits": (
            Limits(max_position_lots=draw(st.sampled_from([90, 100_000])), max_order_lots=40),
            Limits(
                max_open_orders=draw(st.sampled_from([3, 64])), max_orders_per_second=draw(st.sampled_from([2, 1_000]))
            ),
        ),
        # Stops of a contract may sell what asks on their way sell too; on spot nothing is sold that is not held.
        "params": player_params(styles=5 if spot else 4, keep_in_ten=draw(st.sampled_from([5, 9])), lots_max=60),
        "mark_timeframe": draw(st.sampled_from([0, ONE_MINUTE, FIVE_MINUTES])),
        "timer_every_ns": draw(st.sampled_from([0, 25 * SECOND])),
        "capital": {"USDT": draw(st.sampled_from([9_000_000_000, 100_000_000_000]))},
    }


def stepped(tape: Any, world: World, spot: bool) -> World:
    """The loop that leaves at every wake, with the decision made outside and the laws looked at each time."""
    filled: dict[int, int] = {}

    def assert_laws(world: World) -> None:
        desk = world.desk[0]
        assert_books_balance(desk, spot)
        assert_room_is_what_live_orders_hold(desk)
        assert_own_orders_cannot_meet(desk)
        assert_filled_never_falls(desk, filled)
        assert_limits_hold(desk, spot)
        assert desk.alarms == 0

    with np.errstate(over="ignore"):
        assert deciding(player, assert_laws)(tape, world, 1 << 60) == END
    return world


def stopped_and_resumed(tape: Any, world: World, rows: int) -> World:
    """Stopped after every few rows, and continued by a copy that shares nothing with the original."""
    stop = rows
    with np.errstate(over="ignore"):
        while (why := run_inside(tape, world, stop)) != END:
            assert why == PAUSE
            stop += rows
            world = copy_of(world)
    return world


def hashes(world: World) -> tuple[str, str, int]:
    return command_hash(world.desk[0]), state_hash(world.desk, world.state), int(world.desk[0].position)


@pytest.mark.req("S-02", "S-03", "S-08", "S-11", "S-25", "S-27")
@given(scripts(), st.integers(1, 9))
@settings(max_examples=30)
def test_the_laws_hold_at_every_wake_and_every_way_to_run_is_the_same(script: dict[str, Any], rows: int) -> None:
    spot = script["instrument"].kind == "spot"
    tape = two_timeframes(walking_bars(script["seed"], BARS))
    world = stepped(tape, dice_world(**script), spot)
    expected = hashes(world)
    assert max(buys_in_each_second(world, spot), default=0) <= world.desk[0].limits.max_orders_per_second
    # the system compiled into the loop
    straight = dice_world(**script)
    run(run_inside, tape, straight)
    assert hashes(straight) == expected
    # stopped anywhere and resumed from bytes
    assert hashes(stopped_and_resumed(tape, dice_world(**script), rows)) == expected
    # recorded: a desk tape that keeps the laws of tapes, and replays to the same commands and state
    recorded = dice_world(**script, recording=True)
    desk_rows = run(run_inside, tape, recorded)
    assert hashes(recorded) == expected
    memory_tape(desk_rows, [script["instrument"]])
    with np.errstate(over="ignore"):
        replayed = replay(replay_inside, desk_rows, dice_world(**script))
    assert replayed.difference is None
    assert (replayed.command_hash, replayed.state_hash, replayed.positions) == expected


# ---- with the compiler off -----------------------------------------------------------------------------------------
def small_run(instrument: Instrument, advance: Any = run_inside) -> tuple[str, str, int]:
    """A few bars with everything in them: latency, partial fills, stops, timers."""
    execution = Execution(
        entry_ns=2 * SECOND, response_ns=SECOND, policy=2, participation_e9=E9 // 10, touch_e9=E9 // 4,
        half_spread_e9=200_000, slippage_e9=1_000_000, fill_timeframe=ONE_MINUTE,
    )  # fmt: skip
    world = dice_world(5, instrument, execution=execution, timer_every_ns=25 * SECOND, recording=True)
    run(advance, bar_tape(walking_bars(5, 4)), world)
    assert world.desk[0].n_fills > 0
    return hashes(world)


@pytest.mark.req("S-08")
def test_another_process_without_a_compiler_decides_the_same() -> None:
    here = [small_run(instrument) for instrument in (SPOT_COIN, LINEAR_COIN)]
    names = "small_run, SPOT_COIN, LINEAR_COIN"
    code = f"from {__name__} import {names}; print([small_run(i) for i in (SPOT_COIN, LINEAR_COIN)])"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONHASHSEED": "4242"}
    root = Path(__file__).resolve().parents[2]
    child = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True)
    assert child.stdout.strip() == str(here), child.stderr


@pytest.mark.jit_off
@pytest.mark.bounds
def test_two_runs_are_equal() -> None:
    assert small_run(SPOT_COIN, deciding(player)) == small_run(SPOT_COIN, deciding(player))
