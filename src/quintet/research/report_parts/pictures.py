"""The report's pictures: result as an interval, equity and drawdown, the market with fills and states, episodes."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.instrument import Instrument
from quintet.research.charts import Axis, Plot, padded, reduce, ticks
from quintet.research.report_parts.activity import Activity, Episode, Span
from quintet.research.report_parts.market_bars import ShownBars
from quintet.research.report_parts.wording import (
    DAY_NS,
    decimals_of,
    percent,
    plain,
    signed,
    signed_percent,
    span,
    utc,
)

HOUR_NS: Final = 3_600_000_000_000
LANE_PX: Final = 14


class Curve(NamedTuple):
    """One policy's equity: time in ns UTC, and the gain since the start as a plain fraction."""

    policy: str
    ts_ns: Any
    gain: Any


def curve(policy: str, samples: Any, start_quanta: int) -> Curve:
    """From SAMPLE rows."""
    gain = np.asarray(samples["equity"], np.float64) / (start_quanta or 1) - 1.0
    return Curve(policy, np.asarray(samples["ts"], np.int64), gain)


# ---- time axis -----------------------------------------------------------------------------------------------


def time_marks(first_ns: int, last_ns: int) -> list[tuple[int, str]]:
    """Round moments with their words: months, days or hours, about a dozen at most."""
    days = (last_ns - first_ns) / DAY_NS
    if days > 75:
        return _months(first_ns, last_ns, max(1, math.ceil(days / 370)))
    hours = next((each for each in (1, 2, 3, 6, 12, 24, 48, 96, 168) if days * 24 / each <= 12), 168)
    step = hours * HOUR_NS
    moments = range(-(-first_ns // step) * step, last_ns + 1, step)
    return [(ts, utc(ts, "%d %b" if hours >= 24 else "%d %b %H:%M")) for ts in moments]


def _months(first_ns: int, last_ns: int, every: int) -> list[tuple[int, str]]:
    year = datetime.fromtimestamp(first_ns // 10**9, UTC).year
    found = []
    for number in range(12 * 200):
        month = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
        ts = int(month.timestamp()) * 10**9
        if ts > last_ns:
            break
        if ts >= first_ns and number % every == 0:
            found.append((ts, f"{month:%b %Y}" if month.month == 1 else f"{month:%b}"))
    return found


def time_axis(x: Axis) -> str:
    """The words below a plot, every second of them left out on a narrow page."""
    words = []
    for n, (ts, text) in enumerate(time_marks(int(x.low), int(x.high))):
        left = float(x.at(ts)) * 100
        if left < 97:
            words.append(f'<span class="{"thin" if n % 2 else ""}" style="left:{left:.2f}%">{text}</span>')
    return f'<div class="xaxis" aria-hidden="true">{"".join(words)}</div>'


def _percent_grid(plot: Plot, count: int = 4) -> None:
    values = ticks(plot.y.low, plot.y.high, count)
    decimals = _decimals(values, 100.0)
    plot.grid(values, [signed_percent(value, decimals) if value else f"0{percent(0, 0)[1:]}" for value in values])


def _decimals(values: Sequence[float], scale: float) -> int:
    """As many decimals as keep neighbouring ticks apart."""
    if len(values) < 2:
        return 2
    step = abs(values[1] - values[0]) * scale
    return max(0, min(4, -math.floor(math.log10(step) + 1e-9) + (0 if _is_round(step) else 1)))


def _is_round(step: float) -> bool:
    lead = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
    return abs(lead - round(lead)) < 1e-6


# ---- interval ------------------------------------------------------------------------------------------------


def interval_picture(results: Sequence[tuple[str, float]], headline: str, hold_frac: float | None) -> str:
    """A row a policy: its net result as a dot on one axis, with zero (cash) marked and the interval shaded."""
    values = [value for _, value in results]
    near = hold_frac is not None and abs(hold_frac) <= 4 * max(map(abs, values))
    axis = padded([*values, 0.0, *([hold_frac] if near and hold_frac is not None else [])], 0.12)
    rows = len(results)
    plot = Plot(axis, Axis(0, rows), 26 * rows)
    low, high = min(values), max(values)
    plot.box(low, high, 0, plot.height, "band")
    for value in ticks(axis.low, axis.high, 5):
        plot.segment(value, 0, value, rows, "grid")
    plot.segment(0.0, 0, 0.0, rows, "zero")
    if near and hold_frac is not None:
        plot.segment(hold_frac, 0, hold_frac, rows, "hold")
    for n, (policy, value) in enumerate(results):
        row = rows - n - 0.5
        css = "head" if policy == headline else "other"
        plot.segment(0.0, row, value, row, f"stem {css}")
        plot.dots(np.array([value]), np.array([row]), f"dot {css}")
        side = "left" if value < 0 else "right"
        plot.label(value, row, signed_percent(value), f"v {side} {css}")
    names = "".join(f"<li{' class=head' if name == headline else ''}>{name}</li>" for name, _ in results)
    best = "".join(_under(axis, value, text) for value, text in _interval_words(axis, hold_frac if near else None))
    told = f"Net result of each fill policy: {', '.join(f'{name} {signed_percent(value)}' for name, value in results)}"
    return f'<div class="ivl"><ol>{names}</ol><div>{plot.render(told)}<div class="xaxis">{best}</div></div></div>'


def _interval_words(axis: Axis, hold_frac: float | None) -> list[tuple[float, str]]:
    values = ticks(axis.low, axis.high, 5)
    decimals = _decimals(values, 100.0)
    words = [(value, signed_percent(value, decimals)) for value in values if value != 0]
    taken = [value for value, _ in words]
    words.append((0.0, "cash 0"))
    if hold_frac is not None and all(abs(float(axis.at(hold_frac) - axis.at(value))) > 0.09 for value in [*taken, 0.0]):
        words.append((hold_frac, "hold"))
    return words


def _under(axis: Axis, value: float, text: str) -> str:
    return f'<span style="left:{float(axis.at(value)) * 100:.2f}%">{text}</span>'


# ---- equity and drawdown -------------------------------------------------------------------------------------


def equity_picture(curves: Sequence[Curve], headline: str) -> str:
    """Gain since the start: the band over all policies, the headline as a line in it."""
    x = _time_of(curves)
    y = padded([0.0, *(float(each(line.gain)) for line in curves for each in (np.min, np.max))])
    plot = Plot(x, y, 210)
    _percent_grid(plot)
    place, low, high = _band(curves, x)
    plot.area(place, low, high, "band")
    plot.segment(x.low, 0.0, x.high, 0.0, "zero")
    worst = next(line for line in curves if line.policy == headline)
    plot.line(worst.ts_ns, worst.gain, "main")
    told = f"Gain since the start, worst case {signed_percent(float(worst.gain[-1]))} at the end"
    return plot.render(told)


def _band(curves: Sequence[Curve], x: Axis) -> tuple[Any, Any, Any]:
    """Lowest and highest value over all policies, column by column, where every policy has one."""
    reduced = [reduce(line.ts_ns, line.gain, x) for line in curves]
    place = reduced[0].place
    for each in reduced[1:]:
        place = np.intersect1d(place, each.place)
    lows = np.min([each.low[np.isin(each.place, place)] for each in reduced], axis=0)
    highs = np.max([each.high[np.isin(each.place, place)] for each in reduced], axis=0)
    return place, lows, highs


def against_holding_picture(worst: Curve, price_ts_ns: Any, prices: Any) -> str:
    """The same line and that of holding the asset, on one scale."""
    hold = np.asarray(prices, np.float64) / float(prices[0]) - 1.0
    x = _time_of([worst])
    y = padded([0.0, *(float(each(line)) for line in (hold, worst.gain) for each in (np.min, np.max))])
    plot = Plot(x, y, 110)
    _percent_grid(plot, 3)
    plot.segment(x.low, 0.0, x.high, 0.0, "zero")
    plot.line(price_ts_ns, hold, "hold")
    plot.line(worst.ts_ns, worst.gain, "main")
    plot.label(float(worst.ts_ns[len(hold) // 2]), float(hold[len(hold) // 2]), "hold", "halo k")
    return plot.render(f"Against holding, which ended at {signed_percent(float(hold[-1]))}")


def drawdown_picture(ts_ns: Any, drawdown: Any) -> str:
    """How far below its highest mark equity stood, at every structure bar."""
    below = -np.asarray(drawdown, np.float64)
    x = Axis(float(ts_ns[0]), float(ts_ns[-1]))
    plot = Plot(x, Axis(min(float(below.min()) * 1.08, -1e-4), 0.0), 80)
    _percent_grid(plot, 2)
    reduced = reduce(ts_ns, below, x)
    plot.area(reduced.place, reduced.low, np.zeros(len(reduced.place)), "fall")
    plot.line(ts_ns, below, "loss")
    return plot.render(f"Drawdown, deepest {percent(float(below.min()))}") + time_axis(x)


def _time_of(curves: Sequence[Curve]) -> Axis:
    return Axis(float(curves[0].ts_ns[0]), float(curves[0].ts_ns[-1]))


# ---- the market ----------------------------------------------------------------------------------------------


def market_picture(bars: ShownBars, fills: Any, instrument: Instrument) -> str:
    """Every bar's range over the whole run, with a dot at each fill."""
    unit = float(instrument.price_increment)
    x = Axis(float(bars.end_ns[0]), float(bars.end_ns[-1]))
    plot = Plot(x, padded([float(bars.low.min()) * unit, float(bars.high.max()) * unit]), 220)
    values = ticks(plot.y.low, plot.y.high)
    decimals = min(decimals_of(instrument.price_increment), _decimals(values, 1.0))
    plot.grid(values, [plain(value, decimals) for value in values])
    reduced = reduce(bars.end_ns, bars.low * unit, x, bars.high * unit)
    plot.area(reduced.place, reduced.low, reduced.high, "range")
    for side, css in (("buy", "dot buy"), ("sell", "dot sell")):
        own = np.asarray(fills["side"]) == side
        plot.dots(np.asarray(fills["ts_event_ns"])[own], np.asarray(fills["price"])[own], css)
    told = f"Price of {instrument.symbol}, {span(int(x.low), int(x.high))}, with {len(fills['side'])} fills"
    return plot.render(told)


def lanes_picture(states: Sequence[Span], names: Sequence[str], first_ns: int, last_ns: int, told: str) -> str:
    """One lane a state, dark while the system was in it."""
    plot = Plot(Axis(float(first_ns), float(last_ns)), Axis(0, len(names)), LANE_PX * len(names))
    for n, name in enumerate(names):
        if n:
            plot.segment(plot.x.low, len(names) - n, plot.x.high, len(names) - n, "grid")
        for each in states:
            if each.name == name:
                plot.box(each.first_ns, each.last_ns, n * LANE_PX + 3, LANE_PX - 6, f"lane s{name.lower()}")
        plot.word(1.0, (n + 0.5) / len(names), name, "ax")
    return plot.render(told)


def inventory_picture(ts_ns: Any, share: Any) -> str:
    """Share of equity held in the base asset; the highest of each column is kept."""
    share = np.asarray(share, np.float64)
    x = Axis(float(ts_ns[0]), float(ts_ns[-1]))
    plot = Plot(x, Axis(0.0, max(float(share.max()) * 1.1, 0.01)), 56)
    _percent_grid(plot, 2)
    reduced = reduce(ts_ns, share, x)
    plot.area(reduced.place, np.zeros(len(reduced.place)), reduced.high, "held")
    return plot.render(f"Base asset held, at most {percent(float(share.max()), 1)} of equity") + time_axis(x)


# ---- one episode ---------------------------------------------------------------------------------------------


class Scene(NamedTuple):
    """What an episode's picture is drawn from. `orders` and `fills` are the run's tables."""

    bars: ShownBars
    orders: Any
    fills: Any
    activity: Activity
    instrument: Instrument


def episode_picture(scene: Scene, episode: Episode) -> str:
    """The bars around one episode: break, hard stop, our resting orders, fills, and the states below."""
    length = int(scene.bars.end_ns[1] - scene.bars.end_ns[0])
    first = episode.entered_ns - 30 * length
    last = max(episode.ended_ns + 10 * length, first + 80 * length)
    bars = scene.bars.between(first, last)
    unit = float(scene.instrument.price_increment)
    x = Axis(float(bars.end_ns[0] - length), float(bars.end_ns[-1]))
    plot = Plot(x, padded([float(bars.low.min()) * unit, float(bars.high.max()) * unit], 0.1), 210)
    values = ticks(plot.y.low, plot.y.high)
    decimals = min(decimals_of(scene.instrument.price_increment), _decimals(values, 1.0))
    plot.grid(values, [plain(value, decimals) for value in values])
    _candles(plot, bars, length, unit)
    _resting(plot, scene, int(x.low), int(x.high))
    _stop(plot, scene, episode, unit)
    _breaks(plot, scene, bars, unit)
    _fills(plot, scene.fills, int(x.low), int(x.high))
    states = [each for each in scene.activity.states if each.last_ns > x.low and each.first_ns < x.high]
    told = f"Episode {episode.number}, entered {utc(episode.entered_ns)}, ended by {episode.reason}"
    return plot.render(told) + _state_strip(states, x) + time_axis(x)


def _candles(plot: Plot, bars: ShownBars, length: int, unit: float) -> None:
    """Up hollow, down filled."""
    half = length * 0.32
    for end, begin, high, low, close in zip(*(column.tolist() for column in bars), strict=True):
        css = "c up" if close >= begin else "c down"
        middle = end - length / 2
        upper, lower = max(begin, close) * unit, min(begin, close) * unit
        plot.segment(middle, high * unit, middle, upper, css)
        plot.segment(middle, lower, middle, low * unit, css)
        top, bottom = (float(plot.down(value)) for value in (upper, lower))
        plot.box(middle - half, middle + half, top, max(bottom - top, 0.8), css)


def _resting(plot: Plot, scene: Scene, first_ns: int, last_ns: int) -> None:
    """A line for each resting order, from its placing to its cancel or last fill."""
    orders, fills = scene.orders, scene.fills
    ends: dict[int, int] = {}
    for number, ts in zip(np.asarray(fills["order"]).tolist(), np.asarray(fills["ts_event_ns"]).tolist(), strict=True):
        ends[number] = ts
    chosen = np.flatnonzero((np.asarray(orders["ts_ns"]) >= first_ns) & (np.asarray(orders["ts_ns"]) <= last_ns))
    placed = []
    for n in chosen.tolist():
        number, ts = int(orders["order"][n]), int(orders["ts_ns"][n])
        if orders["command"][n] == "cancel":
            ends[number] = ts
        elif orders["style"][n] not in ("stop", "ioc", "market"):
            placed.append((number, ts, float(orders["price"][n]), orders["side"][n]))
    for number, ts, price, side in placed:
        if plot.y.low < price < plot.y.high:
            plot.segment(ts, price, min(ends.get(number, last_ns), last_ns), price, f"rest {side}")


def _stop(plot: Plot, scene: Scene, episode: Episode, unit: float) -> None:
    """The hard stop, step by step as it was raised."""
    own = [stop for stop in scene.activity.stops if episode.entered_ns <= stop.ts_ns < episode.ended_ns]
    for n, stop in enumerate(own):
        until = own[n + 1].ts_ns if n + 1 < len(own) else episode.ended_ns
        if plot.y.low < stop.price * unit < plot.y.high:
            plot.segment(stop.ts_ns, stop.price * unit, until, stop.price * unit, "limit")
    if own and plot.y.low < own[0].price * unit < plot.y.high:
        plot.label(own[0].ts_ns, own[0].price * unit, "S", "wrn left halo")


def _breaks(plot: Plot, scene: Scene, bars: ShownBars, unit: float) -> None:
    """Upward breaks: a line from the high that was broken to the bar that broke it; dashed while only potential."""
    for each in scene.activity.breaks:
        if not bars.end_ns[0] <= each.ts_ns <= bars.end_ns[-1] or each.name not in ("bos_confirmed", "bos_potential"):
            continue
        before = np.flatnonzero((bars.high == each.level) & (bars.end_ns < each.ts_ns))
        begin = int(bars.end_ns[before[-1]]) if len(before) else int(plot.x.low)
        confirmed = each.name == "bos_confirmed"
        plot.segment(begin, each.level * unit, each.ts_ns, each.level * unit, "bos" if confirmed else "bos maybe")
        if confirmed:
            plot.label((begin + each.ts_ns) / 2, each.level * unit, "BOS", "above halo k")


def _fills(plot: Plot, fills: Any, first_ns: int, last_ns: int) -> None:
    """Buys point up from below, sells down from above."""
    ts = np.asarray(fills["ts_event_ns"])
    for n in np.flatnonzero((ts >= first_ns) & (ts <= last_ns)).tolist():
        buy = fills["side"][n] == "buy"
        plot.label(int(ts[n]), float(fills["price"][n]), "▲" if buy else "▼", "fill up" if buy else "fill dn")


def _state_strip(states: Sequence[Span], x: Axis) -> str:
    plot = Plot(x, Axis(0, 1), 16)
    for each in states:
        first, last = max(each.first_ns, x.low), min(each.last_ns, x.high)
        plot.box(first, last, 1, 14, f"lane s{each.name.lower()}")
        if (last - first) / (x.high - x.low) > 0.05:
            plot.label((first + last) / 2, 0.5, each.name, f"in s{each.name.lower()}")
    return plot.render("States: " + ", ".join(each.name for each in states))


def signed_money(value: float, asset: str) -> str:
    """`+12.30 USDT`."""
    return f"{signed(value)} {asset}"
