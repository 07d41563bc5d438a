"""Pictures of a maker on an order book: what its fills kept, where orders were filled, and what latency costs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from quintet.core.instrument import Instrument
from quintet.research.charts import Axis, Plot, padded, ticks
from quintet.research.report_parts.axes import decimals_between, percent_word
from quintet.research.report_parts.figures import Bar, Step, waterfall
from quintet.research.report_parts.languages import as_text, both
from quintet.research.report_parts.wording import percent, signed, signed_percent, whole

HEIGHT_PX: Final = 150
ROOM_RIGHT: Final = 0.6
"""Of a point's width: the number beside the last point keeps clear of the axis."""
SPLIT: Final = ("spread", "adverse", "taken", "inventory", "fees")


def kept_picture(found: Mapping[str, Any]) -> str | None:
    """A point for what was earned at the fill, then one a horizon for what is left, with its interval."""
    points = [("fill", found["earned"]), *((seconds(each["ms"]), each["left"]) for each in found["markouts"])]
    known = [(n, each) for n, (_, each) in enumerate(points) if each["mean_bp"] is not None]
    if not known:
        return None
    ends = [each["mean_bp"] + sign * (each["error_bp"] or 0.0) for _, each in known for sign in (-1, 1)]
    plot = Plot(Axis(-0.5, len(points) - 0.5 + ROOM_RIGHT), padded([0.0, *ends], 0.12), HEIGHT_PX)
    values = ticks(plot.y.low, plot.y.high, 3)
    plot.grid(values, [signed(value, decimals_between(values, 1.0)) for value in values])
    plot.segment(plot.x.low, 0.0, plot.x.high, 0.0, "zero")
    for n, each in known:
        mean, error = each["mean_bp"], each["error_bp"] or 0.0
        css = "gained" if mean > 0 else "lost"
        plot.segment(n, mean - error, n, mean + error, f"whisker {css}")
        plot.dots(np.array([n]), np.array([mean]), f"dot {css}")
        plot.label(n, mean, signed(mean, 2), "right k halo")
    said = ", ".join(f"{points[n][0]} {signed(each['mean_bp'], 2)}" for n, each in known)
    names = [both("ticks.at_fill"), *(both("ticks.seconds", seconds=name) for name, _ in points[1:])]
    return plot.render(*as_text(both("picture.kept", points=said))) + _below(
        [(float(plot.x.at(n)), name.__html__()) for n, name in enumerate(names)]
    )


def seconds(ms: int) -> str:
    """`0.1`, `60`."""
    return f"{ms / 1000:g}"


def reached_picture(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """A column a distance from the touch: the share of orders that were filled at least in part."""
    if not rows:
        return None
    shares = [each["reached"] / each["orders"] for each in rows]
    plot = Plot(Axis(0, len(rows)), Axis(0.0, max(max(shares) * 1.2, 0.01)), HEIGHT_PX)
    values = ticks(0.0, plot.y.high, 3)
    plot.grid(values, [percent_word(value, decimals_between(values, 100.0), with_sign=False) for value in values])
    for n, (each, share) in enumerate(zip(rows, shares, strict=True)):
        height = float(plot.down(0.0) - plot.down(share))
        plot.box(n + 0.18, n + 0.82, plot.height - height, height, "column")
        plot.label(n + 0.5, share, whole(each["orders"]), "above")
    said = ", ".join(f"{bin_name(each)} bp {percent(share, 0)}" for each, share in zip(rows, shares, strict=True))
    return plot.render(*as_text(both("picture.reached", columns=said))) + _below(
        [((n + 0.5) / len(rows), bin_name(each)) for n, each in enumerate(rows)]
    )


def bin_name(row: Mapping[str, Any]) -> str:
    """`1-2`; `< 0` for what was better than the touch, `20 +` for all beyond."""
    if row["low_bp"] is None:
        return f"&lt; {row['high_bp']:g}"
    return f"{row['low_bp']:g} +" if row["high_bp"] is None else f"{row['low_bp']:g}-{row['high_bp']:g}"


def latency_rows(robustness: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The runs at other latencies, from the shortest on."""
    rows = [row for row in (robustness or {}).get("rows", ()) if row["key"] == "both_ways_ms"]
    return sorted(rows, key=lambda row: float(row["after"]))


def latency_picture(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Net result against latency; places are evenly spaced, not to scale."""
    if len(rows) < 2:
        return None
    nets = np.array([row["low_frac"] for row in rows])
    places = np.arange(len(rows))
    plot = Plot(Axis(-0.4, len(rows) - 0.6), padded([0.0, *nets.tolist()], 0.14), HEIGHT_PX)
    values = ticks(plot.y.low, plot.y.high, 3)
    plot.grid(values, [percent_word(value, decimals_between(values, 100.0)) for value in values])
    plot.segment(plot.x.low, 0.0, plot.x.high, 0.0, "zero")
    plot.line(places, nets, "main")
    for n, net in enumerate(nets.tolist()):
        plot.dots(np.array([n]), np.array([net]), f"dot {'gained' if net > 0 else 'lost'}")
    said = ", ".join(f"{row['after']:g} ms {signed_percent(row['low_frac'])}" for row in rows)
    return plot.render(*as_text(both("picture.latency", points=said))) + _below(
        [(float(plot.x.at(n)), f"{row['after']:g}") for n, row in enumerate(rows)]
    )


def split_bars(split: Mapping[str, int], instrument: Instrument) -> list[Bar]:
    """The parts of the net result as a waterfall, funding among them on a perpetual."""
    steps = [Step(name, split[name]) for name in SPLIT]
    if instrument.kind != "spot":
        steps.append(Step("funding", split.get("funding", 0)))
    return waterfall([*steps, Step("net", split["net"], True)])


def _below(words: Sequence[tuple[float, str]]) -> str:
    spans = "".join(f'<span style="left:{place * 100:.2f}%">{word}</span>' for place, word in words)
    return f'<div class="xaxis" aria-hidden="true">{spans}</div>'
