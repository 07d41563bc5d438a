"""Drawings of a sweep: where in the grid it was good (heat maps), which values the good sets share (parallel lines).

One scale for both: the darker blue, the further above zero; the darker orange, the further below; nothing at zero.
Where all sets lie on one side of zero, the palest is the one nearest to it. A heat map shows, for every pair of values,
the median over all other parameters: one lucky set does not paint a field.
"""

import itertools
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.research.charts import WIDTH, Axis, Plot
from quintet.research.report_parts.wording import signed_percent

LINES_MAX: Final = 400
"""Lines that are drawn; of more sets the best half of them and an even choice of the others."""
MAPS_MAX: Final = 6
CELLS_MAX: Final = 40
"""Values of a parameter up to which each has a row or column of its own."""
STRETCHES: Final = 10
"""Rows or columns of a parameter whose values lie on no grid: equally wide parts of its range."""
SHADES: Final = 5

Row = Mapping[str, Any]


class Scale(NamedTuple):
    """From a result to a shade: `far` is the darkest, `near` the palest, both as distances from zero."""

    near: float
    far: float

    def shade(self, value: float) -> str:
        """The class of a result: `u1` to `u5` above zero, `d1` to `d5` below, `o` where it is nothing."""
        width = self.far - self.near
        part = (abs(value) - self.near) / width if width > 0.0 else 1.0
        step = round(SHADES * part) if self.near == 0.0 else 1 + round((SHADES - 1) * part)
        return "o" if step == 0 or value == 0.0 else f"{'u' if value > 0.0 else 'd'}{min(max(step, 1), SHADES)}"


def scale_of(results: Sequence[float]) -> Scale:
    """The scale that all drawings of these results share."""
    distances = [abs(value) for value in results]
    is_one_sided = min(results) > 0.0 or max(results) < 0.0
    return Scale(min(distances) if is_one_sided else 0.0, max(distances))


class HeatMap(NamedTuple):
    """One pair of parameters: its names and its drawing."""

    across: str
    down: str
    drawing: str


def heat_maps(rows: Sequence[Row], names: Sequence[str]) -> list[HeatMap]:
    """A map for every pair of parameters, the first so many; `rows`: sets with `values` and `low_frac`."""
    scale = scale_of([float(row["low_frac"]) for row in rows])
    pairs = list(itertools.combinations(names, 2))[:MAPS_MAX]
    return [HeatMap(one, other, _heat_map(rows, one, other, scale)) for one, other in pairs]


