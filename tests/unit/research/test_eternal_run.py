"""The eternal engine on the house: what reaches it, what it does there, and that no future reaches back."""

import msgspec
import numpy as np
import pytest

from quintet.core import state as s
from quintet.research.eternal_figures import curves, figures_of, in_periods
from quintet.research.eternal_generated import generated_market
from quintet.research.eternal_report import Study
from quintet.research.eternal_run import prepared, run_eternal
from quintet.research.sub_accounts import total_of
from quintet.systems.eternal import EternalConfig, cycle
from quintet.systems.eternal.config import CoreConfig, FundingConfig, TacticalConfig, TrendConfig
from quintet.systems.eternal.dates import day_of
from tests.eternal_market import BTC, BTC_PERP, DAY_NS, ETH, ETH_PERP, PERIOD_NS, USDT, bars, market, tape

FIRST = 19_000
DAYS = 40
CAPITAL = 100_000 * USDT

QUICK = EternalConfig(
    core=CoreConfig(tranches=3, tranche_days=2),
    trend_1=TrendConfig(fast_days=3, slow_days=6, adx_days=3, atr_days=3),
    trend_2=TrendConfig(fast_days=4, slow_days=8, adx_days=3, atr_days=3),
    funding=FundingConfig(assets=("BTC", "ETH")),
)
"""Short averages, so that a month has trends."""


def wave(low, high, days=DAYS, rising=20):
    """Up for some days, then down."""
    up = np.linspace(low, high, rising + 1)
    down = np.linspace(high, low, days - rising + 1)[1:]
    return [round(float(price)) for price in (*up, *down)]


