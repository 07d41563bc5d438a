"""Tables of facts: every value exact at the time it was known, or refused by file, row and column."""

from pathlib import Path

import polars as pl
import pytest

from quintet.core.errors import DataError
from quintet.core.facts import LATE, MISSING, RESTATED, Said
from quintet.core.market.fact_watch import Rhythm
from quintet.core.tape import memory_tape
from quintet.storage.fact_files import FactReading, read_facts
from quintet.storage.fact_rows import FactRecorder, Known, archived, fact_rows
from tests.fact_markets import DAY_NS, FEAR, HOUR_NS, said

FEAR_CSV = """date,timestamp,value,classification
2018-02-01,1517443200,30.0,Fear
2018-02-02,1517529600,15.0,Extreme Fear
2018-02-04,1517702400,24.0,Extreme Fear
"""


def written(folder: Path, text: str, name: str = "facts.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def fear(**more: object) -> FactReading:
    return FactReading(FEAR, 0, HOUR_NS, **more)  # type: ignore[arg-type]


def test_a_table_is_read_at_the_times_when_it_was_known(tmp_path: Path) -> None:
    table = read_facts(written(tmp_path, FEAR_CSV), fear())
    first = 1_517_443_200_000_000_000
    assert [(each.said.value, each.said.about_ns, each.known_ns) for each in table.known] == [
        (30, first, first + HOUR_NS),
        (15, first + DAY_NS, first + DAY_NS + HOUR_NS),
        (24, first + 3 * DAY_NS, first + 3 * DAY_NS + HOUR_NS),
    ]
    assert table.notes[0] == "columns: time=timestamp, value=value"


def test_what_an_archive_does_not_have_is_missing(tmp_path: Path) -> None:
    table = read_facts(written(tmp_path, FEAR_CSV), fear())
    found = archived(table.known, FEAR, Rhythm(DAY_NS, 3 * HOUR_NS), 0)
    assert [(each.value, each.quality) for each in found] == [(30, 0), (15, 0), (0, MISSING), (24, 0)]


@pytest.mark.parametrize(
    ("text", "reading", "words"),
    [
        ("date,value\n2018-02-01,4x\n", {}, r"row 1 \(line 2\): value: expected a decimal number, found '4x'"),
        ("date,value\n2018-02-01,4.5\n", {}, r"row 1 \(line 2\): value: expected a whole multiple of 1.*--round"),
        ("date,value\n2018-02-01,4\nsoon,5\n", {}, r"row 2 \(line 3\): date: found 'soon', expected a time"),
        ("date,price\n2018-02-01,4\n", {}, r"header: expected a column for value, found date, price.*--map value="),
        ("day,value\n2018-02-01,4\n", {"columns": {"time": "when"}}, r"expected column 'when' for time"),
        ("date,value\n", {}, "has no rows"),
        ("date,value\n2018-02-01,4\n2018-02-01,5\n", {}, r"row 2 \(line 3\): value: found a second value of date"),
        ("date,value,coin\n2018-02-01,4,BTC\n", {"where": {"coin": "ETH"}}, "never is 'ETH'; it is one of BTC"),
        ("date,value\n2018-02-01,99999999999999999999\n", {}, "beyond 2"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(
    tmp_path: Path, text: str, reading: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words) as refused:
        read_facts(written(tmp_path, text), fear(**reading))
    assert "facts.csv" in str(refused.value)


def test_a_column_of_knowing_makes_restatements(tmp_path: Path) -> None:
    text = "day,value,known\n2024-01-01,30,2024-01-01T01:00:00Z\n2024-01-01,18,2024-01-05T00:00:00Z\n"
    table = read_facts(written(tmp_path, text), fear())
    found = archived(table.known, FEAR, Rhythm(DAY_NS, 3 * HOUR_NS), 0)
    assert [(each.value, each.revision, each.quality) for each in found if each.quality != MISSING] == [
        (30, 0, 0),
        (18, 1, RESTATED),
    ]


def test_an_empty_cell_is_no_value_and_no_zero(tmp_path: Path) -> None:
    table = read_facts(written(tmp_path, "day,value\n2024-01-01,0\n2024-01-02,\n2024-01-03,nan\n"), fear())
    assert [each.said.value for each in table.known] == [0]
    assert table.notes[-1] == "2 cells are empty: no value"


def test_floats_of_a_parquet_file_are_taken_as_they_print(tmp_path: Path) -> None:
    path = tmp_path / "rates.parquet"
    times = pl.Series("date", [1_700_000_000_000, 1_700_028_800_000]).cast(pl.Datetime("ms", "UTC"))
    pl.DataFrame({"date": times, "funding_rate": [6.818e-05, -0.00011194]}).write_parquet(path)
    reading = FactReading("bybit/funding_rate/BTCUSDT", 9)
    assert [each.said.value for each in read_facts(path, reading).known] == [68_180, -111_940]
    pl.DataFrame({"date": times, "funding_rate": [1.2500000000000006e-05, 0.1]}).write_parquet(path)
    with pytest.raises(DataError, match="row 1: funding_rate: expected a whole multiple"):
        read_facts(path, reading)
    rounded = FactReading("bybit/funding_rate/BTCUSDT", 9, rounded=True)
    assert [each.said.value for each in read_facts(path, rounded).known] == [12_500, 100_000_000]


def test_a_file_of_another_zone_is_shifted(tmp_path: Path) -> None:
    text = "Symbol,Date,Funding Rate\nETH-USDT,2020-01-01 03:00:00.000,0.00010000\n"
    reading = FactReading("binance/funding_rate/ETHUSDT", 9, shift_ns=-3 * HOUR_NS)
    [known] = read_facts(written(tmp_path, text), reading).known
    assert (known.said.about_ns, known.said.value) == (1_577_836_800_000_000_000, 100_000)


def test_rows_stand_in_the_order_of_knowing() -> None:
    late, early = said(0, 5, 1), said(1, 3, 2)
    tape = memory_tape(fact_rows([late, early]))
    assert tape.census.kinds == {"FACT": 2, "FACT_KEY": 2, "TEXT": 2}


def test_a_recorder_never_writes_into_the_past() -> None:
    class Sink:
        times: list[int] = []

        def append(self, rows: object) -> int:
            self.times.append(int(rows[0]["ts_recv"]))  # type: ignore[index]
            return 0

    sink = Sink()
    recorder = FactRecorder(sink, last_ns=50)
    for known_ns in (40, 60, 55):
        recorder.take(said(1, known_ns, 1, LATE))
    assert sink.times == [50, 60, 60]
    assert recorder.count == 3


# ---- the recorded archives -----------------------------------------------------------------------------------------


def test_the_recorded_index_has_known_holes(shared_data: Path) -> None:
    table = read_facts(shared_data / "sentiment" / "crypto_fear_greed_to_20241231.csv.gz", fear())
    assert len(table.known) == 2_522
    found = archived(table.known, FEAR, Rhythm(DAY_NS, 3 * HOUR_NS), 0)
    days = (table.known[-1].said.about_ns - table.known[0].said.about_ns) // DAY_NS + 1
    assert sum(each.quality == MISSING for each in found) == days - 2_522
    assert sum(each.value < 20 and each.quality != MISSING for each in found) == 236


@pytest.mark.parametrize(
    ("file", "reading", "count"),
    [
        (
            "funding/binance_usdm_BTCUSDT_funding_2019_2026.parquet",
            FactReading("binance/funding_rate/BTCUSDT", 9),
            7_452,
        ),
        (
            "funding/binance_usdm_ETHUSDT_funding_2020_2023.csv.gz",
            FactReading("binance/funding_rate/ETHUSDT", 9, shift_ns=-3 * HOUR_NS),
            4_383,
        ),
        (
            "funding/bybit_linear_SOLUSDT_funding_20250924_20260721.parquet",
            FactReading("bybit/funding_rate/SOLUSDT", 9),
            902,
        ),
        (
            "daily/btc_onchain_mvrv_price_1d_to_20241231.csv.gz",
            FactReading("glassnode/mvrv/BTC", 9, rounded=True),
            4_383,
        ),
        (
            "funding/multi_venue_funding_BTC_ETH_SOL.parquet",
            FactReading("bybit/funding_rate/BTCUSDT", 9, where={"venue": "bybit", "coin": "BTC"}, rounded=True),
            1_094,
        ),
    ],
)  # fmt: skip
def test_recorded_archives_are_read_whole(shared_data: Path, file: str, reading: FactReading, count: int) -> None:
    table = read_facts(shared_data / file, reading)
    assert abs(len(table.known) - count) <= (2 if "multi" in file else 0)
    assert all(a.said.about_ns < b.said.about_ns for a, b in zip(table.known, table.known[1:], strict=False))


def test_an_archive_of_nothing_is_nothing() -> None:
    assert archived([], FEAR, Rhythm(), 0) == []
    forecast = [
        Known(Said(FEAR, 10 * DAY_NS, 5, 0), 9 * DAY_NS),
        Known(Said(FEAR, 10 * DAY_NS, 5, 0), 9 * DAY_NS + HOUR_NS),
    ]
    assert len(archived(forecast, FEAR, Rhythm(HOUR_NS, HOUR_NS, forecast=True), 0)) == 1


def test_a_value_that_is_known_in_the_last_moment_is_in_time() -> None:
    known = [Known(Said(FEAR, n * DAY_NS, 5, 0), n * DAY_NS + 36 * HOUR_NS) for n in range(10, 14)]
    assert [each.quality for each in archived(known, FEAR, Rhythm(DAY_NS, 36 * HOUR_NS), 0)] == [0, 0, 0, 0]
