"""The order of proof: form, backtest, paper, small capital, scale; what each stage gate asks, and what stands of it.

    form           a run that finished, its books balanced, repeated with equal hashes
    backtest       the pessimistic end above zero, net of fees, and a deflated Sharpe ratio of 0.95 or more
    paper          30 days or more, nothing unexplained, costs as simulated
    small_capital  30 days of live result inside the band of the replay
    scale          nothing of its own: the stage before it

Rules over facts: nothing is read here and nothing is kept. Whether a gate is open is computed each time from the
evidence that stands now, so lost evidence closes it, and evidence can only be added to open it. Evidence is of one
system. Source of the conditions: Bailey and López de Prado, "The Deflated Sharpe Ratio" (2014), for backtest; for
paper and small capital the measures proposed with the requirements S-67 and S-69.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

FORM, BACKTEST, PAPER, SMALL_CAPITAL, SCALE = "form", "backtest", "paper", "small_capital", "scale"
STAGES: Final = (FORM, BACKTEST, PAPER, SMALL_CAPITAL, SCALE)

DEFLATED_SHARPE_FLOOR: Final = 0.95
"""Probability that the true Sharpe ratio is above zero, after correction for the number of trials."""

PESSIMISTIC: Final = "pessimistic"


class Evidence(NamedTuple):
    """One recorded run, as the rules look at it.

    `run`: the name of its folder; `origin`: the id it was given when it was made, which a copy keeps; `conservation`
    in quanta; `low_frac`: net result at the lower end of the interval, a fraction of the capital, negative for a loss;
    `trials`: how many there had been when it was counted, and `deflated_sharpe` what they leave of its Sharpe ratio;
    None when it was not counted, or has no ratio. `lost`: why it no longer stands, empty when it does.
    """

    stage: str
    run: str
    origin: str
    hashes: Mapping[str, str]
    conservation: int = 0
    alarms: int = 0
    low_frac: float = 0.0
    policies: tuple[str, ...] = ()
    costs_charged: bool = False
    synthetic: bool = False
    trials: int | None = None
    deflated_sharpe: float | None = None
    lost: str = ""


class Condition(NamedTuple):
    """One thing a stage gate asks; `seen` is what was found."""

    met: bool
    text: str
    seen: str


class StageGate(NamedTuple):
    """Whether a stage is proven: its own conditions, then that the stage before it is."""

    stage: str
    is_open: bool
    conditions: tuple[Condition, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is closed, one sentence for each condition that is not met; none when it is open."""
        return tuple(f"{each.text}: {each.seen}" for each in self.conditions if not each.met)


def stage_gates(evidence: Sequence[Evidence]) -> tuple[StageGate, ...]:
    """Every stage gate in order, from the evidence of one system in the order of its recording."""
    gates: list[StageGate] = []
    for stage in STAGES:
        conditions = [*_RULES[stage]([each for each in evidence if each.stage == stage])]
        if gates:
            conditions.append(_open_before(gates[-1]))
        gates.append(StageGate(stage, all(each.met for each in conditions), tuple(conditions)))
    return tuple(gates)


def refusal(stage: str, gates: Sequence[StageGate]) -> str:
    """Why nothing can be recorded for `stage` (one of STAGES) now; empty when something can."""
    place = STAGES.index(stage)
    before = gates[place - 1] if place else None
    if before is not None and not before.is_open:
        return f"{before.stage} is closed: {'; '.join(before.reasons)}"
    return "" if stage in WITH_EVIDENCE else f"no kind of evidence for {stage} exists yet"


WITH_EVIDENCE: Final = (FORM, BACKTEST)
"""Stages that a run on disk can prove, or begin to."""


def _open_before(gate: StageGate) -> Condition:
    return Condition(gate.is_open, f"{gate.stage} before it", "open" if gate.is_open else "closed")


