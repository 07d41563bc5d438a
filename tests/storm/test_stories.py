"""A handful of stories of the storm: the same again, every kind of trouble once, deaths, power, a bug that is found."""

import random
from pathlib import Path
from typing import Any

import pytest

from tools.storm import damage, plans
from tools.storm.bugs import BUGS, planted
from tools.storm.checker import broken_laws
from tools.storm.disk import Disk, Killed
from tools.storm.evidence import Evidence
from tools.storm.faults import FAULTS, MOMENTS
from tools.storm.outcome import Finished, Outcome
from tools.storm.story import Plan, tell_story

SOME = [(fault, MOMENTS[n % len(MOMENTS)]) for n, fault in enumerate(FAULTS) if n % 3 == 0]
"""Six of the eighteen, each at another moment; the storm has them all at all."""


def told(plan: Plan, folder: Path) -> Evidence:
    return tell_story(plan, folder / "desk")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return told(plans.calm(1), tmp_path_factory.mktemp("calm"))


def test_a_calm_story_breaks_no_law_and_is_worth_telling(calm: Evidence) -> None:
    assert broken_laws(calm) == []
    assert {left.action for left in calm.left} == {"create", "amend", "cancel"}
    assert any(one["filled"] for one in calm.history["orders"])
    assert any(one["trigger_price"] for one in calm.history["orders"])
    assert calm.alarms == []


def test_told_again_it_is_the_same_to_the_last_byte(calm: Evidence, tmp_path: Path) -> None:
    assert told(plans.calm(1), tmp_path).digest == calm.digest


@pytest.mark.parametrize(("fault", "moment"), SOME)
def test_a_fault_breaks_no_law(fault: str, moment: str, tmp_path: Path) -> None:
    plan: Any = plans.alone(3, fault, moment)
    assert broken_laws(told(plan, tmp_path)) == []


# ---- on a perpetual -----------------------------------------------------------------------------------------------


def test_a_calm_story_of_a_perpetual_has_longs_shorts_stops_and_exits_that_only_reduce(tmp_path: Path) -> None:
    evidence = told(plans.linear_calm(1), tmp_path)
    assert broken_laws(evidence) == []
    orders = evidence.history["orders"]
    assert {(one["sign"], one["reduce_only"], one["trigger_price"] > 0) for one in orders} == {
        (sign, reduces, waits) for sign in (1, -1) for reduces, waits in ((False, False), (True, False), (True, True))
    }
    assert evidence.alarms == []


def test_a_position_that_the_venue_takes_and_funding_break_no_law(tmp_path: Path) -> None:
    evidence = told(plans.linear_forced(1), tmp_path)
    assert broken_laws(evidence) == []
    assert {"Trade", "Funding", "BustTrade"} <= {one["kind"] for one in _main(evidence)["executions"]}
    assert evidence.alarms == []


def test_an_order_that_the_venue_has_cut_to_the_position_is_over_when_that_is_filled(tmp_path: Path) -> None:
    """Seed 22 of `linear` once left the rest of such an order open for ever."""
    evidence = told(plans.linear_cut(0), tmp_path)
    assert broken_laws(evidence) == []
    assert "AdlTrade" in {one["kind"] for one in _main(evidence)["executions"]}


def test_fills_that_are_heard_in_another_order_are_nothing_that_is_missing(tmp_path: Path) -> None:
    """Seed 3 once put the other split of profit and cost into suspense."""
    assert broken_laws(told(plans.linear_drops(3), tmp_path)) == []


def test_a_change_that_is_long_settled_is_not_told_once_more(tmp_path: Path) -> None:
    """Seed 64 once stopped itself by it: an order that nobody changed cannot be another."""
    assert broken_laws(told(plans.linear(64), tmp_path)) == []


def test_a_stop_that_ended_unseen_is_missed_and_stands_again(tmp_path: Path) -> None:
    evidence = told(plans.linear_rests(1), tmp_path)
    assert broken_laws(evidence) == []
    assert any(one["trigger_price"] and one["cancel_type"] == "UNKNOWN" for one in evidence.history["orders"])


def test_a_desk_on_a_perpetual_that_died_comes_back_to_its_stops(tmp_path: Path) -> None:
    evidence = told(plans.linear_torn(1), tmp_path)
    assert evidence.lives > 1
    assert broken_laws(evidence) == []


