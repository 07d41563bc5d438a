"""The journal of a sweep: what was added is there, for one sweep and one process at a time."""

from pathlib import Path

import pytest

from quintet.core.errors import ConfigError, DataError
from quintet.storage.sweep_journal import Row, open_journal


def test_what_was_added_is_read_again_in_its_order(tmp_path: Path):
    path = tmp_path / "deep" / "sweep.sqlite"
    with open_journal(path, "key") as journal:
        assert journal.rows() == []
        journal.add("b", b"two")
        journal.add("a", b"one")
        journal.mark_counted(["b", "nobody"])
    with open_journal(path, "key") as journal:
        assert journal.rows() == [Row("b", b"two", True), Row("a", b"one", False)]


def test_a_set_is_added_once(tmp_path: Path):
    with open_journal(tmp_path / "sweep.sqlite", "key") as journal:
        journal.add("a", b"one")
        with pytest.raises(DataError, match="UNIQUE"):
            journal.add("a", b"another")
        assert journal.rows() == [Row("a", b"one", False)]


def test_what_was_added_survives_an_error_that_follows(tmp_path: Path):
    path = tmp_path / "sweep.sqlite"
    with pytest.raises(KeyboardInterrupt), open_journal(path, "key") as journal:
        journal.add("a", b"one")
        raise KeyboardInterrupt
    with open_journal(path, "key") as journal:
        assert [row.id for row in journal.rows()] == ["a"]


def test_another_sweep_finds_no_place_in_it(tmp_path: Path):
    path = tmp_path / "sweep.sqlite"
    with open_journal(path, "one sweep"):
        pass
    with (
        pytest.raises(ConfigError, match=r"sweep\.sqlite: found the journal of another sweep"),
        open_journal(path, "two"),
    ):
        pass


def test_two_processes_do_not_share_it(tmp_path: Path):
    path = tmp_path / "sweep.sqlite"
    another = pytest.raises(DataError, match="another process at work")
    with open_journal(path, "key"), another, open_journal(path, "key"):
        pass


def test_a_file_that_is_none_is_named(tmp_path: Path):
    path = tmp_path / "sweep.sqlite"
    path.write_text("this is no database, only a text that is long enough to be looked at")
    with pytest.raises(DataError, match="expected the journal of a sweep"), open_journal(path, "key"):
        pass
