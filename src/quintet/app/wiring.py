"""Which real thing fills which place. The one file to read to learn what a command really runs."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from quintet.app.backtests import Job, Parts, Result, Robustness
from quintet.app.config import Config
from quintet.app.messages import Report
from quintet.core.errors import DefinitionError
from quintet.core.instrument import Instrument
from quintet.ports.tape import DeskTape
from quintet.runtime.lines import Words
from quintet.runtime.session import PaperSession


def clock() -> datetime:
    """The wall clock, read by the shell alone; systems learn the time from their tape."""
    return datetime.now(UTC)


def parts() -> Parts:
    """The compiled engine, the report of one page, the rules of its verdict, and what tries to break a result."""
    return Parts(_run_compiled, _report, _judge, _shake)


def _run_compiled(job: Job) -> Result:
    from quintet.research.backtest import run_backtest
    from quintet.research.backtest_options import BacktestOptions

    config = job.config
    options = BacktestOptions(job.instrument, config.execution, config.risk, job.structure, job.fills)
    return run_backtest(job.tape, job.system, getattr(config.system, job.system), options)


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
    system: str, config: Config, instrument: Instrument, structure: str, fills: str, open_tape: OpenTape | None = None
) -> Watched:
    """A desk with the simulated exchange behind it: a live market, no order that leaves."""
    from quintet.research import systems
    from quintet.research.backtest import desk_notes, fresh_world
    from quintet.research.backtest_options import BacktestOptions

    found = systems.find(system)
    params = getattr(config.system, system)
    options = BacktestOptions(instrument, config.execution, config.risk, structure, fills)
    world = fresh_world(found, params, options, PAPER_POLICY, recording=open_tape is not None)
    words = Words(found.note_kind, found.explain, found.begins_quoting)
    notes = desk_notes(system, params, options, PAPER_POLICY)
    tape = open_tape(notes) if open_tape is not None else None
    return Watched(PaperSession(world, systems.loop(found), tape), words, found.headlines)
