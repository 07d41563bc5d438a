"""Trap 5: stop and target in one bar, and the target is taken. A candle does not say what came first: the worse did."""

import pytest

from quintet.core.engine.world import Execution
from quintet.core.random import below, seeded
from quintet.sim.bars import OHLC, OLHC, OPTIMISTIC, PESSIMISTIC
from tests.bar_exchange import MINUTE, exchange_answers
from tests.desk_worlds import ONE_MINUTE, SPOT_COIN, START
from tests.twins.bars_twin import Bar, Request

LOTS = 10
STOP, TARGET = 9_900, 10_100
BOTH = 40


def proceeds(bar: Bar, policy: int) -> int:
    """What ten lots are sold for when a stop at 9900 and a target at 10100 rest before the bar; ticks times lots."""
    stop = Request(START, START, 1, -1, "stop", STOP, LOTS)
    target = Request(START, START, 2, -1, "post-only", TARGET, LOTS)
    execution = Execution(fill_timeframe=ONE_MINUTE, policy=policy)
    held = LOTS * SPOT_COIN.base_quanta_per_lot
    answers = exchange_answers([bar], [stop, target], SPOT_COIN, execution, held)
    return sum(answer.price * answer.lots for answer in answers if answer.kind == "fill")


def bars_that_hit_both() -> list[Bar]:
    dice = seeded(5, "bars that hit both")[0]
    found = []
    for _ in range(BOTH):
        first, last = 9_950 + below(dice, 100), 9_950 + below(dice, 100)
        found.append(
            Bar(START, START + MINUTE, first, TARGET + 1 + below(dice, 99), STOP - 1 - below(dice, 99), last, 10_000)
        )
    return found


def check(policy: int) -> int:
    """Bars of which this reading makes more than the worse of the two ways the price can have gone."""
    return sum(proceeds(bar, policy) > min(proceeds(bar, OHLC), proceeds(bar, OLHC)) for bar in bars_that_hit_both())


def test_the_headline_reads_every_bar_against_us():
    assert check(PESSIMISTIC) == 0


@pytest.mark.parametrize("planted", [OPTIMISTIC, OHLC])
def test_a_reading_in_our_favour_is_found(planted: int):
    assert check(planted) == BOTH


def test_the_two_ways_are_worth_something():
    assert all(proceeds(bar, OPTIMISTIC) == TARGET * LOTS for bar in bars_that_hit_both())
    assert all(proceeds(bar, PESSIMISTIC) <= STOP * LOTS for bar in bars_that_hit_both())
