"""Higher timeframes: complete bars only, aligned to UTC, incomplete ones counted."""

import numpy as np
import pytest

from quintet.core.errors import DataError
from quintet.core.events import MINUTE_NS
from quintet.core.market.bars import Bars
from quintet.core.market.resample import resample

NOON = 1_767_268_800 * 1_000_000_000  # 2026-01-01 12:00 UTC


def minute_bars(minutes: list[int]) -> Bars:
    """1m bars opening `minutes` after noon; bar m opens at 1000 + m, spans 3 ticks either way, trades 1 + m lots."""
    m = np.array(minutes, np.int64)
    price = 1000 + m
    return Bars("1m", NOON + m * MINUTE_NS, price, price + 3, price - 3, price + 1, 1 + m, 10 * (1 + m))


def test_five_minutes_make_one_bar_with_first_open_extremes_last_close_and_sums() -> None:
    got = resample(minute_bars([0, 1, 2, 3, 4]), "5m")
    bars = got.bars
    assert (got.edge_bars, got.gap_bars, len(bars), bars.timeframe) == (0, 0, 1, "5m")
    assert (bars.ts_open[0], bars.open[0], bars.high[0]) == (NOON, 1000, 1007)
    assert (bars.low[0], bars.close[0], bars.volume[0], bars.turnover[0]) == (997, 1005, 15, 150)


def test_bars_cut_at_the_edges_are_dropped_and_counted() -> None:
    got = resample(minute_bars(list(range(3, 17))), "5m")
    assert ((got.bars.ts_open - NOON) // MINUTE_NS).tolist() == [5, 10]
    assert (got.edge_bars, got.gap_bars) == (2, 0)


def test_a_missing_minute_makes_its_bar_absent_not_thinner() -> None:
    minutes = [m for m in range(20) if m != 7]
    got = resample(minute_bars(minutes), "5m")
    assert ((got.bars.ts_open - NOON) // MINUTE_NS).tolist() == [0, 10, 15]
    assert (got.edge_bars, got.gap_bars) == (0, 1)


def test_a_whole_missing_slot_is_counted_too() -> None:
    got = resample(minute_bars([*range(5), *range(15, 20)]), "5m")
    assert (len(got.bars), got.edge_bars, got.gap_bars) == (2, 0, 2)


def test_too_little_for_one_bar_gives_none() -> None:
    got = resample(minute_bars([1, 2]), "5m")
    assert (len(got.bars), got.edge_bars, got.gap_bars) == (0, 1, 0)


def test_turnover_is_unknown_when_one_traded_part_does_not_know_its_own() -> None:
    bars = minute_bars([0, 1, 2, 3, 4])
    bars.turnover[2] = 0
    assert resample(bars, "5m").bars.turnover.tolist() == [0]


@pytest.mark.parametrize("timeframe", ["3m", "5m", "15m", "1h", "4h"])
def test_every_higher_bar_starts_on_its_own_utc_boundary(timeframe: str) -> None:
    got = resample(minute_bars(list(range(-7, 600))), timeframe)
    length = int(timeframe[:-1]) * (60 if timeframe.endswith("h") else 1) * MINUTE_NS
    assert len(got.bars) > 0
    assert not np.any(got.bars.ts_open % length)


def test_the_same_timeframe_comes_back_unchanged() -> None:
    bars = minute_bars([0, 1, 4])
    assert resample(bars, "1m").bars.ts_open.tolist() == bars.ts_open.tolist()


@pytest.mark.parametrize(
    ("minutes", "timeframe", "expected"),
    [
        ([0, 1], "7m", "expected one of"),
        ([0, 2, 1], "5m", "bar 2: opens"),
        ([0, 0], "5m", "bar 1: opens"),
    ],
)
def test_what_cannot_be_resampled_is_refused_by_name(minutes: list[int], timeframe: str, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        resample(minute_bars(minutes), timeframe)


def test_a_shorter_or_uneven_target_is_refused() -> None:
    hour = resample(minute_bars(list(range(180))), "3m").bars
    for target in ("1m", "5m"):
        with pytest.raises(DataError, match="whole multiple of 3m"):
            resample(hour, target)


def test_sums_that_might_wrap_are_refused() -> None:
    bars = minute_bars([0, 1, 2, 3, 4])
    bars.volume[1] = 2**61
    with pytest.raises(DataError, match="may not fit"):
        resample(bars, "5m")
