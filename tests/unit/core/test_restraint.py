"""Restraint: each sentence of the rules by an example, and what is never true."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.records import table
from quintet.core.risk import restraint as r
from quintet.core.state import RESTRAINT

pytestmark = pytest.mark.jit_off

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PERCENT = 10_000_000
MONEY = 1_000_000
"""10 000.00 in hundredths."""

LADDER = {"half_e9": 5 * PERCENT, "selective_e9": 8 * PERCENT, "review_e9": 10 * PERCENT, "flatten_e9": 15 * PERCENT}
MOVE = {
    "move_e9": 5 * PERCENT, "move_span_ns": MINUTE, "move_confirm_e9": 4 * PERCENT, "move_confirm_ns": 2 * SECOND,
    "move_pause_ns": 30 * MINUTE, "calm_e9": 2_000_000_000, "calm_bars": 3,
}  # fmt: skip
LINE = {"slow_ns": SECOND // 2, "late_ns": SECOND, "prompt_ns": 400_000_000, "prompt_for_ns": 5 * MINUTE}


def restrained(**rules: int) -> Any:
    held = table(RESTRAINT, 1)[0]
    held.active = 1
    for name, value in rules.items():
        held.rules[name] = value
    return held


def money(held: Any, *marks: tuple[int, int]) -> Any:
    for ts, quanta in marks:
        r.watch_money(held, quanta, ts)
    return held


# ---- the day -------------------------------------------------------------------------------------------------


def test_three_percent_of_the_day_stop_entries_until_midnight():
    held = money(restrained(day_loss_e9=3 * PERCENT), (DAY, MONEY), (DAY + HOUR, 970_001))
    assert r.entry_lots(held, 0, 10) == 10
    # at 9 700.00 exactly it is reached
    money(held, (DAY + 11 * HOUR, 970_000))
    assert held.causes == r.BY_DAY_LOSS
    assert r.entry_lots(held, 0, 10) == 0
    # getting some of it back changes nothing
    money(held, (DAY + 12 * HOUR, 999_000))
    assert r.entry_lots(held, 0, 10) == 0
    # a new day does
    money(held, (2 * DAY, 999_000))
    assert r.entry_lots(held, 0, 10) == 10


def test_the_day_opens_with_the_last_mark_before_it():
    held = money(restrained(day_loss_e9=3 * PERCENT), (DAY, MONEY), (DAY + 20 * HOUR, 980_000), (2 * DAY + 1, 951_000))
    assert held.causes == 0
    assert money(held, (2 * DAY + 2, 950_600)).causes == r.BY_DAY_LOSS


# ---- losses in a row -----------------------------------------------------------------------------------------


def closed(held: Any, ts: int, *nets: int) -> None:
    for net in nets:
        r.position_closed(held, net, ts)


def test_three_losses_in_a_row_pause_for_two_hours():
    held = restrained(losses_in_row=3, losses_pause_ns=2 * HOUR)
    # L L W L L: not yet
    closed(held, HOUR, -1, -1, 1, -1, -1)
    assert r.entry_lots(held, 0, 10) == 10
    # the third at 10:00
    closed(held, 10 * HOUR, -1)
    assert r.entry_lots(held, 0, 10) == 0
    r.let_go(held, 12 * HOUR - 1)
    assert held.causes == r.BY_LOSSES
    r.let_go(held, 12 * HOUR)
    assert r.entry_lots(held, 0, 10) == 10
    # and the count has begun anew
    closed(held, 12 * HOUR, -1, -1)
    assert held.causes == 0


def test_a_position_counts_once_however_many_parts_it_was_closed_in():
    held = restrained(losses_in_row=2, losses_pause_ns=HOUR)
    # given a long position of 3 that loses 30 in three parts
    for lots, net in ((3, -1), (2, -11), (1, -21), (0, -31)):
        r.watch_position(held, 0, lots, net, 0)
    assert held.losses == 1
    # when the next one turns from long to short at a loss, that is the second
    r.watch_position(held, 0, 5, -32, 0)
    r.watch_position(held, 0, -5, -40, 0)
    assert held.causes == r.BY_LOSSES


def test_a_position_that_gains_after_fees_begins_the_count_anew():
    held = restrained(losses_in_row=3, losses_pause_ns=HOUR)
    closed(held, 0, -1, -1)
    r.watch_position(held, 0, 1, 100, 0)
    r.watch_position(held, 0, 0, 101, 0)
    assert held.losses == 0


# ---- drawdown ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quanta", "plain", "convinced"),
    [
        (950_000, 10, 10),  # 5.00 % exactly
        (949_999, 5, 5),
        (920_000, 5, 5),
        (919_900, 0, 5),
        (900_000, 0, 5),
        (899_900, 0, 0),
    ],
)
def test_the_deeper_the_drawdown_the_less_may_be_entered(quanta: int, plain: int, convinced: int):
    held = money(restrained(**LADDER, conviction_tag=100), (DAY, MONEY), (DAY + 1, quanta))
    assert r.entry_lots(held, 7, 10) == plain
    assert r.entry_lots(held, 100, 10) == convinced


def test_half_size_ends_by_itself_and_a_review_does_not():
    held = money(restrained(**LADDER), (DAY, MONEY), (DAY + 1, 940_000), (DAY + 2, 960_000))
    assert r.entry_lots(held, 0, 10) == 10
    money(held, (DAY + 3, 890_000), (DAY + 4, MONEY))
    assert held.causes == r.BY_REVIEW
    assert r.entry_lots(held, 0, 10) == 0
    # an operator resets: measured from here
    r.release(held)
    assert r.entry_lots(held, 0, 10) == 10


def test_fifteen_percent_close_positions_and_only_a_reset_ends_it():
    held = money(restrained(**LADDER), (DAY, MONEY), (DAY + 1, 850_000))
    assert held.closing == 0
    money(held, (DAY + 2, 849_999), (3 * DAY, MONEY))
    assert held.closing == 1
    r.release(held)
    assert held.closing == 0
    assert money(held, (3 * DAY + 1, MONEY)).causes == 0


# ---- an extreme move -----------------------------------------------------------------------------------------


def prices(held: Any, *seen: tuple[float, int, int]) -> list[bool]:
    """(seconds, last, mark) in cents; was each an extreme move?"""
    return [r.watch_price(held, 0, last, mark, DAY + int(at * SECOND)) for at, last, mark in seen]


def a_slide(until: int, mark_until: int, seconds: int = 55) -> list[tuple[float, int, int]]:
    """From 150.00 in even steps of a second."""
    return [
        (n, 15_000 - (15_000 - until) * n // seconds, mark_until and 15_000 - (15_000 - mark_until) * n // seconds)
        for n in range(seconds + 1)
    ]


def test_more_than_five_percent_in_a_minute_with_the_mark_is_one():
    # 150 to 142.40 is 5.07 %, the mark at 142.60 has moved 4.93 %
    held = restrained(**MOVE)
    assert prices(held, *a_slide(14_240, 14_260))[-1]
    assert held.causes == r.BY_EXTREME
    assert (held.closing, held.alarms) == (0, 1)
    assert r.entry_lots(held, 0, 10) == 0


def test_five_percent_exactly_or_a_mark_that_stands_still_or_more_time_is_none():
    assert not any(prices(restrained(**MOVE), *a_slide(14_250, 14_250)))
    assert not any(prices(restrained(**MOVE), *a_slide(14_240, 14_990)))
    assert not any(prices(restrained(**MOVE), *a_slide(14_240, 14_260, seconds=75)))


def test_upwards_counts_as_downwards():
    rise = [(at, 30_000 - last, 30_000 - mark) for at, last, mark in a_slide(14_200, 14_200)]
    assert any(prices(restrained(**MOVE), *rise))


def test_one_phantom_tick_never_triggers_it():
    # 150.00, one print of 139.00, then 150.02, while the mark stays
    held = restrained(**MOVE)
    assert not any(prices(held, (0, 15_000, 15_001), (1, 13_900, 15_001), (1.4, 15_002, 15_001), (3, 15_001, 15_001)))
    # also where there is no mark
    held = restrained(**MOVE)
    assert not any(prices(held, (0, 15_000, 0), (1, 13_900, 0), (9, 15_002, 0), (20, 15_001, 0), (21, 15_000, 0)))


def test_without_a_mark_the_move_must_stand_for_a_while():
    held = restrained(**MOVE)
    fall = [(0, 15_000, 0), (1, 14_200, 0), (1.1, 14_190, 0), (2, 14_200, 0)]
    assert not any(prices(held, *fall))
    assert prices(held, (3.2, 14_195, 0)) == [True]
    # and one that comes back before is none
    held = restrained(**MOVE)
    assert not any(prices(held, *fall, (2.5, 14_600, 0), (5, 14_610, 0)))


def test_new_risk_waits_for_time_and_for_calm():
    held = restrained(**MOVE)
    r.watch_bar(held, 15_010, 14_990, 15_000, DAY - MINUTE)
    prices(held, *a_slide(14_240, 14_240))
    moved = DAY + 55 * SECOND
    # calm alone is not enough
    for n in range(3):
        r.watch_calm(held, 1.0, 1.0, moved + n * MINUTE)
    assert held.causes == r.BY_EXTREME
    # nor is time alone
    r.watch_calm(held, 2.0, 1.0, moved + 31 * MINUTE)
    assert held.causes == r.BY_EXTREME
    # three calm bars and the time are
    for n in range(3):
        r.watch_calm(held, 1.9, 1.0, moved + (32 + n) * MINUTE)
    assert held.causes == 0


def test_positions_are_closed_only_where_that_was_asked_for():
    held = restrained(**MOVE, move_flattens=1)
    prices(held, *a_slide(14_240, 14_240))
    assert held.closing == 1


jumps = st.lists(st.integers(-90, 90), min_size=3, max_size=60)


@given(jumps, st.integers(1, 40_000), st.integers(0, 59), st.booleans())
def test_no_single_price_makes_an_extreme_move_of_a_calm_market(steps: list[int], phantom: int, at: int, marked: bool):
    # given prices within 1 % of 150.00, one a second, and one phantom among them
    held = restrained(**MOVE)
    seen = [(n, 15_000 + step, 15_000 if marked else 0) for n, step in enumerate(steps)]
    at = min(at, len(seen) - 1)
    seen.insert(at, (max(at - 0.5, 0), phantom, 15_000 if marked else 0))
    if at == 0:
        seen.insert(0, (0, 15_000, 15_000 if marked else 0))
    assert not any(prices(held, *seen))


def test_volatility_is_calm_again_when_bars_are_as_wide_as_usual():
    # given a day of bars of 0.2 %, a move, and bars of 1 %
    held = restrained(**MOVE)
    for n in range(300):
        r.watch_bar(held, 15_015, 14_985, 15_000, DAY - (300 - n) * MINUTE)
    prices(held, *a_slide(14_240, 14_240))
    for n in range(60):
        r.watch_bar(held, 14_315, 14_165, 14_240, DAY + (1 + n) * MINUTE)
    assert held.causes == r.BY_EXTREME
    # when bars are of 0.2 % again
    for n in range(40):
        r.watch_bar(held, 14_254, 14_226, 14_240, DAY + (61 + n) * MINUTE)
    assert held.causes == 0


# ---- the line ------------------------------------------------------------------------------------------------


def trips(held: Any, begin_s: float, *took_ms: int) -> None:
    for n, each in enumerate(took_ms):
        r.watch_round_trip(held, each * 1_000_000, DAY + int((begin_s + n) * SECOND))


def test_slow_round_trips_halve_the_entries():
    held = restrained(**LINE)
    trips(held, 0, *[500] * 20)
    assert held.causes == 0  # exactly 500 ms: no action
    trips(held, 20, *[501] * 20)
    assert held.causes == r.BY_SLOW
    assert [r.entry_lots(held, 0, 10) for _ in range(4)] == [10, 0, 10, 0]


def test_late_round_trips_stop_them():
    held = restrained(**LINE)
    trips(held, 0, *[1_001] * 5)
    assert held.causes & r.BY_LATE
    assert r.entry_lots(held, 0, 10) == 0


def test_one_in_twenty_is_no_95th_percentile():
    held = restrained(**LINE)
    trips(held, 0, *[100] * 39, 2_000, 100)
    assert held.causes == 0


def test_the_line_is_trusted_again_after_five_prompt_minutes():
    held = restrained(**LINE)
    trips(held, 0, *[1_500] * 5)
    # the bad ones leave the minute's window, then five minutes pass
    for second in range(70, 70 + 299, 13):
        trips(held, second, 399)
    assert held.causes == r.BY_SLOW | r.BY_LATE
    trips(held, 371, 399)
    assert held.causes == 0


def test_silence_alarms_once_until_something_is_heard():
    held = restrained(silent_ns=30 * SECOND)
    assert not r.watch_silence(held, DAY, DAY + 30 * SECOND)
    assert r.watch_silence(held, DAY, DAY + 31 * SECOND)
    assert not r.watch_silence(held, DAY, DAY + 90 * SECOND)
    assert not r.watch_silence(held, DAY + 90 * SECOND, DAY + 91 * SECOND)
    assert r.watch_silence(held, DAY + 90 * SECOND, DAY + 200 * SECOND)
    assert held.alarms == 2


# ---- one order -----------------------------------------------------------------------------------------------


def test_bounds_of_one_order():
    rules = restrained(collar_e9=2 * PERCENT, at_risk_e9=10 * PERCENT, leverage_e9=3_000_000_000).rules
    assert r.lots_of_value(1_000, 300, 10) == 3
    assert r.lots_of_value(0, 300, 10) == 10
    assert r.is_within_collar(rules, 1, 10_200, 10_000)
    assert not r.is_within_collar(rules, 1, 10_201, 10_000)
    assert r.is_within_collar(rules, 1, 5_000, 10_000)
    assert not r.is_within_collar(rules, -1, 9_799, 10_000)
    # 9 % at risk leave 1 %, 11 % leave nothing
    assert r.room_at_risk(rules, MONEY, 90_000) == 10_000
    assert r.room_at_risk(rules, MONEY, 110_000) == 0
    assert r.room_of_leverage(rules, MONEY, 2_500_000) == 500_000
    assert r.room_at_risk(rules, -5, 0) == 0


def test_what_moves_together_is_signed():
    held = restrained(correlated_e9=700_000_000)
    held.rules.correlation_e9[0, 1] = 800_000_000
    held.rules.correlation_e9[0, 2] = -800_000_000
    assert r.moves_with(held.rules, 0, 1, 1, 5)
    assert not r.moves_with(held.rules, 0, -1, 1, 5)
    assert r.moves_with(held.rules, 0, -1, 2, 5)
    assert not r.moves_with(held.rules, 0, 1, 1, 0)
    assert not r.moves_with(held.rules, 0, 1, 3, 5)


# ---- laws ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 511), st.integers(0, 200), st.integers(0, 1_000))
def test_restraint_never_adds(causes: int, tag: int, lots: int):
    held = restrained(conviction_tag=100)
    held.causes = causes
    allowed = r.entry_lots(held, tag, lots)
    assert 0 <= allowed <= lots
    assert allowed == 0 or causes & r.NO_ENTRIES == 0


@given(st.lists(st.integers(500_000, 1_200_000), min_size=1, max_size=30))
def test_after_a_halt_nothing_but_a_reset_lets_risk_out(marks: list[int]):
    held = restrained(**LADDER)
    halted = False
    for n, quanta in enumerate([MONEY, *marks]):
        money(held, (DAY + n * HOUR, quanta))
        halted = halted or held.causes & r.LATCHED != 0
        assert not halted or r.entry_lots(held, 1_000, 10) == 0


def test_causes_are_said_in_words():
    assert r.causes_text(r.BY_HALF | r.BY_LATE) == "drawdown: half the size, late round trips"
    assert r.causes_text(0) == ""
