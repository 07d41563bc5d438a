"""What kind of tick file this is, told from what is in it and never from its name."""

import re
from pathlib import Path
from typing import Final, NamedTuple

from quintet.storage.tick_sources import beginning, first_line
from quintet.storage.tick_tables import (
    BENCH,
    BYBIT_PARQUET,
    BYBIT_SPOT_TRADES,
    BYBIT_TRADES,
    HFTBACKTEST,
    TARDIS_BOOK,
    TARDIS_TRADES,
    TOP_OF_BOOK,
    array_fields,
)

BITSTAMP_HEADER: Final = "id,timestamp,exchange.timestamp,price,volume,action,direction"
_LOOK_BYTES: Final = 1 << 18


class TickFormat(NamedTuple):
    """A kind of file. `not_traded`: why a backtest must not trade its tapes, empty when it may.

    `fixed_decimals` of price and quantity: a file of whole ticks and lots whose size the format itself says.
    """

    name: str
    venue: str
    what: str
    not_traded: str = ""
    fixed_decimals: tuple[int, int] | None = None


FORMATS: Final[dict[str, TickFormat]] = {
    each.name: each
    for each in (
        TickFormat("binance", "binance", "recorded frames of Binance: depth, REST snapshot, trades"),
        TickFormat("bybit", "bybit", "recorded frames of Bybit V5 or v2, or its order book archives"),
        TickFormat("bybit-archives", "bybit", "Bybit's order book and trade archives of one time, given together"),
        TickFormat("bybit-trades", "bybit", "Bybit's trade archives", "it holds trades only, without a book"),
        TickFormat("bybit-top5", "bybit", "samples of five levels", "samples of five levels tell no queue"),
        TickFormat("coinbase", "coinbase", "recorded frames of Coinbase: level2, matches"),
        TickFormat("deribit", "deribit", "recorded frames of Deribit: book, trades"),
        TickFormat(
            "hyperliquid", "hyperliquid", "recorded frames of Hyperliquid: l2Book, trades",
            "snapshots of twenty levels tell no queue",
        ),
        TickFormat(
            "bitstamp-l3", "bitstamp", "order-level events of Bitstamp",
            "it prints no trades and begins with orders that it never showed",
        ),
        TickFormat("top-of-book", "binance", "best prices asked for now and then", "it holds polled prices only"),
        TickFormat("tardis", "", "Tardis CSV: incremental_book_L2, trades"),
        TickFormat("hftbacktest", "", "event arrays of hftbacktest, .npz or .npy"),
        TickFormat("bench", "bench", "the benchmark's array of ticks, .npy", fixed_decimals=(2, 3)),
    )
}  # fmt: skip

_STREAMS: Final = (
    ("binance", re.compile(rb'"e":\s*"(depthUpdate|trade|aggTrade|bookTicker)"|"lastUpdateId"|binance\.com')),
    ("bybit", re.compile(rb'"topic":\s*"(orderbook|publicTrade|orderBookL2_25|trade)\.|bybit\.com')),
    ("coinbase", re.compile(rb'"type":\s*"(l2update|match|snapshot)"|ws-feed\.(pro|exchange)\.coinbase')),
    ("deribit", re.compile(rb'"channel":\s*"(book|trades)\.|deribit\.com')),
    ("hyperliquid", re.compile(rb'"channel":\s*"(l2Book|trades)"')),
)


def tick_format(path: Path) -> str | None:
    """The name of a file's format, None for what is no tick file that we know."""
    fields = array_fields(path)
    if fields:
        return _of_fields(fields)
    if path.suffix == ".parquet":
        return "bybit-trades" if _parquet_has(path, BYBIT_PARQUET) else None
    head = first_line(path)
    cells = head.decode("utf-8", "replace").split(",")
    if head.decode("utf-8", "replace") == BITSTAMP_HEADER:
        return "bitstamp-l3"
    for name, headers in (
        ("tardis", (TARDIS_BOOK, TARDIS_TRADES)),
        ("bybit-trades", (BYBIT_TRADES, BYBIT_SPOT_TRADES)),
        ("top-of-book", (TOP_OF_BOOK,)),
    ):
        if any(cells[: len(header)] == list(header) for header in headers):
            return name
    if cells[0] in ("both", "bid", "ask") and "[[" in head.decode("utf-8", "replace"):
        return "bybit-top5"
    if re.match(rb"\d{9,19}[.\d]*:? |\{|(https?|wss?)://", head):
        return _of_frames(path)
    return None


def _of_fields(fields: tuple[str, ...]) -> str | None:
    for name, expected in (("hftbacktest", HFTBACKTEST), ("bench", BENCH)):
        if all(field in fields for field in expected):
            return name
    return None


def _of_frames(path: Path) -> str | None:
    """The first venue that the beginning of a recording speaks of."""
    sample = beginning(path, _LOOK_BYTES)
    found = {name: match.start() for name, pattern in _STREAMS if (match := pattern.search(sample))}
    return min(found, key=lambda name: found[name]) if found else None


def _parquet_has(path: Path, columns: tuple[str, ...]) -> bool:
    import polars as pl

    try:
        return set(columns) <= set(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, OSError):
        return False
