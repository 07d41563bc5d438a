"""Many sources, one order: time never goes back, timers come before what is due, and the tape comes first."""

from typing import Any

import numpy as np
import pytest

from quintet.core.engine.entry import enter_for, new_progress
from quintet.core.errors import InvariantError, TapeError
from quintet.core.events import (
    BAR_CLOSE,
    BAR_OPEN,
    CLOCK_ADVANCED,
    CONFIG_CHANGED,
    FACT,
    FUNDING_RATE,
    LAST,
    OPERATOR,
    ORDER_ACCEPTED,
    ROW,
    TEXT,
    TIMER,
)
from quintet.core.kernel import kernel
from quintet.core.records import record, table
from quintet.core.row_laws import text_of
from quintet.core.state import WAKE_BAR, WAKE_TIMER, World
from quintet.core.tape import message_with_text
from quintet.runtime.sequencer import Sequencer, in_order, in_time, messages_of
from tests.control_rows import operator_row
from tests.desk_worlds import SECOND, START, a_world, bar_tape, run, walking_bars
from tests.players import deciding

pytestmark = pytest.mark.jit_off

SEEN = record(count="i8", at=("i8", 1024), why=("i8", 1024))


@kernel
def watcher(state: Any, params: Any, view: Any) -> None:
    """Remembers when and why it was woken, and wants nothing."""
    state.at[state.count] = view.now
    state.why[state.count] = view.why
    state.count += 1


run_watcher = deciding(watcher)
enter_watcher = enter_for("watcher", watcher)


def watching_world(timer_every_ns: int = 0, recording: bool = False) -> World:
    return a_world(
        wakes=WAKE_BAR | WAKE_TIMER, timer_every_ns=timer_every_ns, state=table(SEEN, 1), recording=recording
    )


class Paper:
    """A desk tape in memory that also says how often it was written."""

    def __init__(self) -> None:
        self.written: list[Any] = []
        self.syncs = 0
        self.position = 0
        self.durable_upto = 0

    def append(self, rows: Any) -> int:
        self.written.append(np.array(rows, ROW))
        self.position += len(rows)
        return self.position - len(rows)

    def sync(self, *, mark: bool = True) -> int:
        self.syncs += 1
        self.durable_upto = self.position
        return self.durable_upto

    @property
    def rows(self) -> Any:
        return np.concatenate(self.written)


def sequenced(rows: Any, world: World) -> Any:
    """What the sequencer wrote when these rows came in, each event applied before the next."""
    tape = Paper()
    sequencer = Sequencer(world.desk[0], tape)
    progress = new_progress()
    for entry in sequencer.take(np.asarray(rows)):
        assert len(tape.rows) == entry.position + len(entry.rows)  # written before it is handed out
        enter_watcher(entry.rows, world, progress)
    return tape.rows


@pytest.mark.parametrize("every_s", [7, 20, 60, 61, 90, 240])
def test_the_loop_of_a_backtest_makes_the_same_positions_and_the_same_timers(every_s: int):
    market = bar_tape(walking_bars(3, 30))
    looped, heard = watching_world(every_s * SECOND, recording=True), watching_world(every_s * SECOND)
    by_loop = np.asarray(run(run_watcher, market, looped))
    by_sequencer = sequenced(market.rows, heard)
    assert by_sequencer.tobytes() == by_loop.tobytes()
    assert heard.desk[0].position == looped.desk[0].position
    for name in ("n_timers", "n_bars", "timer_next"):
        assert heard.desk[0][name] == looped.desk[0][name]
    assert heard.state.tobytes() == looped.state.tobytes()


def test_a_timer_due_at_the_moment_of_an_event_comes_before_it():
    rows = sequenced(bar_tape([(10, 10, 10, 10, 1)]).rows, watching_world(60 * SECOND))
    assert rows["kind"].tolist() == [TIMER, BAR_OPEN, BAR_CLOSE]
    assert (rows["ts_recv"] == START + 60 * SECOND).all()


def test_every_timer_is_stamped_with_its_own_time_and_none_drifts():
    late = bar_tape([(10, 10, 10, 10, 1)], start=START + 3 * SECOND)
    rows = sequenced(late.rows, watching_world(25 * SECOND))
    timers = rows[rows["kind"] == TIMER]
    assert timers["ts_recv"].tolist() == [START + 25 * SECOND, START + 50 * SECOND]


