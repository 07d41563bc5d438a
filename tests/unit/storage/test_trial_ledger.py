"""The ledger of trials: what was tried is counted once, nothing is ever taken back, whoever writes at the same time."""

import os
import signal
import sqlite3
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from quintet.core.errors import DataError
from quintet.storage import trial_ledger
from quintet.storage.sealing import FIRST, Damage
from quintet.storage.trial_ledger import begin_ledger, read_entries, record_trial, record_trials
from quintet.storage.trial_ledger_check import check_ledger
from quintet.storage.trial_records import EarlierTrials
from tests.trial_rows import a_trial, digest, trials

NOW = "2026-01-01T00:00:00+00:00"
BEFORE = (
    EarlierTrials(system="invented", count=122, text="evaluations that nobody recorded one by one"),
    EarlierTrials(system="another", count=7, text="looks at another system"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "workspace" / "trials.sqlite"


def raw(path: Path) -> sqlite3.Connection:
    """The file as any program may open it."""
    return sqlite3.connect(path, isolation_level=None)


# ---- counting ------------------------------------------------------------------------------------------------


def test_a_trial_counts_once_and_a_repeat_is_a_row_that_counts_nothing(path: Path) -> None:
    first = record_trial(path, a_trial(), NOW)
    again = record_trial(path, a_trial(sharpe=0.06, door="another door", run="20260101T000000Z-1"), NOW)
    other = record_trial(path, a_trial(parameters={"fast": 6, "slow": 20.5}), NOW)
    assert [each.repeated for each in (first, again, other)] == [False, True, False]
    assert [each.total for each in (first, again, other)] == [1, 1, 2]
    assert [each.number for each in (first, again, other)] == [1, 2, 3]
    assert first.trial_id == again.trial_id != other.trial_id
    assert [entry.counts for entry in read_entries(path)] == [1, 0, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"source": digest("an edited system")},
        {"parameters": {"fast": 5, "slow": 20.6}},
        {"conditions": {"execution": {"latency_ms": 251}}},
        {"data": digest("another market")},
        {"first_ns": 1},
        {"last_ns": 1},
        {"policies": ("pessimistic",)},
    ],
)
def test_whatever_is_changed_is_another_trial(change: dict[str, object]) -> None:
    assert a_trial(**change).id != a_trial().id


@pytest.mark.parametrize(
    "same",
    [
        {"system": "the same under another name"},
        {"parameters": {"slow": 20.5, "fast": 5}},
        {"policies": ("optimistic", "pessimistic", "optimistic")},
        {"sharpe": None, "periods": 0, "door": "elsewhere", "run": "a folder"},
    ],
)
def test_a_new_name_another_order_and_another_door_are_no_new_trial(same: dict[str, object]) -> None:
    assert a_trial(**same).id == a_trial().id


def test_trials_are_counted_on_their_market_and_in_all(path: Path) -> None:
    record_trials(path, trials(3), NOW)
    elsewhere = record_trial(path, a_trial(data=digest("another market")), NOW)
    assert (elsewhere.on_data, elsewhere.total) == (1, 4)
    assert record_trial(path, trials(1)[0], NOW).on_data == 3


def test_a_ledger_begins_with_the_trials_made_before_it(path: Path) -> None:
    counted = record_trial(path, a_trial(), NOW, BEFORE)
    assert (counted.number, counted.on_data, counted.total) == (3, 123, 123)
    entries = read_entries(path)
    assert [entry.counts for entry in entries] == [122, 7, 1]
    assert entries[0].earlier == BEFORE[0]
    assert [entry.previous for entry in entries] == [FIRST, entries[0].seal, entries[1].seal]
    assert counted.ledger == entries[0].seal


def test_earlier_trials_count_against_their_own_system_only(path: Path) -> None:
    assert record_trial(path, a_trial(system="a stranger's"), NOW, BEFORE).total == 1
    assert record_trial(path, a_trial(system="another", parameters={}), NOW, BEFORE).total == 9


def test_earlier_trials_are_entered_when_a_ledger_begins_and_never_again(path: Path) -> None:
    begin_ledger(path, BEFORE, NOW)
    begin_ledger(path, BEFORE, NOW)
    record_trial(path, a_trial(), NOW, BEFORE)
    assert len(read_entries(path)) == 3


def test_the_spread_of_the_ratios_is_that_of_distinct_trials_on_one_market(path: Path) -> None:
    assert record_trial(path, a_trial(sharpe=0.1), NOW).sharpe_deviation is None
    record_trial(path, a_trial(sharpe=9.9), NOW)  # a repeat: the first ratio stands
    record_trial(path, a_trial(parameters={}, sharpe=None), NOW)  # did not trade
    record_trial(path, a_trial(data=digest("another market"), sharpe=-7.0), NOW)
    counted = record_trials(path, trials(5), NOW)[-1]
    assert counted.sharpe_deviation == pytest.approx(statistics.stdev([0.1, 0.0, 0.01, 0.02, 0.03, 0.04]))


def test_many_trials_in_one_go_are_what_the_same_trials_one_by_one_are(path: Path, tmp_path: Path) -> None:
    many = [*trials(5), trials(5)[2]]
    together = record_trials(path, many, NOW)
    alone = [record_trial(tmp_path / "other.sqlite", trial, NOW) for trial in many]
    assert together[-1] == alone[-1]
    assert [entry.seal for entry in read_entries(path)] == [each.seal for each in alone]
    assert {each.total for each in together} == {5}
    assert record_trials(path, [], NOW) == []


def test_the_last_rows_are_read_in_their_order(path: Path) -> None:
    assert read_entries(path) == []
    record_trials(path, trials(5), NOW)
    assert [entry.number for entry in read_entries(path, last=2)] == [4, 5]


