"""Order-level events to level totals, with the order that moved each of them."""

import pytest

from quintet.core.errors import DataError
from quintet.core.events import ORDER_CHANGED, ORDER_ENTERED, ORDER_GONE
from quintet.core.market.tick_feed import Aside, OrderChange
from quintet.venues.bitstamp.orders import OrderLine, facts


def walk(*lines: str) -> list[OrderChange | Aside]:
    return list(facts(OrderLine((0, n), tuple(text.split(","))) for n, text in enumerate(lines, start=2)))


def line(order: int, action: str, satoshi: int, price: str = "236.40", side: str = "bid") -> str:
    return f"{order},1430438404518,1430438404000,{price},{satoshi},{action},{side}"


def totals(found: list[OrderChange | Aside]) -> list[tuple[bytes, int, int]]:
    return [(each.levels, each.order, each.action) for each in found if isinstance(each, OrderChange)]


def test_a_level_is_the_sum_of_its_orders() -> None:
    found = walk(
        line(1, "created", 200_000_000),
        line(2, "created", 50_000_000, "236.4"),
        line(1, "changed", 150_000_000),
        line(2, "deleted", 50_000_000),
        line(1, "deleted", 0),
    )

    assert totals(found) == [
        (b'[["236.4","2.00000000"]]', 1, ORDER_ENTERED),
        (b'[["236.4","2.50000000"]]', 2, ORDER_ENTERED),
        (b'[["236.4","2.00000000"]]', 1, ORDER_CHANGED),
        (b'[["236.4","1.50000000"]]', 2, ORDER_GONE),
        (b'[["236.4","0.00000000"]]', 1, ORDER_GONE),
    ]


def test_orders_from_before_the_recording_are_left_out() -> None:
    found = walk(line(7, "deleted", 100), line(7, "changed", 50), line(8, "created", 5), line(8, "created", 6))

    assert [each.kind for each in found if isinstance(each, Aside)] == [
        "orders from before the recording",
        "orders from before the recording",
        "orders created twice",
    ]


def test_an_order_that_moves_leaves_one_level_and_enters_another() -> None:
    found = walk(line(1, "created", 100_000_000, "10"), line(1, "changed", 40_000_000, "9"), line(1, "deleted", 0, "9"))

    assert totals(found) == [
        (b'[["10","1.00000000"]]', 1, ORDER_ENTERED),
        (b'[["10","0.00000000"]]', 1, ORDER_GONE),
        (b'[["9","0.40000000"]]', 1, ORDER_ENTERED),
        (b'[["9","0.00000000"]]', 1, ORDER_GONE),
    ]


def test_an_order_that_is_deleted_elsewhere_leaves_its_own_level() -> None:
    found = walk(line(1, "created", 100_000_000, "10"), line(1, "deleted", 0, "9"))

    assert totals(found)[1:] == [(b'[["10","0.00000000"]]', 1, ORDER_GONE)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (line(1, "moved", 5), "column 'action' is 'moved'"),
        (line(1, "created", 5, side="buy"), "column 'direction' is 'buy'"),
        (line(1, "created", -5), "column 'volume' is '-5'"),
        (line(1, "created", 5, "nan"), "column 'price' is 'nan'"),
        (line(1, "created", 5, "-3"), "expected a price above 0"),
        ("x,1,1,1,1,created,bid", "column 'id' is 'x'"),
    ],
)
def test_a_cell_that_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        walk(text)
