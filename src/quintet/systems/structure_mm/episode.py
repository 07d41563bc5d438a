"""What the actions of the state machine do: arm, raise, enter, begin, leave, finish."""

from typing import Any

from quintet.core.accounting.position import position_value
from quintet.core.kernel import kernel
from quintet.core.units import DOWN, E9, mul_div
from quintet.systems.structure_mm import machine as m
from quintet.systems.structure_mm import notes as n
from quintet.systems.structure_mm.exits import hard_stop, net_quanta
from quintet.systems.structure_mm.facts import start_count
from quintet.systems.structure_mm.grid import (
    atr_up,
    bid_price,
    followed,
    gap_e9,
    next_ceiling,
    take_price,
    tolerance,
)
from quintet.systems.structure_mm.lots import (
    bids_standing,
    call_back_bids,
    call_back_takes,
    clear_lots,
    give_back,
    highest_bid,
    new_lot,
    next_tag,
)
from quintet.systems.structure_mm.measures import median_turnover
from quintet.systems.structure_mm.notes import note
from quintet.systems.structure_mm.records import LOTS, MM
from quintet.systems.structure_mm.sizing import levels, loss_of_all, lot_quanta, lots_at
from quintet.systems.structure_mm.standing import keep_bid, lots_kept, standing_bid
from quintet.systems.structure_mm.touch import highest_free_bid


@kernel
def perform(state: Any, params: Any, view: Any, action: int, reason: int) -> None:
    """Do what a row of the table says."""
    if action == m.ARM:
        arm(state)
    elif action == m.RAISE:
        raise_origin(state, params, view)
    elif action == m.ENTER:
        enter(state, params, view)
    elif action == m.BEGIN:
        begin_market_making(state)
    elif action == m.CALL_BACK:
        state.closing = 1
        call_back_bids(state)
    elif action == m.REBUILD:
        state.closing = 0
        rebuild_bids(state, params, view)
    elif action == m.LEAVE_AT_ONCE or action == m.LEAVE_CALMLY:
        leave(state, action == m.LEAVE_CALMLY, reason)
    elif action == m.FINISH:
        finish_episode(state, view, reason)


@kernel
def arm(state: Any) -> None:
    """O and T of the leg that broke the structure; its tags begin."""
    state.n_armed += 1
    state.episode += 1
    state.serial = 0
    state.clock = 0
    state.origin = state.structure.protected
    state.exit_reason = m.NO_REASON


@kernel
def raise_origin(state: Any, params: Any, view: Any) -> None:
    """A further break: O and, in MM, the hard stop may only rise; the clock starts again."""
    state.clock = 0
    state.origin = max(state.origin, state.structure.protected)
    if state.machine == MM:
        stop = hard_stop(state.origin, params.hard_stop_e4, state.fast_units, view.instruments[0].tick)
        state.stop = max(state.stop, stop)
    set_guard(state, params)
    note(view, n.RAISED, state.origin, state.stop, state.machine, state.episode)


@kernel
def set_guard(state: Any, params: Any) -> None:
    """No bid below this price."""
    state.guard = state.origin + atr_up(params.guard_e4, state.fast_units)


@kernel
def plan_size(state: Any, params: Any, view: Any) -> int:
    """The lot that an episode entered at this close would have, in quanta; returns which cap binds.

    Sized with the step and the levels of Normal: should the policy become Normal later, the risk is still within its
    limit.
    """
    inst = view.instruments[0]
    set_guard(state, params)
    stop = hard_stop(state.origin, params.hard_stop_e4, state.fast_units, inst.tick)
    fees = (inst.maker_fee_e9 + inst.taker_fee_e9) / 1e9
    loss = loss_of_all(params, state.close, state.guard, stop, state.sizing_step_e9, fees)
    quanta, cap = lot_quanta(params, state.equity, loss, median_turnover(state.turnover))
    state.lot_quanta = quanta
    return cap


@kernel
def enter(state: Any, params: Any, view: Any) -> None:
    """Lots are sized, the hard stop is set, the start bids wait at the close."""
    inst, account = view.instruments[0], view.account[0]
    cap = plan_size(state, params, view)
    state.clock = 0
    state.entered_bar = state.bars
    state.closing = 0
    state.calm = 0
    state.stop = hard_stop(state.origin, params.hard_stop_e4, state.fast_units, inst.tick)
    # A stop sells what is held when it is hit; all that equity could buy there is always enough.
    state.stop_lots = state.equity // (state.stop * inst.quanta) + 1
    state.stop_hit = 0
    state.stop_waits_ns = 0
    state.exit_left = 0
    state.exit_due = 0
    state.excess_lots = 0
    state.no_bid = -1
    state.anchor = state.close
    state.equity_start = state.equity
    state.net_start = net_quanta(inst, account, state.close)
    note(view, n.SIZED, state.lot_quanta, state.stop, state.step_e9, cap)
    place_starts(state, params, view)


@kernel
def place_starts(state: Any, params: Any, view: Any) -> None:
    """Start bid j takes its profit j steps above."""
    inst = view.instruments[0]
    price = highest_free_bid(state, state.close, inst.tick)
    lots = lots_at(state.lot_quanta, state.policy, params.defensive_lot, price, inst)
    clear_lots(state)
    state.starts_left = 0
    for j in range(1, start_count(state, params) + 1):
        tag = next_tag(state)
        new_lot(state, tag, -j, price, lots, take_price(price, j, state.step_e9, inst.tick))
        state.starts_left += lots
        note(view, n.BID, tag, price, lots, -j)


