"""Where the best of many stands among the others: on a hill that its neighbours share, or alone on a needle.

A rule that found something in the market keeps most of its result when a parameter moves a little. A best value whose
neighbours fall back to what the middle of all sets gave has most likely found a coincidence of this record.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

SHARED_MIN: Final = 0.5
"""Below this share of the best's advantage, its neighbours do not share it: the peak is isolated."""


class Landscape(NamedTuple):
    """What surrounds the best set; results are fractions of the capital.

    `neighbours`: numbers of the sets next to the best; `shared`: how much of the best's advance over the median of all
    its neighbours have, at their median, None where there is no advance or no neighbour; `edges`: parameters of which
    the best has the lowest or highest value that was tried; `positive`: share of the sets that did not lose.
    """

    best: int
    best_frac: float
    median_frac: float
    worst_frac: float
    positive: float
    neighbours: tuple[int, ...]
    neighbours_frac: float | None
    shared: float | None
    edges: tuple[str, ...]

    @property
    def is_isolated(self) -> bool | None:
        """The neighbours do not share it; None where that cannot be said."""
        return None if self.shared is None else self.shared < SHARED_MIN


def landscape(sets: Sequence[Mapping[str, Any]], results: Sequence[float], on_grid: bool = True) -> Landscape:
    """The best of `results` (of equals the first) among the `sets` they belong to.

    `on_grid`: neighbours differ by one step in one parameter. Else they are the nearest two for each parameter, by
    the sum of the distances of their ranks.
    """
    column = np.asarray(results, np.float64)
    best = int(column.argmax())
    places = _places(sets)
    near = _next_on_grid(places, best) if on_grid else _nearest(places, best)
    middle, top = float(np.median(column)), float(column[best])
    around = float(np.median(column[list(near)])) if near else None
    advance = top - middle
    return Landscape(
        best=best,
        best_frac=top,
        median_frac=middle,
        worst_frac=float(column.min()),
        positive=float((column > 0.0).mean()),
        neighbours=near,
        neighbours_frac=around,
        shared=(around - middle) / advance if around is not None and advance > 0.0 else None,
        edges=_edges(sets, places, best),
    )


def _places(sets: Sequence[Mapping[str, Any]]) -> Any:
    """One row a set, one column a parameter: the rank of its value among those tried; words in order of appearance."""
    names = list(sets[0]) if sets else []
    columns = []
    for name in names:
        values = [each[name] for each in sets]
        known = sorted(set(values)) if _is_ordered(values) else list(dict.fromkeys(values))
        rank = {value: n for n, value in enumerate(known)}
        columns.append([rank[value] for value in values])
    return np.array(columns, np.int64).reshape(len(names), len(sets)).T


def _is_ordered(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _next_on_grid(places: Any, best: int) -> tuple[int, ...]:
    apart = np.abs(places - places[best]).sum(axis=1)
    return tuple(map(int, np.flatnonzero(apart == 1)))


def _nearest(places: Any, best: int) -> tuple[int, ...]:
    width = np.maximum(places.max(axis=0, initial=0), 1)
    apart = (np.abs(places - places[best]) / width).sum(axis=1)
    others = [int(n) for n in np.argsort(apart, kind="stable") if n != best]
    return tuple(sorted(others[: 2 * places.shape[1]]))


def _edges(sets: Sequence[Mapping[str, Any]], places: Any, best: int) -> tuple[str, ...]:
    """Ordered parameters with three values or more, whose best value is the first or the last of them."""
    found = []
    for n, name in enumerate(sets[0] if sets else ()):
        last = int(places[:, n].max())
        if last > 1 and places[best, n] in (0, last) and _is_ordered([each[name] for each in sets]):
            found.append(name)
    return tuple(found)
