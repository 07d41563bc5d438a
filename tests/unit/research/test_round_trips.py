"""From fills to trades: first in, first out, and not one quantum lost."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.errors import InputError
from quintet.core.instrument import DEFAULT_SPOT
from quintet.core.records import table
from quintet.core.state import FILL_RECORD
from quintet.research.round_trips import round_trips

SPOT = msgspec.structs.replace(DEFAULT_SPOT, lot_size=Decimal("0.01"), fee_in_base=False)
LINEAR = msgspec.structs.replace(SPOT, kind="linear")
WORTH = SPOT.quanta_per_tick_lot


def fills(*rows):
    """Rows of (order, side, price, lots, fee, fee in base)."""
    found = table(FILL_RECORD, len(rows))
    for n, (order, side, price, lots, fee, in_base) in enumerate(rows):
        row = found[n]
        row.number, row.side, row.price, row.lots, row.fee, row.fee_asset = order, side, price, lots, fee, in_base
        row.ts_event = n
    return found


def test_a_trade_is_what_came_in_less_what_went_out_and_both_fees():
    (trade,) = round_trips(fills((1, 1, 100, 5, 30, 0), (2, -1, 110, 5, 33, 0)), SPOT)
    assert trade.profit_quanta == 50 * WORTH - 63
    assert (trade.side, trade.opened_ns, trade.closed_ns, trade.open_quantity) == (1, 0, 1, 0)
    assert trade.return_frac == trade.profit_quanta / (500 * WORTH + 30)


def test_partial_fills_of_one_order_are_one_trade():
    found = round_trips(fills((1, 1, 100, 2, 0, 0), (1, 1, 101, 3, 0, 0), (2, -1, 110, 5, 0, 0)), SPOT)
    assert [trade.profit_quanta for trade in found] == [(2 * 10 + 3 * 9) * WORTH]


def test_the_oldest_lots_leave_first():
    found = round_trips(fills((1, 1, 100, 5, 0, 0), (2, 1, 90, 5, 0, 0), (3, -1, 95, 7, 0, 0)), SPOT)
    assert [trade.profit_quanta for trade in found] == [-25 * WORTH, 10 * WORTH]
    assert [trade.closed_ns for trade in found] == [2, None]
    assert found[1].open_cost_quanta == 3 * 90 * WORTH


def test_a_fee_in_base_is_base_that_never_arrived():
    # given two lots bought one by one, a tenth of each gone as fee, and one whole lot sold at the same price
    fee = SPOT.base_quanta_per_lot // 10
    first, second = round_trips(fills((1, 1, 100, 1, fee, 1), (2, 1, 100, 1, fee, 1), (3, -1, 100, 1, 0, 0)), SPOT)
    # then the first entry gave nine tenths of the sale, and lost the tenth
    assert first.profit_quanta == -100 * WORTH // 10
    assert (first.closed_ns, first.open_quantity) == (2, 0)
    assert second.open_quantity == SPOT.base_quanta_per_lot * 8 // 10


def test_dust_leaves_a_trade_closed_and_still_earns_for_it():
    fee = SPOT.base_quanta_per_lot // 10
    first, second = round_trips(fills((1, 1, 100, 2, fee, 1), (2, -1, 100, 1, 0, 0), (3, 1, 100, 1, 0, 0)), SPOT)
    assert first.closed_ns == 1
    assert first.open_quantity == SPOT.base_quanta_per_lot * 9 // 10
    assert second.closed_ns is None


def test_on_spot_what_was_owned_before_is_sold_without_a_trade():
    assert round_trips(fills((1, -1, 100, 5, 0, 0)), SPOT) == []


def test_a_contract_can_be_sold_first_and_an_order_can_turn_the_position():
    found = round_trips(fills((1, -1, 100, 5, 10, 0), (2, 1, 90, 8, 16, 0), (3, -1, 95, 3, 0, 0)), LINEAR)
    assert [trade.side for trade in found] == [-1, 1]
    assert found[0].profit_quanta == 50 * WORTH - 10 - 10
    assert found[1].profit_quanta == 15 * WORTH - 6
    assert [trade.order for trade in found] == [1, 2]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 6), st.sampled_from([-1, 1]), st.integers(1, 500), st.integers(1, 9), st.integers(-5, 999)
        ),
        max_size=40,
    )
)
def test_every_quantum_that_fills_moved_is_in_a_trade(rows):
    found = round_trips(fills(*((*row, 0) for row in rows)), LINEAR)
    moved = sum(-side * price * lots * WORTH - fee for _, side, price, lots, fee in rows)
    assert sum(trade.profit_quanta - trade.open_cost_quanta for trade in found) == moved
    assert sum(trade.side * trade.open_quantity for trade in found) == sum(side * lots for _, side, _, lots, _ in rows)
    assert all((trade.closed_ns is None) == (trade.open_quantity > 0) for trade in found)


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.booleans(), st.integers(1, 500), st.integers(1, 9), st.integers(0, 40)),
        max_size=40,
    )
)
def test_on_spot_what_was_bought_and_not_yet_sold_is_open_to_the_quantum(rows):
    # given buys whose fee is taken in base, and sells of no more lots than are held
    made, held, moved = [], 0, 0
    for order, is_buy, price, lots, rate in rows:
        if is_buy:
            fee = lots * SPOT.base_quanta_per_lot * rate // 1_000
            held, moved = held + lots * SPOT.base_quanta_per_lot - fee, moved - price * lots * WORTH
            made.append((order, 1, price, lots, fee, 1))
        elif held >= SPOT.base_quanta_per_lot:
            sold = min(lots, held // SPOT.base_quanta_per_lot)
            held, moved = held - sold * SPOT.base_quanta_per_lot, moved + price * sold * WORTH - rate
            made.append((order + 100, -1, price, sold, rate, 0))
    found = round_trips(fills(*made), SPOT)
    assert sum(trade.open_quantity for trade in found) == held
    assert sum(trade.profit_quanta - trade.open_cost_quanta for trade in found) == moved
    assert all(trade.open_quantity < SPOT.base_quanta_per_lot for trade in found if trade.closed_ns is not None)


def test_an_inverse_contract_is_refused():
    inverse = msgspec.structs.replace(DEFAULT_SPOT, kind="inverse", fee_in_base=False)
    with pytest.raises(InputError, match="instrument ETHUSDT: trades are counted for spot and linear, found inverse"):
        round_trips(np.empty(0), inverse)
