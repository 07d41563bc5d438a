"""A day of the whole: its order, its containment, its money."""

import msgspec
import pytest

from quintet.systems.eternal import cycle
from quintet.systems.eternal.config import ACCOUNTS, CoreConfig, EternalConfig
from quintet.systems.eternal.core_hodl import CoreState
from quintet.systems.eternal.cycle import STAGES, run_cycle, run_settlement
from quintet.systems.eternal.dates import day_of
from quintet.systems.eternal.portfolio import Day, Portfolio
from quintet.systems.eternal.risk import Account, RiskState
from quintet.systems.eternal.said import Note
from quintet.systems.eternal.tactical import TacticalState
from quintet.systems.eternal.trend import TrendMarket, TrendState
from tests.unit.systems.eternal.builders import BTC, DAY_NS, ETH, USDT, changed, picture, quote

CONFIG = EternalConfig()
DAY = day_of(2024, 2, 10)
HOLDING = Portfolio(
    core=CoreState(phase="ACCUMULATION", tranches=12), tactical=TacticalState(high=61_000, history=5_000)
)
STRONG = picture(BTC, adx=30.0)


def account(equity, cash, **held):
    quotes = {name.replace("_", "-"): quote(BTC if "BTC" in name else ETH, coins) for name, coins in held.items()}
    return Account(equity=equity * USDT, cash=cash * USDT, free=cash * USDT, quotes=quotes)


def accounts(**other):
    """The running example, invested."""
    known = {
        "CORE": account(60_000, 0, BTC=40_000 / BTC, ETH=20_000 / ETH),
        "TREND-1": account(15_000, 15_000, BTC_PERP=0.0, ETH_PERP=0.0),
        "TREND-2": account(5_000, 5_000, BTC_PERP=0.0, ETH_PERP=0.0),
        "FUNDING": account(15_000, 15_000, BTC=0.0, BTC_PERP=0.0),
        "TACTICAL": account(5_000, 5_000, BTC=0.0, ETH=0.0),
    }
    return {**known, **{name.replace("_", "-"): value for name, value in other.items()}}


def a_day(day=DAY, **fields):
    """A calm day; both TREND sub-accounts see Bitcoin in a strong trend."""
    pictures = {"BTC": picture(BTC), "ETH": picture(ETH, drawdown=-0.2)}
    known = {
        "accounts": accounts(),
        "pictures": pictures,
        "trend_pictures": {name: {"BTC-PERP": STRONG} for name in ("TREND-1", "TREND-2")},
        "btc_high": BTC,
    }
    return Day(**{**known, "day": day, "now_ns": (day + 1) * DAY_NS + 300_000_000_000, **fields})


def kinds(outcome, account=None):
    return [said.note.kind for said in outcome.log if account is None or said.account == account]


def failing(portfolio, day, config):
    raise ZeroDivisionError("a fault of its own")


def with_failing(monkeypatch, *names):
    engines = tuple((name, failing if name in names else decide) for name, decide in cycle.ENGINES)
    monkeypatch.setattr(cycle, "ENGINES", engines)


@pytest.mark.req("E-95")
def test_a_day_has_five_stages_in_this_order():
    assert [name for name, _ in STAGES] == ["data", "risk", "engines", "capital", "log"]
    shown = a_day(problems=("a bad bar",), deposit=100 * USDT)
    portfolio = changed(HOLDING, risk=RiskState(is_halted=True))
    stages = [said.stage for said in run_cycle(portfolio, shown, CONFIG).log]
    assert list(dict.fromkeys(stages)) == ["data", "risk", "engines", "capital", "log"]
    assert stages == sorted(stages, key=["data", "risk", "engines", "capital", "log"].index)


@pytest.mark.req("E-05")
def test_every_day_has_a_heartbeat_even_without_a_trade():
    outcome = run_cycle(HOLDING, a_day(trend_pictures={}), CONFIG)
    assert not any(outcome.orders.values())
    assert kinds(outcome) == ["heartbeat"]


@pytest.mark.req("E-03")
def test_the_same_day_twice_says_the_same():
    shown = a_day(deposit=500 * USDT)
    assert run_cycle(HOLDING, shown, CONFIG) == run_cycle(HOLDING, shown, CONFIG)


