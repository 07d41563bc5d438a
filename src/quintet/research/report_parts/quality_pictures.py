"""Small pictures of samples: markouts with their errors, what was filled at which distance, the days, the luck."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quintet.research.charts import Axis, Plot, padded, ticks
from quintet.research.fill_quality import Distance, Markout
from quintet.research.observations import standardised_moment
from quintet.research.report_parts.axes import decimals_between, percent_word
from quintet.research.report_parts.figures import Shaken
from quintet.research.report_parts.languages import Both, as_text, both, say
from quintet.research.report_parts.wording import percent, plain, signed, signed_percent, whole
from quintet.research.significance import Luck

HEIGHT_PX: Final = 132
ROW_PX: Final = 26
DAY_BINS: Final = 24


def markout_picture(markouts: Sequence[Markout]) -> str | None:
    """A point a horizon with its interval; None when none was measured."""
    known = [(n, each) for n, each in enumerate(markouts) if each.mean_bp is not None]
    if not known:
        return None
    ends = [end for _, each in known for end in _ends(each)]
    plot = Plot(Axis(-0.5, len(markouts) - 0.5), padded([0.0, *ends], 0.12), HEIGHT_PX)
    values = ticks(plot.y.low, plot.y.high, 3)
    plot.grid(values, [signed(value, decimals_between(values, 1.0)) for value in values])
    plot.segment(plot.x.low, 0.0, plot.x.high, 0.0, "zero")
    for n, each in known:
        mean = each.mean_bp or 0.0
        css = "gained" if mean > 0 else "lost"
        low, high = _ends(each)
        plot.segment(n, low, n, high, f"whisker {css}")
        plot.dots(np.array([n]), np.array([mean]), f"dot {css}")
        plot.label(n, mean, signed(mean, 1), "right k halo")
    said = ", ".join(f"{each.minutes} min {signed(each.mean_bp or 0.0, 2)}" for _, each in known)
    return plot.render(*as_text(both("picture.markouts", points=said))) + _below_points(
        plot, [both("picture.minutes", count=each.minutes) for each in markouts]
    )


def _ends(markout: Markout) -> tuple[float, float]:
    mean, error = markout.mean_bp or 0.0, markout.error_bp or 0.0
    return mean - error, mean + error


def _below_points(plot: Plot, words: Sequence[Both]) -> str:
    places = [float(plot.x.at(n)) * 100 for n in range(len(words))]
    spans = [
        f'<span style="left:{left:.2f}%">{word.__html__()}</span>' for left, word in zip(places, words, strict=True)
    ]
    return f'<div class="xaxis" aria-hidden="true">{"".join(spans)}</div>'


def distance_picture(distances: Sequence[Distance]) -> str | None:
    """A column a distance: the share of what was asked for that was filled."""
    if not distances:
        return None
    top = max(each.filled_frac for each in distances)
    plot = Plot(Axis(0, len(distances)), Axis(0.0, max(top * 1.15, 0.01)), HEIGHT_PX)
    values = ticks(0.0, plot.y.high, 3)
    plot.grid(values, [percent_word(value, decimals_between(values, 100.0), with_sign=False) for value in values])
    for n, each in enumerate(distances):
        height = float(plot.down(0.0) - plot.down(each.filled_frac))
        plot.box(n + 0.18, n + 0.82, plot.height - height, height, "column")
        plot.label(n + 0.5, each.filled_frac, str(each.orders), "above")
    said = ", ".join(f"{each.low_bp}-{each.high_bp} bp {percent(each.filled_frac, 0)}" for each in distances)
    edges = "".join(
        f'<span{" class=thin" if n % 2 else ""} style="left:{n / len(distances) * 100:.2f}%">{whole(edge)}</span>'
        for n, edge in enumerate([*(each.low_bp for each in distances), distances[-1].high_bp])
    )
    return plot.render(*as_text(both("picture.distances", columns=said))) + (
        f'<div class="xaxis" aria-hidden="true">{edges}</div>'
    )


# ---- days ----------------------------------------------------------------------------------------------------


class Days(NamedTuple):
    """Daily returns as figures: how many, the two ends, skew and kurtosis (3 for a normal law), None without any."""

    days: int
    worst: float
    best: float
    skew: float | None
    kurtosis: float | None


def days_of(returns: Any) -> Days | None:
    """None for fewer than two days."""
    if len(returns) < 2:
        return None
    moments = (standardised_moment(returns, 3), standardised_moment(returns, 4))
    return Days(len(returns), float(returns.min()), float(returns.max()), *moments)


def days_picture(returns: Any) -> str:
    """How often a daily return fell into each of equal steps; heights are square roots, so that one day can be seen."""
    reach = float(np.abs(returns).max()) * 1.02 or 0.01
    counts, edges = np.histogram(returns, bins=DAY_BINS, range=(-reach, reach))
    plot = Plot(Axis(-reach, reach), Axis(0.0, math.sqrt(float(counts.max())) * 1.1), HEIGHT_PX)
    plot.upright(0.0, "zero")
    for count, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if count:
            height = float(plot.down(0.0) - plot.down(math.sqrt(count)))
            css = "column gained" if low >= 0 else "column lost"
            plot.box(low + reach / 200, high - reach / 200, plot.height - height, height, css)
    for count in _heights(int(counts.max())):
        plot.label(plot.x.high, math.sqrt(count), str(count), "ax")
        plot.segment(plot.x.low, math.sqrt(count), plot.x.high, math.sqrt(count), "grid")
    values = ticks(-reach, reach, 4)
    decimals = decimals_between(values, 100.0)
    marks = "".join(
        f'<span style="left:{float(plot.x.at(value)) * 100:.2f}%">{percent_word(value, decimals)}</span>'
        for value in values
    )
    told = as_text(both("picture.days", count=len(returns), worst=signed_percent(float(returns.min()))))
    return plot.render(*told) + f'<div class="xaxis" aria-hidden="true">{marks}</div>'


def _heights(most: int) -> list[int]:
    """Counts worth a line: the largest of 1, 2, 5 by powers of ten, and one at about a quarter of it."""
    steps = [factor * 10**power for power in range(7) for factor in (1, 2, 5)]
    top = max(step for step in steps if step <= most)
    return sorted({top, max(step for step in steps if step <= max(top / 4, 1))})


# ---- luck ----------------------------------------------------------------------------------------------------


def luck_picture(luck: Luck, counted: bool) -> str | None:
    """The Sharpe ratio with its interval against zero and, where trials were counted, the best that luck would show."""
    if luck.sharpe_annualised is None or luck.sharpe_low_annualised is None or luck.sharpe_high_annualised is None:
        return None
    ratio, low, high = luck.sharpe_annualised, luck.sharpe_low_annualised, luck.sharpe_high_annualised
    blank = luck.best_by_luck_annualised if counted else None
    axis = padded([0.0, low, high, *([blank] if blank is not None else [])], 0.16)
    rows = 2 if blank is not None else 1
    plot = Plot(axis, Axis(0, rows), ROW_PX * rows + 14)
    values = ticks(axis.low, axis.high, 5)
    for value in values:
        plot.upright(value, "grid")
    plot.upright(0.0, "zero")
    plot.segment(low, rows - 0.5, high, rows - 0.5, "whisker ink")
    plot.dots(np.array([ratio]), np.array([rows - 0.5]), "dot head")
    plot.label(ratio, rows - 0.5, say("picture.this_run", ratio=signed(ratio)), "over k halo")
    if blank is not None:
        plot.dots(np.array([blank]), np.array([0.5]), "dot lost")
        plot.label(blank, 0.5, say("picture.best_blank", ratio=signed(blank)), "over halo")
    marks = "".join(
        f'<span style="left:{float(axis.at(value)) * 100:.2f}%">{signed(value, decimals_between(values, 1.0))}</span>'
        for value in values
    )
    told = as_text(both("picture.luck", ratio=signed(ratio), low=signed(low), high=signed(high)))
    return plot.render(*told) + f'<div class="xaxis" aria-hidden="true">{marks}</div>'


# ---- what breaks it ------------------------------------------------------------------------------------------


def robustness_picture(rows: Sequence[Shaken]) -> str:
    """A row a change: a dot for one result, a bar for a range; the result as reported is dotted through all rows."""
    reported = next((row.low_frac for row in rows if row.is_reported), 0.0)
    axis = padded([0.0, *(end for row in rows for end in (row.low_frac, row.high_frac))], 0.14)
    count = len(rows)
    plot = Plot(axis, Axis(0, count), ROW_PX * count)
    values = ticks(axis.low, axis.high, 5)
    for value in values:
        plot.upright(value, "grid")
    plot.upright(0.0, "zero")
    plot.upright(reported, "through")
    for n, row in enumerate(rows):
        middle = count - n - 0.5
        if row.low_frac == row.high_frac:
            css = "head" if row.is_reported else "gained" if row.low_frac > 0 else "lost"
            plot.dots(np.array([row.low_frac]), np.array([middle]), f"dot {css}")
            text = signed_percent(row.low_frac, 1)
        else:
            plot.box(row.low_frac, row.high_frac, n * ROW_PX + 9, 8, "range-bar")
            text = f"{signed_percent(row.low_frac, 1)} … {signed_percent(row.high_frac, 1)}"
        plot.label(row.high_frac, middle, text, "v right halo")
    decimals = decimals_between(values, 100.0)
    marks = "".join(
        f'<span style="left:{float(axis.at(value)) * 100:.2f}%">{percent_word(value, decimals)}</span>'
        for value in values
    )
    said = Both(
        *(
            ", ".join(f"{getattr(row.name, each)} {plain(row.low_frac * 100, 1)}" for row in rows)
            for each in ("en", "ru")
        )
    )
    names = "".join(f"<li{' class=head' if row.is_reported else ''}>{row.name.__html__()}</li>" for row in rows)
    picture = plot.render(*as_text(both("picture.robustness", results=said)))
    return (
        f'<div class="ivl long-names"><ol>{names}</ol><div>{picture}'
        f'<div class="xaxis" aria-hidden="true">{marks}</div></div></div>'
    )
