"""Rows asked for ahead, arrays whose references are not counted: neither changes what a loop computes."""

from typing import Any

import numpy as np
import pytest

from quintet.core.kernel import fetch_ahead, kernel, uncounted

ROWS = np.dtype([("price", "<i8"), ("lots", "<i8")])


@kernel
def total_lots(rows: Any, ahead: int) -> int:
    total = 0
    for i in range(rows.shape[0]):
        fetch_ahead(rows, i + ahead)
        total += rows[i].lots
    return total


@kernel
def double_lots(rows: Any) -> None:
    same = uncounted(rows)
    for i in range(same.shape[0]):
        same[i].lots = 2 * same[i].lots


def some_rows() -> Any:
    rows = np.zeros(100, ROWS).view(np.recarray)
    rows.lots = np.arange(100)
    return rows


@pytest.mark.jit_off
@pytest.mark.parametrize("ahead", [0, 7, 99, 10_000_000])
def test_asking_for_rows_ahead_changes_nothing_even_far_past_the_end(ahead: int) -> None:
    assert total_lots(some_rows(), ahead) == 4950


@pytest.mark.jit_off
def test_rows_can_be_asked_for_in_a_read_only_array() -> None:
    rows = some_rows()
    rows.flags.writeable = False
    assert total_lots(rows, 3) == 4950


@pytest.mark.jit_off
def test_an_uncounted_array_is_the_same_memory() -> None:
    # given rows that somebody holds
    rows = some_rows()
    # when a kernel writes through the uncounted array, and again
    double_lots(rows)
    double_lots(rows)
    # then the rows have changed, and still belong to who held them
    assert rows.lots.sum() == 4 * 4950