def _main(evidence: Evidence) -> Any:
    return next(one for one in evidence.history["accounts"] if one["name"] == "main")


def test_an_order_whose_only_frame_was_lost_is_looked_for(tmp_path: Path) -> None:
    """Seed 1 once left such an order in flight for ever."""
    assert broken_laws(told(plans.alone(1, "dropped", "canceling"), tmp_path)) == []


def test_an_order_that_waits_for_its_turn_does_not_leave_after_the_kill_switch(tmp_path: Path) -> None:
    """Seed 2 once let two of them go."""
    assert broken_laws(told(plans.braked_in_a_queue(2), tmp_path)) == []


def test_a_memory_of_what_a_power_loss_took_is_not_lived_on(tmp_path: Path) -> None:
    """Seed 12 once came back, at its second death, with the checkpoint of a tape that the first had cut."""
    assert broken_laws(told(plans.power(12), tmp_path)) == []


def test_a_desk_that_comes_back_waits_for_its_venue(tmp_path: Path) -> None:
    """Seed 13 once gave up where the venue refused connections for some seconds, with orders at work there."""
    assert broken_laws(told(plans.deaths_among_faults(13), tmp_path)) == []


@pytest.mark.parametrize("kind", ["deaths", "power", "torn"])
def test_a_desk_that_died_comes_back_with_nothing_lost(kind: str, tmp_path: Path) -> None:
    evidence = told(plans.STORIES[kind](1), tmp_path)
    assert evidence.lives > 1
    assert broken_laws(evidence) == []


@pytest.mark.parametrize(
    ("bug", "kind"),
    [
        ("sent before the disk", "calm"), ("recovery asks nothing", "deaths"), ("reduce-only not told", "linear_calm"),
        ("stop not sent again", "linear_torn"),
    ],
)  # fmt: skip
def test_a_planted_bug_is_found(bug: str, kind: str, tmp_path: Path) -> None:
    with planted(BUGS[bug]):
        assert broken_laws(told(plans.STORIES[kind](0), tmp_path))


def test_a_bug_is_gone_when_its_block_is_left() -> None:
    for bug in BUGS.values():
        before = [(where, name, _now(where, name)) for where, name, _ in bug.changes()]
        with planted(bug):
            assert any(_now(where, name) is not was for where, name, was in before)
        assert all(_now(where, name) == was for where, name, was in before)


def _now(where: Any, name: Any) -> Any:
    return where[name] if isinstance(where, dict) else getattr(where, name)


def test_a_desk_tape_that_is_cut_or_scratched_is_known_or_refused(calm: Evidence) -> None:
    outcome = Outcome("damage", 0)
    size = len(calm.tape)
    damage.cuts(calm.tape, range(size - 300, size), outcome)
    damage.flips(calm.tape, random.Random(1), 150, outcome)
    assert outcome.counts["cuts"] == 300
    assert outcome.counts["changes"] > 100
    assert outcome.findings == []


def test_a_disk_forgets_what_was_not_synced(tmp_path: Path) -> None:
    passed: list[str] = []
    disk = Disk(lambda kinds: None, passed.append)
    path = tmp_path / "some"
    path.write_bytes(b"")
    file = disk.open(path, 2)
    disk.writev(file, [b"\x89QTAPE" + bytes(58)])
    disk.fdatasync(file)
    disk.writev(file, [b"\x89QTAPE" + bytes(58)])
    assert disk.lose_power(path, 0.5) == 32
    assert path.stat().st_size == 96
    disk.dead = True
    with pytest.raises(OSError, match="no more"):
        disk.writev(file, [b""])
    assert not issubclass(Killed, Exception)
    disk.close(file)


def test_what_is_done_is_not_done_again_unless_the_code_is_another(tmp_path: Path) -> None:
    done = Finished(tmp_path / "kept" / "finished.jsonl", "one")
    done.keep(Outcome("pairs", 3, stories=1, findings=["no_orphan: x"]))
    assert Finished(tmp_path / "kept" / "finished.jsonl", "one").outcomes["pairs", 3].findings == ["no_orphan: x"]
    assert not Finished(tmp_path / "kept" / "finished.jsonl", "another").has("pairs", 3)
