"""The field's figures: equal to an independent library, and to what can be worked out on paper."""

import math

import empyrical
import numpy as np
import pandas as pd
import pytest

from quintet.core.errors import InputError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.state import DESK_BOOK
from quintet.core.tape import memory_tape
from quintet.research.backtest import run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.metrics import (
    NAMES,
    curve_figures,
    daily_figures,
    drawdowns,
    profit_figures,
    trade_figures,
    yearly_growth,
)
from quintet.research.returns import DAY_NS
from quintet.research.round_trips import Trade, round_trips
from quintet.research.synthetic import synthesize
from quintet.sim.config import ExecutionConfig
from quintet.systems.structure_mm import StructureMmConfig
from tests.noise import normals


@pytest.fixture(scope="module")
def returns():
    drawn = normals("daily", 400)
    return 0.002 + 0.03 * drawn - 0.006 * (drawn**2 - 1.0)


@pytest.fixture(scope="module")
def run():
    tape = memory_tape(bar_rows(synthesize(11, days=40, timeframe="5m")), [DEFAULT_SPOT])
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(), RiskConfig(), "5m", "5m")
    return run_backtest(tape, "structure_mm", StructureMmConfig(), options)


@pytest.mark.parametrize(
    ("key", "theirs"),
    [
        ("volatility_annualised_frac", lambda r: empyrical.annual_volatility(r, annualization=365)),
        ("sharpe_daily_annualised", lambda r: empyrical.sharpe_ratio(r, annualization=365)),
        ("sortino_annualised", lambda r: empyrical.sortino_ratio(r, annualization=365)),
        ("omega", lambda r: empyrical.omega_ratio(r, annualization=365)),
        ("tail_ratio", empyrical.tail_ratio),
        ("value_at_risk_95_frac", lambda r: -empyrical.value_at_risk(r)),
        ("expected_shortfall_95_frac", lambda r: -empyrical.conditional_value_at_risk(r)),
        ("skew", lambda r: pd.Series(r).skew() * (len(r) - 2) / math.sqrt(len(r) * (len(r) - 1))),
        ("best_day_frac", np.max),
        ("worst_day_frac", np.min),
    ],
)
def test_a_figure_of_daily_returns_is_that_of_another_library(returns, key, theirs):
    assert daily_figures(returns)[key] == pytest.approx(theirs(returns), rel=1e-9)


@pytest.mark.parametrize(
    ("key", "theirs"),
    [
        ("cagr_frac", lambda r: empyrical.cagr(r, annualization=365)),
        ("max_drawdown_frac", lambda r: -empyrical.max_drawdown(r)),
        ("calmar", lambda r: empyrical.calmar_ratio(r, annualization=365)),
    ],
)
def test_a_figure_of_the_curve_is_that_of_another_library(returns, key, theirs):
    # given a mark at the start and one at each of 400 midnights
    equity = 10_000.0 * np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    found = curve_figures(np.arange(len(equity)) * DAY_NS, equity, equity[0])
    assert found[key] == pytest.approx(theirs(returns), rel=1e-9)


def test_a_year_has_365_days_and_not_252(returns):
    deviation = returns.std(ddof=1)
    assert daily_figures(returns)["sharpe_daily_annualised"] == pytest.approx(returns.mean() / deviation * 365**0.5)


def test_drawdowns_are_worked_out_by_hand():
    # given 100, up to 120, down to 90, back to 120, down to 114
    depth = drawdowns([100.0, 120.0, 90.0, 120.0, 114.0], 100.0)
    assert depth.tolist() == pytest.approx([0.0, 0.0, 0.25, 0.0, 0.05])
    found = curve_figures(np.arange(5) * DAY_NS, [100.0, 120.0, 90.0, 120.0, 114.0], 100.0)
    assert found["max_drawdown_frac"] == pytest.approx(0.25)
    assert found["average_drawdown_frac"] == pytest.approx(0.15)
    assert found["under_water_frac"] == pytest.approx(0.4)
    assert found["longest_under_water_days"] == pytest.approx(2.0)
    assert found["ulcer_index_frac"] == pytest.approx(math.sqrt((0.25**2 + 0.05**2) / 5))
    assert found["recovery_factor"] == pytest.approx(0.14 / 0.25)


def test_a_fall_seen_between_the_marks_is_the_max_drawdown():
    found = curve_figures(np.arange(3) * DAY_NS, [100.0, 99.0, 101.0], 100.0, max_drawdown_frac=0.3)
    assert found["max_drawdown_frac"] == 0.3
    assert found["recovery_factor"] == pytest.approx(0.01 / 0.3)


