"""Candles as other programs keep them give the same exact bars, and their names are understood."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from quintet.app.instruments import spoken_of
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import Bars
from quintet.storage.candle_files import read_candles
from quintet.storage.candle_formats import named_timeframe
from quintet.storage.candle_table import Reading

NOON = 1_767_268_800
STARTS = [NOON + n * 300 for n in range(4)]


def assert_the_market(bars: Bars) -> None:
    assert bars.timeframe == "5m"
    assert bars.ts_open.tolist() == [start * 1_000_000_000 for start in STARTS]
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (300_010, 300_100, 299_950, 300_055)
    assert bars.volume.tolist() == [125_000] * 4


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_feather_file_gives_the_bars(tmp_path: Path, compression: str, unit: str) -> None:
    path = tmp_path / "ETH_USDT-5m.feather"
    times = pl.Series([start * 1000 for start in STARTS]).cast(pl.Datetime("ms", "UTC")).dt.cast_time_unit(unit)
    prices = {"open": 3000.1, "high": 3001.0, "low": 2999.5, "close": 3000.55, "volume": 1.25}
    frame = pl.DataFrame({"date": times}).with_columns(pl.lit(v).alias(k) for k, v in prices.items())
    frame.write_ipc(path, compression=compression)
    assert_the_market(read_candles(path, DEFAULT_SPOT).bars)
    # and its name does not matter
    assert_the_market(read_candles(path.rename(tmp_path / "candles.bin"), DEFAULT_SPOT).bars)


@pytest.mark.parametrize("ending", [".json", ".json.gz"])
@pytest.mark.parametrize("more", [[], [1767269099999, "12.5", 7]])
def test_json_rows_give_the_bars_by_their_place(tmp_path: Path, ending: str, more: list[object]) -> None:
    rows = [[start * 1000, 3000.10, "3001.00", 2999.5, 3000.55, 1.25, *more] for start in STARTS]
    path = tmp_path / f"ETH_USDT-5m{ending}"
    text = json.dumps(rows).encode()
    path.write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    got = read_candles(path, DEFAULT_SPOT)
    assert_the_market(got.bars)
    assert any("by their place" in note for note in got.notes)


def test_a_price_in_json_is_the_text_that_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(f"[[{NOON}000, 3000.105, 3001, 2999, 3000, 1]]")
    with pytest.raises(Exception, match=r"row 1: column 'open' is '3000\.105', expected a whole multiple"):
        read_candles(path, DEFAULT_SPOT, Reading(timeframe="5m"))


@pytest.mark.parametrize(
    ("name", "timeframe"),
    [
        ("ETH_USDT-5m.feather", "5m"),
        ("ETH_USDT_USDT-1h-futures.feather", "1h"),
        ("BTC_USDT-1d.json", "1d"),
        ("BTC_USDT-15m.json.gz", "15m"),
        ("eth_5m.csv", ""),
        ("ETHUSDT-5m.feather", ""),
    ],
)
def test_a_name_speaks_of_its_timeframe(name: str, timeframe: str) -> None:
    assert named_timeframe(name) == timeframe


def test_a_name_that_contradicts_its_stamps_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ETH_USDT-1h.json"
    path.write_text(json.dumps([[start * 1000, 3000.1, 3001.0, 2999.5, 3000.55, 1.25] for start in STARTS]))
    got = read_candles(path, DEFAULT_SPOT)
    assert got.bars.timeframe == "5m"
    assert "the file name speaks of 1h, the stamps are 5m apart, and they count" in got.notes


@pytest.mark.parametrize(
    ("names", "symbols"),
    [
        (["ETH_USDT-5m.feather"], ["ETHUSDT"]),
        (["BTC_USDT_USDT-1h-futures.feather", "btcusdt_1m.csv"], ["BTCUSDT"]),
        (["ETH-USDT 5m.csv"], ["ETHUSDT"]),
        (["ETH_USDT-5m.feather", "BTC_USDT-5m.feather"], []),
        (["candles.csv"], []),
        ([], []),
    ],
)
def test_a_symbol_is_found_in_the_names_that_all_speak_of_it(names: list[str], symbols: list[str]) -> None:
    assert spoken_of(names) == symbols
