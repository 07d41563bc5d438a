"""Trap 1: a feature that knows the future. Its value at a bar may depend on that bar and those before it alone.

Proven here for every indicator of the catalogue and for market structure; for whole pipelines, from candle
file to decision, `quintet verify lookahead` does the same (`tests/unit/research/test_lookahead.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from quintet.core.events import MINUTE_NS
from quintet.core.random import below, seeded
from quintet.core.records import table
from quintet.features import structure
from quintet.features.catalogue import INDICATORS, lines_of
from quintet.research.synthetic import synthesize

BARS = synthesize(1, days=2, timeframe="5m")
COLUMNS = (BARS.high, BARS.low, BARS.close)
MOMENTS = 60

Feature = Callable[[Any, Any, Any], Any]
"""Highs, lows and closes to one value, or one record, a bar."""

ASKED = {"period": 14, "bar_ns": 5 * MINUTE_NS, "history": 100}
"""Parameters without a default, and one whose default is longer than this market."""


def check(feature: Feature) -> list[str]:
    """Moments at which the past changes when the future is cut off or replaced by noise."""
    dice = seeded(1, "moments")[0]
    whole = feature(*COLUMNS)
    found = []
    for _ in range(MOMENTS):
        t = 1 + below(dice, len(BARS) - 1)
        cut = feature(*(column[:t] for column in COLUMNS))
        noise = feature(*(np.r_[column[:t], column[t:][::-1] + 7_000] for column in COLUMNS))
        if whole[:t].tobytes() != cut.tobytes() or whole[:t].tobytes() != noise[:t].tobytes():
            found.append(f"bar {t}")
    return found


def indicator(name: str) -> Feature:
    """All lines of an indicator of the catalogue, a column each."""

    def lines(highs: Any, lows: Any, closes: Any) -> Any:
        count = len(closes)
        columns = {"end_ns": BARS.ts_open[:count] + 5 * MINUTE_NS, "high": highs, "low": lows, "close": closes}
        columns["volume"] = closes % 1_000
        taken = {what: columns[what] for what in INDICATORS[name].inputs}
        asked = {what: value for what, value in ASKED.items() if what in INDICATORS[name].parameters}
        return np.column_stack(list(lines_of(name, **taken, **asked).values()))

    return lines


def market_structure(highs: Any, lows: Any, closes: Any) -> Any:
    state, rows = table(structure.STRUCTURE, 1)[0], table(structure.STRUCTURE_ROW, len(closes))
    structure.start_structure(state, left=3, right=3, swing_min_atr=0.5)
    ranges = lines_of("atr", high=highs, low=lows, close=closes, period=14)["atr"]
    structure.structure_batch(state, highs, lows, closes, ranges, rows)
    return rows


@pytest.mark.parametrize("name", INDICATORS)
def test_no_indicator_knows_the_next_bar(name: str):
    assert check(indicator(name)) == []


def test_market_structure_does_not_know_the_next_bar():
    events = market_structure(*COLUMNS)["event"]
    assert len(np.unique(events)) > 3
    assert check(market_structure) == []


# ---- planted -----------------------------------------------------------------------------------------------------


def centred_average(highs: Any, lows: Any, closes: Any) -> Any:
    padded = np.pad(closes.astype(float), 2, mode="edge")
    return np.mean([padded[n : n + len(closes)] for n in range(5)], axis=0)


def score_of_the_whole(highs: Any, lows: Any, closes: Any) -> Any:
    return (closes - closes.mean()) / (closes.std() or 1.0)


def pivot_at_its_own_bar(highs: Any, lows: Any, closes: Any) -> Any:
    padded = np.pad(highs, 3, mode="edge")
    return highs == np.max([padded[n : n + len(highs)] for n in range(7)], axis=0)


@pytest.mark.parametrize("feature", [centred_average, score_of_the_whole, pivot_at_its_own_bar])
def test_a_planted_look_ahead_is_found(feature: Feature):
    assert len(check(feature)) > MOMENTS // 10
