"""The risk manager: what it lets through, cuts and refuses, whatever an engine thinks."""

import pytest

from quintet.core.parameters import ParameterError
from quintet.systems.eternal.config import EternalConfig, RiskConfig
from quintet.systems.eternal.risk import (
    HALT,
    NORMAL,
    REDUCE,
    Account,
    Approved,
    Refused,
    RiskState,
    approve,
    assess,
    may_enter,
    resumed,
)
from quintet.systems.eternal.said import Order
from tests.unit.systems.eternal.builders import BTC, ETH, USDT, changed, quote

CONFIG = EternalConfig()


def account(equity, cash, free=None, **held):
    """Money in USDT, held coins by instrument (BTC_PERP for BTC-PERP)."""
    names = {name.replace("_", "-"): coins for name, coins in held.items()}
    quotes = {name: quote(BTC if name.startswith("BTC") else ETH, coins) for name, coins in names.items()}
    return Account(equity=equity * USDT, cash=cash * USDT, free=(cash if free is None else free) * USDT, quotes=quotes)


def portfolio(**other):
    """The running example, invested."""
    accounts = {
        "CORE": account(60_000, 0, BTC=40_000 / BTC, ETH=20_000 / ETH),
        "TREND-1": account(15_000, 15_000, BTC_PERP=0.0, ETH_PERP=0.0),
        "TREND-2": account(5_000, 5_000, BTC_PERP=0.0, ETH_PERP=0.0),
        "FUNDING": account(15_000, 15_000, BTC=0.0, BTC_PERP=0.0),
        "TACTICAL": account(5_000, 5_000, BTC=0.0, ETH=0.0),
    }
    return {**accounts, **{name.replace("_", "-"): value for name, value in other.items()}}


def order(instrument, side, coins, **fields):
    return Order(**{"instrument": instrument, "side": side, "lots": round(coins * 10_000), "style": "market",
                    "rule": "test", **fields})  # fmt: skip


def asked(wanted, name, accounts=None, state=None):
    return approve(wanted, name, accounts or portfolio(), state or RiskState(), CONFIG)


@pytest.mark.req("E-16")
@pytest.mark.parametrize("name", ["CORE", "TACTICAL"])
def test_a_perpetual_of_a_spot_engine_is_refused(name):
    seen = portfolio()
    seen[name] = account(60_000, 60_000, BTC_PERP=0.0)
    answer = asked(order("BTC-PERP", 1, 0.01), name, seen)
    assert isinstance(answer, Refused) and answer.limit == "spot_only"


@pytest.mark.req("E-29")
def test_spot_of_trend_is_refused():
    seen = portfolio(TREND_1=account(15_000, 15_000, BTC=0.0))
    assert asked(order("BTC", 1, 0.01), "TREND-1", seen).limit == "perpetuals_only"


@pytest.mark.req("E-02", "E-38", "E-39", "E-117")
def test_an_order_of_three_times_the_sub_account_is_cut_to_the_limits():
    answer = asked(order("BTC-PERP", 1, 0.75), "TREND-1")  # 45,000 on 15,000
    assert isinstance(answer, Approved)
    assert answer.order.lots * BTC * 100 <= 7_500 * USDT


@pytest.mark.req("E-44")
def test_what_would_bring_a_liquidation_within_half_is_cut():
    seen = portfolio(TREND_1=account(15_000, 15_000, BTC_PERP=0.0, ETH_PERP=28_000 / ETH))
    answer = asked(order("BTC-PERP", 1, 0.1), "TREND-1", seen)
    assert isinstance(answer, Approved)
    assert answer.order.lots * BTC * 100 + 28_000 * USDT <= 15_000 * USDT / 0.505


@pytest.mark.req("E-25")
def test_a_purchase_leaves_five_per_cent_of_the_portfolio_free():
    empty = {"TREND_1": account(0, 0), "TREND_2": account(0, 0), "FUNDING": account(0, 0), "TACTICAL": account(0, 0)}
    seen = portfolio(CORE=account(100_000, 5_400, BTC=0.5, ETH=10.0), **empty)
    answer = asked(order("ETH", 1, 1_000 / ETH), "CORE", seen)
    assert isinstance(answer, Approved)
    assert answer.order.lots == 400 * USDT // (ETH * 100)


