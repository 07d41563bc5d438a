"""The order of proof: form, backtest, paper, small capital, scale; what each stage gate asks, and what stands of it.

    form           a run that finished, its books balanced, repeated with equal hashes
    backtest       the pessimistic end above zero, net of fees, a bounded drawdown, and a deflated Sharpe ratio that
                   is left after all trials
    paper          days enough alive, nothing unexplained, costs as simulated
    small_capital  days enough alive, nothing unexplained, the result inside the band of the replay
    scale          nothing of its own: the stage before it

Rules over facts: nothing is read here and nothing is kept. Whether a gate is open is computed each time from the
evidence that stands now, so lost evidence closes it, and evidence can only be added to open it. Evidence is of one
system; for a desk that wants to trade it must also be of that desk's code and parameters (`of_identity`). The numbers
are `stage_criteria`'s. Source of the conditions: Bailey and López de Prado, "The Deflated Sharpe Ratio" (2014), for
backtest; for paper and small capital the measures proposed with the requirements S-67 and S-69.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from quintet.research.stage_criteria import DEFAULT, StageCriteria, paper_days

FORM, BACKTEST, PAPER, SMALL_CAPITAL, SCALE = "form", "backtest", "paper", "small_capital", "scale"
STAGES: Final = (FORM, BACKTEST, PAPER, SMALL_CAPITAL, SCALE)

DAY_NS: Final = 86_400_000_000_000

PESSIMISTIC: Final = "pessimistic"


class DeskFacts(NamedTuple):
    """What a desk that was alive adds: from when to when (ns UTC), and how it differed from its replay.

    `unexplained`: differences without a cause; `residual_bps`: realised cost beyond the simulated one, of traded value;
    `inside_band`: whether its result lies in the 5 to 95 % band of the replay's bootstrap, None when nobody looked;
    `closed_trades`: positions that were closed; `step`: at which step of a ramp of capital it was, from 0;
    `lives`: from when to when it heard its market, where it went away in between (none: all the time); `desk`: which
    desk it was, empty when the run does not say.
    """

    begin_ns: int
    end_ns: int
    unexplained: int
    residual_bps: float
    inside_band: bool | None = None
    closed_trades: int = 0
    step: int = 0
    lives: tuple[tuple[int, int], ...] = ()
    desk: str = ""

    @property
    def alive(self) -> tuple[tuple[int, int], ...]:
        """From when to when, ns UTC, once for each life."""
        return self.lives or ((self.begin_ns, self.end_ns),)


class Evidence(NamedTuple):
    """One recorded run, as the rules look at it.

    `run`: the name of its folder; `origin`: the id it was given when it was made, which a copy keeps; `conservation`
    in quanta; `low_frac`: net result at the lower end of the interval, a fraction of the capital, negative for a loss;
    `trials`: how many there had been when it was counted, and `deflated_sharpe` what they leave of its Sharpe ratio;
    None when it was not counted, or has no ratio. `drawdown_frac`: deepest fall, None when it was not measured; `code`
    and `config`: hashes of what decided and of its parameters, empty when the run does not say; `desk`: of a desk that
    was alive, None for a backtest. `lost`: why it no longer stands, empty when it does.
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
    drawdown_frac: float | None = None
    code: str = ""
    config: str = ""
    desk: DeskFacts | None = None
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


def of_identity(evidence: Sequence[Evidence], code: str, config: str) -> list[Evidence]:
    """The evidence as it counts for one code and one set of parameters: all other is lost, and says why."""

    def judged(each: Evidence) -> Evidence:
        for what, found, wanted in (("code", each.code, code), ("parameters", each.config, config)):
            if not each.lost and found != wanted:
                why = f"made with other {what} than this desk's" if found else f"it does not say with which {what}"
                return each._replace(lost=why)
        return each

    return [judged(each) for each in evidence]