def _form(evidence: Sequence[Evidence]) -> Iterator[Condition]:
    standing = [each for each in evidence if not each.lost]
    sound = [each for each in standing if each.conservation == 0 and each.alarms == 0]
    repeats = _most_repeats(sound)
    yield Condition(bool(standing), "a run that finished", _counted(evidence, FORM))
    yield Condition(bool(sound), "books balanced and no alarm", f"in {len(sound)} of {len(standing)}")
    yield Condition(repeats >= 2, "repeated with equal hashes", f"made {repeats} of 2 times")


def _most_repeats(evidence: Sequence[Evidence]) -> int:
    """The largest number of runs made apart that have the same three hashes; copies of a run count once."""
    origins: dict[tuple[tuple[str, str], ...], set[str]] = {}
    for each in evidence:
        origins.setdefault(tuple(sorted(each.hashes.items())), set()).add(each.origin)
    return max((len(made) for made in origins.values()), default=0)


def _backtest(evidence: Sequence[Evidence]) -> Iterator[Condition]:
    standing = [each for each in evidence if not each.lost]
    yield Condition(bool(standing), "a run that finished", _counted(evidence, BACKTEST))
    if standing:
        yield from _profitable(standing[-1])


def _profitable(latest: Evidence) -> Iterator[Condition]:
    """Of several runs the one recorded last speaks, so that an earlier success does not hide a later loss."""
    sound = latest.conservation == 0 and latest.alarms == 0
    yield Condition(sound, "books balanced and no alarm", f"{latest.conservation} quanta off, {latest.alarms} alarms")
    yield Condition(not latest.synthetic, "the market is recorded", "synthetic" if latest.synthetic else "recorded")
    yield Condition(
        latest.costs_charged, "fees and every other cost charged", "all" if latest.costs_charged else "testing form"
    )
    walked = PESSIMISTIC in latest.policies
    yield Condition(walked, "run under the pessimistic policy", ", ".join(latest.policies) or "none")
    yield Condition(latest.low_frac > 0.0, "pessimistic end above zero, net of fees", f"{latest.low_frac:+.2%}")
    yield _beyond_luck(latest)


def _beyond_luck(latest: Evidence) -> Condition:
    """A result alone would be reached by luck after enough trials, so all that were made are held against it."""
    text = f"deflated Sharpe ratio of {DEFLATED_SHARPE_FLOOR} or more with the ledger's number of trials"
    if latest.trials is None:
        return Condition(False, text, "the run was not counted")
    if latest.deflated_sharpe is None:
        return Condition(False, text, f"no ratio to deflate, after {latest.trials} trials")
    holds = latest.deflated_sharpe >= DEFLATED_SHARPE_FLOOR
    return Condition(holds, text, f"{latest.deflated_sharpe:.3f} after {latest.trials} trials")


def _paper(evidence: Sequence[Evidence]) -> Iterator[Condition]:
    del evidence  # nothing that could be recorded counts yet
    yield Condition(
        False,
        "30 days or more, no unexplained divergence, realised cost within 2 bp of simulated",
        "no paper record; no kind of evidence for it exists yet",
    )


def _small_capital(evidence: Sequence[Evidence]) -> Iterator[Condition]:
    del evidence
    yield Condition(
        False,
        "30 days of live result inside the 5 to 95 % band of the replay's bootstrap",
        "no small capital record; no kind of evidence for it exists yet",
    )


def _scale(evidence: Sequence[Evidence]) -> Iterator[Condition]:
    del evidence
    yield from ()


_RULES: Final[Mapping[str, Callable[[Sequence[Evidence]], Iterator[Condition]]]] = {
    FORM: _form,
    BACKTEST: _backtest,
    PAPER: _paper,
    SMALL_CAPITAL: _small_capital,
    SCALE: _scale,
}


def _counted(evidence: Sequence[Evidence], stage: str) -> str:
    """`no form record`, or how many of the recorded runs stand."""
    if not evidence:
        return f"no {stage} record"
    return f"{sum(not each.lost for each in evidence)} of {len(evidence)} recorded stand"
