"""How much capital a live desk may use, step by step, where its specification has a plan for that.

A step is left upwards when it has had its days, its closed trades, nothing unexplained, and a drawdown within the
bound; downwards, by itself, when the drawdown is too deep. None is skipped. What was lived at another step than the
current one counts for nothing. Source: the requirement I-311.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from quintet.research.stages import Evidence, days_alive, newest_of_each_desk

CLOSED_TRADES_MIN: Final = 30
DRAWDOWN_TO_RISE: Final = 0.025
"""Half the limit of the first month, which is 5 %."""

DRAWDOWN_TO_FALL: Final = 0.05


class Step(NamedTuple):
    """`capital_max` in the quote asset, None: what is configured. `size_frac`: of it, at most in one position."""

    name: str
    days_min: int
    capital_max: Decimal | None
    size_frac: float


RAMPS: Final[dict[str, tuple[Step, ...]]] = {
    "intraday": (
        Step("week 1", 7, Decimal(100), 0.001),
        Step("week 2", 7, Decimal(500), 0.0025),
        Step("week 3", 7, Decimal(1_000), 0.005),
        Step("week 4", 7, Decimal(2_500), 0.01),
        Step("month 2", 30, Decimal(5_000), 0.015),
        Step("full", 0, None, 0.02),
    )
}
"""Plans by system. A system without one uses the small capital of its criteria until that is proven."""


def step_of(system: str, capital: Decimal) -> int:
    """At which step of its ramp a desk with this capital is, in the quote asset; 0 for a system without one."""
    steps = RAMPS.get(system, ())
    return next((n for n, step in enumerate(steps) if step.capital_max is None or capital <= step.capital_max), 0)


class Reached(NamedTuple):
    """Where a system stands; `missing`: what the next step asks for, none at the last."""

    number: int
    step: Step
    missing: tuple[str, ...]


def reached(steps: Sequence[Step], evidence: Sequence[Evidence]) -> Reached:
    """The step of a system, from its small-capital evidence in the order of its recording; what is lost is skipped."""
    at, days, trades, deepest, unexplained = 0, 0.0, 0, 0.0, 0
    for each in newest_of_each_desk(evidence):
        if each.lost or each.desk is None or each.desk.step != at:
            continue
        fall = 1.0 if each.drawdown_frac is None else each.drawdown_frac
        if not fall <= DRAWDOWN_TO_FALL:
            at, days, trades, deepest, unexplained = max(at - 1, 0), 0.0, 0, 0.0, 0
            continue
        days += days_alive([each.desk])
        trades += each.desk.closed_trades
        unexplained += each.desk.unexplained
        deepest = max(deepest, fall)
        if at < len(steps) - 1 and not _missing(steps[at], days, trades, deepest, unexplained):
            at, days, trades, deepest, unexplained = at + 1, 0.0, 0, 0.0, 0
    last = at == len(steps) - 1
    return Reached(at, steps[at], () if last else _missing(steps[at], days, trades, deepest, unexplained))


def _missing(step: Step, days: float, trades: int, deepest: float, unexplained: int) -> tuple[str, ...]:
    """What a step still asks for before it may be left upwards, one sentence each."""
    asked = (
        (days >= step.days_min, f"{step.days_min} days: {days:.1f}"),
        (trades >= CLOSED_TRADES_MIN, f"{CLOSED_TRADES_MIN} closed trades: {trades}"),
        (deepest <= DRAWDOWN_TO_RISE, f"drawdown of {DRAWDOWN_TO_RISE:.1%} or less: {deepest:.2%}"),
        (unexplained == 0, f"no difference to the replay without a cause: {unexplained}"),
    )
    return tuple(f"{step.name}, {text}" for met, text in asked if not met)
