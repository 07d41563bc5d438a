"""What breaks it: the same backtest again with one thing made worse at a time.

A result that lives on one latency, one parameter or one starting month is told apart here from one that does not. All
variants are runs of the real engine on the real tape, and cost what a run costs: by default each is run under the
headline's fill policy alone. Nothing here chooses anything, so these runs are no trials; who picks the best of them
makes them so.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from quintet.core.errors import ConfigError
from quintet.core.tape import Tape
from quintet.core.units import exact_quanta
from quintet.research.backtest import BacktestResult, PolicyRun, run_policy
from quintet.research.backtest_options import BacktestOptions
from quintet.research.measures import daily_sharpe
from quintet.research.monte_carlo import bootstrap
from quintet.research.returns import DAY_NS, daily_returns
from quintet.research.systems import KernelSystem
from quintet.research.tape_markets import between
from quintet.sim.config import ExecutionConfig

COSTS, LATENCY, CAPACITY, START = "costs", "latency", "capacity", "start"
PARAMETERS, BOOTSTRAP = "parameters", "bootstrap"
KINDS: Final = (COSTS, LATENCY, CAPACITY, START, PARAMETERS, BOOTSTRAP)

MONTH_NS: Final = 30 * DAY_NS
MONTHS: Final = (1, 2, 3, 6)
"""How much later a run is started, in months of 30 days."""

CAPITALS: Final = (10, 100, 1_000)
"""How many times larger the capital is: what a market has no room for is not filled, and earns nothing."""

SHARE: Final = 0.10
"""How far a parameter is moved, up and down."""

_FEE_MAX_E9: Final = 100_000_000
_LATENCY_MAX_MS: Final = 60_000
_BP_MAX: Final = 1000.0


class Change(NamedTuple):
    """What is different. `kind`: one of KINDS, or `stress`; `name` for people, `key` for translators.

    `before` and `after`: the number that was changed, a factor where several were, None where none was.
    """

    kind: str
    key: str
    name: str
    before: float | None = None
    after: float | None = None


class Variant(NamedTuple):
    """A backtest with one thing changed, not yet run."""

    change: Change
    tape: Tape
    params: Any
    options: BacktestOptions


class Outcome(NamedTuple):
    """What a variant gave: net result as a fraction of the capital, lowest and highest over the policies run.

    All else is of the lowest: drawdown, Sharpe ratio (of daily returns, annualised), fills, days on the tape, and days
    until the last fill, which tells of a run that stopped itself early. For the bootstrap, `low_frac` and `high_frac`
    are the 5 % and 95 % quantiles over its paths, the drawdown is its median, and what has no meaning is None.
    """

    change: Change
    low_frac: float
    high_frac: float
    max_drawdown_frac: float
    days: float
    sharpe: float | None = None
    fills: int | None = None
    last_fill_days: float | None = None

    @property
    def low_frac_per_active_day(self) -> float | None:
        """Net result over the days until the last fill: what stopping early hides."""
        return self.low_frac / self.last_fill_days if self.last_fill_days else None


def what_breaks(
    result: BacktestResult, kinds: Sequence[str] = KINDS, policies: Sequence[str] | None = None
) -> tuple[Outcome, ...]:
    """Every variant of these kinds, in their order; `policies`: the headline's alone by default."""
    chosen = tuple(policies or (result.headline.policy,))
    found: list[Outcome] = []
    for kind in kinds:
        if kind == BOOTSTRAP:
            found.extend(redrawn(result))
        else:
            found.extend(run_variant(result.system, variant, chosen) for variant in variants(result, kind))
    return tuple(found)


def variants(result: BacktestResult, kind: str) -> tuple[Variant, ...]:
    """The changed backtests of one kind, not yet run; raises ConfigError for a kind that is none."""
    if kind not in _MAKERS:
        raise ConfigError(f"kind: found {kind!r}, expected one of {', '.join((*_MAKERS, BOOTSTRAP))}")
    base = Variant(Change(kind, "", ""), result.tape, result.params, result.options)
    return tuple(_MAKERS[kind](base))


def unchanged(result: BacktestResult) -> Outcome:
    """The backtest itself as a row beside its variants, over all policies it was run under."""
    return _outcome(Change("", "reported", "as reported"), result.runs)