@kernel
def begin_market_making(state: Any) -> None:
    """All lots bought so far get their takes; bids follow at the next close."""
    state.clock = 0
    state.closing = 0
    state.starts_left = 0
    call_back_bids(state)


@kernel
def leave(state: Any, calm: bool, reason: int) -> None:
    """Nothing is wanted any more but to sell."""
    if reason != m.GIVE_WAY:
        state.exit_reason = reason
    state.clock = 0
    state.closing = 0
    state.calm = 1 if calm else 0
    state.exit_left = 0
    state.exit_due = 1
    call_back_bids(state)
    call_back_takes(state)


@kernel
def finish_episode(state: Any, view: Any, reason: int) -> None:
    """The episode is over: its result, its ending, the cool-down."""
    if reason == m.FLAT:
        reason = state.exit_reason
    gained = net_quanta(view.instruments[0], view.account[0], state.close) - state.net_start
    note(view, n.ENDED, reason, gained, state.bars - state.entered_bar, state.episode)
    if reason != m.LATE_FILL:
        state.n_episodes += 1
    state.endings[reason] += 1
    state.episode_quanta += gained
    if state.equity_start > 0:
        in_bp = 10_000.0 * gained / state.equity_start
        state.episode_bp_sum += in_bp
        state.episode_bp_square_sum += in_bp * in_bp
    state.net_start += gained
    state.ended_bar = state.bars
    state.clock = 0
    state.closing = 0
    state.calm = 0
    state.stop = 0
    state.stop_hit = 0
    state.stop_waits_ns = 0
    state.exit_left = 0
    state.exit_due = 0
    state.excess_lots = 0
    state.starts_left = 0
    clear_lots(state)


# ---- the grid ------------------------------------------------------------------------------------------------------
@kernel
def rebuild_bids(state: Any, params: Any, view: Any) -> None:
    """Bids under the anchor as far as guard, bands and minimum allow; those stay that are near enough (`standing`).

    When a bid that stands was reached by this bar, its fill may be on the way: for one bar nothing is moved.
    """
    if state.no_bid != n.BIDS_TOUCHED and highest_bid(state) >= state.low:
        say_no_bid(state, view, n.BIDS_TOUCHED)
        return
    state.anchor = followed(state.anchor, state.close, state.step_e9)
    for i in range(LOTS):
        state.lots[i].kept = 0
    reason = want_bids(state, params, view)
    for i in range(LOTS):
        lot = state.lots[i]
        if lot.tag != 0 and lot.kept == 0:
            lot.buying = 0
            give_back(lot)
    say_no_bid(state, view, reason)


@kernel
def want_bids(state: Any, params: Any, view: Any) -> int:
    """Mark or add the bids of this close, from the highest down; returns why there is no further one."""
    inst = view.instruments[0]
    gap = gap_e9(params, state.step_e9, state.share_e9)
    held = position_value(inst, view.account[0], state.close)
    room = mul_div(state.equity, params.w_hard_e9, E9, DOWN) - held
    ceiling = min(state.best_bid, state.top)
    for k in range(1, levels(params.n_bids, state.policy, params.defensive_levels) + 1):
        price = bid_price(state.anchor, k, gap, ceiling, inst.tick)
        if price < state.guard or price <= 0:
            return n.AT_GUARD
        lots = lots_at(state.lot_quanta, state.policy, params.defensive_lot, price, inst)
        if lots == 0:
            return n.BELOW_MINIMUM
        i = standing_bid(state, params, view, price, lots, tolerance(price, gap))
        if i >= 0 and is_allowed(state, state.lots[i].price):
            price = state.lots[i].price
            lots = lots_kept(state.lots[i], lots)
        else:
            i = -1
        room -= price * lots * inst.quanta
        if room < 0:
            return n.AT_HARD_BAND
        if not want_bid(state, view, i, k, price, lots, inst.tick):
            return n.NO_PLACE
        ceiling = next_ceiling(price, gap)
    return n.OUT_OF_BIDS


@kernel
def is_allowed(state: Any, price: int) -> bool:
    """May a bid stand here at this close: not under the guard, not above the best bid or the old top?"""
    return state.guard <= price <= min(state.best_bid, state.top)


@kernel
def want_bid(state: Any, view: Any, standing: int, level: int, price: int, lots: int, tick: int) -> bool:
    """The bid that stands there already (its place, else -1), or a new one; False when no lot has a place left."""
    if standing >= 0:
        if keep_bid(state.lots[standing], lots):
            note(view, n.BID, state.lots[standing].tag, price, lots, level)
        return True
    tag = next_tag(state)
    if new_lot(state, tag, level, price, lots, take_price(price, 1, state.step_e9, tick)) < 0:
        return False
    state.n_grid_bids += 1
    note(view, n.BID, tag, price, lots, level)
    return True


@kernel
def say_no_bid(state: Any, view: Any, reason: int) -> None:
    """Write down why there is no (further) bid, when the reason is another than before."""
    if reason != state.no_bid:
        state.no_bid = reason
        note(view, n.NO_BID, reason, bids_standing(state), state.share_e9, state.episode)
