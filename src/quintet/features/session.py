"""Numbers that begin anew with every session, by default the UTC day: VWAP with bands, and pivot points.

A bar belongs to the session in which it began. Its time is its end, as everywhere, so a bar that ends at midnight still
belongs to the day before; its length is told once, at the start.

A session of which the beginning was not seen says nothing: VWAP waits for the next one, and pivot points are not made
of half a day. The first session seen is whole when its first bar begins with it, every later one because the one before
it was seen to end. A hole in the data is not noticed here: whoever reads the candles refuses or names it.
"""

import math
from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
from quintet.core.records import record
from quintet.features.bands import check_multiple
from quintet.features.window import NAN

DAY_NS: Final = 86_400_000_000_000
SESSION_MAX_NS: Final = 366 * DAY_NS

CLASSIC: Final = 0
FIBONACCI: Final = 1
CAMARILLA: Final = 2
METHOD_NAMES: Final = ("classic", "fibonacci", "camarilla")

SESSION = record(number="i8", whole="i8", bar_ns="i8", session_ns="i8")
"""`number` counts sessions since 1970, -1 before the first bar; `whole` is 1 when its beginning was seen."""

VWAP = record(
    vwap="f8",
    upper="f8",
    lower="f8",
    deviation="f8",
    multiple="f8",
    volume="f8",
    anchor="i8",
    shift="f8",
    squares="f8",
    session=SESSION,
)
"""`deviation` is the volume-weighted standard deviation. Within, three times a typical price is whole: `anchor` is the
session's first, `shift` the weighted mean of all less it, `squares` the weighted squares about that mean."""

PIVOT_POINTS = record(
    pivot="f8",
    r1="f8",
    r2="f8",
    r3="f8",
    r4="f8",
    s1="f8",
    s2="f8",
    s3="f8",
    s4="f8",
    method="i8",
    high="i8",
    low="i8",
    close="i8",
    session=SESSION,
)
"""Levels of the present session; `high`, `low` and `close` are its own so far."""


# ---- sessions ----------------------------------------------------------------------------------------------------
def start_session(session: Any, bar_ns: int, session_ns: int = DAY_NS) -> None:
    """No bar seen yet; raises ConfigError unless whole bars of `bar_ns` fill a session of `session_ns`."""
    if not 1 <= session_ns <= SESSION_MAX_NS:
        raise ConfigError(f"session: session_ns is {session_ns}, expected 1 to {SESSION_MAX_NS}")
    if bar_ns < 1 or session_ns % bar_ns != 0:
        raise ConfigError(f"session: bar_ns is {bar_ns}, expected a divisor of session_ns ({session_ns})")
    session.number = -1
    session.whole = 0
    session.bar_ns = bar_ns
    session.session_ns = session_ns


@kernel
def session_update(session: Any, end_ns: int) -> bool:
    """Does the bar that ends at `end_ns` (ns since 1970, UTC) begin a new session?"""
    begin = end_ns - session.bar_ns
    number = begin // session.session_ns
    if number == session.number:
        return False
    seen_before = session.number >= 0
    session.whole = 1 if seen_before or begin == number * session.session_ns else 0
    session.number = number
    return True


# ---- VWAP --------------------------------------------------------------------------------------------------------
def start_vwap(state: Any, bar_ns: int, session_ns: int = DAY_NS, multiple: float = 2.0) -> None:
    """A VWAP of each session with bands of `multiple` standard deviations, nothing seen yet; raises ConfigError."""
    check_multiple("VWAP", multiple)
    start_session(state.session, bar_ns, session_ns)
    state.multiple = multiple
    _forget_trades(state)


@kernel
def _forget_trades(state: Any) -> None:
    state.vwap = NAN
    state.upper = NAN
    state.lower = NAN
    state.deviation = NAN
    state.volume = 0.0
    state.anchor = 0
    state.shift = 0.0
    state.squares = 0.0


@kernel
def vwap_update(state: Any, end_ns: int, high: int, low: int, close: int, volume: int) -> float:
    """Volume-weighted average price of the session so far, in ticks; NaN before its first trade and in half a session.

    A bar counts with its typical price (high + low + close) / 3. `deviation` is the volume-weighted standard deviation
    about the VWAP, `upper` and `lower` stand `multiple` of it away; a band in another distance is
    `vwap + k * deviation`. Mean and squares are carried on from bar to bar, relative to the session's first price:
    West, Updating Mean and Variance Estimates: An Improved Method, Communications of the ACM 22:9 (1979).
    """
    if session_update(state.session, end_ns):
        _forget_trades(state)
    if state.session.whole == 0 or volume <= 0:
        return float(state.vwap)
    if state.volume == 0.0:
        state.anchor = high + low + close
    before = state.volume
    state.volume += float(volume)
    away = float(high + low + close - state.anchor) - state.shift
    share = float(volume) / state.volume
    state.shift += share * away
    state.squares += before * share * away * away
    state.vwap = (float(state.anchor) + state.shift) / 3.0
    state.deviation = math.sqrt(state.squares / state.volume) / 3.0
    state.upper = state.vwap + state.multiple * state.deviation
    state.lower = state.vwap - state.multiple * state.deviation
    return float(state.vwap)


