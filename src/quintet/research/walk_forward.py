"""Choose on the past, trade the stretch that follows, move on: what a search would have earned where it had not looked.

Time runs in windows: parameters are chosen by an objective over the train days alone, and tried on the test days that
follow. Every run of every window starts fresh, with new books and an empty memory: nothing leaks from one to the next.
What a system needs to warm up it gets from the bars before its window, in which it cannot trade: as many structure
bars as its parameters' `warm_up_bars` say, none where they say nothing. Windows begin at 00:00 UTC, and hold what
became known after their beginning, up to and with their end.

The test days of all windows, one after another, are the result: a record that no parameter was fitted on.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import ConfigError, InputError, InvariantError
from quintet.core.events import timeframe_ns
from quintet.core.tape import Tape
from quintet.research.backtest import PolicyRun, run_policy
from quintet.research.backtest_options import BacktestOptions
from quintet.research.metrics import Figures, curve_figures
from quintet.research.observations import Series, whole
from quintet.research.returns import DAY_NS, DAYS_PER_YEAR, Returns, daily_returns
from quintet.research.systems import KernelSystem, find
from quintet.research.tape_markets import between
from quintet.research.trials import Look, trial_of
from quintet.storage.trial_records import Trial

SETS_MAX: Final = 1_000

Objective = Callable[["Segment"], float | None]
"""What is to be large, read off the train days; None when it has no meaning, which loses against every number."""


class Plan(NamedTuple):
    """Lengths in days. `step_days`: from one window to the next, the test days by default; never less than those.

    `anchored`: every train window begins where the first does, instead of moving along.
    """

    train_days: int
    test_days: int
    step_days: int | None = None
    anchored: bool = False


class Window(NamedTuple):
    """One turn, ns UTC: train (train_from, test_from], test (test_from, test_to]."""

    train_from_ns: int
    test_from_ns: int
    test_to_ns: int


class ParameterSet(NamedTuple):
    """The values that differ between sets, and the system's whole parameters with them."""

    values: Mapping[str, Any]
    params: Any


class Segment(NamedTuple):
    """What one set gave in one stretch, under the fill policy with the lowest result there.

    `net_frac` on the capital at its beginning; `figures` as in `metrics.curve_figures`; `fills` inside it.
    """

    policy: str
    net_frac: float
    daily: Returns
    figures: Figures
    fills: int


class Fold(NamedTuple):
    """One window: what every set gave in the train days and its score, the number of the chosen one, the test days."""

    window: Window
    trains: tuple[Segment, ...]
    train_scores: tuple[float | None, ...]
    chosen: int
    tests: tuple[Segment, ...]

    @property
    def test(self) -> Segment:
        """The chosen set, where it had not been looked at."""
        return self.tests[self.chosen]


class Stability(NamedTuple):
    """How far one parameter wandered from window to window.

    `share`: of windows that chose its commonest value; `wander`: mean distance between one choice and the next, on the
    grid, 0 when it never moved and 1 when it jumped from end to end; `wander_by_dice`: what dice would do.
    """

    name: str
    chosen: tuple[Any, ...]
    share: float
    wander: float
    wander_by_dice: float


def _mean_yearly(segment: Segment) -> float | None:
    return float(segment.daily.frac.mean()) * DAYS_PER_YEAR if len(segment.daily.frac) else None


OBJECTIVES: Final[Mapping[str, Objective]] = {
    "sharpe": lambda segment: segment.figures.get("sharpe_daily_annualised"),
    "sortino": lambda segment: segment.figures.get("sortino_annualised"),
    "return": _mean_yearly,
    "calmar": lambda segment: segment.figures.get("calmar"),
}
"""By name; `return` is the mean daily return times 365."""