# ---- nothing is taken back -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE entries SET record = '{}' WHERE number = 1", "never changed"),
        ("UPDATE entries SET number = 9 WHERE number = 1", "never changed"),
        ("DELETE FROM entries WHERE number = 2", "never deleted"),
        ("DELETE FROM entries", "never deleted"),
        ("INSERT INTO entries (number, record) VALUES (9, '{}')", "follows the newest"),
        ("INSERT INTO entries (number, record) VALUES (3, '{}')", "follows the newest"),
        ("INSERT OR REPLACE INTO entries (number, record) SELECT number, record FROM entries", "follows the newest"),
        ("UPDATE head SET number = 1", "newest row"),
        ("DELETE FROM head", "keeps its head"),
        ("INSERT OR REPLACE INTO head VALUES (1, 0, '')", "one head"),
    ],
)
def test_the_file_itself_refuses_to_change_or_lose_a_row(path: Path, statement: str, says: str) -> None:
    record_trials(path, trials(2), NOW)
    ledger = raw(path)
    with pytest.raises(sqlite3.IntegrityError, match=says):
        ledger.execute(statement)
    ledger.close()
    assert check_ledger(path).ok
    assert len(read_entries(path)) == 2


def test_nothing_is_built_on_a_newest_row_that_was_changed(path: Path) -> None:
    record_trials(path, trials(2), NOW)
    ledger = raw(path)
    ledger.execute("DROP TRIGGER entries_never_change")
    ledger.execute("UPDATE entries SET record = replace(record, '0.01', '0.09') WHERE number = 2")
    ledger.close()
    with pytest.raises(Damage, match="row 2: .*seal.*quintet ledger verify"):
        record_trial(path, a_trial(), NOW)
    with pytest.raises(Damage, match="row 2"):
        read_entries(path)


def test_nothing_is_built_on_a_ledger_whose_end_was_cut_off(path: Path) -> None:
    record_trials(path, trials(3), NOW)
    ledger = raw(path)
    ledger.execute("DROP TRIGGER entries_are_never_deleted")
    ledger.execute("DELETE FROM entries WHERE number = 3")
    ledger.close()
    with pytest.raises(Damage, match="row 2 as the newest, expected row 3"):
        record_trial(path, a_trial(), NOW)


@pytest.mark.parametrize("content", [b"", b"not a ledger at all, but a text of some length " * 30])
def test_a_file_that_is_no_ledger_is_named_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(Damage, match=r"trials\.sqlite: found .* expected a whole ledger"):
        record_trial(path, a_trial(), NOW)
    assert path.read_bytes() == content


def test_a_place_where_nothing_can_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made.*QUINTET_LEDGER"):
        record_trial(tmp_path / "file" / "trials.sqlite", a_trial(), NOW)


def test_a_batch_that_fails_leaves_nothing_of_itself(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_trials(path, trials(2), NOW)

    def fails(*_: object) -> None:
        raise RuntimeError("something else went wrong")

    monkeypatch.setattr(trial_ledger, "_counted", fails)
    with pytest.raises(RuntimeError, match="went wrong"):
        record_trials(path, [a_trial(), a_trial(parameters={})], NOW)
    assert len(read_entries(path)) == 2
    assert check_ledger(path).ok


def test_a_writer_that_never_gets_its_turn_is_told_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_trials(path, trials(1), NOW)
    monkeypatch.setattr(trial_ledger, "LOCK_WAIT_S", 0.05)
    other = raw(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DataError, match="another process"):
        record_trial(path, a_trial(), NOW)
    other.close()
    assert record_trial(path, a_trial(), NOW).number == 2


# ---- several processes ---------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from quintet.storage.trial_ledger import record_trial
from tests.trial_rows import a_trial
for n in range(int(sys.argv[3])):
    counted = record_trial(Path(sys.argv[1]), a_trial(parameters={sys.argv[2]: n % 20}), "2026-01-01T00:00:00+00:00")
    print(counted.number, flush=True)
"""


def writer(path: Path, name: str, count: int) -> "subprocess.Popen[str]":
    root = str(Path(__file__).parents[3])
    words = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(words, cwd=root, env=os.environ | {"PYTHONPATH": root}, stdout=subprocess.PIPE, text=True)


def test_processes_that_begin_and_write_at_once_lose_nothing(path: Path) -> None:
    # when three processes begin the same ledger and write 25 rows each, 5 of them repeats
    writers = [writer(path, name, 25) for name in ("one", "two", "three")]
    numbers = [int(line) for each in writers for line in each.communicate(timeout=120)[0].split()]
    # then every row has a number of its own, and the chain is whole
    assert [each.returncode for each in writers] == [0, 0, 0]
    assert sorted(numbers) == list(range(1, 76))
    assert check_ledger(path) == (75, read_entries(path)[-1].seal, (), ())
    assert record_trial(path, a_trial(), NOW).total == 61


def test_a_killed_writer_loses_no_row_that_it_was_told_of(path: Path) -> None:
    killed = writer(path, "killed", 100_000)
    assert killed.stdout is not None
    for _ in range(20):
        told = int(killed.stdout.readline())
    killed.send_signal(signal.SIGKILL)
    rest = [int(line) for line in killed.stdout.read().split()]
    killed.stdout.close()
    killed.wait()
    # then all rows that were told are there, at most the one being written besides, and the next writer goes on
    last = (rest or [told])[-1]
    assert len(read_entries(path)) in (last, last + 1)
    assert check_ledger(path).ok
    assert record_trial(path, a_trial(), NOW).number == len(read_entries(path))
