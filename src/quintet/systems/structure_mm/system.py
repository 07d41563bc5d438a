"""structure_mm as the engine sees it: one kernel that is woken, looks, and says which orders it wants.

On a closed structure bar, in this order and never another: bar, ATR, structure, break, pullback, policy, transition,
grid. On a fill or the end of an order: the lots, the transitions that a fill may cause, the quotes. On a bar of the
lower timeframe: upkeep of what is quoted, and markouts; no decision.
"""

from typing import Any, Final

from quintet.core.accounting.equity import DAY_NS
from quintet.core.accounting.position import position_value
from quintet.core.events import ORDER_CANCELED, ORDER_EXPIRED, TIMEFRAME_NS, TIMEFRAME_NUMBER
from quintet.core.kernel import kernel
from quintet.core.state import WAKE_BAR, WAKE_CONTROL, WAKE_FILL, WAKE_ORDER
from quintet.core.units import DOWN, E9, SAFE_MAX, mul_div
from quintet.features.structure import NO_EVENT, TOO_SHALLOW, pullback_verdict, structure_update
from quintet.features.volatility import atr_bps, atr_units, atr_update
from quintet.features.window import NAN
from quintet.systems.structure_mm import machine as m
from quintet.systems.structure_mm import notes as n
from quintet.systems.structure_mm.episode import perform, plan_size
from quintet.systems.structure_mm.exits import excess_lots
from quintet.systems.structure_mm.facts import observe
from quintet.systems.structure_mm.grid import adverse_selection_bp, cost_floor_bp, in_bp, rate_e9, step_bp, take_price
from quintet.systems.structure_mm.lots import find_lot, give_back, new_lot, receive, sell_oldest
from quintet.systems.structure_mm.measures import (
    await_markout,
    measure_markouts,
    measured_adverse_bp,
    turnover_update,
)
from quintet.systems.structure_mm.notes import note
from quintet.systems.structure_mm.policy import POLICY_OF_ROW, conditions, has_fallen_to, policy_row
from quintet.systems.structure_mm.quotes import quote, set_take, set_takes, upkeep
from quintet.systems.structure_mm.records import (
    BOS,
    EXIT,
    IDLE,
    MM,
    NORMAL,
    REBALANCE,
    TAGS_PER_EPISODE,
)
from quintet.systems.structure_mm.touch import look_at_touch, sees_book

WAKES: Final = WAKE_BAR | WAKE_FILL | WAKE_ORDER | WAKE_CONTROL
"""What must wake this system; bars of both timeframes of the run."""

ONE_MINUTE: Final = TIMEFRAME_NUMBER["1m"]


@kernel
def decide(state: Any, params: Any, view: Any) -> None:
    """Look at what woke us, change the state, say what is wanted. One instrument, number 0."""
    if state.started == 0:
        start(state, params, view)
    state.told = 0
    if sees_book(view.market[0]):
        look_at_touch(state, view)
    if view.why == WAKE_BAR:
        on_bar(state, params, view)
    elif view.why == WAKE_FILL:
        on_fill(state, params, view)
    elif view.why == WAKE_ORDER:
        on_order(state, params, view)
    elif view.why == WAKE_CONTROL:
        on_control(state, params, view)


@kernel
def start(state: Any, params: Any, view: Any) -> None:
    """Before the first event; the same values as the start functions of the features give."""
    state.started = 1
    state.unbroken_bars = params.gap_bars
    state.lost_day = -1
    state.policy_row = -1
    state.no_bid = -1
    state.high_water = view.equity.start
    state.fast.period = params.atr_n
    state.slow.period = params.atr_slow_n
    state.fast.value = NAN
    state.slow.value = NAN
    shape = state.structure
    shape.left = params.pivot_left
    shape.right = params.pivot_right
    shape.swing_min_e4 = params.swing_min_e4
    shape.break_buffer_e4 = params.break_buffer_e4
    shape.potential_ttl_bars = params.potential_ttl_bars
    shape.swing_high_bar = -1
    shape.swing_low_bar = -1
    shape.potential_bar = -1
    shape.highest_since_high = -SAFE_MAX
    shape.lowest_since_low = SAFE_MAX


