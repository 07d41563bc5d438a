"""Whatever is lost, repeated or late on the way: a tape has the venue's book, or it does not claim to have one."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quintet.core import events as ev
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.tick_feed import BookChange, Fact
from quintet.storage.tick_pieces import FactReader
from quintet.storage.tick_rows import RowMaker

START = 1_700_000_000_000_000_000
Book = dict[tuple[bool, int], int]


class Venue(NamedTuple):
    """What a venue sent, and its book after each message: `books[n]` after the first n changes."""

    changes: list[BookChange]
    books: list[Book]


def text(levels: list[tuple[int, int]]) -> bytes:
    return ("[" + ",".join(f'["{price / 100:.2f}","{lots}"]' for price, lots in levels) + "]").encode()


@st.composite
def venues(draw: st.DrawFn) -> Venue:
    """Ten to thirty changes of a few levels each; numbers rise by one to three a change."""
    changes, books, last = [], [Book()], 0
    for n in range(draw(st.integers(10, 30))):
        book = dict(books[-1])
        moved = draw(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.integers(0, 5)), min_size=1, max_size=4))
        sides: dict[bool, dict[int, int]] = {True: {}, False: {}}
        for bid, price, lots in moved:
            sides[bid][price] = lots
            book.pop((bid, price), None)
            if lots:
                book[bid, price] = lots
        previous, last = last, last + draw(st.integers(1, 3))
        bids, asks = (text(list(sides[side].items())) for side in (True, False))
        at = START + n
        changes.append(BookChange((0, n), at, at, "ETHUSDT", bids, asks, previous_id=previous, last_id=last))
        books.append(book)
    return Venue(changes, books)


def snapshot(venue: Venue, after: int) -> BookChange:
    """The venue's answer to a request: its book after so many changes."""
    number = venue.changes[after - 1].last_id if after else 0
    book = venue.books[after].items()
    bids, asks = (text([(price, lots) for (bid, price), lots in book if bid == side]) for side in (True, False))
    return BookChange((0, 999), START, START, "ETHUSDT", bids, asks, snapshot=True, asked=True, last_id=number)


def walked(facts: list[Fact]) -> tuple[Book, FactReader]:
    """The book at the end of the tape, by a dictionary; a cleared book is empty."""
    reader = FactReader({"ETHUSDT": 0})
    maker = RowMaker([DEFAULT_SPOT], lambda file, line: f"line {line}")
    parts = [maker.rows(pieces) for pieces in reader.pieces(facts)]
    book: Book = {}
    for row in np.concatenate(parts) if parts else []:
        side = (bool(row["kind"] == ev.BID_LEVEL), int(row["price"]))
        if row["kind"] == ev.BOOK_CLEAR:
            book.clear()
        elif row["kind"] <= ev.ASK_LEVEL:
            book.pop(side, None)
            if row["quantity"]:
                book[side] = int(row["quantity"] * DEFAULT_SPOT.lot_size)
    return book, reader


@given(venues(), st.data())
def test_a_snapshot_of_any_moment_that_arrives_at_any_moment_gives_the_venues_book(
    venue: Venue, data: st.DataObject
) -> None:
    taken = data.draw(st.integers(0, len(venue.changes) - 1), "taken after so many changes")
    arrives = data.draw(st.integers(0, len(venue.changes)), "arrives after so many changes")
    facts: list[Fact] = [*venue.changes]
    facts.insert(arrives, snapshot(venue, taken))

    book, reader = walked(facts)

    assert reader.unknown_books() == {}
    assert book == venue.books[-1]


@given(venues(), st.data())
def test_repeats_change_nothing(venue: Venue, data: st.DataObject) -> None:
    facts: list[Fact] = [snapshot(venue, 0), *venue.changes]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(1, len(facts) - 1))
        facts.insert(data.draw(st.integers(at + 1, len(facts))), facts[at])

    book, reader = walked(facts)

    assert book == venue.books[-1]
    assert reader.counts.repeated == len(facts) - 1 - len(venue.changes)


@given(venues(), st.data())
def test_a_lost_change_is_always_noticed_and_a_later_snapshot_heals_it(venue: Venue, data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(venue.changes) - 2))
    left: list[Fact] = [snapshot(venue, 0), *venue.changes[:lost], *venue.changes[lost + 1 :]]

    book, reader = walked(left)
    again = data.draw(st.integers(lost + 1, len(venue.changes) - 1))
    healed, healer = walked([*left, snapshot(venue, again)])

    # Of a book that never began, and of one that was lost, nothing is claimed.
    assert "ETHUSDT" in reader.unknown_books()
    assert book == {}
    assert len(reader.counts.gaps) == (lost > 0)
    assert healer.unknown_books() == {}
    assert healed == venue.books[-1]
