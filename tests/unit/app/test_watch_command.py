"""`quintet watch`: a recorded feed lived through candle by candle, told in lines, without an order leaving."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quintet.core.events import PLACE
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import Bars
from quintet.core.tape import TapeMeta
from quintet.research.desk_replay import replay_desk_tape
from quintet.storage.candle_sources import MarketBars
from quintet.storage.candle_tapes import market_rows
from quintet.storage.tape_files import open_tape, write_tape
from tests.fakes.command_line import Quintet, Said
from tests.structure_mm_worlds import RISE, WARM, bars_of, path

SMALL = ("--set", "system.structure_mm.atr_n=5", "--set", "system.structure_mm.atr_slow_n=20")
"""A short memory, so that a market drawn by hand is short."""

EPISODE = (*WARM, *RISE, (2985, 12), (3060, 14), (3040, 6), (3032, 4), (3120, 20))
"""Down, up, a higher low, a break, a pullback, and on: an episode from its break to its end."""

WIRE_NS = 40_000_000
"""From a candle's end to its receipt. A bid decided so late is not filled by the bar it was decided in."""


def frames_of(bars: Bars) -> list[dict[str, Any]]:
    """Two frames a candle, as the venue sends them: one while it runs, one when it has closed."""
    frames = []
    for n in range(len(bars)):
        start_ms = int(bars.ts_open[n]) // 1_000_000
        kline = {
            "start": start_ms,
            "end": start_ms + 299_999,
            "interval": "5",
            **{name: f"{getattr(bars, name)[n] / 100:.2f}" for name in ("open", "high", "low", "close")},
            "volume": f"{bars.volume[n] / 100_000:.5f}",
            "turnover": f"{int(bars.turnover[n]) * DEFAULT_SPOT.quote_quantum:f}",
        }
        for confirm, ts in ((False, start_ms + 200_000), (True, start_ms + 300_000 + WIRE_NS // 1_000_000)):
            data = [{**kline, "confirm": confirm, "timestamp": ts}]
            frames.append({"topic": "kline.5.ETHUSDT", "type": "snapshot", "ts": ts, "data": data})
    return frames


def written(folder: Path, frames: list[Any], name: str = "day.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(frame) + "\n" for frame in frames))
    return file


def lines(said: Said) -> list[dict[str, Any]]:
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


@pytest.mark.req("S-26")
def test_ten_candles_give_ten_candle_lines_and_no_order(quintet: Quintet, place: Path):
    file = written(place, frames_of(bars_of(path((3005, 10)))))
    said = quintet("watch", "structure_mm", "--frames", file)
    assert said.code == 0, said.err
    printed = said.out.splitlines()
    assert sum("  candle " in line for line in printed) == 10
    assert printed[-2] == "candles 10, orders 0"
    assert printed[0].startswith("2026-01-01T00:05:00.040Z  candle       ETHUSDT 5m to 2026-01-01T00:05:00Z: open")


@pytest.fixture
def episode(quintet: Quintet, place: Path) -> list[dict[str, Any]]:
    file = written(place, frames_of(bars_of(path(*EPISODE))))
    return lines(quintet("watch", "structure_mm", "--frames", file, *SMALL, "--json"))


@pytest.mark.req("S-31")
def test_a_full_episode_tells_candles_break_pullback_policy_and_market_making_with_their_times(
    episode: list[dict[str, Any]],
):
    *told, end = episode
    kinds = [line["kind"] for line in told]
    for kind in ("candle", "bos", "pullback", "policy", "mm_on"):
        assert kind in kinds, kind
    assert kinds.index("bos") < kinds.index("pullback") <= kinds.index("mm_on")
    times = [line["ts_ns"] for line in told]
    assert times == sorted(times)
    assert all(line["time"].startswith("2026-01-0") for line in told)
    assert end["kind"] == "end"
    assert end["candles"] == kinds.count("candle") == sum(bars for _, bars in EPISODE)
    assert end["orders"] == 0
    assert end["simulated_orders"] > 0
    assert end["simulated_fills"] == kinds.count("fill") > 0


def test_the_same_market_as_a_tape_tells_the_same_story(quintet: Quintet, place: Path, episode: list[dict[str, Any]]):
    bars = bars_of(path(*EPISODE))
    meta = TapeMeta(synthetic=True, created_ns=0, tool_version="test")
    rows = np.array(market_rows(MarketBars(bars, None, ())))
    rows["ts_recv"] += WIRE_NS
    write_tape(place / "day.tape", meta, rows, [DEFAULT_SPOT])
    told = lines(quintet("watch", "structure_mm", "--tape", place / "day.tape", *SMALL, "--json"))
    assert [(line["kind"], line.get("text")) for line in told] == [(line["kind"], line.get("text")) for line in episode]


def test_all_tells_every_note(quintet: Quintet, place: Path, episode: list[dict[str, Any]]):
    file = written(place, frames_of(bars_of(path(*EPISODE))))
    told = lines(quintet("watch", "structure_mm", "--frames", file, *SMALL, "--json", "--all"))
    kinds = {line["kind"] for line in told}
    assert {"atr", "structure", "bid"} <= kinds
    assert not {"atr", "structure", "bid"} & {line["kind"] for line in episode}


def test_what_was_watched_is_on_a_desk_tape_and_a_replay_of_it_decides_the_same(quintet: Quintet, place: Path):
    file, tape = written(place, frames_of(bars_of(path(*EPISODE)))), place / "desk.tape"
    told = lines(quintet("watch", "structure_mm", "--frames", file, *SMALL, "--desk-tape", tape, "--json"))
    assert replay_desk_tape(tape)  # raises at the first command that is not the same
    placed = (np.asarray(open_tape(tape).event_rows())["kind"] == PLACE).sum()
    assert placed == told[-1]["simulated_orders"] > 0
    again = quintet("watch", "structure_mm", "--frames", file, "--desk-tape", tape)
    assert again.code == 2
    assert "exists already" in again.err


def test_a_frame_may_say_when_it_was_received(quintet: Quintet, place: Path):
    frames = frames_of(bars_of(path((3005, 2))))
    wrapped = [{"recv_ns": frame["ts"] * 1_000_000 + 7_000_000, "frame": frame} for frame in frames]
    told = lines(quintet("watch", "structure_mm", "--frames", written(place, wrapped), "--json"))
    assert told[0]["time"] == "2026-01-01T00:05:00.047Z"


def test_what_is_no_candle_is_left_out(quintet: Quintet, place: Path):
    noise = [{"success": True, "op": "subscribe"}, {"topic": "tickers.ETHUSDT", "type": "delta", "ts": 1, "data": {}}]
    noise += frames_of(bars_of(path((3005, 3))))
    assert lines(quintet("watch", "structure_mm", "--frames", written(place, noise), "--json"))[-1]["candles"] == 3


def test_the_venues_own_example_is_read_whole(quintet: Quintet, shared_data: Path):
    frame = shared_data / "api/bybit/ws_kline.json"
    told = lines(quintet("watch", "structure_mm", "--frames", frame, "--json"))
    assert told == [{"kind": "end", "candles": 0, "orders": 0, "simulated_orders": 0, "simulated_fills": 0}]


def kline_line(symbol: str = "ETHUSDT", ts: int = 1, data: str = "") -> str:
    return f'{{"topic": "kline.5.{symbol}", "ts": {ts}, "data": [{data}]}}\n'


@pytest.mark.parametrize(
    ("content", "words", "named"),
    [
        ("", (), "no candles to watch"),
        ("not json\n", (), "day.jsonl: line 1: "),
        (kline_line(ts=0), (), "line 1: receive time: found 0"),
        (kline_line() + "\n" + kline_line(data="{}"), (), "day.jsonl: line 3: kline.5.ETHUSDT: Object missing"),
        (kline_line(), ("--interval", "1m"), "expected  kline frames of ETHUSDT 1m"),
        (kline_line(), ("--symbol", "SOLUSDT"), "found     candle frames of ETHUSDT 5m"),
        (kline_line("DOGEUSDT"), (), "an instrument that is not known by name"),
    ],
)
def test_a_feed_that_cannot_be_watched_is_refused_in_words(
    quintet: Quintet, place: Path, content: str, words: tuple[str, ...], named: str
):
    file = place / "day.jsonl"
    file.write_text(content)
    said = quintet("watch", "structure_mm", "--frames", file, *words)
    assert said.code == 2
    assert named in said.err


@pytest.mark.parametrize("words", [(), ("--frames", "a", "--tape", "b")])
def test_one_feed_is_watched(quintet: Quintet, words: tuple[str, ...]):
    said = quintet("watch", "structure_mm", *words)
    assert said.code == 2
    assert "one feed is watched" in said.err


def test_a_file_that_is_not_there_is_named(quintet: Quintet, place: Path):
    said = quintet("watch", "structure_mm", "--frames", place / "absent.jsonl")
    assert said.code == 2
    assert "absent.jsonl" in said.err
