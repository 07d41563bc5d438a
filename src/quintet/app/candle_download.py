"""Candles of a venue as a local CSV: the specification's `--cache`, and `quintet data download`."""

from dataclasses import dataclass
from pathlib import Path

from quintet.app.messages import Report
from quintet.storage.candle_cache import Filled, Market, fill_cache
from quintet.venues.bybit.klines import BASE_URL, KlineHistory

_MS_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Download:
    """Which candles: opening in [start_ns, end_ns) UTC. `category` is the venue's word: spot, linear, inverse."""

    symbol: str
    timeframe: str
    start_ns: int
    end_ns: int
    category: str = "spot"
    base_url: str = BASE_URL


def download_candles(wanted: Download, cache: Path, report: Report | None = None) -> Filled:
    """Make `cache` hold the candles wanted; what it holds already is not asked for again.

    Raises DataError for a file that is not this market's cache, VenueUnreachable when the venue does not answer;
    the pages that arrived are kept and the next call goes on from there.
    """
    market = Market(venue="bybit", category=wanted.category, symbol=wanted.symbol, timeframe=wanted.timeframe)
    history = KlineHistory(wanted.base_url, wanted.category)
    try:
        return fill_cache(cache, market, history, wanted.start_ns // _MS_NS, wanted.end_ns // _MS_NS, report)
    finally:
        history.close()