@pytest.mark.req("E-01", "E-98")
@pytest.mark.parametrize("broken", list(ACCOUNTS))
def test_an_engine_that_fails_stops_no_other(monkeypatch, broken):
    healthy = run_cycle(HOLDING, a_day(), CONFIG)
    with_failing(monkeypatch, broken)
    outcome = run_cycle(HOLDING, a_day(), CONFIG)
    assert outcome.portfolio.failed == {broken: "ZeroDivisionError: a fault of its own"}
    for name in ACCOUNTS:
        assert outcome.orders[name] == (None if name == broken else healthy.orders[name])
    alerts = [said for said in outcome.log if said.note.alert]
    assert [(said.account, said.note.kind) for said in alerts] == [(broken, "engine_failed")]


@pytest.mark.req("E-01")
def test_of_three_that_fail_one_goes_on(monkeypatch):
    with_failing(monkeypatch, "CORE", "FUNDING", "TACTICAL")
    outcome = run_cycle(HOLDING, a_day(), CONFIG)
    assert [order.instrument for order in outcome.orders["TREND-1"]] == ["BTC-PERP"]


@pytest.mark.req("E-01")
def test_a_failed_engine_is_restarted_from_its_last_good_state(monkeypatch):
    with monkeypatch.context() as patched:
        with_failing(patched, "CORE")
        failed = run_cycle(HOLDING, a_day(), CONFIG).portfolio
    assert failed.core == HOLDING.core
    silent = run_cycle(failed, a_day(DAY + 1), CONFIG)
    assert silent.orders["CORE"] is None and silent.portfolio.failed
    again = run_cycle(failed, a_day(DAY + 1, operator=(("restart", "CORE"),)), CONFIG)
    assert again.orders["CORE"] == () and not again.portfolio.failed


@pytest.mark.req("E-01")
@pytest.mark.parametrize("gone", list(ACCOUNTS))
def test_each_engine_can_be_taken_away(gone):
    uncapped = changed(CONFIG, core=CoreConfig(asset_cap_frac=1.0))  # what is left is another portfolio
    whole = run_cycle(HOLDING, a_day(), uncapped)
    rest = {name: seen for name, seen in accounts().items() if name != gone}
    outcome = run_cycle(HOLDING, a_day(accounts=rest), uncapped)
    assert set(outcome.orders) == set(rest)
    for name in rest:
        assert [o.instrument for o in outcome.orders[name]] == [o.instrument for o in whole.orders[name]]


@pytest.mark.req("E-97")
def test_a_signal_that_is_refused_is_no_order_and_is_written_down():
    outcome = run_cycle(changed(HOLDING, risk=RiskState(paused=frozenset({"TREND-2"}))), a_day(), CONFIG)
    assert outcome.orders["TREND-2"] == ()
    assert "no_trade" in kinds(outcome, "TREND-2")


@pytest.mark.req("E-96")
def test_a_halt_closes_what_has_to_be_closed_and_opens_nothing():
    old = TrendMarket(phase="IN_POSITION", side=1, entry=50_000, atr=1_000.0, best=50_000, entered=DAY - 30)
    portfolio = changed(HOLDING, trend_1=TrendState(markets={"BTC-PERP": old}))
    seen = accounts(TREND_1=account(15_000, 15_000, BTC_PERP=0.05, ETH_PERP=0.0))
    outcome = run_cycle(portfolio, a_day(accounts=seen, operator=(("halt", ""),)), CONFIG)
    assert [(order.side, order.reduce_only) for order in outcome.orders["TREND-1"]] == [(-1, True)]
    assert not outcome.orders["TREND-2"]
    assert run_cycle(outcome.portfolio, a_day(DAY + 1, operator=(("resume", ""),)), CONFIG).orders["TREND-2"]


@pytest.mark.req("E-99", "E-100")
def test_an_overgrown_trend_is_harvested_and_the_log_says_so():
    seen = accounts(
        CORE=account(50_000, 0, BTC=33_333 / BTC, ETH=16_667 / ETH),
        TREND_1=account(22_500, 22_500, BTC_PERP=0.0, ETH_PERP=0.0),
        TREND_2=account(7_500, 7_500, BTC_PERP=0.0, ETH_PERP=0.0),
    )
    outcome = run_cycle(HOLDING, a_day(accounts=seen), CONFIG)
    assert "volatility_harvest" in kinds(outcome)
    assert sum(move.quanta for move in outcome.moves) == 10_000 * USDT
    assert sum(outcome.portfolio.flows.values()) == 0
    assert outcome.portfolio.transfers == len(outcome.moves)