def test_in_silence_timers_come_due_and_the_tape_says_why():
    world, tape = watching_world(60 * SECOND), Paper()
    sequencer = Sequencer(world.desk[0], tape)
    for entry in sequencer.advance_clock(START + 125 * SECOND):
        enter_watcher(entry.rows, world, new_progress())
    assert tape.rows["kind"].tolist() == [TIMER, TIMER, CLOCK_ADVANCED]
    assert tape.rows["ts_recv"].tolist() == [START + s * SECOND for s in (60, 120, 125)]
    assert world.desk[0].position == 3


def test_a_clock_that_goes_back_is_held_and_what_it_said_is_kept():
    market = np.asarray(bar_tape(walking_bars(1, 3)).rows).copy()
    market["ts_recv"][2:4] -= 80 * SECOND
    rows = sequenced(market, watching_world())
    assert (np.diff(rows["ts_recv"]) >= 0).all()
    kept = rows[rows["kind"] == CLOCK_ADVANCED]
    raw_ns = START + 40 * SECOND
    assert (kept["ts_event"].tolist(), kept["quantity"].tolist()) == ([raw_ns], [20 * SECOND])
    assert rows["ts_event"][rows["kind"] == BAR_OPEN].tolist() == market["ts_event"][::2].tolist()


def test_text_is_no_time_and_is_not_held():
    said = message_with_text((START, START, 1, 0, 0, FACT, 0), b"a name")
    clock, held = in_time(said, START + SECOND)
    assert clock["kind"].tolist() == [CLOCK_ADVANCED]
    assert held["kind"].tolist() == [FACT, TEXT]
    assert int(held["ts_recv"][0]) == START + SECOND
    assert held[1].tobytes() == said[1].tobytes()


def test_an_event_that_was_not_applied_stops_everything():
    sequencer = Sequencer(watching_world().desk[0])
    with pytest.raises(InvariantError, match="the desk stands at position 0, expected 2"):
        list(sequencer.take(np.asarray(bar_tape(walking_bars(1, 2)).rows)))


def test_half_a_message_is_refused():
    with pytest.raises(TapeError, match="expected whole messages"):
        list(messages_of(bar_tape(walking_bars(1, 2)).rows[:3]))


# ---- several sources -----------------------------------------------------------------------------------------------


def a_row(ts: int, kind: int, instrument: int = 0) -> Any:
    return np.array([(ts, ts, 1, 1, instrument, kind, LAST)], ROW)


def test_sources_are_merged_by_time_then_feed_responses_control_instrument_and_number():
    people = [operator_row(5, 1), operator_row(9, 2)]
    answers = [a_row(5, ORDER_ACCEPTED)]
    second = [a_row(5, FUNDING_RATE, 1), a_row(7, FUNDING_RATE, 1)]
    first = [a_row(5, FUNDING_RATE, 0), a_row(5, FUNDING_RATE, 1), a_row(6, FUNDING_RATE, 0)]
    merged = list(in_order([people, answers, second, first]))
    assert [(m.source, int(m.rows[0]["ts_recv"]), int(m.rows[0]["kind"])) for m in merged] == [
        (3, 5, FUNDING_RATE),
        (2, 5, FUNDING_RATE),
        (3, 5, FUNDING_RATE),
        (1, 5, ORDER_ACCEPTED),
        (0, 5, OPERATOR),
        (3, 6, FUNDING_RATE),
        (2, 7, FUNDING_RATE),
        (0, 9, OPERATOR),
    ]


def test_a_source_whose_clock_goes_back_keeps_its_own_order():
    wavering = [a_row(5, FUNDING_RATE), a_row(3, FUNDING_RATE), a_row(8, FUNDING_RATE)]
    other = [a_row(4, FUNDING_RATE, 1), a_row(6, FUNDING_RATE, 1)]
    merged = [int(m.rows[0]["ts_recv"]) for m in in_order([wavering, other])]
    assert merged == [4, 5, 3, 6, 8]


def test_a_message_with_text_that_is_held_keeps_its_letters():
    message = message_with_text((START, START, 0, 0, 0, CONFIG_CHANGED, 0), b"x" * 90)
    clock, held = in_time(message, START + 5)
    assert (int(clock[0]["ts_event"]), int(held[0]["ts_recv"])) == (START, START + 5)
    assert text_of(held[1:]) == b"x" * 90
