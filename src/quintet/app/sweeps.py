"""A sweep or a search from configuration to folder: market, sets, journal, ledger, files, and what `--json` prints.

Its folder, `sweeps/<name>/` in the workspace:

      sweep.sqlite   the journal: every finished set, written when it was finished
      market.tape    the market, when several processes read it and it lay in no tape file
      sweep.json     what --json prints
      sets.parquet   one row a set
      sweep.html     the page
"""

import hashlib
import math
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from quintet import __version__
from quintet.app.backtests import Task, testing_form
from quintet.app.instruments import capital_quanta
from quintet.app.markets import Market, open_market
from quintet.app.messages import INTERRUPTED, Complaint, Report, fail, note, progress
from quintet.app.run_options import options_of, policies_of
from quintet.core.errors import ConfigError
from quintet.research.candidates import together
from quintet.research.evidence import Findings, judge_evidence
from quintet.research.returns import DAYS_PER_YEAR
from quintet.research.sweep import Finished, Job, Run, base_trial, performance, ranked, varying
from quintet.research.sweep_page import render_sweep
from quintet.research.sweep_runners import in_process, in_processes, on_ray
from quintet.research.sweep_work import SweepWork, Worth, distinct, worth
from quintet.research.trials import begin_counting
from quintet.storage.run_folders import write_json, write_table
from quintet.storage.sweep_journal import NAME as JOURNAL
from quintet.storage.sweep_journal import SweepJournal, open_journal
from quintet.storage.tape_files import TapeWriter, open_tape
from quintet.storage.trial_records import Counted, Trial
from quintet.storage.workspace import Workspace

MARKET_TAPE, RESULT, TABLE, PAGE = "market.tape", "sweep.json", "sets.parquet", "sweep.html"
SHOWN: Final = 10
"""Sets that a person is shown; the files hold all."""


class Choice(NamedTuple):
    """What is to be tried. `key`: everything that makes it another sweep, besides market, costs and system.

    `evaluate` runs it and gives what was found, how many sets the system refused, and whether it came to its end.
    `said`: how the choice is described in the result; `sets`: how many there are in all.
    """

    key: str
    sets: int
    on_grid: bool
    said: Mapping[str, Any]
    evaluate: Callable[[SweepWork, Report], tuple[Sequence[Finished], int, bool]]


Choose = Callable[[Any, Trial], Choice]
"""From the system's parameters as configured, and what the ledger says of every set alike."""


class Asked(NamedTuple):
    """What a command was told. `door`: how the ledger names it; `jobs`: processes; `out`: a folder, None: its own."""

    task: Task
    door: str
    jobs: int
    ray: bool = False
    out: Path | None = None
    resume: bool = False


def run(asked: Asked, choose: Choose, place: Workspace, now: datetime) -> dict[str, Any]:
    """Try everything that was chosen, count it, write the folder, and return the object that describes it.

    When a person stops it, what was finished is kept and counted, and the command ends with INTERRUPTED.
    """
    task, config = asked.task, asked.task.request.config
    now_ns = int(now.timestamp()) * 1_000_000_000
    market = open_market(task.request, place, now_ns)
    capital_quanta(config.execution.initial_quote, market.instrument, task.request.where)
    options = options_of(market.tape, market.instrument, market.structure, market.fills, task.system, config)
    job = Job(market.tape, task.system, options)
    params = getattr(config.system, task.system.name)
    base = base_trial(job, params, asked.door)
    choice = choose(params, base)
    key = hashlib.sha256(f"{base.id}\n{choice.key}".encode()).hexdigest()
    folder = asked.out or place.sweeps / f"{asked.door}-{task.system.name}-{key[:12]}"
    begin_counting(place.ledger)
    with open_journal(folder / JOURNAL, key) as journal:
        _check_begun(asked, journal, folder, choice.sets)
        with _stopping() as stop, progress(f"{choice.sets:,} sets of {task.system.name}") as report:
            work = SweepWork(base, journal, _runner(asked, job, market, folder, now_ns), stop)
            all_found, refused, is_complete = choice.evaluate(work, report)
        found = distinct(all_found)
        # Counted before anybody sees the result: a look is a trial, whatever becomes of it.
        counted = work.count(place.ledger, found, now) if found else []
    if not is_complete:
        _say_stopped(len(found), choice.sets, folder)
    if not found:
        raise ConfigError(f"space: found no set that {task.system.name} accepts in {refused:,}, expected one or more")
    described = _described(asked, market, choice, found, refused, counted)
    _write(folder, described, found)
    return described | {"out": str(folder.resolve())}


