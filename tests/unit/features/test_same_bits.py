"""One code, three ways to use it: streaming, batch, restored from a copy of the bytes. The bits are the same."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from quintet.core.records import table
from quintet.features import structure, trend, volatility, window

BARS = 600


def candles(bars: int = BARS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A walk in ticks with moods, from a congruential generator written out: high, low, close."""
    seed, close = 20_240_501, 300_000
    rows = []
    for i in range(bars):
        draws = []
        for _ in range(3):
            seed = (seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
            draws.append(seed >> 40)
        width = 200 + 150 * ((i // 97) % 5)
        before, close = close, close + draws[0] % (2 * width + 1) - width
        rows.append((max(before, close) + draws[1] % 90, min(before, close) - draws[2] % 90, close))
    return tuple(np.array(column, "i8") for column in zip(*rows, strict=True))


class Feature(NamedTuple):
    dtype: np.dtype
    start: Callable
    update: Callable
    batch: Callable
    columns: str
    out: str


def start_default_structure(state: np.record, _: int) -> None:
    structure.start_structure(state)


FEATURES = {
    "sma": Feature(window.SMA, window.start_sma, window.sma_update, window.sma_batch, "c", "f8"),
    "ema": Feature(window.EMA, window.start_ema, window.ema_update, window.ema_batch, "c", "f8"),
    "wilder": Feature(window.WILDER, window.start_wilder, window.wilder_update, window.wilder_batch, "c", "f8"),
    "atr": Feature(volatility.ATR, volatility.start_atr, volatility.atr_update, volatility.atr_batch, "hlc", "f8"),
    "atr_ema": Feature(
        volatility.ATR_EMA,
        volatility.start_atr_ema,
        volatility.atr_ema_update,
        volatility.atr_ema_batch,
        "hlc",
        "f8",
    ),
    "adx": Feature(trend.ADX, trend.start_adx, trend.adx_update, trend.adx_batch, "hl", "f8"),
    "adx_ema": Feature(trend.ADX_EMA, trend.start_adx_ema, trend.adx_ema_update, trend.adx_ema_batch, "hl", "f8"),
    "structure": Feature(
        structure.STRUCTURE,
        start_default_structure,
        structure.structure_update,
        structure.structure_batch,
        "hlca",
        "i8",
    ),
}

GOLDEN = {
    "sma": "44c60f8ec8c137a2",
    "ema": "44f663f36063c751",
    "wilder": "4b3e6d51dce04afa",
    "atr": "0f9b38254209b18c",
    "atr_ema": "81f434fccf40f8c8",
    "adx": "60ca4d4d08cddfa9",
    "adx_ema": "b89314ab7d27eeb5",
    "structure": "fe5285aeb9ac6d45",
}


def fed(feature: Feature) -> list[np.ndarray]:
    high, low, close = candles()
    atrs = np.empty(BARS)
    state = table(volatility.ATR, 1)[0]
    volatility.start_atr(state, 14)
    volatility.atr_batch(state, high, low, close, atrs)
    columns = {"h": high, "l": low, "c": close, "a": atrs}
    return [columns[name] for name in feature.columns]


def started(feature: Feature) -> np.recarray:
    states = table(feature.dtype, 1)
    feature.start(states[0], 14)
    return states


def stream(feature: Feature, states: np.recarray, columns: list[np.ndarray]) -> bytes:
    """One update per bar with plain Python numbers, as a live desk calls it."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return np.array([feature.update(states[0], *row) for row in rows], feature.out).tobytes()


def in_one_batch(feature: Feature, states: np.recarray, columns: list[np.ndarray]) -> bytes:
    if feature.dtype is structure.STRUCTURE:
        rows = table(structure.STRUCTURE_ROW, BARS)
        feature.batch(states[0], *columns, rows)
        return rows.event.tobytes()
    values = np.empty(BARS)
    feature.batch(states[0], *columns, values)
    return values.tobytes()


def restored(states: np.recarray) -> np.recarray:
    """What a snapshot does: the bytes go to disk and come back."""
    again = table(states.dtype, 1)
    again[:] = np.frombuffer(states.tobytes(), states.dtype)
    return again


@pytest.mark.jit_off
@pytest.mark.parametrize("name", FEATURES)
def test_streaming_equals_batch_in_values_and_in_what_is_remembered(name):
    feature = FEATURES[name]
    one_by_one, at_once = started(feature), started(feature)
    columns = fed(feature)
    assert stream(feature, one_by_one, columns) == in_one_batch(feature, at_once, columns)
    assert one_by_one.tobytes() == at_once.tobytes()


@pytest.mark.jit_off
@pytest.mark.parametrize("cut", [0, 1, 7, 13, 14, 15, 200])
@pytest.mark.parametrize("name", FEATURES)
def test_a_restored_feature_goes_on_as_if_nothing_had_been(name, cut):
    feature = FEATURES[name]
    columns = fed(feature)
    whole = started(feature)
    values = stream(feature, whole, columns)
    part = started(feature)
    before = stream(feature, part, [column[:cut] for column in columns])
    resumed = restored(part)
    after = stream(feature, resumed, [column[cut:] for column in columns])
    assert before + after == values
    assert resumed.tobytes() == whole.tobytes()


@pytest.mark.jit_off
@pytest.mark.parametrize("name", FEATURES)
def test_the_bits_are_those_of_every_machine_compiled_or_not(name):
    feature = FEATURES[name]
    states = started(feature)
    values = in_one_batch(feature, states, fed(feature))
    assert hashlib.sha256(values + states.tobytes()).hexdigest()[:16] == GOLDEN[name]
