"""The restraint inside the step: what the gate lets through, what is called back, and what always passes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quintet.core.engine.step import on_control
from quintet.core.engine.world import set_restraint
from quintet.core.events import OPERATOR
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import MARKET
from quintet.core.parameters import ParameterError
from quintet.core.risk import breaker, gate, restrained
from quintet.core.risk import restraint as r
from quintet.core.risk.config import RiskConfig
from quintet.core.risk.restraint_config import INTRADAY, SWITCHES, RestraintConfig, rules_of, strictest
from tests.desk_driver import Desk
from tests.desk_worlds import LINEAR_COIN, SPOT_COIN

pytestmark = pytest.mark.jit_off

PRICE = 10_000  # 100.00
PERCENT = 10_000_000
LOT = PRICE * LINEAR_COIN.quanta_per_tick_lot
"""What one lot is worth at 100.00."""


def restrained_desk(instrument: Instrument = LINEAR_COIN, *, lots: int = 0, **rules: int) -> Desk:
    """A desk that marks its equity at what it was given."""
    desk = Desk(instrument, lots=lots)
    set_restraint(desk.record.restraint, rules or {"losses_in_row": 3})
    desk.view.equity.quanta = desk.view.equity.start
    return desk


def lots_sent(desk: Desk, *wants: Any) -> list[int]:
    return [command.lots for command in desk.want(*wants) if command.kind == "place"]


# ---- the gate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [r.BY_DAY_LOSS, r.BY_LOSSES, r.BY_REVIEW, r.BY_RUIN, r.BY_EXTREME, r.BY_LATE])
def test_an_entry_is_held_back_and_an_exit_passes(cause: int):
    desk = restrained_desk(lots=10)
    held = desk.record.restraint
    held.causes, held.losses_until, held.moved_until = cause, 2**62, 2**62
    assert lots_sent(desk, (1, PRICE - 1, 5), (-1, PRICE + 1, 10)) == [10]
    assert desk.reasons == [restrained.HELD_BACK]


def test_half_the_size_is_half_of_what_is_wanted():
    desk = restrained_desk()
    desk.record.restraint.causes = r.BY_HALF
    assert lots_sent(desk, (1, PRICE - 1, 9)) == [4]


def test_a_price_far_through_the_market_is_refused_and_one_far_from_it_is_not():
    desk = restrained_desk(collar_e9=2 * PERCENT)
    assert lots_sent(desk, (1, PRICE * 103 // 100, 1)) == []
    assert desk.reasons == [restrained.COLLAR]
    assert lots_sent(desk, (1, PRICE * 50 // 100, 1)) == [1]


def test_one_order_is_worth_no_more_than_its_bound():
    desk = restrained_desk(order_value_max=3 * LOT)
    assert lots_sent(desk, (1, PRICE, 10)) == [3]


def test_value_of_all_positions_stays_below_the_leverage():
    # given equity worth 100 lots, leverage 2, and a position of 150
    desk = restrained_desk(lots=150, leverage_e9=2_000_000_000)
    desk.view.equity.quanta = 100 * LOT
    assert lots_sent(desk, (1, PRICE, 80)) == [50]
    # orders that work count too
    assert lots_sent(desk, (1, PRICE, 80), (1, PRICE - 1, 5)) == []


@pytest.mark.parametrize("side", [1, -1])
def test_orders_of_either_side_count_while_nothing_is_held(side: int):
    # given equity worth 100 lots, leverage 1, and no position
    desk = restrained_desk(leverage_e9=10**9)
    desk.view.equity.quanta = 100 * LOT
    # then two orders of a side are worth no more than that together, whichever side it is
    assert lots_sent(desk, (side, PRICE, 80), (side, PRICE, 80)) == [80, 20]


def test_of_orders_against_a_position_what_they_would_open_beyond_it_counts():
    # given equity worth 100 lots, leverage 1, and a position of 10
    desk = restrained_desk(lots=10, leverage_e9=10**9)
    desk.view.equity.quanta = 100 * LOT
    # when a sale of 90 works, which would turn it into one of 80 short
    desk.working((-1, PRICE, 90))
    # then there is room for 20 more, and no more
    assert lots_sent(desk, (-1, PRICE, 90), (-1, PRICE, 50)) == [20]


def test_before_the_first_trade_all_is_worth_what_the_book_says():
    # given equity worth 100 lots, leverage 1, a book around 100.00, and nobody who has traded
    desk = restrained_desk(leverage_e9=10**9)
    desk.view.equity.quanta = 100 * LOT
    market = desk.view.market[0]
    market.last, market.bid, market.ask = 0, PRICE - 1, PRICE + 1
    # then orders count all the same
    assert lots_sent(desk, (1, PRICE - 1, 80), (1, PRICE - 2, 80)) == [80, 20]


def test_no_more_than_a_tenth_of_equity_is_at_risk():
    # given equity worth 100 lots, and positions that lose 20 % until they are stopped
    desk = restrained_desk(at_risk_e9=10 * PERCENT, loss_e9=20 * PERCENT)
    desk.view.equity.quanta = 100 * LOT
    assert lots_sent(desk, (1, PRICE, 80)) == [50]


def test_a_fourth_position_that_moves_with_three_others_is_refused():
    # given three long positions in instruments of which nobody says that they move apart
    desk = restrained_desk(correlated_max=3, correlated_e9=700_000_000)
    desk.record.n_instruments = 4
    for n in (1, 2, 3):
        desk.view.account[n].lots = 5
    # then a fourth long one is refused, and a short one is not
    assert lots_sent(desk, (1, PRICE, 1)) == []
    assert desk.reasons == [restrained.CORRELATED]
    assert lots_sent(desk, (-1, PRICE, 1)) == [1]


# ---- the step ------------------------------------------------------------------------------------------------

MOVE = {"move_e9": 5 * PERCENT, "move_span_ns": 60 * 10**9, "move_confirm_ns": 1, "move_pause_ns": 10**12}


def fall(desk: Desk) -> None:
    """From 100.00 to 94.00 in two prices a few milliseconds apart, and once more."""
    for last in (PRICE, 9_400, 9_400, 9_400):
        desk.market(last)
        desk.event(1)
        desk.plan()


def test_an_extreme_move_calls_every_order_back():
    desk = restrained_desk(lots=10, **MOVE)
    desk.plan()
    desk.working((1, PRICE - 100, 5), (-1, PRICE + 100, 5))
    for last in (PRICE, 9_400, 9_400, 9_400):
        desk.market(last)
        desk.event(1)
        sent = desk.plan()
        if sent:
            break
    assert [command.kind for command in sent] == ["cancel", "cancel"]
    assert desk.record.restraint.causes == r.BY_EXTREME
    notes = [breaker.explain(desk.view.notes[k]) for k in range(desk.view.n_notes)]
    assert notes == ["restraint; nothing holds new risk back, then an extreme move of the price"]


@pytest.mark.parametrize(("instrument", "lots"), [(LINEAR_COIN, 10), (SPOT_COIN, 10)])
def test_where_it_is_asked_for_the_position_is_closed_at_market_whatever_the_system_wants(
    instrument: Instrument, lots: int
):
    desk = restrained_desk(instrument, lots=lots, **MOVE, move_flattens=1)
    fall(desk)
    desk.event(1)
    sent = desk.want((1, 9_000, 5))
    orders = [order for order in desk.orders if order.style == MARKET]
    assert [(order.side, order.lots, order.reduce_only) for order in orders] == [(-1, lots, 1)]
    assert not [command for command in sent if command.side > 0]


def test_an_operators_reset_lets_go():
    desk = restrained_desk()
    desk.record.restraint.causes = r.BY_REVIEW
    desk.event(1)
    on_control(desk.record, OPERATOR, breaker.RESET, 0)
    assert lots_sent(desk, (1, PRICE - 1, 5)) == [5]


def test_late_answers_are_noted_and_call_back_what_adds_risk():
    desk = restrained_desk(late_ns=10**9, prompt_ns=10**8)
    [first] = desk.working((1, PRICE - 2, 3))
    [second] = [
        command.number for command in desk.want((1, PRICE - 2, 3), (1, PRICE - 1, 5)) if command.kind == "place"
    ]
    desk.later(2)
    desk.accept(second)
    note = desk.view.notes[int(desk.view.n_notes) - 1]
    assert (int(note.code), int(note.a), int(note.b)) == (breaker.RESTRAINT_CHANGED, 0, r.BY_LATE)
    assert {(command.kind, command.number) for command in desk.sent()} == {("cancel", first), ("cancel", second)}


def test_a_round_trip_is_measured_from_the_order_to_its_acknowledgement():
    desk = restrained_desk(late_ns=10**9, prompt_ns=10**8)
    (command,) = desk.want((1, PRICE - 1, 1))
    desk.later(2)
    desk.accept(command.number)
    assert desk.record.restraint.causes == r.BY_LATE


@given(
    st.integers(0, 511),
    st.integers(-50, 50).filter(bool),
    st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 60)), min_size=1, max_size=4),
)
def test_never_more_risk_after_a_halt_and_never_less_than_the_way_out(
    causes: int, held: int, wanted: list[tuple[int, int]]
):
    # given a position and any causes
    desk = Desk(LINEAR_COIN)
    desk.fill(0, lots=abs(held), price=PRICE, side=1 if held > 0 else -1)
    set_restraint(desk.record.restraint, {"losses_in_row": 3, "losses_pause_ns": 1, "move_pause_ns": 1})
    held_back = desk.record.restraint
    held_back.causes, held_back.losses_until, held_back.moved_until = causes, 2**62, 2**62
    # when anything is wanted
    sent = desk.want(*((side, PRICE - side * (n + 1), lots) for n, (side, lots) in enumerate(wanted)))
    # then no order adds risk while new risk is held back
    adding = sum(command.lots for command in sent if command.side * held > 0)
    closing = sum(command.lots for command in sent if command.side * held < 0)
    if causes & r.NO_ENTRIES:
        assert adding == 0
        assert closing <= abs(held)
    # and what closes is never cut below the position
    asked = sum(lots for side, lots in wanted if side * held < 0)
    if asked <= abs(held):
        assert closing == asked


def test_what_nobody_asked_for_is_no_part_of_the_state():
    from quintet.core.digest import state_hash

    desk, other = Desk(LINEAR_COIN), Desk(LINEAR_COIN)
    other.record.restraint.high_water = 5
    state = desk.world.state
    assert state_hash(desk.world.desk, state) == state_hash(other.world.desk, state)
    other.record.restraint.active = 1
    assert state_hash(desk.world.desk, state) != state_hash(other.world.desk, state)


# ---- the configuration ---------------------------------------------------------------------------------------


def test_without_a_rule_it_is_off():
    assert rules_of(RiskConfig(), Decimal("0.01")) == {}
    assert Desk(LINEAR_COIN).record.restraint.active == 0


def test_the_numbers_of_the_library_reach_the_engine_in_its_units():
    rules = rules_of(INTRADAY, Decimal("0.01"))
    assert (rules["day_loss_e9"], rules["half_e9"], rules["at_risk_e9"]) == (30_000_000, 50_000_000, 100_000_000)
    assert (rules["losses_pause_ns"], rules["move_pause_ns"]) == (2 * 3_600 * 10**9, 30 * 60 * 10**9)
    assert (rules["slow_ns"], rules["late_ns"], rules["silent_ns"]) == (5 * 10**8, 10**9, 30 * 10**9)
    desk = restrained_desk(**rules)
    assert desk.record.restraint.rules.flatten_e9 == 150_000_000
    value = RestraintConfig(order_value_max_quote=Decimal("12.34"))
    assert rules_of(value, Decimal("0.01"))["order_value_max"] == 1_234


@pytest.mark.parametrize("wrong", ["-1", "NaN", "Infinity"])
def test_an_order_value_that_is_none_is_refused(wrong: str):
    with pytest.raises(ParameterError):
        RestraintConfig(order_value_max_quote=Decimal(wrong))


def test_of_several_scopes_the_stricter_number_holds():
    own = RestraintConfig(day_loss_pause_frac=0.01, losses_in_row_max=5, losses_pause_min=240)
    found = strictest(own, INTRADAY, RestraintConfig())
    assert (found.day_loss_pause_frac, found.drawdown_half_frac) == (0.01, 0.05)
    assert (found.losses_in_row_max, found.losses_pause_min) == (3, 240)
    assert found.move_closes
    # also where one of the scopes is a desk's whole configuration
    assert strictest(own, RiskConfig(losses_in_row_max=2)).losses_in_row_max == 2
    # and what goes with a rule that a scope does not have says nothing
    lax = RestraintConfig(calm_bars=1_000, loss_at_stop_frac=1.0)
    assert strictest(INTRADAY, lax) == INTRADAY


@given(st.data())
def test_a_scope_more_never_makes_it_laxer(data: st.DataObject):
    def scope() -> RestraintConfig:
        return RestraintConfig(
            losses_in_row_max=data.draw(st.sampled_from([0, 1, 3])),
            correlated_max=data.draw(st.sampled_from([0, 1, 3])),
            leverage_max=data.draw(st.sampled_from([0.0, 1.0, 3.0])),
            day_loss_pause_frac=data.draw(st.sampled_from([0.0, 0.01, 0.5])),
        )

    one, other = scope(), scope()
    both = strictest(one, other)
    assert both == strictest(other, one)
    for name in SWITCHES:
        for each in (one, other):
            if getattr(each, name) > 0:
                assert 0 < getattr(both, name) <= getattr(each, name)


def test_every_reason_has_its_name():
    assert gate.REASON_NAMES[restrained.CORRELATED] == "correlated positions"
    assert len(gate.REASON_NAMES) == restrained.CORRELATED + 1
