"""What is wanted against what is working: the fewest commands.

An order whose instrument, side, style, price, size and tag are still wanted stays: its place in the queue is worth
money. What is no longer wanted is cancelled once the venue has acknowledged it. A want whose price is still occupied
by a dying order waits for it. A want that would meet our own resting order is never sent: the one in the way, if
unwanted or if the want reduces risk, is cancelled first and the want goes out after the acknowledgement.
"""

from typing import Any

from quintet.core.engine.digest import mix_in
from quintet.core.engine.state import COMMAND, NO_ASK, NO_BID
from quintet.core.events import CANCEL, PLACE
from quintet.core.kernel import kernel
from quintet.core.orders.lifecycle import BUY, CANCEL_IN_FLIGHT, FREE, IN_FLIGHT, IOC, MARKET, OPEN, STOP
from quintet.core.risk.gate import OFF_TICK, SELF_TRADE, allowed_lots, is_reducing

assert COMMAND.names is not None

WAITING = 2
BLOCKED = -2
CLEAR = -1


@kernel
def plan(w: Any) -> None:
    """Turn wants into commands: cancels first, then places in the order they were wanted."""
    limits, quotes, orders, wants = w.limits[0], w.quotes[0], w.orders, w.wants
    n = quotes.n
    quotes.dirty = 0
    met = 0
    for k in range(n):
        wants[k].met = 0
    for s in range(limits.slots_used):
        if orders[s].status == FREE:
            continue
        matched = 0
        for k in range(n):
            if (
                wants[k].price == orders[s].price
                and wants[k].side == orders[s].side
                and wants[k].met == 0
                and wants[k].tag == orders[s].tag
                and wants[k].style == orders[s].style
                and wants[k].instrument == orders[s].instrument
            ):
                if wants[k].lots == orders[s].wanted - orders[s].filled and orders[s].status != CANCEL_IN_FLIGHT:
                    matched = 1
                wants[k].met = 1
                met += 1
                break
        orders[s].matched = matched
        if matched == 0 and orders[s].status == OPEN:
            send_cancel(w, s)
    if met < n:
        for k in range(n):
            if wants[k].met == 0:
                _place(w, k)


@kernel
def _place(w: Any, k: int) -> None:
    """Send want `k` if the gate lets it through; remember a refusal until the intent or the room changes."""
    clock, limits, want = w.clock[0], w.limits[0], w.wants[k]
    n = want.instrument
    inst, account, market = w.instruments[n], w.account[n], w.market[n]
    if want.lots <= 0 or (limits.remembered > 0 and is_remembered(w, k)):
        return
    blocker = own_order_in_the_way(w, k)
    if blocker >= 0:
        if w.orders[blocker].matched == 0 or is_reducing(inst, account, want.side, want.lots):
            if w.orders[blocker].status == OPEN:
                send_cancel(w, blocker)
            return
        remember(w, k, SELF_TRADE)
        return
    if want.price % inst.tick != 0:
        remember(w, k, OFF_TICK)
        return
    bound = want.price if want.price > 0 else market.last
    lots = allowed_lots(
        limits, inst, account, w.ledger, want.side, bound, want.lots, clock.now, clock.now - market.ts, clock.paused
    )
    if lots < want.lots:
        if lots > 0:
            clock.n_shrunk += 1
        else:
            remember(w, k, limits.reason)
            return
    send_place(w, k, lots)


@kernel
def own_order_in_the_way(w: Any, k: int) -> int:
    """Slot of a live own order that want `k` could trade with, or -1.

    An own order that the market has already traded through cannot be resting any more (its fill is on the way to
    us), so it does not count; a stop held at the desk is not in the market either.
    """
    want, orders = w.wants[k], w.orders
    market = w.market[want.instrument]
    for s in range(w.limits[0].slots_used):
        if orders[s].status == FREE or orders[s].side == want.side or orders[s].instrument != want.instrument:
            continue
        if orders[s].style == STOP or want.style == STOP:
            continue
        if want.style == MARKET or orders[s].style == MARKET:
            return s
        if want.side == BUY:
            if orders[s].price <= want.price and (market.bid == NO_BID or orders[s].price > market.bid):
                return s
        elif orders[s].price >= want.price and (market.ask == NO_ASK or orders[s].price < market.ask):
            return s
    return -1


@kernel
def is_remembered(w: Any, k: int) -> bool:
    """True when this very intent was refused and nothing that could change the answer has changed."""
    want, refusals = w.wants[k], w.refusals
    for i in range(w.limits[0].remembered):
        if (
            refusals[i].price == want.price
            and refusals[i].side == want.side
            and refusals[i].lots == want.lots
            and refusals[i].tag == want.tag
            and refusals[i].style == want.style
            and refusals[i].instrument == want.instrument
            and refusals[i].version == w.clock[0].room_version
        ):
            return True
    return False


