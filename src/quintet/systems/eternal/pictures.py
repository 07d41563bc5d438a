"""From daily bars to what the engines look at: indicators with a memory, one set for each market and parameters.

The indicators are the house's own kernels, fed once a day. A bar that cannot be (a high below a low, a price that is
not positive, a day that has been) is refused by name and reaches no engine.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.errors import DataError
from quintet.core.kernel import entry, log
from quintet.core.records import offset_of
from quintet.features.streaming import stream_of
from quintet.features.trend import DIRECTION
from quintet.systems.eternal.config import TrendConfig
from quintet.systems.eternal.seen import Picture

VOLATILITY_DAYS: Final = 30
CORRELATION_DAYS: Final = 60
DAYS_A_YEAR: Final = 365


_MINUS: Final = offset_of(DIRECTION, "minus") // 8
"""Of the eight-byte numbers of a DIRECTION record, which is the line below."""


class DayBar(NamedTuple):
    """A day of one market: its number, and prices in increments."""

    day: int
    open: int
    high: int
    low: int
    close: int


class Painter:
    """All that is remembered of one market for one set of parameters."""

    def __init__(self, market: str, config: TrendConfig, high: int = 0, measures_volatility: bool = True) -> None:
        """`high`: an all-time high that is known from before the first bar."""
        self._measures_volatility = measures_volatility
        self.market = market
        self._fast, self._slow = (stream_of("sma", period=days) for days in (config.fast_days, config.slow_days))
        self._adx = stream_of("adx", period=config.adx_days)
        self._direction = stream_of("direction", period=config.adx_days)
        self._atr = stream_of("atr", period=config.atr_days)
        self._lines = _numbers_of(self._direction.states)
        self._log = entry(log, 1.0)
        self.returns: deque[float] = deque(maxlen=CORRELATION_DAYS)
        self.high, self._close, self.last_day = high, 0, -(10**9)

    def take(self, bar: DayBar) -> Picture:
        """The picture after a day; raises DataError for a bar that cannot be."""
        problem = _problem(bar, self.last_day)
        if problem:
            raise DataError(f"{self.market}, day {bar.day}: {problem}")
        if self._close and bar.day == self.last_day + 1:
            self.returns.append(self._log(bar.close / self._close))
        elif self._close:
            self.returns.clear()  # a hole: returns over it are not of one day
        self.last_day, self._close, self.high = bar.day, bar.close, max(self.high, bar.high)
        plus = self._direction.update(bar.high, bar.low, bar.close)
        return Picture(
            close=bar.close,
            fast_average=_known(self._fast.update(bar.close)),
            slow_average=_known(self._slow.update(bar.close)),
            adx=_known(self._adx.update(bar.high, bar.low)),
            plus=_known(plus),
            minus=_known(self._lines[_MINUS]),
            atr=_known(self._atr.update(bar.high, bar.low, bar.close)),
            volatility=self._volatility(),
            drawdown=(bar.close - self.high) / self.high,
        )

    def _volatility(self) -> float | None:
        return volatility_of(tuple(self.returns)[-VOLATILITY_DAYS:]) if self._measures_volatility else None


def _numbers_of(states: Any) -> Any:
    """The numbers of a one-row table of eight-byte fields, read without a record array's detours."""
    plain: Any = np.asarray(states).view(np.uint8).reshape(-1)
    return memoryview(plain).cast("d")


def volatility_of(returns: tuple[float, ...]) -> float | None:
    """Standard deviation of daily log returns, annualised with 365; None for fewer than 30."""
    if len(returns) < VOLATILITY_DAYS:
        return None
    mean = _sum(returns) / len(returns)
    return math.sqrt(_sum((value - mean) * (value - mean) for value in returns) / (len(returns) - 1) * DAYS_A_YEAR)


def correlation_of(first: Iterable[float], second: Iterable[float]) -> float | None:
    """Pearson's correlation of two markets' daily log returns; None for fewer than 60 days of both, or a still one."""
    a, b = tuple(first), tuple(second)
    if len(a) < CORRELATION_DAYS or len(b) < CORRELATION_DAYS:
        return None
    mean_a, mean_b = _sum(a) / len(a), _sum(b) / len(b)
    together = _sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    alone = _sum((x - mean_a) * (x - mean_a) for x in a) * _sum((y - mean_b) * (y - mean_b) for y in b)
    return together / math.sqrt(alone) if alone > 0 else None


def _sum(values: Iterable[float]) -> float:
    """In order, one after the other: the same bits everywhere."""
    total = 0.0
    for value in values:
        total += value
    return total


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _problem(bar: DayBar, last_day: int) -> str:
    """What is wrong with a bar; empty: nothing."""
    if bar.day <= last_day:
        return f"found a bar at or before day {last_day}, expected a later one"
    if bar.low <= 0:
        return f"low is {bar.low}, expected 1 increment or more"
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        found = f"open {bar.open}, high {bar.high}, low {bar.low}, close {bar.close}"
        return f"found {found}; expected low and high around the others"
    return ""
