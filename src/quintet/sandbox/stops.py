"""Take-profits, stop-losses and trailing stops that belong to a position.

A full stop closes whatever the position is when it fires; there is one of each kind. Partial stops have a size of their
own and come in pairs of which the first to fire ends the other. All of them end with the position.
"""

from contextlib import suppress

from quintet.sandbox.margin import sign_of
from quintet.sandbox.orders import FALL, POSITION_STOPS, RISE, Order, PriceKind, StopKind, StopPlan
from quintet.sandbox.prices import reference
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Position
from quintet.sandbox.venue import Venue

PARTIAL_STOPS_MAX = 20

_CREATE_TYPES = {
    "TakeProfit": "CreateByTakeProfit",
    "StopLoss": "CreateByStopLoss",
    "PartialTakeProfit": "CreateByPartialTakeProfit",
    "PartialStopLoss": "CreateByPartialStopLoss",
    "TrailingStop": "CreateByTrailingStop",
}


def position_stops(venue: Venue, position: Position) -> list[Order]:
    """The open stops of a position."""
    if not venue.index.has_stops(position.uid, position.key):
        return []
    return [
        order
        for order in venue.open_orders(position.uid, position.key)
        if order.is_waiting and order.stop_kind in POSITION_STOPS and order.position_index == position.index
    ]


def stop_of(venue: Venue, position: Position, kind: StopKind) -> Order | None:
    """The one full stop of a kind, if there is one."""
    return next((order for order in position_stops(venue, position) if order.stop_kind == kind), None)


def check_side(sign: int, take_profit: int, stop_loss: int, take_reference: int, stop_reference: int) -> None:
    """A long takes profit above and stops below, a short the other way; raises Refused."""
    for name, trigger, base, wanted in (
        ("TakeProfit", take_profit, take_reference, sign),
        ("StopLoss", stop_loss, stop_reference, -sign),
    ):
        if trigger and base and wanted * (trigger - base) <= 0:
            side = "Buy" if sign > 0 else "Sell"
            order = "higher" if wanted > 0 else "lower"
            raise Refused(10001, f"{name}:{trigger} set for {side} position should be {order} than base_price:{base}")


def set_full(
    venue: Venue,
    position: Position,
    kind: StopKind,
    trigger: int,
    by: PriceKind,
    trail: int = 0,
    activation: int = 0,
) -> bool:
    """Make, change or (trigger and trail 0) end the full stop of a kind. Returns whether anything changed."""
    found = stop_of(venue, position, kind)
    if not trigger and not trail:
        if found is not None:
            venue.cancel_order(found)
        return found is not None
    if found is None:
        _add(venue, position, kind, trigger, by, 0, abs(position.lots), trail, activation)
        return True
    if (found.trigger_price, found.trigger_by, found.trail, found.activation) == (trigger, by, trail, activation):
        return False
    found.trigger_price, found.trigger_by, found.trail, found.activation = trigger, by, trail, activation
    venue.tell_order(found)
    return True


def add_partial(venue: Venue, position: Position, plan: StopPlan, lots: int) -> None:
    """Add a pair (or one) of stops over `lots` of the position; raises Refused beyond twenty."""
    partial = [order for order in position_stops(venue, position) if not order.follows_position]
    if len(partial) + bool(plan.take_profit) + bool(plan.stop_loss) > PARTIAL_STOPS_MAX:
        raise Refused(110061, "Not modified: more than 20 TP/SLs under Partial tpSlMode")
    pair = []
    if plan.take_profit:
        pair.append(
            _add(
                venue,
                position,
                "PartialTakeProfit",
                plan.take_profit,
                plan.take_profit_by,
                plan.take_profit_limit,
                lots,
            )
        )
    if plan.stop_loss:
        pair.append(
            _add(venue, position, "PartialStopLoss", plan.stop_loss, plan.stop_loss_by, plan.stop_loss_limit, lots)
        )
    if len(pair) == 2:
        pair[0].sibling, pair[1].sibling = pair[1].order_id, pair[0].order_id


def _add(
    venue: Venue,
    position: Position,
    kind: StopKind,
    trigger: int,
    by: PriceKind,
    limit: int,
    lots: int,
    trail: int = 0,
    activation: int = 0,
) -> Order:
    sign = sign_of(position.lots)
    takes_profit = kind in ("TakeProfit", "PartialTakeProfit")
    order = Order(
        order_id=venue.new_id(),
        link_id="",
        uid=position.uid,
        key=position.key,
        sign=-sign,
        is_market=not limit,
        lots=lots,
        price=limit,
        time_in_force="GTC" if limit else "IOC",
        created_ms=venue.now_ms,
        updated_ms=venue.now_ms,
        status="Untriggered",
        position_index=position.index,
        reduce_only=True,
        close_on_trigger=True,
        trigger_price=trigger,
        trigger_direction=RISE if (sign > 0) == takes_profit else FALL,
        trigger_by=by,
        trail=trail,
        activation=activation,
        stop_kind=kind,
        create_type=_CREATE_TYPES[kind],
        last_price_on_created=venue.state.markets[position.key].last,
    )
    venue.add_order(order)
    venue.touched[position.key] = None
    venue.tell_order(order)
    return order


def apply_plan(venue: Venue, order: Order) -> None:
    """The stops that came with an order take effect: full ones with its first fill, partial ones when it has closed.

    A stop that is already on the wrong side of the market fires at once.
    """
    plan = order.stops
    position = venue.position(order.uid, order.key, order.position_index)
    if sign_of(position.lots) != order.sign:
        return
    if plan.partial:
        if order.is_open:
            return
        with suppress(Refused):  # beyond twenty there are no more
            add_partial(venue, position, plan, min(order.filled, abs(position.lots)))
        return
    if plan.take_profit:
        set_full(venue, position, "TakeProfit", plan.take_profit, plan.take_profit_by)
    if plan.stop_loss:
        set_full(venue, position, "StopLoss", plan.stop_loss, plan.stop_loss_by)


def follow_position(venue: Venue, position: Position) -> None:
    """Full stops take the size of the position; all stops of a flat or turned position end."""
    sign = sign_of(position.lots)
    for order in position_stops(venue, position):
        if order.sign != -sign:
            venue.cancel_order(order, "CancelByTpSlTsClear", "EC_NoError")
        elif order.follows_position and order.lots != abs(position.lots):
            order.lots = abs(position.lots)
            venue.tell_order(order)


def trail(venue: Venue, order: Order) -> None:
    """A trailing stop moves after the last price, never back; one with an activation price begins when that is seen."""
    last = reference(venue.state.markets[order.key], "LastPrice")
    if order.sign * (last - order.activation) > 0 and order.activation:
        return
    order.activation = 0
    following = last + order.sign * order.trail
    if not order.trigger_price or order.sign * (following - order.trigger_price) < 0:
        order.trigger_price = following
