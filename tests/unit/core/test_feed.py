"""What a message of the feed tells a system: trades, bars as they close, and a changed book."""

from typing import Any

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.engine.world import BuiltBars
from quintet.core.errors import ConfigError
from quintet.core.events import TIMEFRAME_NUMBER
from quintet.core.market.trade_bars import BY_COUNT, BY_NOTIONAL, BY_VOLUME
from quintet.core.state import (
    ASK,
    BID,
    WAKE_BAR,
    WAKE_BOOK,
    WAKE_FILL,
    WAKE_TIMER,
    WAKE_TOUCH,
    WAKE_TRADE,
    World,
)
from tests.desk_worlds import SECOND, START
from tests.heard_market import ONE_SECOND, a_listener, rows_of, run_to_the_end, together
from tests.players import told_of

BY_SECOND = (BuiltBars(timeframe=ONE_SECOND),)
Rows = list[tuple[int, int, int]]


def heard(messages: list[tuple[int, Rows]], latency_ns: int = 1_000_000, **named: Any) -> World:
    """A desk that only listens, after these messages; times are ms since the start, each heard a millisecond later."""
    told = [(START + ms * 1_000_000, START + ms * 1_000_000 + latency_ns, parts) for ms, parts in messages]
    world = a_listener(in_ten=0, **{"timer_ns": 1_000 * SECOND, "bars": (), **named})
    run_to_the_end(together(rows_of(told)), world)
    return world


