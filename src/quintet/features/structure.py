"""Market structure from closed bars: pivots, swings, breaks of structure, change of character, pullbacks.

    pivot    a bar whose high tops the bars on its left and is not topped by those on its right (lows mirrored);
             known only when the last bar on the right has closed
    swing    a pivot at least `swing_min` ATR from the last opposite swing; highs and lows alternate
    level    the price of the last swing high or low; fresh until a close breaks it, which happens once
    bias     up or down by the last break, none before the first
    P        the protected level: a close beyond it turns the bias

On each close: pivots, then swings, then at most one event, the first whose condition holds (b = buffer in ATR,
H and L the last swing high and low):

| bias | condition                             | event           | effect                                             |
|------|---------------------------------------|-----------------|----------------------------------------------------|
| up   | close < P - b                         | choch_down      | bias down; P = highest high since H; L broken      |
| none | L fresh and close < L - b             | choch_down      | the same                                           |
| up   | H fresh and close > H + b             | bos_confirmed   | P = lowest low since L; H broken                   |
| none | H fresh and close > H + b             | choch_up        | bias up; P = lowest low since L; H broken          |
| up   | H fresh, high > H, no potential lives | bos_potential   | it lives 12 more bars, or until a break            |
| down | close > P + b                         | choch_up        | bias up; P = lowest low since L; H broken          |
| down | L fresh and close < L - b             | bos_down        | P = highest high since H; L broken                 |

A fresh high needs a swing low between it and the high before, not between two breaks: a high that forms above a broken
one, after the same low, is a level of its own and may break as well.

While a potential break lives no second one is shown, whatever level it was about; when it has died, the same level
may show one again. Any break ends it.

"Since" includes the bar of the swing and the present one. While no swing of a kind exists, "since" begins at the
first bar of all.

Decisions are integer comparisons: prices in ticks, ATR in 1/1024 ticks (`atr_units`), multiples of ATR and fractions
of a leg in ten-thousandths. So a tie is a tie on every machine, and the last bit of a float decides nothing.

Rules: section 3.2 to 3.4 of the structure_mm requirements; pivots in this form are usually called fractals
(Williams, Trading Chaos, 1995).
"""

from typing import Any, Final

from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.kernel import kernel
from quintet.core.records import record
from quintet.core.units import SAFE_MAX
from quintet.features.volatility import UNITS_PER_TICK, atr_units

# ---- codes -----------------------------------------------------------------------------------------------------
NO_BIAS: Final = 0
BIAS_UP: Final = 1
BIAS_DOWN: Final = -1
BIAS_NAMES: Final = {NO_BIAS: "none", BIAS_UP: "up", BIAS_DOWN: "down"}

NO_PIVOT: Final = 0
PIVOT_HIGH: Final = 1
PIVOT_LOW: Final = 2
PIVOT_BOTH: Final = 3

NO_EVENT: Final = 0
CHOCH_DOWN: Final = 1
BOS_CONFIRMED: Final = 2
CHOCH_UP: Final = 3
BOS_POTENTIAL: Final = 4
BOS_DOWN: Final = 5
EVENT_NAMES: Final = ("none", "choch_down", "bos_confirmed", "choch_up", "bos_potential", "bos_down")

NO_LABEL: Final = 0
HIGHER: Final = 1
LOWER: Final = 2
HIGH_LABEL_NAMES: Final = ("none", "HH", "LH")
LOW_LABEL_NAMES: Final = ("none", "HL", "LL")

TOO_SHALLOW: Final = 0
PULLBACK_READY: Final = 1
PULLBACK_CANCELLED: Final = 2
VERDICT_NAMES: Final = ("too_shallow", "ready", "cancelled")

# ---- records ---------------------------------------------------------------------------------------------------
E4: Final = 10_000
"""Multiples of ATR and fractions of a leg are whole ten-thousandths."""

MULTIPLE_MAX: Final = 100
"""Largest multiple of ATR: with prices below 2^31 ticks every product here stays below 2^62."""

STRENGTH_MAX: Final = 10
"""Most bars a pivot can ask for on one side."""

_WINDOW_MAX: Final = 2 * STRENGTH_MAX + 1

_PIVOT_FIELDS: Final[dict[str, Any]] = {
    "left": "i8",
    "right": "i8",
    "bars": "i8",
    "highs": ("i8", _WINDOW_MAX),
    "lows": ("i8", _WINDOW_MAX),
}

