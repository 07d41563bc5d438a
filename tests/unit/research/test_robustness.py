"""What breaks it: each variant changes one thing, and the rest is the backtest that was reported."""

import dataclasses
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from quintet.core.errors import ConfigError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import memory_tape
from quintet.research import robustness as rough
from quintet.research.backtest import run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.robustness import (
    BOOTSTRAP,
    CAPACITY,
    COSTS,
    KINDS,
    LATENCY,
    PARAMETERS,
    START,
    dearer,
    later,
    nearby,
    redrawn,
    run_variant,
    unchanged,
    variants,
    what_breaks,
)
from quintet.research.stress import SCENARIOS, Scenario, is_worse, stressed, variant_of, worst_moment_ns
from quintet.research.synthetic import synthesize
from quintet.research.tape_markets import bars_on
from quintet.sim.config import ExecutionConfig
from quintet.systems.structure_mm import StructureMmConfig


def backtest(days=70, instrument=DEFAULT_SPOT, **execution):
    tape = memory_tape(bar_rows(synthesize(7, days=days, timeframe="5m")), [DEFAULT_SPOT])
    options = BacktestOptions(instrument, ExecutionConfig(**execution), RiskConfig(), "5m", "5m")
    return run_backtest(tape, "structure_mm", StructureMmConfig(atr_slow_n=96), options)


@pytest.fixture(scope="module")
def result():
    return backtest()


@pytest.fixture(scope="module")
def outcomes(result):
    return what_breaks(result, (COSTS, LATENCY, START))


def test_the_row_of_the_backtest_itself_is_its_interval(result):
    row = unchanged(result)
    assert (row.low_frac, row.high_frac) == (result.interval["low_frac"], result.interval["high_frac"])
    assert row.max_drawdown_frac == result.metrics["max_drawdown_frac"]
    assert row.sharpe == pytest.approx(result.metrics["sharpe_daily_annualised"], rel=1e-3)
    assert 0.0 < row.last_fill_days <= row.days


def test_a_variant_that_changes_nothing_gives_the_headline_again(result):
    (variant, *_) = variants(result, COSTS)
    same = variant._replace(options=result.options)
    assert run_variant(result.system, same, (result.headline.policy,)).low_frac == unchanged(result).low_frac


def test_each_kind_changes_one_thing(result):
    for variant in variants(result, COSTS):
        assert variant.params is result.params
        assert variant.tape is result.tape
    for variant in variants(result, LATENCY):
        assert variant.options.instrument == result.instrument
        assert variant.options.execution.latency_ms == variant.change.after > variant.change.before
    for variant in variants(result, CAPACITY):
        assert variant.options.instrument == result.instrument
        assert variant.options.execution.initial_quote == 10_000 * variant.change.after
    for variant in variants(result, START):
        assert variant.options == result.options
        assert variant.tape.census.first_ns >= result.tape.census.first_ns + variant.change.after * 86_400 * 10**9
    for variant in variants(result, PARAMETERS):
        assert variant.options == result.options
        differing = [f for f in variant.params.__struct_fields__ if _differs(f, variant.params, result.params)]
        assert differing == [variant.change.key]


def _differs(field, one, other):
    return getattr(one, field) != getattr(other, field)


def test_higher_costs_and_later_starts_give_other_results(result, outcomes):
    reported = unchanged(result)
    assert {row.change.kind for row in outcomes} == {COSTS, LATENCY, START}
    for row in outcomes:
        assert row.low_frac == row.high_frac
    costs = {row.change.key: row for row in outcomes if row.change.kind == COSTS}
    assert costs["costs"].low_frac != reported.low_frac
    (start,) = [row for row in outcomes if row.change.kind == START]
    assert start.days == pytest.approx(reported.days - 30.0, abs=0.01)


def test_a_larger_capital_finds_no_room_and_a_capital_beyond_counting_is_left_out(result):
    # given a maker whose lots are a share of the market's turnover
    rows = what_breaks(result, (CAPACITY,))
    assert [row.change.name for row in rows] == ["capital x10", "capital x100", "capital x1,000"]
    # then a thousand times the capital no longer trades a thousand times as much
    assert rows[-1].max_drawdown_frac < 0.5 * unchanged(result).max_drawdown_frac
    rich = result.options._replace(execution=ExecutionConfig(initial_quote=Decimal(9_000_000)))
    assert variants(dataclasses.replace(result, options=rich), CAPACITY) == ()


def test_all_policies_can_be_asked_for(result):
    (first, *_) = variants(result, COSTS)
    both = run_variant(result.system, first, ("pessimistic", "optimistic"))
    assert both.low_frac <= both.high_frac


def test_a_short_record_is_not_started_later():
    assert variants(backtest(days=20), START) == ()


