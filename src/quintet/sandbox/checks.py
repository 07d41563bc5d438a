"""Judging a new order before it is acknowledged: grid, size, notional, names, limits, balance and margin.

Each refusal has the venue's number; spot and linear have different ones for the same mistake.
"""

import re
from decimal import ROUND_FLOOR, Decimal

from quintet.core.errors import NotExact
from quintet.core.units import decimal
from quintet.sandbox.commands import Place, StopRequest
from quintet.sandbox.instruments import BUY, SELL, Instrument
from quintet.sandbox.margin import account_margin, order_margin, sign_of, spendable
from quintet.sandbox.money import ONE, plain, quanta
from quintet.sandbox.orders import FALL, RISE, Order, StopPlan
from quintet.sandbox.prices import price_limits, protective_price, reference
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Account, Market
from quintet.sandbox.stops import check_side
from quintet.sandbox.trading import reserve
from quintet.sandbox.used_names import has_name
from quintet.sandbox.venue import Venue

LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}\Z")
ACTIVE_MAX = 500
CONDITIONAL_MAX = {"spot": 30, "linear": 10}
NO_STOPS = StopPlan()
SIDES = {"buy": BUY, "sell": SELL}


def number(text: str, what: str) -> Decimal:
    """Decimal text of a request, or the venue's parameter error."""
    try:
        value = decimal(text, what)
    except NotExact:
        raise Refused(10001, f"params error: {what} invalid") from None
    if value < 0:
        raise Refused(10001, f"params error: {what} invalid")
    return value


def price_of(instrument: Instrument, text: str, what: str = "price") -> int:
    """A price on the grid and within bounds, in quanta."""
    value = number(text, what)
    ticks, rest = divmod(value * ONE, instrument.tick)
    price = int(ticks) * instrument.tick
    if rest:
        if instrument.is_spot:
            raise Refused(170134, "Order price has too many decimals.")
        raise Refused(10001, f"params error: {what} {text} is not a multiple of tick size {plain(instrument.tick)}")
    if price > instrument.price_max:
        raise Refused(170132 if instrument.is_spot else 110003, "Order price is too high.")
    if price < instrument.price_min:
        raise Refused(170133 if instrument.is_spot else 110003, "Order price is below the lower limit.")
    return price


def lots_of(instrument: Instrument, text: str, *, market: bool, floor: bool = False) -> int:
    """A quantity in lots on the grid and within bounds; `floor` lets 0 pass."""
    value = number(text, "qty") * instrument.lots_per_unit
    lots = int(value)
    if lots != value:
        if instrument.is_spot:
            raise Refused(170137, "Order quantity has too many decimals.")
        if not lots:
            raise Refused(110017, "orderQty will be truncated to zero.")
        raise Refused(10001, f"params error: qty {text} is not a multiple of the step")
    if lots == 0 and floor:
        return 0
    if lots < instrument.min_lots:
        raise Refused(170136 if instrument.is_spot else 10001, "Order quantity is lower than the minimum.")
    largest = instrument.max_market_lots if market else instrument.max_limit_lots
    if lots > largest:
        raise Refused(170135 if instrument.is_spot else 10001, "Order quantity exceeded upper limit.")
    return lots


def stop_plan(instrument: Instrument, request: StopRequest, before: StopPlan = NO_STOPS) -> StopPlan:
    """Stops as asked for over those there were: "" keeps, "0" takes away."""

    def trigger(text: str, old: int, what: str) -> int:
        if not text:
            return old
        return price_of(instrument, text, what) if number(text, what) else 0

    plan = StopPlan(
        trigger(request.take_profit, before.take_profit, "takeProfit"),
        trigger(request.stop_loss, before.stop_loss, "stopLoss"),
        request.take_profit_by if request.take_profit else before.take_profit_by,
        request.stop_loss_by if request.stop_loss else before.stop_loss_by,
        trigger(request.take_profit_limit, before.take_profit_limit, "tpLimitPrice"),
        trigger(request.stop_loss_limit, before.stop_loss_limit, "slLimitPrice"),
        request.mode == "Partial" if request.mode else before.partial,
    )
    if not instrument.is_spot and not plan.partial and (plan.take_profit_limit or plan.stop_loss_limit):
        raise Refused(110058, "Full TP/SL closes at market: no limit price is possible")
    return plan


