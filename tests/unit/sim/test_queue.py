"""Where we stand in the queue, by hand."""

from typing import Any

import pytest

from quintet.core.records import table
from quintet.core.state import RESTING
from quintet.sim.queue import POWER, RISK_AVERSE, on_level, on_trade


def an_order(ahead: float) -> Any:
    order = table(RESTING, 1)[0]
    order.ahead = ahead
    return order


@pytest.mark.req("S-56")
@pytest.mark.parametrize("model", [RISK_AVERSE, POWER])
def test_trades_bring_us_forward_and_fill_us_when_the_queue_is_gone(model: int) -> None:
    order = an_order(5)
    # given 5 lots ahead: 3 traded leave 2 and no fill, 2 more reach the front, the next one is ours
    assert not on_trade(order, model, 3)
    assert order.ahead == 2
    assert not on_trade(order, model, 2)
    assert on_trade(order, model, 1)


@pytest.mark.req("S-56")
def test_risk_averse_a_shrinking_level_holds_no_more_ahead_of_us_than_it_holds() -> None:
    order = an_order(5)
    on_level(order, RISK_AVERSE, 10, 7)
    assert order.ahead == 5
    on_level(order, RISK_AVERSE, 7, 3)
    assert order.ahead == 3
    on_level(order, RISK_AVERSE, 3, 20)
    assert order.ahead == 3


@pytest.mark.req("S-56")
def test_power_cancellations_are_shared_between_those_ahead_and_those_behind() -> None:
    # given 8 of 16 lots ahead: 4 go, 1/8 of them from before us, the rest from behind
    order = an_order(8)
    on_level(order, POWER, 16, 12)
    assert order.ahead == 8 - 4 / 8


def test_power_what_trades_took_is_not_taken_twice() -> None:
    # given 8 of 16 ahead, 3 traded, and the level reported with 13
    order = an_order(8)
    on_trade(order, POWER, 3)
    on_level(order, POWER, 16, 13)
    assert (order.ahead, order.traded) == (5, 0)


def test_power_a_growing_level_grows_behind_us() -> None:
    order = an_order(8)
    on_level(order, POWER, 16, 30)
    assert order.ahead == 8


def test_power_more_gone_than_was_behind_us_was_before_us() -> None:
    # given 15 of 16 ahead and 8 gone: of these at most 1 was behind us
    order = an_order(15)
    on_level(order, POWER, 16, 8)
    assert order.ahead <= 8


def test_power_an_empty_level_leaves_nobody_ahead() -> None:
    order = an_order(0)
    on_level(order, POWER, 0, 0)
    assert order.ahead == 0