def test_an_unknown_kind_is_named(result):
    with pytest.raises(ConfigError, match="kind: found 'weather', expected one of costs, latency, capacity, start"):
        variants(result, "weather")


# ---- costs -------------------------------------------------------------------------------------------------------


def test_dearer_multiplies_every_cost_and_takes_a_rebate_away():
    rebate = msgspec.structs.replace(DEFAULT_SPOT, maker_fee_e9=-100_000)
    options = BacktestOptions(rebate, ExecutionConfig(), RiskConfig(), "5m", "5m")
    found = dearer(options, fees=2.0, slippage=5.0)
    assert (found.instrument.maker_fee_e9, found.instrument.taker_fee_e9) == (0, 2_000_000)
    assert (found.execution.spread_bps, found.execution.slippage_bps) == (5.0, 10.0)
    assert dearer(options) == options


def test_later_is_later_both_ways_and_never_sooner():
    options = BacktestOptions(DEFAULT_SPOT, ExecutionConfig(response_ms=900), RiskConfig(), "5m", "5m")
    assert later(options, 500).execution.latency_ms == 500
    assert later(options, 500).execution.response_ms == 900
    assert later(options, 10**9).execution.latency_ms == 60_000


# ---- parameters --------------------------------------------------------------------------------------------------


def test_each_number_moves_a_tenth_both_ways_and_whole_ones_by_one_at_least():
    found = {(name, before): [] for name, before, _ in nearby(StructureMmConfig())}
    for name, before, params in nearby(StructureMmConfig()):
        found[name, before].append(getattr(params, name))
    assert found["atr_slow_n", 288] == [259, 317]
    assert found["pivot_left", 3] == [2, 4]
    assert found["step_atr", 0.8] == pytest.approx([0.72, 0.88])
    assert not any(name == "arm_on_choch" for name, _ in found)


def test_a_neighbour_that_bounds_or_other_parameters_refuse_is_left_out():
    # given a target as large as the soft band allows, and the smallest number of start lots
    params = StructureMmConfig(w_target=0.25, w_soft=0.25, n_start=1)
    assert [p.w_target for _, _, p in nearby(params, names=["w_target"])] == [0.225]
    assert [p.n_start for _, _, p in nearby(params, names=["n_start"])] == [2]


def test_zero_and_what_is_no_struct_have_no_neighbours():
    assert list(nearby(StructureMmConfig(cooldown_bars=0, guard_atr=0.0), names=["cooldown_bars", "guard_atr"])) == []
    assert list(nearby({"a": 1})) == []


# ---- bootstrap ---------------------------------------------------------------------------------------------------


def test_redrawn_days_give_an_interval_around_what_happened(result):
    (row,) = redrawn(result)
    assert row.change.kind == BOOTSTRAP
    assert row.low_frac < unchanged(result).low_frac < row.high_frac
    assert redrawn(result) == (row,)


def test_a_run_without_two_days_is_not_redrawn():
    assert redrawn(backtest(days=1)) == ()


# ---- stress ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stresses(result):
    return stressed(result)


def test_every_scenario_gives_a_row(result, stresses):
    assert [row.change.name for row in stresses] == [scenario.name for scenario in SCENARIOS]
    assert all(row.change.kind == "stress" for row in stresses)
    assert len({row.low_frac for row in stresses}) == len(SCENARIOS)


def test_a_crash_while_most_is_held_costs_more_than_any_cost(result, stresses):
    by_key = {row.change.key: row for row in stresses}
    assert by_key["crash"].low_frac < unchanged(result).low_frac
    assert by_key["crash"].low_frac < by_key["slippage"].low_frac


def test_it_happens_when_most_is_held_and_nothing_before_it_changes(result):
    at_ns = worst_moment_ns(result)
    samples = result.headline.samples
    at = int(np.flatnonzero(samples["ts"] == at_ns)[0])
    assert samples["held"][at] > 0
    for scenario in (each for each in SCENARIOS if each.key in ("crash", "gap", "outage")):
        changed = bars_on(variant_of(result, scenario, at_ns).tape, "5m")
        assert (changed.close[: at + 1] == bars_on(result.tape, "5m").close[: at + 1]).all()


def test_a_scenario_that_asks_for_less_than_the_run_assumed_is_left_out(result):
    assert not is_worse(Scenario("latency_ms", "latency 100 ms", latency_ms=100), result)
    assert stressed(result, [Scenario("latency_ms", "latency 100 ms", latency_ms=100)]) == ()
    assert is_worse(Scenario("fees", "fees x2", fees=2.0), result)


def test_kinds_are_what_the_module_says():
    assert set(KINDS) == {*rough._MAKERS, BOOTSTRAP}
