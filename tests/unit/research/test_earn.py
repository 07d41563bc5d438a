"""Coins in the Earn product: what leaves the books, what is paid by hand, what comes back and when."""

import pytest

from quintet.core import state as s
from quintet.core.errors import InvariantError
from quintet.research.earn import DAY_NS, REDEEM_NS, Earn
from quintet.research.eternal_run import prepared, run_eternal
from quintet.research.sub_accounts import total_of
from quintet.systems.eternal import EternalConfig
from quintet.systems.eternal.config import CoreConfig
from tests.eternal_market import BTC, ETH, USDT, market, tape

FIRST = 19_000
LOT = 10_000
"""Base quanta of 0.0001 ETH, whose quantum is 1e-8."""


@pytest.fixture
def core():
    """CORE after one instalment: it has Ether."""
    made = tape([market(BTC, FIRST, [30_000] * 5), market(ETH, FIRST, [20_000] * 5)])
    config = EternalConfig(core=CoreConfig(tranches=1))
    run = run_eternal(prepared(made), config, capital_quanta=100_000 * USDT, first_day=FIRST, last_day=FIRST + 2)
    return run.accounts["CORE"]


def held(core):
    return total_of({"CORE": core}, "ETH", s.DESK_BOOK)


def test_coins_leave_the_books_and_come_back_after_two_days_with_what_they_have_earned(core):
    earn, before, cost = Earn(core, "ETH", LOT), held(core), core.holding(1)[2]
    earn.subscribe(50_000)  # 5 ETH
    assert (earn.lots, held(core)) == (50_000, before - 500_000_000)
    earn.pay(36_500_000)  # 3.65 % a year: 0.01 % a day
    earn.pay(36_500_000)
    assert earn.interest == 50_000 + 50_005  # 0.0005 ETH, and the second day on the first's
    earn.redeem(50_000, 7 * DAY_NS, everything=True)
    earn.pay(36_500_000)  # on its way it earns nothing
    earn.arrive(7 * DAY_NS + REDEEM_NS - 1)
    assert held(core) == before - 500_000_000 and earn.inside == 0 and earn.away == 500_100_005
    earn.arrive(7 * DAY_NS + REDEEM_NS)
    assert (held(core), earn.away) == (before + 100_005, 0)
    assert core.imbalance() == 0 and core.holding(1)[2] == cost  # interest has cost nothing


def test_a_day_without_a_known_yield_pays_nothing_and_is_counted(core):
    earn = Earn(core, "ETH", LOT)
    earn.pay(None)
    assert (earn.days, earn.unpaid_days) == (0, 0)
    earn.subscribe(10)
    earn.pay(None)
    assert (earn.interest, earn.days, earn.unpaid_days) == (0, 1, 1)


@pytest.mark.parametrize("lots", [10**9, 0, -1])
def test_what_is_not_there_can_neither_go_in_nor_come_back(core, lots):
    earn = Earn(core, "ETH", LOT)
    with pytest.raises(InvariantError):
        earn.subscribe(lots)
    earn.subscribe(10)
    with pytest.raises(InvariantError):
        earn.redeem(lots, 0)
    assert core.imbalance() == 0 and earn.lots == 10