PIVOTS = record(**_PIVOT_FIELDS)
"""`highs` and `lows` hold the last `left + 1 + right` bars, oldest first; `bars` have been seen in all."""

STRUCTURE = record(
    # Parameters, set by start_structure.
    swing_min_e4="i8",
    break_buffer_e4="i8",
    potential_ttl_bars="i8",
    # This bar: what happened, and the level it happened at (0 without an event).
    pivot="i8",
    event="i8",
    level="i8",
    # Bias and protected level (0 while there is no bias).
    bias="i8",
    protected="i8",
    # The last swing of each kind; bar -1 and price 0 while there is none. Bars are counted from 0.
    last_kind="i8",
    swing_high="i8",
    swing_high_bar="i8",
    swing_high_fresh="i8",
    swing_high_label="i8",
    swing_low="i8",
    swing_low_bar="i8",
    swing_low_fresh="i8",
    swing_low_label="i8",
    # The swing of the same kind before it, and the furthest price since the last one.
    previous_high="i8",
    previous_low="i8",
    highest_since_high="i8",
    lowest_since_low="i8",
    # The bar of the living potential break, -1 while none lives.
    potential_bar="i8",
    # Statistics since the start.
    n_swings="i8",
    n_hh="i8",
    n_lh="i8",
    n_hl="i8",
    n_ll="i8",
    n_potential="i8",
    n_confirmed="i8",
    n_bos_down="i8",
    n_choch_up="i8",
    n_choch_down="i8",
    **_PIVOT_FIELDS,
)

STRUCTURE_ROW = record(event="i8", level="i8", bias="i8", protected="i8")
"""What `structure_batch` writes for each bar."""

PULLBACK = record(min_atr_e4="i8", min_fraction_e4="i8", max_fraction_e4="i8")
"""When a pullback counts; see `pullback_verdict`."""


# ---- parameters ------------------------------------------------------------------------------------------------
def ten_thousandths(value: float, what: str, largest: int = MULTIPLE_MAX) -> int:
    """A parameter as whole ten-thousandths; raises ConfigError beyond four decimals or outside 0 to `largest`."""
    if not 0 <= value <= largest:
        raise ConfigError(f"{what} is {value}, expected 0 to {largest}")
    whole = round(value * E4)
    if abs(whole - value * E4) > 1e-6:
        raise ConfigError(f"{what} is {value}, expected at most four decimals")
    return whole


def start_pivots(state: Any, left: int = 3, right: int = 3) -> None:
    """No bar seen yet; `left` and `right` are the bars a pivot needs on each side, 1 to 10. Raises ConfigError."""
    for what, strength in (("pivot_left", left), ("pivot_right", right)):
        if not 1 <= strength <= STRENGTH_MAX:
            raise ConfigError(f"{what} is {strength}, expected 1 to {STRENGTH_MAX}")
    state.left = left
    state.right = right
    state.bars = 0
    state.highs[:] = 0
    state.lows[:] = 0


def start_structure(
    state: Any,
    *,
    left: int = 3,
    right: int = 3,
    swing_min_atr: float = 3.0,
    break_buffer_atr: float = 0.10,
    potential_ttl_bars: int = 12,
) -> None:
    """No bar seen yet; raises ConfigError naming the parameter. Multiples of ATR have at most four decimals."""
    if potential_ttl_bars < 1:
        raise ConfigError(f"bos_potential_ttl_bars is {potential_ttl_bars}, expected 1 or more")
    for name in state.dtype.names:
        state[name] = 0
    start_pivots(state, left, right)
    state.swing_min_e4 = ten_thousandths(swing_min_atr, "swing_min_atr")
    state.break_buffer_e4 = ten_thousandths(break_buffer_atr, "break_buffer_atr")
    state.potential_ttl_bars = potential_ttl_bars
    state.swing_high_bar = -1
    state.swing_low_bar = -1
    state.potential_bar = -1
    state.highest_since_high = -SAFE_MAX
    state.lowest_since_low = SAFE_MAX


