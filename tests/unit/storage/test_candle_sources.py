"""From files to the market of one run: single timeframe, or structure and execution timeframes."""

from pathlib import Path

import numpy as np
import pytest

from quintet.core.errors import DataError
from quintet.core.events import MINUTE_NS
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import Bars
from quintet.core.market.resample import resample
from quintet.storage.candle_files import write_candles
from quintet.storage.candle_sources import load_market

NOON = 1_767_268_800 * 1_000_000_000


def minutes(first: int, last: int) -> Bars:
    """1m bars that open from minute `first` to `last` - 1 after noon."""
    m = np.arange(first, last, dtype=np.int64)
    price = 300_000 + 7 * (m % 13)
    return Bars("1m", NOON + m * MINUTE_NS, price, price + 5, price - 5, price + 2, 100 + m % 7, 0 * m)


def saved(folder: Path, name: str, bars: Bars) -> Path:
    path = folder / name
    write_candles(path, bars, DEFAULT_SPOT)
    return path


def test_one_file_is_a_single_timeframe(tmp_path: Path) -> None:
    five = resample(minutes(0, 60), "5m").bars
    market = load_market([saved(tmp_path, "five.csv", five)], DEFAULT_SPOT)
    assert (market.htf.timeframe, len(market.htf), market.ltf) == ("5m", 12, None)


@pytest.mark.parametrize(("htf", "ltf"), [("5m", None), ("5m", "1m")])
def test_minutes_alone_give_structure_and_execution(tmp_path: Path, htf: str, ltf: str | None) -> None:
    market = load_market([saved(tmp_path, "one.parquet", minutes(-2, 33))], DEFAULT_SPOT, htf, ltf)
    assert market.ltf is not None
    assert (market.htf.timeframe, len(market.htf), market.ltf.timeframe, len(market.ltf)) == ("5m", 6, "1m", 30)
    assert market.htf.ts_open[0] == market.ltf.ts_open[0] == NOON
    assert any("resampled from 1m" in note for note in market.notes)


def test_both_files_are_cut_to_the_stretch_both_cover(tmp_path: Path) -> None:
    five = resample(minutes(-60, 60), "5m").bars
    files = [saved(tmp_path, "five.csv", five), saved(tmp_path, "one.csv", minutes(1, 44))]
    market = load_market(files, DEFAULT_SPOT)
    assert market.ltf is not None
    assert ((market.htf.ts_open - NOON) // MINUTE_NS).tolist() == [5, 10, 15, 20, 25, 30, 35]
    assert ((market.ltf.ts_open[[0, -1]] - NOON) // MINUTE_NS).tolist() == [5, 39]
    assert not any("differs" in note for note in market.notes)


def test_files_that_disagree_are_reported_with_the_first_place(tmp_path: Path) -> None:
    five = resample(minutes(0, 60), "5m").bars
    five.high[3] += 40
    market = load_market([saved(tmp_path, "five.csv", five), saved(tmp_path, "one.csv", minutes(0, 60))], DEFAULT_SPOT)
    assert [note for note in market.notes if "differs" in note] == [
        "high of 1 of 12 5m bars differs from the 1m bars (first at 2026-01-01 12:15: "
        f"{five.high[3]} in the file, {five.high[3] - 40} resampled)"
    ]


def test_start_is_inclusive_and_end_exclusive(tmp_path: Path) -> None:
    five = resample(minutes(0, 60), "5m").bars
    path = saved(tmp_path, "five.csv", five)
    market = load_market([path], DEFAULT_SPOT, start_ns=NOON + 5 * MINUTE_NS, end_ns=NOON + 20 * MINUTE_NS)
    assert ((market.htf.ts_open - NOON) // MINUTE_NS).tolist() == [5, 10, 15]


def test_files_of_one_timeframe_are_joined_and_must_agree(tmp_path: Path) -> None:
    early, late = minutes(0, 20), minutes(15, 40)
    files = [saved(tmp_path, "late.csv", late), saved(tmp_path, "early.csv", early)]
    assert len(load_market(files, DEFAULT_SPOT).htf) == 40
    late.close[2] += 1
    late.high[2] += 1
    files[0] = saved(tmp_path, "late.csv", late)
    with pytest.raises(DataError, match=r"late\.csv: row 3: high .*2026-01-01 12:17 differs"):
        load_market(files, DEFAULT_SPOT)


@pytest.mark.parametrize(
    ("htf", "ltf", "expected"),
    [
        ("1m", None, "cannot make 1m bars from 5m"),
        ("5m", "1m", "no file can give 1m"),
        ("5m", "15m", "not longer than htf"),
        ("7m", None, "htf is '7m'"),
        ("5m", "x", "ltf is 'x'"),
        ("1d", None, "no 1d bar is left"),
    ],
)
def test_a_timeframe_that_cannot_be_made_is_refused(tmp_path: Path, htf: str, ltf: str | None, expected: str) -> None:
    path = saved(tmp_path, "five.csv", resample(minutes(0, 60), "5m").bars)
    with pytest.raises(DataError, match=expected):
        load_market([path], DEFAULT_SPOT, htf, ltf)


def test_a_file_that_the_run_has_no_use_for_is_named(tmp_path: Path) -> None:
    five = resample(minutes(0, 60), "5m").bars
    files = [saved(tmp_path, "five.csv", five), saved(tmp_path, "one.csv", minutes(0, 60))]
    market = load_market(files, DEFAULT_SPOT, "5m", "5m")
    assert market.ltf is None
    assert market.notes[-1] == "1m candles were given and are not used"


def test_series_that_never_meet_are_refused(tmp_path: Path) -> None:
    five = resample(minutes(0, 60), "5m").bars
    files = [saved(tmp_path, "five.csv", five), saved(tmp_path, "one.csv", minutes(200, 260))]
    with pytest.raises(DataError, match="do not overlap"):
        load_market(files, DEFAULT_SPOT)


def test_no_file_and_an_empty_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no candle file"):
        load_market([], DEFAULT_SPOT)
    path = saved(tmp_path, "one.csv", minutes(0, 9))
    with pytest.raises(DataError, match="no 1m bar is left from 2026-01-01 13:00"):
        load_market([path], DEFAULT_SPOT, start_ns=NOON + 60 * MINUTE_NS)


@pytest.mark.shared
def test_recorded_minutes_of_a_month_give_their_five_minute_bars(shared_data: Path) -> None:
    path = shared_data / "ohlcv" / "binance_usdm_ETHUSDT_1m_20250504_20250603.parquet"
    market = load_market([path], DEFAULT_SPOT, "5m", "1m")
    assert market.ltf is not None
    assert len(market.ltf) == 5 * len(market.htf) == 43_195


@pytest.mark.req("S-28")
def test_january_from_its_first_to_the_first_of_february_is_8928_bars(tmp_path: Path) -> None:
    n = np.arange(-300, 9300, dtype=np.int64)
    stamps = (1_767_225_600 + n * 300) * 1_000_000_000
    path = saved(tmp_path, "eth_5m.csv", Bars("5m", stamps, *(n * 0 + 300_000 for _ in range(4)), n * 0, n * 0))
    january, february = 1_767_225_600 * 1_000_000_000, 1_769_904_000 * 1_000_000_000
    market = load_market([path], DEFAULT_SPOT, start_ns=january, end_ns=february)
    assert len(market.htf) == 8_928
    assert (market.htf.ts_open[0], market.htf.ts_open[-1]) == (january, february - 300_000_000_000)