@pytest.mark.req("E-101")
def test_a_deposit_is_distributed_and_remembered_as_a_flow():
    outcome = run_cycle(HOLDING, a_day(deposit=2_000 * USDT), CONFIG)
    assert sum(outcome.deposit.values()) == 2_000 * USDT
    assert outcome.portfolio.flows == outcome.deposit
    assert outcome.portfolio.deposited == 2_000 * USDT


@pytest.mark.req("E-27")
def test_trouble_with_withdrawals_halts_core_and_a_person_resumes_it():
    halted = run_cycle(HOLDING, a_day(withdrawals_open=False), CONFIG).portfolio
    assert halted.core.halted
    resumed = run_cycle(halted, a_day(DAY + 1, operator=(("resume", "CORE"),)), CONFIG).portfolio
    assert not resumed.core.halted


@pytest.mark.req("E-105")
def test_a_day_without_a_price_of_bitcoin_is_no_data_and_nobody_fails():
    outcome = run_cycle(HOLDING, a_day(pictures={}, trend_pictures={}, problems=("BTC, day 5: a bad bar",)), CONFIG)
    assert kinds(outcome)[:2] == ["refused_data", "no_data"]
    assert outcome.orders["TACTICAL"] is None and not outcome.portfolio.failed


@pytest.mark.req("E-60", "E-61")
def test_between_two_cycles_funding_settles_alone():
    shown = a_day(settled={"BTC-PERP": 150_000}, predicted={"BTC-PERP": 150_000}, funding_received={"BTC-PERP": 10})
    outcome = run_settlement(HOLDING, shown, CONFIG)
    assert set(outcome.orders) == {"FUNDING"}
    ((source, transfer),) = outcome.transfers
    assert (source, transfer.to, transfer.amount) == ("FUNDING", "TACTICAL", 5)
    assert outcome.portfolio.flows == {"FUNDING": -5, "TACTICAL": 5}
    assert outcome.portfolio.cycles == HOLDING.cycles


@pytest.mark.req("E-136")
def test_what_is_remembered_does_not_grow_with_time():
    portfolio, sizes = HOLDING, []
    for n in range(800):
        shown = a_day(DAY + n, rates={"BTC-PERP": (150_000, 90_000, 120_000)}, fear_greed=50)
        portfolio = run_cycle(portfolio, shown, CONFIG).portfolio
        sizes.append(len(msgspec.json.encode(portfolio)))
    assert max(sizes[400:]) <= max(sizes[:400]) + 40  # numbers get longer, nothing gets more


def test_a_note_is_a_value():
    assert Note(kind="a") == Note(kind="a", values={})


@pytest.mark.req("E-07")
def test_a_day_on_which_the_venue_shows_no_account_leaves_the_state_of_a_rebalance_as_it_was():
    # given Bitcoin so heavy that CORE sells, and the venue gone on the day after
    heavy = accounts(CORE=account(75_000, 0, BTC=55_000 / BTC, ETH=20_000 / ETH))
    begun = run_cycle(HOLDING, a_day(accounts=heavy), CONFIG)
    assert begun.portfolio.core.phase == "REBALANCE" and begun.orders["CORE"]
    gone = run_cycle(begun.portfolio, a_day(DAY + 1, accounts={}), CONFIG)
    # then nothing is ordered or moved, and no engine, high or regime has forgotten anything
    assert not any(gone.orders.values()) and not gone.transfers and not gone.moves
    for name in ("core", "trend_1", "trend_2", "funding", "tactical", "failed"):
        assert getattr(gone.portfolio, name) == getattr(begun.portfolio, name), name
    assert gone.portfolio.risk.highs == begun.portfolio.risk.highs
    assert gone.portfolio.risk.status == begun.portfolio.risk.status
    # and on its return the rebalance goes on where it stood, once
    back = run_cycle(gone.portfolio, a_day(DAY + 2, accounts=heavy), CONFIG)
    assert back.portfolio.core.began == begun.portfolio.core.began
    assert [order.instrument for order in back.orders["CORE"] or ()] == [o.instrument for o in begun.orders["CORE"]]


@pytest.mark.req("E-07", "E-134")
def test_one_sub_account_that_cannot_be_seen_is_no_loss_of_the_portfolio():
    before = run_cycle(HOLDING, a_day(), CONFIG)
    seen = {name: one for name, one in accounts().items() if name != "CORE"}
    after = run_cycle(before.portfolio, a_day(DAY + 1, accounts=seen), CONFIG)
    assert after.portfolio.risk.status == "NORMAL" and after.portfolio.risk.high == before.portfolio.risk.high
    assert "CORE" not in after.orders and after.moves == ()
