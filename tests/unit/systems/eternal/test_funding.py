"""FUNDING, sentence by sentence."""

import pytest

from quintet.core.errors import InvariantError
from quintet.systems.eternal.config import FundingConfig
from quintet.systems.eternal.funding import (
    MOVES,
    FundingAsset,
    FundingState,
    FundingView,
    Pair,
    basis_of,
    decide,
)
from quintet.systems.eternal.machine import moved
from tests.unit.systems.eternal.builders import COIN, DAY_NS, USDT, changed, kinds, quote

CONFIG = FundingConfig()
NOW = 1_700_000_000 * 1_000_000_000
UNIT = 10_000
"""Base quanta of one lot."""
READY = FundingState(pairs={asset: Pair(positives=2) for asset in ("BTC", "ETH", "SOL")})


def asset(price=60_000, long=0.0, short=0.0, perpetual=0, predicted=101_000, **fields):
    """A pair of legs, in coins; the perpetual costs what spot does unless it is told."""
    return FundingAsset(
        spot=quote(price, long, bid=price, ask=price),
        perpetual=quote(perpetual or price, -short, bid=perpetual or price, ask=perpetual or price),
        predicted_e9=predicted,
        **fields,
    )


def view(now=NOW, **assets):
    """FUNDING's 15,000 USDT."""
    return FundingView(now_ns=now, equity=15_000 * USDT, cash=14_000 * USDT, assets=assets)


def open_pair(coins=0.0125, since=NOW, **fields):
    """A state that collects on Bitcoin."""
    pair = Pair(phase="COLLECT", target=round(coins * COIN) * UNIT, since_ns=since, positives=5, **fields)
    return changed(READY, pairs={**READY.pairs, "BTC": pair})


def held(**fields):
    return asset(**{"long": 0.0125, "short": 0.0125, **fields})


def said(decision):
    return [(order.instrument, order.side, order.lots) for order in decision.orders]


CLOSED = [("BTC", -1, 125), ("BTC-PERP", 1, 125)]


@pytest.mark.req("E-50", "E-58", "E-63")
def test_a_pair_is_long_spot_and_short_the_same_of_the_perpetual():
    first = decide(READY, view(BTC=asset()), CONFIG)
    assert said(first) == [("BTC-PERP", -1, 125)]  # 750 USDT of 60,000
    second = decide(first.state, view(BTC=asset(short=0.0125)), CONFIG)
    assert said(second) == [("BTC", 1, 125)]
    third = decide(second.state, view(BTC=held()), CONFIG)
    assert said(third) == [] and third.state.of("BTC").phase == "COLLECT"
    assert {order.style for order in (*first.orders, *second.orders)} == {"market"}


@pytest.mark.req("E-50")
def test_a_fee_taken_in_coins_is_bought_on_top():
    seen = asset(short=0.0999)
    seen = changed(seen, spot=changed(seen.spot, fee_in_base=True, taker_fee_e9=1_000_000))
    state = changed(READY, pairs={"BTC": Pair(phase="ENTRY", target=999 * UNIT)})
    (order,) = decide(state, view(BTC=seen), CONFIG).orders
    assert order.lots == 1_000


@pytest.mark.req("E-50")
def test_legs_of_different_lots_meet_on_the_coarser_one():
    seen = asset()
    seen = changed(seen, perpetual=changed(seen.perpetual, base_quanta=100_000, quanta=1_000))
    decision = decide(READY, view(BTC=seen), CONFIG)
    assert decision.state.of("BTC").target == 1_200_000  # 0.012 of 0.0125 coins
    assert said(decision) == [("BTC-PERP", -1, 12)]


@pytest.mark.req("E-51")
@pytest.mark.parametrize(("rate", "enters"), [(100_000, False), (101_000, True), (None, False)])
def test_the_predicted_rate_must_be_above_a_hundredth_of_a_per_cent(rate, enters):
    assert bool(decide(READY, view(BTC=asset(predicted=rate)), CONFIG).orders) == enters


@pytest.mark.req("E-51")
def test_a_rate_of_four_hours_counts_twice():
    assert decide(READY, view(BTC=asset(predicted=51_000, hours=4)), CONFIG).orders
    assert not decide(READY, view(BTC=asset(predicted=50_000, hours=4)), CONFIG).orders


@pytest.mark.req("E-52")
@pytest.mark.parametrize(("rates", "enters"), [((30_000, 120_000), True), ((-10_000, 120_000), False)])
def test_two_positive_periods_come_before_an_entry(rates, enters):
    state = FundingState()
    for rate in rates:
        decision = decide(state, view(BTC=asset(settled_e9=rate)), CONFIG)
        state = decision.state
    assert bool(decision.orders) == enters


@pytest.mark.req("E-53")
@pytest.mark.parametrize(("perpetual", "enters"), [(102_000, False), (101_900, True)])
def test_the_perpetual_must_be_less_than_two_per_cent_above_spot(perpetual, enters):
    wide = changed(CONFIG, position_max_frac=0.5)
    decision = decide(READY, view(BTC=asset(price=100_000, perpetual=perpetual)), wide)
    assert bool(decision.orders) == enters


