"""The kill file latches by being there, and stays."""

from pathlib import Path

import pytest

from quintet.storage.kill_file import KillFile, Latched

LATCHED = Latched("2026-11-29T03:12:00+00:00", "ann@desk-1", "the book is crossed")


def test_without_the_file_nothing_is_held_back(tmp_path: Path):
    assert KillFile(tmp_path).engaged() == ""


def test_a_latched_file_survives_the_process_and_tells_who_and_why(tmp_path: Path):
    # given a switch that one process has latched
    assert KillFile(tmp_path).latch(LATCHED)
    # then another one sees it, and can tell
    other = KillFile(tmp_path)
    assert "KILL is latched" in other.engaged()
    assert other.told() == LATCHED


def test_whoever_latches_second_changes_nothing(tmp_path: Path):
    KillFile(tmp_path).latch(LATCHED)
    assert not KillFile(tmp_path).latch(Latched("later", "bob@desk-2", "too"))
    assert KillFile(tmp_path).told() == LATCHED


@pytest.mark.parametrize("data", [b"", b"stop!", b"\xff\xfe", b"{}"])
def test_a_file_made_by_hand_latches_whatever_stands_in_it(tmp_path: Path, data: bytes):
    (tmp_path / "KILL").write_bytes(data)
    switch = KillFile(tmp_path)
    assert switch.engaged()
    assert switch.told() is None


def test_a_folder_or_a_dangling_link_of_that_name_latches_too(tmp_path: Path):
    (tmp_path / "KILL").symlink_to(tmp_path / "nowhere")
    assert KillFile(tmp_path).engaged()


def test_what_cannot_be_looked_at_counts_as_engaged(tmp_path: Path):
    # given a workspace that is no folder
    (tmp_path / "file").write_bytes(b"")
    # then nobody can say that the switch is open
    assert "cannot be looked at" in KillFile(tmp_path / "file").engaged()


def test_a_release_takes_it_away(tmp_path: Path):
    switch = KillFile(tmp_path)
    switch.latch(LATCHED)
    switch.release()
    assert switch.engaged() == ""
