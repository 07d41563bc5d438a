"""A desk tape is replayed without simulator or timers: the same commands, or the first one that is not."""

from typing import Any

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.digest import command_hash, state_hash
from quintet.core.engine.replay import Replayed, replay
from quintet.core.engine.world import Execution
from quintet.core.errors import TapeError
from quintet.core.events import MINUTE_NS
from quintet.core.state import World
from tests.desk_worlds import ONE_MINUTE, SECOND, SPOT_COIN, START, bar_tape, dice_world, run, tape_of, walking_bars
from tests.players import asked, player, player_params, replay_inside, replay_left, run_inside
from tests.tape_rows import fact, row


def a_world(**named: Any) -> World:
    execution = Execution(entry_ns=SECOND, response_ns=SECOND, fill_timeframe=ONE_MINUTE)
    return dice_world(3, SPOT_COIN, execution=execution, timer_every_ns=25 * SECOND, recording=True, **named)


@pytest.fixture(scope="module")
def ran() -> tuple[World, Any]:
    """A world after its run, and the rows of its desk tape."""
    world = a_world()
    rows = run(run_inside, bar_tape(walking_bars(3, 30)), world)
    assert world.desk[0].n_fills > 5
    return world, rows


def replayed(rows: Any, world: World | None = None) -> Replayed:
    with np.errstate(over="ignore"):
        return replay(replay_inside, rows, world or a_world())


def changed(rows: Any) -> Any:
    """A copy that can be written to."""
    return np.asarray(rows).copy()


def places(rows: Any, kind: int) -> Any:
    return np.flatnonzero(np.asarray(rows)["kind"] == kind)


def positions_before(rows: Any, i: int) -> int:
    """Rows before row `i` that have a position on the desk: all but commands."""
    kinds = np.asarray(rows)["kind"][:i]
    return int(np.count_nonzero(~np.isin(kinds, list(ev.OUTPUT_KINDS))))


# ---- the same ------------------------------------------------------------------------------------------------------
@pytest.mark.req("S-08", "S-27")
def test_the_tape_of_a_run_replays_to_the_same_commands_and_state(ran: tuple[World, Any]) -> None:
    world, rows = ran
    got = replayed(rows)
    assert got.difference is None
    assert got.command_hash == command_hash(world.desk[0])
    assert got.state_hash == state_hash(world.desk, world.state)
    assert got.n_commands == world.desk[0].n_commands
    assert got.positions == world.desk[0].position == positions_before(rows, len(rows))


def test_a_system_of_plain_python_is_asked_at_each_wake(ran: tuple[World, Any]) -> None:
    _, rows = ran
    world = a_world()
    with np.errstate(over="ignore"):
        got = replay(replay_left, rows, world, asked(player))
    assert got == replayed(rows)


def test_headers_among_the_rows_are_stepped_over(ran: tuple[World, Any]) -> None:
    _, rows = ran
    header = np.zeros(2, ev.ROW)
    header["kind"] = ev.HEADER
    events = places(rows, ev.TIMER)
    with_headers = tape_of(np.insert(np.asarray(rows), [0, *events.repeat(2)], header[0])).rows
    assert replayed(with_headers) == replayed(rows)


def test_facts_between_bars_have_positions_and_change_nothing_else() -> None:
    bars = np.asarray(bar_tape(walking_bars(3, 30)).rows)
    between = [START + MINUTE_NS * n + 10 * SECOND for n in range(3, 6)]
    parts = [
        bars[:6],
        fact(between[0]),
        bars[6:8],
        row(ev.FUNDING_RATE, between[1]),
        row(ev.MARK_PRICE, between[1]),
        bars[8:],
    ]
    world = a_world()
    rows = run(run_inside, tape_of(np.concatenate([np.asarray(part) for part in parts])), world)
    got = replayed(rows)
    assert got.difference is None
    assert got.positions == world.desk[0].position == positions_before(rows, len(rows))
    assert got.state_hash == state_hash(world.desk, world.state)


# ---- not the same --------------------------------------------------------------------------------------------------
def test_a_tampered_fill_is_seen_at_the_first_command_it_changes(ran: tuple[World, Any]) -> None:
    # given a purchase that the tape makes larger than it was
    _, rows = ran
    tampered = changed(rows)
    fill = next(i for i in places(rows, ev.FILL) if not rows[i].bits & ev.SELL_BIT)
    tampered["quantity"][fill] += 1
    # then the replay is right until then and not after
    got = replayed(tape_of(tampered).rows)
    assert got.difference is not None or got.state_hash != replayed(rows).state_hash
    assert got.difference is None or got.difference.position >= positions_before(rows, fill)