def build(venue: Venue, account: Account, market: Market, request: Place) -> Order:
    """A request as an order, its own fields judged; raises Refused. Balance is looked at later."""
    instrument = market.instrument
    key = f"{instrument.category}:{instrument.symbol}"
    sign = SIDES.get(request.side.lower(), 0)
    kind = request.order_type.lower()
    if not sign:
        raise Refused(170117 if instrument.is_spot else 10001, "params error: side invalid")
    if kind not in ("limit", "market"):
        raise Refused(170116 if instrument.is_spot else 10001, "params error: orderType invalid")
    if instrument.status != "Trading":
        raise Refused(170151 if instrument.is_spot else 110074, "The contract is not live.")
    is_market = kind == "market"
    order = Order(
        order_id="",
        link_id=request.link_id,
        uid=account.uid,
        key=key,
        sign=sign,
        is_market=is_market,
        lots=0,
        price=0,
        time_in_force="IOC" if is_market else request.time_in_force,
        created_ms=venue.now_ms,
        updated_ms=venue.now_ms,
        position_index=request.position_index,
        reduce_only=request.reduce_only or request.close_on_trigger,
        close_on_trigger=request.close_on_trigger,
        trigger_by=request.trigger_by,
        stops=stop_plan(instrument, request.stops),
        self_match=request.self_match,
        last_price_on_created=market.last,
    )
    _check_link(account, order)
    _check_size(venue, market, order, request)
    _check_trigger(market, order, request)
    _check_stops(market, order)
    if not instrument.is_spot:
        _check_position(account, order)
    elif order.reduce_only:
        raise Refused(10001, "params error: reduceOnly is for contracts")
    _check_counts(venue, account, order)
    if not order.is_market and not order.is_waiting:
        order.price = _within_limits(account, market, order)
    _check_notional(market, order)
    return order


def _check_link(account: Account, order: Order) -> None:
    category = order.key.partition(":")[0]
    if not order.link_id:
        return
    if not LINK_ID.match(order.link_id):
        raise Refused(10001, "params error: orderLinkId must be 1 to 36 of A-Z a-z 0-9 _ -")
    if order.link_id in account.links.get(category, {}) or has_name(
        account.used_links.get(category, []), order.link_id
    ):
        if category == "spot":
            raise Refused(170141, "Duplicate clientOrderId.")
        raise Refused(110072, "OrderLinkedID is duplicate")


def _check_size(venue: Venue, market: Market, order: Order, request: Place) -> None:
    instrument = market.instrument
    quote_by_default = order.sign == BUY and not request.market_unit
    in_quote = instrument.is_spot and order.is_market and (quote_by_default or request.market_unit == "quoteCoin")
    if in_quote:
        amount = number(request.quantity, "qty")
        if amount.quantize(Decimal(1).scaleb(-instrument.quote_decimals), ROUND_FLOOR) != amount:
            raise Refused(170137, "Order quantity has too many decimals.")
        order.budget = quanta(amount, "qty")
        if not order.budget:
            raise Refused(170136, "Order quantity is lower than the minimum.")
    else:
        closes_all = order.close_on_trigger and order.reduce_only
        order.lots = lots_of(instrument, request.quantity, market=order.is_market, floor=closes_all)
    if order.is_market:
        if not request.trigger_price or request.order_filter == "tpslOrder":
            order.price = protective_price(venue, market, order.key, order.sign, _slippage(venue, order, request))
    elif not request.price:
        raise Refused(10001, "params error: price is missing")
    else:
        order.price = price_of(instrument, request.price)


def _slippage(venue: Venue, order: Order, request: Place) -> int:
    if not request.slippage_kind:
        return 0
    instrument = venue.state.markets[order.key].instrument
    amount = number(request.slippage, "slippageTolerance")
    if request.slippage_kind == "TickSize":
        if not (1 <= amount <= 10_000 and amount == int(amount)):
            raise Refused(110108, "slippageTolerance must be 1 to 10000 ticks")
        return int(amount) * instrument.tick
    if not Decimal("0.01") <= amount <= 10:
        raise Refused(110109, "slippageTolerance must be 0.01 to 10 percent")
    best = venue.books[order.key].side(-order.sign).best
    return max(instrument.tick, int(best * amount / 100))


def _check_trigger(market: Market, order: Order, request: Place) -> None:
    if not request.trigger_price or not number(request.trigger_price, "triggerPrice"):
        if request.order_filter in ("tpslOrder", "StopOrder"):
            raise Refused(10001, "params error: triggerPrice is missing")
        return
    order.trigger_price = price_of(market.instrument, request.trigger_price, "triggerPrice")
    current = reference(market, order.trigger_by)
    direction = request.trigger_direction
    if market.instrument.is_spot:
        direction = RISE if order.trigger_price > current else FALL
    elif direction not in (RISE, FALL):
        raise Refused(10001, "params error: triggerDirection invalid")
    if direction == RISE and order.trigger_price <= current:
        raise Refused(110092, f"expect Rising, but trigger_price[{order.trigger_price}] <= current[{current}]")
    if direction == FALL and order.trigger_price >= current > 0:
        raise Refused(110093, f"expect Falling, but trigger_price[{order.trigger_price}] >= current[{current}]")
    order.trigger_direction = direction
    order.status = "Untriggered"
    order.stop_kind = "tpslOrder" if request.order_filter == "tpslOrder" else "Stop"
    order.create_type = "CreateByUser"


