"""The page of a sweep: how many were tried first, the best beside the middle, and only then which one it was.

Self-contained like a run's report: no script, no network, both themes.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from jinja2 import Template

from quintet.research.report_parts import wording
from quintet.research.report_parts.environment import page_environment
from quintet.research.sweep_pictures import heat_maps, parallel

SHOWN_ROWS: Final = 50
"""Rows of the table from each end; the file beside the page holds all."""


def render_sweep(said: Mapping[str, Any], version: str) -> str:
    """The page as HTML. `said`: what `--json` prints."""
    rows, names = said["sets"], said["varying"]
    return str(
        _template().render(
            said=said,
            best=said["best"],
            luck=said["luck"],
            evidence=said["evidence"],
            names=names,
            maps=heat_maps(rows, names),
            lines=parallel(rows, names),
            top=rows[:SHOWN_ROWS],
            bottom=rows[max(SHOWN_ROWS, len(rows) - SHOWN_ROWS) :],
            version=version,
        )
    )


@cache
def _template() -> Template:
    environment = page_environment()
    environment.globals.update({name: getattr(wording, name) for name in (*wording.__all__, "counted")})
    return environment.get_template("sweep.html.j2")