def start_pullback(
    limits: Any, *, min_atr: float = 1.0, min_fraction: float = 0.25, max_fraction: float = 0.786
) -> None:
    """Fill a PULLBACK record; raises ConfigError naming the parameter."""
    limits.min_atr_e4 = ten_thousandths(min_atr, "pullback_min_atr")
    limits.min_fraction_e4 = ten_thousandths(min_fraction, "pullback_min_frac", largest=1)
    limits.max_fraction_e4 = ten_thousandths(max_fraction, "pullback_max_frac", largest=1)
    if limits.min_fraction_e4 > limits.max_fraction_e4:
        raise ConfigError(f"pullback_min_frac is {min_fraction}, expected at most pullback_max_frac ({max_fraction})")


# ---- pivots ----------------------------------------------------------------------------------------------------
@kernel
def pivot_update(state: Any, high: int, low: int) -> int:
    """Take one bar; say whether the bar `right` bars ago is now known as NO_PIVOT, _HIGH, _LOW or _BOTH.

    Its prices are `state.highs[left]` and `state.lows[left]`. Of equal highs in a row the first is the pivot.
    Works on any record with the fields of PIVOTS.
    """
    newest = state.left + state.right
    # A window of a few bars: moving it is as cheap as a ring, and it stays in order of time.
    for k in range(newest):
        state.highs[k] = state.highs[k + 1]
        state.lows[k] = state.lows[k + 1]
    state.highs[newest] = high
    state.lows[newest] = low
    state.bars += 1
    if state.bars <= newest:
        return NO_PIVOT
    return _is_pivot_high(state) * PIVOT_HIGH + _is_pivot_low(state) * PIVOT_LOW


@kernel
def _is_pivot_high(state: Any) -> int:
    """1 when the middle high is above every high on its left and not below any on its right, else 0."""
    price = state.highs[state.left]
    for k in range(state.left):
        if state.highs[k] >= price:
            return 0
    for k in range(state.left + 1, state.left + state.right + 1):
        if state.highs[k] > price:
            return 0
    return 1


@kernel
def _is_pivot_low(state: Any) -> int:
    """1 when the middle low is below every low on its left and not above any on its right, else 0."""
    price = state.lows[state.left]
    for k in range(state.left):
        if state.lows[k] <= price:
            return 0
    for k in range(state.left + 1, state.left + state.right + 1):
        if state.lows[k] < price:
            return 0
    return 1


# ---- swings ----------------------------------------------------------------------------------------------------
@kernel
def _exceeds(distance: int, multiple_e4: int, units: int) -> bool:
    """Is a distance in ticks more than a multiple of ATR? Exact; `units` is ATR as `atr_units`."""
    return distance * (E4 * UNITS_PER_TICK) > multiple_e4 * units


@kernel
def _reaches(distance: int, multiple_e4: int, units: int) -> bool:
    """Is a distance in ticks a multiple of ATR or more? Exact; `units` is ATR as `atr_units`."""
    return distance * (E4 * UNITS_PER_TICK) >= multiple_e4 * units


@kernel
def _place_high(state: Any, price: int, bar: int, units: int) -> None:
    """Offer a pivot high: it moves the last swing, becomes a new one, or is ignored."""
    if state.last_kind == PIVOT_HIGH:
        if price > state.swing_high:
            _count_high(state, -1)
            _set_high(state, price, bar)
        return
    # The distance is signed: a high below the last low ends no leg.
    if state.last_kind == PIVOT_LOW and not _reaches(price - state.swing_low, state.swing_min_e4, units):
        return
    state.last_kind = PIVOT_HIGH
    state.n_swings += 1
    state.previous_high = state.swing_high
    state.swing_high_fresh = 1
    _set_high(state, price, bar)


@kernel
def _place_low(state: Any, price: int, bar: int, units: int) -> None:
    """Offer a pivot low: it moves the last swing, becomes a new one, or is ignored."""
    if state.last_kind == PIVOT_LOW:
        if price < state.swing_low:
            _count_low(state, -1)
            _set_low(state, price, bar)
        return
    if state.last_kind == PIVOT_HIGH and not _reaches(state.swing_high - price, state.swing_min_e4, units):
        return
    state.last_kind = PIVOT_LOW
    state.n_swings += 1
    state.previous_low = state.swing_low
    state.swing_low_fresh = 1
    _set_low(state, price, bar)


@kernel
def _set_high(state: Any, price: int, bar: int) -> None:
    """The swing high is now here. No bar on a pivot's right is above it, so it is also the highest since its bar."""
    state.swing_high = price
    state.swing_high_bar = bar
    state.highest_since_high = price
    if state.previous_high == 0:
        state.swing_high_label = NO_LABEL
    else:
        state.swing_high_label = HIGHER if price > state.previous_high else LOWER
    _count_high(state, 1)


