"""What a backtest is told besides its tape and the system's parameters."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from quintet.core.instrument import Instrument
from quintet.core.risk.config import RiskConfig
from quintet.sim.config import ExecutionConfig, TickExecutionConfig

BOOK_POLICY: Final = "book"
"""Stands where the name of a fill policy stands: an order book says what came first, so there is one reading of it."""


class TickBook(NamedTuple):
    """The exchange of a tape of order books, and what that tape needs room for.

    `price_windows`: lowest and highest price of each instrument; `messages_in_flight`: at most so many are under way to
    us; `recorded`: how long recorded orders travelled, a table of `state.LATENCY`, for latencies of that kind;
    `is_replay`: there is no exchange, only the tape of a desk; `order_places`: room for the market's orders, where the
    queue is the feed's own; `recorded_at`: recorded orders of venues that have their own; `candles`: instrument and
    number of timeframe of every candle on the tape, which is then not built from trades; `marks_equity`: the desk marks
    its equity at bars of structure whatever its system hears, as every desk that is alive does.
    """

    execution: TickExecutionConfig
    price_windows: tuple[tuple[int, int], ...] = ((0, 0),)
    messages_in_flight: int = 1
    recorded: Any = None
    is_replay: bool = False
    order_places: int = 0
    recorded_at: Mapping[str, Any] = MappingProxyType({})
    candles: frozenset[tuple[int, int]] = frozenset()
    marks_equity: bool = False


class BacktestOptions(NamedTuple):
    """`structure` and `fills` name the timeframes of decisions and of matching; equal for a single-timeframe run.

    `instrument` is the first on the tape, `others` those after it; equity is counted in what the first settles in.

    Every policy of `execution.fill_policies` is run. With a `book` orders meet an order book instead of bars: of
    `execution` only the capital counts, and the timeframes say how the market is drawn.
    """

    instrument: Instrument
    execution: ExecutionConfig
    risk: RiskConfig
    structure: str
    fills: str
    book: TickBook | None = None
    others: tuple[Instrument, ...] = ()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """All that is traded, in the order of the tape."""
        return (self.instrument, *self.others)

    @property
    def policies(self) -> tuple[str, ...]:
        """How the market is read, one run each."""
        return self.execution.fill_policies if self.book is None else (BOOK_POLICY,)