# ---- bars ----------------------------------------------------------------------------------------------------------
@kernel
def on_bar(state: Any, params: Any, view: Any) -> None:
    """A closed bar: of structure, or of the lower timeframe, or of one that is both."""
    market = view.market[0]
    mind_halt(state, view)
    if market.timeframe == params.structure_timeframe:
        if is_late(state, market.bar_end, view):
            return
        look(state, params, view)
        judge(state, params, view)
        run_machine(state, params, view, m.ON_BAR)
        count_bar(state)
    else:
        see_prices(state, view)
    if market.timeframe == params.fill_timeframe and params.fill_timeframe == ONE_MINUTE:
        measure_markouts(state.markouts, params.as_window_fills, market.bar_end, market.close)
    if state.machine >= REBALANCE:
        upkeep(state, params, view)
    quote(state, params, view)


@kernel
def is_late(state: Any, bar_end: int, view: Any) -> bool:
    """A bar that is not newer than the last one is noted and ignored."""
    if bar_end > state.bar_end:
        return False
    state.late_bars += 1
    note(view, n.LATE, bar_end, state.bar_end, 0, 0)
    return True


@kernel
def look(state: Any, params: Any, view: Any) -> None:
    """Bar, ATR, structure, and what follows from them without a decision."""
    market = view.market[0]
    mind_gap(state, market, view)
    see_prices(state, view)
    state.bars += 1
    state.bar_end = market.bar_end
    state.low = market.low
    fast = atr_update(state.fast, market.high, market.low, market.close)
    slow = atr_update(state.slow, market.high, market.low, market.close)
    if fast == fast:
        state.fast_units = atr_units(fast)
        state.atr_bp = atr_bps(fast, market.close)
    if slow == slow:
        state.slow_units = atr_units(slow)
        state.ready = 1
    structure_update(state.structure, market.high, market.low, market.close, fast)
    turnover_update(state.turnover, market.turnover)
    state.clock += 1
    state.top_before = state.top
    state.top = market.high if state.machine == IDLE else max(state.top, market.high)


@kernel
def mind_gap(state: Any, market: Any, view: Any) -> None:
    """Bars missing before this one: they are counted, and the bars in a row begin anew."""
    state.unbroken_bars += 1
    if state.bar_end == 0:
        return
    length = TIMEFRAME_NS[market.timeframe]
    missing = (market.bar_end - state.bar_end) // length - 1
    if missing > 0:
        state.missing_bars += missing
        state.unbroken_bars = 1
        note(view, n.GAP, missing, state.bar_end, market.bar_end, 0)


@kernel
def see_prices(state: Any, view: Any) -> None:
    """The close, the best prices it stands for, and whether the bar has gone through the hard stop."""
    market = view.market[0]
    state.close = market.close
    look_at_touch(state, view)
    if state.stop_waits_ns != 0 and market.bar_end > state.stop_waits_ns:
        # A bar later and nothing heard of it: nothing was held when it was hit, or it never rested.
        state.stop_hit = 1
        state.stop_waits_ns = 0
    elif state.stop > 0 and state.stop_hit == 0 and market.low <= state.stop and state.stop_waits_ns == 0:
        state.stop_waits_ns = market.bar_end


