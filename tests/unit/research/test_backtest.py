"""One tape, every policy, an interval: what a backtest promises besides its system."""

import dataclasses
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from quintet.core.errors import DataError, TapeError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.market.bars import Bars, bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import TapeMeta, instrument_rows, memory_tape
from quintet.research.backtest import _e9, execution_of, limits_of, run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.desk_replay import read_desk_run, replay_desk_tape, replay_tape
from quintet.research.synthetic import synthesize
from quintet.sim.config import ExecutionConfig
from quintet.storage.tape_files import open_tape
from quintet.systems.structure_mm import StructureMmConfig

CONFIG = StructureMmConfig(atr_slow_n=48)


def options(**execution) -> BacktestOptions:
    return BacktestOptions(DEFAULT_SPOT, ExecutionConfig(**execution), RiskConfig(), "5m", "5m")


def few(bars: Bars, first: int, last: int) -> Bars:
    columns = [field.name for field in dataclasses.fields(Bars) if field.name != "timeframe"]
    return dataclasses.replace(bars, **{name: getattr(bars, name)[first:last] for name in columns})


@pytest.fixture(scope="module")
def bars() -> Bars:
    return synthesize(11, days=12, timeframe="5m")


@pytest.fixture(scope="module")
def result(bars):
    return run_backtest(memory_tape(bar_rows(bars), [DEFAULT_SPOT]), "structure_mm", CONFIG, options())


@pytest.mark.req("S-27", "S-49")
def test_the_same_tape_and_parameters_give_the_same_hashes(bars, result):
    again = run_backtest(memory_tape(bar_rows(bars), [DEFAULT_SPOT]), "structure_mm", CONFIG, options())
    assert again.hashes == result.hashes
    assert again.interval == result.interval


def test_another_parameter_gives_other_commands(bars, result):
    other = StructureMmConfig(atr_slow_n=48, step_atr=1.1)
    tape = memory_tape(bar_rows(bars), [DEFAULT_SPOT])
    assert run_backtest(tape, "structure_mm", other, options()).hashes["commands"] != result.hashes["commands"]


@pytest.mark.req("S-59")
def test_the_headline_is_the_policy_with_the_lowest_net_result(result):
    interval = result.interval
    assert set(interval["policies"]) == {"pessimistic", "optimistic", "ohlc", "olhc"}
    assert interval["low_quote"] == min(interval["policies"].values())
    assert interval["high_quote"] == max(interval["policies"].values())
    assert interval["policies"][interval["headline_policy"]] == interval["low_quote"]
    assert result.metrics["net_quote"] == interval["low_quote"]


def test_every_book_balances_and_the_parts_of_the_result_add_up(result):
    assert result.conservation == 0
    metrics = result.metrics
    assert metrics["fills"] > 0
    assert metrics["before_fees_quote"] - metrics["fees_quote"] == pytest.approx(metrics["net_quote"], abs=1e-6)


@pytest.mark.req("S-48", "S-58")
def test_every_assumption_is_a_sentence_with_its_number(result):
    text = "\n".join(result.assumptions)
    for part in ("250 ms", "10%", "1 bp spread", "2 bp slippage", "maker fee 10 bp", "no queue"):
        assert part in text


def test_tables_have_columns_of_equal_length_that_match_the_counts(result):
    lengths = {name: {len(column) for column in table.values()} for name, table in result.tables.items()}
    assert all(len(found) == 1 for found in lengths.values()), lengths
    assert lengths["fills"] == {result.metrics["fills"]}
    assert lengths["orders"] == {result.metrics["orders"] + result.metrics["cancels"]}
    assert lengths["equity"] == {12 * 288}


