"""Order flow, profile and bars on recorded trades, beside what a table library makes of the same file."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from quintet.core.market import trade_bars
from quintet.core.records import table
from quintet.features import order_flow, profile

MINUTE_NS = 60_000_000_000
QUANTA = 10_000
"""Of 1e-8 USDT in a price increment of 0.1 and a lot of 0.001."""

USDT_50K = 50_000 * 10**8


@pytest.fixture(scope="module")
def trades(shared_data: Path) -> pl.DataFrame:
    """A quarter of a million trades of a perpetual on one evening: ns UTC, ticks of 0.1, lots of 0.001, side."""
    return (
        pl.read_parquet(shared_data / "l2" / "bybit_linear_btcusdt_trades_20251204.parquet")
        .select(
            ts=pl.col("ts").cast(pl.Int64) * 1_000_000,
            price=(pl.col("price") * 10).round().cast(pl.Int64),
            lots=(pl.col("qty") * 1000).round().cast(pl.Int64),
            side=pl.when("is_buyer_maker").then(-1).otherwise(1).cast(pl.Int64),
        )
        .with_columns(value=pl.col("price") * pl.col("lots"))
    )


def columns(trades: pl.DataFrame, *names: str) -> list[np.ndarray]:
    return [np.array(trades[name].to_numpy()) for name in names]


def bars_of(trades: pl.DataFrame, rule: int, size: int) -> Any:
    state, found = table(trade_bars.TRADE_BARS, 1)[0], table(trade_bars.TRADE_BAR, len(trades))
    trade_bars.start_trade_bars(state, rule, size, QUANTA)
    return found[: trade_bars.trade_bars_batch(state, *columns(trades, "ts", "price", "lots", "side"), found)]


def test_minutes_are_those_of_a_table(trades: pl.DataFrame) -> None:
    found = bars_of(trades, trade_bars.BY_TIME, MINUTE_NS)
    expected = (
        trades.group_by(start=pl.col("ts") // MINUTE_NS * MINUTE_NS, maintain_order=True)
        .agg(
            open=pl.col("price").first(),
            high=pl.col("price").max(),
            low=pl.col("price").min(),
            close=pl.col("price").last(),
            volume=pl.col("lots").sum(),
            buys=pl.col("lots").filter(pl.col("side") > 0).sum(),
            value=pl.col("value").sum(),
            trades=pl.len(),
        )
        .head(-1)
    )
    assert len(found) == len(expected) > 200
    for name in expected.columns:
        assert np.array_equal(found[name], expected[name].to_numpy()), name


def test_bars_by_size_share_out_every_trade_and_reach_their_size(trades: pl.DataFrame) -> None:
    for rule, size, field in (
        (trade_bars.BY_COUNT, 500, "trades"),
        (trade_bars.BY_VOLUME, 50_000, "volume"),
        (trade_bars.BY_NOTIONAL, 20 * USDT_50K, "value"),
    ):
        found = bars_of(trades, rule, size)
        reached = size // QUANTA if rule == trade_bars.BY_NOTIONAL else size
        assert np.all(found[field] >= reached)
        shared_out = int(found.trades.sum())
        assert found.volume.sum() == trades["lots"].head(shared_out).sum()
        # without its last trade no bar would have been full
        last = np.cumsum(found.trades) - 1
        weight = {"trades": np.ones(len(trades), np.int64), "volume": trades["lots"], "value": trades["value"]}[field]
        assert np.all(found[field] - np.asarray(weight)[last] < reached)


def test_cumulative_delta_and_large_orders_are_those_of_a_table(trades: pl.DataFrame) -> None:
    state, deltas = table(order_flow.CVD, 1)[0], np.zeros(len(trades), np.int64)
    order_flow.start_cvd(state)
    order_flow.cvd_batch(state, *columns(trades, "side", "lots"), deltas)
    assert np.array_equal(deltas, (trades["side"] * trades["lots"]).cum_sum().to_numpy())
    # orders of more than 50,000 USDT, put together from the prints of one side and one millisecond
    large, said = table(order_flow.LARGE, 1)[0], np.zeros(len(trades), np.int64)
    order_flow.start_large(large, USDT_50K, QUANTA)
    order_flow.large_batch(large, *columns(trades, "ts", "side", "price", "lots"), said)
    orders = trades.group_by(pl.struct("ts", "side").rle_id(), maintain_order=True).agg(
        pl.col("side").first(), pl.col("value").sum()
    )
    expected = orders.filter(pl.col("value") * QUANTA > USDT_50K)
    assert large.n_buys == (expected["side"] > 0).sum() > 100
    assert large.n_sells == (expected["side"] < 0).sum() > 100
    assert large.buy_value == expected.filter(pl.col("side") > 0)["value"].sum()
    assert np.array_equal(said[said != 0], expected["side"].to_numpy())


def test_the_profile_of_the_evening_has_its_volume_where_a_table_has_it(trades: pl.DataFrame) -> None:
    state = table(profile.PROFILE, 1)[0]
    profile.start_profile(state)
    profile.profile_feed(state, *columns(trades, "price", "lots"))
    inside = profile.profile_area(state)
    height = int(state.row_ticks)
    assert height > 1  # the evening went further than 1,024 ticks
    rows = trades.group_by(row=pl.col("price") // height).agg(pl.col("lots").sum())
    fullest = rows.sort(["lots", "row"], descending=[True, False])["row"][0]
    assert state.poc_row == fullest
    area = trades.filter(pl.col("price").is_between(int(state.area_low), int(state.area_high)))
    assert area["lots"].sum() == inside
    assert Decimal(inside) / trades["lots"].sum() >= Decimal("0.70")
    # a row less would not have been enough
    without = min(rows.filter(pl.col("row") == row)["lots"].sum() for row in (
        int(state.area_low) // height, int(state.area_high) // height))  # fmt: skip
    assert Decimal(inside - without) / trades["lots"].sum() < Decimal("0.70")
