"""Bars of a market that had a worse day: the same bars, moved, with their law kept (low <= open, close <= high).

Pure functions on `Bars`. Prices are counted in price increments and stay on the tick; volume in lots stays as it was,
turnover moves with the close. Whatever is changed at a moment leaves every bar that closed before it untouched.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import InputError
from quintet.core.events import PRICE_MAX, timeframe_ns
from quintet.core.kernel import exp, kernel, log
from quintet.core.market.bars import Bars, Column

_PRICES: Final = ("open", "high", "low", "close")


def stretched(bars: Bars, factor: float, tick: int = 1) -> Bars:
    """Volatility times `factor`: each bar is so many times as far, in logarithms, from the market's own straight line.

    The line leads from the first open to the last close, so the market begins and ends where it did, and every log
    return, of a bar or of a month, is `factor` times as far from the mean one. The four prices of a bar are measured
    from one point of the line, that of its close. Raises InputError when a price leaves what a row can hold.
    """
    _check("factor", factor, 0.0, 100.0)
    if len(bars) == 0:
        return bars
    prices = _matrix(bars)
    return _with_prices(bars, _stretch(prices, bars.ts_open, float(factor), tick), tick)


def crashed(bars: Bars, at_ns: int, depth_frac: float, lasting_ns: int, tick: int = 1) -> Bars:
    """A fall by `depth_frac` from `at_ns` on, evenly in time over `lasting_ns`, that is not made up for.

    A bar inside the fall opens at the level it begins with and closes at the one it ends with, its own moves on top;
    its range spans both. A negative depth is a rise.
    """
    _check("depth_frac", depth_frac, -10.0, 0.99)
    if lasting_ns <= 0:
        raise InputError(f"lasting_ns: found {lasting_ns}, expected more than 0")
    step = timeframe_ns(bars.timeframe)
    begin = 1.0 - depth_frac * _share(bars.ts_open, at_ns, lasting_ns)
    end = 1.0 - depth_frac * _share(bars.ts_open + step, at_ns, lasting_ns)
    upper, lower = np.maximum(begin, end), np.minimum(begin, end)
    moved = np.column_stack((bars.open * begin, bars.high * upper, bars.low * lower, bars.close * end))
    return _with_prices(bars, moved.astype(np.float64), tick)


def gapped(bars: Bars, at_ns: int, jump_frac: float, tick: int = 1) -> Bars:
    """Every price of a bar that opens at or after `at_ns` moved by `jump_frac`: nothing trades in between."""
    _check("jump_frac", jump_frac, -0.99, 10.0)
    factor = np.where(bars.ts_open >= at_ns, 1.0 + jump_frac, 1.0)
    return _with_prices(bars, _matrix(bars) * factor[:, None], tick)


def without(bars: Bars, at_ns: int, lasting_ns: int) -> Bars:
    """The bars that do not touch the outage from `at_ns` on; the market goes on meanwhile, and nobody hears of it."""
    opens, closes = bars.ts_open, bars.ts_open + timeframe_ns(bars.timeframe)
    keep = (closes <= at_ns) | (opens >= at_ns + lasting_ns)
    columns: dict[str, Any] = {name: getattr(bars, name)[keep] for name in ("ts_open", *_PRICES, "volume", "turnover")}
    return replace(bars, **columns)


def _share(ts_ns: Column, at_ns: int, lasting_ns: int) -> NDArray[np.float64]:
    """How much of an event that lasts so long has passed at each moment, 0 to 1."""
    return np.clip((ts_ns - at_ns) / lasting_ns, 0.0, 1.0)


def _matrix(bars: Bars) -> NDArray[np.float64]:
    """Open, high, low and close as four columns of floats."""
    return np.column_stack([getattr(bars, name) for name in _PRICES]).astype(np.float64)


def _with_prices(bars: Bars, prices: NDArray[np.float64], tick: int) -> Bars:
    """The bars at new prices, rounded to the tick, at least one; bars whose prices did not move stay as they are.

    Rounding keeps the order of prices, so the law of a bar is kept. Raises InputError above what a row can hold.
    """
    highest = prices[:, 1]
    if len(bars) and float(highest.max()) > PRICE_MAX - tick:
        n = int(highest.argmax())
        raise InputError(f"bar {n}: it would trade at {highest[n]:.0f} price increments, a row holds up to {PRICE_MAX}")
    rounded = np.maximum(np.floor(prices / tick + 0.5), 1.0).astype(np.int64) * tick
    still = (prices == _matrix(bars)).all(axis=1)
    opened, high, low, close = (np.where(still, getattr(bars, name), rounded[:, n]) for n, name in enumerate(_PRICES))
    moved = np.floor(bars.turnover * (close / bars.close) + 0.5).astype(np.int64)
    turnover = np.where(still, bars.turnover, moved)
    return replace(bars, open=opened, high=high, low=low, close=close, turnover=turnover)


def _check(name: str, found: float, low: float, high: float) -> None:
    if not low <= found <= high:
        raise InputError(f"{name}: found {found}, expected {low:g} to {high:g}")


@kernel
def _stretch(prices: Any, ts_open: Any, factor: float, tick: int) -> Any:
    """New prices, one row a bar: open, high, low, close."""
    count = len(ts_open)
    begin, end = log(prices[0, 0]), log(prices[count - 1, 3])
    span = float(max(ts_open[count - 1] - ts_open[0], 1))
    moved = np.empty((count, 4))
    for bar in range(count):
        line = begin + (end - begin) * (ts_open[bar] - ts_open[0]) / span
        for n in range(4):
            moved[bar, n] = exp(line + factor * (log(prices[bar, n]) - line))
    return moved
