"""The pictures of a whole run: the result as an interval, equity and drawdown, the market with fills and states."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.instrument import Instrument
from quintet.research.activity import Span
from quintet.research.charts import Axis, Plot, padded, reduce, ticks
from quintet.research.market_bars import ShownBars
from quintet.research.report_parts.axes import (
    decimals_between,
    percent_grid,
    percent_word,
    price_grid,
    time_axis,
    time_grid,
)
from quintet.research.report_parts.dates import span
from quintet.research.report_parts.languages import as_text, both, say
from quintet.research.report_parts.wording import percent, signed_percent

LANE_PX: Final = 14
ROW_PX: Final = 26
FILL_OFFSET_PX: Final = 5
"""Buys stand this far below their price and sells above, so that neither hides the other."""


# ---- interval ------------------------------------------------------------------------------------------------


def interval_picture(results: Sequence[tuple[str, float]], headline: str) -> str:
    """A row a policy: its net result, a plain fraction, as a dot; cash is zero, the interval is shaded."""
    values = [value for _, value in results]
    axis = padded([*values, 0.0], 0.14)
    rows = len(results)
    plot = Plot(axis, Axis(0, rows), ROW_PX * rows)
    plot.box(min(values), max(values), 0, plot.height, "band")
    marks = ticks(axis.low, axis.high, 5)
    for value in marks:
        plot.upright(value, "grid")
    plot.upright(0.0, "zero")
    for n, (policy, value) in enumerate(results):
        row = rows - n - 0.5
        css = "head" if policy == headline else "other"
        plot.segment(0.0, row, value, row, f"stem {css}")
        plot.dots(np.array([value]), np.array([row]), f"dot {css}")
        plot.label(value, row, signed_percent(value), f"v {'left' if value < 0 else 'right'} {css}")
    said = ", ".join(f"{name} {signed_percent(value)}" for name, value in results)
    told = as_text(both("picture.interval", results=said))
    names = "".join(f"<li{' class=head' if name == headline else ''}>{name}</li>" for name, _ in results)
    return f'<div class="ivl"><ol>{names}</ol><div>{plot.render(*told)}{_below(axis, marks)}</div></div>'


def _below(axis: Axis, values: Sequence[float]) -> str:
    decimals = decimals_between(values, 100.0)
    words = [
        f'<span style="left:{float(axis.at(value)) * 100:.2f}%">'
        f"{say('picture.cash_zero') if value == 0 else percent_word(value, decimals)}</span>"
        for value in values
    ]
    return f'<div class="xaxis" aria-hidden="true">{"".join(words)}</div>'


# ---- equity and drawdown -------------------------------------------------------------------------------------


class Curve(NamedTuple):
    """One policy's equity: time in ns UTC, and the gain since the start as a plain fraction."""

    policy: str
    ts_ns: Any
    gain: Any


def equity_picture(curves: Sequence[Curve], headline: str, stopped_ns: Sequence[int] = ()) -> str:
    """Gain since the start: the band over all policies, the headline as a line in it; when it was stopped."""
    worst = next(line for line in curves if line.policy == headline)
    x = _time_of(worst)
    plot = Plot(x, padded([0.0, *(float(each(line.gain)) for line in curves for each in (np.min, np.max))]), 210)
    time_grid(plot)
    percent_grid(plot)
    plot.area(*_band(curves, x), "band")
    plot.segment(x.low, 0.0, x.high, 0.0, "zero")
    for ts in stopped_ns:
        plot.upright(ts, "limit")
        place = float(x.at(ts))
        plot.word(place, 0.95, say("picture.kill_switch"), "wrn halo left" if place > 0.2 else "wrn halo right")
    plot.line(worst.ts_ns, worst.gain, "main")
    told = as_text(both("picture.equity", end=signed_percent(float(worst.gain[-1]))))
    return plot.render(*told, name="equity") + time_axis(x)


def _band(curves: Sequence[Curve], x: Axis) -> tuple[Any, Any, Any]:
    """Lowest and highest value over all policies, in the columns where every policy has one."""
    reduced = [reduce(line.ts_ns, line.gain, x) for line in curves]
    place = reduced[0].place
    for each in reduced[1:]:
        place = np.intersect1d(place, each.place)
    lows = np.min([each.low[np.isin(each.place, place)] for each in reduced], axis=0)
    highs = np.max([each.high[np.isin(each.place, place)] for each in reduced], axis=0)
    return place, lows, highs


