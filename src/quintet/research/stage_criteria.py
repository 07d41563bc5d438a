"""What the stage gates ask, in numbers. Each has a default from the specifications; a configuration may ask for more.

It may ask for less, too: every gate prints the numbers it asked with, so a gate that was made easy says so.
"""

from decimal import Decimal
from typing import Annotated, Final

import msgspec

from quintet.core.parameters import ParameterError, parameter, text

PAPER_DAYS: Final = {"structure_mm": 30, "intraday": 14}
"""Days of paper by system. Source: S-67 with G23 (30 days), I-312 (two weeks)."""

PAPER_DAYS_OF_OTHERS: Final = 30


class StageCriteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What must be proven before money is at stake, and how much of it may be at first."""

    deflated_sharpe_min: Annotated[
        float, parameter("probability", "that the true ratio is above zero, after all trials", ge=0.5, lt=1.0)
    ] = 0.95
    drawdown_max_frac: Annotated[
        float, parameter("fraction of the high-water mark", "deepest fall in a backtest and on paper", gt=0.0, le=1.0)
    ] = 0.10
    paper_days_min: Annotated[
        int,
        parameter("days", "alive on paper; 0: the system's own, 30 for structure_mm, 14 for intraday", ge=0, le=365),
    ] = 0
    paper_residual_max_bps: Annotated[
        float, parameter("bps of traded value", "realised cost beyond the simulated one", ge=0.0, le=100.0)
    ] = 2.0
    small_days_min: Annotated[int, parameter("days", "alive with small capital before scale", ge=1, le=365)] = 30
    small_capital_quote: Annotated[
        Decimal, text("quote asset", "most that a live desk may use until small capital is proven")
    ] = Decimal(200)

    def __post_init__(self) -> None:
        if not self.small_capital_quote.is_finite() or self.small_capital_quote <= 0:
            raise ParameterError(
                "small_capital_quote", self.small_capital_quote, "an amount above 0, in the quote asset"
            )


DEFAULT: Final = StageCriteria()


def paper_days(system: str, criteria: StageCriteria) -> int:
    """Days of paper that a system needs."""
    return criteria.paper_days_min or PAPER_DAYS.get(system, PAPER_DAYS_OF_OTHERS)
