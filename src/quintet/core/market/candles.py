"""A candle as a venue wrote it: decimal text, before an instrument says what a tick and a lot are."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Candle(NamedTuple):
    """One closed candle. `start_ms` is ms UTC of its opening; volume in base units, turnover in quote units."""

    start_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    turnover: str


class CandlePage(NamedTuple):
    """Everything the venue has between `start_ms` (inclusive) and `end_ms` (exclusive), oldest first.

    A start that is missing here is missing at the venue: asking again would not help.
    """

    start_ms: int
    end_ms: int
    candles: tuple[Candle, ...]


class CandleHistory(Protocol):
    """Where past candles come from."""

    def pages(self, symbol: str, timeframe: str, start_ms: int, end_ms: int) -> Iterator[CandlePage]:
        """Pages that cover the stretch from `start_ms` up to `end_ms` or to the last closed candle, oldest first."""
        ...
