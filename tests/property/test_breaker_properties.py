"""Whatever operators say, and whenever: while halted no risk leaves, cancels do, and nothing meets its own order."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quintet.core.digest import command_hash, state_hash
from quintet.core.engine import replay as replaying
from quintet.core.engine.world import BreakerRules, Execution, Limits
from quintet.core.events import (
    CANCEL,
    COMMAND_ORDER,
    FILL,
    FILL_ORDER,
    OPERATOR,
    ORDER_CANCELED,
    ORDER_EXPIRED,
    ORDER_REJECTED,
    PLACE,
    RECONCILED,
    SELL_BIT,
)
from quintet.core.instrument import Instrument
from quintet.core.orders.lifecycle import MARKET, STOP
from quintet.core.risk import breaker as b
from quintet.core.state import WAKE_BAR, WAKE_CONTROL, WAKE_TIMER
from tests.control_rows import operator_row, reconciled_row, with_rows, with_rules
from tests.desk_worlds import (
    INVERSE_COIN,
    LINEAR_COIN,
    ONE_MINUTE,
    SECOND,
    SPOT_COIN,
    START,
    USDT,
    bar_tape,
    dice_world,
    run,
    walking_bars,
)
from tests.players import player_params, replay_inside, run_inside

BARS = 60
GONE = (ORDER_CANCELED, ORDER_EXPIRED, ORDER_REJECTED)

moments = st.integers(1, BARS * 60 * 1_000).map(lambda ms: START + ms * 1_000_000)
said = st.lists(st.tuples(moments, st.integers(b.PAUSE, b.RESET)), max_size=6)
differences = st.lists(st.tuples(moments, st.integers(-500, 500)), max_size=1)
rules = st.builds(
    BreakerRules,
    drawdown_e9=st.sampled_from([0, 100_000, 2_000_000]),
    day_loss_e9=st.sampled_from([0, 100_000, 2_000_000]),
    alarms_max=st.integers(0, 1),
)
limits = st.builds(
    Limits,
    max_order_lots=st.integers(1, 100),
    max_position_lots=st.integers(1, 500),
    max_open_orders=st.integers(1, 64),
    max_orders_per_second=st.integers(1, 50),
)
latencies = st.sampled_from([(0, 0), (250_000_000, 250_000_000), (70 * SECOND, 10 * SECOND)])


class Desk:
    """The desk as its tape tells it: position, working orders, and why risk is stopped. Slow and obvious."""

    def __init__(self, instrument: Instrument) -> None:
        self.spot = instrument.kind == "spot"
        self.lots = 0
        self.working: dict[int, tuple[int, int, int, int]] = {}  # number: side, lots left, price, style
        self.causes = 0
        self.unexplained = False
        self.number = 0

    @property
    def stopped(self) -> bool:
        return self.causes != 0 or self.unexplained

    def hear(self, row: Any, then: Any) -> None:
        kind, quantity = int(row["kind"]), int(row["quantity"])
        if kind == OPERATOR:
            self.causes = int(b.causes_after(self.causes, quantity))
            self.unexplained = self.unexplained and quantity != b.RESET
        elif kind == RECONCILED:
            self.unexplained = True
        elif kind == FILL:
            side = -1 if int(row["bits"]) & SELL_BIT else 1
            self.lots += side * quantity
            self.reduce(int(then["quantity"]), quantity)
        elif kind in GONE:
            self.working.pop(quantity, None)

    def reduce(self, number: int, lots: int) -> None:
        if number in self.working:
            side, left, price, style = self.working.pop(number)
            if left > lots:
                self.working[number] = (side, left - lots, price, style)

    def may_send(self, side: int, lots: int, style: int) -> bool:
        """Can this order only bring the position closer to zero?"""
        if self.spot:
            return side < 0
        working = sum(left for s, left, _, kind in self.working.values() if s == side and kind != STOP)
        return side * self.lots < 0 and lots + (0 if style == STOP else working) <= abs(self.lots)

    def crosses(self, side: int, price: int, style: int) -> bool:
        """Would this order meet one of our own?"""
        others = [(p, kind) for s, _, p, kind in self.working.values() if s != side and kind != STOP]
        if style == STOP:
            return False
        return any(MARKET in (style, kind) or side * (price - p) >= 0 for p, kind in others)


def commands_after_what_was_heard(rows: Any, desk: Desk) -> Any:
    """Each command of a desk tape with the desk as it then was."""
    plain = np.asarray(rows)
    for row, then in zip(plain, [*plain[1:], plain[-1]], strict=True):
        if int(row["kind"]) in (PLACE, CANCEL):
            side = -1 if int(row["bits"]) & SELL_BIT else 1
            number, lots = int(then["quantity"]), int(row["quantity"])
            assert int(then["kind"]) == COMMAND_ORDER
            yield int(row["kind"]), side, lots, int(row["price"]), int(row["bits"]) >> 3, number
            if int(row["kind"]) == PLACE:
                desk.working[number] = (side, lots, int(row["price"]), int(row["bits"]) >> 3)
        elif int(row["kind"]) != FILL_ORDER:
            desk.hear(row, then)


def the_market(seed: int, words: Any, found: Any) -> Any:
    messages = [operator_row(ts, action) for ts, action in words]
    messages += [reconciled_row(ts, USDT, quanta) for ts, quanta in found]
    return with_rows(bar_tape(walking_bars(seed, BARS)), *messages)


def a_dice_world(seed: int, instrument: Instrument, latency: Any, bounds: Limits, breaker: Any) -> Any:
    execution = Execution(fill_timeframe=ONE_MINUTE, entry_ns=latency[0], response_ns=latency[1])
    world = dice_world(
        seed,
        instrument,
        execution=execution,
        limits=(bounds,),
        wakes=WAKE_BAR | WAKE_TIMER | WAKE_CONTROL,  # woken by every answer, the dice would never come to rest
        timer_every_ns=20 * SECOND,
        params=player_params(keep_in_ten=1),
        recording=True,
    )
    return with_rules(world, breaker)


@pytest.mark.parametrize("instrument", [SPOT_COIN, LINEAR_COIN, INVERSE_COIN], ids=lambda it: it.kind)
@given(seed=st.integers(0, 10**6), words=said, found=differences, latency=latencies, bounds=limits)
@settings(max_examples=40)
def test_while_risk_is_stopped_by_people_only_what_reduces_it_leaves(
    instrument: Instrument, seed: int, words: Any, found: Any, latency: Any, bounds: Limits
):
    world = a_dice_world(seed, instrument, latency, bounds, BreakerRules())
    rows = run(run_inside, the_market(seed, words, found), world)
    desk = Desk(instrument)
    for kind, side, lots, _, style, number in commands_after_what_was_heard(rows, desk):
        if kind == PLACE and desk.stopped:
            assert desk.may_send(side, lots, style), number
    assert world.desk[0].limits.mode == b.mode_of(desk.causes)
    assert not np.asarray(world.desk[0].ledger).sum(axis=0).any()


@given(seed=st.integers(0, 10**6), words=said, latency=latencies, bounds=limits, breaker=rules)
@settings(max_examples=40)
def test_no_configuration_lets_an_order_meet_our_own(
    seed: int, words: Any, latency: Any, bounds: Limits, breaker: BreakerRules
):
    world = a_dice_world(seed, LINEAR_COIN, latency, bounds, breaker)
    rows = run(run_inside, the_market(seed, words, []), world)
    desk = Desk(LINEAR_COIN)
    for kind, side, _, price, style, _ in commands_after_what_was_heard(rows, desk):
        assert kind == CANCEL or not desk.crosses(side, price, style)


@given(seed=st.integers(0, 10**6), moment=moments, latency=latencies)
@settings(max_examples=40)
def test_after_a_kill_every_working_order_is_cancelled_once_it_is_known_to_rest(seed: int, moment: int, latency: Any):
    world = a_dice_world(seed, LINEAR_COIN, latency, Limits(), BreakerRules())
    rows = run(run_inside, the_market(seed, [(moment, b.KILL)], []), world)
    desk, before, called = Desk(LINEAR_COIN), set[int](), set[int]()
    for kind, *_, number in commands_after_what_was_heard(rows, desk):
        if desk.causes == 0 and kind == PLACE:
            before.add(number)
        if kind == CANCEL:
            called.add(number)
    in_flight = {number for number in desk.working if number in before and number not in called}
    last = int(np.asarray(rows)["ts_recv"][-1])
    assert not in_flight or last < moment + latency[0] + latency[1] + 60 * SECOND


@given(seed=st.integers(0, 10**6), words=said, found=differences, latency=latencies, breaker=rules)
@settings(max_examples=30)
def test_a_desk_tape_with_operators_on_it_replays_to_the_same_hashes(
    seed: int, words: Any, found: Any, latency: Any, breaker: BreakerRules
):
    world = a_dice_world(seed, SPOT_COIN, latency, Limits(), breaker)
    rows = run(run_inside, the_market(seed, words, found), world)
    again = a_dice_world(seed, SPOT_COIN, latency, Limits(), breaker)
    with np.errstate(over="ignore"):
        replayed = replaying.replay(replay_inside, rows, again)
    assert replayed.difference is None
    assert replayed.command_hash == command_hash(world.desk[0])
    assert replayed.state_hash == state_hash(world.desk, world.state)
