"""Tick files to tapes: generated feeds of every shape, and the recorded ones with the facts known of them."""

import csv
import gzip
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from quintet.app.instruments import InstrumentConfig
from quintet.app.messages import Complaint
from quintet.app.tick_import import Imported, TickRequest, import_ticks
from quintet.core import events as ev
from quintet.core.errors import DataError, TapeError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.tick_feed import MEASURED, latency_believed, reason_not_traded
from quintet.core.tape import Tape, memory_tape
from quintet.storage.tape_files import open_tape
from quintet.storage.tick_check import check_tape
from quintet.storage.tick_pieces import FactReader
from quintet.storage.tick_rows import RowMaker
from quintet.storage.tick_sources import TickFiles
from quintet.venues.binance.decode import facts
from tests.tick_files import (
    MS_NS,
    START_MS,
    START_NS,
    capture,
    depth,
    good_frames,
    levels,
    recording,
    snapshot,
    trade,
)

Row = tuple[str, int, int]


def brought_in(out: Path, *files: Path, **asked: Any) -> tuple[Imported, Tape]:
    imported = import_ticks(TickRequest(files, **asked), out / "made.tape", replace=True, created_ns=7)
    return imported, open_tape(imported.path)


def rows_of(tape: Tape) -> list[Row]:
    return [(each.kind, each.price, each.quantity) for each in tape.events() if each.kind != "INSTRUMENT"]


BOOK: list[Row] = [
    ("BOOK_CLEAR", 0, 0),
    ("BID_LEVEL", 1000, 50),
    ("BID_LEVEL", 999, 70),
    ("ASK_LEVEL", 1001, 40),
    ("ASK_LEVEL", 1002, 60),
    ("BID_LEVEL", 1000, 60),
]
"""The snapshot of `good_frames` and the change that straddles it, in tenths and tenths."""


def test_a_snapshot_in_mid_stream_is_fitted_in_and_everything_after_it_follows(tmp_path: Path) -> None:
    imported, tape = brought_in(tmp_path, recording(tmp_path / "feed.txt.gz"))

    assert rows_of(tape) == [
        *BOOK,
        ("TRADE_BUY", 1001, 10),
        ("ASK_LEVEL", 1001, 30),
        ("TRADE_SELL", 1000, 5),
        ("BID_LEVEL", 999, 0),
        ("ASK_LEVEL", 1003, 10),
    ]
    assert (imported.counts.stale, imported.counts.gaps, imported.counts.trades) == (1, [], 2)
    assert tape.meta.notes["format"] == "binance"
    assert latency_believed(tape.meta)


def test_what_waited_for_the_snapshot_was_not_known_before_it(tmp_path: Path) -> None:
    _, tape = brought_in(tmp_path, recording(tmp_path / "feed.txt.gz"))

    firsts = [each for each in tape.events() if each.kind != "INSTRUMENT"][: len(BOOK)]
    known_ns = START_NS + 25 * MS_NS
    assert {each.ts_recv for each in firsts} == {known_ns}
    assert [each.ts_event for each in firsts] == [START_NS] * 5 + [START_NS + 10 * MS_NS]


def test_tick_and_lot_are_guessed_from_all_numbers_and_can_be_said_instead(tmp_path: Path) -> None:
    feed = recording(tmp_path / "feed.txt.gz")

    guessed = brought_in(tmp_path, feed)[1].instruments[0]
    said = brought_in(
        tmp_path, feed, symbol="BTCUSDT", instrument=InstrumentConfig(symbol="BTCUSDT", kind="spot", maker_fee_bps=2)
    )[1].instruments[0]  # fmt: skip

    assert (str(guessed.price_increment), str(guessed.lot_size), guessed.kind) == ("0.1", "0.1", "linear")
    assert (guessed.base_asset, guessed.quote_asset, guessed.venue) == ("BTC", "USDT", "binance")
    assert (said.kind, said.maker_fee_e9, str(said.price_increment)) == ("spot", 200_000, "0.1")


def test_two_files_in_a_row_are_one_feed(tmp_path: Path) -> None:
    frames = good_frames()
    one = recording(tmp_path / "all.txt.gz")
    parts = recording(tmp_path / "a.txt.gz", frames[:4]), tmp_path / "b.txt.gz"
    lines = gzip.decompress(one.read_bytes()).decode().splitlines()
    capture(parts[1], lines[4:])

    assert brought_in(tmp_path, *parts)[1].hash == brought_in(tmp_path, one)[1].hash


