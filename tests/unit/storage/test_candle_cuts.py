"""A candle file as it was at a moment, alone or with noise after it: the known cells stay as they were written."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quintet.core.errors import DataError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.research.synthetic import synthesize
from quintet.storage.candle_cuts import draw_noise, last_price, read_rows, write_known, write_noise_after
from quintet.storage.candle_files import read_candles, write_candles
from quintet.storage.candle_table import Reading
from tests.leaks import taken

BARS = synthesize(2, bars=60, timeframe="5m")
FIVE_MINUTES_NS = 300 * 10**9
AT_NS = int(BARS.ts_open[40])
"""The fortieth bar has just closed."""


@pytest.fixture(params=["coin_5m.csv", "coin_5m.csv.gz", "coin_5m.parquet"])
def candles(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = tmp_path / request.param
    if path.suffix == ".gz":
        plain = tmp_path / "plain.csv"
        write_candles(plain, BARS, DEFAULT_SPOT, synthetic=True)
        path.write_bytes(gzip.compress(plain.read_bytes()))
    else:
        write_candles(path, BARS, DEFAULT_SPOT, synthetic=True)
    return path


def elsewhere(path: Path) -> Path:
    (path.parent / "cut").mkdir(exist_ok=True)
    return path.parent / "cut" / path.name


def test_a_row_is_known_when_its_bar_has_closed(candles: Path):
    rows = read_rows(candles)
    assert rows.known_ns.tolist() == (BARS.ts_open + FIVE_MINUTES_NS).tolist()
    assert [rows.until(AT_NS - 1), rows.until(AT_NS)] == [39, 40]


def test_a_file_without_its_future_is_the_file_as_it_was(candles: Path):
    write_known(read_rows(candles), AT_NS, elsewhere(candles))
    cut = read_candles(elsewhere(candles), DEFAULT_SPOT)
    assert cut.synthetic
    for name in ("ts_open", "open", "high", "low", "close", "volume", "turnover"):
        assert (getattr(cut.bars, name) == getattr(BARS, name)[:40]).all()


def test_noise_keeps_what_was_known_and_the_laws_of_candles(candles: Path):
    rows = read_rows(candles)
    around = last_price([rows], AT_NS, DEFAULT_SPOT)
    assert around == BARS.close[39]
    write_noise_after(rows, AT_NS, elsewhere(candles), DEFAULT_SPOT, draw_noise(1), around)
    noisy = read_candles(elsewhere(candles), DEFAULT_SPOT).bars
    assert (noisy.ts_open == BARS.ts_open).all()
    for name in ("open", "high", "low", "close", "volume", "turnover"):
        assert (getattr(noisy, name)[:40] == getattr(BARS, name)[:40]).all()
        assert (getattr(noisy, name)[40:] != getattr(BARS, name)[40:]).all()


def test_the_seed_decides_the_noise():
    assert (draw_noise(1).close == draw_noise(1).close).all()
    assert (draw_noise(1).close != draw_noise(2).close).any()


def test_noise_is_on_the_grid_of_ticks():
    prices = draw_noise(1).bars(300_000, 50, np.arange(3_000))
    assert prices.pop("volume").min() > 0
    assert all((column % 50 == 0).all() and column.min() > 0 for column in prices.values())
    assert (prices["high"] >= np.maximum(prices["open"], prices["close"])).all()
    assert (prices["low"] <= np.minimum(prices["open"], prices["close"])).all()


def test_stamps_of_the_end_are_known_at_themselves(tmp_path: Path):
    path = tmp_path / "ends.csv"
    write_candles(path, replace(BARS, ts_open=BARS.ts_open + FIVE_MINUTES_NS), DEFAULT_SPOT)
    assert read_rows(path, Reading(stamp="end")).until(AT_NS) == 40


def test_a_file_from_newest_to_oldest_stays_one(tmp_path: Path):
    path, cut = tmp_path / "newest.csv", tmp_path / "cut.csv"
    write_candles(tmp_path / "oldest.csv", BARS, DEFAULT_SPOT)
    pl.read_csv(tmp_path / "oldest.csv", infer_schema=False).reverse().write_csv(path)
    reading = Reading(newest_first=True)
    write_known(read_rows(path, reading), AT_NS, cut)
    assert len(read_candles(cut, DEFAULT_SPOT, reading).bars) == 40


def test_a_row_below_is_not_known_before_the_rows_above(tmp_path: Path):
    path = tmp_path / "corrected.csv"
    write_candles(path, BARS, DEFAULT_SPOT)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[5]]) + "\n")
    rows = read_rows(path)
    assert rows.known_ns[-1] == rows.known_ns[-2]


def test_holes_are_where_a_bar_should_have_been_known(tmp_path: Path):
    path = tmp_path / "holes.csv"
    write_candles(path, BARS, DEFAULT_SPOT)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:11] + lines[14:]) + "\n")
    assert read_rows(path).holes_ns.tolist() == [int(BARS.ts_open[10]) + FIVE_MINUTES_NS]


def test_the_last_price_is_that_of_the_file_that_knew_it_last(tmp_path: Path):
    for name, first, last in (("a.csv", 0, 30), ("b.csv", 25, 60)):
        write_candles(tmp_path / name, taken(BARS, np.arange(first, last)), DEFAULT_SPOT)
    files = [read_rows(tmp_path / "a.csv"), read_rows(tmp_path / "b.csv")]
    assert last_price(files, AT_NS, DEFAULT_SPOT) == BARS.close[39]
    assert last_price(files, int(BARS.ts_open[10]), DEFAULT_SPOT) == BARS.close[9]
    with pytest.raises(DataError, match="no row was known"):
        last_price(files, int(BARS.ts_open[0]), DEFAULT_SPOT)


def test_before_the_first_row_there_is_nothing_to_write(candles: Path):
    with pytest.raises(DataError, match="no row was known at"):
        write_known(read_rows(candles), int(BARS.ts_open[0]), elsewhere(candles))
