"""`quintet walk-forward SYSTEM`: choose parameters on the past, trade them on the days that follow, again and again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from quintet.app import backtest_command as flags
from quintet.app.messages import Complaint, progress, say, say_json

if TYPE_CHECKING:
    from quintet.research.significance import Luck
    from quintet.research.walk_forward import Fold, WalkForward

DOOR: Final = "walk-forward"
"""How the ledger of trials names what is run from here."""

WALK: Final = "Walk"


def walk_forward(
    system: flags.SystemName,
    more: flags.MoreFiles = None,
    data: flags.DataFiles = None,
    tape: flags.TapeFile = None,
    symbol: flags.Symbol = None,
    interval: flags.Interval = None,
    htf_interval: flags.HtfInterval = None,
    ltf_interval: flags.LtfInterval = None,
    start: flags.Start = None,
    end: flags.End = None,
    cache: flags.Cache = None,
    bars: flags.Bars = None,
    config: flags.ConfigFile = None,
    sets: flags.Sets = None,
    fill_policy: flags.Policies = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="KEY=V1,V2",
            help="Values of one parameter to choose among; may be repeated. None: the parameters as they are.",
            rich_help_panel=WALK,
        ),
    ] = None,
    train_days: Annotated[
        int,
        typer.Option(parser=flags.count, metavar="DAYS", help="Days that each choice looks at.", rich_help_panel=WALK),
    ] = 90,
    test_days: Annotated[
        int,
        typer.Option(
            parser=flags.count, metavar="DAYS", help="Days that each choice is tried on.", rich_help_panel=WALK
        ),
    ] = 30,
    step_days: Annotated[
        int | None,
        typer.Option(
            parser=flags.count,
            metavar="DAYS",
            help="From one window to the next; the test days unless given.",
            rich_help_panel=WALK,
        ),
    ] = None,
    anchored: Annotated[
        bool, typer.Option("--anchored", help="Every choice looks back to the first day.", rich_help_panel=WALK)
    ] = False,
    objective: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="What is to be large: sharpe, sortino, return or calmar.", rich_help_panel=WALK
        ),
    ] = "sharpe",
    as_json: flags.AsJson = False,
) -> None:
    """Choose parameters on the train days, try them on the days that follow, and say what was left of the choice.

    Every set of parameters in every window counts as a trial.
    """
    values = {"tape": tape, "symbol": symbol, "interval": interval, "htf_interval": htf_interval}
    values |= {"ltf_interval": ltf_interval, "start": start, "end": end, "cache": cache}
    task = flags.make_task(system, flags.market_flags(values, data, more, fill_policy), config, sets or (), bars)
    said = _walked(task, _axes(grid or ()), (train_days, test_days, step_days, anchored), objective)
    if as_json:
        say_json(said)
    else:
        for line in _lines(said):
            say(line)


def _axes(written: Sequence[str]) -> dict[str, list[str]]:
    """`step_atr=0.6,0.8` as a name and its values; raises Complaint."""
    axes: dict[str, list[str]] = {}
    for word in written:
        name, equals, values = word.partition("=")
        found = [value.strip() for value in values.split(",") if value.strip()]
        if not equals or not name.strip() or not found:
            raise Complaint("not a grid", where="--grid", found=word, expected="a parameter and values, KEY=V1,V2,...")
        if name.strip() in axes:
            raise Complaint("a parameter named twice", where="--grid", found=word, expected="all its values in one")
        axes[name.strip()] = found
    return axes


def _walked(task: Any, axes: Mapping[str, Sequence[str]], plan: tuple[Any, ...], objective: str) -> dict[str, Any]:
    """Open the market, walk it, count what was looked at, and say it."""
    from quintet.app import wiring
    from quintet.app.backtests import testing_form
    from quintet.app.markets import open_market
    from quintet.app.run_options import refuse_book
    from quintet.research import walk_forward as walk
    from quintet.research.backtest_options import BacktestOptions
    from quintet.research.trials import begin_counting, count_trials
    from quintet.storage.workspace import workspace

    place, now, config = workspace(), wiring.clock(), task.request.config
    market = open_market(task.request, place, int(now.timestamp()) * 1_000_000_000)
    refuse_book(market.tape, "walk-forward", "candles; a tape of ticks is cut with `quintet tape cut` and swept")
    system = task.system
    options = BacktestOptions(market.instrument, config.execution, config.limits, market.structure, market.fills)
    sets = walk.grid(getattr(config.system, system.name), axes)
    begin_counting(place.ledger)
    with progress(f"walking {len(sets)} sets of {system.name} forward") as report:
        done = walk.walk_forward(market.tape, system, sets, options, walk.Plan(*plan), objective, report)
    # Counted before anybody sees the result: a look is a trial, whatever becomes of it.
    counted = count_trials(place.ledger, walk.looks(done, market.tape, system, options, DOOR), now)
    return {
        "system": system.name,
        "synthetic": market.synthetic,
        "market": market.label,
        "policies": list(config.execution.fill_policies),
        **_described(done, counted[-1].total, costs_charged=not testing_form(config, market.traded)),
        "trials": {
            "counted": len(counted),
            "repeated": sum(each.repeated for each in counted),
            "total": counted[-1].total,
        },
        "assumptions": list(market.assumptions),
    }


def _described(done: "WalkForward", trials: int, costs_charged: bool) -> dict[str, Any]:
    """A walk as plain values: the plan, every window, and what they say together."""
    from quintet.research.metrics import daily_figures
    from quintet.research.significance import luck

    found = luck(done.daily.frac, trials)
    return {
        "plan": done.plan._asdict(),
        "objective": done.objective,
        "sets": [dict(each.values) for each in done.sets],
        "windows": [_window(done, fold) for fold in done.folds],
        "days": len(done.daily.frac),
        "net_frac": done.net_frac,
        "figures": daily_figures(done.daily.frac),
        "train_score": done.train_score,
        "test_score": done.test_score,
        "efficiency": done.efficiency,
        "stability": [row._asdict() for row in done.stability],
        "luck": found._asdict(),
        "evidence": _judged(done, found, costs_charged),
    }


def _window(done: "WalkForward", fold: "Fold") -> dict[str, Any]:
    from quintet.research.walk_forward import OBJECTIVES

    return {
        "train_from": _date(fold.window.train_from_ns),
        "test_from": _date(fold.window.test_from_ns),
        "test_to": _date(fold.window.test_to_ns),
        "chosen": dict(done.sets[fold.chosen].values),
        "train_score": fold.train_scores[fold.chosen],
        "test_score": OBJECTIVES[done.objective](fold.test),
        "test_net_frac": fold.test.net_frac,
        "test_fills": fold.test.fills,
        "policy": fold.test.policy,
    }


def _judged(done: "WalkForward", found: "Luck", costs_charged: bool) -> dict[str, Any]:
    """Whether the test days are evidence, and of what each condition was seen."""
    from quintet.research.candidates import together
    from quintet.research.evidence import Findings, judge_evidence

    judgement = judge_evidence(Findings(found, costs_charged, **together(done.performance)._asdict()))
    return {"sentence": judgement.sentence, "conditions": [each._asdict() for each in judgement.conditions]}


def _date(moment_ns: int) -> str:
    return datetime.fromtimestamp(moment_ns // 10**9, UTC).strftime("%Y-%m-%d")


# ---- what is printed ---------------------------------------------------------------------------------------------


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    """The walk for a person: one line a window, then what they say together."""
    if said["synthetic"]:
        yield "SYNTHETIC MARKET: this shows the machine at work, not a profit."
    objective = said["objective"]
    yield f"{'test days':<24} {'train':>9} {'test':>9} {'net':>9} {'fills':>6}  chosen by {objective}"
    for window in said["windows"]:
        chosen = ", ".join(f"{name}={value}" for name, value in window["chosen"].items()) or "as configured"
        yield (
            f"{window['test_from']} to {window['test_to']} {_number(window['train_score']):>9} "
            f"{_number(window['test_score']):>9} {window['test_net_frac']:>+9.2%} {window['test_fills']:>6}  {chosen}"
        )
    yield ""
    facts = list(_facts(said))
    width = max(len(name) for name, _ in facts)
    yield from (f"{name:<{width}}  {text}" for name, text in facts)
    yield ""
    yield f"The test days: {said['evidence']['sentence']}."
    for condition in said["evidence"]["conditions"]:
        mark = {True: "met", False: "not met", None: "unknown"}[condition["met"]]
        yield f"  {mark:<8} {condition['text']}: {condition['seen']}"


def _facts(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What all windows say together, by name."""
    train, test = _number(said["train_score"]), _number(said["test_score"])
    yield "test days", f"{said['days']:,} in {len(said['windows'])} windows, net {said['net_frac']:+.2%}"
    yield "Sharpe", f"{_number(said['luck']['sharpe_annualised'])} a year of 365 days"
    yield "train to test", f"{train} where chosen, {test} where tried"
    if said["efficiency"] is not None:
        yield "efficiency", f"{said['efficiency']:.0%} of what was found was left"
    for row in said["stability"]:
        wandered, by_dice = row["wander"], row["wander_by_dice"]
        yield row["name"], f"wandered {wandered:.2f} of its range between windows, dice {by_dice:.2f}"
    trials = said["trials"]
    yield "trials", f"{trials['counted'] - trials['repeated']:,} more, {trials['total']:,} in all"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.2f}"
