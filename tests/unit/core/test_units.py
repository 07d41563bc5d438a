"""Conversion between decimal text and whole numbers."""

from decimal import Decimal, localcontext

import pytest

from quintet.core.errors import NotExact
from quintet.core.units import (
    DOWN,
    NEAREST,
    SAFE_MAX,
    UP,
    decimal,
    exact_lots,
    exact_quanta,
    exact_ticks,
    exact_units,
    is_power_of_ten,
    mul_div,
    units_down,
    units_up,
)

CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("3012.37", "0.01", 301237),
        ("0.15", "0.05", 3),
        ("-0.15", "0.05", -3),
        ("0", "0.01", 0),
        ("1E+3", "1", 1000),
        ("0.00000001", "0.00000001", 1),
        ("1.10", "0.1", 11),
        (7, "1", 7),
        (str(SAFE_MAX - 1), "1", SAFE_MAX - 1),
    ],
)
def test_a_whole_multiple_becomes_its_count(text, unit, expected):
    assert exact_units(text, Decimal(unit)) == expected


@pytest.mark.parametrize(
    ("text", "unit", "found"),
    [
        ("3012.375", "0.01", "whole multiple of 0.01, found 3012.375"),
        ("1", "0.03", "whole multiple of 0.03"),
        ("0." + "3" * 40, "0.1", "whole multiple of 0.1"),
        ("1." + "0" * 40 + "1", "1", "whole multiple of 1"),
        ("abc", "1", "decimal number, found 'abc'"),
        ("", "1", "decimal number, found ''"),
        ("nan", "1", "finite number, found 'nan'"),
        ("-inf", "1", "finite number, found '-inf'"),
        (str(SAFE_MAX), "1", "beyond 2^62"),
        ("-" + str(SAFE_MAX), "1", "beyond 2^62"),
        ("1e999999999", "0.01", "at most 60 digits"),
        ("1e-999999999", "0.01", "at most 60 digits"),
        ("1" * 61, "0.01", "at most 60 digits"),
    ],
)
def test_what_is_not_a_whole_multiple_is_refused_with_what_was_found(text, unit, found):
    with pytest.raises(NotExact, match="limit price: ") as refusal:
        exact_units(text, Decimal(unit), "limit price")
    assert found in str(refusal.value)


def test_a_float_is_refused_because_its_text_is_not_what_it_is():
    with pytest.raises(NotExact, match="found the float"):
        decimal(0.1)  # type: ignore[arg-type]


def test_prices_quantities_and_money_are_named_in_their_refusals():
    with pytest.raises(NotExact, match="^price: "):
        exact_ticks("0.001", CENT)
    with pytest.raises(NotExact, match="^quantity: "):
        exact_lots("0.001", CENT)
    with pytest.raises(NotExact, match="^amount: "):
        exact_quanta("0.001", CENT)


def test_rounding_down_and_up_enclose_a_value_of_any_sign():
    assert (units_down(Decimal("100.17"), Decimal("0.05")), units_up(Decimal("100.17"), Decimal("0.05"))) == (
        2003,
        2004,
    )
    assert (units_down(Decimal("-0.01"), Decimal(1)), units_up(Decimal("-0.01"), Decimal(1))) == (-1, 0)
    assert units_down(Decimal(2), Decimal(1)) == units_up(Decimal(2), Decimal(1)) == 2


def test_a_value_with_more_digits_than_the_usual_context_is_not_rounded_before_it_is_counted():
    almost_one = Decimal("0." + "9" * 29)
    assert units_down(almost_one, Decimal(1)) == 0
    assert units_up(almost_one.copy_negate(), Decimal(1)) == 0


def test_the_callers_decimal_context_changes_nothing():
    with localcontext(prec=3):
        assert exact_units("3012.37", CENT) == 301237
        assert units_down(Decimal("3012.379"), CENT) == 301237


@pytest.mark.parametrize("text", ["0.001", "0.1", "1", "10", "1E-8", "100.00"])
def test_powers_of_ten_are_recognised(text):
    assert is_power_of_ten(Decimal(text))


@pytest.mark.parametrize("text", ["0", "-10", "0.05", "2", "11"])
def test_other_numbers_are_not_powers_of_ten(text):
    assert not is_power_of_ten(Decimal(text))


@pytest.mark.jit_off
@pytest.mark.parametrize(
    ("a", "b", "c", "rounding", "expected"),
    [
        (7, 1, 2, DOWN, 3),
        (7, 1, 2, UP, 4),
        (7, 1, 2, NEAREST, 4),
        (-7, 1, 2, DOWN, -4),
        (-7, 1, 2, UP, -3),
        (-7, 1, 2, NEAREST, -4),
        (7, -1, 3, NEAREST, -2),
        (0, 5, 3, UP, 0),
        (6, 5, 3, UP, 10),
        (2**62, 2**62, 2**62, DOWN, 2**62),
        (-(2**62), 2**62, 2**62, UP, -(2**62)),
        (2**62, 2**62 - 1, 2**62, NEAREST, 2**62 - 1),
        (2**62 - 1, 2**62 - 1, 2**62, DOWN, 2**62 - 2),
        (2**62 - 1, 2**62 - 1, 2**62, UP, 2**62 - 1),
        (2**62 - 1, 1 - 2**62, 2**62, DOWN, 1 - 2**62),
        (1_000_000, 30_000_000_000_000_000, 1_000_000_000, DOWN, 30_000_000_000_000),
    ],
)
def test_mul_div_rounds_as_its_name_says(a, b, c, rounding, expected):
    assert mul_div(a, b, c, rounding) == expected
