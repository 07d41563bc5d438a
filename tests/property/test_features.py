"""The compiled features equal their slow twins, whatever the bars; and streaming, batch and restored are one."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.records import table
from quintet.features import structure, trend, volatility, window
from tests.twins import features_twin as twin
from tests.twins.features_twin import Bar

PERIODS = st.integers(1, 20)


@st.composite
def bars(draw: st.DrawFn, shortest: int = 1, longest: int = 120) -> list[Bar]:
    """A walk in small whole steps, so that equal highs, equal lows and exact ties are common."""
    close = 10_000
    walked = []
    for step, up, down in draw(
        st.lists(
            st.tuples(st.integers(-9, 9), st.integers(0, 4), st.integers(0, 4)), min_size=shortest, max_size=longest
        )
    ):
        before, close = close, close + step
        walked.append(Bar(max(before, close) + up, min(before, close) - down, close))
    return walked


def columns(walked: list[Bar]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    high, low, close = zip(*((bar.high, bar.low, bar.close) for bar in walked), strict=True)
    return np.array(high, "i8"), np.array(low, "i8"), np.array(close, "i8")


def equal(found: np.ndarray, expected: list[float]) -> bool:
    """Equal bits, where any NaN is as good as another."""
    return bool(np.array_equal(found, np.array(expected, "f8"), equal_nan=True))


@pytest.mark.jit_off
@pytest.mark.bounds
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=80), PERIODS)
def test_the_averages_equal_their_definitions(values: list[int], n: int) -> None:
    column, found = np.array(values, "i8"), np.empty(len(values))
    state = table(window.SMA, 1)[0]
    window.start_sma(state, n)
    window.sma_batch(state, column, found)
    assert equal(found, twin.sma(values, n))

    state = table(window.EMA, 1)[0]
    window.start_ema(state, n)
    window.ema_batch(state, column.astype("f8"), found)
    assert equal(found, twin.ema([float(v) for v in values], 2.0 / (n + 1)))

    state = table(window.WILDER, 1)[0]
    window.start_wilder(state, n)
    window.wilder_batch(state, column.astype("f8"), found)
    assert equal(found, twin.wilder([float(v) for v in values], n))


@pytest.mark.jit_off
@given(bars(), PERIODS)
def test_true_range_and_direction_equal_their_definitions(walked: list[Bar], n: int) -> None:
    highs, lows, closes = columns(walked)
    found = np.empty(len(walked))
    cases = (
        (volatility.ATR, volatility.start_atr, volatility.atr_batch, (highs, lows, closes), twin.atr),
        (volatility.ATR_EMA, volatility.start_atr_ema, volatility.atr_ema_batch, (highs, lows, closes), twin.atr_ema),
        (trend.ADX, trend.start_adx, trend.adx_batch, (highs, lows), twin.adx),
        (trend.ADX_EMA, trend.start_adx_ema, trend.adx_ema_batch, (highs, lows), twin.adx_ema),
    )
    for dtype, start, batch, fed, expected in cases:
        state = table(dtype, 1)[0]
        start(state, n)
        batch(state, *fed, found)
        assert equal(found, expected(walked, n)), batch


@st.composite
def rules(draw: st.DrawFn) -> twin.Rules:
    return twin.Rules(
        left=draw(st.integers(1, 4)),
        right=draw(st.integers(1, 4)),
        swing_min_atr=Fraction(draw(st.sampled_from(["0", "0.5", "1", "1.5", "3"]))),
        break_buffer_atr=Fraction(draw(st.sampled_from(["0", "0.1", "0.25"]))),
        potential_ttl_bars=draw(st.integers(1, 12)),
    )


def started(chosen: twin.Rules) -> np.recarray:
    states = table(structure.STRUCTURE, 1)
    structure.start_structure(
        states[0],
        left=chosen.left,
        right=chosen.right,
        swing_min_atr=float(chosen.swing_min_atr),
        break_buffer_atr=float(chosen.break_buffer_atr),
        potential_ttl_bars=chosen.potential_ttl_bars,
    )
    return states


def as_seen(rows: np.recarray) -> list[tuple[str, int, str, int]]:
    return [
        (
            structure.EVENT_NAMES[row["event"]],
            int(row["level"]),
            structure.BIAS_NAMES[row["bias"]],
            int(row["protected"]),
        )
        for row in rows
    ]


def counts(state: np.record) -> dict[str, int]:
    return {name: int(state[name]) for name in state.dtype.names if name.startswith("n_")}


def counts_of(found: twin.Structure) -> dict[str, int]:
    shown = [event for _, event, _ in found.events]
    label = twin.labels(found)
    return {
        "n_swings": len(found.swings),
        "n_hh": label["HH"],
        "n_lh": label["LH"],
        "n_hl": label["HL"],
        "n_ll": label["LL"],
        "n_potential": shown.count("bos_potential"),
        "n_confirmed": shown.count("bos_confirmed"),
        "n_bos_down": shown.count("bos_down"),
        "n_choch_up": shown.count("choch_up"),
        "n_choch_down": shown.count("choch_down"),
    }


def swing_seen(state: np.record, kind: str) -> tuple[int, int, bool]:
    return int(state[f"swing_{kind}"]), int(state[f"swing_{kind}_bar"]), bool(state[f"swing_{kind}_fresh"])


def swing_of(found: twin.Structure, kind: str) -> tuple[int, int, bool]:
    last = found.last(kind)
    return (last.price, last.bar, last.fresh) if last else (0, -1, False)


@pytest.mark.jit_off
@pytest.mark.bounds
@given(bars(shortest=40), rules(), st.integers(1, 6))
def test_structure_equals_its_definition_event_for_event(walked: list[Bar], chosen: twin.Rules, atr_n: int) -> None:
    highs, lows, closes = columns(walked)
    atrs = twin.atr(walked, atr_n)
    states, rows = started(chosen), table(structure.STRUCTURE_ROW, len(walked))
    structure.structure_batch(states[0], highs, lows, closes, np.array(atrs), rows)
    expected = twin.structure(walked, atrs, chosen)
    assert as_seen(rows) == expected.rows
    assert counts(states[0]) == counts_of(expected)
    assert swing_seen(states[0], "high") == swing_of(expected, "high")
    assert swing_seen(states[0], "low") == swing_of(expected, "low")


@given(bars(longest=40), bars(longest=40), rules(), st.integers(1, 5))
def test_what_comes_later_changes_nothing_before_it(
    past: list[Bar], future: list[Bar], chosen: twin.Rules, atr_n: int
) -> None:
    whole = past + future
    rows = {}
    for what, walked in (("past", past), ("whole", whole)):
        highs, lows, closes = columns(walked)
        rows[what] = table(structure.STRUCTURE_ROW, len(walked))
        structure.structure_batch(
            started(chosen)[0], highs, lows, closes, np.array(twin.atr(walked, atr_n)), rows[what]
        )
    assert rows["whole"][: len(past)].tobytes() == rows["past"].tobytes()


@pytest.mark.jit_off
@given(
    origin=st.integers(9_000, 10_000),
    leg=st.integers(0, 120),
    depth=st.integers(0, 200),
    atr=st.floats(0, 40) | st.integers(0, 40).map(float),
    low_e4=st.integers(0, 10_000),
    high_e4=st.integers(0, 10_000),
)
def test_the_pullback_verdict_equals_its_definition(
    origin: int, leg: int, depth: int, atr: float, low_e4: int, high_e4: int
) -> None:
    low_e4, high_e4 = sorted((low_e4, high_e4))
    limits = table(structure.PULLBACK, 1)[0]
    structure.start_pullback(limits, min_atr=1.0, min_fraction=low_e4 / 10_000, max_fraction=high_e4 / 10_000)
    top = origin + leg
    found = structure.pullback_verdict(limits, origin, top, top - depth, atr)
    zone = (Fraction(low_e4, 10_000), Fraction(high_e4, 10_000))
    assert structure.VERDICT_NAMES[found] == twin.pullback(origin, top, top - depth, atr, Fraction(1), zone)
    part = structure.pullback_fraction(origin, top, top - depth)
    assert math.isclose(part, depth / leg) if leg else part == 1.0