def test_the_same_files_give_the_same_tape(tmp_path: Path) -> None:
    feed = recording(tmp_path / "feed.txt.gz")

    assert brought_in(tmp_path, feed)[1].chain == brought_in(tmp_path, feed)[1].chain


def test_repeats_are_dropped_and_missing_trades_are_counted(tmp_path: Path) -> None:
    frames = [*good_frames(), depth(13, 15, 12, at_ms=70), trade(2, at_ms=80), trade(5, at_ms=90)]

    imported, _ = brought_in(tmp_path, recording(tmp_path / "feed.txt.gz", frames))

    counts = imported.counts
    assert (counts.repeated, counts.repeated_trades, counts.missing_trades, counts.trades) == (1, 1, 2, 3)


def test_a_gap_that_a_snapshot_heals_stands_on_the_tape(tmp_path: Path) -> None:
    frames = [*good_frames(), depth(20, 22, 18, at_ms=70), snapshot(21), depth(23, 25, 22, at_ms=80)]

    imported, tape = brought_in(tmp_path, recording(tmp_path / "feed.txt.gz", frames))

    [gap] = imported.counts.gaps
    assert (gap.expected_id, gap.found_id, gap.where) == (15, 18, (0, 8))
    kinds = [kind for kind, _, _ in rows_of(tape)]
    at = kinds.index("FEED_GAP")
    assert kinds[at : at + 3] == ["FEED_GAP", "BOOK_CLEAR", "BOOK_CLEAR"]
    [checked] = check_tape(tape).instruments
    assert (checked.gaps, [each.kind for each in checked.findings if each.wrong]) == (1, ["sequence gap"])


def test_a_clock_behind_the_venues_is_named_and_its_latency_is_not_believed(tmp_path: Path) -> None:
    lines = [f"{START_NS + (10 * n - 1300) * MS_NS} {json.dumps(frame)}" for n, frame in enumerate(good_frames())]

    imported, tape = brought_in(tmp_path, capture(tmp_path / "feed.txt.gz", lines))

    assert imported.clocks.negative == imported.clocks.measured == 5
    assert "clock skew" in tape.meta.notes["feed_latency"]
    assert not latency_believed(tape.meta)
    [checked] = check_tape(tape).instruments
    assert checked.negative_latencies == checked.messages


def test_a_clock_that_steps_back_stands_still_and_is_counted(tmp_path: Path) -> None:
    frames = good_frames()
    lines = [
        f"{START_NS + (10 * n + (0 if n < 4 else -25)) * MS_NS + 10**8} {json.dumps(f)}" for n, f in enumerate(frames)
    ]

    imported, tape = brought_in(tmp_path, capture(tmp_path / "feed.txt.gz", lines))

    assert (imported.clocks.stepped_back, imported.clocks.stepped_back_max_ns) == (2, 15 * MS_NS)
    received = [each.ts_recv for each in tape.events()]
    assert received == sorted(received)


def test_trades_behind_the_depth_of_their_time_keep_the_order_of_receipt(tmp_path: Path) -> None:
    frames = [*good_frames(), trade(3, at_ms=45)]

    imported, tape = brought_in(tmp_path, recording(tmp_path / "feed.txt.gz", frames))

    assert (imported.clocks.crossed, imported.clocks.crossed_max_ns) == (1, 15 * MS_NS)
    last = list(tape.events())[-1]
    assert (last.kind, last.ts_event) == ("TRADE_BUY", START_NS + 60 * MS_NS)


def test_best_prices_beside_a_book_are_counted_and_not_kept(tmp_path: Path) -> None:
    best = {"data": {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "1", "B": "2", "a": "3", "A": "4", "E": START_MS}}

    imported, tape = brought_in(tmp_path, recording(tmp_path / "feed.txt.gz", [*good_frames(), best]))

    assert imported.counts.best_prices == 1
    assert not tape.census.kinds.keys() & {"BEST_BID", "BEST_ASK"}


