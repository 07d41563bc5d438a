"""`quintet tape ...` as a user meets it: what is printed where, and the exit codes."""

import json

import msgspec
import pytest
from typer.testing import CliRunner

from quintet.app.tape_commands import moment, tape_app
from quintet.core.instrument import DEFAULT_SPOT
from quintet.storage.tape_files import durable_path, open_tape, write_tape
from tests.tape_rows import ORIGIN, a_day, bar, defined, depth, joined, trade

SOL = msgspec.structs.replace(DEFAULT_SPOT, symbol="SOLUSDT", base_asset="SOL")
SECOND = 1_000_000_000


@pytest.fixture
def day(tmp_path):
    path = tmp_path / "day.tape"
    write_tape(path, ORIGIN, a_day())
    return path


def tape(*arguments):
    return CliRunner().invoke(tape_app, [str(argument) for argument in arguments])


def answer(*arguments):
    result = tape(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def damage(path, byte=-1):
    data = bytearray(path.read_bytes())
    data[byte] ^= 1
    path.write_bytes(data)


def test_info_tells_origin_instruments_times_counts_and_hash(day):
    told = answer("info", day)
    assert told["hash"] == open_tape(day).hash
    assert told["positions"] == len(a_day())
    assert told["synthetic"] is True
    assert told["created"] == "2023-11-14T22:13:20Z"
    assert told["instruments"][0]["symbol"] == "ETHUSDT"
    assert told["kinds"]["BID_LEVEL"] == 6
    text = tape("info", day).stdout
    assert told["hash"] in text
    assert "synthetic           yes" in text


def test_head_shows_events_one_a_line(day):
    lines = tape("head", day, "-n", 2, "--from", len(defined())).stdout.splitlines()
    assert len(lines) == 2
    assert "1970-01-01T00:00:00.000000001Z  TRADE_BUY" in lines[0]
    events = answer("head", day, "-n", 1)["events"]
    assert events[0]["kind"] == "INSTRUMENT"
    assert '"symbol":"ETHUSDT"' in events[0]["text"]


def test_head_shows_the_extremes_of_a_bar(tmp_path):
    write_tape(tmp_path / "bars.tape", ORIGIN, joined(defined(), bar(60)))
    lines = tape("head", tmp_path / "bars.tape", "--from", len(defined())).stdout.splitlines()
    assert "BAR_OPEN        instrument 0  price 100  quantity 7" in lines[0]
    assert "BAR_CLOSE       instrument 0  price 105  high 110  low 90" in lines[1]


def test_verify_is_calm_about_a_whole_tape(day):
    result = tape("verify", day)
    assert result.exit_code == 0
    assert result.stdout.startswith("whole: ")
    assert answer("verify", day)["ok"] is True


def test_verify_ends_with_1_for_damage_and_names_the_block(day):
    damage(day)
    result = tape("verify", day)
    assert result.exit_code == 1
    assert "block 1 (byte " in result.stderr
    told = json.loads(tape("verify", day, "--json").stdout)
    assert (told["ok"], "block 1" in told["problem"]) == (False, True)


def test_verify_ends_with_1_for_a_torn_end_and_info_only_tells_it(day):
    with day.open("ab") as file:
        file.write(b"torn")
    assert tape("verify", day).exit_code == 1
    result = tape("info", day)
    assert result.exit_code == 0
    assert "the last 4 bytes are a torn end" in result.stderr


@pytest.mark.parametrize("window", [["--from", "3ns", "--to", "5ns"], ["--from", len(defined()) + 4, "--to", "5ns"]])
def test_cut_makes_a_tape_of_a_window(day, tmp_path, window):
    out = tmp_path / "cut.tape"
    told = answer("cut", day, *window, "--out", out)
    assert told["notes"]["how"].startswith("cut of day.tape from")
    events = [(e.kind, e.ts_recv) for e in open_tape(out).events()]
    assert events == [("INSTRUMENT", 3), ("FACT", 3), ("TRADE_BUY", 4)]


def test_cut_reads_dates_as_utc(tmp_path):
    path = tmp_path / "x.tape"
    write_tape(path, ORIGIN, joined(defined(), *(trade(n * 60 * SECOND) for n in range(5))))
    told = answer("cut", path, "--from", "1970-01-01T00:01", "--to", "1970-01-01T00:03:00Z", "-o", tmp_path / "y.tape")
    assert (told["first"], told["last"]) == ("1970-01-01T00:01:00Z", "1970-01-01T00:02:00Z")


def test_merge_weaves_tapes(day, tmp_path):
    write_tape(tmp_path / "sol.tape", ORIGIN, joined(defined(0, 0, SOL), depth(3)))
    out = tmp_path / "both.tape"
    told = answer("merge", day, tmp_path / "sol.tape", "--out", out)
    assert [instrument["symbol"] for instrument in told["instruments"]] == ["ETHUSDT", "SOLUSDT"]
    assert [source["name"] for source in told["sources"]] == ["day.tape", "sol.tape"]
    assert answer("merge", tmp_path / "sol.tape", day, "-o", tmp_path / "again.tape")["hash"] == told["hash"]


def test_export_and_import_keep_the_hash(day, tmp_path):
    told = answer("export", day, "--parquet", tmp_path / "day.parquet")
    back = answer("import", tmp_path / "day.parquet", "--out", tmp_path / "back.tape")
    assert back["hash"] == told["hash"] == open_tape(day).hash


BAD = {
    "a missing file": (["info", "{tmp}/gone.tape"], "gone.tape"),
    "a missing file to verify": (["verify", "{tmp}/gone.tape"], "gone.tape"),
    "a folder": (["info", "{tmp}"], "a folder, expected a tape file"),
    "an empty file": (["verify", "{tmp}/empty"], "the file is empty, expected a tape"),
    "a table": (["head", "{tmp}/candles.csv"], "not a tape"),
    "a newer format": (["verify", "{tmp}/newer"], "format 7, this version of quintet reads format 1"),
    "a damaged tape": (["head", "{tmp}/damaged.tape"], "the digest does not match"),
    "a cut without a name": (["cut", "{day}"], "--out"),
    "a cut from no moment": (["cut", "{day}", "--from", "noon", "-o", "{tmp}/x"], "found     noon"),
    "a cut into an existing file": (["cut", "{day}", "-o", "{day}"], "exists already"),
    "a merge of one": (["merge", "{day}", "-o", "{tmp}/x"], "expected  two or more tapes"),
    "a merge of conflicts": (["merge", "{day}", "{tmp}/coarse.tape", "-o", "{tmp}/x"], "tick_size is 0.05 and 0.01"),
    "an export over a file": (["export", "{day}", "--parquet", "{tmp}/candles.csv"], "or --replace"),
    "an export to nowhere": (["export", "{day}", "--parquet", "{tmp}/no/x.parquet"], "cannot write"),
    "an import of a table": (["import", "{tmp}/candles.csv", "-o", "{tmp}/x"], "cannot read as Parquet"),
    "no rows to show": (["head", "{day}", "-n", "0"], "--count"),
    "an unknown command": (["sing", "{day}"], "sing"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_with_2_and_says_what_is_wrong(case, day, tmp_path):
    # given a folder of files that are not what they should be
    coarse = msgspec.structs.replace(DEFAULT_SPOT, tick_size=DEFAULT_SPOT.tick_size * 5)
    write_tape(tmp_path / "coarse.tape", ORIGIN, joined(defined(0, 0, coarse), trade(3)))
    write_tape(tmp_path / "damaged.tape", ORIGIN, a_day())
    damage(tmp_path / "damaged.tape")
    (tmp_path / "empty").touch()
    (tmp_path / "candles.csv").write_text("time,open\n1,2\n")
    (tmp_path / "newer").write_bytes(b"\x89QTAPE\x07" + bytes(200))
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".verified"}
    # when the command runs
    arguments, message = BAD[case]
    result = tape(*(argument.format(tmp=tmp_path, day=day) for argument in arguments))
    # then it ends with 2, speaks on stderr, and leaves every file as it was
    assert result.exit_code == 2
    assert message in result.stderr
    assert "internal error" not in result.stderr
    assert result.stdout == ""
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".verified"} == before


def test_a_tape_without_its_mark_is_read_and_told_torn(day):
    durable_path(day).unlink()
    damage(day)
    result = tape("info", day)
    assert result.exit_code == 0
    assert "torn end" in result.stderr


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000_000_000_001, "2023-11-14T22:13:20.000000001Z"),
        (1_700_000_000_500_000_000, "2023-11-14T22:13:20.5Z"),
    ],
)
def test_a_moment_is_written_with_as_many_digits_as_it_has(ns, text):
    assert moment(ns) == text
