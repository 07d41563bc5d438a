"""Many sets of parameters over one market: what each of them gave, equal to its own backtest.

A set's result is a small value that can be kept in a journal and sent between processes. A set is known by the id that
the ledger of trials will give it, before it is run: what is in the journal under that id is never run again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from quintet.core.errors import ConfigError
from quintet.core.tape import Tape
from quintet.research.backtest import BacktestResult, run_policy
from quintet.research.backtest_options import BacktestOptions
from quintet.research.systems import KernelSystem
from quintet.research.trials import Look, another_trial, trial_of
from quintet.research.walk_forward import ParameterSet
from quintet.storage.trial_records import Trial

SETS_MAX: Final = 100_000
STEPS_MAX: Final = 10_000


class SetResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one set gave over all fill policies; figures without a direction are of the headline, the pessimistic end.

    `low_frac`, `high_frac`: net result as a fraction of the capital; `low_quote`: the lower one in the quote asset;
    `daily`: net return of each UTC day; `off_quanta`: by how much any book is off, 0 when all balance; `hashes`: of
    tape, commands and state, as `backtest` prints them.
    """

    low_frac: float
    high_frac: float
    low_quote: float
    policy: str
    max_drawdown_frac: float
    fills: int
    daily: tuple[float, ...]
    off_quanta: int
    hashes: dict[str, str]


class Job(NamedTuple):
    """What all sets have in common."""

    tape: Tape
    system: KernelSystem
    options: BacktestOptions


class Finished(NamedTuple):
    """One set with its result, and the evaluation as the ledger of trials counts it."""

    set: ParameterSet
    result: SetResult
    trial: Trial


Stop = Callable[[], bool]
"""Whether somebody asked to stop; then what was begun is finished, and nothing else is begun."""

Run = Callable[[Sequence[ParameterSet], Stop], Iterator[tuple[int, SetResult]]]
"""Runs sets in any order, and gives the number of each in the sequence with its result as soon as it has one."""


def never() -> bool:
    """Nobody asks to stop."""
    return False


def run_set(job: Job, params: Any) -> SetResult:
    """Backtest one set under every fill policy of the options; marks of equity inside a day are not kept."""
    runs = [run_policy(*job[:2], params, job.options, name, every_sample=False)[0] for name in job.options.policies]
    found = BacktestResult(*job[:2], params, job.options, tuple(runs))
    equity = found.headline.equity
    return SetResult(
        low_frac=float(found.interval["low_frac"]),
        high_frac=float(found.interval["high_frac"]),
        low_quote=float(found.interval["low_quote"]),
        policy=found.headline.policy,
        max_drawdown_frac=float(equity.max_drawdown),
        fills=len(found.headline.fills),
        daily=tuple(map(float, found.daily_returns)),
        off_quanta=found.conservation,
        hashes=found.hashes,
    )


def base_trial(job: Job, params: Any, door: str) -> Trial:
    """What the ledger says of every set of a sweep alike; `another_trial` makes each set's own of it."""
    return trial_of(Look(job.system, params, job.options, job.tape, np.empty(0)), door)


def finished(base: Trial, each: ParameterSet, result: SetResult) -> Finished:
    """A set with its result and its trial."""
    return Finished(each, result, another_trial(base, each.params, np.asarray(result.daily)))


def ranked(found: Sequence[Finished]) -> list[Finished]:
    """From the highest to the lowest pessimistic result; of equals the first that was asked for."""
    return sorted(found, key=lambda each: -each.result.low_frac)


def performance(found: Sequence[Finished]) -> NDArray[np.float64]:
    """Daily returns, one row a day, one column a set; an account that has nothing left returns 0 from then on."""
    days = max(len(each.result.daily) for each in found)
    return np.column_stack([np.pad(each.result.daily, (0, days - len(each.result.daily))) for each in found])


# ---- what is to be tried -----------------------------------------------------------------------------------------


def axis_values(written: str) -> list[str]:
    """`0.6,0.8` as it stands, `lo:hi:step` as every value from `lo` up to `hi`; raises ConfigError.

    Steps are decimal: 0.1:0.3:0.1 is 0.1, 0.2 and 0.3.
    """
    found: list[str] = []
    for word in (part.strip() for part in written.split(",")):
        if word:
            found.extend(_steps(word) if ":" in word else [word])
    return found


def _steps(word: str) -> list[str]:
    ends = word.split(":")
    try:
        low, high, step = map(Decimal, ends)
        count = int((high - low) / step) + 1 if step else 0
    except (ValueError, InvalidOperation, OverflowError):
        raise ConfigError(f"grid: found {word!r}, expected three numbers LO:HI:STEP") from None
    if step <= 0 or high < low:
        raise ConfigError(f"grid: found {word!r}, expected LO:HI:STEP with HI from LO on and a STEP above 0")
    if count > STEPS_MAX:
        raise ConfigError(f"grid: found {count:,} values in {word!r}, expected at most {STEPS_MAX:,}")
    return [format(low + n * step, "f") for n in range(count)]


def varying(sets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the parameters that differ between sets."""
    names = sets[0] if sets else {}
    return [name for name in names if len({each[name] for each in sets}) > 1]
