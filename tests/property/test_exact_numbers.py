"""Laws of exact numbers: conversions lose nothing, products round as integers do, exp and log keep their promise."""

import math
import struct
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quintet.core.errors import NotExact
from quintet.core.kernel import exp, log
from quintet.core.random import RANDOM, below, next_word, normal_quantile, uniform
from quintet.core.records import table
from quintet.core.units import DOWN, NEAREST, SAFE_MAX, UP, exact_units, mul_div, units_down, units_up

WHOLE = st.integers(-SAFE_MAX + 1, SAFE_MAX - 1)
UNITS = st.sampled_from([Decimal(text) for text in ("1E-8", "0.00001", "0.01", "0.05", "0.25", "1", "10", "1000")])
DECIMALS = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=12)


@given(WHOLE, UNITS)
def test_whole_units_survive_a_trip_through_text(whole, unit):
    assert exact_units(str(Decimal(whole) * unit), unit) == whole


@given(WHOLE, UNITS, st.integers(1, 99))
def test_a_fraction_of_a_unit_is_never_taken_for_whole(whole, unit, hundredths):
    value = Decimal(whole) * unit + unit * hundredths / 100
    with pytest.raises(NotExact):
        exact_units(value, unit)


@given(DECIMALS, UNITS)
def test_down_and_up_are_the_nearest_whole_units_on_either_side(value, unit):
    down, up = units_down(value, unit), units_up(value, unit)
    assert down * unit <= value < (down + 1) * unit
    assert (up - 1) * unit < value <= up * unit
    assert (down == up) == (value % unit == 0)


@st.composite
def products(draw):
    """a, b, c whose quotient a * b / c stays within 2^62, extremes included."""
    edge = st.sampled_from([SAFE_MAX, SAFE_MAX - 1, -SAFE_MAX, 1 - SAFE_MAX, 2**31, 2**31 - 1, 1, -1, 0])
    a = draw(st.one_of(edge, st.integers(-SAFE_MAX, SAFE_MAX), st.integers(-1000, 1000)))
    c = draw(st.one_of(edge.filter(lambda n: n > 0), st.integers(1, SAFE_MAX), st.integers(1, 1000)))
    most = min(SAFE_MAX, SAFE_MAX * c // max(1, abs(a)))
    b = draw(st.one_of(st.integers(-most, most), st.sampled_from([most, -most])))
    return a, b, c


def divided(n, c, rounding):
    """n / c in Python's integers."""
    if rounding == DOWN:
        return n // c
    if rounding == UP:
        return -(-n // c)
    magnitude = (2 * abs(n) + c) // (2 * c)
    return magnitude if n >= 0 else -magnitude


@pytest.mark.jit_off
@given(products(), st.sampled_from([DOWN, UP, NEAREST]))
def test_mul_div_is_pythons_integer_division(product, rounding):
    a, b, c = product
    expected = divided(a * b, c, rounding)
    assume(abs(expected) <= SAFE_MAX)
    assert mul_div(a, b, c, rounding) == expected


@pytest.mark.jit_off
@given(products())
def test_mul_div_down_and_up_differ_by_one_exactly_when_something_is_left_over(product):
    a, b, c = product
    down, up = mul_div(a, b, c, DOWN), mul_div(a, b, c, UP)
    assert up - down == (1 if a * b % c else 0)
    assert down <= mul_div(a, b, c, NEAREST) <= up


@pytest.mark.jit_off
@given(products())
def test_the_sign_of_either_factor_mirrors_the_rounding(product):
    a, b, c = product
    assert mul_div(-a, b, c, DOWN) == mul_div(a, -b, c, DOWN) == -mul_div(a, b, c, UP)
    assert mul_div(-a, b, c, NEAREST) == -mul_div(a, b, c, NEAREST)
    assert mul_div(-a, -b, c, DOWN) == mul_div(a, b, c, DOWN)


def ordered_bits(value):
    """A float's 64 bits as an integer that grows with it: neighbours differ by one."""
    number = struct.unpack("<q", struct.pack("<d", value))[0]
    return number if number >= 0 else -(number + 2**63)


@pytest.mark.jit_off
@given(st.floats(-708.0, 709.782712893384))
def test_exp_is_within_one_unit_in_the_last_place(x):
    assert abs(ordered_bits(exp(x)) - ordered_bits(math.exp(x))) <= 1


@pytest.mark.jit_off
@given(st.floats(5e-324, allow_infinity=False))
def test_log_is_within_one_unit_in_the_last_place(x):
    assert abs(ordered_bits(log(x)) - ordered_bits(math.log(x))) <= 1


@pytest.mark.jit_off
@given(st.floats(0.9, 1.1))
def test_log_is_as_exact_near_one_where_it_vanishes(x):
    assert abs(ordered_bits(log(x)) - ordered_bits(math.log(x))) <= 1


def dice(words):
    random = table(RANDOM, 1)
    random.word_0, random.word_1, random.word_2, random.word_3 = words
    return random[0]


WORDS = st.tuples(*[st.integers(0, 2**32 - 1)] * 4).filter(any)


def next_state(s0, s1, s2, s3):
    """xoshiro128++ as its authors print it, in Python's integers."""
    result = (s0 + s3) % 2**32
    result = (((result << 7) | (result >> 25)) + s0) % 2**32
    t = (s1 << 9) % 2**32
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = ((s3 << 11) | (s3 >> 21)) % 2**32
    return result, (s0, s1, s2, s3)


@pytest.mark.jit_off
@given(WORDS)
def test_the_generator_is_its_published_definition_from_any_state(words):
    random = dice(words)
    result, after = next_state(*words)
    assert next_word(random) == result
    assert (random.word_0, random.word_1, random.word_2, random.word_3) == after


@pytest.mark.jit_off
@given(WORDS, st.integers(1, 2**32))
def test_dice_stay_in_their_range_from_any_state(words, count):
    random = dice(words)
    assert 0 <= below(random, count) < count
    assert 0.0 < uniform(random) < 1.0


@pytest.mark.jit_off
@given(st.floats(1e-300, 0.5), st.floats(1e-300, 0.5))
def test_the_normal_quantile_never_falls(low, high):
    low, high = sorted((low, high))
    assert normal_quantile(low) <= normal_quantile(high) + 1e-13
