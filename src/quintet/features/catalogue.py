"""Every indicator by name: what it is fed, which lines it draws, and one call that draws them from whole columns.

    lines_of("rsi", close=closes, period=14)["rsi"]

A column holds whole numbers: prices in ticks, volumes in lots, times in nanoseconds. The lines are floats, NaN where
they do not exist yet, and have the same bits as the updates that a system makes bar by bar.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quintet.core.errors import ConfigError, DataError
from quintet.core.events import PRICE_MAX, QUANTITY_MAX
from quintet.core.records import table
from quintet.core.row_laws import TIME_MAX
from quintet.features import bands, momentum, session, trailing, trend, volatility, volume, window

PRICE: Final = "ticks"
INDEX: Final = "0 to 100"

_RANGE: Final = {
    "end_ns": (1, TIME_MAX),
    "high": (1, PRICE_MAX),
    "low": (1, PRICE_MAX),
    "close": (1, PRICE_MAX),
    "volume": (0, QUANTITY_MAX),
}
"""The columns there are, and the whole numbers each may hold."""


class Indicator(NamedTuple):
    """What the catalogue knows of one indicator."""

    name: str
    """The field's name of it."""
    state: np.dtype[Any]
    start: Callable[..., None]
    update: Callable[..., float]
    batch: Callable[..., None]
    inputs: tuple[str, ...]
    """Columns in the order in which `update` takes a bar's values."""
    lines: tuple[str, ...]
    """What it draws: the first is what `update` returns, the others stand in the record under these names."""
    unit: str
    first_bar: str
    """The first bar with a value, counted from 0, as a formula over the parameters."""
    convention: str
    """Seed, divisor, what a market without movement gives."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Names of the parameters of `start` with their defaults; `inspect.Parameter.empty` where there is none."""
        asked = list(inspect.signature(self.start).parameters.values())[1:]
        return {parameter.name: parameter.default for parameter in asked}


