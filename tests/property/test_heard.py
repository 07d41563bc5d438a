"""What a desk hears of the feed: every way to run and to replay it is the same, and no way knows more than arrived."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.digest import command_hash, state_hash
from quintet.core.engine.entry import new_progress
from quintet.core.engine.replay import Replayed, message_end, replay
from quintet.core.state import END, PAUSE, WAKE_FILL, WAKE_TIMER, WAKES, World
from tests.desk_worlds import tape_of
from tests.heard_market import a_listener, run_to_the_end, two_markets
from tests.players import deciding, enter_inside, player, replay_inside, run_inside, told_of
from tests.tick_market import MILLISECOND

DESKS: list[dict[str, Any]] = [
    {},
    {"feed_ns": 2 * MILLISECOND, "partial_fills": 1, "own_impact": 1},
    {"depth_levels": 0, "entry_ns": 0, "response_ns": 0, "feed_ns": 0},
    {"depth_levels": 0, "bars": (), "wakes": WAKE_TIMER | WAKE_FILL, "partial_fills": 1, "own_impact": 1},
    {"depth_levels": 20, "bars": (), "wakes": WAKE_TIMER | WAKE_FILL},
    {"depth_levels": 3, "levels_kept": 4},
    {"depth_levels": 0, "keeps_places": True},
]
"""Who listens to all, who to nothing; who is shown levels, and who forgets those that are far."""


def hashes(world: World) -> tuple[str, str, int]:
    return command_hash(world.desk[0]), state_hash(world.desk, world.state), int(world.desk[0].position)


def messages_of(rows: Any) -> list[Any]:
    """The messages of a desk tape that entered the step; commands are left out."""
    found, i = [], 0
    while i < len(rows):
        end = int(message_end(rows, i))
        if int(rows[i].kind) < ev.PLACE:
            found.append(tape_of(np.asarray(rows)[i:end]).rows)
        i = end
    return found


def entered_one_by_one(world: World, rows: Any) -> None:
    """Every message through the step by itself, as a desk hears it that has no exchange beside it."""
    progress = new_progress()
    with np.errstate(over="ignore"):
        for message in messages_of(rows):
            enter_inside(message, world, progress)
            desk = world.desk[0]
            desk.n_outbox = desk.n_filled = desk.shown.n_notes = 0


@pytest.mark.req("S-08", "S-27")
@given(st.integers(0, 1_000), st.sampled_from(DESKS), st.integers(1, 60))
@settings(max_examples=20)
def test_every_way_to_run_and_to_replay_is_the_same(seed: int, told: dict[str, Any], rows: int) -> None:
    tape = two_markets(seed, 80)
    straight = a_listener(seed, recording=True, **told)
    desk_rows = run_to_the_end(tape, straight)
    expected = hashes(straight)
    assert straight.desk[0].n_places > 0 and straight.desk[0].alarms == 0
    assert not np.asarray(straight.desk[0].ledger).sum(axis=0).any()
    # left at every wake
    left = a_listener(seed, **told)
    with np.errstate(over="ignore"):
        assert deciding(player)(tape, left, 1 << 60) == END
    assert hashes(left) == expected
    # stopped after every few rows, and continued by a copy
    resumed, stop = a_listener(seed, **told), rows
    with np.errstate(over="ignore"):
        while (why := run_inside(tape, resumed, stop)) != END:
            assert why == PAUSE
            stop += rows
            resumed = World(*(part.copy() for part in resumed))
    assert hashes(resumed) == expected
    # replayed from its desk tape, and entered message by message
    again = a_listener(seed, keeps_shown_book=True, **told)
    with np.errstate(over="ignore"):
        got = replay(replay_inside, desk_rows, again)
    assert got == Replayed(
        command_hash=expected[0], state_hash=expected[1], positions=expected[2],
        n_commands=int(straight.desk[0].n_commands), difference=None,
    )  # fmt: skip
    entered = a_listener(seed, keeps_shown_book=True, **told)
    entered_one_by_one(entered, desk_rows)
    assert hashes(entered) == expected


@pytest.mark.jit_off
@given(st.integers(0, 1_000), st.integers(20, 79))
@settings(max_examples=10)
def test_what_comes_later_changes_nothing_that_was_told(seed: int, kept: int) -> None:
    tape = two_markets(seed, 80)
    whole, part = a_listener(seed), a_listener(seed)
    run_to_the_end(tape, whole)
    cut = int(np.flatnonzero(np.asarray(tape.rows)["bits"] & ev.LAST)[kept]) + 1
    run_to_the_end(tape_of(np.asarray(tape.rows)[:cut]), part)
    until = int(tape.rows.ts_event[cut - 1])
    before = [row for row in told_of(part) if row[0] <= until]
    assert before and told_of(whole)[: len(before)] == before


@given(st.integers(0, 1_000), st.sampled_from([-1, 0, 4 * MILLISECOND]))
@settings(max_examples=15)
def test_a_desk_that_keeps_the_shown_book_knows_the_touch_of_one_that_does_not(seed: int, feed_ns: int) -> None:
    tape = two_markets(seed, 80)
    ways: dict[str, Any] = {"bars": (), "depth_levels": 0, "feed_ns": feed_ns}
    for wakes in (WAKE_TIMER | WAKE_FILL, WAKES):
        plain, keeping = (
            a_listener(seed, wakes=wakes, **ways),
            a_listener(seed, wakes=wakes, keeps_shown_book=True, **ways),
        )
        run_to_the_end(tape, plain)
        run_to_the_end(tape, keeping)
        assert hashes(plain) == hashes(keeping)


def test_nothing_is_told_before_it_has_reached_us() -> None:
    tape = two_markets(5, 80)
    world = a_listener(5, in_ten=0)
    run_to_the_end(tape, world)
    rows = np.asarray(tape.rows)
    for ts, why, instrument, side, price, lots, *_ in told_of(world):
        if why == 256:
            kind = ev.TRADE_BUY if side > 0 else ev.TRADE_SELL
            heard = rows["ts_recv"][
                (rows["kind"] == kind) & (rows["price"] == price) & (rows["quantity"] == lots)
                & (rows["instrument"] == instrument)
            ]  # fmt: skip
            assert ts in heard
