"""Margin at the venue: what it refuses, and when it takes a position over (tick mode).

- The venue keeps books of its own on the account and looks at them at every mark price, or, as long as it has given
  none, at every trade, and at every funding; the rules are those of `core.risk.margin`, its view of working orders is
  that each order alone adds to the position.
- Isolated: a position whose margin at entry and unrealised profit are no more than its maintenance is liquidated.
  Cross: all positions of a quote asset are, when its balance and their profit are no more than their maintenance.
- Liquidated: the venue cancels the orders there and takes the position over at its bankruptcy price, where its margin
  less the fee to close is used up; what is left of the margin is its fee, and nothing comes back. A loss beyond that is
  the venue's. Of several positions in cross margin all but the last are closed at mark, for the taker fee.
- It is done at once and whole, never in steps, and leaves no trade in the market.
"""

from typing import Any

from quintet.core.accounting.fees import fee_quanta
from quintet.core.accounting.position import book_fill
from quintet.core.events import FILL, ORDER_CANCELED
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import LIQUIDATED
from quintet.core.risk.margin import (
    ISOLATED,
    LINEAR,
    adds_to_free,
    asks_for_margin,
    lot_margin,
    maintenance,
    position_margin,
    unrealised,
)
from quintet.core.state import ASK, BID, DESK_BOOK, INSTRUMENTS, NO_ASK, NO_BID
from quintet.sim.exchange import RESTS, end, leave, respond
from quintet.sim.triggers import stop_waiting

HIGHEST_PRICE = NO_ASK - 1


@kernel
def mark_of(venue: Any, n: int) -> int:
    """The mark price of an instrument; as long as the venue has given none, the last trade's; 0 = neither."""
    mark = venue.perpetual[n].mark
    return mark if mark > 0 else venue.book[n].last


# ---- what is refused -----------------------------------------------------------------------------------------------
@kernel
def is_short_of_margin(venue: Any, slot: int, price: int, lots: int) -> bool:
    """Would the order of a slot bind more than is free, were it for `lots` at `price`?"""
    resting = venue.resting[slot]
    n = resting.instrument
    inst = venue.instruments[n]
    if not asks_for_margin(venue.margin, inst):
        return False
    needed = bound_margin(venue, n, resting.side, price, lots)
    return needed > 0 and needed > free_at_venue(venue, inst.quote_asset, slot)


@kernel
def bound_margin(venue: Any, n: int, side: int, price: int, lots: int) -> int:
    """What an order binds, quanta; nothing when it can only bring the position closer to zero."""
    inst, account = venue.instruments[n], venue.account[n]
    if side * account.lots < 0 and lots <= abs(account.lots):
        return 0
    bound = price
    if price == 0:
        touch = venue.book[n].best[ASK if side > 0 else BID]
        bound = venue.book[n].last if touch == NO_ASK or touch == NO_BID else touch
    return lots * lot_margin(venue.margin, inst, account, side, bound, lots)


@kernel
def free_at_venue(venue: Any, asset: int, slot: int) -> int:
    """Quanta of a quote asset that no position and no resting order but that of `slot` has a claim on."""
    free = venue.ledger[DESK_BOOK, asset]
    for n in range(INSTRUMENTS):
        if venue.instruments[n].quote_asset == asset:
            free += adds_to_free(venue.margin, venue.instruments[n], venue.account[n], mark_of(venue, n))
    for s in range(venue.slots_used):
        other = venue.resting[s]
        inst = venue.instruments[other.instrument]
        if s != slot and other.alive == RESTS and inst.kind == LINEAR and inst.quote_asset == asset:
            free -= bound_margin(venue, other.instrument, other.side, other.price, other.open_lots)
    return free


# ---- what is lost --------------------------------------------------------------------------------------------------
@kernel
def watch_margin(venue: Any, level: Any, ts: int) -> None:
    """A price or the balance has changed: take over what has lost its margin."""
    for n in range(INSTRUMENTS):
        inst, account = venue.instruments[n], venue.account[n]
        if inst.kind != LINEAR or account.lots == 0 or mark_of(venue, n) == 0:
            continue
        if venue.margin.mode != ISOLATED:
            if is_lost_together(venue, inst.quote_asset):
                take_over_all(venue, level, inst.quote_asset, ts)
        elif is_lost_alone(venue, n):
            cancel_all(venue, level, n, ts)
            take_over(venue, n, position_margin(venue.margin, inst, abs(account.cost)), ts)