def test_a_capture_of_several_connections_is_woven_by_the_time_of_receipt(tmp_path: Path) -> None:
    frames = good_frames()
    stamps = [f"{START_MS // 1000}.{10 * n + 5:03d}" for n in range(len(frames))]
    url = "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
    asked = capture(tmp_path / "A.http.gz", [f"{url} -> {stamps[2]}: {json.dumps(frames[2])}"])
    stream = ["wss://fstream.binance.com/stream <-> 1.5", 'wss://fstream.binance.com/stream <- 1.6: {"op": "x"}']
    stream += [f"{stamps[n]}: {json.dumps(frame)}" for n, frame in enumerate(frames) if n != 2]
    settings = capture(tmp_path / "A.0.gz", [f"{url[:30]} -> 1.7: [1]", "configuration: {}"])

    _, tape = brought_in(tmp_path, settings, asked, capture(tmp_path / "A.ws.gz", stream))

    assert tape.hash == brought_in(tmp_path, recording(tmp_path / "feed.txt.gz"))[1].hash


# ---- Bybit, tables, arrays -----------------------------------------------------------------------------------------


def bybit_lines() -> list[str]:
    def book(kind: str, u: int, bids: list[list[str]], asks: list[list[str]], at: int) -> str:
        data = {"s": "XRPUSDT", "b": bids, "a": asks, "u": u, "seq": u}
        stamp = START_MS + at
        frame = {"topic": "orderbook.500.XRPUSDT", "type": kind, "ts": stamp, "data": data, "cts": stamp}
        return json.dumps(frame)

    return [
        book("snapshot", 5, levels(("1.9", "10")), levels(("2.0", "20")), 0),
        book("delta", 6, [], levels(("2.0", "0"), ("2.1", "5")), 10),
    ]