@pytest.mark.req("E-53")
def test_without_a_recorded_leg_nothing_is_entered_and_nothing_is_judged():
    alone = changed(asset(), perpetual=None)
    assert decide(READY, view(BTC=alone), CONFIG).orders == ()


@pytest.mark.req("E-54", "E-62")
@pytest.mark.parametrize(("after", "orders"), [(14 * DAY_NS - 1, []), (14 * DAY_NS, CLOSED)])
def test_a_pair_is_closed_after_fourteen_days(after, orders):
    decision = decide(open_pair(), view(now=NOW + after, BTC=held(settled_e9=150_000)), CONFIG)
    assert said(decision) == orders


@pytest.mark.req("E-55", "E-62")
@pytest.mark.parametrize("fields", [{"settled_e9": -10_000}, {"settled_e9": 5_000, "predicted": -1}])
def test_one_negative_period_closes_its_pair(fields):
    decision = decide(open_pair(), view(BTC=held(**fields)), CONFIG)
    assert said(decision) == CLOSED
    assert decision.state.of("BTC").phase == "EXIT"


@pytest.mark.req("E-56")
@pytest.mark.parametrize(("perpetual", "stays"), [(102_100, False), (102_000, True), (98_000, True), (97_900, False)])
def test_a_basis_beyond_two_per_cent_closes(perpetual, stays):
    decision = decide(open_pair(), view(BTC=held(price=100_000, perpetual=perpetual)), CONFIG)
    assert (said(decision) == []) == stays


@pytest.mark.req("E-59")
def test_basis_is_of_spot():
    assert basis_of(60_000, 60_600) == pytest.approx(0.01)


@pytest.mark.req("E-60", "E-61")
def test_half_of_every_payment_is_kept_and_half_goes_to_tactical():
    decision = decide(open_pair(), view(BTC=held(settled_e9=150_000, received=10 * USDT)), CONFIG)
    (transfer,) = decision.transfers
    assert (transfer.to, transfer.amount) == ("TACTICAL", 5 * USDT)
    assert (decision.state.compound, decision.state.given) == (5 * USDT, 5 * USDT)
    again = decide(decision.state, view(BTC=held(settled_e9=150_000, received=3)), CONFIG)
    assert again.state.compound + again.state.given == again.state.received == 10 * USDT + 3


@pytest.mark.req("E-60")
def test_what_is_paid_falls_on_the_engine_alone():
    decision = decide(open_pair(), view(BTC=held(settled_e9=-1, received=-2 * USDT)), CONFIG)
    assert decision.transfers == ()
    assert decision.state.received == -2 * USDT


@pytest.mark.req("E-60")
def test_earnings_are_invested_once_both_legs_can_take_them():
    grown = changed(view(BTC=held(settled_e9=150_000)), equity=15_100 * USDT)
    assert said(decide(open_pair(), grown, CONFIG)) == []
    grown = changed(grown, equity=15_240 * USDT)  # 5 % is 762: two lots more of each leg
    assert said(decide(open_pair(), grown, CONFIG)) == [("BTC-PERP", -1, 2)]


@pytest.mark.req("E-62")
def test_the_states_of_one_pair():
    with pytest.raises(InvariantError, match="from MONITOR to COLLECT, expected one to OPPORTUNITY"):
        moved(MOVES, "MONITOR", "COLLECT")
    state = decide(READY, view(BTC=asset()), CONFIG).state
    phases = [state.of("BTC").phase]
    for seen in (asset(short=0.0125), held(), held(settled_e9=-1), asset()):
        state = decide(state, view(BTC=seen), CONFIG).state
        phases.append(state.of("BTC").phase)
    assert phases == ["ENTRY", "ENTRY", "COLLECT", "EXIT", "MONITOR"]


@pytest.mark.req("E-63")
def test_each_asset_has_five_per_cent_of_the_engine():
    decision = decide(READY, view(BTC=asset(), ETH=asset(3_000), SOL=asset(100)), CONFIG)
    values = [order.lots * price * 100 for order, price in zip(decision.orders, (60_000, 3_000, 100), strict=True)]
    assert values == [750 * USDT] * 3


@pytest.mark.req("E-64")
def test_bitcoin_and_ether_have_priority():
    shown = changed(view(BTC=asset(), ETH=asset(3_000), SOL=asset(100)), cash=3_000 * USDT)
    assert [order.instrument for order in decide(READY, shown, CONFIG).orders] == ["BTC-PERP", "ETH-PERP"]


