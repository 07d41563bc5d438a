"""The swings of a picture are those of the system's own feature."""

import numpy as np
import pytest

from quintet.core.records import table
from quintet.features.structure import STRUCTURE, start_structure, structure_update
from quintet.features.volatility import ATR, atr_update, start_atr
from quintet.research.market_bars import ShownBars
from quintet.research.swings import find_swings
from quintet.research.synthetic import synthesize

PARAMETERS = {
    "atr_n": 14, "pivot_left": 3, "pivot_right": 3, "swing_min_atr": 3.0, "break_buffer_atr": 0.1,
    "bos_potential_ttl_bars": 12,
}  # fmt: skip


def market(days: int) -> ShownBars:
    made = synthesize(5, days=days, timeframe="5m")
    ends = made.ts_open + 300_000_000_000
    return ShownBars(ends, made.open, made.high, made.low, made.close)


@pytest.mark.jit_off
@pytest.mark.bounds
def test_each_swing_stands_at_its_bar_and_as_many_are_found_as_the_feature_counts():
    bars = market(2)
    swings = find_swings(bars, PARAMETERS)
    shape, average = table(STRUCTURE, 1), table(ATR, 1)
    start_structure(shape[0])
    start_atr(average[0], 14)
    for high, low, close in zip(bars.high, bars.low, bars.close, strict=True):
        structure_update(shape[0], high, low, close, atr_update(average[0], high, low, close))
    assert len(swings) == int(shape[0].n_swings) > 10
    for swing in swings:
        assert swing.price == int((bars.high if swing.is_high else bars.low)[swing.bar])
        assert swing.known_bar >= swing.bar + 3
    # and labels are counted as the feature counts them
    labels = [swing.label for swing in swings]
    assert [labels.count(name) for name in ("HH", "LH", "HL", "LL")] == [
        int(shape[0][f"n_{name}"]) for name in ("hh", "lh", "hl", "ll")
    ]


def test_highs_and_lows_follow_each_other():
    swings = sorted(find_swings(market(2), PARAMETERS))
    assert all(first.is_high != second.is_high for first, second in zip(swings, swings[1:], strict=False))
    assert np.all(np.diff([swing.bar for swing in swings]) >= 0)
