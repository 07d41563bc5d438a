"""Orders: create, amend, cancel, one or many at a time, and the lists of them and of what they traded."""

from collections.abc import Callable
from typing import Any

import msgspec

from quintet.sandbox.bybit_v5 import shapes
from quintet.sandbox.bybit_v5.call import EMPTY_CATEGORIES, Call
from quintet.sandbox.bybit_v5.envelope import Reply, granted, placed
from quintet.sandbox.bybit_v5.paging import DAY_MS, Series, history_page, page, span
from quintet.sandbox.bybit_v5.params import Params
from quintet.sandbox.checks import SIDES, build
from quintet.sandbox.commands import Amend, Cancel, CancelAll, Cancelled, Place, SetDisconnectWindow, StopRequest
from quintet.sandbox.instruments import BUY
from quintet.sandbox.margin import account_margin, spendable
from quintet.sandbox.money import ONE, padded, plain
from quintet.sandbox.order_changes import filter_of
from quintet.sandbox.orders import Order
from quintet.sandbox.refusal import Refused
from quintet.sandbox.state import Execution, key_of

BATCH_MAX = {"spot": 10, "linear": 20}
CLOSED_SHOWN = 500
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "PostOnly")
PRICE_KINDS = ("LastPrice", "MarkPrice", "IndexPrice")
SELF_MATCH = ("None", "CancelMaker", "CancelTaker", "CancelBoth")

Result = dict[str, Any]


# ---- one order ----


def stop_request(params: Params) -> StopRequest:
    """The take-profit and stop-loss fields of a request."""
    return StopRequest(
        take_profit=params.text("takeProfit"),
        stop_loss=params.text("stopLoss"),
        take_profit_by=params.one_of("tpTriggerBy", PRICE_KINDS, "LastPrice"),
        stop_loss_by=params.one_of("slTriggerBy", PRICE_KINDS, "LastPrice"),
        take_profit_limit=_limit_price(params, "tpLimitPrice", "tpOrderType"),
        stop_loss_limit=_limit_price(params, "slLimitPrice", "slOrderType"),
        mode=params.one_of("tpslMode", ("", "Full", "Partial")),
    )


def _limit_price(params: Params, name: str, kind: str) -> str:
    """The limit of a stop; a stop that is said to be a market order has none whatever was sent."""
    found = params.text(name)
    order_type = params.one_of(kind, ("", "Market", "Limit"))
    if found.strip("0.") == "":
        if order_type == "Limit":
            raise Refused(10001, f"params error: {name} is missing")
        return ""
    return "" if order_type == "Market" else found


def place_request(uid: int, category: str, params: Params) -> Place:
    """A create request as the exchange's command."""
    if params.text("timeInForce") == "RPI":
        raise Refused(110119, "RPI orders are for their makers only")
    order_type = params.required("orderType")
    if category == "spot" and params.text("timeInForce", "GTC") not in TIMES_IN_FORCE:
        raise Refused(170115, "Invalid timeInForce.")
    return Place(
        uid=uid,
        category=category,
        symbol=params.required("symbol"),
        side=params.required("side"),
        order_type=order_type,
        quantity=params.required("qty"),
        price=params.text("price") if order_type.lower() == "limit" else "",
        time_in_force=params.one_of("timeInForce", TIMES_IN_FORCE, "GTC"),
        link_id=params.text("orderLinkId"),
        position_index=params.integer("positionIdx") if category == "linear" else 0,
        reduce_only=category == "linear" and params.flag("reduceOnly"),
        close_on_trigger=category == "linear" and params.flag("closeOnTrigger"),
        trigger_price=params.text("triggerPrice"),
        trigger_direction=params.integer("triggerDirection"),
        trigger_by=params.one_of("triggerBy", PRICE_KINDS, "LastPrice"),
        stops=stop_request(params),
        market_unit=params.one_of("marketUnit", ("", "baseCoin", "quoteCoin")),
        order_filter=params.one_of("orderFilter", ("", "Order", "tpslOrder", "StopOrder")),
        self_match=params.one_of("smpType", SELF_MATCH, "None"),
        slippage_kind=params.one_of("slippageToleranceType", ("", "TickSize", "Percent")),
        slippage=params.text("slippageTolerance"),
    )


def create(call: Call) -> Result:
    """A new order; the answer says that it was accepted, its outcome comes on the stream."""
    request = place_request(call.uid, call.traded_category(), call.params)
    if "bboSideType" in call.params:
        request = msgspec.structs.replace(request, price=_best_price(call, request))
    return placed(call.service.do(request))


def _best_price(call: Call, request: Place) -> str:
    """The price of a level of the book as it is now: of the own side (Queue) or of the other one."""
    market = call.service.venue.market(request.category, request.symbol)
    if request.category != "linear" or request.order_type.lower() != "limit":
        raise Refused(10001, "params error: bboSideType is for limit orders of contracts")
    own = SIDES.get(request.side.lower(), BUY)
    sign = own if call.params.one_of("bboSideType", ("Queue", "Counterparty")) == "Queue" else -own
    level = int(call.params.one_of("bboLevel", ("1", "2", "3", "4", "5"), "1"))
    levels = call.service.venue.books[key_of(request.category, request.symbol)].depth(sign, level)
    if len(levels) < level:
        raise Refused(10001, "params error: bboLevel is deeper than the book")
    return market.instrument.price_text(levels[-1][0])


