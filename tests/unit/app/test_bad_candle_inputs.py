"""Over fifty ways to hand over bad candles: each is refused by place, found and expected, and nothing changes."""

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from typer.testing import CliRunner

from quintet.app.data_commands import data_app

NOON = 1_767_268_800
HEADER = "time,open,high,low,close,volume"

Make = Callable[[Path], Path]


def candle(n: int, **changed: str) -> str:
    """One good line of 5m candles, with some cells replaced."""
    cells = {
        "time": str(NOON + n * 300),
        "open": "3000.10",
        "high": "3001.00",
        "low": "2999.50",
        "close": "3000.50",
        "volume": "1.25",
    }
    return ",".join((cells | changed).values())


def csv_file(lines: list[str], header: str = HEADER, name: str = "candles.csv") -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return path

    return make


def third_line(**changed: str) -> Make:
    """Ten good candles whose third row is changed."""
    return csv_file([candle(n, **(changed if n == 2 else {})) for n in range(10)])


def raw_file(data: bytes, name: str = "candles.csv") -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return make


def parquet_file(**columns: object) -> Make:
    good = {
        "date": [NOON + n * 300 for n in range(5)],
        "open": [3000.1] * 5,
        "high": [3001.0] * 5,
        "low": [2999.5] * 5,
        "close": [3000.5] * 5,
        "volume": [1.25] * 5,
    }

    def make(folder: Path) -> Path:
        path = folder / "candles.parquet"
        pl.DataFrame(good | columns).write_parquet(path)
        return path

    return make


def feather_file(**columns: object) -> Make:
    """Five good candles as Freqtrade keeps them, with columns replaced or (None) left out."""
    good = {
        "date": pl.Series([(NOON + n * 300) * 1000 for n in range(5)]).cast(pl.Datetime("ms", "UTC")),
        "open": [3000.1] * 5,
        "high": [3001.0] * 5,
        "low": [2999.5] * 5,
        "close": [3000.5] * 5,
        "volume": [1.25] * 5,
    }

    def make(folder: Path) -> Path:
        path = folder / "ETH_USDT-5m.feather"
        kept = {name: column for name, column in (good | columns).items() if column is not None}
        pl.DataFrame(kept).write_ipc(path, compression="lz4")
        return path

    return make


def json_file(text: str) -> Make:
    return raw_file(text.encode(), "ETH_USDT-5m.json")


def json_rows(at: int, row: str) -> Make:
    """Ten good rows of which one is another."""
    rows = [f"[{NOON + n * 300}000, 3000.1, 3001.0, 2999.5, 3000.5, 1.25]" for n in range(10)]
    return json_file(f"[{', '.join([*rows[:at], row, *rows[at + 1 :]])}]")


def nothing(folder: Path) -> Path:
    return folder / "nowhere.csv"


def folder_itself(folder: Path) -> Path:
    path = folder / "sub"
    path.mkdir()
    return path


class Bad(NamedTuple):
    """A bad input, the flags it is given with, and what the message must say (a pattern)."""

    name: str
    make: Make
    expected: str
    flags: tuple[str, ...] = ()


GOOD = csv_file([candle(n) for n in range(10)])
LINES = [candle(n) for n in range(10)]
ROW3 = r"candles\.csv: row 3 \(line 4\): column "

