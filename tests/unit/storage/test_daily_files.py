"""Files of days: usual names, clocks that are ahead, and what is refused by file, row and column."""

import gzip

import polars as pl
import pytest

from quintet.core.errors import DataError
from quintet.storage.daily_files import read_bars, read_rates, read_values

DAY = 86_400_000_000_000
FIRST = 17_479 * DAY  # 2017-11-09
BARS = "date,open,high,low,close\n2017-11-09,10,12,9,11\n2017-11-10,11,13,10,12\n"


def written(tmp_path, text, name="bars.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz"])
def test_bars_of_a_day(tmp_path, name):
    table = read_bars([written(tmp_path, BARS, name)], 24)
    assert table["start"].tolist() == [FIRST, FIRST + DAY]
    assert table["high"].tolist() == [12.0, 13.0]


def test_bars_of_eight_hours_from_parquet(tmp_path):
    frame = pl.DataFrame({"openTime": [1_510_185_600_000, 1_510_214_400_000], "open": [1.0, 2.0], "high": [2.0, 3.0],
                          "low": [1.0, 2.0], "close": [2.0, 2.5]})  # fmt: skip
    frame.write_parquet(tmp_path / "bars.parquet")
    assert read_bars([tmp_path / "bars.parquet"], 8)["start"].tolist() == [FIRST, FIRST + DAY // 3]


def test_a_file_of_closes_gives_bars_without_a_range(tmp_path):
    table = read_bars([written(tmp_path, "date,mvrv,price\n2017-11-09,1,7000.5\n")], 24)
    assert [float(table[name][0]) for name in ("open", "high", "low", "close")] == [7_000.5] * 4


def test_rates_of_a_clock_that_is_ahead(tmp_path):
    path = written(
        tmp_path,
        "Symbol,Date,Funding Rate\nETH,2017-11-09 11:00:00.000,0.0001\nETH,2017-11-09 19:00:00.000,-0.00007354\n",
    )
    assert read_rates(path, 3) == {FIRST + DAY // 3: 100_000, FIRST + 2 * DAY // 3: -73_540}


def test_an_index_by_day(tmp_path):
    path = written(tmp_path, "date,timestamp,value\n2017-11-09,1510185600,15.0\n")
    assert read_values(path, "value") == [(FIRST, 15_000_000_000)]


@pytest.mark.req("E-105")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("date,open,high,low,close\n2017-11-09,10,9,8,9\n", "row 1, high: found 9.0, expected a high at or above"),
        ("date,open,high,low,close\n2017-11-09,10,12,11,11\n", "row 1, low: found 11.0, expected a low at or below"),
        ("date,open,high,low,close\n2017-11-09,10,12,0,11\n", "row 1, low: found 0.0, expected a price above zero"),
        ("date,open,high,low,close\n2017-11-09,10,12,x,11\n", "row 1, low: found 'x', expected a number"),
        (BARS + "2017-11-10,11,13,10,12\n", "row 3, date: found 2017-11-10, expected a time after the row before"),
        ("date,volume\n2017-11-09,1\n", "found columns date, volume; expected one of close, price"),
        ("day,close\n2017-11-09,1\n", "found columns day, close; expected one of opentime"),
        ("date,close\n", "row 1, date: found 'no rows', expected a time"),
        (
            "timestamp,close\n1510189200,5\n",
            "row 1: found a bar from 1510189200000000000 ns, expected a multiple of 24 h",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_file_row_and_column(tmp_path, text, what):
    path = written(tmp_path, text)
    with pytest.raises(DataError) as refused:
        read_bars([path], 24)
    assert str(refused.value).startswith(str(path)) and what in str(refused.value)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="expected CSV or Parquet"):
        read_bars([tmp_path / "missing.csv"], 24)


def test_files_go_on_where_the_one_before_ends(tmp_path):
    first = written(tmp_path, BARS, "first.csv")
    second = written(tmp_path, "date,open,high,low,close\n2017-11-12,12,14,11,13\n", "second.csv.gz")
    assert read_bars([first, second], 24)["start"].tolist() == [FIRST, FIRST + DAY, FIRST + 3 * DAY]
    assert read_bars([], 24) is None
    with pytest.raises(
        DataError, match=r"first.csv: found a first bar of 2017-11-09T00, expected one after 2017-11-12"
    ):
        read_bars([second, first], 24)