@kernel
def remember(w: Any, k: int, reason: int) -> None:
    """Keep a refused intent; the table holds as many as there can be wants, the oldest version gives way."""
    clock, limits, want, refusals = w.clock[0], w.limits[0], w.wants[k], w.refusals
    clock.n_refused += 1
    place = 0
    while place < limits.remembered and refusals[place].version == clock.room_version:
        place += 1
    if place == refusals.shape[0]:
        place = 0
    if place == limits.remembered:
        limits.remembered += 1
    refusals[place].price = want.price
    refusals[place].side = want.side
    refusals[place].lots = want.lots
    refusals[place].tag = want.tag
    refusals[place].style = want.style
    refusals[place].instrument = want.instrument
    refusals[place].reason = reason
    refusals[place].version = clock.room_version
    refusals[place].n += 1


@kernel
def free_slot(w: Any) -> int:
    """The lowest free slot, or -1."""
    limits, orders = w.limits[0], w.orders
    for s in range(limits.slots_used):
        if orders[s].status == FREE:
            return s
    if limits.slots_used < orders.shape[0]:
        limits.slots_used += 1
        return limits.slots_used - 1
    return -1


@kernel
def send_place(w: Any, k: int, lots: int) -> None:
    """An approved order: reserve its room, give it a number, hand it to the way out."""
    slot = free_slot(w)
    if slot < 0:
        return
    clock, limits, want = w.clock[0], w.limits[0], w.wants[k]
    inst, account, order = w.instruments[want.instrument], w.account[want.instrument], w.orders[slot]
    order.status = IN_FLIGHT
    order.instrument = want.instrument
    order.side = want.side
    order.style = want.style
    order.price = want.price
    order.lots = lots
    order.wanted = want.lots
    order.filled = 0
    order.number = clock.position * 256 + clock.command_index
    order.tag = want.tag
    order.matched = 1
    order.placed_ts = clock.now
    order.reserved = 0
    if want.style != STOP:  # a stop held at the desk binds nothing until it triggers
        if want.side > 0:
            account.open_buy_lots += lots
            if inst.kind == 0:
                bound = want.price if want.price > 0 else w.market[want.instrument].last
                order.reserved = reserve_quanta(inst, bound, lots)
                account.reserved_quote += order.reserved
        else:
            account.open_sell_lots += lots
    limits.live += 1
    second = clock.now // 1_000_000_000
    if second != limits.second:
        limits.second = second
        limits.orders_this_second = 0
    limits.orders_this_second += 1
    clock.n_places += 1
    emit(w, PLACE, slot)


@kernel
def reserve_quanta(inst: Any, price: int, lots: int) -> int:
    """Quote money a spot buy may cost, fee included unless it is taken in base."""
    value = price * lots * inst.quanta
    if inst.fee_in_base == 0:
        value += (value * max(inst.taker_fee_e9, 0)) // 1_000_000_000 + 1
    return value


@kernel
def send_cancel(w: Any, slot: int) -> None:
    """Cancels always pass."""
    w.orders[slot].status = CANCEL_IN_FLIGHT
    w.clock[0].n_cancels += 1
    emit(w, CANCEL, slot)


@kernel
def emit(w: Any, kind: int, slot: int) -> None:
    """Hash a command, keep its row, and put it on the way to the exchange."""
    clock, order, sim, queues = w.clock[0], w.orders[slot], w.sim[0], w.queues[0]
    index = clock.command_index
    clock.command_index = index + 1
    clock.n_commands += 1
    mix_in(clock, clock.position * 256 + index)
    mix_in(clock, order.number)
    mix_in(clock, kind * 16 + order.style * 2 + (1 if order.side > 0 else 0))
    mix_in(clock, order.price)
    mix_in(clock, order.lots)
    at = queues.request_tail & (w.requests.shape[0] - 1)
    request = w.requests[at]
    request.ts = clock.now + sim.entry_ns
    request.kind = kind
    request.slot = slot
    request.number = order.number
    request.instrument = order.instrument
    request.side = order.side
    request.style = order.style
    request.price = order.price
    request.lots = order.lots
    queues.request_tail += 1
    sim.quiet = 0
    if clock.commands < w.commands.shape[0]:
        row = w.commands[clock.commands]
        row.position = clock.position
        row.index = index
        row.number = order.number
        row.kind = kind
        row.instrument = order.instrument
        row.side = order.side
        row.style = order.style
        row.price = order.price
        row.lots = order.lots
        row.tag = order.tag
        row.ts = clock.now
        clock.commands += 1


__all__ = ["IOC", "plan", "send_cancel", "send_place"]
