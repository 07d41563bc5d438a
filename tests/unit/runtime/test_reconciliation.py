"""Our books against the venue's: equal, looked at again, or for a person to explain."""

from typing import Any

import numpy as np
import pytest

from quintet.core.events import RECONCILED
from quintet.core.state import DESK_BOOK
from quintet.ports.venue_account import Balance, PositionReport
from quintet.runtime.reconciliation import EVERY_S, Difference, Judged, Reconciliation, suspense_rows
from tests.desk_worlds import COIN, LINEAR_COIN, START, USDT, a_world


def told(asset: int, quanta: int) -> Balance:
    return Balance(asset, quanta, 0, 0, START)


def test_a_desk_and_what_it_left_untouched_are_the_account() -> None:
    books = Reconciliation(a_world(capital={"USDT": 1_000}), {USDT: 500, COIN: 7})
    books.hear(told(USDT, 1_500))
    books.hear(told(COIN, 7))
    assert books.judge() == Judged(EVERY_S)
    assert books.compared == 1


@pytest.mark.req("E-109")
def test_a_difference_is_looked_at_again_after_1_5_and_15_s_and_is_then_unexplained() -> None:
    books = Reconciliation(a_world(capital={"USDT": 1_000}), {})
    books.hear(told(USDT, 990))
    looks = [books.judge() for _ in range(4)]
    assert [look.again_s for look in looks] == [1.0, 5.0, 15.0, EVERY_S]
    assert [look.unexplained for look in looks[:3]] == [(), (), ()]
    assert looks[3].unexplained == (Difference(False, USDT, 1_000, 990),)
    [row] = suspense_rows(looks[3].unexplained[0], START)
    assert (row["kind"], row["price"], row["quantity"]) == (RECONCILED, USDT, -10)


def test_a_desk_that_books_meanwhile_is_looked_at_from_the_beginning() -> None:
    world = a_world(capital={"USDT": 1_000})
    books = Reconciliation(world, {})
    books.hear(told(USDT, 990))
    for _ in range(3):
        books.judge()
    world.desk[0].n_fills += 1
    assert books.judge().again_s == 1.0
    np.asarray(world.desk[0].ledger)[DESK_BOOK, USDT] = 990
    assert books.judge() == Judged(EVERY_S)


def test_positions_of_contracts_are_compared_in_lots_both_legs_together() -> None:
    world = a_world(LINEAR_COIN)
    books = Reconciliation(world, {})
    world.desk[0].shown.account[0].lots = 5
    for leg, lots in ((1, 8), (2, -3)):
        books.hear(PositionReport(0, leg, lots, 0, 0, START))
    assert books.differences() == ()
    books.hear(PositionReport(0, 2, 0, 0, 0, START))
    assert books.differences() == (Difference(True, 0, 5, 8),)


def a_short_desk() -> tuple[Any, Reconciliation]:
    """4 lots short; of what it sold and bought back, our books call 30 quanta less profit than the venue does."""
    world = a_world(LINEAR_COIN, capital={"USDT": 1_000})
    account = world.desk[0].shown.account[0]
    account.lots, account.cost = -4, -400
    books = Reconciliation(world, {})
    books.hear(PositionReport(0, 0, -4, -370, 0, START))
    return world, books


def test_profit_that_the_venue_still_calls_cost_is_no_difference() -> None:
    """Fills that were heard in another order have closed other lots: nothing is missing."""
    _, books = a_short_desk()
    books.hear(told(USDT, 1_030))
    assert books.differences() == ()


def test_what_is_missing_beside_that_is_one() -> None:
    _, books = a_short_desk()
    books.hear(told(USDT, 1_027))
    assert books.differences() == (Difference(False, USDT, 1_000, 1_027),)


def test_with_the_position_flat_again_all_is_the_same_or_it_is_missing() -> None:
    world, books = a_short_desk()
    account = world.desk[0].shown.account[0]
    account.lots = account.cost = 0
    books.hear(PositionReport(0, 0, 0, 0, 0, START))
    books.hear(told(USDT, 1_030))
    assert books.differences() == (Difference(False, USDT, 1_000, 1_030),)
