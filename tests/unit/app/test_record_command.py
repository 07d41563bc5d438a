"""`quintet data record`: what a venue says, and what it does to us, on a tape."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quintet.app.instruments import InstrumentConfig
from quintet.app.messages import Complaint
from quintet.app.recording import Recorded, RecordRequest, record_stream
from quintet.app.tick_import import TickRequest, import_ticks
from quintet.core.errors import InputError, TapeError
from quintet.core.market.tick_feed import Frame
from quintet.storage.tape_files import TapeWriter, open_tape
from quintet.storage.tick_recorder import TickRecorder
from quintet.storage.tick_sources import TickFiles
from quintet.venues.bybit.decode_ticks import unwrapped
from quintet.venues.connection import FeedUnreachable, Patience, asked
from tests.fakes.stream_server import (
    END,
    Do,
    Step,
    StreamServer,
    a_feed,
    book,
    listed,
    printed,
    serving,
    whole_book,
)
from tests.tick_files import depth, snapshot, trade

# A stopped recording may leave its client's transport to the collector; what is asked here is what is on the tape.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

HASTE = Patience(answer_s=0.5, ping_every_s=0.2, silence_s=0.5, first_pause_s=0.01, longest_pause_s=0.05)
CALM = Patience(answer_s=10, ping_every_s=10, silence_s=20, first_pause_s=0.01, longest_pause_s=0.05)
"""Where nothing is waited for: a machine that does much else must not look like a venue that is silent."""

TIMES_APART = ["quantity", "price", "instrument", "kind", "bits"]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Frame]:
    """Every frame that is recorded; the frame END stops the recording as SIGTERM does."""
    frames: list[Frame] = []
    take = TickRecorder.take

    def taking(self: TickRecorder, frame: Frame) -> int:
        frames.append(frame)
        rows = take(self, frame)
        if frame.body == json.dumps(END).encode():
            os.kill(os.getpid(), signal.SIGTERM)
        return rows

    monkeypatch.setattr(TickRecorder, "take", taking)
    return frames


@pytest.fixture
def recorded(tmp_path: Path, taken: list[Frame]) -> Iterator[Callable[..., Recorded]]:
    """Records a server until the frame END."""

    def run(served: StreamServer, **changed: Any) -> Recorded:
        with serving(served):
            known: dict[str, Any] = {"out": tmp_path / "live.tape", "patience": CALM, "seconds": 60.0}
            known |= {"venue_url": served.url, "symbols": ("BTCUSDT",)} | changed
            return record_stream(RecordRequest(known.pop("venue", "bybit"), known.pop("category", "linear"), **known))

    yield run


def kinds(recorded: Recorded) -> dict[str, int]:
    return dict(open_tape(recorded.path).census.kinds)


def imported_hash(frames: list[Frame], folder: Path, instrument: InstrumentConfig | None, venue: str = "bybit") -> str:
    """The hash of the tape that an import of the same frames, with the same receive times, gives."""
    file = folder / "frames.txt"
    file.write_bytes(b"".join(b"%d %b\n" % (frame.recv_ns, frame.body) for frame in frames))
    imported = import_ticks(TickRequest((file,), venue, None, instrument), folder / "imported.tape", created_ns=1)
    return open_tape(imported.path).hash


BTC = InstrumentConfig(
    symbol="BTCUSDT", venue="bybit", kind="linear", base_asset="BTC", quote_asset="USDT", tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"), price_increment=Decimal("0.1"),
)  # fmt: skip


def test_the_tape_is_what_an_import_of_the_same_frames_gives(
    recorded: Callable[..., Recorded], taken: list[Frame], tmp_path: Path
) -> None:
    found = recorded(StreamServer([*a_feed(300), END]))

    assert found.rows == open_tape(found.path).n_positions
    assert (found.gaps, found.interruptions, found.unread) == (0, 0, 0)
    assert open_tape(found.path).hash == imported_hash(taken, tmp_path, BTC)


def test_frames_recorded_from_the_venue_give_the_imported_tape(
    recorded: Callable[..., Recorded], taken: list[Frame], tmp_path: Path, shared_data: Path
) -> None:
    with zipfile.ZipFile(shared_data / "l2" / "bybit_linear_xrpusdt_ob500_20241201.zip") as archive:
        lines = archive.read(archive.namelist()[0]).decode().split()
    served = StreamServer([*lines, END])
    served.listed = [listed("XRPUSDT", "0.0001", "1", "XRP")]

    found = recorded(served, symbols=("XRPUSDT",))

    assert kinds(found)["BOOK_CLEAR"] == 1
    instrument = {"symbol": "XRPUSDT", "base_asset": "XRP", "tick_size": Decimal("0.0001"), "lot_size": Decimal(1)}
    facts = {"venue": "bybit", "kind": "linear", "quote_asset": "USDT", "price_increment": Decimal("0.0001")}
    assert open_tape(found.path).hash == imported_hash(taken, tmp_path, InstrumentConfig(**instrument | facts))


def test_a_recorded_capture_of_nine_symbols_gives_the_imported_tape(
    recorded: Callable[..., Recorded], taken: list[Frame], tmp_path: Path, shared_data: Path
) -> None:
    capture = shared_data / "captures" / "bybit_v2_linear_20210417" / "BYBIT.ws.25.0.gz"
    frames = [unwrapped(frame) for frame in TickFiles([capture]).frames()]
    whole = import_ticks(TickRequest((capture,)), tmp_path / "whole.tape", created_ns=1)
    served = StreamServer([*(frame.body.decode() for frame in frames), END])
    served.listed = [
        listed(each.symbol, f"{each.tick_size:f}", f"{each.lot_size:f}", each.base_asset) for each in whole.instruments
    ]

    found = recorded(served, symbols=tuple(each.symbol for each in whole.instruments))

    assert (found.interruptions, found.unread) == (0, 0)
    assert open_tape(found.path).hash == imported_hash(taken, tmp_path, None)
    assert kinds(found) == dict(open_tape(whole.path).census.kinds)


def test_a_gap_in_the_numbers_asks_for_the_book_again(recorded: Callable[..., Recorded]) -> None:
    served = StreamServer([*a_feed(5), book(9, [("100.0", "1.000")])])
    served.renewal = [whole_book(20), book(21, [("100.0", "2.000")]), END]

    found = recorded(served)

    ops = [(asked["op"], asked["args"]) for asked in served.heard if "again" in asked["req_id"]]
    assert ops == [("unsubscribe", ["orderbook.200.BTCUSDT"]), ("subscribe", ["orderbook.200.BTCUSDT"])]
    assert (found.gaps, found.interruptions) == (1, 0)
    assert (kinds(found)["FEED_GAP"], kinds(found)["BOOK_CLEAR"]) == (1, 3)


@pytest.mark.parametrize(
    ("frames", "gaps", "unread"),
    [
        pytest.param([book(6, [("100.0", "1.000")]), book(6, [("100.0", "1.000")])], 0, 0, id="repeated"),
        pytest.param([book(7, [("100.0", "1.000")]), book(6, [("100.0", "2.000")])], 1, 0, id="reordered"),
        pytest.param(['{"topic":"orderbook.200.BTCUSDT","type":"del', book(7)], 1, 1, id="cut off"),
        pytest.param(["not json at all", book(6)], 0, 1, id="no frame"),
        pytest.param([book(6, [("100.05", "1.000")]), book(7)], 0, 1, id="not whole ticks"),
        pytest.param([whole_book(1), book(2, [("100.0", "1.000")])], 0, 0, id="the venue restarts"),
    ],
)
def test_what_a_venue_may_send(recorded: Callable[..., Recorded], frames: list[Step], gaps: int, unread: int) -> None:
    lost = bool(gaps or unread) and frames[0] != "not json at all"
    served = StreamServer([*a_feed(5), *frames, *([] if lost else [END])])
    served.renewal = [whole_book(30), printed(31), END]

    found = recorded(served)

    assert (found.gaps, found.unread, found.interruptions) == (gaps, unread, 0)
    tape = open_tape(found.path)
    assert tape.census.kinds.get("FEED_GAP", 0) == (1 if lost else 0)
    assert tape.torn_bytes == 0


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        pytest.param(Do("close"), "1000", id="closed"),
        pytest.param(Do("abort"), "no close frame", id="gone without a word"),
        pytest.param(Do("half open"), "", id="half open"),
    ],
)
def test_a_lost_connection_is_a_gap_and_is_made_again(recorded: Callable[..., Recorded], trouble: Do, why: str) -> None:
    served = StreamServer([*a_feed(5), trouble], [*a_feed(5, first=100), END])

    found = recorded(served, patience=HASTE if trouble.what == "half open" else CALM)

    assert served.connections == 2
    assert found.interruptions == 1
    assert any("the latest lost connection" in line and why in line for line in found.notes)
    assert (kinds(found)["FEED_GAP"], kinds(found)["BOOK_CLEAR"]) == (1, 3)
    assert not [asked for asked in served.heard if "again" in asked["req_id"]]


def test_a_venue_that_is_away_for_a_while_is_tried_until_it_is_back(recorded: Callable[..., Recorded]) -> None:
    served = StreamServer([*a_feed(5), Do("close")], [Do("abort")], [Do("abort")], [Do("abort")], [*a_feed(3), END])

    found = recorded(served)

    assert served.connections == 5
    assert found.interruptions == kinds(found)["FEED_GAP"] == 1
    assert kinds(found)["TRADE_SELL"] == found.trades == 2


def test_a_silent_line_is_pinged_and_kept(recorded: Callable[..., Recorded]) -> None:
    served = StreamServer([*a_feed(3), Do("wait", 0.8), printed(4), END])

    found = recorded(served, patience=replace(CALM, ping_every_s=0.3))

    assert found.interruptions == 0
    assert sum(asked["op"] == "ping" for asked in served.heard) >= 2


def test_a_venue_that_answers_nothing_is_given_up(recorded: Callable[..., Recorded]) -> None:
    served = StreamServer([])
    served.answers = False

    with pytest.raises(FeedUnreachable, match="no feed after 4 attempts: no answer to subscription 1 within 0.5 s"):
        recorded(served, patience=HASTE)


def test_a_refused_topic_is_told_at_once_and_leaves_no_tape(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    served = StreamServer([])
    served.refuses = {"publicTrade.BTCUSDT"}

    with pytest.raises(FeedUnreachable, match="refused: error:handler not found,topic:publicTrade.BTCUSDT"):
        recorded(served)
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_no_stream_says_so(recorded: Callable[..., Recorded]) -> None:
    served = StreamServer([])
    served.status = 404

    with pytest.raises(FeedUnreachable, match=r"/v5/public/linear: no feed after 4 attempts: .*HTTP 404"):
        recorded(served)


def test_nobody_at_the_address(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    pauses: list[float] = []
    with pytest.raises(FeedUnreachable, match=f"{nobody}/x: no usable answer after 3 attempts: ConnectError"):
        asked(f"{nobody}/x", pause=pauses.append)
    assert pauses == [1.0, 2.0]

    request = RecordRequest("bybit", "linear", ("BTCUSDT",), None, None, tmp_path / "x.tape", nobody, BTC, HASTE)
    with pytest.raises(FeedUnreachable, match=r"ws://127.0.0.1:9/v5/public/linear: no feed after 4 attempts: .*111"):
        record_stream(request)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"venue": "bibit"}, "one of bybit, binance", id="venue"),
        pytest.param(
            {"category": "option"}, "category is option, expected one of spot, linear, inverse", id="category"
        ),
        pytest.param({"venue": "binance", "category": "inverse"}, "expected one of spot, linear", id="no such futures"),
        pytest.param({"venue": "binance", "category": "spot", "depth": 50}, "a depth that cannot be", id="all depth"),
        pytest.param(
            {"venue": "binance", "category": "spot", "symbols": ("X",)}, "binance lists in spot", id="no pair"
        ),
        pytest.param(
            {"symbols": ("NOUSDT",)}, "symbol is NOUSDT, expected one that bybit lists in linear", id="symbol"
        ),
        pytest.param({"symbols": ("BTCUSDT", "BTCUSDT")}, "a symbol named twice", id="twice"),
        pytest.param({"symbols": ("BTCUSDT", "X"), "instrument": BTC}, "facts of one instrument", id="facts"),
        pytest.param({"depth": 7}, "depth is 7, expected one of 50, 200, 1000", id="depth"),
        pytest.param({"venue_url": "stream.bybit.com"}, "scheme and host", id="address"),
    ],
)
def test_what_cannot_be_recorded(recorded: Callable[..., Recorded], changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        recorded(StreamServer([]), **changed)


def test_a_name_that_is_taken(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    first = recorded(StreamServer([*a_feed(3), END]))
    before = first.path.read_bytes()

    with pytest.raises(TapeError, match="exists already"):
        recorded(StreamServer([*a_feed(3), END]))
    assert first.path.read_bytes() == before


def test_a_full_disk_keeps_what_was_there(
    recorded: Callable[..., Recorded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writev, writes = os.writev, 0

    def filling(file: int, pieces: Any) -> int:
        nonlocal writes
        writes += 1
        if writes > 20:
            raise OSError(28, "No space left on device")
        return writev(file, pieces)

    monkeypatch.setattr(os, "writev", filling)
    with pytest.raises(TapeError, match="cannot append: No space left on device"):
        recorded(StreamServer([*a_feed(50), END]))
    monkeypatch.undo()

    with TapeWriter.resume(tmp_path / "live.tape") as writer:
        assert writer.position > 20


def test_nothing_heard_leaves_no_tape(recorded: Callable[..., Recorded], tmp_path: Path) -> None:
    found = recorded(StreamServer([]), seconds=0.3)

    assert found.sentence == "nothing was heard; no tape is kept"
    assert list(tmp_path.iterdir()) == []


# ---- Binance -----------------------------------------------------------------------------------------------------


def test_the_books_of_binance_are_asked_for_beside_the_stream(
    recorded: Callable[..., Recorded], taken: list[Frame], tmp_path: Path
) -> None:
    changes = [depth(n, n, bids=[["100.00", f"{1 + n % 9}.000"]], at_ms=n) for n in range(1, 60)]
    changes.insert(40, trade(1, at_ms=40))
    slowly: list[Step] = []
    for frame in changes:
        slowly += [frame, Do("wait", 0.01)]
    served = StreamServer([*slowly, END])
    served.books = [snapshot(8)]

    found = recorded(served, venue="binance", category="spot")

    assert served.asked == 1
    assert (found.gaps, found.interruptions, found.unread) == (0, 0, 0)
    instrument = {"price_increment": Decimal("0.01"), "tick_size": Decimal("0.01"), "lot_size": Decimal("0.001")}
    least = {"min_quantity": Decimal("0.001"), "min_notional": Decimal(5), "venue": "binance", "kind": "spot"}
    facts = InstrumentConfig(symbol="BTCUSDT", base_asset="BTC", quote_asset="USDT", **instrument | least)
    assert open_tape(found.path).hash == imported_hash(taken, tmp_path, facts, "binance")


def test_a_lost_connection_to_binance_asks_for_the_book_anew(recorded: Callable[..., Recorded]) -> None:
    first = [depth(n, n, bids=[["100.00", "1.000"]], at_ms=n) for n in range(1, 4)]
    later = [depth(n, n, bids=[["100.00", "2.000"]], at_ms=n) for n in range(50, 53)]
    served = StreamServer([*first, Do("wait", 0.2), Do("close")], [*later, Do("wait", 0.2), END])
    served.books = [snapshot(2), snapshot(51)]

    found = recorded(served, venue="binance", category="spot")

    assert (served.connections, served.asked) == (2, 2)
    assert (kinds(found)["FEED_GAP"], kinds(found)["BOOK_CLEAR"]) == (1, 3)


# ---- as a process of its own -------------------------------------------------------------------------------------


def started(served: StreamServer, out: Path, *more: str) -> subprocess.Popen[str]:
    words = ["data", "record", "--category", "linear", "--symbol", "BTCUSDT", "--venue-url", served.url, "--json"]
    command = [sys.executable, "-m", "quintet.app.cli", *words, "--out", str(out), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def rows_on(path: Path, least: int) -> int:
    """Wait until so many rows can be read from a tape that is being recorded."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if path.exists() and (rows := open_tape(path).n_positions) >= least:
            return rows
        time.sleep(0.05)
    raise AssertionError(f"{path} did not grow to {least} rows")