BAD_INPUTS = [
    # the file
    Bad("no such file", nothing, r"nowhere\.csv: no such file"),
    Bad("a folder", folder_itself, r"sub: is a folder, expected a candle file"),
    Bad("an empty file", raw_file(b""), r"candles\.csv: is empty \(0 bytes\)"),
    Bad("only blank lines", raw_file(b"\n \n"), r"candles\.csv: holds no text"),
    Bad("only a header", csv_file([]), r"candles\.csv: has no rows, expected at least one candle"),
    Bad("not a parquet", raw_file(b"PAR0 not at all", "candles.parquet"), r"is not a readable Parquet file"),
    Bad("a cut parquet", raw_file(b"PAR1" + b"\0" * 40, "candles.parquet"), r"is not a readable Parquet file"),
    Bad("a cut gzip", raw_file(gzip.compress(b"x" * 9999)[:-9], "candles.csv.gz"), r"is not a whole gzip file"),
    Bad("not a gzip", raw_file(b"time,open", "candles.csv.gz"), r"is not a whole gzip file"),
    Bad(
        "wrong encoding", raw_file(HEADER.encode() + b"\n1,\xe9,1,1,1,1\n"), r"line 2: byte \d+ is 0xe9, expected UTF-8"
    ),
    Bad("utf-16", raw_file(HEADER.encode("utf-16")), r"line 1: byte 0 is 0xff, expected UTF-8"),
    Bad("binary", raw_file(b"time,open\n\x00\x00"), r"line 2: holds zero bytes"),
    # Feather
    Bad("not a feather", raw_file(b"PK nothing", "ETH_USDT-5m.feather"), r"is not a readable Feather file"),
    Bad(
        "a cut feather", raw_file(b"ARROW1\0\0" + b"\0" * 40, "ETH_USDT-5m.feather"), r"is not a readable Feather file"
    ),
    Bad(
        "an old feather",
        raw_file(b"FEA1" + b"\0" * 40, "ETH_USDT-5m.feather"),
        r"Feather file of version 1, expected version 2",
    ),
    Bad(
        "a null in a feather",
        feather_file(close=[3000.5, None, 3000.5, 3000.5, 3000.5]),
        r"ETH_USDT-5m\.feather: row 2: column 'close' is empty",
    ),
    Bad(
        "a feather without volume",
        feather_file(volume=None),
        r"ETH_USDT-5m\.feather: header: column volume: expected a column",
    ),
    # JSON
    Bad("not JSON", json_file("[[1,"), r"ETH_USDT-5m\.json: is not JSON \("),
    Bad("a JSON object", json_file('{"data": []}'), r"holds a JSON dict, expected a list of rows"),
    Bad("no JSON row", json_file("[]"), r"has no rows, expected at least one candle"),
    Bad("a JSON row that is none", json_rows(2, '{"time": 1}'), r'row 3: is \{"time": "1"\}, expected a list'),
    Bad("a short JSON row", json_rows(2, "[1, 2, 3, 4, 5]"), r"row 3: has 5 cells, expected 6: time, open"),
    Bad("a nested JSON cell", json_rows(2, "[1, 2, [3], 4, 5, 6]"), r'row 3: holds \["3"\], expected a number'),
    Bad("a switch in JSON", json_rows(2, "[1, 2, true, 4, 5, 6]"), r"row 3: holds true, expected a number"),
    Bad(
        "a JSON null",
        json_rows(2, "[1767269400000, 3000.1, 3001.0, 2999.5, null, 1]"),
        r"json: row 3: column 'close' is empty, expected a finite number",
    ),
    Bad(
        "not a number in JSON",
        json_rows(2, "[1767269400000, 3000.1, 3001.0, NaN, 3000.5, 1]"),
        r"json: row 3: column 'low' is 'NaN', expected a finite number",
    ),
    Bad("a cut JSON gzip", raw_file(gzip.compress(b"[" * 999)[:-9], "a.json.gz"), r"is not a whole gzip file"),
    # the columns
    Bad(
        "a missing column",
        csv_file(["1,2,3,4,5"], "time,open,high,low,volume"),
        r"header: column close: expected a col",
    ),
    Bad("no header, too few columns", csv_file(["1,2,3"], "1,2,3"), r"header: column low: expected a column"),
    Bad("a column twice", csv_file(LINES, "time,open,high,low,close,close"), r"line 1: column 'close' appears 2 times"),
    Bad("a mapping to nowhere", GOOD, r"expected column 'vol' for volume, found time, open", ("--map", "volume=vol")),
    Bad("an unknown field", GOOD, r"unknown field.*--map.*found +tiem.*did you mean time", ("--map", "tiem=time")),
    Bad("a mapping that is none", GOOD, r"not a pair.*--map.*'time'.*NAME=VALUE", ("--map", "time")),
    Bad("too many cells", csv_file([candle(0), candle(1) + ",9,9"]), r"row 2 \(line 3\): has 8 cells, expected 6"),
    Bad(
        "several markets",
        csv_file([f"{line},{s}" for s in "AB" for line in LINES], HEADER + ",symbol"),
        r"column 'symbol' holds 2 values \(A, B\), expected one market; choose with --where symbol=A",
    ),
    Bad(
        "a market that is not there",
        csv_file([f"{line},A" for line in LINES], HEADER + ",symbol"),
        r"column 'symbol' never is 'C'; it is one of A",
        ("--where", "symbol=C"),
    ),
    # numbers
    Bad("text for a number", third_line(open="abc"), ROW3 + r"'open' is 'abc', expected a finite number"),
    Bad(
        "a decimal comma",
        csv_file([candle(0, open='"3000,5"')]),
        r"row 1 \(line 2\): column 'open' is '3000,5'",
        ("--timeframe", "5m"),
    ),
    Bad("an empty cell", third_line(close=""), ROW3 + r"'close' is empty, expected a finite number"),
    Bad(
        "a short line",
        csv_file([candle(0), candle(1).rsplit(",", 1)[0]]),
        r"row 2 \(line 3\): column 'volume' is empty",
    ),
    Bad("not a number", third_line(low="NaN"), ROW3 + r"'low' is 'NaN', expected a finite number"),
    Bad("infinity", third_line(high="inf"), ROW3 + r"'high' is 'inf', expected a finite number"),
    Bad("a negative price", third_line(low="-2999"), ROW3 + r"'low' is '-2999', expected a price above 0"),
    Bad("a price of zero", third_line(low="0"), ROW3 + r"'low' is '0', expected a price above 0"),
    Bad("a negative volume", third_line(volume="-1"), ROW3 + r"'volume' is '-1', expected 0 or more"),
    Bad("a volume beyond counting", third_line(volume="1e300"), ROW3 + r"'volume' is '1e300', expected less than"),
    Bad(
        "a price beyond counting",
        third_line(high="99999999999"),
        ROW3 + r"'high' is '99999999999', expected at most 21474836",
    ),
    Bad(
        "a price off the grid",
        third_line(open="3000.105"),
        ROW3 + r"'open' is '3000.105', expected a whole multiple of 0\.01",
    ),
    Bad(
        "booleans for prices",
        parquet_file(open=[True] * 5),
        r"candles\.parquet: row 1: column 'open' holds Boolean, expected numbers",
    ),
    Bad(
        "null in a parquet",
        parquet_file(close=[1.0, None, 1.0, 1.0, 1.0], low=[1.0] * 5),
        r"candles\.parquet: row 2: column 'close' is empty",
    ),
    # the bar
    Bad(
        "high below low",
        third_line(high="2999", open="2999", close="2999"),
        ROW3 + r"'high' is '2999', expected at least the low",
    ),
    Bad(
        "open outside", third_line(open="3001.01"), ROW3 + r"'open' is '3001.01', expected a price between low and high"
    ),
    Bad(
        "close outside",
        third_line(close="2999.49"),
        ROW3 + r"'close' is '2999.49', expected a price between low and high",
    ),
    # time
    Bad("no time", third_line(time="soon"), ROW3 + r"'time' is 'soon', expected a time from 2009 to 2100 \(s\)"),
    Bad(
        "a repeated stamp",
        csv_file([*LINES[:4], LINES[1], *LINES[4:]]),
        r"row 5 \(line 6\): column 'time' is .*not in an earlier row",
    ),
    Bad(
        "disorder",
        csv_file([*LINES[:3], LINES[4], LINES[3], *LINES[5:]]),
        r"row 5 \(line 6\): column 'time' is .*a later time than",
    ),
    Bad("newest first", csv_file(LINES[::-1]), r"row 2 \(line 3\): column 'time' is .*oldest first.*8 more rows"),
    Bad(
        "off the boundary",
        csv_file([candle(n, time=str(NOON + n * 300 + 7)) for n in range(5)]),
        r"row 1 .*a whole multiple of 5m in UTC",
    ),
    Bad("mixed steps", third_line(time=str(NOON + 2 * 300 + 60)), ROW3 + r"'time' is .*a whole multiple of 5m"),
    Bad(
        "an odd step",
        csv_file([candle(n, time=str(NOON + n * 420)) for n in range(5)]),
        r"most frequent step is 420 s, expected one of 1m",
    ),
    Bad("one row, no step", csv_file(LINES[:1]), r"1 rows show no step.*--timeframe"),
    Bad(
        "the future unit",
        GOOD,
        r"row 1 .*column 'time' is '1767268800', expected a time from 2009 to 2100 \(ms\)",
        ("--time-unit", "ms", "--timeframe", "5m"),
    ),
    Bad(
        "no unit fits",
        csv_file([candle(n, time=str(n)) for n in range(5)]),
        r"row 1: column 'time' is 0, expected a time from 2009 to 2100",
    ),
    Bad("an unknown unit", GOOD, r"unknown unit of time.*--time-unit.*found +min", ("--time-unit", "min")),
    Bad("an unknown stamp", GOOD, r"unknown stamp.*--stamp.*found +middle.*open, end", ("--stamp", "middle")),
    Bad("an unknown timeframe", GOOD, r"unknown timeframe.*found +7m", ("--timeframe", "7m")),
    Bad("a timeframe too short", GOOD, r"timeframe is 1m, but no two rows are less than 300 s", ("--timeframe", "1m")),
    Bad(
        "the wrong timeframe",
        GOOD,
        r"row 2 \(line 3\): column 'time' is '1767269100', expected a whole multiple of 1h in UTC",
        ("--timeframe", "1h"),
    ),
    # the store
    Bad("a name that is no name", GOOD, r"set name is '\.\./evil', expected letters", ("--name", "../evil")),
    Bad(
        "a taken name",
        GOOD,
        r"taken\.parquet: exists already; expected a new --name, or --replace",
        ("--name", "taken"),
    ),
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace that holds one good set."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("QUINTET_WORKSPACE", str(folder))
    good = GOOD(tmp_path)
    result = CliRunner().invoke(data_app, ["import", str(good), "--name", "taken"])
    assert result.exit_code == 0, result.output
    good.unlink()
    yield folder / "data"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=[bad.name for bad in BAD_INPUTS])
def test_bad_input_is_refused_by_place_and_leaves_the_store_as_it_was(bad: Bad, store: Path, tmp_path: Path) -> None:
    before = contents(store)
    result = CliRunner().invoke(data_app, ["import", str(bad.make(tmp_path)), *bad.flags])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert re.search(bad.expected, result.stderr, re.DOTALL), result.stderr
    assert "Traceback" not in result.stderr
    assert contents(store) == before


def test_there_are_at_least_forty_of_them() -> None:
    assert len({bad.name for bad in BAD_INPUTS}) == len(BAD_INPUTS) >= 40
