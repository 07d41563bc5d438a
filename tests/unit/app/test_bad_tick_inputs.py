"""Over fifty ways to hand over bad ticks: each is refused by place, found and expected, and nothing changes."""

import gzip
import json
import lzma
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

from quintet.app.data_commands import data_app
from tests.tick_files import START_MS, START_NS, capture, depth, good_frames, levels, line, recording, snapshot, trade

Make = Callable[[Path], Path]


class Bad(NamedTuple):
    """A file that is wrong, and what its refusal says: a pattern over lines."""

    name: str
    make: Make
    expected: str
    flags: tuple[str, ...] = ()


def frames(*changed: Any, instead: int | None = None) -> Make:
    """The good feed with more frames at its end, or one of its frames replaced."""
    feed = good_frames()
    if instead is not None:
        feed[instead : instead + 1] = changed
    else:
        feed += changed
    return lambda folder: recording(folder / "feed.txt.gz", feed)


def feed_of(*all_of_it: Any) -> Make:
    return lambda folder: recording(folder / "feed.txt.gz", list(all_of_it))


def text_file(name: str, *lines: str) -> Make:
    return lambda folder: capture(folder / name, list(lines))


def raw_file(data: bytes, name: str = "feed.txt.gz") -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def zipped(*names: str) -> Make:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "ob500.zip", "w") as archive:
            for name in names:
                archive.writestr(name, '{"topic": "orderbook.50.X"}\n')
        return folder / "ob500.zip"

    return make


def array_file(rows: np.ndarray[Any, Any], name: str = "ticks.npy", cut: int = 0) -> Make:
    def make(folder: Path) -> Path:
        np.save(folder / name, rows)
        if cut:
            path = folder / name
            path.write_bytes(path.read_bytes()[:-cut])
        return folder / name

    return make


