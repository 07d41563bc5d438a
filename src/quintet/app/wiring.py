"""Which real thing fills which place. The one file to read to learn what a command really runs."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from quintet.app.backtests import Engine, Job, Result


def clock() -> datetime:
    """The wall clock, read by the shell alone; systems learn the time from their tape."""
    return datetime.now(UTC)


def engine() -> Engine:
    """The compiled engine."""
    return _run_compiled


def _run_compiled(job: Job) -> Result:
    from quintet.research.backtest import run_backtest

    return run_backtest(job)


def replayer() -> Callable[[Path], str]:
    """Replays a desk tape without simulator and timers; gives the command hash."""
    from quintet.research.backtest import replay_desk_tape

    return replay_desk_tape