def _check_begun(asked: Asked, journal: SweepJournal, folder: Path, count: int) -> None:
    """Raise Complaint when there are results and nobody said that they are to be used."""
    finished = len(journal.rows())
    if finished and not asked.resume:
        raise Complaint(
            "begun before",
            where=str(folder),
            found=f"{finished:,} finished sets",
            expected="--resume to go on with them, or another folder with --out",
        )


def _runner(asked: Asked, job: Job, market: Market, folder: Path, now_ns: int) -> Run:
    if asked.ray:
        return on_ray(job, _tape_file(job, market, folder, now_ns))
    if asked.jobs > 1:
        return in_processes(job, _tape_file(job, market, folder, now_ns), asked.jobs)
    return in_process(job)


def _tape_file(job: Job, market: Market, folder: Path, now_ns: int) -> Path:
    """The file that every process maps: the market's own, else a copy of what is in memory, made once."""
    if market.path is not None:
        return market.path
    path = folder / MARKET_TAPE
    if not path.exists() or open_tape(path).hash != job.tape.hash:
        with TapeWriter(path, job.tape.meta, replace=True) as writer:
            writer.append(job.tape.event_rows())
    return path


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C (or SIGTERM) asks to stop after what is under way, the second one ends at once."""
    asked = False

    def ask(number: int, frame: Any) -> None:
        nonlocal asked
        asked = True
        signal.signal(number, before[number])
        note("stopping: what is under way is finished and kept; once more ends at once")

    before: dict[int, Any] = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say_stopped(finished: int, count: int, folder: Path) -> None:
    note(f"stopped: {finished:,} of {count:,} sets are finished, kept and counted in {folder}")
    note("the same command with --resume goes on")
    fail(INTERRUPTED)


# ---- what is said of it --------------------------------------------------------------------------------------


def _described(
    asked: Asked, market: Market, choice: Choice, found: Sequence[Finished], refused: int, counted: Sequence[Counted]
) -> dict[str, Any]:
    config = asked.task.request.config
    charged = testing_form(config, market.traded, market.is_book)
    value = worth(found, counted[-1], choice.on_grid)
    judgement = judge_evidence(Findings(value.luck, not charged, **together(performance(found))._asdict()))
    return {
        "door": asked.door,
        "system": asked.task.system.name,
        "synthetic": market.synthetic,
        "market": market.label,
        "policies": list(policies_of(market.tape, config)),
        **choice.said,
        "tried": len(found),
        "refused": refused,
        "best": _surroundings(value, found),
        "luck": value.luck._asdict(),
        "evidence": {
            "sentence": judgement.sentence,
            "conditions": [condition._asdict() for condition in judgement.conditions],
        },
        "trials": {
            "new": sum(not each.repeated for each in counted),
            "total": counted[-1].total,
            "on_data": counted[-1].on_data,
        },
        "conservation": sum(each.result.off_quanta for each in found),
        "varying": varying([each.set.values for each in found]),
        "sets": [set_row(each) for each in ranked(found)],
        "assumptions": [*charged, *market.assumptions],
    }


def set_row(each: Finished) -> dict[str, Any]:
    """One set as plain values."""
    result, ratio = each.result, each.trial.sharpe
    return {
        "values": dict(each.set.values),
        "low_frac": result.low_frac,
        "high_frac": result.high_frac,
        "low_quote": result.low_quote,
        "policy": result.policy,
        "max_drawdown_frac": result.max_drawdown_frac,
        "fills": result.fills,
        "sharpe_annualised": None if ratio is None else ratio * math.sqrt(DAYS_PER_YEAR),
        "trial": each.trial.id,
        "hashes": dict(result.hashes),
    }


def _surroundings(value: Worth, found: Sequence[Finished]) -> dict[str, Any]:
    """Where the best stands among all."""
    land = value.landscape
    return {
        "values": dict(found[land.best].set.values),
        "low_frac": land.best_frac,
        "median_frac": land.median_frac,
        "worst_frac": land.worst_frac,
        "positive_share": land.positive,
        "neighbours": len(land.neighbours),
        "neighbours_median_frac": land.neighbours_frac,
        "neighbours_share": land.shared,
        "is_isolated": land.is_isolated,
        "at_the_edge_of": list(land.edges),
    }


def _write(folder: Path, described: Mapping[str, Any], found: Sequence[Finished]) -> None:
    """The files of a finished sweep; those of an earlier time are replaced."""
    write_json(folder / RESULT, described)
    rows = described["sets"]
    values = {f"param_{name}": [row["values"][name] for row in rows] for name in (rows[0]["values"] if rows else ())}
    plain = [name for name in rows[0] if name not in ("values", "hashes")]
    write_table(folder / TABLE, values | {name: [row[name] for row in rows] for name in plain})
    half = folder / f".{PAGE}"
    half.write_text(render_sweep(described, __version__), encoding="utf-8")
    half.replace(folder / PAGE)


# ---- what is printed -----------------------------------------------------------------------------------------


def lines(said: Mapping[str, Any]) -> Iterator[str]:
    """The result for a person: how many were tried before which was best, and what the best is worth."""
    if said["synthetic"]:
        yield "SYNTHETIC MARKET: this shows the machine at work, not a profit."
    yield f"{said['tried']:,} sets tried, {said['trials']['total']:,} trials in all"
    yield ""
    yield f"{'':>6} {'net':>9} {'kindest':>9} {'drawdown':>9} {'Sharpe':>7} {'fills':>7}  parameters"
    rows = said["sets"]
    for number, row in enumerate(rows[:SHOWN], start=1):
        yield _row(f"{number}.", row)
    if len(rows) > SHOWN:
        yield _row("worst", rows[-1])
    yield ""
    facts = list(surroundings(said))
    width = max(len(name) for name, _ in facts)
    yield from (f"{name:<{width}}  {text}" for name, text in facts)
    yield ""
    yield f"The best of {said['tried']:,}: {said['evidence']['sentence']}."
    for condition in said["evidence"]["conditions"]:
        mark = {True: "met", False: "not met", None: "unknown"}[condition["met"]]
        yield f"  {mark:<8} {condition['text']}: {condition['seen']}"
    yield ""
    yield f"page    {Path(said['out']) / PAGE}"


def _row(label: str, row: Mapping[str, Any]) -> str:
    ratio = row["sharpe_annualised"]
    shown = "-" if ratio is None else f"{ratio:+.2f}"
    return (
        f"{label:>6} {row['low_frac']:>+9.2%} {row['high_frac']:>+9.2%} {row['max_drawdown_frac']:>9.2%} {shown:>7} "
        f"{row['fills']:>7,}  {parameters(row['values'])}"
    )


def parameters(values: Mapping[str, Any]) -> str:
    """`step_atr=0.6, grid_levels=3`."""
    return ", ".join(f"{name}={_short(value)}" for name, value in values.items()) or "as configured"


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def surroundings(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What keeps one from taking the best for a discovery: the middle, the neighbours, the edges, and luck."""
    best = said["best"]
    yield "best", f"{best['low_frac']:+.2%} net, the pessimistic end"
    yield "median", f"{best['median_frac']:+.2%}; {best['positive_share']:.0%} of the sets did not lose"
    if best["neighbours_share"] is not None:
        share = f"{best['neighbours_median_frac']:+.2%} at the median of {best['neighbours']}"
        told = f"they share {best['neighbours_share']:.0%} of its advance over the median"
        yield "neighbours", f"{share}; {told}{': an isolated peak' if best['is_isolated'] else ''}"
    if best["at_the_edge_of"]:
        yield "at the edge", f"of {', '.join(best['at_the_edge_of'])}: what lies beyond was not tried"
    luck = said["luck"]
    if luck["sharpe_annualised"] is not None and luck["best_by_luck_annualised"] is not None:
        by_luck = f"luck alone shows {luck['best_by_luck_annualised']:.2f} in {luck['trials']:,} trials of this length"
        yield "Sharpe", f"{luck['sharpe_annualised']:+.2f} a year of 365 days; {by_luck}"
    if luck["deflated_sharpe"] is not None:
        yield "deflated", f"{luck['deflated_sharpe']:.3f} confidence in any skill at all, 0.95 is the least that counts"
    yield "trials", f"{said['trials']['new']:,} more, {said['trials']['total']:,} in all"
    if said["refused"]:
        yield "refused", f"{said['refused']:,} sets contradict themselves: the system does not accept them"
