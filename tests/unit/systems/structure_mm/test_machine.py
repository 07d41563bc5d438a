"""The transition table: which row applies, and which pairs of states exist at all."""

import pytest

from quintet.systems.structure_mm import machine as m
from quintet.systems.structure_mm.records import BOS, EXIT, IDLE, MM, REBALANCE, ROWS_MAX, STATE_NAMES


def next_of(state, facts, occasion=m.ON_BAR):
    row = m.first_row(state, occasion, facts, 0)
    return None if row < 0 else (int(m.TO[row]), int(m.ACTION[row]), int(m.REASON[row]))


HELD = m.HOLDING

EXAMPLES = [
    (IDLE, m.BREAK_UP, (BOS, m.ARM, m.BOS_CONFIRMED)),
    (IDLE, m.BREAK_UP | m.DISABLED | m.COOLING, (IDLE, m.COUNT, m.POLICY_DISABLED)),
    (IDLE, m.BREAK_UP | m.COOLING, (IDLE, m.COUNT, m.COOL_DOWN)),
    (IDLE, m.BREAK_UP | m.LEG_SMALL, (IDLE, m.COUNT, m.SMALL_LEG)),
    (IDLE, 0, None),
    (BOS, m.BREAK_UP | m.READY, (BOS, m.RAISE, m.BOS_AGAIN)),
    (BOS, m.CHOCH_DOWN, (IDLE, m.DISARM, m.PULLBACK_FAILED)),
    (BOS, m.TOO_DEEP, (IDLE, m.DISARM, m.PULLBACK_FAILED)),
    (BOS, m.TIME_UP | m.READY, (IDLE, m.DISARM, m.PULLBACK_TIMEOUT)),
    (BOS, m.READY | m.DISABLED, (IDLE, m.DISARM, m.POLICY_DISABLED)),
    (BOS, m.READY | m.NOT_PAYABLE, (IDLE, m.DISARM, m.UNPAYABLE)),
    (BOS, m.READY | m.NO_SIZE, (IDLE, m.DISARM, m.UNSIZED)),
    (BOS, m.READY, (REBALANCE, m.ENTER, m.PULLBACK_READY)),
    (BOS, 0, None),
    (REBALANCE, m.STOP_HIT, (IDLE, m.FINISH, m.HARD_STOP)),
    (REBALANCE, m.STOP_HIT | HELD, (EXIT, m.LEAVE_AT_ONCE, m.HARD_STOP)),
    (REBALANCE, m.CHOCH_DOWN | HELD, (EXIT, m.LEAVE_AT_ONCE, m.STRUCTURE)),
    (REBALANCE, m.CHOCH_DOWN, (IDLE, m.FINISH, m.STRUCTURE)),
    (REBALANCE, m.BROKEN | HELD, (EXIT, m.LEAVE_AT_ONCE, m.STRUCTURE)),
    (REBALANCE, m.DISABLED | HELD, (EXIT, m.LEAVE_AT_ONCE, m.POLICY_DISABLED)),
    (REBALANCE, m.DISABLED, (IDLE, m.FINISH, m.POLICY_DISABLED)),
    (REBALANCE, m.STARTED | HELD, (MM, m.BEGIN, m.START_FILLED)),
    (REBALANCE, m.TIME_UP | m.BUYS, (REBALANCE, m.CALL_BACK, m.START_TIMEOUT)),
    (REBALANCE, m.TIME_UP | m.BUYS | m.CLOSING, None),
    (REBALANCE, m.TIME_UP | HELD, (MM, m.BEGIN, m.START_TIMEOUT)),
    (REBALANCE, m.TIME_UP, (IDLE, m.FINISH, m.NOT_FILLED)),
    (MM, m.STOP_HIT, (IDLE, m.FINISH, m.HARD_STOP)),
    (MM, m.STOP_HIT | m.BUYS, (EXIT, m.LEAVE_AT_ONCE, m.HARD_STOP)),
    (MM, m.BREAK_UP | HELD, (MM, m.RAISE, m.BOS_AGAIN)),
    (MM, m.CHOCH_DOWN, (EXIT, m.LEAVE_AT_ONCE, m.STRUCTURE)),
    (MM, m.BROKEN | m.LOSS, (EXIT, m.LEAVE_AT_ONCE, m.STRUCTURE)),
    (MM, m.DISABLED | m.LOSS, (EXIT, m.LEAVE_AT_ONCE, m.POLICY_DISABLED)),
    (MM, m.LOSS | m.TIME_UP, (EXIT, m.LEAVE_AT_ONCE, m.EPISODE_LOSS)),
    (MM, m.TIME_UP | HELD, (EXIT, m.LEAVE_CALMLY, m.TIME)),
    (MM, m.AT_TOP, (IDLE, m.FINISH, m.COMPLETED)),
    (MM, m.AT_TOP | m.BUYS, (MM, m.CALL_BACK, m.COMPLETED)),
    (MM, m.AT_TOP | HELD, (MM, m.REBUILD, m.REBUILT)),
    (MM, 0, (MM, m.REBUILD, m.REBUILT)),
    (EXIT, 0, (IDLE, m.FINISH, m.FLAT)),
    (EXIT, m.BUYS, None),
    (EXIT, HELD, None),
    (EXIT, HELD | m.CALM | m.TIME_UP, (EXIT, m.LEAVE_AT_ONCE, m.GIVE_WAY)),
    (EXIT, HELD | m.CALM | m.CHOCH_DOWN, (EXIT, m.LEAVE_AT_ONCE, m.GIVE_WAY)),
    (EXIT, HELD | m.TIME_UP, None),
]


