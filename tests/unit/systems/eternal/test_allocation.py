"""Money between engines: excess, harvest, deposits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.systems.eternal.allocation import by_engine, deposit, opening, rebalance
from quintet.systems.eternal.config import ACCOUNTS, OrchestratorConfig
from quintet.systems.eternal.regimes import WEIGHTS_BP
from tests.unit.systems.eternal.builders import USDT

CONFIG = OrchestratorConfig()
DEFAULT = WEIGHTS_BP["default"]


def held(core=60_000, trend=20_000, funding=15_000, tactical=5_000):
    """By sub-account, in quanta."""
    amounts = {"CORE": core, "TREND-1": trend * 3 // 4, "TREND-2": trend // 4, "FUNDING": funding, "TACTICAL": tactical}
    return {account: amount * USDT for account, amount in amounts.items()}


def received(plan):
    """By sub-account, in USDT."""
    found = {}
    for move in plan.moves:
        found[move.to] = found.get(move.to, 0) + move.quanta / USDT
    return found


@pytest.mark.req("E-40", "E-57", "E-68", "E-90")
def test_the_opening_split():
    assert opening(100_000 * USDT) == held()


@pytest.mark.req("E-99", "E-100")
def test_trend_at_thirty_per_cent_gives_ten_points_half_thirty_and_twenty():
    amounts = held(core=50_000, trend=30_000)
    plan = rebalance(amounts, amounts, DEFAULT, CONFIG)
    assert received(plan) == {"CORE": 5_000.0, "FUNDING": 3_000.0, "TACTICAL": 2_000.0}
    assert {move.rule for move in plan.moves} == {"volatility_harvest"}
    assert plan.harvest == 10_000 * USDT


@pytest.mark.req("E-99")
def test_what_is_no_excess_in_a_bull_market_stays():
    amounts = held(core=54_000, trend=30_000, funding=11_000)
    assert rebalance(amounts, amounts, WEIGHTS_BP["strong_bull"], CONFIG).moves == ()


@pytest.mark.req("E-99")
def test_free_cash_moves_first_and_the_rest_is_asked_for():
    amounts = held(core=50_000, trend=30_000)
    free = {**amounts, "TREND-1": 1_500 * USDT, "TREND-2": 2_500 * USDT}
    plan = rebalance(amounts, free, DEFAULT, CONFIG)
    assert sum(received(plan).values()) == 4_000.0
    assert plan.release == {"TREND-1": 6_000 * USDT}


def test_another_engines_excess_goes_to_those_who_lack():
    amounts = held(core=54_000, trend=18_000, funding=23_000)
    assert received(rebalance(amounts, amounts, DEFAULT, CONFIG)) == {
        "CORE": 6_000.0,
        "TREND-1": 1_500.0,
        "TREND-2": 500.0,
    }


@pytest.mark.parametrize(("core", "moves"), [(69_999, False), (70_000, True)])
def test_core_gives_from_ten_points_above_its_target(core, moves):
    amounts = held(core=core, trend=100_000 - core - 20_000)
    assert bool(rebalance(amounts, amounts, DEFAULT, CONFIG).moves) == moves


@pytest.mark.req("E-101")
def test_a_deposit_on_target_goes_by_weights():
    given_to = by_engine(deposit(2_000 * USDT, held(), DEFAULT))
    assert given_to == {"CORE": 1_200 * USDT, "TREND": 400 * USDT, "FUNDING": 300 * USDT, "TACTICAL": 100 * USDT}


@pytest.mark.req("E-101")
def test_a_deposit_goes_first_to_the_engine_that_lacks_most():
    given_to = deposit(2_000 * USDT, held(core=58_000, trend=21_000, funding=16_000), DEFAULT)
    assert given_to == {"CORE": 2_000 * USDT, "TREND-1": 0, "TREND-2": 0, "FUNDING": 0, "TACTICAL": 0}


@given(st.tuples(*[st.integers(0, 10**14)] * 5), st.integers(1, 10**13), st.sampled_from(sorted(WEIGHTS_BP)))
def test_nothing_is_made_and_nothing_is_lost(amounts, quanta, regime):
    equity = dict(zip(ACCOUNTS, amounts, strict=True))
    weights = WEIGHTS_BP[regime]
    given_to = deposit(quanta, equity, weights)
    assert sum(given_to.values()) == quanta and min(given_to.values()) >= 0
    plan = rebalance(equity, equity, weights, CONFIG)
    for account in ACCOUNTS:
        assert sum(move.quanta for move in plan.moves if move.source == account) <= equity[account]
    assert all(move.quanta > 0 and move.source != move.to for move in plan.moves)
