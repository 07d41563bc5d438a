"""Candle files as they come: many spellings of one market give the same exact bars."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from quintet.core.errors import DataError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import Bars
from quintet.storage.candle_files import read_candles, write_candles
from quintet.storage.candle_table import Reading

NOON = 1_767_268_800
STARTS = [NOON + n * 300 for n in range(4)]
NUMBERS = "3000.10,3001.00,2999.50,3000.55,1.25"
UTC_STARTS = [datetime.fromtimestamp(start, UTC) for start in STARTS]


def text_file(folder: Path, times: list[str], header: str = "time,open,high,low,close,volume") -> Path:
    path = folder / "candles.csv"
    path.write_text("\n".join([header, *(f"{time},{NUMBERS}" for time in times)]) + "\n")
    return path


def assert_the_market(bars: Bars) -> None:
    assert bars.timeframe == "5m"
    assert bars.ts_open.tolist() == [start * 1_000_000_000 for start in STARTS]
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (300_010, 300_100, 299_950, 300_055)
    assert bars.volume.tolist() == [125_000] * 4


@pytest.mark.parametrize(
    "written",
    [
        [str(start) for start in STARTS],
        [f"{start}.0" for start in STARTS],
        [f"{start}000" for start in STARTS],
        [f"{start}000000" for start in STARTS],
        [f"{start}000000000" for start in STARTS],
        [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in UTC_STARTS],
        [f"{moment:%Y-%m-%d %H:%M}" for moment in UTC_STARTS],
        [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in UTC_STARTS],
        [f"{moment:%Y-%m-%d %H:%M:%S}.000+00:00" for moment in UTC_STARTS],
        [f"{moment:%Y-%m-%dT%H:%M:%S} +0000" for moment in UTC_STARTS],
        ["2026-01-01T15:00:00+03:00", "2026-01-01T12:05:00Z", "2026-01-01 12:10:00", "2026-01-01 07:15:00-0500"],
        [f"  {start} " for start in STARTS],
    ],
    ids=lambda written: written[0].strip(),
)
def test_every_spelling_of_time_gives_the_same_bars(tmp_path: Path, written: list[str]) -> None:
    assert_the_market(read_candles(text_file(tmp_path, written), DEFAULT_SPOT).bars)


@pytest.mark.parametrize("stored", ["ms", "us", "ns", "naive", "epoch", "float"])
def test_every_parquet_time_gives_the_same_bars(tmp_path: Path, stored: str) -> None:
    path = tmp_path / "candles.parquet"
    times = pl.Series([start * 1000 for start in STARTS])
    if stored in ("ms", "us", "ns"):
        times = times.cast(pl.Datetime("ms", "UTC")).dt.cast_time_unit(stored)
    elif stored == "naive":
        times = times.cast(pl.Datetime("ms"))
    elif stored == "float":
        times = times.cast(pl.Float64)
    prices = {"o": 3000.1, "h": 3001.0, "l": 2999.5, "c": 3000.55, "v": 1.25}
    pl.DataFrame({"t": times}).with_columns(pl.lit(v).alias(k) for k, v in prices.items()).write_parquet(path)
    assert_the_market(read_candles(path, DEFAULT_SPOT).bars)


def test_gzip_semicolons_byte_order_mark_and_quotes_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv.gz"
    lines = ["\ufeffTime;Open;High;Low;Close;Volume", *(f'"{s}";{NUMBERS.replace(",", ";")}' for s in STARTS), "", ""]
    path.write_bytes(gzip.compress("\r\n".join(lines).encode()))
    assert_the_market(read_candles(path, DEFAULT_SPOT).bars)


def test_a_file_without_header_is_taken_by_place_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    path.write_text("\n".join(f"{start}000,{NUMBERS},{start}299,7" for start in STARTS))
    got = read_candles(path, DEFAULT_SPOT)
    assert_the_market(got.bars)
    assert any("no header line" in note for note in got.notes)


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = text_file(tmp_path, [str(s) for s in STARTS], "when,first,top,bottom,last,size")
    mapping = {"time": "when", "open": "first", "high": "top", "low": "bottom", "close": "last", "volume": "size"}
    got = read_candles(path, DEFAULT_SPOT, Reading(columns=mapping))
    assert_the_market(got.bars)
    assert got.columns == mapping


@pytest.mark.parametrize("shift_ms", [300_000, 299_999])
def test_end_stamps_are_moved_to_the_open(tmp_path: Path, shift_ms: int) -> None:
    path = text_file(tmp_path, [str(start * 1000 + shift_ms) for start in STARTS])
    assert_the_market(read_candles(path, DEFAULT_SPOT, Reading(stamp="end", timeframe="5m")).bars)


def test_one_market_of_several_is_chosen_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    lines = [f"{start},{NUMBERS},{coin}" for start in STARTS for coin in ("BTC", "ETH")]
    path.write_text("\n".join(["time,open,high,low,close,volume,coin", *lines]))
    assert_the_market(read_candles(path, DEFAULT_SPOT, Reading(where={"coin": "ETH"})).bars)
    lines[5] = lines[5].replace("3000.10", "x")
    path.write_text("\n".join(["time,open,high,low,close,volume,coin", *lines]))
    with pytest.raises(DataError, match=r"row 6 \(line 7\): column 'open' is 'x'"):
        read_candles(path, DEFAULT_SPOT, Reading(where={"coin": "ETH"}))


def test_a_file_from_newest_to_oldest_is_turned_when_that_is_said(tmp_path: Path) -> None:
    path = text_file(tmp_path, [str(start) for start in STARTS[::-1]])
    with pytest.raises(DataError, match="--newest-first turns a file"):
        read_candles(path, DEFAULT_SPOT)
    assert_the_market(read_candles(path, DEFAULT_SPOT, Reading(newest_first=True)).bars)


def test_a_file_without_volume_is_read_when_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mark.csv"
    path.write_text("\n".join(["time,open,high,low,close", *(f"{s},3,4,2,3" for s in STARTS)]))
    with pytest.raises(DataError, match="or say --map volume=none"):
        read_candles(path, DEFAULT_SPOT)
    assert read_candles(path, DEFAULT_SPOT, Reading(columns={"volume": "none"})).bars.volume.tolist() == [0] * 4


def test_what_was_guessed_is_said(tmp_path: Path) -> None:
    notes = read_candles(text_file(tmp_path, [str(s) for s in STARTS]), DEFAULT_SPOT).notes
    assert "columns: time=time, open=open, high=high, low=low, close=close, volume=volume" in notes
    assert {"time unit: s", "timeframe: 5m", "stamps: bar open"} <= set(notes)


def test_parts_of_lots_are_rounded_down_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    volumes = ["0.000019", "1.25", "0.1", "2.081"]
    path.write_text(
        "time,open,high,low,close,volume\n"
        + "\n".join(f"{s},3,4,2,3,{v}" for s, v in zip(STARTS, volumes, strict=True))
    )
    got = read_candles(path, DEFAULT_SPOT)
    assert got.bars.volume.tolist() == [1, 125_000, 10_000, 208_100]
    assert got.notes[-1] == "volume of 1 bars was not whole lots of 0.00001: rounded down"


def test_four_byte_floats_count_as_the_text_they_print(tmp_path: Path) -> None:
    path = tmp_path / "narrow.parquet"
    prices = pl.Series([3000.1, 3000.2, 3000.3, 3000.4], dtype=pl.Float32)
    frame = pl.DataFrame({"time": STARTS, "open": prices, "high": prices, "low": prices, "close": prices})
    frame.with_columns(pl.lit(1.0).alias("volume")).write_parquet(path)
    assert read_candles(path, DEFAULT_SPOT).bars.close.tolist() == [300_010, 300_020, 300_030, 300_040]


@pytest.mark.parametrize(("stray", "accepted"), [("3000.1000000001", True), ("3000.1001", False), ("3000.105", False)])
def test_float_noise_is_the_price_it_stands_for_and_more_is_refused(tmp_path: Path, stray: str, accepted: bool) -> None:
    path = tmp_path / "candles.csv"
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(f"{s},{stray},4000,2,3,1" for s in STARTS))
    if accepted:
        assert read_candles(path, DEFAULT_SPOT).bars.open.tolist() == [300_010] * 4
    else:
        with pytest.raises(DataError, match="expected a whole multiple of 0.01"):
            read_candles(path, DEFAULT_SPOT)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("lot_size", ["0.00001", "1", "0.5"])
def test_written_candles_come_back_equal_with_their_marks(tmp_path: Path, ending: str, lot_size: str) -> None:
    instrument = msgspec.structs.replace(DEFAULT_SPOT, lot_size=Decimal(lot_size))
    price = np.array([1, 2_147_483_647], np.int64)
    stamps = np.array(STARTS[:2], np.int64) * 1_000_000_000
    bars = Bars("5m", stamps, price, price, price, price, np.array([0, 7]), np.array([0, 123_456_789]))
    path = tmp_path / f"set{ending}"
    write_candles(path, bars, instrument, origin="first.csv", synthetic=True)
    back = read_candles(path, instrument)
    assert (back.origin, back.synthetic) == ("first.csv", True)
    for name in ("ts_open", "open", "high", "low", "close", "volume", "turnover"):
        assert getattr(back.bars, name).tolist() == getattr(bars, name).tolist(), name


def test_another_ending_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    bars = read_candles(text_file(tmp_path, [str(s) for s in STARTS]), DEFAULT_SPOT).bars
    with pytest.raises(DataError, match=r"expected a name ending in \.csv or \.parquet"):
        write_candles(tmp_path / "set.xlsx", bars, DEFAULT_SPOT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candles.csv"]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "timeframe", "rows"),
    [
        ("bybit_linear_ETHUSDT_5m_20250924_20260721.parquet", "5m", 86_604),
        ("bybit_linear_BTCUSDT_5m_20250924_20260721.parquet", "5m", 86_604),
        ("bybit_linear_SOLUSDT_5m_20250924_20260721.parquet", "5m", 86_604),
        ("bybit_spot_BTCUSDT_5m_20250916_20251016.parquet", "5m", 8_831),
        ("binance_usdm_ETHUSDT_1m_20250504_20250603.parquet", "1m", 43_199),
        ("binance_usdm_BTCUSDT_4h_to_20260316.parquet", "4h", 13_597),
        ("binance_spot_BTCUSDT_1h_2019_2022.parquet", "1h", 29_941),
    ],
)
def test_recorded_files_are_read_as_they_are(shared_data: Path, name: str, timeframe: str, rows: int) -> None:
    got = read_candles(shared_data / "ohlcv" / name, DEFAULT_SPOT)
    assert (got.bars.timeframe, len(got.bars)) == (timeframe, rows)
