"""Every indicator of the catalogue: three ways to use it with one result, and what the catalogue says of it."""

import hashlib
import inspect
import math
import re
import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quintet.core.errors import ConfigError, DataError
from quintet.features.catalogue import INDICATORS, lines_of, started, whole_column
from quintet.features.streaming import stream_of
from tests.candle_walk import BAR_NS, DAY_NS, Columns, walk

BARS = 400

PARAMETERS: dict[str, dict[str, int]] = {
    "volatility_percentile": {"period": 20, "history": 60},
    "vwap": {"bar_ns": BAR_NS},
    "pivot_points": {"bar_ns": BAR_NS, "session_ns": DAY_NS // 4},
}
"""Where the defaults do not do: windows that 400 bars fill, the length of a bar. Elsewhere a period is 14."""

GOLDEN = {
    "sma": "6d5d6505e67b3d34",
    "ema": "861c7e0883102bf8",
    "mean_ema": "0b36d73a6bfef960",
    "wma": "ee0109e502d17916",
    "hull": "771c028abd1c92ec",
    "vwma": "ca415f58071ee84a",
    "macd": "8b7a115ff686c4d9",
    "atr": "4ff34a4a6d090fc2",
    "atr_ema": "9e84753e6bac4b3b",
    "adx": "3af55e1c5e2c1b36",
    "adx_ema": "77337c9b43eb5065",
    "direction": "1fbacddb70590f99",
    "supertrend": "fc9471f9d84a53bf",
    "parabolic": "916516e8b5f86073",
    "rsi": "1c34ef34124224b5",
    "roc": "2169a654c9fea042",
    "williams_r": "3e99805ec152760d",
    "mfi": "4e8d324b4cfffcd8",
    "cmf": "432ca3fa3fa17053",
    "relative_volume": "9ae698080503f952",
    "bollinger": "46955e3134bc9e9a",
    "keltner": "42c8ad7998bc772e",
    "donchian": "912a4c34b4aac6c3",
    "squeeze": "091a7b21040b5c5b",
    "volatility_percentile": "bb0881f5fb22e592",
    "vwap": "1673acb244160f2d",
    "pivot_points": "253da52e0458dc86",
}


def parameters_of(name: str) -> dict[str, int]:
    missing = [key for key, default in INDICATORS[name].parameters.items() if default is inspect.Parameter.empty]
    return {**dict.fromkeys(missing, 14), **PARAMETERS.get(name, {})}


@pytest.fixture(scope="module")
def columns() -> Columns:
    return walk(BARS)


def stream(name: str, states: np.recarray, bars: list[tuple[int, ...]]) -> bytes:
    """One update per bar with plain Python numbers, as a live desk calls it; all lines after every bar."""
    indicator, rows = INDICATORS[name], []
    for bar in bars:
        first = indicator.update(states[0], *bar)
        rows.append([first, *(states[0][line] for line in indicator.lines[1:])])
    return np.array(rows, "f8").T.tobytes() if rows else b""


def inputs(name: str, columns: Columns) -> list[np.ndarray]:
    return [columns[what] for what in INDICATORS[name].inputs]


def bars_of(name: str, columns: Columns) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in inputs(name, columns)), strict=True))


def in_one_batch(name: str, columns: Columns) -> tuple[bytes, np.recarray]:
    states = started(name, parameters_of(name))
    drawn = np.empty((len(INDICATORS[name].lines), BARS))
    INDICATORS[name].batch(states[0], *inputs(name, columns), *drawn)
    return drawn.tobytes(), states


def restored(states: np.recarray) -> np.recarray:
    """What a snapshot does: the bytes go to disk and come back."""
    again = np.zeros(1, states.dtype).view(np.recarray)
    again[:] = np.frombuffer(states.tobytes(), states.dtype)
    return again


@pytest.mark.jit_off
@pytest.mark.parametrize("name", INDICATORS)
def test_streaming_equals_batch_in_values_and_in_what_is_remembered(name, columns):
    values, at_once = in_one_batch(name, columns)
    one_by_one = started(name, parameters_of(name))
    assert stream(name, one_by_one, bars_of(name, columns)) == values
    assert one_by_one.tobytes() == at_once.tobytes()


@pytest.mark.jit_off
@pytest.mark.parametrize("name", INDICATORS)
def test_a_restored_indicator_goes_on_as_if_nothing_had_been(name, columns):
    values, whole = in_one_batch(name, columns)
    states, bars, pieces = started(name, parameters_of(name)), bars_of(name, columns), []
    # Before the first bar, within every warm-up, at the ends of blocks and days, and where nothing happens.
    for begin, end in pairwise((0, 0, 1, 13, 14, 15, 27, 28, 72, 73, 290, BARS)):
        states = restored(states)
        piece = np.frombuffer(stream(name, states, bars[begin:end]), "f8")
        pieces.append(piece.reshape(len(INDICATORS[name].lines), end - begin))
    assert np.concatenate(pieces, axis=1).tobytes() == values
    assert states.tobytes() == whole.tobytes()


@pytest.mark.jit_off
@pytest.mark.bounds
@pytest.mark.parametrize("name", INDICATORS)
def test_the_bits_are_those_of_every_machine_compiled_or_not(name, columns):
    values, states = in_one_batch(name, columns)
    assert hashlib.sha256(values + states.tobytes()).hexdigest()[:16] == GOLDEN[name]


