"""Bars from trades: where one ends, what belongs to it, what is refused."""

import numpy as np
import pytest

from quintet.core.errors import ConfigError
from quintet.core.market.trade_bars import (
    BY_COUNT,
    BY_NOTIONAL,
    BY_TIME,
    BY_VOLUME,
    TRADE_BAR,
    TRADE_BARS,
    pass_time,
    start_trade_bars,
    trade_bars_batch,
    trade_bars_update,
)
from quintet.core.records import table

SECOND = 1_000_000_000
TRADES = [
    # ts, price, lots, side
    (100, 10, 3, 1),
    (SECOND - 1, 12, 1, -1),
    (SECOND, 11, 2, 1),
    (3 * SECOND + 5, 9, 9, -1),
    (4 * SECOND, 10, 1, 1),
]


def started(rule: int, size: int, quanta: int = 1) -> np.recarray:
    states = table(TRADE_BARS, 1)
    start_trade_bars(states[0], rule, size, quanta)
    return states


def bars_of(rule: int, size: int, quanta: int = 1) -> list[tuple[int, ...]]:
    states, found = started(rule, size, quanta), []
    for trade in TRADES:
        if trade_bars_update(states[0], *trade):
            found.append(tuple(np.asarray(states[0].done).tolist()))
    return found


@pytest.mark.jit_off
def test_bars_by_time_lie_on_the_clock_and_a_quiet_span_makes_none():
    assert bars_of(BY_TIME, SECOND) == [
        (0, SECOND, 10, 12, 10, 12, 4, 3, 42, 2),
        (SECOND, 2 * SECOND, 11, 11, 11, 11, 2, 2, 22, 1),
        (3 * SECOND, 4 * SECOND, 9, 9, 9, 9, 9, 0, 81, 1),
    ]


@pytest.mark.jit_off
def test_a_desk_that_watches_the_time_knows_a_bar_at_its_end():
    states = started(BY_TIME, SECOND)
    trade_bars_update(states[0], *TRADES[0])
    assert pass_time(states[0], SECOND - 1) == 0
    assert pass_time(states[0], SECOND) == 1
    assert (states[0].done.end, states[0].done.trades) == (SECOND, 1)
    assert pass_time(states[0], 2 * SECOND) == 0
    assert trade_bars_update(states[0], *TRADES[2]) == 0


@pytest.mark.jit_off
def test_bars_by_count_volume_and_notional_end_with_the_trade_that_fills_them():
    assert [bar[-1] for bar in bars_of(BY_COUNT, 2)] == [2, 2]
    # four lots are reached exactly; the nine lots of one trade stay in one bar
    assert [bar[6] for bar in bars_of(BY_VOLUME, 4)] == [4, 11]
    # ten quanta a tick and lot: 411 quanta are reached by 42 ticks times lots, not by 41
    assert [bar[8] for bar in bars_of(BY_NOTIONAL, 411, quanta=10)] == [42, 103]
    assert [bar[8] for bar in bars_of(BY_NOTIONAL, 421, quanta=10)] == [64, 81]
    assert bars_of(BY_COUNT, 2)[0][:2] == (100, SECOND - 1)


@pytest.mark.bounds
def test_a_batch_needs_no_more_places_than_there_are_trades():
    columns = [np.array(column) for column in zip(*TRADES, strict=True)]
    found = table(TRADE_BAR, len(TRADES))
    assert trade_bars_batch(started(BY_COUNT, 1)[0], *columns, found) == len(TRADES)
    assert found.close.tolist() == [trade[1] for trade in TRADES]


@pytest.mark.parametrize(
    ("rule", "size", "quanta", "message"),
    [
        (4, 1, 1, "rule is 4, expected 0 to 3"),
        (-1, 1, 1, "rule is -1"),
        (BY_VOLUME, 0, 1, "trade bars by volume: size is 0, expected 1"),
        (BY_TIME, 2**62, 1, "trade bars by time: size is"),
        (BY_NOTIONAL, 1, 0, "quanta per tick and lot is 0"),
    ],
)
def test_bars_that_cannot_be_are_refused(rule, size, quanta, message):
    with pytest.raises(ConfigError, match=message):
        start_trade_bars(table(TRADE_BARS, 1)[0], rule, size, quanta)
