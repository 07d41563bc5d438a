"""Where we stand in the queue, by hand."""

import math
from typing import Any

import pytest

from quintet.core.records import table
from quintet.core.state import RESTING
from quintet.sim.queue import (
    FIFO,
    LOG_RATIO,
    LOG_SHARE,
    POWER,
    POWER_RATIO,
    POWER_SHARE,
    QUEUE_MODEL_NAMES,
    RISK_AVERSE,
    on_level,
    on_trade,
    share_behind,
)


def an_order(ahead: float) -> Any:
    order = table(RESTING, 1)[0]
    order.ahead = ahead
    return order


def level_goes(order: Any, model: int, old_lots: int, new_lots: int) -> None:
    on_level(order, model, 3, 0.001, old_lots, new_lots)


@pytest.mark.req("S-56")
@pytest.mark.parametrize("model", range(len(QUEUE_MODEL_NAMES)))
def test_trades_bring_us_forward_and_fill_us_when_the_queue_is_gone(model: int) -> None:
    order = an_order(5)
    # given 5 lots ahead: 3 traded leave 2 and no fill, 2 more reach the front, the next one is ours
    assert on_trade(order, model, 3) == 0
    # exact queues keep what the book shows, and beside it what has traded and is still shown
    assert order.ahead - (order.traded if model == FIFO else 0) == 2
    assert on_trade(order, model, 2) == 0
    assert on_trade(order, model, 4) == 4


@pytest.mark.req("S-56")
def test_risk_averse_a_shrinking_level_holds_no_more_ahead_of_us_than_it_holds() -> None:
    order = an_order(5)
    level_goes(order, RISK_AVERSE, 10, 7)
    assert order.ahead == 5
    level_goes(order, RISK_AVERSE, 7, 3)
    assert order.ahead == 3
    level_goes(order, RISK_AVERSE, 3, 20)
    assert order.ahead == 3


@pytest.mark.req("S-56")
def test_power_cancellations_are_shared_between_those_ahead_and_those_behind() -> None:
    # given 8 of 16 lots ahead: 4 go, 1/8 of them from before us, the rest from behind
    order = an_order(8)
    level_goes(order, POWER, 16, 12)
    assert order.ahead == 8 - 4 / 8


def test_power_what_trades_took_is_not_taken_twice() -> None:
    # given 8 of 16 ahead, 3 traded, and the level reported with 13
    order = an_order(8)
    on_trade(order, POWER, 3)
    level_goes(order, POWER, 16, 13)
    assert (order.ahead, order.traded) == (5, 0)


def test_power_a_growing_level_grows_behind_us() -> None:
    order = an_order(8)
    level_goes(order, POWER, 16, 30)
    assert order.ahead == 8


def test_power_more_gone_than_was_behind_us_was_before_us() -> None:
    # given 15 of 16 ahead and 8 gone: of these at most 1 was behind us
    order = an_order(15)
    level_goes(order, POWER, 16, 8)
    assert order.ahead <= 8


def test_power_an_empty_level_leaves_nobody_ahead() -> None:
    order = an_order(0)
    level_goes(order, POWER, 0, 0)
    assert order.ahead == 0


FORMULAS = {
    POWER: lambda ahead, behind, n: 1 - (ahead / (ahead + behind)) ** n,
    POWER_RATIO: lambda ahead, behind, n: behind**n / (behind**n + ahead**n),
    POWER_SHARE: lambda ahead, behind, n: behind**n / (ahead + behind) ** n,
    LOG_RATIO: lambda ahead, behind, n: (
        math.log1p(behind / 1000) / (math.log1p(behind / 1000) + math.log1p(ahead / 1000))
    ),
    LOG_SHARE: lambda ahead, behind, n: math.log1p(behind / 1000) / math.log1p((ahead + behind) / 1000),
}


@pytest.mark.req("S-56")
@pytest.mark.jit_off
@pytest.mark.parametrize("model", FORMULAS)
@pytest.mark.parametrize("exponent", [1, 2, 3, 5])
@pytest.mark.parametrize(("ahead", "behind"), [(8.0, 8.0), (1.0, 400.0), (400.0, 1.0), (12.5, 0.0), (0.0, 7.0)])
def test_the_share_behind_is_the_models_formula(model: int, exponent: int, ahead: float, behind: float) -> None:
    found = share_behind(model, exponent, 0.001, ahead, behind)
    assert found == pytest.approx(FORMULAS[model](ahead, behind, exponent), rel=1e-12)
    assert 0.0 <= found <= 1.0


@pytest.mark.parametrize("model", FORMULAS)
def test_whatever_the_model_nobody_stands_before_us_who_is_not_there(model: int) -> None:
    # given more ahead than the level holds, by an estimate gone wrong: then what the level holds
    order = an_order(30)
    level_goes(order, model, 16, 4)
    assert order.ahead <= 4
