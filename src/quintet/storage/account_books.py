"""The register of an account that several desks share: who they are, and what each holds of it.

    accounts/main/members.json            desks in the order in which they joined, and what none of them claims
    accounts/main/books/sandbox-a.json    what desk sandbox-a holds, written by it alone, at every fill
    accounts/main/fundings.jsonl          how a payment that came for all of them was split, once and for ever
    accounts/main/limits.json             high-water mark and the day's opening of all together

Amounts are exact decimals as text, in coins: desks count in quanta of their own instruments. What more than one desk
may write is written under a lock.
"""

import contextlib
import fcntl
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from quintet.core.errors import DataError
from quintet.storage.workspace import write_whole

MEMBERS: Final = "members.json"
BOOKS: Final = "books"
FUNDINGS: Final = "fundings.jsonl"
LIMITS: Final = "limits.json"

AccountName = Annotated[str, msgspec.Meta(pattern="^[0-9a-z][0-9a-z-]{0,31}$")]


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A desk: its folder's name, what its orders' names begin with, what it trades, and its capital by coin."""

    name: str
    prefix: str
    category: str
    symbol: str
    base: str
    capital: dict[str, Decimal]


class Members(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`account`: at the venue; `untouched`: by coin, what no desk claims."""

    account: str
    untouched: dict[str, Decimal] = {}
    members: tuple[Member, ...] = ()


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a desk holds. `serial`: how many facts it has booked; `positions`: by `category:symbol`, below 0 for a short
    one; `costs`: what was paid for each, signed alike; `equity` in the quote asset; `ts_ns`: our clock.
    """

    name: str
    serial: int
    held: dict[str, Decimal]
    positions: dict[str, Decimal] = {}
    costs: dict[str, Decimal] = {}
    equity: Decimal = Decimal(0)
    ts_ns: int = 0


class Funding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one payment was split, by desk, in whole quanta of who wrote it; `quantum` of them is one coin's part."""

    key: int
    parts: dict[str, int]


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the limits of an account are measured from; `day`: days since 1970."""

    high_water: Decimal
    day: int
    day_open: Decimal
    last: Decimal


class AccountFolder:
    """The files of one account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """While inside, nobody else writes what several may write."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def members(self) -> Members | None:
        """Who shares it, None before the first desk."""
        found: Members | None = self._read(MEMBERS, Members)
        return found

    def write_members(self, members: Members) -> None:
        """Under the lock."""
        write_whole(self.folder / MEMBERS, _text(members))

    def books(self) -> dict[str, Book]:
        """What each desk holds, as it has said last, by its name."""
        found = {}
        for path in sorted((self.folder / BOOKS).glob("*.json")):
            if not path.stat().st_size:
                continue  # what a power loss has left of one; its desk writes it anew when it comes back
            book: Book = self._read(f"{BOOKS}/{path.name}", Book)
            found[book.name] = book
        return found

    def write_book(self, book: Book) -> None:
        """A desk's own. Appears whole; the disk is not waited for, since the desk's tape says the same."""
        path = self.folder / BOOKS / f"{book.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(_text(book))
        part.replace(path)

    def fundings(self) -> dict[int, Funding]:
        """All payments that were split, by the key of their execution."""
        try:
            lines = (self.folder / FUNDINGS).read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        try:
            return {one.key: one for one in (msgspec.json.decode(line, type=Funding) for line in lines)}
        except msgspec.MsgspecError as error:
            raise DataError(f"{self.folder / FUNDINGS}: {error}, expected one payment a line") from None

    def add_funding(self, funding: Funding) -> None:
        """Under the lock."""
        lines = [*self.fundings().values(), funding]
        write_whole(self.folder / FUNDINGS, b"".join(msgspec.json.encode(one) + b"\n" for one in lines))

    def measured(self) -> Measured | None:
        """What limits are measured from, None before the first look."""
        found: Measured | None = self._read(LIMITS, Measured)
        return found

    def write_measured(self, measured: Measured) -> None:
        """Under the lock."""
        write_whole(self.folder / LIMITS, _text(measured))

    def _read(self, name: str, kind: Any) -> Any:
        path = self.folder / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, OSError) as error:
            raise DataError(f"{path}: {error}, expected what a desk of this account has written") from None


def total(books: Mapping[str, Book], coin: str) -> Decimal:
    """What all of them hold of a coin."""
    return sum((book.held.get(coin, Decimal(0)) for book in books.values()), Decimal(0))


def net(books: Mapping[str, Book], instrument: str) -> Decimal:
    """What all of them hold of a contract, `category:symbol`, shorts against longs."""
    return sum((book.positions.get(instrument, Decimal(0)) for book in books.values()), Decimal(0))


def _text(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
