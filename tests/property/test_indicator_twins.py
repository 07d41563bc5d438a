"""The compiled indicators equal their slow twins, whatever the bars: in dead markets, without volume, across days."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quintet.core.events import PRICE_MAX, QUANTITY_MAX
from quintet.core.kernel import log
from quintet.core.records import table
from quintet.features import distribution, session, window
from quintet.features.catalogue import lines_of
from tests.twins import features_twin as twin
from tests.twins.features_twin import Bar

PERIODS = st.integers(1, 12)
PRICES = st.integers(1, PRICE_MAX)
MINUTE_NS = 60_000_000_000
SESSION_NS = 20 * MINUTE_NS
"""Sessions of twenty bars, so that a short walk crosses several."""


@st.composite
def traded_bars(draw: st.DrawFn, longest: int = 90) -> tuple[list[Bar], list[int]]:
    """A walk in small steps with dead bars and bars without volume, and its volumes in lots."""
    close = 10_000
    walked, volumes = [], []
    steps = st.tuples(st.integers(-9, 9), st.integers(0, 4), st.integers(0, 4), st.sampled_from([0, 1, 7, 1000]))
    for step, up, down, volume in draw(st.lists(steps, min_size=1, max_size=longest)):
        before, close = close, close + step
        walked.append(Bar(max(before, close) + up, min(before, close) - down, close))
        volumes.append(volume)
    return walked, volumes


def columns(walked: list[Bar]) -> dict[str, list[int]]:
    return {what: [getattr(bar, what) for bar in walked] for what in ("high", "low", "close")}


def near(found: np.ndarray, expected: list[float], floor: float = 0.0) -> bool:
    """NaN at the same bars, elsewhere equal to 1e-12; a value nearer to zero than `floor` as if it were as large."""
    other = np.array(expected, "f8")
    scale = np.maximum(np.maximum(np.abs(found), np.abs(other)), floor)
    return bool(np.all((np.abs(found - other) <= 1e-12 * scale) | (np.isnan(found) & np.isnan(other))))


def fed(dtype: np.dtype, start, batch, values: list[float] | list[int], n: int, kind: str) -> np.ndarray:
    state, found = table(dtype, 1)[0], np.empty(len(values))
    start(state, n)
    batch(state, np.array(values, kind), found)
    return found


# ---- windows -------------------------------------------------------------------------------------------------------
@pytest.mark.jit_off
@pytest.mark.bounds
@given(st.lists(st.integers(-PRICE_MAX, PRICE_MAX) | st.integers(-3, 3), min_size=1, max_size=60), PERIODS)
@example([PRICE_MAX] * 9 + [-PRICE_MAX] * 9 + [PRICE_MAX] * 9, 8)
def test_windows_of_whole_numbers_equal_their_definitions_up_to_the_largest_price(values: list[int], n: int) -> None:
    for dtype, start, batch, slow in (
        (window.WMA, window.start_wma, window.wma_batch, twin.wma),
        (window.DEVIATION, window.start_deviation, window.deviation_batch, twin.deviation),
        (window.HIGHEST, window.start_highest, window.highest_batch, twin.highest),
    ):
        assert near(fed(dtype, start, batch, values, n, "i8"), slow(values, n)), batch


@pytest.mark.bounds
def test_the_longest_window_of_the_largest_prices_does_not_overflow() -> None:
    n = window.WINDOW_MAX
    values = ([PRICE_MAX, 1] * n)[:n] + [PRICE_MAX] * n
    for dtype, start, batch, slow in (
        (window.WMA, window.start_wma, window.wma_batch, twin.wma),
        (window.DEVIATION, window.start_deviation, window.deviation_batch, twin.deviation),
    ):
        found = fed(dtype, start, batch, values, n, "i8")
        chosen = [n - 1, n, n + n // 2, 2 * n - 2, 2 * n - 1]
        for t in chosen:
            assert math.isclose(found[t], slow(values[t + 1 - n : t + 1], n)[-1], rel_tol=1e-12, abs_tol=0.0)


@pytest.mark.jit_off
@given(st.integers(2, 12), st.integers(2, 40), PRICES, PRICES)
def test_a_flat_window_has_no_deviation_whatever_came_before(n: int, length: int, before: int, price: int) -> None:
    values = [before] * length + [price] * n
    found = fed(window.DEVIATION, window.start_deviation, window.deviation_batch, values, n, "i8")
    assert found[-1] == 0.0


@pytest.mark.jit_off
@pytest.mark.bounds
@given(st.lists(st.floats(0.0, 1e18), min_size=1, max_size=60), PERIODS)
def test_a_window_of_floats_sums_what_is_in_it_and_nothing_that_was(values: list[float], n: int) -> None:
    found = fed(window.WINDOW_SUM, window.start_window_sum, window.window_sum_batch, values, n, "f8")
    assert near(found, twin.window_sum(values, n))


@pytest.mark.jit_off
@pytest.mark.bounds
@given(st.lists(st.floats(-0.1, 0.1), min_size=1, max_size=60), st.integers(2, 12), PERIODS)
def test_moments_and_rank_equal_their_definitions(values: list[float], n: int, among: int) -> None:
    deviations = fed(distribution.MOMENTS, distribution.start_moments, distribution.moments_batch, values, n, "f8")
    # What two equal values leave of their mean is rounding, and is compared with the values themselves.
    assert near(deviations, twin.sample_deviation(values, n), floor=max(map(abs, values)))
    ranks = fed(distribution.RANK, distribution.start_rank, distribution.rank_batch, values, among, "f8")
    assert np.array_equal(ranks, twin.rank(values, among), equal_nan=True)


# ---- price and volume ----------------------------------------------------------------------------------------------
@pytest.mark.jit_off
@given(traded_bars(), PERIODS)
def test_price_and_volume_equal_their_definitions(walk: tuple[list[Bar], list[int]], n: int) -> None:
    walked, volumes = walk
    bars = columns(walked)
    vwma = lines_of("vwma", close=bars["close"], volume=volumes, period=n)["vwma"]
    assert near(vwma, twin.vwma(bars["close"], volumes, n))
    cmf = lines_of("cmf", **bars, volume=volumes, period=n)["cmf"]
    assert near(cmf, twin.cmf(walked, volumes, n), floor=1.0)
    mfi = lines_of("mfi", **bars, volume=volumes, period=n)["mfi"]
    assert near(mfi, twin.mfi(walked, volumes, n))


@pytest.mark.jit_off
def test_the_largest_volumes_and_prices_are_summed_without_an_overflow() -> None:
    prices, volumes = [PRICE_MAX, PRICE_MAX - 2, PRICE_MAX - 1] * 4, [QUANTITY_MAX] * 12
    bars = {"high": prices, "low": prices, "close": prices}
    assert lines_of("mfi", **bars, volume=volumes, period=2)["mfi"][-1] == pytest.approx(50.0)
    assert lines_of("vwma", close=prices, volume=volumes, period=3)["vwma"][-1] == pytest.approx(PRICE_MAX - 1)
    assert lines_of("relative_volume", volume=volumes, period=5)["relative_volume"][-1] == 1.0


@pytest.mark.jit_off
@given(traded_bars(), st.integers(2, 6), st.integers(1, 10))
def test_the_volatility_percentile_is_the_rank_of_the_deviation_of_returns(
    walk: tuple[list[Bar], list[int]], n: int, among: int
) -> None:
    closes = columns(walk[0])["close"]
    lines = lines_of("volatility_percentile", close=closes, period=n, history=among)
    returns = [log(float(now) / float(before)) for before, now in zip(closes, closes[1:], strict=False)]
    volatilities = [math.nan, *twin.sample_deviation(returns, n)]
    assert near(lines["volatility"], volatilities, floor=1e-3)
    known = lines["volatility"][n:].tolist()
    expected = [math.nan] * min(n, len(closes)) + twin.rank(known, among)
    assert np.array_equal(lines["percentile"], expected, equal_nan=True)


# ---- channels and stops --------------------------------------------------------------------------------------------
@pytest.mark.jit_off
@given(traded_bars(), st.integers(1, 8), st.sampled_from([0.5, 1.0, 3.0]))
def test_supertrend_equals_its_definition(walk: tuple[list[Bar], list[int]], n: int, multiple: float) -> None:
    walked = walk[0]
    lines = lines_of("supertrend", **columns(walked), period=n, multiple=multiple)
    expected = twin.supertrend(walked, n, multiple)
    assert near(lines["line"], [line for line, _ in expected])
    assert lines["side"].tolist() == [side for _, side in expected]


@pytest.mark.jit_off
@given(traded_bars(), st.integers(1, 8), st.integers(1, 8))
def test_a_squeeze_is_one_channel_inside_the_other(
    walk: tuple[list[Bar], list[int]], period: int, atr_period: int
) -> None:
    bars = columns(walk[0])
    lines = lines_of("squeeze", **bars, period=period, atr_period=atr_period, deviations=1.0)
    inner = lines_of("bollinger", close=bars["close"], period=period, multiple=1.0)
    outer = lines_of("keltner", **bars, period=period, atr_period=atr_period, multiple=1.5)
    known = ~np.isnan(inner["upper"] + outer["upper"])
    inside = known & (inner["upper"] < outer["upper"]) & (inner["lower"] > outer["lower"])
    assert np.array_equal(lines["on"], np.where(known, inside, np.nan), equal_nan=True)
    lasted = 0
    for t, on in enumerate(inside.tolist()):
        side = np.sign(bars["close"][t] - inner["middle"][t]) if lasted and not on else 0
        lasted = lasted + 1 if on else 0
        assert (lines["bars_on"][t], lines["release"][t]) == (lasted, side)


@pytest.mark.jit_off
@given(traded_bars())
def test_a_parabolic_stop_never_stands_on_the_wrong_side(walk: tuple[list[Bar], list[int]]) -> None:
    bars = columns(walk[0])
    lines = lines_of("parabolic", high=bars["high"], low=bars["low"])
    for t in range(1, len(walk[0])):
        if lines["side"][t] == lines["side"][t - 1]:
            # It was not touched, and lies inside neither this bar nor the one before.
            edge = min(bars["low"][t - 1 : t + 1]) if lines["side"][t] > 0 else max(bars["high"][t - 1 : t + 1])
            assert lines["side"][t] * (edge - lines["line"][t]) >= 0


# ---- sessions ------------------------------------------------------------------------------------------------------
@pytest.mark.jit_off
@given(traded_bars(), st.integers(0, 25))
def test_vwap_equals_its_definition_and_says_nothing_of_half_a_session(
    walk: tuple[list[Bar], list[int]], late: int
) -> None:
    walked, volumes = walk
    begins = [(1_000_000 + late + t) * MINUTE_NS for t in range(len(walked))]
    ends = [begin + MINUTE_NS for begin in begins]
    lines = lines_of(
        "vwap", end_ns=ends, **columns(walked), volume=volumes, bar_ns=MINUTE_NS, session_ns=SESSION_NS, multiple=1.0
    )
    known = twin.vwap(walked, volumes, twin.sessions(begins, SESSION_NS))
    expected = [known.get(t, (math.nan, math.nan)) for t in range(len(walked))]
    assert near(lines["vwap"], [mean for mean, _ in expected])
    assert near(lines["deviation"], [spread for _, spread in expected])
    assert near(lines["upper"], [mean + spread for mean, spread in expected])


@pytest.mark.jit_off
@given(traded_bars(), st.integers(0, 25), st.sampled_from([session.CLASSIC, session.FIBONACCI, session.CAMARILLA]))
def test_pivot_points_are_those_of_the_whole_session_before(
    walk: tuple[list[Bar], list[int]], late: int, method: int
) -> None:
    walked = walk[0]
    begins = [(1_000_000 + late + t) * MINUTE_NS for t in range(len(walked))]
    ends = [begin + MINUTE_NS for begin in begins]
    lines = lines_of(
        "pivot_points", end_ns=ends, **columns(walked), bar_ns=MINUTE_NS, session_ns=SESSION_NS, method=method
    )
    known = twin.day_before(walked, twin.sessions(begins, SESSION_NS))
    expected = {t: (bar.high + bar.low + bar.close) / 3 for t, bar in known.items()}
    assert near(lines["pivot"], [expected.get(t, math.nan) for t in range(len(walked))])
    for t in known:
        assert lines["s1"][t] <= lines["r1"][t] <= lines["r2"][t] <= lines["r3"][t]
        assert lines["r3"][t] + lines["s3"][t] == pytest.approx(
            2 * known[t].close if method == session.CAMARILLA else mirrored(known[t], method)
        )


def mirrored(bar: Bar, method: int) -> float:
    """What the third levels sum to: they lie round the pivot, the classic ones round the middle of high and low."""
    pivot = (bar.high + bar.low + bar.close) / 3
    return bar.high + bar.low + 2 * (2 * pivot - bar.low - bar.high) if method == session.CLASSIC else 2 * pivot
