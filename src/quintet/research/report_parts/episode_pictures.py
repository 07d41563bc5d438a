"""One episode from near: bars, the break that armed it, the hard stop, our resting orders, fills, states."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import LIMIT, POST_ONLY, STYLE_NAMES
from quintet.research.activity import Activity, Episode, Span
from quintet.research.charts import Axis, Plot, padded
from quintet.research.market_bars import ShownBars
from quintet.research.report_parts.axes import price_grid, time_axis
from quintet.research.report_parts.dates import moment
from quintet.research.report_parts.languages import as_text, both
from quintet.systems.structure_mm.records import TAGS_PER_EPISODE

BARS_BEFORE: Final = 30
BARS_AFTER: Final = 10
BARS_MIN: Final = 80
RESTING_STYLES: Final = (STYLE_NAMES[POST_ONLY], STYLE_NAMES[LIMIT])
NAMED_SHARE: Final = 0.05
"""A state is named in the strip when it takes at least this share of the width."""


class Scene(NamedTuple):
    """What an episode's picture is drawn from. `orders` and `fills` are the run's tables; `length_ns`: of a bar."""

    bars: ShownBars
    length_ns: int
    orders: Mapping[str, Any]
    fills: Mapping[str, Any]
    activity: Activity
    instrument: Instrument

    @property
    def unit(self) -> float:
        """One price increment in the quote asset."""
        return float(self.instrument.price_increment)


def chosen(episodes: Sequence[Episode]) -> dict[str, Episode]:
    """The median, the worst and the best episode that traded, by result: chosen by rule and not by eye."""
    traded = sorted((each for each in episodes if each.fills), key=lambda each: (each.quanta, each.number))
    if len(traded) < 3:
        return {f"{number}. of {len(traded)}": each for number, each in enumerate(traded, start=1)}
    return {"median": traded[len(traded) // 2], "worst": traded[0], "best": traded[-1]}


def episode_picture(scene: Scene, episode: Episode) -> str:
    """The bars around one episode and what we did among them."""
    first = episode.entered_ns - BARS_BEFORE * scene.length_ns
    last = max(episode.ended_ns + BARS_AFTER * scene.length_ns, first + BARS_MIN * scene.length_ns)
    bars = scene.bars.between(first, last)
    lowest, highest = float(bars.low.min()) * scene.unit, float(bars.high.max()) * scene.unit
    plot = Plot(Axis(float(bars.end_ns[0] - scene.length_ns), float(bars.end_ns[-1])), padded([lowest, highest]), 210)
    price_grid(plot, scene.instrument)
    _draw_candles(plot, scene, bars)
    _draw_resting(plot, scene)
    _draw_stop(plot, scene, episode)
    _draw_breaks(plot, scene, bars)
    _draw_fills(plot, scene)
    when, reason = moment(episode.entered_ns), episode.reason
    told = as_text(both("picture.episode", number=str(episode.number), when=when, reason=reason))
    return plot.render(*told) + _state_strip(scene.activity.states, plot.x) + time_axis(plot.x)


def _draw_candles(plot: Plot, scene: Scene, bars: ShownBars) -> None:
    """Up hollow, down filled."""
    half = scene.length_ns * 0.32
    for end, begin, high, low, close in zip(*(column.tolist() for column in bars), strict=True):
        css = "c up" if close >= begin else "c down"
        middle = end - scene.length_ns / 2
        upper, lower = max(begin, close) * scene.unit, min(begin, close) * scene.unit
        plot.segment(middle, high * scene.unit, middle, upper, css)
        plot.segment(middle, lower, middle, low * scene.unit, css)
        top, bottom = (float(plot.down(value)) for value in (upper, lower))
        plot.box(middle - half, middle + half, top, max(bottom - top, 0.8), css)


def _draw_resting(plot: Plot, scene: Scene) -> None:
    """A line for each resting order, from its placing to its cancel or its last fill."""
    ends, orders = _order_ends(scene), scene.orders
    episodes_end = {each.number: each.ended_ns for each in scene.activity.episodes}
    ts = np.asarray(orders["ts_ns"])
    for n in np.flatnonzero((ts >= plot.x.low) & (ts <= plot.x.high)).tolist():
        price = float(orders["price"][n])
        rests = orders["command"][n] == "place" and orders["style"][n] in RESTING_STYLES
        if rests and plot.y.low < price < plot.y.high:
            # A hard stop takes the asks back by itself, without a command: none outlives its episode.
            ended = episodes_end.get(int(orders["tag"][n]) // TAGS_PER_EPISODE, plot.x.high)
            until = min(ends.get(int(orders["order"][n]), plot.x.high), ended, plot.x.high)
            plot.segment(int(ts[n]), price, until, price, f"rest {orders['side'][n]}")


def _order_ends(scene: Scene) -> dict[int, int]:
    """When each order was cancelled or, for want of that, last filled; ns UTC by order number."""
    fills, orders = scene.fills, scene.orders
    ends = dict(zip(np.asarray(fills["order"]).tolist(), np.asarray(fills["ts_event_ns"]).tolist(), strict=True))
    cancels = np.flatnonzero(np.asarray(orders["command"]) == "cancel")
    numbers, times = (np.asarray(orders[name])[cancels].tolist() for name in ("order", "ts_ns"))
    return ends | dict(zip(numbers, times, strict=True))


def _draw_stop(plot: Plot, scene: Scene, episode: Episode) -> None:
    """The hard stop, step by step as it was raised."""
    own = [stop for stop in scene.activity.stops if episode.entered_ns <= stop.ts_ns < episode.ended_ns]
    ends = [*(stop.ts_ns for stop in own[1:]), episode.ended_ns]
    for n, (stop, until) in enumerate(zip(own, ends, strict=bool(own))):
        price = stop.price * scene.unit
        if plot.y.low < price < plot.y.high:
            plot.segment(stop.ts_ns, price, until, price, "limit")
            if n == 0:
                plot.label(stop.ts_ns, price, "S", "wrn left halo")


def _draw_breaks(plot: Plot, scene: Scene, bars: ShownBars) -> None:
    """Upward breaks: a line from the high that was broken to the bar that broke it; dashed while only potential."""
    for each in scene.activity.breaks:
        if not bars.end_ns[0] <= each.ts_ns <= bars.end_ns[-1] or each.name not in ("bos_confirmed", "bos_potential"):
            continue
        before = np.flatnonzero((bars.high == each.level) & (bars.end_ns < each.ts_ns))
        begin = int(bars.end_ns[before[-1]]) if len(before) else int(plot.x.low)
        price = each.level * scene.unit
        confirmed = each.name == "bos_confirmed"
        plot.segment(begin, price, each.ts_ns, price, "bos" if confirmed else "bos maybe")
        if confirmed:
            plot.label((begin + each.ts_ns) / 2, price, "BOS", "above halo k")


def _draw_fills(plot: Plot, scene: Scene) -> None:
    """Buys point up from below, sells down from above, in the middle of the bar they fell into."""
    fills, length = scene.fills, scene.length_ns
    ts = np.asarray(fills["ts_event_ns"])
    for n in np.flatnonzero((ts > plot.x.low) & (ts <= plot.x.high)).tolist():
        middle = (int(ts[n]) - 1) // length * length + length // 2
        is_buy = fills["side"][n] == "buy"
        plot.label(middle, float(fills["price"][n]), "▲" if is_buy else "▼", "fill up" if is_buy else "fill dn")


def _state_strip(states: Sequence[Span], x: Axis) -> str:
    """One band of named stretches below the bars."""
    plot = Plot(x, Axis(0, 1), 16)
    inside = [each for each in states if each.last_ns > x.low and each.first_ns < x.high]
    for each in inside:
        first, last = max(each.first_ns, x.low), min(each.last_ns, x.high)
        plot.box(first, last, 1, 14, f"lane s{each.name.lower()}")
        if (last - first) / (x.high - x.low) > NAMED_SHARE:
            plot.label((first + last) / 2, 0.5, each.name, f"in s{each.name.lower()}")
    return plot.render(*as_text(both("picture.state_strip", names=", ".join(each.name for each in inside))))
