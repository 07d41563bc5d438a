"""Margin at the gate, and funding and liquidations as a desk hears of them."""

import numpy as np
import pytest

from quintet.core import events as ev
from quintet.core.accounting.funding import funding_quanta
from quintet.core.engine.money_rules import MarginRules, MarginTier, set_margin
from quintet.core.engine.step import OF_NO_ORDER, ROWS_OF_FILL, ROWS_OF_FUNDING, on_fill, on_funding
from quintet.core.orders.lifecycle import IOC
from quintet.core.records import table
from quintet.core.risk.breaker import LIQUIDATED, explain
from quintet.core.risk.gate import FREE_MARGIN
from quintet.core.risk.margin import CROSS, ISOLATED, free_quote, maintenance, tier_of
from quintet.core.state import DESK_BOOK, MARKET_BOOK, RESPONSE, WAKE_FILL, WAKE_FUNDING
from tests.desk_driver import Desk
from tests.desk_worlds import INVERSE_COIN, LINEAR_COIN, USDT

LOT = 10_000 * LINEAR_COIN.quanta_per_tick_lot
FEE = 5_500  # to trade one lot at 100.00, quanta


def a_desk(mode: int = ISOLATED, balance_lots: int = 10, leverage: int = 10) -> Desk:
    desk = Desk(LINEAR_COIN, capital={"USDT": balance_lots * LOT})
    tiers = (
        MarginTier(value_max=200 * LOT, initial_e9=0, maintenance_e9=5_000_000),
        MarginTier(value_max=10_000 * LOT, initial_e9=250_000_000, maintenance_e9=20_000_000),
    )
    set_margin(desk.world, MarginRules(mode=mode, initial_e9=10**9 // leverage, tiers=tiers), (LINEAR_COIN,))
    return desk


# ---- the gate ------------------------------------------------------------------------------------------------------
def test_new_risk_is_cut_to_the_margin_that_is_free() -> None:
    desk = a_desk()
    # a lot binds a tenth of its value and the fees to open and to close
    assert [c.lots for c in desk.want((1, 10_000, 500))] == [10 * LOT // (LOT // 10 + 2 * FEE)]
    assert desk.record.limits.reason == FREE_MARGIN
    assert desk.account.reserved_quote == 98 * (LOT // 10 + 2 * FEE)
    assert desk.want((1, 10_000, 500), (-1, 10_500, 500)) == []
    assert desk.reasons == [FREE_MARGIN]


def test_what_is_bound_follows_fills_and_cancels_to_the_quantum() -> None:
    desk = a_desk()
    (number,) = desk.working((1, 10_000, 40))
    one = desk.account.reserved_quote // 40
    desk.fill(number, 15)
    assert desk.account.reserved_quote == 25 * one
    desk.want()
    desk.canceled(number)
    assert desk.account.reserved_quote == 0
    assert free_quote(desk.record, USDT) == 10 * LOT - 15 * LOT // 10 - 15 * FEE


def test_an_order_that_closes_binds_nothing() -> None:
    desk = a_desk()
    desk.fill(0, lots=95)
    assert [c.lots for c in desk.want((-1, 10_000, 95))] == [95]
    assert desk.account.reserved_quote == 0


def test_a_larger_position_binds_the_share_of_its_tier() -> None:
    desk = a_desk(balance_lots=100)
    desk.want((1, 10_000, 300))
    assert desk.account.reserved_quote == 300 * (LOT // 4 + 2 * FEE)


@pytest.mark.parametrize(("mode", "free"), [(ISOLATED, 0), (CROSS, 10)])
def test_profit_at_mark_is_free_in_cross_margin_only(mode: int, free: int) -> None:
    desk = a_desk(mode)
    desk.fill(0, lots=50)
    before = int(free_quote(desk.record, USDT))
    desk.view.market[0].mark = 12_000
    value = 50 * 12_000 * LINEAR_COIN.quanta_per_tick_lot
    more = value - 50 * LOT - (value - 50 * LOT) // 10 - (value * 55 // 100_000 - 50 * FEE) if free else 0
    assert free_quote(desk.record, USDT) - before == more


def test_where_one_tier_ends_the_next_begins() -> None:
    margin, inst = a_desk().record.margin, a_desk().view.instruments[0]
    assert tier_of(margin, 200 * LOT).maintenance_e9 == 5_000_000
    assert tier_of(margin, 10**9 * LOT).maintenance_e9 == 20_000_000
    steps = [maintenance(margin, inst, 200 * LOT + n) - maintenance(margin, inst, 200 * LOT) for n in (1, 10**6)]
    assert steps[0] <= 2
    assert steps[1] == 20_000 + 550


# ---- funding -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lots", "rate", "paid"),
    [(3, 100_000, 3_000), (-3, 100_000, -3_000), (3, -100_001, -3_000), (3, 100_001, 3_001), (-3, -100_001, 3_001)],
)
def test_longs_pay_when_the_rate_is_positive_and_it_is_rounded_against_us(lots: int, rate: int, paid: int) -> None:
    # 3 lots at 100.00 are 30,000,000 quanta: 0.01 % of it is 3,000, 0.0100001 % is 3,000.03
    inst = Desk(LINEAR_COIN).view.instruments[0]
    assert funding_quanta(inst, lots, 10_000, rate) == paid


def test_an_inverse_contract_pays_in_its_base() -> None:
    inst = Desk(INVERSE_COIN).view.instruments[0]
    value = 1_000 * int(inst.inverse_value) // 10_000
    assert funding_quanta(inst, 1_000, 10_000, 10**6) == -(-value // 1_000)


def an_answer(**fields: int) -> np.record:
    answer = table(RESPONSE, 1)[0]
    for name, value in fields.items():
        answer[name] = value
    return answer


def test_funding_is_booked_once_against_the_market_and_wakes() -> None:
    desk = Desk(LINEAR_COIN)
    before = int(desk.record.ledger[DESK_BOOK, USDT])
    paid = an_answer(kind=ev.FUNDING, price=10_000, fee=-70, fee_asset=USDT, execution=7)
    desk.event(ROWS_OF_FUNDING)
    assert on_funding(desk.record, paid) == WAKE_FUNDING
    assert (desk.view.why, desk.view.fee, desk.account.funding) == (WAKE_FUNDING, -70, -70)
    desk.event(ROWS_OF_FUNDING)
    assert on_funding(desk.record, paid) == 0
    assert desk.record.ledger[DESK_BOOK, USDT] == before + 70
    assert desk.record.ledger[MARKET_BOOK, USDT] == -70
    assert (desk.account.fees, desk.account.realized, desk.record.n_fundings) == (0, 0, 1)


# ---- liquidation ---------------------------------------------------------------------------------------------------
def test_a_liquidation_is_a_fill_of_no_order_and_is_noted() -> None:
    desk = a_desk()
    desk.fill(0, lots=10)
    (number,) = desk.working((1, 9_900, 5, IOC))
    taken = an_answer(
        kind=ev.FILL, slot=-1, side=-1, price=9_100, lots=10, fee=55, fee_asset=USDT, execution=99, liquidation=1
    )
    desk.event(ROWS_OF_FILL)
    assert on_fill(desk.record, taken) == WAKE_FILL
    assert (desk.view.tag, desk.account.lots, desk.record.n_liquidations, desk.record.alarms) == (OF_NO_ORDER, 0, 1, 0)
    assert [int(order.number) for order in desk.orders] == [number]
    note = desk.view.notes[int(desk.view.n_notes) - 1]
    assert note.code == LIQUIDATED
    assert (
        explain(note) == "the venue has taken over 10 lots of instrument 0 at 9100; 55 quanta of margin went with them"
    )
