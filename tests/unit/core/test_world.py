"""A world before its first event."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from quintet.core.engine.world import Execution, Limits, Setup, asset_numbers, new_world, set_instrument
from quintet.core.errors import ConfigError
from quintet.core.instrument import Instrument, in_common_quanta
from quintet.core.state import ASK, BID, CAPITAL_BOOK, DESK_BOOK, GATEWAY, NO_ASK, NO_BID, VENUE
from tests.desk_worlds import COIN, INVERSE_COIN, LINEAR_COIN, ONE_MINUTE, SPOT_COIN, START, USDT, bar_tape, run
from tests.desk_worlds import a_world as candle_world
from tests.players import run_left


def made(**named: Any) -> Any:
    return new_world(Setup(**{"instruments": (SPOT_COIN,), **named}))


def test_what_is_brought_in_stands_on_both_sides_of_the_books() -> None:
    desk = made(capital={"USDT": 500, "COIN": 70}).desk[0]
    assert (desk.ledger[DESK_BOOK, USDT], desk.ledger[CAPITAL_BOOK, USDT]) == (500, -500)
    assert not np.asarray(desk.ledger).sum(axis=0).any()
    assert desk.shown.equity.start == desk.shown.equity.high_water == 500


def test_coins_brought_in_can_be_sold_and_are_no_profit() -> None:
    # given 2.5 lots of coins from the beginning
    world = candle_world(capital={"USDT": 0, "COIN": 250_000}, wakes=0)
    account = world.desk[0].shown.account[0]
    assert (account.held, account.lots, world.venue[0].book[0].held) == (250_000, 2, 250_000)
    # when equity is marked at 100.00 and at 110.00
    run(run_left, bar_tape([(10_000, 10_000, 10_000, 10_000, 5), (10_000, 11_000, 10_000, 11_000, 5)]), world)
    equity = world.desk[0].shown.equity
    # then the first mark is what they cost, and the rise is the profit
    assert (equity.start, equity.quanta) == (25_000_000, 27_500_000)


def test_assets_are_numbered_as_they_come_quote_before_base() -> None:
    assert asset_numbers((SPOT_COIN, LINEAR_COIN)) == {"USDT": USDT, "COIN": COIN}


def test_of_two_scopes_each_limit_is_the_smaller() -> None:
    one, other = Limits(max_order_lots=5, stale_ns=9), Limits(max_order_lots=7, max_open_orders=3)
    assert one.stricter(other) == other.stricter(one) == Limits(max_order_lots=5, stale_ns=9, max_open_orders=3)


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ({"capital": {"GOLD": 1}}, "capital in GOLD, which no instrument of this desk trades"),
        ({"instruments": ()}, "0 instruments, expected 1 to 8"),
        ({"instruments": (SPOT_COIN,) * 9}, "9 instruments, expected 1 to 8"),
        (
            {"instruments": (SPOT_COIN, LINEAR_COIN), "execution": Execution(fill_timeframe=ONE_MINUTE)},
            "2 instruments, expected 1 to 1 when bars are filled",
        ),
    ],
)
def test_what_no_world_can_hold_is_refused(setup: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(**setup)


def test_every_book_has_its_own_levels() -> None:
    # given two instruments and prices 100 to 109
    world = made(instruments=(SPOT_COIN, LINEAR_COIN), price_window=(100, 109))
    first_and_last = [
        price + world.venue[0].book[n].offset[side] for n in (0, 1) for side in (BID, ASK) for price in (100, 109)
    ]
    assert first_and_last == [0, 9, 10, 19, 20, 29, 30, 39]
    assert len(world.level) == 40


def test_empty_sides_lie_beyond_every_price() -> None:
    book = made().venue[0].book[0]
    assert [int(book.best[side]) for side in (BID, ASK)] == [NO_BID, NO_ASK]


def test_an_assumption_of_the_venue_has_a_place_there() -> None:
    venue = made(execution=Execution(entry_ns=3, slippage_e9=5)).venue[0]
    assert (venue.gateways[0].entry_ns, venue.slippage_e9) == (3, 5)
    assert set(Execution.__dataclass_fields__) <= {*(VENUE.names or ()), *(GATEWAY.names or ())}


def test_an_instruments_integers() -> None:
    row = made().desk[0].shown.instruments[0]
    set_instrument(row, INVERSE_COIN, {"COIN": 4, "USDT": 5})
    # one contract is worth 1 USD: 1e8 base quanta x 100 increments of 0.01
    assert (row.kind, row.inverse_value, row.quanta, row.base_asset, row.quote_asset) == (2, 10_000_000_000, 0, 4, 5)


def test_the_first_timer_is_due_when_it_is_said_to_be() -> None:
    desk = made(timer_first_ns=START, timer_every_ns=5).desk[0]
    assert (desk.timer_next, desk.timer_every) == (START, 5)


def finer(quantum: str, **facts: Any) -> Instrument:
    return msgspec.structs.replace(INVERSE_COIN, base_quantum=Decimal(quantum), **facts)


def test_an_inverse_position_is_limited_to_what_its_quantum_can_count() -> None:
    # given one contract that is worth 10^10 / price quanta, and no limit; when a world is made of it
    limits = made(instruments=(INVERSE_COIN,)).desk[0].limits
    # then a position, and an order that turns it over, stay below 2^62
    most = int(limits.max_position_lots)
    assert 2 * most * 10_000_000_000 < 2**62 <= 2 * (most + 1) * 10_000_000_000
    # a limit that is stricter stands
    strict = made(instruments=(INVERSE_COIN,), limits=(Limits(max_position_lots=500),))
    assert strict.desk[0].limits.max_position_lots == 500


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"instruments": (finer("1e-15"),)}, "4,096 times its smallest order is 4096 lots, expected at most 23"),
        (
            {"instruments": (finer("1e-11"),), "limits": (Limits(max_position_lots=10**9),)},
            "the limit of a position is 1000000000 lots",
        ),
        ({"instruments": (finer("1e-11", max_quantity=Decimal(10**9)),)}, "max_quantity is 1000000000 lots"),
        ({"instruments": (INVERSE_COIN,), "capital": {"COIN": 2**51}}, "choose a larger base_quantum"),
    ],
)
def test_an_inverse_contract_that_cannot_be_counted_is_refused(facts: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        made(**facts)


def test_an_asset_is_counted_in_one_quantum() -> None:
    other = msgspec.structs.replace(LINEAR_COIN, symbol="OTHER", base_asset="OTHER", quote_quantum=Decimal("1e-10"))
    with pytest.raises(ConfigError, match="USDT is counted in 1E-8, expected 1E-10"):
        made(instruments=(LINEAR_COIN, other))
    alike = in_common_quanta((LINEAR_COIN, other))
    assert made(instruments=alike).desk[0].n_instruments == 2
