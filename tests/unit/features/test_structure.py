"""Pivots, swings, breaks, change of character, pullbacks: the examples of the specification and the corners."""

import numpy as np
import pytest

from quintet.core.errors import ConfigError
from quintet.core.records import table
from quintet.features.structure import (
    BIAS_DOWN,
    BIAS_UP,
    BOS_CONFIRMED,
    BOS_DOWN,
    BOS_POTENTIAL,
    CHOCH_DOWN,
    CHOCH_UP,
    EVENT_NAMES,
    HIGHER,
    LOWER,
    NO_BIAS,
    NO_EVENT,
    NO_PIVOT,
    PIVOT_BOTH,
    PIVOT_HIGH,
    PIVOT_LOW,
    PIVOTS,
    PULLBACK,
    PULLBACK_CANCELLED,
    PULLBACK_READY,
    STRUCTURE,
    TOO_SHALLOW,
    VERDICT_NAMES,
    leg_is_small,
    pivot_update,
    pullback_depth,
    pullback_exceeds,
    pullback_fraction,
    pullback_verdict,
    start_pivots,
    start_pullback,
    start_structure,
    structure_update,
    ten_thousandths,
)

ATR_TICKS = 660.0  # 6.6 at a tick of 0.01
DEFENSIVE_E4 = 6_180


def ticks(price: float) -> int:
    return round(price * 100)


def pivots(left: int, right: int) -> np.record:
    state = table(PIVOTS, 1)[0]
    start_pivots(state, left, right)
    return state


def structure(**rules) -> np.record:
    state = table(STRUCTURE, 1)[0]
    start_structure(state, **rules)
    return state


def close_at(state: np.record, *closes: float, atr: float = ATR_TICKS) -> list[int]:
    """Bars without wicks; the events they make."""
    return [structure_update(state, ticks(c), ticks(c), ticks(c), atr) for c in closes]


def happened(events: list[int]) -> list[int]:
    return [event for event in events if event != NO_EVENT]


# ---- pivots --------------------------------------------------------------------------------------------------
@pytest.mark.req("S-18", "S-70")
@pytest.mark.jit_off
def test_a_pivot_becomes_known_when_its_last_bar_on_the_right_has_closed():
    state = pivots(3, 3)
    known = [pivot_update(state, high, 5) for high in (10, 11, 12, 15, 13, 12, 11)]
    assert known == [NO_PIVOT] * 6 + [PIVOT_HIGH]
    assert state.highs[state.left] == 15
    assert state.bars - 1 - state.right == 3


@pytest.mark.req("S-18")
def test_of_two_equal_highs_the_first_is_the_pivot():
    state = pivots(3, 3)
    known = [pivot_update(state, high, 5) for high in (10, 11, 12, 15, 15, 12, 11, 10, 9)]
    assert [bar - 3 for bar, kind in enumerate(known) if kind == PIVOT_HIGH] == [3]


@pytest.mark.jit_off
def test_lows_mirror_highs_and_a_wide_bar_is_both():
    low = pivots(2, 1)
    assert [pivot_update(low, 20, value) for value in (9, 8, 7, 8)][-1] == PIVOT_LOW
    both = pivots(1, 1)
    assert [pivot_update(both, *bar) for bar in ((10, 9), (12, 7), (11, 8))][-1] == PIVOT_BOTH


@pytest.mark.bounds
def test_a_pivot_may_ask_for_ten_bars_on_each_side():
    state = pivots(10, 10)
    highs = [*range(100, 110), 120, *range(110, 100, -1)]
    assert [pivot_update(state, high, 5) for high in highs] == [NO_PIVOT] * 20 + [PIVOT_HIGH]


@pytest.mark.parametrize(("left", "right"), [(0, 3), (3, 0), (11, 3), (3, 11)])
def test_other_strengths_are_refused(left, right):
    with pytest.raises(ConfigError, match=r"pivot_(left|right) is \d+, expected 1 to 10"):
        start_pivots(table(PIVOTS, 1)[0], left, right)


