"""A life is what one process has lived; it may hear its market in several stretches."""

import numpy as np

from quintet.core import events as ev
from quintet.core.tape import message_with_text
from quintet.research.desk_lives import days_of, heard_of, lives_of
from quintet.runtime.recovery import back_again, lost_market
from tests.tape_rows import joined, trade

DAY_NS = 86_400 * 10**9


def some_day(n: int) -> int:
    return n * DAY_NS


def test_lines_that_were_lost_and_books_that_were_doubted_part_stretches_and_no_lives() -> None:
    # given three processes; the second loses its line twice
    rows = joined(
        back_again(0, 0), lost_market(0, 0), trade(some_day(1)), trade(some_day(2)),
        back_again(0, some_day(2)), lost_market(0, some_day(2)), trade(some_day(3)), lost_market(0, some_day(4)),
        trade(some_day(5)), trade(some_day(6)), lost_market(0, some_day(7)), trade(some_day(8)),
        back_again(0, some_day(8)), lost_market(0, some_day(8)), trade(some_day(9)),
    )  # fmt: skip
    # then there are three lives and five stretches, and the days are those of the stretches
    assert lives_of(rows) == (
        (some_day(1), some_day(2)), (some_day(3), some_day(8)), (some_day(9), some_day(9)),
    )  # fmt: skip
    assert [begin // DAY_NS for begin, _ in heard_of(rows)] == [1, 3, 5, 8, 9]
    assert days_of(heard_of(rows)) == 2.0


def test_a_process_that_never_heard_its_market_had_no_life() -> None:
    rows = joined(trade(1), back_again(0, 1), lost_market(0, 1), back_again(0, 1), lost_market(0, 1), trade(2))
    assert lives_of(rows) == ((1, 1), (2, 2))
    assert lives_of(np.asarray(rows)[1:3]) == ()
    assert lives_of(np.zeros(0, ev.ROW)) == heard_of(np.zeros(0, ev.ROW)) == ()


def test_another_note_of_a_desk_begins_no_life() -> None:
    note = message_with_text((1, 1, 0, 0, 0, ev.FACT, 0), b"desk epoch")
    assert lives_of(joined(trade(1), note, trade(2))) == ((1, 2),)
