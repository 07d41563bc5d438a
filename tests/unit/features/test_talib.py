"""Equal to TA-Lib wherever it has the indicator: on generated bars and on recorded ones.

What TA-Lib seeds otherwise is compared when its seed is forgotten: after 100 periods Wilder's slowest memory has kept
less than e^-100 of it. Everything else is compared from the first bar on, including where it begins.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

talib = pytest.importorskip("talib")

from quintet.features.catalogue import INDICATORS, lines_of  # noqa: E402  skipped where the library to compare with is absent
from tests.candle_walk import BAR_NS, Columns, walk  # noqa: E402

TOLERANCE = 1e-9

FORGOTTEN = 1_500
"""Bars after which no seed is left of the periods below."""


class Case(NamedTuple):
    name: str
    parameters: dict[str, float]
    theirs: Callable[..., tuple[np.ndarray, ...]]
    """Of high, low, close, volume as floats; the lines in the order of the catalogue, as far as TA-Lib has them."""
    compared_from: int = 0
    floor: float = 0.0
    """Values nearer to zero than this are compared as if they were as large: what is left where two numbers cancel."""


def hull(close: np.ndarray) -> np.ndarray:
    raw = 2.0 * talib.WMA(close, 10) - talib.WMA(close, 21)
    return np.concatenate([np.full(20, np.nan), talib.WMA(raw[20:], 4)])


def volatility(close: np.ndarray, n: int) -> np.ndarray:
    returns = np.diff(np.log(close))
    # TA-Lib divides by n, and finds a variance by subtracting squares: returns are made larger than its threshold.
    return np.concatenate([[np.nan], talib.STDDEV(returns * 1e6, n) / 1e6 * np.sqrt(n / (n - 1))])


def keltner(high: np.ndarray, low: np.ndarray, close: np.ndarray) -> tuple[np.ndarray, ...]:
    reach = 2.0 * talib.ATR(high, low, close, 10)
    middle = talib.EMA(close, 20)
    return middle, middle + reach, middle - reach


def donchian(high: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, ...]:
    top, bottom = talib.MAX(high, 20), talib.MIN(low, 20)
    return (top + bottom) / 2.0, top, bottom


def relative_volume(volume: np.ndarray) -> np.ndarray:
    return np.concatenate([np.full(1, np.nan), volume[1:] / talib.SMA(volume, 20)[:-1]])


def bollinger(close: np.ndarray) -> tuple[np.ndarray, ...]:
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    return middle, upper, lower


CASES = {
    "sma": Case("sma", {"period": 50}, lambda h, low, c, v: (talib.SMA(c, 50),)),
    "ema": Case("ema", {"period": 20}, lambda h, low, c, v: (talib.EMA(c, 20),), FORGOTTEN),
    "mean_ema": Case("mean_ema", {"period": 20}, lambda h, low, c, v: (talib.EMA(c, 20),)),
    "wma": Case("wma", {"period": 21}, lambda h, low, c, v: (talib.WMA(c, 21),)),
    "hull": Case("hull", {"period": 21}, lambda h, low, c, v: (hull(c),)),
    "vwma": Case("vwma", {"period": 20}, lambda h, low, c, v: (talib.SUM(c * v, 20) / talib.SUM(v, 20),)),
    "macd": Case("macd", {}, lambda h, low, c, v: talib.MACD(c, 12, 26, 9), floor=1.0),
    "atr": Case("atr", {"period": 14}, lambda h, low, c, v: (talib.ATR(h, low, c, 14),)),
    "atr_ema": Case("atr_ema", {"period": 14}, lambda h, low, c, v: (talib.ATR(h, low, c, 14),), FORGOTTEN),
    "adx": Case("adx", {"period": 14}, lambda h, low, c, v: (talib.ADX(h, low, c, 14),), FORGOTTEN),
    "adx_ema": Case("adx_ema", {"period": 14}, lambda h, low, c, v: (talib.ADX(h, low, c, 14),), FORGOTTEN),
    "direction": Case(
        "direction",
        {},
        lambda h, low, c, v: (talib.PLUS_DI(h, low, c, 14), talib.MINUS_DI(h, low, c, 14)),
        FORGOTTEN,
    ),
    "parabolic": Case("parabolic", {}, lambda h, low, c, v: (talib.SAR(h, low, 0.02, 0.2),)),
    "rsi": Case("rsi", {}, lambda h, low, c, v: (talib.RSI(c, 14),)),
    "roc": Case("roc", {"period": 9}, lambda h, low, c, v: (talib.ROCP(c, 9),)),
    "williams_r": Case("williams_r", {}, lambda h, low, c, v: (talib.WILLR(h, low, c, 14),)),
    "mfi": Case("mfi", {}, lambda h, low, c, v: (talib.MFI(h, low, c, v, 14),), floor=1.0),
    "relative_volume": Case("relative_volume", {}, lambda h, low, c, v: (relative_volume(v),)),
    "bollinger": Case("bollinger", {}, lambda h, low, c, v: bollinger(c)),
    "keltner": Case("keltner", {}, lambda h, low, c, v: keltner(h, low, c)),
    "donchian": Case("donchian", {}, lambda h, low, c, v: donchian(h, low)),
    "volatility_percentile": Case(
        "volatility_percentile", {"history": 1}, lambda h, low, c, v: (None, volatility(c, 96))
    ),
}


def differences(case: Case, columns: Columns) -> list[str]:
    """A line for each of the indicator's that is not TA-Lib's, with the first bar at which it is not."""
    inputs = {name: columns[name] for name in INDICATORS[case.name].inputs}
    ours = lines_of(case.name, **inputs, **case.parameters)
    theirs = case.theirs(*(columns[name].astype("f8") for name in ("high", "low", "close", "volume")))
    found = []
    for (line, mine), other in zip(ours.items(), theirs, strict=False):
        if other is None:
            continue
        mine, other = mine[case.compared_from :], other[case.compared_from :]
        near = np.abs(mine - other) <= TOLERANCE * np.maximum(np.maximum(np.abs(mine), np.abs(other)), case.floor)
        wrong = ~(near | (np.isnan(mine) & np.isnan(other)))
        if wrong.any():
            bar = int(np.argmax(wrong))
            found.append(
                f"{line}: {wrong.sum()} bars, first {bar + case.compared_from}: {mine[bar]} against {other[bar]}"
            )
    return found


@pytest.mark.parametrize("name", CASES)
def test_equal_to_talib_on_generated_bars(name):
    assert differences(CASES[name], walk(6_000)) == []


def test_a_market_without_movement_is_neutral_here_and_at_the_end_of_the_scale_there():
    flat = np.full(40, 1_000.0)
    bars = {"high": flat, "low": flat, "close": flat}
    assert (talib.RSI(flat, 14)[-1], lines_of("rsi", close=flat)["rsi"][-1]) == (0.0, 50.0)
    assert (talib.MFI(flat, flat, flat, flat, 14)[-1], lines_of("mfi", **bars, volume=flat)["mfi"][-1]) == (0.0, 50.0)
    assert (talib.WILLR(flat, flat, flat, 14)[-1], lines_of("williams_r", **bars)["williams_r"][-1]) == (0.0, -50.0)


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> Callable[[str], Columns]:
    """Ten months of five-minute candles of a market, in ticks and lots of a thousandth."""

    def of(symbol: str) -> Columns:
        frame = pl.read_parquet(shared_data / "ohlcv" / f"bybit_linear_{symbol}_5m_20250924_20260721.parquet")
        scale = {"high": TICKS_PER_UNIT[symbol], "low": TICKS_PER_UNIT[symbol], "close": TICKS_PER_UNIT[symbol]}
        scale["volume"] = 1_000
        columns = {name: (frame[name].to_numpy() * by).round().astype("i8") for name, by in scale.items()}
        return {"end_ns": BAR_NS * np.arange(1, len(frame) + 1), **columns}

    return of


TICKS_PER_UNIT = {"ETHUSDT": 100, "SOLUSDT": 1000, "BTCUSDT": 10}


@pytest.mark.parametrize("symbol", TICKS_PER_UNIT)
def test_equal_to_talib_on_recorded_candles(recorded, symbol):
    columns = recorded(symbol)
    found = {name: differences(case, columns) for name, case in CASES.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}