# ---- the example of section 3.3 --------------------------------------------------------------------------------
def falling_into_bias_down() -> np.record:
    """Bias down, P = 2975, swing low 2950, by way of a swing high and a broken swing low."""
    state = structure()
    close_at(state, 2960, 2965, 2970, 2975, 2970, 2965, 2960)  # pivot high 2975
    close_at(state, 2957, 2955, 2958, 2960, 2962)  # pivot low 2955, 20 below
    assert happened(close_at(state, 2954)) == [CHOCH_DOWN]
    assert happened(close_at(state, 2952, 2950, 2953, 2956, 2958)) == []
    return state


@pytest.mark.req("S-18", "S-19", "S-20")
@pytest.mark.jit_off
def test_the_worked_example_of_the_specification():
    state = falling_into_bias_down()
    assert (state.bias, state.protected, state.swing_low) == (BIAS_DOWN, ticks(2975), ticks(2950))

    # A close at 2976.00 is above 2975.66: change of character, protected by 2950.
    assert happened(close_at(state, 2962, 2968, 2974)) == []
    assert close_at(state, 2976) == [CHOCH_UP]
    assert (state.bias, state.level, state.protected) == (BIAS_UP, ticks(2975), ticks(2950))

    # Pivot high 3000, 50 above the low, is a fresh swing.
    assert happened(close_at(state, 2985, 2995, 3000, 2996, 2990)) == []
    assert state.swing_high == ticks(2975)
    assert happened(close_at(state, 2985)) == []
    assert (state.swing_high, state.swing_high_fresh) == (ticks(3000), 1)
    # Pivot low 2985 is only 15 below: ignored.
    assert happened(close_at(state, 2988, 2992, 2994)) == []
    assert (state.pivot, state.swing_low) == (PIVOT_LOW, ticks(2950))
    # Pivot low 2970 is 30 below: a swing.
    assert happened(close_at(state, 2990, 2980, 2970, 2976, 2982, 2988)) == []
    assert (state.swing_low, state.swing_low_fresh) == (ticks(2970), 1)

    # High 3003, close 2999.50: potential. Next close 3002.00 is above 3000.66: confirmed, protected by 2970.
    assert structure_update(state, ticks(3003), ticks(2988), ticks(2999.5), ATR_TICKS) == BOS_POTENTIAL
    assert (state.level, state.protected, state.potential_bar) == (ticks(3000), ticks(2950), state.bars - 1)
    assert structure_update(state, ticks(3003), ticks(2999), ticks(3002), ATR_TICKS) == BOS_CONFIRMED
    assert (state.level, state.protected, state.bias) == (ticks(3000), ticks(2970), BIAS_UP)
    assert (state.swing_high_fresh, state.potential_bar) == (0, -1)

    # Statistics of the whole story: 2975, 2950, 3000, 2970.
    assert (state.n_swings, state.n_hh, state.n_lh, state.n_hl, state.n_ll) == (4, 1, 0, 1, 0)
    assert (state.n_choch_down, state.n_choch_up, state.n_potential, state.n_confirmed) == (1, 1, 1, 1)


def before_the_break() -> np.record:
    """Bias up, P = 2950, fresh swing high 3000, swing low 2970."""
    state = falling_into_bias_down()
    close_at(state, 2962, 2968, 2974, 2976, 2985, 2995, 3000, 2996, 2990, 2985)
    close_at(state, 2980, 2970, 2976, 2982, 2988)
    assert (state.bias, state.protected) == (BIAS_UP, ticks(2950))
    assert (state.swing_high, state.swing_high_fresh, state.swing_low) == (ticks(3000), 1, ticks(2970))
    return state


# ---- breaks ----------------------------------------------------------------------------------------------------
@pytest.mark.req("S-19")
def test_a_wick_without_a_close_is_never_more_than_potential():
    state = before_the_break()
    for _ in range(30):
        structure_update(state, ticks(3010), ticks(2995), ticks(3000.66), ATR_TICKS)
    assert state.n_confirmed == 0
    assert state.n_potential > 0


@pytest.mark.req("S-20")
def test_a_close_through_the_level_confirms_without_a_potential_before_it():
    state = before_the_break()
    assert close_at(state, 3000.67) == [BOS_CONFIRMED]
    assert state.n_potential == 0


