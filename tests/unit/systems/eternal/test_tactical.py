"""TACTICAL, sentence by sentence."""

import pytest

from quintet.core.errors import InvariantError
from quintet.systems.eternal.config import TacticalConfig
from quintet.systems.eternal.dates import a_year_after, day_of
from quintet.systems.eternal.machine import moved
from quintet.systems.eternal.tactical import (
    MOVES,
    Deployment,
    TacticalState,
    TacticalView,
    decide,
    drawdown_of,
    on_fill,
    seeded,
)
from tests.unit.systems.eternal.builders import COIN, USDT, changed, kinds, quote

CONFIG = TacticalConfig()
DAY = day_of(2024, 3, 1)
HIGH = 70_000
WAITING = TacticalState(high=HIGH, history=5_000)


def view(close=60_000, day=DAY, cash=5_000, **fields):
    """A day of Bitcoin; Ether is a twentieth of it."""
    quotes = {"BTC": quote(close, bid=close, ask=close), "ETH": quote(close // 20, bid=close // 20, ask=close // 20)}
    known = {"quotes": quotes, "btc_high": close, "btc_close": close}
    return TacticalView(**{**known, "day": day, "cash": cash * USDT, **fields})


def spent(decision, close=60_000):
    """Money of its orders by asset, in USDT, to the lot below."""
    prices = {"BTC": close, "ETH": close // 20}
    return {order.instrument: order.lots * prices[order.instrument] * 100 / USDT for order in decision.orders}


def filled(state, close):
    """All that is wanted has been bought at `close`."""
    for asset, lots in dict(state.deployments[-1].wanted).items():
        price = close if asset == "BTC" else close // 20
        state = on_fill(state, asset, lots, lots, lots * price * 100)
    return state


def deployed(close=35_000, day=DAY):
    """After the first level's purchase."""
    return filled(decide(WAITING, view(close, day), CONFIG).state, close)


@pytest.mark.req("E-68", "E-84")
def test_a_year_without_a_trigger_is_a_year_without_an_order():
    state = WAITING
    for day in range(DAY, DAY + 365):
        decision = decide(state, view(day=day, fear_greed=50, volatility=0.5), CONFIG)
        state = decision.state
        assert decision.orders == ()
    assert state.phase == "WATCH"


@pytest.mark.req("E-69", "E-75", "E-81")
@pytest.mark.parametrize(("close", "amount"), [(35_001, 0), (35_000, 2_500)])
def test_half_of_the_cash_is_deployed_fifty_per_cent_below_the_high(close, amount):
    found = spent(decide(WAITING, view(close), CONFIG), close)
    assert sum(found.values()) == pytest.approx(amount, abs=4)
    if amount:
        assert found["BTC"] == pytest.approx(2_000, abs=3.5) and found["ETH"] == pytest.approx(500, abs=0.2)


@pytest.mark.req("E-70")
def test_the_other_half_is_deployed_seventy_per_cent_below():
    decision = decide(deployed(), view(21_000, DAY + 40, cash=2_500), CONFIG)
    assert sum(spent(decision, 21_000).values()) == pytest.approx(2_500, abs=3)
    assert decision.state.level_2


@pytest.mark.req("E-71", "E-72")
@pytest.mark.parametrize(("value", "amount"), [(20, 0), (19, 1_250), (None, 0)])
def test_extreme_fear_of_two_days_deploys_a_quarter(value, amount):
    first = decide(WAITING, view(45_000, fear_greed=value), CONFIG)
    assert first.orders == ()
    second = decide(first.state, view(45_000, DAY + 1, fear_greed=value), CONFIG)
    assert sum(spent(second, 45_000).values()) == pytest.approx(amount, abs=5)


@pytest.mark.req("E-71")
def test_fear_near_the_high_is_no_trigger():
    state = changed(WAITING, fearful=5)
    assert decide(state, view(50_000, fear_greed=10), CONFIG).orders == ()  # -28.6 %
    assert decide(state, view(49_000, fear_greed=10), CONFIG).orders  # -30 %


@pytest.mark.req("E-72", "E-85")
def test_soft_triggers_use_a_quarter_of_the_campaign_and_the_levels_share_the_rest():
    state = changed(WAITING, fearful=1)
    decision = decide(state, view(45_000, fear_greed=10), CONFIG)
    state = filled(decision.state, 45_000)
    again = decide(state, view(45_000, DAY + 40, cash=3_750, fear_greed=10), CONFIG)
    assert again.orders == ()
    level = decide(again.state, view(35_000, DAY + 41, cash=3_750), CONFIG)
    assert sum(spent(level, 35_000).values()) == pytest.approx(1_875, abs=4)
    last = decide(filled(level.state, 35_000), view(21_000, DAY + 80, cash=1_875), CONFIG)
    assert sum(spent(last, 21_000).values()) == pytest.approx(1_875, abs=3)


@pytest.mark.req("E-73")
@pytest.mark.parametrize(
    ("days", "orders"),
    [
        ([(-600_000,) * 3] * 3, True),
        ([(-600_000,) * 3, (-600_000,) * 3, (-600_000,) * 2], False),
        ([(-600_000,) * 3, (-600_000, -500_000, -600_000), (-600_000,) * 3], False),
        ([(-600_000,) * 3, None, (-600_000,) * 3, (-600_000,) * 3], False),
    ],
)
def test_three_days_of_deeply_negative_funding_are_a_trigger(days, orders):
    state = WAITING
    for n, rates in enumerate(days):
        facts = {"rates": rates or (), "has_rates": rates is not None}
        decision = decide(state, view(45_000, DAY + n, **facts), CONFIG)
        state = decision.state
    assert bool(decision.orders) == orders


@pytest.mark.req("E-74")
@pytest.mark.parametrize(
    ("facts", "orders"),
    [
        ({"volatility_index": 80.0, "volatility": 2.0}, False),
        ({"volatility_index": 80.1}, True),
        ({"volatility": 0.801}, True),
        ({"volatility": 0.8}, False),
        ({}, False),
    ],
)
def test_an_index_above_eighty_is_a_trigger_and_realised_volatility_stands_for_it(facts, orders):
    state = decide(WAITING, view(45_000, **facts), CONFIG).state
    assert bool(decide(state, view(45_000, DAY + 1, **facts), CONFIG).orders) == orders


@pytest.mark.req("E-76")
def test_both_orders_are_at_market_in_the_same_cycle():
    orders = decide(WAITING, view(35_000), CONFIG).orders
    assert [(order.instrument, order.style) for order in orders] == [("BTC", "market"), ("ETH", "market")]


@pytest.mark.req("E-77", "E-79")
def test_at_twice_its_cost_a_deployment_goes_to_core_in_kind():
    state = changed(deployed(), deployments=(changed(deployed().deployments[0], is_partly_out=True),))
    assert decide(state, view(69_900, DAY + 10), CONFIG).transfers == ()
    decision = decide(state, view(70_000, DAY + 10), CONFIG)
    out = {transfer.asset: transfer.amount for transfer in decision.transfers}
    assert out == dict(state.deployments[0].lots)
    assert {transfer.to for transfer in decision.transfers} == {"CORE"}
    assert decision.orders == () and decision.state.deployments == ()


@pytest.mark.req("E-78")
@pytest.mark.parametrize(("day", "leaves"), [(day_of(2025, 2, 28), False), (day_of(2025, 3, 1), True)])
def test_after_twelve_months_a_deployment_leaves_at_any_price(day, leaves):
    assert bool(decide(deployed(), view(30_000, day), CONFIG).transfers) == leaves


@pytest.mark.req("E-78")
def test_a_year_after_a_leap_day_is_the_twenty_eighth():
    assert a_year_after(day_of(2024, 2, 29)) == day_of(2025, 2, 28)
    assert a_year_after(day_of(2023, 1, 10)) == day_of(2024, 1, 10)


@pytest.mark.req("E-80")
def test_a_new_high_lets_the_levels_deploy_again():
    state = changed(deployed(), deployments=())
    assert decide(state, view(35_000, DAY + 60), CONFIG).orders == ()
    state = decide(state, view(70_001, DAY + 61), CONFIG).state
    assert not state.level_1
    assert decide(state, view(35_000, DAY + 62), CONFIG).orders


@pytest.mark.req("E-80")
def test_a_wick_above_the_high_is_no_new_high():
    state = decide(changed(deployed(), deployments=()), view(69_000, DAY + 60, btc_high=71_000), CONFIG).state
    assert state.level_1 and state.high == 71_000


@pytest.mark.req("E-81")
def test_drawdown_is_of_the_high():
    assert drawdown_of(35_000, 70_000) == -0.5
    assert drawdown_of(35_000, 0) == 0.0


@pytest.mark.req("E-82")
def test_a_deployment_is_written_down_with_amount_and_split():
    (note,) = decide(WAITING, view(35_000), CONFIG).notes
    assert note.values["quanta"] == 2_500 * USDT
    assert (note.values["BTC"], note.values["ETH"]) == (2_000 * USDT, 500 * USDT)


@pytest.mark.req("E-83")
def test_the_states_of_one_campaign():
    state = WAITING
    phases = [state.phase]
    for day, close in ((DAY, 60_000), (DAY + 1, 35_000), (DAY + 2, 36_000), (DAY + 400, 36_000)):
        state = decide(state, view(close, day), CONFIG).state
        if state.deployments and state.deployments[-1].wanted:
            state = filled(state, close)
        phases.append(state.phase)
    assert phases == ["CASH", "WATCH", "DEPLOY", "WATCH", "CASH"]
    with pytest.raises(InvariantError, match="from CASH to DEPLOY, expected one to WATCH"):
        moved(MOVES, "CASH", "DEPLOY")


@pytest.mark.req("E-85")
def test_a_crash_through_both_levels_in_a_day_deploys_half_and_the_rest_a_month_later():
    first = decide(WAITING, view(17_500), CONFIG)
    assert sum(spent(first, 17_500).values()) == pytest.approx(2_500, abs=2)
    state = filled(first.state, 17_500)
    next_day = decide(state, view(17_500, DAY + 1, cash=2_500), CONFIG)
    assert next_day.orders == () and kinds(next_day) == ["waits"]
    assert decide(next_day.state, view(17_500, DAY + 30, cash=2_500), CONFIG).state.level_2


@pytest.mark.req("E-86")
@pytest.mark.parametrize(("day", "orders"), [(day_of(2024, 3, 30), False), (day_of(2024, 3, 31), True)])
def test_thirty_days_lie_between_two_deployments(day, orders):
    assert bool(decide(deployed(), view(21_000, day, cash=2_500), CONFIG).orders) == orders


@pytest.mark.req("E-87")
@pytest.mark.parametrize(("day", "parts"), [(DAY + 60, 3), (DAY + 91, 0)])
def test_a_third_leaves_once_when_half_is_gained_within_ninety_days(day, parts):
    state = deployed()
    lots = dict(state.deployments[0].lots)
    decision = decide(state, view(52_500, day), CONFIG)
    out = {transfer.asset: transfer.amount for transfer in decision.transfers}
    assert out == ({asset: count // 3 for asset, count in lots.items()} if parts else {})
    if parts:
        worth = out["BTC"] * 52_500 * 100 + out["ETH"] * 2_625 * 100
        assert worth == pytest.approx(1_250 * USDT, rel=3e-3)
        assert decide(decision.state, view(52_500, day + 1), CONFIG).transfers == ()


@pytest.mark.req("E-88")
def test_a_further_fall_of_thirty_per_cent_is_held():
    decision = decide(deployed(), view(24_500, DAY + 40), CONFIG)
    assert decision.orders == () and decision.transfers == ()


@pytest.mark.req("E-89")
def test_what_the_venue_did_not_take_is_tried_again_and_never_more_than_that():
    state = decide(WAITING, view(35_000), CONFIG).state
    wanted = dict(state.deployments[0].wanted)
    state = on_fill(state, "BTC", 100, 100, 350 * USDT)
    again = decide(state, view(35_000, DAY + 1, cash=4_650), CONFIG)
    assert {order.instrument: order.lots for order in again.orders} == {**wanted, "BTC": wanted["BTC"] - 100}
    last = decide(again.state, view(35_000, DAY + 2, cash=4_650), CONFIG)
    assert last.orders == again.orders
    over = decide(last.state, view(35_000, DAY + 3, cash=4_650), CONFIG)
    assert kinds(over) == ["given_up"] and over.orders == ()


@pytest.mark.req("E-80", "E-81")
def test_without_a_cycle_of_history_nothing_triggers_and_a_known_high_is_believed():
    assert decide(TacticalState(), view(20_000), CONFIG).orders == ()
    known = seeded(TacticalState(), 69_000, 1_461)
    assert decide(known, view(20_000), CONFIG).orders


def test_money_that_flows_into_a_campaign_is_divided_too():
    state = decide(deployed(), view(36_000, DAY + 1, cash=3_500, inflow=1_000 * USDT), CONFIG).state
    decision = decide(state, view(21_000, DAY + 40, cash=3_500), CONFIG)
    assert sum(spent(decision, 21_000).values()) == pytest.approx(3_000, abs=3)


def test_a_fee_in_coins_is_not_part_of_what_can_leave():
    state = decide(WAITING, view(35_000), CONFIG).state
    state = on_fill(state, "BTC", 571, 570, 1_998 * USDT)
    assert state.deployments[0].lots["BTC"] == 0.057 * COIN
    assert "BTC" not in state.deployments[0].wanted
    assert isinstance(state.deployments[0], Deployment)
