"""The breaker: an operator's word, the desk's own rules, and what may still leave."""

from typing import Any

import numpy as np
import pytest

from quintet.core.engine.step import begin, on_bar, on_control
from quintet.core.engine.world import BreakerRules, Execution
from quintet.core.events import CANCEL, FILL, OPERATOR, PLACE, RECONCILED, ROW, SELL_BIT
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import POST_ONLY, STOP
from quintet.core.risk import breaker as b
from quintet.core.risk.gate import HALTED, NORMAL, REDUCE_ONLY
from quintet.core.state import DESK_BOOK, SUSPENSE_BOOK, WAKE_BAR, WAKE_CONTROL, WAKE_ORDER
from quintet.core.tape import message_with_text
from tests.control_rows import operator_row, reconciled_row, with_rows, with_rules
from tests.desk_worlds import COIN, ONE_MINUTE, SECOND, START, USDT, a_world, bar_tape, run
from tests.players import deciding

pytestmark = pytest.mark.jit_off

MINUTE = 60 * SECOND
CALM = [(10_000, 10_010, 9_990, 10_000, 1_000)] * 12
"""Twelve minutes in which nothing happens between 99.90 and 100.10."""


def desk_of(breaker: BreakerRules = BreakerRules(), **named: Any) -> Any:  # noqa: B008
    return with_rules(a_world(**named), breaker).desk[0]


def operate(desk: Any, action: int) -> int:
    begin(desk, 1, int(desk.shown.now) + 1)
    return on_control(desk, OPERATOR, action, 0)


# ---- the mode ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ([b.PAUSE], HALTED),
        ([b.PAUSE, b.RESUME], NORMAL),
        ([b.REDUCE], REDUCE_ONLY),
        ([b.REDUCE, b.PAUSE], HALTED),
        ([b.REDUCE, b.RESUME], NORMAL),
        ([b.KILL], HALTED),
        ([b.KILL, b.RESUME], HALTED),
        ([b.KILL, b.PAUSE, b.RESUME], HALTED),
        ([b.KILL, b.RESET], NORMAL),
        ([b.RESET], NORMAL),
    ],
)
def test_the_mode_follows_from_what_operators_have_said(said: list[int], mode: int):
    desk = desk_of()
    for action in said:
        assert operate(desk, action) == WAKE_CONTROL
    assert desk.limits.mode == mode
    assert desk.shown.halted == int(mode != NORMAL)


def test_an_unknown_action_is_counted_and_changes_nothing():
    desk = desk_of()
    assert operate(desk, 99) == 0
    assert (desk.n_ignored, desk.limits.mode, desk.shown.n_notes) == (1, NORMAL, 0)


def test_every_change_is_noted_in_words():
    desk = desk_of()
    operate(desk, b.KILL)
    operate(desk, b.RESET)
    sentences = [b.explain(desk.shown.notes[k]) for k in range(desk.shown.n_notes)]
    assert sentences == [
        "operator: kill; mode normal becomes halted: killed by an operator",
        "operator: reset; mode halted becomes normal: nothing stops new risk",
    ]


# ---- the rules ---------------------------------------------------------------------------------------------------


def mark(desk: Any, quanta: int, minute: int) -> int:
    """A closed bar at whose end equity is `quanta`."""
    desk.ledger[DESK_BOOK, USDT] = quanta
    begin(desk, 2, START + minute * MINUTE)
    return on_bar(desk, 0, ONE_MINUTE, START + minute * MINUTE)


@pytest.mark.parametrize("rule", ["drawdown_e9", "day_loss_e9"])
def test_a_loss_of_the_given_fraction_halts_and_one_quantum_less_does_not(rule: str):
    desk = desk_of(capital={"USDT": 1_000_000}, breaker=BreakerRules(**{rule: 50_000_000}))
    mark(desk, 950_001, 1)
    assert desk.limits.mode == NORMAL
    mark(desk, 950_000, 2)
    assert desk.limits.mode == HALTED
    assert desk.breaker.causes == (b.BY_DRAWDOWN if rule == "drawdown_e9" else b.BY_DAY_LOSS)


def test_drawdown_counts_from_the_high_water_mark_and_begins_anew_at_a_reset():
    desk = desk_of(capital={"USDT": 1_000_000}, breaker=BreakerRules(drawdown_e9=100_000_000))
    for minute, quanta in enumerate((1_500_000, 1_351_000, 1_350_000), start=1):
        mark(desk, quanta, minute)
    assert desk.breaker.causes == b.BY_DRAWDOWN
    operate(desk, b.RESET)
    mark(desk, 1_216_000, 4)
    assert desk.limits.mode == NORMAL
    mark(desk, 1_215_000, 5)
    assert desk.limits.mode == HALTED