def test_the_buffer_itself_is_not_beyond_the_level():
    state = before_the_break()
    assert close_at(state, 3000.66) == [BOS_POTENTIAL]


def test_a_level_breaks_once():
    state = before_the_break()
    assert happened(close_at(state, 3002, 3003, 3004, 3005)) == [BOS_CONFIRMED]


def test_a_new_high_after_the_same_low_is_a_level_of_its_own():
    # Given a broken 3000 and, above it, the pivot high 3010: the opposite of the swing low 2970, so a fresh swing
    state = before_the_break()
    close_at(state, 3002, 3005, 3010, 3006, 3004, 3002)
    assert (state.n_confirmed, state.swing_high, state.swing_high_fresh) == (1, ticks(3010), 1)
    # when a close passes it without another swing low in between, then it breaks as well.
    assert close_at(state, 3011) == [BOS_CONFIRMED]
    assert (state.level, state.protected) == (ticks(3010), ticks(2970))


def test_one_potential_lives_at_a_time_and_may_return_after_it_has_died():
    state = before_the_break()
    # Wicks that climb a little make no new pivot.
    events = [structure_update(state, ticks(3001) + i, ticks(2990), ticks(2995), ATR_TICKS) for i in range(14)]
    assert [bar for bar, event in enumerate(events) if event == BOS_POTENTIAL] == [0, 13]


def test_a_change_of_character_ends_a_living_potential():
    state = before_the_break()
    assert structure_update(state, ticks(3001), ticks(2990), ticks(2995), ATR_TICKS) == BOS_POTENTIAL
    assert close_at(state, 2949.33) == [CHOCH_DOWN]
    assert state.potential_bar == -1


def test_falling_through_the_protected_level_turns_the_bias_and_protects_the_highest_high():
    state = before_the_break()
    structure_update(state, ticks(3000.5), ticks(2990), ticks(2995), ATR_TICKS)
    assert close_at(state, 2949.33) == [CHOCH_DOWN]
    assert (state.level, state.bias) == (ticks(2950), BIAS_DOWN)
    # 3000.50 came after the bar of the swing high 3000 and is no swing itself.
    assert state.protected == ticks(3000.5)


def test_the_protected_low_includes_wicks_that_are_no_swing_and_the_breaking_bar_itself():
    state = before_the_break()
    close_at(state, 2980, 2972)
    assert structure_update(state, ticks(3005), ticks(2969.5), ticks(3004), ATR_TICKS) == BOS_CONFIRMED
    assert state.protected == ticks(2969.5)


def test_in_bias_down_a_fresh_low_breaks_downwards_once():
    state = falling_into_bias_down()
    close_at(state, 2965, 2970, 2974, 2971, 2968, 2960)  # swing high 2974
    close_at(state, 2955, 2951, 2954, 2957, 2960)  # swing low 2951, fresh
    assert (state.swing_high, state.swing_low) == (ticks(2974), ticks(2951))
    assert close_at(state, 2950) == [BOS_DOWN]
    assert (state.level, state.protected, state.swing_low_fresh) == (ticks(2951), ticks(2974), 0)
    assert happened(close_at(state, 2952, 2949)) == []


def test_without_a_bias_the_first_break_up_is_a_change_of_character_and_no_break_of_structure():
    state = structure()
    close_at(state, 2960, 2955, 2952, 2950, 2955, 2960, 2965)  # swing low 2950
    close_at(state, 2970, 2975, 2972, 2970, 2968)  # swing high 2975
    assert state.bias == NO_BIAS
    assert close_at(state, 2976) == [CHOCH_UP]
    assert (state.level, state.protected, state.bias) == (ticks(2975), ticks(2950), BIAS_UP)
    assert state.n_confirmed == 0


def test_a_break_without_a_swing_of_the_other_kind_protects_the_extreme_of_all_bars():
    state = structure()
    close_at(state, 2990, 2960, 2955, 2950, 2955, 2960, 2965)  # swing low only
    assert close_at(state, 2949) == [CHOCH_DOWN]
    assert state.protected == ticks(2990)


