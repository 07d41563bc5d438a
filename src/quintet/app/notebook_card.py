"""A finished run as a card for notebooks: the verdict first, then what it rests on. Self-contained, both themes."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from quintet.research.report_parts import wording

if TYPE_CHECKING:
    import polars

WIDTH: Final = 600
HEIGHT: Final = 90
COLUMNS: Final = 300
"""Parts a long curve is cut into; of each the lowest and the highest point are drawn."""


def card(outcome: Mapping[str, Any], equity: "polars.DataFrame", folder: Path) -> str:
    """HTML of one run; `outcome` is the object that `quintet backtest --json` prints."""
    marks = equity["equity"].to_list() if equity.height else []
    return str(_template().render(run=outcome, folder=folder, curve=curve_path(marks), width=WIDTH, height=HEIGHT))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("quintet.app", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update({name: getattr(wording, name) for name in wording.__all__})
    return environment.get_template("notebook_card.html.j2")


def curve_path(marks: Sequence[float]) -> str:
    """An SVG path through the marks, from left to right over the card; empty when they make no line."""
    if len(marks) < 2:
        return ""
    low, high = min(marks), max(marks)
    span = (high - low) or 1.0
    size = max(1, len(marks) // COLUMNS)
    parts = [marks[n : n + size] for n in range(0, len(marks), size)]
    points = []
    for n, part in enumerate(parts):
        left = n * WIDTH / max(len(parts) - 1, 1)
        points += [f"{left:.1f} {(high - value) / span * (HEIGHT - 8) + 4:.1f}" for value in _extremes(part)]
    return "M" + "L".join(points)


def _extremes(part: Sequence[float]) -> list[float]:
    """Lowest and highest in the order in which they came; one where they are the same."""
    low, high = min(part), max(part)
    if low == high:
        return [low]
    return [low, high] if part.index(low) < part.index(high) else [high, low]
