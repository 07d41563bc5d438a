"""In which kind of market a result was made: one good year, one quiet spell or one rise may have made all of it.

Every day of the record belongs to one row of each kind:

    year        of the calendar, UTC
    volatility  the quietest, the middle and the wildest third of the days, by how far the price moved within each
    trend       whether the price stood higher or lower than TREND_DAYS before; the first days belong to neither

The thirds are cut over the whole record: they describe what happened, and nobody could have traded by them.
"""

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import InputError
from quintet.research.metrics import daily_figures
from quintet.research.observations import Series, series
from quintet.research.returns import DAY_NS, daily_returns

YEAR, VOLATILITY, TREND = "year", "volatility", "trend"
TREND_DAYS: Final = 20
THIRDS: Final = ("quiet", "middle", "wild")


class Regime(NamedTuple):
    """What the days of one kind of market gave.

    `net_frac`: their returns multiplied, as if they had followed one another; `log_share`: their part of the whole
    result, in logarithms, None where the whole is nothing; `sharpe_annualised`: None where nothing varies.
    """

    kind: str
    name: str
    days: int
    net_frac: float
    log_share: float | None
    sharpe_annualised: float | None
    market_frac: float


def regimes(ts_ns: ArrayLike, equity: ArrayLike, prices: ArrayLike, start: float) -> tuple[Regime, ...]:
    """The rows of every kind, in order; rows without a day are left out.

    `ts_ns`, `equity`, `prices`: marks of one run (SAMPLE rows), at least a few a day; `start`: equity before the first.
    Raises InputError for marks that are no curve, and for an account that reached zero: it has no days after that.
    """
    own, market = daily_returns(ts_ns, equity, start), daily_returns(ts_ns, prices, float(series(prices, "prices")[0]))
    if len(own.frac) != len(market.frac):
        raise InputError(f"equity: reaches zero after {len(own.frac)} days, expected an account that lasts")
    years = own.start.astype("datetime64[Y]")
    rows = [(YEAR, str(year), years == year) for year in np.unique(years)]
    rows += [(VOLATILITY, *third) for third in _thirds(_daily_moves(ts_ns, prices, len(own.frac)))]
    rows += [(TREND, *side) for side in _trends(market.frac)]
    whole = float(np.log1p(own.frac).sum()) if (own.frac > -1.0).all() else -math.inf
    return tuple(
        _regime(kind, name, inside, own.frac, market.frac, whole) for kind, name, inside in rows if inside.any()
    )


def _regime(kind: str, name: str, inside: NDArray[Any], own: Series, market: Series, whole: float) -> Regime:
    part = own[inside]
    net = float(np.prod(1.0 + part)) - 1.0
    has_share = whole != 0.0 and math.isfinite(whole) and net > -1.0
    return Regime(
        kind=kind,
        name=name,
        days=len(part),
        net_frac=net,
        log_share=math.log1p(net) / whole if has_share else None,
        sharpe_annualised=daily_figures(part).get("sharpe_daily_annualised"),
        market_frac=float(np.prod(1.0 + market[inside])) - 1.0,
    )


def _daily_moves(ts_ns: ArrayLike, prices: ArrayLike, days: int) -> Series:
    """Root of the sum of squared log returns from mark to mark, for each day; 0 for a day without a mark."""
    stamps, logs = np.asarray(ts_ns, np.int64), np.log(series(prices, "prices"))
    day = (stamps - 1) // DAY_NS
    squares = np.square(np.diff(logs, prepend=logs[:1]))
    return np.sqrt(np.bincount(day - day[0], squares, minlength=days))


def _thirds(moves: Series) -> Iterator[tuple[str, NDArray[Any]]]:
    """The days of each third, ties in order of time."""
    place = np.argsort(np.argsort(moves, kind="stable"), kind="stable") * 3 // len(moves)
    for number, name in enumerate(THIRDS):
        yield name, place == number


def _trends(market: Series) -> Iterator[tuple[str, NDArray[Any]]]:
    """Days that end a rise and days that end a fall over TREND_DAYS."""
    level = np.concatenate(([0.0], np.cumsum(np.log1p(market))))
    change = np.zeros(len(market))
    change[TREND_DAYS - 1 :] = level[TREND_DAYS:] - level[:-TREND_DAYS] if len(market) >= TREND_DAYS else 0.0
    yield "rising", change > 0.0
    yield "falling", change < 0.0