@kernel
def _set_low(state: Any, price: int, bar: int) -> None:
    """The swing low is now here. No bar on a pivot's right is below it, so it is also the lowest since its bar."""
    state.swing_low = price
    state.swing_low_bar = bar
    state.lowest_since_low = price
    if state.previous_low == 0:
        state.swing_low_label = NO_LABEL
    else:
        state.swing_low_label = LOWER if price < state.previous_low else HIGHER
    _count_low(state, 1)


@kernel
def _count_high(state: Any, change: int) -> None:
    """Add `change` to the count of the present high's label; a swing that moves takes its old label back first."""
    if state.swing_high_label == HIGHER:
        state.n_hh += change
    elif state.swing_high_label == LOWER:
        state.n_lh += change


@kernel
def _count_low(state: Any, change: int) -> None:
    """Add `change` to the count of the present low's label."""
    if state.swing_low_label == HIGHER:
        state.n_hl += change
    elif state.swing_low_label == LOWER:
        state.n_ll += change


@kernel
def _place_swings(state: Any, units: int) -> None:
    """Offer the pivot known at this close; a bar that is both goes first to the kind of the last swing."""
    bar = state.bars - 1 - state.right
    high = state.highs[state.left]
    low = state.lows[state.left]
    if state.last_kind == PIVOT_LOW and state.pivot == PIVOT_BOTH:
        _place_low(state, low, bar, units)
        _place_high(state, high, bar, units)
        return
    if state.pivot & PIVOT_HIGH:
        _place_high(state, high, bar, units)
    if state.pivot & PIVOT_LOW:
        _place_low(state, low, bar, units)


# ---- breaks ----------------------------------------------------------------------------------------------------
@kernel
def _event_in_bias_up(state: Any, high: int, close: int, units: int) -> int:
    """The first row of the table for bias up whose condition holds."""
    buffer = state.break_buffer_e4
    if _exceeds(state.protected - close, buffer, units):
        return CHOCH_DOWN
    if state.swing_high_fresh == 0:
        return NO_EVENT
    if _exceeds(close - state.swing_high, buffer, units):
        return BOS_CONFIRMED
    if state.potential_bar < 0 and high > state.swing_high:
        return BOS_POTENTIAL
    return NO_EVENT


@kernel
def _event_in_bias_down(state: Any, close: int, units: int) -> int:
    """The first row of the table for bias down whose condition holds."""
    buffer = state.break_buffer_e4
    if _exceeds(close - state.protected, buffer, units):
        return CHOCH_UP
    if state.swing_low_fresh == 1 and _exceeds(state.swing_low - close, buffer, units):
        return BOS_DOWN
    return NO_EVENT


@kernel
def _event_without_bias(state: Any, close: int, units: int) -> int:
    """The first row of the table for no bias whose condition holds."""
    buffer = state.break_buffer_e4
    if state.swing_low_fresh == 1 and _exceeds(state.swing_low - close, buffer, units):
        return CHOCH_DOWN
    if state.swing_high_fresh == 1 and _exceeds(close - state.swing_high, buffer, units):
        return CHOCH_UP
    return NO_EVENT


@kernel
def _event(state: Any, high: int, close: int, units: int) -> int:
    """What happened at this close; changes nothing."""
    if state.bias == BIAS_UP:
        return _event_in_bias_up(state, high, close, units)
    if state.bias == BIAS_DOWN:
        return _event_in_bias_down(state, close, units)
    return _event_without_bias(state, close, units)


@kernel
def _broken_level(state: Any, event: int) -> int:
    """The price an event is about: a change of bias breaks P, or without a bias the swing, as every BOS does."""
    if state.bias != NO_BIAS and event in (CHOCH_DOWN, CHOCH_UP):
        return int(state.protected)
    if event in (CHOCH_DOWN, BOS_DOWN):
        return int(state.swing_low)
    return int(state.swing_high)


@kernel
def _break_up(state: Any) -> None:
    """An upward break: bias up, protected by the lowest low since L; H is broken."""
    state.bias = BIAS_UP
    state.protected = state.lowest_since_low
    state.swing_high_fresh = 0
    state.potential_bar = -1


