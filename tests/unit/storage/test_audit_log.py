"""The audit log keeps every deed, and tells a torn end from damage."""

import os
from pathlib import Path

import pytest

from quintet.core.errors import DataError
from quintet.storage import audit_log
from quintet.storage.audit_log import Deed, append, read
from quintet.storage.sealing import Damage


def a_deed(what: str = "kill", why: str = "the desk does not answer", **facts: str) -> Deed:
    return Deed("2026-11-29T03:12:00.000+00:00", "ann@desk-1", what, "main", why, facts)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three deeds."""
    path = tmp_path / "audit.jsonl"
    for what in ("kill", "release", "keys add"):
        append(path, a_deed(what, asked="yes"))
    return path


def test_a_log_that_nobody_wrote_is_whole_and_empty(tmp_path: Path):
    assert read(tmp_path / "audit.jsonl") == ((), 0)


def test_deeds_come_back_in_order_with_who_when_and_why(log: Path):
    found = read(log)
    assert [each.what for each in found.records] == ["kill", "release", "keys add"]
    assert [each.number for each in found.records] == [1, 2, 3]
    newest = found.records[-1]
    assert (newest.who, newest.target, newest.why, newest.facts) == (
        "ann@desk-1", "main", "the desk does not answer", {"asked": "yes"},
    )  # fmt: skip
    assert found.head == newest.seal


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_letter_is_damage_and_the_line_is_named(log: Path, line: int):
    # given one reason that somebody has made nicer
    lines = log.read_bytes().split(b"\n")
    lines[line] = lines[line].replace(b"does not answer", b"did well enough")
    log.write_bytes(b"\n".join(lines))
    # then reading names the line, and nothing is added behind it
    with pytest.raises(Damage, match=f"line {line + 1}"):
        read(log)
    before = log.read_bytes()
    with pytest.raises(Damage):
        append(log, a_deed())
    assert log.read_bytes() == before


def test_a_record_that_was_taken_out_is_damage(log: Path):
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + lines[2])
    with pytest.raises(Damage):
        read(log)


@pytest.mark.parametrize("cut", [1, 40, 600])
def test_what_was_cut_off_the_end_is_damage_because_it_was_known_to_be_on_the_disk(log: Path, cut: int):
    log.write_bytes(log.read_bytes()[:-cut])
    with pytest.raises(Damage, match="cut off"):
        read(log)


def test_a_whole_record_cut_off_the_end_is_damage(log: Path):
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(Damage):
        read(log)


def test_a_log_that_is_gone_is_damage(log: Path):
    log.unlink()
    with pytest.raises(Damage, match="found no log"):
        read(log)


def test_another_log_in_its_place_is_damage(log: Path, tmp_path: Path):
    # given a log written anew, longer than the true one
    other = tmp_path / "other.jsonl"
    for _ in range(5):
        append(other, a_deed(why="all was well"))
    log.write_bytes(other.read_bytes())
    # then the side file remembers
    with pytest.raises(Damage, match="as it was written"):
        read(log)


def test_a_torn_end_is_no_damage_and_the_next_record_cuts_it_back_and_says_so(log: Path):
    # given a record whose writing was cut off by a crash
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"number":4,"recor')
    # when it is read
    assert read(log).torn_bytes == 18
    # and one more is written
    record = append(log, a_deed("release"))
    # then it stands where the torn one stood
    assert (record.number, record.torn_bytes) == (4, 18)
    assert log.read_bytes().startswith(whole)
    assert len(read(log).records) == 4


def test_a_crash_between_the_record_and_its_side_file_loses_nothing(log: Path):
    # given a side file that is one record behind
    side = log.with_name("audit.jsonl.newest")
    behind = side.read_bytes()
    append(log, a_deed("release"))
    side.write_bytes(behind)
    # then the record is there, and the log goes on
    assert len(read(log).records) == 4
    assert append(log, a_deed()).number == 5


def test_a_full_disk_adds_nothing(log: Path, monkeypatch: pytest.MonkeyPatch):
    before = log.read_bytes()

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        append(log, a_deed())
    assert log.read_bytes() == before


def test_two_writers_take_turns_and_one_that_waits_too_long_is_told(log: Path, monkeypatch: pytest.MonkeyPatch):
    import fcntl

    monkeypatch.setattr(audit_log, "LOCK_WAIT_S", 0.1)
    with log.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another writer"):
            append(log, a_deed())


def test_a_reason_that_is_too_long_is_refused_not_cut(log: Path):
    with pytest.raises(DataError, match="why"):
        append(log, a_deed(why="x" * 2_001))