def events(**changed: Any) -> np.ndarray[Any, Any]:
    """Three good rows of hftbacktest, the second of them changed."""
    names = [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8")]
    rows = np.zeros(3, [*names, ("order_id", "<u8"), ("ival", "<i8"), ("fval", "<f8")])
    rows["ev"] = 1 | 1 << 29 | 3 << 30
    rows["exch_ts"] = START_NS + np.arange(3)
    rows["local_ts"] = START_NS + 5 + np.arange(3)
    rows["px"], rows["qty"] = 10.5, 2.0
    for name, value in changed.items():
        rows[name][1] = value
    return rows


def bench(**changed: Any) -> np.ndarray[Any, Any]:
    names = [("ts_exch", "<i8"), ("ts_local", "<i8"), ("tick", "<i4"), ("lots", "<i4"), ("kind", "u1"), ("last", "u1")]
    rows = np.zeros(3, names)
    rows["ts_exch"] = rows["ts_local"] = START_NS
    rows["tick"], rows["lots"], rows["last"] = 100, 5, 1
    for name, value in changed.items():
        rows[name][1] = value
    return rows


TICK = ("--set", "instrument.price_increment=0.1", "--set", "instrument.lot_size=0.1")
CUT = gzip.compress("\n".join(line(frame, n) for n, frame in enumerate(good_frames() * 40)).encode())[:-60]
TARDIS = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
TARDIS_TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
US = START_MS * 1000
BITSTAMP = "id,timestamp,exchange.timestamp,price,volume,action,direction"
TOP = "best_bid,best_ask,mid_price,spread,bid_volume,ask_volume,imbalance,timestamp"
TRADES = "timestamp,symbol,side,size,price"
BOOK = '"topic":"orderbook.50.X","type":"delta","ts":1700000000000'

FEED = "feed.txt.gz: line "

BAD = [
    # files
    Bad("no file under a tick format", lambda folder: folder / "no.gz", "No such file", ("--format", "binance")),
    Bad("a folder", lambda folder: folder, "cannot open: Is a directory", ("--format", "binance")),
    Bad("an empty file", raw_file(b""), "no depth message and no trade", ("--format", "binance")),
    Bad("packed data that breaks off", raw_file(CUT), FEED + r"\d+: the packed data breaks off"),
    Bad(
        "packed data that is damaged",
        raw_file(CUT[:200] + b"\0\0\0\0" + CUT[204:]),
        FEED + r"\d+: .*(breaks off|damaged)",
        ("--format", "binance"),
    ),
    Bad(
        "xz that breaks off",
        raw_file(lzma.compress((BITSTAMP + "\n1,2,3,4,5,created,bid\n" * 9000).encode())[:-20], "l3.csv.xz"),
        r"l3.csv.xz: line \d+: the packed data breaks off",
        ("--format", "bitstamp-l3"),
    ),
    Bad("a zip of two files", zipped("a.data", "b.data"), "a zip of 2 files, expected one", ("--format", "bybit")),
    Bad(
        "a format nobody knows",
        frames(),
        "unknown format.*found +binanse.*did you mean binance",
        ("--format", "binanse"),
    ),
    Bad(
        "a symbol that is not there",
        frames(),
        "--symbol.*found +ETHUSDT.*expected +one of BTCUSDT",
        ("--symbol", "ETHUSDT"),
    ),
    Bad("flags for candles", frames(), "flags for candles with a tick feed", ("--stamp", "end")),
    Bad(
        "facts that contradict the flag",
        frames(),
        "two symbols for one instrument",
        ("--symbol", "BTCUSDT", "--set", "instrument.symbol=XRPUSDT"),
    ),
    Bad(
        "an instrument that cannot be",
        frames(),
        "expected a power of ten.*give the instrument",
        ("--set", "instrument.price_increment=0.03", "--symbol", "BTCUSDT"),
    ),
    # lines
    Bad(
        "a line without a receive time",
        text_file("feed.txt.gz", line(good_frames()[0]), "soon {}"),
        FEED + "2: no receive time",
    ),
    Bad(
        "a receive time of another unit",
        text_file("feed.txt.gz", f"{10**19} {{}}"),
        FEED + "1: no receive time",
        ("--format", "binance"),
    ),
    Bad(
        "a negative receive time",
        text_file("feed.txt.gz", "-5 {}"),
        FEED + "1: no receive time",
        ("--format", "binance"),
    ),
    Bad("a frame that is no JSON", frames('{"stream": "x", "data": {'), FEED + "8: .*expected a frame of Binance"),
    Bad("a last line that was cut", frames(json.dumps(depth(16, 17, 15))[:-9]), FEED + "8: .*expected a frame"),
    Bad(
        "only acknowledgements",
        feed_of(*[{"result": None}] * 3),
        "no depth message and no trade",
        ("--format", "binance"),
    ),
    # values
    Bad(
        "a price between two ticks",
        frames(depth(16, 17, 15, bids=levels(("100.05", "1")))),
        FEED + r"8: bid 1 of BTCUSDT: price is '100.05', expected a whole multiple of 0.1",
        TICK,
    ),
    Bad(
        "a size between two lots",
        frames(depth(16, 17, 15, asks=levels(("100.3", "1"), ("100.4", "0.05")))),
        FEED + r"8: ask 2 of BTCUSDT: quantity is '0.05', expected a whole multiple of 0.1",
        TICK,
    ),
    Bad(
        "a trade between two ticks", frames(trade(3, "100.01")), FEED + r"8: trade of BTCUSDT: price is '100.01'", TICK
    ),
    Bad(
        "a price of zero",
        frames(depth(16, 17, 15, bids=levels(("0", "1")))),
        FEED + "8: bid 1.*expected a price above 0",
    ),
    Bad(
        "a negative price",
        frames(depth(16, 17, 15, bids=levels(("-1", "1")))),
        FEED + "8: bid 1: price is '-1', expected 0 or more",
    ),
    Bad("a negative size", frames(depth(16, 17, 15, bids=levels(("1", "-1")))), FEED + "8: bid 1: quantity is '-1'"),
    Bad(
        "a price that is no number",
        frames(depth(16, 17, 15, bids=levels(("none", "1")))),
        FEED + "8: .*'none', expected a decimal",
    ),
    Bad("a price that is infinite", frames(trade(3, "Infinity")), FEED + "8: trade: price is 'Infinity'"),
    Bad("a level without a size", frames(depth(16, 17, 15, bids=[["1"]])), FEED + r"8: bid 1: .*expected pairs"),
    Bad("levels that are no list", frames(depth(16, 17, 15, b={"1": "2"})), FEED + r"8: bid 1: .*expected pairs"),
    Bad(
        "a trade too far for a row",
        frames(trade(3, "300000000000")),
        FEED + "8: trade of BTCUSDT: price is .*expected less than",
    ),
    Bad(
        "a size beyond any row",
        frames(trade(3, quantity="9" * 30)),
        FEED + "8: trade: quantity is .*expected less than",
    ),
    Bad(
        "decimals beyond any instrument",
        frames(trade(3, "0." + "0" * 20 + "1")),
        "numbers of 21 decimals, expected at most 18",
    ),
    # times
    Bad("a venue time of another unit", frames(depth(16, 17, 15, T=START_MS * 1000)), FEED + "8: .*expected ms UTC"),
    Bad("a venue time below zero", frames(trade(3, T=-7)), FEED + "8: trade of BTCUSDT: time is -7"),
    # books
    Bad("no snapshot", frames(instead=2), "cannot be synchronised: no snapshot; changes 0 to 15 wait for one"),
    Bad(
        "a snapshot older than everything",
        feed_of(depth(10, 12, 9), snapshot(7), depth(13, 14, 12)),
        "snapshot 7 is older than the first change after it, which follows 9 and reaches 12",
    ),
    Bad("a snapshot from the future", frames(snapshot(99), instead=2), "snapshot 99 and no change: none follows it"),
    Bad(
        "a missing change",
        frames(depth(20, 22, 18)),
        FEED + "8: the book of BTCUSDT cannot be .*stood at 15.*follows 18 and reaches 22",
    ),
    Bad(
        "a change without its numbers",
        frames({"data": {"e": "depthUpdate", "s": "BTCUSDT", "b": [], "a": []}}),
        FEED + "8: depthUpdate: field U is missing",
    ),
    Bad(
        "a trade without a price",
        frames({"data": {"e": "trade", "s": "X", "q": "1", "T": START_MS, "t": 1}}),
        "field p is missing",
    ),
    Bad(
        "an answer that names no symbol among several",
        frames(depth(1, 2, 0, symbol="ETHUSDT"), snapshot(9)),
        FEED + "9: a snapshot that names no symbol in a feed of",
    ),
    # other formats
    Bad(
        "a V5 gap",
        text_file("feed.txt.gz", "{" + BOOK + ',"data":{"s":"X","b":[],"a":[["1","2"]],"u":7}}'),
        "the book of X cannot be synchronised: no snapshot; changes 6 to 7",
    ),
    Bad(
        "a V5 frame of no type",
        text_file("feed.txt.gz", "{" + BOOK.replace("delta", "part") + ',"data":{"s":"X","u":7}}'),
        FEED + "1: orderbook.50.X: type is 'part', expected snapshot or delta",
    ),
    Bad(
        "a tardis side",
        text_file("b.csv.gz", TARDIS, f"b,X,{US},{US},true,bid,1,1", f"b,X,{US},{US + 9},false,buy,1,1"),
        "b.csv.gz: line 3: column 'side' is 'buy', expected bid or ask",
    ),
    Bad(
        "a tardis snapshot flag",
        text_file("b.csv.gz", TARDIS, f"b,X,{US},{US},1,bid,1,1"),
        "b.csv.gz: line 2: column 'is_snapshot' is '1'",
    ),
    Bad(
        "a tardis time in ms",
        text_file("b.csv.gz", TARDIS, f"b,X,{US * 1000},{US},true,bid,1,1"),
        "column 'timestamp'.*expected us UTC",
    ),
    Bad(
        "a tardis trade's side",
        text_file("t.csv.gz", TARDIS_TRADES, f"b,X,{US},{US},1,up,1,1"),
        "t.csv.gz: line 2: column 'side' is 'up'",
    ),
    Bad(
        "a short tardis line",
        text_file("t.csv.gz", TARDIS_TRADES, f"b,X,{US}"),
        "t.csv.gz: line 2: has 3 cells, expected 8",
    ),
    Bad(
        "a tardis header",
        text_file("t.csv.gz", TARDIS_TRADES.replace("amount", "size")),
        "the header is",
        ("--format", "tardis"),
    ),
    Bad(
        "an order's action",
        text_file("l3.csv.gz", BITSTAMP, "1,2,3,4,5,moved,bid"),
        "l3.csv.gz: line 2: column 'action' is 'moved'",
    ),
    Bad(
        "a trade archive's side",
        text_file("t.csv.gz", TRADES, f"{START_MS / 1000},X,Hold,1,1"),
        "t.csv.gz: line 2: column 'side' is 'Hold'",
    ),
    Bad(
        "a trade archive's time",
        text_file("t.csv.gz", TRADES, "never,X,Buy,1,1"),
        "column 'timestamp' is 'never', expected seconds",
    ),
    Bad(
        "a polled moment",
        text_file("t.csv.gz", TOP, "1,2,0,0,0,0,0,yesterday"),
        "t.csv.gz: line 2: column 'timestamp' is 'yesterday'",
    ),
    Bad(
        "a price that is no whole number of units",
        array_file(events(px=10.123456789123)),
        "ticks.npy: row 2: price is .*expected a whole",
        ("--set", "instrument.price_increment=0.01"),
    ),
    Bad("a price that is not finite", array_file(events(px=np.nan)), "ticks.npy: row 2: price is .*nan"),
    Bad(
        "an event without a place",
        array_file(events(ev=1 | 1 << 29)),
        "row 2: ev is .*expected an event for the exchange or for here",
    ),
    Bad(
        "an event without a side",
        array_file(events(ev=1 | 3 << 30)),
        "row 2: ev is .*expected the flag of a buy or a sell",
    ),
    Bad(
        "an order-level event",
        array_file(events(ev=10 | 1 << 29 | 3 << 30)),
        r"row 2: ev is .*\(order-level events are not read\)",
    ),
    Bad("an event out of time", array_file(events(local_ts=-1)), "row 2: local_ts is -1, expected ns UTC"),
    Bad("an array that breaks off", array_file(events(), cut=10), "ends at row 2, expected 3 rows"),
    Bad("a benchmark kind", array_file(bench(kind=9)), "row 2: kind is 9, expected 0 to 3"),
    Bad("a benchmark price", array_file(bench(tick=0)), "row 2: tick is 0, expected a price above 0"),
    Bad("a benchmark size", array_file(bench(lots=-1)), "row 2: lots is -1, expected 0 or more"),
    Bad("another array", array_file(np.zeros(3, [("a", "<i8")])), "field 'ev' is missing", ("--format", "hftbacktest")),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_ticks_are_refused_by_place_and_leave_the_workspace_as_it_was(
    bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "workspace"
    monkeypatch.setenv("QUINTET_WORKSPACE", str(workspace))
    monkeypatch.chdir(tmp_path)
    path = bad.make(tmp_path)

    result = CliRunner().invoke(data_app, ["import", str(path), *bad.flags])

    assert result.exit_code == 2, result.output
    assert re.search(bad.expected, result.stderr, re.DOTALL), result.stderr
    assert "internal" not in result.stderr
    assert not [each for each in workspace.rglob("*") if each.is_file()]


def test_there_are_at_least_forty_of_them() -> None:
    assert len({bad.name for bad in BAD}) == len(BAD) >= 40
