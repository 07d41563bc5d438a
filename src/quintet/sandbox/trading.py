"""Matching: an incoming order walks the other side of the book by price and time, its rest waits or ends."""

from quintet.sandbox.book import GHOST, Book, Resting
from quintet.sandbox.happenings import Printed
from quintet.sandbox.instruments import BUY
from quintet.sandbox.margin import sign_of
from quintet.sandbox.orders import Order
from quintet.sandbox.settlement import Fill, settle
from quintet.sandbox.state import MARKET, Market, Trade
from quintet.sandbox.venue import Venue

TRADES_KEPT = 1000


def execute(venue: Venue, order: Order) -> None:
    """An order that has passed its checks meets the book: it trades, rests, or ends at once."""
    book = venue.books[order.key]
    if order.time_in_force == "PostOnly" and book.crosses(order.sign, order.price):
        venue.close_order(order, "Cancelled", "EC_PostOnlyWillTakeLiquidity")
        return
    if order.time_in_force == "FOK" and book.matchable(order.sign, order.price) < order.left:
        venue.close_order(order, "Cancelled", "EC_CancelForNoFullFill")
        return
    stopped = _take(venue, book, order)
    order.status = "PartiallyFilled" if order.filled else "New"
    if stopped == "budget" or order.filled and order.filled == order.lots and not order.budget:
        venue.close_order(order, "Filled")
    elif order.reduce_only and order.lots == order.filled:
        venue.cancel_order(order, "CancelByReduceOnly", "EC_NoError")
    elif stopped == "smp":
        venue.cancel_order(order, "CancelBySmp", "EC_NoError")
    elif order.is_market or order.time_in_force in ("IOC", "FOK"):
        venue.cancel_order(order, "UNKNOWN", "EC_NoImmediateQtyToFill")
    else:
        _rest(venue, book, order)


def _rest(venue: Venue, book: Book, order: Order) -> None:
    market = venue.state.markets[order.key]
    order.is_resting = True
    book.rest(order.sign, order.price, order.order_id, order.left)
    if market.instrument.is_spot:
        venue.lock(order, reserve(market, order))
        venue.tell_wallet(order.uid)
    venue.tell_book(order.key)
    venue.tell_order(order)


def _take(venue: Venue, book: Book, order: Order) -> str:
    """Trade until the limit, the quantity or the money ends. Returns why it stopped early: "smp", "budget" or ""."""
    market = venue.state.markets[order.key]
    opposite = book.side(-order.sign)
    while True:
        price = opposite.best
        if not price or order.sign * (price - order.price) > 0:
            return ""
        wanted = _wanted(market, order, price)
        if not wanted:
            return "budget" if order.budget and order.filled else ""
        front = opposite.levels[price][0]
        if front.order_id != GHOST:
            met = _meet_own(venue, order, venue.state.orders[front.order_id])
            if met == "stop":
                return "smp"
            if met == "gone":
                continue
        _trade(venue, market, book, order.sign, order.uid, order, price, front, min(wanted, front.lots))


def _wanted(market: Market, order: Order, price: int) -> int:
    if order.budget:
        return (order.budget - order.value) * market.instrument.lots_per_unit // price
    return order.left


def _meet_own(venue: Venue, order: Order, resting: Order) -> str:
    """Self-match prevention, decided by the incoming order: "trade", "gone" (the resting one), or "stop"."""
    if resting.uid != order.uid or order.self_match == "None":
        return "trade"
    if order.self_match in ("CancelMaker", "CancelBoth"):
        resting.self_match_order = order.order_id
        venue.cancel_order(resting, "CancelBySmp", "EC_NoError")
    if order.self_match in ("CancelTaker", "CancelBoth"):
        order.self_match_order = resting.order_id
        return "stop"
    return "gone"


def _trade(
    venue: Venue, market: Market, book: Book, sign: int, uid: int, taker: Order | None, price: int, front: Resting,
    lots: int,
) -> None:  # fmt: skip
    """One print: `lots` from the front of the queue at `price`, both sides booked, both told."""
    maker = venue.state.orders[front.order_id] if front.order_id != GHOST else None
    front.lots -= lots
    side = book.side(-sign)
    if not front.lots:
        side.levels[price].remove(front)
        side.drop_empty(price)
    seq = venue.next_seq()
    maker_uid = maker.uid if maker is not None else MARKET
    if maker is not None or taker is not None:
        settle(venue, market, Fill(maker, maker_uid, -sign, price, lots, True, seq))
        settle(venue, market, Fill(taker, uid, sign, price, lots, False, seq))
    print_trade(venue, market, sign, price, lots, seq)
    if maker is not None:
        _after_maker_fill(venue, market, maker)
    venue.tell_book(_key(market))
    for order in (maker, taker):
        if order is not None and not market.instrument.is_spot:
            keep_reduce_only(venue, order.uid, order.key, order.position_index)


