"""Is the ledger of trials what was written? Every row, every seal, every count, the head, and the guards themselves.

Found and named: a row that was changed, moved, doubled or taken out, rows cut off the end, a count that is not what
the rows say, a guard that was removed, a damaged page. Not found by the file alone: rows cut off the end together with
a head that was set back to fit, and a ledger that was sealed anew from some row on, or begun anew. Both change or drop
seals, so both are found where one was kept: every run names its row and the row's seal (`Witness`).
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from quintet.storage.sealing import FIRST, Damage, Mismatch, mismatch
from quintet.storage.trial_ledger import ROWS, SCHEMA, decoded, opened
from quintet.storage.trial_records import Entry


class Witness(NamedTuple):
    """A run that says which row of which ledger counted it; `ledger` is the seal of that ledger's first row."""

    run: str
    ledger: str
    number: int
    seal: str


class LedgerCheck(NamedTuple):
    """`rows`: how many were read; `head`: seal of the newest; `problems`: sentences, none when the ledger is whole.

    `elsewhere`: runs that were counted in another ledger, and so say nothing on this one.
    """

    rows: int
    head: str
    problems: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.problems


def check_ledger(path: Path, witnesses: Sequence[Witness] = ()) -> LedgerCheck:
    """Read everything and tell what is not as it was written; raises DataError when the file cannot be read at all."""
    if not path.exists():
        return LedgerCheck(0, "", tuple(f"{each.run}: counted in a ledger that is gone" for each in witnesses))
    problems: list[str] = []
    seals: list[tuple[int, str]] = []
    try:
        with opened(path, read_only=True) as ledger:
            problems += _pages(ledger)
            if not problems:  # else nothing that SQLite reads from them can be relied on
                problems += _guards(ledger)
                problems += _chain(ledger, seals)
                problems += _head(ledger, seals)
    except Damage as error:
        problems.append(str(error))
    known = dict(seals)
    here = [each for each in witnesses if each.ledger == known.get(1)]
    problems += _contradictions(here, known)
    elsewhere = tuple(each.run for each in witnesses if each not in here)
    return LedgerCheck(len(seals), seals[-1][1] if seals else "", tuple(problems), elsewhere)


def _contradictions(witnesses: Sequence[Witness], known: Mapping[int, str]) -> Iterator[str]:
    """A sentence for every run whose row is not there, or bears another seal than when the run was counted."""
    for each in witnesses:
        found = known.get(each.number, "no such row")
        if found != each.seal:
            yield f"row {each.number}: found {found}, expected the seal {each.seal}, under which {each.run} was counted"


def _pages(ledger: sqlite3.Connection) -> Iterator[str]:
    """What SQLite itself finds wrong with its pages and indexes."""
    for (said,) in ledger.execute("PRAGMA integrity_check(20)"):
        if said != "ok":
            yield f"file: {said}"


def _guards(ledger: sqlite3.Connection) -> Iterator[str]:
    """A sentence for every table, index or trigger that is not the one a ledger is made with."""
    found = dict(ledger.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    made = {statement.split()[2]: statement for statement in SCHEMA}
    for name in sorted({*found, *made}):
        if name not in made:
            yield f"{name}: found something that no ledger is made with"
        elif found.get(name) != made[name]:
            yield f"{name}: {'has been changed' if name in found else 'is missing'}, so rows were not guarded"


def _chain(ledger: sqlite3.Connection, seals: list[tuple[int, str]]) -> Iterator[str]:
    """A sentence for every row that is not what was written; the seals found are put into `seals`."""
    counted: set[str] = set()
    previous, expected = FIRST, 1
    for number, record in ledger.execute(ROWS):
        if number != expected:
            missing = f"row {expected} is" if number == expected + 1 else f"rows {expected} to {number - 1} are"
            yield f"{missing} missing"
        entry = decoded(record or b"")
        broken = entry if isinstance(entry, Mismatch) else mismatch(entry, record, previous)
        if broken:
            yield f"row {number}: found {broken.found}, expected {broken.expected}"
        if isinstance(entry, Entry):
            yield from _count(number, entry, counted)
            previous = entry.seal
            seals.append((number, entry.seal))
        expected = number + 1


def _count(number: int, entry: Entry, counted: set[str]) -> Iterator[str]:
    """A sentence when a row bears another number, another id or another count than its content says."""
    found = (entry.number, entry.id, entry.counts)
    if entry.trial is not None:
        expected = (number, entry.trial.id, 0 if entry.trial.id in counted else 1)
        counted.add(entry.trial.id)
    else:
        expected = (number, "", entry.earlier.count if entry.earlier else 0)
    if found != expected:
        yield f"row {number}: found number, id and count {found}, expected {expected}"


def _head(ledger: sqlite3.Connection, seals: Sequence[tuple[int, str]]) -> Iterator[str]:
    """A sentence when the newest row is not the one that the head names."""
    heads = ledger.execute("SELECT number, seal FROM head").fetchall()
    newest = seals[-1] if seals else (0, FIRST)
    if heads == [newest]:
        return
    if len(heads) == 1 and heads[0][0] > newest[0]:
        yield f"rows {newest[0] + 1} to {heads[0][0]} were cut off the end"
    else:
        yield f"head: found {heads}, expected number and seal of the newest row, {newest}"