# ---- swings ----------------------------------------------------------------------------------------------------
def test_a_further_high_moves_the_swing_which_stays_broken():
    state = before_the_break()
    close_at(state, 3002, 3005, 3010, 3006, 3004, 3002, 3011)
    assert (state.swing_high, state.swing_high_fresh) == (ticks(3010), 0)
    close_at(state, 3020, 3015, 3012, 3010)
    assert (state.swing_high, state.swing_high_fresh, state.highest_since_high) == (ticks(3020), 0, ticks(3020))
    assert happened(close_at(state, 3022)) == []


def test_an_equal_high_does_not_move_the_swing():
    state = structure()
    close_at(state, 2985, 2990, 2995, 3000, 2990, 2981, 2990, 2995, 3000, 2995, 2990, 2985)
    assert state.pivot == PIVOT_HIGH
    assert (state.swing_high, state.swing_high_bar, state.n_swings) == (ticks(3000), 3, 1)


def test_a_swing_that_moves_is_labelled_anew_and_counted_once():
    # Given a swing high 3000, a low 2950 and a lower high 2980
    state = structure()
    close_at(state, 2985, 2990, 2995, 3000, 2990, 2980, 2970)
    close_at(state, 2960, 2950, 2955, 2960, 2965)
    close_at(state, 2975, 2980, 2978, 2976, 2974)
    assert (state.n_lh, state.n_hh, state.swing_high_label) == (1, 0, LOWER)
    # when it moves above 3000
    close_at(state, 2990, 3005, 3000, 2999, 2998)
    # then it is a higher high and was never another swing.
    assert (state.n_lh, state.n_hh, state.swing_high_label, state.n_swings) == (0, 1, HIGHER, 3)


def test_a_bar_that_is_both_goes_first_to_the_kind_of_the_last_swing():
    state = structure(left=1, right=1)
    bars = [(2955, 2950), (2960, 2945), (2955, 2950)]
    seen = [structure_update(state, ticks(h), ticks(low), ticks((h + low) / 2), 300.0) for h, low in bars]
    assert seen == [NO_EVENT] * 3
    # No swing before it: the high came first, the low is its opposite, 15 below and not less than 9.
    assert (state.n_swings, state.last_kind) == (2, PIVOT_LOW)
    # The next such bar moves the low first, then sets a new high.
    for high, low in ((2970, 2940), (2955, 2950)):
        structure_update(state, ticks(high), ticks(low), ticks(2952), 300.0)
    assert (state.n_swings, state.last_kind) == (3, PIVOT_HIGH)
    assert (state.swing_low, state.swing_high) == (ticks(2940), ticks(2970))


def test_exactly_the_least_distance_is_enough_for_a_swing():
    for low, swings in ((2980.2, 2), (2980.21, 1)):
        state = structure()
        close_at(state, 2990, 2994, 2997, 3000, 2996, 2993, 2990, low, 2983, 2986, 2989)
        assert state.n_swings == swings


def test_while_no_atr_is_known_bars_are_remembered_and_nothing_is_said():
    state = structure()
    unknown = float("nan")
    assert happened(close_at(state, 2990, 2994, 2997, 3000, 2996, 2993, 2990, atr=unknown)) == []
    assert (state.n_swings, state.highest_since_high, state.bars) == (0, ticks(3000), 7)
    close_at(state, 2985, atr=unknown)
    assert state.n_swings == 0


# ---- leg and pullback --------------------------------------------------------------------------------------------
ORIGIN, TOP = ticks(2970), ticks(3012)


