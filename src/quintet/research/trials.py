"""What the ledger of trials is told of a backtest, and what a run says of its place in it.

Every door (command line, library, sweep) calls `count_trials` before it shows a result. What comes back stands in the
run's manifest under `trials`, outside every hash: the same run made later has the same hashes and a higher count.
"""

import hashlib
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from quintet.core.instrument import encode
from quintet.core.risk.restraint_config import RestraintConfig
from quintet.core.tape import Tape
from quintet.research.backtest_options import BacktestOptions
from quintet.research.earlier_trials import EARLIER_TRIALS
from quintet.research.observations import Series
from quintet.research.significance import deflated_sharpe, sharpe
from quintet.research.system_source import source_hash
from quintet.research.systems import KernelSystem
from quintet.storage.trial_ledger import check_newest, record_trials
from quintet.storage.trial_records import Counted, Trial


class Look(NamedTuple):
    """What the ledger asks of a result, for one that is no `BacktestResult`, or that is still to be run."""

    system: KernelSystem
    params: Any
    options: BacktestOptions
    tape: Tape
    daily_returns: Series


def others_of(options: BacktestOptions) -> dict[str, Any]:
    """The instruments after the first, for a run of several."""
    if not options.others:
        return {}
    return {"others": [msgspec.json.decode(encode(each)) for each in options.others]}


def trial_of(result: Any, door: str, run: str = "") -> Trial:
    """A `BacktestResult` as the ledger counts it; its Sharpe ratio is that of the headline, the pessimistic end."""
    options, census = result.options, result.tape.census
    return Trial(
        system=result.system.name,
        source=source_hash(result.system),
        parameters=_named(result.params),
        conditions={
            "instrument": msgspec.json.decode(encode(options.instrument)),
            "execution": _execution(options),
            "risk": _risk(options),
            "structure": options.structure,
            "fills": options.fills,
            **others_of(options),
        },
        data=data_hash(result.tape),
        first_ns=census.first_ns,
        last_ns=census.last_ns,
        policies=options.policies,
        sharpe=sharpe(result.daily_returns),
        periods=len(result.daily_returns),
        door=door,
        run=run,
    )


def _risk(options: BacktestOptions) -> dict[str, Any]:
    """The limits of the desk; rules of the restraint only where they are not as they are by default."""
    off = _named(RestraintConfig())
    return {name: value for name, value in _named(options.risk).items() if name not in off or value != off[name]}


def _execution(options: BacktestOptions) -> dict[str, Any]:
    """The simulated exchange: on order books their own, with the capital, and the hash of recorded latencies."""
    execution = _without(_named(options.execution), "fill_policies")
    if options.book is None:
        return execution
    recorded = options.book.recorded
    by_hash = {} if recorded is None else {"recorded": hashlib.sha256(np.asarray(recorded).tobytes()).hexdigest()}
    capital = {name: execution[name] for name in ("initial_quote", "initial_base")}
    return {**capital, **_named(options.book.execution), **by_hash}


def another_trial(trial: Trial, params: Any, daily_returns: Series) -> Trial:
    """The same evaluation with other parameters of the same system, and what they returned."""
    return msgspec.structs.replace(
        trial, parameters=_named(params), sharpe=sharpe(daily_returns), periods=len(daily_returns)
    )


def data_hash(tape: Tape) -> str:
    """SHA-256 of the market that a tape is a window of: of the files it was made from, else of the tape itself."""
    sources = sorted({source.sha256 for source in tape.meta.sources})
    if not sources:
        return tape.hash
    return sources[0] if len(sources) == 1 else hashlib.sha256("\n".join(sources).encode()).hexdigest()


def begin_counting(ledger: Path) -> None:
    """Raise Damage or DataError when a trial could not be counted, before any time is spent on it."""
    check_newest(ledger)


def count_trials(ledger: Path, trials: Sequence[Trial], now: datetime) -> list[Counted]:
    """Record trials in the ledger, which is begun with what was tried before it; see `record_trials`."""
    return record_trials(ledger, trials, now.astimezone(UTC).isoformat(timespec="microseconds"), EARLIER_TRIALS)


def count_backtest(ledger: Path, result: Any, door: str, now: datetime, run: str = "") -> dict[str, Any]:
    """Count one result (its `trial` and its `daily_returns`), and return what a manifest says under `trials`."""
    [counted] = count_trials(ledger, [result.trial(door, run)], now)
    return standing(counted, result.daily_returns)


def standing(counted: Counted, daily_returns: Series) -> dict[str, Any]:
    """Where a result stands among all trials: its place in the ledger, the counts, and its Sharpe ratio deflated.

    `independent`: how many trials the `total` is worth, None as long as nobody has measured it; the deflated ratio
    takes every trial as independent.
    """
    deviation = deflating_deviation(counted, len(daily_returns))
    return {
        "id": counted.trial_id,
        "number": counted.number,
        "seal": counted.seal,
        "ledger": counted.ledger,
        "repeated": counted.repeated,
        "on_data": counted.on_data,
        "earlier": counted.earlier,
        "total": counted.total,
        "independent": None,
        "sharpe_deviation": deviation,
        "deflated_sharpe": deflated_sharpe(daily_returns, counted.total, deviation),
    }


def deflating_deviation(counted: Counted, days: int) -> float | None:
    """The spread of ratios, per day, that a result of so many days is held against; None for fewer than two.

    That of the trials on this market, and at least what luck alone gives in so many days: trials that were nearly
    alike would otherwise lower the bar for one another.
    """
    return max(counted.sharpe_deviation or 0.0, 1.0 / math.sqrt(days - 1.0)) if days > 1 else None


def _named(parameters: Any) -> dict[str, Any]:
    """Parameters as plain values by name; those of a system of one's own may be any value."""
    plain = msgspec.to_builtins(parameters, enc_hook=_plain)
    return plain if isinstance(plain, dict) else {"parameters": plain}


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else repr(value)


def _without(parameters: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if key != name}
