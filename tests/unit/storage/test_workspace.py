"""The workspace: where it is, what it makes, and files that appear whole or not at all."""

import os
from pathlib import Path

import pytest

from quintet.core.errors import ConfigError
from quintet.storage.workspace import Workspace, workspace, write_whole


def test_the_environment_names_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "desk"))
    assert workspace().root == tmp_path / "desk"
    monkeypatch.delenv("QUINTET_WORKSPACE")
    assert workspace().root.name == "quintet"


def test_the_ledger_of_trials_is_the_workspaces_own_unless_the_environment_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUINTET_WORKSPACE", str(tmp_path / "desk"))
    monkeypatch.delenv("QUINTET_LEDGER")
    assert workspace().ledger == tmp_path / "desk" / "trials.sqlite"
    monkeypatch.setenv("QUINTET_LEDGER", str(tmp_path / "away.sqlite"))
    assert workspace().ledger == tmp_path / "away.sqlite"
    # a workspace that was made by hand has its own, whatever the environment says
    assert Workspace(tmp_path).ledger == tmp_path / "trials.sqlite"


def test_folders_are_made_when_they_are_asked_for(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "desk")
    assert not place.root.exists()
    assert [place.data.name, place.tapes.name, place.runs.name] == ["data", "tapes", "runs"]
    assert all(folder.is_dir() for folder in (place.data, place.tapes, place.runs))


def test_a_workspace_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="QUINTET_WORKSPACE"):
        _ = Workspace(tmp_path / "file").data


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sub" / "candles.csv"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in path.parent.iterdir()] == ["candles.csv"]
