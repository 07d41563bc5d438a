"""Tick mode with orders that change and an account that pays: what must hold at every wake, in every way to run.

A system of dice quotes, changes its mind, and closes with orders that may only reduce, in a perpetual with a mark price
that runs away now and then, at a venue that amends, pays funding, counts turnover and asks for margin.
"""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.digest import command_hash, state_hash
from quintet.core.engine.money_rules import FeeSchedule, FeeTier, MarginRules, MarginTier
from quintet.core.engine.replay import replay
from quintet.core.orders.lifecycle import FREE, MEETS_OUR_OWN
from quintet.core.risk.margin import CROSS, ISOLATED, NO_MARGIN
from quintet.core.state import END, PAUSE, WAKE_FILL, WAKE_FUNDING, WAKE_ORDER, WAKE_TIMER, World
from quintet.core.tape import memory_tape
from quintet.sim.loop import hear_the_rest
from tests.desk_worlds import LINEAR_COIN, run
from tests.players import CHANGING, deciding, player, player_params, replay_inside, run_inside, run_left
from tests.tick_market import MILLISECOND, tick_tape, tick_world

pytestmark = pytest.mark.xdist_group("loop")

LOT = 10_000 * LINEAR_COIN.quanta_per_tick_lot
CHANGING_QUOTES = player_params(plays=CHANGING)


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, Any]:
    latencies = st.sampled_from([0, 1, 3 * MILLISECOND, 70 * MILLISECOND])
    margin = MarginRules(
        mode=draw(st.sampled_from([NO_MARGIN, ISOLATED, CROSS])),
        initial_e9=draw(st.sampled_from([10**9 // 5, 10**9 // 50])),
        tiers=(
            MarginTier(value_max=40 * LOT, initial_e9=0, maintenance_e9=5_000_000),
            MarginTier(value_max=4_000 * LOT, initial_e9=30_000_000, maintenance_e9=10_000_000),
        ),
    )
    fees = FeeSchedule(
        tiers=(
            FeeTier(turnover=0, maker_e9=200_000, taker_e9=550_000),
            FeeTier(turnover=20 * LOT, maker_e9=-50_000, taker_e9=300_000),
        ),
        turnover_before=draw(st.sampled_from([0, 25 * LOT])),
    )
    return {
        "seed": draw(st.integers(0, 1_000)),
        "entry_ns": draw(latencies),
        "response_ns": draw(latencies),
        "queue_model": draw(st.integers(0, 5)),
        "partial_fills": 1,
        "own_impact": draw(st.integers(0, 1)),
        "amends": draw(st.sampled_from([1, 1, 0])),
        "amend_keeps_place": draw(st.integers(0, 1)),
        "funding_every_ns": draw(st.sampled_from([0, 250 * MILLISECOND])),
        "capital": draw(st.sampled_from([10**12, 2 * LOT, LOT // 2])),
        "wakes": WAKE_TIMER | WAKE_FILL | WAKE_ORDER | WAKE_FUNDING,
        "margin": margin,
        "fees": fees,
    }


def a_world(script: dict[str, Any], **named: Any) -> World:
    return tick_world(**script, params=CHANGING_QUOTES, **named)


def assert_laws(world: World, filled: dict[int, int]) -> None:
    desk = world.desk[0]
    assert not np.asarray(desk.ledger).sum(axis=0).any()
    assert desk.alarms == 0
    orders = np.asarray(desk.orders)
    live = orders[orders["status"] != FREE]
    assert desk.live == len(live)
    held = np.maximum(live["lots"], live["to_lots"]) - live["filled"]
    assert (held > 0).all()
    account = desk.shown.account[0]
    assert account.open_buy_lots == held[live["side"] > 0].sum()
    assert account.open_sell_lots == held[live["side"] < 0].sum()
    assert account.reserved_quote == live["reserved"].sum()
    for order in live:
        assert filled.get(int(order["number"]), 0) <= order["filled"]
        filled[int(order["number"])] = int(order["filled"])


def hashes(world: World) -> tuple[str, str, int]:
    return command_hash(world.desk[0]), state_hash(world.desk, world.state), int(world.desk[0].position)


def left_at_every_wake(tape: Any, world: World) -> World:
    filled: dict[int, int] = {}
    with np.errstate(over="ignore"):
        deciding(player, lambda world: assert_laws(world, filled))(tape, world, 1 << 60)
    return world


def assert_the_venue_and_we_agree(tape: Any, world: World) -> None:
    """When everything is heard, our books are those of the venue."""
    hear_the_rest(run_left, tape, world)
    desk, venue = world.desk[0], world.venue[0]
    assert desk.shown.account[0].lots == venue.book[0].held
    assert venue.ended[MEETS_OUR_OWN] == 0
    if venue.margin.mode != NO_MARGIN:
        assert (np.asarray(desk.ledger) == np.asarray(venue.ledger)).all()
        for name in ("lots", "cost", "realized", "fees", "funding"):
            assert desk.shown.account[0][name] == venue.account[0][name]


@pytest.mark.req("S-02", "S-08", "S-11", "S-25", "S-27")
@given(scripts(), st.integers(1, 40))
@settings(max_examples=25)
def test_the_laws_hold_and_every_way_to_run_is_the_same(script: dict[str, Any], rows: int) -> None:
    tape = tick_tape(script["seed"], 150, perpetual=True)
    left = left_at_every_wake(tape, a_world(script))
    expected = hashes(left)
    straight = a_world(script)
    run(run_inside, tape, straight)
    assert hashes(straight) == expected
    resumed, stop = a_world(script), rows
    with np.errstate(over="ignore"):
        while (why := run_inside(tape, resumed, stop)) != END:
            assert why == PAUSE
            stop += rows
            resumed = World(*(part.copy() for part in resumed))
    assert hashes(resumed) == expected
    # recorded, and replayed from its desk tape
    recorded = a_world(script, recording=True)
    desk_rows = run(run_inside, tape, recorded)
    assert hashes(recorded) == expected
    memory_tape(desk_rows, [LINEAR_COIN])
    with np.errstate(over="ignore"):
        replayed = replay(replay_inside, desk_rows, a_world(script, keeps_shown_book=True))
    assert replayed.difference is None
    assert (replayed.command_hash, replayed.state_hash, replayed.positions) == expected
    assert_the_venue_and_we_agree(tape, straight)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_in_what_is_drawn_everything_happens() -> None:
    seen: Counter[str] = Counter()
    for seed in range(4):
        script = {
            "amends": 1, "partial_fills": 1, "funding_every_ns": 100 * MILLISECOND, "capital": LOT // 2,
            "wakes": WAKE_TIMER | WAKE_FILL | WAKE_ORDER,
            "margin": MarginRules(
                mode=ISOLATED if seed % 2 else CROSS,
                initial_e9=10**9 // 50,
                tiers=(MarginTier(value_max=4_000 * LOT, initial_e9=0, maintenance_e9=5_000_000),),
            ),
        }  # fmt: skip
        tape = tick_tape(seed, 150, perpetual=True)
        world = tick_world(seed, params=CHANGING_QUOTES, **script)  # type: ignore[arg-type]
        left_at_every_wake(tape, world)
        assert_the_venue_and_we_agree(tape, world)
        desk = world.desk[0]
        seen.update({name: int(desk[name]) for name in ("n_amends", "n_fundings", "n_liquidations", "n_refused")})
    assert all(seen.values()), seen