@pytest.mark.req("S-21")
@pytest.mark.jit_off
@pytest.mark.parametrize(
    ("close", "depth", "in_atr", "fraction", "verdict", "defensive"),
    [
        (3005, 7, 1.06, 0.167, TOO_SHALLOW, False),
        (2999, 13, 1.97, 0.310, PULLBACK_READY, False),
        (2990, 22, 3.33, 0.524, PULLBACK_READY, False),
        (2986, 26, 3.94, 0.619, PULLBACK_READY, True),
        (2978, 34, 5.15, 0.810, PULLBACK_CANCELLED, True),
    ],
)
def test_the_pullback_table_of_the_specification(close, depth, in_atr, fraction, verdict, defensive):
    limits = table(PULLBACK, 1)[0]
    start_pullback(limits)
    assert pullback_depth(TOP, ticks(close)) == ticks(depth)
    assert pullback_depth(TOP, ticks(close)) / ATR_TICKS == pytest.approx(in_atr, abs=0.005)
    assert pullback_fraction(ORIGIN, TOP, ticks(close)) == pytest.approx(fraction, abs=0.0005)
    assert pullback_verdict(limits, ORIGIN, TOP, ticks(close), ATR_TICKS) == verdict
    assert pullback_exceeds(ORIGIN, TOP, ticks(close), DEFENSIVE_E4) == defensive


@pytest.mark.jit_off
def test_the_limits_of_the_zone_belong_to_it():
    limits = table(PULLBACK, 1)[0]
    start_pullback(limits, min_atr=1.0, min_fraction=0.25, max_fraction=0.75)
    verdicts = [pullback_verdict(limits, 0, 10_000, close, 100.0) for close in (7_501, 7_500, 2_500, 2_499)]
    assert verdicts == [TOO_SHALLOW, PULLBACK_READY, PULLBACK_READY, PULLBACK_CANCELLED]
    # One ATR deep is deep enough; a tick less is not.
    assert [pullback_verdict(limits, 0, 400, 300, atr) for atr in (100.0, 101.0)] == [PULLBACK_READY, TOO_SHALLOW]


@pytest.mark.jit_off
def test_a_leg_is_small_below_three_atr_and_not_at_three():
    assert not leg_is_small(1_000, 1_300, 100.0, 30_000)
    assert leg_is_small(1_000, 1_299, 100.0, 30_000)


@pytest.mark.jit_off
def test_a_leg_without_length_is_wholly_given_back():
    limits = table(PULLBACK, 1)[0]
    start_pullback(limits)
    assert pullback_fraction(1_000, 1_000, 1_000) == 1.0
    assert pullback_exceeds(1_000, 1_000, 1_000, 10_000)
    assert pullback_verdict(limits, 1_000, 1_000, 1_000, 0.0) == PULLBACK_CANCELLED


# ---- parameters ------------------------------------------------------------------------------------------------
def test_parameters_are_whole_ten_thousandths():
    assert ten_thousandths(0.10, "x") == 1_000
    assert ten_thousandths(0.786, "x") == 7_860
    with pytest.raises(ConfigError, match=r"swing_min_atr is 0.33333, expected at most four decimals"):
        structure(swing_min_atr=0.33333)
    with pytest.raises(ConfigError, match="break_buffer_atr is -0.1, expected 0 to 100"):
        structure(break_buffer_atr=-0.1)
    with pytest.raises(ConfigError, match="swing_min_atr is nan, expected 0 to 100"):
        structure(swing_min_atr=float("nan"))
    with pytest.raises(ConfigError, match="bos_potential_ttl_bars is 0, expected 1 or more"):
        structure(potential_ttl_bars=0)


def test_a_pullback_zone_has_its_limits_in_order_and_inside_the_leg():
    limits = table(PULLBACK, 1)[0]
    with pytest.raises(ConfigError, match=r"pullback_min_frac is 0.8, expected at most pullback_max_frac \(0.7\)"):
        start_pullback(limits, min_fraction=0.8, max_fraction=0.7)
    with pytest.raises(ConfigError, match="pullback_max_frac is 1.5, expected 0 to 1"):
        start_pullback(limits, max_fraction=1.5)


def test_every_code_has_a_name():
    assert EVENT_NAMES[BOS_CONFIRMED] == "bos_confirmed"
    assert EVENT_NAMES[BOS_POTENTIAL] == "bos_potential"
    assert [EVENT_NAMES[code] for code in (CHOCH_DOWN, CHOCH_UP, BOS_DOWN)] == ["choch_down", "choch_up", "bos_down"]
    assert VERDICT_NAMES[PULLBACK_READY] == "ready"
