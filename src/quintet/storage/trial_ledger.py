"""The trial ledger: every evaluation ever made in a workspace, so that luck can be told from skill. Append-only.

One SQLite file in write-ahead mode. `entries` holds the sealed records and nothing else that could disagree with them:
every column that is searched is computed from the record's text. `head` holds the number and the seal of the newest
row, moved by the insert itself. Triggers refuse to change or delete a row and to add one that does not continue the
chain; whoever removes the triggers is found by `trial_ledger_check`.

A write is one transaction that starts by taking the write lock, so two processes never see the same newest row, and
it is on disk when it returns. A crash leaves the rows of whole transactions.
"""

import math
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from quintet.core.errors import DataError
from quintet.storage.durability import sync_folder
from quintet.storage.sealing import FIRST, Damage, Mismatch, mismatch, sealed
from quintet.storage.trial_records import Counted, EarlierTrials, Entry, Trial
from quintet.storage.workspace import LEDGER_ENVIRONMENT_NAME

LOCK_WAIT_S: Final = 30.0
"""How long a writer waits for another one."""

SCHEMA: Final = (
    """CREATE TABLE entries (
        number INTEGER PRIMARY KEY,
        record TEXT NOT NULL,
        id TEXT AS (json_extract(record, '$.id')) VIRTUAL,
        counts INTEGER AS (json_extract(record, '$.counts')) VIRTUAL,
        system TEXT AS (json_extract(record, '$.trial.system')) VIRTUAL,
        data TEXT AS (json_extract(record, '$.trial.data')) VIRTUAL,
        sharpe REAL AS (json_extract(record, '$.trial.sharpe')) VIRTUAL,
        earlier_of TEXT AS (json_extract(record, '$.earlier.system')) VIRTUAL
    )""",
    "CREATE INDEX by_id ON entries (id, counts)",
    "CREATE INDEX by_data ON entries (data, counts, sharpe)",
    "CREATE INDEX by_earlier ON entries (earlier_of, counts) WHERE earlier_of IS NOT NULL",
    "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, seal TEXT NOT NULL)",
    """CREATE TRIGGER entries_continue BEFORE INSERT ON entries
        WHEN NEW.number IS NOT (SELECT number + 1 FROM head)
          OR json_extract(NEW.record, '$.previous') IS NOT (SELECT seal FROM head)
        BEGIN SELECT RAISE(ABORT, 'a row of the ledger follows the newest one'); END""",
    """CREATE TRIGGER entries_move_the_head AFTER INSERT ON entries
        BEGIN UPDATE head SET number = NEW.number, seal = json_extract(NEW.record, '$.seal'); END""",
    """CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'a row of the ledger is never changed'); END""",
    """CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'a row of the ledger is never deleted'); END""",
    """CREATE TRIGGER head_follows_the_rows BEFORE UPDATE ON head
        WHEN NEW.number IS NOT OLD.number + 1 OR NEW.number IS NOT (SELECT max(number) FROM entries)
        BEGIN SELECT RAISE(ABORT, 'the head of the ledger is the newest row'); END""",
    """CREATE TRIGGER head_stays BEFORE DELETE ON head
        BEGIN SELECT RAISE(ABORT, 'the ledger keeps its head'); END""",
    """CREATE TRIGGER head_is_one BEFORE INSERT ON head WHEN EXISTS (SELECT 1 FROM head)
        BEGIN SELECT RAISE(ABORT, 'the ledger has one head'); END""",
)

ROWS: Final = "SELECT rowid, CAST(record AS BLOB) FROM entries ORDER BY rowid"
"""Number and record of each row: the record as the bytes that were written, also where they are no text any more."""

UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file raises: a name in its schema may be no text any more."""


def record_trial(path: Path, trial: Trial, recorded_utc: str, earlier: Sequence[EarlierTrials] = ()) -> Counted:
    """Record one evaluation; see `record_trials`."""
    return record_trials(path, [trial], recorded_utc, earlier)[0]


def record_trials(
    path: Path, trials: Sequence[Trial], recorded_utc: str, earlier: Sequence[EarlierTrials] = ()
) -> list[Counted]:
    """Record evaluations in this order, all or none, and return what is counted when the last is in.

    A ledger that is not there is begun, with `earlier` as its first rows. Raises Damage when its newest row is not the
    one that was written, and DataError when it cannot be opened or another writer holds it.
    """
    begin_ledger(path, earlier, recorded_utc)
    with opened(path) as ledger, _writing(ledger):
        newest = _newest(ledger, path)
        written = []
        for trial in trials:
            newest = _append(ledger, path, newest, trial, recorded_utc)
            written.append(newest)
        return _counted(ledger, trials, written)


def begin_ledger(path: Path, earlier: Sequence[EarlierTrials], recorded_utc: str) -> None:
    """Make a ledger that holds `earlier`, unless one is there; it appears whole or not at all."""
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            half = Path(folder) / path.name
            _make(half, earlier, recorded_utc)
            with suppress(FileExistsError):  # another process has just begun it, and a rename would replace its own
                os.link(half, path)
        sync_folder(path.parent)
    except OSError as error:
        raise DataError(
            f"{path}: a ledger of trials cannot be made: {error.strerror or error}; "
            f"choose another place with the environment variable {LEDGER_ENVIRONMENT_NAME}"
        ) from None


def check_newest(path: Path) -> None:
    """Raise Damage or DataError when a row could not be added now; a ledger that is not there can be begun."""
    if path.exists():
        with opened(path) as ledger:
            _newest(ledger, path)


def read_entries(path: Path, last: int | None = None) -> list[Entry]:
    """The rows in order, or the `last` so many; none when there is no ledger. Raises Damage, DataError."""
    if not path.exists():
        return []
    with opened(path, read_only=True) as ledger:
        rows = ledger.execute(f"{ROWS} DESC LIMIT ?", [-1 if last is None else last]).fetchall()
    return [_read(path, *row) for row in reversed(rows)]


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that closes; whatever SQLite cannot do becomes an error that names the file."""
    ledger = None
    try:
        address = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
        ledger = sqlite3.connect(address, uri=True, timeout=LOCK_WAIT_S, isolation_level=None)
        ledger.execute("PRAGMA synchronous = FULL")  # a row that was acknowledged survives a power cut
        yield ledger
    except UNREADABLE as error:
        raise _told(error, path) from None
    finally:
        if ledger is not None:
            ledger.close()


