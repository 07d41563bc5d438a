"""Checkpoints that do not fit are refused by name; a typed migration carries them over."""

import hashlib
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from quintet.core.engine import replay as replaying
from quintet.core.engine.checkpoint import Place, config_hash, decode, desk_parts, encode, restore, world_parts
from quintet.core.engine.migration import Migration, MigrationRecord, migrate
from quintet.core.errors import CheckpointError, DefinitionError
from quintet.core.events import LAST, MIGRATION, PLACE, REFUSED
from quintet.core.kernel import kernel
from quintet.core.random import RANDOM
from quintet.core.records import record, table
from quintet.core.row_laws import text_of
from quintet.core.state import DESK, WAKE_BAR, World
from tests.desk_worlds import a_world, bar_tape, dice_world, run, tape_of, walking_bars
from tests.players import asked, deciding, replay_left, run_inside

OLD = "code of yesterday"
NEW = "code of today"


def place_of(world: World, code: str = OLD, tape_rows: int = 0) -> Place:
    position = int(world.desk[0].position)
    return Place(position=position, tape_rows=tape_rows, code=code, config=config_hash(world.params))


def kept_of(world: World, code: str = OLD) -> Any:
    return decode(encode(desk_parts(world), place_of(world, code)), "day.checkpoint")


def test_memory_comes_back_to_the_last_bit():
    world, other = dice_world(1), dice_world(2)
    run(run_inside, bar_tape(walking_bars(1, 30)), world)
    restore(kept_of(world), desk_parts(other), code=OLD, config=config_hash(other.params))
    assert other.desk.tobytes() == world.desk.tobytes()
    assert other.state.tobytes() == world.state.tobytes()


def test_its_place_is_told():
    world = dice_world(1)
    run(run_inside, bar_tape(walking_bars(1, 30)), world)
    kept = kept_of(world)
    assert kept.place.position == world.desk[0].position
    assert kept.place.config == config_hash(world.params)


@pytest.mark.parametrize(
    ("code", "config", "named"),
    [(NEW, "", "written with code code of yesterday, expected code of today"), (OLD, "other", "configuration")],
)
def test_another_code_or_configuration_is_refused_and_nothing_changes(code: str, config: str, named: str):
    world, other = dice_world(1), dice_world(2)
    before = other.desk.tobytes()
    with pytest.raises(CheckpointError, match=named):
        restore(kept_of(world), desk_parts(other), code=code, config=config or config_hash(other.params))
    assert other.desk.tobytes() == before


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"random": RANDOM, "woken": "i8"}, r"field state\.woken is not in it, expected i8"),
        ({"random": RANDOM}, r"field state\.wakes \(i8\) is in it, expected no such field"),
        ({"random": RANDOM, "wakes": "f8"}, r"field state\.wakes is i8, expected f8"),
        ({"random": RANDOM, "wakes": ("i8", 2)}, r"field state\.wakes is i8, expected i8 x 2"),
        ({"wakes": "i8", "random": RANDOM}, "the fields of state stand in another order"),
    ],
)
def test_a_changed_layout_is_refused_naming_the_field(fields: dict[str, Any], named: str):
    world = a_world(state=table(record(random=RANDOM, wakes="i8"), 1))
    parts = {"desk": table(DESK, 1), "state": table(record(**fields), 1)}
    with pytest.raises(CheckpointError, match=named):
        restore(kept_of(world), parts, code=OLD, config=config_hash(world.params))


def test_other_parts_are_refused():
    world = dice_world(1)
    with pytest.raises(CheckpointError, match="parts desk, state, expected desk, state, venue"):
        restore(kept_of(world), world_parts(world), code=OLD, config=config_hash(world.params))


def test_a_world_with_full_buffers_has_no_checkpoint():
    world = dice_world(1)
    run(run_inside, bar_tape(walking_bars(1, 30)), world)
    with pytest.raises(DefinitionError, match="n_commands"):
        world_parts(world)


def test_a_format_of_the_future_is_refused():
    world = dice_world(1)
    data = encode(desk_parts(world), place_of(world)).replace(b'"format":1', b'"format":2')[:-32]
    with pytest.raises(CheckpointError, match="format 2, this version of quintet reads format 1"):
        decode(data + hashlib.sha256(data).digest(), "new.checkpoint")


# ---- migration ---------------------------------------------------------------------------------------------------

YESTERDAY = record(wakes="i8", steps=("i8", 4))
TODAY = record(times_woken="i8", steps=("i8", 4), newer="f8")
"""One field has another name, one is new."""


