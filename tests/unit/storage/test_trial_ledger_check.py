"""Whoever changes, removes, doubles or reorders a row of the ledger is found, whatever guards he takes away first."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.errors import DataError
from quintet.storage.sealing import FIRST, sealed
from quintet.storage.trial_ledger import SCHEMA, begin_ledger, read_entries, record_trials
from quintet.storage.trial_ledger_check import Witness, check_ledger
from quintet.storage.trial_records import EarlierTrials, Entry
from tests.trial_rows import a_trial, trials

NOW = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of six rows: earlier trials, four distinct ones, a repeat."""
    path = tmp_path / "trials.sqlite"
    begin_ledger(path, [EarlierTrials(system="invented", count=9, text="before")], NOW)
    record_trials(path, [*trials(4), trials(4)[1]], NOW)
    return path


def tamper(path: Path, *statements: str) -> None:
    """Take the guards away, do it, put the guards back."""
    guards = [statement for statement in SCHEMA if statement.startswith("CREATE TRIGGER")]
    ledger = sqlite3.connect(path, isolation_level=None)
    for guard in guards:
        ledger.execute(f"DROP TRIGGER {guard.split()[2]}")
    for statement in [*statements, *guards]:
        ledger.execute(statement)
    ledger.close()


def rewrite(path: Path, change: Callable[[list[Entry]], list[Entry]]) -> None:
    """Seal the changed rows anew, set the head to fit: a forger who knows all of this."""
    entries = change(read_entries(path))
    previous, rows = FIRST, []
    for number, entry in enumerate(entries, start=1):
        entry = sealed(msgspec.structs.replace(entry, number=number), previous)
        previous = entry.seal
        rows.append((number, msgspec.json.encode(entry).decode()))
    ledger = sqlite3.connect(path, isolation_level=None)
    for statement in SCHEMA:
        if statement.startswith("CREATE TRIGGER"):
            ledger.execute(f"DROP TRIGGER {statement.split()[2]}")
    ledger.execute("DELETE FROM entries")
    ledger.executemany("INSERT INTO entries (number, record) VALUES (?, ?)", rows)
    ledger.execute("UPDATE head SET number = ?, seal = ?", [len(rows), previous])
    for statement in SCHEMA:
        if statement.startswith("CREATE TRIGGER"):
            ledger.execute(statement)
    ledger.close()


def test_a_whole_ledger_has_no_problem(path: Path) -> None:
    assert check_ledger(path) == (6, read_entries(path)[-1].seal, (), ())


def test_no_ledger_is_no_problem_unless_a_run_was_counted_in_it(tmp_path: Path) -> None:
    assert check_ledger(tmp_path / "none").ok
    gone = check_ledger(tmp_path / "none", [Witness("a run", "a" * 64, 1, "b" * 64)])
    assert gone.problems == ("a run: counted in a ledger that is gone",)


@pytest.mark.parametrize("number", range(1, 7))
def test_a_changed_row_is_named(path: Path, number: int) -> None:
    tamper(path, f"UPDATE entries SET record = replace(record, '2026-01-01', '2026-01-02') WHERE number = {number}")
    assert check_ledger(path).problems == (
        f"row {number}: found a record that does not fit its seal, expected the record that was sealed",
    )


@pytest.mark.parametrize("number", range(1, 6))
def test_a_row_taken_out_of_the_middle_is_named(path: Path, number: int) -> None:
    tamper(path, f"DELETE FROM entries WHERE number = {number}")
    problems = check_ledger(path).problems
    assert problems[0] == f"row {number} is missing"
    assert problems[1].startswith(f"row {number + 1}: found previous")


def test_a_row_taken_out_with_the_numbers_closed_up_is_named(path: Path) -> None:
    tamper(path, "DELETE FROM entries WHERE number = 3", "UPDATE entries SET number = number - 1 WHERE number > 3")
    problems = "\n".join(check_ledger(path).problems)
    assert "row 3: found previous" in problems
    assert "row 3: found number, id and count (4," in problems
    assert "row 6 to 6" not in problems
    assert "rows 6 to 6 were cut off the end" in problems


def test_rows_cut_off_the_end_are_counted_by_the_head(path: Path) -> None:
    tamper(path, "DELETE FROM entries WHERE number > 4")
    assert check_ledger(path).problems == ("rows 5 to 6 were cut off the end",)


def test_two_rows_that_changed_places_are_named(path: Path) -> None:
    tamper(
        path,
        "UPDATE entries SET number = 99 WHERE number = 2",
        "UPDATE entries SET number = 2 WHERE number = 4",
        "UPDATE entries SET number = 4 WHERE number = 99",
    )
    problems = "\n".join(check_ledger(path).problems)
    for number in (2, 3, 4, 5):
        assert f"row {number}: found previous" in problems


