"""Trap 14: any size at the same price. Fills are a share of what was traded; more size does not fill as easily.

That our own orders move the price is not simulated; every report says so. The share is what stands against size.
"""

from typing import Any

import pytest

from quintet.core.engine.world import Execution
from tests.bar_exchange import E9, MINUTE, exchange_answers
from tests.desk_worlds import ONE_MINUTE, SPOT_COIN, START
from tests.twins.bars_twin import Bar, Request, Style

VOLUME = 1_000
SHARE_E9 = E9 // 10
SMALL, LARGE = 20, 500


def lots_filled(style: Style, wanted: int, participation_e9: int) -> int:
    """Of a buy of so many lots, how many one bar gives that trades 1,000 lots through its price."""
    bar = Bar(START, START + MINUTE, 10_000, 10_050, 9_900, 10_000, VOLUME)
    price = 9_950 if style == "post-only" else 10_500
    order = Request(START, START, 1, 1, style, price, wanted)
    execution = Execution(fill_timeframe=ONE_MINUTE, participation_e9=participation_e9)
    answers = exchange_answers([bar], [order], SPOT_COIN, execution, 0)
    return sum(answer.lots for answer in answers if answer.kind == "fill")


def check(style: Style, participation_e9: int) -> list[str]:
    """What is wrong with how size is filled."""
    small, large = lots_filled(style, SMALL, participation_e9), lots_filled(style, LARGE, participation_e9)
    found = [] if large <= VOLUME * SHARE_E9 // E9 else ["more is filled than our share of the bar"]
    return found + ([] if large / LARGE < small / SMALL else ["more size fills as easily"])


@pytest.mark.parametrize("style", ["post-only", "ioc", "market"])
def test_size_meets_the_share_of_the_volume(style: Any):
    assert lots_filled(style, SMALL, SHARE_E9) == SMALL
    assert check(style, SHARE_E9) == []


@pytest.mark.parametrize("style", ["post-only", "ioc", "market"])
def test_a_market_without_end_is_found(style: Any):
    assert check(style, 1_000 * E9) == [
        "more is filled than our share of the bar",
        "more size fills as easily",
    ]