@kernel
def judge(state: Any, params: Any, view: Any) -> None:
    """Equity, share of base, kill switch, policy, step: everything the state machine and the grid rest on."""
    inst = view.instruments[0]
    state.equity = view.equity.quanta
    state.high_water = max(state.high_water, state.equity)
    value = position_value(inst, view.account[0], state.close)
    state.share_e9 = mul_div(value, E9, state.equity, DOWN) if state.equity > 0 else 0
    state.excess_lots = excess_lots(inst, view.account[0], state.close, state.equity, params.w_hard_e9)
    if state.killed == 0 and has_fallen_to(state.equity, state.high_water, params.drawdown_kill_e9):
        state.killed = 1
        note(view, n.KILLED, state.equity, state.high_water, 0, 0)
    before = state.policy
    row = policy_row(conditions(state, params, inst, view.equity.day_open, state.bar_end // DAY_NS))
    state.policy = POLICY_OF_ROW[row]
    changed = state.policy != before or state.policy_row < 0
    state.policy_row = row
    if state.ready != 0:
        set_steps(state, params, inst)
        if state.machine == BOS:
            plan_size(state, params, view)
    if changed:
        state.entries_of_policy[state.policy] += 1
    if changed or state.structure.event != NO_EVENT:
        tell(state, params, view, before)


@kernel
def set_steps(state: Any, params: Any, inst: Any) -> None:
    """Cost floor and step of this close, and the step of Normal that sizes are computed with."""
    measured = measured_adverse_bp(state.markouts, params.as_min_fills)
    adverse = adverse_selection_bp(params, state.atr_bp, measured)
    floor = cost_floor_bp(params, in_bp(inst.maker_fee_e9), adverse)
    state.floor_e9 = rate_e9(floor)
    state.sizing_step_e9 = rate_e9(step_bp(params, floor, state.atr_bp, NORMAL))
    state.step_e9 = rate_e9(step_bp(params, floor, state.atr_bp, state.policy))


@kernel
def tell(state: Any, params: Any, view: Any, policy_before: int) -> None:
    """The chain that led to this moment, once a bar: bar, ATR, structure, break, pullback, policy."""
    if state.told != 0:
        return
    state.told = 1
    shape, market = state.structure, view.market[0]
    note(view, n.BAR, state.bars, market.high, market.low, market.close)
    note(view, n.AVERAGE_RANGE, state.fast_units, state.slow_units, market.close, 0)
    note(view, n.SHAPE, shape.bias, shape.protected, shape.swing_high, shape.swing_low)
    if shape.event != NO_EVENT:
        note(view, n.BREAK, shape.event, shape.level, shape.protected, market.high)
    if state.machine != IDLE:
        leg = state.top - state.origin
        depth_e4 = (state.top - state.close) * 10_000 // leg if leg > 0 else 10_000
        verdict = TOO_SHALLOW
        if state.ready != 0:
            verdict = pullback_verdict(params.pullback, state.origin, state.top, state.close, state.fast.value)
        note(view, n.LEG, verdict, state.origin, state.top, depth_e4)
    note(view, n.POLICY, policy_before, state.policy, state.policy_row, state.episode)


@kernel
def count_bar(state: Any) -> None:
    """Where this bar ended."""
    state.bars_in_policy[state.policy] += 1
    state.bars_in_state[state.machine] += 1
    state.share_sum_e9 += state.share_e9
    state.share_max_e9 = max(state.share_max_e9, state.share_e9)


# ---- the machine ---------------------------------------------------------------------------------------------------
@kernel
def run_machine(state: Any, params: Any, view: Any, occasion: int) -> None:
    """Take the row that applies; after RAISE go on below it, after entering Exit go on with Exit."""
    row = m.first_row(state.machine, occasion, observe(state, params, view), 0)
    while row >= 0:
        before, action = state.machine, m.ACTION[row]
        take_row(state, params, view, row, occasion)
        if action == m.RAISE:
            row = m.first_row(state.machine, occasion, observe(state, params, view), row + 1)
        elif state.machine == EXIT and before != EXIT:
            row = m.first_row(EXIT, occasion, observe(state, params, view), 0)
        else:
            row = -1


@kernel
def take_row(state: Any, params: Any, view: Any, row: int, occasion: int) -> None:
    """Count a row, write it down, change the state, do what it says."""
    before, to = state.machine, m.TO[row]
    action, reason = m.ACTION[row], m.REASON[row]
    state.fired[row] += 1
    if action != m.REBUILD and occasion == m.ON_BAR:
        tell(state, params, view, state.policy)
    if to != before or reason == m.GIVE_WAY:
        note(view, n.TRANSITION, before, to, reason, state.episode + (1 if action == m.ARM else 0))
        state.entries_of_state[to] += 1
    elif action == m.COUNT:
        note(view, n.SKIPPED, reason, before, state.structure.level, state.episode)
    state.machine = to
    perform(state, params, view, action, reason)


# ---- fills and orders ----------------------------------------------------------------------------------------------
@kernel
def on_fill(state: Any, params: Any, view: Any) -> None:
    """A fill of ours, booked already: the lots follow, then whatever a fill may change."""
    if view.maker != 0 and params.fill_timeframe == ONE_MINUTE:
        await_markout(state.markouts, view.now, view.side, view.price)
    if view.side > 0:
        bought(state, view)
    else:
        sold(state, view)
    before = state.machine
    run_machine(state, params, view, m.ON_FILL)
    after_event(state, params, view, before)


@kernel
def after_event(state: Any, params: Any, view: Any, before: int) -> None:
    """Market making that has just begun sets its takes at once; then everything wanted is said."""
    if state.machine == MM and before == REBALANCE:
        set_takes(state, params, view)
    quote(state, params, view)


@kernel
def bought(state: Any, view: Any) -> None:
    """A bid was filled. One that had been given up already opens a lot of its own."""
    i = find_lot(state, view.tag)
    if i < 0:
        state.n_late_fills += 1
        takes_at = take_price(view.price, 1, state.step_e9, view.instruments[0].tick)
        i = new_lot(state, view.tag, 0, view.price, 0, takes_at)
    if i >= 0:
        receive(state, i, view.lots, view.account[0].lots)
        if state.lots[i].level < 0:
            state.starts_left -= view.lots
        if state.machine == MM:
            price = state.lots[i].take_price
            if sees_book(view.market[0]):
                price = max(price, state.best_ask)
            # On candles the market has just come down to the bid: the last close says nothing of the best ask any more.
            set_take(state, view, state.lots[i], price)
    state.anchor = view.price


@kernel
def sold(state: Any, view: Any) -> None:
    """A take, an exit or the hard stop was filled."""
    if view.tag == state.exit_tag:
        state.exit_left = max(state.exit_left - view.lots, 0)
        sell_oldest(state, view.lots)
        return
    if view.tag % TAGS_PER_EPISODE == 0:
        state.stop_hit = 1
        # In a book it walks from level to level, and ends by expiring: until then nothing else is sold.
        state.stop_waits_ns = view.now if sees_book(view.market[0]) else 0
        sell_oldest(state, view.lots)
        return
    state.anchor = view.price
    i = find_lot(state, view.tag)
    if i < 0:
        sell_oldest(state, view.lots)
        return
    lot = state.lots[i]
    if view.price == lot.ask:
        lot.ask_lots = max(lot.ask_lots - view.lots, 0)
    else:
        state.excess_lots = max(state.excess_lots - view.lots, 0)
    lot.lots = max(lot.lots - view.lots, 0)
    if lot.lots == 0:
        state.n_round_trips += 1
        give_back(lot)


@kernel
def on_order(state: Any, params: Any, view: Any) -> None:
    """An order is over without a complete fill: called back by us, or ended by the venue."""
    if view.tag == state.exit_tag:
        state.exit_left = 0
    elif view.tag % TAGS_PER_EPISODE == 0:
        if view.kind == ORDER_EXPIRED and view.price == state.stop and state.machine >= REBALANCE:
            state.stop_hit = 1
            state.stop_waits_ns = 0
    else:
        lot_order_over(state, view)
    before = state.machine
    run_machine(state, params, view, m.ON_ORDER)
    after_event(state, params, view, before)


@kernel
def lot_order_over(state: Any, view: Any) -> None:
    """What the venue ended by itself is offered again at the next close; what we called back is not."""
    i = find_lot(state, view.tag)
    if i < 0:
        return
    lot = state.lots[i]
    if view.side > 0:
        if view.price == lot.price:
            lot.buying = 0
            if state.machine != REBALANCE or lot.level >= 0:
                give_back(lot)
    elif view.price == lot.ask:
        if lot.resizing != 0 and view.kind == ORDER_CANCELED:
            lot.resizing = 0
        else:
            lot.ask = 0
            lot.ask_lots = 0


@kernel
def mind_halt(state: Any, view: Any) -> None:
    """The desk is halted, by an operator or by a rule of its own that this very bar has tripped."""
    if view.halted != 0 and state.killed == 0:
        state.killed = 1
        note(view, n.KILLED, state.equity, state.high_water, 1, 0)


@kernel
def on_control(state: Any, params: Any, view: Any) -> None:
    """An operator: the kill switch is pulled, or released; released, the high-water mark begins anew."""
    if view.halted != 0:
        mind_halt(state, view)
    elif state.killed != 0:
        state.killed = 0
        state.high_water = state.equity
        note(view, n.RELEASED, state.equity, 0, 0, 0)
    before = state.machine
    run_machine(state, params, view, m.ON_CONTROL)
    after_event(state, params, view, before)
