"""Bad days that did not happen: the same backtest on a wilder market, at worse prices, through a crash.

What happens at one moment happens when it hurts most: right after the mark at which the headline run held most.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from quintet.core.market.bars import Bars
from quintet.research.backtest import BacktestResult
from quintet.research.robustness import Change, Outcome, Variant, dearer, later, run_variant
from quintet.research.shocks import crashed, gapped, stretched, without
from quintet.research.tape_markets import changed

STRESS: Final = "stress"
HOUR_NS: Final = 3_600_000_000_000

Shock = Callable[[Bars, int, int], Bars]
"""Bars, the moment that hurts most (ns UTC) and the tick (price increments) to other bars."""


class Scenario(NamedTuple):
    """One bad thing, named for people and by a `key` for translators.

    `shock` changes the market; fees, slippage (with spread) and latency are factors on what the run assumed;
    `latency_ms` stands in place of the run's own where it is longer.
    """

    key: str
    name: str
    shock: Shock | None = None
    fees: float = 1.0
    slippage: float = 1.0
    latency: float = 1.0
    latency_ms: int = 0


def _wilder(bars: Bars, at_ns: int, tick: int, factor: float) -> Bars:
    return stretched(bars, factor, tick)


def _crash(bars: Bars, at_ns: int, tick: int, depth_frac: float) -> Bars:
    return crashed(bars, at_ns, depth_frac, HOUR_NS, tick)


def _gap(bars: Bars, at_ns: int, tick: int, jump_frac: float) -> Bars:
    return gapped(bars, at_ns, jump_frac, tick)


def _outage(bars: Bars, at_ns: int, tick: int, hours: int) -> Bars:
    return without(bars, at_ns, hours * HOUR_NS)


SCENARIOS: Final = (
    Scenario("volatility", "volatility x3", partial(_wilder, factor=3.0)),
    Scenario("slippage", "slippage and spread x5", slippage=5.0),
    Scenario("costs", "costs x2", fees=2.0, slippage=2.0),
    Scenario("latency", "latency x3", latency=3.0),
    Scenario("latency_ms", "latency 500 ms", latency_ms=500),
    Scenario("crash", "crash by 30 % within an hour", partial(_crash, depth_frac=0.30)),
    Scenario("gap", "gap of 10 % downward between two bars", partial(_gap, jump_frac=-0.10)),
    Scenario("outage", "no candles for 6 hours", partial(_outage, hours=6)),
)


def stressed(
    result: BacktestResult, scenarios: Sequence[Scenario] = SCENARIOS, policies: Sequence[str] | None = None
) -> tuple[Outcome, ...]:
    """One row a scenario; `policies`: the headline's alone by default.

    A scenario that asks for less than the run itself assumed (500 ms where it had 2,000) is left out. Raises
    InputError when a shocked market leaves what a tape can hold.
    """
    chosen = tuple(policies or (result.headline.policy,))
    at_ns = worst_moment_ns(result)
    wanted = (scenario for scenario in scenarios if is_worse(scenario, result))
    return tuple(run_variant(result.system, variant_of(result, scenario, at_ns), chosen) for scenario in wanted)


def is_worse(scenario: Scenario, result: BacktestResult) -> bool:
    """Whether the scenario changes anything for the worse."""
    longer = max(scenario.latency_ms, _ms(scenario, result)) > result.options.execution.latency_ms
    return longer or scenario.shock is not None or scenario.fees > 1.0 or scenario.slippage > 1.0


def variant_of(result: BacktestResult, scenario: Scenario, at_ns: int) -> Variant:
    """The backtest as the scenario has it, not yet run."""
    options = dearer(result.options, scenario.fees, scenario.slippage)
    latency_ms = max(scenario.latency_ms, _ms(scenario, result))
    if latency_ms > result.options.execution.latency_ms:
        options = later(options, latency_ms)
    tape = result.tape
    if scenario.shock is not None:
        shock, tick = scenario.shock, result.instrument.ticks_per_tick_size
        tape = changed(tape, result.instrument, options.structure, options.fills, lambda bars: shock(bars, at_ns, tick))
    return Variant(Change(STRESS, scenario.key, scenario.name), tape, result.params, options)


def worst_moment_ns(result: BacktestResult) -> int:
    """When the headline run held most; the middle of the tape when it never held anything."""
    samples = result.headline.samples
    worth = np.abs(np.asarray(samples["held"], np.float64) * np.asarray(samples["price"], np.float64))
    if len(worth) == 0 or worth.max() == 0.0:
        census = result.tape.census
        return (census.first_ns + census.last_ns) // 2
    return int(samples["ts"][int(worth.argmax())])


def _ms(scenario: Scenario, result: BacktestResult) -> int:
    return round(result.options.execution.latency_ms * scenario.latency)