INDICATORS: Final[Mapping[str, Indicator]] = {
    "sma": Indicator(
        "Simple moving average",
        window.SMA,
        window.start_sma,
        window.sma_update,
        window.sma_batch,
        ("close",),
        ("sma",),
        PRICE,
        "period - 1",
        "Exact: the sum is an integer.",
    ),
    "ema": Indicator(
        "Exponential moving average",
        window.EMA,
        window.start_ema,
        window.ema_update,
        window.ema_batch,
        ("close",),
        ("ema",),
        PRICE,
        "0",
        "Weight 2 / (period + 1); the first close is the seed.",
    ),
    "mean_ema": Indicator(
        "Exponential moving average, seeded by a mean",
        window.MEAN_EMA,
        window.start_mean_ema,
        window.mean_ema_update,
        window.mean_ema_batch,
        ("close",),
        ("mean_ema",),
        PRICE,
        "period - 1",
        "Weight 2 / (period + 1); the mean of the first closes is the seed, as in TA-Lib.",
    ),
    "wma": Indicator(
        "Weighted moving average",
        window.WMA,
        window.start_wma,
        window.wma_update,
        window.wma_batch,
        ("close",),
        ("wma",),
        PRICE,
        "period - 1",
        "Weights 1 to n, the newest the heaviest; exact sums.",
    ),
    "hull": Indicator(
        "Hull moving average",
        trend.HULL,
        trend.start_hull,
        trend.hull_update,
        trend.hull_batch,
        ("close",),
        ("hull",),
        PRICE,
        "period + isqrt(period) - 2",
        "WMA over sqrt(n) of 2 WMA(n/2) - WMA(n); both cut to whole numbers.",
    ),
    "vwma": Indicator(
        "Volume-weighted moving average",
        volume.VWMA,
        volume.start_vwma,
        volume.vwma_update,
        volume.vwma_batch,
        ("close", "volume"),
        ("vwma",),
        PRICE,
        "period - 1",
        "The plain mean where nothing was traded.",
    ),
    "macd": Indicator(
        "MACD",
        trend.MACD,
        trend.start_macd,
        trend.macd_update,
        trend.macd_batch,
        ("close",),
        ("macd", "signal", "histogram"),
        PRICE,
        "slow + signal - 2",
        "Mean seeds; the fast average starts late, so that both are seeded at the same bar, as in TA-Lib.",
    ),
    "atr": Indicator(
        "Average true range",
        volatility.ATR,
        volatility.start_atr,
        volatility.atr_update,
        volatility.atr_batch,
        ("high", "low", "close"),
        ("atr",),
        PRICE,
        "period",
        "Wilder 1978: the mean of the first true ranges is the seed; the first bar has none.",
    ),
    "atr_ema": Indicator(
        "Average true range, seeded by the first bar",
        volatility.ATR_EMA,
        volatility.start_atr_ema,
        volatility.atr_ema_update,
        volatility.atr_ema_batch,
        ("high", "low", "close"),
        ("atr_ema",),
        PRICE,
        "0",
        "The same weights; the first bar's range is the seed.",
    ),
    "adx": Indicator(
        "Average directional index",
        trend.ADX,
        trend.start_adx,
        trend.adx_update,
        trend.adx_batch,
        ("high", "low"),
        ("adx",),
        INDEX,
        "2 * period - 1",
        "Wilder 1978: both smoothings are seeded by a mean (TA-Lib seeds the movements a bar earlier).",
    ),
    "adx_ema": Indicator(
        "Average directional index, seeded by the first values",
        trend.ADX_EMA,
        trend.start_adx_ema,
        trend.adx_ema_update,
        trend.adx_ema_batch,
        ("high", "low"),
        ("adx_ema",),
        INDEX,
        "0",
        "The same weights; the seeds are 0.",
    ),
    "direction": Indicator(
        "Directional lines +DI and -DI",
        trend.DIRECTION,
        trend.start_direction,
        trend.direction_update,
        trend.direction_batch,
        ("high", "low", "close"),
        ("plus", "minus"),
        INDEX,
        "period",
        "Wilder 1978: movements and true range are seeded by a mean; 0 where nothing moved.",
    ),
    "supertrend": Indicator(
        "Supertrend",
        trailing.SUPERTREND,
        trailing.start_supertrend,
        trailing.supertrend_update,
        trailing.supertrend_batch,
        ("high", "low", "close"),
        ("line", "side"),
        PRICE,
        "period",
        "Bands round (high + low) / 2 at a multiple of Wilder's ATR; begins short. `side` is +1 or -1.",
    ),
    "parabolic": Indicator(
        "Parabolic SAR",
        trailing.PARABOLIC,
        trailing.start_parabolic,
        trailing.parabolic_update,
        trailing.parabolic_batch,
        ("high", "low"),
        ("line", "side"),
        PRICE,
        "1",
        "Wilder 1978; the second bar chooses the side by its directional movement. `side` is +1 or -1.",
    ),
    "rsi": Indicator(
        "Relative strength index",
        momentum.RSI,
        momentum.start_rsi,
        momentum.rsi_update,
        momentum.rsi_batch,
        ("close",),
        ("rsi",),
        INDEX,
        "period",
        "Wilder 1978: the mean of the first changes is the seed; 50 where nothing moved.",
    ),
    "roc": Indicator(
        "Rate of change",
        momentum.ROC,
        momentum.start_roc,
        momentum.roc_update,
        momentum.roc_batch,
        ("close",),
        ("roc",),
        "fraction",
        "period",
        "close / close n bars ago - 1 (TA-Lib: ROCP).",
    ),
    "williams_r": Indicator(
        "Williams %R",
        momentum.WILLIAMS_R,
        momentum.start_williams_r,
        momentum.williams_r_update,
        momentum.williams_r_batch,
        ("high", "low", "close"),
        ("williams_r",),
        "-100 to 0",
        "period - 1",
        "-50 where the window has no range.",
    ),
    "mfi": Indicator(
        "Money flow index",
        volume.MFI,
        volume.start_mfi,
        volume.mfi_update,
        volume.mfi_batch,
        ("high", "low", "close", "volume"),
        ("mfi",),
        INDEX,
        "period",
        "Rise and fall of the typical price are decided on whole numbers; 50 without any flow.",
    ),
    "cmf": Indicator(
        "Chaikin money flow",
        volume.CMF,
        volume.start_cmf,
        volume.cmf_update,
        volume.cmf_batch,
        ("high", "low", "close", "volume"),
        ("cmf",),
        "-1 to 1",
        "period - 1",
        "A bar without a range contributes 0; 0 without volume.",
    ),
    "relative_volume": Indicator(
        "Relative volume",
        volume.RELATIVE_VOLUME,
        volume.start_relative_volume,
        volume.relative_volume_update,
        volume.relative_volume_batch,
        ("volume",),
        ("relative_volume",),
        "ratio",
        "period",
        "Against the mean of the bars before, this one left out; NaN after a window without volume.",
    ),
    "bollinger": Indicator(
        "Bollinger bands",
        bands.BOLLINGER,
        bands.start_bollinger,
        bands.bollinger_update,
        bands.bollinger_batch,
        ("close",),
        ("middle", "upper", "lower"),
        PRICE,
        "period - 1",
        "Population deviation (divisor n) from exact sums.",
    ),
    "keltner": Indicator(
        "Keltner channel",
        bands.KELTNER,
        bands.start_keltner,
        bands.keltner_update,
        bands.keltner_batch,
        ("high", "low", "close"),
        ("middle", "upper", "lower"),
        PRICE,
        "max(period - 1, atr_period)",
        "Exponential average with a mean as seed; Wilder's ATR.",
    ),
    "donchian": Indicator(
        "Donchian channel",
        bands.DONCHIAN,
        bands.start_donchian,
        bands.donchian_update,
        bands.donchian_batch,
        ("high", "low"),
        ("middle", "upper", "lower"),
        PRICE,
        "period - 1",
        "This bar is inside: a breakout is a close beyond the channel of the bar before.",
    ),
    "squeeze": Indicator(
        "Volatility squeeze",
        bands.SQUEEZE,
        bands.start_squeeze,
        bands.squeeze_update,
        bands.squeeze_batch,
        ("high", "low", "close"),
        ("on", "bars_on", "release"),
        "1 or 0, bars, side",
        "max(period - 1, atr_period)",
        "On while the Bollinger bands lie inside the Keltner bands; `release` is the side of the close at the end.",
    ),
    "volatility_percentile": Indicator(
        "Historical volatility percentile",
        volatility.VOLATILITY_PERCENTILE,
        volatility.start_volatility_percentile,
        volatility.volatility_percentile_update,
        volatility.volatility_percentile_batch,
        ("close",),
        ("percentile", "volatility"),
        "0 to 100; per bar",
        "period + history",
        "Sample deviation (divisor n - 1) of logarithmic returns among those before it; an equal one counts half.",
    ),
    "vwap": Indicator(
        "VWAP of the session with bands",
        session.VWAP,
        session.start_vwap,
        session.vwap_update,
        session.vwap_batch,
        ("end_ns", "high", "low", "close", "volume"),
        ("vwap", "upper", "lower", "deviation"),
        PRICE,
        "0",
        "Typical price (high + low + close) / 3; weighted population deviation; anew at 00:00 UTC.",
    ),
    "pivot_points": Indicator(
        "Pivot points",
        session.PIVOT_POINTS,
        session.start_pivot_points,
        session.pivot_points_update,
        session.pivot_points_batch,
        ("end_ns", "high", "low", "close"),
        ("pivot", "r1", "r2", "r3", "r4", "s1", "s2", "s3", "s4"),
        PRICE,
        "session_ns // bar_ns",
        "From the session before; classic (0), Fibonacci (1), Camarilla (2), which alone has a fourth level.",
    ),
}
"""Every indicator under the name by which `lines_of` finds it, in the order of the page that shows them."""


