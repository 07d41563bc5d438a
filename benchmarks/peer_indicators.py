"""The lines of a peer's indicators, computed by that peer's own Python from bars in whole ticks, into an .npz file.

In whole ticks for the reason that `peer_entries.py` gives: in tenths, equal moves differ in their last bit.

python peer_indicators.py talib|talipp|nautilus BARS.npy ROWS LINES.npz
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

peer, bars_file, rows, out = sys.argv[1:5]
bars = np.load(bars_file)[: int(rows)]
open_, high, low, close = (np.round(bars[name] * 10) for name in ("open", "high", "low", "close"))
volume = np.round(bars["volume"] * 1000)


def talib_lines() -> dict[str, Any]:
    import talib

    return {
        "sma": talib.SMA(close, 50),
        "ema": talib.EMA(close, 20),
        "atr": talib.ATR(high, low, close, 14),
        "adx": talib.ADX(high, low, close, 14),
        "rsi": talib.RSI(close, 14),
        "mfi": talib.MFI(high, low, close, volume, 14),
        "bollinger": talib.BBANDS(close, 20, 2.0, 2.0)[1],
        "parabolic": talib.SAR(high, low, 0.02, 0.2),
    }


def talipp_lines() -> dict[str, Any]:
    from talipp.indicators import ADX, ATR, BB, EMA, RSI, SMA, VWAP, KeltnerChannels, SuperTrend
    from talipp.ohlcv import OHLCV

    whole = [OHLCV(*bar) for bar in zip(*(c.tolist() for c in (open_, high, low, close, volume)), strict=True)]
    closes = close.tolist()

    def drawn(indicator: Any, fed: Iterable[Any], of: Callable[[Any], Any] = lambda value: value) -> list[float]:
        for value in fed:
            indicator.add(value)
        values = [None if value is None else of(value) for value in indicator]
        return [np.nan if value is None else float(value) for value in values]

    return {
        "sma": drawn(SMA(50), closes),
        "ema": drawn(EMA(20), closes),
        "atr": drawn(ATR(14), whole),
        "adx": drawn(ADX(14, 14), whole, lambda value: value.adx),
        "rsi": drawn(RSI(14), closes),
        "bollinger": drawn(BB(20, 2.0), closes, lambda value: value.ub),
        "keltner": drawn(KeltnerChannels(20, 10, 2, 2), whole, lambda value: value.ub),
        "supertrend": drawn(SuperTrend(10, 3), whole, lambda value: value.value),
        "vwap": drawn(VWAP(), whole),
    }


def nautilus_lines() -> dict[str, Any]:
    from nautilus_trader.indicators import (
        AverageTrueRange,
        BollingerBands,
        DirectionalMovement,
        ExponentialMovingAverage,
        MovingAverageType,
        RelativeStrengthIndex,
        SimpleMovingAverage,
    )

    wilder = MovingAverageType.WILDER

    def drawn(indicator: Any, line: str, *columns: Any) -> list[float]:
        values = []
        for bar in zip(*(column.tolist() for column in columns), strict=True):
            indicator.update_raw(*bar)
            values.append(getattr(indicator, line))
        return values

    return {
        "sma": drawn(SimpleMovingAverage(50), "value", close),
        "ema": drawn(ExponentialMovingAverage(20), "value", close),
        "atr": drawn(AverageTrueRange(14, wilder), "value", high, low, close),
        # The smoothed movement itself, in ticks: not yet divided by the true range.
        "movement": drawn(DirectionalMovement(14, wilder), "pos", high, low),
        "rsi": np.array(drawn(RelativeStrengthIndex(14, wilder), "value", close)) * 100.0,
        # Of typical prices.
        "bollinger": drawn(BollingerBands(20, 2.0), "upper", high, low, close),
    }


LINES = {"talib": talib_lines, "talipp": talipp_lines, "nautilus": nautilus_lines}

np.savez(out, **{name: np.asarray(line, np.float64) for name, line in LINES[peer]().items()})
print("{}")
