"""Take-profit and stop-loss that came with a spot order: once it has closed, stops over what it traded.

Both together are one OCO: the first to fire, or to be cancelled, ends the other, and the coins are reserved once.
"""

from contextlib import suppress
from typing import NamedTuple

from quintet.sandbox.checks import check_funds
from quintet.sandbox.instruments import BUY, SELL, Instrument
from quintet.sandbox.money import ONE
from quintet.sandbox.orders import FALL, RISE, Order, PriceKind
from quintet.sandbox.refusal import Refused
from quintet.sandbox.venue import Venue


class Leg(NamedTuple):
    """One stop as it was asked for; a limit of 0 means market."""

    trigger: int
    limit: int
    by: PriceKind
    takes_profit: bool


def place_spot_stops(venue: Venue, order: Order) -> None:
    """Stops of a closed order over what it bought or sold; without coins or quote for them there are none."""
    market = venue.state.markets[order.key]
    plan = order.stops
    lots = _received_lots(market.instrument, order) if order.sign == BUY else order.filled
    legs = [
        leg
        for leg in (
            Leg(plan.take_profit, plan.take_profit_limit, plan.take_profit_by, True),
            Leg(plan.stop_loss, plan.stop_loss_limit, plan.stop_loss_by, False),
        )
        if leg.trigger
    ]
    if not (lots and legs):
        return
    stops = [_stop(venue, order, leg, lots, is_pair=len(legs) == 2) for leg in legs]
    with suppress(Refused):
        check_funds(venue, venue.account(order.uid), market, stops[0])
        if len(stops) == 2:
            stops[0].sibling, stops[1].sibling = stops[1].order_id, stops[0].order_id
        for stop in stops:
            venue.add_order(stop)
            venue.tell_order(stop)
        venue.touched[order.key] = None
        venue.tell_wallet(order.uid)


def _received_lots(instrument: Instrument, order: Order) -> int:
    """What a buy has brought after the fee that was paid in the coin itself."""
    coins = instrument.base_quanta(order.filled) - order.fees.get(instrument.base, 0)
    return max(0, coins) // (ONE // instrument.lots_per_unit)


def _stop(venue: Venue, parent: Order, leg: Leg, lots: int, *, is_pair: bool) -> Order:
    sign = SELL if parent.sign == BUY else BUY
    rises = leg.takes_profit == (sign == SELL)
    return Order(
        order_id=venue.new_id(spot=True),
        link_id="",
        uid=parent.uid,
        key=parent.key,
        sign=sign,
        is_market=not leg.limit,
        lots=lots,
        price=leg.limit or leg.trigger,
        time_in_force="GTC" if leg.limit else "IOC",
        created_ms=venue.now_ms,
        updated_ms=venue.now_ms,
        status="Untriggered",
        trigger_price=leg.trigger,
        trigger_direction=RISE if rises else FALL,
        trigger_by=leg.by,
        stop_kind="OcoOrder" if is_pair else "tpslOrder",
        parent_link=parent.link_id,
        create_type="CreateByTakeProfit" if leg.takes_profit else "CreateByStopLoss",
        last_price_on_created=venue.state.markets[parent.key].last,
    )
