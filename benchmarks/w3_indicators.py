"""W3: indicators over one million minute bars: in one pass over columns, and bar by bar from a Python loop.

Each set is that of a peer's script, with the parameters of that script. A set is one record that holds the indicators,
and one kernel that moves all of them by a bar: what a system's own state looks like.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import data
from quintet.core.kernel import kernel
from quintet.core.records import record, table
from quintet.features.bands import (
    BOLLINGER,
    KELTNER,
    bollinger_update,
    keltner_update,
    start_bollinger,
    start_keltner,
)
from quintet.features.catalogue import INDICATORS, lines_of
from quintet.features.momentum import RSI, rsi_update, start_rsi
from quintet.features.session import DAY_NS, VWAP, start_vwap, vwap_update
from quintet.features.streaming import streaming
from quintet.features.trailing import (
    PARABOLIC,
    SUPERTREND,
    parabolic_update,
    start_parabolic,
    start_supertrend,
    supertrend_update,
)
from quintet.features.trend import ADX, DIRECTION, adx_update, direction_update, start_adx, start_direction
from quintet.features.volatility import ATR, atr_update, start_atr
from quintet.features.volume import MFI, mfi_update, start_mfi
from quintet.features.window import EMA, SMA, ema_update, sma_update, start_ema, start_sma

MINUTE_NS = 60_000_000_000
TICKS_PER_UNIT = 10
LOTS_PER_UNIT = 1_000

Columns = dict[str, NDArray[np.int64]]

ONE_SESSION_NS = 366 * DAY_NS
"""talipp's VWAP never begins anew; times are counted from 0, so that ours does not either within its bars."""


def columns(rows: int | None = None) -> Columns:
    """The bars as the columns of the catalogue: prices in ticks, volume in lots, times from the first bar on."""
    bars = data.bars(rows)
    prices = {name: np.round(bars[name] * TICKS_PER_UNIT).astype(np.int64) for name in ("high", "low", "close")}
    volume = np.round(bars["volume"] * LOTS_PER_UNIT).astype(np.int64)
    return {"end_ns": MINUTE_NS * np.arange(1, len(bars) + 1), **prices, "volume": volume}


# ---- the set of TA-Lib's script: in one pass -------------------------------------------------------------------
BATCH_LINES = ("sma", "ema", "atr", "adx", "rsi", "mfi", "bollinger", "parabolic")

BATCH_SET = record(
    nothing="i8", sma=SMA, ema=EMA, atr=ATR, adx=ADX, rsi=RSI, mfi=MFI, bollinger=BOLLINGER, parabolic=PARABOLIC
)


def start_batch_set(state: Any) -> None:
    start_sma(state.sma, 50)
    start_ema(state.ema, 20)
    start_atr(state.atr, 14)
    start_adx(state.adx, 14)
    start_rsi(state.rsi, 14)
    start_mfi(state.mfi, 14)
    start_bollinger(state.bollinger, 20, 2.0)
    start_parabolic(state.parabolic, 0.02, 0.2)


@kernel
def batch_set(
    state: Any,
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    volumes: NDArray[Any],
    sma: NDArray[Any],
    ema: NDArray[Any],
    atr: NDArray[Any],
    adx: NDArray[Any],
    rsi: NDArray[Any],
    mfi: NDArray[Any],
    bollinger: NDArray[Any],
    parabolic: NDArray[Any],
) -> None:
    """Move the eight by one bar after the other; a column for each."""
    for i in range(closes.shape[0]):
        high = highs[i]
        low = lows[i]
        close = closes[i]
        sma[i] = sma_update(state.sma, close)
        ema[i] = ema_update(state.ema, close)
        atr[i] = atr_update(state.atr, high, low, close)
        adx[i] = adx_update(state.adx, high, low)
        rsi[i] = rsi_update(state.rsi, close)
        mfi[i] = mfi_update(state.mfi, high, low, close, volumes[i])
        bollinger[i] = bollinger_update(state.bollinger, close)
        parabolic[i] = parabolic_update(state.parabolic, high, low)


def empty_lines(fed: Columns) -> dict[str, NDArray[np.float64]]:
    """A column for each line of the set."""
    return {name: np.empty(len(fed["close"])) for name in BATCH_LINES}