@dataclass(frozen=True)
class WalkForward:
    """All windows of a walk, and what they say together."""

    plan: Plan
    objective: str
    sets: tuple[ParameterSet, ...]
    folds: tuple[Fold, ...]

    @cached_property
    def daily(self) -> Returns:
        """Daily returns of the chosen sets over all test days, in order."""
        return Returns(
            np.concatenate([fold.test.daily.start for fold in self.folds]),
            np.concatenate([fold.test.daily.frac for fold in self.folds]),
        )

    @property
    def net_frac(self) -> float:
        """What the test days together gave, each window's result reinvested."""
        return float(np.prod(1.0 + self.daily.frac)) - 1.0

    @property
    def performance(self) -> NDArray[np.float64]:
        """Daily returns over all test days, one column a set: what `overfitting` and `superiority` want."""
        columns = [np.concatenate([fold.tests[n].daily.frac for fold in self.folds]) for n in range(len(self.sets))]
        return np.column_stack(columns)

    @property
    def train_score(self) -> float | None:
        """Mean over the windows of the chosen sets' scores on the days they were chosen on."""
        return _mean([fold.train_scores[fold.chosen] for fold in self.folds])

    @property
    def test_score(self) -> float | None:
        """Mean over the windows of the chosen sets' scores on the days that followed."""
        return _mean([OBJECTIVES[self.objective](fold.test) for fold in self.folds])

    @property
    def efficiency(self) -> float | None:
        """Test score over train score: how much of what was found stayed. None unless something was found."""
        train, test = self.train_score, self.test_score
        return test / train if train is not None and test is not None and train > 0.0 else None

    @property
    def stability(self) -> tuple[Stability, ...]:
        """One row for every parameter that differs between the sets."""
        return tuple(self._stability(name) for name in self.sets[0].values)

    def _stability(self, name: str) -> Stability:
        grid = list(dict.fromkeys(each.values[name] for each in self.sets))
        chosen = tuple(self.sets[fold.chosen].values[name] for fold in self.folds)
        places = np.array([grid.index(value) for value in chosen])
        furthest = max(len(grid) - 1, 1)
        return Stability(
            name=name,
            chosen=chosen,
            share=Counter(chosen).most_common(1)[0][1] / len(chosen),
            wander=float(np.abs(np.diff(places)).mean()) / furthest if len(chosen) > 1 else 0.0,
            # Two independent places on a grid of k are (k * k - 1) / (3 * k) steps apart, on average.
            wander_by_dice=(len(grid) + 1) / (3 * len(grid)) if len(grid) > 1 else 0.0,
        )


def looks(walk: WalkForward, tape: Tape, system: KernelSystem, options: BacktestOptions, door: str) -> list[Trial]:
    """Every set in every train and test window as the ledger counts it: each was looked at, so each is a trial."""
    found = []
    for fold in walk.folds:
        for from_ns, to_ns, parts in (
            (fold.window.train_from_ns, fold.window.test_from_ns, fold.trains),
            (fold.window.test_from_ns, fold.window.test_to_ns, fold.tests),
        ):
            for each, segment in zip(walk.sets, parts, strict=True):
                trial = trial_of(Look(system, each.params, options, tape, segment.daily.frac), door)
                found.append(msgspec.structs.replace(trial, first_ns=from_ns, last_ns=to_ns))
    return found


def windows(first_ns: int, last_ns: int, plan: Plan) -> tuple[Window, ...]:
    """Every window whose test days are whole, between the first and the last known moment of a tape.

    The first begins at the 00:00 before `first_ns`. Raises InputError for lengths that cannot be, or when none fits.
    """
    train, test = whole(plan.train_days, "train_days", 1), whole(plan.test_days, "test_days", 1)
    step = test if plan.step_days is None else whole(plan.step_days, "step_days", 1)
    if step < test:
        raise InputError(f"step_days: found {step}, expected at least the {test} test days: no day is tested twice")
    begin_ns = (first_ns - 1) // DAY_NS * DAY_NS
    found = []
    for train_from_ns in range(begin_ns, last_ns - (train + test) * DAY_NS + 1, step * DAY_NS):
        test_from_ns = train_from_ns + train * DAY_NS
        start_ns = begin_ns if plan.anchored else train_from_ns
        found.append(Window(start_ns, test_from_ns, test_from_ns + test * DAY_NS))
    if not found:
        days = (last_ns - begin_ns) / DAY_NS
        raise InputError(f"train_days and test_days: found {train} and {test}, expected both to fit {days:.1f} days")
    return tuple(found)


def grid(params: Any, axes: Mapping[str, Sequence[Any]], sets_max: int = SETS_MAX) -> tuple[ParameterSet, ...]:
    """Every combination of values, over `params` (a msgspec struct); those that contradict themselves are left out.

    Without axes the parameters as they are, of whatever type. Raises ConfigError for a parameter that does not exist,
    and when nothing or too much is left.
    """
    if not axes:
        return (ParameterSet({}, params),)
    known = params.__struct_fields__ if isinstance(params, msgspec.Struct) else ()
    expected = f"one of {', '.join(known)}" if known else "nothing, as this system has no parameters"
    for name in axes:
        if name not in known:
            raise ConfigError(f"grid: found {name!r}, expected {expected}")
    count = math.prod(len(values) for values in axes.values())
    if count > sets_max:
        raise ConfigError(f"grid: found {count} combinations, expected at most {sets_max}")
    found = list(_combinations(params, axes))
    if not found:
        raise ConfigError("grid: found no combination that the system accepts, expected one or more")
    return tuple(found)