def without_times(path: Path, rows: int) -> list[list[int]]:
    found = np.asarray(open_tape(path).event_rows())[:rows]
    return [found[name].tolist() for name in TIMES_APART]


def test_a_killed_recorder_has_lost_nothing_that_was_on_the_tape(
    recorded: Callable[..., Recorded], tmp_path: Path
) -> None:
    whole = recorded(StreamServer([*a_feed(400), END]), out=tmp_path / "whole.tape")
    slowly: list[Step] = []
    for frame in a_feed(400):
        slowly += [frame, Do("wait", 0.002)]
    killed = tmp_path / "killed.tape"
    with serving(StreamServer(slowly)) as served:
        process = started(served, killed)
        seen = rows_on(killed, 100)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)

    with TapeWriter.resume(killed) as writer:
        kept = writer.position
    assert kept >= seen
    assert without_times(killed, kept) == without_times(whole.path, kept)


def test_control_c_seals_the_tape(tmp_path: Path) -> None:
    out = tmp_path / "live.tape"
    with serving(StreamServer(a_feed(60))) as served:
        process = started(served, out, "--for", "1h")
        seen = rows_on(out, 100)
        process.send_signal(signal.SIGINT)
        said, error = process.communicate(timeout=20)

    assert process.returncode == 0, error
    tape = open_tape(out)
    assert json.loads(said)["rows"] == tape.n_positions >= seen
    assert tape.torn_bytes == 0


def test_a_length_of_time_that_is_none(tmp_path: Path) -> None:
    from quintet.app.flags import duration_s

    assert [duration_s(text, "--for") for text in ("90s", "30m", "1.5h", "1d")] == [90, 1800, 5400, 86_400]
    for text in ("", "1", "h", "-1s", "0s", "1w", "1e3s"):
        with pytest.raises(Complaint, match="a number and a unit"):
            duration_s(text, "--for")