def parallel(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Every set as a line through its parameters' values, ending at its result; `rows` from the best to the worst."""
    if not names or not rows:
        return ""
    plot = Plot(Axis(0.0, float(len(names))), Axis(-0.04, 1.04), 320)
    columns = [_scaled([row["values"][name] for row in rows]) for name in names]
    results = [float(row["low_frac"]) for row in rows]
    columns.append(_scaled(results))
    scale = scale_of(results)
    places = np.arange(len(names) + 1, dtype=np.float64)
    for n in reversed(_chosen(len(rows))):
        css = "ln best" if n == 0 else f"ln {scale.shade(results[n])}"
        plot.line(places, np.array([column.at[n] for column in columns]), css)
    for place, name, column in zip(places, [*names, "net result"], columns, strict=True):
        _upright(plot, float(place), name, column, is_result=place == len(names))
    return plot.render(f"Every set as a line through {', '.join(names)} to its net result")


# ---- heat maps ---------------------------------------------------------------------------------------------------


def _heat_map(rows: Sequence[Row], across: str, down: str, scale: Scale) -> str:
    """Cells of equal size, values ascending to the right and upwards; the best set's cell has a border."""
    left, top = _cells(rows, across), _cells(rows, down)
    cells: dict[tuple[int, int], list[float]] = {}
    for n, row in enumerate(rows):
        cells.setdefault((left.of[n], top.of[n]), []).append(float(row["low_frac"]))
    width, height = WIDTH / len(left.names), max(18, min(44, 320 // len(top.names)))
    svg = []
    best = (left.of[0], top.of[0])
    for (column, line), results in sorted(cells.items(), key=lambda cell: cell[0] == best):  # its border lies on top
        middle = float(np.median(results))
        css = scale.shade(middle) + (" best" if (column, line) == best else "")
        words = f"{across} {left.names[column]}, {down} {top.names[line]}: {signed_percent(middle)}"
        if len(results) > 1:
            words += f", median of {len(results)}"
        svg.append(
            f'<rect class="{css}" x="{column * width:.2f}" y="{(len(top.names) - 1 - line) * height}" '
            f'width="{width:.2f}" height="{height}"><title>{escape(words)}</title></rect>'
        )
    return _framed(svg, left.names, top.names, height, f"Net result over {across} and {down}")


def _framed(svg: Sequence[str], across: Sequence[str], down: Sequence[str], height: int, label: str) -> str:
    """The cells with their values below and beside them, thinned out where they would run into each other."""
    box = f'viewBox="0 0 {WIDTH} {height * len(down)}" preserveAspectRatio="none"'
    beside = "".join(f"<li>{escape(name)}</li>" for name in _thinned(down[::-1], 20))
    below = "".join(f"<li>{escape(name)}</li>" for name in _thinned(across, 9))
    return (
        f'<div class="heat" role="img" aria-label="{escape(label)}"><ol class="y">{beside}</ol>'
        f'<svg {box} style="height:{height * len(down)}px">{"".join(svg)}</svg><ol class="x">{below}</ol></div>'
    )


def _thinned(names: Sequence[str], most: int) -> list[str]:
    step = -(-len(names) // most)
    return [name if n % step == 0 else "" for n, name in enumerate(names)]


class _Cells(NamedTuple):
    """Names of the cells along one axis, ascending, and the cell of each row."""

    names: list[str]
    of: list[int]


def _cells(rows: Sequence[Row], name: str) -> _Cells:
    """A cell for each value, or for each stretch where the values lie on no grid."""
    values = [row["values"][name] for row in rows]
    known = _known(values)
    is_grid = len(known) <= CELLS_MAX and 2 * len(known) <= len(values)
    if is_grid or len(known) < 2 or not all(map(_is_number, known)):
        return _Cells([_text(value) for value in known], [known.index(value) for value in values])
    low, high = float(known[0]), float(known[-1])
    of = [min(STRETCHES - 1, int((float(value) - low) / (high - low) * STRETCHES)) for value in values]
    return _Cells([_text(low + (n + 0.5) * (high - low) / STRETCHES) for n in range(STRETCHES)], of)


# ---- parallel lines ----------------------------------------------------------------------------------------------


class _Scaled(NamedTuple):
    """Where each row lies on an axis, 0 to 1, and what stands at its ends."""

    at: list[float]
    low: str
    high: str


def _scaled(values: Sequence[Any]) -> _Scaled:
    known = _known(values)
    if all(_is_number(value) for value in known):
        low, width = float(known[0]), float(known[-1]) - float(known[0])
        at = [(float(value) - low) / width if width > 0.0 else 0.5 for value in values]
    else:
        at = [known.index(value) / max(len(known) - 1, 1) for value in values]
    return _Scaled(at, _text(known[0]), _text(known[-1]))


def _upright(plot: Plot, place: float, name: str, column: _Scaled, is_result: bool) -> None:
    """An axis with its name above, its ends beside it."""
    plot.segment(place, 0.0, place, 1.0, "axis")
    low, high = column.low, column.high
    if is_result:
        low, high = signed_percent(float(low)), signed_percent(float(high))
    plot.label(place, 1.0, name, "k up")
    plot.label(place, 1.0, high, "end halo")
    plot.label(place, 0.0, low, "end halo")


def _chosen(count: int) -> list[int]:
    """Numbers of the sets that are drawn: all, or the best ones and an even choice of the rest."""
    if count <= LINES_MAX:
        return list(range(count))
    half = LINES_MAX // 2
    return sorted({*range(half), *map(int, np.linspace(half, count - 1, half))})


# ---- values ------------------------------------------------------------------------------------------------------


def _known(values: Sequence[Any]) -> list[Any]:
    """Each value once: numbers ascending, others in order of appearance."""
    return sorted(set(values)) if all(map(_is_number, values)) else list(dict.fromkeys(values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
