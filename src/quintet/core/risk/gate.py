"""The gate: how much of an intent may be sent, and if less than asked, why.

Cancels always pass and never come here. A risk-reducing order (it can only bring the position closer to zero) is
exempt from every limit but quantity <= position; its slippage bound is its own price. Self-trade prevention is not a
limit and has no switch: see `planner`, which never proposes what would meet our own order. A reduce-only order is cut
to what it can reduce, whatever the limits; where the venue asks for margin (`margin`), new risk is cut to what is free.
"""

from typing import Any, Final

from quintet.core.accounting.fees import fee_quanta
from quintet.core.kernel import kernel
from quintet.core.risk.margin import asks_for_margin, free_quote, lot_margin
from quintet.core.risk.restrained import RESTRAINT_REASONS, restrained_lots
from quintet.core.state import NO_ASK, NO_BID

SECOND_NS: Final = 1_000_000_000

NORMAL: Final = 0
REDUCE_ONLY: Final = 1
HALTED: Final = 2
MODE_NAMES: Final = ("normal", "reduce only", "halted")

PASSED: Final = 0
MODE: Final = 1
PAUSED: Final = 2
STALE_DATA: Final = 3
ORDER_RATE: Final = 4
OPEN_ORDERS: Final = 5
ORDER_SIZE: Final = 6
POSITION: Final = 7
FREE_QUOTE: Final = 8
FREE_BASE: Final = 9
MIN_ORDER: Final = 10
SELF_TRADE: Final = 11
NOT_TRADING: Final = 12
OFF_TICK: Final = 13
NOTHING_TO_REDUCE: Final = 14
FREE_MARGIN: Final = 15
REASON_NAMES: Final = (
    "passed", "mode", "paused", "stale data", "order rate", "open orders", "order size", "position", "free quote",
    "free base", "below the venue's minimum", "self-trade", "venue not trading", "price off the tick",
    "nothing to reduce", "free margin", *RESTRAINT_REASONS,
)  # fmt: skip


@kernel
def is_reducing(inst: Any, account: Any, side: int, lots: int) -> bool:
    """True when the order, with those already working on its side, can only shrink the position."""
    if side < 0:
        return account.lots > 0 and account.open_sell_lots + lots <= account.lots
    return account.lots < 0 and account.open_buy_lots + lots <= -account.lots


@kernel
def is_lost(market: Any) -> bool:
    """True while neither side of a book is known that was known before: nobody can say where an order would rest."""
    return market.booked != 0 and market.bid == NO_BID and market.ask == NO_ASK


@kernel
def buying_price(inst: Any, price: int) -> int:
    """Quote quanta that one lot bought at `price` may cost, its taker fee included unless that is taken in base.

    The fee is rounded up for each lot, so any split of an order into fills costs at most lots times this.
    """
    value = price * inst.quanta
    if inst.fee_in_base == 0:
        value += fee_quanta(value, max(inst.taker_fee_e9, 0))
    return value