def against_holding_picture(worst: Curve, ts_ns: Any, prices: Any) -> str:
    """The same line and that of holding the asset, on one scale."""
    hold = np.asarray(prices, np.float64) / float(prices[0]) - 1.0
    x = _time_of(worst)
    plot = Plot(x, padded([0.0, *(float(each(line)) for line in (hold, worst.gain) for each in (np.min, np.max))]), 110)
    time_grid(plot)
    percent_grid(plot, 3)
    plot.segment(x.low, 0.0, x.high, 0.0, "zero")
    plot.line(ts_ns, hold, "hold")
    plot.label(x.low, 0.0, say("picture.cash"), "right above-line halo")
    plot.line(worst.ts_ns, worst.gain, "main")
    told = as_text(both("picture.against", end=signed_percent(float(hold[-1]))))
    return plot.render(*told, name="against") + time_axis(x)


def drawdown_picture(ts_ns: Any, drawdown: Any) -> str:
    """How far below its highest mark equity stood, at every structure bar."""
    below = -np.asarray(drawdown, np.float64)
    x = Axis(float(ts_ns[0]), float(ts_ns[-1]))
    plot = Plot(x, Axis(min(float(below.min()) * 1.08, -1e-4), 0.0), 80)
    time_grid(plot)
    percent_grid(plot, 2)
    reduced = reduce(ts_ns, below, x)
    plot.area(reduced.place, reduced.low, np.zeros(len(reduced.place)), "fall")
    plot.line(ts_ns, below, "loss")
    told = as_text(both("picture.drawdown", deepest=percent(float(below.min()))))
    return plot.render(*told, name="drawdown") + time_axis(x)


def _time_of(line: Curve) -> Axis:
    return Axis(float(line.ts_ns[0]), float(line.ts_ns[-1]))


# ---- the market ----------------------------------------------------------------------------------------------


def market_picture(bars: ShownBars, fills: Any, instrument: Instrument) -> str:
    """Every bar's range over the whole run, a dot below it at each buy and above it at each sell."""
    unit = float(instrument.price_increment)
    x = Axis(float(bars.end_ns[0]), float(bars.end_ns[-1]))
    plot = Plot(x, padded([float(bars.low.min()) * unit, float(bars.high.max()) * unit]), 230)
    time_grid(plot)
    price_grid(plot, instrument)
    reduced = reduce(bars.end_ns, bars.low * unit, x, bars.high * unit)
    plot.area(reduced.place, reduced.low, reduced.high, "range")
    for side, offset_px in (("buy", FILL_OFFSET_PX), ("sell", -FILL_OFFSET_PX)):
        own = np.asarray(fills["side"]) == side
        plot.dots(np.asarray(fills["ts_event_ns"])[own], np.asarray(fills["price"])[own], f"dot {side}", offset_px)
    when, count = span(int(x.low), int(x.high)), len(fills["side"])
    told = as_text(both("picture.market", symbol=instrument.symbol, when=when, count=count))
    return plot.render(*told, name="market") + time_axis(x)


def lanes_picture(spans: Sequence[Span], names: Sequence[str], name: str) -> str:
    """One lane a state, marked while the system was in it; `name`: states or policies."""
    plot = Plot(Axis(float(spans[0].first_ns), float(spans[-1].last_ns)), Axis(0, len(names)), LANE_PX * len(names))
    time_grid(plot)
    for n, lane in enumerate(names):
        for each in spans:
            if each.name == lane:
                plot.box(each.first_ns, each.last_ns, n * LANE_PX + 3, LANE_PX - 6, f"lane s{lane.lower()}")
        plot.word(1.0, (n + 0.5) / len(names), lane, "ax")
    return plot.render(*as_text(both(f"picture.{name}")), name=name) + time_axis(plot.x)


def inventory_picture(ts_ns: Any, share: Any) -> str:
    """Share of equity held in the base asset, below zero when short; the farthest of each column are kept."""
    share = np.asarray(share, np.float64)
    x = Axis(float(ts_ns[0]), float(ts_ns[-1]))
    most, least = float(share.max()), min(float(share.min()), 0.0)
    plot = Plot(x, Axis(least * 1.1, max(most * 1.1, -least * 0.1, 0.01)), 56 if least == 0.0 else 84)
    time_grid(plot)
    percent_grid(plot, 2, with_sign=least < 0.0)
    reduced = reduce(ts_ns, share, x)
    plot.area(reduced.place, np.minimum(reduced.low, 0.0), np.maximum(reduced.high, 0.0), "held")
    told = as_text(both("picture.inventory", most=percent(max(most, -least), 1)))
    return plot.render(*told, name="inventory") + time_axis(x)
