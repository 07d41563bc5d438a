"""Small tick files for tests: a book that a venue might have sent, in the shapes in which it is recorded."""

import gzip
import json
from pathlib import Path
from typing import Any

START_NS = 1_700_000_000_000_000_000
START_MS = START_NS // 1_000_000
MS_NS = 1_000_000

Levels = list[list[str]]


def levels(*pairs: tuple[str, str]) -> Levels:
    return [list(pair) for pair in pairs]


def depth(
    first: int, last: int, previous: int | None = None, bids: Levels | None = None, asks: Levels | None = None,
    at_ms: int = 0, symbol: str = "BTCUSDT", **changed: Any,
) -> dict[str, Any]:  # fmt: skip
    """A depth change of Binance; with `previous` it is one of futures."""
    stamp = START_MS + at_ms
    data = {"e": "depthUpdate", "E": stamp, "s": symbol, "U": first, "u": last, "b": bids or [], "a": asks or []}
    if previous is not None:
        data |= {"T": stamp, "pu": previous}
    return {"stream": f"{symbol.lower()}@depth", "data": data | changed}


def snapshot(last: int, bids: Levels | None = None, asks: Levels | None = None, **changed: Any) -> dict[str, Any]:
    """A REST answer of Binance: two levels a side."""
    return {
        "lastUpdateId": last,
        "bids": levels(("100.00", "5.000"), ("99.90", "7.000")) if bids is None else bids,
        "asks": levels(("100.10", "4.000"), ("100.20", "6.000")) if asks is None else asks,
    } | changed


def trade(
    number: int, price: str = "100.10", quantity: str = "1.000", at_ms: int = 0, *, seller: bool = False, **changed: Any
) -> dict[str, Any]:
    stamp = START_MS + at_ms
    data = {"e": "trade", "E": stamp, "T": stamp, "s": "BTCUSDT", "t": number, "p": price, "q": quantity, "m": seller}
    return {"stream": "btcusdt@trade", "data": data | changed}


def good_frames() -> list[Any]:
    """A snapshot in the middle of changes: one is older than it, one straddles it, two follow, with trades between."""
    return [
        depth(1, 4, 0, bids=levels(("99.80", "3.000")), at_ms=0),
        depth(5, 9, 4, bids=levels(("100.00", "6.000")), at_ms=10),
        snapshot(7),
        trade(1, at_ms=30),
        depth(10, 12, 9, asks=levels(("100.10", "3.000")), at_ms=40),
        trade(2, "100.00", "0.500", at_ms=50, seller=True),
        depth(13, 15, 12, bids=levels(("99.90", "0.000")), asks=levels(("100.30", "1.000")), at_ms=60),
    ]


def line(frame: Any, n: int = 0, latency_ms: int = 5) -> str:
    """A frame as a recorder writes it, 10 ms after the one before."""
    return f"{START_NS + (10 * n + latency_ms) * MS_NS} {frame if isinstance(frame, str) else json.dumps(frame)}"


def recording(path: Path, frames: list[Any] | None = None) -> Path:
    """A gzipped recording of one connection."""
    text = "\n".join(line(frame, n) for n, frame in enumerate(good_frames() if frames is None else frames)) + "\n"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def capture(path: Path, lines: list[str]) -> Path:
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return path
