"""What is written down of executions: a beginning, an end, and words for both."""

from quintet.core.execution.journal import Told, explained, kind_of, told
from quintet.core.execution.ladder import Ladder
from quintet.core.execution.maker import Maker
from quintet.core.execution.parent import DONE, LADDER, MAKER, SHORT, Parent
from quintet.core.execution.position import Position
from tests.execution_market import Moment

BEGUN = Maker().begin(Moment(), -1, 10, tag=4)


def test_a_beginning_and_an_end_are_told_once():
    assert list(told(Parent(), BEGUN)) == [Told(900 + MAKER, 4, 0, -10, 20_000)]
    assert list(told(BEGUN, BEGUN._replace(filled=3))) == []
    over = BEGUN._replace(phase=SHORT, filled=3)
    assert list(told(BEGUN, over)) == [Told(920 + MAKER, 4, 0, 3, SHORT)]
    assert list(told(over, over)) == []
    assert list(told(Parent(), Parent())) == []


def test_one_that_begins_and_ends_in_one_wake_is_told_as_both():
    over = BEGUN._replace(phase=DONE, filled=10)
    assert [note.code for note in told(Parent(), over)] == [900 + MAKER, 920 + MAKER]


def test_one_that_takes_the_place_of_another_has_its_own_beginning():
    old = BEGUN._replace(phase=DONE)
    assert [note.code for note in told(old, BEGUN)] == [900 + MAKER]
    assert [note.code for note in told(BEGUN, BEGUN._replace(began_ns=BEGUN.began_ns + 1))] == [900 + MAKER]


def test_a_position_is_left_by_its_other_side():
    long = Ladder().begin(Moment(), 1, 10, entry=10_000, unit=5.0, tag=8)
    assert list(told(Position(), long)) == [Told(900 + LADDER, 8, 0, -10, 20_000)]


def test_a_position_that_grows_is_told_with_its_new_size():
    long = Ladder().begin(Moment(), 1, 10, entry=10_000, unit=5.0, tag=8)
    [note] = told(long, Ladder().covering(long, 25))
    assert note == Told(940 + LADDER, 8, 0, 25, 0)
    names = ("code", "a", "b", "c", "d")
    assert (kind_of(note.code), explained(dict(zip(names, note, strict=True)), None)) == (
        "ladder grew",
        "tag 8: 25 lots in all",
    )


def test_the_log_has_words():
    began, over = Told(900 + MAKER, 4, 0, -10, 20_001), Told(920 + MAKER, 4, 0, 3, SHORT)
    names = ("code", "a", "b", "c", "d")
    assert [kind_of(note.code) for note in (began, over)] == ["maker began", "maker over"]
    assert explained(dict(zip(names, began, strict=True)), None) == "tag 4: sell 10 lots, mid 10000.5"
    assert explained(dict(zip(names, over, strict=True)), None) == "tag 4: short, 3 lots filled"
    assert (kind_of(7), explained({"code": 7, "a": 0, "b": 0, "c": 0, "d": 0}, None)) == ("7", "")
