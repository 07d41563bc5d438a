"""The ramp of capital: up after proof, down by itself, never over a step."""

from decimal import Decimal
from typing import Any

import pytest

from quintet.research.capital_ramp import RAMPS, Reached, reached
from quintet.research.stages import DAY_NS, SMALL_CAPITAL, DeskFacts, Evidence

STEPS = RAMPS["intraday"]


def lived(step: int, days: float = 7, trades: int = 30, drawdown: float | None = 0.01, **facts: Any) -> Evidence:
    desk = DeskFacts(0, int(days * DAY_NS), facts.pop("unexplained", 0), 0.0, True, trades, step)
    return Evidence(SMALL_CAPITAL, "r", "r", {}, drawdown_frac=drawdown, desk=desk, **facts)


def at(*evidence: Evidence) -> Reached:
    return reached(STEPS, evidence)


def test_it_begins_with_a_hundred_and_ends_with_what_is_configured():
    assert (at().number, at().step.capital_max) == (0, Decimal(100))
    whole = [lived(n, days=30) for n in range(5)]
    assert at(*whole) == Reached(5, STEPS[5], ())
    assert STEPS[5].capital_max is None


def test_days_and_trades_add_up():
    half = lived(0, days=3.5, trades=15)
    assert at(half).missing == ("week 1, 7 days: 3.5", "week 1, 30 closed trades: 15")
    assert at(half, half).number == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"days": 6.9}, "7 days: 6.9"),
        ({"trades": 29}, "30 closed trades: 29"),
        ({"drawdown": 0.026}, "drawdown of 2.5% or less: 2.60%"),
        ({"unexplained": 1}, "without a cause: 1"),
    ],
)
def test_what_is_missing_is_said(wrong: dict[str, Any], said: str):
    found = at(lived(0, **wrong))
    assert found.number == 0
    assert said in found.missing[0]


@pytest.mark.parametrize("drawdown", [0.051, None, float("nan")])
def test_a_deep_drawdown_leads_down_and_begins_anew(drawdown: float | None):
    assert at(lived(0), lived(1), lived(2, drawdown=drawdown)).number == 1
    assert at(lived(0, drawdown=drawdown)).number == 0


def test_no_step_is_skipped_and_what_is_lost_does_not_count():
    assert at(lived(3), lived(5)).number == 0
    assert at(lived(0, lost="the run is gone")).number == 0