@pytest.mark.req("E-25")
def test_tactical_alone_may_spend_the_buffer():
    empty = {"TREND_1": account(0, 0), "TREND_2": account(0, 0), "FUNDING": account(0, 0)}
    seen = portfolio(CORE=account(95_000, 0, BTC=1.0, ETH=10.0), **empty)
    wanted = order("BTC", 1, 2_500 / BTC)
    assert asked(wanted, "TACTICAL", seen) == Approved(order=wanted)


@pytest.mark.req("E-24")
def test_bitcoin_is_not_bought_beyond_its_cap():
    seen = portfolio(CORE=account(60_000, 10_000, BTC=45_200 / BTC, ETH=2.0))
    assert asked(order("BTC", 1, 0.01), "CORE", seen).limit == "asset_cap"


@pytest.mark.req("E-63")
def test_a_pair_is_cut_to_its_cap_and_its_hedge_is_not():
    wanted = order("BTC-PERP", -1, 0.05)
    answer = asked(wanted, "FUNDING")
    assert isinstance(answer, Approved) and answer.order.lots == 125
    hedge = order("BTC", 1, 0.05, rule="long leg")
    assert asked(hedge, "FUNDING") == Approved(order=hedge)


@pytest.mark.req("E-96", "E-97", "E-117")
@pytest.mark.parametrize(
    ("state", "refused"),
    [
        (RiskState(status=NORMAL), set()),
        (RiskState(status=REDUCE), {"TREND-1", "FUNDING"}),
        (RiskState(status=HALT), {"CORE", "TREND-1", "FUNDING", "TACTICAL"}),
        (RiskState(paused=frozenset({"TREND-1"})), {"TREND-1"}),
    ],
)
def test_new_risk_by_status(state, refused):
    instruments = {"CORE": "ETH", "TREND-1": "BTC-PERP", "FUNDING": "BTC-PERP", "TACTICAL": "BTC"}
    found = {
        name
        for name, instrument in instruments.items()
        if isinstance(asked(order(instrument, -1 if name == "FUNDING" else 1, 0.001), name, state=state), Refused)
    }
    assert found == refused
    assert {name for name in instruments if not may_enter(state, name)} == refused


@pytest.mark.req("E-96")
def test_exits_and_stops_pass_in_every_status():
    halted = RiskState(status=HALT)
    seen = portfolio(TREND_1=account(15_000, 15_000, BTC_PERP=0.1))
    for wanted, name in (
        (order("BTC-PERP", -1, 0.1, reduce_only=True), "TREND-1"),
        (order("BTC-PERP", -1, 0.1, style="stop", price=50_000), "TREND-1"),
        (order("BTC", -1, 0.5), "CORE"),
    ):
        assert asked(wanted, name, seen, halted) == Approved(order=wanted)
    assert isinstance(asked(order("BTC", -1, 5.0), "CORE", seen, halted), Refused)


@pytest.mark.req("E-117")
@pytest.mark.parametrize(
    ("core", "status", "kinds"),
    [(36_000, NORMAL, []), (35_000, REDUCE, ["status"]), (20_000, REDUCE, ["status", "deep_drawdown"])],
)
def test_the_drawdown_monitor(core, status, kinds):
    state, _ = assess(RiskState(), portfolio(), {}, CONFIG)
    assert state.high == 100_000 * USDT
    state, notes = assess(state, portfolio(CORE=account(core, 0, BTC=0.5)), {}, CONFIG)
    assert state.status == status and [note.kind for note in notes] == kinds


