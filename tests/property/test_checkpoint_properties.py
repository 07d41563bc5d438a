"""A checkpoint taken anywhere, and what comes after it, is the run that was never interrupted."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.digest import command_hash, state_hash
from quintet.core.engine import replay as replaying
from quintet.core.engine.checkpoint import Place, config_hash, decode, desk_parts, encode, restore, world_parts
from quintet.core.errors import CheckpointError, Damaged
from quintet.core.events import LAST, PLACE, REFUSED
from quintet.core.risk import breaker as b
from quintet.core.state import PAUSE, WAKE_BAR, WAKE_CONTROL, WAKE_FILL, WAKE_TIMER
from tests.control_rows import operator_row, with_rows
from tests.desk_worlds import SECOND, START, bar_tape, dice_world, run, walking_bars
from tests.players import replay_inside, run_inside

SEED = 7
BARS = 40


def a_world(recording: bool = False) -> Any:
    wakes = WAKE_BAR | WAKE_TIMER | WAKE_FILL | WAKE_CONTROL
    return dice_world(SEED, wakes=wakes, timer_every_ns=20 * SECOND, recording=recording)


@cache
def market() -> Any:
    words = [operator_row(START + 10 * 60 * SECOND + 1, b.REDUCE), operator_row(START + 14 * 60 * SECOND, b.RESUME)]
    return with_rows(bar_tape(walking_bars(SEED, BARS)), *words)


@cache
def whole() -> tuple[Any, str, str]:
    """Desk tape, command hash and state hash of the run that nobody interrupts."""
    world = a_world(recording=True)
    rows = run(run_inside, market(), world)
    return rows, command_hash(world.desk[0]), state_hash(world.desk, world.state)


def between_events() -> list[int]:
    """Rows of the desk tape before which an event begins."""
    rows = np.asarray(whole()[0])
    outputs = (rows["kind"] >= PLACE) & (rows["kind"] <= REFUSED)
    ended = np.r_[True, (rows["bits"][:-1] & LAST) != 0]
    return np.flatnonzero(ended & ~outputs).tolist()


def replayed(world: Any, rows: Any) -> Any:
    with np.errstate(over="ignore"):
        return replaying.replay(replay_inside, rows, world)


def place_of(world: Any, tape_rows: int) -> Place:
    return Place(
        position=int(world.desk[0].position), tape_rows=tape_rows, code="one", config=config_hash(world.params)
    )


@given(st.data())
@settings(max_examples=25)
def test_a_checkpoint_at_any_event_and_the_rest_of_the_tape_are_the_whole_run(data: st.DataObject):
    rows, commands, state = whole()
    cut = data.draw(st.sampled_from(between_events()))
    stopped = a_world()
    replayed(stopped, rows[:cut])
    kept = decode(encode(desk_parts(stopped), place_of(stopped, cut)), "kept")

    resumed = a_world()
    restore(kept, desk_parts(resumed), code="one", config=config_hash(resumed.params))
    assert state_hash(resumed.desk, resumed.state) == state_hash(stopped.desk, stopped.state)
    outcome = replayed(resumed, rows[kept.place.tape_rows :])
    assert outcome.difference is None
    assert (outcome.command_hash, outcome.state_hash) == (commands, state)


@given(st.data())
@settings(max_examples=25)
def test_a_simulated_world_goes_on_from_its_checkpoint_exchange_included(data: st.DataObject):
    stop = data.draw(st.sampled_from(np.flatnonzero(np.asarray(market().rows)["bits"] & LAST).tolist())) + 1
    stopped = a_world()
    with np.errstate(over="ignore"):
        why = run_inside(market(), stopped, stop)
    assert why == PAUSE or stop >= len(market().rows)
    for name in ("n_commands", "n_fills", "n_notes", "n_samples", "n_rows"):
        stopped.venue[0][name] = 0
    kept = decode(encode(world_parts(stopped), place_of(stopped, 0)), "kept")

    resumed = a_world()
    restore(kept, world_parts(resumed), code="one", config=config_hash(resumed.params))
    run(run_inside, market(), resumed)
    assert (command_hash(resumed.desk[0]), state_hash(resumed.desk, resumed.state)) == whole()[1:]


@cache
def some_bytes() -> bytes:
    world = a_world()
    return encode(desk_parts(world), place_of(world, 0))


@given(at=st.integers(0, 10**9), bit=st.integers(0, 7))
@settings(max_examples=200)
def test_any_flipped_bit_is_refused(at: int, bit: int):
    data = bytearray(some_bytes())
    data[at % len(data)] ^= 1 << bit
    with pytest.raises((Damaged, CheckpointError)):
        decode(bytes(data), "flipped")


@given(length=st.integers(0, 10**9))
def test_any_truncation_is_refused(length: int):
    data = some_bytes()
    with pytest.raises(Damaged):
        decode(data[: length % len(data)], "short")
