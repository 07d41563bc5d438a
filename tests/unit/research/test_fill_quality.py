"""Markouts and fill ratio: by hand."""

from typing import Any

import numpy as np
import pytest

from quintet.core.orders.lifecycle import IOC, STYLE_NAMES
from quintet.research.fill_quality import RESTING_STYLES, clustered_error, fill_ratio, finest, markouts
from quintet.research.market_bars import ShownBars

MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS


def bars(*closes: int, minutes: int = 5, ends: list[int] | None = None) -> ShownBars:
    """Bars of so many minutes that end one after the other, or at these minutes."""
    column = np.array(closes, np.int64)
    stamps = np.array(ends or [(n + 1) * minutes for n in range(len(closes))], np.int64) * MINUTE_NS
    return ShownBars(stamps, column, column, column, column)


def fills(*rows: tuple[float, str, int, bool]) -> dict[str, Any]:
    """Rows of minute, side, price, maker."""
    return {
        "ts_event_ns": np.array([int(row[0] * MINUTE_NS) for row in rows], np.int64),
        "side": [row[1] for row in rows],
        "price_ticks": np.array([row[2] for row in rows], np.int64),
        "maker": [row[3] for row in rows],
        "order": list(range(len(rows))),
        "lots": [1] * len(rows),
    }


def test_a_markout_is_the_move_to_the_first_close_at_or_after_the_horizon_from_our_side():
    # given a buy and a sell at 1000 just before minute 5, and closes 1000, 1010, 990, ...
    done = fills((4.99, "buy", 1000, True), (4.99, "sell", 1000, True))
    found = {each.minutes: each for each in markouts(done, bars(1000, 1010, 990, 990), "5m")}
    assert found[5].mean_bp == pytest.approx(0.0)
    only_buy = {
        each.minutes: each for each in markouts(fills((4.99, "buy", 1000, True)), bars(1000, 1010, 990, 990), "5m")
    }
    assert only_buy[5].mean_bp == pytest.approx(100.0)
    assert only_buy[15].mean_bp == pytest.approx(-100.0)


def test_a_horizon_shorter_than_the_bars_is_not_measured():
    one, five, *_ = markouts(fills((4.99, "buy", 1000, True)), bars(1000, 1010), "5m")
    assert (one.mean_bp, one.fills) == (None, 0)
    assert five.fills == 1


def test_a_horizon_beyond_the_last_bar_or_into_a_hole_is_left_out():
    # given a hole of an hour in the candles
    holed = bars(1000, 1010, ends=[5, 65])
    assert [each.fills for each in markouts(fills((4.99, "buy", 1000, True)), holed, "5m")] == [0, 0, 0, 1]


def test_taker_fills_have_no_markout_here():
    assert all(each.fills == 0 for each in markouts(fills((1, "buy", 1000, False)), bars(1000, 1010, 990), "5m"))


def test_fills_of_one_day_count_as_alike():
    # given two days whose fills are equal within the day: as good as two observations
    values, days = np.array([1.0, 1.0, 1.0, 3.0, 3.0, 3.0]), np.array([0, 0, 0, 1, 1, 1]) * DAY_NS
    assert clustered_error(values, days) == pytest.approx(1.959964 * np.std([1.0, 3.0], ddof=1) / np.sqrt(2))
    assert clustered_error(values, days * 0) is None


def orders(*rows: tuple[float, str, int, int, str]) -> dict[str, Any]:
    """Rows of minute, side, price, lots, style."""
    return {
        "command": ["place"] * len(rows),
        "ts_ns": np.array([int(row[0] * MINUTE_NS) for row in rows], np.int64),
        "side": [row[1] for row in rows],
        "price_ticks": np.array([row[2] for row in rows], np.int64),
        "lots": np.array([row[3] for row in rows], np.int64),
        "style": [row[4] for row in rows],
        "order": list(range(len(rows))),
    }


def test_what_was_filled_is_told_by_distance_from_the_close_before_the_order():
    # given bids 12 and 42 bp under the last close, an ask 12 bp over it, and an order that takes
    asked = orders(
        (6, "buy", 9_988, 4, RESTING_STYLES[0]),
        (6, "buy", 9_958, 5, RESTING_STYLES[1]),
        (6, "sell", 10_012, 6, RESTING_STYLES[1]),
        (6, "sell", 9_000, 9, STYLE_NAMES[IOC]),
    )
    done = {"order": np.array([0, 2, 2]), "lots": np.array([1, 2, 1])}
    found = fill_ratio(asked, done, bars(10_000, 12_000))
    assert (found.orders, found.orders_filled, found.lots, found.filled) == (3, 2, 15, 4)
    told = {(each.low_bp, each.high_bp): (each.orders, each.lots, each.filled) for each in found.distances}
    assert {span: row for span, row in told.items() if row[0]} == {(10, 15): (2, 10, 4), (40, 45): (1, 5, 0)}


def test_without_bars_the_ratio_is_known_and_the_distance_is_not():
    found = fill_ratio(orders((6, "buy", 9_990, 4, "limit")), {"order": np.array([]), "lots": np.array([])}, None)
    assert (found.filled_frac, found.distances) == (0.0, ())


def test_the_finest_timeframe_with_bars_is_taken():
    assert finest({"5m": bars(1), "1m": bars(1)}, ("5m", "1m")) == "1m"
    assert finest({"5m": bars(1), "1m": bars()}, ("5m", "1m")) == "5m"
    assert finest({}, ("5m",)) is None
