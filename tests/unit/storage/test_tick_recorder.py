"""A live feed on a tape: the same rows as an import of the same frames, whatever happens to single frames."""

import gzip
import json
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from quintet.app.tick_import import TickRequest, import_ticks
from quintet.core.errors import TapeError
from quintet.core.instrument import Instrument
from quintet.core.market.tick_feed import Frame, latency_believed
from quintet.storage.tape_files import open_tape
from quintet.storage.tick_recorder import TickRecorder
from quintet.venues.binance.decode import facts
from quintet.venues.coinbase import decode as coinbase
from tests.tick_files import MS_NS, START_NS, depth, good_frames, recording, snapshot, trade


def instrument(**changed: Any) -> Instrument:
    known = {
        "symbol": "BTCUSDT", "venue": "binance", "kind": "linear", "base_asset": "BTC", "quote_asset": "USDT",
        "price_increment": Decimal("0.1"), "tick_size": Decimal("0.1"), "lot_size": Decimal("0.1"),
    }  # fmt: skip
    return Instrument(**known | changed)


def frames_of(*frames: Any) -> list[Frame]:
    bodies = [frame if isinstance(frame, str) else json.dumps(frame) for frame in frames]
    return [Frame((0, n + 1), START_NS + (10 * n + 5) * MS_NS, body.encode()) for n, body in enumerate(bodies)]


def begun(folder: Path, *instruments: Instrument) -> TickRecorder:
    return TickRecorder.begin(
        folder / "live.tape", instruments or (instrument(),), facts, created_ns=1, tool_version="test"
    )  # fmt: skip


def test_a_recorded_feed_is_row_for_row_what_an_import_of_it_gives(tmp_path: Path) -> None:
    with begun(tmp_path) as recorder:
        for frame in frames_of(*good_frames()):
            recorder.take(frame)

    request = TickRequest((recording(tmp_path / "feed.txt.gz"),))
    imported = import_ticks(request, tmp_path / "imported.tape", created_ns=1)

    assert open_tape(recorder.path).hash == open_tape(imported.path).hash
    assert recorder.counts.trades == imported.counts.trades


def test_the_books_that_lack_a_snapshot_are_named_until_it_comes(tmp_path: Path) -> None:
    wanted = []
    with begun(tmp_path) as recorder:
        for frame in frames_of(*good_frames()):
            recorder.take(frame)
            wanted.append(recorder.wants_snapshot())

    assert wanted == [("BTCUSDT",), ("BTCUSDT",), (), (), (), (), ()]


def test_a_gap_asks_for_a_snapshot_again_and_goes_on_behind_it(tmp_path: Path) -> None:
    with begun(tmp_path) as recorder:
        for frame in frames_of(*good_frames(), depth(20, 22, 18, at_ms=70)):
            recorder.take(frame)
        assert recorder.wants_snapshot() == ("BTCUSDT",)
        for frame in frames_of(*good_frames(), None, snapshot(21))[8:]:
            recorder.take(frame)
        assert recorder.wants_snapshot() == ()

    kinds = open_tape(recorder.path).census.kinds
    assert (kinds["FEED_GAP"], kinds["BOOK_CLEAR"]) == (1, 3)


def test_a_frame_that_is_no_frame_is_told_and_the_day_goes_on(tmp_path: Path) -> None:
    with begun(tmp_path) as recorder:
        for frame in frames_of(*good_frames(), '{"stream": "x", "da', trade(3, at_ms=80)):
            recorder.take(frame)

    assert recorder.unread.count == 1
    assert "expected a frame of Binance" in recorder.unread.latest
    assert recorder.wants_snapshot() == ()
    assert open_tape(recorder.path).census.kinds["TRADE_BUY"] == 2


def test_a_change_that_is_not_whole_ticks_loses_the_book_until_the_next_snapshot(tmp_path: Path) -> None:
    fine = depth(16, 17, 15, bids=[["100.05", "1"]], at_ms=70)
    feed = frames_of(*good_frames(), fine, depth(18, 19, 17, at_ms=80), snapshot(18), trade(3, at_ms=90))
    with begun(tmp_path) as recorder:
        for frame in feed[:9]:
            recorder.take(frame)
        assert "frame 8: bid 1 of BTCUSDT: price is '100.05'" in recorder.unread.latest
        assert recorder.wants_snapshot() == ("BTCUSDT",)
        for frame in feed[9:]:
            recorder.take(frame)
        assert recorder.wants_snapshot() == ()

    tape = open_tape(recorder.path)
    assert (tape.census.kinds["FEED_GAP"], tape.census.kinds["TRADE_BUY"]) == (1, 2)
    gap = next(each for each in tape.events() if each.kind == "FEED_GAP")
    assert gap.ts_event == START_NS + 60 * MS_NS


def test_a_venue_that_numbers_nothing_loses_every_book_with_a_frame(tmp_path: Path) -> None:
    begin = {"type": "snapshot", "product_id": "BTC-USDT", "bids": [["100.0", "1"]], "asks": [["100.1", "1"]]}
    with TickRecorder.begin(
        tmp_path / "live.tape", [instrument(symbol="BTC-USDT")], coinbase.facts, created_ns=1, tool_version="test"
    ) as recorder:
        for frame in frames_of(begin, '{"type": "l2upd'):
            recorder.take(frame)

    assert recorder.wants_snapshot() == ("BTC-USDT",)


def test_others_may_follow_the_tape_while_it_grows(tmp_path: Path) -> None:
    with begun(tmp_path) as recorder:
        for frame in frames_of(*good_frames()):
            recorder.take(frame)
        growing = open_tape(recorder.path)

    assert growing.n_positions == open_tape(recorder.path).n_positions > 0
    assert not latency_believed(growing.meta)


def test_a_tape_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    begun(tmp_path).close()

    with pytest.raises(TapeError, match="exists already"):
        begun(tmp_path)


def test_recorded_frames_of_an_evening_give_the_imported_tape(shared_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "evening.txt.gz"
    with gzip.open(shared_data / "l2" / "binance_spot_btcusdt_20240808.txt.gz") as evening:
        lines = list(islice(evening, 8_000))
    file.write_bytes(gzip.compress(b"".join(lines), 1))
    imported = import_ticks(TickRequest((file,)), tmp_path / "imported.tape", created_ns=1)

    with begun(tmp_path, *imported.instruments) as recorder:
        for n, line in enumerate(lines, start=1):
            recv_ns, _, body = line.partition(b" ")
            recorder.take(Frame((0, n), int(recv_ns), body))

    assert recorder.unread.count == 0
    assert open_tape(recorder.path).hash == open_tape(imported.path).hash