def _told(error: Exception, path: Path) -> DataError:
    """One of UNREADABLE in our words: damage where the file is not what was written."""
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    if name == "SQLITE_BUSY":
        return DataError(f"{path}: another process has been writing the ledger for {LOCK_WAIT_S:g} s, expected a turn")
    if name.startswith(("SQLITE_CONSTRAINT", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR")):
        return Damage(f"{path}: found {error}, expected a whole ledger of trials; see quintet ledger verify")
    return DataError(f"{path}: found {error}, expected a ledger of trials that can be read and written")


# ---- writing -------------------------------------------------------------------------------------------------


def _make(path: Path, earlier: Sequence[EarlierTrials], recorded_utc: str) -> None:
    path.touch()
    with opened(path) as ledger:
        ledger.execute("PRAGMA journal_mode = WAL")
        with _writing(ledger):
            for statement in SCHEMA:
                ledger.execute(statement)
            ledger.execute("INSERT INTO head VALUES (1, 0, ?)", [FIRST])
            newest = None
            for each in earlier:
                newest = _append(ledger, path, newest, each, recorded_utc)


@contextmanager
def _writing(ledger: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its beginning; nothing of it is kept when it fails."""
    ledger.execute("BEGIN IMMEDIATE")
    try:
        yield
        ledger.execute("COMMIT")
    finally:
        if ledger.in_transaction:
            ledger.execute("ROLLBACK")


def _append(
    ledger: sqlite3.Connection, path: Path, newest: Entry | None, what: Trial | EarlierTrials, recorded_utc: str
) -> Entry:
    """Add one row behind the newest."""
    unsealed = Entry(number=newest.number + 1 if newest else 1, recorded_utc=recorded_utc, **_facts(ledger, what))
    entry = sealed(unsealed, newest.seal if newest else FIRST)
    record = msgspec.json.encode(entry)
    _read(path, entry.number, record)  # what could not be read again is not written
    ledger.execute("INSERT INTO entries (number, record) VALUES (?, ?)", [entry.number, record.decode()])
    return entry


def _facts(ledger: sqlite3.Connection, what: Trial | EarlierTrials) -> dict[str, Any]:
    if isinstance(what, EarlierTrials):
        return {"id": "", "counts": what.count, "trial": None, "earlier": what}
    known = ledger.execute("SELECT 1 FROM entries WHERE id = ? LIMIT 1", [what.id]).fetchone()
    return {"id": what.id, "counts": 0 if known else 1, "trial": what, "earlier": None}


def _newest(ledger: sqlite3.Connection, path: Path) -> Entry | None:
    """The newest row, None in an empty ledger; raises Damage when it is not the one that was written last."""
    number, seal = ledger.execute("SELECT number, seal FROM head").fetchone() or (0, FIRST)
    row = ledger.execute(f"{ROWS} DESC LIMIT 1").fetchone()
    if row is None and number == 0:
        return None
    found, record = row or (0, b"")
    if found != number:
        raise _damage(path, found, Mismatch(f"row {found} as the newest", f"row {number}"))
    entry = _read(path, found, record)
    if entry.seal != seal:
        raise _damage(path, found, Mismatch(f"seal {entry.seal}", f"{seal}, the one of the head"))
    return entry


def _read(path: Path, number: int, record: bytes) -> Entry:
    """A record that fits its own seal; raises Damage."""
    entry = decoded(record)
    if isinstance(entry, Mismatch):
        raise _damage(path, number, entry)
    broken = mismatch(entry, record, entry.previous)
    if broken:
        raise _damage(path, number, broken)
    return entry


def decoded(record: bytes) -> Entry | Mismatch:
    """The record as it is spelt, or why it is none; whether it fits its seal is not looked at."""
    try:
        return msgspec.json.decode(record, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Mismatch(str(error), "one record")


def _damage(path: Path, number: int, broken: Mismatch) -> Damage:
    return Damage(f"{path}, row {number}: found {broken.found}, expected {broken.expected}; see quintet ledger verify")


# ---- counting ------------------------------------------------------------------------------------------------


def _counted(ledger: sqlite3.Connection, trials: Sequence[Trial], written: Sequence[Entry]) -> list[Counted]:
    """The answer to trials that have just been written."""
    begun = str(ledger.execute("SELECT json_extract(record, '$.seal') FROM entries WHERE number = 1").fetchone()[0])
    everything = _sum(ledger, "id > ''")
    earlier = {system: _sum(ledger, "earlier_of = ?", system) for system in {trial.system for trial in trials}}
    markets = {trial.data for trial in trials}
    on_data = {data: _sum(ledger, "data = ?", data) for data in markets}
    deviation = {data: _sharpe_deviation(ledger, data) for data in markets}
    return [
        Counted(
            trial_id=entry.id,
            number=entry.number,
            seal=entry.seal,
            ledger=begun,
            repeated=entry.counts == 0,
            on_data=on_data[trial.data] + earlier[trial.system],
            total=everything + earlier[trial.system],
            sharpe_deviation=deviation[trial.data],
            earlier=earlier[trial.system],
        )
        for trial, entry in zip(trials, written, strict=True)
    ]


def _sum(ledger: sqlite3.Connection, which: str, *values: str) -> int:
    return int(ledger.execute(f"SELECT coalesce(sum(counts), 0) FROM entries WHERE {which}", values).fetchone()[0])


def _sharpe_deviation(ledger: sqlite3.Connection, data: str) -> float | None:
    """Sample standard deviation over distinct trials on one market; None when fewer than two have a ratio."""
    having = "SELECT sharpe FROM entries WHERE data = ? AND counts = 1 AND sharpe IS NOT NULL"
    ratios = [ratio for (ratio,) in ledger.execute(having, [data])]
    if len(ratios) < 2:
        return None
    mean = math.fsum(ratios) / len(ratios)
    return math.sqrt(math.fsum((ratio - mean) ** 2 for ratio in ratios) / (len(ratios) - 1))