@pytest.mark.parametrize("name", INDICATORS)
def test_what_comes_later_changes_nothing_before_it(name, columns):
    past = {what: column[:300] for what, column in columns.items()}
    other = {what: np.concatenate([column[:300], column[:299:-1]]) for what, column in columns.items()}
    other["end_ns"] = columns["end_ns"]
    for future in (columns, other):
        long = lines_of(name, **given(name, future), **parameters_of(name))
        short = lines_of(name, **given(name, past), **parameters_of(name))
        assert {line: drawn[:300].tobytes() for line, drawn in long.items()} == {
            line: drawn.tobytes() for line, drawn in short.items()
        }


def given(name: str, columns: Columns) -> dict[str, Any]:
    return {what: columns[what] for what in INDICATORS[name].inputs}


@pytest.mark.parametrize("name", ["relative_volume", "donchian", "supertrend", "mfi", "vwap"])
def test_a_stream_says_what_the_column_says(name, columns):
    parameters = parameters_of(name)
    fed = stream_of(name, **parameters)
    seen = [fed.update(*bar) for bar in bars_of(name, columns)]
    lines = lines_of(name, **given(name, columns), **parameters)
    assert np.array(seen, "f8").tobytes() == lines[INDICATORS[name].lines[0]].tobytes()
    for line in INDICATORS[name].lines[1:]:
        assert fed.states[0][line] == lines[line][-1]


@pytest.mark.parametrize("bar", [(100.7,), ("100",), (None,), (), (100, 101)])
def test_a_stream_refuses_what_is_not_a_bar_of_whole_numbers(bar):
    rsi = stream_of("rsi")
    with pytest.raises(DataError, match=r"rsi: expected whole numbers \(close\), found \("):
        rsi.update(*bar)
    assert math.isnan(rsi.update(np.int64(100)))


def test_the_examples_of_the_page_run_one_after_the_other():
    page = (Path(__file__).resolve().parents[3] / "docs" / "indicators.md").read_text(encoding="utf-8")
    # The third holds a kernel, which the compiler wants to see in a file.
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 3
    names: dict[str, Any] = {}
    exec("\n".join(examples[:2]), names)
    assert names["value"] == lines_of("rsi", close=names["closes"], period=3)["rsi"][-1]


def test_the_example_of_a_system_runs(tmp_path):
    page = (Path(__file__).resolve().parents[3] / "docs" / "indicators.md").read_text(encoding="utf-8")
    file = tmp_path / "example.py"
    file.write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[2], encoding="utf-8")
    names = runpy.run_path(str(file))
    assert names["states"][0].bars == 1


# ---- what the catalogue says ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", INDICATORS)
def test_the_first_bar_with_a_value_is_the_one_the_catalogue_names(name, columns):
    indicator, parameters = INDICATORS[name], parameters_of(name)
    known = {key: default for key, default in indicator.parameters.items() if default is not inspect.Parameter.empty}
    first_bar = eval(indicator.first_bar, {"isqrt": math.isqrt, "max": max}, {**known, **parameters})
    first_line = lines_of(name, **given(name, columns), **parameters)[indicator.lines[0]]
    assert int(np.argmax(~np.isnan(first_line))) == first_bar
    assert not np.isnan(first_line[first_bar])


def test_a_name_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(ConfigError, match=r"indicator: found 'rsj', expected one of sma, ema, .*pivot_points"):
        lines_of("rsj", close=[1, 2, 3])


def test_a_parameter_that_does_not_exist_or_is_missing_is_refused():
    with pytest.raises(ConfigError, match="rsi: found length, expected among close, period"):
        lines_of("rsi", close=[1, 2, 3], length=14)
    with pytest.raises(ConfigError, match="sma: expected a value for period"):
        lines_of("sma", close=[1, 2, 3])


def test_columns_that_are_missing_or_of_another_length_are_refused():
    with pytest.raises(DataError, match="donchian: expected the columns high, low, found no low"):
        lines_of("donchian", high=[1, 2])
    with pytest.raises(DataError, match="donchian: expected columns of one length, found 2 of high, 1 of low"):
        lines_of("donchian", high=[1, 2], low=[1])


@pytest.mark.parametrize(
    ("values", "row", "seen"),
    [([100.0, 100.5], 1, "100.5"), ([100.0, math.nan], 1, "nan"), ([0, 5], 0, "0"), ([1, 2**31], 1, "2147483648")],
)
def test_a_price_that_is_not_a_whole_number_of_ticks_is_refused_with_its_row(values, row, seen):
    with pytest.raises(
        DataError, match=rf"close, row {row}: expected a whole number from 1 to 2147483647, found {seen}"
    ):
        whole_column("close", values)


def test_whole_floats_are_taken_as_ticks_and_text_is_not():
    assert whole_column("close", [100.0, 101.0]).tolist() == [100, 101]
    with pytest.raises(DataError, match="close: expected one column of numbers"):
        whole_column("close", ["100"])
    with pytest.raises(DataError, match="close: expected one column of numbers, found 2 dimensions"):
        whole_column("close", [[100]])


def test_an_empty_column_draws_an_empty_line():
    assert lines_of("rsi", close=np.zeros(0, "i8"))["rsi"].tolist() == []