def test_a_zipped_book_archive_has_one_clock(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ob500.zip", "w") as archive:
        archive.writestr("2024-12-01_XRPUSDT_ob500.data", "\n".join(bybit_lines()))

    imported, tape = brought_in(tmp_path, tmp_path / "ob500.zip")

    assert rows_of(tape) == [
        ("BOOK_CLEAR", 0, 0), ("BID_LEVEL", 19, 10), ("ASK_LEVEL", 20, 20), ("ASK_LEVEL", 20, 0), ("ASK_LEVEL", 21, 5),
    ]  # fmt: skip
    assert imported.clocks.measured == 0
    assert "one clock only" in tape.meta.notes["feed_latency"]


def test_book_and_trade_archives_given_together_are_one_market(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ob500.zip", "w") as archive:
        archive.writestr("2024-12-01_XRPUSDT_ob500.data", "\n".join(bybit_lines()))
    header = "timestamp,symbol,side,size,price"
    lines = [f"{(START_MS + at) / 1000:.4f},XRPUSDT,Buy,3,2.0" for at in (4, 20)]
    trades = written(tmp_path / "XRPUSDT2024-12-01.csv", header, *lines)

    imported, tape = brought_in(tmp_path, trades, tmp_path / "ob500.zip")

    assert imported.format == "bybit-archives"
    kinds = [kind for kind, _, _ in rows_of(tape)]
    assert kinds == ["BOOK_CLEAR", "BID_LEVEL", "ASK_LEVEL", "TRADE_BUY", "ASK_LEVEL", "ASK_LEVEL", "TRADE_BUY"]
    assert (reason_not_traded(tape.meta), len(tape.instruments)) == ("", 1)


def written(path: Path, header: str, *lines: str) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


TARDIS_BOOK = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
TARDIS_TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"


def test_tardis_book_and_trades_are_woven_by_the_local_time(tmp_path: Path) -> None:
    us = START_MS * 1000
    book = written(
        tmp_path / "book.csv", TARDIS_BOOK,
        f"binance,X,{us},{us + 10},true,bid,1.5,2",
        f"binance,X,{us},{us + 10},true,ask,1.6,3",
        f"binance,X,{us + 20},{us + 30},false,ask,1.6,0",
        f"binance,X,{us + 90},{us + 99},true,bid,1.4,2",
    )  # fmt: skip
    trades = written(
        tmp_path / "trades.csv", TARDIS_TRADES,
        f"binance,X,{us + 11},{us + 15},1,buy,1.6,3",
        f"binance,X,{us + 12},{us + 16},2,unknown,1.6,3",
    )  # fmt: skip

    imported, tape = brought_in(tmp_path, book, trades)

    assert imported.format == "tardis"
    assert rows_of(tape) == [
        ("BOOK_CLEAR", 0, 0), ("BID_LEVEL", 15, 2), ("ASK_LEVEL", 16, 3), ("TRADE_BUY", 16, 3), ("ASK_LEVEL", 16, 0),
        ("BOOK_CLEAR", 0, 0), ("BID_LEVEL", 14, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "header", "line"),
    [
        (
            "BTCUSDT2024.csv",
            "timestamp,symbol,side,size,price,tickDirection",
            f"{START_MS / 1000:.4f},BTCUSDT,Sell,0.5,9.5,x",
        ),
        ("BTCUSDT_2024.csv", "id,timestamp,price,volume,side", f"1,{START_MS},9.5,0.5,sell"),
    ],
)
def test_bybit_trade_archives_are_imported_and_not_traded(tmp_path: Path, name: str, header: str, line: str) -> None:
    _, tape = brought_in(tmp_path, written(tmp_path / name, header, line))

    assert rows_of(tape) == [("TRADE_SELL", 95, 5)]
    assert tape.instruments[0].symbol == "BTCUSDT"
    assert reason_not_traded(tape.meta) == "it holds trades only, without a book"


HFTBACKTEST = np.dtype(
    [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8"), ("order_id", "<u8"),
     ("ival", "<i8"), ("fval", "<f8")],
    align=True,
)  # fmt: skip
BUY, SELL, BOTH = 1 << 29, 1 << 28, 3 << 30


def hftbacktest_file(path: Path, rows: list[tuple[int, int, int, float, float]]) -> Path:
    array = np.zeros(len(rows), HFTBACKTEST)
    for n, row in enumerate(rows):
        array[n] = (*row, 0, 0, 0.0)
    np.savez_compressed(path, data=array)
    return path


def hftbacktest_rows() -> list[tuple[int, int, int, float, float]]:
    at = START_NS
    return [
        (3 | BUY | BOTH, at, at + 5, 61773.6, 0.0),
        (3 | SELL | BOTH, at, at + 5, 61775.0, 0.0),
        (4 | BUY | BOTH, at, at + 5, 61773.6, 1.001),
        (4 | SELL | BOTH, at, at + 5, 61773.7, 0.3),
        (2 | SELL | BOTH, at + 10, at + 20, 61773.6, 0.1),
        (1 | BUY | 1 << 31, at + 11, at + 25, 61773.6, 0.9),  # the exchange's half of a row split in two
        (1 | BUY | 1 << 30, at + 11, at + 25, 61773.6, 0.901),
    ]


def test_hftbacktest_events_are_read_in_the_order_they_were_received(tmp_path: Path) -> None:
    _, tape = brought_in(tmp_path, hftbacktest_file(tmp_path / "btcusdt.npz", hftbacktest_rows()), symbol="BTCUSDT")

    assert rows_of(tape) == [
        ("BOOK_CLEAR", 0, 0), ("BID_LEVEL", 617736, 1001), ("ASK_LEVEL", 617737, 300), ("TRADE_SELL", 617736, 100),
        ("BID_LEVEL", 617736, 901),
    ]  # fmt: skip
    ends = [bool(each.bits & ev.LAST) for each in tape.events() if each.kind != "INSTRUMENT"]
    assert ends == [False, False, True, True, True]
    assert tape.instruments[0].symbol == "BTCUSDT"


BENCH = np.dtype(
    [("ts_exch", "<i8"), ("ts_local", "<i8"), ("tick", "<i4"), ("lots", "<i4"), ("kind", "u1"), ("last", "u1"),
     ("_pad", "<u2"), ("seq", "<u4")]
)  # fmt: skip


def bench_rows(count: int = 200_000) -> np.ndarray:
    """Enough rows for several chunks, in messages of three."""
    rows = np.zeros(count, BENCH)
    n = np.arange(count)
    rows["ts_exch"] = START_NS + n // 3 * 1000
    rows["ts_local"] = rows["ts_exch"] + 5_000_000
    rows["kind"] = n % 2
    rows["tick"] = np.where(n % 2 == 0, 250_000 - n % 7, 250_001 + n % 7)
    rows["lots"] = n % 11
    rows["last"] = (n % 3 == 2) | (n == count - 1)
    return rows


def test_the_benchmarks_array_keeps_every_row_across_chunks(tmp_path: Path) -> None:
    array = bench_rows()
    np.save(tmp_path / "ticks.npy", array)

    _, tape = brought_in(tmp_path, tmp_path / "ticks.npy")

    rows = np.asarray(tape.event_rows())
    rows = rows[rows["kind"] <= ev.TRADE_SELL]
    for ours, theirs in (("ts_event", "ts_exch"), ("ts_recv", "ts_local"), ("price", "tick"), ("quantity", "lots")):
        assert np.array_equal(rows[ours], array[theirs])
    assert np.array_equal(rows["bits"], array["last"])
    assert tape.meta.synthetic


def test_polled_files_are_imported_and_not_traded(tmp_path: Path) -> None:
    polled = written(
        tmp_path / "btcusdt_top.csv", "best_bid,best_ask,mid_price,spread,bid_volume,ask_volume,imbalance,timestamp",
        "63790.97,63790.98,0,0,1,2,0,2026-06-14 17:49:49.952157",
    )  # fmt: skip
    with (tmp_path / "top5.csv").open("w", newline="") as file:
        sides = "[[['62918.1', '1.293']], [['62918.8', '0.003']]]"
        csv.writer(file).writerow(["both", "BTCUSDT", "1719823044587.1501", "1719823044454", sides])

    best = brought_in(tmp_path, polled)[1]
    five = brought_in(tmp_path, tmp_path / "top5.csv")[1]

    assert rows_of(best) == [("BEST_BID", 6379097, 0), ("BEST_ASK", 6379098, 0)]
    assert rows_of(five) == [("BOOK_CLEAR", 0, 0), ("BID_LEVEL", 629181, 1293), ("ASK_LEVEL", 629188, 3)]
    assert list(five.events())[-1].ts_recv == 1_719_823_044_587_150_100
    assert reason_not_traded(best.meta)
    assert reason_not_traded(five.meta)


# ---- refusals that need two looks ------------------------------------------------------------------------------------


def test_a_refused_feed_leaves_nothing_and_keeps_the_tape_that_was_there(tmp_path: Path) -> None:
    good, tape = brought_in(tmp_path, recording(tmp_path / "feed.txt.gz"))
    bad = recording(tmp_path / "bad.txt.gz", [*good_frames(), depth(40, 41, 39, at_ms=70)])

    with pytest.raises(
        DataError, match=r"bad.txt.gz: line 8: the book of BTCUSDT cannot be synchronised: the book stood at 15"
    ):
        brought_in(tmp_path, bad)

    assert open_tape(good.path).hash == tape.hash
    assert not list(tmp_path.glob("*.part"))


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    good, _ = brought_in(tmp_path, recording(tmp_path / "feed.txt.gz"))

    with pytest.raises(TapeError, match="exists already"):
        import_ticks(TickRequest((tmp_path / "feed.txt.gz",)), good.path, created_ns=1)


def test_a_symbol_that_the_feed_does_not_speak_of_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(Complaint) as refused:
        brought_in(tmp_path, recording(tmp_path / "feed.txt.gz"), symbol="BTCUSD")

    assert refused.value.hint == "did you mean BTCUSDT?"


# ---- the recorded files ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Imported, Tape]]:
    """Imports recorded files once for all tests of this module."""
    known: dict[tuple[Path, ...], tuple[Imported, Tape]] = {}

    def of(*names: str) -> tuple[Imported, Tape]:
        files = tuple(sorted(path for name in names for path in shared_data.glob(name)))
        if files not in known:
            known[files] = brought_in(tmp_path_factory.mktemp("tapes"), *files)
        return known[files]

    return of


@pytest.mark.parametrize(
    ("name", "changes", "trades", "stale"),
    [
        ("binance_usdm_btcusdt", 6_551, 21_313, 4),
        ("binance_spot_btcusdt", 6_495, 19_904, 2),
        ("binance_coinm_btcusd_perp", 44_795, 5_235, 23),
    ],
)
def test_recorded_binance_books_have_no_gap_and_are_never_crossed(
    recorded: Callable[..., tuple[Imported, Tape]], name: str, changes: int, trades: int, stale: int
) -> None:
    imported, tape = recorded(f"l2/{name}_*.txt.gz")

    counts = imported.counts
    assert (counts.depth_messages, counts.trades, counts.stale, counts.gaps) == (changes, trades, stale, [])
    assert (counts.repeated, counts.repeated_trades, counts.missing_trades) == (0, 0, 0)
    [checked] = check_tape(tape).instruments
    assert (checked.gaps, checked.crossed_messages, checked.locked_messages) == (0, 0, 0)
    assert -1_280 * MS_NS < imported.clocks.latency_min_ns < -1_240 * MS_NS
    assert "clock skew" in tape.meta.notes["feed_latency"]


def test_the_same_recording_in_plain_order_is_crossed_most_of_the_time(shared_data: Path) -> None:
    """The planted mistake: every depth message applied where it stands in the file."""
    files = TickFiles([shared_data / "l2" / "binance_spot_btcusdt_20240808.txt.gz"])
    spot = msgspec.structs.replace(DEFAULT_SPOT, symbol="BTCUSDT", lot_size=Decimal("0.000001"))

    def crossed(*, synchronise: bool) -> tuple[int, int]:
        reader = FactReader({"BTCUSDT": 0}, synchronise=synchronise)
        maker = RowMaker([spot], files.place)
        rows = np.concatenate([maker.rows(pieces) for pieces in reader.pieces(facts(files.frames()))])
        return check_tape(memory_tape(rows, [spot])).instruments[0].crossed_messages, reader.counts.depth_messages

    assert crossed(synchronise=False) == (2_573, 3_451)
    assert crossed(synchronise=True) == (0, 3_451)


def test_recorded_coin_margined_futures_are_an_inverse_contract(recorded: Callable[..., tuple[Imported, Tape]]) -> None:
    [instrument] = recorded("l2/binance_coinm_btcusd_perp_*.txt.gz")[1].instruments

    assert (instrument.kind, str(instrument.lot_size), str(instrument.contract_value)) == ("inverse", "1", "100")


@pytest.mark.parametrize(
    ("names", "symbols", "not_traded"),
    [
        (["l2/bybit_linear_xrpusdt_ob500*"], 1, False),
        (["captures/binance_futures_20210722/*"], 4, False),
        (["captures/bybit_v2_linear_20210417/*"], 8, False),
        (["captures/coinbase_2021/*"], 10, False),
        (["captures/deribit_2021/*"], 10, True),
        (["l2/bitstamp*"], 1, True),
        (["l2/btcusdt_top_of_book*"], 1, True),
        (["l2/bybit_linear_multi_top5*"], 78, True),
        (["l2/hyperliquid*"], 1, True),
        (["l2/bybit_linear_btcusdt_trades*"], 1, True),
    ],
)
def test_every_other_recorded_file_becomes_a_tape_without_a_gap(
    recorded: Callable[..., tuple[Imported, Tape]], names: list[str], symbols: int, not_traded: bool
) -> None:
    imported, tape = recorded(*names)

    assert len(tape.instruments) == symbols
    assert bool(reason_not_traded(tape.meta)) == not_traded
    assert imported.counts.gaps == []
    if not not_traded:
        assert all(each.crossed_messages == 0 for each in check_tape(tape).instruments)


def test_recorded_facts_that_can_be_counted_by_hand(recorded: Callable[..., tuple[Imported, Tape]]) -> None:
    archive = recorded("l2/bybit_linear_xrpusdt_ob500*")[0].counts
    bitstamp = recorded("l2/bitstamp*")[0]
    bybit = recorded("l2/bybit_linear_btcusdt_trades*")[0].counts
    polled = recorded("l2/btcusdt_top_of_book*")[0].counts

    assert (archive.snapshots, archive.depth_messages) == (1, 49)
    assert sum(bitstamp.counts.aside.values()) + bitstamp.counts.depth_messages >= 50_414
    assert (bybit.trades, polled.best_prices) == (234_635, 1_975)
    assert recorded("captures/binance_futures_20210722/*")[1].meta.notes["feed_latency"] == MEASURED


def test_a_recorded_file_without_its_snapshot_is_refused_with_the_update_ids(shared_data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no snapshot; changes \d{11} to 50093696318 wait for one"):
        brought_in(tmp_path, shared_data / "l2" / "binance_spot_btcusdt_20240809.txt.gz")