def stage_gates(
    evidence: Sequence[Evidence], system: str = "", criteria: StageCriteria = DEFAULT
) -> tuple[StageGate, ...]:
    """Every stage gate in order, from the evidence of one system in the order of its recording."""
    gates: list[StageGate] = []
    asked = _Asked(criteria, paper_days(system, criteria))
    for stage in STAGES:
        conditions = [*_RULES[stage]([each for each in evidence if each.stage == stage], asked)]
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


WITH_EVIDENCE: Final = (FORM, BACKTEST, PAPER, SMALL_CAPITAL)
"""Stages that a run on disk can prove, or begin to."""


WORLDS: Final = {FORM: "backtest", BACKTEST: "backtest", PAPER: "paper", SMALL_CAPITAL: "live"}
"""Where a run must have happened to be evidence for a stage."""


class _Asked(NamedTuple):
    """What the rules ask with: the criteria, and the days of paper that this system needs."""

    criteria: StageCriteria
    paper_days: int


def _open_before(gate: StageGate) -> Condition:
    return Condition(gate.is_open, f"{gate.stage} before it", "open" if gate.is_open else "closed")


def _form(evidence: Sequence[Evidence], asked: _Asked) -> Iterator[Condition]:
    del asked
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


def _backtest(evidence: Sequence[Evidence], asked: _Asked) -> Iterator[Condition]:
    standing = [each for each in evidence if not each.lost]
    yield Condition(bool(standing), "a run that finished", _counted(evidence, BACKTEST))
    if standing:
        yield from _profitable(standing[-1], asked.criteria)


def _profitable(latest: Evidence, criteria: StageCriteria) -> Iterator[Condition]:
    """Of several runs the one recorded last speaks, so that an earlier success does not hide a later loss."""
    yield _sound([latest])
    yield Condition(not latest.synthetic, "the market is recorded", "synthetic" if latest.synthetic else "recorded")
    yield Condition(
        latest.costs_charged, "fees and every other cost charged", "all" if latest.costs_charged else "testing form"
    )
    walked = PESSIMISTIC in latest.policies
    yield Condition(walked, "run under the pessimistic policy", ", ".join(latest.policies) or "none")
    yield Condition(latest.low_frac > 0.0, "pessimistic end above zero, net of fees", f"{latest.low_frac:+.2%}")
    yield _bounded([latest], criteria)
    yield _beyond_luck(latest, criteria)


def _of_a_venue(alive: Sequence[Evidence]) -> Condition:
    made = sum(each.synthetic for each in alive)
    return Condition(made == 0, "the market is a venue's", f"{made} of {len(alive)} on a market that was made")


def _sound(evidence: Sequence[Evidence]) -> Condition:
    off = sum(abs(each.conservation) for each in evidence)
    alarms = sum(each.alarms for each in evidence)
    return Condition(off == 0 and alarms == 0, "books balanced and no alarm", f"{off} quanta off, {alarms} alarms")


def _bounded(evidence: Sequence[Evidence], criteria: StageCriteria) -> Condition:
    text = f"drawdown of {criteria.drawdown_max_frac:.0%} or less"
    falls = [each.drawdown_frac for each in evidence if each.drawdown_frac is not None]
    if not evidence or len(falls) < len(evidence):
        return Condition(False, text, "not measured")
    too_deep = [fall for fall in falls if not fall <= criteria.drawdown_max_frac]  # NaN is no bound that holds
    return Condition(not too_deep, text, f"{too_deep[0] if too_deep else max(falls):.2%}")


def _beyond_luck(latest: Evidence, criteria: StageCriteria) -> Condition:
    """A result alone would be reached by luck after enough trials, so all that were made are held against it."""
    text = f"deflated Sharpe ratio of {criteria.deflated_sharpe_min:g} or more with the ledger's number of trials"
    if latest.trials is None:
        return Condition(False, text, "the run was not counted")
    if latest.deflated_sharpe is None:
        return Condition(False, text, f"no ratio to deflate, after {latest.trials} trials")
    holds = latest.deflated_sharpe >= criteria.deflated_sharpe_min
    return Condition(holds, text, f"{latest.deflated_sharpe:.3f} after {latest.trials} trials")


