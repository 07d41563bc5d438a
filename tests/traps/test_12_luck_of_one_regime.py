"""Trap 12: one bull market made it. What is earned must not be the drift of the prices it was earned on.

The market is taken once as it is and once with its drift removed; what only lives on the first has earned the drift.
Results by month stand on the report; by volatility and trend they come with the systems that trade on them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from quintet.core.market.bars import Bars
from quintet.research.moments import Trader, travel
from quintet.research.synthetic import synthesize
from quintet.research.systems import find
from quintet.storage.candle_sources import from_bars
from quintet.systems.structure_mm import StructureMmConfig
from tests.leaks import foreknowing, next_close, tape_of
from tests.python_traders import FILLS, STRUCTURE, above_its_mean, options, trader

DAYS, SEEDS = 8, (21, 22, 23)
DRIFT = 0.25
"""Of the whole stretch: a bull market that needs no skill."""


def drifting(bars: Bars, total: float) -> Bars:
    """The same bars on a road that ends where it began, or higher by a fraction."""
    own = np.log(bars.close[-1] / bars.open[0])
    slope = np.exp((np.log1p(total) - own) * np.arange(1, len(bars) + 1) / len(bars))
    columns = {name: getattr(bars, name) * slope for name in ("open", "high", "low", "close")}
    return replace(bars, **{name: np.rint(column).astype(np.int64) for name, column in columns.items()})


def earned_frac(traded: Callable[[Any], Trader], total: float) -> float:
    """Mean result over a few markets with this drift, as a fraction of what was risked."""
    results = []
    for seed in SEEDS:
        bars = drifting(synthesize(seed, days=DAYS, timeframe="5m"), total)
        tape = tape_of(from_bars({FILLS: bars}, STRUCTURE, FILLS))
        equity = travel(tape, traded(tape), "pessimistic", (), to_end=True).parts["samples"]["equity"]
        results.append(float(equity[-1] - equity[0]) / float(equity[0]))
    return float(np.mean(results))


def check(traded: Callable[[Any], Trader]) -> list[str]:
    """A profit in the bull market of which most is gone without the drift."""
    bull, flat = earned_frac(traded, DRIFT), earned_frac(traded, 0.0)
    return [f"{bull:+.2%} in a bull market, {flat:+.2%} without its drift"] if bull > 0 and flat < bull / 2 else []


def structure_mm(tape: Any) -> Trader:
    return Trader(find("structure_mm"), StructureMmConfig(atr_slow_n=48), options())


def knowing(tape: Any) -> Trader:
    """An edge that is real in this test, because it is the future itself."""
    return foreknowing(next_close)(tape)


def always_long(tape: Any) -> Trader:
    return trader(lambda state, params, view: 1.0)


def in_the_trend(tape: Any) -> Trader:
    return trader(above_its_mean)


@pytest.mark.parametrize("traded", [structure_mm, knowing])
def test_what_is_earned_is_not_the_drift(traded: Callable[[Any], Trader]):
    assert check(traded) == []


def test_a_profit_that_is_the_drift_is_found():
    assert len(check(always_long)) == 1


def test_no_trend_is_followed_with_profit_where_there_is_none():
    assert earned_frac(in_the_trend, 0.0) < 0