def markets(rate=120_000, days=DAYS, bend=None):
    btc, eth = wave(30_000, 60_000, days), wave(20_000, 30_000, days)
    if bend is not None:
        btc = [price if n <= bend else price // 2 + n for n, price in enumerate(btc)]
    return [
        market(BTC, FIRST, btc),
        market(ETH, FIRST, eth),
        market(BTC_PERP, FIRST, btc, rate),
        market(ETH_PERP, FIRST, eth, rate),
    ]


def ran(made=None, days=DAYS - 1, config=QUICK, **asked):
    return run_eternal(
        prepared(tape(markets()) if made is None else made), config, capital_quanta=CAPITAL, first_day=FIRST,
        last_day=FIRST + days - 1, **asked,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run():
    return ran()


def notes(run, kind):
    return [(day, said) for day, said in run.log if said.note.kind == kind]


def test_every_engine_traded_and_every_book_balances(run):
    assert run.portfolio.failed == {}
    assert run.imbalance == 0
    fills = {name: len(np.concatenate(account.kept.parts["fills"])) for name, account in run.accounts.items()}
    assert all(fills[name] > 0 for name in ("CORE", "TREND-1", "TREND-2", "FUNDING"))
    assert -total_of(run.accounts, "USDT", s.CAPITAL_BOOK) == CAPITAL
    assert len(run.marks) == DAYS - 1 and run.portfolio.cycles == DAYS - 1


@pytest.mark.req("E-03")
def test_the_same_tape_twice_gives_the_same_commands(run):
    again = ran()
    assert again.command_hashes == run.command_hashes
    assert again.marks == run.marks and again.log == run.log


def test_another_future_changes_nothing_before_it(run):
    bent = ran(tape(markets(bend=25)))
    known = 24
    assert bent.marks[:known] == run.marks[:known]
    assert bent.marks[-1] != run.marks[-1]
    before = [line for line in bent.log if line[0] < FIRST + known]
    assert before == [line for line in run.log if line[0] < FIRST + known]


@pytest.mark.req("E-50", "E-60")
def test_a_pair_is_neutral_and_half_of_its_income_is_tacticals(run):
    funding = run.accounts["FUNDING"]
    paid = -sum(int(funding.shown.account[n].funding) for n in (2, 3))
    state = run.portfolio.funding
    assert paid > 0 and state.received == paid
    assert abs(state.given - state.compound) <= len(notes(run, "funding"))
    assert run.accounts["TACTICAL"].money("USDT") >= 5_000 * USDT + state.given
    for day, said in notes(run, "entered"):
        if said.account == "FUNDING":
            values = said.note.values
            assert abs(values["long"] - values["short"]) <= values["short"] // 100, day


def test_a_stop_lives_at_the_venue():
    # up for twenty days, then a gap of a day's fall: the stop is filled inside the day, not at the next cycle
    btc = [*(30_000 + 1_000 * n for n in range(20)), 40_000, 40_000, 40_000]
    eth = [20_000] * len(btc)
    made = tape(
        [market(BTC, FIRST, btc), market(ETH, FIRST, eth), market(BTC_PERP, FIRST, btc), market(ETH_PERP, FIRST, eth)]
    )
    stopped = ran(made, days=len(btc) - 2)
    found = [
        said for _, said in stopped.log if said.note.kind in ("stopped", "trailing_stop") and said.account == "TREND-1"
    ]
    assert found
    fills = np.concatenate(stopped.accounts["TREND-1"].kept.parts["fills"])
    moments = fills["ts_event"] % (3 * PERIOD_NS)
    assert (moments > 900_000_000_000).any()


def test_a_settlement_without_a_rate_pays_nothing_and_is_counted():
    gone = (FIRST + 20) * 3 * PERIOD_NS
    without = ran(tape(markets(lambda ts: 120_000 if ts < gone else None)))
    assert without.unpaid_days > 0
    late = [said for day, said in notes(without, "funding") if day >= FIRST + 21]
    assert late == []
    entered_late = [day for day, said in notes(without, "opportunity") if day >= FIRST + 21]
    assert entered_late == []


@pytest.mark.req("E-01")
def test_an_engine_that_fails_in_the_middle_stops_no_other(run, monkeypatch):
    engines = dict(cycle.ENGINES)

    def fails(portfolio, day, config):
        if day.day >= FIRST + 10:
            raise RuntimeError("broken")
        return engines["FUNDING"](portfolio, day, config)

    monkeypatch.setattr(
        cycle, "ENGINES", tuple((name, fails if name == "FUNDING" else decide) for name, decide in cycle.ENGINES)
    )
    broken = ran()
    assert broken.portfolio.failed == {"FUNDING": "RuntimeError: broken"}
    assert broken.imbalance == 0
    assert broken.marks[:10] == run.marks[:10] and len(broken.marks) == len(run.marks)
    later = [said.account for day, said in broken.log if day >= FIRST + 10 and said.note.kind == "entered"]
    assert "TREND-1" in later and "FUNDING" not in later


@pytest.mark.req("E-101")
def test_a_deposit_is_capital_and_no_gain():
    made = prepared(tape(markets()))
    given = run_eternal(
        made, QUICK, capital_quanta=CAPITAL, first_day=FIRST, last_day=FIRST + 20, deposits={FIRST + 5: 10_000 * USDT}
    )
    assert -total_of(given.accounts, "USDT", s.CAPITAL_BOOK) == CAPITAL + 10_000 * USDT
    without = run_eternal(made, QUICK, capital_quanta=CAPITAL, first_day=FIRST, last_day=FIRST + 20)
    index, other = curves(given)["whole"].index, curves(without)["whole"].index
    assert index[6] / index[4] == pytest.approx(other[6] / other[4], abs=0.01)  # a tenth more money is no tenth of gain


def test_one_engine_alone_has_all_the_money():
    alone = ran(only="TREND", days=10)
    assert set(alone.accounts) == {"TREND-1", "TREND-2"}
    assert sum(alone.marks[0].equity.values()) == CAPITAL


@pytest.mark.req("E-69", "E-80")
@pytest.mark.parametrize(("history", "deploys"), [(10, True), (8, False)])
def test_a_start_in_a_bear_market_sees_the_high_that_the_tape_tells_before_it(history, deploys):
    before = bars(FIRST - history, [100_000] * (history + 1), 0.0)
    prices = [45_000] * 6
    btc, eth = market(BTC, FIRST, prices), market(ETH, FIRST, [20_000] * 6)
    made = tape([btc._replace(days=np.concatenate([before, btc.days])), eth])
    config = msgspec.structs.replace(QUICK, tactical=TacticalConfig(history_days=10))
    found = run_eternal(prepared(made), config, capital_quanta=CAPITAL, first_day=FIRST, last_day=FIRST)
    assert bool(notes(found, "deployed")) == deploys


@pytest.mark.req("E-27", "E-66", "E-71")
def test_facts_reach_it_by_the_tape_and_grow_old():
    noon = (FIRST + 3) * 3 * PERIOD_NS + PERIOD_NS
    facts = [(noon, "withdrawals_open", 0), (noon, "insurance_alarm", 10**9), (noon, "fear_greed", 12 * 10**9)]
    told = ran(tape(markets(), facts), days=9)
    closed = [day for day, said in told.log if said.note.kind == "withdrawals_closed"]
    assert closed == [FIRST + 3]  # the cycle after noon of that day
    assert told.portfolio.core.halted
    alarms = [day for day, said in told.log if said.note.kind == "insurance_fund"]
    assert set(alarms) <= {FIRST + 2, FIRST + 3, FIRST + 4}
    assert told.portfolio.tactical.fearful == 0  # older than a day and a half: no data


def yields(frac, first, last):
    """A yield a year, told at noon of each day."""
    return [((FIRST + n) * DAY_NS + DAY_NS // 2, "eth_yield", round(frac * 10**9)) for n in range(first, last)]


CALM = msgspec.structs.replace(QUICK, core=CoreConfig(tranches=1, stable_volatility_frac=10.0))


@pytest.fixture(scope="module")
def earning():
    days = 38
    btc, eth = [30_000] * (days + 2), [20_000] * (days + 2)
    # A market that stands still but for a grain: volatility is known after thirty days.
    made = [market(BTC, FIRST - 32, [*([30_000, 30_001] * 16), *btc]), market(ETH, FIRST - 32, [20_000] * 32 + eth)]
    facts = [*yields(0.0365, 2, 20), *yields(0.019, 20, 24), *yields(0.03, 28, 30)]
    return run_eternal(
        prepared(tape(made, facts)), CALM, capital_quanta=CAPITAL, first_day=FIRST, last_day=FIRST + days - 1
    )


@pytest.mark.req("E-18", "E-19", "E-23", "E-28")
def test_idle_ether_earns_and_is_back_after_the_venues_two_days(earning):
    earn, core = earning.earn, {"CORE": earning.accounts["CORE"]}
    assert earning.imbalance == 0
    assert total_of(core, "ETH", s.CAPITAL_BOOK) == earn.away - earn.interest  # what left and is not back
    paid_days = earn.days - earn.unpaid_days
    assert paid_days == 17 + 1 + 1  # from day 3 on, the day on which it is told to be low, and one more on day 29
    held = total_of(core, "ETH", s.DESK_BOOK) + earn.away
    assert earn.interest == pytest.approx(0.9 * held * (17 * 0.0365 + 0.019 + 0.03) / 365, rel=0.05)


@pytest.mark.req("E-19")
def test_without_a_yield_that_is_known_nothing_is_paid_and_nothing_moves(earning):
    silent = [mark for mark in earning.marks if mark.day >= FIRST + 32]
    assert earning.earn.unpaid_days >= len(silent) - 1  # the last yield of 3 % was told on day 29
    assert earning.portfolio.core.staked > 0  # it stays: only a yield that is known to be low calls back


@pytest.mark.req("E-18", "E-24")
def test_what_is_in_earn_counts_for_weights_and_worth(earning):
    whole = [sum(mark.equity.values()) for mark in earning.marks]
    assert max(whole) - min(whole) < 200 * USDT  # nothing vanishes on the way there and back
    assert earning.marks[10].invested["CORE"] > 55_000 * USDT


def test_a_replay_without_yields_has_nothing_in_earn(run):
    assert run.earn.away == run.earn.interest == run.earn.days == 0


@pytest.mark.req("E-60", "E-99")
def test_money_between_sub_accounts_is_neither_gain_nor_loss(run):
    found = curves(run)
    parts = sum(int(found[name].result.sum()) for name in run.accounts)
    whole = sum(run.marks[-1].equity.values()) - CAPITAL
    first = sum(run.marks[0].equity.values()) - CAPITAL
    assert parts == int(found["whole"].result.sum()) == whole - first


def test_figures_of_a_known_curve(run):
    curve = curves(run)["whole"]
    figures = figures_of(curve)
    assert figures["return_frac"] == pytest.approx(float(curve.index[-1]) - 1.0)
    assert 0.0 <= figures["drawdown_frac"] < 1.0
    assert set(in_periods(curve).values()) == {None}  # it was there in none of them


@pytest.mark.req("E-136")
def test_a_generated_market_is_run_from_a_seed():
    first = day_of(2020, 1, 1)
    studies = [
        Study(generated_market(first, 60, seed), [], EternalConfig(), CAPITAL, first, first + 59) for seed in (1, 1, 2)
    ]
    runs = [study.run(0) for study in studies]
    assert runs[0].command_hashes == runs[1].command_hashes != runs[2].command_hashes
    assert runs[0].imbalance == 0 and not runs[0].portfolio.failed
    assert studies[0].pairs == ("BTC", "ETH")
    assert len(msgspec.json.encode(runs[0].portfolio)) < 20_000


@pytest.mark.req("E-131")
def test_a_hundred_million_on_the_same_code_is_bought_in_slices_of_the_markets_volume():
    coins = 2_000
    days = range(FIRST - 1, FIRST + DAYS)
    facts = [
        ((day + 1) * DAY_NS + 1, f"volume_{name}", coins * 10**9)
        for day in days for name in ("BTC", "ETH", "BTC-PERP", "ETH-PERP")
    ]  # fmt: skip
    made = prepared(tape(markets(), facts))
    config = msgspec.structs.replace(QUICK, risk=msgspec.structs.replace(QUICK.risk, participation_frac=0.01))

    def lived(capital):
        return run_eternal(
            made, config, capital_quanta=capital, first_day=FIRST, last_day=FIRST + DAYS - 2,
        )  # fmt: skip

    small, large = lived(100_000 * USDT), lived(100_000_000 * USDT)
    for run in (small, large):
        assert run.portfolio.failed == {} and run.imbalance == 0
    cuts = [said for _, said in large.log if said.note.kind == "cut" and said.note.values["limit"] == "participation"]
    assert len({said.note.values["instrument"] for said in cuts}) >= 2
    assert not [s_ for _, s_ in small.log if s_.note.kind == "cut" and s_.note.values["limit"] == "participation"]
    fills = np.concatenate(large.accounts["CORE"].kept.parts["fills"])
    most = {0: coins * 100_000 // 100, 1: coins * 10_000 // 100}  # lots of 0.00001 and of 0.0001 coins, one per cent
    for instrument, lots in most.items():
        of_it = fills[fills["instrument"] == instrument]
        assert len(of_it) > 5 and of_it["lots"].max() <= lots