def amend(call: Call) -> Result:
    """Change an open order."""
    params = call.params
    return placed(
        call.service.do(
            Amend(
                uid=call.uid,
                category=call.traded_category(),
                symbol=params.required("symbol"),
                order_id=params.text("orderId"),
                link_id=params.text("orderLinkId"),
                quantity=params.text("qty"),
                price=params.text("price"),
                trigger_price=params.text("triggerPrice"),
                stops=stop_request(params),
            )
        )
    )


def cancel(call: Call) -> Result:
    """End an open order."""
    params = call.params
    return placed(
        call.service.do(
            Cancel(
                uid=call.uid,
                category=call.traded_category(),
                symbol=params.required("symbol"),
                order_id=params.text("orderId"),
                link_id=params.text("orderLinkId"),
            )
        )
    )


def cancel_all(call: Call) -> Result:
    """End all orders of a product, or of a part of it."""
    params = call.params
    category = call.category()
    if category in EMPTY_CATEGORIES:
        return {"list": [], "success": "1"}
    answer = call.service.do(
        CancelAll(
            uid=call.uid,
            category=category,
            symbol=params.text("symbol"),
            base=params.text("baseCoin"),
            settle=params.text("settleCoin"),
            order_filter=params.text("orderFilter"),
            stop_kind=params.text("stopOrderType"),
        )
    )
    granted(answer)
    assert isinstance(answer, Cancelled)
    return {
        "list": [{"orderId": each.order_id, "orderLinkId": each.link_id} for each in answer.orders],
        "success": "1",
    }


