"""Where records go that have left memory: a database of one table, read newest first or by an order's two names.

It belongs to a state: the state says how many records of each series it has given away, and what the archive has beyond
them is cut off, because the commands behind the state bring it again.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from quintet.core.errors import Damaged
from quintet.sandbox.orders import Order
from quintet.sandbox.retention import RECORD_TYPES, Past, Record
from quintet.sandbox.state import Account, Execution

_TABLE = """
CREATE TABLE IF NOT EXISTS past (
    uid INTEGER, series TEXT, number INTEGER, key TEXT, order_id TEXT, link_id TEXT, body BLOB,
    PRIMARY KEY (uid, series, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_order ON past (order_id) WHERE order_id != '';
CREATE INDEX IF NOT EXISTS by_link ON past (link_id) WHERE link_id != '';
"""
READ_AT_ONCE = 500
_PAST = "SELECT number, body FROM past"
_OF = "WHERE uid = ? AND series = ?"


class Archive:
    """Records that are finished for good; without a path in a file that ends with the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._name = path.name if path is not None else "archive"
        # one thread at a time uses it; a test may end it from another one
        self._base = sqlite3.connect(path or "", check_same_thread=False)
        self._decoders: dict[str, msgspec.msgpack.Decoder[Record]] = {
            series: msgspec.msgpack.Decoder(kind) for series, kind in RECORD_TYPES.items()
        }
        try:
            self._base.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {_TABLE}")
        except sqlite3.DatabaseError as error:
            self._base.close()
            raise Damaged(f"{self._name}: expected the archive of a sandbox, found {error}") from None

    def add(self, records: Iterable[Past]) -> None:
        """Keep records; they outlive the death of the process."""
        with self._base:  # one transaction, committed at the end
            self._base.executemany("INSERT OR REPLACE INTO past VALUES (?, ?, ?, ?, ?, ?, ?)", map(_row, records))

    def newest_first(
        self, uid: int, series: str, before: int, *, key: str = "", order_id: str = "", link_id: str = ""
    ) -> Iterator[tuple[int, Record]]:
        """(number, record) below a number; of one instrument, or of one order when its id or name is given."""
        name, wanted = ("order_id", order_id) if order_id else ("link_id", link_id) if link_id else ("key", key)
        index = "INDEXED BY by_order" if order_id else "INDEXED BY by_link" if link_id else ""
        narrowed = f"AND {name} = ? AND {name} != ''" if wanted else ""
        query = f"{_PAST} {index} {_OF} AND number < ? {narrowed} ORDER BY number DESC"
        for number, body in self._base.execute(query, (uid, series, before, *((wanted,) if wanted else ()))):
            yield number, self._decoders[series].decode(body)

    def oldest_first(self, uid: int, series: str, before: int) -> Iterator[Record]:
        """All records of a series below a number; between two of them the archive may be written to."""
        query = f"{_PAST} {_OF} AND number >= ? AND number < ? ORDER BY number LIMIT {READ_AT_ONCE}"
        first = 0
        while found := self._base.execute(query, (uid, series, first, before)).fetchall():
            for _, body in found:
                yield self._decoders[series].decode(body)
            first = found[-1][0] + 1

    def cut(self, accounts: Iterable[Account]) -> None:
        """Forget what a state has not given away yet; raises Damaged when something is missing that it has."""
        with self._base:
            for account in accounts:
                for series in RECORD_TYPES:
                    wanted = account.archived.get(series, 0)
                    self._base.execute(f"DELETE FROM past {_OF} AND number >= ?", (account.uid, series, wanted))
                    (found,) = self._base.execute(f"SELECT count(*) FROM past {_OF}", (account.uid, series)).fetchone()
                    if found != wanted:
                        raise Damaged(
                            f"{self._name}: {series} of account {account.uid}: expected {wanted} records, found {found}"
                        )

    def settle(self) -> None:
        """Everything on disk, as a snapshot of the state wants it; between two of them the disk is not waited for."""
        self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if self._path is not None:
            handle = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def close(self) -> None:
        """Let the file go."""
        self._base.close()


def _row(past: Past) -> tuple[int, str, int, str, str, str, bytes]:
    record = past.record
    body = msgspec.msgpack.encode(record)
    if isinstance(record, (Order, Execution)):
        return past.uid, past.series, past.number, record.key, record.order_id, record.link_id, body
    return past.uid, past.series, past.number, record.key, "", "", body
