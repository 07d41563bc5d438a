"""Client order ids are computed, fit what venues take, and are read back by nobody but their own desk tape."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quintet.core.errors import ConfigError
from quintet.core.events import QUANTITY_MAX
from quintet.core.orders.client_ids import EPOCHS, ClientIds, base36

desks = st.from_regex(r"\A[0-9a-z]{1,8}\Z")
epochs = st.integers(0, EPOCHS - 1)
numbers = st.integers(0, QUANTITY_MAX)


@given(desks, epochs, numbers)
@example("zzzzzzzz", EPOCHS - 1, QUANTITY_MAX)
@example("0", 0, 0)
def test_an_id_fits_and_is_read_back(desk: str, epoch: int, number: int) -> None:
    ids = ClientIds(desk, epoch)
    client_id = ids.of(number)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,36}", client_id)
    assert ids.number(client_id) == number


@given(st.tuples(desks, epochs, numbers), st.tuples(desks, epochs, numbers))
def test_two_commands_never_share_an_id(one: tuple[str, int, int], other: tuple[str, int, int]) -> None:
    same_id = ClientIds(*one[:2]).of(one[2]) == ClientIds(*other[:2]).of(other[2])
    assert same_id == (one == other)


@given(desks, epochs, st.text(max_size=40))
def test_any_other_text_is_nobodys(desk: str, epoch: int, text: str) -> None:
    ids = ClientIds(desk, epoch)
    number = ids.number(text)
    assert number is None or ids.of(number) == text


@pytest.mark.parametrize(
    "text", ["main-a-1-00", "main-a-01-0", "main-a-1-74", "main-b-1-0", "other-a-1-0", "MAIN-a-1-0"]
)
def test_only_the_one_way_of_writing_an_id_is_read(text: str) -> None:
    assert ClientIds("main", 10).number(text) is None


def test_an_id_says_where_its_command_stands() -> None:
    assert ClientIds("main", 10).of(35 * 256 + 36) == "main-a-z-10"
    assert base36(0) == "0"


@pytest.mark.parametrize(
    ("desk", "epoch", "said"),
    [
        ("", 0, "desk is '', expected 1 to 8 small letters and digits"),
        ("a-b", 0, "desk is 'a-b'"),
        ("ninechars", 0, "desk is 'ninechars'"),
        ("main", -1, "epoch is -1, expected 0 or more"),
        ("main", EPOCHS, "epoch is"),
    ],
)
def test_a_desk_that_has_no_ids_is_refused(desk: str, epoch: int, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        ClientIds(desk, epoch)


def test_a_number_that_no_desk_issues_is_refused() -> None:
    with pytest.raises(ConfigError, match="order number is -1"):
        ClientIds("main", 0).of(-1)
