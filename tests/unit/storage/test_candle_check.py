"""The data check: every kind of oddity is counted and placed, and nothing is repaired."""

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quintet.core.instrument import DEFAULT_SPOT
from quintet.storage.candle_check import CheckedFile, Finding, check_candles
from quintet.storage.candle_table import Reading

NOON = 1_767_268_800


def frame(count: int = 400) -> pl.DataFrame:
    """A calm 5m market: closes wander by a few ticks, each bar opens at the close before."""
    n = np.arange(count)
    close = 3000 + (n * 7 % 11) * 0.01
    opened = np.concatenate([[3000.0], close[:-1]])
    return pl.DataFrame(
        {
            "time": NOON + n * 300,
            "open": opened,
            "high": np.maximum(opened, close) + 0.05,
            "low": np.minimum(opened, close) - 0.05,
            "close": close,
            "volume": 1.0 + n % 5,
        }
    )


def checked(folder: Path, data: pl.DataFrame, **reading: str) -> CheckedFile:
    path = folder / "candles.parquet"
    data.write_parquet(path)
    return check_candles(path, Reading(**reading), DEFAULT_SPOT)  # type: ignore[arg-type]


def the_one(found: CheckedFile) -> Finding:
    assert len(found.findings) == 1, found.findings
    return found.findings[0]


def changed(data: pl.DataFrame, row: int, **cells: float) -> pl.DataFrame:
    at = pl.int_range(pl.len()) == row
    return data.with_columns(
        pl.when(at).then(value).otherwise(pl.col(name)).alias(name) for name, value in cells.items()
    )


def test_a_calm_market_has_nothing_to_report(tmp_path: Path) -> None:
    found = checked(tmp_path, frame())
    assert (found.findings, found.refused, found.rows, found.timeframe) == ((), False, 400, "5m")
    assert (found.first_bar, found.last_bar) == ("2026-01-01 12:00", "2026-01-02 21:15")


def test_a_gap_is_counted_with_its_size_and_is_no_refusal(tmp_path: Path) -> None:
    data = frame().filter(~pl.int_range(pl.len()).is_in([100, 101, 102, 200]))
    gap = the_one(checked(tmp_path, data))
    assert (gap.kind, gap.count, gap.refused) == ("gap", 2, False)
    assert "row 101: 3 bars missing after 2026-01-01 20:15" in gap.first
    assert gap.meaning.startswith("4 bars are missing in all, 3 in the largest hole")


def test_a_spike_stands_out_by_the_median_of_the_day_before(tmp_path: Path) -> None:
    spike = the_one(checked(tmp_path, changed(frame(), 300, high=3100.0)))
    assert (spike.kind, spike.count) == ("spike", 1)
    assert "row 301: 333 bp from the close before" in spike.first


def test_a_run_without_volume_is_found_and_two_quiet_bars_are_not(tmp_path: Path) -> None:
    quiet = pl.int_range(pl.len()).is_in([50, 51, 90, 91, 92, 93])
    data = frame().with_columns(pl.when(quiet).then(0.0).otherwise(pl.col("volume")).alias("volume"))
    run = the_one(checked(tmp_path, data))
    assert (run.kind, run.count) == ("no volume", 1)
    assert "row 91: 4 bars in a row" in run.first


def test_parts_of_a_lot_are_counted(tmp_path: Path) -> None:
    part = the_one(checked(tmp_path, changed(frame(), 5, volume=1.000001)))
    assert (part.kind, part.count, part.refused) == ("part of a lot", 1, False)


def test_what_the_importer_refuses_is_refused_here_in_the_same_words(tmp_path: Path) -> None:
    data = pl.concat([frame(20), frame(20)[7:8]])
    found = checked(tmp_path, changed(data, 3, high=2990.0))
    kinds = {finding.kind: finding.count for finding in found.findings if finding.refused}
    assert kinds == {"duplicate stamp": 1, "high below low": 1}
    assert found.refused


def test_stamps_off_the_boundary_and_mixed_steps_are_counted(tmp_path: Path) -> None:
    data = frame(20).with_columns(pl.col("time") + 7)
    found = checked(tmp_path, data)
    assert [(f.kind, f.count) for f in found.findings] == [("off the boundary", 20)]


def test_a_day_whose_stamps_are_ends_is_suspected(tmp_path: Path) -> None:
    midnight = NOON - 43_200
    ends = frame(288).with_columns(time=midnight + 300 + pl.int_range(288) * 300)
    suspect = the_one(checked(tmp_path, ends))
    assert (suspect.kind, suspect.refused) == ("stamps may be bar ends", False)
    assert "first 2026-01-01 00:05, last 2026-01-02 00:00" in suspect.first
    assert checked(tmp_path, ends, stamp="end").findings == ()


def test_open_and_close_the_wrong_way_round_are_suspected(tmp_path: Path) -> None:
    data = frame().rename({"open": "close", "close": "open"})
    assert the_one(checked(tmp_path, data)).kind == "open and close may be swapped"


def test_without_an_instrument_the_grid_is_not_checked(tmp_path: Path) -> None:
    path = tmp_path / "candles.parquet"
    changed(frame(), 5, close=3000.0301).write_parquet(path)
    assert check_candles(path).findings == ()
    assert check_candles(path, None, DEFAULT_SPOT).refused


@pytest.mark.shared
def test_ten_months_are_checked_in_well_under_a_second(shared_data: Path) -> None:
    path = shared_data / "ohlcv" / "bybit_linear_ETHUSDT_5m_20250924_20260721.parquet"
    begun = time.process_time()
    found = check_candles(path, None, DEFAULT_SPOT)
    assert time.process_time() - begun < 1.0
    assert (found.rows, found.refused) == (86_604, False)
    assert [(finding.kind, finding.count) for finding in found.findings] == [("spike", 8)]


@pytest.mark.shared
def test_the_known_holes_of_a_recorded_file_are_found(shared_data: Path) -> None:
    found = check_candles(shared_data / "ohlcv" / "binance_spot_BTCUSDT_1h_2019_2022.parquet")
    gap = next(finding for finding in found.findings if finding.kind == "gap")
    assert gap.count == 17
    assert gap.meaning.startswith("43 bars are missing in all")