def _check_stops(market: Market, order: Order) -> None:
    plan = order.stops
    if plan.is_empty:
        return
    if order.reduce_only:
        raise Refused(110057, "TP/SL cannot be set on a reduce-only order")
    base = order.trigger_price or (0 if order.is_market else order.price)
    check_side(
        order.sign,
        plan.take_profit,
        plan.stop_loss,
        base or reference(market, plan.take_profit_by),
        base or reference(market, plan.stop_loss_by),
    )


def _check_position(account: Account, order: Order) -> None:
    hedge = account.hedge.get(order.key, False)
    if order.position_index not in ((1, 2) if hedge else (0,)):
        raise Refused(10001, "position idx not match position mode")
    if hedge and order.sign != (BUY if order.position_index == 1 else SELL):
        order.reduce_only = True
    if not order.reduce_only or order.is_waiting:
        return
    position = account.positions.get(order.key, {}).get(order.position_index)
    held = position.lots if position is not None else 0
    if order.sign != -sign_of(held):
        raise Refused(110017, "Reduce-only rule not satisfied: current position is zero or on the same side")
    order.lots = min(order.lots or abs(held), abs(held))


def _check_counts(venue: Venue, account: Account, order: Order) -> None:
    spot = order.key.startswith("spot")
    if order.is_waiting:
        there = venue.open_orders(account.uid, order.key)
        alike = sum(other.is_waiting and other.stop_kind == order.stop_kind for other in there)
        if alike >= CONDITIONAL_MAX["spot" if spot else "linear"]:
            raise Refused(170810 if spot else 110009, "too many conditional orders")
        return
    if spot:
        active = sum(len(orders) for key, orders in account.open_orders.items() if key.startswith("spot"))
    else:
        active = len(account.open_orders.get(order.key, ()))
        if active >= ACTIVE_MAX:
            active = sum(not other.is_waiting for other in venue.open_orders(account.uid, order.key))
    if active >= ACTIVE_MAX:
        raise Refused(170810 if spot else 110020, "Cannot exceed maximum of 500 active orders.")


def _within_limits(account: Account, market: Market, order: Order) -> int:
    limits = price_limits(market)
    limit = limits.buy_max if order.sign == BUY else limits.sell_min
    if not limit or order.sign * (order.price - limit) <= 0:
        return order.price
    spot = market.instrument.is_spot
    if account.moves_price.get(market.instrument.category, not spot):
        return limit
    if not spot:
        raise Refused(110003, "Order price exceeds the allowable range.")
    if order.sign == BUY:
        raise Refused(170193, f"Buy order price cannot be higher than {plain(limit)}.")
    raise Refused(170194, f"Sell order price cannot be lower than {plain(limit)}.")


def _check_notional(market: Market, order: Order) -> None:
    instrument = market.instrument
    if order.reduce_only:
        return
    price = order.price or order.trigger_price
    if order.is_market and not order.trigger_price:
        price = market.last or order.price
    value = order.budget or instrument.value(price, order.lots)
    if value >= instrument.min_value:
        return
    if instrument.is_spot:
        raise Refused(170140, "Order value exceeded lower limit.")
    raise Refused(110094, f"Order does not meet minimum order value {plain(instrument.min_value)}{instrument.quote}")


def check_funds(venue: Venue, account: Account, market: Market, order: Order) -> None:
    """Spot needs the coins, linear the margin; raises Refused. A spot order reserves what it needs."""
    if market.instrument.is_spot:
        coin = market.instrument.quote if order.sign == BUY else market.instrument.base
        if not order.price and not order.budget:
            raise Refused(170210, "New order rejected: no price is known.")
        needed = reserve(market, order)
        if needed - order.locked > spendable(venue, account, coin):
            raise Refused(170131, "Insufficient balance.")
        venue.lock(order, needed)
        return
    if order.reduce_only:
        return
    key, coin = order.key, market.instrument.quote
    _check_tier(venue, account, market, order)
    before = order_margin(venue, account, key)
    after = account_margin(venue, account, coin, order)
    if order_margin(venue, account, key, order) > before and after.available < 0:
        raise Refused(110007, "ab not enough for new order")


def _check_tier(venue: Venue, account: Account, market: Market, order: Order) -> None:
    held = sum(position.lots for position in account.positions_of(order.key))
    sides = venue.index.demand(account.uid, order.key)
    same_side = sum(wanted.lots for (_, sign), wanted in sides.items() if sign == order.sign)
    lots = abs(held + order.sign * (same_side + order.left))
    tier = market.instrument.tier_of(market.instrument.value(order.price, lots))
    if tier.leverage_max < account.leverage_of(order.key):
        raise Refused(110090, "position would exceed the limit for this leverage")
    if market.instrument.value(order.price, lots) > market.instrument.tiers[-1].value_max:
        raise Refused(110090, "position would exceed the largest risk limit")
