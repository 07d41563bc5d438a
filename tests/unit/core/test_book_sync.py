"""A snapshot fitted into a stream: what is dropped, what is applied, and when a book is unknown."""

from collections.abc import Sequence

import pytest

from quintet.core.market.book_sync import WAITING_MAX, BookSync, Step
from quintet.core.market.tick_feed import UNKNOWN, BookChange


def change(previous: int, last: int, at: int = 0) -> BookChange:
    return BookChange((0, at), at, at, "X", b"", b"", previous_id=previous, last_id=last)


def answer(last: int, at: int = 0, event_ns: int = UNKNOWN) -> BookChange:
    """A snapshot that was asked for."""
    return BookChange((0, at), at, event_ns, "X", b"", b"", snapshot=True, asked=True, last_id=last)


def in_stream(last: int) -> BookChange:
    return BookChange((0, 0), 0, 0, "X", b"", b"", snapshot=True, last_id=last)


def walk(sync: BookSync, messages: Sequence[BookChange]) -> list[Step]:
    return [sync.take(message) for message in messages]


def applied(steps: Sequence[Step]) -> list[int]:
    return [message.last_id for step in steps for message in step.apply]


def test_changes_up_to_the_snapshot_are_dropped_and_the_rest_follows_it() -> None:
    sync = BookSync()

    steps = walk(sync, [change(0, 4), change(4, 9), answer(7), change(9, 12)])

    assert applied(steps) == [7, 9, 12]
    assert steps[2].stale == 1
    assert sync.synchronised
    assert sync.last_id == 12


def test_a_snapshot_that_comes_first_waits_for_the_change_that_straddles_it() -> None:
    sync = BookSync()

    steps = walk(sync, [answer(7), change(0, 4), change(4, 6), change(6, 9)])

    assert applied(steps[:3]) == []
    assert applied(steps) == [7, 9]
    assert sum(step.stale for step in steps) == 2


def test_a_snapshot_that_comes_late_is_followed_by_what_waited() -> None:
    steps = walk(BookSync(), [change(n, n + 1) for n in range(10)] + [answer(5)])

    assert applied(steps) == [5, 6, 7, 8, 9, 10]
    assert steps[-1].stale == 5


def test_a_snapshot_older_than_every_change_gives_no_book_and_says_the_numbers() -> None:
    sync = BookSync()

    steps = walk(sync, [change(10, 12), answer(7), change(12, 14)])

    assert applied(steps) == []
    assert "snapshot 7 is older than the first change after it, which follows 10 and reaches 12" in sync.why_unknown()


def test_a_second_snapshot_heals_what_the_first_could_not() -> None:
    sync = BookSync()

    steps = walk(sync, [change(10, 12), answer(7), change(12, 14), answer(13), change(14, 15)])

    assert applied(steps) == [13, 14, 15]
    assert sync.why_unknown() == ""


def test_without_a_snapshot_the_changes_that_wait_are_named() -> None:
    sync = BookSync()

    walk(sync, [change(3, 5), change(5, 8)])

    assert sync.why_unknown() == "no snapshot; changes 3 to 8 wait for one"


def test_a_snapshot_without_a_change_after_it_is_no_book() -> None:
    sync = BookSync()

    walk(sync, [change(3, 5), answer(9)])

    assert sync.why_unknown() == "snapshot 9 and no change: none follows it"


def test_a_missing_change_loses_the_book_with_both_numbers() -> None:
    sync = BookSync()

    steps = walk(sync, [answer(7), change(6, 9), change(11, 12), change(12, 13)])

    assert applied(steps) == [7, 9]
    assert (steps[2].lost, steps[2].expected_id, steps[2].found_id) == (True, 9, 11)
    assert sync.why_unknown() == "the book stood at 9, the next change follows 11 and reaches 12"


def test_a_snapshot_after_a_gap_begins_the_book_anew_with_what_waited() -> None:
    sync = BookSync()

    steps = walk(sync, [answer(7), change(6, 9), change(11, 12), change(12, 13), answer(12), change(13, 14)])

    assert applied(steps) == [7, 9, 12, 13, 14]
    assert sync.synchronised


def test_a_gap_among_what_waited_is_found_when_the_snapshot_comes() -> None:
    sync = BookSync()

    steps = walk(sync, [change(0, 4), change(4, 6), change(8, 9), answer(5)])

    assert applied(steps) == [5, 6]
    assert (steps[-1].lost, steps[-1].expected_id, steps[-1].found_id) == (True, 6, 8)
    assert not sync.synchronised


@pytest.mark.parametrize("again", [change(6, 9), change(4, 8), change(0, 3)])
def test_a_change_that_reaches_nothing_new_is_dropped(again: BookChange) -> None:
    sync = BookSync()
    walk(sync, [answer(7), change(6, 9)])

    step = sync.take(again)

    assert (step.apply, step.reason, sync.last_id) == ((), "repeated", 9)


def test_a_change_that_overlaps_what_is_known_applies_as_its_totals_are_absolute() -> None:
    sync = BookSync()

    assert applied(walk(sync, [answer(7), change(6, 9), change(8, 11)])) == [7, 9, 11]


def test_a_snapshot_that_nobody_needs_changes_nothing() -> None:
    sync = BookSync()
    walk(sync, [answer(7), change(6, 9)])

    step = sync.take(answer(20))

    assert (step.apply, step.reason, sync.last_id) == ((), "overtaken", 9)


def test_a_snapshot_in_the_stream_holds_at_once_at_any_time() -> None:
    sync = BookSync()

    steps = walk(sync, [change(4, 5), in_stream(100), change(100, 101), in_stream(1), change(1, 2)])

    assert applied(steps) == [100, 101, 1, 2]


def test_a_venue_that_numbers_nothing_is_taken_as_it_comes() -> None:
    sync = BookSync()

    steps = walk(sync, [in_stream(UNKNOWN), change(UNKNOWN, UNKNOWN), change(UNKNOWN, UNKNOWN)])

    assert len(applied(steps)) == 3


def test_an_answer_without_a_time_is_as_old_as_the_last_change_it_contains() -> None:
    sync = BookSync()

    steps = walk(sync, [change(0, 4, at=100), change(4, 6, at=200), change(6, 9, at=300), answer(7, at=350)])

    assert steps[-1].apply[0].event_ns == 200


def test_an_answer_with_nothing_before_it_is_as_old_as_the_change_that_follows() -> None:
    steps = walk(BookSync(), [answer(7, at=350), change(6, 9, at=400)])

    assert steps[-1].apply[0].event_ns == 400


def test_what_waits_is_bounded() -> None:
    sync = BookSync()

    walk(sync, [change(n, n + 1) for n in range(WAITING_MAX + 5)])

    assert len(sync.waiting) == WAITING_MAX
    assert "changes 5 to" in sync.why_unknown()


def test_a_book_that_was_lost_waits_for_a_snapshot_and_says_why() -> None:
    sync = BookSync()
    walk(sync, [answer(7), change(6, 9)])

    sync.lose("a price between two ticks")
    steps = walk(sync, [change(9, 12), change(12, 13)])

    assert applied(steps) == []
    assert sync.why_unknown() == "a price between two ticks"
    assert applied(walk(sync, [answer(12)])) == [12, 13]
