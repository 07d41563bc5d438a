"""Systems that leave their orders to algorithms, in replay: on a book that walks, and on candles."""

from pathlib import Path

import numpy as np
import pytest

from quintet.core.execution.journal import BEGAN, OVER, kind_of
from quintet.core.execution.maker import Maker
from quintet.core.execution.parent import ALGORITHM_NAMES, DONE, LADDER, Parent
from quintet.core.orders.lifecycle import MEETS_OUR_OWN, VENUE_REASON_NAMES
from quintet.core.tape import Tape
from quintet.research.backtest import BacktestResult
from quintet.research.desk_replay import replay_desk_tape
from quintet.research.executions import executions_of, fills_of
from quintet.research.run_record import record_of
from quintet.systems.own import Memory, RefusedSystem, System, View, Want
from quintet.systems.own.system import shape_of
from tests.executing_systems import InTurn
from tests.tick_makers import run_on
from tests.walked_book import walked_tape

SECONDS = 60
HASHES = {
    True: ("3023f3bbaa58e91791ea426e7d956ac7", "b3db48916ddfde9e26187c0a95889b11dba597b457210faf73f32a3998dc535c"),
    False: ("2a96f2ede7ed66bf8be1aae177f56ff9", "5ca2cb6b390dbbe43e2c6dfafc4b36f98f7fbeef0b754703fe181161079a3e22"),
}
"""Command and state hash where the exchange amends and where it does not, compiled and not."""


@pytest.fixture(scope="module")
def market() -> Tape:
    return walked_tape(SECONDS)


@pytest.fixture(scope="module")
def runs(market: Tape) -> dict[bool, BacktestResult]:
    return {amends: run_on(market, InTurn, amends=amends) for amends in HASHES}


@pytest.mark.jit_off
@pytest.mark.parametrize("amends", HASHES)
def test_every_algorithm_works_its_amount_off_and_the_books_balance(runs, amends):
    result = runs[amends]
    run = result.headline
    assert (run.desk.alarms, result.conservation) == (0, 0)
    found = executions_of(run.notes, 0)
    assert {ALGORITHM_NAMES[each.algorithm] for each in found} == set(ALGORITHM_NAMES[1:])
    assert sum(each.phase == DONE for each in found) >= len(found) - 1  # the run ends the last
    for each in found:
        lots = int(fills_of(each, run.fills)["lots"].sum())
        assert lots <= each.lots and (each.phase != DONE or lots == each.lots)
    assert run.world.state[0].most <= 60  # never more than was asked


@pytest.mark.jit_off
@pytest.mark.parametrize("amends", HASHES)
def test_the_same_tape_gives_the_same_orders_compiled_or_not(runs, amends):
    """The golden hashes are of both: this test runs once more with compilation off."""
    run = runs[amends].headline
    assert (run.command_hash, run.state_hash) == HASHES[amends]


@pytest.mark.jit_off
@pytest.mark.req("I-235")
def test_own_orders_never_meet(runs):
    for result in runs.values():
        assert f"venue_ended_{VENUE_REASON_NAMES[MEETS_OUR_OWN].replace(' ', '_')}" not in result.metrics
        fills, held = result.headline.fills, 0
        for fill in fills:
            held += int(fill["side"] * fill["lots"])
            assert 0 <= held <= 60  # the ladder never turns the position


def test_stops_are_moved_by_amendments_or_stand_twice(runs):
    amended, placed = (runs[amends].headline.desk for amends in HASHES)
    assert amended.n_amends > 0 and placed.n_amends == 0
    assert placed.n_places > amended.n_places


def test_a_desk_tape_replays_to_the_same_orders(runs, tmp_path: Path):
    runs[True].write_desk_tape(tmp_path / "desk.tape", 0, "test")
    assert replay_desk_tape(tmp_path / "desk.tape") == runs[True].headline.command_hash


def test_the_run_is_told_and_its_report_has_a_table(runs):
    result = runs[True]
    kinds = result.tables["events"]["kind"]
    assert {"twap began", "twap over", "ladder began"} <= set(kinds)
    rows = {row["algorithm"]: row for row in result.executions}
    assert set(rows) == set(ALGORITHM_NAMES[1:])
    assert rows["maker"]["maker_share_frac"] > rows["bounded"]["maker_share_frac"] == 0.0
    assert all(0.0 < row["filled_frac"] <= 1.0 for row in rows.values())
    assert record_of(result).executions == tuple(result.executions)


def test_notes_of_others_are_left_alone():
    assert kind_of(BEGAN + LADDER) == "ladder began" and kind_of(OVER + LADDER) == "ladder over"
    assert kind_of(12) == "12"


# ---- what a class must not do ----------------------------------------------------------------------------------


class Deaf(System):
    """It has no handler for fills, and yet buys no more than it asked for."""

    timer_s = 1

    class Memory(Memory):
        entry: Parent = Parent()

    def on_timer(self, view: View) -> list[Want]:
        known = self.memory
        if known.entry == Parent() and view.bid and view.ask:
            known.entry = RULES.begin(view, 1, 200, tag=1)
        known.entry, wants = RULES.work(known.entry, view)
        return wants


RULES = Maker(at="touch", requote_s=1.0, timeout_s=40.0, too_little="keep")


def test_fills_reach_an_algorithm_whatever_the_class_listens_to(market: Tape):
    run = run_on(market, Deaf).headline
    bought = int(np.asarray(run.fills["lots"]).sum())
    assert 0 < bought <= 200
    assert int(run.world.state[0].entry["filled"]) == bought
    assert shape_of(Deaf).sees_orders


class Confused(Deaf):
    """Two amounts under one tag."""

    class Memory(Memory):
        entry: Parent = Parent()
        other: Parent = Parent()

    def on_timer(self, view: View) -> list[Want]:
        if view.bid and view.ask:
            self.memory.entry = self.memory.other = RULES.begin(view, 1, 200, tag=1)
        return []


def test_two_that_are_active_under_one_tag_are_refused(market: Tape):
    with pytest.raises(RefusedSystem, match=r"one tag for two executions: Confused: found tags 1 and 1 at once"):
        run_on(market, Confused)


def test_a_system_that_executes_nothing_has_no_table(market: Tape):
    class Still(System):
        timer_s = 10

        def on_timer(self, view: View) -> None:
            return None

    assert list(run_on(market, Still).executions) == []
