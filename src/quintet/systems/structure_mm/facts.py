"""What is true now, as the bits that the state machine asks for."""

from typing import Any

from quintet.core.kernel import kernel
from quintet.features import structure as shape
from quintet.features.structure import (
    PULLBACK_CANCELLED,
    PULLBACK_READY,
    leg_is_small,
    pullback_verdict,
)
from quintet.systems.structure_mm import machine as m
from quintet.systems.structure_mm.exits import is_lost, liquidation_cost, net_quanta
from quintet.systems.structure_mm.grid import is_beyond, rate_e9
from quintet.systems.structure_mm.records import BOS, DISABLED, EXIT, IDLE, MM, REBALANCE
from quintet.systems.structure_mm.sizing import is_sellable, levels, lots_at


@kernel
def observe(state: Any, params: Any, view: Any) -> int:
    """All facts of this moment. Those of the bar are facts of the last closed structure bar."""
    facts = account_facts(state, view)
    facts |= event_facts(state, params)
    if state.machine == IDLE:
        return facts | idle_facts(state, params)
    facts |= clock_facts(state, params)
    if state.machine == BOS:
        return facts | pullback_facts(state, params, view)
    if state.calm != 0 and state.machine == EXIT:
        facts |= m.CALM
    if state.starts_left <= 0:
        facts |= m.STARTED
    if state.closing != 0:
        facts |= m.CLOSING
    if state.stop_hit != 0 or state.stop_waits_ns != 0:
        facts |= m.STOP_HIT
    return facts | danger_facts(state, params, view)


@kernel
def account_facts(state: Any, view: Any) -> int:
    """What is held and can be sold, and whether anything may still be bought."""
    account = view.account[0]
    facts = 0
    if is_sellable(view.instruments[0], account.lots, state.close):
        facts |= m.HOLDING
    if account.open_buy_lots > 0:
        facts |= m.BUYS
    if state.killed != 0:
        facts |= m.KILL
    if state.policy == DISABLED:
        facts |= m.DISABLED
    return facts


@kernel
def event_facts(state: Any, params: Any) -> int:
    """What the structure did on the last bar."""
    event = state.structure.event
    if event == shape.BOS_CONFIRMED or (event == shape.CHOCH_UP and params.arm_on_choch != 0):
        return m.BREAK_UP
    if event == shape.CHOCH_DOWN:
        return m.CHOCH_DOWN
    return 0


@kernel
def idle_facts(state: Any, params: Any) -> int:
    """Is it too early after the last episode; is the leg of this break too small?"""
    facts = 0
    if state.n_episodes > 0 and state.bars - state.ended_bar < params.cooldown_bars:
        facts |= m.COOLING
    if state.ready == 0 or leg_is_small(state.structure.protected, state.top, state.fast.value, params.leg_min_e4):
        facts |= m.LEG_SMALL
    return facts


@kernel
def clock_facts(state: Any, params: Any) -> int:
    """Has the present state lasted as long as it may?"""
    limit = params.bos_timeout_bars
    if state.machine == REBALANCE:
        limit = params.rebalance_ttl_bars
    elif state.machine == MM:
        limit = params.mm_ttl_bars
    elif state.machine == EXIT:
        limit = params.exit_ttl_bars
    return m.TIME_UP if state.clock >= limit else 0


@kernel
def pullback_facts(state: Any, params: Any, view: Any) -> int:
    """How deep the pullback is, and whether an episode that began here could pay."""
    verdict = pullback_verdict(params.pullback, state.origin, state.top, state.close, state.fast.value)
    if verdict == PULLBACK_CANCELLED:
        return m.TOO_DEEP
    if verdict != PULLBACK_READY:
        return 0
    facts = m.READY
    if state.top - state.origin < params.payable_steps * (state.step_e9 / 1e9) * state.close:
        facts |= m.NOT_PAYABLE
    if lots_at(state.lot_quanta, state.policy, params.defensive_lot, state.close, view.instruments[0]) == 0:
        facts |= m.NO_SIZE
    return facts


@kernel
def danger_facts(state: Any, params: Any, view: Any) -> int:
    """Structure broken, loss reached, or back at the old top."""
    inst, account = view.instruments[0], view.account[0]
    facts = 0
    if is_beyond(state.origin - state.close, params.break_buffer_e4, state.fast_units):
        facts |= m.BROKEN
    if state.close >= state.top_before:
        facts |= m.AT_TOP
    gained = net_quanta(inst, account, state.close) - state.net_start
    cost = liquidation_cost(inst, account, state.close, rate_e9(params.spread_bp / 2.0))
    if is_lost(gained, cost, state.equity_start, params.episode_loss_e9):
        facts |= m.LOSS
    return facts


@kernel
def start_count(state: Any, params: Any) -> int:
    """Start lots under the present policy."""
    return levels(params.n_start, state.policy, params.defensive_levels)