def batch(fed: Columns, lines: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Fill `lines` with the whole set over the columns, and return them."""
    state = table(BATCH_SET, 1)[0]
    start_batch_set(state)
    batch_set(state, fed["high"], fed["low"], fed["close"], fed["volume"], *lines.values())
    return lines


def batch_cpu_seconds(fed: Columns, runs: int) -> list[float]:
    """CPU seconds of each run over all columns into the same lines; the first, which may compile, is not counted."""
    lines, seconds = empty_lines(fed), []
    for _ in range(runs + 1):
        begun = time.process_time()
        batch(fed, lines)
        seconds.append(time.process_time() - begun)
    return seconds[1:]


def allocating_cpu_seconds(fed: Columns, pairs: int) -> list[float]:
    """The same with lines allocated anew in each run, as TA-Lib's functions have to; mean of each pair of runs.

    A result is held until the next one has replaced it, as in the peer's script. So the allocator has the memory of the
    one before it to give again every second time, and half of the runs touch theirs for the first time.
    """
    held, seconds = batch(fed, empty_lines(fed)), []
    for _ in range(pairs):
        begun = time.process_time()
        for _ in range(2):
            held = batch(fed, empty_lines(fed))
        seconds.append((time.process_time() - begun) / 2.0)
    assert len(held) == len(BATCH_LINES)
    return seconds


# ---- the set of talipp's script: bar by bar --------------------------------------------------------------------
TALIPP_LINES = (
    "sma",
    "ema",
    "atr",
    "adx",
    "rsi",
    "bollinger",
    "keltner",
    "supertrend",
    "vwap",
    "parabolic",
)

TALIPP_SET = record(
    lines=("f8", len(TALIPP_LINES)),
    sma=SMA,
    ema=EMA,
    atr=ATR,
    adx=ADX,
    rsi=RSI,
    bollinger=BOLLINGER,
    keltner=KELTNER,
    supertrend=SUPERTREND,
    vwap=VWAP,
    parabolic=PARABOLIC,
)


def start_talipp_set(state: Any) -> None:
    start_sma(state.sma, 50)
    start_ema(state.ema, 20)
    start_atr(state.atr, 14)
    start_adx(state.adx, 14)
    start_rsi(state.rsi, 14)
    start_bollinger(state.bollinger, 20, 2.0)
    start_keltner(state.keltner, 20, 10, 2.0)
    start_supertrend(state.supertrend, 10, 3.0)
    start_vwap(state.vwap, MINUTE_NS, ONE_SESSION_NS)
    start_parabolic(state.parabolic, 0.02, 0.2)


@kernel
def talipp_set(states: Any, end_ns: int, high: int, low: int, close: int, volume: int) -> None:
    """Move the ten by one bar; the values are left in `lines`."""
    state = states[0]
    state.lines[0] = sma_update(state.sma, close)
    state.lines[1] = ema_update(state.ema, close)
    state.lines[2] = atr_update(state.atr, high, low, close)
    state.lines[3] = adx_update(state.adx, high, low)
    state.lines[4] = rsi_update(state.rsi, close)
    state.lines[5] = bollinger_update(state.bollinger, close)
    state.lines[6] = keltner_update(state.keltner, high, low, close)
    state.lines[7] = supertrend_update(state.supertrend, high, low, close)
    state.lines[8] = vwap_update(state.vwap, end_ns, high, low, close, volume)
    state.lines[9] = parabolic_update(state.parabolic, high, low)


# ---- the set of NautilusTrader's script: bar by bar ------------------------------------------------------------
NAUTILUS_LINES = ("sma", "ema", "atr", "direction", "rsi", "bollinger", "keltner")

NAUTILUS_SET = record(
    lines=("f8", len(NAUTILUS_LINES)),
    sma=SMA,
    ema=EMA,
    atr=ATR,
    direction=DIRECTION,
    rsi=RSI,
    bollinger=BOLLINGER,
    keltner=KELTNER,
)


def start_nautilus_set(state: Any) -> None:
    start_sma(state.sma, 50)
    start_ema(state.ema, 20)
    start_atr(state.atr, 14)
    start_direction(state.direction, 14)
    start_rsi(state.rsi, 14)
    start_bollinger(state.bollinger, 20, 2.0)
    start_keltner(state.keltner, 20, 20, 2.0)


@kernel
def nautilus_set(states: Any, high: int, low: int, close: int) -> None:
    """Move the seven by one bar; the values are left in `lines`."""
    state = states[0]
    state.lines[0] = sma_update(state.sma, close)
    state.lines[1] = ema_update(state.ema, close)
    state.lines[2] = atr_update(state.atr, high, low, close)
    state.lines[3] = direction_update(state.direction, high, low, close)
    state.lines[4] = rsi_update(state.rsi, close)
    state.lines[5] = bollinger_update(state.bollinger, close)
    state.lines[6] = keltner_update(state.keltner, high, low, close)


# ---- bar by bar ----------------------------------------------------------------------------------------------------
class StreamSet(NamedTuple):
    """A peer's set: its state, its kernel, the columns it is fed, the lines it draws."""

    state: np.dtype[Any]
    start: Callable[[Any], None]
    update: Callable[..., None]
    inputs: tuple[str, ...]
    lines: tuple[str, ...]


STREAM_SETS = {
    "talipp": StreamSet(
        TALIPP_SET, start_talipp_set, talipp_set, ("end_ns", "high", "low", "close", "volume"), TALIPP_LINES
    ),
    "nautilus": StreamSet(NAUTILUS_SET, start_nautilus_set, nautilus_set, ("high", "low", "close"), NAUTILUS_LINES),
}


def bars_of(chosen: StreamSet, fed: Columns) -> list[tuple[int, ...]]:
    """The bars as the plain numbers in which a live feed brings them."""
    return list(zip(*(fed[name].tolist() for name in chosen.inputs), strict=True))


def stream_cpu_seconds(chosen: StreamSet, fed: Columns, runs: int) -> list[float]:
    """CPU seconds of each run over all bars, one call a bar for the whole set."""
    bars, seconds = bars_of(chosen, fed), []
    for _ in range(runs):
        states = table(chosen.state, 1)
        chosen.start(states[0])
        update = streaming(chosen.update, states, *bars[0])
        begun = time.process_time()
        for bar in bars:
            update(*bar)
        seconds.append(time.process_time() - begun)
    return seconds


def streamed(chosen: StreamSet, fed: Columns, cut: int | None = None) -> dict[str, NDArray[np.float64]]:
    """The lines bar by bar; with `cut` the state is written out as bytes there, and another one goes on from them."""
    bars, rows = bars_of(chosen, fed), []
    states = table(chosen.state, 1)
    chosen.start(states[0])
    update = streaming(chosen.update, states, *bars[0])
    for number, bar in enumerate(bars):
        if number == cut:
            states = np.frombuffer(bytearray(states.tobytes()), chosen.state).view(np.recarray)
            update = streaming(chosen.update, states, *bars[0])
        update(*bar)
        rows.append(states[0].lines.copy())
    return dict(zip(chosen.lines, np.array(rows).T, strict=True))


# ---- the same lines from the catalogue -------------------------------------------------------------------------
PARAMETERS: dict[str, dict[str, Any]] = {
    "sma": {"period": 50},
    "ema": {"period": 20},
    "atr": {"period": 14},
    "adx": {"period": 14},
    "vwap": {"bar_ns": MINUTE_NS, "session_ns": ONE_SESSION_NS},
}
"""What differs from the defaults of the catalogue."""

PARAMETERS_OF_PEER: dict[str, dict[str, dict[str, Any]]] = {"nautilus": {"keltner": {"atr_period": 20}}}


def line(name: str, fed: Columns, which: int = 0, **parameters: Any) -> NDArray[np.float64]:
    """One line of an indicator, by default the first."""
    indicator = INDICATORS[name]
    inputs = {what: fed[what] for what in indicator.inputs}
    return lines_of(name, **inputs, **{**PARAMETERS.get(name, {}), **parameters})[indicator.lines[which]]


def lines_as_in(peer: str, name: str, fed: Columns) -> NDArray[np.float64]:
    """The first line of an indicator with the parameters it has in the set of a peer."""
    return line(name, fed, **PARAMETERS_OF_PEER.get(peer, {}).get(name, {}))


def as_talipp(fed: Columns) -> dict[str, NDArray[np.float64]]:
    """The lines that are compared with talipp's.

    Not its Parabolic SAR, which turns where a stop is passed, not where it is touched: there TA-Lib's is the measure.
    """
    mine = {name: line(name, fed) for name in ("sma", "ema", "atr", "adx", "rsi", "supertrend", "vwap")}
    return {**mine, "bollinger": line("bollinger", fed, 1), "keltner": line("keltner", fed, 1)}


def as_nautilus(fed: Columns) -> dict[str, NDArray[np.float64]]:
    """The lines that are compared with NautilusTrader's, its conventions met with our parts.

    Its directional movement is not yet divided by the true range, its Bollinger bands are those of typical prices. Not
    its Keltner channel, whose range is a simple average; ours is compared with talipp's.
    """
    mine = {name: line(name, fed) for name in ("sma", "ema", "atr", "rsi")}
    typical = {**fed, "close": fed["high"] + fed["low"] + fed["close"]}
    movement = line("direction", fed) * line("atr", fed) / 100.0
    return {**mine, "movement": movement, "bollinger": line("bollinger", typical, 1) / 3.0}


LINES_OF_PEERS: dict[str, Callable[[Columns], dict[str, NDArray[np.float64]]]] = {
    "talib": lambda fed: batch(fed, empty_lines(fed)),
    "talipp": as_talipp,
    "nautilus": as_nautilus,
}


def apart(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """The largest difference, relative to the larger value, below 1 absolute; infinite where only one is NaN."""
    if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
        return float("inf")
    scale = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), 1.0)
    return float(np.nanmax(np.abs(ours - theirs) / scale))