@pytest.mark.req("S-23")
@pytest.mark.parametrize(("state", "facts", "expected"), EXAMPLES)
def test_each_row_of_the_table_has_its_example(state, facts, expected):
    assert next_of(state, facts) == expected


@pytest.mark.req("S-23")
def test_no_other_pair_of_states_exists():
    pairs = {(STATE_NAMES[row.state], STATE_NAMES[row.to]) for row in m.TRANSITIONS if row.state != row.to}
    assert pairs == {
        ("Idle", "BOS"), ("BOS", "Idle"), ("BOS", "Rebalance"), ("Rebalance", "MM"), ("Rebalance", "Exit"),
        ("Rebalance", "Idle"), ("MM", "Exit"), ("MM", "Idle"), ("Exit", "Idle"),
        # a bid that fills while its cancel is on the way: what came is sold at once
        ("Idle", "Exit"), ("BOS", "Exit"),
    }  # fmt: skip


@pytest.mark.req("S-30")
def test_market_making_is_reached_from_rebalance_alone_and_rebalance_from_a_pullback_alone():
    assert {row.state for row in m.TRANSITIONS if row.to == MM} == {MM, REBALANCE}
    into = [row for row in m.TRANSITIONS if row.to == REBALANCE and row.state != REBALANCE]
    assert [(row.state, row.needs) for row in into] == [(BOS, m.READY)]


@pytest.mark.req("S-64")
def test_the_kill_switch_ends_every_state_on_any_occasion():
    for occasion in (m.ON_BAR, m.ON_FILL, m.ON_ORDER, m.ON_CONTROL):
        assert next_of(BOS, m.KILL, occasion)[0] == IDLE
        assert next_of(REBALANCE, m.KILL, occasion)[0] == IDLE
        assert next_of(REBALANCE, m.KILL | HELD, occasion)[0] == EXIT
        assert next_of(MM, m.KILL | HELD, occasion)[0] == EXIT
        assert next_of(EXIT, m.KILL | m.CALM | HELD, occasion)[1] == m.LEAVE_AT_ONCE


@pytest.mark.req("S-70")
def test_only_closed_bars_arm_enter_or_leave_for_form():
    for row in m.TRANSITIONS:
        if row.needs & (m.BREAK_UP | m.READY | m.CHOCH_DOWN | m.BROKEN | m.DISABLED | m.LOSS | m.AT_TOP):
            assert row.occasions == m.ON_BAR


def test_a_fill_that_came_after_the_episode_is_sold_at_once():
    assert next_of(IDLE, HELD, m.ON_FILL) == (EXIT, m.LEAVE_AT_ONCE, m.LATE_FILL)
    assert next_of(IDLE, HELD, m.ON_BAR) is None


def test_a_kernel_goes_on_below_the_row_it_is_told():
    row = m.first_row(MM, m.ON_BAR, m.BREAK_UP | m.TIME_UP, 0)
    assert m.ACTION[row] == m.RAISE
    below = m.first_row(MM, m.ON_BAR, m.BREAK_UP, row + 1)
    assert m.ACTION[below] == m.REBUILD


def test_every_word_of_the_table_has_a_name_and_every_row_a_counter():
    assert len(m.TRANSITIONS) <= ROWS_MAX
    for row in m.TRANSITIONS:
        assert row.reason < len(m.REASON_NAMES)
        assert row.action < len(m.ACTION_NAMES)
        bits = row.needs | row.forbids
        assert all(1 << k in m.FACT_NAMES for k in range(bits.bit_length()) if bits >> k & 1)
