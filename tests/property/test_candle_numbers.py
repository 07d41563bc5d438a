"""Every price a venue can write survives the way through a float, and resampling loses nothing but incomplete bars."""

from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.events import MINUTE_NS
from quintet.core.market.bars import Bars
from quintet.core.market.resample import resample
from quintet.storage.candle_rules import PRICE_TOLERANCE_FRAC, whole_lots_down, whole_units

NOON = 1_767_268_800 * 1_000_000_000
increments = st.integers(-9, 2).map(lambda power: Decimal(1).scaleb(power))


@given(st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=50), increments)
@settings(max_examples=200)
def test_a_decimal_price_read_as_a_float_is_its_own_whole_number(ticks: list[int], increment: Decimal) -> None:
    values = np.array([float(increment * n) for n in ticks])
    nearest, off = whole_units(values, increment)
    assert nearest.astype(np.int64).tolist() == ticks
    assert np.all(off <= nearest * PRICE_TOLERANCE_FRAC)


@given(st.integers(0, 10**12), st.integers(0, 99), increments)
@settings(max_examples=200)
def test_volume_is_rounded_down_never_up(lots: int, hundredths: int, lot_size: Decimal) -> None:
    volume = lot_size * lots + lot_size * hundredths / 100
    got, rest = whole_lots_down(np.array([float(volume)]), lot_size)
    assert int(got[0]) == lots
    assert bool(rest[0]) == (hundredths > 0)


@st.composite
def minute_bars(draw: st.DrawFn) -> Bars:
    minutes = sorted(draw(st.sets(st.integers(-30, 90), min_size=1, max_size=100)))
    size = len(minutes)
    low = np.array(draw(st.lists(st.integers(1000, 2000), min_size=size, max_size=size)), np.int64)
    volume = np.array(draw(st.lists(st.integers(0, 10**9), min_size=size, max_size=size)), np.int64)
    stamps = NOON + np.array(minutes, np.int64) * MINUTE_NS
    return Bars("1m", stamps, low + 1, low + 5, low, low + 3, volume, volume * 2)


@given(minute_bars(), st.sampled_from(["3m", "5m", "15m", "1h"]))
@settings(max_examples=60, deadline=None)
def test_a_higher_bar_is_exactly_its_minutes(bars: Bars, timeframe: str) -> None:
    got = resample(bars, timeframe)
    length = {"3m": 3, "5m": 5, "15m": 15, "1h": 60}[timeframe]
    minutes = {int(stamp): n for n, stamp in enumerate(bars.ts_open)}
    slots = {int(stamp) // (length * MINUTE_NS) for stamp in bars.ts_open}
    whole = [s for s in sorted(slots) if all((s * length + m) * MINUTE_NS in minutes for m in range(length))]
    assert (got.bars.ts_open // (length * MINUTE_NS)).tolist() == whole
    for n, slot in enumerate(whole):
        inside = [minutes[(slot * length + m) * MINUTE_NS] for m in range(length)]
        assert got.bars.open[n] == bars.open[inside[0]]
        assert got.bars.close[n] == bars.close[inside[-1]]
        assert got.bars.high[n] == max(bars.high[inside])
        assert got.bars.low[n] == min(bars.low[inside])
        assert got.bars.volume[n] == sum(bars.volume[inside])
    assert got.edge_bars + got.gap_bars + len(whole) == max(slots) - min(slots) + 1


@given(minute_bars())
@settings(max_examples=40, deadline=None)
def test_resampling_in_two_steps_equals_one_where_both_are_whole(bars: Bars) -> None:
    direct = resample(bars, "15m").bars
    stepped = resample(resample(bars, "5m").bars, "15m").bars
    assert direct.ts_open.tolist() == stepped.ts_open.tolist()
    assert direct.high.tolist() == stepped.high.tolist()
    assert direct.volume.tolist() == stepped.volume.tolist()