def test_a_new_day_begins_with_the_equity_of_the_evening():
    desk = desk_of(capital={"USDT": 1_000_000}, breaker=BreakerRules(day_loss_e9=100_000_000))
    mark(desk, 920_000, 1)
    mark(desk, 910_000, 24 * 60 + 1)
    assert desk.limits.mode == NORMAL
    mark(desk, 828_000, 24 * 60 + 2)
    assert desk.breaker.causes == b.BY_DAY_LOSS


def test_a_rule_that_trips_at_a_bar_the_system_does_not_hear_wakes_it_all_the_same():
    desk = desk_of(capital={"USDT": 1_000_000}, breaker=BreakerRules(drawdown_e9=100_000_000))
    desk.timeframes = 0
    assert mark(desk, 950_000, 1) == 0
    assert mark(desk, 900_000, 2) == WAKE_CONTROL
    assert mark(desk, 890_000, 3) == 0


def test_no_rule_is_on_by_default():
    desk = desk_of(capital={"USDT": 1_000_000})
    mark(desk, 1, 1)
    assert desk.limits.mode == NORMAL


# ---- reconciliation ------------------------------------------------------------------------------------------------


def test_an_unexplained_difference_stands_in_suspense_and_stops_new_risk_until_a_reset():
    desk = desk_of()
    money = int(desk.ledger[DESK_BOOK, USDT])
    begin(desk, 1, START)
    assert on_control(desk, RECONCILED, -700, USDT) == WAKE_CONTROL
    assert desk.ledger[DESK_BOOK, USDT] == money - 700
    assert desk.ledger[SUSPENSE_BOOK, USDT] == 700
    assert not np.asarray(desk.ledger).sum(axis=0).any()
    assert (desk.alarms, desk.paused, desk.shown.halted) == (1, 1, 1)
    operate(desk, b.RESUME)
    assert (desk.paused, desk.shown.halted) == (1, 1)
    operate(desk, b.RESET)
    assert (desk.paused, desk.shown.halted) == (0, 0)


def test_base_that_the_venue_does_not_have_cannot_be_sold():
    desk = desk_of(capital={"USDT": 10**12, "COIN": 0})
    desk.shown.account[0].held = 50 * desk.shown.instruments[0].base_quanta
    begin(desk, 1, START)
    on_control(desk, RECONCILED, -20 * int(desk.shown.instruments[0].base_quanta), COIN)
    assert desk.shown.account[0].lots == 30


def test_an_asset_that_does_not_exist_is_counted_and_changes_nothing():
    desk = desk_of()
    begin(desk, 1, START)
    assert on_control(desk, RECONCILED, 5, 16) == 0
    assert desk.n_ignored == 1
    assert not np.asarray(desk.ledger).sum(axis=0).any()


def test_so_many_alarms_halt():
    desk = desk_of(breaker=BreakerRules(alarms_max=2))
    for _ in range(2):
        begin(desk, 1, START)
        on_control(desk, RECONCILED, 1, USDT)
    assert desk.breaker.causes == b.BY_ALARMS
    operate(desk, b.RESET)
    assert desk.limits.mode == NORMAL


# ---- in the loop -----------------------------------------------------------------------------------------------------


@kernel
def quoter(state: Any, params: Any, view: Any) -> None:
    """Always wants a bid at 99.50, an ask at 100.50, and a stop below."""
    view.dirty = 1
    view.n = 3
    for k in range(3):
        want = view.wants[k]
        want.instrument = 0
        want.lots = 10_000
        want.side = 1 if k == 0 else -1
        want.style = STOP if k == 2 else POST_ONLY
        want.price = 9_950 if k == 0 else 10_050 if k == 1 else 9_000
        want.tag = k


def commands(rows: Any, after_ns: int = 0, kind: int = PLACE) -> list[int]:
    """Prices of the commands of a kind that left after a moment."""
    plain = np.asarray(rows)
    return plain["price"][(plain["kind"] == kind) & (plain["ts_recv"] > after_ns)].tolist()


def quoting(
    *messages: Any,
    bars: Any = CALM,
    breaker: BreakerRules = BreakerRules(),  # noqa: B008
    **named: Any,
) -> tuple[Any, Any]:
    """The desk and its tape after the quoter saw calm bars and these messages; it holds 20 coins."""
    named.setdefault("capital", {"USDT": 10**12, "COIN": 20 * 10**8})
    world = with_rules(a_world(wakes=WAKE_BAR | WAKE_ORDER | WAKE_CONTROL, recording=True, **named), breaker)
    account = world.desk[0].shown.account[0]
    account.held = 20 * 10**8
    account.lots = account.held // world.desk[0].shown.instruments[0].base_quanta
    rows = run(deciding(quoter), with_rows(bar_tape(bars), *messages), world)
    return world.desk[0], rows