# ---- whole columns -----------------------------------------------------------------------------------------------
def lines_of(name: str, /, **columns_and_parameters: Any) -> dict[str, NDArray[np.float64]]:
    """The lines of an indicator over whole columns: one float array each, as long as the columns.

    `lines_of("bollinger", close=closes, period=20, multiple=2.0)["upper"]`. Raises ConfigError for a name or parameter
    that does not exist or is missing, DataError for a column that is missing, of another length or not in whole ticks,
    lots or nanoseconds.
    """
    indicator = found(name)
    columns = _columns(name, indicator, columns_and_parameters)
    parameters = {key: value for key, value in columns_and_parameters.items() if key not in indicator.inputs}
    states = started(name, parameters)
    drawn = {line: np.empty(len(columns[0])) for line in indicator.lines}
    indicator.batch(states[0], *columns, *drawn.values())
    return drawn


def found(name: str) -> Indicator:
    """The indicator of this name; raises ConfigError naming those there are."""
    indicator = INDICATORS.get(name)
    if indicator is None:
        raise ConfigError(f"indicator: found {name!r}, expected one of {', '.join(INDICATORS)}")
    return indicator


def started(name: str, parameters: Mapping[str, Any]) -> np.recarray[Any, Any]:
    """A table of one record of the indicator, nothing seen yet; raises ConfigError for a wrong parameter."""
    indicator = found(name)
    _check_parameters(name, indicator, parameters)
    states = table(indicator.state, 1)
    indicator.start(states[0], **parameters)
    return states


def _columns(name: str, indicator: Indicator, given: Mapping[str, Any]) -> list[NDArray[np.int64]]:
    """The columns in the order of `inputs`, checked."""
    missing = [what for what in indicator.inputs if what not in given]
    if missing:
        raise DataError(f"{name}: expected the columns {', '.join(indicator.inputs)}, found no {', '.join(missing)}")
    columns = [whole_column(what, given[what]) for what in indicator.inputs]
    if len({len(column) for column in columns}) > 1:
        lengths = ", ".join(f"{len(column)} of {what}" for what, column in zip(indicator.inputs, columns, strict=True))
        raise DataError(f"{name}: expected columns of one length, found {lengths}")
    return columns


def whole_column(what: str, values: ArrayLike) -> NDArray[np.int64]:
    """A column as int64; raises DataError naming the first row that is not a whole number in the column's range."""
    column = np.asarray(values)
    if column.ndim != 1 or column.dtype.kind not in "iuf":
        raise DataError(f"{what}: expected one column of numbers, found {column.ndim} dimensions of {column.dtype}")
    least, most = _RANGE[what]
    # Written so that NaN is wrong, too.
    wrong = ~((column >= least) & (column <= most) & (column == np.floor(column)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{what}, row {row}: expected a whole number from {least} to {most}, found {column[row]}")
    return np.ascontiguousarray(column, np.int64)


def _check_parameters(name: str, indicator: Indicator, given: Mapping[str, Any]) -> None:
    known = indicator.parameters
    strange = [key for key in given if key not in known]
    if strange:
        raise ConfigError(
            f"{name}: found {', '.join(strange)}, expected among {', '.join((*indicator.inputs, *known))}"
        )
    missing = [key for key, default in known.items() if default is inspect.Parameter.empty and key not in given]
    if missing:
        raise ConfigError(f"{name}: expected a value for {', '.join(missing)}")