def run_variant(system: KernelSystem, variant: Variant, policies: Sequence[str]) -> Outcome:
    """Run one variant under each policy."""
    runs = [run_policy(variant.tape, system, variant.params, variant.options, policy)[0] for policy in policies]
    return _outcome(variant.change, runs)


def _outcome(change: Change, runs: Sequence[PolicyRun]) -> Outcome:
    low = min(runs, key=lambda run: run.net_quanta)
    high = max(runs, key=lambda run: run.net_quanta)
    equity, samples, fills = low.equity, low.samples, low.fills
    start = int(equity.start) or 1
    stamps = np.asarray(samples["ts"])
    return Outcome(
        change=change,
        low_frac=low.net_quanta / start,
        high_frac=high.net_quanta / start,
        max_drawdown_frac=float(equity.max_drawdown),
        days=_days(stamps, stamps),
        sharpe=daily_sharpe(stamps, np.asarray(samples["equity"], np.float64)) if len(samples) else None,
        fills=len(fills),
        last_fill_days=_days(stamps, fills["ts_event"]) if len(fills) else None,
    )


def _days(stamps: Any, until: Any) -> float:
    """Days from the first of some times to the last of others; 0 without any."""
    return (int(until[-1]) - int(stamps[0])) / DAY_NS if len(stamps) and len(until) else 0.0


# ---- costs and latency -------------------------------------------------------------------------------------------


TICK_LATENCIES_MS: Final = (0, 1, 5, 10, 25, 50, 100, 250)
"""What an order takes to the exchange, and its answer back, in the runs that show what latency costs."""


def _costs(base: Variant) -> Iterator[Variant]:
    if base.options.book is not None:
        yield _named(base, "fees", "fees x1.5", 1.0, 1.5, options=dearer(base.options, 1.5))
        return
    for key, name, fees, slippage in (
        ("costs", "costs x2", 2.0, 2.0),
        ("fees", "fees x1.5", 1.5, 1.0),
        ("slippage", "slippage and spread x2", 1.0, 2.0),
    ):
        yield _named(base, key, name, 1.0, max(fees, slippage), options=dearer(base.options, fees, slippage))


def _latency(base: Variant) -> Iterator[Variant]:
    if (book := base.options.book) is not None:
        for ms in TICK_LATENCIES_MS:
            there = book._replace(execution=book.execution.everywhere(float(ms)), recorded=None, recorded_at={})
            options = base.options._replace(book=there)
            yield _named(
                base, "both_ways_ms", f"latency {ms} ms both ways", book.execution.entry_ms, ms, options=options
            )
        return
    assumed = base.options.execution.latency_ms
    told = {assumed}
    for latency_ms in (3 * assumed, 500, 2_000):
        if latency_ms not in told:
            told.add(latency_ms)
            name = f"latency {latency_ms} ms" + (" (x3)" if latency_ms == 3 * assumed else "")
            yield _named(base, "latency_ms", name, assumed, latency_ms, options=later(base.options, latency_ms))


def _named(base: Variant, key: str, name: str, before: float, after: float, **changed: Any) -> Variant:
    """The variant with its change named and some of its parts replaced."""
    change = Change(base.change.kind, key, name, before, after)
    return base._replace(change=change, **changed)


def dearer(options: BacktestOptions, fees: float = 1.0, slippage: float = 1.0) -> BacktestOptions:
    """Fees times one factor, spread and slippage times the other, at most what a config may say.

    A rebate is not made larger by making fees worse: it is taken away.
    """
    first, *others = (
        msgspec.structs.replace(
            each, maker_fee_e9=_fee(each.maker_fee_e9, fees), taker_fee_e9=_fee(each.taker_fee_e9, fees)
        )
        for each in options.instruments
    )
    execution: ExecutionConfig = msgspec.structs.replace(
        options.execution,
        spread_bps=min(options.execution.spread_bps * slippage, _BP_MAX),
        slippage_bps=min(options.execution.slippage_bps * slippage, _BP_MAX),
    )
    return options._replace(instrument=first, others=tuple(others), execution=execution)


def later(options: BacktestOptions, latency_ms: int) -> BacktestOptions:
    """The same latency to the exchange, and at least as long back from it."""
    entry = min(latency_ms, _LATENCY_MAX_MS)
    response = max(entry, options.execution.response_ms)
    execution: ExecutionConfig = msgspec.structs.replace(options.execution, latency_ms=entry, response_ms=response)
    return options._replace(execution=execution)


