"""What a system may want: whole numbers, a price where there must be one, a list."""

import pytest

from quintet.core.orders.lifecycle import IOC, LIMIT, MARKET, POST_ONLY, STOP
from quintet.systems.own import RefusedSystem, Want, buy, sell, stop
from quintet.systems.own.wants import checked


def test_a_price_makes_a_resting_order_and_none_takes() -> None:
    assert buy(5) == Want(1, 5, 0, MARKET)
    assert buy(5, 100, tag=3) == Want(1, 5, 100, POST_ONLY, 3)
    assert sell(5, 100, style="limit") == Want(-1, 5, 100, LIMIT)
    assert sell(5, 100, style="ioc") == Want(-1, 5, 100, IOC)
    assert stop(5, 90) == Want(-1, 5, 90, STOP)


def test_an_unknown_style_names_those_there_are() -> None:
    with pytest.raises(RefusedSystem, match="post_only, limit, ioc, market, stop"):
        buy(5, 100, style="iceberg")


@pytest.mark.parametrize(
    ("wants", "expected"),
    [
        (buy(5), "a list of wants"),
        (5, "a list of wants"),
        (["buy"], "made by buy, sell or stop"),
        ([(1, 5, 0, MARKET, 0)], "made by buy, sell or stop"),
        ([buy(5.0)], "never floats"),
        ([buy(5, 99.5)], "never floats"),
        ([buy(0)], "1 lot or more"),
        ([sell(-5)], "1 lot or more"),
        ([buy(5, -1)], "a price of 1 increment or more"),
        ([Want(1, 5, 100, MARKET)], "none at market"),
        ([buy(1)] * 65, "at most 64"),
    ],
)
def test_a_want_that_cannot_be_meant_is_refused(wants: object, expected: str) -> None:
    with pytest.raises(RefusedSystem, match=expected) as refused:
        checked(wants, "Own.on_bar")
    assert refused.value.where == "Own.on_bar"


def test_wants_may_come_one_by_one() -> None:
    assert checked((buy(n) for n in (1, 2)), "Own.on_bar") == [buy(1), buy(2)]
