"""Small drawings as inline SVG: no script, no network, any width, both themes.

A plot is drawn in a box of 1000 units by its height and stretched to the width of the page; strokes keep their width,
and text stands beside it as HTML, so that a phone shows the same letters as a desk. Colours are names of CSS classes.

A long series is reduced to one column a unit by first, lowest, highest, last: the worst point is never averaged away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from markupsafe import escape

WIDTH: Final = 1000
"""Units across a plot, and the number of columns a long series is reduced to."""

_GAP_FACTOR: Final = 5.0
"""A line is broken where points lie further apart than this many usual distances."""


class Axis(NamedTuple):
    """From a value to a fraction of the plot's length."""

    low: float
    high: float

    def at(self, value: Any) -> Any:
        """0 at `low`, 1 at `high`; numbers or arrays."""
        return (np.asarray(value, np.float64) - self.low) / ((self.high - self.low) or 1.0)


class Columns(NamedTuple):
    """A series reduced to columns: the place of each in units, and what the series did inside it."""

    place: Any
    first: Any
    low: Any
    high: Any
    last: Any
    follows_gap: Any


def reduce(x: Any, y: Any, axis: Axis, high: Any = None) -> Columns:
    """One row a unit of width: first, lowest, highest and last value; with `high`, the highest is of that series.

    `x` ascending, lengths equal and above 0. A column that follows a gap in `x` is marked.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    top = y if high is None else np.asarray(high, np.float64)
    column = np.clip((axis.at(x) * WIDTH).astype(np.int64), 0, WIDTH - 1)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    ends = np.append(starts[1:], len(x)) - 1
    step = np.diff(x, prepend=x[0])
    usual = float(np.median(step[1:])) if len(x) > 2 else math.inf
    gaps = step[starts] > usual * _GAP_FACTOR
    return Columns(
        column[starts] + 0.5,
        y[starts],
        np.minimum.reduceat(y, starts),
        np.maximum.reduceat(top, starts),
        y[ends],
        gaps,
    )


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values inside a range, about `count` of them; empty for an empty range."""
    width = high - low
    if not math.isfinite(width) or width <= 0:
        return []
    size = 10.0 ** math.floor(math.log10(width / count))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= width / count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def padded(values: Sequence[float], share: float = 0.06) -> Axis:
    """An axis over all values with a little air; never empty."""
    low, high = min(values), max(values)
    air = (high - low) * share or abs(high) * share or 1.0
    return Axis(low - air, high + air)


@dataclass
class Plot:
    """One drawing. `x` and `y` are its axes, `height` its height in CSS pixels; marks pile up in the order drawn."""

    x: Axis
    y: Axis
    height: int
    marks: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def across(self, value: Any) -> Any:
        """Units from the left."""
        return self.x.at(value) * WIDTH

    def down(self, value: Any) -> Any:
        """Pixels from the top."""
        return (1.0 - self.y.at(value)) * self.height

    def line(self, x: Any, y: Any, css: str) -> None:
        """A series as a line; long ones reduced, gaps left open."""
        if len(x) == 0:
            return
        self.marks.append(f'<path class="{css}" d="{self._points(x, y) if len(x) <= WIDTH else self._reduced(x, y)}"/>')

    def _points(self, x: Any, y: Any) -> str:
        places = zip(self.across(x), self.down(y), strict=True)
        return "M" + "L".join(f"{left:.1f} {top:.1f}" for left, top in places)

    def _reduced(self, x: Any, y: Any) -> str:
        reduced = reduce(x, y, self.x)
        first, low, high, last = (self.down(part) for part in reduced[1:5])
        pieces = []
        for n, place in enumerate(reduced.place):
            begin = "M" if n == 0 or reduced.follows_gap[n] else "L"
            pieces.append(f"{begin}{place:.1f} {first[n]:.1f}V{low[n]:.1f}V{high[n]:.1f}V{last[n]:.1f}")
        return "".join(pieces)

    def area(self, place: Any, low: Any, high: Any, css: str) -> None:
        """A field between two series at places given in units."""
        if len(place) == 0:
            return
        up = [f"{left:.1f} {top:.1f}" for left, top in zip(place, self.down(high), strict=True)]
        back = [f"{left:.1f} {top:.1f}" for left, top in zip(place, self.down(low), strict=True)]
        self.marks.append(f'<path class="{css}" d="M{"L".join(up + back[::-1])}Z"/>')

    def dots(self, x: Any, y: Any, css: str, lower_px: int = 0) -> None:
        """Round dots, those on the same pixel once; `lower_px` below their value."""
        places = {
            (round(float(left)), round(float(top))) for left, top in zip(self.across(x), self.down(y), strict=True)
        }
        if places:
            # A path of no length has no round ends on paper.
            path = "".join(f"M{left} {top + lower_px}h.01" for left, top in sorted(places))
            self.marks.append(f'<path class="{css}" d="{path}"/>')

    def segment(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        """One straight line."""
        places = (
            f'x1="{self.across(x1):.1f}" y1="{self.down(y1):.1f}" x2="{self.across(x2):.1f}" y2="{self.down(y2):.1f}"'
        )
        self.marks.append(f'<line class="{css}" {places}/>')

    def box(self, x1: float, x2: float, top_px: float, height_px: float, css: str) -> None:
        """A filled box over a part of the x axis, at least half a unit wide, so that a short state can be seen."""
        left, right = (float(each) for each in np.clip(self.across(np.array([x1, x2])), 0, WIDTH))
        size = f'width="{max(right - left, 0.5):.1f}" height="{height_px:.1f}"'
        self.marks.append(f'<rect class="{css}" x="{left:.1f}" y="{top_px:.1f}" {size}/>')

    def label(self, x: float, y: float, text: str, css: str = "") -> None:
        """Words at a place of the plot."""
        self.word(float(self.x.at(x)), float(1.0 - self.y.at(y)), text, css)

    def word(self, left: float, top: float, text: str, css: str = "") -> None:
        """Words at fractions of the plot's width and height; markup is left as it is."""
        place = f"left:{left * 100:.2f}%;top:{top * 100:.2f}%"
        self.words.append(f'<span class="{css}" style="{place}">{escape(text)}</span>')

    def grid(self, values: Sequence[float], texts: Sequence[str]) -> None:
        """Hairlines with their values on the right."""
        for value, text in zip(values, texts, strict=True):
            self.segment(self.x.low, value, self.x.high, value, "grid")
            self.label(self.x.high, value, text, "ax")

    def upright(self, x: float, css: str) -> None:
        """A line from top to bottom."""
        self.segment(x, self.y.low, x, self.y.high, css)

    def render(self, label: str, russian: str = "", name: str = "") -> str:
        """The figure as HTML; `label` says in a sentence what it shows, and in Russian; a script finds it by `name`."""
        svg = f'<svg viewBox="0 0 {WIDTH} {self.height}" preserveAspectRatio="none" aria-hidden="true">'
        told = f'aria-label="{escape(label)}"' + (f' data-ru="{escape(russian)}"' if russian else "")
        found = f' data-plot="{name}"' if name else ""
        return (
            f'<div class="plot" role="img"{found} {told} style="height:{self.height}px">'
            f'{svg}{"".join(self.marks)}</svg><div aria-hidden="true">{"".join(self.words)}</div></div>'
        )