def pre_check(call: Call) -> Result:
    """What an order would do to the margin rates, without placing it."""
    venue, account = call.service.venue, call.account
    category = call.traded_category()
    market = venue.market(category, call.params.required("symbol"))
    order = build(venue, account, market, place_request(call.uid, category, call.params))
    before = account_margin(venue, account, market.instrument.quote)
    after = account_margin(venue, account, market.instrument.quote, order if category == "linear" else None)

    def rate(part: int) -> str:
        return padded(part * 10_000 // before.equity, 4) if before.equity > 0 else "0"

    return {
        "orderId": "",
        "orderLinkId": order.link_id,
        "preImrE4": int(rate(before.position_initial + before.order_initial).replace(".", "")),
        "preMmrE4": int(rate(before.maintenance).replace(".", "")),
        "postImrE4": int(rate(after.position_initial + after.order_initial).replace(".", "")),
        "postMmrE4": int(rate(after.maintenance).replace(".", "")),
    }


def borrow_check(call: Call) -> Result:
    """How much of a spot pair could be traded now; nothing is borrowed."""
    venue, side = call.service.venue, call.params.one_of("side", ("Buy", "Sell"))
    market = venue.market("spot", call.params.required("symbol"))
    instrument = market.instrument
    quote = spendable(venue, call.account, instrument.quote)
    base = spendable(venue, call.account, instrument.base)
    if side == "Buy":
        base = quote * ONE // market.last if market.last else 0
    else:
        quote = base * market.last // ONE
    return {
        "symbol": instrument.symbol,
        "side": side,
        "maxTradeQty": plain(base),
        "maxTradeAmount": plain(quote),
        "spotMaxTradeQty": plain(base),
        "spotMaxTradeAmount": plain(quote),
        "borrowCoin": instrument.quote if side == "Buy" else instrument.base,
    }


# ---- many orders ----


def create_batch(call: Call) -> Reply:
    """Several new orders, each with its own outcome."""
    return _batch(call, create, created=True)


def amend_batch(call: Call) -> Reply:
    """Several changes."""
    return _batch(call, amend)


def cancel_batch(call: Call) -> Reply:
    """Several cancels."""
    return _batch(call, cancel)


def _batch(call: Call, one: Callable[[Call], Result], created: bool = False) -> Reply:
    category = call.traded_category()
    items = call.params.items("request")
    if len(items) > BATCH_MAX[category]:
        raise Refused(10001, f"params error: at most {BATCH_MAX[category]} orders in one request")
    rate, now_ms = call.rate, call.service.clock.wall_ms()
    allowed = rate.spend(now_ms, len(items)) if rate is not None else len(items)
    rows, outcomes = [], []
    for number, item in enumerate(items):
        row = {
            "category": category,
            "symbol": item.text("symbol"),
            "orderId": "",
            "orderLinkId": item.text("orderLinkId"),
        }
        outcome: Result = {"code": 0, "msg": "OK"}
        try:
            if number >= allowed:
                raise Refused(10006, "Too many visits. Exceeded the API Rate Limit.")
            row |= one(Call(call.service, Params({**item.fields, "category": category}), call.key))
        except Refused as refused:
            outcome = {"code": refused.refusal.code, "msg": refused.refusal.message}
        if created:
            row["createAt"] = str(call.service.state.now_ms) if row["orderId"] else ""
        rows.append(row)
        outcomes.append(outcome)
    return Reply(result={"list": rows}, extra={"list": outcomes})


def disconnected_cancel_all(call: Call) -> Result:
    """Opt in to the cancel-all of a product when the private connections that ask for it are gone."""
    products = {"OPTIONS": "option", "DERIVATIVES": "linear", "SPOT": "spot", "": "linear"}
    name = call.params.text("product").upper()
    if name not in products:
        raise Refused(10001, "params error: product invalid")
    window = call.params.integer("timeWindow")
    granted(call.service.do(SetDisconnectWindow(uid=call.uid, product=products[name], window_s=window)))
    return {}


# ---- lists ----


def _is_meant(call: Call, category: str, order: Order) -> bool:
    """Do the request's filters let it through? An id beats a name, a name beats a symbol, and so on."""
    params = call.params
    instrument = call.service.state.markets[order.key].instrument
    order_id, link_id = params.text("orderId"), params.text("orderLinkId")
    if order_id or link_id:
        meant = order.order_id == order_id if order_id else order.link_id == link_id
    else:
        meant = (
            params.text("symbol", instrument.symbol) == instrument.symbol
            and params.text("baseCoin", instrument.base) == instrument.base
            and params.text("settleCoin", instrument.quote) == instrument.quote
        )
    wanted = params.text("orderFilter")
    return meant and instrument.category == category and (not wanted or filter_of(order) == wanted)


def realtime(call: Call) -> Result:
    """Open orders, and the last 500 closed ones when they are asked for or named."""
    category, params, account = call.category(), call.params, call.account
    if category in EMPTY_CATEGORIES:
        return {"category": category, "list": [], "nextPageCursor": ""}
    named = params.text("orderId") or params.text("orderLinkId")
    if category == "linear" and not (named or any(params.text(each) for each in ("symbol", "baseCoin", "settleCoin"))):
        raise Refused(10001, "params error: one of symbol, baseCoin, settleCoin is required")
    closed = account.closed_orders.get(category, [])[-CLOSED_SHOWN:]
    opened = [found for key, ids in account.open_orders.items() if key.startswith(category) for found in ids]
    ids = closed if params.text("openOnly") == "1" and not named else opened
    if named:
        ids = closed + opened
    elif ids is opened:
        ids = sorted(opened, key=lambda found: call.service.state.orders[found].created_ms)
    orders = [call.service.state.orders[found] for found in ids]
    return {"category": category} | _order_page(call, [each for each in orders if _is_meant(call, category, each)])


def history(call: Call) -> Result:
    """Closed orders of the days asked for; those that never traded are shown for a day."""
    category, params = call.category(), call.params
    if category in EMPTY_CATEGORIES:
        return {"category": category, "list": [], "nextPageCursor": ""}
    state = call.service.state
    first, last = span(params, state.now_ms)
    status = params.text("orderStatus")
    series = Series(
        f"orders:{category}",
        [state.orders[found] for found in call.account.closed_orders.get(category, [])],
        key_of(category, params.text("symbol")) if "symbol" in params else "",
        params.text("orderId"),
        params.text("orderLinkId"),
    )
    return {"category": category} | history_page(
        call,
        series,
        (20, 50),
        lambda order: order.updated_ms < first,
        lambda order: (
            first <= order.created_ms <= last
            and (order.filled > 0 or order.updated_ms >= state.now_ms - DAY_MS)
            and order.status == (status or order.status)
            and _is_meant(call, category, order)
        ),
        lambda order: shapes.order_row(state.markets[order.key], order),
    )


def _order_page(call: Call, orders: list[Order]) -> Result:
    markets = call.service.state.markets
    return page(orders, call.params, 20, 50, lambda order: shapes.order_row(markets[order.key], order))


def executions(call: Call) -> Result:
    """Fills, funding payments and takeovers of the days asked for."""
    category, params, state = call.category(), call.params, call.service.state
    if category in EMPTY_CATEGORIES:
        return {"category": category, "list": [], "nextPageCursor": ""}
    first, last = span(params, state.now_ms)

    def is_meant(found: Execution) -> bool:
        instrument = state.markets[found.key].instrument
        return (
            instrument.category == category
            and found.ms <= last
            and params.text("symbol", instrument.symbol) == instrument.symbol
            and params.text("baseCoin", instrument.base) == instrument.base
            and params.text("orderId", found.order_id) == found.order_id
            and params.text("orderLinkId", found.link_id) == found.link_id
            and params.text("execType", found.kind) == found.kind
        )

    series = Series(
        "executions",
        call.account.executions,
        key_of(category, params.text("symbol")) if "symbol" in params else "",
        params.text("orderId"),
        params.text("orderLinkId"),
    )
    return {"category": category} | history_page(
        call,
        series,
        (50, 100),
        lambda found: found.ms < first,
        is_meant,
        lambda found: shapes.execution_row(state.markets[found.key], found),
    )
