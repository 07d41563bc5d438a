"""Columns travel to the page's script in few bytes, and come back as they were."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import DefinitionError
from quintet.research.report_parts.page_data import Clock, differences, packed


def unpacked(text: str) -> list[int]:
    """What `report.js` does."""
    values, part, scale = [], 0, 1
    for octet in base64.b64decode(text):
        part += (octet & 127) * scale
        if octet > 127:
            scale *= 128
            continue
        values.append(-(part + 1) // 2 if part % 2 else part // 2)
        part, scale = 0, 1
    return values


@given(st.lists(st.integers(-(2**30) + 1, 2**30 - 1), max_size=50))
def test_a_column_comes_back_as_it_was(values: list[int]):
    assert unpacked(packed(values)) == values


def test_differences_sum_to_the_column():
    assert np.cumsum(unpacked(differences([500, 503, 501]))).tolist() == [500, 503, 501]


def test_small_numbers_take_one_byte_each():
    assert len(base64.b64decode(packed(np.arange(-64, 64)))) == 128


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(DefinitionError, match="expected less than"):
        packed([2**30])


def test_what_was_known_at_a_close_stands_at_that_close():
    clock = Clock(0)
    assert clock.minutes(np.array([300 * 10**9, 300 * 10**9 - 1, 240 * 10**9])).tolist() == [5, 5, 4]
    assert int(clock.seconds(299_750_000_000)) == 299
