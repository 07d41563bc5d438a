"""Amending and cancelling open orders."""

from quintet.sandbox import checks as judge
from quintet.sandbox.commands import Amend, Cancel, CancelAll
from quintet.sandbox.instruments import Instrument
from quintet.sandbox.margin import account_margin
from quintet.sandbox.orders import POSITION_STOPS, Order
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Market
from quintet.sandbox.stops import check_side
from quintet.sandbox.trading import execute, reserve
from quintet.sandbox.venue import Venue


def find_order(venue: Venue, uid: int, category: str, symbol: str, order_id: str, link_id: str) -> Order:
    """An order of the account by its id, else by its own name; raises Refused when there is none."""
    market = venue.market(category, symbol)
    if not order_id and not link_id:
        raise Refused(10001, "params error: orderId or orderLinkId is missing")
    found = order_id or venue.account(uid).links.get(category, {}).get(link_id, "")
    order = venue.state.orders.get(found)
    if order is None or order.uid != uid or order.key != f"{category}:{symbol}":
        raise _not_found(market.instrument)
    return order


def _not_found(instrument: Instrument) -> Refused:
    if instrument.is_spot:
        return Refused(170213, "Order does not exist.")
    return Refused(110001, "order not exists or too late to cancel")


def _open_order(venue: Venue, request: Amend | Cancel) -> Order:
    order = find_order(venue, request.uid, request.category, request.symbol, request.order_id, request.link_id)
    if not order.is_open:
        raise _not_found(venue.market(request.category, request.symbol).instrument)
    return order


def cancel(venue: Venue, request: Cancel) -> Order:
    """End one open order."""
    order = _open_order(venue, request)
    venue.cancel_order(order)
    sibling = venue.state.orders.get(order.sibling)
    if order.stop_kind == "OcoOrder" and sibling is not None and sibling.is_waiting:
        venue.cancel_order(sibling)
    return order


def cancel_all(venue: Venue, request: CancelAll) -> list[Order]:
    """End every open order that the request does not exclude; spot takes plain orders only unless told otherwise."""
    if request.category == "linear" and not (request.symbol or request.base or request.settle):
        raise Refused(10001, "params error: one of symbol, baseCoin, settleCoin is required")
    if request.symbol:
        venue.market(request.category, request.symbol)
    found = [
        order
        for key in list(venue.account(request.uid).open_orders)
        for order in venue.open_orders(request.uid, key)
        if _is_meant(venue.state.markets[key].instrument, order, request)
    ]
    for order in found:
        if order.is_open:  # the end of one may have ended another
            venue.cancel_order(order, request.reason)
    return found


def _is_meant(instrument: Instrument, order: Order, request: CancelAll) -> bool:
    if instrument.category != request.category:
        return False
    wanted = request.order_filter or ("Order" if instrument.is_spot else "All")
    return (
        (not request.symbol or instrument.symbol == request.symbol)
        and (not request.base or instrument.base == request.base)
        and (not request.settle or instrument.quote == request.settle)
        and (not request.stop_kind or order.stop_kind == request.stop_kind)
        and wanted in ("All", filter_of(order))
    )


def filter_of(order: Order) -> str:
    """The class of an order that `orderFilter` asks for."""
    if not order.is_waiting:
        return "Order"
    return "tpslOrder" if order.stop_kind in ("tpslOrder", "OcoOrder", *POSITION_STOPS) else "StopOrder"


def amend(venue: Venue, request: Amend) -> Order:
    """Change an open order: smaller keeps its place, another price or more lots goes to the back of the queue."""
    order = _open_order(venue, request)
    market = venue.state.markets[order.key]
    instrument = market.instrument
    price, lots, trigger = order.price, order.lots, order.trigger_price
    if request.price and not order.is_market:
        price = judge.price_of(instrument, request.price)
    if request.quantity:
        lots = judge.lots_of(instrument, request.quantity, market=order.is_market)
        if lots <= order.filled:
            raise Refused(170810 if instrument.is_spot else 10001, "new qty must exceed what has traded")
    if request.trigger_price and order.is_waiting:
        trigger = judge.price_of(instrument, request.trigger_price, "triggerPrice")
    plan = judge.stop_plan(instrument, request.stops, order.stops)
    if (price, lots, trigger, plan) == (order.price, order.lots, order.trigger_price, order.stops):
        raise Refused(10001, "order not modified")
    if plan != order.stops:
        check_side(order.sign, plan.take_profit, plan.stop_loss, price or market.last, price or market.last)
    _check_change(venue, market, order, price, lots)
    order.trigger_price, order.stops = trigger, plan
    _move_in_book(venue, order, price, lots)
    return order


def _check_change(venue: Venue, market: Market, order: Order, price: int, lots: int) -> None:
    """Funds and notional of the order as it would be; the order itself stays as it was when they do not do."""
    old = order.price, order.lots
    order.price, order.lots = price, lots
    try:
        if not order.is_waiting and not order.reduce_only:
            if market.instrument.value(price, lots) < market.instrument.min_value:
                raise Refused(170140 if market.instrument.is_spot else 110094, "Order value exceeded lower limit.")
            _check_needs(venue, market, order)
    finally:
        order.price, order.lots = old
        venue.index.note(order)


def _check_needs(venue: Venue, market: Market, order: Order) -> None:
    """Raises Refused when the order as it would be needs more than there is; the index still has it as it was."""
    account = venue.account(order.uid)
    if market.instrument.is_spot:
        judge.check_funds(venue, account, market, order)
        return
    before = account_margin(venue, account, market.instrument.quote)
    venue.index.note(order)
    after = account_margin(venue, account, market.instrument.quote)
    if after.available < 0 and after.order_initial > before.order_initial:
        raise Refused(110007, "ab not enough for new order")


def _move_in_book(venue: Venue, order: Order, price: int, lots: int) -> None:
    book = venue.books[order.key]
    keeps_place = price == order.price and lots <= order.lots
    moved = order.is_resting and not keeps_place
    if moved:
        book.leave(order.sign, order.price, order.order_id)
        order.is_resting = False
        venue.tell_book(order.key)
    order.price, order.lots = price, lots
    if moved:
        order.updated_ms = venue.now_ms
        execute(venue, order)
        return
    if order.is_resting:
        book.shrink(order.sign, price, order.order_id, order.left)
        venue.tell_book(order.key)
    market = venue.state.markets[order.key]
    if market.instrument.is_spot and order.locked:
        venue.lock(order, reserve(market, order))
        venue.tell_wallet(order.uid)
    if order.is_waiting:
        venue.touched[order.key] = None
    venue.tell_order(order)