def bars_told(world: World) -> list[tuple[int, int, int, int]]:
    """When, and which: ms since the start; the bar's end in ms, close, volume."""
    return [
        ((ts - START) // 1_000_000, (end - START) // 1_000_000, close, volume)
        for ts, why, _, end, close, volume, *_ in told_of(world)
        if why == WAKE_BAR
    ]


def whys(world: World) -> list[int]:
    return [row[1] for row in told_of(world)]


@pytest.mark.jit_off
def test_each_trade_is_told_when_its_message_arrives() -> None:
    world = heard([(5, [(ev.TRADE_BUY, 10_001, 3), (ev.TRADE_SELL, 10_000, 4)])], wakes=WAKE_TRADE)
    arrived = START + 6_000_000
    assert [row[:6] for row in told_of(world)] == [
        (arrived, WAKE_TRADE, 0, 1, 10_001, 3),
        (arrived, WAKE_TRADE, 0, -1, 10_000, 4),
    ]
    assert [row[8] for row in told_of(world)] == [10_001, 10_000]  # the last price known


@pytest.mark.jit_off
def test_a_bar_by_time_is_known_with_the_first_message_that_happened_at_its_end_or_later() -> None:
    # given two trades in the first second, and a level that happens just before its end, one at its end
    world = heard(
        [
            (100, [(ev.TRADE_BUY, 10_001, 3)]),
            (900, [(ev.TRADE_SELL, 9_999, 2)]),
            (999, [(ev.BID_LEVEL, 9_990, 1)]),
            (1_000, [(ev.BID_LEVEL, 9_990, 2)]),
        ],
        bars=BY_SECOND,
    )
    assert bars_told(world) == [(1_001, 1_000, 9_999, 5)]


def test_seconds_without_a_trade_are_flat_bars_told_in_order_with_the_next_message() -> None:
    world = heard([(100, [(ev.TRADE_BUY, 10_001, 3)]), (3_500, [(ev.TRADE_BUY, 10_005, 1)])], bars=BY_SECOND)
    assert bars_told(world) == [
        (3_501, 1_000, 10_001, 3),
        (3_501, 2_000, 10_001, 0),
        (3_501, 3_000, 10_001, 0),
    ]
    # the trade itself is told after them
    assert whys(world)[-4:] == [WAKE_BAR, WAKE_BAR, WAKE_BAR, WAKE_TRADE]


def test_before_the_first_trade_there_is_no_bar() -> None:
    assert bars_told(heard([(ms, [(ev.BID_LEVEL, 9_990, ms)]) for ms in (1, 1_500, 2_500)], bars=BY_SECOND)) == []


def test_a_bar_counts_only_the_trades_of_its_instrument() -> None:
    first = [(START + 1_000, START + 2_000, [(ev.TRADE_BUY, 10_001, 3)])]
    other = [(START + 2 * SECOND, START + 2 * SECOND, [(ev.TRADE_BUY, 10_001, 9)])]
    world = a_listener(in_ten=0, timer_ns=1_000 * SECOND, bars=BY_SECOND)
    run_to_the_end(together(rows_of(first), rows_of(other, 1, 40_000)), world)
    assert bars_told(world) == []


@pytest.mark.parametrize(
    ("rule", "size", "ends"),
    [(BY_COUNT, 2, [10_001, 10_003]), (BY_VOLUME, 5, [10_001, 10_003]), (BY_NOTIONAL, 10**30, [])],
)
def test_bars_by_other_rules_are_known_with_the_trade_that_fills_them(rule: int, size: int, ends: list[int]) -> None:
    trades: Rows = [(ev.TRADE_BUY, 10_000 + n, 3) for n in range(5)]
    bars = (BuiltBars(timeframe=33, rule=rule, size=min(size, 2**62 - 1)),)
    world = heard([(5, trades)], bars=bars, wakes=WAKE_TRADE | WAKE_BAR)
    assert [close for _, _, close, _ in bars_told(world)] == ends
    if ends:
        assert whys(world) == [WAKE_TRADE, WAKE_BAR, WAKE_TRADE, WAKE_TRADE, WAKE_BAR, WAKE_TRADE, WAKE_TRADE]


def test_a_built_bar_marks_equity_and_is_sampled() -> None:
    world = heard([(100, [(ev.TRADE_BUY, 10_001, 3)]), (1_100, [(ev.TRADE_BUY, 10_005, 1)])], bars=BY_SECOND)
    assert world.desk[0].shown.equity.quanta == 10**12
    assert int(world.samples[0].ts) == START + SECOND and int(world.samples[0].price) == 10_001


def test_the_touch_and_any_level_are_two_subscriptions() -> None:
    messages: list[tuple[int, Rows]] = [
        (1, [(ev.BID_LEVEL, 9_990, 5), (ev.ASK_LEVEL, 10_010, 5)]),
        (2, [(ev.BID_LEVEL, 9_980, 5)]),
        (3, [(ev.BID_LEVEL, 9_990, 7)]),
        (4, [(ev.BID_LEVEL, 9_990, 0)]),
        (5, [(ev.TRADE_BUY, 10_010, 1)]),
    ]
    assert len(told_of(heard(messages, wakes=WAKE_BOOK))) == 4
    touch = told_of(heard(messages, wakes=WAKE_TOUCH))
    assert [(row[6], row[7]) for row in touch] == [(9_990, 10_010), (9_980, 10_010)]
    both = heard(messages, wakes=WAKE_TOUCH | WAKE_BOOK)
    assert whys(both) == [WAKE_TOUCH, WAKE_BOOK, WAKE_BOOK, WAKE_TOUCH]


def test_who_asks_is_shown_the_best_levels_of_each_side() -> None:
    levels: Rows = [(ev.BID_LEVEL, 9_990 - n, 10 + n) for n in range(5)] + [(ev.ASK_LEVEL, 10_010, 4)]
    world = heard([(1, levels), (2, [(ev.BID_LEVEL, 9_989, 0)])], depth_levels=3)
    depth = world.desk[0].shown.depth[0]
    assert list(depth.levels) == [3, 1]
    assert [tuple(map(int, pair)) for pair in zip(depth.price[BID], depth.lots[BID], strict=True)][:4] == [
        (9_990, 10), (9_988, 12), (9_987, 13), (0, 0),
    ]  # fmt: skip
    assert (int(depth.price[ASK, 0]), int(depth.lots[ASK, 0])) == (10_010, 4)


def test_a_lost_book_shows_nothing() -> None:
    world = heard([(1, [(ev.BID_LEVEL, 9_990, 5)]), (2, [(ev.BOOK_CLEAR, 0, 0)])], depth_levels=3)
    assert list(world.desk[0].shown.depth[0].levels) == [0, 0]
    assert world.desk[0].shown.market[0].bid == 0


def test_a_full_side_forgets_its_farthest_level_and_counts_it() -> None:
    levels: Rows = [(ev.ASK_LEVEL, 10_010 + n, 1) for n in (0, 5, 1, 2, 9)]
    world = heard([(1, levels)], depth_levels=3, levels_kept=3)
    depth = world.desk[0].shown.depth[0]
    assert depth.price[ASK, :3].tolist() == [10_010, 10_011, 10_012]
    assert int(world.desk[0].ladders.dropped) == 2


def test_a_desk_that_listens_to_nothing_still_knows_the_last_trade() -> None:
    trades: list[tuple[int, Rows]] = [(ms, [(ev.TRADE_BUY, 10_000 + ms, 1)]) for ms in (1, 2, 40)]
    world = heard(trades, wakes=WAKE_TIMER | WAKE_FILL, timer_ns=20_000_000)
    assert world.desk[0].listens == 0
    assert [row[8] for row in told_of(world)] == [10_002, 10_002]


def test_more_messages_in_flight_than_asked_for_stop_the_run() -> None:
    from quintet.core.state import OVERFLOW
    from tests.heard_market import run_inside

    told = [(START + n, START + SECOND, [(ev.BID_LEVEL, 9_990, 1)]) for n in range(600)]
    world = a_listener(in_ten=0)
    assert run_inside(together(rows_of(told)), world, 1 << 60) == OVERFLOW


def test_what_has_arrived_makes_room_when_nothing_happens_for_long() -> None:
    told = [(START + n * 1_000, START + n * 1_000, [(ev.BID_LEVEL, 9_000 + n, 1)]) for n in range(600)]
    world = a_listener(in_ten=0, wakes=WAKE_TIMER, bars=(), timer_ns=SECOND)
    later = [(START + 2 * SECOND, START + 2 * SECOND, [(ev.BID_LEVEL, 9_001, 1)])]
    run_to_the_end(together(rows_of(told + later)), world)
    assert told_of(world)[0][6] == 9_599


def test_recorded_feed_larger_than_the_buffer_is_taken_out_in_time() -> None:
    # given 40,000 rows that reach a desk with room for 32,768 between two timers
    levels: Rows = [(ev.BID_LEVEL, 9_100 + n, 1) for n in range(100)]
    told = [(START + n * 1_000, START + n * 1_000, levels) for n in range(400)]
    world = a_listener(in_ten=0, wakes=WAKE_TIMER, bars=(), depth_levels=0, timer_ns=SECOND, recording=True)
    later = [(START + 2 * SECOND, START + 2 * SECOND, levels)]
    rows = run_to_the_end(together(rows_of(told + later)), world)
    assert int((np.asarray(rows)["kind"] == ev.BID_LEVEL).sum()) == 40_000


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"depth_levels": 21}, "depth_levels: found 21, expected 0 to 20"),
        ({"depth_levels": 5, "levels_kept": 4}, "levels_kept: found 4, expected 5 or more"),
        ({"bars": (BuiltBars(timeframe=0),)}, "timeframe is 0, expected 1 to 17 for bars by time"),
        ({"bars": (BuiltBars(timeframe=5, rule=BY_COUNT, size=5),)}, "timeframe is 5, expected 32 to 62"),
        ({"bars": (BuiltBars(timeframe=5, size=5),)}, "size is 5, expected none by time"),
        ({"bars": (BuiltBars(timeframe=40, rule=BY_COUNT),)}, "size is 0, expected 1 to"),
        ({"bars": (BuiltBars(timeframe=40, rule=9, size=1),)}, "rule is 9, expected 0 to 3"),
        ({"bars": (BuiltBars(timeframe=1, instrument=2),)}, "instrument is 2, expected 0 to 1"),
        ({"bars": (BuiltBars(timeframe=1), BuiltBars(timeframe=1))}, "a timeframe twice"),
        ({"bars": tuple(BuiltBars(timeframe=n) for n in range(1, 18))}, "found 17, expected 16 at most"),
    ],
)
def test_what_cannot_be_heard_is_refused(named: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        a_listener(**named)


def test_a_second_is_a_timeframe_for_built_bars() -> None:
    assert int(ev.TIMEFRAME_NS[TIMEFRAME_NUMBER["5s"]]) == 5 * SECOND
    assert ev.timeframe_ns("30s") == 30 * SECOND