def test_a_desk_tape_replays_to_the_same_hashes_without_a_simulator(result, tmp_path):
    path = tmp_path / "desk.tape"
    result.write_desk_tape(path, created_ns=1, tool_version="0")
    assert replay_desk_tape(path) == result.hashes["commands"]
    tape = open_tape(path)
    replayed = replay_tape(tape, read_desk_run(tape, "desk.tape"))
    assert replayed.difference is None
    assert replayed.state_hash == result.hashes["state"]
    assert replayed.n_commands == result.metrics["orders"] + result.metrics["cancels"]


def test_a_desk_tape_of_other_parameters_is_told_by_its_first_different_command(result, tmp_path):
    path = tmp_path / "desk.tape"
    result.write_desk_tape(path, created_ns=1, tool_version="0")
    tape = open_tape(path)
    run = read_desk_run(tape, "desk.tape")
    changed = dataclasses.replace(run, params=msgspec.structs.replace(run.params, n_bids=1))
    assert replay_tape(tape, changed).difference is not None


def test_a_market_tape_is_no_desk_tape(bars):
    meta = TapeMeta(use="market", synthetic=True, created_ns=0, tool_version="0")
    with pytest.raises(TapeError, match="found a market tape, expected a desk tape"):
        read_desk_run(memory_tape(bar_rows(bars), [DEFAULT_SPOT], meta), "x.tape")


def changed_in_the_middle(bars: Bars, **changes) -> np.ndarray:
    """Rows with a new definition of the instrument half-way."""
    half = len(bars) // 2
    later = msgspec.structs.replace(DEFAULT_SPOT, **changes)
    first, second = bar_rows(few(bars, 0, half)), bar_rows(few(bars, half, len(bars)))
    at = int(first["ts_recv"][-1])
    return np.concatenate([first, instrument_rows(0, later, at, at), second])


def test_a_changed_tick_holds_from_its_place_on_the_tape(bars):
    rows = changed_in_the_middle(bars, tick_size=Decimal("0.05"))
    changed = run_backtest(memory_tape(rows, [DEFAULT_SPOT]), "structure_mm", CONFIG, options())
    commands = changed.headline.commands
    half_ns = int(bars.ts_open[len(bars) // 2])
    before, after = commands[commands["ts"] < half_ns], commands[commands["ts"] > half_ns]
    placed = after[after["kind"] == 64]
    assert len(placed) > 0
    assert (placed["price"] % 5 == 0).all()
    assert (before["price"] % 5 != 0).any()


def test_a_lot_that_changes_under_working_orders_is_refused_with_its_place(bars, result):
    # given a place on the tape where orders are working
    placed = result.headline.commands
    busy = int(placed["ts"][len(placed) // 2])
    half = int(np.searchsorted(bars.ts_open, busy)) + 1
    later = msgspec.structs.replace(DEFAULT_SPOT, lot_size=Decimal("0.001"))
    at = int(bars.ts_open[half])
    parts = [bar_rows(few(bars, 0, half)), instrument_rows(0, later, at, at), bar_rows(few(bars, half, len(bars)))]
    with pytest.raises(DataError, match=r"tape position \d+: the lot of ETHUSDT changes to 0.001 while"):
        run_backtest(memory_tape(np.concatenate(parts), [DEFAULT_SPOT]), "structure_mm", CONFIG, options())


@pytest.mark.req("S-55")
def test_config_becomes_the_exchanges_whole_numbers():
    execution = execution_of(ExecutionConfig(participation_frac=0.1, slippage_bps=2.0, spread_bps=1.0), 0, 3)
    assert execution.participation_e9 == 100_000_000
    assert execution.slippage_e9 == 200_000
    assert execution.half_spread_e9 == 50_000
    assert execution.entry_ns == 250_000_000
    assert _e9(0.3) == 300_000_000


def test_limits_of_zero_are_off():
    assert limits_of(RiskConfig(), DEFAULT_SPOT).max_order_lots > 2**60
    assert limits_of(RiskConfig(order_quantity_max=Decimal("0.5")), DEFAULT_SPOT).max_order_lots == 50_000
