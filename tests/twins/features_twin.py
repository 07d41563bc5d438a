"""The features once more, from their definitions: lists, slices and fractions, slow and written to be believed."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Bar:
    high: int
    low: int
    close: int


# ---- averages ----------------------------------------------------------------------------------------------------
def sma(values: list[int], n: int) -> list[float]:
    return [math.nan if t + 1 < n else sum(values[t + 1 - n : t + 1]) / n for t in range(len(values))]


def ema(values: list[float], weight: float) -> list[float]:
    averages = [float(values[0])]
    for value in values[1:]:
        averages.append((1.0 - weight) * averages[-1] + weight * value)
    return averages


def wilder(values: list[float], n: int) -> list[float]:
    if len(values) < n:
        return [math.nan] * len(values)
    averages = [math.nan] * (n - 1) + [sum(values[:n]) / n]
    for value in values[n:]:
        averages.append(((n - 1) * averages[-1] + value) / n)
    return averages


# ---- true range, directional movement ----------------------------------------------------------------------------
def true_ranges(bars: list[Bar]) -> list[int]:
    """One per bar that has a predecessor."""
    return [
        max(bar.high - bar.low, abs(bar.high - before.close), abs(bar.low - before.close))
        for before, bar in zip(bars, bars[1:], strict=False)
    ]


def atr(bars: list[Bar], n: int) -> list[float]:
    return [math.nan, *wilder([float(r) for r in true_ranges(bars)], n)]


def atr_ema(bars: list[Bar], n: int) -> list[float]:
    return ema([float(bars[0].high - bars[0].low), *map(float, true_ranges(bars))], 1.0 / n)


def movements(bars: list[Bar]) -> tuple[list[float], list[float]]:
    """Upwards and downwards, one pair per bar that has a predecessor; at most one of the two is not zero."""
    ups, downs = [], []
    for before, bar in zip(bars, bars[1:], strict=False):
        rise, fall = bar.high - before.high, before.low - bar.low
        ups.append(float(rise) if rise > max(fall, 0) else 0.0)
        downs.append(float(fall) if fall > max(rise, 0) else 0.0)
    return ups, downs


def dx(plus: float, minus: float) -> float:
    return 0.0 if plus + minus == 0.0 else 100.0 * abs(plus - minus) / (plus + minus)


def adx(bars: list[Bar], n: int) -> list[float]:
    ups, downs = movements(bars)
    plus, minus = wilder(ups, n), wilder(downs, n)
    known = [dx(p, m) for p, m in zip(plus, minus, strict=True) if not math.isnan(p)]
    return [math.nan] * (len(bars) - len(known)) + wilder(known, n)


def adx_ema(bars: list[Bar], n: int) -> list[float]:
    ups, downs = movements(bars)
    plus, minus = ema([0.0, *ups], 1.0 / n), ema([0.0, *downs], 1.0 / n)
    return ema([dx(p, m) for p, m in zip(plus, minus, strict=True)], 1.0 / n)


# ---- windows -----------------------------------------------------------------------------------------------------
def windows(values: list[Value], n: int) -> list[list[Value]]:
    """The last n values after each one; empty while there are fewer."""
    return [values[t + 1 - n : t + 1] if t + 1 >= n else [] for t in range(len(values))]


def wma(values: list[int], n: int) -> list[float]:
    weights = range(1, n + 1)
    return [
        float(Fraction(sum(w * v for w, v in zip(weights, window, strict=True)), sum(weights))) if window else math.nan
        for window in windows(values, n)
    ]


def variance(values: list[int]) -> Fraction:
    """About the mean, divided by n; exact."""
    mean = Fraction(sum(values), len(values))
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / len(values)


def deviation(values: list[int], n: int) -> list[float]:
    return [math.sqrt(variance(window)) if window else math.nan for window in windows(values, n)]


def highest(values: list[int], n: int) -> list[float]:
    return [float(max(window)) if window else math.nan for window in windows(values, n)]


def exact_sum(values: list[float]) -> float:
    return float(sum((Fraction(value) for value in values), Fraction(0)))


def window_sum(values: list[float], n: int) -> list[float]:
    return [exact_sum(window) if window else math.nan for window in windows(values, n)]


def sample_deviation(values: list[float], n: int) -> list[float]:
    found = []
    for window in windows([Fraction(value) for value in values], n):
        mean = sum(window, Fraction(0)) / n
        squares = sum(((value - mean) ** 2 for value in window), Fraction(0))
        found.append(math.sqrt(squares / (n - 1)) if window else math.nan)
    return found


def rank(values: list[float], n: int) -> list[float]:
    found = []
    for t, value in enumerate(values):
        before = values[t - n : t]
        lower = sum(other < value for other in before) + sum(other <= value for other in before)
        found.append(50.0 * lower / n if t >= n else math.nan)
    return found


# ---- price and volume ----------------------------------------------------------------------------------------------
def vwma(closes: list[int], volumes: list[int], n: int) -> list[float]:
    found = []
    for window in windows(list(zip(closes, volumes, strict=True)), n):
        traded = sum(v for _, v in window)
        if traded:
            found.append(float(Fraction(sum(c * v for c, v in window), traded)))
        else:
            found.append(sum(c for c, _ in window) / n if window else math.nan)
    return found


def cmf(bars: list[Bar], volumes: list[int], n: int) -> list[float]:
    flows = [
        Fraction((bar.close - bar.low) - (bar.high - bar.close), bar.high - bar.low) * volume
        if bar.high > bar.low
        else Fraction(0)
        for bar, volume in zip(bars, volumes, strict=True)
    ]
    found = []
    for flow, traded in zip(windows(flows, n), windows(volumes, n), strict=True):
        found.append((float(sum(flow) / sum(traded)) if sum(traded) else 0.0) if flow else math.nan)
    return found


def mfi(bars: list[Bar], volumes: list[int], n: int) -> list[float]:
    totals = [bar.high + bar.low + bar.close for bar in bars]
    flows = [
        ((now > before) - (now < before)) * now * volume
        for before, now, volume in zip(totals, totals[1:], volumes[1:], strict=False)
    ]
    found = [math.nan]
    for window in windows(flows, n):
        came, went = sum(f for f in window if f > 0), -sum(f for f in window if f < 0)
        share = Fraction(came, came + went) if came + went else Fraction(1, 2)
        found.append(float(100 * share) if window else math.nan)
    return found


# ---- trailing stops ------------------------------------------------------------------------------------------------
def supertrend(bars: list[Bar], n: int, multiple: float) -> list[tuple[float, int]]:
    """Bands from all bars first, then the walk along them: line and side, NaN and 0 where there is none."""
    reaches = atr(bars, n)
    found: list[tuple[float, int]] = []
    upper = lower = math.inf
    side = 0
    for t, bar in enumerate(bars):
        if math.isnan(reaches[t]):
            found.append((math.nan, 0))
            continue
        far_up = (bar.high + bar.low) / 2 + multiple * reaches[t]
        far_down = (bar.high + bar.low) / 2 - multiple * reaches[t]
        if side == 0:
            side, upper, lower = -1, far_up, far_down
        else:
            upper = far_up if bars[t - 1].close > upper else min(upper, far_up)
            lower = far_down if bars[t - 1].close < lower else max(lower, far_down)
        if side > 0:
            side = -1 if bar.close < lower else 1
        else:
            side = 1 if bar.close > upper else -1
        found.append((lower if side > 0 else upper, side))
    return found


# ---- sessions ------------------------------------------------------------------------------------------------------
def sessions(begins_ns: list[int], session_ns: int) -> list[list[int]]:
    """Numbers of the bars of each session; the first is left out when its beginning was not seen."""
    found: dict[int, list[int]] = {}
    for t, begin in enumerate(begins_ns):
        found.setdefault(begin // session_ns, []).append(t)
    days = list(found.values())
    return days if begins_ns[0] % session_ns == 0 else [[], *days[1:]]


def vwap(bars: list[Bar], volumes: list[int], days: list[list[int]]) -> dict[int, tuple[float, float]]:
    """VWAP and deviation at each bar of a whole session, once something was traded; each from its own definition."""
    found = {}
    for day in days:
        for last in day:
            known = [t for t in day if t <= last and volumes[t] > 0]
            if not known:
                continue
            price = {t: Fraction(bars[t].high + bars[t].low + bars[t].close, 3) for t in known}
            traded = sum(volumes[t] for t in known)
            mean = sum((price[t] * volumes[t] for t in known), Fraction(0)) / traded
            spread = sum((volumes[t] * (price[t] - mean) ** 2 for t in known), Fraction(0)) / traded
            found[last] = (float(mean), math.sqrt(spread))
    return found


def day_before(bars: list[Bar], days: list[list[int]]) -> dict[int, Bar]:
    """High, low and close of the session before, for each bar that has a whole one before it."""
    found = {}
    for before, day in zip(days, days[1:], strict=False):
        if before:
            high, low = max(bars[t].high for t in before), min(bars[t].low for t in before)
            found.update(dict.fromkeys(day, Bar(high, low, bars[before[-1]].close)))
    return found


# ---- structure ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Rules:
    left: int = 3
    right: int = 3
    swing_min_atr: Fraction = Fraction(3)
    break_buffer_atr: Fraction = Fraction(1, 10)
    potential_ttl_bars: int = 12


@dataclass
class Swing:
    kind: str
    price: int
    bar: int
    fresh: bool = True


@dataclass
class Structure:
    """What stood after the last bar, and every event: (bar, event, level)."""

    swings: list[Swing] = field(default_factory=list)
    events: list[tuple[int, str, int]] = field(default_factory=list)
    bias: str = "none"
    protected: int = 0
    rows: list[tuple[str, int, str, int]] = field(default_factory=list)

    def last(self, kind: str) -> Swing | None:
        return next((swing for swing in reversed(self.swings) if swing.kind == kind), None)


def is_pivot_high(highs: list[int], i: int, rules: Rules) -> bool:
    left, right = highs[i - rules.left : i], highs[i + 1 : i + 1 + rules.right]
    return highs[i] > max(left) and highs[i] >= max(right)


def is_pivot_low(lows: list[int], i: int, rules: Rules) -> bool:
    return is_pivot_high([-low for low in lows], i, rules)


def exact_atr(atr: float) -> Fraction:
    """ATR to the nearest 1/1024 tick: the value that decisions compare."""
    return Fraction(math.floor(atr * 1024.0 + 0.5), 1024)


def place(found: Structure, kind: str, price: int, bar: int, least: Fraction) -> None:
    """Rules 1 to 3 of section 3.2."""
    outwards = 1 if kind == "high" else -1
    last = found.swings[-1] if found.swings else None
    if last is not None and last.kind == kind:
        if outwards * (price - last.price) > 0:
            last.price, last.bar = price, bar
    elif last is None or outwards * (price - last.price) >= least:
        found.swings.append(Swing(kind, price, bar))


def structure(bars: list[Bar], atrs: list[float], rules: Rules) -> Structure:
    """Every bar judged from the whole history before it, in the order of sections 3.2 and 3.3."""
    found = Structure()
    for t in range(len(bars)):
        event, level = "none", 0
        if not math.isnan(atrs[t]):
            take_pivots(found, bars[: t + 1], exact_atr(atrs[t]), rules)
            event, level = judge(found, bars[: t + 1], exact_atr(atrs[t]), rules)
            apply(found, bars[: t + 1], event)
        if event != "none":
            found.events.append((t, event, level))
        found.rows.append((event, level, found.bias, found.protected))
    return found


def take_pivots(found: Structure, bars: list[Bar], atr: Fraction, rules: Rules) -> None:
    i = len(bars) - 1 - rules.right
    if i < rules.left:
        return
    order = ["high", "low"]
    # Rule 4: the kind of the last swing first.
    if found.swings and found.swings[-1].kind == "low":
        order = ["low", "high"]
    is_pivot = {
        "high": is_pivot_high([bar.high for bar in bars], i, rules),
        "low": is_pivot_low([bar.low for bar in bars], i, rules),
    }
    price = {"high": bars[i].high, "low": bars[i].low}
    for kind in order:
        if is_pivot[kind]:
            place(found, kind, price[kind], i, rules.swing_min_atr * atr)


def judge(found: Structure, bars: list[Bar], atr: Fraction, rules: Rules) -> tuple[str, int]:
    """Section 3.3, row by row; the first whose condition holds."""
    bar = bars[-1]
    b = rules.break_buffer_atr * atr
    H, L, P = found.last("high"), found.last("low"), found.protected
    above_H = H is not None and H.fresh and bar.close > H.price + b
    below_L = L is not None and L.fresh and bar.close < L.price - b
    if found.bias == "up" and bar.close < P - b:
        return "choch_down", P
    if found.bias == "none" and L is not None and below_L:
        return "choch_down", L.price
    if found.bias == "up" and H is not None and above_H:
        return "bos_confirmed", H.price
    if found.bias == "none" and H is not None and above_H:
        return "choch_up", H.price
    pierced = H is not None and H.fresh and bar.high > H.price
    if found.bias == "up" and H is not None and pierced and not potential_lives(found, len(bars) - 1, rules):
        return "bos_potential", H.price
    if found.bias == "down" and bar.close > P + b:
        return "choch_up", P
    if found.bias == "down" and L is not None and below_L:
        return "bos_down", L.price
    return "none", 0


def potential_lives(found: Structure, t: int, rules: Rules) -> bool:
    """The last event is a potential break and at most `potential_ttl_bars` bars old."""
    if not found.events:
        return False
    bar, event, _ = found.events[-1]
    return event == "bos_potential" and t - bar <= rules.potential_ttl_bars


def apply(found: Structure, bars: list[Bar], event: str) -> None:
    H, L = found.last("high"), found.last("low")
    if event in ("choch_down", "bos_down"):
        found.bias = "down"
        found.protected = max(bar.high for bar in bars[H.bar if H else 0 :])
        if L:
            L.fresh = False
    if event in ("bos_confirmed", "choch_up"):
        found.bias = "up"
        found.protected = min(bar.low for bar in bars[L.bar if L else 0 :])
        if H:
            H.fresh = False


def labels(found: Structure) -> dict[str, int]:
    """How many swings of each label, from the finished list: the first of each kind has none."""
    count = {"HH": 0, "LH": 0, "HL": 0, "LL": 0}
    highs = [swing.price for swing in found.swings if swing.kind == "high"]
    lows = [swing.price for swing in found.swings if swing.kind == "low"]
    for before, price in zip(highs, highs[1:], strict=False):
        count["HH" if price > before else "LH"] += 1
    for before, price in zip(lows, lows[1:], strict=False):
        count["LL" if price < before else "HL"] += 1
    return count


# ---- pullback ----------------------------------------------------------------------------------------------------
def pullback(
    origin: int, top: int, close: int, atr: float, least_atr: Fraction, zone: tuple[Fraction, Fraction]
) -> str:
    depth = top - close
    fraction = Fraction(depth, top - origin) if top > origin else Fraction(2)
    if fraction > zone[1]:
        return "cancelled"
    return "ready" if depth >= least_atr * exact_atr(atr) and fraction >= zone[0] else "too_shallow"