@pytest.mark.req("E-96", "E-117")
def test_a_restraint_ends_higher_than_it_begins_so_that_it_does_not_flap():
    state, said = RiskState(), []
    for core in (60_000, 35_000, 37_000, 35_000, 39_999, 40_001, 36_000, 20_000, 24_000, 20_000, 25_001, 20_000):
        state, notes = assess(state, portfolio(CORE=account(core, 0, BTC=0.5)), {}, CONFIG)
        said.append((state.status, *(note.kind for note in notes)))
    # 25 % below the high it begins, 20 % below it ends; a deep fall is told at 40 % and anew after 35 %
    assert said == [
        (NORMAL,), (REDUCE, "status"), (REDUCE,), (REDUCE,), (REDUCE,), (NORMAL, "status"), (NORMAL,),
        (REDUCE, "status", "deep_drawdown"), (REDUCE,), (REDUCE,), (REDUCE,), (REDUCE, "deep_drawdown"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["reduce", "alert"])
def test_a_restraint_that_would_end_below_its_beginning_is_refused(name):
    with pytest.raises(ParameterError, match=f"risk.{name}_until_frac"):
        RiskConfig(**{f"{name}_at_frac": -0.1})


@pytest.mark.req("E-117", "E-134")
@pytest.mark.parametrize(
    ("name", "equity", "paused"),
    [("TREND-1", 12_001, False), ("TREND-1", 12_000, True), ("FUNDING", 14_551, False), ("FUNDING", 14_550, True)],
)
def test_an_engine_that_has_lost_too_much_pauses_alone_until_a_person_resumes(name, equity, paused):
    state, _ = assess(RiskState(), portfolio(), {}, CONFIG)
    state, _ = assess(state, portfolio(**{name.replace("-", "_"): account(equity, equity)}), {}, CONFIG)
    assert state.paused == (frozenset({name}) if paused else frozenset())
    state = resumed(state, name)
    state, _ = assess(state, portfolio(**{name.replace("-", "_"): account(equity, equity)}), {}, CONFIG)
    assert state.paused == frozenset()


def test_money_that_comes_or_goes_is_neither_gain_nor_loss():
    state, _ = assess(RiskState(), portfolio(), {}, CONFIG)
    moved = portfolio(TREND_1=account(5_000, 5_000), CORE=account(70_000, 10_000, BTC=1.0))
    state, notes = assess(state, moved, {"TREND-1": -10_000 * USDT, "CORE": 10_000 * USDT}, CONFIG)
    assert notes == () and state.paused == frozenset()
    assert state.high == 100_000 * USDT and state.highs["TREND-1"] == 5_000 * USDT


def test_an_instrument_that_the_sub_account_does_not_have_is_refused():
    assert asked(order("SOL", 1, 1.0), "CORE").limit == "instrument"


def test_what_is_cut_to_less_than_an_order_is_refused():
    seen = portfolio(CORE=account(60_000, 10_000, BTC=45_000 / BTC - 0.0001, ETH=2.0))
    tiny = changed(
        seen["CORE"], quotes={**seen["CORE"].quotes, "BTC": changed(seen["CORE"].quotes["BTC"], min_lots=10)}
    )
    assert asked(order("BTC", 1, 0.01), "CORE", {**seen, "CORE": tiny}).limit == "asset_cap"


SHALLOW = changed(CONFIG, risk=changed(CONFIG.risk, participation_frac=0.01))
VOLUMES = {"BTC": 1_000_000, "BTC-PERP": 1_000_000}
"""A hundred coins a day, in lots of a ten-thousandth."""


def shallow(wanted, name, seen=None):
    return approve(wanted, name, seen or portfolio(), RiskState(), SHALLOW, VOLUMES)


@pytest.mark.req("E-131")
def test_core_buys_and_sells_no_more_in_a_day_than_its_part_of_the_market():
    rich = portfolio(CORE=account(100_000_000, 40_000_000, BTC=100.0, ETH=0.0))
    for side in (1, -1):
        answer = shallow(order("BTC", side, 50.0), "CORE", rich)
        assert (answer.limit, answer.order.lots) == ("participation", 10_000)
    small = order("BTC", -1, 0.5)
    assert shallow(small, "CORE") == Approved(order=small)


@pytest.mark.req("E-131")
def test_an_entry_is_smaller_and_what_closes_hedges_or_waits_for_a_crash_is_not():
    rich = {name: account(50_000_000, 50_000_000, BTC=900.0, BTC_PERP=100.0) for name in portfolio()}
    assert shallow(order("BTC-PERP", 1, 50.0), "TREND-1", rich).order.lots == 10_000
    for name, wanted in (
        ("TREND-1", order("BTC-PERP", -1, 50.0, reduce_only=True)),
        ("FUNDING", order("BTC", 1, 50.0, rule="long leg")),
        ("TACTICAL", order("BTC", 1, 50.0)),
    ):
        assert shallow(wanted, name, rich) == Approved(order=wanted)


def test_a_market_of_which_nobody_has_told_the_volume_cuts_nothing():
    rich = portfolio(CORE=account(100_000_000, 40_000_000, BTC=1_000.0, ETH=0.0))
    wanted = order("BTC", -1, 50.0)
    assert approve(wanted, "CORE", rich, RiskState(), SHALLOW) == Approved(order=wanted)
    assert approve(wanted, "CORE", rich, RiskState(), CONFIG, VOLUMES) == Approved(order=wanted)
