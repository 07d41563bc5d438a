"""What breaks a run as one object for `robustness.json`, so that a report can be made again without more runs."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from quintet.research.backtest import BacktestResult
from quintet.research.robustness import (
    BOOTSTRAP,
    CAPACITY,
    COSTS,
    LATENCY,
    PARAMETERS,
    START,
    Outcome,
    run_variant,
    unchanged,
    variants,
    what_breaks,
)

EVERY: Final = {"some": 8, "all": 1}
"""Of the neighbours of the parameters, in the order in which they are declared, every so many is run."""

_FIRST: Final = (COSTS, LATENCY, CAPACITY, START)


def robustness_of(result: BacktestResult, how: str, tell: Callable[[float, float], None]) -> dict[str, Any]:
    """Run everything; `how`: `some` or `all`; `tell`: how far it has come, (done, total).

    `neighbours`: how many changed parameters there are, run or not.
    """
    neighbours = variants(result, PARAMETERS)
    chosen = neighbours[:: EVERY[how]]
    rows = [unchanged(result)]
    total = len(_FIRST) + len(chosen) + 1
    for done, outcomes in enumerate(_runs(result, chosen)):
        rows.extend(outcomes)
        tell(done + 1, total)
    return {"how": how, "neighbours": len(neighbours), "rows": [_plain(row) for row in rows]}


def _runs(result: BacktestResult, chosen: Any) -> Iterator[tuple[Outcome, ...]]:
    """Kind by kind, the parameters one by one."""
    for kind in _FIRST:
        yield what_breaks(result, (kind,))
    policies = (result.headline.policy,)
    for variant in chosen:
        yield (run_variant(result.system, variant, policies),)
    yield what_breaks(result, (BOOTSTRAP,))


def _plain(outcome: Outcome) -> dict[str, Any]:
    """Change and outcome side by side."""
    row = outcome._asdict()
    change = row.pop("change")
    return {**change._asdict(), **row}