def _fee(fee_e9: int, factor: float) -> int:
    if fee_e9 < 0 and factor > 1.0:
        return 0
    return min(math.ceil(fee_e9 * factor), _FEE_MAX_E9)


# ---- capacity ----------------------------------------------------------------------------------------------------


def _capacity(base: Variant) -> Iterator[Variant]:
    """Larger capitals, as far as the instrument can count them."""
    execution = base.options.execution
    for factor in CAPITALS:
        larger = msgspec.structs.replace(
            execution, initial_quote=execution.initial_quote * factor, initial_base=execution.initial_base * factor
        )
        instrument = base.options.instrument
        try:
            instrument.proves_capital(exact_quanta(larger.initial_quote, instrument.quote_quantum, "initial_quote"))
        except ConfigError:
            return
        options = base.options._replace(execution=larger)
        yield _named(base, "capital", f"capital x{factor:,}", 1, factor, options=options)


# ---- start -------------------------------------------------------------------------------------------------------


def _starts(base: Variant) -> Iterator[Variant]:
    """Later starts that leave at least half of the record; nothing of a record under two months."""
    census = base.tape.census
    for months in MONTHS:
        from_ns = census.first_ns + months * MONTH_NS
        if from_ns - census.first_ns <= (census.last_ns - census.first_ns) // 2:
            days = months * 30
            yield _named(
                base, "start_days", f"started {days} days later", 0, days, tape=between(base.tape, from_ns, None)
            )


# ---- parameters --------------------------------------------------------------------------------------------------


def _parameters(base: Variant) -> Iterator[Variant]:
    for name, before, params in nearby(base.params):
        after = getattr(params, name)
        yield _named(base, name, f"{name} {before:g} to {after:g}", before, after, params=params)


def nearby(params: Any, share: float = SHARE, names: Iterable[str] | None = None) -> Iterator[tuple[str, float, Any]]:
    """Each numeric parameter alone, lower and higher by `share`: its name, its value until now, the new parameters.

    A whole number moves by one at least. What a parameter's own bounds refuse is left out, and a parameter that is 0
    has no share of itself. `names`: only these. Parameters that are no msgspec struct have no neighbours.
    """
    if not isinstance(params, msgspec.Struct):
        return
    chosen = None if names is None else set(names)
    for field in params.__struct_fields__:
        value = getattr(params, field)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or (chosen is not None and field not in chosen)
        ):
            continue
        for sign in (-1, 1):
            moved = _moved(value, sign * share)
            changed = None if moved == value else _accepted(params, field, moved)
            if changed is not None:
                yield field, value, changed


def _moved(value: float, share: float) -> float:
    """A number moved by a share of itself; a whole one to the nearest whole one, by one at least."""
    if not isinstance(value, int):
        return value * (1.0 + share)
    step = max(1, round(abs(value * share)))
    return value if value == 0 else value + (step if share > 0 else -step)


def _accepted(params: msgspec.Struct, field: str, value: float) -> Any:
    """The parameters with one changed, or None when bounds or other parameters refuse it."""
    fields = msgspec.structs.asdict(params) | {field: value}
    try:
        return msgspec.convert(fields, type(params))
    except (msgspec.ValidationError, ConfigError):
        return None


# ---- bootstrap ---------------------------------------------------------------------------------------------------


def redrawn(result: BacktestResult) -> tuple[Outcome, ...]:
    """The headline's days drawn again in blocks; nothing for a run of less than two days."""
    run = result.headline
    equity, samples = run.equity, run.samples
    start = float(int(equity.start))
    returns = daily_returns(samples["ts"], samples["equity"], start).frac if len(samples) and start > 0.0 else ()
    if len(returns) < 2:
        return ()
    drawn = bootstrap(returns)
    change = Change(
        BOOTSTRAP, "redrawn", f"its days redrawn, {drawn.paths:,} paths, 5 % to 95 %", None, drawn.block_length
    )
    ends = drawn.return_frac
    return (Outcome(change, ends.q05, ends.q95, drawn.drawdown_frac.q50, float(len(returns))),)


_MAKERS: Final[dict[str, Callable[[Variant], Iterator[Variant]]]] = {
    COSTS: _costs,
    LATENCY: _latency,
    CAPACITY: _capacity,
    START: _starts,
    PARAMETERS: _parameters,
}
