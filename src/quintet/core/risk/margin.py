"""Margin of linear perpetuals: what a position and an order bind, what is free, and when a position is lost.

Assumptions, after the published rules of linear contracts, the same for every perpetual of a desk:
- to open, a position binds its value over the leverage, never less than its tier asks for, and the fee to close it;
- it is maintained as long as its margin is above the tier's fraction of its value, less the tier's deduction, plus that
  fee; the deduction makes the requirement continuous where one tier ends and the next begins;
- cross: the whole balance and all unrealised profit stand for all positions, valued at mark; without a mark, at cost;
- isolated: only what a position bound at its entry price stands for it; unrealised profit pays for nothing else;
- an order that can only bring the position closer to zero binds nothing, any other binds what its lots would at its
  price, and the fees to open and to close.
"""

from typing import Any, Final

from quintet.core.accounting.fees import fee_quanta
from quintet.core.accounting.position import position_value
from quintet.core.kernel import kernel
from quintet.core.state import DESK_BOOK, INSTRUMENTS, NO_ASK, NO_BID
from quintet.core.units import E9, UP, mul_div

NO_MARGIN: Final = 0
ISOLATED: Final = 1
CROSS: Final = 2
MARGIN_MODE_NAMES: Final = ("none", "isolated", "cross")

LINEAR: Final = 1


@kernel
def asks_for_margin(margin: Any, inst: Any) -> bool:
    """Does the venue ask for margin where this instrument is traded?"""
    return margin.mode != NO_MARGIN and inst.kind == LINEAR


@kernel
def tier_of(margin: Any, value: int) -> Any:
    """The tier of a position of this value (quanta); beyond the last one, the last."""
    t = 0
    while t < margin.n_tiers - 1 and value > margin.tiers[t].value_max:
        t += 1
    return margin.tiers[t]


@kernel
def initial_rate_e9(margin: Any, value: int) -> int:
    """The fraction of a position's value that opening it binds."""
    return max(margin.initial_e9, tier_of(margin, value).initial_e9)


@kernel
def lot_margin(margin: Any, inst: Any, account: Any, side: int, price: int, lots: int) -> int:
    """Quanta that one lot of an order binds, rounded up for each, so that any split of it binds no more.

    The tier is that of the position as it would be with these lots and all that work on their side.
    """
    working = account.open_buy_lots if side > 0 else account.open_sell_lots
    value = price * inst.quanta
    rate = initial_rate_e9(margin, value * max(side * account.lots + working + lots, lots))
    return mul_div(value, rate, E9, UP) + 2 * fee_quanta(value, inst.taker_fee_e9)


@kernel
def position_margin(margin: Any, inst: Any, value: int) -> int:
    """Quanta that a position of this value binds."""
    return mul_div(value, initial_rate_e9(margin, value), E9, UP) + fee_quanta(value, inst.taker_fee_e9)


@kernel
def maintenance(margin: Any, inst: Any, value: int) -> int:
    """Quanta below which the margin of a position of this value may not fall."""
    tier = tier_of(margin, value)
    return mul_div(value, tier.maintenance_e9, E9, UP) - tier.deduction + fee_quanta(value, inst.taker_fee_e9)


@kernel
def unrealised(inst: Any, account: Any, price: int) -> int:
    """Profit of the open position at `price`, quanta; none where there is no price."""
    if account.lots == 0 or price == 0:
        return 0
    return position_value(inst, account, price) - account.cost


@kernel
def adds_to_free(margin: Any, inst: Any, account: Any, price: int) -> int:
    """What a position adds to the free balance, mostly below zero: its profit where that counts, less what it binds."""
    if inst.kind != LINEAR or account.lots == 0:
        return 0
    if margin.mode == ISOLATED or price == 0:
        return -position_margin(margin, inst, abs(account.cost))
    value = abs(position_value(inst, account, price))
    return unrealised(inst, account, price) - position_margin(margin, inst, value)


@kernel
def shown_mark(market: Any) -> int:
    """The mark price as a desk knows it: the venue's, else the middle of the touch; 0 when neither is known."""
    if market.mark > 0:
        return market.mark
    if market.bid == NO_BID or market.ask == NO_ASK:
        return 0
    return (market.bid + market.ask) // 2


@kernel
def free_quote(desk: Any, asset: int) -> int:
    """Quanta of a quote asset that nothing has a claim on: no working order and, where margin is asked, no position."""
    view = desk.shown
    free = desk.ledger[DESK_BOOK, asset]
    for n in range(INSTRUMENTS):
        inst, account = view.instruments[n], view.account[n]
        if inst.quote_asset != asset or inst.quanta == 0:
            continue
        free -= account.reserved_quote
        if desk.margin.mode != NO_MARGIN:
            free += adds_to_free(desk.margin, inst, account, shown_mark(view.market[n]))
    return free