@kernel
def _break_down(state: Any) -> None:
    """A downward break: bias down, protected by the highest high since H; L is broken."""
    state.bias = BIAS_DOWN
    state.protected = state.highest_since_high
    state.swing_low_fresh = 0
    state.potential_bar = -1


@kernel
def _apply(state: Any, event: int) -> None:
    """The effect of an event, and its count."""
    if event == CHOCH_DOWN:
        state.n_choch_down += 1
        _break_down(state)
    elif event == BOS_DOWN:
        state.n_bos_down += 1
        _break_down(state)
    elif event == CHOCH_UP:
        state.n_choch_up += 1
        _break_up(state)
    elif event == BOS_CONFIRMED:
        state.n_confirmed += 1
        _break_up(state)
    elif event == BOS_POTENTIAL:
        state.n_potential += 1
        state.potential_bar = state.bars - 1


@kernel
def structure_update(state: Any, high: int, low: int, close: int, atr: float) -> int:
    """Take one closed bar (ticks, `atr` in ticks after this bar) and return its event, one of the codes above.

    `state.level` is then the price the event is about, `state.protected` and `state.bias` hold after it. While `atr`
    is NaN bars are remembered for pivots and extremes, and no swing or event is made.
    """
    state.pivot = pivot_update(state, high, low)
    state.event = NO_EVENT
    state.level = 0
    if high > state.highest_since_high:
        state.highest_since_high = high
    if low < state.lowest_since_low:
        state.lowest_since_low = low
    if atr != atr:
        return NO_EVENT
    if state.potential_bar >= 0 and state.bars - 1 - state.potential_bar > state.potential_ttl_bars:
        state.potential_bar = -1
    units = atr_units(atr)
    if state.pivot != NO_PIVOT:
        _place_swings(state, units)
    event = _event(state, high, close, units)
    if event != NO_EVENT:
        state.event = event
        state.level = _broken_level(state, event)
        _apply(state, event)
    return event


@kernel
def structure_batch(
    state: Any, highs: NDArray[Any], lows: NDArray[Any], closes: NDArray[Any], atrs: NDArray[Any], rows: Any
) -> None:
    """Feed whole columns; `rows[i]` (STRUCTURE_ROW) is what stood after bar i. All have the same length."""
    for i in range(closes.shape[0]):
        rows[i].event = structure_update(state, highs[i], lows[i], closes[i], atrs[i])
        rows[i].level = state.level
        rows[i].bias = state.bias
        rows[i].protected = state.protected


# ---- leg and pullback ------------------------------------------------------------------------------------------
@kernel
def leg_is_small(origin: int, top: int, atr: float, leg_min_e4: int) -> bool:
    """Is the leg from `origin` up to `top` (ticks) shorter than a multiple of ATR, in ten-thousandths?"""
    return not _reaches(top - origin, leg_min_e4, atr_units(atr))


@kernel
def pullback_depth(top: int, close: int) -> int:
    """Ticks from the top of the leg down to the close; not negative, as `top` is the highest high, this bar's too."""
    return top - close


@kernel
def pullback_fraction(origin: int, top: int, close: int) -> float:
    """Depth as a part of the leg, 0 at the top and 1 at the origin, for display; 1 for a leg without length."""
    if top <= origin:
        return 1.0
    return float(top - close) / float(top - origin)


@kernel
def pullback_exceeds(origin: int, top: int, close: int, fraction_e4: int) -> bool:
    """Is the pullback deeper than a fraction of the leg, in ten-thousandths? Exact. True for a leg without length."""
    return top <= origin or (top - close) * E4 > fraction_e4 * (top - origin)


@kernel
def pullback_verdict(limits: Any, origin: int, top: int, close: int, atr: float) -> int:
    """CANCELLED above the largest fraction, READY from the smallest fraction and depth in ATR, else TOO_SHALLOW.

    `origin`, `top`, `close` and `atr` in ticks, `limits` a PULLBACK record; both limits of the zone belong to it.
    """
    if pullback_exceeds(origin, top, close, limits.max_fraction_e4):
        return PULLBACK_CANCELLED
    deep_enough = _reaches(top - close, limits.min_atr_e4, atr_units(atr))
    if deep_enough and (top - close) * E4 >= limits.min_fraction_e4 * (top - origin):
        return PULLBACK_READY
    return TOO_SHALLOW