@kernel
def affordable_lots(desk: Any, inst: Any, price: int, lots: int) -> int:
    """Lots that free quote money pays for at `price`, `lots` at most."""
    return min(lots, max(free_quote(desk, inst.quote_asset), 0) // buying_price(inst, price))


@kernel
def margined_lots(desk: Any, want: Any, price: int, lots: int) -> int:
    """Lots for which there is margin at `price`, `lots` at most; fewer may fall into a tier that asks for less."""
    view, margin = desk.shown, desk.margin
    inst, account = view.instruments[want.instrument], view.account[want.instrument]
    free = max(free_quote(desk, inst.quote_asset), 0)
    backed = min(lots, free // max(lot_margin(margin, inst, account, want.side, price, lots), 1))
    there = want.side * account.lots + (account.open_buy_lots if want.side > 0 else account.open_sell_lots)
    for t in range(margin.n_tiers):
        within = min(margin.tiers[t].value_max // (price * inst.quanta) - there, lots)
        if within > backed:
            each = lot_margin(margin, inst, account, want.side, price, within)
            backed = max(backed, min(within, free // max(each, 1)))
    return backed


@kernel
def reducible_lots(account: Any, side: int) -> int:
    """Lots by which an order of a side can shrink the position, besides those that work on it already."""
    working = account.open_buy_lots if side > 0 else account.open_sell_lots
    return max(-side * account.lots - working, 0)


@kernel
def allowed_lots(desk: Any, want: Any, bound: int) -> int:
    """How many lots of a want may be sent, 0 = refused; `limits.reason` says why it is less than asked.

    `bound`: the price that bounds the order's value, in price increments.
    """
    limits, view = desk.limits, desk.shown
    n = want.instrument
    inst, account, market = view.instruments[n], view.account[n], view.market[n]
    side, lots = want.side, want.lots
    limits.reason = PASSED
    if inst.trading == 0:
        limits.reason = NOT_TRADING
        return 0
    if lots > inst.max_lots:
        lots = inst.max_lots
        limits.reason = ORDER_SIZE
    if want.reduce_only != 0 and lots > reducible_lots(account, side):
        lots = reducible_lots(account, side)
        limits.reason = NOTHING_TO_REDUCE
        if lots == 0:
            return 0
    reducing = is_reducing(inst, account, side, lots)
    if inst.kind == 0 and side < 0:
        free = account.lots - account.open_sell_lots
        if lots > free:
            lots = free
            limits.reason = FREE_BASE
        if lots <= 0:
            return 0
        reducing = True
    if not reducing:
        if limits.mode != NORMAL:
            limits.reason = MODE
            return 0
        if desk.paused != 0:
            limits.reason = PAUSED
            return 0
        if bound <= 0 or is_lost(market) or view.now - market.ts > limits.stale_ns:
            limits.reason = STALE_DATA
            return 0
        if desk.live >= limits.max_open_orders:
            limits.reason = OPEN_ORDERS
            return 0
        if view.now // SECOND_NS == limits.second and limits.orders_this_second >= limits.max_orders_per_second:
            limits.reason = ORDER_RATE
            return 0
        if lots > limits.max_order_lots:
            lots = limits.max_order_lots
            limits.reason = ORDER_SIZE
        working = account.open_buy_lots if side > 0 else account.open_sell_lots
        room = limits.max_position_lots - side * account.lots - working
        if lots > room:
            lots = room
            limits.reason = POSITION
        if inst.kind == 0 and lots > 0:
            paid = affordable_lots(desk, inst, bound, lots)
            if paid < lots:
                lots = paid
                limits.reason = FREE_QUOTE
        elif asks_for_margin(desk.margin, inst) and lots > 0:
            backed = margined_lots(desk, want, bound, lots)
            if backed < lots:
                lots = backed
                limits.reason = FREE_MARGIN
        if desk.restraint.active != 0 and lots > 0:
            lots = restrained_lots(desk, want, bound, lots)
    too_cheap = want.reduce_only == 0 and bound * lots * inst.quanta < inst.min_notional
    if lots < inst.min_lots or too_cheap:
        if limits.reason == PASSED:
            limits.reason = MIN_ORDER
        return 0
    return lots


@kernel
def allowed_stop_lots(desk: Any, want: Any) -> int:
    """How many lots of a stop may stand: all, unless new risk is stopped and it could open instead of close."""
    view = desk.shown
    account = view.account[want.instrument]
    desk.limits.reason = PASSED
    if view.halted == 0 or (view.instruments[want.instrument].kind == 0 and want.side < 0):
        return want.lots
    if want.side * account.lots < 0 and want.lots <= abs(account.lots):
        return want.lots
    desk.limits.reason = PAUSED if desk.limits.mode == NORMAL else MODE
    return 0


@kernel
def count_order(limits: Any, now: int) -> None:
    """One more order in this second."""
    second = now // SECOND_NS
    if second != limits.second:
        limits.second = second
        limits.orders_this_second = 0
    limits.orders_this_second += 1
