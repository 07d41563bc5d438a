"""Downloaded candles in one CSV, exactly as the venue wrote them: asked for once, read for ever.

Beside `eth_5m.csv` lies `eth_5m.csv.covered.json`: which stretches the venue has answered for, so that a hole at the
venue is not asked for again, and what the file is for. Without it, or after the CSV was edited, the stretches are
read off the CSV itself. Both files appear whole or not at all; pages that arrived before a failure are kept.
"""

import csv
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from quintet.core.errors import DataError
from quintet.core.events import MINUTE_NS, TIMEFRAMES
from quintet.core.market.candles import Candle, CandleHistory, CandlePage
from quintet.storage.workspace import write_whole

HEADER: Final = ",".join(Candle._fields).replace("start_ms", "start")
SAVE_EVERY_PAGES: Final = 25
_MINUTE_MS: Final = MINUTE_NS // 1_000_000

Stretch = tuple[int, int]
"""From (inclusive) to (exclusive), ms UTC."""

Report = Callable[[float, float], None]


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache file holds; one file holds one of these and no other."""

    venue: str
    category: str
    symbol: str
    timeframe: str


class _Covered(msgspec.Struct, frozen=True):
    market: Market
    sha256: str
    covered: list[Stretch]


@dataclass(frozen=True, slots=True)
class Filled:
    """What a fill did. `missing` counts candles the venue does not have inside the stretch asked for."""

    fetched: int
    pages: int
    missing: int


@dataclass(slots=True)
class _Cache:
    """The cache in memory: candles by start, and the stretches known."""

    path: Path
    market: Market
    covered: list[Stretch]
    candles: dict[int, Candle] = field(default_factory=dict)
    loaded: bool = False

    def add(self, page: CandlePage) -> None:
        for candle in page.candles:
            self.candles.setdefault(candle.start_ms, candle)
        self.covered = _union([*self.covered, (page.start_ms, page.end_ms)])

    def save(self) -> None:
        text = io.StringIO()
        text.write(HEADER + "\n")
        for start in sorted(self.candles):
            text.write(",".join(map(str, self.candles[start])) + "\n")
        data = text.getvalue().encode()
        # The candles first: a crash between the two loses knowledge of holes, never a candle.
        write_whole(self.path, data)
        note = _Covered(self.market, hashlib.sha256(data).hexdigest(), self.covered)
        write_whole(_note_path(self.path), msgspec.json.encode(note))


def fill_cache(
    path: Path,
    market: Market,
    history: CandleHistory,
    start_ms: int,
    end_ms: int,
    report: Report | None = None,
) -> Filled:
    """Make the CSV hold every candle that opens in [start_ms, end_ms), asking only for what it does not cover.

    What is covered already needs no network. Raises DataError when the file is not a cache or is one of another
    market; whatever `history` raises passes through, after the pages that did arrive were saved.
    """
    if end_ms <= start_ms:
        raise DataError(f"{path}: asked for candles from {start_ms} to {end_ms} ms, expected an end after the start")
    cache = _opened(path, market)
    fetched = pages = 0
    try:
        for first, last in _uncovered(cache.covered, start_ms, end_ms):
            _load(cache)
            for page in history.pages(market.symbol, market.timeframe, first, last):
                cache.add(page)
                fetched += len(page.candles)
                pages += 1
                if report:
                    report(page.end_ms - start_ms, end_ms - start_ms)
                if pages % SAVE_EVERY_PAGES == 0:
                    cache.save()
    finally:
        if pages % SAVE_EVERY_PAGES:
            cache.save()
    _load(cache)
    step = TIMEFRAMES[market.timeframe] * _MINUTE_MS
    known = sum(max(0, min(b, end_ms) - max(a, start_ms)) for a, b in cache.covered) // step
    held = sum(start_ms <= start < end_ms for start in cache.candles)
    if held == 0:
        raise DataError(f"{path}: {market.symbol} has no {market.timeframe} candle in the stretch asked for")
    return Filled(fetched, pages, known - held)


# ---- reading what is there -----------------------------------------------------------------------------------


def _opened(path: Path, market: Market) -> _Cache:
    """The cache as it stands, its candles loaded only where the note beside it cannot vouch for them."""
    if not path.exists():
        return _Cache(path, market, [], loaded=True)
    data = path.read_bytes()
    note = _read_note(path)
    if note is not None and note.market != market:
        raise DataError(f"{path}: holds {_named(note.market)}, expected {_named(market)}; choose another --cache file")
    if note is not None and note.sha256 == hashlib.sha256(data).hexdigest():
        return _Cache(path, market, note.covered)
    cache = _Cache(path, market, [])
    _load(cache)
    step = TIMEFRAMES[market.timeframe] * _MINUTE_MS
    cache.covered = _union([(start, start + step) for start in cache.candles])
    return cache


def _read_note(path: Path) -> _Covered | None:
    try:
        return msgspec.json.decode(_note_path(path).read_bytes(), type=_Covered)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        # It only saves work; what it says can be read off the CSV.
        return None


def _load(cache: _Cache) -> None:
    """Read the CSV's candles, once. Raises DataError naming the line that is not a cached candle."""
    if cache.loaded:
        return
    try:
        text = cache.path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{cache.path}: byte {error.start} is not UTF-8, expected a candle cache") from None
    lines = csv.reader(text.splitlines())
    header = ",".join(next(lines, []))
    if header != HEADER:
        raise DataError(f"{cache.path}: line 1: found {header[:80]!r}, expected {HEADER!r}: this is no candle cache")
    for number, cells in enumerate(lines, start=2):
        candle = _candle(cache, number, cells)
        if candle.start_ms in cache.candles:
            raise DataError(f"{cache.path}: line {number}: column 'start' is {cells[0]}, which is in an earlier line")
        cache.candles[candle.start_ms] = candle
    cache.loaded = True


def _candle(cache: _Cache, number: int, cells: list[str]) -> Candle:
    step = TIMEFRAMES[cache.market.timeframe] * _MINUTE_MS
    if len(cells) != len(Candle._fields):
        raise DataError(f"{cache.path}: line {number}: has {len(cells)} cells, expected {len(Candle._fields)}")
    if not cells[0].isdigit() or int(cells[0]) % step:
        raise DataError(
            f"{cache.path}: line {number}: column 'start' is {cells[0]!r}, expected ms UTC on a "
            f"{cache.market.timeframe} boundary"
        )
    return Candle(int(cells[0]), *cells[1:])


def _note_path(path: Path) -> Path:
    return path.with_name(path.name + ".covered.json")


def _named(market: Market) -> str:
    return f"{market.venue} {market.category} {market.symbol} {market.timeframe}"


# ---- stretches of time ---------------------------------------------------------------------------------------


def _union(stretches: list[Stretch]) -> list[Stretch]:
    """The same time in as few stretches as possible, in order."""
    joined: list[Stretch] = []
    for first, last in sorted(stretches):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _uncovered(covered: list[Stretch], start: int, end: int) -> list[Stretch]:
    """What of [start, end) no stretch covers, in order."""
    holes: list[Stretch] = []
    for first, last in covered:
        if first > start:
            holes.append((start, min(first, end)))
        start = max(start, last)
        if start >= end:
            break
    if start < end:
        holes.append((start, end))
    return [(a, b) for a, b in holes if a < b]