KILL_AT = START + 5 * MINUTE + 7 * SECOND


def test_a_kill_cancels_everything_and_only_what_reduces_risk_comes_back():
    desk, rows = quoting(operator_row(KILL_AT, b.KILL))
    assert sorted(commands(rows)[:3]) == [9_000, 9_950, 10_050]
    assert sorted(commands(rows, KILL_AT - 1, CANCEL)) == [9_000, 9_950, 10_050]
    assert sorted(commands(rows, KILL_AT - 1)) == [9_000, 10_050]  # the exits; no bid
    assert desk.limits.mode == HALTED


def test_a_pause_leaves_what_works_and_lets_no_new_risk_out():
    desk, rows = quoting(operator_row(KILL_AT, b.PAUSE))
    assert commands(rows, KILL_AT - 1, CANCEL) == commands(rows, KILL_AT - 1) == []
    _, before = quoting(operator_row(START + SECOND, b.PAUSE))
    assert 9_950 not in commands(before)
    assert desk.live == 3


def test_reduce_only_calls_back_the_bid_alone():
    _, rows = quoting(operator_row(KILL_AT, b.REDUCE))
    assert commands(rows, KILL_AT - 1, CANCEL) == [9_950]
    assert commands(rows, KILL_AT - 1) == []


def test_a_reset_lets_the_same_intents_out_again():
    reset_at = KILL_AT + MINUTE
    _, rows = quoting(operator_row(KILL_AT, b.KILL), operator_row(reset_at, b.RESET))
    assert commands(rows, reset_at - 1) == [9_950]


def test_an_order_not_yet_acknowledged_is_called_back_when_it_is():
    late = Execution(fill_timeframe=ONE_MINUTE, entry_ns=30 * SECOND, response_ns=30 * SECOND)
    sent_at = START + MINUTE
    desk, rows = quoting(operator_row(sent_at + SECOND, b.KILL), execution=late)
    assert commands(rows, kind=CANCEL)[0:1] == [9_950]
    plain = np.asarray(rows)
    first_cancel = plain["ts_recv"][plain["kind"] == CANCEL][0]
    assert first_cancel == sent_at + MINUTE  # the acknowledgement
    assert 9_950 not in commands(rows, sent_at)


def test_a_rule_that_trips_at_a_bar_calls_orders_back_and_the_system_sees_it():
    falling = [*CALM[:6], *[(10_000, 10_000, 9_960, 9_960, 1_000)] * 6]
    world_rules = BreakerRules(drawdown_e9=1)
    desk, rows = quoting(bars=falling, breaker=world_rules)
    assert desk.breaker.causes == b.BY_DRAWDOWN
    assert sorted(commands(rows, kind=CANCEL)) == [9_000, 9_950, 10_050]
    assert 9_950 not in commands(rows, START + 7 * MINUTE)


def test_control_rows_take_positions_and_stand_on_the_desk_tape():
    desk, rows = quoting(operator_row(KILL_AT, b.KILL), reconciled_row(KILL_AT + 1, USDT, 5))
    plain = np.asarray(rows)
    assert (plain["kind"] == OPERATOR).sum() == (plain["kind"] == RECONCILED).sum() == 1
    outputs = (plain["kind"] >= PLACE) & (plain["kind"] <= 72)
    assert desk.position == (~outputs).sum()


def test_the_text_of_an_operators_message_stays_in_it():
    said = message_with_text((KILL_AT, KILL_AT, b.KILL, 0, 0, OPERATOR, 0), b"the price feed looks wrong to me, stop")
    desk, rows = quoting(np.asarray(said))
    assert desk.limits.mode == HALTED
    at = int(np.flatnonzero(np.asarray(rows)["kind"] == OPERATOR)[0])
    assert np.asarray(rows)[at : at + len(said)].tobytes() == np.asarray(said, ROW).tobytes()


def fills_of(rows: Any) -> list[tuple[int, int]]:
    plain = np.asarray(rows)
    fills = plain[plain["kind"] == FILL]
    return [(-1 if bits & SELL_BIT else 1, lots) for bits, lots in zip(fills["bits"], fills["quantity"], strict=True)]


def test_a_stop_that_could_open_a_position_is_refused_while_halted():
    desk, rows = quoting(operator_row(START + SECOND, b.KILL), capital={"USDT": 10**12, "COIN": 20 * 10**8})
    assert 9_000 in commands(rows)  # on spot a sell stop closes
    assert fills_of(rows) == []
