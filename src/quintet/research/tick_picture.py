"""A tick tape on one page: prices, spread, latency, messages and holes over its time, with the findings of its check.

Self-contained HTML without script or network; every drawing is reduced to the slices that the check counted.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from quintet.core.instrument import Instrument
from quintet.core.tape import TapeMeta
from quintet.research.charts import Axis, Plot, padded, ticks
from quintet.research.report_parts.wording import decimals_of, plain

if TYPE_CHECKING:
    from jinja2 import Template

    from quintet.storage.tick_check import CheckedInstrument, CheckedTape

SHOWN: Final = 6
"""Instruments that are drawn; a feed of dozens is told in a table."""

_SECOND_NS: Final = 1_000_000_000
_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_MARKS_MAX: Final = 8


class Drawn(NamedTuple):
    """One instrument: its facts and its drawings as HTML."""

    facts: "CheckedInstrument"
    instrument: Instrument
    plots: tuple[tuple[str, str], ...]
    below: str


def tick_page(checked: "CheckedTape", instruments: Sequence[Instrument], title: str, meta: TapeMeta) -> str:
    """The page as HTML. `title` names what was checked."""
    busiest = sorted(range(len(instruments)), key=lambda n: -checked.instruments[n].messages)[:SHOWN]
    drawn = [_drawn(checked, n, instruments[n]) for n in sorted(busiest)]
    return _template().render(
        checked=checked,
        title=title,
        meta=meta,
        drawn=drawn,
        moment=_moment,
        seconds=lambda ns: f"{ns / _SECOND_NS:,.3f}",
        milliseconds=lambda ns: f"{ns / 1e6:,.1f}",
        length=_length(checked.last_ns - checked.first_ns),
    )


def _drawn(checked: "CheckedTape", n: int, instrument: Instrument) -> Drawn:
    x = Axis(checked.first_ns, max(checked.last_ns, checked.first_ns + 1))
    slices = checked.slices[n]
    width = (x.high - x.low) / len(slices)
    at = x.low + (np.arange(len(slices)) + 0.5) * width
    # A slice without a message says nothing of the spread.
    known = slices.spread > 0
    plots = [
        ("best bid and ask, trades", _prices(x, at, slices, instrument)),
        (f"messages in {_length(int(width))}", _bars(x, at, slices.messages, "line", "Messages over time")),
        ("widest spread, ticks", _bars(x, at[known], slices.spread[known], "line", "Spread over time")),
    ]
    if checked.instruments[n].latency_max_ns or checked.instruments[n].latency_min_ns:
        plots.append(("receive time less venue time, ms", _latency(x, at, slices)))
    return Drawn(checked.instruments[n], instrument, tuple(plots), _time_axis(x))


def _prices(x: Axis, at: Any, slices: Any, instrument: Instrument) -> str:
    """Best prices as two lines, the range of trades as a field behind them; what is wrong is marked in red."""
    increment = float(instrument.price_increment)
    known = (slices.bid > 0) & (slices.ask > 0)
    traded = slices.high > 0
    values = [
        float(part.min() if lowest else part.max()) * increment
        for part, lowest in (
            (slices.bid[known], True), (slices.ask[known], False),
            (slices.low[traded], True), (slices.high[traded], False),
        )
        if len(part)
    ]  # fmt: skip
    if not values:
        return ""
    plot = Plot(x, padded(values), 240)
    _hairlines(plot)
    _price_grid(plot, instrument)
    for moment, low, high in zip(at[traded], slices.low[traded], slices.high[traded], strict=True):
        plot.segment(moment, low * increment, moment, high * increment, "trades")
    plot.line(at[known], slices.bid[known] * increment, "bid")
    plot.line(at[known], slices.ask[known] * increment, "ask")
    half = (at[1] - at[0]) / 2
    for moment in at[slices.crossed > 0]:
        plot.box(moment - half, moment + half, 0, plot.height, "crossed")
    for moment in at[slices.gaps > 0]:
        plot.upright(moment, "gap")
    return plot.render(f"Best bid and ask of {instrument.symbol} over time, with its trades")


def _price_grid(plot: Plot, instrument: Instrument) -> None:
    """Hairlines at round prices, told with as many decimals as tell them apart."""
    values = ticks(plot.y.low, plot.y.high)
    finest = decimals_of(instrument.price_increment)
    step = values[1] - values[0] if len(values) > 1 else 1.0
    decimals = next((n for n in range(finest) if abs(step * 10.0**n - round(step * 10.0**n)) < 1e-6), finest)
    plot.grid(values, [plain(value, decimals) for value in values])


def _bars(x: Axis, at: Any, values: Any, css: str, told: str) -> str:
    """A number for each slice as a line above zero."""
    if not values.any():
        return ""
    plot = Plot(x, Axis(0.0, float(values.max()) * 1.1), 90)
    _hairlines(plot)
    marks = ticks(plot.y.low, plot.y.high, 2)
    plot.grid(marks, [f"{value:,.0f}" for value in marks])
    plot.line(at, values.astype(np.float64), css)
    return plot.render(told)


def _latency(x: Axis, at: Any, slices: Any) -> str:
    known = slices.measured > 0
    if not known.any():
        return ""
    mean_ms = slices.latency_us[known] / slices.measured[known] / 1000.0
    plot = Plot(x, padded([float(mean_ms.min()), float(mean_ms.max())]), 90)
    _hairlines(plot)
    marks = ticks(plot.y.low, plot.y.high, 3)
    plot.grid(marks, [f"{value:,.0f}" for value in marks])
    plot.line(at[known], mean_ms, "line")
    return plot.render("Mean latency over time; below zero the two clocks do not agree")


# ---- time ------------------------------------------------------------------------------------------------------------


def _marks(x: Axis) -> list[int]:
    """Round moments in ns, about half a dozen."""
    length_s = (x.high - x.low) / _SECOND_NS
    step = next((each for each in _STEPS_S if length_s / each <= _MARKS_MAX), _STEPS_S[-1]) * _SECOND_NS
    return list(range(-(-int(x.low) // step) * step, int(x.high) + 1, step))


def _hairlines(plot: Plot) -> None:
    for moment in _marks(plot.x):
        plot.upright(moment, "grid")


def _time_axis(x: Axis) -> str:
    words = [
        f'<span style="left:{place * 100:.2f}%">{datetime.fromtimestamp(moment // _SECOND_NS, UTC):%H:%M:%S}</span>'
        for moment in _marks(x)
        if 0.03 < (place := float(x.at(moment))) < 0.97
    ]
    return f'<div class="xaxis" aria-hidden="true">{"".join(words)}</div>'


def _moment(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // _SECOND_NS, UTC):%Y-%m-%d %H:%M:%S}.{ns // 1_000_000 % 1000:03d}"


def _length(ns: int) -> str:
    """A span in the largest unit that leaves a number above one."""
    for unit, size in (("h", 3600 * _SECOND_NS), ("min", 60 * _SECOND_NS), ("s", _SECOND_NS)):
        if ns >= 2 * size:
            return f"{ns / size:,.1f} {unit}"
    return f"{ns / 1e6:,.0f} ms"


@cache
def _template() -> "Template":
    from quintet.research.report_parts.environment import page_environment

    return page_environment().get_template("ticks.html.j2")
