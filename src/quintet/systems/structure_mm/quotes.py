"""From the state to the list of wanted orders; the planner keeps what stands and sends the rest."""

from typing import Any

from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import BUY, IOC, POST_ONLY, SELL, STOP
from quintet.core.state import WANTS
from quintet.systems.structure_mm import notes as n
from quintet.systems.structure_mm.exits import capped_price
from quintet.systems.structure_mm.grid import take_price
from quintet.systems.structure_mm.lots import next_tag, oldest_holding
from quintet.systems.structure_mm.notes import note
from quintet.systems.structure_mm.records import EXIT, LOTS, MM, REBALANCE, TAGS_PER_EPISODE
from quintet.systems.structure_mm.sizing import is_sellable
from quintet.systems.structure_mm.standing import worth_of_place
from quintet.systems.structure_mm.touch import price_to_leave_at


@kernel
def want(view: Any, side: int, style: int, price: int, lots: int, tag: int) -> None:
    """One more wanted order."""
    if lots <= 0 or view.n >= WANTS:
        return
    row = view.wants[view.n]
    view.n += 1
    row.instrument = 0
    row.side = side
    row.style = style
    row.price = price
    row.lots = lots
    row.tag = tag


@kernel
def quote(state: Any, params: Any, view: Any) -> None:
    """Say everything that is wanted now. Silent while nothing is wanted and nothing of ours is working."""
    if state.machine < REBALANCE and state.n_wanted == 0 and is_quiet(state, view):
        return
    view.n = 0
    if state.machine >= REBALANCE:
        want_stop(state, view)
    if state.machine == REBALANCE or state.machine == MM:
        want_bids(state, view)
    if state.machine == MM:
        want_takes(state, view)
    elif state.machine == EXIT:
        want_exit(state, params, view)
    state.n_wanted = view.n
    view.dirty = 1


@kernel
def is_quiet(state: Any, view: Any) -> bool:
    """Nothing of ours is working; an order that was too young to be called back has been by now."""
    account = view.account[0]
    return account.open_buy_lots == 0 and account.open_sell_lots == 0 and state.bars > state.ended_bar + 2


@kernel
def want_stop(state: Any, view: Any) -> None:
    """The hard stop, from the first start bid on; once hit it is not wanted again."""
    if state.stop > 0 and state.stop_hit == 0:
        want(view, SELL, STOP, state.stop, state.stop_lots, state.episode * TAGS_PER_EPISODE)


@kernel
def want_bids(state: Any, view: Any) -> None:
    """Every bid that stands."""
    for i in range(LOTS):
        lot = state.lots[i]
        if lot.tag != 0:
            want(view, BUY, POST_ONLY, lot.price, lot.buying, lot.tag)


@kernel
def want_takes(state: Any, view: Any) -> None:
    """The take of every lot, oldest first; what the hard band has too much of rests at the best ask."""
    excess = state.excess_lots
    i = oldest_holding(state, 0)
    while i >= 0:
        lot = state.lots[i]
        part = min(excess, lot.lots)
        if lot.ask <= state.best_ask:
            part = 0
        excess -= min(excess, lot.lots)
        if state.stop_waits_ns == 0 and lot.ask > 0:
            want(view, SELL, POST_ONLY, state.best_ask, part, lot.tag)
            want(view, SELL, POST_ONLY, lot.ask, lot.lots - part, lot.tag)
            if lot.ask_lots > 0 and lot.ask_lots != lot.lots - part:
                lot.resizing = 1
            lot.ask_lots = lot.lots - part
        i = oldest_holding(state, lot.tag)


@kernel
def want_exit(state: Any, params: Any, view: Any) -> None:
    """The one order that sells everything: a new one once a bar, when nothing else of ours binds the base."""
    inst, account = view.instruments[0], view.account[0]
    if state.exit_left == 0 and state.exit_due != 0 and account.open_sell_lots == 0 and state.stop_waits_ns == 0:
        price = state.best_ask
        if state.calm == 0:
            price = capped_price(price_to_leave_at(state, view), params.exit_cap_e9, inst.tick)
        if is_sellable(inst, account.lots, price):
            state.exit_due = 0
            state.exit_tag = next_tag(state)
            state.exit_price = price
            state.exit_left = account.lots
            note(view, n.LEAVING, state.exit_tag, price, account.lots, state.calm)
    if state.exit_left > 0:
        style = POST_ONLY if state.calm != 0 else IOC
        want(view, SELL, style, state.exit_price, state.exit_left, state.exit_tag)


# ---- upkeep at every close, of the lower timeframe too -------------------------------------------------------------
@kernel
def upkeep(state: Any, params: Any, view: Any) -> None:
    """What the venue did not take is offered again at this close."""
    if state.machine == REBALANCE and state.closing == 0:
        offer_starts_again(state, view)
    elif state.machine == MM:
        set_takes(state, params, view)
    elif state.machine == EXIT:
        if state.calm != 0 and state.exit_left > 0 and state.best_ask < state.exit_price:
            # The market has gone down: follow it. Gone up, it comes through our price by itself.
            state.exit_left = 0
        state.exit_due = 1


@kernel
def offer_starts_again(state: Any, view: Any) -> None:
    """A start bid that would have taken has expired: it comes again at the best bid, never above its first price."""
    for i in range(LOTS):
        lot = state.lots[i]
        if lot.tag != 0 and lot.level < 0 and lot.buying == 0 and lot.lots == 0 and state.starts_left > 0:
            lot.price = min(lot.price, state.best_bid)
            lot.take_price = take_price(lot.price, -lot.level, state.step_e9, view.instruments[0].tick)
            lot.buying = lot.ordered
            note(view, n.BID, lot.tag, lot.price, lot.buying, lot.level)


@kernel
def set_takes(state: Any, params: Any, view: Any) -> None:
    """Each lot has a take; above the soft band it comes down to the cost floor, no lower, and only when that pays."""
    tick = view.instruments[0].tick
    for i in range(LOTS):
        lot = state.lots[i]
        if lot.tag == 0 or lot.lots <= 0:
            continue
        lowered = lot.take_price
        if state.share_e9 > params.w_soft_e9:
            lowered = min(lowered, take_price(lot.price, 1, state.floor_e9, tick))
        if lot.ask == 0 or lowered < lot.take_price:
            lot.take_price = lowered
            # Where the market is above the take already, the lot is sold at the best ask.
            price = max(lowered, state.best_ask)
            if lot.ask == 0 or abs(lot.ask - price) > worth_of_place(params, view, SELL, lot.tag, lot.ask):
                set_take(state, view, lot, price)


@kernel
def set_take(state: Any, view: Any, lot: Any, price: int) -> None:
    """Rest the take of a lot at a price."""
    if price != lot.ask:
        lot.ask = price
        lot.ask_lots = 0
        lot.resizing = 0
        note(view, n.TAKE, lot.tag, price, lot.lots, state.close)
