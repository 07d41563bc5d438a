"""The page of a run of the eternal engine: what an investor asks first, in English and Russian, without a network.

Figures come from `eternal_report`; here they are only drawn and put into sentences.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from jinja2 import Template

from quintet.research.charts import Axis, Plot
from quintet.research.eternal_market import LOTS
from quintet.research.report_parts import wording
from quintet.research.report_parts.axes import percent_grid, time_axis, time_grid
from quintet.research.report_parts.environment import page_environment
from quintet.research.report_parts.languages import Both, both, say
from quintet.research.report_parts.wording import DAY_NS, percent, plain, whole
from quintet.systems.eternal.config import ENGINES
from quintet.systems.eternal.regimes import WEIGHTS_BP

SHADES: Final = dict(zip(ENGINES, ("t2", "t3", "t4", "t5"), strict=True))
"""Engine to its field of the allocation."""

REGIMES: Final = tuple(WEIGHTS_BP)

POWERS: Final = tuple(factor * 10.0**power for power in range(-3, 4) for factor in (1, 2, 5))
"""Multiples of the money that the scale of powers may name."""


def render_eternal(said: Mapping[str, Any], version: str) -> str:
    """The page as HTML. `said`: what `eternal_report.report` gives."""
    return str(
        _template().render(
            said=said,
            version=version,
            growth=growth_picture(said["curves"]),
            allocation=allocation_picture(said["allocation"]),
            ribbon=ribbon_picture(said["ribbon"]),
            events=[(row["day"], row["account"], told_event(row, said["quantum"])) for row in said["events"]],
            engines=ENGINES,
            regimes=REGIMES,
            shades=SHADES,
        )
    )


def growth_picture(curves: Mapping[str, Any]) -> str:
    """The index of the whole and of the benchmarks, on a scale of powers."""
    moments = np.asarray(curves["days"], np.float64) * DAY_NS
    lines = {
        name: np.log10(np.maximum(np.asarray(values, np.float64), 1e-6)) for name, values in curves["index"].items()
    }
    low = min(float(line.min()) for line in lines.values())
    high = max(float(line.max()) for line in lines.values())
    plot = Plot(Axis(float(moments[0]), float(moments[-1])), Axis(low, high), 260)
    time_grid(plot)
    shown = [power for power in POWERS if low < math.log10(power) < high]
    plot.grid([math.log10(power) for power in shown], [f"\N{MULTIPLICATION SIGN}{power:g}" for power in shown])
    for name, line in lines.items():
        plot.line(moments, line, "eq" if name == "whole" else f"bench {name}")
    label = ("the whole and what needs no engine", "портфель и то, чему движок не нужен")
    return plot.render(*label, "growth") + time_axis(plot.x)


def allocation_picture(allocation: Mapping[str, Any]) -> str:
    """What share each engine had, stacked, day by day."""
    moments = np.asarray(allocation["days"], np.float64) * DAY_NS
    plot = Plot(Axis(float(moments[0]), float(moments[-1])), Axis(0.0, 1.0), 160)
    place, floor = plot.across(moments), np.zeros(len(moments))
    for engine in ENGINES:
        top = floor + np.asarray(allocation["shares"][engine])
        plot.area(place, floor, top, f"share {SHADES[engine]}")
        floor = top
    percent_grid(plot, 2, with_sign=False)
    return plot.render("shares of the engines", "доли движков", "allocation")


def ribbon_picture(ribbon: list[Mapping[str, Any]]) -> str:
    """Regimes as one band: from day to day, each in its own shade."""
    first, last = ribbon[0]["from"], max(ribbon[-1]["to"], ribbon[0]["from"] + 1)
    plot = Plot(Axis(float(first) * DAY_NS, float(last) * DAY_NS), Axis(0.0, 1.0), 22)
    for part in ribbon:
        ends = np.array([part["from"], part["to"] + 1], np.float64) * DAY_NS
        plot.area(plot.across(ends), np.zeros(2), np.ones(2), f"regime r{REGIMES.index(part['regime'])}")
    return plot.render("regimes", "режимы рынка", "regimes") + time_axis(plot.x)


# ---- what happened, in sentences ---------------------------------------------------------------------------------


def told_event(row: Mapping[str, Any], quantum: float) -> Both:
    """One note of the log as a sentence."""
    kind = row["kind"]
    key = f"eternal.event_{kind}_{row['to']}" if kind == "status" else f"eternal.event_{kind}"
    return both(key, **{name: _word(name, value, kind, quantum) for name, value in row.items()}, coins=_coins(row))


def _word(name: str, value: Any, kind: str, quantum: float) -> Any:
    """A value of a note as its sentence wants it."""
    if name in ("quanta", "excess", "cost") or (kind == "deployed" and name in LOTS):
        return whole(round(value * quantum))
    if name == "drawdown":
        return percent(abs(value), 1)
    if name == "trigger":
        return both(f"eternal.trigger_{value}")
    if kind == "regime" and name in ("from", "to"):
        return both(f"eternal.regime_{value}")
    return value


def _coins(row: Mapping[str, Any]) -> str:
    """Coins that a note names: lots of them, or how far each is below its high."""
    if row["kind"] in ("rebalancing_paused", "rebalancing_resumed"):
        return ", ".join(f"{asset} {percent(row[asset], 0)}" for asset in LOTS if asset in row)
    return ", ".join(f"{plain(row[a] * float(lot), 4)} {a}" for a, lot in LOTS.items() if row.get(a))


def reasons(counts: Mapping[str, int]) -> Both:
    """What called for something, and how often each did: most often first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    words = [(both(f"eternal.why_{name}"), whole(n)) for name, n in ordered]
    return Both(*(", ".join(f"{said[n]} {count}" for said, count in words) or wording.UNKNOWN for n in (0, 1)))


def stretches(months: Sequence[str]) -> list[str]:
    """Months in a row as one stretch: `2019-03 to 2019-08` with a dash between."""
    found: list[list[str]] = []
    for month in months:
        if found and _month_number(month) == _month_number(found[-1][-1]) + 1:
            found[-1].append(month)
        else:
            found.append([month])
    return [part[0] if len(part) == 1 else f"{part[0]}{wording.DASH}{part[-1]}" for part in found]


def _month_number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


@cache
def _template() -> Template:
    environment = page_environment()
    environment.globals.update({name: getattr(wording, name) for name in wording.__all__})
    environment.globals.update(t=say, reasons=reasons, stretches=stretches)
    return environment.get_template("eternal.html.j2")
