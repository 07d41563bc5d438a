"""Which real thing fills which place. The one file to read to learn what a command really runs."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quintet.app.backtests import Job, Parts, Result


def clock() -> datetime:
    """The wall clock, read by the shell alone; systems learn the time from their tape."""
    return datetime.now(UTC)


def parts() -> Parts:
    """The compiled engine and the report of one page."""
    return Parts(_run_compiled, _report)


def _run_compiled(job: Job) -> Result:
    from quintet.research.backtest import run_backtest
    from quintet.research.backtest_options import BacktestOptions

    config = job.config
    options = BacktestOptions(
        job.instrument, config.execution, config.risk, job.structure, job.fills, record_desk=config.report.desk_tape
    )
    return run_backtest(job.tape, job.system, getattr(config.system, job.system), options)


def _report(result: Result, manifest: Mapping[str, Any]) -> str:
    from quintet.research.report import render_report

    return render_report(result, manifest)


def replayer() -> Callable[[Path], str]:
    """Replays a desk tape without simulator and timers; gives the command hash."""
    from quintet.research.desk_replay import replay_desk_tape

    return replay_desk_tape
