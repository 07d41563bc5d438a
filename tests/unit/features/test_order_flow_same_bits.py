"""Order flow, profile, bars, microprice: streaming, batch and restored have the same bits, compiled or not."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from quintet.core.market import trade_bars
from quintet.core.records import table
from quintet.features import microprice, order_flow, profile

TRADES = 600


def trades(count: int = TRADES) -> dict[str, np.ndarray]:
    """A walk with bursts and some large trades, from a congruential generator written out; and books around it."""
    seed, ts, price = 20_260_501, 1_767_225_600_000_000_000, 30_000
    columns: dict[str, list[int]] = {name: [] for name in ("ts", "side", "price", "lots", "bid", "ask", "b", "a")}
    for i in range(count):
        draws = []
        for _ in range(5):
            seed = (seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
            draws.append(seed >> 40)
        ts += (draws[0] % 5) * (draws[1] % 900_000_000)
        price += draws[2] % 9 - 4 + (700 if i == 400 else 0)
        values = (ts, 1 - 2 * (draws[3] % 2), price, 1 + draws[4] % 50 * (1 + draws[0] % 40))
        values += (price - 1 - draws[1] % 3, price, 1 + draws[2] % 30, 1 + draws[3] % 30)
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    return {name: np.array(column, "i8") for name, column in columns.items()}


class Feature(NamedTuple):
    dtype: np.dtype
    start: Callable
    update: Callable
    batch: Callable
    columns: tuple[str, ...]
    out: np.dtype


I8, F8 = np.dtype("i8"), np.dtype("f8")
FEATURES = {
    "cvd": Feature(
        order_flow.CVD, order_flow.start_cvd, order_flow.cvd_update, order_flow.cvd_batch, ("side", "lots"), I8
    ),
    "delta": Feature(
        order_flow.DELTA,
        lambda state: order_flow.start_delta(state, 1_000_000_000, 20),
        order_flow.delta_update,
        order_flow.delta_batch,
        ("ts", "side", "lots"),
        I8,
    ),
    "footprint": Feature(
        order_flow.FOOTPRINT,
        order_flow.start_footprint,
        order_flow.footprint_update,
        order_flow.footprint_batch,
        ("side", "price", "lots"),
        I8,
    ),
    "large": Feature(
        order_flow.LARGE,
        lambda state: order_flow.start_large(state, 30_000_000, 1),
        order_flow.large_update,
        order_flow.large_batch,
        ("ts", "side", "price", "lots"),
        I8,
    ),
    "profile": Feature(
        profile.PROFILE,
        profile.start_profile,
        lambda state, price, lots: levels_after(state, price, lots),
        profile.profile_batch,
        ("price", "lots"),
        profile.PROFILE_ROW,
    ),
    "microprice": Feature(
        microprice.MICROPRICE,
        microprice.start_microprice,
        microprice.microprice_update,
        microprice.microprice_batch,
        ("bid", "ask", "b", "a"),
        F8,
    ),
}

GOLDEN = {
    "cvd": "e1ded2d16b09991a",
    "delta": "8f37bc59c7ebf21f",
    "footprint": "b235bf0679c253b9",
    "large": "651f286b6f10eeca",
    "profile": "f4b06b68213c5f65",
    "microprice": "e484600aee2cbe29",
}


def levels_after(state: np.record, price: int, lots: int) -> tuple[int, int, int]:
    poc = profile.profile_update(state, price, lots)
    profile.profile_area(state)
    return poc, int(state.area_high), int(state.area_low)


def fed(feature: Feature) -> list[np.ndarray]:
    columns = trades()
    return [columns[name] for name in feature.columns]


def started(feature: Feature) -> np.recarray:
    states = table(feature.dtype, 1)
    feature.start(states[0])
    return states


def stream(feature: Feature, states: np.recarray, columns: list[np.ndarray]) -> bytes:
    """One update a trade with plain Python numbers, as a live desk calls it."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return np.array([feature.update(states[0], *row) for row in rows], feature.out).tobytes()


def in_one_batch(feature: Feature, states: np.recarray, columns: list[np.ndarray]) -> bytes:
    values = np.zeros(len(columns[0]), feature.out)
    feature.batch(states[0], *columns, values.view(np.recarray) if feature.out.names else values)
    return values.tobytes()


def restored(states: np.recarray) -> np.recarray:
    """What a snapshot does: the bytes go to disk and come back."""
    again = table(states.dtype, 1)
    again[:] = np.frombuffer(states.tobytes(), states.dtype)
    return again


@pytest.mark.jit_off
@pytest.mark.bounds
@pytest.mark.parametrize("name", FEATURES)
def test_streaming_equals_batch_in_values_and_in_what_is_remembered(name):
    feature = FEATURES[name]
    one_by_one, at_once = started(feature), started(feature)
    columns = fed(feature)
    assert stream(feature, one_by_one, columns) == in_one_batch(feature, at_once, columns)
    assert one_by_one.tobytes() == at_once.tobytes()


@pytest.mark.parametrize("cut", [0, 1, 7, 399, 400, 401])
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


# ---- bars from trades ----------------------------------------------------------------------------------------------

BARS = {
    "time": (trade_bars.BY_TIME, 1_000_000_000),
    "count": (trade_bars.BY_COUNT, 7),
    "volume": (trade_bars.BY_VOLUME, 2_000),
    "notional": (trade_bars.BY_NOTIONAL, 50_000_000),
}
GOLDEN_BARS = {
    "time": "ce0ef0c7af909672",
    "count": "3ad448d720f56655",
    "volume": "2aaa6595288c31f7",
    "notional": "cd8ef1fe962e8d59",
}


def bars_started(rule: str) -> np.recarray:
    states = table(trade_bars.TRADE_BARS, 1)
    trade_bars.start_trade_bars(states[0], *BARS[rule])
    return states


def bars_streamed(states: np.recarray, columns: list[np.ndarray]) -> bytes:
    rows = zip(*(column.tolist() for column in columns), strict=True)
    done = [states[0].done.tobytes() for row in rows if trade_bars.trade_bars_update(states[0], *row)]
    return b"".join(done)


def bars_at_once(states: np.recarray, columns: list[np.ndarray]) -> bytes:
    found = table(trade_bars.TRADE_BAR, len(columns[0]))
    return found[: trade_bars.trade_bars_batch(states[0], *columns, found)].tobytes()


@pytest.mark.jit_off
@pytest.mark.parametrize("rule", BARS)
def test_bars_are_the_same_streamed_at_once_restored_and_on_every_machine(rule):
    columns = [trades()[name] for name in ("ts", "price", "lots", "side")]
    one_by_one, at_once, part = bars_started(rule), bars_started(rule), bars_started(rule)
    expected = bars_at_once(at_once, columns)
    assert bars_streamed(one_by_one, columns) == expected
    assert one_by_one.tobytes() == at_once.tobytes()
    before = bars_streamed(part, [column[:123] for column in columns])
    resumed = restored(part)
    assert before + bars_streamed(resumed, [column[123:] for column in columns]) == expected
    assert resumed.tobytes() == at_once.tobytes()
    assert hashlib.sha256(expected + at_once.tobytes()).hexdigest()[:16] == GOLDEN_BARS[rule]


@pytest.mark.jit_off
def test_a_solved_microprice_has_the_same_bits_on_every_machine():
    feature = FEATURES["microprice"]
    states = started(feature)
    in_one_batch(feature, states, fed(feature))
    microprice.microprice_solve(states[0])
    assert hashlib.sha256(states[0].adjustment.tobytes()).hexdigest()[:16] == "363b3bd94278f7a8"