def _after_maker_fill(venue: Venue, market: Market, maker: Order) -> None:
    if maker.filled == maker.lots:
        venue.close_order(maker, "Filled")
        return
    maker.status = "PartiallyFilled"
    if market.instrument.is_spot:
        venue.lock(maker, reserve(market, maker))
    venue.tell_order(maker)


def reserve(market: Market, order: Order) -> int:
    """What a spot order must hold back for the part that has not traded."""
    instrument = market.instrument
    if order.sign != BUY:
        if order.budget:  # the most that the rest of the money could need: at the lowest price it may trade at
            wanted = (order.budget - order.value) * instrument.lots_per_unit // max(1, order.price)
            return instrument.base_quanta(wanted)
        return instrument.base_quanta(order.left)
    if order.budget:
        return order.budget - order.value
    return instrument.value(order.price, order.left)


def _key(market: Market) -> str:
    return f"{market.instrument.category}:{market.instrument.symbol}"


def keep_reduce_only(venue: Venue, uid: int, key: str, index: int) -> None:
    """Reduce-only orders never reach beyond the position: they are trimmed to it, or end with it."""
    if not venue.index.has_reducing(uid, key):
        return
    position = venue.account(uid).positions.get(key, {}).get(index)
    lots = position.lots if position is not None else 0
    for order in venue.open_orders(uid, key):
        if not order.reduce_only or order.is_waiting or order.position_index != index:
            continue
        closable = abs(lots) if order.sign == -sign_of(lots) else 0
        if order.left <= closable:
            continue
        if not order.is_resting:
            order.lots = order.filled + closable
        elif not closable:
            venue.cancel_order(order, "CancelByReduceOnly", "EC_NoError")
        else:
            order.lots = order.filled + closable
            venue.books[key].shrink(order.sign, order.price, order.order_id, order.left)
            venue.tell_book(key)
            venue.tell_order(order)


def print_trade(venue: Venue, market: Market, sign: int, price: int, lots: int, seq: int) -> None:
    """A public trade: tape, last price, candle."""
    if market.last:
        moved = price - market.last
        flat = "ZeroPlusTick" if "Plus" in market.tick_direction else "ZeroMinusTick"
        market.tick_direction = "PlusTick" if moved > 0 else "MinusTick" if moved < 0 else flat
    market.last = price
    trade = Trade(venue.new_id(market.instrument.is_spot), venue.now_ms, sign, price, lots, seq, market.tick_direction)
    market.trades.append(trade)
    if len(market.trades) > 2 * TRADES_KEPT:
        del market.trades[:TRADES_KEPT]
    market.candles.add(venue.now_ms, price, lots, market.instrument.value(price, lots))
    venue.touched[_key(market)] = None
    venue.tell(Printed(_key(market), trade))


def ghost_trade(venue: Venue, market: Market, sign: int, price: int, lots: int) -> None:
    """The market takes `lots` at `price` or better: ghosts and orders alike, in their queue.

    What the book does not hold at that price is printed all the same: the market saw it.
    """
    key = _key(market)
    book = venue.books[key]
    opposite = book.side(-sign)
    while lots and opposite and sign * (opposite.best - price) <= 0:
        front = opposite.levels[opposite.best][0]
        taken = min(lots, front.lots)
        _trade(venue, market, book, sign, MARKET, None, opposite.best, front, taken)
        lots -= taken
    if lots:
        print_trade(venue, market, sign, price, lots, venue.next_seq())


def set_ghosts(venue: Venue, market: Market, changes: list[tuple[int, int, int]]) -> None:
    """The market's quantities become what a feed says: (sign, price, lots) each, shrinking before growing.

    A ghost that arrives through an order of ours takes it, in the queue's turn; older ghosts it would cross have gone.
    """
    key = _key(market)
    book = venue.books[key]
    growing = []
    for sign, price, lots in changes:
        if lots <= sum(resting.lots for resting in book.side(sign).levels.get(price, ()) if resting.order_id == GHOST):
            book.set_ghost(sign, price, lots)
        else:
            growing.append((sign, price, lots))
    for sign, price, lots in growing:
        _drop_crossed_ghosts(book, sign, price)
        lots = _take_orders(venue, market, sign, price, lots)
        book.set_ghost(sign, price, lots)
    venue.tell_book(key)


def _drop_crossed_ghosts(book: Book, sign: int, price: int) -> None:
    if not book.crosses(sign, price):
        return
    opposite = book.side(-sign)
    for crossed in opposite.prices():
        if sign * (crossed - price) > 0:
            break
        book.set_ghost(-sign, crossed, 0)


def _take_orders(venue: Venue, market: Market, sign: int, price: int, lots: int) -> int:
    """Orders of ours that a new ghost runs through are filled by it; returns what is left of the ghost."""
    book = venue.books[_key(market)]
    opposite = book.side(-sign)
    while lots and opposite and sign * (opposite.best - price) <= 0:
        front = opposite.levels[opposite.best][0]
        taken = min(lots, front.lots)
        _trade(venue, market, book, sign, MARKET, None, opposite.best, front, taken)
        lots -= taken
    return lots
