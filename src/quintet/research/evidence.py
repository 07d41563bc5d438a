"""Has a result evidence for it? Seven conditions, all of them needed; what nobody measured is not met.

    net of every cost
    deflated Sharpe ratio of 0.95 or more, after all trials of the ledger
    no shorter than the trials demand (minimum backtest length, for an expected best of 1 a year)
    the 95 % interval of the Sharpe ratio above zero
    p below 0.05 that no candidate is better than doing nothing (SPA, consistent)
    probability of backtest overfitting below 0.2, over 16 blocks or more
    the worst twentieth of the combinatorial purged paths above zero

The answer is "has evidence" or "no evidence of edge", never "proven". Sources: Bailey and Lopez de Prado 2014 (deflated
ratio); Bailey, Borwein, Lopez de Prado and Zhu 2014 and 2017 (minimum length, overfitting); Hansen 2005 (SPA); Lopez de
Prado 2018, chapter 12 (paths).
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from quintet.research.returns import DAYS_PER_YEAR
from quintet.research.significance import CONFIDENCE, Luck

HAS_EVIDENCE: Final = "has evidence"
NO_EVIDENCE: Final = "no evidence of edge"

BETTER_THAN_NOTHING_P: Final = 0.05
OVERFITTING_MAX: Final = 0.2
BLOCKS_MIN: Final = 16


class Findings(NamedTuple):
    """What was measured of one result, chosen among `luck.trials`; None where it was not measured.

    `luck`: of its daily returns; `costs_charged`: whether those are net of fees, spread, slippage, latency and partial
    fills; `better_than_nothing_p`: consistent p-value of Hansen's test over all candidates; `overfitting`: the share of
    splits of the record in which the best of one half is below the median of the other, over `blocks` blocks;
    `path_sharpe_low`: fifth percentile of the Sharpe ratio over combinatorial purged paths.
    """

    luck: Luck
    costs_charged: bool
    better_than_nothing_p: float | None = None
    overfitting: float | None = None
    blocks: int = 0
    path_sharpe_low: float | None = None


class Condition(NamedTuple):
    """One thing that evidence needs; `met` is None when it was not measured, `seen` the figure beside it."""

    met: bool | None
    text: str
    seen: str


class Judgement(NamedTuple):
    """HAS_EVIDENCE or NO_EVIDENCE, and the conditions that led to it."""

    sentence: str
    conditions: tuple[Condition, ...]

    @property
    def is_evidence(self) -> bool:
        """Every condition is met."""
        return self.sentence == HAS_EVIDENCE


def judge_evidence(findings: Findings) -> Judgement:
    """Evidence when every condition is met."""
    conditions = tuple(_conditions(findings))
    return Judgement(HAS_EVIDENCE if all(each.met for each in conditions) else NO_EVIDENCE, conditions)


def _conditions(findings: Findings) -> Iterator[Condition]:
    luck = findings.luck
    yield Condition(findings.costs_charged, "net of every cost", "all charged" if findings.costs_charged else "not all")
    yield _at_least(luck.deflated_sharpe, CONFIDENCE, f"Sharpe ratio deflated for {luck.trials:,} trials")
    needed = luck.minimum_backtest_years * DAYS_PER_YEAR
    yield Condition(luck.days >= needed, "as long as the trials demand", f"{luck.days:,} of {needed:,.0f} days")
    yield _above(luck.sharpe_low_annualised, 0.0, "95 % interval of the yearly Sharpe ratio")
    yield _below(findings.better_than_nothing_p, BETTER_THAN_NOTHING_P, "chance that no candidate beats doing nothing")
    yield _overfitting(findings)
    yield _above(findings.path_sharpe_low, 0.0, "Sharpe ratio of the worst twentieth of purged paths")


def _overfitting(findings: Findings) -> Condition:
    text = "probability of overfitting"
    if findings.overfitting is not None and findings.blocks < BLOCKS_MIN:
        return Condition(None, text, f"over {findings.blocks} blocks, at least {BLOCKS_MIN} are needed")
    return _below(findings.overfitting, OVERFITTING_MAX, text)


def _at_least(value: float | None, floor: float, text: str) -> Condition:
    return Condition(None if value is None else value >= floor, text, _seen(value, "at least", floor))


def _above(value: float | None, floor: float, text: str) -> Condition:
    return Condition(None if value is None else value > floor, text, _seen(value, "above", floor))


def _below(value: float | None, ceiling: float, text: str) -> Condition:
    return Condition(None if value is None else value < ceiling, text, _seen(value, "below", ceiling))


def _seen(value: float | None, relation: str, bound: float) -> str:
    return "not measured" if value is None else f"{value:.3f}, {relation} {bound:g} is needed"