@pytest.mark.req("E-65")
def test_three_negative_periods_of_one_asset_close_all():
    state = changed(open_pair(), pairs={**open_pair().pairs, "SOL": Pair()})
    for n in range(3):
        shown = view(BTC=held(settled_e9=150_000), SOL=asset(100, settled_e9=-10_000, predicted=-1))
        decision = decide(state, shown, CONFIG)
        state = decision.state
        assert said(decision) == (CLOSED if n == 2 else [])
    # and entries wait for two positive periods of the asset
    for positive, orders in ((1, []), (2, [("BTC-PERP", -1, 125)])):
        decision = decide(state, view(BTC=asset(settled_e9=120_000)), CONFIG)
        state = decision.state
        if positive == 1:
            state = changed(state, pairs={"BTC": changed(state.of("BTC"), positives=1)})
        assert said(decision) == orders


@pytest.mark.req("E-66")
def test_an_insurance_fund_in_trouble_closes_all_and_tells_a_person():
    decision = decide(open_pair(), changed(view(BTC=held()), insurance_alarm=True), CONFIG)
    assert said(decision) == CLOSED
    assert any(note.alert for note in decision.notes)


@pytest.mark.req("E-67")
def test_a_fall_of_a_third_leaves_a_pair_where_it_was():
    before, after = held(price=60_000), held(price=40_000)
    worth = [seen.spot.value + seen.perpetual.value for seen in (before, after)]
    assert worth == [0, 0]


@pytest.mark.req("E-58")
def test_a_second_leg_that_is_refused_three_times_undoes_the_first():
    state = decide(READY, view(BTC=asset()), CONFIG).state
    asked = []
    for n in range(4):
        decision = decide(state, view(BTC=asset(short=0.0125, refused=n > 0)), CONFIG)
        state = decision.state
        asked.append(said(decision))
    assert asked == [[("BTC", 1, 125)]] * 3 + [[("BTC-PERP", 1, 125)]]
    assert "undone" in kinds(decision)
    assert decide(state, view(BTC=asset(predicted=0)), CONFIG).state.of("BTC").phase == "MONITOR"


@pytest.mark.req("E-58")
def test_a_leg_that_stands_alone_for_more_than_three_seconds_is_undone():
    state = decide(READY, view(BTC=asset()), CONFIG).state
    state = decide(state, view(BTC=asset(short=0.0125)), CONFIG).state
    at_bound = decide(state, view(now=NOW + 3_000_000_000, BTC=asset(short=0.0125)), CONFIG)
    beyond = decide(state, view(now=NOW + 3_000_000_001, BTC=asset(short=0.0125)), CONFIG)
    assert said(at_bound) == [("BTC", 1, 125)]
    assert said(beyond) == [("BTC-PERP", 1, 125)]


@pytest.mark.req("E-58")
@pytest.mark.parametrize(("seen", "orders"), [
    (asset(long=0.0125, predicted=None), [("BTC", -1, 125)]),
    (asset(short=0.0125, predicted=None), [("BTC-PERP", 1, 125)]),
    (asset(predicted=None), []),
])  # fmt: skip
def test_a_leg_that_is_filled_after_its_pair_was_undone_is_closed(seen, orders):
    # given a pair that is over, when an order that nobody knew of any more is filled after all
    decision = decide(READY, view(BTC=seen), CONFIG)
    # then the stray leg is closed, and a person is told
    assert said(decision) == orders
    assert ("stray" in kinds(decision)) == bool(orders)


@pytest.mark.req("E-58")
def test_a_first_leg_that_is_refused_is_no_pair_and_one_that_is_cut_is_a_smaller_pair():
    state = decide(READY, view(BTC=asset()), CONFIG).state
    nothing = decide(state, view(BTC=asset(refused=True)), CONFIG)
    assert said(nothing) == [] and nothing.state.of("BTC").phase == "UNDO"
    less = decide(state, view(BTC=asset(short=0.01, refused=True)), CONFIG)
    assert said(less) == [("BTC", 1, 100)]


@pytest.mark.req("E-50")
def test_a_delta_of_more_than_one_per_cent_is_hedged():
    more = asset(long=0.0127, short=0.0125)
    assert said(decide(open_pair(), view(BTC=more), CONFIG)) == [("BTC", -1, 2)]
    within = asset(long=0.0126, short=0.0125)
    assert said(decide(open_pair(), view(BTC=within), CONFIG)) == []


def test_where_no_new_risk_is_allowed_pairs_still_close():
    assert decide(READY, changed(view(BTC=asset()), may_enter=False), CONFIG).orders == ()
    closing = changed(view(BTC=held(settled_e9=-1)), may_enter=False)
    assert said(decide(open_pair(), closing, CONFIG)) == CLOSED


def test_the_option_asks_for_income_beyond_the_fees():
    dear = asset(predicted=101_000)
    dear = changed(
        dear, spot=changed(dear.spot, taker_fee_e9=1_000_000), perpetual=changed(dear.perpetual, taker_fee_e9=550_000)
    )
    asks = changed(CONFIG, round_trip_multiple=1.5)
    assert decide(READY, view(BTC=dear), CONFIG).orders
    assert not decide(READY, view(BTC=dear), asks).orders
    assert decide(READY, view(BTC=changed(dear, predicted_e9=111_000)), asks).orders