def test_trades_are_worked_out_by_hand():
    # given wins of 30 and 10, a loss of 20, and one trade that gave nothing
    found = profit_figures([30.0, -20.0, 10.0, 0.0])
    assert found["win_rate_frac"] == 0.5
    assert found["profit_factor"] == 2.0
    assert found["expectancy_quote"] == 5.0
    assert found["average_win_quote"] == 20.0
    assert found["average_loss_quote"] == 20.0
    assert found["payoff_ratio"] == 1.0
    assert found["kelly_frac"] == 0.25
    assert found["best_trade_quote"] == 30.0
    assert found["worst_trade_quote"] == -20.0
    assert found["sqn"] == pytest.approx(2.0 * 5.0 / np.std([30.0, -20.0, 10.0, 0.0], ddof=1))


def test_open_trades_are_counted_and_not_judged():
    closed = Trade(1, 0, 1, 0, entry_quanta=1_000, profit_quanta=50, closed_ns=3_600_000_000_000)
    still = Trade(2, 0, 1, 0, entry_quanta=1_000, profit_quanta=-900, open_quantity=5)
    found = trade_figures([closed, still], 0.01)
    assert (found["trades"], found["open_trades"]) == (1, 1)
    assert found["expectancy_quote"] == 0.5
    assert found["expectancy_frac"] == 0.05
    assert found["median_trade_hours"] == 1.0
    assert trade_figures([still], 0.01) == {"trades": 0, "open_trades": 1}


def test_what_has_no_meaning_is_absent():
    flat = curve_figures(np.arange(60) * DAY_NS, np.full(60, 100.0), 100.0)
    for key in ("sharpe_daily_annualised", "sortino_annualised", "omega", "calmar", "skew", "recovery_factor"):
        assert key not in flat
    assert flat["cagr_frac"] == 0.0
    only_wins = profit_figures([1.0, 1.0])
    for key in ("profit_factor", "payoff_ratio", "average_loss_quote", "sqn", "kelly_frac"):
        assert key not in only_wins
    assert profit_figures([]) == {}
    assert daily_figures([]) == {}
    assert curve_figures([], [], 100.0) == {}


def test_a_week_is_not_made_into_a_year():
    assert yearly_growth(0.5, 7.0) is None
    assert yearly_growth(0.5, 365.0) == pytest.approx(0.5)
    assert yearly_growth(0.21, 730.0) == pytest.approx(0.1)


def test_an_account_that_is_gone_lost_everything():
    found = curve_figures(np.arange(1, 61) * DAY_NS, [90.0, 0.0] + [0.0] * 58, 100.0)
    assert found["cagr_frac"] == -1.0
    assert found["max_drawdown_frac"] == 1.0
    assert found["worst_day_frac"] == -1.0
    assert found["worst_month_frac"] == -1.0


@pytest.mark.parametrize("call", [daily_figures, profit_figures, lambda v: curve_figures([1, 2], v, 1.0)])
def test_a_number_that_is_none_is_refused(call):
    with pytest.raises(InputError, match="number 1 is nan"):
        call([1.0, math.nan])


def test_every_figure_has_the_fields_name(run):
    computed = {
        *curve_figures(np.arange(40) * DAY_NS, 100.0 + np.arange(40.0) % 7, 100.0),
        *profit_figures([1.0, -2.0]),
    }
    assert computed <= NAMES.keys()
    assert {key for key in NAMES if key in run.metrics} == NAMES.keys()


def test_a_real_run_has_its_figures_and_its_old_keys(run):
    metrics = run.metrics
    for key in ("start_quote", "end_quote", "net_quote", "days", "quote_share_mean_frac", "buy_and_hold_return_frac"):
        assert key in metrics
    assert metrics["max_drawdown_frac"] == pytest.approx(float(run.headline.desk.shown.equity.max_drawdown))
    assert metrics["trades"] + metrics["open_trades"] <= metrics["fills"]
    assert metrics["calmar"] == pytest.approx(metrics["cagr_frac"] / metrics["max_drawdown_frac"])


def test_the_trades_of_a_real_run_hold_every_quantum_its_fills_moved(run):
    trades = round_trips(run.headline.fills, DEFAULT_SPOT)
    desk = run.headline.desk
    # given the desk's own books, whose first asset is the quote asset; it began with nothing but quote
    moved = int(desk.ledger[DESK_BOOK][0]) - int(desk.shown.equity.start)
    assert sum(trade.profit_quanta - trade.open_cost_quanta for trade in trades) == moved