def _combinations(params: Any, axes: Mapping[str, Sequence[Any]]) -> Iterator[ParameterSet]:
    fields = msgspec.structs.asdict(params)
    for values in itertools.product(*axes.values()):
        named = dict(zip(axes, values, strict=True))
        try:
            accepted = msgspec.convert(fields | named, type(params), strict=False)
        except (msgspec.ValidationError, ConfigError):
            continue
        yield ParameterSet({name: getattr(accepted, name) for name in axes}, accepted)


def walk_forward(
    tape: Tape,
    system: str | KernelSystem,
    sets: Sequence[ParameterSet],
    options: BacktestOptions,
    plan: Plan,
    objective: str = "sharpe",
    report: Callable[[float, float], None] = lambda done, total: None,
) -> WalkForward:
    """Walk every window of the plan; each set is run in each train and test window, under every policy of the options.

    `report` is told windows done and windows in all. Of sets with equal scores the first is chosen. All sets are tried
    on the test days, the chosen one is the result, and the others serve `WalkForward.performance`. Raises InputError
    for a plan that does not fit the tape, ConfigError for an unknown objective.
    """
    if objective not in OBJECTIVES:
        raise ConfigError(f"objective: found {objective!r}, expected one of {', '.join(OBJECTIVES)}")
    if not sets:
        raise InputError("sets: found none, expected at least one set of parameters")
    found = find(system) if isinstance(system, str) else system
    turns = windows(tape.census.first_ns, tape.census.last_ns, plan)
    folds = []
    for number, window in enumerate(turns):
        report(number, len(turns))
        folds.append(_fold(tape, found, sets, options, window, OBJECTIVES[objective]))
    return WalkForward(plan, objective, tuple(sets), tuple(folds))


def _fold(
    tape: Tape,
    system: KernelSystem,
    sets: Sequence[ParameterSet],
    options: BacktestOptions,
    window: Window,
    objective: Objective,
) -> Fold:
    train_from_ns, test_from_ns, test_to_ns = window
    trained = segments(tape, system, sets, options, train_from_ns, test_from_ns)
    scores = tuple(objective(segment) for segment in trained)
    chosen = max(range(len(sets)), key=lambda n: (scores[n] is not None, scores[n] or 0.0, -n))
    tests = segments(tape, system, sets, options, test_from_ns, test_to_ns)
    return Fold(window, trained, scores, chosen, tests)


def segments(
    tape: Tape,
    system: KernelSystem,
    sets: Sequence[ParameterSet],
    options: BacktestOptions,
    from_ns: int,
    to_ns: int,
) -> tuple[Segment, ...]:
    """What each set gives between two moments, started fresh with its warm-up before the first of them."""
    parts: dict[int, Tape] = {}
    found = []
    for each in sets:
        warm_up_ns = getattr(each.params, "warm_up_bars", 0) * timeframe_ns(options.structure)
        if warm_up_ns not in parts:
            parts[warm_up_ns] = between(tape, from_ns - warm_up_ns + 1, to_ns + 1)
        found.append(_segment(parts[warm_up_ns], system, each.params, options, from_ns))
    return tuple(found)


def _segment(tape: Tape, system: KernelSystem, params: Any, options: BacktestOptions, from_ns: int) -> Segment:
    policies = options.policies
    runs = [run_policy(tape, system, params, options, policy)[0] for policy in policies]
    return min((_since(run, from_ns) for run in runs), key=lambda segment: segment.net_frac)


def _since(run: PolicyRun, from_ns: int) -> Segment:
    """A run from a moment on; raises InvariantError when it decided anything in its warm-up."""
    if (np.asarray(run.commands["ts"]) < from_ns).any():
        raise InvariantError(
            f"a system sent an order {run.commands['ts'][0]} ns, before its warm-up ended at {from_ns}"
        )
    stamps, equity = np.asarray(run.samples["ts"]), np.asarray(run.samples["equity"], np.float64)
    inside = stamps > from_ns
    before: Series = equity[~inside]
    start = float(before[-1]) if len(before) else float(int(run.equity.start))
    marks = equity[inside]
    if len(marks) == 0:
        raise InputError(f"a window from {from_ns} ns holds no structure bar, expected data in every window")
    return Segment(
        policy=run.policy,
        net_frac=float(marks[-1]) / start - 1.0,
        daily=daily_returns(stamps[inside], marks, start),
        figures=curve_figures(stamps[inside], marks, start),
        fills=len(run.fills),
    )


def _mean(scores: Sequence[float | None]) -> float | None:
    """Mean of those that have a meaning."""
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known else None
