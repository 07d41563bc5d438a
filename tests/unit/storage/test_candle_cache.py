"""The CSV cache: fetched once, exact, resumed after failure, and never mistaken for another market's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from quintet.core.errors import DataError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.candles import Candle, CandlePage
from quintet.storage.candle_cache import HEADER, Market, fill_cache
from quintet.storage.candle_files import read_candles

STEP = 300_000
NOON = 1_767_268_800_000
MARKET = Market(venue="bybit", category="spot", symbol="ETHUSDT", timeframe="5m")


class Venue:
    """A history in memory: `page` candles a page; `fails_after` pages it is gone."""

    def __init__(self, missing: set[int] | None = None, fails_after: int = 10_000) -> None:
        self.missing = missing or set()
        self.left = fails_after
        self.asked: list[tuple[int, int]] = []

    def pages(self, symbol: str, timeframe: str, start_ms: int, end_ms: int) -> Iterator[CandlePage]:
        self.asked.append(((start_ms - NOON) // STEP, (end_ms - NOON) // STEP))
        for first in range(start_ms, end_ms, 10 * STEP):
            if self.left == 0:
                raise ConnectionError("the venue is gone")
            self.left -= 1
            last = min(first + 10 * STEP, end_ms)
            wanted = [s for s in range(first, last, STEP) if s not in self.missing]
            yield CandlePage(
                first, last, tuple(Candle(s, "3000.10", "3001", "2999.5", "3000", "1.5", "4500") for s in wanted)
            )


def fill(path: Path, venue: Venue, first: int, last: int, market: Market = MARKET) -> tuple[int, int, int]:
    done = fill_cache(path, market, venue, NOON + first * STEP, NOON + last * STEP)
    return done.fetched, done.pages, done.missing


@pytest.mark.req("S-16")
def test_a_second_run_needs_no_venue_and_gives_equal_bars(tmp_path: Path) -> None:
    path = tmp_path / "data" / "eth_5m.csv"
    assert fill(path, Venue(), 0, 25) == (25, 3, 0)
    first = read_candles(path, DEFAULT_SPOT).bars
    gone = Venue(fails_after=0)
    assert fill(path, gone, 0, 25) == (0, 0, 0)
    second = read_candles(path, DEFAULT_SPOT).bars
    assert gone.asked == []
    assert second.ts_open.tolist() == first.ts_open.tolist() == [(NOON + n * STEP) * 1_000_000 for n in range(25)]
    assert (second.timeframe, second.open[0], second.volume[0]) == ("5m", 300_010, 150_000)


def test_only_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "eth.csv"
    fill(path, Venue(), 10, 20)
    fill(path, Venue(), 40, 50)
    venue = Venue()
    assert fill(path, venue, 0, 60) == (40, 4, 0)
    assert venue.asked == [(0, 10), (20, 40), (50, 60)]
    assert len(read_candles(path, DEFAULT_SPOT).bars) == 60


def test_what_arrived_before_a_failure_is_kept_and_the_next_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "eth.csv"
    with pytest.raises(ConnectionError):
        fill(path, Venue(fails_after=2), 0, 40)
    assert len(read_candles(path, DEFAULT_SPOT).bars) == 20
    venue = Venue()
    fill(path, venue, 0, 40)
    assert venue.asked == [(20, 40)]


def test_a_hole_at_the_venue_is_counted_and_not_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "eth.csv"
    holes = {NOON + n * STEP for n in (3, 4, 12)}
    assert fill(path, Venue(holes), 0, 20) == (17, 2, 3)
    assert fill(path, Venue(fails_after=0), 0, 20) == (0, 0, 3)


@pytest.mark.parametrize("harm", ["deleted note", "broken note", "line removed"])
def test_without_a_trusted_note_the_csv_itself_says_what_is_covered(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "eth.csv"
    fill(path, Venue(), 0, 20)
    note = tmp_path / "eth.csv.covered.json"
    if harm == "deleted note":
        note.unlink()
    elif harm == "broken note":
        note.write_text("{")
    else:
        lines = path.read_text().splitlines()
        path.write_text("\n".join(lines[:6] + lines[7:]) + "\n")
    venue = Venue()
    fill(path, venue, 0, 21)
    assert venue.asked == ([(5, 6), (20, 21)] if harm == "line removed" else [(20, 21)])
    assert len(read_candles(path, DEFAULT_SPOT).bars) == 21


def test_a_cache_of_another_market_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "eth.csv"
    fill(path, Venue(), 0, 20)
    before = path.read_bytes()
    for market in (
        Market(venue="bybit", category="spot", symbol="SOLUSDT", timeframe="5m"),
        Market(venue="bybit", category="linear", symbol="ETHUSDT", timeframe="5m"),
        Market(venue="bybit", category="spot", symbol="ETHUSDT", timeframe="1m"),
    ):
        with pytest.raises(DataError, match="holds bybit spot ETHUSDT 5m, expected"):
            fill(path, Venue(), 0, 5, market)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time,open\n1,2\n", "line 1: found 'time,open', expected"),
        ("", "line 1: found ''"),
        (f"{HEADER}\n{NOON},1,1,1,1,1\n", "line 2: has 6 cells, expected 7"),
        (f"{HEADER}\n{NOON + 1},1,1,1,1,1,1\n", "line 2: column 'start' is"),
        (f"{HEADER}\nnoon,1,1,1,1,1,1\n", "line 2: column 'start' is 'noon'"),
        (f"{HEADER}\n{NOON},1,1,1,1,1,1\n{NOON},1,1,1,1,1,1\n", "line 3: column 'start' .* in an earlier line"),
    ],
)
def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "eth.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=expected):
        fill(path, Venue(), 0, 5)
    assert path.read_text() == text


def test_a_stretch_without_candles_and_a_backward_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "eth.csv"
    with pytest.raises(DataError, match="has no 5m candle in the stretch"):
        fill(path, Venue({NOON + n * STEP for n in range(5)}), 0, 5)
    with pytest.raises(DataError, match="expected an end after the start"):
        fill(path, Venue(), 5, 5)


def test_the_note_says_what_the_file_is_for(tmp_path: Path) -> None:
    path = tmp_path / "eth.csv"
    fill(path, Venue(), 0, 20)
    note = json.loads((tmp_path / "eth.csv.covered.json").read_text())
    assert note["market"] == {"venue": "bybit", "category": "spot", "symbol": "ETHUSDT", "timeframe": "5m"}
    assert note["covered"] == [[NOON, NOON + 20 * STEP]]
