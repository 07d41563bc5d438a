"""The volume profile: its point of control, its value area, and what happens when prices run away."""

import numpy as np
import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.profile import (
    NO_PRICE,
    PROFILE,
    ROWS,
    profile_anchor,
    profile_area,
    profile_update,
    profile_volume,
    start_profile,
)


def started(row_ticks: int = 1, share: float = 0.70) -> np.record:
    state = table(PROFILE, 1)[0]
    start_profile(state, row_ticks, share)
    return state


def traded(state: np.record, volumes: dict[int, int]) -> tuple[int, int, int]:
    """POC, VAL and VAH after so many lots at each price."""
    for price, lots in volumes.items():
        poc = profile_update(state, price, lots)
    profile_area(state)
    return poc, int(state.area_low), int(state.area_high)


@pytest.mark.jit_off
def test_the_value_area_grows_from_the_point_of_control_to_the_fuller_side():
    # given 100 lots, 40 of them at 12
    volumes = {10: 10, 11: 15, 12: 40, 13: 20, 14: 15}
    # then 13 joins first (60), and of the equal rows 11 and 14 the upper one (75)
    assert traded(started(), volumes) == (12, 12, 14)
    assert traded(started(share=0.60), volumes) == (12, 12, 13)
    assert traded(started(share=0.40), volumes) == (12, 12, 12)
    assert traded(started(share=1.0), volumes) == (12, 10, 14)


@pytest.mark.jit_off
def test_of_equal_rows_the_lowest_is_the_point_of_control():
    assert traded(started(), {20: 5, 18: 5, 19: 4})[0] == 18


@pytest.mark.jit_off
def test_the_area_holds_at_least_its_share_to_the_lot():
    state = started()
    traded(state, {10: 7, 11: 3})
    assert profile_area(state) == 7
    profile_update(state, 11, 1)
    assert profile_area(state) == 11


@pytest.mark.jit_off
def test_an_anchor_forgets_what_has_traded():
    state = started()
    traded(state, {10: 7, 5_000: 1})
    assert state.row_ticks == 8
    profile_anchor(state)
    assert (profile_area(state), state.area_low, state.area_high) == (0, NO_PRICE, NO_PRICE)
    assert traded(state, {11: 1}) == (11, 11, 11)
    assert profile_volume(state, 10) == 0


@pytest.mark.jit_off
@pytest.mark.bounds
def test_a_price_beyond_its_rows_folds_the_profile_and_loses_no_volume():
    state = started()
    for price in range(3_000, 3_000 + ROWS):
        profile_update(state, price, 1)
    assert state.row_ticks == 1
    profile_update(state, 3_000 + ROWS, 5)
    assert (state.row_ticks, state.total) == (2, ROWS + 5)
    assert sum(state.volumes) == ROWS + 5
    assert profile_volume(state, 3_001) == 2
    assert profile_update(state, 3_000 + ROWS, 1) == 3_000 + ROWS
    # and far below, as often as needed
    profile_update(state, 1, 1)
    assert (state.row_ticks, sum(state.volumes)) == (4, ROWS + 7)


@pytest.mark.parametrize(
    ("row_ticks", "share", "message"),
    [
        (0, 0.7, "row is 0 ticks, expected 1"),
        (1, 0.0, "share is 0.0, expected above 0"),
        (1, 1.1, "share is 1.1"),
        (1, 0.70001, "in four decimals"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(row_ticks, share, message):
    with pytest.raises(ConfigError, match=message):
        started(row_ticks, share)