@kernel
def want_one_bid(view: Any, count: int, step: int) -> None:
    """A bid that moves with the number of wakes."""
    view.dirty = 1
    view.n = 1
    want = view.wants[0]
    want.side = 1
    want.lots = 10 + count % 7
    want.price = view.market[0].last - step


@kernel
def of_yesterday(state: Any, params: Any, view: Any) -> None:
    state.wakes += 1
    state.steps[state.wakes % 4] = state.wakes
    want_one_bid(view, state.wakes, state.steps[0])


@kernel
def of_today(state: Any, params: Any, view: Any) -> None:
    state.times_woken += 1
    state.steps[state.times_woken % 4] = state.times_woken
    want_one_bid(view, state.times_woken, state.steps[0])


RENAMING = Migration(
    name="wakes become times_woken",
    from_code=OLD,
    to_code=NEW,
    renamed={"state.wakes": "state.times_woken"},
    added={"state.newer": 0.5},
)


def world_of_yesterday(recording: bool = False) -> World:
    return a_world(wakes=WAKE_BAR, state=table(YESTERDAY, 1), recording=recording)


def world_of_today() -> World:
    return a_world(wakes=WAKE_BAR, state=table(TODAY, 1))


def test_a_renamed_field_is_carried_over_and_the_desk_goes_on():
    before, wakes = a_morning()
    today = world_of_today()
    migrate(before, RENAMING, desk_parts(today))
    assert today.state[0].times_woken == wakes
    assert today.state[0].newer == 0.5
    with np.errstate(over="ignore"):
        outcome = replaying.replay(replay_left, tape_of(afternoon()).rows, today, asked(of_today))
    assert outcome.difference is None
    assert outcome.positions == positions()


def test_the_migration_takes_its_positions_like_any_event():
    before, _ = a_morning()
    today = world_of_today()
    message = migrate(before, RENAMING, desk_parts(today))
    with np.errstate(over="ignore"):
        outcome = replaying.replay(replay_left, message, today, asked(of_today))
    assert outcome.positions == before.place.position + len(message)


def test_the_migration_is_an_event_that_names_code_and_state_of_both_sides():
    before, _ = a_morning()
    today = world_of_today()
    message = migrate(before, RENAMING, desk_parts(today))
    told = msgspec.json.decode(text_of(message[1:]), type=MigrationRecord)
    assert (int(message[0].kind), told.from_code, told.to_code) == (MIGRATION, OLD, NEW)
    assert told.from_state == before.state_hash
    assert told.to_state != before.state_hash


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"from_code": NEW}, "starts from code code of today, found code of yesterday"),
        ({"renamed": {}}, r"field state\.times_woken: nothing to fill it from, expected state\.times_woken"),
        ({"added": {}}, r"field state\.newer: nothing to fill it from"),
        ({"added": {"state.newer": 0.0, "state.other": 1}}, r"field state\.other is added, but the new code has none"),
        (
            {"renamed": {}, "added": {"state.newer": 0.0, "state.times_woken": 0}},
            r"field state\.wakes would be lost; expected it renamed or dropped",
        ),
        ({"added": {}, "renamed": {"state.wakes": "state.newer"}}, r"field state\.times_woken|field state\.newer"),
    ],
)
def test_a_migration_that_loses_or_invents_a_field_is_refused(change: dict[str, Any], named: str):
    before, _ = a_morning()
    with pytest.raises(CheckpointError, match=named):
        migrate(before, replace(RENAMING, **change), desk_parts(world_of_today()))


def desk_rows() -> Any:
    return run(deciding(of_yesterday), bar_tape(walking_bars(1, 30)), world_of_yesterday(recording=True))


def noon(rows: Any) -> int:
    """A row in the middle of the desk tape at which an event begins."""
    plain = np.asarray(rows)
    begins = np.r_[True, (plain["bits"][:-1] & LAST) != 0] & ((plain["kind"] < PLACE) | (plain["kind"] > REFUSED))
    return int(np.flatnonzero(begins)[np.count_nonzero(begins) // 2])


def a_morning() -> tuple[Any, int]:
    """The checkpoint of the first half of a desk tape, and how often the system was woken."""
    rows, world = desk_rows(), world_of_yesterday()
    with np.errstate(over="ignore"):
        replaying.replay(replay_left, rows[: noon(rows)], world, asked(of_yesterday))
    return kept_of(world), int(world.state[0].wakes)


def afternoon() -> Any:
    rows = desk_rows()
    return np.asarray(rows)[noon(rows) :]


def positions() -> int:
    world = world_of_yesterday()
    run(deciding(of_yesterday), bar_tape(walking_bars(1, 30)), world)
    assert world.desk[0].n_places > 5
    return int(world.desk[0].position)
