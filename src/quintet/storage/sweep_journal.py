"""The journal of a sweep: every finished set, on disk before the next one counts. One SQLite file.

A set is known by the id under which the ledger of trials counts it; the record beside it is whatever the caller wants
to read again. A row that was written is never changed but for one mark: that the ledger has counted it. The file is
held by one process at a time, so that nothing is run twice by two of them.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from quintet.core.errors import ConfigError, DataError

NAME: Final = "sweep.sqlite"

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS about (one INTEGER PRIMARY KEY CHECK (one = 1), key TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS finished (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        record BLOB NOT NULL,
        counted INTEGER NOT NULL DEFAULT 0
    )""",
)


class Row(NamedTuple):
    """One finished set. `counted`: the ledger of trials has it."""

    id: str
    record: bytes
    counted: bool


class SweepJournal:
    """An open journal; see `open_journal`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    def rows(self) -> list[Row]:
        """Every finished set, in the order in which they were finished."""
        with self._told():
            found = self._connection.execute("SELECT id, record, counted FROM finished ORDER BY number").fetchall()
        return [Row(id, bytes(record), bool(counted)) for id, record, counted in found]

    def add(self, id: str, record: bytes) -> None:
        """Keep one finished set; it is on disk when this returns. Raises DataError when it is there already."""
        with self._told():
            self._connection.execute("INSERT INTO finished (id, record) VALUES (?, ?)", [id, record])

    def mark_counted(self, ids: Iterable[str]) -> None:
        """Note that the ledger of trials has counted these."""
        with self._told():
            self._connection.execute("BEGIN")
            self._connection.executemany("UPDATE finished SET counted = 1 WHERE id = ?", [(id,) for id in ids])
            self._connection.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever SQLite cannot do becomes an error that names the file."""
        try:
            yield
        except sqlite3.Error as error:
            raise _in_words(self._path, error) from None


@contextmanager
def open_journal(path: Path, key: str) -> Iterator[SweepJournal]:
    """The journal at `path`, begun when it is not there, held until the block ends.

    `key` says which sweep it is of. Raises ConfigError when it is of another sweep, DataError when it is no journal,
    cannot be written, or another process holds it.
    """
    connection = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=0.5, isolation_level=None)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = FULL")  # a set that was finished survives a power cut
        connection.execute("BEGIN EXCLUSIVE")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO about VALUES (1, ?)", [key])
        connection.execute("COMMIT")
        [(found,)] = connection.execute("SELECT key FROM about").fetchall()
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        raise _in_words(path, error) from None
    try:
        if found != key:
            raise ConfigError(
                f"{path}: found the journal of another sweep ({found[:12]}), expected {key[:12]}: system, parameters, "
                "market and costs as they were when it was begun"
            )
        yield SweepJournal(path, connection)
    finally:
        connection.close()


def _in_words(path: Path, error: Exception) -> DataError:
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
        return DataError(f"{path}: found another process at work on this sweep, expected to be alone")
    return DataError(f"{path}: found {error}, expected the journal of a sweep that can be read and written")
