"""The page of a run of the eternal engine: what an investor asks first, in English and Russian, without a network.

Figures come from `eternal_report`; here they are only drawn and put into sentences.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import numpy as np
from jinja2 import Template

from quintet.research.charts import Axis, Plot
from quintet.research.report_parts import wording
from quintet.research.report_parts.environment import page_environment
from quintet.research.report_parts.languages import say
from quintet.systems.eternal.config import ACCOUNTS, ENGINES
from quintet.systems.eternal.regimes import WEIGHTS_BP

SHADES: Final = dict(zip(ENGINES, ("t2", "t3", "t4", "t5"), strict=True))
"""Engine to its field of the allocation."""

REGIMES: Final = tuple(WEIGHTS_BP)


def render_eternal(said: Mapping[str, Any], version: str) -> str:
    """The page as HTML. `said`: what `eternal_report.report` gives."""
    return str(
        _template().render(
            said=said,
            version=version,
            growth=growth_picture(said["curves"]),
            allocation=allocation_picture(said["allocation"]),
            ribbon=ribbon_picture(said["ribbon"]),
            engines=ENGINES,
            regimes=REGIMES,
            shades=SHADES,
        )
    )


def growth_picture(curves: Mapping[str, Any]) -> str:
    """The index of the whole and of the benchmarks, on a scale of powers."""
    days = np.asarray(curves["days"], np.float64)
    lines = {
        name: np.log10(np.maximum(np.asarray(values, np.float64), 1e-6)) for name, values in curves["index"].items()
    }
    low = min(float(line.min()) for line in lines.values())
    high = max(float(line.max()) for line in lines.values())
    plot = Plot(Axis(float(days[0]), float(days[-1])), Axis(low, high), 260)
    for name, line in lines.items():
        plot.line(days, line, "eq" if name == "whole" else "bench")
    return plot.render("the whole and what needs no engine", "портфель и то, чему движок не нужен", "growth")


def allocation_picture(allocation: Mapping[str, Any]) -> str:
    """What share each engine had, stacked, day by day."""
    days = np.asarray(allocation["days"], np.float64)
    plot = Plot(Axis(float(days[0]), float(days[-1])), Axis(0.0, 1.0), 160)
    place, floor = plot.across(days), np.zeros(len(days))
    for engine in ENGINES:
        top = floor + np.asarray(allocation["shares"][engine])
        plot.area(place, floor, top, f"share {SHADES[engine]}")
        floor = top
    return plot.render("shares of the engines", "доли движков", "allocation")


def ribbon_picture(ribbon: list[Mapping[str, Any]]) -> str:
    """Regimes as one band: from day to day, each in its own shade."""
    first, last = ribbon[0]["from"], max(ribbon[-1]["to"], ribbon[0]["from"] + 1)
    plot = Plot(Axis(float(first), float(last)), Axis(0.0, 1.0), 22)
    for part in ribbon:
        ends = np.array([part["from"], part["to"]], np.float64)
        plot.area(plot.across(ends), np.zeros(2), np.ones(2), f"regime r{REGIMES.index(part['regime'])}")
    return plot.render("regimes", "режимы рынка", "regimes")


@cache
def _template() -> Template:
    environment = page_environment()
    environment.globals.update({name: getattr(wording, name) for name in wording.__all__})
    environment.globals.update(t=say, ACCOUNTS=ACCOUNTS)
    return environment.get_template("eternal.html.j2")
