"""The loop of a desk: what leaves is on the tape first, nothing leaves without a gateway, and a replay agrees."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quintet.core.digest import command_hash, state_hash
from quintet.core.engine import replay as replaying
from quintet.core.engine.checkpoint import config_hash, decode, desk_parts, restore
from quintet.core.events import COMMAND_SUPPRESSED, PLACE
from quintet.core.risk import breaker as b
from quintet.core.state import WAKE_BAR, WAKE_CONTROL, WAKE_FILL, WAKE_ORDER, WAKE_TIMER, World
from quintet.core.tape import TapeMeta, instrument_rows
from quintet.runtime.dispatcher import SyncFirst
from quintet.runtime.session import Keeping, PaperSession, Session
from quintet.storage.checkpoints import CheckpointFolder
from quintet.storage.tape_files import TapeWriter, open_tape
from tests.control_rows import operator_row, with_rows
from tests.desk_worlds import SECOND, SPOT_COIN, START, bar_tape, dice_world, run, walking_bars
from tests.players import enter_inside, replay_inside, run_inside
from tests.unit.runtime.test_sequencer import Paper

WAKES = WAKE_BAR | WAKE_TIMER | WAKE_FILL | WAKE_CONTROL


def a_world(wakes: int = WAKES, timer_every_ns: int = 25 * SECOND, **named: Any) -> World:
    return dice_world(5, wakes=wakes, timer_every_ns=timer_every_ns, **named)


def a_market(bars: int = 40) -> Any:
    pause = operator_row(START + 600 * SECOND, b.PAUSE)
    resume = operator_row(START + 900 * SECOND, b.RESUME)
    return with_rows(bar_tape(walking_bars(5, bars)), pause, resume)


class Wire:
    """A gateway that only remembers, and how many syncs the tape had seen by then."""

    def __init__(self, tape: Paper) -> None:
        self.tape = tape
        self.sent: list[Any] = []

    def send(self, commands: Any) -> None:
        assert self.tape.syncs == len(self.sent) + 1  # on the disk first
        self.sent.append(commands)


def replayed(rows: Any, world: World) -> Any:
    frozen = np.array(rows)
    frozen.flags.writeable = False
    with np.errstate(over="ignore"):
        return replaying.replay(replay_inside, frozen.view(np.recarray), world)


def test_without_a_gateway_nothing_leaves_and_every_order_is_told_so():
    world, tape = a_world(wakes=WAKES | WAKE_ORDER), Paper()
    session = Session(world, enter_inside, tape)
    happened = [*session.hear(a_market().rows), *session.end()]
    assert sum(each.sent for each in happened) == 0
    placed = sum(int((each.commands["kind"] == PLACE).sum()) for each in happened)
    kinds = tape.rows["kind"]
    assert placed == (kinds == PLACE).sum() > 0
    assert placed - int(world.desk[0].live) == (kinds == COMMAND_SUPPRESSED).sum() > 0
    assert not np.asarray(world.desk[0].orders)["status"].any() or world.desk[0].live


def test_what_a_session_wrote_is_replayed_to_the_same_commands_and_the_same_state():
    world, tape = a_world(), Paper()
    session = Session(world, enter_inside, tape)
    list(session.hear(a_market().rows))
    list(session.silence(START + 3_000 * SECOND))
    list(session.end())
    outcome = replayed(tape.rows, a_world())
    assert outcome.difference is None
    assert outcome.command_hash == command_hash(world.desk[0])
    assert outcome.state_hash == state_hash(world.desk, world.state)


def test_a_command_is_on_the_tape_and_synced_before_it_is_sent():
    tape = Paper()
    wire = Wire(tape)
    happened = list(Session(a_world(), enter_inside, tape, SyncFirst(tape, wire)).hear(a_market(3).rows))
    assert sum(each.sent for each in happened) == sum(map(len, wire.sent)) > 0


def test_notes_of_the_desk_come_with_the_event_that_caused_them():
    happened = list(Session(a_world(), enter_inside).hear(operator_row(START + SECOND, b.KILL)))
    (note,) = happened[-1].notes
    assert b.explain(note) == "operator: kill; mode normal becomes halted: killed by an operator"
    assert (note["ts"], note["position"]) == (START + SECOND, happened[-1].position)


def test_a_desk_goes_on_from_its_last_checkpoint_and_the_rest_of_its_tape(tmp_path: Path):
    market = np.asarray(a_market().rows)
    noon = len(market) // 4 * 2
    first, first_tape = a_world(), Paper()
    config = config_hash(first.params)
    store = CheckpointFolder(tmp_path, every_events=30)
    list(
        Session(first, enter_inside, first_tape, keeping=Keeping(store, "code", lambda: config)).hear(market[:noon])
    )  # and then it crashes

    again = a_world()
    found = store.newest()
    assert found is not None
    kept = decode(found[1], found[0].name)
    restore(kept, desk_parts(again), code="code", config=config)
    assert kept.place.position < first.desk[0].position
    replayed(first_tape.rows[kept.place.tape_rows :], again)
    assert state_hash(again.desk, again.state) == state_hash(first.desk, first.state)


# ---- paper -------------------------------------------------------------------------------------------------------


def test_a_paper_desk_fed_message_by_message_is_the_backtest():
    market = a_market()
    at_once, step_by_step = a_world(recording=True), a_world(recording=True)
    rows, tape = run(run_inside, market, at_once), Paper()
    session = PaperSession(step_by_step, run_inside, tape)
    happened = [each for row in np.split(np.asarray(market.rows), ends(market)) for each in session.hear(row)]
    happened += session.end()
    assert tape.rows.tobytes() == np.asarray(rows).tobytes()
    assert command_hash(step_by_step.desk[0]) == command_hash(at_once.desk[0])
    assert sum(len(each.commands) for each in happened) == at_once.desk[0].n_commands
    assert sum(len(each.fills) for each in happened) == at_once.desk[0].n_fills > 0
    assert all(each.sent == 0 for each in happened)


def ends(market: Any) -> list[int]:
    return (np.flatnonzero(np.asarray(market.rows)["bits"] & 1)[:-1] + 1).tolist()


def test_the_market_of_a_paper_desk_grows_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("quintet.runtime.session._FIRST_ROOM", 4)
    market = a_market()
    at_once, step_by_step = a_world(), a_world()
    run(run_inside, market, at_once)
    session = PaperSession(step_by_step, run_inside)
    list(session.hear(market.rows))
    list(session.end())
    assert state_hash(step_by_step.desk, step_by_step.state) == state_hash(at_once.desk, at_once.state)


def test_the_desk_tape_of_a_paper_desk_is_a_tape(tmp_path: Path):
    meta = TapeMeta(use="desk", synthetic=True, created_ns=0, tool_version="test")
    world = a_world(timer_every_ns=0, recording=True)
    definition = instrument_rows(0, SPOT_COIN, START, START)
    with TapeWriter(tmp_path / "desk.tape", meta) as tape:
        session = PaperSession(world, run_inside, tape)
        list(session.hear(np.concatenate([np.asarray(definition), np.asarray(a_market().rows)])))
        list(session.end())
    written = open_tape(tmp_path / "desk.tape")
    outcome = replayed(written.event_rows(), a_world(timer_every_ns=0))
    assert outcome.difference is None
    assert outcome.command_hash == command_hash(world.desk[0])