@kernel
def vwap_batch(
    state: Any,
    ends_ns: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    volumes: NDArray[Any],
    vwaps: NDArray[Any],
    uppers: NDArray[Any],
    lowers: NDArray[Any],
    deviations: NDArray[Any],
) -> None:
    """Feed whole columns of ns, ticks and lots; the lines after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        vwaps[i] = vwap_update(state, ends_ns[i], highs[i], lows[i], closes[i], volumes[i])
        uppers[i] = state.upper
        lowers[i] = state.lower
        deviations[i] = state.deviation


# ---- pivot points ------------------------------------------------------------------------------------------------
def start_pivot_points(state: Any, bar_ns: int, session_ns: int = DAY_NS, method: int = CLASSIC) -> None:
    """Levels by CLASSIC, FIBONACCI or CAMARILLA, nothing seen yet; raises ConfigError."""
    if method not in (CLASSIC, FIBONACCI, CAMARILLA):
        raise ConfigError(f"pivot points: method is {method}, expected 0 (classic), 1 (fibonacci) or 2 (camarilla)")
    start_session(state.session, bar_ns, session_ns)
    for level in ("pivot", "r1", "r2", "r3", "r4", "s1", "s2", "s3", "s4"):
        state[level] = NAN
    state.method = method
    state.high = 0
    state.low = 0
    state.close = 0


@kernel
def pivot_points_update(state: Any, end_ns: int, high: int, low: int, close: int) -> float:
    """The pivot of the present session, in ticks: (high + low + close) / 3 of the one before; NaN until one was whole.

    With the range R = high - low of the session before, resistances `r1` to `r4` and supports `s1` to `s4` are

        classic     r1 = 2 P - low, r2 = P + R, r3 = high + 2 (P - low)
                    s1 = 2 P - high, s2 = P - R, s3 = low - 2 (high - P)
        fibonacci   P plus or minus 0.382 R, 0.618 R, R
        camarilla   close plus or minus 1.1 R / 12, / 6, / 4, / 2

    Only Camarilla has a fourth; elsewhere `r4` and `s4` stay NaN. The levels of a session do not move while it lasts.
    """
    before_was_whole = state.session.whole == 1
    if session_update(state.session, end_ns):
        if before_was_whole:
            _set_levels(state)
        state.high = high
        state.low = low
    else:
        if high > state.high:
            state.high = high
        if low < state.low:
            state.low = low
    state.close = close
    return float(state.pivot)


@kernel
def _set_levels(state: Any) -> None:
    """The levels that follow from the session that has just ended."""
    high = float(state.high)
    low = float(state.low)
    spread = high - low
    state.pivot = float(state.high + state.low + state.close) / 3.0
    if state.method == CLASSIC:
        state.r1 = 2.0 * state.pivot - low
        state.s1 = 2.0 * state.pivot - high
        state.r2 = state.pivot + spread
        state.s2 = state.pivot - spread
        state.r3 = high + 2.0 * (state.pivot - low)
        state.s3 = low - 2.0 * (high - state.pivot)
    elif state.method == FIBONACCI:
        state.r1 = state.pivot + 0.382 * spread
        state.s1 = state.pivot - 0.382 * spread
        state.r2 = state.pivot + 0.618 * spread
        state.s2 = state.pivot - 0.618 * spread
        state.r3 = state.pivot + spread
        state.s3 = state.pivot - spread
    else:
        close = float(state.close)
        state.r1 = close + 1.1 * spread / 12.0
        state.s1 = close - 1.1 * spread / 12.0
        state.r2 = close + 1.1 * spread / 6.0
        state.s2 = close - 1.1 * spread / 6.0
        state.r3 = close + 1.1 * spread / 4.0
        state.s3 = close - 1.1 * spread / 4.0
        state.r4 = close + 1.1 * spread / 2.0
        state.s4 = close - 1.1 * spread / 2.0


@kernel
def pivot_points_batch(
    state: Any,
    ends_ns: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    closes: NDArray[Any],
    pivots: NDArray[Any],
    r1: NDArray[Any],
    r2: NDArray[Any],
    r3: NDArray[Any],
    r4: NDArray[Any],
    s1: NDArray[Any],
    s2: NDArray[Any],
    s3: NDArray[Any],
    s4: NDArray[Any],
) -> None:
    """Feed whole columns of ns and ticks; the levels that hold at bar i. All have the same length."""
    for i in range(closes.shape[0]):
        pivots[i] = pivot_points_update(state, ends_ns[i], highs[i], lows[i], closes[i])
        r1[i] = state.r1
        r2[i] = state.r2
        r3[i] = state.r3
        r4[i] = state.r4
        s1[i] = state.s1
        s2[i] = state.s2
        s3[i] = state.s3
        s4[i] = state.s4
