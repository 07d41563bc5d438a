"""Where a result came from: by hand, against the books of real runs, and by state."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.instrument import DEFAULT_SPOT, Instrument
from quintet.core.market.bars import bar_rows
from quintet.core.risk.config import RiskConfig
from quintet.core.tape import memory_tape
from quintet.research.activity import Span
from quintet.research.attribution import Attribution, attribute, by_state, fill_rows, holding_of
from quintet.research.backtest import BacktestResult, run_backtest
from quintet.research.backtest_options import BacktestOptions
from quintet.research.run_tables import equity_table, fill_table
from quintet.research.synthetic import synthesize
from quintet.sim.config import ExecutionConfig
from quintet.systems.structure_mm import StructureMmConfig

QUANTA = DEFAULT_SPOT.quanta_per_tick_lot
UNIT = DEFAULT_SPOT.base_quanta_per_lot
MINUTE_NS = 60_000_000_000


def fills(*rows: tuple[int, str, int, int, bool, int, str, int]) -> dict[str, Any]:
    """Rows of minute, side, price, lots, maker, fee in quanta, its asset, reference."""
    names = ("minute", "side", "price_ticks", "lots", "maker", "fee_quanta", "fee_asset", "reference_ticks")
    columns = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    times = np.array(columns.pop("minute"), np.int64) * MINUTE_NS
    numbers = np.arange(len(rows))
    return columns | {"ts_recv_ns": times, "ts_event_ns": times, "tag": numbers, "order": numbers}


def marks(*rows: tuple[int, int, int]) -> dict[str, Any]:
    """Rows of minute, price, equity in quanta."""
    return {
        "ts_ns": np.array([row[0] for row in rows], np.int64) * MINUTE_NS,
        "price_ticks": np.array([row[1] for row in rows], np.int64),
        "equity_quanta": np.array([row[2] for row in rows], np.int64),
    }


def test_a_round_trip_is_split_into_spread_inventory_exit_and_fees():
    # given 10 lots bought by a bid 5 below the last close, and sold 40 below it by taking
    done = fills((1, "buy", 995, 10, True, 7, "USDT", 1000), (3, "sell", 940, 10, False, 11, "USDT", 960))
    found = attribute(done, marks((0, 1000, 0), (2, 960, 0), (4, 930, 0)), DEFAULT_SPOT)
    # then the bid gained 5 a lot, the price took 40 from what was held, taking cost 20, and fees are as paid
    assert found == Attribution(
        spread=5 * 10 * QUANTA,
        inventory=-40 * 10 * QUANTA,
        exit_cost=-20 * 10 * QUANTA,
        maker_fees=-7,
        taker_fees=-11,
        funding=0,
        late_fills=0,
    )
    # and the sum is what cash changed by
    assert found.total == (940 - 995) * 10 * QUANTA - 7 - 11


def test_what_was_brought_in_moves_with_the_price():
    found = attribute(fills(), marks((0, 1000, 0), (5, 1100, 0)), DEFAULT_SPOT, opening_held=3 * UNIT)
    assert found is not None
    assert (found.inventory, found.total) == (300 * QUANTA, 300 * QUANTA)


def test_a_fee_in_base_costs_what_it_was_worth_and_nothing_is_lost_to_rounding():
    # given a buyer's fee of 7 base quanta, which no price makes a whole number of quanta
    done = fills((1, "buy", 99_991, 3, True, 7, "ETH", 100_003))
    found = attribute(done, marks((0, 100_003, 0), (2, 99_001, 0)), DEFAULT_SPOT)
    held = 3 * UNIT - 7
    assert found is not None
    assert found.maker_fees == -(7 * 99_991 * QUANTA // UNIT)
    assert found.total == held * 99_001 * QUANTA // UNIT - 3 * 99_991 * QUANTA


def test_a_fill_known_after_the_last_mark_is_left_out_and_counted():
    found = attribute(fills((9, "buy", 995, 10, True, 7, "USDT", 1000)), marks((0, 1000, 0)), DEFAULT_SPOT)
    assert found == Attribution(0, 0, 0, 0, 0, 0, late_fills=1)


def test_an_inverse_contract_and_a_run_without_marks_are_not_split():
    inverse = msgspec.structs.replace(DEFAULT_SPOT, kind="inverse", contract_value=Decimal(1))
    assert holding_of(inverse) is None
    assert attribute(fills(), marks((0, 1000, 0)), inverse) is None
    assert attribute(fills(), marks(), DEFAULT_SPOT) is None


trades = st.tuples(
    st.sampled_from(["buy", "sell"]),
    st.integers(90_000, 110_000),
    st.integers(1, 50_000),
    st.booleans(),
    st.integers(0, 10**6),
    st.sampled_from(["ETH", "USDT"]),
    st.integers(90_000, 110_000),
)


@given(st.lists(trades, max_size=12), st.integers(90_000, 110_000), st.integers(90_000, 110_000))
def test_the_parts_always_sum_to_the_change_of_cash_and_holding(rows: list[Any], first: int, last: int):
    done = fills(*((n + 1, *row) for n, row in enumerate(rows)))
    found = attribute(done, marks((0, first, 0), (100, last, 0)), DEFAULT_SPOT, opening_held=10**12)
    cash, held = 0, 10**12
    for row in fill_rows(done, DEFAULT_SPOT):
        cash -= row.side * row.price * row.lots * QUANTA + (0 if row.fee_in_base else row.fee)
        held += row.side * row.lots * UNIT - (row.fee if row.fee_in_base else 0)
    assert found is not None
    assert found.total == cash + held * last * QUANTA // UNIT - 10**12 * first * QUANTA // UNIT


# ---- against the books ---------------------------------------------------------------------------------------


def run(instrument: Instrument = DEFAULT_SPOT, **execution: Any) -> BacktestResult:
    tape = memory_tape(bar_rows(synthesize(11, days=12, timeframe="5m")), [instrument])
    options = BacktestOptions(instrument, ExecutionConfig(**execution), RiskConfig(), "5m", "5m")
    return run_backtest(tape, "structure_mm", StructureMmConfig(atr_slow_n=48), options)


@pytest.mark.parametrize("fee_in_base", [True, False])
@pytest.mark.parametrize("initial_base", [Decimal(0), Decimal("0.5")])
def test_the_parts_of_a_real_run_sum_to_its_net_result_to_the_last_quantum(fee_in_base: bool, initial_base: Decimal):
    result = run(msgspec.structs.replace(DEFAULT_SPOT, fee_in_base=fee_in_base), initial_base=initial_base)
    assert sum(len(each.fills) for each in result.runs) > 20
    for each in result.runs:
        done, curve = fill_table(each.fills, result.instrument), equity_table(each.samples, result.instrument)
        found = attribute(done, curve, result.instrument, result.opening_held_quanta)
        assert found is not None
        assert found.total == each.net_quanta
        # and the fees are those of the books
        assert -(found.maker_fees + found.taker_fees) == int(each.desk.shown.account[0].fees)


# ---- by state ------------------------------------------------------------------------------------------------


def test_a_bar_belongs_to_the_state_it_began_in_and_all_states_sum_to_the_whole():
    # given a change of state at the close of minute 2
    spans = [Span("Idle", 0, 2 * MINUTE_NS), Span("MM", 2 * MINUTE_NS, 9 * MINUTE_NS)]
    curve = marks((1, 100, 50), (2, 100, 53), (3, 100, 60), (4, 100, 58))
    done = fills((2, "buy", 100, 1, True, 0, "USDT", 100), (3, "sell", 100, 2, True, 0, "USDT", 100))
    rows = by_state(spans, done, curve, DEFAULT_SPOT)
    # then the change until then was Idle's, and a fill at that close too: it happened before
    assert [(row.name, row.bars, row.fills, row.quanta) for row in rows] == [("Idle", 2, 1, 3), ("MM", 2, 1, 5)]
    assert sum(row.quanta for row in rows) == 58 - 50
    assert rows[1].turnover_quanta == 200 * QUANTA
