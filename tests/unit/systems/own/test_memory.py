"""A memory of numbers: what it holds comes back, what it cannot hold is refused with its name."""

import math
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.execution.parent import Parent
from quintet.core.execution.position import Position
from quintet.systems.own import Memory, RefusedSystem
from quintet.systems.own.memory import NUMBERS_MAX, Layout, bytes_of


class Mixed(Memory):
    count: int = 3
    mean: float = 0.5
    armed: bool = False
    closes: tuple[float, ...] = (0.0,) * 4
    marks: tuple[int, int] = (7, 8)


WHOLE = st.integers(-(2**63), 2**63 - 1)


def kept(memory: Memory) -> Memory:
    """The memory written into its record and read again."""
    layout = Layout(type(memory), "Test")
    record = layout.new_table()
    layout.store(memory, bytes_of(record))
    return layout.load(bytes_of(record))


def test_a_new_record_has_the_defaults_under_their_names() -> None:
    record = Layout(Mixed, "Test").new_table()
    assert (record[0]["count"], record[0]["mean"], record[0]["armed"]) == (3, 0.5, 0)
    assert record[0]["marks"].tolist() == [7, 8]


@given(
    WHOLE,
    st.floats(allow_nan=False),
    st.booleans(),
    st.tuples(*[st.floats(allow_nan=False)] * 4),
    st.tuples(WHOLE, WHOLE),
)
def test_what_is_kept_comes_back_to_the_bit(count, mean, armed, closes, marks) -> None:
    memory = Mixed(count, mean, armed, closes, marks)
    assert kept(memory) == memory
    assert type(kept(memory).armed) is bool


def test_what_is_not_a_number_comes_back_too() -> None:
    assert math.isnan(kept(Mixed(mean=math.nan)).mean)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("count", 1.5, "a whole number within 64 bits"),
        ("count", 2**63, "a whole number within 64 bits"),
        ("count", None, "a whole number within 64 bits"),
        ("mean", "1", "a number"),
        ("armed", 0.5, "true or false"),
        ("closes", (1.0, 2.0), "4 x float"),
        ("closes", [0.0] * 4, "4 x float"),
        ("closes", (0.0, 0.0, 0.0, "x"), "4 x float"),
        ("marks", (1, 2.5), "2 x int"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_field(field: str, value: object, expected: str) -> None:
    memory = Mixed()
    setattr(memory, field, value)
    with pytest.raises(RefusedSystem) as refused:
        kept(memory)
    assert refused.value.where == f"Test.Memory.{field}"
    assert refused.value.expected == expected


def test_a_name_that_is_not_a_field_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        Mixed().total = 5


class NoDefault(Memory):
    count: int


class Listed(Memory):
    closes: list[float] = []


class Worded(Memory):
    name: str = "x"


class Empty(Memory):
    closes: tuple[float, ...] = ()


class Huge(Memory):
    closes: tuple[float, ...] = (0.0,) * (NUMBERS_MAX + 1)


@pytest.mark.parametrize("kind", [NoDefault, Listed, Worded, Empty, Huge])
def test_a_memory_of_anything_but_numbers_is_refused_before_it_runs(kind: type[Memory]) -> None:
    with pytest.raises(RefusedSystem, match=r"Test\.Memory"):
        Layout(kind, "Test")


def test_no_memory_is_a_memory() -> None:
    assert kept(Memory()) == Memory()


# ---- tuples with names -------------------------------------------------------------------------------------------


class Executing(Memory):
    before: int = 1
    entry: Parent = Parent()
    exit: Position = Position()
    after: float = 0.5


@given(st.integers(0, 10**12), WHOLE, st.tuples(*[WHOLE] * 5), st.floats(allow_nan=False))
def test_what_an_algorithm_remembers_comes_back_to_the_bit(lots, tag, prices, unit) -> None:
    memory = Executing(7, Parent(1, 2, -1, lots, tag=tag), Position(prices=prices, unit=unit), -0.5)
    assert kept(memory) == memory
    assert type(kept(memory).exit) is Position


def test_its_numbers_have_names_in_the_record() -> None:
    layout = Layout(Executing, "Test")
    record = layout.new_table()
    layout.store(Executing(entry=Parent(lots=12)), bytes_of(record))
    assert (record[0]["entry"]["lots"], record[0]["exit"]["prices"].tolist()) == (12, [0] * 5)
    assert layout.executions == ("entry", "exit")


@pytest.mark.parametrize(
    ("memory", "where", "expected"),
    [
        (Executing(entry=Parent(lots=1.5)), "entry.lots", "a whole number within 64 bits"),
        (Executing(exit=Position(prices=(1, 2))), "exit.prices", "5 x int"),
        (Executing(entry=(1, 2)), "entry", "Parent"),
        (Executing(entry=Position()), "entry", "Parent"),
        (Executing(after="x"), "after", "a number"),
    ],
)
def test_a_number_that_does_not_fit_is_named_with_its_place(memory: Memory, where: str, expected: str) -> None:
    with pytest.raises(RefusedSystem) as refused:
        kept(memory)
    assert (refused.value.where, refused.value.expected) == (f"Test.Memory.{where}", expected)


class Pair(NamedTuple):
    first: int
    second: bool = False


class Deep(NamedTuple):
    pair: Pair = Pair(1)


class Word(NamedTuple):
    name: str = "x"


def test_a_tuple_of_ones_own_is_kept_too() -> None:
    class Paired(Memory):
        pair: Pair = Pair(1)

    assert kept(Paired(Pair(5, True))).pair == Pair(5, True)
    assert type(kept(Paired(Pair(5, True))).pair.second) is bool


def test_a_tuple_of_anything_but_numbers_is_refused_with_its_field() -> None:
    class Worded(Memory):
        word: Word = Word()

    class Nested(Memory):
        deep: Deep = Deep()

    class Another(Memory):
        pair: Pair = Deep()  # type: ignore[assignment]

    for kind, where in ((Worded, "word.name"), (Nested, "deep.pair"), (Another, "pair")):
        with pytest.raises(RefusedSystem) as refused:
            Layout(kind, "Test")
        assert refused.value.where == f"Test.Memory.{where}"
