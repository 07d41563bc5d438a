"""Which real thing fills which place. The one file to read to learn what a command really runs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from quintet.app.backtests import Job, Parts, Result, Robustness, Task, job_of
from quintet.app.config import Config
from quintet.app.markets import Market, open_market
from quintet.app.messages import Report
from quintet.core.errors import DefinitionError
from quintet.core.instrument import Instrument
from quintet.core.tape import Tape
from quintet.ports.tape import DeskTape
from quintet.research.systems import KernelSystem
from quintet.runtime.lines import Words
from quintet.runtime.session import PaperSession
from quintet.storage.workspace import Workspace

if TYPE_CHECKING:
    from quintet.research.backtest_options import BacktestOptions
    from quintet.research.lookahead import Pipeline
    from quintet.research.moments import Trader


def clock() -> datetime:
    """The wall clock, read by the shell alone; systems learn the time from their tape."""
    return datetime.now(UTC)


def parts() -> Parts:
    """The compiled engine, the report of one page, the rules of its verdict, and what tries to break a result."""
    return Parts(_run_compiled, _report, _judge, _shake)


def _run_compiled(job: Job) -> Result:
    from quintet.research.backtest import run_backtest

    return run_backtest(job.tape, job.system, getattr(job.config.system, job.system.name), _options(job))


def _options(job: Job) -> "BacktestOptions":
    from quintet.app.run_options import options_of

    return options_of(job.tape, job.instrument, job.structure, job.fills, job.system, job.config)


def _report(result: Result, manifest: Mapping[str, Any], robustness: Robustness) -> str:
    from quintet.research.backtest import BacktestResult
    from quintet.research.report import render_report

    if not isinstance(result, BacktestResult):
        raise DefinitionError(f"the report reads a BacktestResult, found {type(result).__name__}")
    return render_report(result, manifest, robustness)


def _shake(result: Result, how: str, tell: Report) -> Robustness:
    from quintet.research.backtest import BacktestResult
    from quintet.research.robustness_file import robustness_of

    if not isinstance(result, BacktestResult):
        raise DefinitionError(f"what breaks a run is asked of a BacktestResult, found {type(result).__name__}")
    return robustness_of(result, how, tell)


def _judge(result: Result, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    from quintet.research.report_parts.verdict import MET, facts_of, judge

    verdict = judge(facts_of(result, manifest))
    reasons = [
        f"{check.text}: {check.seen}" if check.seen else check.text for check in verdict.checks if check.state != MET
    ]
    return {"sentence": verdict.sentence, "reasons": reasons}


def replayer() -> Callable[[Path], str]:
    """Replays a desk tape without simulator and timers; gives the command hash."""
    from quintet.research.desk_replay import replay_desk_tape

    return replay_desk_tape


def trader(job: Job) -> "Trader":
    """Who trades in a job: what the checks of a system run, outside a backtest."""
    from quintet.research.moments import Trader

    return Trader(job.system, getattr(job.config.system, job.system.name), _options(job))


def pipeline(task: Task, market: Market, place: Workspace, now_ns: int) -> "Pipeline":
    """Everything between the candle files of a task and the decisions of its system, to be put to the test."""
    from quintet.research.lookahead import Pipeline

    def imported(files: Sequence[Path]) -> Tape:
        data = msgspec.structs.replace(task.request.config.data, files=tuple(map(str, files)))
        config = msgspec.structs.replace(task.request.config, data=data)
        return open_market(task.request._replace(config=config), place, now_ns).tape

    trading = trader(job_of(task, market))
    return Pipeline(imported, lambda tape: trading)


def interrupter() -> Callable[[Job, str, int, int], Mapping[str, str]]:
    """Runs a job under one policy with so many interruptions, placed by a seed; gives the hashes of its end."""
    from quintet.research.interruptions import random_stops, run_interrupted

    def interrupted(job: Job, policy: str, count: int, seed: int) -> Mapping[str, str]:
        run = run_interrupted(job.tape, trader(job), policy, random_stops(job.tape, count, seed))
        return {"tape": job.tape.hash, "commands": run.command_hash, "state": run.state_hash}

    return interrupted


class Watched(NamedTuple):
    """A desk to be watched, how its notes are put into words, and which of them a person wants to see."""

    desk: PaperSession
    words: Words
    headlines: frozenset[str]


OpenTape = Callable[[Mapping[str, str]], DeskTape]
"""Opens a new desk tape whose meta block bears these notes: what a replay needs to know."""

PAPER_POLICY: Final = "pessimistic"
"""How the simulated exchange reads a bar where it does not say what came first."""


def paper_desk(
    system: KernelSystem,
    config: Config,
    instrument: Instrument,
    structure: str,
    fills: str,
    open_tape: OpenTape | None = None,
) -> Watched:
    """A desk with the simulated exchange behind it: a live market, no order that leaves."""
    from quintet.research.backtest import desk_notes, fresh_world
    from quintet.research.backtest_options import BacktestOptions
    from quintet.research.systems import loop

    params = getattr(config.system, system.name)
    options = BacktestOptions(instrument, config.execution, config.limits, structure, fills)
    world = fresh_world(system, params, options, PAPER_POLICY, recording=open_tape is not None)
    words = Words(system.note_kind, system.explain, system.begins_quoting)
    notes = desk_notes(system, params, options, PAPER_POLICY)
    tape = open_tape(notes) if open_tape is not None else None
    return Watched(PaperSession(world, loop(system), tape), words, system.headlines)