def _paper(evidence: Sequence[Evidence], asked: _Asked) -> Iterator[Condition]:
    """All of it speaks, not the best part: one unexplained difference anywhere closes the gate."""
    alive = newest_of_each_desk([each for each in evidence if not each.lost])
    yield from _lived(evidence, PAPER, asked.paper_days)
    if alive:
        yield _of_a_venue(alive)
        yield _sound(alive)
        yield _explained(alive)
        yield _as_simulated(alive, asked.criteria)
        yield _bounded(alive, asked.criteria)


def _small_capital(evidence: Sequence[Evidence], asked: _Asked) -> Iterator[Condition]:
    alive = newest_of_each_desk([each for each in evidence if not each.lost])
    yield from _lived(evidence, SMALL_CAPITAL, asked.criteria.small_days_min)
    if alive:
        yield _of_a_venue(alive)
        yield _sound(alive)
        yield _explained(alive)
        yield _undegraded(alive)


def _lived(evidence: Sequence[Evidence], stage: str, days_min: int) -> Iterator[Condition]:
    days = days_alive([each.desk for each in evidence if each.desk is not None and not each.lost])
    yield Condition(any(not each.lost for each in evidence), "a desk that was alive", _counted(evidence, stage))
    yield Condition(days >= days_min, f"{days_min} days or more", f"{days:.1f} days")


def days_alive(desks: Sequence[DeskFacts]) -> float:
    """Days that are covered by at least one of them: two at the same time do not make the time pass faster."""
    covered_ns, reached_ns = 0, 0
    for begin_ns, end_ns in sorted(life for desk in desks for life in desk.alive):
        covered_ns += max(end_ns - max(begin_ns, reached_ns), 0)
        reached_ns = max(reached_ns, end_ns)
    return covered_ns / DAY_NS


def newest_of_each_desk(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Of several runs of one desk the one recorded last, at its place: it says all that the earlier ones said."""

    def name(each: Evidence) -> str:
        return each.desk.desk if each.desk is not None and not each.lost else ""

    last = {name(each): n for n, each in enumerate(evidence)}
    return [each for n, each in enumerate(evidence) if not name(each) or last[name(each)] == n]


def _explained(alive: Sequence[Evidence]) -> Condition:
    differences = sum(each.desk.unexplained for each in alive if each.desk is not None)
    return Condition(differences == 0, "no difference to the replay without a cause", f"{differences}")


def _as_simulated(alive: Sequence[Evidence], criteria: StageCriteria) -> Condition:
    """A cost below the simulated one is welcome; NaN is no number and does not hold."""
    worst = max((each.desk.residual_bps for each in alive if each.desk is not None), default=float("nan"))
    known = all(each.desk is not None and each.desk.residual_bps == each.desk.residual_bps for each in alive)
    text = f"realised cost within {criteria.paper_residual_max_bps:g} bp of the simulated one"
    return Condition(
        known and worst <= criteria.paper_residual_max_bps, text, f"{worst:+.2f} bp" if known else "unknown"
    )


def _undegraded(alive: Sequence[Evidence]) -> Condition:
    """Of several the one recorded last speaks, as it does for a backtest."""
    latest = alive[-1].desk
    inside = None if latest is None else latest.inside_band
    seen = {True: "inside", False: "outside", None: "nobody looked"}[inside]
    return Condition(inside is True, "result inside the 5 to 95 % band of the replay's bootstrap", seen)


def _scale(evidence: Sequence[Evidence], asked: _Asked) -> Iterator[Condition]:
    del evidence, asked
    yield from ()


_RULES: Final[Mapping[str, Callable[[Sequence[Evidence], _Asked], Iterator[Condition]]]] = {
    FORM: _form,
    BACKTEST: _backtest,
    PAPER: _paper,
    SMALL_CAPITAL: _small_capital,
    SCALE: _scale,
}


def _counted(evidence: Sequence[Evidence], stage: str) -> str:
    """`no form record`, or how many of the recorded runs stand."""
    if not evidence:
        return f"no {stage.replace('_', ' ')} record"
    return f"{sum(not each.lost for each in evidence)} of {len(evidence)} recorded stand"
