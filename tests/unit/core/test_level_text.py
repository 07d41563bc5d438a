"""Text of levels to whole numbers: equal to decimals, or refused by piece, pair and field."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import DataError
from quintet.core.events import BID_LEVEL, PRICE_MAX, TRADE_BUY
from quintet.core.market.level_text import (
    FINEST,
    PIECE,
    UNIT,
    LevelReader,
    Levels,
    Misread,
    guessed_unit,
    survey_levels,
    unit_of,
)
from quintet.core.records import table

pytestmark = [pytest.mark.jit_off, pytest.mark.bounds]

CENT, MILLI = Decimal("0.01"), Decimal("0.001")


def read(*pieces: bytes, increment: Decimal = CENT, lot: Decimal = MILLI, depth: bool = True) -> Levels | Misread:
    units = table(UNIT, 1)
    units[0] = unit_of(increment, lot)
    return LevelReader(units).read(b"".join(pieces), a_table(*pieces, kind=BID_LEVEL if depth else TRADE_BUY))


def a_table(*pieces: bytes, kind: int = BID_LEVEL) -> Any:
    made = table(PIECE, len(pieces))
    made["ends"] = np.cumsum([len(piece) for piece in pieces])
    made["kind"] = kind
    return made


def pairs(found: Levels | Misread) -> list[tuple[int, int]]:
    assert isinstance(found, Levels), found
    return list(zip(*found.numbers.T.tolist(), strict=True))


def test_pairs_of_several_pieces_come_in_order_with_their_counts() -> None:
    found = read(b'[["100.10","1.000"],["100.00","0"]]', b"", b"[]", b'[ ["7","2"] ]')

    assert pairs(found) == [(10_010, 1_000), (10_000, 0), (700, 2_000)]
    assert found.counts.tolist() == [2, 0, 0, 1]


@pytest.mark.parametrize(
    ("text", "ticks", "lots"),
    [
        (b'[["61737.63000000","0.00000000"]]', 6_173_763, 0),
        (b"[[61737.63,1]]", 6_173_763, 1_000),
        (b"[[1e2,1.5E-2]]", 10_000, 15),
        (b'[["0.5e1","+0"]]', None, None),
        (b'[["000100.10","1."]]', 10_010, 1_000),
        (b'[[".5","2"]]', 50, 2_000),
    ],
)
def test_every_way_to_write_a_number_gives_the_same_whole_number(
    text: bytes, ticks: int | None, lots: int | None
) -> None:
    found = read(text)

    assert isinstance(found, Misread) if ticks is None else pairs(found) == [(ticks, lots)]


@given(
    price=st.integers(1, PRICE_MAX),
    lots=st.integers(0, 10**15),
    places=st.integers(0, 6),
    lot_places=st.integers(0, 8),
    zeros=st.integers(0, 6),
)
def test_what_was_written_in_whole_units_is_read_as_the_same_units(
    price: int, lots: int, places: int, lot_places: int, zeros: int
) -> None:
    increment, lot = guessed_unit(places), guessed_unit(lot_places)
    written = [f"{number * unit:f}" for number, unit in ((price, increment), (lots, lot))]
    padded = [text + "0" * zeros if "." in text else text for text in written]

    found = read(f'[["{padded[0]}","{padded[1]}"]]'.encode(), increment=increment, lot=lot)

    assert pairs(found) == [(price, lots)]


@given(st.decimals(min_value="0.0001", max_value=9999, places=4), st.decimals(min_value=0, max_value=9999, places=5))
def test_a_value_is_whole_exactly_when_decimal_arithmetic_says_so(price: Decimal, quantity: Decimal) -> None:
    found = read(f'[["{price}","{quantity}"]]'.encode())
    whole = price % CENT == 0 and quantity % MILLI == 0

    if whole:
        assert pairs(found) == [(int(price / CENT), int(quantity / MILLI))]
    else:
        assert isinstance(found, Misread)
        assert found.field == ("price" if price % CENT else "quantity")
        assert "whole multiple of " + ("0.01" if price % CENT else "0.001") in found.expected


@pytest.mark.parametrize(
    ("text", "field", "found", "expected"),
    [
        (b'[["100.105","1"]]', "price", "100.105", "a whole multiple of 0.01"),
        (b'[["100.10","1.0005"]]', "quantity", "1.0005", "a whole multiple of 0.001"),
        (b'[["-100.10","1"]]', "price", "-100.10", "0 or more"),
        (b'[["100.10","-1"]]', "quantity", "-1", "0 or more"),
        (b'[["0","1"]]', "price", "0", "a price above 0"),
        (b'[["abc","1"]]', "price", "abc", "a decimal number"),
        (b'[["","1"]]', "price", "", "a decimal number"),
        (b'[["1.2.3","1"]]', "price", "1.2.3", "a decimal number"),
        (b'[["1e","1"]]', "price", "1e", "a decimal number"),
        (b'[[null,"1"]]', "price", "null", "a decimal number"),
        (b'[["1","99999999999999999999"]]', "quantity", "99999999999999999999", "less than"),
        (b'[["1"]]', "price", '"1"]]'[3:], 'pairs ["price","quantity"] in a list'),
        (b'["1","2"]', "price", '"1","2"]', 'pairs ["price","quantity"] in a list'),
        (b'{"1":"2"}', "price", '{"1":"2"}', 'pairs ["price","quantity"] in a list'),
        (b'[["1","2","3"]]', "quantity", ',"3"]]', 'pairs ["price","quantity"] in a list'),
        (b'[["1","2"]] x', "quantity", "x", 'pairs ["price","quantity"] in a list'),
        (b'[["1","2"]', "quantity", "", 'pairs ["price","quantity"] in a list'),
        (b"[", "price", "", 'pairs ["price","quantity"] in a list'),
    ],
)
def test_what_is_no_pair_of_whole_numbers_is_named(text: bytes, field: str, found: str, expected: str) -> None:
    misread = read(b'[["5","1"]]', text)

    assert isinstance(misread, Misread)
    assert (misread.piece, misread.field, misread.found) == (1, field, found)
    assert expected in misread.expected


def test_a_level_too_far_for_a_row_is_left_out_and_a_trade_there_is_refused() -> None:
    far = b'[["21474836.48","1"],["21474836.47","2"]]'

    found, refused = read(far), read(far, depth=False)

    assert pairs(found) == [(PRICE_MAX, 2_000)]
    assert (found.far, found.counts.tolist()) == (1, [1])
    assert isinstance(refused, Misread)
    assert "less than 2147483648 units of 0.01" in refused.expected


def test_a_lot_that_is_no_power_of_ten_counts_in_its_own_size() -> None:
    found = read(b'[["100.10","2.5"],["100.10","2.4"]]', lot=Decimal("0.5"))

    assert isinstance(found, Misread)
    assert (found.pair, found.found, found.expected) == (1, "2.4", "a whole multiple of 0.5")
    assert pairs(read(b'[["1","300"]]', lot=Decimal(100))) == [(100, 3)]


def test_a_survey_finds_the_finest_decimals_and_no_trailing_zero() -> None:
    finest = table(FINEST, 2)
    pieces = [b'[["61737.6300","1.500"],["10","7"]]', b'[[1e-7,"0.0"]]']
    made = a_table(*pieces)
    made["instrument"] = 0, 1

    assert survey_levels(b"".join(pieces), made, finest) is None
    assert [finest[n].item() for n in range(2)] == [(2, 1), (7, 0)]


def test_a_unit_finer_than_any_instrument_is_refused() -> None:
    with pytest.raises(DataError, match="numbers of 19 decimals, expected at most 18"):
        guessed_unit(19)