@kernel
def needed_margin(venue: Any, n: int) -> int:
    """The maintenance of a position at mark, quanta."""
    inst = venue.instruments[n]
    return maintenance(venue.margin, inst, abs(venue.account[n].lots) * mark_of(venue, n) * inst.quanta)


@kernel
def is_lost_alone(venue: Any, n: int) -> bool:
    """Is what stands for this position alone no more than its maintenance?"""
    inst, account = venue.instruments[n], venue.account[n]
    stake = position_margin(venue.margin, inst, abs(account.cost))
    return stake + unrealised(inst, account, mark_of(venue, n)) <= needed_margin(venue, n)


@kernel
def is_lost_together(venue: Any, asset: int) -> bool:
    """Are a quote asset's balance and the profit of its positions no more than their maintenance?"""
    left, needed = venue.ledger[DESK_BOOK, asset], 0
    for n in range(INSTRUMENTS):
        inst, account = venue.instruments[n], venue.account[n]
        if inst.kind == LINEAR and inst.quote_asset == asset and account.lots != 0:
            left += unrealised(inst, account, mark_of(venue, n))
            needed += needed_margin(venue, n)
    return left <= needed


@kernel
def take_over_all(venue: Any, level: Any, asset: int, ts: int) -> None:
    """Take over every position of a quote asset: all but the last at mark, the last for all that is left."""
    last = -1
    for n in range(INSTRUMENTS):
        inst = venue.instruments[n]
        if inst.kind == LINEAR and inst.quote_asset == asset:
            cancel_all(venue, level, n, ts)
            if venue.account[n].lots != 0:
                last = n
    for n in range(last):
        inst, account = venue.instruments[n], venue.account[n]
        if inst.kind == LINEAR and inst.quote_asset == asset and account.lots != 0:
            mark = mark_of(venue, n)
            fee = fee_quanta(abs(account.lots) * mark * inst.quanta, inst.taker_fee_e9)
            close(venue, n, mark, fee, ts)
    take_over(venue, last, venue.ledger[DESK_BOOK, asset], ts)


@kernel
def cancel_all(venue: Any, level: Any, n: int, ts: int) -> None:
    """The venue ends our orders of an instrument, those that wait for a price too."""
    for s in range(venue.slots_used):
        resting = venue.resting[s]
        if resting.alive == 0 or resting.instrument != n:
            continue
        if resting.alive == RESTS:
            leave(venue, level, s)
        else:
            stop_waiting(venue, s)
        end(venue, ORDER_CANCELED, s, LIQUIDATED, ts)


@kernel
def take_over(venue: Any, n: int, stake: int, ts: int) -> None:
    """Close a position at its bankruptcy price; all of its stake (quanta) is lost, and no more."""
    inst, account = venue.instruments[n], venue.account[n]
    price = bankruptcy_price(inst, account, stake - fee_quanta(abs(account.cost), inst.taker_fee_e9))
    gain = price * account.lots * inst.quanta - account.cost
    close(venue, n, price, stake + gain, ts)


@kernel
def bankruptcy_price(inst: Any, account: Any, loss: int) -> int:
    """The last price, in increments, at which a position has lost no more than `loss`."""
    worth = account.cost - loss  # what it must be worth
    if account.lots > 0:
        price = -(-worth // (account.lots * inst.quanta))
    else:
        price = -worth // (-account.lots * inst.quanta)
    return min(max(price, 1), HIGHEST_PRICE)


@kernel
def close(venue: Any, n: int, price: int, fee: int, ts: int) -> None:
    """The venue closes a position: a fill of no order of ours."""
    lots = venue.account[n].lots
    response = respond(venue, FILL, 0, 0, ts)
    response.slot = -1
    response.liquidation = 1
    response.instrument = n
    response.side = -1 if lots > 0 else 1
    response.price = price
    response.lots = abs(lots)
    response.maker = 0
    response.ahead_joined = response.ahead_reached = 0.0
    response.fee = fee
    response.fee_asset = venue.instruments[n].quote_asset
    venue.next_execution += 1
    response.execution = venue.next_execution
    venue.book[n].held = 0
    book_fill(venue.instruments[n], venue.account[n], venue.ledger, response)
