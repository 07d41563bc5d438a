"""A quant with the files of a run and a calculator gets the figures we print; nothing of ours is used to get them."""

import math
from collections import deque
from fractions import Fraction

import polars as pl
import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import memory_tape
from quintet.research.backtest import run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.synthetic import synthesize
from quintet.sim.config import ExecutionConfig
from quintet.storage.run_folders import write_table
from quintet.systems.structure_mm import StructureMmConfig


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Figures of a run, and its fills and equity as they are read back from Parquet."""
    tape = memory_tape(bar_rows(synthesize(5, days=45, timeframe="5m")), [DEFAULT_SPOT])
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(), RiskConfig(), "5m", "5m")
    result = run_backtest(tape, "structure_mm", StructureMmConfig(), options)
    folder = tmp_path_factory.mktemp("run")
    for name in ("fills", "equity"):
        write_table(folder / f"{name}.parquet", result.tables[name])
    return result.metrics, pl.read_parquet(folder / "fills.parquet"), pl.read_parquet(folder / "equity.parquet")


@pytest.fixture(scope="module")
def daily(files):
    """Returns of UTC days; the mark at 00:00 closes the day before it."""
    _, _, equity = files
    closes = (
        equity.with_columns(day=pl.from_epoch(pl.col("ts_ns") - 1, time_unit="ns").dt.date())
        .group_by("day", maintain_order=True)
        .agg(pl.col("equity").last())["equity"]
        .to_list()
    )
    before = [equity["equity"][0], *closes]
    return [close / earlier - 1.0 for close, earlier in zip(closes, before, strict=False)]


def test_return_drawdown_and_exposure_follow_from_the_equity(files):
    metrics, _, equity = files
    marks = equity["equity"]
    assert metrics["net_return_frac"] == pytest.approx(marks[-1] / marks[0] - 1.0, rel=1e-9)
    fall = (1.0 - marks / marks.cum_max()).max()
    assert metrics["max_drawdown_frac"] == pytest.approx(fall, rel=1e-9)
    days = (equity["ts_ns"][-1] - equity["ts_ns"][0]) / 86_400e9
    assert metrics["cagr_frac"] == pytest.approx((marks[-1] / marks[0]) ** (365.0 / days) - 1.0)
    assert metrics["calmar"] == pytest.approx(metrics["cagr_frac"] / fall)


def test_ratios_follow_from_the_days(files, daily):
    metrics, _, _ = files
    returns = pl.Series(daily)
    assert metrics["sharpe_daily_annualised"] == pytest.approx(returns.mean() / returns.std() * math.sqrt(365))
    losing = math.sqrt((returns.clip(upper_bound=0.0) ** 2).mean())
    assert metrics["sortino_annualised"] == pytest.approx(returns.mean() / losing * math.sqrt(365))
    assert metrics["volatility_annualised_frac"] == pytest.approx(returns.std() * math.sqrt(365))
    assert (metrics["best_day_frac"], metrics["worst_day_frac"]) == pytest.approx((returns.max(), returns.min()))


def test_turnover_and_fees_follow_from_the_fills(files):
    metrics, fills, _ = files
    worth = (fills["price"] * fills["quantity"]).sum()
    assert metrics["turnover_quote"] == pytest.approx(worth)
    assert metrics["turnover_capitals"] == pytest.approx(worth / metrics["start_quote"])
    in_quote = pl.when(pl.col("fee_asset") == "USDT").then(pl.col("fee")).otherwise(pl.col("fee") * pl.col("price"))
    assert metrics["fees_quote"] == pytest.approx(fills.select(in_quote.sum()).item(), rel=1e-6)


def test_trades_follow_from_the_fills_first_in_first_out(files):
    metrics, fills, _ = files
    profits = [float(profit) for profit in matched(fills)]
    wins, losses = [p for p in profits if p > 0], [-p for p in profits if p < 0]
    assert metrics["trades"] == len(profits)
    assert metrics["win_rate_frac"] == pytest.approx(len(wins) / len(profits))
    assert metrics["profit_factor"] == pytest.approx(sum(wins) / sum(losses), rel=1e-6)
    assert metrics["expectancy_quote"] == pytest.approx(sum(profits) / len(profits), rel=1e-6)
    series = pl.Series(profits)
    assert metrics["sqn"] == pytest.approx(series.mean() / series.std() * math.sqrt(len(profits)), rel=1e-6)


def matched(fills):
    """Profit of each entry order whose lots have all left, in exact fractions of the quote asset."""
    lot = Fraction(1, 10**5)
    entries, waiting = {}, deque()
    for row in fills.iter_rows(named=True):
        worth = Fraction(row["price_ticks"], 100) * row["lots"] * lot
        if row["side"] == "buy":
            entry = entries.setdefault(row["order"], {"profit": Fraction(0), "left": Fraction(0), "cost": Fraction(0)})
            if entry not in waiting:
                waiting.append(entry)
            entry["left"] += row["lots"] * lot - Fraction(row["fee_quanta"], 10**8)
            entry["cost"] += worth
            continue
        quantity, cash = row["lots"] * lot, worth - Fraction(row["fee_quanta"], 10**8)
        while quantity:
            entry = waiting[0]
            part = min(quantity, entry["left"])
            paid, received = entry["cost"] * part / entry["left"], cash * part / quantity
            entry["profit"] += received - paid
            entry["left"], entry["cost"] = entry["left"] - part, entry["cost"] - paid
            quantity, cash = quantity - part, cash - received
            if not entry["left"]:
                waiting.popleft()
    return [entry["profit"] for entry in entries.values() if entry["left"] < lot]