def test_a_doubled_row_is_named(path: Path) -> None:
    tamper(path, "INSERT INTO entries (number, record) SELECT 7, record FROM entries WHERE number = 6")
    problems = "\n".join(check_ledger(path).problems)
    assert "row 7: found previous" in problems
    assert "head: found" in problems


def test_a_count_that_is_not_what_the_rows_say_is_named_even_when_it_was_sealed(path: Path) -> None:
    # given a forger who lets every trial after the first count nothing, and seals all of it again
    rewrite(path, lambda entries: [msgspec.structs.replace(each, counts=min(each.counts, 0)) for each in entries])
    problems = "\n".join(check_ledger(path).problems)
    for number in range(1, 6):
        assert f"row {number}: found number, id and count" in problems


def test_a_head_that_was_set_back_is_named(path: Path) -> None:
    tamper(path, "UPDATE head SET number = 2")
    assert "head: found [(2," in check_ledger(path).problems[0]


@pytest.mark.parametrize(
    "guard", [each.split()[2] for each in SCHEMA if each.startswith(("CREATE TRIGGER", "CREATE I"))]
)
def test_a_guard_that_was_taken_away_is_named(path: Path, guard: str) -> None:
    ledger = sqlite3.connect(path, isolation_level=None)
    ledger.execute(f"DROP {'INDEX' if guard.startswith('by_') else 'TRIGGER'} {guard}")
    ledger.close()
    assert check_ledger(path).problems == (f"{guard}: is missing, so rows were not guarded",)


def test_a_guard_that_guards_nothing_any_more_is_named(path: Path) -> None:
    ledger = sqlite3.connect(path, isolation_level=None)
    ledger.execute("DROP TRIGGER head_stays")
    ledger.execute("CREATE TRIGGER head_stays BEFORE DELETE ON head BEGIN SELECT 1; END")
    ledger.execute("CREATE TABLE notes (text TEXT)")
    ledger.close()
    problems = check_ledger(path).problems
    assert problems[0].startswith("head_stays: has been changed")
    assert problems[1].startswith("notes: found something")


def test_a_record_that_is_none_is_named(path: Path) -> None:
    tamper(path, "UPDATE entries SET record = '{}' WHERE number = 3")
    assert check_ledger(path).problems[0].startswith("row 3: found Object missing required field")


# ---- what the file alone cannot tell, and the runs can -------------------------------------------------------


def witnesses(path: Path) -> list[Witness]:
    entries = read_entries(path)
    return [Witness(f"run {each.number}", entries[0].seal, each.number, each.seal) for each in entries]


def test_a_forged_ledger_is_whole_by_itself_and_contradicts_the_runs(path: Path) -> None:
    runs = witnesses(path)
    # given a forger who takes row 4 out and seals everything behind it anew
    rewrite(path, lambda entries: [each for each in entries if each.number != 4])
    assert check_ledger(path).ok
    # then every run from there on tells
    problems = check_ledger(path, runs).problems
    assert [problem.partition(":")[0] for problem in problems] == ["row 4", "row 5", "row 6"]
    assert problems[0].endswith("under which run 4 was counted")
    assert "no such row" in problems[-1]


def test_an_end_cut_off_together_with_its_head_contradicts_the_runs(path: Path) -> None:
    runs = witnesses(path)
    rewrite(path, lambda entries: entries[:4])
    assert check_ledger(path).ok
    assert len(check_ledger(path, runs).problems) == 2


def test_runs_of_another_ledger_say_nothing_on_this_one(path: Path) -> None:
    stranger = Witness("a run", "f" * 64, 99, "e" * 64)
    assert check_ledger(path, [*witnesses(path), stranger]) == (6, read_entries(path)[-1].seal, (), ("a run",))


# ---- damage that nobody meant --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "trials.sqlite"
    record_trials(path, [a_trial(), a_trial(parameters={})], NOW)
    return path


@settings(max_examples=100)
@given(data=st.data())
def test_any_changed_bit_is_found_or_changes_nothing_that_was_written(two_rows: Path, data: st.DataObject) -> None:
    whole = bytearray(two_rows.read_bytes())
    written = read_entries(two_rows)
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = two_rows.with_name("changed.sqlite")
    for left in path.parent.glob("changed.sqlite*"):
        left.unlink()
    path.write_bytes(whole)
    try:
        found = check_ledger(path)
    except DataError:
        return
    if found.ok:
        assert read_entries(path) == written