def test_a_changed_parameter_is_reported_where_it_first_decides_otherwise(ran: tuple[World, Any]) -> None:
    _, rows = ran
    got = replayed(rows, a_world(params=player_params(spread=19))).difference
    assert got is not None
    assert got.row in places(rows, ev.PLACE)[:5]
    assert got.position == positions_before(rows, got.row) - 1
    assert got.expected.startswith("place ") and got.found != got.expected
    assert str(got).startswith(f"position {got.position} (row {got.row}): expected place ")


def test_a_tampered_command_is_reported_with_what_the_step_gives(ran: tuple[World, Any]) -> None:
    _, rows = ran
    tampered = changed(rows)
    third = int(places(rows, ev.PLACE)[2])
    tampered["price"][third] += 1
    got = replayed(tape_of(tampered).rows).difference
    assert got is not None and got.row == third
    price = int(rows[third].price)
    assert f" at {price + 1} of" in got.expected and f" at {price} of" in got.found


@pytest.mark.parametrize(
    ("after", "field"),
    [(0, "quantity"), (0, "price"), (0, "instrument"), (0, "bits"), (0, "ts_recv"), (1, "quantity"), (1, "price")],
    ids=["lots", "price", "instrument", "style", "time", "number", "index"],
)
def test_every_field_of_a_command_is_compared(ran: tuple[World, Any], after: int, field: str) -> None:
    _, rows = ran
    tampered = changed(rows)
    first = int(places(rows, ev.PLACE)[0])
    tampered[field][first + after] += 8 if field == "bits" else 1
    got = replayed(tape_of(tampered).rows).difference
    assert got is not None and got.row == first


def test_a_command_the_tape_lacks_is_reported(ran: tuple[World, Any]) -> None:
    _, rows = ran
    first = int(places(rows, ev.PLACE)[0])
    got = replayed(tape_of(np.delete(np.asarray(rows), [first, first + 1])).rows).difference
    assert got is not None and got.row == first
    assert "no command" in (got.expected, got.found) or got.expected != got.found


def test_a_command_the_step_does_not_give_is_reported(ran: tuple[World, Any]) -> None:
    _, rows = ran
    last = int(places(rows, ev.COMMAND_ORDER)[-1])
    twice = np.insert(np.asarray(rows), last + 1, np.asarray(rows)[last - 1 : last + 1])
    got = replayed(tape_of(twice).rows).difference
    assert got is not None and (got.row, got.found) == (last + 1, "no command")


def test_a_tape_cut_before_its_last_command_is_reported(ran: tuple[World, Any]) -> None:
    _, rows = ran
    last = int(places(rows, ev.COMMAND_ORDER)[-1])
    got = replayed(tape_of(np.asarray(rows)[: last - 1]).rows).difference
    assert got is not None and got.expected == "no command" and got.row == last - 1


# ---- what compiled code may not see --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "field", "value", "said"),
    [
        (ev.TIMER, "instrument", 8, "instrument is 8, expected below 8"),
        (ev.FILL_FEE, "price", 16, "price is 16, expected the number of an asset, 0 to 15"),
        (ev.FILL_FEE, "price", -1, "price is -1, expected the number of an asset"),
        (ev.FILL_ORDER, "kind", ev.TIMER, "expected FILL FILL_ORDER FILL_FEE FILL_EXECUTION, in this order"),
        (ev.TIMER, "kind", ev.FILL_EXECUTION, "expected FILL FILL_ORDER FILL_FEE FILL_EXECUTION, in this order"),
    ],
)
def test_an_index_out_of_range_or_half_a_fill_is_refused(
    ran: tuple[World, Any], kind: int, field: str, value: int, said: str
) -> None:
    bad = changed(ran[1])
    bad[field][places(bad, kind)[0]] = value
    with pytest.raises(TapeError, match="desk tape: row ") as refused:
        replayed(tape_of(bad).rows)
    assert said in str(refused.value)


def test_a_fill_cut_off_at_the_end_is_refused(ran: tuple[World, Any]) -> None:
    rows = np.asarray(ran[1])
    with pytest.raises(TapeError, match="expected 3 more rows after FILL"):
        replayed(tape_of(rows[: places(rows, ev.FILL)[0] + 2]).rows)
