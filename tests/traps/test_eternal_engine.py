"""The fifteen traps where they touch the eternal engine: a check each, which it passes and a planted fault does not.

Numbers are those of the guide. Trap 2 (labels) and trap 3 (what is fitted) do not touch it: nothing in it learns; what
it looks back on (averages, highs, regimes) is in trap 1.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from quintet.app.eternal_command import run as backtest
from quintet.core import events as ev
from quintet.core import state as s
from quintet.core.random import normal, seeded
from quintet.research import eternal_run
from quintet.research.daily_tape import DAY_NS
from quintet.research.eternal_figures import WHOLE, curves
from quintet.research.eternal_futures import look_ahead, past_of
from quintet.research.eternal_generated import generated_market
from quintet.research.eternal_report import Study, headline
from quintet.research.eternal_run import Costs, EternalRun, prepared, run_eternal
from quintet.storage.workspace import Workspace
from quintet.systems.eternal import EternalConfig, Portfolio, cycle
from quintet.systems.eternal.config import CoreConfig, FundingConfig, RiskConfig, TrendConfig
from quintet.systems.eternal.said import Decision
from tests.eternal_market import BTC, BTC_PERP, ETH, ETH_PERP, PERIOD_NS, USDT, market, tape

FIRST, DAYS = 19_000, 60
CAPITAL = 100_000 * USDT

QUICK = EternalConfig(
    core=CoreConfig(tranches=2, tranche_days=2),
    trend_1=TrendConfig(fast_days=3, slow_days=6, adx_days=3, atr_days=3),
    trend_2=TrendConfig(fast_days=4, slow_days=8, adx_days=3, atr_days=3),
    funding=FundingConfig(assets=("BTC", "ETH")),
)
"""Short averages, so that two months have trends."""

TRADED = (BTC, ETH, BTC_PERP, ETH_PERP)


def study(seed: int = 1, days: int = DAYS, config: EternalConfig = QUICK) -> Study:
    return Study(generated_market(FIRST, days, seed), [], config, CAPITAL, FIRST, FIRST + days - 1)


def of_prices(first: list[int], second: list[int], rate: Any = None, instruments: Any = TRADED) -> list[Any]:
    """Spot and perpetuals that go through the same prices, a day each."""
    return [market(of, FIRST, prices, paid) for of, prices, paid in
            zip(instruments, (first, second, first, second), (None, None, rate, rate), strict=True)]  # fmt: skip


def ran(markets: list[Any], config: EternalConfig = QUICK, costs: Costs | None = None, only: str = "") -> EternalRun:
    days = len(markets[0].days) - 1
    span = {"first_day": FIRST, "last_day": FIRST + days - 1}
    return run_eternal(prepared(tape(markets)), config, capital_quanta=CAPITAL, costs=costs, only=only, **span)


def walk(seed: int, days: int, start: int = 30_000, deviation: float = 0.03) -> list[int]:
    """A road without drift and without memory."""
    dice, prices = seeded(seed, "a road without drift")[0], [start]
    for _ in range(days):
        prices.append(max(round(prices[-1] * (1.0 + deviation * float(normal(dice)))), 100))
    return prices


def column(run: EternalRun, account: str, name: str) -> Any:
    return run.accounts[account].kept.column(name)


# ---- 1 look-ahead, 10 the wrong time -----------------------------------------------------------------------------


def ahead(of: Study) -> set[str]:
    return {
        difference
        for trial in look_ahead(of, 2, 1).trials
        for difference in [f.difference.what for f in trial.findings]
    }


def test_1_no_day_knows_the_next_one():
    assert ahead(study()) == set()


def told_a_day_early(known: Any) -> list[Any]:
    """Bars stamped with their opening, as if it were their end."""
    early = [one._replace(recv_ns=one.recv_ns - DAY_NS, event_ns=one.event_ns) for one in known]
    return sorted(early, key=lambda one: one.recv_ns)


def test_1_and_10_a_bar_that_is_known_a_day_early_is_found(monkeypatch: pytest.MonkeyPatch):
    honest = eternal_run.told_by
    monkeypatch.setattr(eternal_run, "told_by", lambda tape: told_a_day_early(honest(tape)))
    assert "memory" in ahead(study())


def off_settlement(rates: Any) -> list[int]:
    """Rates whose moment is no settlement of the venue: the clock of their file is not UTC."""
    return [ts for ts in rates if ts % PERIOD_NS != 0]


def test_10_a_file_whose_clock_is_ahead_is_found():
    rates = generated_market(FIRST, 10)[0].rates or {}
    assert off_settlement(rates) == []
    assert len(off_settlement({ts + 3 * 3_600 * 10**9: rate for ts, rate in rates.items()})) == len(rates)


# ---- 4 filled on the bar that was decided on ---------------------------------------------------------------------


def filled_in_the_past(run: EternalRun, latency_ns: int) -> list[str]:
    """Fills before their order can have arrived, or at no price of the day on which they were made."""
    found = []
    for name, account in run.accounts.items():
        sent = {int(c["number"]): int(c["ts"]) for c in account.kept.column("commands") if c["kind"] == ev.PLACE}
        for fill in account.kept.column("fills"):
            if int(fill["ts_event"]) < sent[int(fill["number"])] + latency_ns:
                found.append(f"{name} {fill['number']}")
    return found


def test_4_what_is_decided_on_a_close_is_filled_after_it():
    run = study().run(0)
    assert sum(len(column(run, name, "fills")) for name in run.accounts) > 100
    assert filled_in_the_past(run, Costs().latency_ns) == []


def test_4_an_order_that_travels_in_no_time_is_found():
    at_once = ran(of_prices(walk(1, DAYS), walk(2, DAYS, 20_000)), costs=Costs(latency_ns=0))
    assert filled_in_the_past(at_once, Costs().latency_ns) != []


# ---- 5 the better order of a day's extremes ----------------------------------------------------------------------


def optimistic(told: str, runs: dict[str, EternalRun]) -> bool:
    """Is the told order of extremes not the one that ends lower?"""
    ends = {name: sum(run.marks[-1].equity.values()) for name, run in runs.items()}
    return ends[told] > min(ends.values())


def test_5_the_worse_order_of_extremes_is_told():
    worse, runs = headline(study(2))
    better = max(runs, key=lambda name: sum(runs[name].marks[-1].equity.values()))
    assert not optimistic(worse, runs)
    assert worse != better and optimistic(better, runs)  # the planted one


# ---- 6 touched is filled -----------------------------------------------------------------------------------------


LOWS = {30_000: 29_700, 20_000: 19_800}
"""Of a day that opens and closes at this price."""


def only_touched(fills: Any) -> list[int]:
    """Purchases that were filled although no trade of the day was below their price."""
    return [
        int(fill["number"]) for fill in fills
        if fill["side"] > 0 and min(low for at, low in LOWS.items() if at >= fill["price"]) >= fill["price"]
    ]  # fmt: skip


def test_6_a_bid_that_the_market_only_comes_near_is_not_filled():
    still = ran(of_prices([30_000] * 8, [20_000] * 8), only="CORE")
    assert len(column(still, "CORE", "fills")) > 0  # the wick goes through it
    flat = [one._replace(bars=without_wicks(one.bars)) for one in of_prices([30_000] * 8, [20_000] * 8)]
    assert len(column(ran(flat, only="CORE"), "CORE", "fills")) == 0  # a market that stands still meets nobody
    assert only_touched(column(still, "CORE", "fills")) == []


def without_wicks(bars: Any) -> Any:
    flat = bars.copy()
    flat["high"], flat["low"] = np.maximum(bars["open"], bars["close"]), np.minimum(bars["open"], bars["close"])
    return flat


def test_6_a_fill_at_a_price_that_was_only_touched_is_found():
    fills = column(ran(of_prices([30_000] * 8, [20_000] * 8), only="CORE"), "CORE", "fills").copy()
    fills["price"] = [min(low for at, low in LOWS.items() if at >= price) for price in fills["price"]]
    assert len(only_touched(fills)) == len(fills)


# ---- 7 costs left out --------------------------------------------------------------------------------------------


def uncharged(run: EternalRun) -> list[str]:
    """Sub-accounts that paid less in fees than the venue's lowest rates make of their turnover, and funding's sign."""
    lowest = {"CORE": 1_000_000, "TACTICAL": 1_000_000, "TREND-1": 200_000, "TREND-2": 200_000, "FUNDING": 200_000}
    found = []
    for name, account in run.accounts.items():
        rows = [account.shown.account[n] for n in range(len(run.names))]
        turnover, fees = (sum(int(row[what]) for row in rows) for what in ("turnover", "fees"))
        if fees * 10**9 < turnover * lowest[name] * 0.99:
            found.append(f"{name}: fees")
    shorts = run.accounts["FUNDING"]
    if sum(int(shorts.shown.account[n].funding) for n in (2, 3)) >= 0:
        found.append("FUNDING: shorts were not paid at a rate above zero")
    return found


def test_7_fees_and_funding_are_charged_with_their_sign():
    assert uncharged(ran(of_prices(walk(1, DAYS), walk(2, DAYS, 20_000), rate=120_000))) == []


def test_7_a_fee_left_out_and_a_rate_of_the_wrong_sign_are_found():
    free = [msgspec.structs.replace(of, maker_fee_e9=0, taker_fee_e9=0) for of in TRADED]
    roads = walk(1, DAYS), walk(2, DAYS, 20_000)
    assert "CORE: fees" in uncharged(ran(of_prices(*roads, rate=120_000, instruments=free)))
    turned = FIRST * DAY_NS + 10 * DAY_NS
    pays = ran(of_prices(walk(1, 40), walk(2, 40, 20_000), rate=lambda ts: 120_000 if ts < turned else -3_000_000))
    assert uncharged(pays) == ["FUNDING: shorts were not paid at a rate above zero"]


# ---- 8 the best of many ------------------------------------------------------------------------------------------


def trials_of(root: Path, sets: list[list[str]]) -> list[Any]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        backtest((), None, "2020-01-01", "2020-01-31", root / str(n), True, Workspace(root), now, words)["trials"]
        for n, words in enumerate(sets)
    ]


def test_8_every_look_counts_and_a_second_one_at_the_same_does_not(tmp_path: Path):
    looks = [[], ["parameters.trend_1.adx_min=30"], ["parameters.trend_1.adx_min=20"], []]
    found = trials_of(tmp_path, looks)
    assert [each["total"] for each in found] == [1, 2, 3, 3]
    assert [each["repeated"] for each in found] == [False, False, False, True]
    chances = [each["deflated_sharpe"] for each in found]
    assert chances[-1] < chances[0]  # the same result is worth less after more looks


# ---- 9 only the survivors ----------------------------------------------------------------------------------------


def survivors(asked: set[str], run: EternalRun) -> set[str]:
    """Assets that were asked for and are not in the run."""
    return asked - {name.removesuffix("-PERP") for name in run.names}


def test_9_a_coin_that_dies_stays_and_loses():
    dying = [20_000, *(max(20_000 * 7**n // 10**n, 5) for n in range(1, 30))]
    run = ran(of_prices([30_000] * 30, dying))
    assert survivors({"BTC", "ETH"}, run) == set()
    core = curves(run)["CORE"]
    assert core.index[-1] < 0.85  # what was bought of it is lost, and it is still held
    assert run.accounts["CORE"].holding(1)[0] > 0
    kept = ran([one for one in of_prices([30_000] * 30, dying) if one.instrument.base_asset == "BTC"])
    assert survivors({"BTC", "ETH"}, kept) == {"ETH"} and curves(kept)["CORE"].index[-1] > 0.99  # the planted one


# ---- 11 memory between runs, 15 non-determinism ------------------------------------------------------------------


def remembers(of: Study) -> list[str]:
    """Parts of a run that are others when it is made again after another one, or with its memory from bytes."""

    def through_bytes(day: int, run: EternalRun) -> None:
        run.portfolio = msgspec.json.decode(msgspec.json.encode(run.portfolio), type=Portfolio)

    first = past_of(of.run(0))
    study(7).run(0)
    again = past_of(replace(of, _markets={}).run(0))
    restored = past_of(of.run(0, watch=through_bytes))
    return [each.what for other in (again, restored) for each in first.differences(other)]


def test_11_and_15_a_run_is_the_same_alone_after_others_and_from_bytes():
    assert remembers(study()) == []


def test_11_and_15_a_memory_beside_the_state_is_found(monkeypatch: pytest.MonkeyPatch):
    engines, calls = dict(cycle.ENGINES), iter(range(10**9))

    def counting(portfolio: Any, day: Any, config: Any) -> Any:
        decision = engines["CORE"](portfolio, day, config)
        return decision if next(calls) % 7 else Decision(state=decision.state)

    monkeypatch.setattr(cycle, "ENGINES", tuple((n, counting if n == "CORE" else d) for n, d in cycle.ENGINES))
    assert "notes" in remembers(study())


# ---- 12 luck of one regime ---------------------------------------------------------------------------------------


def earned(config: EternalConfig, only: str, drift: float) -> float:
    """Mean result of one engine over roads without memory, with a drift a day."""
    results = []
    for seed in range(1, 5):
        road = [round(price * (1.0 + drift) ** n) for n, price in enumerate(walk(seed, 90))]
        results.append(float(curves(ran(of_prices(road, road), config, only=only))[WHOLE].index[-1] - 1.0))
    return float(np.mean(results))


def test_12_no_trend_is_followed_with_profit_where_there_is_none():
    assert earned(QUICK, "TREND", 0.0) < 0.0


def test_12_a_profit_that_is_the_drift_is_found():
    held = msgspec.structs.replace(
        QUICK, core=CoreConfig(tranches=1, asset_cap_frac=1.0), risk=RiskConfig(cash_min_frac=0.0)
    )
    assert earned(held, "CORE", 0.01) > 0.3 > 2 * earned(held, "CORE", 0.0)


# ---- 13 leverage -------------------------------------------------------------------------------------------------


def borrowed(run: EternalRun, times: float) -> list[str]:
    """Sub-accounts that stood for more than so many times their equity, were in debt, or were taken over."""
    found = [
        f"{name} day {mark.day}"
        for mark in run.marks
        for name in ("TREND-1", "TREND-2")
        if mark.invested[name] > times * mark.equity[name] or mark.equity[name] < 0
    ]
    return found + [name for name, one in run.accounts.items() if int(one.world.desk[0].n_liquidations)]


def crash() -> list[int]:
    """A long rise, then half of it gone within a day."""
    return [*(30_000 + 600 * n for n in range(25)), 22_000, 22_000, 22_000]


LIFTED = {"risk_frac": 0.1, "position_max_frac": 2.0, "leverage_max": 10.0, "trail_atr": 20.0}
RECKLESS = msgspec.structs.replace(QUICK, trend_1=msgspec.structs.replace(QUICK.trend_1, **LIFTED))


def test_13_a_crash_takes_no_sub_account_below_nothing():
    run = ran(of_prices(crash(), crash()))
    assert any(mark.invested["TREND-1"] for mark in run.marks)
    assert borrowed(run, 1.0) == []
    assert run.imbalance == 0


def test_13_what_the_limits_forbid_is_found_where_they_are_lifted():
    assert borrowed(ran(of_prices(crash(), crash()), RECKLESS), 1.0) != []


# ---- 14 infinite depth -------------------------------------------------------------------------------------------


def silent_about_depth(page: str) -> bool:
    """A market of days takes any size at its price: a page that does not say so hides it."""
    return "Our size moves no market" not in page


def test_14_the_page_says_that_depth_is_unlimited(tmp_path: Path):
    outcome = backtest((), None, "2020-01-01", "2020-01-31", tmp_path / "run", True, Workspace(tmp_path),
                       datetime(2026, 1, 1, tzinfo=UTC))  # fmt: skip
    page = Path(outcome["report"]).read_text()
    assert not silent_about_depth(page)
    assert silent_about_depth(page.replace("Our size moves no market", ""))


def test_14_money_that_grows_tenfold_changes_shares_and_not_results_and_that_is_the_assumption():
    small, large = study(), replace(study(), capital_quanta=10 * CAPITAL)
    one, ten = (curves(of.run(0))[WHOLE].index[-1] for of in (small, large))
    assert ten == pytest.approx(one, abs=0.01)


def test_books_balance_in_every_trap():
    run = ran(of_prices(crash(), crash()), RECKLESS)
    ledgers = [np.asarray(one.world.desk[0].ledger) for one in run.accounts.values()]
    assert all(int(np.abs(ledger.sum(axis=0)).sum()) == 0 for ledger in ledgers)
    assert sum(int(ledger[s.CAPITAL_BOOK, 0]) for ledger in ledgers) <= 0
