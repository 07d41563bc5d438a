"""Checkpoint files: whole or not there, the newest few, found by position."""

from pathlib import Path

import pytest

from quintet.core.errors import CheckpointError
from quintet.storage.checkpoints import CheckpointFolder


def test_one_is_due_after_so_many_events(tmp_path: Path):
    folder = CheckpointFolder(tmp_path / "day.checkpoints", every_events=100)
    assert not folder.is_due(99)
    assert folder.is_due(100)
    folder.write(130, b"one")
    assert not folder.is_due(229)
    assert folder.is_due(230)


def test_the_newest_few_stay_and_the_newest_is_found(tmp_path: Path):
    folder = CheckpointFolder(tmp_path, every_events=1, keep=2)
    for position in (5, 70, 600):
        folder.write(position, str(position).encode())
    assert folder.positions() == [70, 600]
    assert folder.newest() == (folder.path(600), b"600")
    assert folder.newest(not_after=599) == (folder.path(70), b"70")
    assert folder.newest(not_after=69) is None


def test_another_process_goes_on_counting_from_the_last_one(tmp_path: Path):
    CheckpointFolder(tmp_path, every_events=10).write(40, b"")
    assert not CheckpointFolder(tmp_path, every_events=10).is_due(49)


def test_what_a_crash_left_half_written_is_no_checkpoint_and_goes_with_the_next(tmp_path: Path):
    folder = CheckpointFolder(tmp_path, every_events=1)
    half = tmp_path / (folder.path(7).name + ".part")
    half.write_bytes(b"ha")
    assert folder.newest() is None
    folder.write(8, b"whole")
    assert folder.positions() == [8]
    assert not half.exists()


@pytest.mark.parametrize(("every", "keep"), [(0, 1), (1, 0)])
def test_counts_below_one_are_refused(tmp_path: Path, every: int, keep: int):
    with pytest.raises(CheckpointError, match="expected at least 1"):
        CheckpointFolder(tmp_path, every_events=every, keep=keep)
