"""Conditional orders and stops: when the price they watch arrives, they become orders."""

from quintet.sandbox.checks import check_funds
from quintet.sandbox.margin import sign_of
from quintet.sandbox.orders import POSITION_STOPS, RISE, Order
from quintet.sandbox.prices import protective_price, reference
from quintet.sandbox.refusal import Refused
from quintet.sandbox.stops import trail
from quintet.sandbox.trading import execute
from quintet.sandbox.venue import Venue


def fire_all(venue: Venue, key: str) -> None:
    """Every order that waits on an instrument and whose price has come fires once, oldest first."""
    market = venue.state.markets[key]
    for order_id in list(venue.waiting.get(key, {})):
        order = venue.state.orders[order_id]
        price = reference(market, order.trigger_by)
        if not order.is_waiting or not price:
            continue
        if order.trail:
            trail(venue, order)
        if not order.trigger_price:
            continue  # a trailing stop that does not follow yet
        if price >= order.trigger_price if order.trigger_direction == RISE else price <= order.trigger_price:
            fire(venue, order)


def fire(venue: Venue, order: Order) -> None:
    """Triggered: told, its sibling ended, then checked like a new order and put to the book."""
    market = venue.state.markets[order.key]
    account = venue.account(order.uid)
    venue.waiting[order.key].pop(order.order_id, None)
    order.status = "Triggered"
    venue.tell_order(order)
    sibling = venue.state.orders.get(order.sibling)
    if sibling is not None and sibling.is_waiting:
        venue.cancel_order(sibling, "CancelByTpSlTsClear", "EC_NoError")
    if order.is_market:
        order.price = protective_price(venue, market, order.key, order.sign)
    order.status = "New"
    try:
        if order.reduce_only:
            _fit_to_position(venue, order)
        check_funds(venue, account, market, order)
    except Refused as refused:
        reason = "CancelByReduceOnly" if refused.refusal.code == 110017 else "UNKNOWN"
        if order.stop_kind in POSITION_STOPS or reason == "CancelByReduceOnly":
            venue.cancel_order(order, reason, "EC_NoError")
        else:
            venue.close_order(order, "Rejected", "EC_Others")
        return
    execute(venue, order)


def _fit_to_position(venue: Venue, order: Order) -> None:
    position = venue.position(order.uid, order.key, order.position_index)
    if order.sign != -sign_of(position.lots):
        raise Refused(110017, "no position to reduce")
    held = abs(position.lots)
    order.lots = held if order.follows_position or not order.lots else min(order.lots, held)
